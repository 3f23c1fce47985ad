//go:build servers

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/lookup/dnstest"
)

func demoZoneIsSound(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), find(t, "nsd-checkzone"), ".", demoZone).CombinedOutput()
	if err != nil || string(output) != "zone . is ok\n" {
		t.Errorf("nsd-checkzone: %v, %q, want no complaint", err, output)
	}
}

// compared are the columns that must not depend on where answers come from.
var compared = []string{
	"caa_domain", "caa_status", "caa_reason", "caa_row", "caa_found_at", "caa_owner", "caa_records", "caa_fix",
}

// throughDNS are the domains of the demo of which the DNS says something else
// than the zone file, and the reason that they must have then.
var throughDNS = map[string]string{
	// NSD answers with both aliases of the circle, and unbound 1.17.1 with SERVFAIL
	// and no records, because a loop is signalled as an error (RFC 1034, section
	// 3.6.2). Without the aliases there is no loop to be seen.
	"loop.example": "servfail",
	// The zone file knows that this is delegated; a resolver asks the name server
	// of the delegation, which is dead. unbound 1.17.1 says SERVFAIL.
	"mail.subsidiary.example": "servfail",
}

// whereServersAreDead are the reasons that a resolver's answer about dead servers
// may give: SERVFAIL, the same with EDE 22 or 23, or none in time.
var whereServersAreDead = []string{"servfail", "no-authority", "timeout"}

// scanDemo scans the demo list with more arguments. It must end with 0.
func scanDemo(t *testing.T, program string, args ...string) (rows [][]string, stderr string) {
	t.Helper()
	got := runProgram(t, program, "", append([]string{"scan", demoList, "--issuer", "ca.example", "-o", "-", "--final-pass-after", "0s"}, args...)...)
	if got.code != exitDone {
		t.Fatalf("%v: exit %d, stderr %q, want 0", args, got.code, got.stderr)
	}
	report := readReport(t, got.stdout)
	for _, row := range report[1:] {
		rows = append(rows, pick(report[0], row, compared...))
	}
	return rows, got.stderr
}

// demoThroughDNS returns the rows that a scan of the demo through a resolver must
// give: those of the zone file, and by hand where the DNS says something else.
func (w world) demoThroughDNS(t *testing.T) [][]string {
	t.Helper()
	rows, _ := scanDemo(t, w.program, "--zone", demoZone)
	changed := 0
	for _, row := range rows {
		if reason, ok := throughDNS[row[0]]; ok {
			row[1], row[2] = "lookup-failed", reason
			changed++
		}
	}
	if len(rows) != 41 || changed != len(throughDNS) {
		t.Fatalf("%d rows, %d changed, want 41 and %d", len(rows), changed, len(throughDNS))
	}
	return rows
}

// anyReasonOf takes a failure for another where the domain's server is dead.
func anyReasonOf(rows [][]string, domains ...string) [][]string {
	for _, row := range rows {
		if slices.Contains(domains, row[0]) && row[1] == "lookup-failed" && slices.Contains(whereServersAreDead, row[2]) {
			row[2] = "of a dead server"
		}
	}
	return rows
}

func (w world) demo(t *testing.T) {
	const dead = "mail.subsidiary.example"
	want := anyReasonOf(w.demoThroughDNS(t), dead)
	for _, test := range []struct{ name, program, concurrency string }{
		{"one query in flight", w.program, "1"},
		{"64 queries in flight", w.program, "64"},
		{"one query in flight, with the race detector", w.raced, "1"},
		{"64 queries in flight, with the race detector", w.raced, "64"},
	} {
		t.Run(test.name, func(t *testing.T) {
			resolver := w.startUnbound(t)
			for _, cache := range []string{"cold", "warm"} {
				rows, stderr := scanDemo(t, test.program, "--resolver", resolver.address, "--concurrency", test.concurrency)
				if diff := cmp.Diff(want, anyReasonOf(rows, dead)); diff != "" {
					t.Errorf("%s cache: report mismatch (-zone file +resolver)\n%s", cache, diff)
				}
				if stderr != "" {
					t.Errorf("%s cache: stderr %q, want nothing where it is no terminal", cache, stderr)
				}
			}
		})
	}
}

// demoQueries are the names that the demo needs, with how often each is asked:
// once, whatever climbs lead over it, and where that failed once more, and twice in the
// final pass.
var demoQueries = map[string]int{
	"plain.example.": 1, "xn--bcher-kva.example.": 1, "webonly.example.": 1, "reports.example.": 1,
	"listed.example.": 1, "params.example.": 1, "both.example.": 1, "critical.example.": 1,
	"other.example.": 1, "subca.example.": 1, "nobody.example.": 1, "blank.example.": 1,
	"malformed.example.": 1, "dotted.example.": 1, "critical-tbs.example.": 1, "group.example.": 1,
	"mail.eu.group.example.": 1, "eu.group.example.": 1, "lab.group.example.": 1,
	"a.hosted.example.": 1, "b.hosted.example.": 1, "shop.example.": 1, "parked.example.": 1,
	"sales.oldname.example.": 1, "gone.example.": 1, "example.": 1,
	"fileserver.corp-internal.": 1, "corp-internal.": 1,
	"loop.example.": 4, "mail.subsidiary.example.": 4,
}

// queries holds the number in the summary to what the resolver was really asked.
func (w world) queries(t *testing.T) {
	for _, concurrency := range []string{"1", "64"} {
		resolver := w.startUnbound(t)
		_, stderr := scanDemo(t, w.program, "--resolver", resolver.address, "--concurrency", concurrency, "--verbose")
		// 30 names, of which two fail and are asked three times more.
		want := "caascan: 41 rows, 27 distinct domains, 30 names asked, 36 queries (6 retries), 16 permitted, 13 denied, 12 lookup-failed; "
		header, said, _ := strings.Cut(stderr, "\n")
		if first, summary, _ := strings.Cut(said, "\n"); !strings.HasPrefix(header, "caascan: row 1 is the header: ") || !strings.HasPrefix(first, "caascan: resolver "+resolver.address+": 36 queries; ") ||
			!strings.HasPrefix(summary, want) || strings.Count(stderr, "\n") != 3 {
			t.Errorf("concurrency %s: stderr %q, want how the resolver did, and a line that begins %q", concurrency, stderr, want)
		}
		if diff := cmp.Diff(demoQueries, resolver.asked(t)); diff != "" {
			t.Errorf("concurrency %s: queries mismatch (-want +got)\n%s", concurrency, diff)
		}
	}
}

var askedForCAA = regexp.MustCompile(`(?m) info: 127\.0\.0\.1 (\S+) CAA IN$`)

// asked returns how often the resolver was asked for the CAA records of each
// name, by its own log.
func (u unbound) asked(t *testing.T) map[string]int {
	t.Helper()
	log, err := os.ReadFile(u.log)
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	for _, match := range askedForCAA.FindAllSubmatch(log, -1) {
		counts[string(match[1])]++
	}
	return counts
}

// largeSize is how many CAA records large.example has: over 37 kB, far more than
// UDP carries.
const largeSize = 1001

// largeZone authorises largeSize issuers. The last one, in the file and by the
// order of the octets too, is ca.example.
func largeZone() string {
	var b strings.Builder
	b.WriteString("$ORIGIN large.example.\n$TTL 3600\n@ SOA ns hostmaster 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.53\n")
	for i := 1; i < largeSize; i++ {
		fmt.Fprintf(&b, "@ CAA 0 issuemail \"ca-%04d.example\"\n", i)
	}
	b.WriteString("@ CAA 0 issuemail \"ca.example\"\n")
	return b.String()
}

func (w world) largeRRset(t *testing.T) {
	resolver := w.startUnbound(t)
	source := []string{"--resolver", resolver.address, "--issuer", "ca.example"}
	got := runProgram(t, w.program, "jane@large.example\n", append([]string{"scan", "-", "-o", "-", "--verbose"}, source...)...)
	// Of the two queries the first, over UDP, is answered with TC (RFC 2181, section 9).
	want := "caascan: 1 rows, 1 distinct domains, 1 names asked, 2 queries (0 retries), 1 permitted, 0 denied, 0 lookup-failed; "
	if got.code != exitDone || !strings.Contains(got.stderr, "\n"+want) {
		t.Fatalf("exit %d, stderr %q, want 0 and %q", got.code, got.stderr, want)
	}
	report := readReport(t, got.stdout)
	cells := pick(report[0], report[1], "caa_status", "caa_reason", "caa_found_at", "caa_records")
	if diff := cmp.Diff([]string{"permitted", "issuer-listed", "large.example"}, cells[:3]); diff != "" {
		t.Errorf("row mismatch (-want +got)\n%s", diff)
	}
	cut := fmt.Sprintf(" of %d records; caascan check shows all; SHA-256 of all ", largeSize)
	if _, digest, _ := strings.Cut(cells[3], cut); len(digest) != len("]")+hex.EncodedLen(sha256.Size) {
		t.Errorf("the row does not end with %q and a digest: %.300q", cut, cells[3])
	}
	check := runProgram(t, w.program, "", append([]string{"check", "large.example"}, source...)...)
	if !strings.Contains(check.stdout, resolver.address+" over tcp, attempt 1: NOERROR") {
		t.Errorf("check does not say that the answer came over TCP: %.300q", check.stdout)
	}
	found := regexp.MustCompile(`found: .* CAA (.*)`).FindAllStringSubmatch(check.stdout, -1)
	if len(found) != largeSize || found[largeSize-1][1] != `0 issuemail "ca.example"` {
		t.Errorf("check shows %d records, want %d, the last of ca.example: %.300q", len(found), largeSize, check.stdout)
	}
}

// whenSeen is the sentence on the TTL, of which a resolver knows only what is left.
var whenSeen = regexp.MustCompile(` A change is seen [^.]+\.`)

// realLists scans 35,388 real names through servers. Every cell that does not say
// where and when an answer came must be as over the zone files.
func (w world) realLists(t *testing.T) {
	openReal(t, "gov/domains.csv") // or skip
	gov := filepath.Join(realData, "gov")
	root, zone := filepath.Join(gov, "root.zone"), filepath.Join(gov, "gov.zone")
	authority := startNSD(t, map[string]string{".": root, "gov.": zone})
	for _, list := range []string{"domains.csv", "subdomains.csv"} {
		resolver := startUnbound(t, authority, ".", "gov.")
		scan := func(source ...string) [][]string {
			args := append([]string{"scan", filepath.Join(gov, list), "--column", "1", "--issuer", "digicert.com", "-o", "-"}, source...)
			got := runProgram(t, w.program, "", args...)
			if got.code != exitDone || got.stderr != partOfDigiCert {
				t.Fatalf("%v: exit %d, stderr %q, want 0 and what is said of the issuer alone", source, got.code, got.stderr)
			}
			text := strings.ReplaceAll(got.stdout, "says "+resolver.address, "says root.zone")
			report := readReport(t, whenSeen.ReplaceAllString(text, ""))
			return without(withoutDoubt(report), "caa_resolver", "caa_checked_at")
		}
		compareRows(t, scan("--zone", root, "--zone", zone), scan("--resolver", resolver.address))
		const names = 16539 + 1 // all second-level domains, and gov
		if asked := len(resolver.asked(t)); list == "domains.csv" && asked != names {
			t.Errorf("%d names were asked, want %d", asked, names)
		}
	}
}

// compareRows shows where two large reports differ, as far as their first rows that do.
func compareRows(t *testing.T, want, got [][]string) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%d rows, want %d", len(got)-1, len(want)-1)
	}
	different, shown := 0, 10
	for i := range min(len(want), len(got)) {
		if slices.Equal(want[i], got[i]) {
			continue
		}
		if different++; different <= shown {
			t.Errorf("row %d mismatch (-want +got)\n%s", i, cmp.Diff(want[i], got[i]))
		}
	}
	if different > shown {
		t.Errorf("%d rows differ", different)
	}
}

// withoutDoubt takes away the warning that only an answer from the DNS can have.
func withoutDoubt(report [][]string) [][]string {
	at := slices.Index(report[0], "caa_warnings")
	for _, row := range report[1:] {
		row[at] = strings.TrimSpace(strings.Replace(row[at], "dnssec-not-validated", "", 1))
	}
	return report
}

// without empties the cells of some columns.
func without(report [][]string, columns ...string) [][]string {
	for i, name := range report[0] {
		if !slices.Contains(columns, name) {
			continue
		}
		for _, row := range report[1:] {
			row[i] = ""
		}
	}
	return report
}

// probeQueries is how many queries a probe sends to a resolver on loopback: for the root's
// SOA record, for a type that the root does not have, and for its keys.
const probeQueries = 3

// silentAfter is a resolver that answers the first queries, which are those of a probe,
// and then nothing any more. reached reports whether it has got another one.
func silentAfter(t *testing.T, answers int64) (address string, reached func() bool) {
	t.Helper()
	var received atomic.Int64
	server, err := dnstest.Start(dnstest.Config{Handle: func(q dnstest.Query) []dnstest.Reply {
		if received.Add(1) > answers {
			return nil
		}
		return q.Replies()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.Addr(), func() bool { return received.Load() > answers }
}

func (w world) deadResolvers(t *testing.T) {
	live := w.startUnbound(t).address
	closed := freeAddress(t).String()
	silent, _ := silentAfter(t, 0)
	const dead = "mail.subsidiary.example"
	want := anyReasonOf(w.demoThroughDNS(t), dead)
	// A probe that is not answered takes two tries of a second each.
	timeout := []string{"--timeout", "1s"}
	for name, test := range map[string]struct{ address, words string }{
		"nobody listens there": {closed, "connection refused"},
		"it does not answer":   {silent, "no answer within 1s"},
		"it is no resolver":    {w.authority.String(), "no recursion"},
	} {
		t.Run("one beside a live one: "+name, func(t *testing.T) {
			rows, stderr := scanDemo(t, w.program, append(timeout, "--resolver", test.address, "--resolver", live)...)
			if diff := cmp.Diff(want, anyReasonOf(rows, dead)); diff != "" {
				t.Errorf("report mismatch (-want +got)\n%s", diff)
			}
			wantLine := "caascan: resolver " + test.address + " is left out: "
			if !strings.HasPrefix(stderr, wantLine) || !strings.Contains(stderr, test.words) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("stderr %q, want one line that begins %q, with %q", stderr, wantLine, test.words)
			}
		})
	}
	t.Run("none but dead ones", func(t *testing.T) {
		report := filepath.Join(t.TempDir(), "report.csv")
		got := runProgram(t, w.program, "", append(timeout, "scan", demoList, "--issuer", "ca.example", "-o", report,
			"--resolver", closed, "--resolver", silent)...)
		if got.code != exitUnfinished || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 ||
			!strings.Contains(got.stderr, closed) || !strings.Contains(got.stderr, silent) || !strings.Contains(got.stderr, "--resolver") {
			t.Errorf("%+v, want exit 1 and one line with both addresses and what to do", got)
		}
		if left := filesIn(t, filepath.Dir(report)); len(left) > 0 {
			t.Errorf("%v is left, want no report", left)
		}
	})
	t.Run("one that dies after the probe", func(t *testing.T) {
		dying, _ := silentAfter(t, probeQueries)
		rows, stderr := scanDemo(t, w.program, append(timeout, "--resolver", dying, "--resolver", live)...)
		// The second try of a failure may have gone to the dead one.
		const loop = "loop.example"
		if diff := cmp.Diff(anyReasonOf(want, loop), anyReasonOf(rows, dead, loop)); diff != "" {
			t.Errorf("report mismatch (-want +got)\n%s", diff)
		}
		if want := "caascan: resolver " + dying + " "; !strings.HasPrefix(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("stderr %q, want one line that begins %q", stderr, want)
		}
	})
}

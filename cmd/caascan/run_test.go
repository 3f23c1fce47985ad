package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// ran is what a run of the program left behind.
type ran struct {
	code           int
	stdout, stderr string
}

func runWith(ctx context.Context, stdin string, args ...string) ran {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &stdout, &stderr)
	return ran{code, stdout.String(), stderr.String()}
}

const (
	demoList = "../../testdata/mailboxes.csv"
	demoZone = "../../testdata/demo.zone"
)

// readReport returns the rows of a CSV report, its header first.
func readReport(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestTheDemoShowsEveryReason holds the README's main job to what is expected of
// each mailbox, by the text of RFC 8659, RFC 9495 and RFC 5322.
func TestTheDemoShowsEveryReason(t *testing.T) {
	got := runWith(t.Context(), "", "scan", demoList, "--zone", demoZone, "--issuer", "ca.example", "-o", "-")
	if got.code != exitDone || got.stderr != "" {
		t.Fatalf("exit %d, stderr %q, want 0 and silence", got.code, got.stderr)
	}
	want := [][]string{
		{"ana@plain.example", "plain.example", "permitted", "no-caa", ""},
		{"BEN@PLAIN.EXAMPLE", "plain.example", "permitted", "no-caa", ""},
		{"clara@bücher.example", "xn--bcher-kva.example", "permitted", "no-caa", ""},
		{"dario@webonly.example", "webonly.example", "permitted", "no-issuemail", "webonly.example"},
		{"emma@reports.example", "reports.example", "permitted", "no-issuemail", "reports.example"},
		{"finn@listed.example", "listed.example", "permitted", "issuer-listed", "listed.example"},
		{"Falk, Greta <greta@listed.example>", "listed.example", "permitted", "issuer-listed", "listed.example"},
		{"mailto:hugo@params.example?subject=hello", "params.example", "permitted", "issuer-listed", "params.example"},
		{"ines@both.example", "both.example", "permitted", "issuer-listed", "both.example"},
		{"jan@critical.example", "critical.example", "permitted", "issuer-listed", "critical.example"},
		{"kira@other.example", "other.example", "denied", "issuer-not-listed", "other.example"},
		{"lars@subca.example", "subca.example", "denied", "issuer-not-listed", "subca.example"},
		{"mia@nobody.example", "nobody.example", "denied", "no-issuer", "nobody.example"},
		{"nils@blank.example", "blank.example", "denied", "no-issuer", "blank.example"},
		{"olga@malformed.example", "malformed.example", "denied", "malformed-issuemail", "malformed.example"},
		{"paul@dotted.example", "dotted.example", "denied", "malformed-issuemail", "dotted.example"},
		{"rosa@critical-tbs.example", "critical-tbs.example", "denied", "unknown-critical", "critical-tbs.example"},
		{"sven@group.example", "group.example", "denied", "issuer-not-listed", "group.example"},
		{"tina@mail.eu.group.example", "mail.eu.group.example", "denied", "issuer-not-listed", "group.example"},
		{"uwe@lab.group.example", "lab.group.example", "permitted", "no-issuemail", "lab.group.example"},
		{"vera@a.hosted.example", "a.hosted.example", "denied", "no-issuer", "a.hosted.example"},
		{"willi@b.hosted.example", "b.hosted.example", "denied", "no-issuer", "b.hosted.example"},
		{"xenia@shop.example", "shop.example", "permitted", "issuer-listed", "shop.example"},
		{"yves@parked.example", "parked.example", "permitted", "no-caa", ""},
		{"zoe@sales.oldname.example", "sales.oldname.example", "denied", "issuer-not-listed", "sales.oldname.example"},
		{"anton@gone.example", "gone.example", "permitted", "no-caa", ""},
		{"berta@listed.example (was berta@other.example)", "listed.example", "permitted", "issuer-listed", "listed.example"},
		{"'@listed.example", "listed.example", "permitted", "issuer-listed", "listed.example"},
		{"other.example", "other.example", "denied", "issuer-not-listed", "other.example"},
		{"carl@loop.example", "loop.example", "lookup-failed", "cname-loop", ""},
		{"dora@mail.subsidiary.example", "mail.subsidiary.example", "lookup-failed", "not-in-zone", ""},
		{"emil@fileserver.corp-internal", "fileserver.corp-internal", "lookup-failed", "tld-not-found", ""},
		{"", "", "lookup-failed", "empty", ""},
		{"georg@listed.example; georg@other.example", "", "lookup-failed", "several-addresses", ""},
		{"hanna@[192.0.2.25]", "", "lookup-failed", "ip-literal", ""},
		{"ivo@very-long-label-very-long-label-very-long-label-very-long-label-very-long-label-.example", "", "lookup-failed", "too-long", ""},
		{"jana@m\ufffdnchen.example", "", "lookup-failed", "bad-idn", ""},
		{"", "", "lookup-failed", "broken-row", ""},
		{"karl@localhost", "", "lookup-failed", "single-label", ""},
		{"(blank)", "", "lookup-failed", "not-a-domain", ""},
		{"max at listed.example", "", "lookup-failed", "not-a-domain", ""},
	}
	rows := readReport(t, got.stdout)
	var result [][]string
	for _, row := range rows[1:] {
		result = append(result, pick(rows[0], row, "email", "caa_domain", "caa_status", "caa_reason", "caa_found_at"))
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("report mismatch (-want +got)\n%s", diff)
	}
}

// pick returns the cells of the named columns.
func pick(header, row []string, names ...string) []string {
	var cells []string
	for _, name := range names {
		for i, column := range header {
			if column == name {
				cells = append(cells, row[i])
			}
		}
	}
	return cells
}

// TestErrorsAreOneLineThatHelps: a bad command line exits with 2, what cannot be
// done with 1; there is one line on stderr, and no output file is touched.
func TestErrorsAreOneLineThatHelps(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	list := file("list.csv", "email,name\njane@listed.example,Jane\n")
	report := file("report.csv", "yesterday's report\n")
	scanning := func(args ...string) []string {
		return append([]string{"scan", list, "--zone", demoZone, "--issuer", "ca.example", "-o", report}, args...)
	}
	answers := file("answers.jsonl", `{"snapshot":1}`+"\n")
	evidence := func(args ...string) []string {
		return append([]string{"scan", list, "--from-snapshot", answers, "--issuer", "ca.example", "-o", report}, args...)
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want string // in the message
	}{
		{"a missing file", []string{"scan", filepath.Join(dir, "no.csv"), "--zone", demoZone, "--issuer", "ca.example", "-o", report}, 1, "no.csv"},
		{"an empty file", []string{"scan", file("empty.csv", ""), "--zone", demoZone, "--issuer", "ca.example", "-o", report}, 1, "is empty"},
		{"a folder for a file", []string{"scan", dir, "--zone", demoZone, "--issuer", "ca.example", "-o", report}, 1, "is a directory"},
		{"no such column", scanning("--column", "adress"), 2, `"email"`},
		{"a column number beyond the last", scanning("--column", "3"), 2, "no such column"},
		{"a sheet of a CSV", scanning("--sheet", "1"), 2, "--sheet"},
		{"no issuer", []string{"scan", list, "--zone", demoZone, "-o", report}, 2, "--issuer DigiCert"},
		{"an issuer that is no domain", scanning("--issuer", "Some CA"), 2, "Some CA"},
		{"an issuer of one label", scanning("--issuer", "nobody"), 2, "single label"},
		{"a label twice", scanning("--issuer", "ca.example=other-ca.example"), 2, "another --issuer has the label"},
		{"a label with a comma", scanning("--issuer", "A,B=other-ca.example"), 2, "label"},
		{"no output of standard input", []string{"scan", "-", "--zone", demoZone, "--issuer", "ca.example"}, 2, "-o report.csv"},
		{"an unknown extension", scanning("-o", filepath.Join(dir, "report.ods")), 2, ".xlsx"},
		{"an output twice", scanning("-o", report), 2, "twice"},
		{"an output that is the input", scanning("-o", list), 2, "also read"},
		{"an output in no folder", scanning("-o", filepath.Join(dir, "none", "report.csv")), 1, "cannot be written"},
		{"an output that is a folder", scanning("-o", file("x", "")+"/../../"+filepath.Base(dir)+"/dir.csv"), 1, "cannot be written"},
		{"a zone file that is missing", scanning("--zone", filepath.Join(dir, "no.zone")), 1, "no.zone"},
		{"a zone file with a syntax error", scanning("--zone", file("bad.zone", "$ORIGIN test.\n@ SOA a b 1 1 1 1 1\nx CAA 0\n")), 1, "bad.zone:3"},
		{"two zone files for one zone", scanning("--zone", demoZone), 1, "zone"},
		{"zone files and resolvers", scanning("--resolver", "192.0.2.1"), 2, "--zone"},
		{"a resolver that is no address", []string{"scan", list, "--issuer", "ca.example", "-o", report, "--resolver", "dns.example"}, 2, "IP address"},
		{"no concurrency", scanning("--concurrency", "0"), 2, "--concurrency"},
		{"too much concurrency", scanning("--concurrency", "70000"), 2, "--concurrency"},
		{"no attempts", scanning("--attempts", "0"), 2, "--attempts"},
		{"no time", scanning("--timeout", "0s"), 2, "--timeout"},
		{"a negative rate", scanning("--rate", "-1"), 2, "--rate"},
		{"a bad --fail-on", scanning("--fail-on", "permitted"), 2, "--fail-on"},
		{"an empty --fail-on", scanning("--fail-on", ""), 2, "--fail-on"},
		{"a bad --only", scanning("--only", "denid"), 2, "permitted, denied or lookup-failed"},
		{"an empty --only", scanning("--only", ""), 2, "--only"},
		{"a column that is not there", scanning("--columns", "adress"), 2, `"email"`},
		{"a column twice", scanning("--columns", "name,input"), 2, "twice"},
		{"no columns", scanning("--columns", ""), 2, "--columns"},
		{"control characters in a name", []string{"scan", filepath.Join(dir, "\x1b[31mno.csv"), "--zone", demoZone, "--issuer", "ca.example", "-o", report}, 1, `\x1b[31mno.csv`},
		{"an output twice by another path", scanning("-o", filepath.Join(dir, "x", "..", "report.csv")), 2, "twice"},
		{"a snapshot that holds something", scanning("--snapshot", answers), 2, "continue it with --resume, or give another name"},
		{"--resume without --snapshot", scanning("--resume"), 2, "--snapshot"},
		{"--max-age without --resume", scanning("--snapshot", answers, "--max-age", "1h"), 2, "--resume"},
		{"--max-age without --snapshot", scanning("--max-age", "1h"), 2, "--resume"},
		{"no --max-age", scanning("--snapshot", answers, "--resume", "--max-age", "0s"), 2, "more than 0, such as 12h"},
		{"a negative --max-age", scanning("--snapshot", answers, "--resume", "--max-age", "-1h"), 2, "more than 0, such as 12h"},
		{"a bad --max-age", scanning("--snapshot", answers, "--resume", "--max-age", "old"), 2, "--max-age"},
		{"a snapshot on standard output", scanning("--snapshot", "-"), 2, "it needs a file"},
		{"a snapshot that is the input", scanning("--snapshot", list), 2, "write over"},
		{"a snapshot that is the report", scanning("--snapshot", report), 2, "write over"},
		{"a snapshot that is the zone", scanning("--snapshot", demoZone), 2, "write over"},
		{"a snapshot that is the overlay", scanning("--overlay", answers, "--snapshot", answers), 2, "write over"},
		{"a snapshot that is a report by another path", scanning("-o", filepath.Join(dir, "s.jsonl"), "--snapshot", filepath.Join(dir, "x", "..", "s.jsonl")), 2, "write over"},
		{"a snapshot in no folder", scanning("--snapshot", filepath.Join(dir, "none", "s.jsonl")), 1, "give a folder that exists"},
		{"a snapshot that is a folder", scanning("--snapshot", dir), 2, "not a regular file"},
		{"a snapshot that is none", scanning("--snapshot", file("none.jsonl", "PK\x03\x04"), "--resume"), 1, "none.jsonl:1: not a snapshot of caascan"},
		{"evidence and zone files", evidence("--zone", demoZone), 2, "leave --resolver and --zone out"},
		{"evidence and resolvers", evidence("--resolver", "192.0.2.1"), 2, "leave --resolver and --zone out"},
		{"evidence and a snapshot", evidence("--snapshot", filepath.Join(dir, "s.jsonl")), 2, "leave one out"},
		{"evidence and --resume", evidence("--resume"), 2, "--snapshot"},
		{"evidence and --max-age", evidence("--max-age", "1h"), 2, "--resume"},
		{"evidence that is the report", evidence("-o", answers), 2, "also read"},
		{"evidence that is missing", evidence("--from-snapshot", filepath.Join(dir, "no.jsonl")), 1, "no.jsonl cannot be read"},
		{"evidence that is a folder without snapshots", evidence("--from-snapshot", filepath.Join(dir, "dir.csv")), 2, "no file in this folder ends in .jsonl"},
		{"evidence that is none", evidence("--from-snapshot", list), 1, "list.csv:1: not a snapshot of caascan"},
		{"evidence of a later program", evidence("--from-snapshot", file("later.jsonl", `{"snapshot":3}`+"\n")), 1, "later.jsonl:1: a snapshot of a later caascan"},
		{"check of evidence and zone files", []string{"check", "a.example", "--from-snapshot", answers, "--zone", demoZone}, 2, "leave --resolver and --zone out"},
		{"check of evidence that is none", []string{"check", "a.example", "--from-snapshot", list}, 1, "list.csv:1: not a snapshot of caascan"},
		{"a bad --progress", scanning("--progress", "often"), 2, "--progress"},
		{"a bad --header", scanning("--header", "maybe"), 2, "--header"},
		{"an unknown flag", scanning("--isuer", "x"), 2, "--isuer"},
		{"a flag without its value", []string{"scan", list, "--issuer"}, 2, "--issuer"},
		{"a second input that is not there", scanning("second.csv"), 1, "second.csv"},
		{"a pattern that matches nothing", scanning("second*.csv"), 2, "no file matches it"},
		{"an unknown command", []string{"scna"}, 2, "scna"},
		{"check without a name", []string{"check"}, 2, "no name to check"},
		{"check of no domain", []string{"check", "localhost", "--zone", demoZone}, 2, "single-label"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.MkdirAll(filepath.Join(dir, "dir.csv"), 0o700); err != nil {
				t.Fatal(err)
			}
			got := runWith(t.Context(), "", test.args...)
			if got.code != test.code {
				t.Errorf("exit %d, want %d", got.code, test.code)
			}
			if strings.Count(got.stderr, "\n") != 1 || !strings.HasPrefix(got.stderr, "caascan: ") || !strings.Contains(got.stderr, test.want) {
				t.Errorf("stderr %q, want one line with %q", got.stderr, test.want)
			}
			if got.stdout != "" {
				t.Errorf("stdout %q, want nothing", got.stdout)
			}
			if text, err := os.ReadFile(report); err != nil || string(text) != "yesterday's report\n" {
				t.Errorf("the old report: %q, %v, want it untouched", text, err)
			}
			for _, leftover := range []string{".*", "*.lock"} {
				if left, err := filepath.Glob(filepath.Join(dir, leftover)); err != nil || len(left) > 0 {
					t.Errorf("left behind: %v, %v", left, err)
				}
			}
		})
	}
}

// silentResolver answers the probe and then nothing any more.
func silentResolver(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 512)
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		reply := buffer[:n]
		reply[2] |= 0x80 // QR
		reply[3] |= 0x80 // RA
		_, _ = conn.WriteTo(reply, from)
	}()
	return conn.LocalAddr().String()
}

// TestASignalEndsARunAtOnce: exit 130 or 143, in under a second, with the old
// report in its place.
func TestASignalEndsARunAtOnce(t *testing.T) {
	for signal, code := range map[os.Signal]int{os.Interrupt: exitInterrupted, syscall.SIGTERM: exitTerminated, syscall.SIGHUP: exitHungUp} {
		report := filepath.Join(t.TempDir(), "report.csv")
		if err := os.WriteFile(report, []byte("yesterday's report\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(100*time.Millisecond, func() { cancel(interrupted{signal}) })
		start := time.Now()
		got := runWith(ctx, "", "scan", demoList, "--issuer", "ca.example", "-o", report, "--resolver", silentResolver(t))
		if took := time.Since(start); got.code != code || took > time.Second {
			t.Errorf("%v: exit %d after %v, want %d in under a second (stderr %q)", signal, got.code, took, code, got.stderr)
		}
		entries, err := os.ReadDir(filepath.Dir(report))
		if err != nil || len(entries) != 1 {
			t.Errorf("%v: the folder holds %v (%v), want the old report alone", signal, entries, err)
		}
		if text, err := os.ReadFile(report); err != nil || string(text) != "yesterday's report\n" {
			t.Errorf("%v: the old report: %q, %v, want it untouched", signal, text, err)
		}
	}
}

func TestNoUsableResolverIsAnErrorBeforeAnyRowIsRead(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := conn.LocalAddr().String()
	conn.Close() // nobody listens there any more
	report := filepath.Join(t.TempDir(), "report.csv")
	got := runWith(t.Context(), "", "scan", demoList, "--issuer", "ca.example", "-o", report, "--resolver", dead)
	if got.code != exitUnfinished || !strings.Contains(got.stderr, "no usable resolver; "+dead) || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("exit %d, stderr %q, want 1 and one line with the name of the dead resolver", got.code, got.stderr)
	}
	if _, err := os.Stat(report); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the report: %v, want none", err)
	}
}

// TestAnInputThatChangesIsNotReported: the list is written anew while its names
// are being asked, so the rows of the second pass are not those of the first.
func TestAnInputThatChangesIsNotReported(t *testing.T) {
	t.Run("other rows", func(t *testing.T) { scanWhileItBecomes(t, "email\nb@other.example\na@listed.example\n") })
	t.Run("a cell more", func(t *testing.T) { scanWhileItBecomes(t, "email\na@listed.example,more\nb@other.example\n") })
}

func scanWhileItBecomes(t *testing.T, changed string) {
	dir := t.TempDir()
	list, report := filepath.Join(dir, "list.csv"), filepath.Join(dir, "report.csv")
	write := func(text string) {
		if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("email\na@listed.example\nb@other.example\n")
	var once sync.Once
	server, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{load(t, demoZone)}, Handle: func(q dnstest.Query) []dnstest.Reply {
		if q.Name != "." {
			once.Do(func() { write(changed) })
		}
		return q.Replies()
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	got := runWith(t.Context(), "", "scan", list, "--resolver", server.Addr(), "--issuer", "ca.example", "-o", report)
	if got.code != exitUnfinished || !strings.Contains(got.stderr, "changed while it was read") {
		t.Errorf("exit %d, stderr %q, want 1 and the reason", got.code, got.stderr)
	}
	if _, err := os.Stat(report); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the report: %v, want none", err)
	}
}

func load(t *testing.T, file string) *zone.Zone {
	t.Helper()
	z, err := zone.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestASignalAfterTheEndDoesNotChangeIt: what is done is done.
func TestASignalAfterTheEndDoesNotChangeIt(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{os.Interrupt})
	if got := runWith(ctx, "", "version"); got.code != exitDone {
		t.Errorf("exit %d, want 0", got.code)
	}
	if code, words := exitCode(ctx, errFailOn), lastWords(ctx, errFailOn); code != exitFailOn || words != "" {
		t.Errorf("exit %d, stderr %q, want 3 and silence", code, words)
	}
}

func TestFailOnSetsTheExitCodeAndWritesTheReport(t *testing.T) {
	for words, code := range map[string]int{"denied": exitFailOn, "lookup-failed": exitDone, "denied,lookup-failed": exitFailOn} {
		list := "x@other.example\ny@listed.example\n"
		got := runWith(t.Context(), list, "scan", "-", "--zone", demoZone, "--issuer", "ca.example", "-o", "-", "--fail-on", words)
		if got.code != code || len(readReport(t, got.stdout)) != 3 || got.stderr != "" {
			t.Errorf("--fail-on %s: %+v, want exit %d and a report of 2 rows", words, got, code)
		}
	}
}

func TestTheSummaryIsOneLine(t *testing.T) {
	got := runWith(t.Context(), "x@other.example\nx@other.example\ny@listed.example\nv@both.example\nw@nobody.example\nz\n",
		"scan", "-", "--zone", demoZone, "--issuer", "ca.example", "--issuer", "Other=other-ca.example", "-o", "-", "--verbose")
	line, _, _ := strings.Cut(got.stderr, " seconds")
	want := "caascan: 6 rows, 4 distinct domains, 4 names asked, 4 queries (0 retries); ca.example: 2 permitted, 3 denied, 1 lookup-failed; " +
		"Other: 3 permitted, 2 denied, 1 lookup-failed; permitted: both 1, only ca.example 1, only Other 2, neither 1; "
	if !strings.HasPrefix(line, want) || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("stderr %q, want one line that begins %q", got.stderr, want)
	}
}

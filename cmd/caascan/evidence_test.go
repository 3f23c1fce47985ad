package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// provenZones are under a top-level domain that is provably not signed, open, and one that
// is, locked.
const provenZones = `$TTL 300
. SOA ns.open. hostmaster.open. 1 7200 900 1209600 300
dead.open. CAA 0 issuemail "ca.example" ; answer: servfail
silent.open. CAA 0 issuemail "ca.example" ; answer: drop
half.open. CAA 0 issuemail "ca.example" ; answer: half
lame.open. CAA 0 issuemail "ca.example" ; answer: servfail ede=22 text="at delegation \x1b[31m"
signed.open. CNAME dead.locked. ; answer: chain
unsigned.open. CNAME dead.open. ; answer: chain
below.alias.open. A 192.0.2.1
alias.open. CNAME target.open.
target.open. A 192.0.2.1
dead.locked. CAA 0 issuemail "ca.example" ; answer: servfail
good.locked. CAA 0 issuemail "ca.example"
insecure.locked. CAA 0 issuemail "ca.example" ; answer: insecure
corp.locked. CAA 0 issuemail ";"
weak.corp.locked. CAA 0 issue "ca.example"
odd.locked. CAA 0 issuemail "\000\"\\\255"
far.locked. CNAME other.open.
other.open. 9 CAA 0 issuemail "other.example"
old.locked. CAA 0 issuemail "ca.example" ; answer: ede=1
mail.house.locked. CAA 0 issuemail "ca.example" ; answer: servfail
`

// provenInputs are the names under open and locked that are looked up, besides those of
// the faults.
const provenInputs = `dead.open
mail.dead.open
silent.open
half.open
lame.open
signed.open
unsigned.open
below.alias.open
dead.locked
mail.dead.locked
good.locked
insecure.locked
corp.locked
weak.corp.locked
odd.locked
far.locked
old.locked
mail.house.locked
nothing.nosuch
"=cmd|' /C calc'!A0@good.locked"
no domain
`

// answerDS answers for the names of provenZones as a resolver that validates would.
func answerDS(q dnstest.Query) []dnstest.Reply {
	const digest = " 300 IN DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000"
	records := map[string]string{
		"open": "open. 300 IN NSEC z. NS RRSIG NSEC", "locked": "locked." + digest, "house.locked": "house.locked." + digest,
	}
	text, known := records[q.Name]
	if q.Type != dns.TypeDS || !known {
		return q.Replies()
	}
	var query dns.Msg
	if err := query.Unpack(q.Wire); err != nil {
		return nil
	}
	reply := new(dns.Msg).SetReply(&query)
	reply.RecursionAvailable, reply.AuthenticatedData = true, true
	record, err := dns.NewRR(text)
	if err != nil {
		return nil
	}
	if record.Header().Rrtype == dns.TypeDS {
		reply.Answer = append(reply.Answer, record)
	} else {
		reply.Ns = append(reply.Ns, record)
	}
	wire, err := reply.Pack()
	if err != nil {
		return nil
	}
	return []dnstest.Reply{{Wire: wire}}
}

// TestEvidenceGivesTheReportOfItsRun: over a world in which all goes wrong that can, the
// report that is made of the snapshot is that of the run that wrote it, octet for octet,
// with each reason, each detail and what a CA may do.
func TestEvidenceGivesTheReportOfItsRun(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	server, err := dnstest.Start(dnstest.Config{
		Zones:     []*zone.Zone{load(t, filepath.Join(conformance, "zones", "faults.zone")), load(t, writeText(t, in("proven.zone"), provenZones))},
		Validates: true, Handle: answerDS,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	inputs := provenInputs
	for _, c := range readCases(t) {
		if c.world == "faults" {
			inputs += c.input + "\n"
		}
	}
	list := writeText(t, in("list.csv"), inputs)
	args := []string{"scan", list, "--header", "no", "--issuer", "Ours=ca.example", "--issuer", "Other=other.example"}
	run := runWith(t.Context(), "", append(args, "--resolver", server.Addr(), "--timeout", "200ms", "--final-pass-after", "0s", "--concurrency", "200",
		"--snapshot", in("answers.jsonl"), "-o", in("run.csv"), "-o", in("run.jsonl"), "--emit-fixes", "Other="+in("run.zone"))...)
	if run.code != exitDone {
		t.Fatalf("%+v", run)
	}
	checkIsAll(t, readReport(t, readText(t, in("run.csv"))))
	queries := len(server.Queries())
	again := runWith(t.Context(), "", append(args, "--from-snapshot", in("answers.jsonl"),
		"-o", in("again.csv"), "-o", in("again.jsonl"), "--emit-fixes", "Other="+in("again.zone"))...)
	if again.code != exitDone || len(server.Queries()) != queries {
		t.Errorf("exit %d, %d queries, stderr %q, want 0 and none", again.code, len(server.Queries())-queries, again.stderr)
	}
	for _, format := range []string{".csv", ".jsonl", ".zone"} {
		want, got := readText(t, in("run"+format)), readText(t, in("again"+format))
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s mismatch (-run +from the snapshot)\n%s", format, diff)
		}
	}
}

// checkIsAll holds the report of the run to what its world is for.
func checkIsAll(t *testing.T, rows [][]string) {
	t.Helper()
	found := make(map[string]bool)
	for _, row := range rows[1:] {
		for _, cell := range pick(rows[0], row, "caa_reason", "caa_on_failure", "caa_dnssec", "caa_warnings") {
			for word := range strings.FieldsSeq(cell) {
				found[word] = true
			}
		}
	}
	for _, word := range []string{
		"timeout", "network", "servfail", "refused", "notimp", "formerr", "rcode", "dnssec-bogus", "no-authority", "filtered", "stale",
		"malformed-reply", "truncated", "cname-loop", "tld-not-found", "not-a-domain",
		"ca-may-issue", "ca-must-not-issue", "unknown", "secure", "insecure", "bogus",
		"hides-parent", "dnssec-unsupported", "domain-not-found", "inherited",
	} {
		if !found[word] {
			t.Errorf("%s is in no row: %v", word, slices.Sorted(maps.Keys(found)))
		}
	}
	for _, row := range rows[1:] {
		cells := pick(rows[0], row, "caa_domain", "caa_on_failure")
		want, known := map[string]string{
			"dead.open": "ca-may-issue", "mail.dead.open": "ca-may-issue", "silent.open": "ca-may-issue", "half.open": "ca-may-issue",
			"lame.open": "ca-may-issue", "unsigned.open": "ca-may-issue",
			"signed.open": "unknown", "dead.locked": "unknown", // locked is signed, but of what is below nothing is shown
			"mail.house.locked": "ca-must-not-issue", "bogus.example": "ca-must-not-issue",
			"servfail.example": "ca-must-not-issue", // the root, which is signed, says that there is no such top-level domain
		}[cells[0]]
		if known && cells[1] != want {
			t.Errorf("%s: %s, want %s", cells[0], cells[1], want)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEvidenceGivesTheSameBytesAnywhere: in another folder, in another time zone and
// language, with and without words about it.
func TestEvidenceGivesTheSameBytesAnywhere(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	server := dnstest.Serve(t, demoZone)
	t.Chdir(first)
	write := func(dir string) {
		writeText(t, filepath.Join(dir, "list.csv"), "email,name\nana@plain.example,Ana\nbob@other.example,Bob\nx@elsewhere.test,X\nnone,Y\n")
	}
	write(first)
	got := runWith(t.Context(), "", "scan", "list.csv", "--resolver", server.Addr(), "--issuer", "ca.example", "--snapshot", "answers.jsonl", "-o", "-")
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	server.Close()
	write(second)
	writeText(t, filepath.Join(second, "answers.jsonl"), readText(t, filepath.Join(first, "answers.jsonl")))
	formats := []string{"csv", "jsonl", "html", "xlsx"}
	report := func(flags ...string) {
		t.Helper()
		args := []string{"scan", "list.csv", "--from-snapshot", "answers.jsonl", "--issuer", "ca.example", "--issuer", "New=new.example"}
		for _, format := range formats {
			args = append(args, "-o", "report."+format)
		}
		if got := runWith(t.Context(), "", append(args, flags...)...); got.code != exitDone {
			t.Fatalf("%+v", got)
		}
	}
	report()
	t.Chdir(second)
	t.Setenv("TZ", "Pacific/Kiritimati")
	t.Setenv("LANG", "tr_TR.UTF-8")
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	report("--verbose", "--progress", "always")
	for _, format := range formats {
		want, got := readText(t, filepath.Join(first, "report."+format)), readText(t, filepath.Join(second, "report."+format))
		if want != got || len(want) == 0 {
			t.Errorf("%s: %d octets and %d, or others", format, len(want), len(got))
		}
	}
	if page := readText(t, filepath.Join(second, "report.html")); !strings.Contains(page, "answers.jsonl (5 answers, SHA-256 ") {
		t.Error("the page does not name the snapshot, how many answers it has and its SHA-256")
	}
}

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"caascan/scan/lookup/dnstest"
)

// edeKinds are the replies beside which an Extended DNS Error stands: words of dnstest.
var edeKinds = map[string]string{"set": "", "nx": "not-there", "fail": "servfail"}

// edeWanted returns the reason of a reply of a kind with an INFO-CODE, and whether it is
// warned that validation was not possible, by hand from RFC 8914, section 4, and SBR 4.2.2.1.
func edeWanted(code int, kind string) (reason string, unsupported bool) {
	answered := kind != "fail"
	in := func(codes ...int) bool { return slices.Contains(codes, code) }
	switch {
	case in(4, 15, 16, 17, 18):
		return "filtered", false
	case in(3, 19):
		return "stale", false
	case in(6, 7, 8, 9, 10, 11, 12, 25), answered && in(33), !answered && in(5):
		return "dnssec-bogus", false
	case !answered && in(22, 23):
		return "no-authority", false
	case !answered:
		return "servfail", false
	case kind == "nx":
		return "no-caa", in(1, 2, 5, 27)
	}
	return "issuer-listed", in(1, 2, 5, 27)
}

// TestEveryExtendedErrorGivesTheSameReportFromItsSnapshot walks the table from the reply to
// the report, and from the snapshot to the report again: what a run writes its --resume reads.
func TestEveryExtendedErrorGivesTheSameReportFromItsSnapshot(t *testing.T) {
	const codes = 40 // a few that nobody has assigned
	dir := t.TempDir()
	text, list := ". 300 SOA ns.test. hostmaster.test. 1 1800 900 604800 300\ntest. A 192.0.2.1\n", "domain\n"
	for code := range codes {
		for kind, words := range edeKinds {
			name := fmt.Sprintf("%s%d.test", kind, code)
			text += fmt.Sprintf("%s. 300 CAA 0 issuemail \"ca.example\" ; answer: %s ede=%d\n", name, words, code)
			list += name + "\n"
		}
	}
	server := dnstest.Serve(t, writeText(t, filepath.Join(dir, "ede.zone"), text))
	input, answers := writeText(t, filepath.Join(dir, "list.csv"), list), filepath.Join(dir, "answers.jsonl")
	args := []string{"scan", input, "--issuer", "ca.example", "-o", "-"}
	run := runWith(t.Context(), "", append(args, "--resolver", server.Addr(), "--final-pass-after", "0s", "--snapshot", answers)...)
	again := runWith(t.Context(), "", append(args, "--from-snapshot", answers)...)
	resumed := runWith(t.Context(), "", append(args, "--resolver", server.Addr(), "--final-pass-after", "0s", "--snapshot", answers, "--resume")...)
	if run.code != exitDone || again.code != exitDone || resumed.code != exitDone || run.stdout != again.stdout {
		t.Fatalf("%+v\n%+v\n%+v", run, again, resumed)
	}
	for _, report := range [][][]string{readReport(t, run.stdout), readReport(t, resumed.stdout)} {
		for _, row := range report[1:] {
			cells := pick(report[0], row, "domain", "caa_reason", "caa_warnings")
			var kind string
			var code int
			if _, err := fmt.Sscanf(strings.NewReplacer("set", "set ", "nx", "nx ", "fail", "fail ").Replace(cells[0]), "%s %d", &kind, &code); err != nil {
				t.Fatalf("%s: %v", cells[0], err)
			}
			reason, unsupported := edeWanted(code, kind)
			if cells[1] != reason || strings.Contains(cells[2], "dnssec-unsupported") != unsupported {
				t.Errorf("%s: %q, want %s, unsupported %v", cells[0], cells[1:], reason, unsupported)
			}
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
)

// TestAnExtraCACostsNoQuery holds a scan for one CA and one for three to the same
// queries, a name that fails, aliases and parents included.
func TestAnExtraCACostsNoQuery(t *testing.T) {
	dir := t.TempDir()
	zoneFile := writeText(t, filepath.Join(dir, "world.zone"), `. 300 SOA ns.test. hostmaster.test. 1 1800 900 604800 300
both.test. 300 CAA 0 issuemail "old.test"
both.test. 300 CAA 0 issuemail "new.test"
old-only.test. 300 CAA 0 issuemail "old.test"
alias.test. 300 CNAME old-only.test.
broken.test. 300 CAA 0 issuemail "old.test" ; answer: servfail
`)
	list := "a@both.test\nb@old-only.test\nc@alias.test\nd@mail.both.test\ne@plain.test\nf@broken.test\ng@both.test\n"
	// Each name and parent once, both.test for two domains. The name that fails is asked
	// twice, and twice in the final pass.
	want := map[string]int{
		"both.test CAA": 1, "old-only.test CAA": 1, "alias.test CAA": 1, "mail.both.test CAA": 1,
		"plain.test CAA": 1, "test CAA": 1, "broken.test CAA": 4,
	}
	for _, cas := range [][]string{{"--issuer", "Old=old.test"}, threeCAs} {
		server := dnstest.Serve(t, zoneFile)
		args := append([]string{"scan", "-", "--resolver", server.Addr(), "--final-pass-after", "0s", "-o", "-"}, cas...)
		got := runWith(t.Context(), list, args...)
		if got.code != exitDone || len(readReport(t, got.stdout)) != 8 {
			t.Fatalf("%v: %+v, want 7 rows", cas, got)
		}
		if diff := cmp.Diff(want, asked(server)); diff != "" {
			t.Errorf("%v: queries (-want +got):\n%s", cas, diff)
		}
	}
}

// asked counts the queries for each name but the root, which is that of a probe. One
// that is sent again within its try, as on a machine that is busy, has the same ID.
func asked(server *dnstest.Server) map[string]int {
	count, seen := make(map[string]int), make(map[string]bool)
	for _, q := range server.Queries() {
		key := fmt.Sprintf("%v %x", q.From, q.Wire)
		if q.Name == "" || q.Name == "." || seen[key] {
			continue
		}
		seen[key] = true
		count[q.Name+" "+dns.TypeToString[q.Type]]++
	}
	return count
}

// TestOnlyLeavesOutRowsAndNothingElse: exit code, counts and fix file are those of all
// rows, whatever is written.
func TestOnlyLeavesOutRowsAndNothingElse(t *testing.T) {
	list := "a@other.example\nb@listed.example\nc@loop.example\nd@plain.example\ne@other.example\n"
	for _, test := range []struct {
		only string
		rows []string // of the report
	}{
		{"denied", []string{"a@other.example", "e@other.example"}},
		{"lookup-failed", []string{"c@loop.example"}},
		{"lookup-failed, denied,denied", []string{"a@other.example", "c@loop.example", "e@other.example"}},
		{"permitted", []string{"b@listed.example", "d@plain.example"}},
		{"permitted,denied,lookup-failed", []string{"a@other.example", "b@listed.example", "c@loop.example", "d@plain.example", "e@other.example"}},
	} {
		fixes := filepath.Join(t.TempDir(), "fixes.zone")
		got := runWith(t.Context(), list, "scan", "-", "--zone", demoZone, "--issuer", "ca.example", "-o", "-", "--verbose",
			"--only", test.only, "--fail-on", "denied", "--emit-fixes", fixes)
		if got.code != exitFailOn {
			t.Fatalf("--only %s: %+v, want exit %d: a row is denied, written or not", test.only, got, exitFailOn)
		}
		var rows []string
		for _, row := range readReport(t, got.stdout)[1:] {
			rows = append(rows, row[0])
		}
		if diff := cmp.Diff(test.rows, rows); diff != "" {
			t.Errorf("--only %s (-want +got):\n%s", test.only, diff)
		}
		if note := fmt.Sprintf(" for any CA are written (--only): %d of 5. CSV, JSON Lines and the sheets Results and Failed hold only these; all else is of all rows.\n", len(test.rows)); !strings.Contains(got.stderr, note) {
			t.Errorf("--only %s: %q, want %q", test.only, got.stderr, note)
		}
		if counts := "caascan: 5 rows, 4 distinct domains, "; !strings.Contains(got.stderr, counts) ||
			!strings.Contains(got.stderr, ", 2 permitted, 2 denied, 1 lookup-failed; ") {
			t.Errorf("--only %s: %q, want the counts of all rows", test.only, got.stderr)
		}
		if text, err := os.ReadFile(fixes); err != nil || !strings.Contains(string(text), "; other.example denies ca.example: 2 rows, 1 domain\n") {
			t.Errorf("--only %s: fixes %q, %v", test.only, text, err)
		}
	}
}

package html

import (
	"flag"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report/reporttest"
)

// The page counts what changed, says it of each domain, and offers it as a filter.
func TestThePageOfChanges(t *testing.T) {
	page := pageOf(t, reporttest.Compared(t, "ca.example"))
	var got []string
	for _, line := range page.id(t, "summary").all("table")[0].lines() {
		got = append(got, strings.Join(strings.SplitN(line, " | ", 5)[:4], " | "))
	}
	want := []string{
		"What | Change | Rows | Domains",
		"Policy | newly-denied | 1 | 1", "Policy | newly-permitted | 0 | 0", "Policy | reason-changed | 0 | 0", "Policy | records-changed | 0 | 0",
		"Lookup trouble | failed-now | 1 | 1", "Lookup trouble | recovered-denied | 0 | 0", "Lookup trouble | recovered | 0 | 0", "The list | new | 1 | 0", "The list | gone | 2 | 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	wantDomains := []string{
		"Domain | Rows | Status | Records found at | Warnings | Change",
		"open.example | 2 | ✓ permitted no-caa | | |",
		"bogus.example | 1 | ? lookup-failed dnssec-bogus | | | failed-now",
		"mail.closed.example | 1 | ✕ denied issuer-not-listed | closed.example | idn-mapped inherited | newly-denied",
	}
	var domains []string
	for _, line := range page.id(t, "table").lines() {
		domains = append(domains, strings.Join(strings.Fields(line), " "))
	}
	if diff := cmp.Diff(wantDomains, domains); diff != "" {
		t.Errorf("domains (-want +got):\n%s", diff)
	}
	if got := page.id(t, "change").text(); got != "allnewly-deniedfailed-now" { // gone.example is not on the page
		t.Errorf("the filter offers %q", got)
	}
	for _, node := range pageOf(t, reporttest.NewWorld(t, "ca.example")).all("select") {
		if node.attribute("id") == "change" {
			t.Error("there is a filter although nothing was compared")
		}
	}
}

var _ = flag.Bool("update", false, "write the golden files anew")

func TestGoldens(t *testing.T) {
	reporttest.Golden(t, "one-ca.html.txt", asRead(pageOf(t, reporttest.NewWorld(t, "ca.example"))))
	reporttest.Golden(t, "placed.html.txt", asRead(pageOf(t, reporttest.Placed(t, "ca.example"))))
	reporttest.Golden(t, "two-cas.html.txt", asRead(pageOf(t, reporttest.NewWorld(t, "Old", "New"))))
}

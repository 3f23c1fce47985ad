package html

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report/reporttest"
)

// The page counts what other places corroborate, shows what they have seen otherwise, and
// offers it as a filter. By hand: of six rows two have open.example, and two have no domain.
func TestThePageOfPerspectives(t *testing.T) {
	page := pageOf(t, reporttest.Placed(t, "Old", "New"))
	tables := page.id(t, "perspectives").all("table")
	var counts []string
	for _, line := range tables[0].lines() {
		counts = append(counts, strings.Join(strings.SplitN(line, " | ", 5)[:4], " | "))
	}
	want := []string{
		"Corroborated | CA | Rows | Domains",
		"yes | Old | 0 | 0", "no | Old | 2 | 1", "not-applicable | Old | 2 | 2", "unknown | Old | 0 | 0",
		"yes | New | 0 | 0", "no | New | 2 | 1", "not-applicable | New | 1 | 1", "unknown | New | 1 | 1",
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	want = []string{
		"Domain | Rows | Corroborated | Seen here | Seen from fra | Seen from sin | Seen from sao",
		`open.example | 2 | Old: no New: no | Old: permitted (no-caa) New: permitted (no-caa) | the same | ` +
			`Old: denied (issuer-not-listed) New: denied (issuer-not-listed) 0 issuemail "forger.example" 0 issuemail "<b>=1+1" | not asked`,
	}
	if diff := cmp.Diff(want, tables[1].lines()); diff != "" {
		t.Errorf("domains that differ (-want +got):\n%s", diff)
	}
	want = []string{
		"Domain | Rows | Status for Old | Status for New | Records found at | Warnings | Corroborated",
		"open.example | 2 | ✓ permitted no-caa | ✓ permitted no-caa |  |  | Old: no, New: no",
		"bogus.example | 1 | ? lookup-failed dnssec-bogus | ? lookup-failed dnssec-bogus |  |  | Old: not-applicable, New: not-applicable",
		"mail.closed.example | 1 | ✕ denied issuer-not-listed | ✓ permitted issuer-listed | closed.example | idn-mapped inherited | Old: not-applicable, New: unknown",
	}
	if diff := cmp.Diff(want, page.id(t, "table").lines()); diff != "" {
		t.Errorf("domains (-want +got):\n%s", diff)
	}
	if got := page.id(t, "corroborated").text(); got != "allnonot-applicableunknown" {
		t.Errorf("the filter offers %q", got)
	}
	if got := page.text(); !strings.Contains(got, "3 other places: fra, sin and sao.") {
		t.Error("the places are not named")
	}
}

// Without other places nothing is said of them, and of many domains the page has some.
func TestThePageHoldsSomePlaces(t *testing.T) {
	for d := range pageOf(t, reporttest.NewWorld(t, "ca.example")).Descendants() {
		if id := (node{d}).attribute("id"); id == "perspectives" || id == "corroborated" {
			t.Errorf("there is %q although nothing was compared", id)
		}
	}
	w := reporttest.Placed(t, "ca.example")
	other := reporttest.Permitted(t, "also.example", 1)
	w.Add(other, nil, "x@also.example")
	w.Results[len(w.Results)-1].Places = w.Results[0].Places
	limits := mostOnPage()
	limits.places = 1
	text := pageWithin(t, w, limits).id(t, "perspectives").text()
	if !strings.Contains(text, "2 domains whose answers differ from place to place, or for which too few of the places have seen what was seen here. This page has the 1 with the most rows.") || !strings.Contains(text, "open.example") || strings.Contains(text, "also.example") {
		t.Errorf("the page says %q", text)
	}
}

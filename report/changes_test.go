package report

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"caascan/scan"
)

// By hand, of six rows: one whose policy changed, one that fails now, one that is new
// (an empty cell); of the earlier report one row of gone.example and one of open.example
// are not there any more.
func TestChanges(t *testing.T) {
	c := compared(t, "Old", "New").changes
	want := map[scan.Change]Count{
		scan.ChangeStatus: {1, 1}, scan.ChangeFailedNow: {1, 1}, scan.ChangeNew: {1, 0}, scan.ChangeGone: {2, 1}, scan.ChangeNone: {3, 1},
	}
	for _, change := range append(scan.Changes(), scan.ChangeNone) {
		if got := c.Count(change); got != want[change] {
			t.Errorf("%q: %v, want %v", change, got, want[change])
		}
	}
	if got, want := c.Kind(scan.ListChange), (Count{3, 1}); got != want || !c.Policy() {
		t.Errorf("rows of the list: %v, want %v", got, want)
	}
}

// Each sheet, column, field and table is there only where rows are compared.
func TestChangesAreShown(t *testing.T) {
	w := compared(t, "Old", "New")
	f := open(t, w.bytes(t, XLSX))
	if got := f.GetSheetList()[:2]; !slices.Equal(got, []string{"Summary", "Changes"}) {
		t.Errorf("the sheets begin with %q", got)
	}
	want := [][]string{
		{"Domain", "Change", "Rows", "Was", "Is", "Records before", "Records now"},
		{
			"mail.closed.example", "status-changed", "1", "Old: permitted (no-issuemail)\nNew: permitted (no-issuemail)", "Old: denied (issuer-not-listed)\nNew: permitted (issuer-listed)",
			`0 issuemail "was.example"`, "0 issuemail \"other.example\"\n0 issuemail \"=cmd|\\\"x\\\"\"",
		},
		{"bogus.example", "failed-now", "1", "Old: permitted (no-caa)\nNew: permitted (no-caa)", "Old: lookup-failed (dnssec-bogus)\nNew: lookup-failed (dnssec-bogus)"},
		{"", "new", "1"},
		{"gone.example", "gone", "1", "Old: permitted (no-caa)\nNew: permitted (no-caa)"},
		{"open.example", "gone", "1", "Old: permitted (no-caa)\nNew: permitted (no-caa)", "Old: permitted (no-caa)\nNew: permitted (no-caa)"},
	}
	if diff := cmp.Diff(want, rows(t, f, changesSheet)); diff != "" {
		t.Errorf("sheet (-want +got):\n%s", diff)
	}
	var summary []string
	for _, row := range rows(t, f, summarySheet) {
		if len(row) > 3 && slices.Contains(scan.Changes(), scan.Change(row[0])) {
			summary = append(summary, strings.Join(row[:4], " "))
		}
	}
	wantSummary := []string{
		"status-changed 1 16.7% 1", "reason-changed 0 0.0% 0", "records-changed 0 0.0% 0", "failed-now 1 16.7% 1", "recovered 0 0.0% 0",
		"new 1 16.7% 0", "gone 2 33.3% 1",
	}
	if diff := cmp.Diff(wantSummary, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if got := linksOfSummary(t, f); !slices.Equal(got, []string{"Changes", "Fix list", "Results", "Failed", "Domains", "Legend"}) {
		t.Errorf("the summary leads to %q", got)
	}
	legend := rows(t, f, legendSheet)
	for _, word := range []string{"Changes", "failed-now", "caa_change", "Records before"} {
		if !slices.ContainsFunc(legend, func(row []string) bool { return row[0] == word }) {
			t.Errorf("the legend does not have %s", word)
		}
	}
	plain := newWorld(t, "Old", "New")
	plain.layout.Columns = []string{"caa_change"}
	if err := plain.layout.Check(); err == nil || !strings.Contains(err.Error(), "only with --baseline") {
		t.Errorf("caa_change without a baseline: %v", err)
	}
}

// linksOfSummary returns the sheets whose names in the summary lead to them, in the order
// of the workbook.
func linksOfSummary(t *testing.T, f *excelize.File) []string {
	t.Helper()
	var linked []string
	for _, sheet := range f.GetSheetList() {
		cells, err := f.SearchSheet(summarySheet, sheet)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range cells {
			_, target, err := f.GetCellHyperLink(summarySheet, at)
			if err != nil {
				t.Fatal(err)
			}
			if target == (place{sheet, 1}).location() {
				linked = append(linked, sheet)
			}
		}
	}
	return linked
}

// A sheet without lines says so.
func TestNothingChanged(t *testing.T) {
	w := newWorld(t, "Old", "New")
	b := w.baseline(t, CSV)
	for _, r := range w.results {
		b.Compare(r)
	}
	var err error
	if w.changes, err = b.Changes(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.layout.Compared = "old.csv"
	got := rows(t, open(t, w.bytes(t, XLSX)), changesSheet)
	if len(got) != 2 || got[1][0] != "Nothing is different from the earlier report." {
		t.Errorf("%q", got)
	}
}

func TestTheColumnOfChanges(t *testing.T) {
	w := compared(t, "ca.example")
	w.layout.Columns = []string{"caa_row", "caa_change"}
	got, err := csv.NewReader(strings.NewReader(string(w.bytes(t, PlainCSV)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"caa_row", "caa_change"}, {"2", ""}, {"3", "status-changed"}, {"4", ""}, {"5", "failed-now"}, {"6", "new"}, {"7", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, rows(t, open(t, w.bytes(t, XLSX)), resultsSheet), trailing()); diff != "" {
		t.Errorf("workbook (-want +got):\n%s", diff)
	}
	var jsonl []string
	for _, row := range readJSONL(t, w.bytes(t, JSONL)) {
		jsonl = append(jsonl, row.Change)
	}
	if diff := cmp.Diff([]string{"", "status-changed", "", "failed-now", "new", ""}, jsonl); diff != "" {
		t.Errorf("JSON Lines (-want +got):\n%s", diff)
	}
}

// trailing makes rows equal that differ in empty cells at the end.
func trailing() cmp.Option {
	return cmp.Transformer("trailing", func(row []string) string { return strings.TrimRight(strings.Join(row, "|"), "|") })
}

// The page counts what changed, says it of each domain, and offers it as a filter.
func TestThePageOfChanges(t *testing.T) {
	page := pageOf(t, compared(t, "ca.example"))
	var got []string
	for _, line := range page.id(t, "summary").all("table")[0].lines() {
		got = append(got, strings.Join(strings.SplitN(line, " | ", 5)[:4], " | "))
	}
	want := []string{
		"What | Change | Rows | Domains",
		"Policy | status-changed | 1 | 1", "Policy | reason-changed | 0 | 0", "Policy | records-changed | 0 | 0",
		"Lookup trouble | failed-now | 1 | 1", "Lookup trouble | recovered | 0 | 0", "The list | new | 1 | 0", "The list | gone | 2 | 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	wantDomains := []string{
		"Domain | Rows | Status | Records found at | Warnings | Change",
		"open.example | 2 | ✓ permitted no-caa | | |",
		"bogus.example | 1 | ? lookup-failed dnssec-bogus | | | failed-now",
		"mail.closed.example | 1 | ✕ denied issuer-not-listed | closed.example | idn-mapped inherited | status-changed",
	}
	var domains []string
	for _, line := range page.id(t, "table").lines() {
		domains = append(domains, strings.Join(strings.Fields(line), " "))
	}
	if diff := cmp.Diff(wantDomains, domains); diff != "" {
		t.Errorf("domains (-want +got):\n%s", diff)
	}
	if got := page.id(t, "change").text(); got != "allstatus-changedfailed-now" { // gone.example is not on the page
		t.Errorf("the filter offers %q", got)
	}
	for _, node := range pageOf(t, newWorld(t, "ca.example")).all("select") {
		if node.attribute("id") == "change" {
			t.Error("there is a filter although nothing was compared")
		}
	}
}

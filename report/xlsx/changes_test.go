package xlsx

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
)

// Each sheet, column, field and table is there only where rows are compared.
func TestChangesAreShown(t *testing.T) {
	w := reporttest.Compared(t, "Old", "New")
	f := open(t, w.Bytes(t, New))
	if got := f.GetSheetList()[:2]; !slices.Equal(got, []string{"Summary", "Changes"}) {
		t.Errorf("the sheets begin with %q", got)
	}
	want := [][]string{
		{"Domain", "Change", "Rows", "Was", "Is", "Records before", "Records now"},
		{
			"mail.closed.example", "newly-denied", "1", "Old: permitted (no-issuemail)\nNew: permitted (no-issuemail)", "Old: denied (issuer-not-listed)\nNew: permitted (issuer-listed)",
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
		"newly-denied 1 16.7% 1", "newly-permitted 0 0.0% 0", "reason-changed 0 0.0% 0", "records-changed 0 0.0% 0", "failed-now 1 16.7% 1", "recovered-denied 0 0.0% 0", "recovered 0 0.0% 0",
		"new 1 16.7% 0", "gone 2 33.3% 1",
	}
	if diff := cmp.Diff(wantSummary, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if got := linksOfSummary(t, f); !slices.Equal(got, []string{"Changes", "Fix list Old", "Results", "Failed", "Domains", "Legend"}) {
		t.Errorf("the summary leads to %q", got)
	}
	legend := rows(t, f, legendSheet)
	for _, word := range []string{"Changes", "failed-now", "caa_change", "Records before"} {
		if !slices.ContainsFunc(legend, func(row []string) bool { return row[0] == word }) {
			t.Errorf("the legend does not have %s", word)
		}
	}
	plain := reporttest.NewWorld(t, "Old", "New")
	plain.Layout.Columns = []string{"caa_change"}
	if err := plain.Layout.Check(); err == nil || !strings.Contains(err.Error(), "only with --baseline") {
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

// A sheet without lines is not there, and the summary leads to nothing.
func TestNothingChanged(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	w.Changes = &report.Changes{Earlier: "old.csv", Labels: w.Layout.Issuers}
	w.Layout.Compared = "old.csv"
	f := open(t, w.Bytes(t, New))
	if slices.Contains(f.GetSheetList(), changesSheet) || slices.Contains(linksOfSummary(t, f), changesSheet) {
		t.Errorf("there is a sheet of changes: %q", f.GetSheetList())
	}
	for i, row := range rows(t, f, summarySheet) {
		if len(row) > 0 && slices.Contains(scan.Changes(), scan.Change(row[0])) {
			if linked, to, err := f.GetCellHyperLink(summarySheet, fmt.Sprintf("A%d", i+1)); linked || err != nil {
				t.Errorf("%s leads to %s: %v", row[0], to, err)
			}
		}
	}
}

// trailing makes rows equal that differ in empty cells at the end.
func trailing() cmp.Option {
	return cmp.Transformer("trailing", func(row []string) string { return strings.TrimRight(strings.Join(row, "|"), "|") })
}

// The cells of the results are those of CSV, in whatever order they are chosen.
func TestChosenColumns(t *testing.T) {
	for _, columns := range []string{
		"caa_reason|caa_row", "phone|caa_status|email", "input|caa_status", "caa_row|input", "input", "caa_status:New|caa_status:Old",
		"input_CAA_Status|caa_row", "caa_owner|caa_row", "extra1|caa_row", "caa_row|caa_change",
	} {
		w := reporttest.Compared(t, "Old", "New")
		w.Layout.Columns, w.Layout.Cells = strings.Split(columns, "|"), report.RawCells
		w.Results = w.Results[:3]
		want, err := csv.NewReader(bytes.NewReader(w.Bytes(t, report.NewPlainCSV))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, rows(t, open(t, w.Bytes(t, New)), resultsSheet), trailing()); diff != "" {
			t.Errorf("%s (-CSV +workbook):\n%s", columns, diff)
		}
	}
}

package xlsx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/report/reporttest"
)

// The sheet has a line for each customer, which leads to its first row; the summary names
// those of which rows are denied, and draws them.
func TestGroupsAreShown(t *testing.T) {
	w := reporttest.Grouped(t, "ca.example")
	f := open(t, w.Bytes(t, New))
	const sheet = "By Customer_ __td__"
	if got := f.GetSheetList()[:3]; !slices.Equal(got, []string{"Summary", sheet, "Fix list"}) {
		t.Fatalf("the sheets begin with %q", got)
	}
	want := [][]string{
		{`Customer: </td>\x1b`, "Rows", "Domains", "Permitted", "Denied", "Failed", "Names to mend"},
		{`=Biza\u{202e}`, "2", "2", "", "1", "1", "1"},
		{"(empty)", "2", "", "", "", "2"},
		{"Acme & <Sons>", "2", "1", "2"},
	}
	if diff := cmp.Diff(want, rows(t, f, sheet)); diff != "" {
		t.Errorf("sheet (-want +got):\n%s", diff)
	}
	for at, want := range map[string]string{"B2": "'Results'!A3", "B3": "'Results'!A6", "B4": "'Results'!A2"} {
		if _, got, err := f.GetCellHyperLink(sheet, at); err != nil || got != want {
			t.Errorf("%s leads to %q (%v), want %q", at, got, err, want)
		}
	}
	var summary [][]string
	for i, all := 0, rows(t, f, summarySheet); i < len(all); i++ {
		if len(all[i]) > 0 && strings.HasPrefix(all[i][0], "By ") && strings.Contains(all[i][0], "for whom ca.example") {
			for _, row := range all[i:] {
				if len(row) > 0 && row[0] != "Warnings" {
					summary = append(summary, row)
				}
				if len(row) > 0 && row[0] == "Warnings" {
					break
				}
			}
			break
		}
	}
	wantSummary := [][]string{
		{`By Customer: </td>\x1b: for whom ca.example is denied`},
		{"Of 3 values one has rows that are denied."},
		{`Customer: </td>\x1b`, "Rows", "Share of rows", "Domains", "Of all its rows"},
		{`=Biza\u{202e}`, "1", "16.7%", "1", "of 2 rows, 2 domains; 1 name to mend; 1 row failed"},
	}
	if diff := cmp.Diff(wantSummary, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if n := charts(t, f); n != 4 {
		t.Errorf("%d charts, want those of the CA and one more", n)
	}
}

// charts is how many the workbook has.
func charts(t *testing.T, f *excelize.File) int {
	t.Helper()
	n := 0
	f.Pkg.Range(func(part, _ any) bool {
		if strings.HasPrefix(fmt.Sprint(part), "xl/charts/chart") {
			n++
		}
		return true
	})
	return n
}

// Rows that are not written are counted, and nothing leads to them; several CAs have columns
// each, and the order is that of the last one.
func TestGroupsOfRowsLeftOut(t *testing.T) {
	w := reporttest.Grouped(t, "Old", "New")
	w.All = w.Results
	w.Results = w.Results[2:5]
	f := open(t, w.Bytes(t, New))
	sheet := f.GetSheetList()[1]
	want := [][]string{
		{`Customer: </td>\x1b`, "Rows", "Domains", "Permitted for Old", "Denied for Old", "Permitted for New", "Denied for New", "Failed", "Names to mend for Old", "Names to mend for New"},
		{`=Biza\u{202e}`, "2", "2", "", "1", "1", "", "1", "1"},
		{"(empty)", "2", "", "", "", "", "", "2"},
		{"Acme & <Sons>", "2", "1", "2", "", "2"},
	}
	if diff := cmp.Diff(want, rows(t, f, sheet)); diff != "" {
		t.Errorf("sheet (-want +got):\n%s", diff)
	}
	for at, want := range map[string]string{"B2": "'Results'!A3", "B3": "'Results'!A4", "B4": "'Results'!A2"} {
		if _, got, err := f.GetCellHyperLink(sheet, at); err != nil || got != want {
			t.Errorf("%s leads to %q (%v), want %q", at, got, err, want)
		}
	}
	w.Results = w.Results[:1]
	f = open(t, w.Bytes(t, New))
	if linked, _, err := f.GetCellHyperLink(sheet, "B2"); err != nil || linked {
		t.Errorf("a line whose rows are not there leads somewhere (%v)", err)
	}
}

// If a sheet of results is full, a line leads into the next.
func TestGroupsLeadIntoFurtherSheets(t *testing.T) {
	f := open(t, limited(t, reporttest.Grouped(t, "ca.example"), 3))
	if _, got, err := f.GetCellHyperLink(f.GetSheetList()[1], "B3"); err != nil || got != "'Results 3'!A2" {
		t.Errorf("the line of rows without a customer leads to %q (%v), want the fifth row", got, err)
	}
}

// TestNamesOfGroupSheets: what a workbook does not take as a name is no part of one.
func TestNamesOfGroupSheets(t *testing.T) {
	var tables []report.GroupTable
	for _, column := range []string{"State", "state", "STATE", "a/b\\c[d]e*f?g:h'i", strings.Repeat("x", 40), strings.Repeat("x", 41), "", "\x1b😀ü", strings.Repeat("ß", 40)} {
		tables = append(tables, report.GroupTable{Column: column})
	}
	want := []string{
		"By State", "By state (2)", "By STATE (3)", "By a_b_c_d_e_f_g_h_i", "By " + strings.Repeat("x", 25), "By " + strings.Repeat("x", 21) + " (2)", "By", "By __ü", "By " + strings.Repeat("ß", 25),
	}
	got := groupSheetNames(tables)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f := excelize.NewFile()
	defer f.Close()
	for _, name := range got {
		if at, err := f.NewSheet(name + " 99"); err != nil || at < 1 {
			t.Errorf("%q: %v", name, err)
		}
	}
	if n := len(f.GetSheetList()); n != len(got)+1 {
		t.Errorf("%d sheets, want %d", n-1, len(got))
	}
}

// Numbers in texts are written as those in cells are.
func TestCounted(t *testing.T) {
	for n, want := range map[int]string{0: "0 rows", 1: "1 row", 999: "999 rows", 34_035: "34,035 rows", 1_234_567: "1,234,567 rows"} {
		if got := counted(n, "row"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

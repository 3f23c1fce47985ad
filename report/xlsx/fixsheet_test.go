package xlsx

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"caascan/report/reporttest"
	"caascan/scan"
)

// What is the same in every line stands above them, and the CA that is moved to has the
// first sheet.
func TestFixSheets(t *testing.T) {
	w := many(t, 3)
	for _, moved := range []string{"", "New", "Old"} {
		w.Run.MovedTo = moved
		f := open(t, w.Bytes(t, New))
		first := "Fix list New"
		if moved == "Old" {
			first = "Fix list Old"
		}
		if got := f.GetSheetList()[1]; got != first {
			t.Errorf("moved to %q: the first sheet is %q", moved, got)
		}
		all := rows(t, f, "Fix list New")
		if len(all) != 7 {
			t.Fatalf("%d rows, want 3 titles, a header and 3 lines: %q", len(all), all)
		}
		if want := `In every line: the record to add is 0 issuemail "new.example"; it is published by whoever runs the domain; the reason is issuer-not-listed; to be known before: stops-others.`; all[2][0] != want {
			t.Errorf("%q, want %q", all[2][0], want)
		}
		if got := strings.Join(all[3], "|"); got != "Deciding name|Rows|Domains|To publish|Owner|Ticket|Done" {
			t.Errorf("columns %q", got)
		}
		if want := "policy0.example. IN CAA 0 issuemail \"new.example\" ; new\npolicy0.example. IN CAA 0 issuemail \"other.example\""; all[4][3] != want {
			t.Errorf("to publish: %q, want %q", all[4][3], want)
		}
	}
	sheet := readSheet(t, w.Bytes(t, New), "Fix list New")
	for what, want := range map[string]string{
		"what stays in view":          `<pane xSplit="1" ySplit="4" topLeftCell="B5" activePane="bottomRight" state="frozen"/>`,
		"a filter below the titles":   `<autoFilter ref="A4:G7"/>`,
		"titles over several columns": `<mergeCell ref="A1:`,
		"the new record in bold":      `<rPr><b/>`,
	} {
		if !strings.Contains(sheet, want) {
			t.Errorf("%s: no %s", what, want)
		}
	}
}

// A label may hold what no sheet's name may, be too long for one, or like another's.
func TestFixSheetNames(t *testing.T) {
	labels := []string{`a/b[c]'`, `A_b_c__`, strings.Repeat("long ", 20), strings.Repeat("long ", 21), strings.Repeat("👩", 20), "New"}
	taken := make(map[string]bool)
	for i, name := range fixSheetNames(labels) {
		if units := len(utf16.Encode([]rune(name + " 99"))); units > 31 || strings.ContainsAny(name, `:\/?*[]'`) || taken[strings.ToLower(name)] {
			t.Errorf("%q becomes %q, %d units with a number", labels[i], name, units)
		}
		taken[strings.ToLower(name)] = true
	}
	if got := fixSheetNames([]string{"any"}); !slices.Equal(got, []string{"Fix list"}) {
		t.Errorf("a lone CA: %q", got)
	}
}

// About 20 names stand on a screen, however many records they have.
func TestFixRowsAreLow(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	var values []string
	for i := range 40 {
		values = append(values, fmt.Sprintf("ca%d.example", i))
	}
	w.Results[1].Verdict.Decisions[0].Fix = reporttest.Fix(t, "policy.example", values...)
	w.Results[1].Verdict.Outcome.Records = reporttest.Issuemail(t, "policy.example", values[:39]...)
	sheet := readSheet(t, w.Bytes(t, New), "Fix list")
	if !strings.Contains(sheet, `<row r="4" ht="24" customHeight="1">`) {
		t.Errorf("the row of 40 records is not of two lines")
	}
	if !strings.Contains(sheet, "ca39.example") {
		t.Error("a record is not in the cell")
	}
}

// A list that takes no more than a screen is shown whole, as it is on paper then; its columns
// are as wide as what is in them.
func TestShortFixList(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	kept := []string{"one.example", "two.example", "three.example"}
	w.Results[1].Verdict.Decisions[0].Fix = reporttest.Fix(t, "policy.example", append(kept, "ca.example")...)
	w.Results[1].Verdict.Outcome.Records = reporttest.Issuemail(t, "policy.example", kept...)
	short := readSheet(t, w.Bytes(t, New), "Fix list")
	if !strings.Contains(short, `<row r="4" ht="56" customHeight="1">`) {
		t.Error("the row of 4 records does not show them all")
	}
	long := many(t, 30)
	long.Results[0].Verdict.Decisions[1].Fix = reporttest.Fix(t, "a-name-that-is-rather-long.policy0.example", "other.example", "third.example", "new.example")
	sheet := readSheet(t, long.Bytes(t, New), "Fix list New")
	if got := strings.Count(sheet, `ht="24"`); got != 30 {
		t.Errorf("%d of 30 rows of a long list have the height of two lines", got)
	}
	for _, sheet := range []string{short, sheet} {
		total := 0.0
		for _, match := range regexp.MustCompile(`<col min="(\d+)" max="(\d+)" width="([0-9.]+)"`).FindAllStringSubmatch(sheet, -1) {
			first, _ := strconv.Atoi(match[1])
			last, _ := strconv.Atoi(match[2])
			width, _ := strconv.ParseFloat(match[3], 64)
			total += width * float64(last-first+1)
		}
		if total > fitting {
			t.Errorf("the columns are %g characters wide, and a page of paper takes %d", total, fitting)
		}
	}
}

// Codes that do not fit into a line are apart between two of them: a spreadsheet breaks them
// after a hyphen.
func TestNoteLines(t *testing.T) {
	got := noteLines([]scan.FixNote{scan.NoteOnPurpose, scan.NoteOthers, scan.NoteForbids})
	if want := "perhaps-on-purpose, stops-others,\nforbids-all-stays"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := noteLines([]scan.FixNote{scan.NoteOthers}); got != "stops-others" {
		t.Errorf("one code: %q", got)
	}
}

// An international name stands beside its form in the DNS, and the legend says so.
func TestFixListHasNamesAsPeopleReadThem(t *testing.T) {
	w := many(t, 2)
	if got := rows(t, open(t, w.Bytes(t, New)), "Fix list New")[3]; slices.Contains(got, "In Unicode") {
		t.Errorf("no name is international: %q", got)
	}
	denied := &w.Results[0].Verdict
	denied.Records = reporttest.Issuemail(t, "xn--bcher-kva.example", "other.example")
	for i, ca := range []string{"old.example", "new.example"} {
		denied.Decisions[i].Fix = reporttest.Fix(t, "xn--bcher-kva.example", "other.example", ca)
	}
	f := open(t, w.Bytes(t, New))
	var lines []string
	for _, row := range rows(t, f, "Fix list New")[3:] {
		lines = append(lines, strings.Join(row[:2], "|"))
	}
	if want := "Deciding name|In Unicode"; lines[0] != want || !slices.Contains(lines, "xn--bcher-kva.example|bücher.example") {
		t.Errorf("lines %q", lines)
	}
	if !slices.ContainsFunc(rows(t, f, legendSheet), func(row []string) bool { return row[0] == "In Unicode" && row[1] == "column of Fix list" }) {
		t.Error("the legend does not explain the column")
	}
}

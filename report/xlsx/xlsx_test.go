package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
)

// open reads a workbook with excelize.
func open(t testing.TB, workbook []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(workbook))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// readSheet returns the XML of a sheet.
func readSheet(t testing.TB, workbook []byte, sheet string) string {
	t.Helper()
	place := slices.Index(open(t, workbook).GetSheetList(), sheet)
	return readPart(t, workbook, fmt.Sprintf("xl/worksheets/sheet%d.xml", place+1))
}

func rows(t testing.TB, f *excelize.File, sheet string) [][]string {
	t.Helper()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// asText writes all sheets of a workbook as CSV.
func asText(t testing.TB, workbook []byte) string {
	t.Helper()
	f := open(t, workbook)
	var text strings.Builder
	for _, sheet := range f.GetSheetList() {
		fmt.Fprintf(&text, "-- %s --\n", sheet)
		w := csv.NewWriter(&text)
		if err := w.WriteAll(rows(t, f, sheet)); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// Text of any kind comes back as it was, and as text.
func TestHostileText(t *testing.T) {
	texts := reporttest.HostileTexts()
	w := reporttest.NewWorld(t, "ca.example")
	w.Results = nil
	v := reporttest.Permitted(t, "open.example", 1)
	for _, text := range texts {
		w.Add(v, nil, text)
	}
	workbook := w.Bytes(t, New)
	f := open(t, workbook)
	for i, text := range texts {
		at := fmt.Sprintf("A%d", i+2)
		got, err := f.GetCellValue(resultsSheet, at)
		if err != nil {
			t.Fatal(err)
		}
		kind, err := f.GetCellType(resultsSheet, at)
		if err != nil {
			t.Fatal(err)
		}
		if back := report.UnescapeCell(got); back != text || kind != excelize.CellTypeInlineString {
			t.Errorf("%q came back as %q, of type %d", text, back, kind)
		}
	}
	sheet := readSheet(t, workbook, resultsSheet)
	if strings.Contains(sheet, "<f>") {
		t.Error("there is a formula in the sheet")
	}
	// excelize keeps blanks at the ends in any case, Excel does not.
	for _, text := range []string{"> lead<", ">trail <", ">\n<"} {
		if !strings.Contains(sheet, `<t xml:space="preserve"`+text) {
			t.Errorf("blanks at the ends of %q are lost in Excel", text)
		}
	}
}

// The summary and the header take texts from outside too.
func TestHostileSummary(t *testing.T) {
	for _, text := range reporttest.HostileTexts() {
		w := reporttest.NewWorld(t, text, "New")
		w.Run.InputName, w.Run.Settings, w.Run.Notes = text, text, []string{text}
		f := open(t, w.Bytes(t, New))
		found := 0
		for _, row := range rows(t, f, summarySheet) {
			for _, cell := range row {
				if report.UnescapeCell(cell) == text {
					found++
				}
			}
		}
		if found != 3 {
			t.Errorf("%q stands in %d cells as it is, want 3", text, found)
		}
		header := rows(t, f, resultsSheet)[0]
		if !slices.ContainsFunc(header, func(name string) bool { return report.UnescapeCell(name) == "caa_status:"+text }) {
			t.Errorf("no column caa_status:%s in %q", text, header)
		}
	}
}

// readPart returns a part of a workbook.
func readPart(t testing.TB, workbook []byte, name string) string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := archive.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLongCells(t *testing.T) {
	const most = 32767 // UTF-16 units: the limit of Excel
	tests := []struct {
		name, cell, want string
	}{
		{"the longest that fits", strings.Repeat("a", most), strings.Repeat("a", most)},
		{"the longest that fits, of two units a character", strings.Repeat("👩", most/2), strings.Repeat("👩", most/2)},
		{"one too long", strings.Repeat("a", most+1), "aaa … [cut: a spreadsheet cell holds 32767 of these 32768 characters]"},
		{"40,000 characters", strings.Repeat("a", 40_000), "aaa … [cut: a spreadsheet cell holds 32767 of these 40000 characters]"},
		{"a surrogate pair is not split", strings.Repeat("👩", 20_000), "👩👩👩 … [cut: a spreadsheet cell holds 32767 of these 40000 characters]"},
		{"nor at the other parity", "a" + strings.Repeat("👩", 20_000), "👩👩👩 … [cut: a spreadsheet cell holds 32767 of these 40001 characters]"},
		{"what is escaped counts as it is shown", strings.Repeat("\x00", 8192), " … [cut: a spreadsheet cell holds 32767 of these 32768 characters]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := reporttest.NewWorld(t, "ca.example")
			w.Results = nil
			w.Add(reporttest.Permitted(t, "open.example", 1), nil, test.cell)
			got := rows(t, open(t, w.Bytes(t, New)), resultsSheet)[1][0]
			if !strings.HasSuffix(got, test.want) {
				t.Errorf("ends in %q, want %q", got[max(0, len(got)-100):], test.want)
			}
			if n := len(utf16.Encode([]rune(got))); n > most || n < most-4 {
				t.Errorf("%d UTF-16 units, want %d or a few less", n, most)
			}
		})
	}
}

// rolling returns a workbook that goes on in another sheet after so many rows,
// the header included.
func rolling(t testing.TB, w reporttest.World, maxRows, results int) []byte {
	t.Helper()
	var out bytes.Buffer
	to, err := New(&out, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	to.(*workbook).limits.rows = maxRows
	v := reporttest.Permitted(t, "open.example", len(w.Layout.Issuers))
	w.Results = nil
	for range results {
		w.Add(v, nil, "x@open.example")
	}
	w.Write(t, to)
	return out.Bytes()
}

// sheetsOf returns the sheets of a kind, in their order.
func sheetsOf(f *excelize.File, name string) []string {
	return slices.DeleteFunc(f.GetSheetList(), func(sheet string) bool { return !strings.HasPrefix(sheet, name) })
}

func TestFurtherSheets(t *testing.T) {
	tests := []struct {
		name    string
		results int
		want    map[string]int // the rows of each sheet of results, the header included
	}{
		{"a full sheet", 9, map[string]int{"Results": 10}},
		{"one row more", 10, map[string]int{"Results": 10, "Results 2": 2}},
		{"three sheets", 25, map[string]int{"Results": 10, "Results 2": 10, "Results 3": 8}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := open(t, rolling(t, reporttest.NewWorld(t, "ca.example"), 10, test.results))
			got := make(map[string]int)
			next := 2
			for i, sheet := range sheetsOf(f, resultsSheet) {
				if want := strings.TrimSuffix(fmt.Sprintf("Results %d", i+1), " 1"); sheet != want {
					t.Errorf("sheet %d is %q, want %q", i+1, sheet, want)
				}
				all := rows(t, f, sheet)
				got[sheet] = len(all)
				if all[0][0] != "email" {
					t.Errorf("%s begins with %q, not with the header", sheet, all[0])
				}
				for _, row := range all[1:] {
					if row[3] != fmt.Sprint(next) {
						t.Fatalf("%s: caa_row is %s, want %d", sheet, row[3], next)
					}
					next++
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("sheets (-want +got):\n%s", diff)
			}
		})
	}
}

// A sheet ends long before its XML is too much for an archive without zip64.
func TestFurtherSheetsBySize(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	var out bytes.Buffer
	to, err := New(&out, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	to.(*workbook).limits.size = 100_000
	v := reporttest.Permitted(t, "open.example", 1)
	w.Results = nil
	for range 10 {
		w.Add(v, nil, strings.Repeat("x", 30_000))
	}
	w.Write(t, to)
	f := open(t, out.Bytes())
	total := 0
	for _, sheet := range sheetsOf(f, resultsSheet) {
		n := len(rows(t, f, sheet)) - 1
		if n > 5 {
			t.Errorf("%s has %d rows of 30,000 octets", sheet, n)
		}
		total += n
	}
	if total != 10 {
		t.Errorf("%d rows came out, want 10", total)
	}
}

func TestTooManyColumns(t *testing.T) {
	layout := report.Layout{Header: make([]string, 16384), Issuers: []string{"ca.example"}}
	if _, err := New(io.Discard, layout); err == nil || !strings.Contains(err.Error(), "16384") {
		t.Errorf("New() = %v, want an error that names the limit", err)
	}
	if _, err := report.NewCSV(io.Discard, layout); err != nil {
		t.Errorf("New() = %v for CSV, which has no limit", err)
	}
}

// The same run gives the same bytes, several sheets included, whenever it is
// written.
func TestSameBytes(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	first := rolling(t, w, 5, 50)
	for range 3 {
		if !bytes.Equal(first, rolling(t, w, 5, 50)) {
			t.Fatal("two workbooks of the same run differ")
		}
	}
}

// What makes a sheet easy to use stands in its XML; excelize reads not all of it.
func TestResultsSheet(t *testing.T) {
	workbook := reporttest.NewWorld(t, "ca.example").Bytes(t, New)
	sheet := readSheet(t, workbook, resultsSheet)
	for what, want := range map[string]string{
		"frozen header and first column": `<pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/>`,
		"a filter over all rows":         `<autoFilter ref="A1:Q7"/>`,
		"as many pages as it takes":      `<sheetPr><pageSetUpPr fitToPage="1"/>`,
		"landscape, two pages wide":      `<pageSetup paperSize="9" fitToWidth="2" fitToHeight="0" pageOrder="overThenDown" orientation="landscape"/>`,
		"rows of one height":             `<sheetFormatPr defaultRowHeight="15" customHeight="1"/>`,
		"two lines in one":               `<row r="4" ht="13" customHeight="1">`,
		"no mark on digits":              `<ignoredError sqref="A1:Q7" numberStoredAsText="1"/>`,
		"the width of caa_detail":        `<col min="8" max="8" width="44" customWidth="1"/>`, // it is longer
		"the width of the addresses":     `<col min="1" max="1" width="30" customWidth="1"/>`, // Jane Doe <jane@open.example>
	} {
		if !strings.Contains(sheet, want) {
			t.Errorf("%s: no %s", what, want)
		}
	}
	if strings.Contains(sheet, "<dimension") {
		t.Error("a dimension was written before the number of rows was known")
	}
	f := open(t, workbook)
	if kind, err := f.GetCellType(resultsSheet, "D2"); err != nil || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
		t.Errorf("caa_row is of type %d, want a number: %v", kind, err)
	}
	want := []excelize.DefinedName{
		{Name: "_xlnm._FilterDatabase", RefersTo: "'Results'!$A$1:$Q$7", Scope: "Results"},
		{Name: "_xlnm.Print_Titles", RefersTo: "'Results'!$A:$A,'Results'!$1:$1", Scope: "Results"},
	}
	ofResults := slices.DeleteFunc(f.GetDefinedName(), func(name excelize.DefinedName) bool { return name.Scope != resultsSheet })
	if diff := cmp.Diff(want, ofResults); diff != "" {
		t.Errorf("names for the filter and for what is on every page (-want +got):\n%s", diff)
	}
}

// A spreadsheet would write a long text over the empty cells after it, and on paper over the
// next page, if it were not wrapped.
func TestLongTextsStayInTheirCells(t *testing.T) {
	f := open(t, reporttest.NewWorld(t, "ca.example").Bytes(t, New))
	long := 0
	for i, row := range rows(t, f, resultsSheet)[1:] {
		for j, text := range row {
			at, _ := excelize.CoordinatesToCellName(j+1, i+2)
			column, _ := excelize.ColumnNumberToName(j + 1)
			width, err := f.GetColWidth(resultsSheet, column)
			if err != nil || float64(len(text)) <= width {
				continue
			}
			long++
			number, err := f.GetCellStyle(resultsSheet, at)
			if err != nil {
				t.Fatal(err)
			}
			if style, err := f.GetStyle(number); err != nil || !style.Alignment.WrapText {
				t.Errorf("%s is not wrapped: %q, %v", at, text, err)
			}
		}
	}
	if long == 0 {
		t.Fatal("no text is longer than its column is wide")
	}
}

// ECMA-376 wants the columns in order; excelize writes them in the order it likes.
func TestColumnOrder(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	w.Layout.Header = make([]string, 5_000) // enough for hours, if excelize were asked for each
	sheet := readSheet(t, w.Bytes(t, New), resultsSheet)
	columns := regexp.MustCompile(`<col min="(\d+)" max="(\d+)"`).FindAllStringSubmatch(sheet, -1)
	next := 1
	for _, column := range columns {
		if column[1] != fmt.Sprint(next) {
			t.Fatalf("column %s stands where %d should", column[1], next)
		}
		last, err := strconv.Atoi(column[2])
		if err != nil {
			t.Fatal(err)
		}
		next = last + 1
	}
	if next != 5_000+14+2*4+1 {
		t.Errorf("the columns end before %d", next)
	}
}

// The statuses differ in colour, and without any in weight and slant.
func TestStatusLooks(t *testing.T) {
	f := open(t, reporttest.NewWorld(t, "ca.example").Bytes(t, New))
	seen := make(map[string]string)
	for row, status := range map[int]scan.Status{2: scan.Permitted, 3: scan.Denied, 5: scan.LookupFailed} {
		at := fmt.Sprintf("F%d", row)
		if got, _ := f.GetCellValue(resultsSheet, at); got != string(status) {
			t.Fatalf("%s is %q, want %q", at, got, status)
		}
		number, err := f.GetCellStyle(resultsSheet, at)
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetStyle(number)
		if err != nil {
			t.Fatal(err)
		}
		for _, trait := range []string{style.Fill.Color[0], fmt.Sprint(style.Font.Bold, style.Font.Italic)} {
			if other, ok := seen[trait]; ok {
				t.Errorf("%s looks like %s: %s", status, other, trait)
			}
			seen[trait] = string(status)
		}
	}
}

func TestDocProps(t *testing.T) {
	props, err := open(t, reporttest.NewWorld(t, "ca.example").Bytes(t, New)).GetDocProps()
	if err != nil {
		t.Fatal(err)
	}
	if props.Creator != "caascan" || props.Created != "2026-11-23T12:00:00Z" {
		t.Errorf("creator %q, created %q", props.Creator, props.Created)
	}
}

// Rows wait in the temporary directory and nowhere else, and Close removes them.
func TestTemporaryFiles(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	to, err := New(io.Discard, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	if err := incompressible(t, to, 20<<20); err != nil {
		t.Fatal(err)
	}
	size := sizeOf(t, w.Layout.TempDir)
	if size < 16<<20 {
		t.Errorf("%d octets in temporary files after 20 MiB of rows", size)
	}
	// Not as they are, but as they will be in the archive.
	long := w.Results[0]
	long.Row.Cells = []string{strings.Repeat("x", 20_000)}
	for range 1000 {
		if err := to.Write(long); err != nil {
			t.Fatal(err)
		}
	}
	if grown := sizeOf(t, w.Layout.TempDir) - size; grown > 4<<20 {
		t.Errorf("temporary files grow by %d octets with 20 MB of rows that are all alike", grown)
	}
	if err := to.Close(w.Overview()); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(w.Layout.TempDir)
	if err != nil || len(left) > 0 {
		t.Errorf("after Close there is still %v: %v", left, err)
	}
}

// sizeOf returns what the files below a directory take.
func sizeOf(t testing.TB, dir string) int64 {
	t.Helper()
	var size int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// A temporary directory that cannot be written to is an error, not a reason to
// keep all rows in memory.
func TestNoTemporaryFiles(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	w.Layout.TempDir += "/missing"
	if _, err := New(io.Discard, w.Layout); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("New() = %v, want %v", err, os.ErrNotExist)
	}
	if err := os.Mkdir(w.Layout.TempDir, 0o700); err != nil {
		t.Fatal(err)
	}
	to, err := New(io.Discard, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(w.Layout.TempDir); err != nil {
		t.Fatal(err)
	}
	if err := incompressible(t, to, 8*spoolMemory); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Write() = %v, want %v or nothing yet", err, os.ErrNotExist)
	}
	if err := to.Close(w.Overview()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Close() = %v, want %v", err, os.ErrNotExist)
	}
}

// What is counted for a sheet is its XML, or a part could grow beyond what the archive
// can hold; and a row takes no more than its line said before.
func TestSizeOfASheet(t *testing.T) {
	texts := append(reporttest.HostileTexts(),
		strings.Repeat("_x0041", 5000)+"_", strings.Repeat("_xD800_", 4000), strings.Repeat("\"", 32767), strings.Repeat("\x7f", 8000),
		strings.Repeat("&<>'\r\t\n", 4000), strings.Repeat("👩", 20_000), strings.Repeat("ü", 32767), " ")
	for _, text := range texts {
		w := reporttest.NewWorld(t, "ca.example")
		var out bytes.Buffer
		to, err := New(&out, w.Layout)
		if err != nil {
			t.Fatal(err)
		}
		w.Results = nil
		for range 5 {
			w.Add(reporttest.Permitted(t, "open.example", 1), nil, text)
		}
		w.Write(t, to)
		reckoned := to.(*workbook).results.sheets[0].size
		sheet := readSheet(t, out.Bytes(), resultsSheet)
		_, rows, _ := strings.Cut(sheet, "<sheetData>")
		rows, _, _ = strings.Cut(rows, "</sheetData>")
		if size := int64(len(rows)); size != reckoned {
			t.Errorf("%.20q…: %d octets counted, %d written", text, reckoned, size)
		}
	}
}

// incompressible writes rows with so many octets, until an error.
func incompressible(t testing.TB, to report.Writer, octets int) error {
	t.Helper()
	v := reporttest.Permitted(t, "open.example", 1)
	next := uint64(1)
	for n := range octets / 5_000 {
		var cell strings.Builder
		for range 1000 {
			next = next*6364136223846793005 + 1442695040888963407 // Knuth's MMIX generator
			fmt.Fprintf(&cell, "%016x", next)
		}
		r := scan.Result{Row: scan.Row{Number: n + 2, Cells: []string{cell.String()}}, Verdict: v}
		if err := to.Write(r); err != nil {
			return err
		}
	}
	return nil
}

func TestArchiveOrder(t *testing.T) {
	workbook := reporttest.NewWorld(t, "ca.example").Bytes(t, New)
	archive, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range archive.File {
		names = append(names, file.Name)
		if !file.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s is of %v", file.Name, file.Modified)
		}
	}
	if names[0] != "[Content_Types].xml" || !slices.IsSorted(names) {
		t.Errorf("parts are not in order: %q", names)
	}
}

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// typedCell is a cell of a list, and what must be in its place in a report.
type typedCell struct {
	xml  string // after the place of the cell, STYLE for that of the format
	code string // the format code; empty for none
	id   int    // the number of a format that every workbook has, if there is no code
	want shownCell
}

// shownCell is what a reader finds in a cell.
type shownCell struct {
	Kind       excelize.CellType
	Raw, Shown string
}

const (
	asNumber = excelize.CellTypeUnset // a number has no attribute t
	asBool   = excelize.CellTypeBool
	asText   = excelize.CellTypeInlineString
)

// By hand: 2026-11-23 is day 46,349, and 2024-03-05 is 730 + 263 days before it. 10:30 is
// 0.4375 of a day.
func typedCells() []typedCell {
	number := func(raw string) string { return `s="STYLE"><v>` + raw + `</v></c>` }
	text := func(text string) shownCell { return shownCell{asText, text, text} }
	return []typedCell{
		{number("42"), "", 0, shownCell{asNumber, "42", "42"}},
		{number("-0.25"), "", 0, shownCell{asNumber, "-0.25", "-0.25"}},
		{number("4.5999999999999996"), "", 0, shownCell{asNumber, "4.6", "4.6"}}, // as Excel writes 4.6
		{number("0.00001"), "", 0, shownCell{asNumber, "0.00001", "0.00001"}},
		{number("123456789012"), "", 0, shownCell{asNumber, "123456789012", "123456789012"}},
		{number("123456789012345"), "", 1, shownCell{asNumber, "123456789012345", "123456789012345"}},
		{number("3.14159"), "", 2, shownCell{asNumber, "3.14159", "3.14"}},
		{number("1234567.5"), "", 4, shownCell{asNumber, "1234567.5", "1,234,567.50"}},
		{number("-1234"), "", 3, shownCell{asNumber, "-1234", "-1,234"}},
		{number("0.12"), "", 9, shownCell{asNumber, "0.12", "12%"}},
		{number("0.125"), "", 10, shownCell{asNumber, "0.125", "12.50%"}},
		{number("45356"), "", 14, shownCell{asNumber, "45356", "2024-03-05"}},
		{number("45356.4375"), "", 22, shownCell{asNumber, "45356.4375", "2024-03-05 10:30"}},
		{number("45356.4375"), "yyyy-mm-dd hh:mm:ss", 0, shownCell{asNumber, "45356.4375", "2024-03-05 10:30:00"}},
		{number("45356.4375"), `dd\.mm\.yyyy\ hh:mm`, 0, shownCell{asNumber, "45356.4375", "05.03.2024 10:30"}},
		{number("45356"), "dd/mm/yyyy", 0, shownCell{asNumber, "45356", "05/03/2024"}},
		{number("1"), `;;;"denied"`, 0, shownCell{asNumber, "1", "1"}}, // a number that is hidden is shown
		{`t="b"><v>1</v></c>`, "", 0, shownCell{asBool, "1", "TRUE"}},
		{`t="b"><v>0</v></c>`, "", 0, shownCell{asBool, "0", "FALSE"}},
		{`><f>40+2</f><v>42</v></c>`, "", 0, shownCell{asNumber, "42", "42"}},
		{`t="b"><f>1=1</f><v>1</v></c>`, "", 0, shownCell{asBool, "1", "TRUE"}},
		{`t="str"><f>"4"&amp;"2"</f><v>42</v></c>`, "", 0, text("42")},

		{number("1234567890123456"), "", 0, text("1234567890123456")}, // a double keeps 15 digits
		{number("1E+20"), "", 0, text("1E+20")},
		{number("NaN"), "", 0, text("NaN")}, // which no number of a workbook may be
		{number("123"), "00000", 0, text("00123")},
		{number("1234.5"), `"EUR "#,##0.00`, 0, text("EUR 1,234.50")},
		{number("1"), `"denied"`, 0, text("denied")},
		{`t="inlineStr"><is><t>00123</t></is></c>`, "", 0, text("00123")},
		{`t="inlineStr"><is><t>42</t></is></c>`, "", 0, text("42")},
		{`t="inlineStr"><is><t>TRUE</t></is></c>`, "", 0, text("TRUE")},
		{`t="inlineStr"><is><t>2024-03-05</t></is></c>`, "", 0, text("2024-03-05")},
		{`t="e"><v>#N/A</v></c>`, "", 0, text("#N/A")},
	}
}

const typedWorld = "$ORIGIN a.example.\n$TTL 60\n@ SOA ns h 1 1 1 1 60\n@ CAA 0 issuemail \"ca.example\"\n"

// TestValuesOfWorkbooksStayWhatTheyAre: a number, a date and a truth value come out as
// such, shown as they were, and what no style shows so is text.
func TestValuesOfWorkbooksStayWhatTheyAre(t *testing.T) {
	dir := t.TempDir()
	zone := writeText(t, filepath.Join(dir, "a.zone"), typedWorld)
	list, out := filepath.Join(dir, "list.xlsx"), filepath.Join(dir, "out.xlsx")
	writeTyped(t, list, "mail,value", typedCells())
	var want []shownCell
	for _, c := range typedCells() {
		want = append(want, c.want)
	}
	mustRun(t, "scan", list, "--zone", zone, "--issuer", "ca.example", "-o", out)
	if diff := cmp.Diff(want, column(t, out, "B")); diff != "" {
		t.Errorf("a report (-want +got):\n%s", diff)
	}
	mustRun(t, "scan", list, "--zone", zone, "--issuer", "ca.example", "-o", out, "--columns", "value,caa_status")
	if diff := cmp.Diff(want, column(t, out, "A")); diff != "" {
		t.Errorf("chosen columns (-want +got):\n%s", diff)
	}

	// A report that is scanned again has the same texts and types, and so has its CSV.
	mustRun(t, "scan", list, "--zone", zone, "--issuer", "ca.example", "-o", out)
	again, csv := filepath.Join(dir, "again.xlsx"), filepath.Join(dir, "again.csv")
	mustRun(t, "scan", out, "--sheet", "Results", "--column", "mail", "--zone", zone, "--issuer", "ca.example", "-o", again, "-o", csv, "--columns", "mail,value")
	if diff := cmp.Diff(want, column(t, again, "B")); diff != "" {
		t.Errorf("a report of the report (-want +got):\n%s", diff)
	}
	for i := range want {
		want[i] = shownCell{asText, want[i].Shown, want[i].Shown}
	}
	mustRun(t, "scan", csv, "--zone", zone, "--issuer", "ca.example", "-o", out)
	if diff := cmp.Diff(want, column(t, out, "B")); diff != "" {
		t.Errorf("a report of CSV (-want +got):\n%s", diff)
	}
}

// TestValuesFollowTheirCells: where columns of several lists are one, and where a row is
// made of each address.
func TestValuesFollowTheirCells(t *testing.T) {
	dir := t.TempDir()
	zone := writeText(t, filepath.Join(dir, "a.zone"), typedWorld)
	first, second, out := filepath.Join(dir, "1.xlsx"), filepath.Join(dir, "2.xlsx"), filepath.Join(dir, "out.xlsx")
	csv := writeText(t, filepath.Join(dir, "3.csv"), "seats,mail\n7,c@a.example\n")
	writeTyped(t, first, "mail,seats", typedCells()[:1])
	writeTyped(t, second, "mail,active,since,seats", []typedCell{
		{`t="b"><v>1</v></c><c r="C2" s="STYLE"><v>45356</v></c><c r="D2"><v>3</v></c>`, "yyyy-mm-dd", 0, shownCell{}},
	})
	mustRun(t, "scan", first, second, csv, "--zone", zone, "--issuer", "ca.example", "-o", out)
	for letter, want := range map[string][]shownCell{
		"B": {{asNumber, "42", "42"}, {asNumber, "3", "3"}, {asText, "7", "7"}},
		"C": {{}, {asBool, "1", "TRUE"}, {}},
		"D": {{}, {asNumber, "45356", "2024-03-05"}, {}},
	} {
		if diff := cmp.Diff(want, column(t, out, letter)); diff != "" {
			t.Errorf("column %s (-want +got):\n%s", letter, diff)
		}
	}

	writeTyped(t, first, "mail,since,aliases", []typedCell{
		{`s="STYLE"><v>45356</v></c><c r="C2" t="inlineStr"><is><t>SMTP:x@a.example; smtp:y@a.example</t></is></c>`, "yyyy-mm-dd", 0, shownCell{}},
	})
	mustRun(t, "scan", first, "--column", "aliases", "--addresses", "split", "--zone", zone, "--issuer", "ca.example", "-o", out)
	date := shownCell{asNumber, "45356", "2024-03-05"}
	if diff := cmp.Diff([]shownCell{date, date}, column(t, out, "B")); diff != "" {
		t.Errorf("a row of each address (-want +got):\n%s", diff)
	}
}

// writeTyped writes a list of rows with an address in column A and a cell in column B.
func writeTyped(t *testing.T, file, header string, cells []typedCell) {
	t.Helper()
	const part = "xl/worksheets/sheet1.xml"
	book := excelize.NewFile()
	defer book.Close()
	var sheet strings.Builder
	sheet.WriteString(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">`)
	for name := range strings.SplitSeq(header, ",") {
		sheet.WriteString(`<c t="inlineStr"><is><t>` + name + `</t></is></c>`)
	}
	sheet.WriteString("</row>")
	for i, c := range cells {
		style := &excelize.Style{NumFmt: c.id}
		if c.code != "" {
			style.CustomNumFmt = &c.code
		}
		number, err := book.NewStyle(style)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sheet, `<row r="%d"><c r="A%[1]d" t="inlineStr"><is><t>a@a.example</t></is></c><c r="B%[1]d" %s</row>`,
			i+2, strings.ReplaceAll(c.xml, "STYLE", strconv.Itoa(number)))
	}
	sheet.WriteString("</sheetData></worksheet>")
	book.Sheet.Delete(part)
	book.Pkg.Store(part, []byte(sheet.String()))
	if err := book.SaveAs(file); err != nil {
		t.Fatal(err)
	}
}

// column returns the cells of a column of the results, but for its header.
func column(t *testing.T, file, letter string) []shownCell {
	t.Helper()
	const sheet = "Results"
	book, err := excelize.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	var cells []shownCell
	for i := range rows[1:] {
		at := letter + strconv.Itoa(i+2)
		kind, kindErr := book.GetCellType(sheet, at)
		raw, rawErr := book.GetCellValue(sheet, at, excelize.Options{RawCellValue: true})
		shown, err := book.GetCellValue(sheet, at)
		if err := errors.Join(kindErr, rawErr, err); err != nil {
			t.Fatal(err)
		}
		cells = append(cells, shownCell{kind, raw, shown})
	}
	return cells
}

func mustRun(t *testing.T, args ...string) {
	t.Helper()
	if got := runWith(t.Context(), "", args...); got.code != exitDone {
		t.Fatalf("%v: %+v", args, got)
	}
}

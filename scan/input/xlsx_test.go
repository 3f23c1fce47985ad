package input_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"caascan/scan/input"
)

// workbook saves a workbook that fill has filled; it begins with the one empty
// sheet Sheet1.
func workbook(t *testing.T, fill func(*excelize.File) error) string {
	t.Helper()
	book := excelize.NewFile()
	if err := fill(book); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "list.xlsx")
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func setCells(book *excelize.File, sheet string, cells map[string]any) error {
	for _, cell := range slices.Sorted(maps.Keys(cells)) {
		if err := book.SetCellValue(sheet, cell, cells[cell]); err != nil {
			return err
		}
	}
	return nil
}

func staff(book *excelize.File) error {
	return setCells(book, "Sheet1", map[string]any{
		"A1": "Name", "B1": "E-Mail",
		"A2": "Käthe", "B2": "kaethe@x.example",
		"A3": "Bob", "B3": "bob@x.example",
	})
}

func TestWorkbook(t *testing.T) {
	path := workbook(t, func(book *excelize.File) error {
		percent, err := book.NewStyle(&excelize.Style{NumFmt: 9})
		if err != nil {
			return err
		}
		format := "dd.mm.yyyy"
		date, err := book.NewStyle(&excelize.Style{CustomNumFmt: &format})
		if err != nil {
			return err
		}
		if err := book.SetCellStyle("Sheet1", "D4", "D4", date); err != nil {
			return err
		}
		if err := book.SetCellStyle("Sheet1", "C4", "C4", percent); err != nil {
			return err
		}
		if err := book.SetCellStyle("Sheet1", "A9", "C9", percent); err != nil { // looks, but no cell with a value
			return err
		}
		return setCells(book, "Sheet1", map[string]any{
			"A2": "Name", "B2": "E-Mail", "C2": "Share", "D2": "Since",
			"A4": "Käthe", "B4": "kaethe@köln.example", "C4": 0.25, "D4": 46349, // the days of 2026-11-23 since 1899-12-30
			"A5": "line\nline", "C5": true, "E5": "extra",
			"A7": " ",
		})
	})
	in := open(t, path, input.Options{})
	want := []string{
		`4 ["Käthe" "kaethe@köln.example" "25%" "23.11.2026"]`,
		`5 ["line\nline" "" "TRUE" "" "extra"]`,
		`7 [" "]`,
	}
	if diff := cmp.Diff(want, readAll(t, in)); diff != "" {
		t.Errorf("rows mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Name", "E-Mail", "Share", "Since", "extra1"}, in.Header()); diff != "" {
		t.Errorf("Header() mismatch (-want +got):\n%s", diff)
	}
	layout := input.Layout{Format: input.XLSX, Sheet: "Sheet1", HeaderRow: 2, Column: 2, ColumnName: "E-Mail"}
	if diff := cmp.Diff(layout, in.Layout()); diff != "" {
		t.Errorf("Layout() mismatch (-want +got):\n%s", diff)
	}
	first, _ := in.Tally()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantTally := input.Tally{Rows: 3, Blank: 5, SHA256: fmt.Sprintf("%x", sha256.Sum256(file))} // rows 1, 3, 6, 8, 9
	if diff := cmp.Diff(wantTally, first); diff != "" {
		t.Errorf("Tally() mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, readAll(t, in)); diff != "" {
		t.Errorf("the second pass differs (-want +got):\n%s", diff)
	}
	if second, _ := in.Tally(); second != first {
		t.Errorf("Tally() = %+v after the second pass, %+v after the first", second, first)
	}
}

func TestWorkbookThatIsReplaced(t *testing.T) {
	path := workbook(t, staff)
	in := open(t, path, input.Options{})
	shorter, err := os.ReadFile(workbook(t, func(*excelize.File) error { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, shorter, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err = range in.Rows() {
		break
	}
	if err == nil || !strings.HasSuffix(err.Error(), "the workbook has changed") {
		t.Errorf("the pass over another workbook ended with %v", err)
	}
}

func TestSheetOfAWorkbook(t *testing.T) {
	path := workbook(t, func(book *excelize.File) error {
		if err := staff(book); err != nil {
			return err
		}
		if err := book.AddChartSheet("Chart", &excelize.Chart{Type: excelize.Col}); err != nil {
			return err
		}
		if _, err := book.NewSheet("Kunden"); err != nil {
			return err
		}
		return setCells(book, "Kunden", map[string]any{"A1": "domain", "A2": "x.example"})
	})
	tests := []struct {
		name, asked, sheet string
		notes              []string
	}{
		{"the first", "", "Sheet1", []string{`Read: sheet "Sheet1". The workbook has others: "Kunden". --sheet reads one of them instead, by name or number.`}},
		{"by name", "KUNDEN", "Kunden", nil},
		{"by number, charts not counted", "2", "Kunden", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := open(t, path, input.Options{Sheet: test.asked})
			if got := in.Layout().Sheet; got != test.sheet {
				t.Errorf("Sheet = %q, want %q", got, test.sheet)
			}
			if diff := cmp.Diff(test.notes, in.Notes()); diff != "" {
				t.Errorf("Notes() mismatch (-want +got):\n%s", diff)
			}
		})
	}
	for _, asked := range []string{"3", "0", "Chart"} {
		_, err := input.Open(t.Context(), path, nil, input.Options{Sheet: asked})
		want := `; use --sheet with one of these names or numbers: 1 ("Sheet1"), 2 ("Kunden")`
		if !errors.Is(err, input.ErrSheet) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("sheet %s: Open() = %v, want …%s", asked, err, want)
		}
	}
}

func TestEmptyWorkbook(t *testing.T) {
	path := workbook(t, func(*excelize.File) error { return nil })
	if _, err := input.Open(t.Context(), path, nil, input.Options{}); !errors.Is(err, input.ErrEmpty) {
		t.Errorf("Open() = %v, want ErrEmpty", err)
	}
}

// A sheet over 16 MiB is unpacked into a file.
func TestLargeSheetLeavesNoFile(t *testing.T) {
	path := edit(t, workbook(t, staff), "xl/worksheets/sheet1.xml", func(s string) string {
		return strings.Replace(s, "</sheetData>", "</sheetData>"+strings.Repeat(" ", 16<<20), 1)
	})
	temp := t.TempDir()
	in := open(t, path, input.Options{TempDir: temp})
	for range in.Rows() {
		// The sheet is open now.
		if found, err := filepath.Glob(filepath.Join(temp, "*", "*")); err != nil || len(found) == 0 {
			t.Errorf("no file in TempDir: %v", err)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	expectEmpty(t, temp)
}

func expectEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%d files are left, %s first", len(left), left[0].Name())
	}
}

// edit copies a workbook with one part changed.
func edit(t *testing.T, path, part string, change func(string) string) string {
	t.Helper()
	from, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	var edited bytes.Buffer
	to := zip.NewWriter(&edited)
	found := false
	for _, file := range from.File {
		content := readPart(t, file)
		if file.Name == part {
			found = true
			content = change(content)
		}
		w, err := to.CreateHeader(&zip.FileHeader{Name: file.Name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Fatalf("no part %s", part)
	}
	return write(t, "edited.xlsx", edited.String())
}

func readPart(t *testing.T, file *zip.File) string {
	t.Helper()
	r, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Each of these would lose rows or cells if it were read as far as it goes.
func TestDamagedWorkbook(t *testing.T) {
	replace := func(old, replacement string) func(string) string {
		return func(content string) string {
			if !strings.Contains(content, old) {
				t.Fatalf("%s is not in %s", old, content)
			}
			return strings.Replace(content, old, replacement, 1)
		}
	}
	const sheet, texts = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
	tests := []struct {
		name, part string
		change     func(string) string
		message    string
	}{
		{"a control character in the sheet", sheet, replace(`<c r="B3"`, "\x01<c r=\"B3\""), "after row 2: a control character U+0001"},
		{"a sheet that is cut short", sheet, func(s string) string { return s[:strings.Index(s, `<row r="3"`)] }, "after row 2: the XML ends in the middle"},
		{"an element without its end", sheet, replace(`</row><row r="3"`, `<row r="3"`), "after row 1: element \"row\" ends as \"sheetData\""},
		{"a row that comes twice", sheet, replace(`<row r="3"`, `<row r="2"`), `after row 2: row "2" does not come after row 2`},
		{"a row beyond the last", sheet, replace(`<row r="3"`, `<row r="1048577"`), `after row 2: row "1048577" does not come after row 2`},
		{"a cell that comes twice", sheet, replace(`<c r="B3"`, `<c r="A3"`), `after row 2: cell "A3" is out of order`},
		{"a text that is missing", sheet, replace(`<v>5</v>`, `<v>6</v>`), `after row 2: a cell refers to shared text "6" of 6`},
		{"shared texts that are cut short", texts, func(s string) string { return s[:strings.LastIndex(s, "<si>")] }, "shared texts: the XML ends in the middle"},
	}
	path := workbook(t, staff)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := input.Open(t.Context(), edit(t, path, test.part, test.change), nil, input.Options{})
			if !errors.Is(err, input.ErrFormat) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("Open() = %v, want ErrFormat with %s", err, test.message)
			}
		})
	}
	open(t, edit(t, path, sheet, func(s string) string { return s }), input.Options{}) // the editing does no damage
}

func TestWorkbookWithoutRowNumbers(t *testing.T) {
	path := edit(t, workbook(t, staff), "xl/worksheets/sheet1.xml", func(s string) string {
		return strings.NewReplacer(` r="1"`, "", ` r="2"`, "", ` r="3"`, "", ` r="A1"`, "", ` r="B1"`, "", ` r="A2"`, "",
			` r="B2"`, "", ` r="A3"`, "", ` r="B3"`, "").Replace(s)
	})
	want := []string{`2 ["Käthe" "kaethe@x.example"]`, `3 ["Bob" "bob@x.example"]`}
	if diff := cmp.Diff(want, readAll(t, open(t, path, input.Options{}))); diff != "" {
		t.Errorf("rows mismatch (-want +got):\n%s", diff)
	}
}

func TestCellOverTheLimitOfAField(t *testing.T) {
	long := strings.Repeat("x", 1<<20+1)
	path := edit(t, workbook(t, staff), "xl/sharedStrings.xml", func(s string) string { return strings.Replace(s, "Bob", long, 1) })
	want := []string{`2 ["Käthe" "kaethe@x.example"]`, `broken 3 ["` + long[:1<<20] + `"]`}
	if diff := cmp.Diff(want, readAll(t, open(t, path, input.Options{}))); diff != "" {
		t.Errorf("rows mismatch (-want +got):\n%.1000s", diff)
	}
}

func TestZipThatIsNoWorkbook(t *testing.T) {
	archive := func(name string) string {
		var content bytes.Buffer
		w := zip.NewWriter(&content)
		if _, err := w.CreateRaw(&zip.FileHeader{Name: name}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return content.String()
	}
	intact, err := os.ReadFile(workbook(t, staff))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, file, message string }{
		{"a document", archive("word/document.xml"), "is not a list: it is a zip archive without a workbook"},
		{"a workbook that is cut short", string(intact[:len(intact)/2]), "is not a list: it begins like a zip archive but is damaged or cut short"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := input.Open(t.Context(), write(t, "list.xlsx", test.file), nil, input.Options{})
			if !errors.Is(err, input.ErrFormat) && !errors.Is(err, input.ErrKind) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("Open() = %v, want ErrFormat or ErrKind with %s", err, test.message)
			}
		})
	}
}

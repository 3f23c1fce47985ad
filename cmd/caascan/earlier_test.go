package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// TestAReportOfSeveralSheetsIsReadWhole: beyond a million rows Results goes on in
// Results 2.
func TestAReportOfSeveralSheetsIsReadWhole(t *testing.T) {
	header := "mail,caa_domain,caa_status,caa_reason,caa_records\n"
	first, second := "a@x.example,x.example,permitted,no-caa,\n", "b@y.example,y.example,denied,no-issuer,\n"
	csv := writeText(t, filepath.Join(t.TempDir(), "whole.csv"), header+first+second)
	book := workbookOf(t, map[string]string{"Summary": "nothing", "Results": header + first, "Results 2": header + second})
	if got := runWith(t.Context(), "", "diff", csv, book); got.code != exitDone || !strings.HasPrefix(got.stdout, "No difference ") {
		t.Errorf("%+v, want no difference", got)
	}
	other := workbookOf(t, map[string]string{"Results": header + first, "Results 2": "mail,status\nb@y.example,denied\n"})
	if got := runWith(t.Context(), "", "diff", csv, other); got.code != exitUnfinished || !strings.Contains(got.stderr, "the columns of sheet Results 2 differ from those of the first") {
		t.Errorf("%+v, want an error about the second sheet", got)
	}
	none := workbookOf(t, map[string]string{"Summary": header + first})
	if got := runWith(t.Context(), "", "diff", csv, none); got.code != exitUnfinished || !strings.Contains(got.stderr, "is not a report that can be compared: it has no sheet Results\n") {
		t.Errorf("%+v, want an error about the sheet", got)
	}
}

func TestReportsThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	book, err := os.ReadFile(workbookOf(t, map[string]string{"Results": "mail\na@x.example\n"}))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"cut.xlsx":    {string(book[:len(book)/2]), "cut.xlsx is not a list: it begins like a zip archive but is damaged or cut short"},
		"empty.csv":   {"", "empty.csv is empty"},
		"header.csv":  {"mail,caa_domain\n", "header.csv is empty: it holds a header and no rows"},
		"object.json": {"{}\n", `object.json is not a report that can be compared: it has no column "caa_domain"`},
		"old.xls":     {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.xls is not a list: it is an old workbook"},
	} {
		file := writeText(t, filepath.Join(dir, name), test.text)
		got := runWith(t.Context(), "", "diff", file, file)
		if got.code != exitUnfinished || !strings.Contains(got.stderr, test.want) || got.stdout != "" {
			t.Errorf("%s: %+v, want %q", name, got, test.want)
		}
	}
	if got := runWith(t.Context(), "", "diff", dir, dir); got.code != exitUnfinished || !strings.Contains(got.stderr, "it is not a regular file") {
		t.Errorf("a folder: %+v", got)
	}
}

// workbookOf makes a workbook of sheets in CSV without quotation marks.
func workbookOf(t *testing.T, sheets map[string]string) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for name, text := range sheets {
		if _, err := book.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			at, _ := excelize.CoordinatesToCellName(1, i+1)
			cells := strings.Split(line, ",")
			if err := book.SetSheetRow(name, at, &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "book.xlsx")
	if err := book.SaveAs(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestDiffShowsARecordOfALargeSet: of 301 records one is another, in the middle.
func TestDiffShowsARecordOfALargeSet(t *testing.T) {
	reportWith := func(name, record string) string {
		records := make([]string, 301)
		for i := range records {
			records[i] = fmt.Sprintf(`0 issuemail "ca%016d.example"`, i)
		}
		records[150] = record
		cell := strings.ReplaceAll(strings.Join(records, " | "), `"`, `""`)
		return writeText(t, filepath.Join(t.TempDir(), name), "mail,caa_domain,caa_status,caa_reason,caa_records\na@x.example,x.example,denied,issuer-not-listed,\""+cell+"\"\n")
	}
	got := runWith(t.Context(), "", "diff", reportWith("old.csv", `0 issuemail "old.example"`), reportWith("new.csv", `0 issuemail "new.example"`))
	want := `
Policy:
  x.example: records-changed, 1 row
    was denied (issuer-not-listed)
    is  denied (issuer-not-listed)
    -   0 issuemail "old.example"
    +   0 issuemail "new.example"
`
	if _, shown, _ := strings.Cut(got.stdout, "unchanged                  0         0\n"); shown != want {
		t.Errorf("%s%s, want %s", got.stderr, got.stdout, want)
	}
}

// TestAReportNamesItsBaseline: an auditor can tell which report the rows were compared with,
// also where it has been replaced since.
func TestAReportNamesItsBaseline(t *testing.T) {
	dir := t.TempDir()
	text := "mail,caa_domain,caa_status,caa_reason,caa_records\na@x.example,x.example,permitted,no-caa,\n"
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	earlier, list := writeText(t, filepath.Join(dir, "caa.csv"), text), writeText(t, filepath.Join(dir, "list.csv"), "mail\na@x.example\n")
	zone := writeText(t, filepath.Join(dir, "x.zone"), "$ORIGIN x.example.\n@ 300 SOA ns hostmaster 1 1800 900 604800 300\n")
	book, page := filepath.Join(dir, "caa.xlsx"), filepath.Join(dir, "caa.html")
	got := runWith(t.Context(), "", "scan", list, "--zone", zone, "--issuer", "ca.example", "--baseline", earlier, "-o", earlier, "-o", book, "-o", page)
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	opened, err := excelize.OpenFile(book)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	rows, err := opened.GetRows("Summary")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Baseline", earlier + " (SHA-256 " + sum + ")"}
	if !slices.ContainsFunc(rows, func(row []string) bool { return slices.Equal(row, want) }) {
		t.Errorf("the summary does not have %q: %q", want, rows)
	}
	html, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(html), sum) {
		t.Errorf("the page does not have %s: %v", sum, err)
	}
}

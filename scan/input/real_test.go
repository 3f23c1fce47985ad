package input_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"caascan/scan/input"
)

// realList is a list of testdata/README.md.
type realList struct {
	cut       string // in testdata
	complete  string // what it is cut from, in the directory of complete lists
	separator rune
	encoding  encoding.Encoding
	layout    input.Layout
	rows      int // of the complete list
	cell      string
	notes     int
	asked     string // the column, of a list without domains
}

func realLists() []realList {
	utf16, mark := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM), unicode.UTF8BOM
	layout := func(encoding input.Encoding, separator string, headerRow, column int, name string) input.Layout {
		return input.Layout{
			Format: input.CSV, Encoding: encoding, Separator: separator, HeaderRow: headerRow, Column: column, ColumnName: name,
		}
	}
	return []realList{
		{
			"austria-semicolon-utf8bom.csv", "lists/austria-municipalities-semicolon-utf8bom.csv", ';', mark,
			layout(input.UTF8BOM, ";", 1, 3, "Domain"), 2118, "neustift-bei-güssing.at", 0, "",
		},
		{
			"german-gov-semicolon-windows1252.csv", "lists/german-gov-domains-semicolon-latin1.csv", ';', charmap.Windows1252,
			layout(input.Windows1252, ";", 1, 1, "Domain Name"), 9016, "Niefern-Öschelbronn", 1, "",
		},
		{
			"german-gov-tab-utf16le.txt", "lists/german-gov-domains-utf16le-tab.txt", '\t', utf16,
			layout(input.UTF16LE, "\t", 1, 1, "Domain Name"), 9016, "Bundesanstalt für Straßenwesen", 0, "",
		},
		{
			"free-email-domains.txt", "lists/free-email-domains.txt", ',', unicode.UTF8,
			layout(input.UTF8, "", 0, 1, "input"), 13405, "0-mailer.dynv6.net", 0, "",
		},
		{
			"dotgov-agencies-and-subs.csv", "lists/dotgov-agencies-and-subs.csv", ',', unicode.UTF8,
			layout(input.UTF8, ",", 1, 1, "Agency"), 341, "Vietnam Education Foundation", 0, "1",
		},
		{
			"dotgov-domains.csv", "gov/domains.csv", ',', unicode.UTF8,
			layout(input.UTF8, ",", 1, 1, "Domain name"), 16539, "Town of Acton, Massachusetts", 1, "",
		},
		{
			"dotgov-subdomains.csv", "gov/subdomains.csv", ',', unicode.UTF8,
			layout(input.UTF8, "", 1, 1, "Domain"), 18849, "*.ecmapps.treasuryecm.gov", 0, "",
		},
	}
}

func TestCutsOfRealLists(t *testing.T) {
	for _, list := range realLists() {
		t.Run(list.cut, func(t *testing.T) { list.check(t, filepath.Join("testdata", list.cut)) })
	}
}

// The complete lists stand beside the checkout, where there are any.
func TestCompleteRealLists(t *testing.T) {
	const dir = "../../../shared/data"
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the complete lists are missing: %v", err)
		}
		t.Skipf("the complete lists are not beside this checkout, only their cuts are read: %v", err)
	}
	for _, list := range realLists() {
		t.Run(list.complete, func(t *testing.T) {
			if rows := list.check(t, filepath.Join(dir, list.complete)); rows != list.rows {
				t.Errorf("%d rows, want %d", rows, list.rows)
			}
		})
	}
}

// check reads the file with nothing but its path, and holds the rows to those of
// encoding/csv, which is told how the file is written. It returns their number.
func (l realList) check(t *testing.T, path string) int {
	t.Helper()
	in := open(t, path, input.Options{Column: l.asked})
	var got [][]string
	if in.Layout().HeaderRow > 0 {
		got = append(got, in.Header())
	}
	rows, seen := 0, false
	for row, err := range in.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		rows++
		seen = seen || slices.Contains(row.Cells, l.cell)
		got = append(got, slices.Clone(row.Cells))
	}
	if want := l.plain(t, path); !slices.EqualFunc(want, got, slices.Equal) { // cmp takes long to find large lists equal
		t.Errorf("records mismatch with encoding/csv (-want +got):\n%.2000s", cmp.Diff(want, got))
	}
	if !seen {
		t.Errorf("no cell is %q", l.cell)
	}
	if diff := cmp.Diff(l.layout, in.Layout()); diff != "" {
		t.Errorf("Layout() mismatch (-want +got):\n%s", diff)
	}
	if notes := in.Notes(); len(notes) != l.notes {
		t.Errorf("Notes() = %q, want %d", notes, l.notes)
	}
	return rows
}

func (l realList) plain(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := csv.NewReader(l.encoding.NewDecoder().Reader(file))
	r.Comma, r.FieldsPerRecord = l.separator, -1
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

package diff

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/report/xlsx"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/input"
)

// baseline is the world's own report, read again.
func baseline(t testing.TB, w reporttest.World, format report.Format) *Baseline {
	t.Helper()
	reader, err := NewReader(t.Context(), table(t, w, format), ColumnChoice{Asked: "email"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBaseline(t.Context(), reader, w.Layout.Issuers)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// table is the world's report in a format, as a scan would read it.
func table(t testing.TB, w reporttest.World, format report.Format) Report {
	t.Helper()
	text := w.Bytes(t, makers()[format])
	if format == report.JSONL {
		table, err := NewJSONLReport("old.jsonl", opens(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	file := filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	opts := input.Options{Header: input.HeaderPresent, TempDir: t.TempDir()}
	if format == report.XLSX {
		opts.Sheet = "Results"
	}
	in, err := input.Open(t.Context(), file, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return Report{Name: "old", Format: format, Header: in.Header(), Rows: in.Rows()}
}

func makers() map[report.Format]reporttest.Maker {
	return map[report.Format]reporttest.Maker{report.CSV: report.NewCSV, report.XLSX: xlsx.New, report.JSONL: report.NewJSONL}
}

func opens(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// readBack returns all rows of a report.
func readBack(t testing.TB, table Report) []readRow {
	t.Helper()
	reader, err := NewReader(t.Context(), table, ColumnChoice{Asked: "email"})
	if err != nil {
		t.Fatal(err)
	}
	var rows []readRow
	for row, err := range reader.rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		row.reasons = append([]scan.Reason(nil), row.reasons...)
		rows = append(rows, row)
	}
	return rows
}

// FuzzReportsAreReadBack: what a Writer was given comes back, whatever is in cells,
// records and labels.
func FuzzReportsAreReadBack(f *testing.F) {
	for _, text := range reporttest.HostileTexts() {
		f.Add(text, "issuemail", text, "Old", uint8(0))
	}
	f.Add("'=x@open.example", "a b(;)\"\\", `a" | 0 issue "b`, "CA:x", uint8(128))
	f.Fuzz(func(t *testing.T, cell, tag, value, label string, flags uint8) {
		if !utf8.ValidString(cell+label) || label == "" || strings.ContainsFunc(label, unicode.IsControl) || label == "New" || len(cell) > 1000 {
			return // input is read as UTF-8, and a label is checked before
		}
		w := reporttest.NewWorld(t, label, "New")
		p, err := caa.NewProperty(flags, tag, value)
		if err != nil {
			return // no record
		}
		denied := w.Results[1]
		outcome := *denied.Verdict.Outcome
		outcome.Records = caa.RRset{Owner: "policy.example", Properties: append([]caa.Property{p}, outcome.Records.Properties...)}
		denied.Verdict.Outcome = &outcome
		denied.Row.Cells, denied.Row.Cell = []string{cell, "x", cell}, cell
		w.Results = []scan.Result{w.Results[0], denied}
		want := []readRow{
			{cell: "Jane Doe <jane@open.example>", domain: "open.example", reasons: []scan.Reason{"no-caa", "no-caa", "no-caa"}},
			{cell: cell, domain: "mail.closed.example", reasons: []scan.Reason{"issuer-not-listed", "issuer-not-listed", "issuer-listed"}, records: report.RecordTexts(outcome.Records.Properties)},
		}
		for _, format := range []report.Format{report.CSV, report.JSONL} {
			got := readBack(t, table(t, w, format))
			for i := range got {
				got[i].number = 0
			}
			if format == report.JSONL { // which has no decision without a label
				for i := range got {
					got[i].reasons = append(got[i].reasons[:1:1], got[i].reasons...)
				}
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(readRow{})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", format, diff)
			}
		}
	})
}

// FuzzJSONL: whatever a file holds, it is read or said to be no report.
func FuzzJSONLReader(f *testing.F) {
	f.Add(string(reporttest.NewWorld(f, "Old", "New").Bytes(f, report.NewJSONL)))
	for _, text := range []string{"", "{}", "{\"cells\":[]}", "{\"cells\":{\"a\":{}}}", "[1]", "null", "{\"decisions\":[{}]}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		table, err := NewJSONLReport("old.jsonl", opens(text))
		var reader *Reader
		if err == nil {
			reader, err = NewReader(t.Context(), table, ColumnChoice{})
		}
		if err == nil {
			_, err = NewBaseline(t.Context(), reader, reader.Labels())
		}
		if err != nil && !errors.Is(err, ErrReport) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func TestSplitRecords(t *testing.T) {
	for _, test := range []struct {
		cell string
		want []string
	}{
		{"", nil},
		{`0 issue "a"`, []string{`0 issue "a"`}},
		{`0 issue "a | b" | 0 issue "c\" | \\" | 0 \" "x"`, []string{`0 issue "a | b"`, `0 issue "c\" | \\"`, `0 \" "x"`}},
		{`0 issue "never closed | 1`, []string{`0 issue "never closed | 1`}},
		{`0 issue \`, []string{`0 issue \`}},
	} {
		if got, _ := splitRecords(test.cell); !cmp.Equal(test.want, got) {
			t.Errorf("splitRecords(%q) = %q, want %q", test.cell, got, test.want)
		}
	}
}

// A line that is too long is said to be so, and not held.
func TestLongLines(t *testing.T) {
	line := `{"cells":{"a":"x.example"},"domain":"x.example","records":[],"decisions":[{"issuer":"A","status":"permitted","reason":"no-caa"}]}` + "\n"
	table, err := NewJSONLReport("old.jsonl", opens(line+strings.Repeat("x", longestLine+1)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = NewReader(t.Context(), table, ColumnChoice{})
	if !errors.Is(err, ErrReport) || !strings.Contains(err.Error(), "line 2: it is longer than 64 MiB") {
		t.Errorf("%v, want line 2 to be too long", err)
	}
}

// A report may be without the scanned column. That another one names the domain of a row
// or two, or is as empty as the scanned cells were, does not make it that column.
func TestTheScannedColumnIsNotThere(t *testing.T) {
	failed := func(cell, reason string) []string { return []string{cell, "", "", "lookup-failed", reason, ""} }
	permitted := func(cell, domain string) []string { return []string{cell, "", domain, "permitted", "no-caa", ""} }
	for _, test := range []struct {
		name string
		rows [][]string
		want string // the column, or "" where it is not there
	}{
		{"one of three", [][]string{permitted("x.example", "x.example"), permitted("Ben", "y.example"), permitted("Cem", "z.example")}, ""},
		{"half", [][]string{permitted("x.example", "x.example"), permitted("Ben", "y.example")}, ""},
		{"two of three", [][]string{permitted("x.example", "x.example"), permitted("y.example", "y.example"), permitted("Cem", "z.example")}, "site"},
		{"empty cells", [][]string{permitted("Ana", "x.example"), failed("Ben", "empty"), failed("Cem", "empty"), failed("Dan", "empty")}, ""},
		{"few domains", [][]string{permitted("x.example", "x.example"), failed("Ben", "single-label"), failed("", "empty"), failed("", "empty")}, "site"},
		{"no domain", [][]string{failed("Ana", "single-label"), failed("Ben", "single-label")}, "site"},
		{"broken rows", [][]string{failed("\"Ana", "broken-row"), failed("\"Ben", "broken-row"), failed("Cem", "single-label")}, "site"},
		{"nothing else", [][]string{failed("\"Ana", "broken-row")}, ""},
	} {
		table := Report{
			Name: "old.csv", Format: report.CSV, Header: []string{"site", "note", "caa_domain", "caa_status", "caa_reason", "caa_records"},
			Rows: func(yield func(scan.Row, error) bool) {
				for i, cells := range test.rows {
					if !yield(scan.Row{Number: i + 2, Cells: cells}, nil) {
						return
					}
				}
			},
		}
		reader, err := NewReader(t.Context(), table, ColumnChoice{})
		const refusal = "old.csv is not a report that can be compared: it lacks the scanned column: no other column holds the domains in caa_domain"
		switch {
		case test.want == "" && (err == nil || err.Error() != refusal):
			t.Errorf("%s: %v, want an error", test.name, err)
		case test.want != "" && (err != nil || reader.Column() != test.want):
			t.Errorf("%s: %v, want the column %s", test.name, err, test.want)
		}
	}
}

// A record in JSON Lines is read to what a cell of another format has.
func TestRecordsInJSONLines(t *testing.T) {
	for _, test := range []struct{ tag, value, want string }{
		{`issuemail`, `ca.example; a=b`, `128 issuemail "ca.example; a=b"`},
		{`a b(;)`, `x`, `128 a\ b\(\;\) "x"`},
		{`\"\\`, `\"\\\255`, `128 \"\\ "\"\\\255"`},
		{`\065\009`, `\066`, `128 A\009 "B"`}, // one record has one text
	} {
		if got, err := recordsOf([]jsonRecord{{Flags: 128, Tag: test.tag, Value: test.value}}); got != test.want || err != nil {
			t.Errorf("%q and %q are %s, %v, want %s", test.tag, test.value, got, err, test.want)
		}
	}
	long := []jsonRecord{{Tag: `issue`, Value: `a`}, {LeftOut: 7}}
	text, err := recordsOf(long)
	if records, cut := splitRecords(text); err != nil || !cut || len(records) == 0 {
		t.Errorf("%+v are %s, %v, and not known to be a part", long, text, err)
	}
	for _, wrong := range []jsonRecord{{Value: `x`}, {Tag: `issue`, Value: `"`}, {Tag: `\a`, Value: `x`}, {Tag: `issue`, Value: "\x1b"}} {
		text, err := json.Marshal(map[string]any{
			"cells": map[string]string{"a": "x.example"}, "domain": "x.example", "records": []jsonRecord{wrong},
			"decisions": []map[string]string{{"issuer": "A", "status": "permitted", "reason": "no-caa"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		table, err := NewJSONLReport("old.jsonl", opens(string(text)))
		if err == nil {
			_, err = NewReader(t.Context(), table, ColumnChoice{})
		}
		if !errors.Is(err, ErrReport) || !strings.HasPrefix(err.Error(), "old.jsonl is not a report that can be compared: line 1: ") {
			t.Errorf("%+v: %v, want an error about line 1", wrong, err)
		}
	}
}

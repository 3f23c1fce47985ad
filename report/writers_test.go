package report_test

import (
	"errors"
	"strings"
	"testing"

	"caascan/report"
	"caascan/report/reporttest"
)

func TestCSVStyles(t *testing.T) {
	tests := []struct {
		name           string
		newWriter      reporttest.Maker
		start, lineEnd string
		count          int // the header and six rows; LF stands once inside a cell, too
	}{
		{"a file has a BOM and CR LF", report.NewCSV, "\ufeffemail,", "\r\n", 7},
		{"a pipe has neither", report.NewPlainCSV, "email,", "\n", 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := string(reporttest.NewWorld(t, "ca.example").Bytes(t, test.newWriter))
			if !strings.HasPrefix(got, test.start) {
				t.Errorf("begins with %.20q, want %q", got, test.start)
			}
			if n := strings.Count(got, test.lineEnd); n != test.count || !strings.HasSuffix(got, test.lineEnd) {
				t.Errorf("%q stands %d times, want %d, and at the end: %q", test.lineEnd, n, test.count, got)
			}
			if !strings.Contains(got, "\"two\nlines@open.example\"") {
				t.Error("a line break inside a cell did not stay as it is")
			}
		})
	}
}

func TestRawCells(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	w.Layout.Cells = report.RawCells
	got := string(w.Bytes(t, report.NewPlainCSV))
	for _, want := range []string{",=1+1,", "a\x00b\u202ec"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the report", want)
		}
	}
}

// A full disk is seen while the rows come, not only at the end.
func TestErrorOfWrite(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	to, err := report.NewCSV(&reporttest.Limited{}, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		if err = to.Write(w.Results[0]); err != nil {
			break
		}
	}
	if !errors.Is(err, reporttest.ErrDisk) {
		t.Errorf("Write() = %v, want %v", err, reporttest.ErrDisk)
	}
}

func TestWriters(t *testing.T) {
	reporttest.CheckWriter(t, "csv", report.NewCSV)
	reporttest.CheckWriter(t, "plain-csv", report.NewPlainCSV)
	reporttest.CheckWriter(t, "jsonl", report.NewJSONL)
}

// TestFixesInCSVLoad: what is copied from the cell is what the zone file is to hold, letter
// by letter, also where another cell would be disarmed. Records stay as other cells.
func TestFixesInCSVLoad(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	w.Layout.Columns = []string{"caa_records", "caa_fix"}
	w.Results[1].Verdict.Decisions[0].Fix = reporttest.Fix(t, "-corp.example", "a; =b", `c|@d \x41`)
	w.Results[1].Verdict.Records = reporttest.Issuemail(t, "-corp.example", "a; =b", `c|@d \x41`)
	const records = `"0 issuemail ""a; \x3db"" | 0 issuemail ""c|\x40d \\x5cx41"""`
	const fixed = `"\045corp.example. IN CAA 0 issuemail ""a; \061b"" | \045corp.example. IN CAA 0 issuemail ""c|\064d \092x41"""`
	if got := string(w.Bytes(t, report.NewCSV)); !strings.Contains(got, records+","+fixed) {
		t.Errorf("%s\nhas no\n%s,%s", got, records, fixed)
	}
}

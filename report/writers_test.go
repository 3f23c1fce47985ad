package report

import (
	"errors"
	"strings"
	"testing"
)

func TestCSVStyles(t *testing.T) {
	tests := []struct {
		name           string
		newWriter      maker
		start, lineEnd string
		count          int // the header and six rows; LF stands once inside a cell, too
	}{
		{"a file has a BOM and CR LF", NewCSV, "\ufeffemail,", "\r\n", 7},
		{"a pipe has neither", NewPlainCSV, "email,", "\n", 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := string(newWorld(t, "ca.example").bytes(t, test.newWriter))
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
	w := newWorld(t, "ca.example")
	w.layout.Cells = RawCells
	got := string(w.bytes(t, NewPlainCSV))
	for _, want := range []string{",=1+1,", "a\x00b\u202ec"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in the report", want)
		}
	}
}

// A full disk is seen while the rows come, not only at the end.
func TestErrorOfWrite(t *testing.T) {
	w := newWorld(t, "ca.example")
	to, err := NewCSV(&limited{}, w.layout)
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		if err = to.Write(w.results[0]); err != nil {
			break
		}
	}
	if !errors.Is(err, errDisk) {
		t.Errorf("Write() = %v, want %v", err, errDisk)
	}
}

func TestWriters(t *testing.T) {
	checkWriter(t, "csv", NewCSV)
	checkWriter(t, "plain-csv", NewPlainCSV)
	checkWriter(t, "jsonl", NewJSONL)
}

package xlsx

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/report/reporttest"
)

// A row takes no more than its line says before it is written.
func TestLineSize(t *testing.T) {
	for _, text := range append(reporttest.HostileTexts(), "", strings.Repeat("&\r_x0041_", 3000)) {
		l := newLine(3)
		l.text(0, text, 64000)
		l.number(2, 1<<62, 64000)
		l.lines = 10
		row := l.appendRow(nil, []string{`<c r="XFB`, `<c r="XFC`, `<c r="XFD`}, 1048576, 409)
		if size := int64(len(row)); size > l.size() || size < l.size()-2*rowSize {
			t.Errorf("%.20q: %d octets, %d said before", text, size, l.size())
		}
	}
}

// By hand: 2026-11-23 is 46,349 days after 1899-12-30, and noon half a day more.
func TestMoments(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	w.Results[2].Verdict.CheckedAt = time.Date(2026, 11, 23, 23, 59, 59, 999_999_999, time.UTC)
	w.Results[3].Verdict.CheckedAt = time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC)
	w.Results[3].Verdict.Domain = w.Results[0].Verdict.Domain
	f := open(t, w.Bytes(t, New))
	for at, want := range map[string]struct {
		raw, shown string
		kind       excelize.CellType
	}{
		"Q2": {"46349.5", "2026-11-23T12:00:00Z", excelize.CellTypeUnset},
		"Q4": {"46349.999988425923", "2026-11-23T23:59:59Z", excelize.CellTypeUnset},
		"Q5": {"1850-01-01T00:00:00Z", "1850-01-01T00:00:00Z", excelize.CellTypeInlineString},
	} {
		raw, err := f.GetCellValue(resultsSheet, at, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		shown, err := f.GetCellValue(resultsSheet, at)
		if err != nil {
			t.Fatal(err)
		}
		kind, err := f.GetCellType(resultsSheet, at)
		if err != nil || raw[:min(len(raw), 12)] != want.raw[:min(len(want.raw), 12)] || shown != want.shown || kind != want.kind {
			t.Errorf("%s holds %s of type %d, shown as %q, %v, want %+v", at, raw, kind, shown, err, want)
		}
	}
}

// FuzzCellText: whatever text a cell is given, a reader of XML that undoes the escapes of
// a workbook and ours finds it again.
func FuzzCellText(f *testing.F) {
	for _, text := range reporttest.HostileTexts() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := newLine(1)
		l.text(0, text, 1)
		var cell struct {
			Text string `xml:"is>t"`
		}
		if err := xml.Unmarshal(append([]byte(`<c r="A1`), l.cells[0]...), &cell); err != nil {
			t.Fatalf("%v in %q", err, l.cells[0])
		}
		got := strings.ReplaceAll(cell.Text, escapedUnderscore, "_")
		if escaped := report.EscapeCell(text); len(utf16.Encode([]rune(escaped))) > excelize.TotalCellChars {
			if !strings.Contains(got, report.CutNote) {
				t.Error("it is cut and does not say so")
			}
		} else if !strings.Contains(text, escapedUnderscore) && got != escaped {
			t.Errorf("%q came back as %q", escaped, got)
		}
	})
}

// TestPlainTextNeedsNothing: what is copied as it is has no octet that is escaped, is one
// line, and keeps its ends. Most lists have nothing but plain text.
func TestPlainTextNeedsNothing(t *testing.T) {
	for c := range 256 {
		octet := string([]byte{byte(c)})
		for _, text := range []string{octet, octet + "a", "a" + octet, "a" + octet + "x005F_", "a" + octet + "x41"} {
			if !isPlain(text) {
				continue
			}
			if report.EscapeCell(text) != text || string(appendText(nil, text)) != text || blankEnds(text) || c < ' ' {
				t.Errorf("%q is copied as it is", text)
			}
		}
	}
	for _, text := range []string{"jane.doe+x@mail.example", "Lastname, First (DE) = 100 %"} {
		if !isPlain(text) {
			t.Errorf("%q is looked at twice", text)
		}
	}
	for _, text := range []string{"", " a", "a ", "R&D", "a_x0041_", strings.Repeat("a", 32768)} {
		if isPlain(text) {
			t.Errorf("%.20q is copied as it is", text)
		}
	}
}

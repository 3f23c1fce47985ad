package xlsx

import (
	"fmt"
	"strings"
	"testing"

	"caascan/report/reporttest"
)

// columnWidth returns the width of a column of the results, from 1.
func columnWidth(t *testing.T, sheet string, column int) float64 {
	t.Helper()
	for part := range strings.SplitSeq(sheet, "<col ") {
		var first, last int
		var width float64
		if n, _ := fmt.Sscanf(part, `min="%d" max="%d" width="%g"`, &first, &last, &width); n == 3 && first <= column && column <= last {
			return width
		}
	}
	t.Fatalf("column %d has no width", column)
	return 0
}

// Columns are as wide as what stands in them, up to a point; the addresses are seen whole and
// stay in view, and so does the status.
func TestResultsInView(t *testing.T) {
	long := strings.Repeat("a", 40) + "@open.example"
	for _, test := range []struct {
		name    string
		header  []string
		scanned int
		chosen  []string
		labels  []string
		pane    string // what stays in view, and what is seen first after that
	}{
		{"few columns", []string{"name", "email"}, 2, nil, []string{"ca.example"}, `xSplit="2" ySplit="1" topLeftCell="C2"`},
		{"two wide columns before it", []string{"customer", "name", "email"}, 3, nil, []string{"ca.example"}, `xSplit="3" ySplit="1" topLeftCell="D2"`},
		{"the first column", []string{"email", "name"}, 1, nil, []string{"ca.example"}, `xSplit="1" ySplit="1" topLeftCell="B2"`},
		{"not known", []string{"email", "name"}, 0, nil, []string{"ca.example"}, `xSplit="1" ySplit="1" topLeftCell="B2"`},
		{"many columns", strings.Split("email,b,c,d,e,f,g,h,i", ","), 1, nil, []string{"ca.example"}, `xSplit="1" ySplit="1" topLeftCell="L2"`},
		{"many before it", strings.Split("a,b,c,d,e,f,email", ","), 7, nil, []string{"ca.example"}, `xSplit="1" ySplit="1" topLeftCell="J2"`},
		{"two CAs", []string{"email"}, 1, nil, []string{"Old", "New"}, `xSplit="1" ySplit="1" topLeftCell="P2"`},
		{"chosen", strings.Split("email,b,c,d,e,f,g,h,i", ","), 1, []string{"input", "caa_status"}, []string{"ca.example"}, `xSplit="1" ySplit="1" topLeftCell="B2"`},
	} {
		w := reporttest.NewWorld(t, test.labels...)
		v := w.Results[0].Verdict
		w.Layout.Header, w.Layout.Scanned, w.Layout.Columns, w.Results = test.header, test.scanned, test.chosen, nil
		cells := make([]string, len(test.header))
		for i := range cells {
			cells[i] = "some words of the input"
		}
		if test.scanned > 0 {
			cells[test.scanned-1] = long
		}
		w.Add(v, nil, cells...)
		workbook := w.Bytes(t, New)
		sheet := readSheet(t, workbook, resultsSheet)
		if want := "<pane " + test.pane; !strings.Contains(sheet, want) {
			t.Errorf("%s: no %s in %.600s", test.name, want, sheet)
		}
		if test.scanned > 0 {
			if width := columnWidth(t, sheet, test.scanned); width != float64(len(long)+2) {
				t.Errorf("%s: the addresses have %v characters of %d", test.name, width, len(long))
			}
		}
	}
}

// A large sheet says its widths before all rows are known: those of the first count.
func TestWidthsOfALargeSheet(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	v := w.Results[0].Verdict
	w.Results = nil
	for i := range 5000 {
		w.Add(v, nil, fmt.Sprintf("%s@open.example", strings.Repeat("x", 1+i/1000)))
	}
	sheet := readSheet(t, w.Bytes(t, New), resultsSheet)
	if width := columnWidth(t, sheet, 1); width != float64(len("x@open.example")+2) {
		t.Errorf("the first column has %v characters", width)
	}
	if strings.Count(sheet, "<cols>") != 1 || strings.Count(sheet, "<row ") != 5001 {
		t.Error("the sheet is not whole")
	}
}

// On paper the columns that stay in view are on every page, if there is room beside them.
func TestKeptOnPaper(t *testing.T) {
	for _, test := range []struct {
		widths []float64
		frozen int
		want   int
	}{
		{[]float64{20, 30, 10}, 2, 2}, {[]float64{20, 30, 10}, 1, 1}, {[]float64{20, 80, 10}, 2, 1}, {[]float64{100, 10}, 1, 1},
	} {
		s := &sheet{widths: test.widths, frame: frame{frozen: test.frozen}}
		if got := s.kept(); got != test.want {
			t.Errorf("%v, %d of them in view: %d, want %d", test.widths, test.frozen, got, test.want)
		}
	}
}

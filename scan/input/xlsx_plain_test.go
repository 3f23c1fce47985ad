package input

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// sheetRows returns what a sheet holds up to its end or the error. How many formulas have
// no result stands in the last line.
func sheetRows(r io.Reader) (rows []string, err error) {
	texts := &sharedTexts{}
	for _, text := range []string{"first", "", "ü"} {
		if err := texts.add([]byte(text)); err != nil {
			return nil, err
		}
	}
	formats := &numberFormats{ofStyle: []int{formatGeneral, formatInteger, 165}, codes: map[int]string{165: "0"}, known: make(map[displayKey]string)}
	sheet := &sheetReader{part: part{xmlScanner: newXMLScanner(r)}, texts: texts, formats: formats}
	for {
		row, err := sheet.next()
		if err != nil {
			rows = append(rows, fmt.Sprintf("%d formulas", sheet.formulas))
			if err == io.EOF {
				err = nil
			}
			return rows, err
		}
		text := fmt.Sprintf("%d %t", row.number, row.broken)
		for _, cell := range row.cells {
			text += fmt.Sprintf(" %d %q %q", cell.kind, cell.text, cell.raw)
		}
		rows = append(rows, text)
	}
}

func inSheet(row string) string {
	return `<worksheet><sheetData><row r="3">` + row + `</row></sheetData></worksheet>`
}

// plainRows are the cells of a row and what is read of them; where that is "", an error.
var plainRows = []struct{ cells, want string }{
	{`<c r="A3" t="inlineStr"><is><t>a</t></is></c><c r="C3" s="1"><v>7</v></c>`, `3 false 0 "a" "" 0 "" "" 1 "7" "7"`},
	{`<c r="A3" t="inlineStr"><is><t xml:space="preserve"> &lt;&amp;&#13;_x0041_ </t></is></c>`, `3 false 0 " <&\rA " ""`},
	{`<c t="s"><v>0</v></c><c t="s"><v>2</v></c><c s="2"><v>46349</v></c><c s="2"/><c t="b"><v>1</v></c>`, `3 false 0 "first" "" 0 "ü" "" 1 "46349" "46349" 0 "" "" 2 "TRUE" "1"`},
	{`<c r="A3" t="str"><v>a` + "\r\n" + `b</v></c>`, `3 false 0 "a\nb" ""`},
	{`<c r="A3" t="inlineStr"><v>v</v></c><c r="B3" t="str"><is><t>i</t></is></c>`, `3 false 0 "v" ""`},
	{`<c r="A3"></c><c r="B3" t="str"><v></v></c><c r="C3" t="str"><v>x</v></c>`, `3 false 0 "" "" 0 "" "" 0 "x" ""`},
	{`<c r="A3" t="str" r="B3"><v>x</v></c>`, `3 false 0 "x" ""`},
	{`<c t='str' cm="1"><v>x</v></c><c t="str"><f>A1</f><v>y</v></c>`, `3 false 0 "x" "" 0 "y" ""`},
	{`<![CDATA[<c r="A3" t="str"><v>x</v></c>]]><c r="B3" t="str"><v>y</v></c>`, `3 false 0 "" "" 0 "y" ""`},
	{`<c r="B3" t="str"><v>x</v></c><c r="A3" t="str"><v>y</v></c>`, ""},
	{`<c r="XFE3" t="str"><v>x</v></c>`, ""},
	{`<c t="s"><v>3</v></c>`, ""},
	{`<c t="str"><v>&no;</v></c>`, ""},
	{"<c t=\"str\"><v>12345678\x01</v></c>", ""},
	{"<c t=\"str\"><v>1234567\x1f</v></c>", ""},
	{"<c t=\"str\"><v>12345678\xff12345678</v></c>", ""},
	{`<c t="str"><v>x</c></v>`, ""},
}

func TestPlainCells(t *testing.T) {
	for _, test := range plainRows {
		rows, err := sheetRows(strings.NewReader(inSheet(test.cells)))
		if (err != nil) != (test.want == "") {
			t.Errorf("%s: error %v", test.cells, err)
		}
		if got := rows[0]; test.want != "" && got != test.want {
			t.Errorf("%s: %s, want %s", test.cells, got, test.want)
		}
	}
}

// FuzzPlainCells: a sheet holds the same if it comes octet by octet, so that no cell is
// whole in the window.
func FuzzPlainCells(f *testing.F) {
	for _, seed := range plainRows {
		f.Add(seed.cells)
	}
	f.Fuzz(func(t *testing.T, cells string) {
		got, err := sheetRows(strings.NewReader(inSheet(cells)))
		slow, slowErr := sheetRows(iotest.OneByteReader(strings.NewReader(inSheet(cells))))
		if (err == nil) != (slowErr == nil) {
			t.Errorf("%q: %v at once, %v octet by octet", cells, err, slowErr)
		}
		if diff := cmp.Diff(slow, got); diff != "" {
			t.Errorf("%q mismatch (-octet by octet +at once):\n%s", cells, diff)
		}
	})
}

// TestWhatLooksPlainIsReadAsBefore: cells after a row without any, and octets that are no
// UTF-8 where text is checked eight at a time.
func TestWhatLooksPlainIsReadAsBefore(t *testing.T) {
	afterEmptyRow := inSheet(`</row><row r="4"/><c r="A5" t="str"><v>x</v></c><row r="6">`)
	got, err := sheetRows(strings.NewReader(afterEmptyRow))
	slow, slowErr := sheetRows(iotest.OneByteReader(strings.NewReader(afterEmptyRow)))
	if (err == nil) != (slowErr == nil) || cmp.Diff(slow, got) != "" {
		t.Errorf("at once %v (%v), octet by octet %v (%v)", got, err, slow, slowErr)
	}
	noUTF8 := inSheet("<c t=\"str\"><v>12345678" + strings.Repeat("\x90", 8) + "12345678</v></c>")
	if rows, err := sheetRows(strings.NewReader(noUTF8)); err == nil {
		t.Errorf("%v, want an error: the text is no UTF-8", rows)
	}
}

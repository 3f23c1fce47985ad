package input_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"caascan/scan/input"
)

// choices are octets that make choices for as long as there are some.
type choices []byte

func (c *choices) of(n int) int {
	if len(*c) == 0 {
		return 0
	}
	choice := int((*c)[0]) % n
	*c = (*c)[1:]
	return choice
}

func (c *choices) from(words ...string) string { return words[c.of(len(words))] }

// sharedParts are the parts that cells of randomSheet refer to: texts with runs and
// phonetics, and styles with formats of all kinds.
func sharedParts() []bookPart {
	return []bookPart{
		{name: "xl/sharedStrings.xml", before: `<sst ` + mainNamespace + `><si><t>bob@x.example</t></si><si><r><t>rich</t></r><r><rPr><b/></rPr><t xml:space="preserve"> text </t></r></si>` +
			`<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="1"/></si><si><t>a_x0041_b &amp; &lt;c&gt; &#246;</t></si><si><t>_x005F_x0041_</t></si><si><t/></si></sst>`},
		{name: "xl/styles.xml", before: `<styleSheet ` + mainNamespace + `><numFmts count="3"><numFmt numFmtId="164" formatCode="dd.mm.yyyy"/><numFmt numFmtId="165" formatCode="0.000&quot; kg&quot;"/>` +
			`<numFmt numFmtId="166" formatCode="#,##0;[Red]-#,##0"/></numFmts><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>` +
			`<cellXfs><xf numFmtId="0"/><xf numFmtId="1"/><xf numFmtId="2"/><xf numFmtId="9"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="20"/></cellXfs></styleSheet>`},
	}
}

// randomSheet writes a sheet in which the library finds what is there. Where it is known
// not to, nothing is written: text under a format, an odd style, an escaped surrogate, a
// number of over 15 digits, a date as text.
func randomSheet(c choices) string {
	var b strings.Builder
	b.WriteString(c.from("", `<?xml version="1.0" encoding="UTF-8"?>`, "\ufeff"))
	p := c.from("", "x:")
	fmt.Fprintf(&b, `<%sworksheet xmlns%s="http://schemas.openxmlformats.org/spreadsheetml/2006/main">`, p, strings.TrimSuffix(":"+p, ":"))
	b.WriteString(c.from("", "<!-- <row> -->", "<"+p+"sheetViews><"+p+"sheetView/></"+p+"sheetViews>"))
	fmt.Fprintf(&b, "<%ssheetData>", p)
	row := 0
	for len(c) > 0 && row < 40 {
		row += 1 + c.of(8)/6*c.of(5)
		mark := c.from(`"`, `'`)
		fmt.Fprintf(&b, "<%srow%sr=%s%d%s%s>", p, c.from(" ", "\n", "\t "), mark, row, mark, c.from("", ` spans="1:4"`, ` s="4" customFormat="1"`))
		column := 0
		for range c.of(6) {
			column += 1 + c.of(6)/5*c.of(4)
			writeCell(&b, &c, p, row, column)
		}
		fmt.Fprintf(&b, "</%srow%s>", p, c.from("", " "))
	}
	fmt.Fprintf(&b, "</%ssheetData><%spageMargins left='1'/></%sworksheet>", p, p, p)
	return b.String()
}

func writeCell(b *strings.Builder, c *choices, p string, row, column int) {
	name, _ := excelize.CoordinatesToCellName(column, row)
	text := c.from("jane@x.example", "a &amp; b", "<![CDATA[<c> & d]]>", "&#x4E;&#228;he", "line\nline", " padded ", "_x000D_", "12", "ü", "a<!-- b -->c")
	tag := func(name, content string) string { return "<" + p + name + ">" + content + "</" + p + name + ">" }
	open := fmt.Sprintf(`<%sc r="%s"`, p, name)
	end := "</" + p + "c>"
	switch c.of(9) {
	case 0:
		b.WriteString(open + ` t="inlineStr">` + tag("is", tag("t", text)) + end)
	case 1:
		b.WriteString(open + ` t="inlineStr">` + tag("is", tag("r", tag("t", text))+tag("r", tag("t", "more"))) + end)
	case 2:
		b.WriteString(open + ` t="s">` + tag("v", strconv.Itoa(c.of(6))) + end)
	case 3:
		b.WriteString(open + ` t="str">` + tag("f", "A1&amp;B1") + tag("v", strings.ReplaceAll(text, "_x000D_", "x")) + end)
	case 4:
		b.WriteString(open + ` t="b">` + tag("v", c.from("0", "1")) + end)
	case 5:
		b.WriteString(open + ` t="e">` + tag("v", c.from("#N/A", "#REF!")) + end)
	case 6:
		b.WriteString(open + c.from("/>", "></"+p+"c>", ` s="3"/>`))
	default:
		number := c.from("0", "1", "-1", "42", "0.5", "46349", "46349.75", "1234567.891", "0.1", "1E+3", "1e-7", "123456789012345", "0.30000000000000004", "007", "-12.5")
		fmt.Fprintf(b, `%s s="%d">%s%s`, open, c.of(10), tag("v", number), end)
	}
}

// FuzzSheet: of any sheet the scanner reads what the library reads, cell by cell.
func FuzzSheet(f *testing.F) {
	for seed := range 64 {
		octets := make([]byte, 200)
		state := uint32(seed*2654435761 + 1)
		for i := range octets {
			state = state*1664525 + 1013904223
			octets[i] = byte(state >> 24)
		}
		f.Add(octets)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		sheet := randomSheet(octets)
		path := rawWorkbook(t, append(sharedParts(), bookPart{name: "xl/worksheets/sheet1.xml", before: sheet})...)
		want := libraryRows(t, path)
		var got []string
		in, err := input.Open(t.Context(), path, nil, input.Options{Header: input.HeaderAbsent, Column: "1"})
		if err != nil && len(want) > 0 {
			t.Fatalf("%v of %s", err, sheet)
		}
		if err == nil {
			got = readAll(t, in)
			if err := in.Close(); err != nil {
				t.Error(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows mismatch (-library +scanner):\n%s\n%s", diff, sheet)
		}
	})
}

// libraryRows returns what the library reads, as readAll does.
func libraryRows(t *testing.T, path string) []string {
	t.Helper()
	book, err := excelize.OpenFile(path, excelize.Options{ShortDatePattern: "yyyy-mm-dd"})
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.Rows("S")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for number := 1; rows.Next(); number++ {
		cells, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for len(cells) > 0 && cells[len(cells)-1] == "" {
			cells = cells[:len(cells)-1]
		}
		if len(cells) > 0 {
			all = append(all, fmt.Sprintf("%d %q", number, slices.Clone(cells)))
		}
	}
	return all
}

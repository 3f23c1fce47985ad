package report

import (
	"cmp"
	"io"
	"strconv"
	"strings"

	"caascan/scan"
)

// csvStyle is what tells CSV for a file and for a pipe apart.
type csvStyle struct {
	bom     string // without one, spreadsheets take a file for the local code page
	lineEnd string
	cells   Cells
	comma   byte // what is in its place; 0 for the comma itself
}

// separator is what is between fields.
func (s csvStyle) separator() byte { return cmp.Or(s.comma, ',') }

// csvForm is CSV as RFC 4180 has it. encoding/csv is not used because it turns the
// line breaks inside a cell into those that end a line.
type csvForm struct {
	style csvStyle
	table *Table
}

// NewCSV returns a Writer of CSV for a file.
func NewCSV(w io.Writer, layout Layout) (Writer, error) {
	t, err := NewTable(layout)
	if err != nil {
		return nil, err
	}
	return newCSV(w, t, fileStyle(layout)), nil
}

// fileStyle is that of CSV for a file.
func fileStyle(layout Layout) csvStyle {
	return csvStyle{bom: "\ufeff", lineEnd: "\r\n", cells: layout.Cells, comma: layout.Separator}
}

// NewPlainCSV returns a Writer of CSV for a pipe.
func NewPlainCSV(w io.Writer, layout Layout) (Writer, error) {
	t, err := NewTable(layout)
	if err != nil {
		return nil, err
	}
	return newCSV(w, t, csvStyle{lineEnd: "\n", cells: layout.Cells, comma: layout.Separator}), nil
}

func newCSV(w io.Writer, t *Table, style csvStyle) *lineWriter {
	c := newLineWriter(w, t, csvForm{style, t}, style.bom)
	header := t.Header()
	if len(header) == 1 && header[0] == "" {
		c.lines = append(c.lines, `""`...) // as quoteEmpty
	}
	c.lines = style.appendLine(c.lines, header)
	return c
}

func (c csvForm) appendCells(line []byte, r scan.Result) []byte {
	cells := c.table.Leading(r)
	for _, cell := range cells {
		line = append(c.style.appendCell(line, cell), c.style.separator())
	}
	for range len(c.table.Inputs) - len(cells) {
		line = append(line, c.style.separator())
	}
	return line
}

func (c csvForm) template(o *scan.Outcome) template {
	var b templateBuilder
	for i := range c.table.Columns {
		if i > 0 {
			b.text = append(b.text, c.style.separator())
		}
		c.field(&b, &c.table.Columns[i], o)
	}
	if len(c.table.Inputs) == 0 && len(c.table.Columns) == 1 {
		b.vary(c.quoteEmpty)
	}
	b.text = append(b.text, c.style.lineEnd...)
	return b.template()
}

func (c csvForm) field(b *templateBuilder, f *TableColumn, o *scan.Outcome) {
	if cell, same := f.Shared(o); same {
		b.text = c.style.appendCell(b.text, cell)
		return
	}
	if f.number != nil {
		b.vary(f.appendNumber)
		return
	}
	if f.sentence != nil {
		before, after, _ := f.sentence(o.Decisions[f.issuer]).Cut()
		if takesDomain(before, after) && !c.style.separates(before) && !c.style.separates(after) {
			b.text = append(b.text, before...)
			b.vary(appendDomain)
			b.text = append(b.text, after...)
			return
		}
	}
	b.vary(func(line []byte, r scan.Result) []byte { return c.style.appendCell(line, f.Text(r)) })
}

// quoteEmpty writes something for an only cell that is empty: readers drop lines with
// nothing in them.
func (c csvForm) quoteEmpty(line []byte, r scan.Result) []byte {
	if c.table.Columns[0].Text(r) == "" {
		return append(line, `""`...)
	}
	return line
}

func (f *TableColumn) appendNumber(line []byte, r scan.Result) []byte {
	return strconv.AppendInt(line, int64(f.number(r)), 10)
}

func appendDomain(line []byte, r scan.Result) []byte {
	return append(line, r.Verdict.Domain.String()...)
}

// takesDomain reports whether a cell can be written as it is with any domain in it:
// there is nothing to escape or to quote, and no spreadsheet takes a part of it for a
// formula.
func takesDomain(before, after string) bool {
	return before != "" && octetClasses[before[0]]&mayRun == 0 &&
		(classesIn(before)|classesIn(after))&(mayEscape|maySplit|needsQuotes) == 0
}

func (s csvStyle) appendLine(line []byte, cells []string) []byte {
	for i, cell := range cells {
		if i > 0 {
			line = append(line, s.separator())
		}
		line = s.appendCell(line, cell)
	}
	return append(line, s.lineEnd...)
}

// separates reports whether a cell holds a separator that is no comma.
func (s csvStyle) separates(cell string) bool {
	return s.comma != 0 && strings.IndexByte(cell, s.comma) >= 0
}

// appendCell appends a field as RFC 4180, section 2 writes it: between quotation
// marks, each of its own doubled, if it holds a comma, a quotation mark or a
// line break. All octets come back as they are.
func (s csvStyle) appendCell(line []byte, cell string) []byte {
	classes := classesIn(cell)
	if s.cells == SafeCells {
		cell = safeCell(cell, classes)
	}
	if classes&needsQuotes == 0 && !s.separates(cell) { // nothing that makes a cell safe needs them
		return append(line, cell...)
	}
	line = append(line, '"')
	for {
		before, after, found := strings.Cut(cell, `"`)
		line = append(line, before...)
		if !found {
			return append(line, '"')
		}
		line = append(line, `""`...)
		cell = after
	}
}

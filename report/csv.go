package report

import (
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
}

// csvWriter writes CSV as RFC 4180 has it. encoding/csv is not used because it
// turns the line breaks inside a cell into those that end a line.
type csvWriter struct {
	out   io.Writer
	style csvStyle
	table *table
	kept  keeper[template]
	lines []byte // not yet written
	err   error  // of Write; errClosed after Close
}

// linesAtOnce is about how many octets are written at a time.
const linesAtOnce = 64 << 10

func newCSV(w io.Writer, t *table, style csvStyle) *csvWriter {
	c := &csvWriter{out: w, style: style, table: t, kept: newKeeper[template](mostTemplates)}
	c.lines = append(make([]byte, 0, 2*linesAtOnce), style.bom...)
	c.err = c.writeLine(t.header())
	return c
}

func (c *csvWriter) Write(r scan.Result) error {
	if c.err == nil {
		c.err = c.write(r)
	}
	return c.err
}

func (c *csvWriter) write(r scan.Result) error {
	if err := c.table.check(r); err != nil {
		return err
	}
	for _, cell := range r.Row.Cells {
		c.lines = append(c.style.appendCell(c.lines, cell), ',')
	}
	for range len(c.table.inputs) - len(r.Row.Cells) {
		c.lines = append(c.lines, ',')
	}
	for _, p := range c.kept.of(r.Verdict.Outcome, c.template) {
		c.lines = append(c.lines, p.text...)
		if p.then != nil {
			c.lines = p.then(c.lines, r)
		}
	}
	return c.endLine()
}

// template is our part of a line with all that is the same for the rows of an
// outcome already written.
type template []piece

// piece is text, and then what differs from row to row.
type piece struct {
	text string
	then func(line []byte, r scan.Result) []byte
}

// mostTemplates is how many templates are kept, of about 700 octets. With 1,024 in
// place of 4,096, a million rows in random order took 0.2 s longer, 80,000 of which
// had one of 15,000 outcomes of single domains.
const mostTemplates = 4096

func (c *csvWriter) template(o *scan.Outcome) template {
	var t template
	var text []byte
	for i := range c.table.fields {
		if i > 0 {
			text = append(text, ',')
		}
		f := &c.table.fields[i]
		if cell, same := f.shared(o); same {
			text = c.style.appendCell(text, cell)
			continue
		}
		before, after, then := c.differing(f, o)
		t = append(t, piece{string(text) + before, then})
		text = append(text[:0], after...)
	}
	return append(t, piece{text: string(text)})
}

// differing returns how to write a field that differs, and what always stands around
// it.
func (c *csvWriter) differing(f *field, o *scan.Outcome) (before, after string, then func([]byte, scan.Result) []byte) {
	switch {
	case f.number != nil:
		return "", "", func(line []byte, r scan.Result) []byte { return strconv.AppendInt(line, int64(f.number(r)), 10) }
	case f.sentence != nil:
		before, after, _ = f.sentence(o.Decisions[f.issuer]).Cut()
		if !takesDomain(before, after) {
			break
		}
		return before, after, func(line []byte, r scan.Result) []byte { return append(line, r.Verdict.Domain.String()...) }
	}
	return "", "", func(line []byte, r scan.Result) []byte { return c.style.appendCell(line, f.text(r)) }
}

// takesDomain reports whether a cell can be written as it is with any domain in it:
// there is nothing to escape or to quote, and no spreadsheet takes a part of it for a
// formula.
func takesDomain(before, after string) bool {
	return before != "" && octetClasses[before[0]]&mayRun == 0 &&
		(classesIn(before)|classesIn(after))&(mayEscape|maySplit|needsQuotes) == 0
}

func (c *csvWriter) Close(Run, *Tally) error {
	err := c.err
	if err == nil {
		err = c.flush()
	}
	c.err = errClosed
	return err
}

func (c *csvWriter) writeLine(cells []string) error {
	for i, cell := range cells {
		if i > 0 {
			c.lines = append(c.lines, ',')
		}
		c.lines = c.style.appendCell(c.lines, cell)
	}
	return c.endLine()
}

func (c *csvWriter) endLine() error {
	c.lines = append(c.lines, c.style.lineEnd...)
	if len(c.lines) < linesAtOnce {
		return nil
	}
	return c.flush()
}

func (c *csvWriter) flush() error {
	_, err := c.out.Write(c.lines)
	c.lines = c.lines[:0]
	return err
}

// appendCell appends a field as RFC 4180, section 2 writes it: between quotation
// marks, each of its own doubled, where it holds a comma, a quotation mark or a
// line break. All octets come back as they are.
func (s csvStyle) appendCell(line []byte, cell string) []byte {
	classes := classesIn(cell)
	if s.cells == SafeCells {
		cell = safeCell(cell, classes)
	}
	if classes&needsQuotes == 0 { // nothing that makes a cell safe needs them
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

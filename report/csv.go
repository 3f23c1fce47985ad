package report

import (
	"bufio"
	"io"
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
	out   *bufio.Writer
	style csvStyle
	table *table
	line  []byte
	err   error // of Write; errClosed after Close
}

func newCSV(w io.Writer, t *table, style csvStyle) *csvWriter {
	c := &csvWriter{out: bufio.NewWriterSize(w, 64<<10), style: style, table: t}
	c.line = append(c.line, style.bom...)
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
	cells, err := c.table.row(r)
	if err != nil {
		return err
	}
	return c.writeLine(cells)
}

func (c *csvWriter) Close(Run) error {
	err := c.err
	if err == nil {
		err = c.out.Flush()
	}
	c.err = errClosed
	return err
}

func (c *csvWriter) writeLine(cells []string) error {
	for i, cell := range cells {
		if i > 0 {
			c.line = append(c.line, ',')
		}
		c.line = c.style.appendCell(c.line, cell)
	}
	c.line = append(c.line, c.style.lineEnd...)
	_, err := c.out.Write(c.line)
	c.line = c.line[:0]
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

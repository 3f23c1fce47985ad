package report

import (
	"io"

	"caascan/scan"
)

// lineWriter writes a report that has a line for each row.
type lineWriter struct {
	out       io.Writer
	table     *Table
	form      lineForm
	templates OutcomeCache[template]
	lines     []byte // not yet written
	err       error  // of Write; errClosed after Close
}

// lineForm is what a line looks like.
type lineForm interface {
	// appendCells appends the cells of the input that come before all else.
	appendCells(line []byte, r scan.Result) []byte
	// template makes what follows them, to the end of the line.
	template(o *scan.Outcome) template
}

// template is our part of a line with all that is the same for the rows of an
// outcome already written.
type template []piece

// piece is text, and then what differs from row to row.
type piece struct {
	text string
	then func(line []byte, r scan.Result) []byte
}

// linesAtOnce is about how many octets are written at a time.
const linesAtOnce = 64 << 10

func newLineWriter(w io.Writer, t *Table, form lineForm, start string) *lineWriter {
	return &lineWriter{
		out: w, table: t, form: form, templates: NewOutcomeCache[template](mostTemplates),
		lines: append(make([]byte, 0, 2*linesAtOnce), start...),
	}
}

// Write adds the line of a row. After an error it returns that error again.
func (w *lineWriter) Write(r scan.Result) error {
	if w.err == nil {
		w.err = w.write(r)
	}
	return w.err
}

func (w *lineWriter) write(r scan.Result) error {
	if err := w.table.Check(r); err != nil {
		return err
	}
	w.lines = w.form.appendCells(w.lines, r)
	for _, p := range w.templates.Of(r.Verdict.Outcome, w.form.template) {
		w.lines = append(w.lines, p.text...)
		if p.then != nil {
			w.lines = p.then(w.lines, r)
		}
	}
	if len(w.lines) < linesAtOnce {
		return nil
	}
	return w.flush()
}

// Close writes the lines that are left, and returns the first error there was.
func (w *lineWriter) Close(*Overview) error {
	err := w.err
	if err == nil {
		err = w.flush()
	}
	w.err = ErrClosed
	return err
}

func (w *lineWriter) flush() error {
	_, err := w.out.Write(w.lines)
	w.lines = w.lines[:0]
	return err
}

// templateBuilder puts a template together.
type templateBuilder struct {
	done template
	text []byte // since the last piece
}

// vary ends the text with what differs from row to row.
func (b *templateBuilder) vary(then func(line []byte, r scan.Result) []byte) {
	b.done = append(b.done, piece{string(b.text), then})
	b.text = b.text[:0]
}

func (b *templateBuilder) template() template { return append(b.done, piece{text: string(b.text)}) }

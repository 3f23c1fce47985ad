// Package xlsx writes a report as an Office Open XML workbook (ECMA-376): a summary with
// charts, the rows, and what is derived from them, each in sheets of its own.
//
// The rows are kept in temporary files until Close, because the facts of the run, which
// come first in a workbook, are known last. Text is held as text and never as a formula.
package xlsx

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/scan"
)

// The names of the sheets, in their order. If a sheet is full its rows go on in
// another one, as Results 2.
const (
	summarySheet = "Summary"
	fixSheet     = "Fix list"
	resultsSheet = "Results"
	failedSheet  = "Failed"
	domainsSheet = "Domains"
	legendSheet  = "Legend"
)

// sheetText says what a sheet holds.
type sheetText struct{ name, holds string }

// sheetTexts are those of the sheets that every workbook may have. One that would hold
// nothing is not there, but for Results.
func sheetTexts() []sheetText {
	return []sheetText{
		{fixSheet, "What to publish so that a CA may issue: a line for each name whose records stop it, those that stop the most rows first. Of several CAs each has a sheet."},
		{resultsSheet, "The rows of the input, in their order, with what was found for each."},
		{failedSheet, "The rows for which it could not be found out whether a CA may issue, and what to do about each."},
		{domainsSheet, "Every distinct domain once, those with the most rows first."},
		{legendSheet, "What the words in this workbook mean: every status, reason, warning and column that is in it."},
	}
}

// noResults stands in Results if there is no row.
const noResults = "No row of the input is in this report."

// workbook writes a report as an Office Open XML workbook. excelize makes it, and
// zipWriter the archive. Results and Failed are written as the rows come, what is
// made from the Tally at the end.
type workbook struct {
	dir          string // its own, for temporary files
	archive      *zipWriter
	file         *excelize.File
	book         *stylebook
	styles       rowStyles      // of the sheets that have many rows of one line
	lined        rowStyles      // of the others, with a line under each row
	valueStyles  map[string]int // of the input's values, by number format
	limits       limits
	table        *report.Table
	perspectives []string
	line         *line // the last row
	sharedLines  report.OutcomeCache[sharedLine]
	results      *series
	measure      measure // of the columns of Results
	failed       *columnSheets[scan.Result]
	err          error // of Write; errClosed after Close
}

// New returns a Writer of a workbook. The error says if the columns do not fit into one, or
// if there is nowhere to keep the rows.
func New(w io.Writer, layout report.Layout) (report.Writer, error) { return newWorkbook(w, layout) }

func newWorkbook(w io.Writer, layout report.Layout) (*workbook, error) {
	t, err := report.NewTable(layout)
	if err != nil {
		return nil, err
	}
	columns := len(t.Header())
	if columns > excelize.MaxColumns {
		return nil, fmt.Errorf("the workbook would have %d columns, and a spreadsheet has at most %d: write a .csv report", columns, excelize.MaxColumns)
	}
	dir, err := os.MkdirTemp(layout.TempDir, "caascan-report-")
	if err != nil {
		return nil, fmt.Errorf("temporary directory for the report: %w", err)
	}
	file := excelize.NewFile(excelize.Options{TmpDir: dir})
	b := &workbook{
		dir: dir, archive: newZipWriter(w, dir), file: file, book: newStylebook(file), table: t, perspectives: layout.Perspectives, line: newLine(columns), valueStyles: make(map[string]int), sharedLines: report.NewOutcomeCache[sharedLine](mostShared),
		limits: limits{excelize.TotalRows, maxSheetSize},
	}
	b.measure.layout = layout
	b.styles, b.lined = newRowStyles(b.book, false), newRowStyles(b.book, true)
	err = cmp.Or(b.book.err, b.book.setDefault(), file.SetSheetName(file.GetSheetName(0), summarySheet), b.beginRows())
	if err != nil {
		return nil, errors.Join(err, b.release())
	}
	return b, nil
}

// beginRows begins the sheets that are written as the rows come.
func (b *workbook) beginRows() error {
	widths := b.measure.widths(b.table)
	b.results = b.newSeries(resultsSheet, widths, b.styles.headerLine(b.table.Header(), widths, b.table.IsInput))
	b.results.frame = frame{frozen: 1, even: true, choose: b.measure.choose}
	b.failed = newColumnSheets(b, failedSheet, &b.lined, failedColumns())
	return b.results.addSheet()
}

func (b *workbook) newSeries(name string, widths []float64, header *line) *series {
	return &series{archive: b.archive, limits: &b.limits, name: name, widths: widths, header: header}
}

// Write adds a row to the sheets that have rows. After an error it returns that error again.
func (b *workbook) Write(r scan.Result) error {
	if b.err == nil {
		b.err = b.write(r)
	}
	return b.err
}

func (b *workbook) write(r scan.Result) error {
	if err := b.table.Check(r); err != nil {
		return err
	}
	b.fill(r)
	if !b.results.last().started {
		b.measure.row(b.table, r)
	}
	if _, err := b.results.write(b.line); err != nil {
		return err
	}
	if r.Verdict.Decisions[0].Status != scan.LookupFailed { // which it is for all CAs alike
		return nil
	}
	_, err := b.failed.add(r)
	return err
}

// mostShared is how many sharedLines are kept, of about 2 KB.
const mostShared = 1024

// sharedLine is a line with what is the same for all rows with an outcome.
type sharedLine struct {
	*line
	others []otherCell
}

// otherCell is one that differs between the rows with an outcome.
type otherCell struct {
	column        int // of the table's
	before, after string
	named         bool // what differs is the domain, between plain text
}

// fill makes the line of a row.
func (b *workbook) fill(r scan.Result) {
	shared := b.sharedLines.Of(r.Verdict.Outcome, b.sharedLine)
	b.line.copy(shared.line)
	for i, text := range b.table.Leading(r) {
		b.putInput(i, text, r.Row.Values, i)
	}
	for _, other := range shared.others {
		f, column := &b.table.Columns[other.column], len(b.table.Inputs)+other.column
		if other.named && b.styles.putNamed(b.line, column, other, r.Verdict.Domain.String(), b.measure.present[column]) {
			continue
		}
		if n, ok := f.Number(r); ok {
			b.line.number(column, n, b.styles.number)
			continue
		}
		if at, ok := f.Time(r); ok {
			b.styles.putMoment(b.line, column, at)
			continue
		}
		if place := f.InputPlace(); place > 0 {
			b.putInput(column, f.Text(r), r.Row.Values, place-1)
			continue
		}
		b.styles.putFlat(b.line, column, f.Text(r), b.shape(column, f.Colored))
	}
}

// putInput fills a cell with what is at a place of the input's row.
func (b *workbook) putInput(column int, text string, values []scan.Value, place int) {
	if place < len(values) && b.putValue(column, text, values[place]) {
		return
	}
	b.styles.putFlat(b.line, column, text, b.shape(column, false))
}

// shape is how a cell of Results shows text. A column may become wider than it is yet.
func (b *workbook) shape(column int, colored bool) cellShape {
	return cellShape{b.measure.present[column], colored}
}

func (b *workbook) sharedLine(o *scan.Outcome) sharedLine {
	shared := sharedLine{line: newLine(len(b.line.cells))}
	for i := range b.table.Columns {
		f := &b.table.Columns[i]
		text, same := f.Shared(o)
		if !same {
			before, after, found := f.Around(o)
			shared.others = append(shared.others, otherCell{i, before, after, found && !f.Colored && isPlain(before+"x"+after)})
			continue
		}
		column := len(b.table.Inputs) + i
		b.styles.putFlat(shared.line, column, text, b.shape(column, f.Colored))
	}
	return shared
}

// Close writes the other sheets and ends the archive. It removes the temporary files
// after an error too.
func (b *workbook) Close(o *report.Overview) error {
	if errors.Is(b.err, report.ErrClosed) {
		return b.err
	}
	err := b.err
	if err == nil {
		err = b.finish(o)
	}
	b.err = report.ErrClosed
	return errors.Join(err, b.release())
}

// release removes the temporary files.
func (b *workbook) release() error {
	return errors.Join(b.archive.release(), b.file.Close(), os.RemoveAll(b.dir))
}

// finish makes the rest of the workbook and writes it.
func (b *workbook) finish(o *report.Overview) error {
	if err := newFinisher(b, o).write(); err != nil {
		return err
	}
	if err := b.archive.write(corePart, coreProperties(o.Run)); err != nil {
		return err
	}
	sortContentTypes(b.file)
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return b.archive })
	return b.file.Write(io.Discard) // the archive has its own writer
}

// corePart is written here, because excelize writes it without a prefix, as which some
// readers do not know it (https://github.com/exceljs/exceljs/issues/2603).
const corePart = "docProps/core.xml"

// coreProperties are the workbook's own properties (ECMA-376, part 2, section 11). The
// time is that of the run, so that the same run gives the same bytes.
func coreProperties(run report.Run) string {
	times := ""
	if !run.Started.IsZero() {
		at := run.Started.UTC().Format(time.RFC3339)
		times = `<dcterms:created xsi:type="dcterms:W3CDTF">` + at + `</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">` + at + `</dcterms:modified>`
	}
	return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"` +
		` xmlns:dcterms="http://purl.org/dc/terms/" xmlns:dcmitype="http://purl.org/dc/dcmitype/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<dc:title>` + report.Title + `</dc:title><dc:creator>caascan</dc:creator><cp:lastModifiedBy>caascan</cp:lastModifiedBy>` + times +
		`</cp:coreProperties>`
}

package report

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"caascan/scan"
)

// The names of the sheets, in their order.
const (
	summarySheet = "Summary"
	resultsSheet = "Results" // then "Results 2" and so on
)

// workbook writes a report as an Office Open XML workbook. excelize makes all of
// it but the sheets with a line for each row: those are streamed by sheet, and put
// into the archive in place of the empty ones that excelize has under their names.
type workbook struct {
	out     io.Writer
	dir     string
	file    *excelize.File
	book    *stylebook
	styles  rowStyles
	table   *table
	counts  Counts
	results []*sheet // all are finished but the last
	cells   []cell   // of the last row
	err     error    // of Write; errClosed after Close

	maxRows int   // in a sheet, the header row included
	maxSize int64 // of a sheet's XML, about
}

// maxSheetSize, 2 GiB, is where the rows go on in another sheet, so that the
// archive stays far from the 4 GiB that a part may have without zip64. A million
// rows of 17 columns take 0.8 GiB.
const maxSheetSize = 2 << 30

func newWorkbook(w io.Writer, t *table, dir string) (*workbook, error) {
	if n := len(t.header()); n > excelize.MaxColumns {
		return nil, fmt.Errorf("the workbook would have %d columns, a spreadsheet has at most %d: write a .csv report", n, excelize.MaxColumns)
	}
	file := excelize.NewFile(excelize.Options{TmpDir: dir})
	b := &workbook{
		out: w, dir: dir, file: file, book: newStylebook(file), table: t,
		cells:   make([]cell, len(t.header())),
		maxRows: excelize.TotalRows, maxSize: maxSheetSize,
	}
	b.styles = newRowStyles(b.book)
	return b, b.addResults()
}

// addResults begins the next sheet of rows.
func (b *workbook) addResults() error {
	s, err := newSheet(b.dir, b.columns())
	if err != nil {
		return err
	}
	b.results = append(b.results, s)
	return nil
}

// columns are those of the sheets of rows.
func (b *workbook) columns() []column {
	var columns []column
	for i, name := range b.table.header() {
		c := column{header: b.text(name), width: inputWidth(name)}
		c.header.style = b.styles.inputHeader
		if own := i - len(b.table.inputs); own >= 0 {
			c.header.style = b.styles.header
			c.width = b.table.fields[own].width
		}
		columns = append(columns, c)
	}
	return columns
}

// inputWidth is the width of a column of the input, whose cells are not known
// when the sheet begins: that of an address, or of the header where it is longer.
func inputWidth(header string) float64 {
	const least, most = 24, 40
	return float64(min(max(unitsIn(header)+4, least), most))
}

func (b *workbook) Write(r scan.Result) error {
	if b.err == nil {
		b.err = b.write(r)
	}
	return b.err
}

func (b *workbook) write(r scan.Result) error {
	texts, err := b.table.row(r)
	if err != nil {
		return err
	}
	s, err := b.sheetWithRoom()
	if err != nil {
		return err
	}
	b.counts.Add(r)
	inputs := len(b.table.inputs)
	for i, text := range texts[:inputs] {
		b.cells[i] = b.text(text)
	}
	for i, text := range texts[inputs:] {
		b.cells[inputs+i] = b.ownCell(b.table.fields[i].kind, text)
	}
	return s.write(b.cells)
}

// sheetWithRoom returns the last sheet of rows, or the next where that is full.
func (b *workbook) sheetWithRoom() (*sheet, error) {
	last := b.results[len(b.results)-1]
	if last.rows < b.maxRows && last.part.size < b.maxSize {
		return last, nil
	}
	if err := last.finish(); err != nil {
		return nil, err
	}
	if err := b.addResults(); err != nil {
		return nil, err
	}
	return b.results[len(b.results)-1], nil
}

func (b *workbook) text(text string) cell {
	c := cell{text: fitCell(escapeCell(text)), style: b.styles.text}
	if c.breaks = strings.Count(c.text, "\n"); c.breaks > 0 {
		c.style = b.styles.lines
	}
	return c
}

func (b *workbook) ownCell(kind kind, text string) cell {
	switch kind {
	case textKind:
		return b.text(text)
	case numberKind:
		return cell{text: text, number: true, style: b.styles.number}
	case statusKind:
		return cell{text: text, style: b.styles.statuses[scan.Status(text)]}
	}
	panic("report: unknown kind of column " + strconv.Itoa(int(kind)))
}

func (b *workbook) Close(run Run) error {
	if errors.Is(b.err, errClosed) {
		return b.err
	}
	archive := newZipWriter(b.out, b.dir)
	err := b.err
	if err == nil {
		err = b.finish(archive, run)
	}
	b.err = errClosed
	return errors.Join(err, archive.release(), b.release(), b.file.Close())
}

// release removes the rows' temporary files.
func (b *workbook) release() error {
	var err error
	for _, s := range b.results {
		err = errors.Join(err, s.part.spool.Close())
	}
	return err
}

// finish makes the rest of the workbook and writes it. All sheets come in their
// final order: excelize cannot be trusted to move one.
func (b *workbook) finish(archive *zipWriter, run Run) error {
	if err := b.results[len(b.results)-1].finish(); err != nil {
		return err
	}
	if err := b.file.SetSheetName(b.file.GetSheetName(0), summarySheet); err != nil {
		return err
	}
	if err := writeSummary(b.book, b.table.labels, &b.counts, run); err != nil {
		return err
	}
	for i, s := range b.results {
		name := resultsSheet
		if i > 0 {
			name += " " + strconv.Itoa(i+1)
		}
		if err := b.place(s, name, archive); err != nil {
			return fmt.Errorf("sheet %s: %w", name, err)
		}
	}
	if err := b.file.SetDocProps(docProps(run)); err != nil {
		return err
	}
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return archive })
	return b.file.Write(io.Discard) // archive writes to b.out
}

// place gives a streamed sheet its name and its part of the archive. What Excel
// looks up in the workbook and not in the sheet, it finds there: the range of the
// filter, and the row that is printed on every page.
func (b *workbook) place(s *sheet, name string, archive *zipWriter) error {
	index, err := b.file.NewSheet(name)
	if err != nil {
		return err
	}
	archive.add(fmt.Sprintf("xl/worksheets/sheet%d.xml", index+1), s.part)
	if err := b.file.AutoFilter(name, s.used(), nil); err != nil {
		return err
	}
	return b.file.SetDefinedName(&excelize.DefinedName{
		Name: "_xlnm.Print_Titles", RefersTo: "'" + name + "'!$1:$1", Scope: name,
	})
}

// docProps are the workbook's own properties. The time is that of the run, so
// that the same run gives the same bytes.
func docProps(run Run) *excelize.DocProperties {
	props := &excelize.DocProperties{Creator: "caascan", LastModifiedBy: "caascan", Title: summaryTitle}
	if !run.Started.IsZero() {
		props.Created = run.Started.UTC().Format(time.RFC3339)
		props.Modified = props.Created
	}
	return props
}

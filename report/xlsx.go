package report

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
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

// workbook writes a report as an Office Open XML workbook. excelize makes it, and
// zipWriter the archive.
type workbook struct {
	out    io.Writer
	dir    string // its own, for temporary files
	file   *excelize.File
	book   *stylebook
	styles rowStyles
	table  *table
	header *line
	line   *line // the last row
	kept   keeper[sharedLine]
	sheets []*sheet // of rows; all are finished but the last
	err    error    // of Write; errClosed after Close

	maxRows int   // in a sheet, the header included
	maxSize int64 // of a sheet's XML
}

// maxSheetSize, 4 GiB less what stands before and after the rows, is where the
// rows go on in another sheet, because an archive without zip64 holds no larger
// part. The XML is not seen but reckoned with the most that a cell can take: a
// million rows with 12 cells each are 0.8 GiB and count 1.5 GiB.
const maxSheetSize = 4<<30 - 16<<20

func newWorkbook(w io.Writer, t *table, dir string) (*workbook, error) {
	columns := len(t.header())
	if columns > excelize.MaxColumns {
		return nil, fmt.Errorf("the workbook would have %d columns, a spreadsheet has at most %d: write a .csv report", columns, excelize.MaxColumns)
	}
	// Where excelize cannot make a temporary file, it keeps all rows in memory: a
	// directory in which nothing can be made has to be found out before.
	dir, err := os.MkdirTemp(dir, "caascan-report-")
	if err != nil {
		return nil, fmt.Errorf("temporary directory for the report: %w", err)
	}
	file := excelize.NewFile(excelize.Options{TmpDir: dir})
	b := &workbook{
		out: w, dir: dir, file: file, book: newStylebook(file), table: t, line: newLine(columns), kept: newKeeper[sharedLine](mostShared),
		maxRows: excelize.TotalRows, maxSize: maxSheetSize,
	}
	b.styles = newRowStyles(b.book)
	b.header = b.headerLine()
	err = cmp.Or(b.book.err, file.SetSheetName(file.GetSheetName(0), summarySheet), b.addSheet())
	if err != nil {
		return nil, errors.Join(err, b.release())
	}
	return b, nil
}

// addSheet begins the next sheet of rows.
func (b *workbook) addSheet() error {
	name := resultsSheet
	if n := len(b.sheets); n > 0 {
		name += " " + strconv.Itoa(n+1)
	}
	s, err := newSheet(b.file, name, b.widths())
	if err != nil {
		return fmt.Errorf("sheet %s: %w", name, err)
	}
	b.sheets = append(b.sheets, s)
	return s.write(b.header)
}

// inputWidth is the width of a column of the input, whose cells are not known when
// the sheet begins: that of an address.
const inputWidth = 26

func (b *workbook) widths() []float64 {
	widths := slices.Repeat([]float64{inputWidth}, len(b.table.inputs))
	for _, f := range b.table.fields {
		widths = append(widths, f.width)
	}
	return widths
}

func (b *workbook) headerLine() *line {
	names, widths := b.table.header(), b.widths()
	l := newLine(len(names))
	for i, name := range names {
		style := b.styles.header
		if b.table.isInput(i) {
			style = b.styles.inputHeader
		}
		l.text(i, cellText(name), style)
		l.lines = max(l.lines, linesOf(name, widths[i]-filterWidth))
	}
	return l
}

// filterWidth is what the arrow of the filter takes from a header, in characters.
const filterWidth = 3

func (b *workbook) Write(r scan.Result) error {
	if b.err == nil {
		b.err = b.write(r)
	}
	return b.err
}

func (b *workbook) write(r scan.Result) error {
	if err := b.table.check(r); err != nil {
		return err
	}
	b.fill(r)
	s, err := b.sheetWithRoom()
	if err != nil {
		return err
	}
	return s.write(b.line)
}

// mostShared is how many sharedLines are kept, of about 2 KB.
const mostShared = 1024

// sharedLine is a line with what is the same for all rows with an outcome.
type sharedLine struct {
	*line
	others []int // of the table's fields, those that differ
}

// fill makes the line of a row.
func (b *workbook) fill(r scan.Result) {
	shared := b.kept.of(r.Verdict.Outcome, b.sharedLine)
	b.line.copy(shared.line)
	for i, text := range b.table.leading(r) {
		b.putInput(i, text)
	}
	for _, i := range shared.others {
		f, column := &b.table.fields[i], len(b.table.inputs)+i
		if f.number != nil {
			b.line.number(column, f.number(r), b.styles.number)
			continue
		}
		if f.input > 0 {
			b.putInput(column, f.text(r))
			continue
		}
		b.putOwn(b.line, column, f, f.text(r))
	}
}

// putInput fills a cell of the input, which is not made higher for its length.
func (b *workbook) putInput(column int, text string) {
	b.putText(b.line, column, text, 1+strings.Count(text, "\n"))
}

func (b *workbook) sharedLine(o *scan.Outcome) sharedLine {
	shared := sharedLine{line: newLine(len(b.line.cells))}
	for i := range b.table.fields {
		f := &b.table.fields[i]
		text, same := f.shared(o)
		if !same {
			shared.others = append(shared.others, i)
			continue
		}
		b.putOwn(shared.line, len(b.table.inputs)+i, f, text)
	}
	return shared
}

func (b *workbook) putOwn(l *line, column int, f *field, text string) {
	if f.status {
		l.text(column, text, b.styles.statuses[scan.Status(text)])
		return
	}
	b.putText(l, column, text, linesOf(text, f.width))
}

// putText fills a cell with text that is shown in so many lines.
func (b *workbook) putText(l *line, column int, text string, lines int) {
	if text == "" {
		return
	}
	style := b.styles.text
	if lines > 1 {
		style = b.styles.lines
	}
	l.text(column, cellText(text), style)
	l.lines = max(l.lines, lines)
}

// sheetWithRoom returns the last sheet, or the next where that has no room for the
// line.
func (b *workbook) sheetWithRoom() (*sheet, error) {
	last := b.sheets[len(b.sheets)-1]
	if last.rows < b.maxRows && last.size+b.line.size <= b.maxSize {
		return last, nil
	}
	if err := last.finish(); err != nil {
		return nil, err
	}
	if err := b.addSheet(); err != nil {
		return nil, err
	}
	return b.sheets[len(b.sheets)-1], nil
}

func (b *workbook) Close(run Run, tally *Tally) error {
	if errors.Is(b.err, errClosed) {
		return b.err
	}
	archive := newZipWriter(b.out, b.dir)
	err := b.err
	if err == nil {
		err = b.finish(archive, run, tally)
	}
	b.err = errClosed
	return errors.Join(err, archive.release(), b.release())
}

// release removes the temporary files.
func (b *workbook) release() error { return errors.Join(b.file.Close(), os.RemoveAll(b.dir)) }

// finish makes the rest of the workbook and writes it.
func (b *workbook) finish(archive *zipWriter, run Run, tally *Tally) error {
	err := cmp.Or(
		b.sheets[len(b.sheets)-1].finish(),
		writeSummary(b.book, b.table.labels, &tally.Counts, run),
		b.file.SetDocProps(docProps(run)),
	)
	if err != nil {
		return err
	}
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return archive })
	return b.file.Write(io.Discard) // archive writes to b.out
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

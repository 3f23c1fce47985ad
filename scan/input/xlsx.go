package input

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Bounds on what a workbook may unpack to.
const (
	maxUnpacked = 4 << 30  // all of it
	maxPart     = 64 << 20 // each part but sheets and shared texts: excelize holds those in memory
	maxHeld     = 16 << 20 // a sheet or the shared texts in memory; what is larger goes to a file
)

// workbook is a list in a sheet of an XLSX workbook (ISO/IEC 29500-1, clause 18).
type workbook struct {
	file    string
	temp    string
	sheet   string
	others  []string // the other sheets, quoted
	lastRow int      // of the sheet
}

// openWorkbook chooses the sheet and makes sure that it can be read to its end.
func openWorkbook(file, temp, sheet string) (*workbook, error) {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("%w: it begins like a zip archive and is none, perhaps cut short: %w", ErrFormat, err)
	}
	defer archive.Close()
	parts := parts{&archive.Reader}
	if err := parts.checkSizes(); err != nil {
		return nil, err
	}
	sheets, err := parts.sheets()
	if err != nil {
		return nil, fmt.Errorf("%w: it is a zip archive without a workbook that can be read (%w); save it as .xlsx or CSV",
			ErrFormat, err)
	}
	i, err := findSheet(sheets, sheet)
	if err != nil {
		return nil, err
	}
	book := &workbook{file: file, temp: temp, sheet: sheets[i].Name}
	for j := range sheets {
		if j != i {
			book.others = append(book.others, quote(sheets[j].Name))
		}
	}
	if book.lastRow, err = parts.checkSheet(sheets[i].part); err != nil {
		return nil, fmt.Errorf("%w that can be read to its end: sheet %s is damaged (%w); "+
			"open it in a spreadsheet program and save it anew", ErrFormat, quote(book.sheet), err)
	}
	return book, nil
}

// findSheet returns the index of the sheet that is asked for by name or number.
func findSheet(sheets []sheet, asked string) (int, error) {
	asked = strings.TrimSpace(asked)
	if asked == "" {
		return 0, nil
	}
	names := make([]string, len(sheets))
	for i, s := range sheets {
		if strings.EqualFold(strings.TrimSpace(s.Name), asked) {
			return i, nil
		}
		names[i] = fmt.Sprintf("%d (%s)", i+1, quote(s.Name))
	}
	if number, err := strconv.Atoi(asked); err == nil && number >= 1 && number <= len(sheets) {
		return number - 1, nil
	}
	return 0, fmt.Errorf("%w %s; choose one with --sheet by name or number: %s", ErrSheet, quote(asked), list(names))
}

// excuse implements source.
func (w *workbook) excuse() string { return "" }

// records implements source.
func (w *workbook) records(digest io.Writer) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		// Before the workbook is opened: should another take its place in
		// between, the next pass gives another sum.
		if err := w.sum(digest); err != nil {
			yield(record{}, err)
			return
		}
		book, err := excelize.OpenFile(w.file, excelize.Options{
			TmpDir: w.temp, UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxHeld,
		})
		if err != nil {
			yield(record{}, bookError("open the workbook", err))
			return
		}
		defer book.Close()
		rows, err := book.Rows(w.sheet)
		if err != nil {
			yield(record{}, bookError("open sheet "+quote(w.sheet), err))
			return
		}
		defer rows.Close()
		w.read(rows, yield)
	}
}

func (w *workbook) sum(digest io.Writer) error {
	file, err := os.Open(w.file)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(digest, file)
	return err
}

func (w *workbook) read(rows *excelize.Rows, yield func(record, error) bool) {
	var rec record
	for rows.Next() {
		rec.number++
		cells, err := rows.Columns()
		if err != nil {
			yield(record{}, bookError(fmt.Sprintf("row %d of sheet %s", rec.number, quote(w.sheet)), err))
			return
		}
		rec.cells, rec.broken = boundCells(cells)
		if !yield(rec, nil) {
			return
		}
	}
	err := rows.Error()
	if err == nil && rec.number < w.lastRow {
		err = errors.New("the workbook has changed")
	}
	if err != nil {
		yield(record{}, bookError(fmt.Sprintf("sheet %s ends after row %d", quote(w.sheet), rec.number), err))
	}
}

// bookError tells a full disk from a workbook at fault.
func bookError(what string, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%w that can be read: %s: %w", ErrFormat, what, err)
}

// boundCells holds a row to the limits of text files. Spreadsheets stop far
// below them.
func boundCells(cells []string) (bounded []string, broken bool) {
	for _, cell := range cells {
		if len(cell) > maxField {
			return []string{string(cutAtRune([]byte(cell), maxField))}, true
		}
	}
	return cells, false
}

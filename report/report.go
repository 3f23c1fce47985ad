// Package report says what a report says: each row of the input with its own columns
// first and what was found of it after them, and what all rows come to. It writes the
// reports that are lines of text: CSV, JSON Lines and files of fixes. Those that have a
// form of their own are made by the packages below it: report/xlsx makes a workbook,
// report/html a page, and report/diff reads an earlier report and compares rows with it.
//
// Memory grows with the distinct domains and not with the rows, and equal results give
// equal bytes. All text is hostile: see Cells for how CSV is protected.
package report

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"caascan/scan"
)

// Format is a kind of report.
type Format string

// The formats.
const (
	CSV      Format = "csv"       // for a file: UTF-8 with a BOM, lines end in CR LF (RFC 4180)
	PlainCSV Format = "plain-csv" // for a pipe: no BOM, lines end in LF
	XLSX     Format = "xlsx"      // an Office Open XML workbook
	JSONL    Format = "jsonl"     // JSON Lines: an object for each row, see Fields
	HTML     Format = "html"      // one page for a browser, which needs no other file and no network
)

// ParseFormat returns the format that an output file's name asks for: .csv, .xlsx,
// .html, .htm or .jsonl, in any case, or "-" for CSV on standard output. The error
// lists these.
func ParseFormat(filename string) (Format, error) {
	if filename == "-" {
		return PlainCSV, nil
	}
	switch strings.ToLower(filepath.Ext(filename)) {
	case ".csv":
		return CSV, nil
	case ".xlsx":
		return XLSX, nil
	case ".html", ".htm":
		return HTML, nil
	case ".jsonl":
		return JSONL, nil
	}
	return "", fmt.Errorf("report %q: no such format: end the name in .csv, .xlsx, .html or .jsonl, or write - for CSV on standard output", filename)
}

// Layout is what a Writer has to know before the first row.
type Layout struct {
	// Header names the input's own columns, in order, as read; extra cells have
	// names in it too.
	Header []string
	// Issuers are the labels of the CAs, in the order of scan.Verdict.Decisions;
	// at least one.
	Issuers []string
	// Columns, if given, are the columns that a report has, in this order: names of
	// the input's columns and of those in Columns, and "input" for all of the input's
	// if none of them has that name. If several of the input's have one name, it
	// is that of the first, and the second is NAME#2. The sheets of a workbook that do
	// not have a line for each row are not changed. In JSON Lines the other fields are
	// left out, and only the cells are in this order.
	Columns []string
	// Compared names the earlier report that the rows are compared with, if any. Then
	// each has a change, and the Tally has Changes.
	Compared string
	// Perspectives are the names of the other places whose answers are compared, if any. Then
	// each result with a domain has Places.
	Perspectives []string
	// Extra is how many names at the end of Header are for cells beyond the input's own
	// header. In JSON Lines those of them that are empty at the end of a row are left out.
	Extra int
	// Scanned is the number of the input's column with the mailboxes, from 1; 0 if that is
	// not known. It is for a workbook, which keeps it in view.
	Scanned int
	// International says that there are domains with A-labels. The report then has a column
	// with these as people read them, as it has if Columns names that.
	International bool
	// Inputs says that rows come from several files, and that each is to name its own.
	Inputs bool
	// Separator is for CSV only; the default is the comma.
	Separator byte
	// Cells is for CSV only; the default is SafeCells.
	Cells Cells
	// TempDir is where a workbook keeps its rows until Close; the default is
	// os.TempDir. Close removes what is there. A caller that may abandon the
	// Writer gives it a directory of its own and removes that.
	TempDir string
}

// Check finds what is wrong with the layout, as the makers of Writers would. The error wraps ErrColumns if
// it is about Columns.
func (l Layout) Check() error {
	_, err := NewTable(l)
	return err
}

// Writer writes one report. After an error, of Write or of Close, the output is
// not a report and must not be used.
type Writer interface {
	// Write adds the next row. It is an error if the row has more cells than
	// the header, because a cell would be lost.
	Write(scan.Result) error
	// Close writes what is left, the facts of the run and what is to be said of all
	// rows together included, and releases what the Writer holds. Close does not close
	// the io.Writer.
	Close(*Overview) error
}

// ErrClosed is returned by Write and Close after Close.
var ErrClosed = errors.New("the report is closed")

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strconv"

	"caascan/report"
	"caascan/report/diff"
	"caascan/scan"
	"caascan/scan/input"
)

// earlierReport is a report that is read again, to be compared.
type earlierReport struct {
	inputs []*input.Input // one for each sheet of a workbook; none for JSON Lines
	table  diff.Report
}

// longestHeader is how much is read of a report to tell what it is.
const longestHeader = 64 << 10

// openReport opens a report of any format but HTML. The format is told from the content,
// so that the file may have been renamed.
func openReport(ctx context.Context, path, tempDir string) (*earlierReport, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("report %s cannot be read: %w", path, cause(err))
	}
	head, err := readStart(path, longestHeader)
	if err != nil {
		return nil, fmt.Errorf("report %s cannot be read: %w", path, cause(err))
	}
	e := new(earlierReport)
	switch {
	case bytes.HasPrefix(head, []byte("{")):
		e.table, err = diff.NewJSONLReport(path, func() (io.ReadCloser, error) { return os.Open(path) })
	case bytes.HasPrefix(head, []byte("<")):
		err = fmt.Errorf("%s %w: it is an HTML page: give the report in CSV, XLSX or JSON Lines", path, diff.ErrReport)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		err = e.openSheets(ctx, path, tempDir)
	default:
		opts := input.Options{TempDir: tempDir}
		header, _, _ := bytes.Cut(head, []byte("\n"))
		for _, separator := range []byte(",;\t|") { // as we write it, whatever else the cells look like
			if bytes.Contains(header, fmt.Appendf(nil, "%ccaa_domain%c", separator, separator)) {
				opts.Separator = separator
			}
		}
		err = e.openSheet(ctx, path, opts)
		e.table.Format = report.CSV
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// openSheets opens Results, and the sheets in which it goes on.
func (e *earlierReport) openSheets(ctx context.Context, path, tempDir string) error {
	for n := 1; ; n++ {
		opts := input.Options{TempDir: tempDir, Sheet: "Results"}
		if n > 1 {
			opts.Sheet += " " + strconv.Itoa(n)
		}
		err := e.openSheet(ctx, path, opts)
		switch {
		case errors.Is(err, input.ErrSheet) && n > 1:
			e.table.Format = report.XLSX
			return nil
		case errors.Is(err, input.ErrSheet):
			return fmt.Errorf("%s %w: it has no sheet Results", path, diff.ErrReport)
		case err != nil:
			return err
		}
	}
}

func (e *earlierReport) openSheet(ctx context.Context, path string, opts input.Options) error {
	opts.Header, opts.Column = input.HeaderPresent, "1" // which column counts is found out by its name
	in, err := input.Open(ctx, path, nil, opts)
	if err != nil {
		return err
	}
	e.inputs = append(e.inputs, in)
	if len(e.inputs) > 1 && !slices.Equal(in.Header(), e.table.Header) {
		return fmt.Errorf("%s %w: the columns of sheet %s differ from those of the first", path, diff.ErrReport, opts.Sheet)
	}
	e.table.Name, e.table.Header, e.table.Rows = path, in.Header(), e.rows()
	return nil
}

// rows are those of all sheets, one behind the other.
func (e *earlierReport) rows() iter.Seq2[scan.Row, error] {
	return func(yield func(scan.Row, error) bool) {
		for _, in := range e.inputs {
			for row, err := range in.Rows() {
				if !yield(row, err) {
					return
				}
			}
		}
	}
}

// close removes the temporary files; there are none if nothing was opened.
func (e *earlierReport) close() error {
	if e == nil {
		return nil
	}
	var err error
	for _, in := range e.inputs {
		err = errors.Join(err, in.Close())
	}
	return err
}

// openBaseline reads the report that --baseline names, all of it: one of the outputs
// may take its place.
func (j *job) openBaseline(ctx context.Context) error {
	if j.compared == "" {
		return nil
	}
	var opened earlierBaseline // not read where the work may still go on
	err := interruptible(ctx, func() (err error) {
		opened, err = j.readBaseline(ctx)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--baseline: %w; the first run has nothing to compare with: leave --baseline out of it", err)
	}
	if err != nil {
		return fmt.Errorf("--baseline: %w", err)
	}
	j.baseline, j.run.Baseline = opened, fmt.Sprintf("%s (SHA-256 %s)", j.compared, opened.sha256)
	for _, warning := range j.baseline.Warnings(j.run.InputName, j.layout().Issuers) {
		j.console.warn(warning)
		j.run.Notes = append(j.run.Notes, warning)
	}
	return nil
}

// earlierBaseline is what rows are compared with, and its file.
type earlierBaseline struct {
	*diff.Baseline // nil if rows are not compared
	*earlierReport
	sha256 string // in hexadecimal
}

func (j *job) readBaseline(ctx context.Context) (earlierBaseline, error) {
	earlier, err := openReport(ctx, j.compared, j.tempDir)
	if err != nil {
		return earlierBaseline{}, err
	}
	opened, err := j.readOpened(ctx, earlier)
	if err != nil {
		return earlierBaseline{}, errors.Join(err, earlier.close())
	}
	return opened, nil
}

// readOpened reads the rows, and the octets before and after them: what the report of
// this run names as its baseline is what was compared.
func (j *job) readOpened(ctx context.Context, earlier *earlierReport) (opened earlierBaseline, err error) {
	opened.earlierReport = earlier
	if opened.sha256, err = sumOf(j.compared); err != nil {
		return opened, err
	}
	if opened.Baseline, err = j.newBaseline(ctx, earlier.table); err != nil {
		return opened, err
	}
	again, err := sumOf(j.compared)
	if err == nil && again != opened.sha256 {
		err = fmt.Errorf("%s changed while it was read: compare with a copy that does not change", j.compared)
	}
	return opened, err
}

// sumOf returns the SHA-256 of a report, in hexadecimal.
func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("report %s cannot be read: %w", path, cause(err))
	}
	defer func() { _ = file.Close() }() // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("report %s cannot be read: %w", path, cause(err))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (j *job) newBaseline(ctx context.Context, table diff.Report) (*diff.Baseline, error) {
	layout := j.layout()
	column := report.InputNames(layout.Header)[j.in.layout().Column-1]
	reader, err := diff.NewReader(ctx, table, diff.ColumnChoice{Preferred: column})
	if err != nil {
		return nil, err
	}
	return diff.NewBaseline(ctx, reader, layout.Issuers)
}

// Package diff reads a report again and says what is different between an earlier report
// and the rows of a scan, or of a later report. It keeps no texts of the earlier report but
// those that differ: both may have millions of rows.
package diff

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"caascan/report"
	"caascan/scan"
)

// Report is a report that is read again: CSV, the sheets Results of a workbook one
// after the other, or what NewJSONLTable makes of JSON Lines.
type Report struct {
	Name   string        // of the file, for messages
	Format report.Format // says how cells are escaped
	Header []string
	// Rows can be ranged over as often as is needed. The cells are as the file has them.
	Rows iter.Seq2[scan.Row, error]
}

// ErrReport is wrapped if a file is no report that can be compared with another.
var ErrReport = errors.New("is not a report that can be compared")

// ErrNoColumn is wrapped if a report has no column that is called as ColumnChoice
// asks for.
var ErrNoColumn = errors.New("no such column")

// ColumnChoice says which column of a report was scanned: only from its cells it can
// be told, and not if several hold the same domains.
type ColumnChoice struct {
	// Asked is the name of the column, or its number among the input's, from 1; empty
	// where it is to be found.
	Asked string
	// Preferred is the name of the column that is taken if others would do as well.
	Preferred string
}

// Reader reads a report as far as reports are compared: the cell that was scanned, its
// domain, and the decisions and records.
type Reader struct {
	table   Report
	header  []string
	inputs  []int // the places of the input's columns
	column  int   // the one that was scanned
	domain  int
	records int
	issuers []issuerColumns
	known   map[string]scan.Status // the status of each reason
}

// issuerColumns are where a decision is. The label is empty for the columns that
// do not name their CA, which are the first CA's.
type issuerColumns struct {
	label          string
	status, reason int
}

// readRow is a row that was read. What it holds is valid until the next one.
type readRow struct {
	number  int
	cell    string
	domain  string
	reasons []scan.Reason // in the order of Reader.issuers
	records []string
	cut     bool // not all records are there
}

// digest is that of the whole set of records; "" if the report does not tell it.
func (r *readRow) digest() string {
	if r.cut {
		return report.CutDigest(r.records[len(r.records)-1])
	}
	return report.RecordsDigest(r.records)
}

// NewReader finds the columns of a report. The error wraps ErrReport or ErrNoColumn,
// or is that of the rows.
func NewReader(ctx context.Context, t Report, choice ColumnChoice) (*Reader, error) {
	r := &Reader{table: t, known: make(map[string]scan.Status)}
	for _, reason := range scan.Reasons() {
		r.known[string(reason)] = reason.Status()
	}
	for i, name := range t.Header {
		name = r.restore(name)
		r.header = append(r.header, name)
		if report.InputName(name) == name {
			r.inputs = append(r.inputs, i)
		}
	}
	if err := r.findOwn(); err != nil {
		return nil, err
	}
	return r, r.chooseColumn(ctx, choice)
}

// Name returns the name of the file.
func (r *Reader) Name() string { return r.table.Name }

// Column returns the name of the column that was scanned, as InputNames has it.
func (r *Reader) Column() string { return r.inputNames()[slices.Index(r.inputs, r.column)] }

// Labels returns the labels of the CAs. That of the columns that do not name theirs,
// which come first, is empty.
func (r *Reader) Labels() []string {
	labels := make([]string, len(r.issuers))
	for i, columns := range r.issuers {
		labels[i] = columns.label
	}
	return labels
}

// restore undoes the escapes of a cell.
func (r *Reader) restore(cell string) string {
	switch r.table.Format {
	case report.CSV, report.PlainCSV:
		return report.RestoreCell(cell)
	case report.XLSX:
		return report.UnescapeCell(cell)
	case report.JSONL, report.HTML: // of the first nothing is left to be undone, and the second is no table
	}
	return cell
}

// findOwn finds the columns that the report added.
func (r *Reader) findOwn() (err error) {
	if r.domain, err = r.find("caa_domain"); err != nil {
		return err
	}
	if r.records, err = r.find("caa_records"); err != nil {
		return err
	}
	for _, name := range r.header {
		label, found := "", name == statusColumn
		if !found {
			label, found = strings.CutPrefix(name, statusColumn+":")
		}
		if !found {
			continue
		}
		if err := r.addIssuer(name, label); err != nil {
			return err
		}
	}
	if len(r.issuers) == 0 {
		return r.missing(statusColumn)
	}
	slices.SortStableFunc(r.issuers, func(a, b issuerColumns) int {
		return min(len(a.label), 1) - min(len(b.label), 1) // without a label first
	})
	return nil
}

const (
	statusColumn = "caa_status"
	reasonColumn = "caa_reason"
)

func (r *Reader) addIssuer(name, label string) (err error) {
	columns := issuerColumns{label: label}
	if columns.status, err = r.find(name); err != nil {
		return err
	}
	columns.reason, err = r.find(reasonColumn + strings.TrimPrefix(name, statusColumn))
	r.issuers = append(r.issuers, columns)
	return err
}

func (r *Reader) find(name string) (int, error) {
	if i := slices.Index(r.header, name); i >= 0 {
		return i, nil
	}
	return 0, r.missing(name)
}

func (r *Reader) missing(name string) error {
	return fmt.Errorf("%s %w: it has no column %s", r.table.Name, ErrReport, report.QuoteName(name))
}

// chooseColumn finds the column that was scanned: the one whose cells name the
// domains of the most rows. By chance another one may name a few.
func (r *Reader) chooseColumn(ctx context.Context, choice ColumnChoice) (err error) {
	if choice.Asked != "" {
		r.column, err = r.askedColumn(choice.Asked)
		return err
	}
	agreeing, sampled, err := r.agreeing(ctx)
	if err != nil {
		return err
	}
	best := slices.MaxFunc(append(agreeing, agreement{}), agreement.compare)
	if !best.mostOf(sampled) {
		return fmt.Errorf("%s %w: it lacks the scanned column: no other column holds the domains in caa_domain", r.table.Name, ErrReport)
	}
	r.column = r.inputs[slices.Index(agreeing, best)]
	for i, name := range r.inputNames() {
		if name == choice.Preferred && agreeing[i] == best {
			r.column = r.inputs[i]
		}
	}
	return nil
}

func (r *Reader) inputNames() []string {
	names := make([]string, len(r.inputs))
	for i, column := range r.inputs {
		names[i] = r.header[column]
	}
	return report.UniqueNames(names)
}

func (r *Reader) askedColumn(asked string) (int, error) {
	names := r.inputNames()
	if i := slices.IndexFunc(names, func(name string) bool { return report.Alike(name, asked) }); i >= 0 {
		return r.inputs[i], nil
	}
	if number, err := strconv.Atoi(asked); err == nil && number >= 1 && number <= len(names) {
		return r.inputs[number-1], nil
	}
	return 0, &ColumnError{Asked: asked, Report: r.table.Name, Names: names}
}

// ColumnError says that a report has no column of the input that is called Asked. It is an
// ErrNoColumn.
type ColumnError struct {
	Asked  string
	Report string   // its name
	Names  []string // of the input's columns
}

// Error lists the columns. It escapes what comes from the report.
func (e *ColumnError) Error() string {
	return fmt.Sprintf("%v %s in %s; there are %s", ErrNoColumn, report.QuoteName(e.Asked), e.Report, strings.Join(report.QuoteNames(e.Names), ", "))
}

// Unwrap returns ErrNoColumn.
func (e *ColumnError) Unwrap() error { return ErrNoColumn }

// columnSample is how many rows the scanned column is told from.
const columnSample = 1000

// agreement counts the rows of the sample that have in a column what caa_domain is made
// of, or of all of them.
type agreement struct {
	domains int
	none    int // rows without a domain, which the cell explains
}

func (a agreement) compare(other agreement) int {
	return cmp.Compare(a.domains+a.none, other.domains+other.none)
}

// mostOf reports whether a column is one that may have been scanned. An empty column
// explains all empty cells, and so the rows without a domain count only if there are
// no others.
func (a agreement) mostOf(sampled agreement) bool {
	if sampled.domains > 0 {
		return 2*a.domains > sampled.domains
	}
	return 2*a.none > sampled.none
}

// agreeing counts for each of the input's columns, and says of how many rows. A row that
// could not be split into cells tells nothing.
func (r *Reader) agreeing(ctx context.Context) (columns []agreement, sampled agreement, err error) {
	columns = make([]agreement, len(r.inputs))
	for row, err := range r.table.Rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, agreement{}, err
		}
		domain, reason := r.text(row, r.domain), scan.Reason(r.text(row, r.issuers[0].reason))
		if reason == scan.BrokenRow {
			continue
		}
		sampled = sampled.with(domain)
		for i, column := range r.inputs {
			target := scan.ParseTarget(r.text(row, column))
			if target.Domain.String() == domain && (domain != "" || target.Reason == reason) {
				columns[i] = columns[i].with(domain)
			}
		}
		if sampled.domains+sampled.none == columnSample {
			break
		}
	}
	return columns, sampled, nil
}

// with counts a row that agrees.
func (a agreement) with(domain string) agreement {
	if domain == "" {
		a.none++
	} else {
		a.domains++
	}
	return a
}

// text returns what stood in a column before it was escaped. Rows may be short.
func (r *Reader) text(row scan.Row, column int) string {
	if column >= len(row.Cells) {
		return ""
	}
	return r.restore(row.Cells[column])
}

// rows yields every row in order, and stops at the first error.
func (r *Reader) rows(ctx context.Context) iter.Seq2[readRow, error] {
	return func(yield func(readRow, error) bool) {
		read := readRow{reasons: make([]scan.Reason, len(r.issuers))}
		for row, err := range r.table.Rows {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = r.read(&read, row)
			}
			if !yield(read, err) || err != nil {
				return
			}
		}
	}
}

func (r *Reader) read(read *readRow, row scan.Row) error {
	if row.Broken {
		return r.wrong(row, "it cannot be split into cells")
	}
	for i, columns := range r.issuers {
		reason, status := r.text(row, columns.reason), r.text(row, columns.status)
		known, ok := r.known[reason]
		if !ok {
			return r.wrong(row, "%s is not a reason", report.QuoteName(reason))
		}
		if status != string(known) {
			return r.wrong(row, "%s does not have the status %s", reason, report.QuoteName(status))
		}
		read.reasons[i] = scan.Reason(reason)
	}
	read.number, read.cell, read.domain = row.Number, r.text(row, r.column), r.text(row, r.domain)
	if read.reasons[0] == scan.BrokenRow {
		read.cell = r.text(row, r.inputs[0])
	}
	if status := r.known[string(read.reasons[0])]; read.domain == "" && status != scan.LookupFailed {
		return r.wrong(row, "it is %s and has no domain", status)
	}
	read.records, read.cut = splitRecords(r.text(row, r.records))
	return nil
}

func (r *Reader) wrong(row scan.Row, format string, args ...any) error {
	return fmt.Errorf("%s %w: row %d: %s", r.table.Name, ErrReport, row.Number, fmt.Sprintf(format, args...))
}

// splitRecords takes the records in a cell apart, and says whether a row had no
// room for all of them.
func splitRecords(cell string) (records []string, cut bool) {
	if cell == "" {
		return nil, false
	}
	quoted, start := false, 0
	for i := 0; i < len(cell); i++ {
		switch {
		case cell[i] == '\\':
			i++ // what follows a backslash is no quotation mark
		case cell[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(cell[i:], report.ListSeparator):
			records = append(records, cell[start:i])
			start = i + len(report.ListSeparator)
			i = start - 1
		}
	}
	return append(records, cell[start:]), strings.Contains(cell, report.CutNote) // records are in ASCII
}

package main

import (
	"archive/zip"
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// check holds a report to the list it was made from and to what is expected of
// every domain: no row is lost, added or moved, every status and reason is right.
// Then it holds the numbers that caascan gives in log to each other.
func check(expected, input, report, log string, xlsx []string) error {
	want, err := readExpected(expected)
	if err != nil {
		return err
	}
	rows, err := checkRows(want, input, report)
	if err != nil {
		return err
	}
	if err := checkSummary(log, rows); err != nil {
		return err
	}
	for _, file := range xlsx {
		if err := checkWorkbook(file, rows); err != nil {
			return err
		}
	}
	return nil
}

// verdict is a status and a reason.
type verdict struct{ status, reason string }

func readExpected(file string) (map[string]verdict, error) {
	want := make(map[string]verdict)
	r, err := openTable(file)
	if err != nil {
		return nil, err
	}
	defer r.close()
	for cells, err := range r.rows() {
		if err != nil {
			return nil, err
		}
		want[cells[0]] = verdict{cells[1], cells[2]}
	}
	return want, nil
}

// checkRows reads list and report side by side.
func checkRows(want map[string]verdict, input, report string) (rows int, err error) {
	in, err := openTable(input)
	if err != nil {
		return 0, err
	}
	defer in.close()
	out, err := openTable(report)
	if err != nil {
		return 0, err
	}
	defer out.close()
	cell, domain := in.column("email", "input"), out.column("caa_domain")
	same, status, reason := out.column("email", "input"), out.column("caa_status"), out.column("caa_reason")
	if slices.Contains([]int{cell, domain, same, status, reason}, -1) {
		return 0, fmt.Errorf("%s or %s lacks a column", input, report)
	}
	wrong := mistakes{file: report}
	for cells, err := range in.rows() {
		if err != nil {
			return rows, err
		}
		rows++
		got, err := out.next()
		if err != nil {
			return rows, fmt.Errorf("%s: row %d of the list is not there: %w", report, rows, err)
		}
		address := cells[cell]
		name := strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
		if got[same] != address || got[domain] != name {
			return rows, fmt.Errorf("%s: row %d is about %q, %q, want %q", report, rows, got[same], got[domain], address)
		}
		wrong.compare(name, verdict{got[status], got[reason]}, want)
	}
	if _, err := out.next(); !errors.Is(err, io.EOF) {
		return rows, fmt.Errorf("%s has more rows than the list, which has %d", report, rows)
	}
	return rows, wrong.err()
}

// mistakes counts what is wrong in a file and keeps the first of it.
type mistakes struct {
	file  string
	count int
	first []string
}

func (m *mistakes) compare(name string, got verdict, expected map[string]verdict) {
	want, ok := expected[name]
	if ok && got == want {
		return
	}
	const shown = 10
	if m.count++; m.count <= shown {
		m.first = append(m.first, fmt.Sprintf("%s is %s, %s, want %s, %s", name, got.status, got.reason, want.status, want.reason))
	}
}

func (m *mistakes) err() error {
	if m.count == 0 {
		return nil
	}
	return fmt.Errorf("%s: %d rows are wrong:\n%s", m.file, m.count, strings.Join(m.first, "\n"))
}

// checkSummary holds that each name was asked once, but for retries that are
// counted. The worlds have no answer that needs TCP.
func checkSummary(log string, rows int) error {
	said, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	s, ok := findSummary(said)
	if !ok || s.rows != rows || s.queries != s.names+s.retries {
		return fmt.Errorf("%s says %+v, want %d rows, and as many queries as names and retries", log, s, rows)
	}
	return nil
}

// checkWorkbook counts the rows of the largest sheet, which has them all and a
// header if they fit into one.
func checkWorkbook(file string, rows int) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }() // it was only read
	most := 0
	for _, part := range archive.File {
		if path.Dir(part.Name) != "xl/worksheets" {
			continue
		}
		n, err := countRows(part)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		most = max(most, n)
	}
	if most != rows+1 {
		return fmt.Errorf("%s: the largest sheet has %d rows, want %d and a header", file, most, rows)
	}
	return nil
}

// countRows counts the elements named row.
func countRows(part *zip.File) (n int, err error) {
	sheet, err := part.Open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, sheet.Close()) }() // which checks the CRC
	tags := bufio.NewReaderSize(sheet, 1<<20)
	for {
		tag, err := tags.ReadSlice('>')
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return n, err
		}
		if strings.HasPrefix(string(tag), "<row ") {
			n++
		}
	}
}

// table is a CSV file, or a list of names a line, which has no header.
type table struct {
	file   *os.File
	csv    *csv.Reader
	header []string
}

func openTable(name string) (*table, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(file, 1<<20)
	if bom, _ := buffered.Peek(3); string(bom) == "\ufeff" {
		_, _ = buffered.Discard(len(bom))
	}
	t := &table{file: file, csv: csv.NewReader(buffered), header: []string{"input"}}
	t.csv.ReuseRecord = true
	if path.Ext(name) == ".txt" {
		return t, nil
	}
	header, err := t.csv.Read()
	t.header = slices.Clone(header)
	return t, err
}

func (t *table) close() { _ = t.file.Close() } // it was only read

// column returns where the first column with one of the names is, else -1.
func (t *table) column(names ...string) int {
	return slices.IndexFunc(t.header, func(h string) bool { return slices.Contains(names, h) })
}

// next returns a row, which is gone with the one behind it.
func (t *table) next() ([]string, error) { return t.csv.Read() }

func (t *table) rows() func(yield func([]string, error) bool) {
	return func(yield func([]string, error) bool) {
		for {
			cells, err := t.next()
			if errors.Is(err, io.EOF) || !yield(cells, err) || err != nil {
				return
			}
		}
	}
}

package diff

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/caa"
)

// NewJSONLReport returns a report in JSON Lines as a table, with the columns that its
// first line has fields for, as far as a Reader needs them. open is called for each
// pass. The error wraps ErrReport, or is that of open or of reading.
func NewJSONLReport(name string, open func() (io.ReadCloser, error)) (Report, error) {
	lines := jsonLines{name, open}
	for line, err := range lines.all() {
		if err != nil {
			return Report{}, err
		}
		header := line.header()
		return Report{Name: name, Format: report.JSONL, Header: header, Rows: lines.rows(header)}, nil
	}
	return Report{}, fmt.Errorf("%s %w: it is empty", name, ErrReport)
}

// jsonLines are those of a file.
type jsonLines struct {
	name string
	open func() (io.ReadCloser, error)
}

// longestLine is more octets than a row has that was read: 2 MiB of cells, each octet
// of which may be written as six, and as many records and fixes as the DNS has for it.
const longestLine = 64 << 20

// all yields every line, and stops at the first error.
func (j jsonLines) all() iter.Seq2[jsonLine, error] {
	return func(yield func(jsonLine, error) bool) {
		file, err := j.open()
		if err != nil {
			yield(jsonLine{}, err)
			return
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, longestLine)
		number := 0
		for lines.Scan() {
			number++
			line := jsonLine{number: number}
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				yield(line, j.wrong(number, "%w", err))
				return
			}
			line.dropExtras()
			if !yield(line, nil) {
				return
			}
		}
		if errors.Is(lines.Err(), bufio.ErrTooLong) {
			yield(jsonLine{}, j.wrong(number+1, "it is longer than %d MiB", longestLine>>20))
		} else if lines.Err() != nil {
			yield(jsonLine{}, fmt.Errorf("read %s: %w", j.name, lines.Err()))
		}
	}
}

func (j jsonLines) wrong(number int, format string, args ...any) error {
	return fmt.Errorf("%s %w: line %d: %w", j.name, ErrReport, number, fmt.Errorf(format, args...))
}

func (j jsonLines) rows(header []string) iter.Seq2[scan.Row, error] {
	return func(yield func(scan.Row, error) bool) {
		for line, err := range j.all() {
			row := scan.Row{Number: line.number}
			if err == nil {
				row.Cells, err = j.cells(line, header)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func (j jsonLines) cells(line jsonLine, header []string) ([]string, error) {
	if !slices.Equal(line.header(), header) {
		return nil, j.wrong(line.number, "its fields differ from those of the first line")
	}
	cells, err := line.texts()
	if err != nil {
		return nil, j.wrong(line.number, "%w", err)
	}
	return cells, nil
}

// jsonLine is a line as far as it is read. What is nil is not there.
type jsonLine struct {
	number    int
	Cells     jsonTexts         `json:"cells"`
	Domain    *string           `json:"domain"`
	Records   *[]jsonRecord     `json:"records"`
	Decisions []jsonIssuerWords `json:"decisions"`
}

type jsonRecord struct {
	Flags uint8  `json:"flags"`
	Tag   string `json:"tag"`
	Value string `json:"value"`
	// LeftOut stands in the last one of a very long set: so many records more. SHA256 is the
	// digest of all, "" in the reports of earlier versions.
	LeftOut int    `json:"left_out"`
	SHA256  string `json:"sha256"`
}

type jsonIssuerWords struct {
	Issuer string  `json:"issuer"`
	Status *string `json:"status"`
	Reason *string `json:"reason"`
}

// dropExtras leaves out the cells after the list's own columns, which a line has only as
// far as they are filled.
func (l *jsonLine) dropExtras() {
	for n := len(l.Cells); n > 1; n-- {
		digits, extra := strings.CutPrefix(l.Cells[n-1].name, "extra")
		if _, err := strconv.Atoi(digits); !extra || err != nil {
			return
		}
		l.Cells = l.Cells[:n-1]
	}
}

// header names the columns of what is there.
func (l *jsonLine) header() []string {
	var header []string
	for _, cell := range l.Cells {
		header = append(header, report.UnescapeCell(cell.name))
	}
	if l.Domain != nil {
		header = append(header, "caa_domain")
	}
	if l.Records != nil {
		header = append(header, "caa_records")
	}
	for _, d := range l.Decisions {
		if d.Status != nil {
			header = append(header, statusColumn+":"+report.UnescapeCell(d.Issuer))
		}
		if d.Reason != nil {
			header = append(header, reasonColumn+":"+report.UnescapeCell(d.Issuer))
		}
	}
	return header
}

// texts are the cells under the header.
func (l *jsonLine) texts() (cells []string, err error) {
	for _, cell := range l.Cells {
		cells = append(cells, report.UnescapeCell(cell.text))
	}
	if l.Domain != nil {
		cells = append(cells, *l.Domain)
	}
	if l.Records != nil {
		records, err := recordsOf(*l.Records)
		if err != nil {
			return nil, err
		}
		cells = append(cells, records)
	}
	for _, d := range l.Decisions {
		for _, word := range []*string{d.Status, d.Reason} {
			if word != nil {
				cells = append(cells, *word)
			}
		}
	}
	return cells, nil
}

// recordsOf writes records as a cell has them.
func recordsOf(set []jsonRecord) (string, error) {
	var texts []string
	for _, record := range set {
		if record.LeftOut > 0 {
			return strings.Join(texts, report.ListSeparator) + report.CutRecords(fmt.Sprintf("%d records", record.LeftOut), record.SHA256), nil
		}
		tag, err := caa.Unescape(record.Tag)
		if err != nil {
			return "", err
		}
		value, err := caa.Unescape(record.Value)
		if err != nil {
			return "", err
		}
		property, err := caa.NewProperty(record.Flags, tag, value)
		if err != nil {
			return "", err
		}
		texts = append(texts, property.String())
	}
	return strings.Join(texts, report.ListSeparator), nil
}

// jsonTexts is an object whose values are texts, in the order of the text.
type jsonTexts []jsonText

type jsonText struct{ name, text string }

// UnmarshalJSON implements json.Unmarshaler.
func (t *jsonTexts) UnmarshalJSON(object []byte) error {
	tokens := json.NewDecoder(bytes.NewReader(object))
	if start, err := tokens.Token(); err != nil || start != json.Delim('{') {
		return errors.New("its cells are not an object")
	}
	for tokens.More() {
		name, err := tokens.Token()
		if err != nil {
			return err
		}
		text, err := tokens.Token()
		if err != nil {
			return err
		}
		value, ok := text.(string)
		if !ok {
			return fmt.Errorf("the cell %s is not text", report.QuoteName(fmt.Sprint(name)))
		}
		*t = append(*t, jsonText{name.(string), value})
	}
	return nil
}

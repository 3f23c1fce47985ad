package input

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"caascan/scan"
)

// sheetRow is a row of a sheet, valid until the next one is read.
type sheetRow struct {
	number int
	cells  []sheetCell // up to the last that holds anything
	broken bool        // one is over maxField
}

// sheetCell is a cell of a row.
type sheetCell struct {
	text []byte // as the spreadsheet shows it
	kind scan.ValueKind
	raw  []byte // as the sheet holds it, unless kind is text
}

// sheetReader reads the rows of a sheet (ISO/IEC 29500-1, clause 18.3.1), each element by
// its place: sheetData is the second within one another, row the third, c the fourth.
type sheetReader struct {
	part
	texts    *sharedTexts
	formats  *numberFormats
	formulas int // without a saved result

	row  sheetRow
	last int // the number of the last row
	done bool

	// The cell at hand.
	kind     []byte // its attribute t
	style    []byte
	column   int
	value    []byte
	inValue  bool
	formula  bool
	inline   richText
	isInline bool
	buffer   []byte // the texts of the row's cells
	spans    []cellSpan
}

// cellSpan is where a cell is in the buffer of a row.
type cellSpan struct {
	text, raw span2
	kind      scan.ValueKind
	filled    bool
}

// span2 is the half-open range of octets from start to end.
type span2 struct{ start, end int }

// The depths of the elements of a sheet.
const (
	depthData = 2 + iota
	depthRow
	depthCell
	depthValue
)

// next reads the next row that there is, also an empty one. The error is io.EOF after
// the last.
func (s *sheetReader) next() (*sheetRow, error) {
	for !s.done {
		if err := s.plainCells(); err != nil {
			return nil, fmt.Errorf("after row %d: %w", s.last, err)
		}
		token, err := s.xmlScanner.next()
		if err == io.EOF {
			return nil, io.EOF
		}
		row := false
		if err == nil {
			row, err = s.take(token)
		}
		if err != nil {
			return nil, fmt.Errorf("after row %d: %w", s.last, err)
		}
		if row {
			return &s.row, nil
		}
	}
	return nil, io.EOF
}

// take follows a token. It reports whether a row ends with it.
func (s *sheetReader) take(token xmlToken) (row bool, err error) {
	switch token {
	case xmlText:
		if s.inValue {
			s.addValue()
		}
	case xmlStart:
		err = s.start()
	case xmlEnd:
		return s.ended()
	}
	if s.isInline {
		s.inline.take(s.xmlScanner, token, "is", depthValue)
	}
	return false, err
}

func (s *sheetReader) addValue() {
	room := maxField + 1 - len(s.value)
	s.value = append(s.value, s.text[:min(len(s.text), max(room, 0))]...)
}

func (s *sheetReader) start() error {
	switch {
	case s.depth == depthRow && string(s.name) == "row":
		return s.startRow()
	case s.depth == depthCell && string(s.name) == "c":
		return s.startCell()
	case s.depth == depthValue:
		switch string(s.name) {
		case "v":
			s.inValue = true
		case "f":
			s.formula = true
		case "is":
			s.isInline = true
		}
	}
	return nil
}

func (s *sheetReader) startRow() error {
	s.row.number, s.column = 0, 0
	s.buffer, s.spans = s.buffer[:0], s.spans[:0]
	if number := s.attr("r"); number != nil {
		row, ok := positive(number)
		if !ok || row <= s.last || row > excelize.TotalRows {
			return fmt.Errorf("row %s does not come after row %d", quote(string(number)), s.last)
		}
		s.row.number = row
	}
	return nil
}

// positive reads a number from 1 to a billion.
func positive(digits []byte) (int, bool) {
	n := 0
	if len(digits) == 0 || len(digits) > 9 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || '9' < c {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, n > 0
}

func (s *sheetReader) startCell() error { return s.beginCell(s.attr("r"), s.attr("s"), s.attr("t")) }

// beginCell finds out where the cell is. A row without a number has that of its cells.
func (s *sheetReader) beginCell(reference, style, kind []byte) error {
	s.style, s.kind = append(s.style[:0], style...), append(s.kind[:0], kind...)
	s.value, s.inline.text = s.value[:0], s.inline.text[:0]
	s.formula = false
	column := s.column + 1
	if len(reference) > 0 {
		named, row, ok := cellPosition(reference)
		if !ok || named < column {
			return fmt.Errorf("cell %s is out of order", quote(string(reference)))
		}
		column = named
		if s.row.number == 0 && row > s.last {
			s.row.number = row
		}
	}
	if column > maxCells {
		return fmt.Errorf("more than %d columns", maxCells)
	}
	s.column = column
	return nil
}

// cellPosition reads a reference such as AB12.
func cellPosition(reference []byte) (column, row int, ok bool) {
	at := 0
	for ; at < len(reference) && at < 4; at++ {
		c := reference[at] &^ 0x20
		if c < 'A' || 'Z' < c {
			break
		}
		column = 26*column + int(c-'A') + 1
	}
	row, ok = positive(reference[at:])
	return column, row, ok && column > 0 && row <= excelize.TotalRows
}

func (s *sheetReader) ended() (row bool, err error) {
	switch s.depth + 1 {
	case depthData:
		s.done = string(s.name) == "sheetData"
	case depthRow:
		if string(s.name) == "row" {
			s.endRow()
			return true, nil
		}
	case depthCell:
		if string(s.name) == "c" {
			return false, s.endCell()
		}
	case depthValue:
		s.inValue, s.isInline = false, false
	}
	if s.isInline {
		s.inline.take(s.xmlScanner, xmlEnd, "is", depthValue)
	}
	return false, nil
}

func (s *sheetReader) endCell() error {
	cell := cellSpan{kind: scan.TextValue}
	from := len(s.buffer)
	var err error
	switch string(s.kind) {
	case "s":
		err = s.sharedText()
	case "inlineStr":
		text := s.inline.decoded()
		if len(text) == 0 {
			text = unescapeCell(s.value)
		}
		s.buffer = append(s.buffer, text...)
	case "str", "e":
		s.buffer = append(s.buffer, unescapeCell(s.value)...)
	default:
		s.number(&cell)
	}
	cell.text = span2{from, len(s.buffer)}
	if cell.kind != scan.TextValue {
		s.buffer = append(s.buffer, s.value...)
		cell.raw = span2{cell.text.end, len(s.buffer)}
	}
	empty := cell.text.start == cell.text.end
	if empty && s.formula {
		s.formulas++
	}
	if cell.filled = !empty || s.formula; !cell.filled {
		return err
	}
	for len(s.spans) < s.column-1 {
		s.spans = append(s.spans, cellSpan{kind: scan.TextValue})
	}
	s.spans = append(s.spans, cell)
	return err
}

// sharedText appends the text that the value is the number of.
func (s *sheetReader) sharedText() error {
	number := bytes.TrimSpace(s.value)
	if len(number) == 0 {
		return nil
	}
	i, err := strconv.Atoi(string(number))
	if err != nil || i < 0 || i >= len(s.texts.ends) {
		return fmt.Errorf("a cell refers to shared text %s of %d", quote(string(number)), len(s.texts.ends))
	}
	s.buffer, err = s.texts.appendTo(s.buffer, i)
	return err
}

// number appends the text of a number, a truth value or a date.
func (s *sheetReader) number(cell *cellSpan) {
	if len(bytes.TrimSpace(s.value)) == 0 {
		return
	}
	switch string(s.kind) {
	case "b":
		switch string(bytes.TrimSpace(s.value)) {
		case "1", "true":
			s.buffer = append(s.buffer, "TRUE"...)
		case "0", "false":
			s.buffer = append(s.buffer, "FALSE"...)
		default:
			s.buffer = append(s.buffer, s.value...)
			return
		}
		cell.kind = scan.BoolValue
	case "d":
		s.buffer = append(s.buffer, isoDate(string(s.value))...)
	default:
		s.buffer = append(s.buffer, s.formats.display(s.value, s.formats.format(s.style))...)
		if _, err := strconv.ParseFloat(string(bytes.TrimSpace(s.value)), 64); err == nil {
			cell.kind = scan.NumberValue
		}
	}
}

// isoDate returns a date that is written as text (ISO 8601), without a time if that is
// midnight.
func isoDate(text string) string {
	for _, layout := range []string{"2006-01-02T15:04:05.999", time.RFC3339, time.DateOnly} {
		date, err := time.Parse(layout, strings.TrimSpace(text))
		if err != nil {
			continue
		}
		if date.Equal(date.Truncate(24 * time.Hour)) {
			return date.Format(time.DateOnly)
		}
		return date.Format(time.DateTime)
	}
	return text
}

func (s *sheetReader) endRow() {
	if s.row.number == 0 {
		s.row.number = s.last + 1
	}
	s.last = s.row.number
	s.row.cells, s.row.broken = s.row.cells[:0], false
	for _, c := range s.spans {
		s.row.cells = append(s.row.cells, sheetCell{
			text: s.buffer[c.text.start:c.text.end], kind: c.kind, raw: s.buffer[c.raw.start:c.raw.end],
		})
		if c.text.end-c.text.start > maxField { // as in a text file; spreadsheets stop far below
			s.row.cells = append(s.row.cells[:0], sheetCell{text: cutAtRune(s.buffer[c.text.start:c.text.end], maxField), kind: scan.TextValue})
			s.row.broken = true
			return
		}
	}
}

// openSheet begins to read a sheet.
func (p *parts) openSheet(name string, texts *sharedTexts, formats *numberFormats) (*sheetReader, error) {
	found, err := p.open(name)
	if err != nil {
		return nil, err
	}
	return &sheetReader{part: found, texts: texts, formats: formats}, nil
}

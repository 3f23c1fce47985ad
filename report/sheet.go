package report

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// sheet writes the XML of a worksheet (ECMA-376, part 1, section 18.3): a header
// row that stays in view and is a filter, and any number of rows under it.
//
// excelize.StreamWriter is not used: it loses text that people can type, such as
// _xDEAD_, where it sees an escape that it cannot decode. It also takes three times
// as long for the same cells, and keeps all XML in a file before it is deflated.
type sheet struct {
	part    *part
	letters []string // of the columns
	rows    int      // written, the header row included
	buf     []byte   // not yet in part
}

// column is what a sheet has to know of a column before the first row.
type column struct {
	header cell
	width  float64 // characters
}

// cell is what stands in a cell. Text is text for every spreadsheet, never taken
// for a formula, a number or a date.
type cell struct {
	text   string
	number bool // text is a number
	breaks int  // of lines, in text
	style  int  // as excelize numbers them
}

const (
	sheetStart = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" +
		`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` +
		`<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>` +
		`<sheetViews><sheetView workbookViewId="0">` +
		`<pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/>` +
		`<selection pane="bottomRight" activeCell="B2" sqref="B2"/></sheetView></sheetViews>` +
		`<sheetFormatPr defaultRowHeight="15"/>`
	columnFormat = `<col min="%d" max="%[1]d" width="%g" customWidth="1"/>`
	// One page wide, as many high as it takes. Digits in a text cell are meant,
	// so they get no mark of an error.
	sheetEnd = `</sheetData><autoFilter ref="%s"/>` +
		`<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.6" header="0.3" footer="0.3"/>` +
		`<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>` +
		`<headerFooter><oddFooter>&amp;L&amp;A&amp;RPage &amp;P of &amp;N</oddFooter></headerFooter>` +
		`<ignoredErrors><ignoredError sqref="%[1]s" numberStoredAsText="1"/></ignoredErrors></worksheet>`
)

// newSheet begins a sheet that is kept in dir until it is part of an archive.
func newSheet(dir string, columns []column) (*sheet, error) {
	part, err := newPart(dir)
	if err != nil {
		return nil, err
	}
	s := &sheet{part: part, buf: []byte(sheetStart + "<cols>")}
	header := make([]cell, len(columns))
	for i, c := range columns {
		letters, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return nil, err
		}
		s.letters = append(s.letters, letters)
		s.buf = fmt.Appendf(s.buf, columnFormat, i+1, c.width)
		header[i] = c.header
	}
	s.buf = append(s.buf, "</cols><sheetData>"...)
	return s, s.write(header)
}

// write adds a row with a cell for each column.
func (s *sheet) write(cells []cell) error {
	s.rows++
	s.buf = append(s.buf, `<row r="`...)
	s.buf = strconv.AppendInt(s.buf, int64(s.rows), 10)
	if breaks := mostBreaks(cells); breaks > 0 {
		s.buf = append(s.buf, `" customHeight="1" ht="`...)
		s.buf = strconv.AppendInt(s.buf, int64(lineHeight*min(1+breaks, mostLines)), 10)
	}
	s.buf = append(s.buf, `">`...)
	for i, c := range cells {
		if c.text != "" {
			s.appendCell(s.letters[i], c)
		}
	}
	s.buf = append(s.buf, `</row>`...)
	if len(s.buf) < writeSize {
		return nil
	}
	return s.flush()
}

// LibreOffice does not make a row high enough for the lines in it.
const (
	lineHeight = 14 // points, at textSize
	mostLines  = 10 // shown of a cell with more
)

func mostBreaks(cells []cell) int {
	most := 0
	for _, c := range cells {
		most = max(most, c.breaks)
	}
	return most
}

// writeSize is about how much goes to the deflater at once.
const writeSize = 32 << 10

func (s *sheet) flush() error {
	_, err := s.part.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

// finish ends the sheet, to which nothing may be added afterwards.
func (s *sheet) finish() error {
	s.buf = fmt.Appendf(s.buf, sheetEnd, s.used())
	return errors.Join(s.flush(), s.part.finish())
}

// used is the range of all cells, such as A1:R100.
func (s *sheet) used() string {
	return fmt.Sprintf("A1:%s%d", s.letters[len(s.letters)-1], s.rows)
}

func (s *sheet) appendCell(letters string, c cell) {
	s.buf = append(s.buf, `<c r="`...)
	s.buf = append(s.buf, letters...)
	s.buf = strconv.AppendInt(s.buf, int64(s.rows), 10)
	if c.style != 0 {
		s.buf = append(s.buf, `" s="`...)
		s.buf = strconv.AppendInt(s.buf, int64(c.style), 10)
	}
	if c.number {
		s.buf = append(s.buf, `"><v>`...)
		s.buf = append(s.buf, c.text...)
		s.buf = append(s.buf, `</v></c>`...)
		return
	}
	s.buf = append(s.buf, `" t="inlineStr"><is><t`...)
	if blank(c.text[0]) || blank(c.text[len(c.text)-1]) {
		s.buf = append(s.buf, ` xml:space="preserve"`...)
	}
	s.buf = append(s.buf, '>')
	s.buf = appendXML(s.buf, c.text)
	s.buf = append(s.buf, `</t></is></c>`...)
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// appendXML appends text, which escapeCell has seen, as the content of an
// element. A carriage return needs a reference, else XML takes it for a line feed
// (XML 1.0, section 2.11). In a workbook _xHHHH_ stands for the character HHHH
// (ECMA-376, part 1, section 22.9.2.19), so an underscore that would begin such
// an escape is written as one itself.
func appendXML(buf []byte, text string) []byte {
	done := 0
	for i := range len(text) {
		if octetClasses[text[i]]&mayReference == 0 {
			continue
		}
		if reference := xmlReference(text[i:]); reference != "" {
			buf = append(buf, text[done:i]...)
			buf = append(buf, reference...)
			done = i + 1
		}
	}
	return append(buf, text[done:]...)
}

// xmlReference returns what is written for the first octet of text, or "" where
// that is the octet itself.
func xmlReference(text string) string {
	switch text[0] {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\r':
		return "&#xD;"
	case '_':
		if isStringEscape(text) {
			return "_x005F_"
		}
	}
	return ""
}

func isStringEscape(text string) bool {
	const shape = "_xHHHH_"
	if len(text) < len(shape) || text[1] != 'x' || text[len(shape)-1] != '_' {
		return false
	}
	return strings.Trim(text[2:len(shape)-1], "0123456789abcdefABCDEF") == ""
}

// fitCell cuts text that is longer than a cell can be, in UTF-16 units as Excel
// counts, and says so at its end.
func fitCell(text string) string {
	const most = excelize.TotalCellChars
	if len(text) <= most {
		return text // no UTF-16 unit takes less than an octet
	}
	all := unitsIn(text)
	if all <= most {
		return text
	}
	note := fmt.Sprintf(" … [cut: a spreadsheet cell holds %d of these %d characters]", most, all)
	left := most - unitsIn(note)
	for i, r := range text {
		if left -= utf16.RuneLen(r); left < 0 {
			return text[:i] + note
		}
	}
	return text
}

func unitsIn(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

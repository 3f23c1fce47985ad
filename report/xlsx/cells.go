package xlsx

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"caascan/report"
)

// line is a row of a sheet: of each cell its XML after the place, which differs from row
// to row where all else may be the same (ECMA-376, part 1, section 18.3.1.4).
type line struct {
	cells [][]byte // nil if nothing is in a cell
	own   [][]byte // memory for the cells that are not shared with another line
	lines int      // of the highest cell
}

func newLine(columns int) *line {
	return &line{cells: make([][]byte, columns), own: make([][]byte, columns)}
}

// fill makes l a line without text, in a style; if that is 0, an empty line.
func (l *line) fill(style int) {
	l.lines = 0
	clear(l.cells)
	if style == 0 {
		return
	}
	for i := range l.cells {
		l.set(i, append(appendStyle(l.own[i][:0], style), "/>"...))
	}
}

// copy makes l a line like another, which must not change any more. A cell that is set
// afterwards is l's own.
func (l *line) copy(other *line) {
	copy(l.cells, other.cells)
	l.lines = other.lines
}

// text fills a cell with text, escaped, and cut if it is too long.
func (l *line) text(column int, text string, style int) {
	if isPlain(text) {
		l.plain(column, style, text)
		return
	}
	text = fitCell(report.EscapeCell(text))
	cell := append(appendStyle(l.own[column][:0], style), ` t="inlineStr"><is><t`...)
	if blankEnds(text) { // Excel drops them else
		cell = append(cell, ` xml:space="preserve"`...)
	}
	cell = appendText(append(cell, '>'), text)
	l.set(column, append(cell, "</t></is></c>"...))
}

// plain fills a cell with the parts of a text that isPlain holds of.
func (l *line) plain(column, style int, parts ...string) {
	cell := append(appendStyle(l.own[column][:0], style), ` t="inlineStr"><is><t>`...)
	for _, part := range parts {
		cell = append(cell, part...)
	}
	l.set(column, append(cell, "</t></is></c>"...))
}

// run is a part of a text with a look of its own.
type run struct {
	text string
	bold bool
}

// runs fills a cell with a text of several looks (section 18.4.4). One that is too long has
// the same look everywhere.
func (l *line) runs(column int, runs []run, style int) {
	var whole strings.Builder
	for _, r := range runs {
		whole.WriteString(r.text)
	}
	if text := report.EscapeCell(whole.String()); fitCell(text) != text {
		l.text(column, text, style)
		return
	}
	cell := append(appendStyle(l.own[column][:0], style), ` t="inlineStr"><is>`...)
	for _, r := range runs {
		cell = append(cell, "<r>"...)
		if r.bold {
			cell = append(cell, boldRun...)
		}
		cell = appendText(append(cell, `<t xml:space="preserve">`...), report.EscapeCell(r.text))
		cell = append(cell, "</t></r>"...)
	}
	l.set(column, append(cell, "</is></c>"...))
}

func (l *line) number(column, number, style int) {
	cell := append(appendStyle(l.own[column][:0], style), "><v>"...)
	cell = strconv.AppendInt(cell, int64(number), 10)
	l.set(column, append(cell, "</v></c>"...))
}

// moment fills a cell with a time, to the second.
func (l *line) moment(column int, t time.Time, style int) { l.float(column, serial(t), style) }

func (l *line) float(column int, number float64, style int) {
	cell := append(appendStyle(l.own[column][:0], style), "><v>"...)
	cell = strconv.AppendFloat(cell, number, 'f', -1, 64)
	l.set(column, append(cell, "</v></c>"...))
}

// truth fills a cell with TRUE or FALSE, as its text says.
func (l *line) truth(column int, text string, style int) {
	value := "0"
	if text == "TRUE" {
		value = "1"
	}
	cell := append(appendStyle(l.own[column][:0], style), ` t="b"><v>`...)
	l.set(column, append(append(cell, value...), "</v></c>"...))
}

func (l *line) set(column int, cell []byte) { l.own[column], l.cells[column] = cell, cell }

// The octets at most, besides a cell: <c r="XFD1048576, and
// <row r="1048576" ht="409" customHeight="1"></row>.
const (
	placeSize = 20
	rowSize   = 60
)

// size is the most octets that the row takes.
func (l *line) size() int64 {
	size := rowSize
	for _, cell := range l.cells {
		if cell != nil {
			size += placeSize + len(cell)
		}
	}
	return int64(size)
}

// appendRow appends the row as XML. columns are the starts of its cells: <c r="A and so on.
func (l *line) appendRow(to []byte, columns []string, row, height int) []byte {
	var digits [8]byte
	number := strconv.AppendInt(digits[:0], int64(row), 10)
	to = append(append(append(to, `<row r="`...), number...), '"')
	if height > 0 {
		to = strconv.AppendInt(append(to, ` ht="`...), int64(height), 10)
		to = append(to, `" customHeight="1"`...)
	}
	to = append(to, '>')
	for i, cell := range l.cells {
		if cell != nil {
			to = append(append(append(to, columns[i]...), number...), cell...)
		}
	}
	return append(to, "</row>"...)
}

func appendStyle(cell []byte, style int) []byte {
	cell = strconv.AppendInt(append(cell, `" s="`...), int64(style), 10)
	return append(cell, '"')
}

// isPlain reports whether a text, as nearly every one is, is written between tags as it
// is: short, and without a character that is escaped, cut, or dropped.
func isPlain(text string) bool {
	const most = 1024
	if len(text) == 0 || len(text) > most || text[0] == ' ' || text[len(text)-1] == ' ' {
		return false
	}
	special := uint8(0)
	for i := range len(text) {
		special |= specialOctets[text[i]]
	}
	return special == 0
}

// specialOctets has a 1 for each octet of which EscapeCell or appendText may make something
// else, and for line breaks. It is a table; it never changes.
var specialOctets = func() (special [256]uint8) {
	for i := range special {
		if i < ' ' || i > '~' || strings.IndexByte(`\&<>_`, byte(i)) >= 0 {
			special[i] = 1
		}
	}
	return special
}()

func blankEnds(text string) bool {
	const blanks = " \t\n\r"
	return text != "" && (strings.IndexByte(blanks, text[0]) >= 0 || strings.IndexByte(blanks, text[len(text)-1]) >= 0)
}

// appendText appends what EscapeCell has left of a text, as it is between tags. A
// carriage return is a reference, because an XML reader turns one into a line feed (XML
// 1.0, section 2.11). _xHHHH_ means the character HHHH in a workbook, and so an
// underscore that would begin such an escape is _x005F_ itself (ECMA-376, part 1, section
// 22.9.2.19).
func appendText(to []byte, text string) []byte {
	done := 0
	for i := range len(text) {
		instead := ""
		switch text[i] {
		case '&':
			instead = "&amp;"
		case '<':
			instead = "&lt;"
		case '>':
			instead = "&gt;"
		case '\r':
			instead = "&#13;"
		case '_':
			if !isStringEscape(text[i:]) {
				continue
			}
			instead = escapedUnderscore
		default:
			continue
		}
		to = append(append(to, text[done:i]...), instead...)
		done = i + 1
	}
	return append(to, text[done:]...)
}

const escapedUnderscore = "_x005F_"

func isStringEscape(text string) bool {
	const shape = "_xHHHH_"
	if len(text) < len(shape) || text[:2] != shape[:2] || text[len(shape)-1] != '_' {
		return false
	}
	return strings.Trim(text[2:len(shape)-1], "0123456789abcdefABCDEF") == ""
}

// underscoreMark means an escaped underscore in what excelize is given, for the
// summary: it loses text if it sees an escape that it cannot decode, as _xD800_, or two
// with an underscore in common. EscapeCell leaves this character nowhere, and zipWriter
// writes for each mark what it means.
const underscoreMark = '\x7f'

// markedText returns what excelize has to be given for a text to come back as it is, or
// cut if it is too long.
func markedText(text string) string {
	text = fitCell(report.EscapeCell(text))
	if !strings.Contains(text, "_x") {
		return text
	}
	marked := []byte(text)
	for i := range marked {
		if isStringEscape(text[i:]) {
			marked[i] = underscoreMark
		}
	}
	return string(marked)
}

// unmark writes escaped underscores in place of their marks.
func unmark(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte{underscoreMark}, []byte(escapedUnderscore))
}

// A time is the number of days since the end of 1899 (ECMA-376, part 1, section 18.17.4.1).
// Spreadsheets take 1900 for a leap year, and know no time after 9999.
const (
	secondsADay = 24 * 60 * 60
	dayZero     = -25569 * secondsADay // 1899-12-30, in Unix time
	firstYear   = 1901
	lastYear    = 9999
)

func serial(t time.Time) float64 { return float64(t.Unix()-dayZero) / secondsADay }

// fitsMoment reports whether a spreadsheet can show a time as one.
func fitsMoment(t time.Time) bool {
	year := t.UTC().Year()
	return firstYear <= year && year <= lastYear
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
	note := fmt.Sprintf(report.CutNote+"a spreadsheet cell holds %d of these %d characters]", most, all)
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

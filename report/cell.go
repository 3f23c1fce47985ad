package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Cells says what CSV does with a cell that could harm whoever opens the file.
type Cells string

const (
	// SafeCells, the default, escapes what cannot be seen and disarms what a
	// spreadsheet would run. RestoreCell undoes both.
	SafeCells Cells = ""
	// RawCells leaves every cell as it is: for programs, not for spreadsheets.
	RawCells Cells = "raw"
)

// RestoreCell returns the cell that CSV with SafeCells was given for this one.
//
// An apostrophe at the start is taken off if what follows it, further
// apostrophes aside, is something a spreadsheet would run. Then \xNN becomes the
// octet NN, and \u{NNNN} the character, with two and four hexadecimal digits in
// lower case; one replaces "=" and its like if those come after a semicolon,
// a bar, a tab or a line break. No other backslash and no other apostrophe means anything, so both
// stay readable if people have typed them: C:\temp, 'quoted'. A typed
// backslash that would read as one of the two escapes is itself written \x5c, and
// a typed apostrophe that would be taken off gets another one in front.
func RestoreCell(cell string) string { return UnescapeCell(rearm(cell)) }

// octetClass tells which octets of a cell need a closer look. Nearly all cells
// have none, and are known for such in one pass.
type octetClass uint8

const (
	mayEscape   octetClass = 1 << iota // escapeCell may have to escape it, or the character it belongs to
	mayRun                             // a cell that runs may begin with it
	maySplit                           // some spreadsheets begin a new cell after it
	needsQuotes                        // CSV puts the cell between quotation marks
	mayGrow                            // a workbook takes several octets for it
)

// octetClasses is a table; it never changes.
var octetClasses = func() (classes [256]octetClass) {
	for i := range classes {
		c := byte(i)
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c > '~' || c == '\\' {
			classes[i] |= mayEscape
		}
		if c > '~' || strings.IndexByte("=+-@' \t\n\v\f\r", c) >= 0 {
			classes[i] |= mayRun
		}
		if strings.IndexByte(splitters, c) >= 0 {
			classes[i] |= maySplit
		}
		if strings.IndexByte(",\";\t\r\n", c) >= 0 {
			classes[i] |= needsQuotes
		}
		if strings.IndexByte("&<>\"'\t\n\r\x7f", c) >= 0 {
			classes[i] |= mayGrow
		}
	}
	return classes
}()

func classesIn(cell string) octetClass {
	var classes octetClass
	for i := range len(cell) {
		classes |= octetClasses[cell[i]]
	}
	return classes
}

// safeCell is the inverse of RestoreCell, for a cell with octets of these
// classes.
func safeCell(cell string, classes octetClass) string {
	if classes&mayEscape != 0 {
		cell = EscapeCell(cell)
	}
	if classes&mayRun != 0 && classes&maySplit != 0 {
		cell = disarmInside(cell)
	}
	if classes&mayRun != 0 && octetClasses[cell[0]]&mayRun != 0 {
		cell = disarm(cell)
	}
	return cell
}

// escaped reports whether a character is never written as it is: one that cannot
// be seen and may act on a terminal (C0 and C1 controls, but not the tab and the
// line breaks, which people do put into cells), one that changes the order in
// which a line is shown (the bidi controls of Unicode's UAX #9), or one that XML
// 1.0 cannot hold even as a reference (section 2.2). Joiners and other zero-width
// characters are letters of some scripts and stay.
func escaped(r rune) bool {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return false
	case r < ' ' || 0x7f <= r && r < 0xa0:
		return true
	case r == '\u061c' || r == '\u200e' || r == '\u200f':
		return true
	case '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069':
		return true
	}
	return r == '\ufffe' || r == '\uffff'
}

// EscapeCell returns the cell with each escaped character, each octet that is no
// UTF-8, and each backslash that would read as such an escape, escaped.
func EscapeCell(cell string) string {
	at := nextEscaped(cell)
	if at == len(cell) {
		return cell // nearly every cell
	}
	var b strings.Builder
	for ; at < len(cell); at = nextEscaped(cell) {
		b.WriteString(cell[:at])
		r, size := utf8.DecodeRuneInString(cell[at:])
		if size == 1 {
			fmt.Fprintf(&b, `\x%02x`, cell[at]) // ASCII, or no UTF-8
		} else {
			fmt.Fprintf(&b, `\u{%04x}`, r)
		}
		cell = cell[at+size:]
	}
	b.WriteString(cell)
	return b.String()
}

// nextEscaped returns where the first octet or character is that must be
// escaped, or the length of the cell.
func nextEscaped(cell string) int {
	for i := 0; i < len(cell); {
		if octetClasses[cell[i]]&mayEscape == 0 {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(cell[i:])
		switch {
		case r == utf8.RuneError && size == 1, escaped(r):
			return i
		case r == '\\' && escapeLength(cell[i:]) > 0:
			return i
		}
		i += size
	}
	return len(cell)
}

// UnescapeCell undoes EscapeCell.
func UnescapeCell(cell string) string {
	if !strings.Contains(cell, `\`) {
		return cell
	}
	var b strings.Builder
	for cell != "" {
		n := escapeLength(cell)
		if n == 0 {
			b.WriteByte(cell[0])
			cell = cell[1:]
			continue
		}
		b.WriteString(unescape(cell[:n]))
		cell = cell[n:]
	}
	return b.String()
}

// The shapes of an escape; each N is a digit of 0 to 9 or a to f.
const (
	octetEscape     = `\xNN`
	characterEscape = `\u{NNNN}`
)

// escapeLength returns the length of the escape at the start of text, or 0.
func escapeLength(text string) int {
	for _, shape := range [...]string{octetEscape, characterEscape} {
		if hasShape(text, shape) {
			return len(shape)
		}
	}
	return 0
}

func hasShape(text, shape string) bool {
	if len(text) < len(shape) {
		return false
	}
	for i := range len(shape) {
		c := text[i]
		if c != shape[i] && (shape[i] != 'N' || !lowerHex(c)) {
			return false
		}
	}
	return true
}

func lowerHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

func unescape(escape string) string {
	digits := strings.Trim(escape, `\xu{}`)
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		panic("report: not an escape: " + escape) // escapeLength has seen the digits
	}
	if len(escape) == len(octetEscape) {
		return string([]byte{byte(n)})
	}
	return string(rune(n))
}

// disarm puts an apostrophe before a cell that a spreadsheet would run. Cells
// that begin with apostrophes before such a thing get one more, so that rearm
// never takes off one that was typed.
func disarm(cell string) string {
	if runs(strings.TrimLeft(cell, "'")) {
		return "'" + cell
	}
	return cell
}

// splitters are the octets at which a spreadsheet that is set to other separators
// than the comma, as it is in many countries, begins a cell in the middle of ours:
// quotation marks that do not begin its own cell do not hold it back.
const splitters = ";|\t\r\n"

// disarmInside escapes the character after a splitter that would make what
// follows run.
func disarmInside(cell string) string {
	var b strings.Builder
	for {
		at := strings.IndexAny(cell, splitters)
		if at < 0 {
			b.WriteString(cell)
			return b.String()
		}
		rest := strings.TrimLeft(cell[at+1:], ` "'`)
		b.WriteString(cell[:len(cell)-len(rest)])
		cell = rest
		part := cell
		if end := strings.IndexAny(cell, splitters); end >= 0 {
			part = cell[:end]
		}
		if !runs(part) {
			continue
		}
		first, size := utf8.DecodeRuneInString(cell)
		if size == 1 {
			fmt.Fprintf(&b, `\x%02x`, first)
		} else {
			fmt.Fprintf(&b, `\u{%04x}`, first)
		}
		cell = cell[size:]
	}
}

func rearm(cell string) string {
	rest, ok := strings.CutPrefix(cell, "'")
	if ok && runs(strings.TrimLeft(rest, "'")) {
		return rest
	}
	return cell
}

// runs reports whether a spreadsheet that opens a CSV file may take the cell for
// a formula: after white space it begins with "=", "+", "-" or "@", also in full
// width, or the cell begins with a tab or a carriage return, after which a
// spreadsheet may begin a new cell.
// Plain numbers and phone numbers are left alone: a number, or a "+" or "-" and then
// nothing but digits, spaces and the characters ( ) . / , - with which no function and
// no reference can be spelt.
func runs(cell string) bool {
	if cell == "" {
		return false
	}
	if cell[0] == '\t' || cell[0] == '\r' {
		return true
	}
	text := strings.TrimLeftFunc(cell, unicode.IsSpace)
	first, size := utf8.DecodeRuneInString(text)
	if _, err := strconv.ParseFloat(text, 64); err == nil && size == 1 && text[len(text)-1] <= '9' {
		return false // -1.5e3 too
	}
	switch first {
	case '=', '@', '＝', '＋', '－', '＠':
		return true
	case '+', '-':
		return strings.Trim(text[size:], "0123456789 ()./,-") != ""
	}
	return false
}

// CutNote begins what is in place of what was cut.
const CutNote = " … [cut: "

// Visible returns a text with the characters escaped that escapeCell escapes, but not the
// backslash: it cannot be told from the text any more what stood there, and lines of a
// zone file stay as they are.
func Visible(text string) string {
	if classesIn(text)&mayEscape == 0 {
		return text
	}
	var b strings.Builder
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if size == 1 && r == utf8.RuneError || escaped(r) {
			b.WriteString(EscapeCell(text[at : at+size]))
		} else {
			b.WriteString(text[at : at+size])
		}
		at += size
	}
	return b.String()
}

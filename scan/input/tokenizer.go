package input

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds on what a file may make us hold. A record beyond them is broken.
const (
	maxField  = 1 << 20 // octets of a cell, quotes resolved
	maxRecord = 2 << 20 // octets of a record as the file has it
	maxCells  = 16384   // the columns of a spreadsheet
	chunk     = 64 << 10
)

type limits struct{ field, record, cells int }

// noSeparator makes each line one cell.
const noSeparator = 0

// tokenizer splits a text into records (RFC 4180, section 2) and stays in step
// if the text breaks the rules. It needs the record at hand in memory and
// nothing else.
type tokenizer struct {
	src       io.Reader
	err       error // why src gives no more
	separator byte
	limits    limits
	ends      [256]bool // ends a field outside quotes
	breaks    [256]bool // needs a look inside quotes

	buf        []byte
	start, end int   // buf[start:end] is read and not yet consumed
	offset     int64 // of buf[start] in the text

	// Before oneLineUntil a record must end with its line. A quoted field that
	// was never closed has been read up to there in vain; wherever another one
	// is still open at a line end before it, the same octets follow and lead to
	// the same end. So every octet is read at most twice, whatever the file.
	oneLineUntil int64

	// The record. A blank line has no cells. If they are parts of one line of
	// the text, that is line, without its end; else line is empty.
	cells []string
	line  string
	// torn says that a quoted field of the record is followed by something that is
	// neither separator nor line end, white space left out.
	torn bool

	// The window as a string, once it is needed, from buf[0] on: many records are
	// parts of one. Before buf[plainFrom] no record is plain.
	whole     string
	plainFrom int

	// The cells of a record that is not plain, one after the other, quotes
	// resolved, and where each of them ends.
	text     []byte
	cellEnds []int
}

func newTokenizer(src io.Reader, separator byte) *tokenizer {
	t := &tokenizer{src: src, separator: separator, limits: limits{maxField, maxRecord, maxCells}}
	t.ends['\r'], t.ends['\n'] = true, true
	t.breaks['\r'], t.breaks['\n'], t.breaks['"'] = true, true, true
	if separator != noSeparator {
		t.ends[separator] = true
	}
	return t
}

// next reads a record into cells, which are valid until the next one, and reports
// whether it is broken: its first line by itself is then the only cell. The error
// is io.EOF after the last record.
func (t *tokenizer) next() (broken bool, err error) {
	t.cells, t.line, t.torn = t.cells[:0], "", false
	if t.start >= t.plainFrom && t.plain() {
		return false, nil
	}
	t.cells = t.cells[:0]
	broken, err = t.long()
	whole, from := string(t.text), 0
	for _, end := range t.cellEnds {
		t.cells = append(t.cells, whole[from:end])
		from = end
	}
	return broken, err
}

// plain reads the record at hand, if it is what nearly all are: a line that is in
// the window, with quotation marks around whole fields only. It is quick, and gives
// what long would give.
func (t *tokenizer) plain() bool {
	if t.end > longestShared {
		t.plainFrom = t.end
		return false
	}
	if t.whole == "" {
		t.whole = string(t.buf[:t.end])
	}
	window := t.whole[t.start:]
	length := strings.IndexByte(window, '\n')
	if length < 0 {
		t.plainFrom = t.end
		return false
	}
	line := strings.TrimSuffix(window[:length], "\r")
	if !t.split(line) {
		t.plainFrom = t.start + length + 1 // so that each octet is looked at once
		return false
	}
	t.line = line
	t.advance(length + 1)
	return true
}

// longestShared is the longest window that cells may be parts of: whoever keeps one of
// them keeps all of it. The window is longer after a record that was.
const longestShared = 2 * chunk

// split makes cells of a line. It fails if there is more to it.
func (t *tokenizer) split(line string) bool {
	if len(line) > min(t.limits.field, t.limits.record) || strings.IndexByte(line, '\r') >= 0 {
		return false
	}
	for at := 0; line != ""; at++ { // over the separator
		if len(t.cells) == t.limits.cells {
			return false
		}
		if at = t.plainField(line, at); at < 0 {
			return false
		}
		if at == len(line) {
			break
		}
	}
	return true
}

// plainField makes a cell of the field at an offset of a line and returns where it
// ends, or -1 if a quotation mark in it needs a closer look.
func (t *tokenizer) plainField(line string, at int) (end int) {
	rest := line[at:]
	if rest == "" || rest[0] != '"' {
		if rest != "" && rest[0] == ' ' && !t.ends[' '] && strings.HasPrefix(strings.TrimLeft(rest, " "), `"`) {
			return -1
		}
		length := len(rest)
		if t.separator != noSeparator {
			if found := strings.IndexByte(rest, t.separator); found >= 0 {
				length = found
			}
		}
		t.cells = append(t.cells, rest[:length])
		return at + length
	}
	length := strings.IndexByte(rest[1:], '"') + 2 // with both marks
	if length < 2 || length < len(rest) && !t.ends[rest[length]] {
		return -1
	}
	t.cells = append(t.cells, rest[1:length-1])
	return at + length
}

// long reads a record into text and cellEnds, and reports whether it is broken.
func (t *tokenizer) long() (broken bool, err error) {
	t.text, t.cellEnds = t.text[:0], t.cellEnds[:0]
	if _, ok := t.peek(0); !ok {
		return false, t.err
	}
	at, ok := t.record()
	if t.err != nil && t.err != io.EOF {
		return false, t.err
	}
	if ok {
		t.advance(at)
	} else {
		t.breakOff(at)
	}
	t.skipLineEnd()
	return !ok, nil
}

// record reads fields up to the end of a line. Offsets named at count from the
// start of the record. It fails at the offset where the record turned out to be
// none.
func (t *tokenizer) record() (at int, ok bool) {
	if first, _ := t.peek(0); first == '\r' || first == '\n' {
		return 0, true
	}
	for {
		at, ok = t.field(at)
		if !ok || len(t.cellEnds) == t.limits.cells {
			return at, false
		}
		t.cellEnds = append(t.cellEnds, len(t.text))
		if next, more := t.peek(at); !more || next == '\r' || next == '\n' {
			return at, true
		}
		at++
	}
}

// field reads one field and returns where it ends. What follows a closing
// quotation mark is taken literally.
func (t *tokenizer) field(at int) (end int, ok bool) {
	start := len(t.text)
	first, _ := t.peek(at)
	switch {
	case first == '"':
		if at, ok = t.quoted(at + 1); !ok {
			return at, false
		}
		closed := len(t.text)
		at = t.unquoted(at)
		t.torn = t.torn || len(bytes.TrimLeft(t.text[closed:], " \t")) > 0
	case first == ' ' && !t.ends[first]:
		at = t.spaced(at)
	default:
		at = t.unquoted(at)
	}
	return at, len(t.text)-start <= t.limits.field && at <= t.limits.record
}

// spaced reads a field that begins with spaces. A quotation of one line that fills the
// rest of it is one, as people write lists by hand: "Name", "E-mail". The spaces stay.
func (t *tokenizer) spaced(at int) (end int) {
	start, from := len(t.text), at
	for c, more := t.peek(at); more && c == ' ' && at-from <= t.limits.field; c, more = t.peek(at) {
		t.text = append(t.text, ' ')
		at++
	}
	if c, more := t.peek(at); !more || c != '"' {
		return t.unquoted(at)
	}
	if end, ok := t.quotedLine(at + 1); ok {
		return end
	}
	t.text = t.text[:start]
	return t.unquoted(from)
}

// quotedLine is quoted within a line. It fails if something else follows in the field
// than spaces, which it keeps. A field that it fails for has no quotation mark before
// the one where it stopped, so that all of them take linear time.
func (t *tokenizer) quotedLine(at int) (end int, ok bool) {
	for {
		c, more := t.peek(at)
		if !more || c == '\r' || c == '\n' || at > t.limits.record {
			return at, false
		}
		at++
		if c == '"' {
			if next, more := t.peek(at); !more || next != '"' {
				break
			}
			at++
		}
		t.text = append(t.text, c)
	}
	for c, more := t.peek(at); more && c == ' '; c, more = t.peek(at) {
		t.text = append(t.text, c)
		at++
	}
	next, more := t.peek(at)
	return at, !more || t.ends[next]
}

func (t *tokenizer) unquoted(at int) (end int) {
	for {
		window, from := t.window(), at
		for at < len(window) && !t.ends[window[at]] {
			at++
		}
		t.text = append(t.text, window[from:at]...)
		if at < len(window) || at > t.limits.record || !t.more() {
			return at
		}
	}
}

// quoted reads what is between quotation marks, from after the opening one
// to after the closing one. It fails if none closes it, and if text
// follows one that closes a quotation of several lines: nobody writes that, so
// it is the opening mark of a later field, and ours was never closed.
func (t *tokenizer) quoted(at int) (end int, ok bool) {
	start, lines := len(t.text), 1
	for {
		window, from := t.window(), at
		for at < len(window) && !t.breaks[window[at]] {
			at++
		}
		t.text = append(t.text, window[from:at]...)
		if len(t.text)-start > t.limits.field || at > t.limits.record {
			return at, false
		}
		if at == len(window) {
			if !t.more() {
				return at, false
			}
			continue
		}
		if window[at] != '"' {
			if t.offset+int64(at) < t.oneLineUntil {
				return at, false
			}
			lines++
			t.text = append(t.text, window[at])
			at++
			continue
		}
		at++
		next, more := t.peek(at)
		if next != '"' || !more {
			return at, lines == 1 || !more || t.ends[next]
		}
		t.text = append(t.text, '"')
		at++
	}
}

// breakOff makes the first line of the record that failed at an offset the only
// cell, cut at the limit of a field, and leaves its line end to be read.
func (t *tokenizer) breakOff(at int) {
	t.oneLineUntil = max(t.oneLineUntil, t.offset+int64(at))
	t.text, t.cellEnds = t.text[:0], t.cellEnds[:0]
	for {
		window, n := t.window(), 0
		for n < len(window) && window[n] != '\r' && window[n] != '\n' {
			n++
		}
		room := t.limits.field + utf8.UTFMax - len(t.text)
		t.text = append(t.text, window[:min(n, max(room, 0))]...)
		t.advance(n)
		if n < len(window) || !t.more() {
			break
		}
	}
	t.text = cutAtRune(t.text, t.limits.field)
	t.cellEnds = append(t.cellEnds, len(t.text))
}

// cutAtRune shortens text to at most n octets without splitting a character.
func cutAtRune(text []byte, n int) []byte {
	if len(text) <= n {
		return text
	}
	for back := range utf8.UTFMax {
		if n-back >= 0 && utf8.RuneStart(text[n-back]) {
			return text[:n-back]
		}
	}
	return text[:n] // no UTF-8
}

func (t *tokenizer) skipLineEnd() {
	first, _ := t.peek(0)
	if first == '\r' {
		t.advance(1)
		first, _ = t.peek(0)
	}
	if first == '\n' {
		t.advance(1)
	}
}

func (t *tokenizer) window() []byte { return t.buf[t.start:t.end] }

func (t *tokenizer) advance(n int) {
	t.start += n
	t.offset += int64(n)
}

// peek returns the octet at an offset that is at most the window's length.
func (t *tokenizer) peek(at int) (octet byte, ok bool) {
	if at == t.end-t.start && !t.more() {
		return 0, false
	}
	return t.buf[t.start+at], true
}

// more makes the window longer. Offsets into it stay valid, the slice does not.
func (t *tokenizer) more() bool {
	if t.err != nil {
		return false
	}
	if t.start > 0 {
		copy(t.buf, t.buf[t.start:t.end])
		t.start, t.end = 0, t.end-t.start
	}
	if len(t.buf)-t.end < chunk/2 {
		larger := make([]byte, min(t.end+max(chunk, t.end), t.limits.record+2*chunk))
		copy(larger, t.buf[:t.end])
		t.buf = larger
	}
	t.whole, t.plainFrom = "", 0
	n, err := io.ReadAtLeast(t.src, t.buf[t.end:], 1)
	t.end += n
	t.err = err
	return n > 0
}

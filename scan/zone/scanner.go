package zone

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds on one entry, in octets. The longest RDATA is 65,535 octets, each of
// which an escape writes as four.
const (
	maxEntry   = 512 << 10
	maxComment = 1 << 10
)

// entry is one entry of a master file (RFC 1035, section 5.1): all text
// between two line ends, of which those in parentheses do not count.
type entry struct {
	line    int  // on which it begins, from 1
	blank   bool // it begins with white space: the owner is that of the last record
	text    string
	tokens  []token
	comment string // the comments in and after it, without semicolons
}

// token is an item of an entry: a run without white space, or a quoted string
// with its quotation marks. Escapes are checked and left as written.
type token struct {
	text  string
	start int // in the entry's text
}

// scanner cuts a master file into entries.
type scanner struct {
	input   *bufio.Reader
	line    int    // that of the next octet
	text    []byte // of the entry, without comments, parentheses and line ends
	bounds  []int  // of its tokens: start, end, start, end
	comment []byte
}

func newScanner(r io.Reader, line int) *scanner {
	s := &scanner{input: bufio.NewReader(r), line: line}
	// Editors on Windows begin a file with the byte order mark.
	if mark, err := s.input.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = s.input.Discard(3) // they have just been seen
	}
	return s
}

// next returns the next entry with a token in it. The error is io.EOF after the
// last one.
func (s *scanner) next() (entry, error) {
	for {
		s.text, s.bounds, s.comment = s.text[:0], s.bounds[:0], s.comment[:0]
		e := entry{line: s.line}
		err := s.scan(&e)
		if len(s.bounds) > 0 && (err == nil || err == io.EOF) {
			return s.finish(e), nil
		}
		if err != nil {
			return e, err
		}
	}
}

func (s *scanner) finish(e entry) entry {
	e.text = string(s.text)
	e.comment = strings.TrimSpace(string(s.comment))
	for i := 0; i < len(s.bounds); i += 2 {
		e.tokens = append(e.tokens, token{e.text[s.bounds[i]:s.bounds[i+1]], s.bounds[i]})
	}
	return e
}

// scan reads to the end of the entry. The error is io.EOF if the file ends,
// even if the entry holds something.
func (s *scanner) scan(e *entry) error {
	depth := 0
	for {
		c, err := s.input.ReadByte()
		if err == io.EOF && depth > 0 {
			return errors.New("parenthesis is never closed")
		}
		if err != nil {
			return err
		}
		switch c {
		case '\n':
			s.line++
			if depth == 0 {
				return nil
			}
			s.space()
		case ' ', '\t', '\r':
			e.blank = e.blank || len(s.text) == 0
			s.space()
		case '(':
			depth++
			s.space()
		case ')':
			if depth == 0 {
				return errors.New("closing parenthesis without an opening one")
			}
			depth--
			s.space()
		case ';':
			err = s.skipComment()
		default:
			err = s.token(c)
		}
		if err != nil {
			return err
		}
	}
}

// space keeps one space of white space.
func (s *scanner) space() {
	if size := len(s.text); size == 0 || s.text[size-1] != ' ' {
		s.text = append(s.text, ' ')
	}
}

// skipComment reads up to the line end and keeps the beginning of the comment.
func (s *scanner) skipComment() error {
	s.comment = append(s.comment, ' ')
	start := len(s.comment)
	c, err := s.input.ReadByte()
	for ; err == nil && c != '\n'; c, err = s.input.ReadByte() {
		if len(s.comment) < maxComment {
			s.comment = append(s.comment, c)
		}
	}
	s.comment = append(s.comment[:start], bytes.TrimSpace(s.comment[start:])...)
	if err == io.EOF {
		return nil // scan meets it again
	}
	if err != nil {
		return err
	}
	return s.input.UnreadByte()
}

// token reads the token that begins with c.
func (s *scanner) token(c byte) error {
	start, quoted := len(s.text), false
	var err error
	for ; err == nil; c, err = s.input.ReadByte() {
		switch {
		case len(s.text) > maxEntry:
			return fmt.Errorf("entry is over %d octets", maxEntry)
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
			continue
		case c == '"':
			quoted = !quoted
		case quoted && c == '\n':
			return errors.New("quotation mark is not closed on its line")
		case !quoted && strings.IndexByte(" \t\r\n;()", c) >= 0:
			s.bounds = append(s.bounds, start, len(s.text))
			return s.input.UnreadByte()
		}
		s.text = append(s.text, c)
		if c == '"' && !quoted && s.text[start] == '"' {
			s.bounds = append(s.bounds, start, len(s.text))
			return nil
		}
	}
	if err == io.EOF && quoted {
		return errors.New("quotation mark is not closed on its line")
	}
	if err == io.EOF {
		s.bounds = append(s.bounds, start, len(s.text))
		return nil // scan meets it again
	}
	return err
}

// escape reads what follows a backslash: three digits for an octet, or any one
// octet that is no digit (RFC 1035, section 5.1).
func (s *scanner) escape() error {
	c, err := s.input.ReadByte()
	if err == io.EOF || c == '\n' {
		return errors.New("backslash at the end of the line")
	}
	if err != nil {
		return err
	}
	s.text = append(s.text, '\\', c)
	if c < '0' || '9' < c {
		return nil
	}
	more, err := s.input.Peek(2)
	if err != nil && err != io.EOF {
		return err
	}
	if _, err := strconv.ParseUint(string(c)+string(more), 10, 8); err != nil || len(more) < 2 {
		return fmt.Errorf("escape %s is not of three digits up to 255", quote(`\`+string(c)+string(more)))
	}
	s.text = append(s.text, more...)
	_, err = s.input.Discard(2)
	return err
}

// unescape returns the octets of a token, without its quotation marks.
func unescape(text string) string {
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	octets := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			c = text[i]
			if '0' <= c && c <= '9' {
				c = (c-'0')*100 + (text[i+1]-'0')*10 + text[i+2] - '0'
				i += 2
			}
		}
		octets = append(octets, c)
	}
	return string(octets)
}

// quote returns text for an error message: in quotation marks, in printable
// ASCII, and not all of it if it is long.
func quote(text string) string {
	const most = 64
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strconv.QuoteToASCII(text)
}

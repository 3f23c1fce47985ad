package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds on the texts that the cells of a workbook share.
const (
	maxTexts     = 16 << 20 // how many
	maxTextsHeld = 24 << 20 // octets in memory; those beyond go to a file
	textsWindow  = 8 << 10  // octets of the file that are read at a time, because cells refer to texts in order
)

// sharedTexts are the texts that cells refer to by number (ISO/IEC 29500-1, clause
// 18.4.9).
type sharedTexts struct {
	held []byte
	ends []uint32 // where each ends in all octets, those in the file after those held
	file *os.File // nil as long as all are held
	temp string
	buf  []byte // to be written to the file

	window     []byte // of the file
	windowFrom int64
}

// readTexts reads the shared texts of a part, "" for none.
func readTexts(p *parts, name, temp string) (*sharedTexts, error) {
	texts := &sharedTexts{temp: temp}
	if name == "" {
		return texts, nil
	}
	found, err := p.open(name)
	if errors.Is(err, errNoPart) {
		return texts, nil
	}
	if err != nil {
		return texts, err
	}
	defer found.Close()
	var item richText
	for {
		token, err := found.next()
		if err == io.EOF {
			return texts, nil
		}
		if err == nil && item.take(found.xmlScanner, token, "si", 2) {
			err = texts.add(item.decoded())
		}
		if err != nil {
			return texts, fmt.Errorf("shared texts: %w", err)
		}
	}
}

func (s *sharedTexts) add(text []byte) (err error) {
	if len(s.ends) == maxTexts {
		return fmt.Errorf("more than %d of them", maxTexts)
	}
	end := uint32(0)
	if len(s.ends) > 0 {
		end = s.ends[len(s.ends)-1]
	}
	s.ends = append(s.ends, end+uint32(len(text))) // maxUnpacked is far below 4 GiB
	if s.file == nil && len(s.held)+len(text) <= maxTextsHeld {
		s.held = append(s.held, text...)
		return nil
	}
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.temp, "texts-"); err != nil {
			return fmt.Errorf("make a temporary file: %w", err)
		}
	}
	if s.buf = append(s.buf, text...); len(s.buf) > chunk {
		return s.flush()
	}
	return nil
}

func (s *sharedTexts) flush() error {
	if s.file == nil || len(s.buf) == 0 {
		return nil
	}
	_, err := s.file.Write(s.buf)
	s.buf = s.buf[:0]
	if err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	return nil
}

// appendTo appends text i to to.
func (s *sharedTexts) appendTo(to []byte, i int) ([]byte, error) {
	start := uint32(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	length, held := int(s.ends[i]-start), uint32(len(s.held))
	if start+uint32(length) <= held {
		return append(to, s.held[start:s.ends[i]]...), nil
	}
	if err := s.flush(); err != nil {
		return to, err
	}
	at := int64(start - held)
	if inside := at - s.windowFrom; inside < 0 || inside+int64(length) > int64(len(s.window)) {
		if err := s.readWindow(at, max(length, textsWindow)); err != nil {
			return to, err
		}
	}
	from := at - s.windowFrom
	return append(to, s.window[from:from+int64(length)]...), nil
}

func (s *sharedTexts) readWindow(at int64, length int) error {
	s.window, s.windowFrom = append(s.window[:0], make([]byte, length)...), at
	n, err := s.file.ReadAt(s.window, at)
	s.window = s.window[:n]
	if err != nil && err != io.EOF {
		return fmt.Errorf("read a temporary file: %w", err)
	}
	return nil
}

func (s *sharedTexts) close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// richText collects the text of an element that holds it in runs (ISO/IEC 29500-1,
// clauses 18.4.4, 18.4.8 and 18.4.12), at most a little more than a cell may have.
// Phonetic runs are said about the text and no part of it.
type richText struct {
	text     []byte
	taking   bool // inside a <t> that counts
	phonetic int  // the depth of the phonetic run at hand, or 0
}

// take follows a token within the element of a name at a depth. It reports whether the
// element ends with it.
func (r *richText) take(x *xmlScanner, token xmlToken, name string, depth int) (done bool) {
	switch token {
	case xmlText:
		if r.taking {
			r.add(x.text)
		}
		return false
	case xmlStart:
		switch {
		case x.depth == depth && string(x.name) == name:
			*r = richText{text: r.text[:0]}
		case string(x.name) == "rPh" && r.phonetic == 0:
			r.phonetic = x.depth
		}
		r.taking = x.depth > depth && x.depth <= depth+2 && r.phonetic == 0 && string(x.name) == "t"
		return false
	case xmlEnd:
	}
	r.taking = false
	if x.depth+1 == r.phonetic {
		r.phonetic = 0
	}
	return x.depth+1 == depth && string(x.name) == name
}

func (r *richText) add(text []byte) {
	room := maxField + utf8.UTFMax - len(r.text)
	r.text = append(r.text, text[:min(len(text), max(room, 0))]...)
}

func (r *richText) decoded() []byte {
	r.text = unescapeCell(r.text)
	return r.text
}

// unescapeCell replaces the _xHHHH_ by which cells spell what XML cannot (ISO/IEC
// 29500-1, clause 22.9.2.19), each a unit of UTF-16. Half a pair stays as it is.
func unescapeCell(text []byte) []byte {
	at := bytes.Index(text, []byte("_x"))
	if at < 0 {
		return text
	}
	decoded := append([]byte(nil), text[:at]...)
	for rest := text[at:]; len(rest) > 0; {
		unit, ok := escapedUnit(rest)
		if !ok {
			next := bytes.IndexByte(rest[1:], '_') + 1
			if next == 0 {
				next = len(rest)
			}
			decoded, rest = append(decoded, rest[:next]...), rest[next:]
			continue
		}
		r := rune(unit)
		length := escapeLength
		if utf16.IsSurrogate(r) {
			low, _ := escapedUnit(rest[escapeLength:])
			if r = utf16.DecodeRune(r, rune(low)); r == utf8.RuneError {
				decoded, rest = append(decoded, rest[:escapeLength]...), rest[escapeLength:]
				continue
			}
			length = 2 * escapeLength
		}
		decoded, rest = utf8.AppendRune(decoded, r), rest[length:]
	}
	return decoded
}

const escapeLength = len("_xHHHH_")

// escapedUnit reads an escape at the start of a text.
func escapedUnit(text []byte) (uint16, bool) {
	if len(text) < escapeLength || text[0] != '_' || text[1] != 'x' || text[escapeLength-1] != '_' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[2:escapeLength-1]), 16, 16)
	return uint16(unit), err == nil
}

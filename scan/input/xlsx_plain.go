package input

import "bytes"

// plainCell is a cell as most programs write nearly all of them, if it is whole in the
// window: <c r="A1" s="2" t="str"><v>text</v></c>, or <is><t>text</t></is> in place of the
// value, or nothing. All but the texts are as they are there.
type plainCell struct {
	reference, style, kind []byte
	value, inline          []byte // decoded
	length                 int    // of the whole cell, in octets
}

// maxPlainAttr bounds the attributes of a plain cell, in octets.
const maxPlainAttr = 32

// plainCells takes the plain cells that come next in a row. Any other, one that the window
// cuts and one that is wrong in any way is left to the tokens, which say so.
func (s *sheetReader) plainCells() error {
	for s.depth == depthRow && !s.empty && !s.cdata {
		cell, ok := s.plainCell()
		if !ok {
			return nil
		}
		s.xmlScanner.start += cell.length
		if err := s.beginCell(cell.reference, cell.style, cell.kind); err != nil {
			return err
		}
		s.value = append(s.value, cell.value...)
		s.inline.text = append(s.inline.text, cell.inline...)
		if err := s.endCell(); err != nil {
			return err
		}
	}
	return nil
}

// plainCell returns the cell that comes next, if it is plain.
func (s *sheetReader) plainCell() (cell plainCell, ok bool) {
	window := s.buf[s.xmlScanner.start:s.end]
	rest, ok := cutPrefix(window, "<c")
	if !ok {
		return cell, false
	}
	if rest, ok = cell.attributes(rest); !ok {
		return cell, false
	}
	if after, ok := cutPrefix(rest, "/>"); ok {
		cell.length = len(window) - len(after)
		return cell, true
	}
	if inside, found := cutPrefix(rest, "><is><t>"); found {
		cell.inline, rest, ok = s.plainText(inside, "</t></is></c>")
	} else if inside, found := cutPrefix(rest, "><v>"); found {
		cell.value, rest, ok = s.plainText(inside, "</v></c>")
	} else if inside, found := cutPrefix(rest, `><is><t xml:space="preserve">`); found {
		cell.inline, rest, ok = s.plainText(inside, "</t></is></c>")
	} else {
		rest, ok = cutPrefix(rest, "></c>")
	}
	cell.length = len(window) - len(rest)
	return cell, ok
}

// cutPrefix is bytes.CutPrefix, of a string.
func cutPrefix(text []byte, prefix string) ([]byte, bool) {
	if len(text) < len(prefix) || string(text[:len(prefix)]) != prefix {
		return text, false
	}
	return text[len(prefix):], true
}

// attributes takes those of a plain cell, each at most once and after one space, and
// returns what follows them.
func (cell *plainCell) attributes(rest []byte) ([]byte, bool) {
	const before = len(` r="`)
	for len(rest) > before && rest[0] == ' ' {
		if rest[2] != '=' || rest[3] != '"' {
			return nil, false
		}
		var to *[]byte
		switch rest[1] {
		case 'r':
			to = &cell.reference
		case 's':
			to = &cell.style
		case 't':
			to = &cell.kind
		}
		if to == nil || *to != nil {
			return nil, false
		}
		value := rest[before:min(len(rest), before+maxPlainAttr)]
		end := 0
		for end < len(value) && value[end] != '"' {
			end++
		}
		if end == len(value) {
			return nil, false
		}
		*to, rest = value[:end], rest[before+end+1:]
	}
	return rest, true
}

// plainText returns the text before a mark, decoded, and what follows it.
func (s *sheetReader) plainText(window []byte, mark string) (text, rest []byte, ok bool) {
	end := bytes.IndexByte(window, '<')
	if end < 0 || end > maxField {
		return nil, nil, false
	}
	text = window[:end]
	if rest, ok = cutPrefix(window[end:], mark); !ok || bytes.IndexByte(text, '\r') >= 0 || checkXML(text) != nil {
		return nil, nil, false
	}
	if bytes.IndexByte(text, '&') < 0 {
		return text, rest, true
	}
	var err error
	s.own, err = unescapeXML(s.own[:0], text)
	return s.own, rest, err == nil
}

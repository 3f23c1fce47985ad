package input

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Bounds on the XML of a workbook's parts, besides that on what they unpack to.
const (
	maxTag   = 1 << 20 // octets of a tag with its attributes
	maxDepth = 256     // elements within one another
)

// xmlToken is a kind of what XML is made of.
type xmlToken int

const (
	xmlStart xmlToken = iota
	xmlEnd
	xmlText // perhaps a part of it: more may follow at once
)

// xmlScanner cuts XML in UTF-8 (XML 1.0) into tokens, without more in memory than the
// token at hand, of which a long text is several. Names are those without their prefix.
// It knows no entities but those of XML itself, so none can grow.
type xmlScanner struct {
	src        io.Reader
	err        error // why src gives no more
	buf        []byte
	start, end int // buf[start:end] is read and not yet consumed

	name  []byte // of the element of the last token, which is xmlStart or xmlEnd
	attrs []byte // after the name, as written
	text  []byte // decoded
	own   []byte // for text that differs from what the window has
	depth int    // of the elements that are open, with the one that has just begun
	empty bool   // the end of the last token's element is still to be told
	cdata bool
	open  []byte // the names of the elements that are open, with their prefixes
	names []int  // where each of them begins
}

func newXMLScanner(src io.Reader) *xmlScanner {
	return &xmlScanner{src: src, buf: make([]byte, chunk)}
}

// next returns the next token. The error is io.EOF after the outermost element.
func (x *xmlScanner) next() (xmlToken, error) {
	if x.empty {
		x.empty = false
		return xmlEnd, x.pop(x.open[x.names[len(x.names)-1]:])
	}
	for {
		if x.cdata {
			return xmlText, x.cdataText()
		}
		if x.start == x.end && !x.more() {
			return 0, x.eof()
		}
		if x.buf[x.start] != '<' {
			return xmlText, x.charData()
		}
		token, told, err := x.markup()
		if told || err != nil {
			return token, err
		}
	}
}

func (x *xmlScanner) eof() error {
	if x.err == io.EOF && x.depth > 0 {
		return errors.New("the XML ends in the middle")
	}
	return x.err
}

// more makes the window longer. It moves it, so that offsets count from start.
func (x *xmlScanner) more() bool {
	if x.err != nil {
		return false
	}
	if x.start > 0 {
		copy(x.buf, x.buf[x.start:x.end])
		x.start, x.end = 0, x.end-x.start
	}
	if x.end == len(x.buf) {
		x.buf = append(x.buf, make([]byte, len(x.buf))...)
	}
	n, err := io.ReadAtLeast(x.src, x.buf[x.end:], 1)
	x.end += n
	x.err = err
	return n > 0
}

// charData takes text up to the next tag, or what the window holds of it.
func (x *xmlScanner) charData() error {
	window := x.buf[x.start:x.end]
	length := bytes.IndexByte(window, '<')
	if length < 0 {
		length = wholeText(window)
		if length == 0 {
			if len(window) > utf8.UTFMax+longestReference {
				return errors.New("a character reference without its end")
			}
			if x.more() {
				return x.charData()
			}
			return x.eof()
		}
	}
	text := window[:length]
	x.start += length
	text = x.lineEnds(text)
	if err := checkXML(text); err != nil || bytes.IndexByte(text, '&') < 0 {
		x.text = text
		return err
	}
	var err error
	x.own, err = unescapeXML(x.own[:0], bytes.Clone(text))
	x.text = x.own
	return err
}

// lineEnds returns text with the line ends of XML (XML 1.0, section 2.11).
func (x *xmlScanner) lineEnds(text []byte) []byte {
	if bytes.IndexByte(text, '\r') < 0 {
		return text
	}
	x.own = append(x.own[:0], bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))...)
	return x.own
}

// longestReference is the longest of the references that are known, "&#x0010FFFF;" with
// some zeros.
const longestReference = 16

// wholeText returns how much of a window has no character and no reference cut in two.
func wholeText(window []byte) int {
	length := len(window)
	for back := 1; back <= min(utf8.UTFMax, length); back++ {
		if c := window[length-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(window[length-back:]) {
				length -= back
			}
			break
		}
	}
	tail := window[max(0, length-longestReference):length]
	if at := bytes.LastIndexByte(tail, '&'); at >= 0 && bytes.IndexByte(tail[at:], ';') < 0 {
		length -= len(tail) - at
	}
	if length > 0 && window[length-1] == '\r' { // perhaps half a line end
		length--
	}
	return length
}

// checkXML finds what no XML holds (XML 1.0, section 2.2).
func checkXML(text []byte) error {
	ascii := true
	for len(text) >= 8 && isPlainASCII(binary.LittleEndian.Uint64(text)) {
		text = text[8:]
	}
	for _, c := range text {
		if c < ' ' && !isXMLSpace(c) {
			return fmt.Errorf("a control character U+%04X", c)
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	if !ascii && !utf8.Valid(text) {
		return errors.New("text that is not UTF-8")
	}
	return nil
}

// isPlainASCII reports whether none of eight octets is a control character or above ASCII.
func isPlainASCII(octets uint64) bool {
	const each, high = 0x0101010101010101, 0x8080808080808080
	return (octets|(octets-each*' '))&high == 0 // a borrow only comes from an octet that sets its own high bit
}

// markup reads what begins with "<". It tells a token of tags only.
func (x *xmlScanner) markup() (token xmlToken, told bool, err error) {
	for x.end-x.start < len("<![CDATA[") && x.more() {
	}
	window := x.buf[x.start:x.end]
	if len(window) > 1 && (window[1] == '!' || window[1] == '?') {
		return 0, false, x.skipMarkup(window)
	}
	length, err := x.tagLength()
	if err != nil {
		return 0, false, err
	}
	tag := x.buf[x.start+1 : x.start+length-1]
	x.start += length
	if len(tag) > 0 && tag[0] == '/' {
		return xmlEnd, true, x.pop(trimSpace(tag[1:]))
	}
	return xmlStart, true, x.push(tag)
}

// skipMarkup leaves out what is no tag.
func (x *xmlScanner) skipMarkup(window []byte) error {
	switch {
	case window[1] == '?':
		return x.skipPast("?>")
	case bytes.HasPrefix(window, []byte("<!--")):
		x.start += len("<!--")
		return x.skipPast("-->")
	case bytes.HasPrefix(window, []byte("<![CDATA[")):
		x.start += len("<![CDATA[")
		x.cdata = true
		return nil
	}
	return errors.New("a document type declaration, which no workbook has")
}

// isXMLSpace reports whether an octet is white space (XML 1.0, section 2.3).
func isXMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// trimSpace is bytes.TrimSpace, but for XML and quicker.
func trimSpace(text []byte) []byte {
	for len(text) > 0 && isXMLSpace(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isXMLSpace(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// tagLength returns the length of the tag at hand, from "<" to ">".
func (x *xmlScanner) tagLength() (int, error) {
	window := x.buf[x.start+1 : x.end]
	if at := bytes.IndexByte(window, '>'); at >= 0 && at < shortTag && plainTag(window[:at]) {
		return at + 2, nil
	}
	var mark byte
	for at := 1; ; at++ {
		if x.start+at == x.end && !x.more() {
			return 0, x.eof()
		}
		switch c := x.buf[x.start+at]; {
		case mark != 0:
			if c == mark {
				mark = 0
			}
		case c == '>':
			return at + 1, nil
		case c == '"', c == '\'':
			mark = c
		case c == '<':
			return 0, errors.New("a tag without its end")
		}
		if at >= maxTag {
			return 0, fmt.Errorf("a tag of more than %d MiB", maxTag>>20)
		}
	}
}

// shortTag is longer than the tags without attributes that sheets are full of.
const shortTag = 16

// plainTag reports whether a tag has no attributes.
func plainTag(tag []byte) bool {
	for _, c := range tag {
		if c == '"' || c == '\'' || c == '<' {
			return false
		}
	}
	return true
}

// push opens an element.
func (x *xmlScanner) push(tag []byte) error {
	if inside, ok := bytes.CutSuffix(tag, []byte("/")); ok {
		tag, x.empty = inside, true
	}
	end := 0
	for end < len(tag) && !isXMLSpace(tag[end]) {
		end++
	}
	if end == 0 {
		return errors.New("a tag without a name")
	}
	if x.depth++; x.depth > maxDepth {
		return fmt.Errorf("elements nested deeper than %d", maxDepth)
	}
	x.names = append(x.names, len(x.open))
	x.open = append(x.open, tag[:end]...)
	x.name, x.attrs = local(tag[:end]), tag[end:]
	return nil
}

// pop closes the innermost element, which must be the one of this name.
func (x *xmlScanner) pop(name []byte) error {
	if x.depth == 0 {
		return fmt.Errorf("the end of an element %s that was never begun", quote(string(name)))
	}
	last := x.names[len(x.names)-1]
	if opened := x.open[last:]; !bytes.Equal(opened, name) {
		return fmt.Errorf("element %s ends as %s", quote(string(opened)), quote(string(name)))
	}
	x.name = local(x.open[last:])
	x.open, x.names = x.open[:last], x.names[:len(x.names)-1]
	x.depth--
	return nil
}

// local returns a name without its prefix.
func local(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

// cdataText takes what the window holds of a CDATA section.
func (x *xmlScanner) cdataText() error {
	for x.end-x.start < len("]]>") {
		if !x.more() {
			return x.eof()
		}
	}
	window := x.buf[x.start:x.end]
	length := bytes.Index(window, []byte("]]>"))
	switch {
	case length >= 0:
		x.cdata = false
		x.start += length + len("]]>")
	default:
		length = len(window) - len("]]")
		for length > 0 && (!utf8.RuneStart(window[length]) || window[length-1] == '\r') { // no character or line end is cut in two
			length--
		}
		if length == 0 && len(window) > 2*utf8.UTFMax {
			return errors.New("text that is not UTF-8")
		}
		if length == 0 && !x.more() {
			return x.eof()
		}
		if length == 0 {
			return x.cdataText()
		}
		x.start += length
	}
	x.text = x.lineEnds(window[:length])
	return checkXML(x.text)
}

func (x *xmlScanner) skipPast(end string) error {
	for {
		window := x.buf[x.start:x.end]
		if at := bytes.Index(window, []byte(end)); at >= 0 {
			x.start += at + len(end)
			return nil
		}
		x.start += max(0, len(window)-len(end)+1)
		if !x.more() {
			return x.eof()
		}
	}
}

// attr returns the value of an attribute of the element that has just begun, as
// written; nil if there is none. It must be a name without a prefix.
func (x *xmlScanner) attr(name string) []byte {
	rest := x.attrs
	for at := 0; at < len(rest); {
		for at < len(rest) && isXMLSpace(rest[at]) {
			at++
		}
		from := at
		for at < len(rest) && rest[at] != '=' && !isXMLSpace(rest[at]) {
			at++
		}
		found := rest[from:at]
		for at < len(rest) && (rest[at] == '=' || isXMLSpace(rest[at])) {
			at++
		}
		if at == len(rest) || rest[at] != '"' && rest[at] != '\'' {
			return nil
		}
		mark, start := rest[at], at+1
		for at = start; at < len(rest) && rest[at] != mark; {
			at++
		}
		if string(found) == name {
			return rest[start:at]
		}
		at++
	}
	return nil
}

// attrText returns the value of an attribute, decoded; "" if there is none. The name
// may have any prefix.
func (x *xmlScanner) attrText(names ...string) string {
	for _, name := range names {
		value := x.attr(name)
		if value == nil {
			continue
		}
		text, err := unescapeXML(nil, value)
		if err != nil {
			text = value
		}
		return string(text)
	}
	return ""
}

// unescapeXML appends text to to, with the references of XML replaced (XML 1.0, section
// 4.6), and line ends as they are.
func unescapeXML(to, text []byte) ([]byte, error) {
	for {
		at := bytes.IndexByte(text, '&')
		if at < 0 {
			return append(to, text...), nil
		}
		to = append(to, text[:at]...)
		length := bytes.IndexByte(text[at:min(len(text), at+longestReference)], ';')
		if length < 0 {
			return nil, errors.New("a character reference without its end")
		}
		r, ok := reference(string(text[at+1 : at+length]))
		if !ok {
			return nil, fmt.Errorf("entity %s is not known", quote(string(text[at:at+length+1])))
		}
		to = utf8.AppendRune(to, r)
		text = text[at+length+1:]
	}
}

func reference(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	code, err := strconv.ParseUint(digits, base, 21)
	if err != nil || code > utf8.MaxRune || code < ' ' && code != '\t' && code != '\n' && code != '\r' {
		return 0, false
	}
	return rune(code), true
}

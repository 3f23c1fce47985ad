package scan

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// specials are the characters that make a cell more than an address or a domain
// by itself (RFC 5322, section 3.2.3, and the separators of lists).
const specials = `"()<>[]\,;|`

// The classes of the octets of a lexed text.
const (
	outside = byte(iota)
	quoted  // in a quoted string, its quotation marks included
	literal // in a domain literal, its brackets included
)

// lexed is a text with its comments dropped and each octet told apart. A text
// without specials needs no mask: all of it is outside.
type lexed struct {
	text   string
	mask   string // one class an octet, or "" if all are outside
	angles []span // what stands between each pair of angle brackets
}

// span is the half-open range of octets from start to end.
type span struct{ start, end int }

func (l lexed) class(i int) byte {
	if l.mask == "" {
		return outside
	}
	return l.mask[i]
}

// lex tells quoted strings, comments (which nest), angle brackets and domain
// literals apart (RFC 5322, sections 3.2.2, 3.2.4, 3.4). It fails if one of
// them is not closed, or closed and never opened.
func lex(text string) (lexed, bool) {
	x := lexer{rest: text}
	for x.rest != "" {
		if !x.next() {
			return lexed{}, false
		}
	}
	return lexed{x.text.String(), x.mask.String(), x.angles}, !x.inAngle
}

type lexer struct {
	rest       string
	text, mask strings.Builder
	angles     []span
	inAngle    bool
	open       int // where the open angle bracket's inside begins
}

// next takes one token from rest. It reports whether the token was balanced.
func (x *lexer) next() bool {
	switch x.rest[0] {
	case '"':
		return x.take(delimited(x.rest, '"'), quoted)
	case '[':
		return x.take(delimited(x.rest, ']'), literal)
	case '(':
		return x.skipComment()
	case ')', ']':
		return false
	case '<':
		if x.inAngle {
			return false
		}
		x.take(1, outside)
		x.inAngle, x.open = true, x.text.Len()
		return true
	case '>':
		if !x.inAngle {
			return false
		}
		x.angles = append(x.angles, span{x.open, x.text.Len()})
		x.inAngle = false
		return x.take(1, outside)
	}
	end := strings.IndexAny(x.rest, `"[]()<>`)
	if end < 0 {
		end = len(x.rest)
	}
	return x.take(end, outside)
}

func (x *lexer) take(n int, class byte) bool {
	if n <= 0 {
		return false
	}
	x.text.WriteString(x.rest[:n])
	for range n {
		x.mask.WriteByte(class)
	}
	x.rest = x.rest[n:]
	return true
}

// skipComment drops a comment. Between two words it leaves a space, because it
// parts them as white space does (RFC 5322, section 3.2.2): x.example(was)y.example
// must not become one name.
func (x *lexer) skipComment() bool {
	end := commentEnd(x.rest)
	if end < 0 {
		return false
	}
	x.rest = x.rest[end:]
	before := x.text.String()
	if before != "" && x.rest != "" && inWord(before[len(before)-1]) && inWord(x.rest[0]) {
		x.text.WriteByte(' ')
		x.mask.WriteByte(outside)
	}
	return true
}

func inWord(c byte) bool { return strings.IndexByte(specials+".@ \t\r\n", c) < 0 }

// delimited returns the length of the token at the start of s that the octet
// closing ends, its escapes included, or -1 if it is not closed.
func delimited(s string, closing byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case closing:
			return i + 1
		}
	}
	return -1
}

// commentEnd returns the length of the comment at the start of s, with those
// nested in it, or -1 if it is not closed.
func commentEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// part returns what s spans.
func (l lexed) part(s span) lexed {
	return lexed{text: l.text[s.start:s.end], mask: l.mask[s.start:s.end]}
}

// several reports whether the text is a list in which each part is a target by
// itself: split at separators, at separators and white space, or at the angle
// brackets of two mailboxes and more. With one pair of angle brackets all outside
// them is a display name, unless a part of it is an address by itself (RFC 5322,
// section 3.4: behind the brackets only comments may follow).
func (l lexed) several() bool {
	switch len(l.angles) {
	case 0:
		return l.allTargets(isSeparator) || l.allTargets(isSeparatorOrSpace)
	case 1:
		return l.addressBeside(l.angles[0])
	}
	for _, angle := range l.angles {
		if addressTarget(l.part(angle)).Reason != "" {
			return false
		}
	}
	return true
}

// addressBeside reports whether one of the parts between separators that do not hold the
// angle brackets is an address by itself.
func (l lexed) addressBeside(angle span) bool {
	for part := range l.parts(isSeparator) {
		if part.end <= angle.start || part.start >= angle.end {
			if l.part(part).isAddress() {
				return true
			}
		}
	}
	return false
}

// isAddress reports whether a text is meant for an address, although its domain may be none
// that has CAA records, such as localhost: it has one "@", with a local part right before
// it. Doe @ Work is a name.
func (l lexed) isAddress() bool {
	for i := range len(l.text) {
		if l.text[i] != '@' || l.class(i) == quoted {
			continue
		}
		local := strings.TrimLeftFunc(l.text[:i], unicode.IsSpace)
		last, _ := utf8.DecodeLastRuneInString(local)
		reason := addressTarget(l).Reason
		return reason == "" || reason != NotADomain && local != "" && !unicode.IsSpace(last)
	}
	return false
}

func isSeparator(r rune) bool { return r == ',' || r == ';' || r == '|' }

func isSeparatorOrSpace(r rune) bool { return isSeparator(r) || unicode.IsSpace(r) }

// allTargets reports whether the text splits into two parts and more, each of
// which is a target.
func (l lexed) allTargets(separates func(rune) bool) bool {
	targets := 0
	for part := range l.parts(separates) {
		if addressTarget(l.part(part)).Reason != "" {
			return false
		}
		targets++
	}
	return targets >= 2
}

// parts yields what stands between separators outside quotes and literals, but for white
// space alone.
func (l lexed) parts(separates func(rune) bool) iter.Seq[span] {
	return func(yield func(span) bool) {
		start := 0
		more := func(end int) bool {
			return strings.TrimSpace(l.text[start:end]) == "" || yield(span{start, end})
		}
		for i, r := range l.text {
			if l.class(i) != outside || !separates(r) {
				continue
			}
			if !more(i) {
				return
			}
			start = i + utf8.RuneLen(r)
		}
		more(len(l.text))
	}
}

package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"

	"caascan/scan"
)

// fileOf is the file that is written to, if it is one.
func fileOf(w io.Writer) (*os.File, bool) {
	if watched, ok := w.(*readerWatch); ok {
		w = watched.w
	}
	file, ok := w.(*os.File)
	return file, ok
}

func isTerminal(w io.Writer) bool {
	file, ok := fileOf(w)
	return ok && term.IsTerminal(int(file.Fd()))
}

// How wide a text is set. What is wider is hard to read.
const (
	usualWidth = 80
	leastWidth = 20
	mostWidth  = 120
)

// widthOf is how many columns of a terminal a text may take, 80 if nobody knows.
func widthOf(w io.Writer) int {
	if file, ok := fileOf(w); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
			return min(max(columns, leastWidth), mostWidth)
		}
	}
	return usualWidth
}

// ink sets words in colour on a terminal, unless NO_COLOR forbids it (no-color.org) or the
// terminal has none.
type ink bool

func inkFor(w io.Writer) ink {
	return ink(isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

// The colours (ECMA-48, section 8.3.117).
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (i ink) set(colour, text string) string {
	if !i || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// status sets what is said of a status in its colour.
func (i ink) status(s scan.Status, text string) string {
	switch s {
	case scan.Permitted:
		return i.set(green, text)
	case scan.Denied:
		return i.set(red, text)
	case scan.LookupFailed:
		return i.set(yellow, text)
	}
	panic("caascan: unknown status " + string(s))
}

// columnsOf is how many columns of a terminal a text takes.
func columnsOf(text string) (n int) {
	for _, r := range text {
		n += columnsOfRune(r)
	}
	return n
}

func columnsOfRune(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// fitted is a text that acts on no terminal and takes at most so many columns. Of a longer
// one the end stays: it tells names of the DNS and files apart.
func fitted(text string, columns int) string {
	text = flat(text)
	if columnsOf(text) <= columns {
		return text
	}
	letters := []rune(text)
	left, from := columns-1, len(letters)
	for from > 0 && columnsOfRune(letters[from-1]) <= left {
		from--
		left -= columnsOfRune(letters[from])
	}
	return "…" + string(letters[from:])
}

// padded is a text with spaces after it, as wide as so many columns.
func padded(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-columnsOf(text)))
}

// wrapped breaks a text between words into lines of at most so many columns, but for a word
// that is longer. The first line begins with indent, the others a little further in.
func wrapped(indent, text string, columns int) string {
	var b strings.Builder
	b.WriteString(indent)
	at, start := columnsOf(indent), true
	for word := range strings.SplitSeq(text, " ") {
		switch n := columnsOf(word); {
		case start:
			at, start = at+n, false
		case at+1+n > columns:
			b.WriteString("\n" + indent + "  ")
			at = columnsOf(indent) + len("  ") + n
		default:
			b.WriteByte(' ')
			at += 1 + n
		}
		b.WriteString(word)
	}
	return b.String()
}

// paper is a text for people that is put together. On a terminal it is set in its width, and
// in colour; elsewhere a line stays one, for those who search it.
type paper struct {
	strings.Builder
	ink     ink
	columns int // 0: no line is broken
}

func paperFor(w io.Writer) *paper {
	p := &paper{ink: inkFor(w)}
	if isTerminal(w) {
		p.columns = widthOf(w)
	}
	return p
}

// line adds one, broken between words if it is too long, each part of it after indent.
func (p *paper) line(indent, format string, args ...any) {
	text := indent + fmt.Sprintf(format, args...)
	if p.columns > 0 {
		text = wrapped(indent, strings.TrimPrefix(text, indent), p.columns)
	}
	p.WriteString(text + "\n")
}

// verbatim adds a line that is never broken.
func (p *paper) verbatim(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}

// thousands writes a number with a comma between thousands.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return thousands(n/1000) + "," + strconv.Itoa(1000 + n%1000)[1:]
}

package input

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"unicode/utf8"
)

// text is a list in a text file: values with separators, or a cell a line.
type text struct {
	ctx       context.Context //nolint:containedctx // ends passes, as the comment of Open says
	file      string
	encoding  Encoding
	mark      int // octets of byte order mark
	separator byte
	close     byte // another separator that nearly won, or noSeparator
	preamble  int  // octets of the line sep=;, after decoding
}

// openText finds out how a file is written. The separator is the one given, if one is.
func openText(ctx context.Context, file string, head []byte, separator byte) (*text, error) {
	t := &text{ctx: ctx, file: file, separator: separator}
	t.encoding, t.mark = sniff(head)
	start, err := io.ReadAll(t.encoding.reader(bytes.NewReader(head[t.mark:])))
	if err != nil {
		return nil, err
	}
	declared, length := declaredSeparator(start)
	t.preamble = length
	switch {
	case separator != noSeparator:
	case length > 0:
		t.separator = declared
	default:
		t.separator, t.close, err = findSeparator(*t)
	}
	return t, err
}

// declaredSeparator reads a first line such as "sep=;", by which files tell
// Excel their separator, and returns how long it is; 0 if there is none.
func declaredSeparator(start []byte) (separator byte, length int) {
	const declaration = "sep="
	length = bytes.IndexAny(start, "\r\n")
	if length < 0 {
		length = len(start)
	}
	line, rest := start[:length], start[length:]
	if len(line) != len(declaration)+1 || !strings.EqualFold(string(line[:len(declaration)]), declaration) {
		return noSeparator, 0
	}
	separator = line[len(declaration)]
	if separator == '"' || separator == noSeparator || separator >= 0x80 {
		return noSeparator, 0
	}
	if bytes.HasPrefix(rest, []byte("\r\n")) {
		return separator, length + 2
	}
	return separator, length + min(len(rest), 1)
}

// excuse implements source.
func (t *text) excuse() string { return "" }

// records implements source.
func (t *text) records(digest io.Writer) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		raw, err := os.Open(t.file)
		if err != nil {
			yield(record{}, err)
			return
		}
		defer raw.Close()
		decoded, err := t.reader(io.TeeReader(&stoppable{t.ctx, raw}, digest))
		if err != nil {
			yield(record{}, err)
			return
		}
		t.tokenise(newTokenizer(decoded, t.separator), yield)
	}
}

// reader returns the text after the byte order mark and the preamble.
func (t *text) reader(raw io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(raw, chunk)
	if _, err := buffered.Discard(t.mark); err != nil && err != io.EOF {
		return nil, fmt.Errorf("skip the byte order mark: %w", err)
	}
	decoded := t.encoding.reader(buffered)
	if _, err := io.CopyN(io.Discard, decoded, int64(t.preamble)); err != nil && err != io.EOF {
		return nil, fmt.Errorf("skip the line sep=: %w", err)
	}
	return decoded, nil
}

func (t *text) tokenise(tokens *tokenizer, yield func(record, error) bool) {
	var rec record
	for {
		broken, err := tokens.next()
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(record{}, err)
			return
		}
		rec.number++
		rec.broken, rec.torn = broken, tokens.torn
		t.fill(&rec, tokens)
		if !yield(rec, nil) {
			return
		}
	}
}

// fill makes a record of the tokens, which it decodes if they need it.
func (t *text) fill(rec *record, tokens *tokenizer) {
	rec.cells, rec.decoded = tokens.cells, 0
	if t.encoding != UTF8 || tokens.line != "" && utf8.ValidString(tokens.line) {
		return
	}
	for i, cell := range rec.cells {
		if !utf8.ValidString(cell) {
			rec.cells[i] = fromWindows1252(cell)
			rec.decoded++
		}
	}
}

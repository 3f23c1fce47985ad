package input

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// tokens reads a whole text. A broken record is marked with a first cell
// "broken".
func tokens(t *testing.T, src io.Reader, separator byte, bounds limits) [][]string {
	t.Helper()
	var all [][]string
	tok := newTokenizer(src, separator)
	tok.limits = bounds
	for {
		broken, err := tok.next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		cells := []string{}
		if broken {
			cells = append(cells, "broken")
		}
		all = append(all, append(cells, tok.cells...))
		unquoted := strings.NewReplacer(`"`, "", string(separator), "")
		if tok.line != "" && unquoted.Replace(tok.line) != unquoted.Replace(strings.Join(tok.cells, "")) {
			t.Errorf("line %q of cells %q", tok.line, tok.cells)
		}
	}
}

var wide = limits{maxField, maxRecord, maxCells}

func TestTokenizerBounds(t *testing.T) {
	bounds := limits{field: 4, record: 12, cells: 3}
	tests := []struct {
		name string
		text string
		want [][]string
	}{
		{"a field at the limit", "abcd,e\n", [][]string{{"abcd", "e"}}},
		{"a field over the limit", "abcde,f\ng\n", [][]string{{"broken", "abcd"}, {"g"}}},
		{"a quoted field at the limit counts without its quotes", "\"a\"\"bc\",e\n", [][]string{{`a"bc`, "e"}}},
		{"a quoted field over the limit", "\"abcde\",f\ng\n", [][]string{{"broken", `"abc`}, {"g"}}},
		{"a quoted field over the limit in its second line", "\"ab\ncde\nf\n", [][]string{{"broken", `"ab`}, {"cde"}, {"f"}}},
		{"text after a closing quote counts", "\"abc\"de\nf\n", [][]string{{"broken", `"abc`}, {"f"}}},
		{"a record at the limit", "abcd,efgh,ij\nk\n", [][]string{{"abcd", "efgh", "ij"}, {"k"}}},
		{"a record over the limit", "abcd,efgh,ijk\nk\n", [][]string{{"broken", "abcd"}, {"k"}}},
		{"cells over the limit", "a,b,c,d\ne,f,g\n", [][]string{{"broken", "a,b,"}, {"e", "f", "g"}}},
		{"a line is cut between characters", "abcüd\n", [][]string{{"broken", "abc"}}},
		{"a line that is no UTF-8 is cut at the limit", "abc\xfc\xfcd\n", [][]string{{"broken", "abc\xfc"}}},
		{"a line that ends at the limit is whole", "\"abc\n", [][]string{{"broken", `"abc`}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, tokens(t, strings.NewReader(test.text), ',', bounds)); diff != "" {
				t.Errorf("records mismatch (-want +got):\n%s", diff)
			}
			// Behind another record it is in the window from the start.
			want := slices.Concat([][]string{{"x"}}, test.want)
			if diff := cmp.Diff(want, tokens(t, strings.NewReader("x\n"+test.text), ',', bounds)); diff != "" {
				t.Errorf("behind another record: mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// Lines that open a quotation for the next line to close make records without
// end. Were each of them read to the limit of a record, this test would take
// minutes.
func TestHostileQuotesTakeLinearTime(t *testing.T) {
	const lines = 1 << 18
	tests := []struct{ name, line string }{
		{"each line closes a quotation and opens one", "a\",b,\"c\n"},
		{"each line opens a quotation", "a,\"b\n"},
		{"each line opens a quotation that doubled quotes keep open", "x\"\"y,\"z\"\"\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tok := newTokenizer(strings.NewReader(strings.Repeat(test.line, lines)), ',')
			records := 0
			for {
				if _, err := tok.next(); err != nil {
					break
				}
				records++
			}
			if records != lines {
				t.Errorf("%d records, want %d", records, lines)
			}
			if len(tok.buf) > maxRecord+2*chunk || cap(tok.text) > 2*maxRecord {
				t.Errorf("%d octets of buffer and %d of text", len(tok.buf), cap(tok.text))
			}
		})
	}
}

func TestTokenizerReturnsTheCauseOfAFailedRead(t *testing.T) {
	for _, text := range []string{"", "a,b", "a,\"b", "a,b\n"} {
		tok := newTokenizer(io.MultiReader(strings.NewReader(text), iotest.ErrReader(io.ErrClosedPipe)), ',')
		for range 2 {
			if _, err := tok.next(); err == io.ErrClosedPipe {
				break
			} else if err != nil || !strings.HasSuffix(text, "\n") {
				t.Errorf("%q: next() = %v, want %v", text, err, io.ErrClosedPipe)
			}
		}
		if _, err := tok.next(); err != io.ErrClosedPipe {
			t.Errorf("%q: next() = %v after the failure, want %v", text, err, io.ErrClosedPipe)
		}
	}
}

// FuzzTokenizer holds the tokenizer to a second statement of its rules, which
// looks ahead to the end of the text again for every line; and to itself, when
// the text comes in small pieces and the limits are near.
func FuzzTokenizer(f *testing.F) {
	for _, seed := range []string{
		"a,b\r\nc", "\"a\"\"b\nc\",d\r\re,\"f\ng,\"h\"\n", "a,\"b\nc\",\"d\ne", "\"a\"b,\"c\nd\"e\n", "\"\"\"\n\"", ",\"\n\",\"\n",
		"a\",b,\"c\na\",b,\"c\na\",b,\"c\n", " \"a\"\"\" ,b", " \"\"\"\"", " \"a\"b,  \"c\nd\"",
	} {
		f.Add(seed, uint8(5), uint8(9))
	}
	f.Fuzz(func(t *testing.T, text string, field, record uint8) {
		got := tokens(t, strings.NewReader(text), ',', wide)
		if len(text) < 1<<12 {
			if diff := cmp.Diff(plainTokens(text, ','), got); diff != "" {
				t.Errorf("%q: mismatch with the plain reader (-want +got):\n%s", text, diff)
			}
		}
		near := limits{int(field), int(record), 4}
		whole := tokens(t, strings.NewReader(text), ',', near)
		if diff := cmp.Diff(whole, tokens(t, iotest.OneByteReader(strings.NewReader(text)), ',', near)); diff != "" {
			t.Errorf("%q: mismatch when read octet by octet (-whole +octets):\n%s", text, diff)
		}
	})
}

// plainTokens reads each record by itself, without memory of the one before.
func plainTokens(text string, separator byte) [][]string {
	var all [][]string
	for text != "" {
		cells, rest, ok := plainRecord(text, separator)
		if !ok {
			end := strings.IndexAny(text, "\r\n")
			if end < 0 {
				end = len(text)
			}
			cells, rest = []string{"broken", text[:end]}, text[end:]
		}
		all = append(all, cells)
		if after, crlf := strings.CutPrefix(rest, "\r\n"); crlf {
			text = after
			continue
		}
		text = rest[min(len(rest), 1):]
	}
	return all
}

func plainRecord(text string, separator byte) (cells []string, rest string, ok bool) {
	cells = []string{}
	if text[0] == '\r' || text[0] == '\n' {
		return cells, text, true
	}
	for {
		var quoted string
		if spaced, after, found := plainSpaced(text, separator); found {
			quoted, text = spaced, after
		} else if strings.HasPrefix(text, `"`) {
			if quoted, text, ok = plainQuoted(text[1:]); !ok {
				return nil, "", false
			}
		}
		end := strings.IndexAny(text, "\r\n"+string(separator))
		if end < 0 {
			end = len(text)
		}
		if end > 0 && strings.ContainsAny(quoted, "\r\n") {
			return nil, "", false
		}
		cells = append(cells, quoted+text[:end])
		if !strings.HasPrefix(text[end:], string(separator)) {
			return cells, text[end:], true
		}
		text = text[end+1:]
	}
}

// plainSpaced is a quotation of one line that is all of a field but the spaces around it.
func plainSpaced(text string, separator byte) (content, rest string, ok bool) {
	line, _, _ := strings.Cut(strings.ReplaceAll(text, "\r", "\n"), "\n")
	opened := strings.TrimLeft(line, " ")
	if opened == line || !strings.HasPrefix(opened, `"`) {
		return "", "", false
	}
	content, after, ok := plainQuoted(opened[1:])
	closed := strings.TrimLeft(after, " ")
	if !ok || closed != "" && closed[0] != separator {
		return "", "", false
	}
	spaces := line[:len(line)-len(opened)]
	return spaces + content + after[:len(after)-len(closed)], text[len(line)-len(closed):], true
}

func plainQuoted(text string) (content, rest string, ok bool) {
	parts := strings.Split(text, `"`)
	for i := 0; i < len(parts)-1; i += 2 {
		content += parts[i]
		if i+2 == len(parts) || parts[i+1] != "" {
			return content, strings.Join(parts[i+1:], `"`), true
		}
		content += `"`
	}
	return "", "", false
}

func TestPlainTokens(t *testing.T) {
	got := plainTokens("a,\"b\"\"\nc\"\r\nd,\"e\nf,\"g\"h\n\n", ',')
	want := [][]string{{"a", "b\"\nc"}, {"broken", `d,"e`}, {"f", "gh"}, {}}
	if !slices.EqualFunc(want, got, slices.Equal) {
		t.Errorf("plainTokens = %q, want %q", got, want)
	}
}

// longRecords reads a text the long way only.
func longRecords(t *testing.T, src io.Reader, separator byte, bounds limits) [][]string {
	t.Helper()
	tok := newTokenizer(src, separator)
	tok.limits = bounds
	var all [][]string
	for {
		broken, err := tok.long()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		cells := []string{}
		if broken {
			cells = append(cells, "broken")
		}
		from := 0
		for _, end := range tok.cellEnds {
			cells = append(cells, string(tok.text[from:end]))
			from = end
		}
		all = append(all, cells)
	}
}

// FuzzPlainRecords: what is read the quick way is what the long way gives, wherever the
// window ends and whatever the bounds are.
func FuzzPlainRecords(f *testing.F) {
	for _, text := range []string{
		"a,b\nc,d\n", "a,\"b\"\r\n\"c\",d", "\"a\nb\",c\nd\n", "\"a\"b,c\nd,\"e\n\"f\",g\n", "\n\r\n,\n", "a\rb\nc\n", "a,\"\"\"b\"\"\",c\nd\n",
		"\"\n\"\"\nx,\"y\"\n", "a;b\n\"a;b\";c\n", "abcdefghijklmnop\nq\n", "a,b,c,d,e\nf\n", " \"a\",b\n", "\"a\" ,b\n",
	} {
		for _, separator := range []byte{',', ';', noSeparator} {
			f.Add(text, separator, false)
			f.Add(text, separator, true)
		}
	}
	f.Fuzz(func(t *testing.T, text string, separator byte, small bool) {
		if separator == '"' || separator == '\r' || separator == '\n' || separator >= utf8.RuneSelf {
			return // no list has such a separator
		}
		bounds := limits{maxField, maxRecord, maxCells}
		if small {
			bounds = limits{5, 12, 4}
		}
		want := longRecords(t, strings.NewReader(text), separator, bounds)
		for _, src := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			if diff := cmp.Diff(want, tokens(t, src, separator, bounds)); diff != "" {
				t.Errorf("%q (-long +quick)\n%s", text, diff)
			}
		}
	})
}

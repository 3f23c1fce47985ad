package input_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"caascan/scan/input"
)

// list is a well-formed list as encoding/csv writes it, and the records that
// must come out again.
type list struct {
	file    string
	records [][]string
}

// makeList makes a list of arbitrary cells, one after each unit separator. The
// shape's bits choose how it is written.
func makeList(t *testing.T, text string, shape uint16) list {
	t.Helper()
	choose := func(n int) int {
		choice := int(shape) % n
		shape /= uint16(n)
		return choice
	}
	separator := []byte(",;\t|")[choose(4)]
	lineEnd := []string{"\n", "\r\n", "\r"}[choose(3)]
	encode := []func(*testing.T, string) string{utf8Text, markedText, utf16LEText, utf16BEText, windows1252Text}[choose(5)]
	width, lastEnd, declared := 1+choose(4), choose(2) == 0, choose(2) == 0

	// The first record keeps the rest from looking like something else: a byte
	// order mark, a declaration of the separator, UTF-16.
	records := [][]string{slices.Repeat([]string{"a@x.example"}, width)}
	text = strings.Map(writable, strings.ToValidUTF8(text, "?"))
	for cells := range slices.Chunk(strings.Split(text, "\x1f"), width) {
		for i, cell := range cells {
			cells[i] = plainCell(cell, separator, declared)
		}
		for !declared && len(cells) < width {
			cells = append(cells, "-") // a short record could hide the separator
		}
		if cells[0] == "" && len(cells) == 1 {
			cells[0] = "-" // encoding/csv would write a blank line
		}
		records = append(records, cells)
	}
	var file strings.Builder
	if declared {
		fmt.Fprintf(&file, "sep=%c%s", separator, lineEnd)
	}
	for i, record := range records {
		file.WriteString(writeRecord(t, record, separator))
		if i < len(records)-1 || lastEnd {
			file.WriteString(lineEnd)
		}
	}
	return list{encode(t, file.String()), records}
}

// writable maps what not every encoding can write, and NUL, by which UTF-16 is
// told.
func writable(r rune) rune {
	if _, ok := charmap.Windows1252.EncodeRune(r); !ok || r == 0 || r >= 0x80 && r < 0xa0 {
		return 'ß'
	}
	return r
}

// plainCell takes the other separators out of a cell where ours must be found by
// itself, and avoids the rare Windows-1252 that is valid UTF-8 too.
func plainCell(cell string, separator byte, declared bool) string {
	if !declared {
		cell = strings.Map(func(r rune) rune {
			if strings.ContainsRune(",;\t|", r) && r != rune(separator) {
				return '-'
			}
			return r
		}, cell)
	}
	if latin, err := charmap.Windows1252.NewEncoder().String(cell); err == nil && latin != cell && utf8.ValidString(latin) {
		return "ß"
	}
	return cell
}

func writeRecord(t *testing.T, record []string, separator byte) string {
	t.Helper()
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	w.Comma = rune(separator)
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	return strings.TrimSuffix(line.String(), "\n")
}

func utf8Text(_ *testing.T, text string) string   { return text }
func markedText(_ *testing.T, text string) string { return "\ufeff" + text }
func utf16LEText(t *testing.T, text string) string {
	return utf16(t, unicode.LittleEndian, unicode.UseBOM, text)
}

func utf16BEText(t *testing.T, text string) string {
	return utf16(t, unicode.BigEndian, unicode.UseBOM, text)
}

func windows1252Text(t *testing.T, text string) string { return encode(t, charmap.Windows1252, text) }

// isControl reports whether a character is one that no text has; U+001F parts the
// cells of a fuzzed text.
func isControl(r rune) bool {
	return r < ' ' && !strings.ContainsRune("\x00\t\n\v\f\r\x1f", r)
}

// FuzzCSV: what encoding/csv writes comes back in count, order and content,
// whatever the separator, the encoding and the line end.
func FuzzCSV(f *testing.F) {
	for shape := range uint16(40) {
		f.Add("Käthe\x1fa@x.example\x1f\"quoted\"\x1fone, two; three\tfour|five\x1fline\nline\r\nline\x1f \x1f\x1f\"", shape*97)
	}
	f.Fuzz(func(t *testing.T, text string, shape uint16) {
		if strings.HasPrefix(text, "%PDF-") || strings.ContainsFunc(text, isControl) {
			return // a file of those is no list, and is refused
		}
		made := makeList(t, text, shape)
		in := open(t, write(t, "list.csv", made.file), input.Options{Header: input.HeaderAbsent, Column: "1"})
		var got [][]string
		for row, err := range in.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			if row.Broken || row.Number != len(got)+1 {
				t.Fatalf("row %d, broken %t, after %d rows", row.Number, row.Broken, len(got))
			}
			got = append(got, slices.Clone(row.Cells))
		}
		if diff := cmp.Diff(made.records, got); diff != "" {
			t.Errorf("%q, %+v: records mismatch (-want +got):\n%s", made.file, in.Layout(), diff)
		}
	})
}

// FuzzBytes: of any file that is no archive, every pass gives the same rows with
// numbers that go up, and every octet of the text stands in some cell, in order.
func FuzzBytes(f *testing.F) {
	for _, seed := range []string{
		"", "\ufeff", "sep=;\na;b\n", "a,\"b\nc,d\n", "\xff\xfea\x00\n\x00", "a\xfc;b\r\rc\n", "PK\x03\x04", "email\n\n\"", "a\x00b\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		in, err := input.Open(t.Context(), write(t, "list.csv", string(file)), nil, input.Options{Header: input.HeaderAbsent, Column: "1"})
		if errors.Is(err, input.ErrFormat) || errors.Is(err, input.ErrKind) {
			return
		}
		if errors.Is(err, input.ErrEmpty) {
			isPrintable := func(r rune) bool { return ' ' <= r && r <= '~' }
			ascii := strings.ReplaceAll(string(file), "\x00", "") // of UTF-16, too
			if strings.ContainsFunc(ascii, isPrintable) && !strings.Contains(strings.ToLower(ascii), "sep=") {
				t.Errorf("%q is taken for empty", file)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		rows := readAll(t, in)
		if diff := cmp.Diff(rows, readAll(t, in)); diff != "" {
			t.Errorf("%q: the second pass differs (-first +second):\n%s", file, diff)
		}
		checkOctets(t, in, file)
	})
}

func checkOctets(t *testing.T, in *input.Input, file []byte) {
	t.Helper()
	var cells strings.Builder
	last := 0
	for row, err := range in.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		if row.Number <= last || len(row.Cells) == 0 {
			t.Errorf("%q: row %d with %d cells after row %d", file, row.Number, len(row.Cells), last)
		}
		last = row.Number
		cells.WriteString(strings.Join(row.Cells, ""))
	}
	layout := in.Layout()
	text, _ := bytes.CutPrefix(file, []byte("\ufeff"))
	declared := len(text) > 4 && strings.EqualFold(string(text[:4]), "sep=")
	if declared || layout.Encoding != input.UTF8 && layout.Encoding != input.UTF8BOM {
		return
	}
	marks := strings.NewReplacer("\r", "", "\n", "", `"`, "")
	if layout.Separator != "" {
		marks = strings.NewReplacer("\r", "", "\n", "", `"`, "", layout.Separator, "")
	}
	if diff := cmp.Diff(marks.Replace(string(text)), marks.Replace(cells.String())); diff != "" {
		t.Errorf("%q: octets mismatch (-file +cells):\n%s", file, diff)
	}
}

package report

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCSVQuoting holds fields to RFC 4180, section 2.
func TestCSVQuoting(t *testing.T) {
	tests := []struct{ name, cell, want string }{
		{"nothing to quote", "a b|c", "a b|c"},
		{"a semicolon, for readers that are set to it", "a;b", `"a;b"`},
		{"a tab, for readers that are set to it", "a\tb", "\"a\tb\""},
		{"a comma", "a,b", `"a,b"`},
		{"a quotation mark is doubled", `a"b`, `"a""b"`},
		{"only quotation marks", `""`, `""""""`},
		{"CR LF stays CR LF", "a\r\nb", "\"a\r\nb\""},
		{"a lone CR stays one", "a\rb", "\"a\rb\""},
		{"a lone LF stays one", "a\nb", "\"a\nb\""},
		{"an apostrophe comes inside the quotation marks", "=a,b", `"'=a,b"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(csvStyle{}.appendCell(nil, test.cell)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"", "a,b", "\"\x00\"\"", "a\r\nb\x00\r", "=\"1\",\x00\xff", "\x00\x00", "\ufeffa"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cells := append(strings.Split(text, "\x00"), "end")
		for _, style := range []csvStyle{{lineEnd: "\n"}, {lineEnd: "\r\n", cells: RawCells}} {
			var out strings.Builder
			w := newCSV(&out, &Table{}, style)
			w.lines = style.appendLine(w.lines, cells)
			w.lines = style.appendLine(w.lines, cells)
			if err := w.Close(NewOverview(nil, Run{}, new(Tally))); err != nil {
				t.Fatal(err)
			}
			written, _ := strings.CutPrefix(out.String(), style.lineEnd) // of a header without columns

			want := make([]string, len(cells))
			for i, cell := range cells {
				want[i] = style.written(cell)
			}
			if diff := cmp.Diff([][]string{want, want}, ParseRFC4180(t, written, style.lineEnd)); diff != "" {
				t.Fatalf("plain reader of %q (-want +got):\n%s", written, diff)
			}
			got, err := csv.NewReader(strings.NewReader(written)).ReadAll()
			if err != nil {
				t.Fatalf("encoding/csv: %v in %q", err, written)
			}
			for i := range want {
				want[i] = strings.ReplaceAll(want[i], "\r\n", "\n") // as encoding/csv documents of itself
			}
			if diff := cmp.Diff([][]string{want, want}, got); diff != "" {
				t.Fatalf("encoding/csv of %q (-want +got):\n%s", written, diff)
			}
		}
	})
}

// written is the text that a reader finds in a cell.
func (s csvStyle) written(cell string) string {
	if s.cells == RawCells {
		return cell
	}
	return safeCell(cell, classesIn(cell))
}

// ParseRFC4180 is the grammar of RFC 4180, section 2 and nothing else.
func ParseRFC4180(t *testing.T, text, lineEnd string) [][]string {
	t.Helper()
	var lines [][]string
	var line []string
	for text != "" {
		var field string
		field, text = cutField(t, text, lineEnd)
		line = append(line, field)
		switch {
		case strings.HasPrefix(text, ","):
			text = text[1:]
		case strings.HasPrefix(text, lineEnd):
			text = text[len(lineEnd):]
			lines, line = append(lines, line), nil
		default:
			t.Fatalf("neither a comma nor a line end before %q", text)
		}
	}
	return lines
}

func cutField(t *testing.T, text, lineEnd string) (field, rest string) {
	t.Helper()
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ",\"\r\n")
		if end < 0 {
			t.Fatalf("the last line does not end: %q", text)
		}
		return text[:end], text[end:]
	}
	text = text[1:]
	for {
		before, after, ok := strings.Cut(text, `"`)
		if !ok {
			t.Fatalf("a quotation mark is not closed: %q", text)
		}
		field += before
		if !strings.HasPrefix(after, `"`) {
			return field, after
		}
		field, text = field+`"`, after[1:]
	}
}

package input_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"caascan/scan/input"
)

// write puts a file into a directory of its own and returns its path.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string, opts input.Options) *input.Input {
	t.Helper()
	in, err := input.Open(t.Context(), path, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return in
}

// readAll makes a pass and returns each row as its number and its cells.
func readAll(t testing.TB, in *input.Input) []string {
	t.Helper()
	var rows []string
	for row, err := range in.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%d %q", row.Number, row.Cells)
		if row.Broken {
			line = "broken " + line
		}
		rows = append(rows, line)
	}
	return rows
}

func utf16(t testing.TB, endianness unicode.Endianness, mark unicode.BOMPolicy, text string) string {
	t.Helper()
	return encode(t, unicode.UTF16(endianness, mark), text)
}

func encode(t testing.TB, e encoding.Encoding, text string) string {
	t.Helper()
	encoded, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// rowsTest is a file and what comes out of it.
type rowsTest struct {
	name   string
	file   string
	header []string
	rows   []string // as readAll returns them
}

func (r rowsTest) run(t *testing.T) {
	t.Run(r.name, func(t *testing.T) {
		in := open(t, write(t, "list.csv", r.file), input.Options{Column: "1"})
		if diff := cmp.Diff(r.rows, readAll(t, in)); diff != "" {
			t.Errorf("rows mismatch (-want +got):\n%.2000s", diff)
		}
		if diff := cmp.Diff(r.header, in.Header()); diff != "" {
			t.Errorf("Header() mismatch (-want +got):\n%s", diff)
		}
	})
}

func TestSeparators(t *testing.T) {
	for _, test := range []rowsTest{
		{"commas are found", "email,name\na@x.example,Ann\n", []string{"email", "name"}, []string{`2 ["a@x.example" "Ann"]`}},
		{"semicolons are found", "email;name\na@x.example;Doe, Ann\n", []string{"email", "name"}, []string{`2 ["a@x.example" "Doe, Ann"]`}},
		{"tabs are found", "email\tname\na@x.example\tDoe, Ann; Ltd\n", []string{"email", "name"}, []string{`2 ["a@x.example" "Doe, Ann; Ltd"]`}},
		{"pipes are found", "email|name\na@x.example|Ann\n", []string{"email", "name"}, []string{`2 ["a@x.example" "Ann"]`}},
		{
			"separators in quoted fields do not count",
			"a@x.example,\"1;2;3\"\nb@x.example,\"4;5;6\"\n",
			[]string{"column1", "column2"},
			[]string{`1 ["a@x.example" "1;2;3"]`, `2 ["b@x.example" "4;5;6"]`},
		},
		{
			"where semicolons and commas both split every line, the column with addresses decides",
			"Doe, Ann;a@x.example;1\nRoe, Bob;b@x.example;2\n",
			[]string{"column1", "column2", "column3"},
			[]string{`1 ["Doe, Ann" "a@x.example" "1"]`, `2 ["Roe, Bob" "b@x.example" "2"]`},
		},
		{
			"where addresses do not decide, the separator that makes more cells does",
			"1,2;3,4\n5,6;7,8\n",
			[]string{"column1", "column2", "column3"},
			[]string{`1 ["1" "2;3" "4"]`, `2 ["5" "6;7" "8"]`},
		},
		{
			"where nothing else decides, the tab is the separator rather than the comma",
			"1,2\t3\n4,5\t6\n",
			[]string{"column1", "column2"},
			[]string{`1 ["1,2" "3"]`, `2 ["4,5" "6"]`},
		},
		{
			"a separator in half of the records is one",
			"(none)\nAnn,a@x.example\n",
			[]string{"column1", "column2"},
			[]string{`1 ["(none)"]`, `2 ["Ann" "a@x.example"]`},
		},
		{
			"broken lines do not hide the separator",
			"List\na@x.example,\"1\nb@x.example,\"2\nc@x.example,\"3\nd@x.example,Dan\ne@x.example,Eve\n",
			[]string{"column1", "column2"},
			[]string{
				`1 ["List"]`, `broken 2 ["a@x.example,\"1"]`, `broken 3 ["b@x.example,\"2"]`, `broken 4 ["c@x.example,\"3"]`,
				`5 ["d@x.example" "Dan"]`, `6 ["e@x.example" "Eve"]`,
			},
		},
		{
			"a file of one column has no separator, whatever some lines hold",
			"x.example\n\"Doe, Ann\" <a@x.example>\ny.example\nz.example; w.example\nv.example\n",
			[]string{"input"},
			[]string{`1 ["x.example"]`, `2 ["Doe, Ann <a@x.example>"]`, `3 ["y.example"]`, `4 ["z.example; w.example"]`, `5 ["v.example"]`},
		},
		{
			"half of one column may be display names with commas",
			"b@x.example\nDoe, Ann <a@x.example>\n",
			[]string{"input"},
			[]string{`1 ["b@x.example"]`, `2 ["Doe, Ann <a@x.example>"]`},
		},
		{
			"a file of one column may begin with a display name with a comma",
			"Doe, Ann <a@x.example>\nb@x.example\nc@x.example\n",
			[]string{"input"},
			[]string{`1 ["Doe, Ann <a@x.example>"]`, `2 ["b@x.example"]`, `3 ["c@x.example"]`},
		},
		{
			"where the first record has several cells, one-cell records do not hide the separator",
			"email,name\na@x.example\nb@x.example\nc@x.example\n",
			[]string{"email", "name"},
			[]string{`2 ["a@x.example"]`, `3 ["b@x.example"]`, `4 ["c@x.example"]`},
		},
		{
			"in a file without separators quotes still work",
			"\"x.example\"\n\"line\nline\"\ny.example\n",
			[]string{"input"},
			[]string{`1 ["x.example"]`, `2 ["line\nline"]`, `3 ["y.example"]`},
		},
		{
			"a first line sep=; is obeyed, is no row and has no number",
			"sep=;\nemail;name,first\na@x.example;Doe,Ann\n",
			[]string{"email", "name,first"},
			[]string{`2 ["a@x.example" "Doe,Ann"]`},
		},
		{
			"sep= names any character",
			"SEP=^\r\nemail^name\r\na@x.example^Doe, Ann\r\n",
			[]string{"email", "name"},
			[]string{`2 ["a@x.example" "Doe, Ann"]`},
		},
		{
			"sep= may name a separator that is not used",
			"sep=;\ndomain\nx.example\n",
			[]string{"domain"},
			[]string{`2 ["x.example"]`},
		},
		{
			"what only looks like sep= is a row",
			"sep=ab\nx.example\n",
			[]string{"input"},
			[]string{`1 ["sep=ab"]`, `2 ["x.example"]`},
		},
		{
			"a quotation mark cannot separate",
			"sep=\"\nx.example\n",
			[]string{"input"},
			[]string{`1 ["sep=\""]`, `2 ["x.example"]`},
		},
	} {
		test.run(t)
	}
}

func TestLineEnds(t *testing.T) {
	for _, test := range []rowsTest{
		{"CRLF ends a line", "domain\r\nx.example\r\n", []string{"domain"}, []string{`2 ["x.example"]`}},
		{"a lone CR ends a line", "domain\rx.example\ry.example\r", []string{"domain"}, []string{`2 ["x.example"]`, `3 ["y.example"]`}},
		{"line ends may be mixed", "domain\r\nx.example\ry.example\nz.example", []string{"domain"}, []string{`2 ["x.example"]`, `3 ["y.example"]`, `4 ["z.example"]`}},
		{"the last line may lack its end", "domain\nx.example", []string{"domain"}, []string{`2 ["x.example"]`}},
		{
			"a line without any character is no row, but it counts",
			"\ndomain\n\nx.example\r\n\r\ny.example\n\n",
			[]string{"domain"},
			[]string{`4 ["x.example"]`, `6 ["y.example"]`},
		},
		{
			"a line of separators or of spaces is a row",
			"email,name\n,\n  \na@x.example,Ann\n",
			[]string{"email", "name"},
			[]string{`2 ["" ""]`, `3 ["  "]`, `4 ["a@x.example" "Ann"]`},
		},
		{"an empty quoted field is a row", "domain\n\"\"\nx.example\n", []string{"domain"}, []string{`2 [""]`, `3 ["x.example"]`}},
	} {
		test.run(t)
	}
}

// RFC 4180, section 2; the numbers are those of its rules.
func TestQuotes(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, test := range []rowsTest{
		{
			"quoted fields hold separators, quotes and newlines, and are one row (5, 6, 7)",
			"email,note\na@x.example,\"one, \"\"two\"\"\r\nthree\"\nb@x.example,four\n",
			[]string{"email", "note"},
			[]string{`2 ["a@x.example" "one, \"two\"\r\nthree"]`, `3 ["b@x.example" "four"]`},
		},
		{
			"a quote inside an unquoted field is literal",
			"email,size\na@x.example,5\" disk\nb@x.example,x\"y\"\n",
			[]string{"email", "size"},
			[]string{`2 ["a@x.example" "5\" disk"]`, `3 ["b@x.example" "x\"y\""]`},
		},
		{
			"text after a closing quote is literal, as in Excel",
			"email,note\na@x.example,\"abc\"def\nb@x.example,\"abc\" \"d\"\n",
			[]string{"email", "note"},
			[]string{`2 ["a@x.example" "abcdef"]`, `3 ["b@x.example" "abc \"d\""]`},
		},
		{
			"an unclosed quote breaks its own line, as the quote of a later field shows",
			"email,note\na@x.example,\"open\nb@x.example,fine\nc@x.example,\"quoted, too\"\n",
			[]string{"email", "note"},
			[]string{`broken 2 ["a@x.example,\"open"]`, `3 ["b@x.example" "fine"]`, `4 ["c@x.example" "quoted, too"]`},
		},
		{
			"an unclosed quote breaks its own line, as the end of the file shows",
			"email,note\na@x.example,\"open\nb@x.example,fine\n\nc@x.example,fine",
			[]string{"email", "note"},
			[]string{`broken 2 ["a@x.example,\"open"]`, `3 ["b@x.example" "fine"]`, `5 ["c@x.example" "fine"]`},
		},
		{
			"an unclosed quote breaks its own line, as 1 MiB without a closing one shows",
			"email,note\na@x.example,\"open\nb@x.example," + long + "\nc@x.example,\"\"\n",
			[]string{"email", "note"},
			[]string{`broken 2 ["a@x.example,\"open"]`, `3 ["b@x.example" "` + long + `"]`, `4 ["c@x.example" ""]`},
		},
		{
			"only the first line of a record with an unclosed quote is broken",
			"email,note\na@x.example,\"one\ntwo\",\"open\nb@x.example,fine\n",
			[]string{"email", "note"},
			[]string{`broken 2 ["a@x.example,\"one"]`, `broken 3 ["two\",\"open"]`, `4 ["b@x.example" "fine"]`},
		},
		{
			"every line may have an unclosed quote",
			"email,note\na@x.example,\"1\nb@x.example,\"2\nc@x.example,\"3",
			[]string{"email", "note"},
			[]string{`broken 2 ["a@x.example,\"1"]`, `broken 3 ["b@x.example,\"2"]`, `broken 4 ["c@x.example,\"3"]`},
		},
	} {
		test.run(t)
	}
}

func TestBounds(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, test := range []rowsTest{
		{
			"a cell of 1 MiB is read",
			"domain\nx.example\n" + long + "\ny.example\n",
			[]string{"domain"},
			[]string{`2 ["x.example"]`, `3 ["` + long + `"]`, `4 ["y.example"]`},
		},
		{
			"a cell over 1 MiB breaks its line, whose text is cut",
			"email,note\na@x.example,x" + long + ",more\nb@x.example,fine\n",
			[]string{"email", "note"},
			[]string{`broken 2 ["a@x.example,` + long[:1<<20-12] + `"]`, `3 ["b@x.example" "fine"]`},
		},
		{
			"a line is cut between characters",
			"domain\nx.example\nx" + strings.Repeat("ü", 1<<19) + "\ny.example\n",
			[]string{"domain"},
			[]string{`2 ["x.example"]`, `broken 3 ["x` + strings.Repeat("ü", 1<<19-1) + `"]`, `4 ["y.example"]`},
		},
		{
			"a quoted field over 1 MiB breaks its first line; the others are lines",
			"email,note\na@x.example,\"one\n" + strings.Repeat(long[:1023]+"\n", 1<<10) + "two\"\n",
			[]string{"email", "note"},
			append(append([]string{`broken 2 ["a@x.example,\"one"]`}, numbered(3, 1<<10, `["`+long[:1023]+`"]`)...), `1027 ["two\""]`),
		},
		{
			"a record over 2 MiB breaks its line",
			"email,note\na@x.example," + strings.Repeat(long[:1<<19]+",", 4) + "\nb@x.example,fine\n",
			[]string{"email", "note"},
			[]string{`broken 2 ["a@x.example,` + long[:1<<19] + `,` + long[:1<<19-13] + `"]`, `3 ["b@x.example" "fine"]`},
		},
		{
			"a record of more cells than a spreadsheet has columns breaks its line",
			"email,note\na@x.example" + strings.Repeat(",", 16384) + "\nb@x.example,fine\n",
			[]string{"email", "note"},
			[]string{`broken 2 ["a@x.example` + strings.Repeat(",", 16384) + `"]`, `3 ["b@x.example" "fine"]`},
		},
	} {
		test.run(t)
	}
}

func TestWidths(t *testing.T) {
	for _, test := range []rowsTest{
		{
			"extra cells get names of their own, as many as the widest row needs",
			"email,name\na@x.example\nb@x.example,Bob,1,2\nc@x.example,Cid,3\n",
			[]string{"email", "name", "extra1", "extra2"},
			[]string{`2 ["a@x.example"]`, `3 ["b@x.example" "Bob" "1" "2"]`, `4 ["c@x.example" "Cid" "3"]`},
		},
		{
			"blank header cells stay as they are",
			"email,, \na@x.example,1,2\n",
			[]string{"email", "", " "},
			[]string{`2 ["a@x.example" "1" "2"]`},
		},
	} {
		test.run(t)
	}
}

// numbered returns the same row over and over, with numbers that go up.
func numbered(from, count int, cells string) []string {
	rows := make([]string, count)
	for i := range rows {
		rows[i] = fmt.Sprintf("%d %s", from+i, cells)
	}
	return rows
}

func TestEncodings(t *testing.T) {
	const text = "Ort;E-Mail\nKöln;info@köln.example\n"
	const latin = "Ort;E-Mail\nK\xf6ln;info@k\xf6ln.example\n"
	filler := strings.Repeat("Bonn;info@bonn.example\n", 1<<17) // 3 MiB of ASCII
	tests := []struct {
		name     string
		file     string
		encoding input.Encoding
		last     string
		notes    []string
	}{
		{"UTF-8", text, input.UTF8, "Köln", nil},
		{"UTF-8 with a byte order mark", "\ufeff" + text, input.UTF8BOM, "Köln", nil},
		{"UTF-16, little end first", utf16(t, unicode.LittleEndian, unicode.UseBOM, text), input.UTF16LE, "Köln", nil},
		{"UTF-16, big end first", utf16(t, unicode.BigEndian, unicode.UseBOM, text), input.UTF16BE, "Köln", nil},
		{"UTF-16LE without a mark", utf16(t, unicode.LittleEndian, unicode.IgnoreBOM, text), input.UTF16LE, "Köln", nil},
		{"UTF-16BE without a mark", utf16(t, unicode.BigEndian, unicode.IgnoreBOM, text), input.UTF16BE, "Köln", nil},
		{
			"UTF-16 of several megabytes, beyond the first plane",
			utf16(t, unicode.LittleEndian, unicode.UseBOM, "Ort;E-Mail\n"+filler+"\U0001F600;a@x.example"),
			input.UTF16LE, "\U0001F600", nil,
		},
		{
			"a byte order mark and sep=", "\ufeffsep=|\nOrt;|E-Mail\nKöln|a@x.example\n",
			input.UTF8BOM, "Köln", nil,
		},
		{
			"UTF-16 and sep=", utf16(t, unicode.LittleEndian, unicode.UseBOM, "sep=|\r\nOrt;|E-Mail\r\nKöln|a@x.example\r\n"),
			input.UTF16LE, "Köln", nil,
		},
		{
			"Windows-1252", latin, input.Windows1252, "Köln",
			[]string{"2 cells are not valid UTF-8 and were read as Windows-1252"},
		},
		{
			"Windows-1252 beyond Latin-1", "Ort;E-Mail\n\x84K\xf6ln\x93 \x80;a@x.example\n", input.Windows1252, "„Köln“ €",
			[]string{"1 cell is not valid UTF-8 and was read as Windows-1252"},
		},
		{
			"Windows-1252 that shows after megabytes of ASCII", "Ort;E-Mail\n" + filler + "K\xf6ln;a@x.example\n", input.Windows1252, "Köln",
			[]string{"1 cell is not valid UTF-8 and was read as Windows-1252"},
		},
		{
			"UTF-8 and Windows-1252 in one file, cell by cell", "Ort;E-Mail\nM\xfcnster;a@x.example\nKöln;b@x.example\n", input.Windows1252, "Köln",
			[]string{"1 cell is not valid UTF-8 and was read as Windows-1252"},
		},
		{
			"cells that make UTF-8 only together", "Ort;E-Mail\nK\xc3;\xb6a@x.example\n", input.Windows1252, "KÃ",
			[]string{"2 cells are not valid UTF-8 and were read as Windows-1252"},
		},
		{"a NUL at an odd offset", "Ort;E-Mail\n\x00;a@x.example", input.UTF8, "\x00", nil},
		{"a NUL at an even offset", "Ort;E-Mail\r\n\x00;a@x.example", input.UTF8, "\x00", nil},
		{"NULs all over", "x.example\n" + strings.Repeat("\x00", 20), input.UTF8, strings.Repeat("\x00", 20), nil},
		{"invalid octets behind a byte order mark stay", "\ufeffOrt;E-Mail\nK\xf6ln;a@x.example\n", input.UTF8BOM, "K\xf6ln", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := open(t, write(t, "list.csv", test.file), input.Options{})
			var last string
			for row, err := range in.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				last = row.Cells[0]
			}
			if last != test.last {
				t.Errorf("the first cell of the last row is %q, want %q", last, test.last)
			}
			if got := in.Layout().Encoding; got != test.encoding {
				t.Errorf("Encoding = %q, want %q", got, test.encoding)
			}
			if diff := cmp.Diff(test.notes, in.Notes()); diff != "" {
				t.Errorf("Notes() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLayoutAndTally(t *testing.T) {
	path := write(t, "list.csv", "\nE-Mail;Name\n\na@x.example;Ann\nb@x.example;\"open\n")
	in := open(t, path, input.Options{})
	want := input.Layout{Format: input.CSV, Encoding: input.UTF8, Separator: ";", HeaderRow: 2, Column: 1, ColumnName: "E-Mail"}
	if diff := cmp.Diff(want, in.Layout()); diff != "" {
		t.Errorf("Layout() mismatch (-want +got):\n%s", diff)
	}
	if _, ok := in.Tally(); ok {
		t.Error("Tally() before any pass")
	}
	for range in.Rows() {
		break
	}
	if _, ok := in.Tally(); ok {
		t.Error("Tally() after a pass that ended early")
	}
	readAll(t, in)
	got, _ := in.Tally()
	wantTally := input.Tally{
		Rows: 2, Blank: 2, Broken: 1,
		SHA256: "8a97261939dbe403f435ee2a2c53b82972ad482277eda1a35b2199eb650a13f1",
	}
	if diff := cmp.Diff(wantTally, got); diff != "" {
		t.Errorf("Tally() mismatch (-want +got):\n%s", diff)
	}
}

func TestPassesAgreeAndShowAChange(t *testing.T) {
	path := write(t, "list.csv", "email,name\na@x.example,Ann\nb@x.example,\"open\n")
	in := open(t, path, input.Options{})
	first := readAll(t, in)
	before, _ := in.Tally()
	if diff := cmp.Diff(first, readAll(t, in)); diff != "" {
		t.Errorf("the second pass differs (-first +second):\n%s", diff)
	}
	if again, _ := in.Tally(); again != before {
		t.Errorf("Tally() = %+v after the second pass, %+v after the first", again, before)
	}
	if err := os.WriteFile(path, []byte("email,name\na@x.example,Eve\nb@x.example,\"open\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	readAll(t, in)
	if changed, _ := in.Tally(); changed.SHA256 == before.SHA256 {
		t.Error("a changed file gave the same sum")
	}
}

// A short row has no such cell, and a broken one neither.
func TestCellIsThatOfTheColumn(t *testing.T) {
	for column, want := range map[string][]string{"email": {"a@x.example", "", ""}, "name": {"Ann", "Bob", ""}} {
		path := write(t, "list.csv", "name,email\nAnn,a@x.example\nBob\nCid,\"open\n")
		var cells []string
		for row, err := range open(t, path, input.Options{Column: column}).Rows() {
			if err != nil {
				t.Fatal(err)
			}
			cells = append(cells, row.Cell)
		}
		if diff := cmp.Diff(want, cells); diff != "" {
			t.Errorf("%s: Cell mismatch (-want +got):\n%s", column, diff)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	tests := []struct {
		name    string
		file    string
		opts    input.Options
		wrapped error
		message string
	}{
		{"no octets", "", input.Options{}, input.ErrEmpty, "is empty: it holds no rows"},
		{"a byte order mark", "\ufeff", input.Options{}, input.ErrEmpty, "is empty: it holds no rows"},
		{"blank lines", "\n\r\n\r", input.Options{}, input.ErrEmpty, "is empty: it holds no rows"},
		{"only sep=", "sep=;\n", input.Options{}, input.ErrEmpty, "is empty: it holds no rows"},
		{"only a header", "Name,E-Mail\n\n", input.Options{}, input.ErrEmpty, "is empty: it holds a header and no rows"},
		{
			"a PDF", "%PDF-1.6\nx.example\n",
			input.Options{},
			input.ErrFormat,
			"is not a list: it is neither text nor a workbook; give it as CSV, XLSX or a plain list",
		},
		{
			"control characters that no text has", strings.Repeat("x.example\n\x01", 20),
			input.Options{},
			input.ErrFormat,
			"is not a list: it is neither text nor a workbook; give it as CSV, XLSX or a plain list",
		},
		{
			"an old workbook", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
			input.Options{},
			input.ErrFormat,
			"is not a list: it is an old workbook (.xls), or one with a password; save it as .xlsx without a password, or as CSV",
		},
		{
			"a sheet of a text file", "domain\nx.example\n",
			input.Options{Sheet: "Staff"},
			input.ErrSheet,
			`no such sheet "Staff": it is a text file, which has no sheets; leave out --sheet`,
		},
		{
			"a column that is not there", "email,na\u202eme\na@x.example,Ann,1\n",
			input.Options{Column: "mail"},
			input.ErrColumn,
			`no such column "mail" in FILE: choose one with --column by name or number: 1 ("email"), 2 ("na\u202eme"), 3 ("extra1")`,
		},
		{
			"a column beyond the widest record", "email,name\na@x.example,Ann,1\n",
			input.Options{Column: "4"},
			input.ErrColumn,
			`no such column "4" in FILE: choose one with --column by name or number: 1 ("email"), 2 ("name"), 3 ("extra1")`,
		},
		{
			"column 0", "email\na@x.example\n",
			input.Options{Column: "0"},
			input.ErrColumn,
			`no such column "0" in FILE: choose one with --column by name or number: 1 ("email")`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, "list.csv", test.file)
			_, err := input.Open(t.Context(), path, nil, test.opts)
			if !errors.Is(err, test.wrapped) {
				t.Fatalf("Open() = %v, which is no %q", err, test.wrapped)
			}
			if want := strings.ReplaceAll(test.message, "FILE", path); !strings.Contains(err.Error(), want) {
				t.Errorf("Open() = %v, want %s", err, want)
			}
		})
	}
}

func TestListsInErrorsAreBounded(t *testing.T) {
	cell := strings.Repeat("ü", 1000)
	path := write(t, "list.csv", strings.Repeat(cell+",", 999)+"email\n"+strings.Repeat("x.example,", 999)+"a@x.example\n")
	_, err := input.Open(t.Context(), path, nil, input.Options{Column: strings.Repeat("y", 1000)})
	if !errors.Is(err, input.ErrColumn) || len(err.Error()) > 3000 || !strings.HasSuffix(err.Error(), " and 980 more") {
		t.Errorf("Open() = %.4000v", err)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.csv")
	_, err := input.Open(t.Context(), missing, nil, input.Options{})
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "read "+missing+": no such file or directory" {
		t.Errorf("a missing file: %v", err)
	}
	_, err = input.Open(t.Context(), dir, nil, input.Options{})
	if !errors.Is(err, syscall.EISDIR) || err.Error() != "read "+dir+": is a directory; give one of the files in it" {
		t.Errorf("a directory: %v", err)
	}
	path := write(t, "list.csv", "domain\nx.example\n")
	in := open(t, path, input.Options{})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for _, err = range in.Rows() {
		break
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that vanished before the pass: %v", err)
	}
}

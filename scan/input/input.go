// Package input reads lists of mailboxes and domains as people have them: CSV
// from any program, plain lists with a line each, and XLSX workbooks. It gives
// every row of the file, in order and as often as asked, and finds the column
// that matters by itself.
//
// Separators (comma, semicolon, tab, pipe, or what a first line "sep=;" names),
// encodings (UTF-8, UTF-16, Windows-1252) and line ends (CRLF, LF, CR, mixed)
// are told from the file. Quotation marks follow RFC 4180, section 2. If a
// file breaks the rules, no row is lost and none is merged with another: an
// unclosed quotation mark, a cell over 1 MiB, a record over 2 MiB or one of
// more than 16,384 cells makes one line a broken row, and the next line is read
// as if nothing had happened. Memory does not grow with a text file. Of a workbook
// only the parts that are needed are read, within bounds, and once: up to 24 MiB of
// the texts that cells share are held, all else goes into temporary files.
//
// Cells are not changed, not even trimmed. Taking them apart is the business of
// scan.ParseTarget.
package input

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"

	"caascan/scan"
)

// What Open's errors wrap if neither the file system nor the stream is at
// fault. Test with errors.Is.
var (
	ErrColumn = errors.New("no such column") // Options.Column
	ErrSheet  = errors.New("no such sheet")  // Options.Sheet
	ErrEmpty  = errors.New("is empty")       // no rows, or a header and no rows
	ErrFormat = errors.New("is not a list")  // neither text nor an intact XLSX workbook
	ErrHeader = errors.New("no such row")    // Options.HeaderRow

	ErrKind      = errors.New("is not a list")                        // but a file of another kind, which the message names
	ErrNoDomains = errors.New("no column holds addresses or domains") // and none was asked for
)

// HeaderMode says whether the first record names the columns.
type HeaderMode int

// The header modes. HeaderAuto takes the first record for a header only if it
// cannot be a row, because a row taken for a header would be lost.
const (
	HeaderAuto HeaderMode = iota
	HeaderPresent
	HeaderAbsent
)

// Options says how to read a file. The zero Options find everything out.
type Options struct {
	// Column is the column with the address or domain: the name in the header,
	// without regard to case and surrounding space, or its number, from 1. The
	// default is the column that the content and the header speak for.
	Column string
	// Sheet is the sheet of a workbook: its name, without regard to case, or its
	// number, from 1. The default is the first.
	Sheet string
	// Separator is between the cells of a text, whatever its first line declares. The
	// default is to find out.
	Separator byte
	// Header says whether there is a header. The default is to find out.
	Header HeaderMode
	// HeaderRow is the row of the header, as a spreadsheet counts; what is above it
	// is no row. The default is to go by Header.
	HeaderRow int
	// TempDir is where streams and unpacked sheets are put. The default is
	// os.TempDir().
	TempDir string
}

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV  Format = "csv" // text, also without separators
	XLSX Format = "xlsx"
)

// Layout is how a file turned out to be written.
type Layout struct {
	Format    Format
	Encoding  Encoding // "" of a workbook
	Separator string   // "" of a workbook, and if each line is one cell
	Sheet     string   // "" of a text
	HeaderRow int      // the row of the header, 0 without one
	// Column is the number, from 1, of the column with the address or domain,
	// and ColumnName what Header calls it.
	Column     int
	ColumnName string
}

// Tally is what a complete pass counted.
type Tally struct {
	Rows   int // broken ones included
	Blank  int // lines without any character, or rows of a sheet without any cell
	Broken int
	// Windows1252 counts the cells that are not valid UTF-8 and were read as
	// Windows-1252.
	Windows1252 int
	// SHA256 is that of the file's octets, unpacked if they were packed with gzip, in
	// hexadecimal. Two passes that give different ones read different files.
	SHA256 string
}

// Input is an open list. It is not safe for concurrent use.
type Input struct {
	name   string // what messages call the file
	temp   string // a directory of our own, or ""
	source source
	layout Layout
	header []string
	width  int // the cells of the widest record seen
	widest int // the row with so many
	second int // the cells of the widest row but for the widest
	notes  []string
	facts  []string
	tally  Tally // of the last complete pass
}

// source reads the records of one format: text and workbook do.
type source interface {
	// excuse says why cells may be empty that should not be, after a comma, or is "".
	excuse() string
	// records yields every record of the file from its start, blank ones too.
	// It passes the whole file to digest, if it is ranged to the end.
	records(digest io.Writer) iter.Seq2[record, error]
}

// record is one record of a file, valid until the next one.
type record struct {
	number  int      // as a spreadsheet counts
	cells   []string // none if the record is blank
	values  []scan.Value
	decoded int  // cells read as Windows-1252
	broken  bool // cells is the text of the line
	torn    bool // something follows a quotation in its field
}

// Open looks at the file at path, or at stdin if path is "-", and finds out
// how to read it. A stream, which cannot be read twice, is first copied to a
// temporary file, what is packed with gzip is unpacked, and a workbook decoded. ctx
// ends that, and every pass. The caller must call Close.
//
// An error wraps one of those above, or the cause of why the file cannot be read.
func Open(ctx context.Context, path string, stdin io.Reader, opts Options) (*Input, error) {
	in := &Input{name: path}
	err := in.open(ctx, path, stdin, opts)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

func (in *Input) open(ctx context.Context, path string, stdin io.Reader, opts Options) error {
	file, err := in.stage(ctx, path, stdin, opts.TempDir)
	if err != nil {
		return in.readError(err)
	}
	if file, err = in.unpack(ctx, file, opts.TempDir); err != nil {
		return in.readError(err)
	}
	if err := in.detect(ctx, file, opts); err != nil {
		return in.readError(err)
	}
	sample, err := takeSample(in.source)
	if err != nil {
		return in.readError(err)
	}
	return in.settle(sample, opts)
}

// detect chooses the source by the first octets of the file.
func (in *Input) detect(ctx context.Context, file string, opts Options) error {
	head, err := readHead(file)
	if err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return in.useWorkbook(ctx, file, opts)
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")): // [MS-CFB], section 2.2
		return fmt.Errorf("%w: it is an old workbook (.xls), or one with a password; "+
			"save it as .xlsx without a password, or as CSV", ErrFormat)
	case kindOf(head) != "":
		return fmt.Errorf("%w: it is %s; give it as CSV, XLSX or a plain list", ErrKind, kindOf(head))
	case bytes.HasPrefix(head, []byte("%PDF-")) || isBinary(head):
		return fmt.Errorf("%w: it is neither text nor a workbook; give it as CSV, XLSX or a plain list", ErrFormat)
	case opts.Sheet != "":
		return fmt.Errorf("%w %s: it is a text file, which has no sheets; leave out --sheet", ErrSheet, quote(opts.Sheet))
	}
	text, err := openText(ctx, file, head, opts.Separator)
	if err != nil {
		return err
	}
	in.source = text
	in.layout = Layout{Format: CSV, Encoding: text.encoding}
	if text.separator != noSeparator {
		in.layout.Separator = string(rune(text.separator))
	}
	if text.close != noSeparator {
		in.notes = append(in.notes, fmt.Sprintf("Read with the separator %s. %[2]s would do nearly as well: --separator %[2]s reads with that instead.",
			quote(string(rune(text.separator))), quote(string(rune(text.close)))))
	}
	return nil
}

// kindOf names what a text is that only has the name of a list; "" of a list.
func kindOf(head []byte) string {
	start := strings.ToLower(strings.TrimLeft(strings.TrimPrefix(string(head[:min(len(head), 1024)]), "\ufeff"), " \t\r\n"))
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<table", "<meta"} {
		if strings.HasPrefix(start, tag) {
			return "a web page (HTML), perhaps one that asks to log in"
		}
	}
	if strings.HasPrefix(start, "<?xml") {
		return "XML"
	}
	if len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return ""
	}
	inside := strings.TrimLeft(start[1:], " \t\r\n[")
	if strings.HasPrefix(inside, `"`) || strings.HasPrefix(inside, "{") {
		return "JSON"
	}
	return ""
}

// isBinary reports whether the octets cannot be text in any encoding that is read
// here: one in twenty is a control character that no text has. NUL does not count,
// because programs that leave some in their lists exist.
func isBinary(head []byte) bool {
	if encoding, _ := sniff(head); encoding == UTF16LE || encoding == UTF16BE {
		return false
	}
	controls := 0
	for _, c := range head {
		if 0 < c && c < '\t' || '\r' < c && c < ' ' {
			controls++
		}
	}
	return controls*20 > len(head)
}

// readHead returns the octets by which a format and an encoding are told.
func readHead(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 4096))
}

func (in *Input) useWorkbook(ctx context.Context, file string, opts Options) error {
	temp, err := in.tempDir(opts.TempDir)
	if err != nil {
		return err
	}
	book, err := openWorkbook(ctx, file, temp, opts.Sheet)
	if err != nil {
		return err
	}
	in.source = book
	in.layout = Layout{Format: XLSX, Sheet: book.sheet}
	if book.formulas > 0 {
		in.notes = append(in.notes, book.unsaved())
	}
	if opts.Sheet == "" && len(book.others) > 0 {
		in.notes = append(in.notes, fmt.Sprintf("Read: sheet %s. The workbook has others: %s. --sheet reads one of them instead, by name or number.",
			quote(book.sheet), list(book.others)))
	}
	return nil
}

// settle decides on the header and the column.
func (in *Input) settle(sample []record, opts Options) error {
	if len(sample) == 0 {
		return fmt.Errorf("%s %w: it holds no rows", in.name, ErrEmpty)
	}
	for _, rec := range sample {
		in.see(rec)
	}
	header, err := in.chooseHeader(sample, opts)
	if err != nil {
		return err
	}
	sample = sample[header+1:]
	if len(sample) == 0 {
		return fmt.Errorf("%s %w: it holds a header and no rows", in.name, ErrEmpty)
	}
	var names []string
	if header >= 0 {
		names = in.header
	}
	choice, err := in.chooseColumn(sample, names, opts.Column)
	if err != nil {
		return err
	}
	in.layout.Column = choice + 1
	in.layout.ColumnName = in.heading(choice)
	return nil
}

// chooseHeader takes the header from the sample and returns its index there, or -1.
func (in *Input) chooseHeader(sample []record, opts Options) (int, error) {
	at := findHeader(sample, opts)
	if opts.HeaderRow > 0 {
		at = slices.IndexFunc(sample, func(rec record) bool { return rec.number == opts.HeaderRow })
		if at < 0 {
			return 0, fmt.Errorf("%w %d in the first %d of %s: give --header the number that a spreadsheet shows for the row",
				ErrHeader, opts.HeaderRow, sample[len(sample)-1].number, in.name)
		}
	}
	if at < 0 {
		in.header = inventHeader(in.width)
		return at, nil
	}
	in.header, in.layout.HeaderRow = sample[at].cells, sample[at].number
	guessed := opts.HeaderRow == 0 && opts.Header == HeaderAuto
	if guessed {
		in.facts = append(in.facts, fmt.Sprintf("row %d is the header: %s", in.layout.HeaderRow, list(quoteAll(in.header))))
	}
	if at > 0 {
		lines := make([]string, at)
		for i, rec := range sample[:at] {
			lines[i] = fmt.Sprintf("%d (%s)", rec.number, quote(strings.Join(rec.cells, " ")))
		}
		in.notes = append(in.notes, fmt.Sprintf("row %d seems to be the header, so the rows above it are left out: %s; use --header to choose another",
			in.layout.HeaderRow, list(lines)))
	}
	return at, nil
}

// see takes account of what only the records can tell.
func (in *Input) see(rec record) {
	switch width := len(rec.cells); {
	case width > in.width:
		in.width, in.second, in.widest = width, in.width, rec.number
	case rec.number != in.widest:
		in.second = max(in.second, width)
	}
	if rec.decoded > 0 {
		in.layout.Encoding = Windows1252
	}
}

func inventHeader(width int) []string {
	if width == 1 {
		return []string{"input"}
	}
	header := make([]string, width)
	for i := range header {
		header[i] = "column" + strconv.Itoa(i+1)
	}
	return header
}

// Rows yields every row of the file in order; the header and blank lines are
// none. Each range over it reads the file anew, and may end early. After an
// error, which means that the file cannot be read any more, nothing follows.
//
// The cells of many rows share one string, which lives as long as any part of it:
// a caller who keeps part of a cell for the whole pass should clone it.
func (in *Input) Rows() iter.Seq2[scan.Row, error] {
	return func(yield func(scan.Row, error) bool) {
		digest := sha256.New()
		var tally Tally
		for rec, err := range in.source.records(digest) {
			if err != nil {
				yield(scan.Row{}, in.readError(err))
				return
			}
			in.see(rec)
			tally.Windows1252 += rec.decoded
			if len(rec.cells) == 0 {
				tally.Blank++
				continue
			}
			if rec.number <= in.layout.HeaderRow {
				continue
			}
			tally.Rows++
			if rec.broken {
				tally.Broken++
			}
			if !yield(in.row(rec), nil) {
				return
			}
		}
		tally.SHA256 = hex.EncodeToString(digest.Sum(nil))
		in.tally = tally
	}
}

func (in *Input) row(rec record) scan.Row {
	row := scan.Row{Number: rec.number, Cells: rec.cells, Values: rec.values, Broken: rec.broken}
	if in.layout.Column <= len(rec.cells) && !rec.broken {
		row.Cell = rec.cells[in.layout.Column-1]
	}
	return row
}

// Layout returns how the file is written.
func (in *Input) Layout() Layout { return in.layout }

// Header returns the names of the columns: those of the header row as they
// are, or "input" for the one column and "column1", "column2" for the several
// columns of a file without a header; then "extra1", "extra2" for what the
// widest row so far has beyond them. After a complete pass it is as wide as the
// file.
func (in *Input) Header() []string {
	header := make([]string, max(in.width, len(in.header)))
	for i := range header {
		header[i] = in.heading(i)
	}
	return header
}

func (in *Input) heading(i int) string {
	if i < len(in.header) {
		return in.header[i]
	}
	return "extra" + strconv.Itoa(i-len(in.header)+1)
}

// Extra returns how many names at the end of Header are for cells that only some rows
// have.
func (in *Input) Extra() int { return max(0, in.width-len(in.header)) }

// Stray says which row makes the table much wider than all others do, as one stray cell
// at the end of a sheet does, with this name of the input; "" if none does. It is known after a complete pass.
func (in *Input) Stray(name string) string {
	const much = 16
	if in.width < in.second+much || in.width < 2*in.second || in.second == 0 {
		return ""
	}
	return fmt.Sprintf("row %d of %s has %d cells, and no other row has more than %d: every report becomes as wide as that; correct the row", in.widest, name, in.width, in.second)
}

// Facts returns what was found out about the file and is no cause for doubt, a sentence
// each.
func (in *Input) Facts() []string { return slices.Clone(in.facts) }

// Notes returns what people should know about how the file is read, a sentence
// each. After a complete pass there may be more of them.
func (in *Input) Notes() []string {
	notes := slices.Clone(in.notes)
	switch n := in.tally.Windows1252; {
	case n == 1:
		notes = append(notes, "1 cell is not valid UTF-8 and was read as Windows-1252")
	case n > 1:
		notes = append(notes, fmt.Sprintf("%d cells are not valid UTF-8 and were read as Windows-1252", n))
	}
	return notes
}

// Tally returns what the last complete pass counted, and whether there was one.
func (in *Input) Tally() (Tally, bool) { return in.tally, in.tally.SHA256 != "" }

// Close removes the temporary files. It must not be called during a pass.
func (in *Input) Close() error {
	if in.temp == "" {
		return nil
	}
	return os.RemoveAll(in.temp)
}

// readError says which file could not be read. A PathError would name it once
// more, or the copy of a stream.
func (in *Input) readError(err error) error {
	if path, ok := err.(*fs.PathError); ok { //nolint:errorlint // a wrapped one speaks of another file
		err = path.Err
	}
	if errors.Is(err, ErrFormat) || errors.Is(err, ErrKind) {
		return fmt.Errorf("%s %w", in.name, err)
	}
	return fmt.Errorf("read %s: %w", in.name, err)
}

package xlsx

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"caascan/report"
)

// sheet is a sheet of lines: a header that stays in view and is a filter, and any
// number of rows under it. excelize streams it to a temporary file and loses,
// without an error, what is set at the wrong time: what has to come before the rows
// is in newSheet, what has to come after them in finish.
//
// It is the only sheet of a file of its own, of which finish keeps nothing but the
// sheet's XML: excelize does not let go of a buffer, of about 30 MiB where the sheet
// is larger than that, before a file is closed.
type sheet struct {
	name    string
	file    *excelize.File
	stream  *excelize.StreamWriter
	columns int
	rows    int   // written, the header included
	size    int64 // of the XML, at most
	links   int
	shown   int // lines of a cell at most
	part    *part
}

// newSheet begins a sheet with columns of these widths, in characters. Its temporary
// file is made in dir.
func newSheet(dir, name string, widths []float64) (*sheet, error) {
	file := excelize.NewFile(excelize.Options{TmpDir: dir})
	// The stream begins with these. Some readers believe in the dimension, for
	// which excelize writes that of an empty sheet.
	err := cmp.Or(file.SetSheetName(file.GetSheetName(0), name), file.SetSheetDimension(name, ""), setPage(file, name, pagesWide(widths)))
	if err != nil {
		return nil, err
	}
	if err := deselect(file); err != nil {
		return nil, err
	}
	stream, err := file.NewStreamWriter(name)
	if err != nil {
		return nil, err
	}
	s := &sheet{name: name, file: file, stream: stream, columns: len(widths)}
	return s, cmp.Or(s.setWidths(widths), stream.SetPanes(&excelize.Panes{
		Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight",
		Selection: []excelize.Selection{{SQRef: "B2", ActiveCell: "B2", Pane: "bottomRight"}},
	}))
}

// deselect selects another sheet in place of the first, which excelize gives as the
// selected one: a workbook of which several are edits them all at once.
func deselect(file *excelize.File) error {
	other, err := file.NewSheet("selected")
	file.SetActiveSheet(other)
	return err
}

// setWidths goes from right to left, because excelize puts each column before
// those that it has, and a sheet must have them in order. It takes neighbours of
// the same width together, because each call costs the square of their number.
func (s *sheet) setWidths(widths []float64) error {
	for last := len(widths); last > 0; {
		first := last
		for first > 1 && widths[first-2] == widths[last-1] {
			first--
		}
		if err := s.stream.SetColWidth(first, last, widths[last-1]); err != nil {
			return err
		}
		last = first - 1
	}
	return nil
}

// hasRoom reports whether a line still fits.
func (s *sheet) hasRoom(l *line, most *limits) bool {
	return s.rows < most.rows && s.size+l.size <= most.size
}

// write adds a row.
func (s *sheet) write(l *line) error {
	s.rows++
	s.size += l.size
	at, err := excelize.CoordinatesToCellName(1, s.rows)
	if err != nil {
		return err
	}
	var opts excelize.RowOpts
	if l.lines > 1 {
		opts.Height = float64(lineHeight * min(l.lines, s.shown))
	}
	return s.stream.SetRow(at, l.values, opts)
}

// LibreOffice does not make a row high enough for the lines in it.
const (
	lineHeight = 14 // points, at textSize
	mostLines  = 10 // shown of a cell with more
	allLines   = 29 // as many as fit into the highest row there is, 409 points
)

// mostLinks is how many cells of a sheet lead elsewhere. Excel takes 65,530; excelize
// looks at all that it has for each that is added, so that 10,000 take 0.3 s.
const mostLinks = 10_000

// canLink reports whether a cell of the next row can lead elsewhere.
func (s *sheet) canLink() bool { return s.links < mostLinks }

// link makes the cell in a column of the last row lead to a place. What is beyond
// the first mostLinks stays as it is.
func (s *sheet) link(column int, to place) error {
	if !s.canLink() {
		return nil
	}
	s.links++
	at, err := excelize.CoordinatesToCellName(column+1, s.rows)
	if err != nil {
		return err
	}
	return s.file.SetCellHyperLink(s.name, at, to.location(), "Location")
}

// finish ends the sheet, to which nothing may be added afterwards, and keeps it as a
// part of an archive. Digits in a text cell are meant, so they get no mark of an
// error.
func (s *sheet) finish(archive *zipWriter) error {
	used, err := s.used()
	if err != nil {
		return err
	}
	err = cmp.Or(
		s.file.AutoFilter(s.name, used, nil),
		s.file.AddIgnoredErrors(s.name, used, excelize.IgnoredErrorsNumberStoredAsText),
		s.stream.Flush(),
	)
	if err != nil {
		return err
	}
	if s.part, err = archive.begin(); err != nil {
		return err
	}
	s.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return onlySheet{s.part} })
	return cmp.Or(s.file.Write(io.Discard), s.part.finish(), s.close())
}

// used is the range of all cells.
func (s *sheet) used() (string, error) {
	last, err := excelize.CoordinatesToCellName(s.columns, s.rows)
	return "A1:" + last, err
}

// close lets go of the temporary file and the buffer.
func (s *sheet) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file, s.stream = nil, nil
	return err
}

// enter makes a sheet that is finished the next of a workbook: excelize knows of it,
// and of the names that belong to it, and the archive has its XML. The header and
// the first column are printed on every page.
func (s *sheet) enter(file *excelize.File, archive *zipWriter) error {
	used, err := s.used()
	if err != nil {
		return err
	}
	if _, err := file.NewSheet(s.name); err != nil {
		return err
	}
	archive.put(fmt.Sprintf("xl/worksheets/sheet%d.xml", file.SheetCount), s.part)
	return cmp.Or(
		file.AutoFilter(s.name, used, nil),
		file.SetDefinedName(&excelize.DefinedName{
			Name: "_xlnm.Print_Titles", RefersTo: fmt.Sprintf("'%s'!$A:$A,'%[1]s'!$1:$1", s.name), Scope: s.name,
		}),
	)
}

// line is a row of a sheet.
type line struct {
	cells  []excelize.Cell
	values []any // of each cell its address, or nil where nothing stands in it
	lines  int   // of the highest cell
	size   int64 // of the XML, at most
}

func newLine(columns int) *line {
	return &line{cells: make([]excelize.Cell, columns), values: make([]any, columns), size: cellSize}
}

// fill makes l a line without text, in a style; where that is 0, an empty line.
func (l *line) fill(style int) {
	l.lines, l.size = 0, cellSize
	if style == 0 {
		clear(l.values)
		return
	}
	for i := range l.cells {
		l.set(i, excelize.Cell{StyleID: style})
	}
}

// copy makes l a line like another. The cells may be shared: a cell that is set
// gets l's own.
func (l *line) copy(other *line) {
	copy(l.values, other.values)
	l.lines, l.size = other.lines, other.size
}

// cellShape is how a cell shows text: the width of its column in characters, and
// whether the text has a colour of its own.
type cellShape struct {
	width   float64
	colored bool
}

// text fills a cell with what cellText returned.
func (l *line) text(column int, text string, style int) {
	l.set(column, excelize.Cell{Value: text, StyleID: style})
	l.size += xmlSize(text)
}

func (l *line) number(column, number, style int) {
	l.set(column, excelize.Cell{Value: number, StyleID: style})
}

func (l *line) set(column int, cell excelize.Cell) {
	l.cells[column] = cell
	l.values[column] = &l.cells[column]
	l.size += cellSize
}

// The most octets that excelize writes around a text, <c r="XFD1048576" s="64000"
// t="inlineStr"><is><t xml:space="preserve"></t></is></c>, and in place of one octet
// of it, &#34;. An escaped underscore takes more, but not with what has to follow it.
const (
	cellSize  = 100
	octetSize = 5
)

// xmlSize is the most octets that a text can take.
func xmlSize(text string) int64 {
	if strings.ContainsAny(text, "&<>\"'\t\n\r\x7f") {
		return octetSize * int64(len(text))
	}
	return int64(len(text))
}

// In a workbook _xHHHH_ stands for the character HHHH, and an underscore that would
// begin such an escape is _x005F_ itself (ECMA-376, part 1, section 22.9.2.19).
// excelize loses text where it sees an escape that it cannot decode, as _xD800_, or
// two with an underscore in common. So it gets to see a mark in place of such
// underscores, a character that escapeCell leaves nowhere, and zipWriter writes
// for each mark what it stands for.
const (
	underscoreMark    = '\x7f'
	escapedUnderscore = "_x005F_"
)

// cellText returns what excelize has to be given for a text to come back as it is,
// or cut where it is too long.
func cellText(text string) string {
	text = fitCell(report.EscapeCell(text))
	if !strings.Contains(text, "_x") {
		return text
	}
	marked := []byte(text)
	for i := range marked {
		if isStringEscape(text[i:]) {
			marked[i] = underscoreMark
		}
	}
	return string(marked)
}

func isStringEscape(text string) bool {
	const shape = "_xHHHH_"
	if len(text) < len(shape) || text[:2] != shape[:2] || text[len(shape)-1] != '_' {
		return false
	}
	return strings.Trim(text[2:len(shape)-1], "0123456789abcdefABCDEF") == ""
}

// fitCell cuts text that is longer than a cell can be, in UTF-16 units as Excel
// counts, and says so at its end.
func fitCell(text string) string {
	const most = excelize.TotalCellChars
	if len(text) <= most {
		return text // no UTF-16 unit takes less than an octet
	}
	all := unitsIn(text)
	if all <= most {
		return text
	}
	note := fmt.Sprintf(report.CutNote+"%d of these %d characters]", most, all)
	left := most - unitsIn(note)
	for i, r := range text {
		if left -= utf16.RuneLen(r); left < 0 {
			return text[:i] + note
		}
	}
	return text
}

func unitsIn(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

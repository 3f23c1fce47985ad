package xlsx

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// sheet is a sheet of lines: a header that stays in view and is a filter, and any number
// of rows under it. It is written straight into a part of the archive (ECMA-376, part 1,
// section 18.3.1.99, which has the order of what is in it): excelize takes several times
// as long for a row, and keeps its XML.
type sheet struct {
	name    string
	frame   frame
	columns []string // the start of a cell of each column
	rows    int      // written, the header included
	size    int64    // of the XML
	links   []link
	shown   int // lines of a cell at most
	wide    int // pages of paper side by side
	part    *part
	pending []byte // not yet given to the part
	widths  []float64
	started bool // what comes before the rows is written
}

// frame is what stays in view of a sheet.
type frame struct {
	titles int  // rows above the header, each a text over the first columns
	over   int  // so many columns
	frozen int  // columns at the left
	first  int  // the column that is shown after them when the sheet is opened, from 0
	even   bool // all rows are of the same height
	// choose, if there is one, fixes frozen and first when the widths are known.
	choose func(f *frame, widths []float64)
}

// head is the row of the header.
func (f frame) head() int { return f.titles + 1 }

// link makes a cell lead elsewhere.
type link struct {
	row, column int
	to          place
}

// chunkSize is how much XML is given to a part at a time.
const chunkSize = 128 << 10

// newSheet begins a sheet with columns of these widths, in characters, which may still change
// while the rows of its first chunk are written.
func newSheet(archive *zipWriter, name string, widths []float64, f frame) (*sheet, error) {
	part, err := archive.begin()
	if err != nil {
		return nil, err
	}
	s := &sheet{name: name, frame: f, columns: make([]string, len(widths)), widths: widths, part: part}
	for i := range widths {
		column, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return nil, err
		}
		s.columns[i] = `<c r="` + column
	}
	return s, nil
}

// start puts what comes before the rows in front of those that are pending.
func (s *sheet) start() error {
	if s.started {
		return nil
	}
	s.started = true
	if s.frame.choose != nil {
		s.frame.choose(&s.frame, s.widths)
	}
	head, err := s.frame.appendView([]byte(sheetStart), s.widths)
	if err != nil {
		return err
	}
	head = appendWidths(head, s.widths)
	head = append(head, "<sheetData>"...)
	s.wide = pagesWide(s.widths)
	s.pending = append(head, s.pending...)
	return nil
}

// sheetStart is what comes before the widths of the columns. The sheet does not say how
// large it is, which is known last.
const sheetStart = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` +
	`<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>`

// appendView says which rows and columns stay in view. A sheet without more columns than
// those has no pane for others.
func (f frame) appendView(to []byte, widths []float64) ([]byte, error) {
	frozen := min(f.frozen, len(widths)-1)
	first := max(f.first, frozen)
	at, err := excelize.CoordinatesToCellName(first+1, f.head()+1)
	if err != nil {
		return nil, err
	}
	split, pane := "", "bottomLeft"
	if frozen > 0 {
		split, pane = fmt.Sprintf(`xSplit="%d" `, frozen), "bottomRight"
	}
	to = fmt.Appendf(to, `<sheetViews><sheetView workbookViewId="0"><pane %sySplit="%d" topLeftCell="%s" activePane="%s" state="frozen"/>`+
		`<selection pane="%[4]s" activeCell="%[3]s" sqref="%[3]s"/></sheetView></sheetViews>`, split, f.head(), at, pane)
	if f.even {
		return append(to, `<sheetFormatPr defaultRowHeight="15" customHeight="1"/>`...), nil
	}
	return append(to, `<sheetFormatPr defaultRowHeight="15"/>`...), nil
}

// appendWidths takes neighbours of the same width together.
func appendWidths(to []byte, widths []float64) []byte {
	to = append(to, "<cols>"...)
	for first := 0; first < len(widths); {
		last := first
		for last+1 < len(widths) && widths[last+1] == widths[first] {
			last++
		}
		to = fmt.Appendf(to, `<col min="%d" max="%d" width="%s" customWidth="1"/>`, first+1, last+1, strconv.FormatFloat(widths[first], 'f', -1, 64))
		first = last + 1
	}
	return append(to, "</cols>"...)
}

// hasRoom reports whether a line still fits.
func (s *sheet) hasRoom(l *line, most *limits) bool {
	return s.rows < most.rows && s.size+l.size() <= most.size
}

// height is that of the row that is being written, in points; 0 is the usual one.
func (s *sheet) height(l *line) int {
	switch {
	case s.frame.even && s.rows > s.frame.head():
		return evenHeight
	case l.lines < 2:
		return 0
	case s.rows <= s.frame.head():
		return lineHeight * min(l.lines, allLines)
	case l.lines >= s.shown:
		return leastLineHeight * s.shown
	}
	return lineHeight * l.lines
}

// write adds a row.
func (s *sheet) write(l *line) error {
	s.rows++
	before := len(s.pending)
	s.pending = l.appendRow(s.pending, s.columns, s.rows, s.height(l))
	s.size += int64(len(s.pending) - before)
	if len(s.pending) < chunkSize {
		return nil
	}
	if err := s.start(); err != nil {
		return err
	}
	var err error
	s.pending, err = s.part.give(s.pending)
	return err
}

// LibreOffice does not make a row high enough for the lines in it.
const (
	lineHeight      = 14 // points, at textSize
	evenHeight      = 13 // of each row of a sheet with even ones: nothing is seen of a second line
	leastLineHeight = 12 // points, of lines of which no further one is to be seen
	mostLines       = 10 // shown of a cell with more
	allLines        = 29 // as many as fit into the highest row there is, 409 points
)

// mostLinks is how many cells of a sheet lead elsewhere: more than anybody follows. Excel
// takes 65,530.
const mostLinks = 10_000

// canLink reports whether a cell of the next row can lead elsewhere.
func (s *sheet) canLink() bool { return len(s.links) < mostLinks }

// link makes the cell in a column of the last row lead to a place. What is beyond
// the first mostLinks stays as it is.
func (s *sheet) link(column int, to place) {
	if s.canLink() {
		s.links = append(s.links, link{s.rows, column, to})
	}
}

// finish ends the sheet, to which nothing may be added afterwards. Digits in a text cell
// are meant, so they get no mark of an error.
func (s *sheet) finish() error {
	used, err := s.used()
	if err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	end := append(s.pending, "</sheetData>"...)
	end = fmt.Appendf(end, `<autoFilter ref="%s"/>`, used)
	if end, err = s.appendMerged(end); err != nil {
		return err
	}
	if end, err = s.appendLinks(end); err != nil {
		return err
	}
	end = append(end, paper(s.wide)...)
	end = fmt.Appendf(end, `<ignoredErrors><ignoredError sqref="%s" numberStoredAsText="1"/></ignoredErrors></worksheet>`, used)
	s.pending, s.links = nil, nil
	return s.part.end(end)
}

// appendMerged makes each title a cell over several columns.
func (s *sheet) appendMerged(to []byte) ([]byte, error) {
	if s.frame.titles == 0 || s.frame.over < 2 {
		return to, nil
	}
	to = fmt.Appendf(to, `<mergeCells count="%d">`, s.frame.titles)
	for row := range s.frame.titles {
		last, err := excelize.CoordinatesToCellName(s.frame.over, row+1)
		if err != nil {
			return nil, err
		}
		to = fmt.Appendf(to, `<mergeCell ref="A%d:%s"/>`, row+1, last)
	}
	return append(to, "</mergeCells>"...), nil
}

// appendLinks has no element without a link in it, which no reader takes.
func (s *sheet) appendLinks(to []byte) ([]byte, error) {
	if len(s.links) == 0 {
		return to, nil
	}
	to = append(to, "<hyperlinks>"...)
	for _, l := range s.links {
		at, err := excelize.CoordinatesToCellName(l.column+1, l.row)
		if err != nil {
			return nil, err
		}
		to = fmt.Appendf(to, `<hyperlink ref="%s" location="%s"/>`, at, l.to.location())
	}
	return append(to, "</hyperlinks>"...), nil
}

// used is the range of the header and of all cells below it.
func (s *sheet) used() (string, error) {
	last, err := excelize.CoordinatesToCellName(len(s.columns), s.rows)
	return fmt.Sprintf("A%d:%s", s.frame.head(), last), err
}

// kept is how many columns are printed on every page: those that stay in view, as far as
// they leave most of it for others.
func (s *sheet) kept() int {
	const most = fitting / 3
	kept := 1
	for kept < s.frame.frozen && sum(s.widths[:kept+1]) <= most {
		kept++
	}
	return kept
}

// enter makes a sheet that is finished the next of a workbook: excelize knows of it,
// and of the names that belong to it, and the archive has its XML. The header and
// the first column are printed on every page.
func (s *sheet) enter(file *excelize.File, archive *zipWriter) error {
	used, err := s.used()
	if err != nil {
		return err
	}
	kept, err := excelize.ColumnNumberToName(s.kept())
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
			Name: "_xlnm.Print_Titles", RefersTo: fmt.Sprintf("'%s'!$A:$%[3]s,'%[1]s'!$%[2]d:$%[2]d", s.name, s.frame.head(), kept), Scope: s.name,
		}),
	)
}

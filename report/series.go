package report

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// limits are how much fits into one sheet.
type limits struct {
	rows int   // the header included
	size int64 // of its XML
}

// maxSheetSize, 4 GiB less what stands before and after the rows, is where the
// rows go on in another sheet, because an archive without zip64 holds no larger
// part. The XML is not seen but reckoned with the most that a cell can take: a
// million rows with 12 cells each are 0.8 GiB and count 1.5 GiB.
const maxSheetSize = 4<<30 - 16<<20

// series is the sheets of one kind: where one is full the next goes on, as Results 2
// after Results.
type series struct {
	file   *excelize.File
	limits *limits
	name   string
	widths []float64
	header *line
	lines  int // shown of a cell at most; mostLines where zero
	sheets []*sheet
	empty  bool // a sentence stands where the lines would
}

// place is a row of a sheet, to which a link leads.
type place struct {
	sheet string
	row   int
}

func (p place) location() string { return fmt.Sprintf("'%s'!A%d", p.sheet, p.row) }

// write adds a row and returns its place.
func (s *series) write(l *line) (place, error) {
	if n := len(s.sheets); n == 0 || !s.sheets[n-1].hasRoom(l, s.limits) {
		if err := s.addSheet(); err != nil {
			return place{}, err
		}
	}
	last := s.sheets[len(s.sheets)-1]
	return place{last.stream.Sheet, last.rows + 1}, last.write(l)
}

// addSheet begins the next sheet.
func (s *series) addSheet() error {
	name := s.name
	if n := len(s.sheets); n > 0 {
		name += " " + strconv.Itoa(n+1)
	}
	next, err := newSheet(s.file, name, s.widths)
	if err != nil {
		return fmt.Errorf("sheet %s: %w", name, err)
	}
	next.lines = cmp.Or(s.lines, mostLines)
	s.sheets = append(s.sheets, next)
	return next.write(s.header)
}

// link makes the cell in a column of the row that was written last lead to a place.
func (s *series) link(column int, to place) error {
	return s.sheets[len(s.sheets)-1].link(column, to)
}

// complete makes sure that there is a sheet, and writes a sentence where it would be
// empty.
func (s *series) complete(sentence string, style int) error {
	if len(s.sheets) == 0 {
		if err := s.addSheet(); err != nil {
			return err
		}
	}
	if len(s.sheets) > 1 || s.sheets[0].rows > 1 {
		return nil
	}
	s.empty = true
	l := newLine(1)
	l.text(0, sentence, style)
	_, err := s.write(l)
	return err
}

// order puts the further sheets behind the first, before the sheet that follows it.
// excelize panics where it moves a sheet while a large one has been ended.
func (s *series) order(follower string) error {
	for _, further := range s.sheets[1:] {
		if err := s.file.MoveSheet(further.stream.Sheet, follower); err != nil {
			return err
		}
	}
	return nil
}

// finish ends all sheets. They must be in their order, because the names that
// belong to a sheet are kept by its place.
func (s *series) finish() error {
	for _, each := range s.sheets {
		if err := each.finish(); err != nil {
			return err
		}
	}
	return nil
}

// linesOn returns how many lines a sheet of the series has, besides its header.
func (s *series) linesOn(each *sheet) int {
	if s.empty {
		return 0
	}
	return each.rows - 1
}

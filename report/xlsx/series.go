package xlsx

import (
	"cmp"
	"fmt"
	"strconv"
)

// limits are how much fits into one sheet.
type limits struct {
	rows int   // the header included
	size int64 // of its XML
}

// maxSheetSize, 4 GiB less what comes before and after the rows, is where the
// rows go on in another sheet, because an archive without zip64 holds no larger
// part. A million rows with 12 cells each are 0.8 GiB.
const maxSheetSize = 4<<30 - 16<<20

// series is the sheets of one kind: if one is full the next goes on, as Results 2
// after Results.
type series struct {
	archive *zipWriter
	limits  *limits
	name    string
	widths  []float64
	header  *line
	titles  []*line // above the header
	frame   frame
	shown   int // lines of a cell at most; mostLines if zero
	sheets  []*sheet
	empty   bool // a sentence is where the lines would be
}

// place is a row of a sheet, to which a link leads.
type place struct {
	sheet string
	row   int
}

func (p place) location() string { return fmt.Sprintf("'%s'!A%d", p.sheet, p.row) }

// write adds a row and returns its place.
func (s *series) write(l *line) (place, error) {
	if err := s.makeRoom(l); err != nil {
		return place{}, err
	}
	last := s.last()
	err := last.write(l)
	return place{last.name, last.rows}, err
}

// at returns the place of a line, from 1. It must have been written.
func (s *series) at(number int) place {
	for _, each := range s.sheets {
		head := each.frame.head()
		if number <= each.rows-head {
			return place{each.name, number + head}
		}
		number -= each.rows - head
	}
	panic("report: no such line of " + s.name)
}

// makeRoom begins a sheet if the row does not fit into the last one.
func (s *series) makeRoom(l *line) error {
	if len(s.sheets) > 0 && s.last().hasRoom(l, s.limits) {
		return nil
	}
	if err := s.finish(); err != nil {
		return err
	}
	return s.addSheet()
}

// last is the sheet that is being written.
func (s *series) last() *sheet { return s.sheets[len(s.sheets)-1] }

// addSheet begins the next sheet.
func (s *series) addSheet() error {
	name := s.name
	if n := len(s.sheets); n > 0 {
		name += " " + strconv.Itoa(n+1)
	}
	next, err := newSheet(s.archive, name, s.widths, s.frame)
	if err != nil {
		return fmt.Errorf("sheet %s: %w", name, err)
	}
	next.shown = cmp.Or(s.shown, mostLines)
	s.sheets = append(s.sheets, next)
	for _, title := range s.titles {
		if err := next.write(title); err != nil {
			return err
		}
	}
	return next.write(s.header)
}

// link makes the cell in a column of the row that was written last lead to a place.
func (s *series) link(column int, to place) { s.last().link(column, to) }

// fill puts a sentence where the lines would be, if there are none.
func (s *series) fill(sentence string, style int) error {
	if s.lines() > 0 {
		return nil
	}
	s.empty = true
	l := newLine(1)
	l.text(0, sentence, style)
	_, err := s.write(l)
	return err
}

// isThere reports whether the series has a sheet.
func (s *series) isThere() bool { return len(s.sheets) > 0 }

// finish ends the last sheet, if there is one.
func (s *series) finish() error {
	if len(s.sheets) == 0 {
		return nil
	}
	return s.last().finish()
}

// lines returns how many lines the sheets have besides their headers.
func (s *series) lines() int {
	if s.empty {
		return 0
	}
	n := 0
	for _, each := range s.sheets {
		n += each.rows - each.frame.head()
	}
	return n
}

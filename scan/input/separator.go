package input

import "cmp"

// reading is what a sample looks like when it is split by one separator.
type reading struct {
	separator byte
	records   int
	several   int // records of several cells
	agreeing  int // those of them with the most common number of cells
	width     int // that number
	first     int // the cells of the first record
	targets   int // addresses and domains in the column that has most of them
}

// findSeparator returns the separator that explains the file best, or
// noSeparator where most records and the first one are one cell.
func findSeparator(t text) (byte, error) {
	lines, err := read(t, noSeparator)
	if err != nil {
		return noSeparator, err
	}
	best := reading{separator: noSeparator}
	// Of two that are equally good, the one that is rarer in prose comes first.
	for _, separator := range []byte("\t;|,") {
		r, err := read(t, separator)
		if err != nil {
			return noSeparator, err
		}
		if r.separates(lines) && r.compare(best) > 0 {
			best = r
		}
	}
	return best.separator, nil
}

// separates reports whether the separator does more than occur. Where at least
// half the records are one cell, it does not if more addresses show without it:
// that is a list of display names with commas.
func (r reading) separates(lines reading) bool {
	switch {
	case 2*r.several > r.records:
		return true
	case 2*r.several == r.records, r.first > 1:
		return r.several > 0 && r.targets >= lines.targets
	}
	return false
}

func (r reading) compare(other reading) int {
	return cmp.Or(
		cmp.Compare(r.several+r.agreeing+r.targets, other.several+other.agreeing+other.targets),
		cmp.Compare(r.width, other.width),
	)
}

// read splits a sample of the file by a separator.
func read(t text, separator byte) (reading, error) {
	t.separator = separator
	sample, err := takeSample(&t)
	r := reading{separator: separator}
	widths, targets := make(map[int]int), make(map[int]int)
	for _, rec := range sample {
		if rec.broken {
			continue
		}
		if r.records == 0 {
			r.first = len(rec.cells)
		}
		r.records++
		if len(rec.cells) > 1 {
			r.several++
			widths[len(rec.cells)]++
		}
		for column, cell := range rec.cells {
			if isTarget(cell) {
				targets[column]++
			}
		}
	}
	for width, n := range widths {
		if cmp.Or(cmp.Compare(n, r.agreeing), cmp.Compare(width, r.width)) > 0 {
			r.agreeing, r.width = n, width
		}
	}
	for _, n := range targets {
		r.targets = max(r.targets, n)
	}
	return r, err
}

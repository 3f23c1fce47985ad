package input

import (
	"cmp"
	"slices"
	"strings"

	"caascan/scan"
)

// reading is what a sample looks like when it is split by one separator.
type reading struct {
	separator byte
	records   int
	several   int // records of several cells
	agreeing  int // those of them with the most common number of cells
	width     int // that number
	first     int // the cells of the first record
	targets   int // addresses and domains in the column that has most of them
	torn      int // records that it cuts within quotation marks
	stray     int // records with an "@" in a cell that is no address
	pure      int // records of several cells that are addresses, or domains, and nothing else
}

// separators are those that are found. Of two that are equally good, the one that is
// rarer in prose comes first.
const separators = "\t;|,"

// findSeparator returns the separator that explains the file best, or noSeparator if
// most records and the first one are one cell; and the one that would do nearly as well,
// or noSeparator.
func findSeparator(t text) (found, close byte, err error) {
	lines, err := read(t, noSeparator)
	if err != nil {
		return noSeparator, noSeparator, err
	}
	best, second := reading{separator: noSeparator}, reading{separator: noSeparator}
	for _, separator := range []byte(separators) {
		r, err := read(t, separator)
		if err != nil {
			return noSeparator, noSeparator, err
		}
		switch {
		case !r.separates(lines):
		case best.separator == noSeparator || r.compare(best) > 0:
			best, second = r, best
		case second.separator == noSeparator || r.compare(second) > 0:
			second = r
		}
	}
	if second.separator != noSeparator && second.tears() == best.tears() && 10*second.score() >= 9*best.score() {
		return best.separator, second.separator, nil
	}
	return best.separator, noSeparator, nil
}

// separates reports whether the separator does more than occur. If at least
// half the records are one cell, it does not if more addresses show without it:
// that is a list of display names with commas.
//
// Nor does it if it is only between addresses: their line is a cell of several.
func (r reading) separates(lines reading) bool {
	switch {
	case r.pure > 0 && r.pure == r.several && lines.targets >= r.targets:
		return false
	case 2*r.several > r.records:
		return true
	case 2*r.several == r.records, r.first > 1:
		return r.several > 0 && r.targets >= lines.targets
	}
	return false
}

// tears reports whether the separator cuts quotations in more records than slips of the
// pen do: quotation marks say where fields end (RFC 4180, section 2).
func (r reading) tears() bool { return 100*r.torn > r.records }

// score is how many records speak for the separator, and in how many ways.
func (r reading) score() int { return r.several + r.agreeing + r.targets - r.torn - r.stray }

func (r reading) compare(other reading) int {
	switch {
	case r.tears() && !other.tears():
		return -1
	case !r.tears() && other.tears():
		return 1
	}
	return cmp.Or(cmp.Compare(r.score(), other.score()), cmp.Compare(r.width, other.width))
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
		r = r.with(rec)
		if len(rec.cells) > 1 {
			widths[len(rec.cells)]++
		}
		for column, cell := range rec.cells {
			if isTarget(cell) || holdsSeveral(cell) {
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

// with counts a record too.
func (r reading) with(rec record) reading {
	if r.records == 0 {
		r.first = len(rec.cells)
	}
	r.records++
	if len(rec.cells) > 1 {
		r.several++
	}
	if isPure(rec.cells) {
		r.pure++
	}
	if rec.torn || len(rec.cells) > 1 && slices.ContainsFunc(rec.cells, r.cutsQuotation) {
		r.torn++
	}
	if slices.ContainsFunc(rec.cells, func(cell string) bool {
		return strings.Contains(cell, "@") && !isTarget(cell) && !holdsSeveral(cell)
	}) {
		r.stray++
	}
	return r
}

// isPure reports whether the cells are addresses and nothing else, or domains and nothing
// else, and at least two of them.
func isPure(cells []string) bool {
	addresses, domains := 0, 0
	for _, cell := range cells {
		switch {
		case strings.TrimSpace(cell) == "":
		case !isTarget(cell):
			return false
		case strings.Contains(cell, "@"):
			addresses++
		default:
			domains++
		}
	}
	return addresses+domains >= 2 && (addresses == 0 || domains == 0)
}

// cutsQuotation reports whether a cell has a quotation mark beside another separator:
// there a quoted field of that one begins or ends.
func (r reading) cutsQuotation(cell string) bool {
	for at, c := range []byte(cell) {
		if c != '"' {
			continue
		}
		if at > 0 && r.isOther(cell[at-1]) || at < len(cell)-1 && r.isOther(cell[at+1]) {
			return true
		}
	}
	return false
}

func (r reading) isOther(c byte) bool {
	return c != r.separator && strings.IndexByte(separators, c) >= 0
}

// holdsSeveral reports whether a cell holds several addresses.
func holdsSeveral(cell string) bool {
	return strings.Contains(cell, "@") && scan.ParseTarget(cell).Reason == scan.SeveralAddresses
}

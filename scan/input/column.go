package input

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"caascan/scan"
)

// How much of a file is looked at before it is read.
const (
	sampleOctets  = 1 << 20
	sampleRecords = 1000
)

// takeSample returns the first records of a file that are not blank.
func takeSample(s source) ([]record, error) {
	var sample []record
	octets := 0 // with separators, so that empty cells count
	for rec, err := range s.records(io.Discard) {
		if err != nil {
			return nil, err
		}
		if len(rec.cells) == 0 {
			continue
		}
		rec.cells = slices.Clone(rec.cells)
		sample = append(sample, rec)
		for _, cell := range rec.cells {
			octets += len(cell) + 1
		}
		// A header alone would not tell whether there are rows.
		if len(sample) >= sampleRecords || octets > sampleOctets && len(sample) > 1 {
			break
		}
	}
	return sample, nil
}

// isTarget reports whether a cell speaks of a domain. A cell without any full
// stop, be it percent-encoded (RFC 6068, section 2) or one of those that UTS 46,
// section 2.3 knows, names a single label at most and need not be parsed.
func isTarget(cell string) bool {
	return strings.ContainsAny(cell, ".%\u3002\uff0e\uff61") && !scan.ParseTarget(cell).Domain.IsZero()
}

// column is what a sample says of one column.
type column struct {
	heading       // what is known of it
	filled    int // cells that are not blank
	ats       int // of them, with "@"
	targets   int // of filled, addresses and domains
	addresses int // of targets, with "@"
	several   int // of targets, those that hold more than one
}

// survey looks at the columns of a sample without its header.
func survey(body []record, header []string, width int) []column {
	columns := make([]column, width)
	for i, name := range header {
		columns[i].heading = knownHeading(name)
	}
	for _, rec := range body {
		if rec.broken {
			continue
		}
		for i, cell := range rec.cells {
			columns[i] = columns[i].with(cell)
		}
	}
	return columns
}

// with counts a cell too.
func (c column) with(cell string) column {
	if strings.TrimSpace(cell) == "" {
		return c
	}
	c.filled++
	at := strings.Contains(cell, "@")
	if at {
		c.ats++
	}
	switch {
	case isTarget(cell):
	case holdsSeveral(cell):
		c.several++
	default:
		return c
	}
	c.targets++
	if at {
		c.addresses++
	}
	return c
}

// fraction is that of targets among the cells that are not blank.
func (c column) fraction() float64 {
	if c.filled == 0 {
		return 0
	}
	return float64(c.targets) / float64(c.filled)
}

// wouldDo reports whether the column may be the one that is meant.
func (c column) wouldDo() bool {
	return c.targets > 0 && (c.fraction() >= 0.5 || c.known != unknown)
}

// isNamed reports whether the heading says that addresses are meant, and they are there.
func (c column) isNamed() bool { return c.known == wholly && c.targets > 0 && 2*c.ats > c.filled }

// beforeNamed compares columns that are named.
func (c column) beforeNamed(other column) bool {
	if c.lesser != other.lesser {
		return other.lesser
	}
	return 2*c.several <= c.targets && 2*other.several > other.targets
}

// betterThan compares columns that would do and are about equally full of
// targets.
func (c column) betterThan(other column) bool {
	if addresses := 2*c.addresses > c.targets; addresses != (2*other.addresses > other.targets) {
		return addresses
	}
	return c.known != unknown && other.known == unknown
}

// best returns the leftmost of the best columns, or -1 if none would do. A
// column that most rows leave empty gives way to one that they fill.
func best(columns []column) int {
	most := 0
	for _, c := range columns {
		if c.wouldDo() {
			most = max(most, c.targets)
		}
	}
	filled := func(c column) bool { return c.wouldDo() && 2*c.targets >= most }
	if choice := bestNamed(columns, filled); choice >= 0 {
		return choice
	}
	highest := 0.0
	for _, c := range columns {
		if filled(c) {
			highest = max(highest, c.fraction())
		}
	}
	choice := -1
	for i, c := range columns {
		if !filled(c) || c.fraction() < highest-0.10 {
			continue
		}
		if choice < 0 || c.betterThan(columns[choice]) {
			choice = i
		}
	}
	return choice
}

// bestNamed returns the leftmost of the best columns whose headings say that they are
// meant, be some of the cells junk; -1 if there is none.
func bestNamed(columns []column, filled func(column) bool) int {
	choice := -1
	for i, c := range columns {
		if c.isNamed() && filled(c) && (choice < 0 || c.beforeNamed(columns[choice])) {
			choice = i
		}
	}
	return choice
}

// holdsDomains reports whether at least one cell of ten holds one.
func (c column) holdsDomains() bool { return c.targets > 0 && 10*c.targets >= c.filled }

// chooseColumn returns the index of the column that is asked for or, if none
// is, of the one that would do best.
func (in *Input) chooseColumn(body []record, header []string, asked string) (int, error) {
	if strings.TrimSpace(asked) != "" {
		return in.findColumn(strings.TrimSpace(asked))
	}
	columns := survey(body, header, in.width)
	choice := best(columns)
	legible := slices.ContainsFunc(body, func(rec record) bool { return !rec.broken })
	switch {
	case legible && len(columns) > 1 && !slices.ContainsFunc(columns, column.holdsDomains):
		return 0, fmt.Errorf("%s: %w in at least one cell of ten%s: choose one with --column by name or number: %s",
			in.name, ErrNoDomains, in.source.excuse(), list(in.describeAll()))
	case choice < 0:
		choice = fullest(columns)
		in.notes = append(in.notes, fmt.Sprintf(
			"Scanned: column %s, though fewer than half of its cells hold addresses or domains. --column scans another, by name or number.",
			in.describe(choice)))
	default:
		in.noteOthers(columns, choice)
	}
	return choice, nil
}

// fullest returns the leftmost of the columns with the most targets or, if there are
// none, of those with a known heading.
func fullest(columns []column) int {
	choice := max(0, slices.IndexFunc(columns, func(c column) bool { return c.known != unknown }))
	for i, c := range columns {
		if c.targets > columns[choice].targets {
			choice = i
		}
	}
	return choice
}

// noteOthers tells of the columns that would do as well as the chosen one.
func (in *Input) noteOthers(columns []column, choice int) {
	var others []int
	for i, c := range columns {
		if i != choice && c.wouldDo() {
			others = append(others, i)
		}
	}
	if len(others) == 0 {
		return
	}
	first := others[0]
	instead := fmt.Sprintf("Column %s holds %s too: --column %d scans that instead.", in.describe(first), columns[first].contents(), first+1)
	if len(others) > 1 {
		var described []string
		for _, i := range others {
			described = append(described, in.describe(i))
		}
		instead = fmt.Sprintf("Columns %s hold addresses or domains too: --column %d scans the first of them instead.", list(described), first+1)
	}
	in.notes = append(in.notes, fmt.Sprintf("Scanned: column %s. %s", in.describe(choice), instead))
}

// contents says what most of the targets are.
func (c column) contents() string {
	if 2*c.addresses > c.targets {
		return "addresses"
	}
	return "domains"
}

// findColumn returns the index of the column with a name or, failing that, a
// number.
func (in *Input) findColumn(asked string) (int, error) {
	header := in.Header()
	named := func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), asked) }
	if i := slices.IndexFunc(header, named); i >= 0 {
		if slices.ContainsFunc(header[i+1:], named) {
			in.notes = append(in.notes,
				fmt.Sprintf("Scanned: column %d, the first of several that are called %s. --column scans another, by its number.", i+1, quote(asked)))
		}
		return i, nil
	}
	if number, err := strconv.Atoi(asked); err == nil && number >= 1 && number <= len(header) {
		return number - 1, nil
	}
	return 0, &ColumnError{Asked: asked, Input: in.name, Header: header, choices: list(in.describeAll())}
}

// ColumnError says that an input has no column of the name or number Asked. It is an
// ErrColumn.
type ColumnError struct {
	Asked   string
	Input   string   // its name
	Header  []string // the names of its columns
	choices string
}

// Error lists the columns. It is bounded, and escapes what comes from the input.
func (e *ColumnError) Error() string {
	return fmt.Sprintf("%v %s in %s: choose one with --column by name or number: %s", ErrColumn, quote(e.Asked), e.Input, e.choices)
}

// Unwrap returns ErrColumn.
func (e *ColumnError) Unwrap() error { return ErrColumn }

func (in *Input) describeAll() []string {
	columns := make([]string, in.width)
	for i := range columns {
		columns[i] = in.describe(i)
	}
	return columns
}

// describe names a column by number and heading.
func (in *Input) describe(i int) string {
	return fmt.Sprintf("%d (%s)", i+1, quote(in.heading(i)))
}

// quote makes foreign text fit for a message: short, and without anything that a
// terminal would obey.
func quote(text string) string {
	const longest = 40
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return strconv.Quote(text)
}

func quoteAll(texts []string) []string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	return quoted
}

// list joins the first of many things for a message.
func list(things []string) string {
	const most = 20
	if extra := len(things) - most; extra > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(things[:most], ", "), extra)
	}
	return strings.Join(things, ", ")
}

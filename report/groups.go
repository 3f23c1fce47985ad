package report

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"caascan/scan"
)

// Groups counts rows by the values of a column of the input, such as the customer. It
// grows with the values and with the domains of each, and not with the rows: 12 octets for
// each domain of a value, about 100 for a value, of which there are at most MostValues.
type Groups struct {
	// Column is the name of the column, as reports have it.
	Column string

	place   int // of the column among the input's
	most    int // values
	of      map[string]uint32
	values  []string // by their numbers; the first two are those below
	pairs   []groupPair
	sorted  int      // how many of the pairs were there when they were sorted last
	firsts  []uint32 // of each value: the first row that was written, from 1; 0 for none
	written uint32
	last    uint32 // the value of the row that was added last
}

// MostValues is how many values of a column are told apart. All rows with further ones are
// in one group, OtherValues.
const MostValues = 200_000

// What stands for rows that have no value of their own.
const (
	EmptyValue  = "(empty)" // the cell is empty or blank, there is none, or the row could not be read
	OtherValues = "(other values)"
)

// The numbers of these values.
const (
	emptyNumber uint32 = iota
	otherNumber
	firstNumber
)

// groupPair says how many rows of a value have a domain, given by its number; 0 for the
// rows that have none.
type groupPair struct{ value, domain, rows uint32 }

func (p groupPair) compare(other groupPair) int {
	return cmp.Or(cmp.Compare(p.value, other.value), cmp.Compare(p.domain, other.domain))
}

// NewGroups returns the groups of a column, which is asked for by its name, in any case, or
// by its number among the input's, from 1. The error says that there is no such column.
func NewGroups(layout Layout, asked string) (*Groups, error) {
	names := InputNames(layout.Header)
	place := slices.IndexFunc(layout.Header, func(name string) bool { return Alike(name, asked) })
	if place < 0 {
		place = slices.IndexFunc(names, func(name string) bool { return Alike(name, asked) })
	}
	if number, err := strconv.Atoi(strings.TrimSpace(asked)); place < 0 && err == nil && number >= 1 && number <= len(names) {
		place = number - 1
	}
	if place < 0 {
		return nil, fmt.Errorf("no column %s in the list; there are %s", QuoteName(asked), strings.Join(QuoteNames(names), ", "))
	}
	g := &Groups{Column: names[place], place: place, most: MostValues, of: make(map[string]uint32)}
	if strings.TrimSpace(g.Column) == "" {
		g.Column = fmt.Sprintf("column %d", place+1)
	}
	g.values, g.firsts = []string{EmptyValue, OtherValues}, make([]uint32, firstNumber)
	return g, nil
}

// Same reports whether two are of one column.
func (g *Groups) Same(other *Groups) bool { return g.place == other.place }

// Full says in a sentence that not all values are told apart; "" if they are.
func (g *Groups) Full() string {
	if !g.has(otherNumber) {
		return ""
	}
	return fmt.Sprintf("The column %s has more than %d values: the rows of those that came after these are one group, %s.", QuoteName(g.Column), g.most, OtherValues)
}

// has reports whether a row has the value.
func (g *Groups) has(value uint32) bool {
	return slices.ContainsFunc(g.pairs, func(p groupPair) bool { return p.value == value })
}

// add counts a row to its value.
func (g *Groups) add(r scan.Result) {
	pair := groupPair{g.number(r.Row), uint32(r.Verdict.Number), 1}
	g.last = pair.value
	if n := len(g.pairs); n > 0 && g.pairs[n-1].compare(pair) == 0 {
		g.pairs[n-1].rows++
		return
	}
	if len(g.pairs) >= max(leastPairs, 2*g.sorted) {
		g.compact()
	}
	g.pairs = append(g.pairs, pair)
}

// leastPairs is how many are kept before equal ones are looked for.
const leastPairs = 1 << 16

// compact sorts the pairs and makes one of those that are equal.
func (g *Groups) compact() {
	slices.SortFunc(g.pairs, groupPair.compare)
	kept := g.pairs[:0]
	for _, pair := range g.pairs {
		if n := len(kept); n > 0 && kept[n-1].compare(pair) == 0 {
			kept[n-1].rows += pair.rows
			continue
		}
		kept = append(kept, pair)
	}
	g.pairs, g.sorted = kept, len(kept)
}

// wrote says that the row that was added last is written to the reports.
func (g *Groups) wrote() {
	g.written++
	if g.firsts[g.last] == 0 {
		g.firsts[g.last] = g.written
	}
}

// number returns the number of the value of a row.
func (g *Groups) number(row scan.Row) uint32 {
	if row.Broken || g.place >= len(row.Cells) {
		return emptyNumber
	}
	text := strings.TrimSpace(row.Cells[g.place])
	if text == "" {
		return emptyNumber
	}
	key := groupKey(text)
	number, met := g.of[key]
	if met {
		return number
	}
	if len(g.of) >= g.most {
		return otherNumber
	}
	number = uint32(len(g.values))
	key = strings.Clone(key)
	g.of[key] = number
	g.values, g.firsts = append(g.values, key), append(g.firsts, 0)
	return number
}

// longestValue is how many octets of a value are kept.
const longestValue = 200

// groupKey is the text itself, or what tells a long one from others that begin alike.
func groupKey(text string) string {
	if len(text) <= longestValue {
		return text
	}
	end := longestValue
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	sum := sha256.Sum256([]byte(text))
	return text[:end] + "…" + string(sum[:])
}

// valueText is a value as it is shown.
func (g *Groups) valueText(number uint32) string {
	value := g.values[number]
	if len(value) <= longestValue {
		return value
	}
	return value[:len(value)-sha256.Size]
}

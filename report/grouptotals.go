package report

import (
	"cmp"
	"iter"
	"slices"

	"caascan/scan/domain"
)

// GroupTable is all groups of a column.
type GroupTable struct {
	Column string
	// Groups are those with the most denied rows first: of several CAs those that the last
	// one is denied, which is the one that a move is to, then those of the one before it; if
	// these are equal, those with the most rows, and by their texts. OtherValues is last.
	Groups []GroupTotal

	domains []tallied
}

// Domains yields the distinct domains of a group of the table.
func (t *GroupTable) Domains(g *GroupTotal) iter.Seq[domain.Name] {
	return func(yield func(domain.Name) bool) {
		for _, pair := range g.pairs {
			if pair.domain > 0 && !yield(t.domains[pair.domain-1].domain) {
				return
			}
		}
	}
}

// GroupTotal is what the rows with one value come to.
type GroupTotal struct {
	Value   string // EmptyValue and OtherValues for what has none
	Count          // all its rows
	Failed  Count
	Issuers []GroupIssuer // in the order of the CAs
	// First is the place of the first of its rows among those that are written, from 1; 0 if
	// none is.
	First int

	other bool // OtherValues
	pairs []groupPair
}

// GroupIssuer is what the rows with one value come to for one CA.
type GroupIssuer struct {
	Permitted, Denied Count
	Names             int // that deny it: whose records are to be mended
}

// Denied is how much is denied for the CA that a move is to, the last.
func (t *GroupTotal) Denied() Count { return t.Issuers[len(t.Issuers)-1].Denied }

// Names is how many names deny that CA.
func (t *GroupTotal) Names() int { return t.Issuers[len(t.Issuers)-1].Names }

// Blocked returns the first groups of which rows are denied, at most so many, and how many
// there are in all.
func (t *GroupTable) Blocked(most int) (largest []GroupTotal, all int) {
	for i := range t.Groups {
		if t.Groups[i].Denied().Rows == 0 {
			continue
		}
		if all++; all <= most {
			largest = append(largest, t.Groups[i])
		}
	}
	return largest, all
}

// groupTables are those of all columns that rows are grouped by.
func (t *Tally) groupTables() []GroupTable {
	tables := make([]GroupTable, len(t.Groups))
	if len(tables) == 0 {
		return nil
	}
	m := newGroupMaker(t)
	for i, g := range t.Groups {
		tables[i] = GroupTable{Column: g.Column, Groups: m.groups(g), domains: t.domains}
	}
	return tables
}

// groupMaker makes totals of pairs. Names are counted once for a value by the value that
// they were met with last.
type groupMaker struct {
	tally  *Tally
	owners []uint32   // of each domain: the number of its deciding name
	met    [][]uint32 // of each CA and deciding name: the group that it was met in last, from 1
}

func newGroupMaker(t *Tally) *groupMaker {
	m := &groupMaker{tally: t, owners: make([]uint32, len(t.domains))}
	numbers := make(map[uint64]uint32)
	for i := range t.domains {
		if !t.patternAt(uint32(i)).records {
			continue
		}
		number, ok := numbers[t.domains[i].owner]
		if !ok {
			number = uint32(len(numbers))
			numbers[t.domains[i].owner] = number
		}
		m.owners[i] = number
	}
	for range t.reasons {
		m.met = append(m.met, make([]uint32, len(numbers)))
	}
	return m
}

func (m *groupMaker) groups(g *Groups) []GroupTotal {
	g.compact()
	var all []GroupTotal
	for start := 0; start < len(g.pairs); {
		value, end := g.pairs[start].value, start
		for end < len(g.pairs) && g.pairs[end].value == value {
			end++
		}
		total := GroupTotal{Value: g.valueText(value), First: int(g.firsts[value]), other: value == otherNumber, pairs: g.pairs[start:end]}
		all = append(all, total)
		start = end
	}
	n := len(m.met)
	issuers := make([]GroupIssuer, len(all)*n)
	for _, met := range m.met {
		clear(met)
	}
	for i := range all {
		all[i].Issuers = issuers[i*n : (i+1)*n : (i+1)*n]
		for _, pair := range all[i].pairs {
			m.count(&all[i], pair, uint32(i+1))
		}
	}
	slices.SortFunc(all, compareGroups)
	return all
}

// count adds the rows of a domain to a group. Those without one have failed for all CAs.
func (m *groupMaker) count(t *GroupTotal, pair groupPair, group uint32) {
	count := Count{Rows: int(pair.rows)}
	if pair.domain == 0 {
		t.Count, t.Failed = t.Count.Plus(count), t.Failed.Plus(count)
		return
	}
	count.Domains = 1
	t.Count = t.Count.Plus(count)
	pattern := m.tally.patternAt(pair.domain - 1)
	if pattern.Failed {
		t.Failed = t.Failed.Plus(count)
		return
	}
	for i, permitted := range pattern.Permitted {
		issuer := &t.Issuers[i]
		if permitted {
			issuer.Permitted = issuer.Permitted.Plus(count)
			continue
		}
		issuer.Denied = issuer.Denied.Plus(count)
		if !pattern.records || !pattern.blocked[i] {
			continue
		}
		if met := &m.met[i][m.owners[pair.domain-1]]; *met != group {
			*met = group
			issuer.Names++
		}
	}
}

func compareGroups(a, b GroupTotal) int {
	if a.other != b.other {
		if a.other {
			return 1
		}
		return -1
	}
	for i := len(a.Issuers) - 1; i >= 0; i-- {
		if order := b.Issuers[i].Denied.Rows - a.Issuers[i].Denied.Rows; order != 0 {
			return order
		}
	}
	return cmp.Or(b.Rows-a.Rows, cmp.Compare(a.Value, b.Value))
}

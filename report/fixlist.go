package report

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"caascan/scan/domain"
)

// FixList is what to publish so that some CAs may issue: a line for every deciding name
// that denies one of them, those that unblock the most rows first, and by name if they
// unblock as many. A domain that several of the CAs are denied for counts once. The set of
// a line lets all of these CAs issue that the name denies, and publishing it takes no
// permission from any CA of the scan.
//
// A line is made when it is asked for, so that a list of a million names takes little.
type FixList struct {
	tally   *Tally
	issuers []int
	groups  []fixGroup
	members []uint32 // the domains of all groups, one group after the other
}

// fixGroup is the domains that one name decides for.
type fixGroup struct {
	owner    string // the name
	from, to uint32 // among the members
	rows     uint32 // of those that are blocked
	issuers  uint32 // how many of the CAs are denied for some of them
}

// Fixes returns the list for these CAs, given by their places among the decisions.
func (t *Tally) Fixes(issuers ...int) FixList {
	l := FixList{tally: t, issuers: issuers}
	for i := range t.domains {
		if t.patternAt(uint32(i)).records {
			l.members = append(l.members, uint32(i))
		}
	}
	slices.SortFunc(l.members, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(t.domains[a].owner, t.domains[b].owner), t.before(a, b))
	})
	for from := 0; from < len(l.members); {
		from = l.addGroup(from)
	}
	slices.SortFunc(l.groups, func(a, b fixGroup) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), strings.Compare(a.owner, b.owner))
	})
	return l
}

// addGroup adds the domains with the owner of the member at an index, if one of the CAs is
// denied for any of them, and returns the index after them.
func (l *FixList) addGroup(from int) (to int) {
	domains, g := l.tally.domains, fixGroup{from: uint32(from)}
	for to = from; to < len(l.members) && domains[l.members[to]].owner == domains[l.members[from]].owner; to++ {
		if l.blocks(l.members[to]) {
			g.rows += domains[l.members[to]].rows
		}
	}
	g.to, g.issuers = uint32(to), l.denied(l.members[from:to])
	if g.issuers > 0 {
		g.owner = l.tally.ownerOf(l.members[from])
		l.groups = append(l.groups, g)
	}
	return to
}

// denied is how many of the CAs are denied for some of these domains.
func (l *FixList) denied(members []uint32) (issuers uint32) {
	for _, issuer := range l.issuers {
		if slices.ContainsFunc(members, func(domain uint32) bool { return l.tally.patternAt(domain).blocked[issuer] }) {
			issuers++
		}
	}
	return issuers
}

// blocks reports whether one of the CAs is denied for a domain.
func (l FixList) blocks(domain uint32) bool {
	blocked := l.tally.patternAt(domain).blocked
	return slices.ContainsFunc(l.issuers, func(issuer int) bool { return blocked[issuer] })
}

// Len returns how many lines there are.
func (l FixList) Len() int { return len(l.groups) }

// At returns the line with an index.
func (l FixList) At(i int) FixTotal {
	g := l.groups[i]
	var merged *fixMerge
	for _, domain := range l.members[g.from:g.to] {
		d := l.tally.total(domain)
		if merged == nil {
			merged = newFixMerge(d.Outcome)
		}
		merged.add(d, l.issuers)
	}
	return merged.fix()
}

// Name returns the deciding name of the line with an index, and is quicker than At.
func (l FixList) Name(i int) string { return l.groups[i].owner }

// FirstDomain returns the first of the domains that the line with an index unblocks, and is
// quicker than At.
func (l FixList) FirstDomain(i int) domain.Name {
	g := l.groups[i]
	members := l.members[g.from:g.to]
	return l.tally.domains[members[slices.IndexFunc(members, l.blocks)]].domain
}

// Stopped returns the CAs of the scan that the name of the line with an index stops, by
// their places among the decisions, in order.
func (l FixList) Stopped(i int) []int {
	g := l.groups[i]
	var issuers []int
	for _, member := range l.members[g.from:g.to] {
		for issuer, blocked := range l.tally.patternAt(member).blocked {
			if blocked && !slices.Contains(issuers, issuer) {
				issuers = append(issuers, issuer)
			}
		}
	}
	slices.Sort(issuers)
	return issuers
}

// Several reports whether the line with an index is for several CAs, and is quicker than At,
// which takes the longer the more domains the name decides for.
func (l FixList) Several(i int) bool { return l.groups[i].issuers > 1 }

// All yields the lines.
func (l FixList) All() iter.Seq[FixTotal] { return l.First(l.Len()) }

// First yields the first lines, so many at most.
func (l FixList) First(n int) iter.Seq[FixTotal] {
	return func(yield func(FixTotal) bool) {
		for i := range min(n, l.Len()) {
			if !yield(l.At(i)) {
				return
			}
		}
	}
}

// at yields the lines with some indexes.
func (l FixList) at(indexes []int) iter.Seq[FixTotal] {
	return func(yield func(FixTotal) bool) {
		for _, i := range indexes {
			if !yield(l.At(i)) {
				return
			}
		}
	}
}

package main

import (
	"fmt"
	"maps"
	"slices"

	"caascan/scan"
	"caascan/scan/snapshot"
)

// missingNames are the domains of the list that could not be decided because a name is in
// none of the snapshots. The zero missingNames counts nothing.
type missingNames struct {
	store    *snapshot.Store
	division division
	seen     int             // the Number of the last domain
	lacking  map[int]lacking // by shard; 0 if the snapshots are of no shards
}

// lacking is what is missing in one shard.
type lacking struct {
	domains int
	names   []string // the first of those that were not asked
}

// division is into how many shards the list was divided, 0 if it was not, and which of them
// the snapshots hold.
type division struct {
	count int
	held  map[int]bool
}

// division returns how the runs of the snapshots have divided the list. It is none if one
// of them has asked about all of it, or if they have divided it differently.
func (e *evidence) division() division {
	d := division{held: make(map[int]bool)}
	for _, h := range e.headers() {
		shard, err := scan.ParseShard(h.Shard)
		if err != nil || d.count > 0 && shard.Count != d.count {
			return division{}
		}
		d.count, d.held[shard.Index] = shard.Count, true
	}
	return d
}

// missing counts what is missing in several snapshots, or in those of shards. A lone one
// that holds some of the names was asked for these alone.
func (e *evidence) missing(store *snapshot.Store) missingNames {
	d := e.division()
	if len(e.files) < 2 && d.count == 0 {
		return missingNames{}
	}
	return missingNames{store: store, division: d}
}

// add takes in a result, once for each domain.
func (m *missingNames) add(r scan.Result) {
	if m.store == nil || r.Verdict.Number <= m.seen {
		return
	}
	m.seen = r.Verdict.Number
	if r.Verdict.Decisions[0].Reason != scan.Reason(snapshot.NotInSnapshot) {
		return
	}
	steps := m.store.Climb(r.Verdict.Domain)
	if steps[len(steps)-1].Mark == snapshot.MarkProof { // it is there, and has been told of
		return
	}
	shard := 0
	if m.division.count > 0 {
		shard = r.Verdict.Domain.Shard(m.division.count)
	}
	if m.lacking == nil {
		m.lacking = make(map[int]lacking)
	}
	l := m.lacking[shard]
	l.domains++
	if name := steps[len(steps)-1].Name.String(); len(l.names) < mostNamed && !slices.Contains(l.names, name) {
		l.names = append(l.names, name)
	}
	m.lacking[shard] = l
}

// words say what is missing, a sentence for each shard.
func (m *missingNames) words() []string {
	var all []string
	for _, shard := range slices.Sorted(maps.Keys(m.lacking)) {
		l := m.lacking[shard]
		where := "in none of the snapshots"
		switch {
		case m.division.count > 0 && !m.division.held[shard]:
			where = fmt.Sprintf("missing because no snapshot is that of shard %d/%d", shard, m.division.count)
		case m.division.count > 0:
			where = fmt.Sprintf("in none of the snapshots, though that of shard %d/%d, to which they belong, is there", shard, m.division.count)
		}
		all = append(all, fmt.Sprintf("%s of the list could not be decided: names are %s, such as %s; --only lookup-failed lists all (not-in-snapshot)",
			counted(l.domains, "domain"), where, orSo(l.names)))
	}
	return all
}

package snapshot

import "caascan/scan/domain"

// Store keeps one Observation per name for a run; nothing is ever evicted. It is
// the cache of the lookups and what reports are made from. The zero Store is
// empty and ready. It is not safe for concurrent writing.
type Store struct {
	byName map[domain.Name]*Observation
}

// Put keeps o, in place of an earlier Observation of the same name.
func (s *Store) Put(o Observation) {
	if s.byName == nil {
		s.byName = make(map[domain.Name]*Observation)
	}
	s.byName[o.Name] = &o
}

// Find returns the Observation of name, or nil. It must not be changed.
func (s *Store) Find(name domain.Name) *Observation { return s.byName[name] }

// Len returns the number of names kept.
func (s *Store) Len() int { return len(s.byName) }

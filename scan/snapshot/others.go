package snapshot

import (
	"iter"

	"caascan/scan/domain"
)

// PutOther keeps an Observation beside the one of its name, which a Union has found to say
// something else.
func (s *Store) PutOther(o Observation) {
	if s.others == nil {
		s.others = make(map[domain.Name][]Observation)
	}
	s.others[o.Name] = append(s.others[o.Name], o)
}

// Others returns what was kept beside the Observation of a name; nil of nearly all. It must
// not be changed.
func (s *Store) Others(name domain.Name) []Observation { return s.others[name] }

// Differs reports whether any name from name on up has Others.
func (s *Store) Differs(name domain.Name) bool {
	if len(s.others) == 0 {
		return false // nearly always
	}
	for at := range name.Climb() {
		if len(s.others[at]) > 0 {
			return true
		}
	}
	return false
}

// dropOthers takes away what was kept beside the Observation of a name.
func (s *Store) dropOthers(name domain.Name) { delete(s.others, name) }

// Change replaces every Observation, the Others too, by what change makes of it. The name
// must stay.
func (s *Store) Change(change func(Observation) Observation) {
	for o := range s.All() {
		s.Put(change(o))
	}
	for _, list := range s.others {
		for i := range list {
			list[i] = change(list[i])
		}
	}
}

// All yields every Observation but the Others, in the order in which their names came. Put of
// the one yielded last is allowed meanwhile.
func (s *Store) All() iter.Seq[Observation] {
	return func(yield func(Observation) bool) {
		for place := range s.Places() {
			name := s.NameAt(place)
			if at, found := s.Place(name); !found || at != place {
				continue // it was dropped
			}
			if o, _ := s.Find(name); !yield(o) {
				return
			}
		}
	}
}

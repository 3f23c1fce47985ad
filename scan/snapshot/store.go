package snapshot

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"time"

	"caascan/scan/caa"
	"caascan/scan/domain"
)

// Store keeps one Observation per name for a run; nothing is ever evicted. It is
// the cache of the lookups and what reports are made from. The zero Store is
// empty and ready. It is not safe for concurrent writing.
//
// Nearly all answers are empty and differ in name, time and TTL only, and the
// others repeat few RRsets; so it keeps what they share once.
type Store struct {
	byName map[domain.Name]entry

	hows   []how
	howOf  map[how]uint32
	recent uint32           // index of the how that was put last
	sets   map[string]*rest // by the RDATA of the properties
	key    []byte           // of sets, to be used again

	others map[domain.Name][]Observation // see Others
}

// entry is an Observation without its name.
type entry struct {
	at   int64 // in nanoseconds of Unix time; 0: see rest
	ttl  uint32
	how  uint32 // index in hows
	rest *rest  // nil of nearly all; shared, and never changed
}

// how is what the answers of one server have in common.
type how struct {
	rcode         uint16
	ad, validated bool
	server        string
	transport     Transport
	attempts      int
}

// rest is what most answers do not have.
type rest struct {
	aliases    []string
	records    caa.RRset
	atName     bool // the owner of records is the name, and not in records
	ede        []EDE
	failure    Failure
	asked      string
	mark       Mark
	doubted    *Observation
	proofs     []Proof
	recordsTTL uint32
	at         time.Time // where nanoseconds from 1970 cannot tell it; else zero
}

// Put keeps o, in place of an earlier Observation of the same name. What o refers
// to must not be changed any more.
func (s *Store) Put(o Observation) {
	if s.byName == nil {
		s.byName = make(map[domain.Name]entry)
		s.howOf = make(map[how]uint32)
		s.sets = make(map[string]*rest)
	}
	e := entry{at: nanoseconds(o.Time), ttl: o.TTL}
	e.how = s.indexOf(how{o.RCode, o.AD, o.Validated, o.Server, o.Transport, o.Attempts})
	e.rest = s.restOf(&o, e.at)
	s.byName[o.Name] = e
}

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

// All yields every Observation but the Others, in no order. Put of the one yielded last is
// allowed meanwhile.
func (s *Store) All() iter.Seq[Observation] {
	return func(yield func(Observation) bool) {
		for name := range s.byName {
			if o, _ := s.Find(name); !yield(o) {
				return
			}
		}
	}
}

// Drop takes away what there is of name.
func (s *Store) Drop(name domain.Name) {
	delete(s.byName, name)
	s.dropOthers(name)
}

// nanoseconds returns a time as nanoseconds from 1970, or 0 where they cannot
// tell it: the zero time, and those before 1678 or after 2262.
func nanoseconds(t time.Time) int64 {
	if at := t.UnixNano(); time.Unix(0, at).Equal(t) {
		return at
	}
	return 0
}

func (s *Store) indexOf(h how) uint32 {
	if len(s.hows) > 0 && s.hows[s.recent] == h {
		return s.recent // nearly always
	}
	at, known := s.howOf[h]
	if !known {
		at = uint32(len(s.hows))
		s.hows = append(s.hows, h)
		s.howOf[h] = at
	}
	s.recent = at
	return at
}

// restOf returns what of o is neither in an entry nor in a how: nil, or one shared
// by all names with the same records and nothing else, or one of its own.
func (s *Store) restOf(o *Observation, at int64) *rest {
	plain := at != 0 || o.Time.IsZero()
	plain = plain && o.RecordsTTL == 0
	plain = plain && o.Failure == "" && o.Asked == "" && len(o.Aliases) == 0 && len(o.EDE) == 0 && len(o.Proofs) == 0
	if plain && len(o.Records.Properties) == 0 && o.Records.Owner == "" {
		return nil
	}
	set := s.set(o.Records.Properties)
	atName := o.Records.Owner == o.Name.String()
	if plain && atName {
		return set
	}
	r := &rest{
		aliases: o.Aliases, records: set.records, atName: atName, ede: o.EDE, failure: o.Failure,
		asked: o.Asked, mark: o.Mark, doubted: o.Doubted, proofs: o.Proofs, recordsTTL: o.RecordsTTL,
	}
	if !atName {
		r.records.Owner = o.Records.Owner
	}
	if at == 0 {
		r.at = o.Time
	}
	return r
}

// set returns the rest of those that have these properties at their own name and
// nothing else.
func (s *Store) set(properties []caa.Property) *rest {
	s.key = s.key[:0]
	for _, p := range properties {
		s.key = binary.AppendUvarint(s.key, uint64(len(p.RDATA())))
		s.key = append(s.key, p.RDATA()...)
	}
	set := s.sets[string(s.key)]
	if set == nil {
		set = &rest{records: caa.RRset{Properties: properties}, atName: true}
		s.sets[string(s.key)] = set
	}
	return set
}

// Find returns the Observation of name, and whether there is one. What it refers
// to is shared and must not be changed.
func (s *Store) Find(name domain.Name) (Observation, bool) {
	e, found := s.byName[name]
	if !found {
		return Observation{}, false
	}
	h := &s.hows[e.how]
	o := Observation{
		Name: name, RCode: h.rcode, TTL: e.ttl, AD: h.ad, Validated: h.validated,
		Server: h.server, Transport: h.transport, Attempts: h.attempts,
	}
	if e.at != 0 {
		o.Time = time.Unix(0, e.at).UTC()
	}
	e.rest.fill(&o)
	return o, true
}

func (r *rest) fill(o *Observation) {
	if r == nil {
		return
	}
	o.Aliases, o.Records, o.EDE, o.Failure, o.Asked, o.Proofs = r.aliases, r.records, r.ede, r.failure, r.asked, r.proofs
	o.RecordsTTL, o.Mark, o.Doubted = r.recordsTTL, r.mark, r.doubted
	if r.atName {
		o.Records.Owner = o.Name.String()
	}
	if !r.at.IsZero() {
		o.Time = r.at
	}
}

// From returns the names that a server has answered for since a time, without the AD bit
// and without failure, sorted.
func (s *Store) From(server string, since time.Time) []domain.Name {
	var names []domain.Name
	for name, e := range s.byName {
		h := &s.hows[e.how]
		if h.server != server || h.ad || h.transport == Overlay {
			continue
		}
		if o, _ := s.Find(name); o.Failure == "" && !o.Time.Before(since) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b domain.Name) int { return strings.Compare(a.String(), b.String()) })
	return names
}

// Climb returns the answers from name on up to the one that ends the climb (RFC 8659,
// section 3), or to the top-level domain. Where there is none it is a NotInSnapshot, which
// ends it too.
func (s *Store) Climb(name domain.Name) []Observation { return s.AppendClimb(nil, name) }

// AppendClimb is Climb, and appends to steps.
func (s *Store) AppendClimb(steps []Observation, name domain.Name) []Observation {
	for at := range name.Climb() {
		o, found := s.Find(at)
		if !found {
			o = Observation{Name: at, Failure: NotInSnapshot}
		}
		steps = append(steps, o)
		if o.EndsClimb() {
			break
		}
	}
	return steps
}

// EndsClimb is Observation.EndsClimb of name's Observation, without making it,
// and reports whether there is one.
func (s *Store) EndsClimb(name domain.Name) (ends, found bool) {
	e, found := s.byName[name]
	return e.rest != nil && (e.rest.failure != "" || len(e.rest.records.Properties) > 0), found
}

// Len returns the number of names kept.
func (s *Store) Len() int { return len(s.byName) }

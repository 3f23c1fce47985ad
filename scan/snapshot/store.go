package snapshot

import (
	"hash/maphash"
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
// others repeat few RRsets; so it keeps what they share once, and packs the rest.
type Store struct {
	places  map[domain.Name]uint32
	entries [][]entry // by place, in blocks that are never moved

	hows    []how
	howOf   map[how]uint32
	recent  uint32           // index of the how that was put last
	sets    map[uint64]*rest // of nothing but properties, by a hash of these
	seed    maphash.Seed
	packer  packer
	words   words
	doubted map[domain.Name]*Observation  // of few
	others  map[domain.Name][]Observation // see Others; of few
}

// mostSets is how many sets are looked for to share them: those that many names have are
// met early, and to remember one that a single name has takes as much as the set.
const mostSets = 1 << 14

// blockSize is how many entries a block has.
const blockSize = 1 << 10

// entry is an Observation.
type entry struct {
	name domain.Name
	at   int64 // in nanoseconds of Unix time; 0: see rest
	ttl  uint32
	how  uint32 // index in hows
	rest *rest  // nil of nearly all; may be shared, and is never changed
}

// how is what the answers of one server have in common.
type how struct {
	rcode         uint16
	ad, validated bool
	own           DNSSEC
	server        string
	transport     Transport
	attempts      int
}

// Put keeps o, in place of an earlier Observation of the same name. What o refers
// to must not be changed any more.
func (s *Store) Put(o Observation) {
	if s.places == nil {
		s.places = make(map[domain.Name]uint32)
		s.howOf = make(map[how]uint32)
		s.sets, s.seed = make(map[uint64]*rest), maphash.MakeSeed()
		s.packer.words = &s.words
	}
	e := entry{name: o.Name, at: nanoseconds(o.Time), ttl: o.TTL}
	e.how = s.indexOf(how{o.RCode, o.AD, o.Validated, o.Own, o.Server, o.Transport, o.Attempts})
	e.rest = s.restOf(&o, e.at)
	s.putDoubted(&o)
	place, again := s.places[o.Name]
	if again {
		e.name = s.entry(place).name
		*s.entry(place) = e
		return
	}
	s.places[o.Name] = s.append(e)
}

// append returns the place of a new entry.
func (s *Store) append(e entry) uint32 {
	if last := len(s.entries) - 1; last < 0 || len(s.entries[last]) == blockSize {
		s.entries = append(s.entries, make([]entry, 0, blockSize))
	}
	last := len(s.entries) - 1
	s.entries[last] = append(s.entries[last], e)
	return uint32(last*blockSize + len(s.entries[last]) - 1)
}

func (s *Store) entry(place uint32) *entry { return &s.entries[place/blockSize][place%blockSize] }

// Drop takes away what there is of name.
func (s *Store) Drop(name domain.Name) {
	delete(s.places, name)
	s.dropOthers(name)
}

// Place returns the place of the Observation of name, from 0, and whether there is one. It
// stays the same, and no other name has it, as long as there is one.
func (s *Store) Place(name domain.Name) (place int, found bool) {
	at, found := s.places[name]
	return int(at), found
}

// NameAt returns the name whose Observation is at a place.
func (s *Store) NameAt(place int) domain.Name { return s.entry(uint32(place)).name }

// Places returns how many places there are, more than Len if some were taken away.
func (s *Store) Places() int {
	if len(s.entries) == 0 {
		return 0
	}
	last := len(s.entries) - 1
	return last*blockSize + len(s.entries[last])
}

// nanoseconds returns a time as nanoseconds from 1970, or 0 if they cannot
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
	plain = plain && o.RecordsTTL == 0 && o.Flaw == nil && o.Expires.IsZero()
	plain = plain && o.Failure == "" && o.Asked == "" && o.Mark == "" && o.Doubted == nil
	plain = plain && len(o.Aliases) == 0 && len(o.EDE) == 0 && len(o.Proofs) == 0
	if plain && len(o.Records.Properties) == 0 && o.Records.Owner == "" {
		return nil
	}
	shared := s.shared(o.Records.Properties)
	if plain && o.Records.Owner == o.Name.String() {
		return shared
	}
	s.packer.at = at
	return &rest{set: shared.set, more: s.packer.pack(o)}
}

// shared returns the rest of those that have these properties at their own name and
// nothing else. Of two sets with the same hash, which is improbable, one is not shared.
func (s *Store) shared(properties []caa.Property) *rest {
	if len(properties) == 0 {
		return &rest{}
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, p := range properties {
		maphash.WriteComparable(&h, p)
	}
	key := h.Sum64()
	known := s.sets[key]
	if slices.Equal(known.properties(), properties) {
		return known
	}
	fresh := &rest{set: &set{properties}}
	if known == nil && len(s.sets) < mostSets {
		s.sets[key] = fresh
	}
	return fresh
}

// putDoubted keeps the answer that o doubts, in place of one of before.
func (s *Store) putDoubted(o *Observation) {
	if o.Doubted == nil {
		delete(s.doubted, o.Name)
		return
	}
	if s.doubted == nil {
		s.doubted = make(map[domain.Name]*Observation)
	}
	s.doubted[o.Name] = o.Doubted
}

// Find returns the Observation of name, and whether there is one. What it refers
// to is shared and must not be changed.
func (s *Store) Find(name domain.Name) (Observation, bool) {
	place, found := s.places[name]
	if !found {
		return Observation{}, false
	}
	e := s.entry(place)
	h := &s.hows[e.how]
	o := Observation{
		Name: name, RCode: h.rcode, TTL: e.ttl, AD: h.ad, Validated: h.validated, Own: h.own,
		Server: h.server, Transport: h.transport, Attempts: h.attempts,
	}
	if e.at != 0 {
		o.Time = time.Unix(0, e.at).UTC()
	}
	s.fill(&o, e)
	return o, true
}

func (s *Store) fill(o *Observation, e *entry) {
	r := e.rest
	if r == nil {
		return
	}
	o.Records.Properties = r.properties()
	if r.more == "" {
		o.Records.Owner = o.Name.String()
		return
	}
	u := unpacker{words: &s.words, at: e.at, in: r.more}
	u.unpack(o)
	o.Doubted = s.doubted[o.Name]
}

// From returns the names that a server has answered for since a time, without the AD bit
// and without failure, sorted.
func (s *Store) From(server string, since time.Time) []domain.Name {
	var names []domain.Name
	for name, place := range s.places {
		h := &s.hows[s.entry(place).how]
		if h.server != server || h.ad || h.own != "" || h.transport == Overlay {
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
// section 3), or to the top-level domain. If there is none it is a NotInSnapshot, which
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
	place, found := s.places[name]
	if !found {
		return false, false
	}
	r := s.entry(place).rest
	return r != nil && (r.set != nil || r.more != "" && r.more[0]&failed != 0), true
}

// Len returns the number of names kept.
func (s *Store) Len() int { return len(s.places) }

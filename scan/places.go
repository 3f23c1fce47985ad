package scan

import (
	"cmp"
	"context"
	"encoding/binary"
	"iter"
	"slices"
	"strings"

	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// Places compares what a Scanner says of domains with what was seen of them from other
// places. It takes four octets for each domain and place, and what the places have seen
// otherwise, each content once. A Places is for one goroutine.
type Places struct {
	rule         CorroborationRule
	perspectives []Perspective
	seen         [][]uint32 // of each perspective, by the Number of a domain: see the constants
	alike        *Sighting
	sightings    []*Sighting
	at           map[string]uint32 // the place of each among sightings, by its content
	results      map[string]*Placed
	key          []byte   // to be used again
	sights       []Sight  // likewise
	names        []string // likewise
}

// What stands in Places.seen: nothing of the domain, an answer that is the same as here, or
// from otherwise on the place of a Sighting.
const (
	notAsked = iota
	alike
	otherwise
)

// Sighting is what was seen of a domain from one place.
type Sighting struct {
	Alike     bool     // as it was seen here; then nothing else is set
	Reasons   []Reason // for each CA
	OnFailure OnFailure
	Records   []caa.Property
}

// Corroboration is what other places make of the decision for one CA.
type Corroboration struct {
	Corroborated Corroborated
	By           string // the names of the perspectives that corroborate it, with spaces between them
}

// Placed is what other places say of a domain. It is shared and must not be changed.
type Placed struct {
	// Corroborations has one for each CA, in the order of Config.Issuers.
	Corroborations []Corroboration
	// Seen is what each place has seen, in the order of the perspectives, nil if the domain
	// was not asked there. It is there only if an answer differs from place to place, or if
	// too few of the places corroborate a decision.
	Seen []*Sighting
}

// NewPlaces compares by a rule.
func NewPlaces(rule CorroborationRule) *Places {
	return &Places{rule: rule, alike: &Sighting{Alike: true}, at: make(map[string]uint32), results: make(map[string]*Placed)}
}

// Compare takes in what was seen from a further perspective: there joins the rows with the
// answers of that place, and here with those of this one. The error is that of the rows or of
// ctx.
func (p *Places) Compare(ctx context.Context, perspective Perspective, here, there *Scanner, rows iter.Seq2[Row, error]) error {
	last := len(p.perspectives)
	p.perspectives = append(p.perspectives, perspective)
	p.seen = append(p.seen, nil)
	for row, err := range rows {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		name := row.target().Domain
		if name.IsZero() {
			continue
		}
		v := here.Verdict(name)
		if v.Number == len(p.seen[last])+1 { // else it has been met already
			p.seen[last] = append(p.seen[last], p.placeOf(v.Outcome, there.Verdict(name).Outcome))
		}
	}
	return nil
}

func (p *Places) placeOf(here, there *Outcome) uint32 {
	if len(there.Decisions) > 0 && there.Decisions[0].Reason == Reason(snapshot.NotInSnapshot) {
		return notAsked
	}
	if !there.has(LookupFailed) && sameAnswer(here, there) {
		return alike
	}
	s := sightingOf(there)
	p.key = s.appendKey(p.key[:0])
	at, known := p.at[string(p.key)]
	if !known {
		at = uint32(len(p.sightings))
		p.sightings = append(p.sightings, s)
		p.at[string(p.key)] = at
	}
	return otherwise + at
}

// sameAnswer reports whether two outcomes have the same reasons for all CAs, and the same
// records.
func sameAnswer(a, b *Outcome) bool {
	return slices.EqualFunc(a.Decisions, b.Decisions, func(x, y Decision) bool { return x.Reason == y.Reason }) &&
		snapshot.SameRecords(a.Records.Properties, b.Records.Properties)
}

func sightingOf(o *Outcome) *Sighting {
	s := &Sighting{OnFailure: o.OnFailure, Records: o.Records.Properties}
	for _, d := range o.Decisions {
		s.Reasons = append(s.Reasons, d.Reason)
	}
	return s
}

// appendKey appends what tells sightings apart.
func (s *Sighting) appendKey(key []byte) []byte {
	for _, reason := range s.Reasons {
		key = append(append(key, reason...), 0)
	}
	key = append(append(key, s.OnFailure...), 0)
	for _, p := range s.Records {
		key = binary.AppendUvarint(key, uint64(len(p.RDATA())))
		key = append(key, p.RDATA()...)
	}
	return key
}

// Of returns what the places say of a domain; nil of a verdict without one, which nobody can
// have seen.
func (p *Places) Of(v Verdict) *Placed {
	if v.Number == 0 {
		return nil
	}
	p.key = p.key[:0]
	for _, d := range v.Decisions {
		p.key = append(append(p.key, d.Status...), 0)
	}
	p.key = append(append(append(append(p.key, v.OnFailure...), 0), v.DNSSEC...), 0)
	for k := range p.perspectives {
		p.key = binary.LittleEndian.AppendUint32(p.key, p.place(k, v.Number))
	}
	placed := p.results[string(p.key)]
	if placed == nil {
		placed = p.placed(v)
		p.results[string(p.key)] = placed
	}
	return placed
}

func (p *Places) place(perspective, number int) uint32 {
	if number > len(p.seen[perspective]) {
		return notAsked
	}
	return p.seen[perspective][number-1]
}

func (p *Places) placed(v Verdict) *Placed {
	placed := new(Placed)
	show := p.differs(v)
	for ca := range v.Decisions {
		c := p.corroboration(v, ca)
		placed.Corroborations = append(placed.Corroborations, c)
		show = show || c.Corroborated == CorroboratedNo
	}
	if !show {
		return placed
	}
	for k := range p.perspectives {
		var s *Sighting
		switch at := p.place(k, v.Number); at {
		case notAsked:
		case alike:
			s = p.alike
		default:
			s = p.sightings[at-otherwise]
		}
		placed.Seen = append(placed.Seen, s)
	}
	return placed
}

// differs reports whether an answer was seen somewhere that is not the one here. A place where
// the lookup failed has none.
func (p *Places) differs(v Verdict) bool {
	for k := range p.perspectives {
		at := p.place(k, v.Number)
		if at >= otherwise && !p.sightings[at-otherwise].failed() {
			return true
		}
	}
	return false
}

func (s *Sighting) failed() bool { return len(s.Reasons) > 0 && s.Reasons[0].Status() == LookupFailed }

func (p *Places) corroboration(v Verdict, ca int) Corroboration {
	p.sights, p.names = p.sights[:0], p.names[:0]
	for k, perspective := range p.perspectives {
		sight := p.sight(k, v, ca)
		p.sights = append(p.sights, sight)
		if p.rule.Corroborates(sight) {
			p.names = append(p.names, perspective.Name)
		}
	}
	primary := sightFor(v.Decisions[ca].Status, v.OnFailure)
	c := Corroboration{Corroborated: p.rule.Decide(primary, p.perspectives, p.sights)}
	if c.Corroborated != CorroboratedNotApplicable {
		c.By = strings.Join(p.names, " ")
	}
	return c
}

// sight is what was seen from a perspective for a CA. A failure is none that may be accepted
// if the answer here is signed: what makes it acceptable is that nothing is (SBR 4.2.2.1).
func (p *Places) sight(perspective int, v Verdict, ca int) Sight {
	switch at := p.place(perspective, v.Number); at {
	case notAsked:
		return SightNone
	case alike:
		return sightFor(v.Decisions[ca].Status, v.OnFailure)
	default:
		s := p.sightings[at-otherwise]
		sight := sightFor(s.Reasons[ca].Status(), s.OnFailure)
		if sight == SightMayIssue && v.DNSSEC == snapshot.Secure {
			return SightForbids
		}
		return sight
	}
}

func sightFor(status Status, failed OnFailure) Sight {
	switch {
	case status == Permitted:
		return SightPermits
	case status == LookupFailed && failed == OnFailureMayIssue:
		return SightMayIssue
	}
	return SightForbids
}

package zone

import (
	"fmt"

	"github.com/miekg/dns"
)

// Set is zones that answer together: the deepest one serves a name. It never
// changes and is safe for concurrent use.
type Set struct{ zones map[name]*Zone }

// NewSet returns the Set of these zones. Two of one name are an error.
func NewSet(zones ...*Zone) (*Set, error) {
	s := &Set{zones: make(map[name]*Zone, len(zones))}
	for _, z := range zones {
		if other := s.zones[z.apex]; other != nil {
			return nil, fmt.Errorf("zone %s is in two files, %s and %s; give one of them", quote(z.Apex()), other.file, z.file)
		}
		s.zones[z.apex] = z
	}
	return s, nil
}

// serving returns the zone that answers for a name, or nil. DS is on the
// parent's side of a cut and is asked there (RFC 4035, section 3.1.4.1).
func (s *Set) serving(n name, typ uint16) *Zone {
	if typ == dns.TypeDS && n != root {
		if z := s.deepest(n.parent()); z != nil {
			return z
		}
	}
	return s.deepest(n)
}

func (s *Set) deepest(n name) *Zone {
	for {
		if z := s.zones[n]; z != nil || n == root {
			return z
		}
		n = n.parent()
	}
}

// Kind says whether an Answer rests on the zones. The set is closed.
type Kind string

// The kinds.
const (
	// Authoritative is an answer, positive or negative, or an alias that leads
	// out of its zone.
	Authoritative Kind = "authoritative"
	// Referral says that the name is at or below a zone cut whose child is not
	// loaded: nothing is known of it.
	Referral Kind = "referral"
	// OutOfZone says that the name is in none of the zones.
	OutOfZone Kind = "out-of-zone"
)

// Answer is the reply to a query.
type Answer struct {
	Kind Kind
	Zone *Zone // that serves the question's name; nil for OutOfZone
	// Wire is the reply message: complete up to 65,535 octets and truncated
	// beyond, with TC set and no records. Its OPT record, in replies to queries
	// with one, is its last 11 octets.
	Wire []byte
}

// Answer answers a DNS query, both in wire form, as an authoritative server: AA
// is set but on referrals, aliases are followed inside one zone only, and a name
// in none of the zones is REFUSED. The question comes back in the octets sent.
// The error says that query is no DNS query with one question.
func (s *Set) Answer(query []byte) (Answer, error) {
	r, err := s.begin(query)
	if err != nil {
		return Answer{}, err
	}
	if r.zone == nil {
		return Answer{OutOfZone, nil, r.message.finish(0, dns.RcodeRefused)}, nil
	}
	served := r.zone
	r.inside = served
	if r.run() == ranIntoCut && len(r.aliases) == 0 {
		return Answer{Referral, served, r.message.finish(0, dns.RcodeSuccess)}, nil
	}
	return Answer{Authoritative, served, r.message.finish(flagAA, r.rcode)}, nil
}

// Resolve answers a DNS query as a recursive resolver that knows nothing but
// these zones: RA is set, aliases are followed from zone to zone, and if they
// or the question lead to a zone cut, or aliases out of all zones, the answer is
// SERVFAIL. Its Kind says where they led. A name in none of the zones is REFUSED.
// The error is that of Answer.
func (s *Set) Resolve(query []byte) (Answer, error) {
	r, err := s.begin(query)
	if err != nil {
		return Answer{}, err
	}
	if r.zone == nil {
		return Answer{OutOfZone, nil, r.message.finish(flagRA, dns.RcodeRefused)}, nil
	}
	served := r.zone
	kind := Authoritative
	switch r.run() {
	case ranToEnd:
		return Answer{kind, served, r.message.finish(flagRA, r.rcode)}, nil
	case ranIntoCut:
		kind = Referral
	case ranOut:
		kind = OutOfZone
	}
	r.message.clear()
	return Answer{kind, served, r.message.finish(flagRA, dns.RcodeServerFailure)}, nil
}

// begin reads the query. The reply's zone is nil if none serves the name.
func (s *Set) begin(octets []byte) (*reply, error) {
	q, err := parseQuery(octets)
	if err != nil {
		return nil, fmt.Errorf("answer from zone files: %w", err)
	}
	r := &reply{set: s, query: q, message: newMessage(q)}
	if q.class == dns.ClassINET {
		r.zone = s.serving(q.name, q.typ)
	}
	return r, nil
}

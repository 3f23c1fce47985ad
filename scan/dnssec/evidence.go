package dnssec

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// RRsets returns what validation rests on of a reply, an RRset each with the signatures over
// it: records in wire form, one after the other, without compression and with a TTL of 0. What
// no Verdict depends on is left out. NewReply puts them together again.
func (r *Reply) RRsets() []string {
	var list []string
	take := func(section []*rrset, counts func(kind uint16) bool) {
		for _, s := range section {
			if len(s.records) == 0 || !counts(s.kind) {
				continue
			}
			if octets, err := s.pack(); err == nil { // always, of what was read from octets
				list = append(list, string(octets))
			}
		}
	}
	take(r.answer, answers)
	take(r.authority, denies)
	return list
}

// answers reports whether records of a type are looked for in the answer section.
func answers(kind uint16) bool {
	return slices.Contains([]uint16{dns.TypeCAA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeDS, dns.TypeDNSKEY}, kind)
}

// denies reports whether records of a type are those of a denial, in the authority section.
func denies(kind uint16) bool { return kind == dns.TypeNSEC || kind == dns.TypeNSEC3 }

// pack returns the octets of an RRset.
func (s *rrset) pack() ([]byte, error) {
	var octets []byte
	all := slices.Clone(s.records)
	for _, signature := range s.signatures {
		all = append(all, signature)
	}
	for _, rr := range all {
		buffer := make([]byte, dns.Len(rr)+1)
		end, err := dns.PackRR(rr, buffer, 0, nil, false)
		if err != nil {
			return nil, err
		}
		octets = append(octets, buffer[:end]...)
	}
	return octets, nil
}

// maxOctets is how many the RRsets of a reply may have: twice those of the longest message (RFC
// 1035, section 4.2.2), in which names are shorter.
const maxOctets = 128 << 10

// NewReply puts a reply together from RRsets as Reply.RRsets returns them: denials are those
// of the authority section, and all others are answers. The error says of which that somebody
// may have written are none. All have the same TTL.
func NewReply(sets []string, ttl uint32) (*Reply, error) {
	r, left := new(Reply), maxOctets
	for _, octets := range sets {
		if left -= len(octets); left < 0 {
			return nil, fmt.Errorf("%w: more than %d octets", errMessage, maxOctets)
		}
		s, err := ParseRRset(octets)
		if err != nil {
			return nil, err
		}
		s.set.ttl = ttl
		section := &r.answer
		if denies(s.set.kind) {
			section = &r.authority
		}
		if len(*section) == maxRRsets || find(*section, s.set.owner, s.set.kind) != nil {
			return nil, fmt.Errorf("%w: more than %d RRsets, or one of them twice", errMessage, maxRRsets)
		}
		*section = append(*section, s.set)
	}
	return r, nil
}

// RRset is one RRset and the signatures over it.
type RRset struct{ set *rrset }

// ParseRRset reads an RRset as Reply.RRsets returns it.
func ParseRRset(octets string) (RRset, error) {
	var sets []*rrset
	message := []byte(octets)
	for at := 0; at < len(message); {
		rr, end, err := dns.UnpackRR(message, at)
		if err == nil {
			rr, err = opaque(rr, message, at, end)
		}
		if err != nil {
			return RRset{}, fmt.Errorf("%w: %w", errMessage, err)
		}
		if at = end; rr.Header().Class != dns.ClassINET {
			return RRset{}, fmt.Errorf("%w: a record of class %d", errMessage, rr.Header().Class)
		}
		rr.Header().Ttl = 0
		if sets, err = add(sets, rr, 0); err != nil {
			return RRset{}, err
		}
	}
	if len(sets) != 1 || len(sets[0].records) == 0 {
		return RRset{}, fmt.Errorf("%w: %d RRsets where one belongs", errMessage, len(sets))
	}
	return RRset{sets[0]}, nil
}

// Records returns the records, and Signatures the signatures over them. Nobody may change
// them. A CAA record is a dns.RFC3597, which has its octets as they came.
func (s RRset) Records() []dns.RR { return s.set.records }

// Signatures is described at Records.
func (s RRset) Signatures() []*dns.RRSIG { return s.set.signatures }

// Records returns the records of an owner and type in the answer, nil if there are none.
func (r *Reply) Records(owner string, kind uint16) []dns.RR {
	if s := findRecords(r.answer, owner, kind); s != nil {
		return s.records
	}
	return nil
}

package dnssec

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// Reply is a DNS message, by its RRsets.
type Reply struct {
	RCode             int // without the upper bits of EDNS
	answer, authority []*rrset
}

// rrset is the records of one owner and type, and the signatures over them.
type rrset struct {
	owner      string
	kind       uint16
	records    []dns.RR
	signatures []*dns.RRSIG
	ttl        uint32 // the least of all, as received
}

// errMessage says that octets are no message, or one that no honest server sends.
var errMessage = errors.New("malformed reply")

// The most RRsets a section may have, and the most signatures one of them. An honest answer
// has one for each of 16 aliases, and three and a SOA record for a denial.
const (
	maxRRsets     = 64
	maxSignatures = 16
)

// Parse reads a message. Records of other classes than IN are left out.
func Parse(message []byte) (*Reply, error) {
	const header, fixed = 12, 4 // RFC 1035, sections 4.1.1 and 4.1.2
	if len(message) < header {
		return nil, errMessage
	}
	r := &Reply{RCode: int(message[3] & 0xf)}
	at := header
	for range binary.BigEndian.Uint16(message[4:]) {
		_, end, err := dns.UnpackDomainName(message, at)
		if err != nil {
			return nil, fmt.Errorf("%w: question: %w", errMessage, err)
		}
		at = end + fixed
	}
	for i, section := range [...]*[]*rrset{&r.answer, &r.authority} {
		var err error
		if *section, at, err = parseSection(message, at, binary.BigEndian.Uint16(message[6+2*i:])); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func parseSection(message []byte, at int, count uint16) ([]*rrset, int, error) {
	var sets []*rrset
	for range count {
		rr, end, err := dns.UnpackRR(message, at)
		if err == nil {
			rr, err = opaque(rr, message, at, end)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", errMessage, err)
		}
		if at = end; rr.Header().Class != dns.ClassINET {
			continue
		}
		ttl := rr.Header().Ttl
		rr.Header().Ttl = 0 // which is not signed, and differs from cache to cache
		if sets, err = add(sets, rr, ttl); err != nil {
			return nil, 0, err
		}
	}
	return sets, at, nil
}

// opaque keeps the RDATA of a CAA record as it came: made into text and back a backslash
// would be lost, and the signature over it would not match.
func opaque(rr dns.RR, message []byte, at, end int) (dns.RR, error) {
	if rr.Header().Rrtype != dns.TypeCAA {
		return rr, nil
	}
	_, start, err := dns.UnpackDomainName(message, at)
	if err != nil {
		return nil, err
	}
	const fixed = 10 // RFC 1035, section 4.1.3
	h := *rr.Header()
	return &dns.RFC3597{Hdr: h, Rdata: hex.EncodeToString(message[start+fixed : end])}, nil
}

// add puts a record into its RRset, a signature into that of what it signs.
func add(sets []*rrset, rr dns.RR, ttl uint32) ([]*rrset, error) {
	owner, kind := Canonical(rr.Header().Name), rr.Header().Rrtype
	rr.Header().Name = owner // Verify wants one spelling, and capitals are not signed (RFC 4034, section 6.2)
	signature, signs := rr.(*dns.RRSIG)
	if signs {
		kind = signature.TypeCovered
	}
	s := find(sets, owner, kind)
	if s == nil {
		if len(sets) == maxRRsets {
			return nil, fmt.Errorf("%w: more than %d RRsets", errMessage, maxRRsets)
		}
		s = &rrset{owner: owner, kind: kind, ttl: ttl}
		sets = append(sets, s)
	}
	s.ttl = min(s.ttl, ttl)
	switch {
	case !signs && len(s.records) == 1 && dns.IsDuplicate(s.records[0], rr): // RFC 2181, section 5.5
	case !signs:
		s.records = append(s.records, rr)
	case len(s.signatures) == maxSignatures:
		return nil, fmt.Errorf("%w: more than %d signatures over one RRset", errMessage, maxSignatures)
	default:
		s.signatures = append(s.signatures, signature)
	}
	return sets, nil
}

func find(sets []*rrset, owner string, kind uint16) *rrset {
	for _, s := range sets {
		if s.kind == kind && s.owner == owner {
			return s
		}
	}
	return nil
}

// findRecords is find, for an RRset that has records and not signatures alone.
func findRecords(sets []*rrset, owner string, kind uint16) *rrset {
	if s := find(sets, owner, kind); s != nil && len(s.records) > 0 {
		return s
	}
	return nil
}

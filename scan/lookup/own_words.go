package lookup

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/snapshot"
)

// SignedSet says of an RRset that a proof rests on what it is and who has signed it.
type SignedSet struct {
	Owner string `json:"owner"` // spelt like snapshot.Observation.Owner
	Type  string `json:"type"`
	// Denies says of an NSEC or NSEC3 record what it denies, for people; else it is empty.
	Denies     string      `json:"denies,omitempty"`
	Signatures []Signature `json:"signatures,omitempty"`
}

// Signature is one over an RRset.
type Signature struct {
	Zone       string    `json:"zone"` // whose key has made it
	KeyTag     uint16    `json:"key_tag"`
	Algorithm  uint8     `json:"algorithm"`
	Inception  time.Time `json:"inception"`
	Expiration time.Time `json:"expiration"`
}

// DescribeSigned says what is in the RRsets of a snapshot.Signed, but for what is no RRset.
func DescribeSigned(signed snapshot.Signed) []SignedSet {
	var list []SignedSet
	for _, octets := range signed.RRsets {
		set, err := dnssec.ParseRRset(octets)
		if err != nil {
			continue
		}
		first := set.Records()[0]
		s := SignedSet{Owner: spelling(first.Header().Name), Type: dns.Type(first.Header().Rrtype).String(), Denies: denialWords(first)}
		for _, signature := range set.Signatures() {
			s.Signatures = append(s.Signatures, Signature{
				Zone: spelling(signature.SignerName), KeyTag: signature.KeyTag, Algorithm: signature.Algorithm,
				Inception: dnssec.TimeOf(signature.Inception, signed.Time), Expiration: dnssec.TimeOf(signature.Expiration, signed.Time),
			})
		}
		list = append(list, s)
	}
	return list
}

// String says it in a sentence without a full stop.
func (s SignedSet) String() string {
	words := s.Type + " of " + s.Owner
	if s.Denies != "" {
		words += " (" + s.Denies + ")"
	}
	if len(s.Signatures) == 0 {
		return words + ": without a signature"
	}
	var by []string
	for _, signature := range s.Signatures {
		by = append(by, fmt.Sprintf("by key %d (algorithm %d) of %s from %s to %s", signature.KeyTag, signature.Algorithm, signature.Zone,
			signature.Inception.Format(time.RFC3339), signature.Expiration.Format(time.RFC3339)))
	}
	return words + ": signed " + strings.Join(by, " and ")
}

// denialWords says what an NSEC or NSEC3 record denies, "" for all others.
func denialWords(rr dns.RR) string {
	switch rr := rr.(type) {
	case *dns.NSEC:
		return fmt.Sprintf("it has %s, and no name is between it and %s", typeWords(rr.TypeBitMap), spelling(rr.NextDomain))
	case *dns.NSEC3:
		words := fmt.Sprintf("the name with this hash has %s, and no hash is between it and %s", typeWords(rr.TypeBitMap), strings.ToLower(rr.NextDomain))
		const optOut = 1 // RFC 5155, section 3.1.2.1
		if rr.Flags&optOut != 0 {
			words += " but those of delegations that are not signed"
		}
		return words
	}
	return ""
}

// typeWords lists types.
func typeWords(types []uint16) string {
	var words []string
	for _, kind := range types {
		words = append(words, dns.Type(kind).String())
	}
	if len(words) == 0 {
		return "no records"
	}
	return strings.Join(words, " ")
}

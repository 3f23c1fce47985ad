// Package caa decides whether a CAA RRset permits a CA to issue S/MIME
// certificates (RFC 8659, RFC 9495).
//
// It is pure: it knows no clock, no network and no resolver, and it works on
// RDATA octets, never on zone file text, whose escapes would be taken for the
// value. Finding the relevant RRset is the work of package lookup.
package caa

import "slices"

// Status is the verdict on a set. A failed lookup has no set and so no Status.
type Status string

// The statuses.
const (
	Permitted Status = "permitted"
	Denied    Status = "denied"
)

// Reason says which rule decided. The set is closed.
type Reason string

// The reasons, in the order in which the rules are tried: the first that fits
// decides (RFC 9495, section 4).
const (
	NoCAA              Reason = "no-caa"
	UnknownCritical    Reason = "unknown-critical"
	NoIssuemail        Reason = "no-issuemail"
	IssuerListed       Reason = "issuer-listed"
	IssuerNotListed    Reason = "issuer-not-listed"
	NoIssuer           Reason = "no-issuer"
	MalformedIssuemail Reason = "malformed-issuemail"
)

// Decision is what a set says to one CA.
type Decision struct {
	Status Status
	Reason Reason
	// Property is the first property that carried the decision; zero for NoCAA
	// and NoIssuemail, which rest on what is absent.
	Property Property
}

// RRset is a CAA RRset. The zero RRset is the absence of one.
type RRset struct {
	// Owner is the name that has the records, in lower case without a trailing dot
	// and with the escapes of RFC 1035, section 5.1: at the end of an alias
	// chain it need not be a name that Name could hold.
	Owner      string
	Properties []Property
}

// Has reports whether the set holds a property with a tag, given in lower case.
func (s RRset) Has(tag string) bool {
	return slices.ContainsFunc(s.Properties, func(p Property) bool { return p.Is(tag) })
}

// Decide says whether the relevant RRset s permits issuer to issue S/MIME
// certificates. Which tags it holds besides never matters: a set with only
// issue properties does not restrict mail.
func (s RRset) Decide(issuer Issuer) Decision {
	if len(s.Properties) == 0 {
		return Decision{Status: Permitted, Reason: NoCAA}
	}
	// A critical property we do not know forbids issuance whatever else the set
	// says (RFC 8659, section 4.5).
	if i := slices.IndexFunc(s.Properties, Property.UnknownCritical); i >= 0 {
		return Decision{Denied, UnknownCritical, s.Properties[i]}
	}
	return s.decideIssuemail(issuer)
}

// UnknownCritical reports whether the property forbids every CA to issue, whatever else
// its set says (RFC 8659, section 4.5).
func (p Property) UnknownCritical() bool { return p.Critical() && !p.known() }

// decideIssuemail applies RFC 9495, section 4 to the issuemail properties. The
// best of them decides: one that lists the issuer, then one that lists another,
// then an empty one, then a malformed one.
func (s RRset) decideIssuemail(issuer Issuer) Decision {
	var other, empty, malformed Property
	for _, p := range s.Properties {
		if !p.Is(TagIssuemail) {
			continue
		}
		value, err := ParseValue(p.Value())
		switch {
		case err != nil:
			keepFirst(&malformed, p)
		case value.Issuer == "":
			keepFirst(&empty, p)
		case issuer.Has(value.Issuer):
			return Decision{Permitted, IssuerListed, p}
		default:
			keepFirst(&other, p)
		}
	}
	switch {
	case other != Property{}:
		return Decision{Denied, IssuerNotListed, other}
	case empty != Property{}:
		return Decision{Denied, NoIssuer, empty}
	case malformed != Property{}:
		return Decision{Denied, MalformedIssuemail, malformed}
	}
	return Decision{Status: Permitted, Reason: NoIssuemail}
}

func keepFirst(slot *Property, p Property) {
	if (*slot == Property{}) {
		*slot = p
	}
}

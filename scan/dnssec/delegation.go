package dnssec

import (
	"time"

	"github.com/miekg/dns"
)

// Cut is what the reply to a query for DS records shows of a name. The zero Cut is none.
type Cut int

// The cuts. Only a SignedCut has DS records.
const (
	Unproven     Cut = iota // the Verdict says why
	SignedCut               // a signed zone begins here
	InsecureCut             // a delegation to a zone that is not signed
	OptOutCut               // it may be one that is left out (RFC 5155, section 9.2)
	UncountedCut            // the zone above has too many iterations, and counts as not signed from here on
	NoCut                   // it is in the zone of the name above
	NothingBelow            // it is not there
)

// Delegation is what the reply to a query for the DS records of a name has shown.
type Delegation struct {
	Cut     Cut
	DS      []dns.RR
	Verdict Verdict
	// Weak says that the denial has so many iterations that the strictest resolvers take
	// the zone for unsigned (RFC 9276, section 3.2).
	Weak bool
}

// Delegate reads the reply to a query for the DS records of a name, which is below z, the
// zone that the name above it lies in (RFC 4035, section 5.2).
func Delegate(z *Zone, name string, r *Reply, now time.Time, memory *Memory) Delegation {
	c := newCheck(now, memory)
	if r == nil {
		r = new(Reply)
	}
	if set := findRecords(r.answer, name, dns.TypeDS); set != nil {
		verdict, signature := c.verify(set, z)
		if verdict.State == Secure && int(signature.Labels) != labels(name) { // a delegation is no wildcard's (RFC 4592, section 4.2)
			verdict = bogus(Flaw{Reason: WrongLabels, Zone: z.Name, Owner: name, Type: dns.TypeDS, KeyTag: signature.KeyTag, Algorithm: signature.Algorithm})
		}
		if verdict.State != Secure {
			return Delegation{Verdict: verdict}
		}
		return Delegation{Cut: SignedCut, DS: set.records, Verdict: verdict}
	}
	if verdict, found := c.aliased(z, name, r); found {
		return delegation(NoCut, verdict)
	}
	d := c.readDenial(r.authority, z)
	return d.delegation(d.find(name, dns.TypeDS), name)
}

// delegation is one of a cut, if the Verdict lets it stand.
func delegation(cut Cut, v Verdict) Delegation {
	if v.State == Bogus {
		cut = Unproven
	}
	return Delegation{Cut: cut, Verdict: v}
}

// aliased validates the alias of a name: one that has an alias is no delegation (RFC 1034,
// section 3.6.2), nor is one below a DNAME record.
func (c *check) aliased(z *Zone, name string, r *Reply) (v Verdict, found bool) {
	own := func(string) Trust { return Trust{State: Secure, Zone: z} }
	q := Question{Path: []string{name}, Type: dns.TypeDS, Trust: own}
	for _, s := range r.answer {
		switch {
		case len(s.records) == 0:
		case s.kind == dns.TypeCNAME && s.owner == name && !madeByDNAME(r, name):
			return c.records(q, r, s, name), true
		case s.kind == dns.TypeDNAME && below(s.owner, name) && within(z.Name, s.owner):
			return c.records(q, r, s, s.owner), true
		}
	}
	return Verdict{}, false
}

// madeByDNAME reports whether a DNAME record in the reply is that of a name above.
func madeByDNAME(r *Reply, name string) bool {
	for at := name; at != "."; {
		at = parent(at)
		if findRecords(r.answer, at, dns.TypeDNAME) != nil {
			return true
		}
	}
	return false
}

// delegation makes a Delegation of what was found of DS records.
func (d *denial) delegation(f finding, name string) Delegation {
	found := Delegation{Verdict: d.all, Weak: d.iterations > weakIterations}
	flaw := Flaw{Zone: d.zone.Name, Owner: name, Type: dns.TypeDS}
	switch f {
	case noData:
		found.Cut = NoCut
	case noName:
		found.Cut = NothingBelow
	case delegated:
		flaw.Reason = UnsignedDelegation
		found.Cut, found.Verdict = InsecureCut, insecureBy(d.all, flaw)
	case optedOut:
		flaw.Reason = OptOut
		found.Cut, found.Verdict = OptOutCut, insecureBy(d.all, flaw)
	case uncounted:
		flaw.Reason = TooManyIterations
		found.Cut, found.Verdict = UncountedCut, insecureBy(d.all, flaw)
	case unproven:
		found.Verdict = d.incomplete(name, dns.TypeDS)
	}
	return found
}

package dnssec

import (
	"slices"

	"github.com/miekg/dns"
)

// A resolver that validates has verified the signatures of its replies. What these say is read
// by the same rules here, without verifying them again.

// Validated is Delegate for the reply of a resolver that validates and has set AD: what it says
// is authentic (RFC 4035, section 3.2.3). zone is the signed one that the name above lies in.
// The Verdict is left out.
func Validated(zone, name string, r *Reply) Delegation {
	noName := r.RCode == dns.RcodeNameError
	switch {
	case !noName && findRecords(r.answer, name, dns.TypeDS) != nil:
		return Delegation{Cut: SignedCut}
	case findRecords(r.answer, name, dns.TypeCNAME) != nil:
		// A name with an alias is no delegation (RFC 1034, section 3.6.2); NXDOMAIN would speak
		// of its target (RFC 6604, section 3).
		return Delegation{Cut: NoCut}
	case noName:
		return Delegation{Cut: NothingBelow}
	}
	found := vouched(zone, name, r, func(*rrset) bool { return true })
	if found.Cut == OptOutCut || found.Cut == NothingBelow { // for which AD is clear, or the RCODE another
		return Delegation{}
	}
	return found
}

// LeftOut is Delegate for the reply of a resolver that validates and has left AD clear, as it
// has to if the name may be a delegation that its zone leaves out: an OptOutCut, if NSEC3
// records say so that the zone has signed, or Unproven (RFC 5155, sections 8.6 and 9.2).
func LeftOut(zone, name string, r *Reply) Delegation {
	found := vouched(zone, name, r, func(s *rrset) bool {
		return s.kind == dns.TypeNSEC3 && slices.ContainsFunc(s.signatures, func(signature *dns.RRSIG) bool { return Canonical(signature.SignerName) == zone })
	})
	if found.Cut != OptOutCut {
		return Delegation{}
	}
	return found
}

// vouched reads the denials that count of a reply without an answer.
func vouched(zone, name string, r *Reply, counts func(*rrset) bool) Delegation {
	if len(r.answer) > 0 {
		return Delegation{}
	}
	d := newDenial(nil, &Zone{Name: zone})
	read := 0
	for _, s := range r.authority {
		if !isDenial(s, zone) || !counts(s) {
			continue
		}
		if read++; read > maxDenials {
			return Delegation{}
		}
		made := slices.ContainsFunc(s.signatures, func(signature *dns.RRSIG) bool { return int(signature.Labels) != labels(s.owner) })
		if !made {
			d.take(s)
		}
	}
	found := d.delegation(d.find(name, dns.TypeDS), name)
	return Delegation{Cut: found.Cut, Weak: found.Weak}
}

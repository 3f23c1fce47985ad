package lookup

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// denial is the reply of a validating resolver to a DS query for a name in, or
// right below, a signed zone.
type denial struct {
	m    *dns.Msg
	name string
	zone string
}

// finding says what the reply proves; what does not fit to the letter is Unproven.
func (d denial) finding() snapshot.Finding {
	secure, nxdomain := d.m.AuthenticatedData, d.m.Rcode == dns.RcodeNameError
	switch {
	case secure && nxdomain:
		return snapshot.NothingBelow
	case secure && !nxdomain && d.answers(dns.TypeDS):
		return snapshot.SignedDelegation
	case secure && !nxdomain && d.answers(dns.TypeCNAME):
		return snapshot.NoDelegation // a name with an alias is no delegation (RFC 1034, section 3.6.2)
	case len(d.m.Answer) > 0:
		return snapshot.Unproven
	case secure:
		return d.validatedDenial()
	case d.optOut():
		return snapshot.OptOutDelegation // AD is forbidden here (RFC 5155, section 9.2)
	}
	return snapshot.Unproven
}

// answers reports whether the answer holds a record of a type that the name owns.
func (d denial) answers(kind uint16) bool {
	return slices.ContainsFunc(d.m.Answer, func(rr dns.RR) bool {
		h := rr.Header()
		return h.Rrtype == kind && h.Class == dns.ClassINET && sameName(h.Name, d.name)
	})
}

// validatedDenial reads the types at the name itself: at a delegation that has no DS
// records there is NS, but neither DS nor the SOA of the child's side (RFC 6840,
// section 4.4).
func (d denial) validatedDenial() snapshot.Finding {
	types, found := d.typesAt(d.name)
	has := func(kind uint16) bool { return slices.Contains(types, kind) }
	switch {
	case !found || has(dns.TypeDS):
		return snapshot.Unproven
	case !has(dns.TypeNS):
		return snapshot.NoDelegation
	case has(dns.TypeSOA):
		return snapshot.Unproven
	}
	return snapshot.InsecureDelegation
}

// typesAt returns the types that exist at a name, by the NSEC record it owns or the
// NSEC3 record that its hash owns.
func (d denial) typesAt(name string) ([]uint16, bool) {
	for _, rr := range d.m.Ns {
		if rr.Header().Class != dns.ClassINET {
			continue
		}
		switch rr := rr.(type) {
		case *dns.NSEC:
			if sameName(rr.Hdr.Name, name) {
				return rr.TypeBitMap, true
			}
		case *dns.NSEC3:
			if h, ok := d.hashes(rr, name); ok && h.of == h.owner {
				return rr.TypeBitMap, true
			}
		}
	}
	return nil, false
}

// optOut reports whether the name may be a delegation that its zone's chain leaves
// out: an NSEC3 record with the Opt-Out flag, signed by the zone, covers the next
// closer name (RFC 5155, sections 6 and 8.6), which is the one below the closest
// encloser that the reply shows.
func (d denial) optOut() bool {
	nextCloser := canonical(d.name)
	for nextCloser != d.zone {
		encloser := parentOf(nextCloser)
		if types, found := d.typesAt(encloser); found && d.mayEnclose(encloser, types) {
			return d.leavesOut(nextCloser)
		}
		if nextCloser = encloser; encloser == "." {
			break
		}
	}
	return false
}

// mayEnclose: below a delegation or a DNAME the zone has no names (RFC 5155, section
// 8.3).
func (d denial) mayEnclose(name string, types []uint16) bool {
	has := func(kind uint16) bool { return slices.Contains(types, kind) }
	return sameName(name, d.zone) || !has(dns.TypeDNAME) && (!has(dns.TypeNS) || has(dns.TypeSOA))
}

func (d denial) leavesOut(name string) bool {
	return slices.ContainsFunc(d.m.Ns, func(rr dns.RR) bool {
		span, ok := rr.(*dns.NSEC3)
		if !ok || span.Hdr.Class != dns.ClassINET || span.Flags&optOutFlag == 0 || !d.signs(span) {
			return false
		}
		h, ok := d.hashes(span, name)
		return ok && h.covered()
	})
}

const optOutFlag = 1 // RFC 5155, section 3.1.2.1

// signs reports whether the zone has signed an NSEC3 record.
func (d denial) signs(span *dns.NSEC3) bool {
	return slices.ContainsFunc(d.m.Ns, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && sig.TypeCovered == dns.TypeNSEC3 && sig.Hdr.Class == dns.ClassINET &&
			sameName(sig.Hdr.Name, span.Hdr.Name) && sameName(sig.SignerName, d.zone)
	})
}

// hashes are the hash of a name and the two ends of an NSEC3 record's span, in
// base32hex, in which they sort like their octets.
type hashes struct{ of, owner, next string }

// maxIterations is how often names are hashed at most: with more, resolvers take a
// zone for unsigned without verifying anything, the strictest of them from 51 on
// (RFC 9276, section 3.2).
const maxIterations = 50

// hashes returns those of name by a record; false where the record is none of the
// zone's, or of an algorithm that is not known.
func (d denial) hashes(rr *dns.NSEC3, name string) (hashes, bool) {
	label, zone, ok := strings.Cut(canonical(rr.Hdr.Name), ".")
	if d.zone == "." {
		label, zone, ok = canonical(rr.Hdr.Name), ".", !strings.Contains(canonical(rr.Hdr.Name), ".")
	}
	if !ok || zone != canonical(d.zone) || rr.Hash != dns.SHA1 || rr.Iterations > maxIterations {
		return hashes{}, false
	}
	h := hashes{
		of:    dns.HashName(dns.Fqdn(name), rr.Hash, rr.Iterations, rr.Salt),
		owner: strings.ToUpper(label),
		next:  strings.ToUpper(rr.NextDomain),
	}
	return h, h.of != ""
}

// covered reports whether the hash lies inside the span, which goes round at the end
// of the chain.
func (h hashes) covered() bool {
	if h.owner < h.next {
		return h.owner < h.of && h.of < h.next
	}
	return h.of > h.owner || h.of < h.next
}

func sameName(a, b string) bool { return canonical(dns.Fqdn(a)) == canonical(dns.Fqdn(b)) }

func parentOf(name string) string {
	full := dns.Fqdn(name)
	next, end := dns.NextLabel(full, 0)
	if end {
		return "."
	}
	return canonical(full[next:])
}

package lookup

import (
	"bytes"
	"crypto/sha1"
	"encoding/base32"
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
	case secure && !nxdomain && d.answers(dns.TypeDS):
		return snapshot.SignedDelegation
	case secure && d.answers(dns.TypeCNAME):
		// A name with an alias is no delegation (RFC 1034, section 3.6.2); NXDOMAIN
		// would speak of its target (RFC 6604, section 3).
		return snapshot.NoDelegation
	case secure && nxdomain:
		return snapshot.NothingBelow
	case len(d.m.Answer) > 0 || d.hashed() > maxHashed:
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
	case !found && d.emptyNonTerminal():
		return snapshot.NoDelegation
	case !found || has(dns.TypeDS):
		return snapshot.Unproven
	case !has(dns.TypeNS):
		return snapshot.NoDelegation
	case has(dns.TypeSOA):
		return snapshot.Unproven
	}
	return snapshot.InsecureDelegation
}

// emptyNonTerminal reports whether an NSEC record of the zone shows that the name is there
// only because there are names below it: its owner is before the name and its next name is
// below that (RFC 4592, section 2.2.2). A record of the parent's side of a delegation, or
// one at a DNAME, says nothing of the names below its own (RFC 6840, section 4.1).
func (d denial) emptyNonTerminal() bool {
	return slices.ContainsFunc(d.m.Ns, func(rr dns.RR) bool {
		nsec, ok := rr.(*dns.NSEC)
		if !ok || nsec.Hdr.Class != dns.ClassINET || nsec.NextDomain == "" {
			return false
		}
		owner, next := canonical(dns.Fqdn(nsec.Hdr.Name)), canonical(dns.Fqdn(nsec.NextDomain))
		below := next != d.name && encloses(d.name, next)
		if !below || !encloses(d.zone, owner) || !before(owner, d.name) {
			return false
		}
		has := func(kind uint16) bool { return slices.Contains(nsec.TypeBitMap, kind) }
		leads := has(dns.TypeDNAME) || has(dns.TypeNS) && !has(dns.TypeSOA)
		return !(leads && encloses(owner, d.name))
	})
}

// before reports whether a name comes before another one in the canonical order (RFC 4034,
// section 6.1): label by label from the right, by their octets.
func before(a, b string) bool {
	return slices.CompareFunc(labelsFromRight(a), labelsFromRight(b), bytes.Compare) < 0
}

// labelsFromRight returns the labels of a name in the octets of the wire.
func labelsFromRight(name string) [][]byte {
	var wire [maxWireName]byte
	if _, err := dns.PackDomainName(dns.Fqdn(name), wire[:], 0, nil, false); err != nil {
		return nil // a name from a message can be packed
	}
	var labels [][]byte
	for at := 0; wire[at] != 0; at += 1 + int(wire[at]) {
		labels = append(labels, wire[at+1:at+1+int(wire[at])])
	}
	slices.Reverse(labels)
	return labels
}

// maxHashed is how many NSEC3 records are read; a proof needs three (RFC 5155,
// section 7.2.2), and each has names hashed.
const maxHashed = 8

func (d denial) hashed() int {
	n := 0
	for _, rr := range d.m.Ns {
		if rr.Header().Rrtype == dns.TypeNSEC3 {
			n++
		}
	}
	return n
}

// typesAt returns the types that exist at a name, by the NSEC record it owns or the
// NSEC3 record that its hash owns.
func (d denial) typesAt(name string) ([]uint16, bool) {
	for _, rr := range d.m.Ns {
		nsec, ok := rr.(*dns.NSEC)
		if ok && nsec.Hdr.Class == dns.ClassINET && nsec.NextDomain != "" && sameName(nsec.Hdr.Name, name) {
			return nsec.TypeBitMap, true
		}
	}
	if nsec3 := d.match(name); nsec3 != nil {
		return nsec3.TypeBitMap, true
	}
	return nil, false
}

// match returns the NSEC3 record of the zone that the hash of a name owns, or nil.
func (d denial) match(name string) *dns.NSEC3 {
	for _, rr := range d.m.Ns {
		nsec3, ok := rr.(*dns.NSEC3)
		if !ok {
			continue
		}
		if h, ok := d.hashes(nsec3, name); ok && h.of == h.owner {
			return nsec3
		}
	}
	return nil
}

// optOut reports whether the name may be a delegation that its zone's chain leaves
// out: an NSEC3 record with the Opt-Out flag, signed by the zone, covers the next
// closer name (RFC 5155, sections 6 and 8.6), which is the one below the closest
// encloser that the reply shows (section 8.3).
func (d denial) optOut() bool {
	nextCloser := ""
	for at := d.name; ; at = parentOf(at) {
		if encloser := d.match(at); encloser != nil {
			return nextCloser != "" && d.mayEnclose(encloser) && d.leavesOut(nextCloser)
		}
		if at == d.zone || at == "." {
			return false
		}
		nextCloser = at
	}
}

// mayEnclose: below a delegation or a DNAME the zone has no names (RFC 5155, section
// 8.3).
func (d denial) mayEnclose(encloser *dns.NSEC3) bool {
	has := func(kind uint16) bool { return slices.Contains(encloser.TypeBitMap, kind) }
	return d.verified(encloser) && !has(dns.TypeDNAME) && (!has(dns.TypeNS) || has(dns.TypeSOA))
}

func (d denial) leavesOut(name string) bool {
	return slices.ContainsFunc(d.m.Ns, func(rr dns.RR) bool {
		span, ok := rr.(*dns.NSEC3)
		if !ok || span.Flags != optOutFlag || !d.verified(span) {
			return false
		}
		h, ok := d.hashes(span, name)
		return ok && h.covered()
	})
}

const optOutFlag = 1 // RFC 5155, section 3.1.2.1

// maxUnvouched is how many iterations an NSEC3 record may have in a reply without
// AD: with more, resolvers take the zone for unsigned and verify no denial in it, the
// strictest of them from 51 on, and not all say so (RFC 9276, section 3.2).
const maxUnvouched = 50

// verified reports whether the zone has signed an NSEC3 record, so that a resolver
// that validates has verified it and what it denies, even if it sets no AD.
func (d denial) verified(nsec3 *dns.NSEC3) bool {
	signed := slices.ContainsFunc(d.m.Ns, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return ok && sig.TypeCovered == dns.TypeNSEC3 && sig.Hdr.Class == dns.ClassINET &&
			sameName(sig.Hdr.Name, nsec3.Hdr.Name) && sameName(sig.SignerName, d.zone)
	})
	return signed && nsec3.Iterations <= maxUnvouched
}

// hashes are the hash of a name and the two ends of an NSEC3 record's span, in
// base32hex, in which they sort like their octets.
type hashes struct{ of, owner, next string }

// maxIterations bounds the work. Resolvers verify denials with fewer (RFC 9276,
// section 3.2), so that none with more has AD.
const maxIterations = 500

// hashes returns those of name by a record; false if the record is none of the
// zone's, or one to be ignored (RFC 5155, sections 8.1 and 8.2).
func (d denial) hashes(rr *dns.NSEC3, name string) (hashes, bool) {
	label, _, _ := strings.Cut(rr.Hdr.Name, ".")
	h := hashes{owner: strings.ToUpper(label), next: strings.ToUpper(rr.NextDomain)}
	switch {
	case rr.Hdr.Class != dns.ClassINET || parentOf(rr.Hdr.Name) != d.zone:
		return hashes{}, false
	case rr.Flags > optOutFlag || rr.Iterations > maxIterations:
		return hashes{}, false
	case !isHash(h.owner) || !isHash(h.next):
		return hashes{}, false
	}
	h.of = dns.HashName(dns.Fqdn(name), rr.Hash, rr.Iterations, rr.Salt)
	return h, isHash(h.of) // it is "" if the algorithm is not known
}

func isHash(label string) bool {
	octets, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(label)
	return err == nil && len(octets) == sha1.Size
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

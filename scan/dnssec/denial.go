package dnssec

import (
	"slices"

	"github.com/miekg/dns"
)

// denial is what a zone says of names and types that are not there: the NSEC and NSEC3
// records of a reply that the zone has signed.
type denial struct {
	check  *check
	zone   *Zone
	nsec   []*dns.NSEC
	nsec3  []*dns.NSEC3
	hashed map[string]string // hashes by name, with the parameters of the zone
	// nameError says that the reply is NXDOMAIN. That needs the denial of a wildcard too (RFC
	// 5155, section 8.4).
	nameError bool
	// denies says that the zone's SOA record is in the reply, so that it is the zone that says
	// what is not there (RFC 2308, section 2).
	denies bool
	// iterations are the most that a record has.
	iterations uint16
	all        Verdict // of the signatures over the records; Secure with the first end of them
	flaw       Flaw    // of a record that does not count, the nearest one to none
}

// maxDenials is how many NSEC and NSEC3 records are read. A proof needs three (RFC 5155,
// section 7.2), for each of the wildcards on the way one more.
const maxDenials = 24

// readDenial verifies the denials in a section, which have to be signed by the zone.
func (c *check) readDenial(section []*rrset, z *Zone) *denial {
	d := newDenial(c, z)
	read := 0
	for _, s := range section {
		if !isDenial(s, z.Name) {
			continue
		}
		if read++; read > maxDenials {
			d.flaw.Reason = TooMuchWork
			break
		}
		verdict, signature := c.verify(s, z)
		if verdict.State != Secure {
			d.note(verdict.Flaw)
			continue
		}
		d.all = d.all.And(verdict)
		if int(signature.Labels) == labels(s.owner) { // one made from a wildcard is none of the chain (RFC 4035, section 2.3)
			d.take(s)
		}
	}
	return d
}

func newDenial(c *check, z *Zone) *denial {
	d := &denial{check: c, zone: z, hashed: make(map[string]string), all: Verdict{State: Secure}}
	d.flaw = Flaw{Reason: DenialIncomplete, Zone: z.Name}
	return d
}

// isDenial reports whether an RRset may be a zone's denial.
func isDenial(s *rrset, zone string) bool {
	return (s.kind == dns.TypeNSEC || s.kind == dns.TypeNSEC3) && len(s.records) > 0 && within(zone, s.owner)
}

// note keeps why a record does not count.
func (d *denial) note(f Flaw) {
	switch {
	case d.flaw.Reason == TooMuchWork:
	case d.flaw.Reason == DenialIncomplete || f.Reason == TooMuchWork:
		d.flaw = f
	default:
		d.flaw = nearest(d.flaw, f)
	}
}

// take takes in the record of an RRset that the zone has signed. There is one for each owner.
func (d *denial) take(s *rrset) {
	if len(s.records) != 1 {
		return
	}
	switch rr := s.records[0].(type) {
	case *dns.NSEC:
		own := *rr
		own.Hdr.Name, own.NextDomain = s.owner, Canonical(rr.NextDomain)
		if within(d.zone.Name, own.NextDomain) {
			d.nsec = append(d.nsec, &own)
		}
	case *dns.NSEC3:
		d.takeNSEC3(rr, s.owner)
	}
}

// incomplete is the Verdict where the records do not prove what they should.
func (d *denial) incomplete(name string, kind uint16) Verdict {
	f := d.flaw
	if f.Owner == "" {
		f.Owner, f.Type = name, kind
	}
	return bogus(f)
}

// finding is what a zone's denial says of a name.
type finding int

const (
	unproven  finding = iota
	noData            // the name is there, or there are names below it, and the type is not
	noName            // neither the name nor a wildcard for it is there
	delegated         // of DS: the name is a delegation that has none
	optedOut          // it may be a delegation that is left out, so nothing is signed there
	uncounted         // by too many iterations, so the zone counts as not signed
)

// find finds out what the records say of a type at a name. kind is not there, or what they
// say is unproven.
func (d *denial) find(name string, kind uint16) finding {
	if !within(d.zone.Name, name) {
		return unproven
	}
	if f := d.findNSEC(name, kind); f != unproven {
		return f
	}
	return d.findNSEC3(name, kind)
}

// findWildcard finds out whether a name that a wildcard's records were made for is not there
// itself: encloser is the name that the wildcard is right below (RFC 4035, section 5.3.4;
// RFC 5155, section 8.8).
func (d *denial) findWildcard(name, encloser string) finding {
	for _, nsec := range d.nsec {
		if d.covers(nsec, name) && closestEncloser(nsec, name) == encloser {
			return noName
		}
	}
	return d.findNextCloser(lastLabels(name, dns.CountLabel(encloser)+1))
}

// findNSEC is find by NSEC records (RFC 4035, section 5.4).
func (d *denial) findNSEC(name string, kind uint16) finding {
	if nsec := d.at(name); nsec != nil {
		return lacks(nsec.TypeBitMap, name, kind)
	}
	for _, nsec := range d.nsec {
		if !d.covers(nsec, name) {
			continue
		}
		if below(name, nsec.NextDomain) {
			return noData // an empty non-terminal (RFC 4592, section 2.2.2)
		}
		wild := wildcardOf(closestEncloser(nsec, name))
		if wild == "" {
			return noName // no name is that long
		}
		if nsec := d.at(wild); nsec != nil {
			if lacks(nsec.TypeBitMap, wild, kind) == noData {
				return noData
			}
			continue
		}
		if slices.ContainsFunc(d.nsec, func(nsec *dns.NSEC) bool { return d.covers(nsec, wild) }) {
			return noName
		}
	}
	return unproven
}

// at returns the NSEC record that a name owns, or nil.
func (d *denial) at(name string) *dns.NSEC {
	for _, nsec := range d.nsec {
		if nsec.Hdr.Name == name {
			return nsec
		}
	}
	return nil
}

// lacks says what the types at a name mean for one that is asked for. At a delegation only
// the parent's side speaks of DS records, and only the child's of all others (RFC 4035,
// section 5.2; RFC 6840, sections 4.1 and 4.4). With an alias there would have been one in
// the answer (section 4.3).
func lacks(types []uint16, name string, kind uint16) finding {
	has := func(kind uint16) bool { return slices.Contains(types, kind) }
	delegation := has(dns.TypeNS) && !has(dns.TypeSOA)
	switch {
	case has(kind) || has(dns.TypeCNAME):
		return unproven
	case kind == dns.TypeDS && has(dns.TypeSOA) && name != ".":
		return unproven
	case kind == dns.TypeDS && delegation:
		return delegated
	case delegation:
		return unproven
	}
	return noData
}

// covers reports whether a name lies in the span of a record of the zone, so that it is not
// there. A delegation, or a DNAME record, says nothing of the names below it (RFC 6840,
// section 4.1).
func (d *denial) covers(nsec *dns.NSEC, name string) bool {
	owner, next := nsec.Hdr.Name, nsec.NextDomain
	if !within(d.zone.Name, name) || !Before(owner, name) {
		return false
	}
	if !Before(name, next) && next != d.zone.Name { // the last one leads back to the zone's name
		return false
	}
	return !below(owner, name) || mayHaveBelow(nsec.TypeBitMap)
}

// mayHaveBelow reports whether a zone has names below one that has these types.
func mayHaveBelow(types []uint16) bool {
	has := func(kind uint16) bool { return slices.Contains(types, kind) }
	return !has(dns.TypeDNAME) && (!has(dns.TypeNS) || has(dns.TypeSOA))
}

// closestEncloser returns the longest existing name that encloses one that a record covers:
// both ends of the span exist (RFC 4592, section 3.3.1).
func closestEncloser(nsec *dns.NSEC, name string) string {
	a, b := sharedName(nsec.Hdr.Name, name), sharedName(nsec.NextDomain, name)
	if dns.CountLabel(b) > dns.CountLabel(a) {
		return b
	}
	return a
}

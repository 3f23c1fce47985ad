package dnssectest

import (
	"slices"

	"github.com/miekg/dns"
)

// Answer returns the reply of a resolver that passes DNSSEC records to a query with DO. All
// denials of a zone come where one is needed.
func (w *World) Answer(name string, kind uint16) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	m.Response, m.RecursionAvailable = true, true
	name = dns.CanonicalName(name)
	const most = 16
	for range most {
		target := w.step(m, name, kind)
		if target == "" {
			break
		}
		name = target
	}
	return m
}

// step adds what there is of a name, and returns where its alias leads, or "".
func (w *World) step(m *dns.Msg, name string, kind uint16) (target string) {
	z := w.zoneOf(name)
	if kind == dns.TypeDS && name != "." && z.Origin == name {
		z = w.zoneOf(above(name)) // the parent's side has them
	}
	for at := name; at != z.Origin; {
		at = above(at)
		if set := z.set(at, dns.TypeDNAME); set != nil {
			m.Answer = append(m.Answer, set...)
			made := name[:len(name)-len(at)] + set[0].(*dns.DNAME).Target
			m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 300}, Target: made})
			return dns.CanonicalName(made)
		}
	}
	if z.exists(name) {
		return z.answer(m, name, name, kind)
	}
	wild := z.wildcard(name)
	if !z.exists(wild) {
		m.Rcode = dns.RcodeNameError
		z.deny(m)
		return ""
	}
	z.addDenials(m)
	return z.answer(m, name, wild, kind)
}

// answer adds the records of a name, or of the wildcard that it is made from.
func (z *zone) answer(m *dns.Msg, name, owner string, kind uint16) (target string) {
	m.Rcode = dns.RcodeSuccess
	for _, kind := range []uint16{kind, dns.TypeCNAME} {
		set := z.set(owner, kind)
		if set == nil {
			continue
		}
		for _, rr := range set {
			rr = dns.Copy(rr)
			if owner != name {
				rr.Header().Name = name
			}
			m.Answer = append(m.Answer, rr)
		}
		if alias, ok := set[0].(*dns.CNAME); ok && m.Question[0].Qtype != dns.TypeCNAME {
			return dns.CanonicalName(alias.Target)
		}
		return ""
	}
	z.deny(m)
	return ""
}

func (z *zone) deny(m *dns.Msg) {
	m.Ns = append(m.Ns, z.set(z.Origin, dns.TypeSOA)...)
	z.addDenials(m)
}

// addDenials adds all denials of the zone, once.
func (z *zone) addDenials(m *dns.Msg) {
	for _, set := range z.rrsets() {
		kind, owner := set[0].Header().Rrtype, set[0].Header().Name
		if kind != dns.TypeNSEC && kind != dns.TypeNSEC3 || slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Name == owner && rr.Header().Rrtype == kind }) {
			continue
		}
		m.Ns = append(m.Ns, z.set(dns.CanonicalName(owner), kind)...)
	}
}

// set returns an RRset with its signatures; nil if it is not there.
func (z *zone) set(owner string, kind uint16) []dns.RR {
	var set, signatures []dns.RR
	for _, rr := range z.records {
		if dns.CanonicalName(rr.Header().Name) != owner {
			continue
		}
		if rr.Header().Rrtype == kind {
			set = append(set, rr)
		}
		if signature, ok := rr.(*dns.RRSIG); ok && signature.TypeCovered == kind {
			signatures = append(signatures, rr)
		}
	}
	if len(set) == 0 {
		return nil
	}
	return append(set, signatures...)
}

// exists reports whether there are records at a name or below it. The owners of NSEC3
// records are no names of the zone (RFC 5155, section 7.2.8).
func (z *zone) exists(name string) bool {
	return slices.ContainsFunc(z.records, func(rr dns.RR) bool {
		signature, ok := rr.(*dns.RRSIG)
		hashed := rr.Header().Rrtype == dns.TypeNSEC3 || ok && signature.TypeCovered == dns.TypeNSEC3
		return !hashed && dns.IsSubDomain(name, dns.CanonicalName(rr.Header().Name))
	})
}

// wildcard returns the one that a name that is not there would be made from.
func (z *zone) wildcard(name string) string {
	for at := above(name); ; at = above(at) {
		if z.exists(at) {
			if at == "." {
				return "*."
			}
			return "*." + at
		}
	}
}

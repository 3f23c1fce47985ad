package zone

import (
	"github.com/miekg/dns"
)

// reply is the answering of one query (RFC 1034, section 4.3.2).
type reply struct {
	set     *Set
	query   query
	message *message
	zone    *Zone // that serves the name looked at
	inside  *Zone // the only zone in which aliases are followed; nil: all
	aliases map[name]bool
	dnames  map[name]bool
	rcode   int
}

// ending is how the answering of a query came to its end.
type ending int

const (
	ranToEnd   ending = iota // to data, to the proof that there is none, or in a circle
	ranIntoCut               // to a zone cut
	ranOut                   // along an alias out of the zones in which it is followed
)

// run looks at the question's name and follows aliases from there. A loop ends
// without SOA, each alias listed once.
func (r *reply) run() ending {
	for at := r.query.name; ; {
		target, how := r.look(at)
		if target == "" {
			return how
		}
		r.note(at)
		if r.aliases[target] {
			return ranToEnd
		}
		next := r.set.serving(target, r.query.typ)
		if next == nil || r.inside != nil && next != r.inside {
			return ranOut
		}
		r.zone, at = next, target
	}
}

func (r *reply) note(alias name) {
	if r.aliases == nil {
		r.aliases = make(map[name]bool)
	}
	r.aliases[alias] = true
}

// look writes what the zone has for a name, and returns the target if that is
// an alias, or how the answer ends.
func (r *reply) look(at name) (name, ending) {
	found := r.zone.match(at, r.query.typ)
	switch found.what {
	case cut:
		r.message.addSet(authority, found.owner, found.node.find(dns.TypeNS))
		return "", ranIntoCut
	case redirected:
		return r.redirect(at, found), ranToEnd
	case missing:
		r.negative(dns.RcodeNameError)
		return "", ranToEnd
	case present:
		return r.data(at, found.node), ranToEnd
	}
	panic("zone: unknown match")
}

// data writes the RRsets asked for and returns the target if there is a CNAME
// in their place.
func (r *reply) data(at name, n *node) name {
	if r.query.typ == dns.TypeANY && len(n.sets) > 0 {
		for i := range n.sets {
			r.message.addSet(answer, at, &n.sets[i])
		}
		return ""
	}
	if set := n.find(r.query.typ); set != nil {
		r.message.addSet(answer, at, set)
		return ""
	}
	if set := n.find(dns.TypeCNAME); set != nil {
		r.message.addSet(answer, at, set)
		return r.alias(set.rdata[0])
	}
	r.negative(dns.RcodeSuccess)
	return ""
}

// redirect writes the DNAME record and the CNAME record made from it, and
// returns the target (RFC 6672, section 3.2).
func (r *reply) redirect(at name, found match) name {
	set := found.node.find(dns.TypeDNAME)
	if !r.dnames[found.owner] {
		if r.dnames == nil {
			r.dnames = make(map[name]bool)
		}
		r.dnames[found.owner] = true
		r.message.addSet(answer, found.owner, set)
	}
	target := string(at[:len(at)-len(found.owner)]) + set.rdata[0]
	if len(target) > maxName {
		r.rcode = dns.RcodeYXDomain // RFC 6672, section 2.2
		return ""
	}
	// Its TTL is that of the DNAME record (RFC 6672, section 3.1).
	r.message.add(answer, at, dns.TypeCNAME, set.ttl, target)
	if r.query.typ == dns.TypeCNAME {
		return "" // it is the answer
	}
	return r.alias(target)
}

// alias returns the target's name, or none if the message is full and the
// rest would be for nothing.
func (r *reply) alias(target string) name {
	if r.message.full {
		return ""
	}
	return lower(target)
}

// negative ends the answer with the SOA record (RFC 2308, section 2). After an
// alias the rcode speaks of the target (RFC 6604, section 3).
func (r *reply) negative(rcode int) {
	r.rcode = rcode
	soa := r.zone.nodes[r.zone.apex].find(dns.TypeSOA)
	r.message.add(authority, r.zone.apex, dns.TypeSOA, r.zone.negativeTTL, soa.rdata[0])
}

// match is where the search for a name in a zone ended.
type match struct {
	what  what
	node  *node // nil if the name is missing
	owner name  // of node, or the name asked for if a wildcard matched
}

type what int

const (
	missing    what = iota // NXDOMAIN
	present                // the name itself, or what a wildcard makes of it
	cut                    // at or below a zone cut
	redirected             // below a DNAME record
)

// match searches for a name that is in the zone, from the apex down: what is
// below a zone cut (RFC 1034, section 4.2.1) or a DNAME record (RFC 6672,
// section 2.4) is hidden by it, whatever the file holds there.
func (z *Zone) match(n name, typ uint16) match {
	var starts [maxLabels]int // of the names below the apex
	depth := 0
	for at := 0; len(n)-at > len(z.apex); at += 1 + int(n[at]) {
		starts[depth] = at
		depth++
	}
	encloser, node := z.apex, z.nodes[z.apex]
	for ; depth > 0; depth-- {
		if node.find(dns.TypeDNAME) != nil {
			return match{redirected, node, encloser}
		}
		below := n[starts[depth-1]:]
		child := z.nodes[below]
		if child == nil {
			return z.synthesise(n, encloser, typ)
		}
		// The parent itself answers for DS at the cut (RFC 4035, section 3.1.4.1).
		if child.find(dns.TypeNS) != nil && (below != n || typ != dns.TypeDS) {
			return match{cut, child, below}
		}
		encloser, node = below, child
	}
	return match{present, node, n}
}

// synthesise finds the wildcard below the closest encloser of a name that does
// not exist (RFC 4592, section 3.3.1). A wildcard with NS records delegates
// whatever it stands for (section 4.2 leaves that open).
func (z *Zone) synthesise(n, encloser name, typ uint16) match {
	source := z.nodes[wildcard+encloser]
	switch {
	case source == nil:
		return match{missing, nil, n}
	case source.find(dns.TypeNS) != nil && typ != dns.TypeDS:
		return match{cut, source, n}
	}
	return match{present, source, n}
}

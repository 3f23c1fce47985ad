package dnssec

import (
	"time"

	"github.com/miekg/dns"
)

// Trust is what is known of the zone that a name lies in.
type Trust struct {
	// State is Secure with the Zone; Insecure or Bogus with the Flaw; or Undecided, if
	// something has to be asked first.
	State State
	Zone  *Zone
	Flaw  Flaw
}

func (t Trust) verdict() Verdict { return Verdict{State: t.State, Flaw: t.Flaw} }

// Question is what a reply is asked for.
type Question struct {
	// Path are the names from the one in the question along the aliases in the reply. They
	// are spelt as Canonical does.
	Path []string
	Type uint16
	// Open says that the last name has not been asked for yet, so that the reply need
	// neither have its records nor deny them.
	Open bool
	// Trust returns what is known of the zone of a name's records.
	Trust func(name string) Trust
}

// Answer validates a reply (RFC 4035, section 5): each alias on the way, and then the records
// at the end, or their denial. Undecided means that Trust has to know more first.
func Answer(q Question, r *Reply, now time.Time, memory *Memory) Verdict {
	if len(q.Path) == 0 || r == nil { // nothing was asked, or answered
		return bogus(Flaw{Reason: DenialIncomplete, Type: q.Type})
	}
	c := newCheck(now, memory)
	verdict := Verdict{State: Secure}
	for i, target := range q.Path[1:] {
		verdict = verdict.And(c.alias(q, r, q.Path[i], target))
		if verdict.State == Bogus {
			return verdict
		}
	}
	end := q.Path[len(q.Path)-1]
	set := findRecords(r.answer, end, q.Type)
	switch {
	case set != nil:
		records := c.records(q, r, set, end)
		records.Records = records.Until
		verdict = verdict.And(records)
	case !q.Open:
		verdict = verdict.And(c.absent(q, r, end))
	}
	return verdict
}

// alias validates what leads from a name to its target: a CNAME record, or the DNAME record
// of a name above, from which the CNAME record follows (RFC 6672, section 5.3.1).
func (c *check) alias(q Question, r *Reply, name, target string) Verdict {
	for at := parent(name); ; at = parent(at) {
		set := findRecords(r.answer, at, dns.TypeDNAME)
		if set != nil && at != name && leadsTo(set, name, target) {
			return c.records(q, r, set, at)
		}
		if at == "." {
			break
		}
	}
	set := findRecords(r.answer, name, dns.TypeCNAME)
	if set == nil || !leadsTo(set, name, target) {
		return bogus(Flaw{Reason: NoSignature, Owner: name, Type: dns.TypeCNAME})
	}
	return c.records(q, r, set, name)
}

// leadsTo reports whether an RRset is one record that makes of a name its target.
func leadsTo(s *rrset, name, target string) bool {
	if len(s.records) != 1 {
		return false
	}
	switch rr := s.records[0].(type) {
	case *dns.CNAME:
		return s.owner == name && Canonical(rr.Target) == target
	case *dns.DNAME:
		prefix := name[:len(name)-len(s.owner)]
		if s.owner == "." {
			prefix = name
		}
		made := prefix + Canonical(rr.Target)
		if rr.Target == "." {
			made = prefix
		}
		return made == target
	}
	return false
}

// records validates an RRset in the answer. Made from a wildcard it needs the proof that
// nothing nearer is there.
func (c *check) records(q Question, r *Reply, s *rrset, name string) Verdict {
	trust, signer := c.trust(q, s.signatures, name)
	if trust.State != Secure {
		return trust.verdict()
	}
	if trust.Zone.Name != signer { // nothing is cut off there
		reason := WrongSigner
		if len(s.signatures) == 0 {
			reason = NoSignature
		}
		return bogus(Flaw{Reason: reason, Zone: trust.Zone.Name, Owner: s.owner, Type: s.kind})
	}
	verdict, signature := c.verify(s, trust.Zone)
	if verdict.State != Secure || int(signature.Labels) == labels(s.owner) {
		return verdict
	}
	d := c.readDenial(r.authority, trust.Zone)
	encloser := lastLabels(s.owner, int(signature.Labels))
	return verdict.And(d.held(q, d.findWildcard(s.owner, encloser), s.owner, s.kind))
}

// trust returns what is known of the zone that is to have signed something at a name: the
// lowest one that a signature names, or if none does the one that the name lies in. signer is
// "" then. Zones above may have signed other things that the reply needs.
func (c *check) trust(q Question, signatures []*dns.RRSIG, name string) (t Trust, signer string) {
	for _, signature := range signatures {
		named := Canonical(signature.SignerName)
		if within(named, name) && (signer == "" || below(signer, named)) {
			signer = named
		}
	}
	if signer == "" {
		return q.Trust(name), ""
	}
	return q.Trust(signer), signer
}

// absent validates that there are no records of the type at a name.
func (c *check) absent(q Question, r *Reply, name string) Verdict {
	trust, signer := c.trust(q, denialSignatures(r.authority), name)
	if trust.State != Secure {
		return trust.verdict()
	}
	if trust.Zone.Name != signer {
		reason := WrongSigner
		if signer == "" {
			reason = DenialIncomplete
		}
		return bogus(Flaw{Reason: reason, Zone: trust.Zone.Name, Owner: name, Type: q.Type})
	}
	d := c.readDenial(r.authority, trust.Zone)
	d.nameError = r.RCode == dns.RcodeNameError
	d.denies = findRecords(r.authority, trust.Zone.Name, dns.TypeSOA) != nil
	return d.held(q, d.find(name, q.Type), name, q.Type)
}

// held is verdict, for a finding that is held against what is known of the name if the
// records do not prove it: by too many iterations, or because they may be there for the
// wildcard that an alias was made from. The name may lie in a zone below, of which the one
// that denies says nothing, unless its SOA record is there: then it has to prove what it says.
func (d *denial) held(q Question, f finding, name string, kind uint16) Verdict {
	if f == uncounted || f == unproven && len(q.Path) > 1 && !d.denies {
		switch trust := q.Trust(name); {
		case trust.State != Secure:
			return trust.verdict()
		case trust.Zone.Name != d.zone.Name:
			return d.incomplete(name, kind)
		}
	}
	return d.verdict(f, name, kind)
}

// denialSignatures returns the signatures that tell which zone denies, those over NSEC and
// NSEC3 records first.
func denialSignatures(section []*rrset) []*dns.RRSIG {
	var list, others []*dns.RRSIG
	for _, s := range section {
		switch s.kind {
		case dns.TypeNSEC, dns.TypeNSEC3:
			list = append(list, s.signatures...)
		case dns.TypeSOA:
			others = append(others, s.signatures...)
		}
	}
	return append(list, others...)
}

// verdict makes a Verdict of what was found of a type other than DS.
func (d *denial) verdict(f finding, name string, kind uint16) Verdict {
	switch f {
	case noData, noName:
		return d.all
	case optedOut:
		return insecureBy(d.all, Flaw{Reason: OptOut, Zone: d.zone.Name, Owner: name, Type: kind})
	case uncounted:
		return insecureBy(d.all, Flaw{Reason: TooManyIterations, Zone: d.zone.Name, Owner: name, Type: kind})
	case unproven, delegated:
	}
	return d.incomplete(name, kind)
}

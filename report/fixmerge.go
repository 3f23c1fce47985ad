package report

import (
	"cmp"
	"encoding/binary"
	"slices"

	"caascan/scan"
	"caascan/scan/caa"
)

// fixMerge is a name at which CAA records stand, and what is to be published there.
//
// Nearly always all domains that it decides for have met the same set. But one that
// aliases lead to is asked for with each of them, so it may have changed between two
// answers. Which of the sets is published when somebody acts on the report nobody
// knows; so the fix is made of all of them. It holds what each one's own fix holds,
// and for a CA that one of the sets permits and another does not, it holds what that
// CA needs: or it would be denied where it was not. CAs that are not asked about
// cannot be looked after so: that is why the fix says that there were several sets.
type fixMerge struct {
	total   FixTotal
	first   []caa.Property
	sets    map[string]bool // by RDATA, those met
	present propertySet
	by      []perIssuer // in the order of the decisions
}

// perIssuer is what the sets of one name come to for one CA.
type perIssuer struct {
	needs     propertySet // of all sets, those that its fix has
	permitted bool        // by one of them
}

// propertySet is properties in the order in which they came, each once.
type propertySet struct {
	list []caa.Property
	has  map[caa.Property]bool
}

func (s *propertySet) add(properties []caa.Property) {
	if s.has == nil {
		s.has = make(map[caa.Property]bool)
	}
	for _, p := range properties {
		if !s.has[p] {
			s.has[p] = true
			s.list = append(s.list, p)
		}
	}
}

func newFixMerge(o *scan.Outcome) *fixMerge {
	n := &fixMerge{first: o.Records.Properties, sets: make(map[string]bool), by: make([]perIssuer, len(o.Decisions))}
	n.total.Fix = &scan.Fix{Present: caa.RRset{Owner: o.Records.Owner}}
	n.meet(o)
	return n
}

// add takes in a domain that the name decides for.
func (n *fixMerge) add(d DomainTotal, issuers []int) {
	if !slices.Equal(d.Outcome.Records.Properties, n.first) {
		n.meet(d.Outcome)
	}
	blocked := false
	for _, i := range issuers {
		fix := d.Outcome.Decisions[i].Fix
		if fix == nil {
			continue
		}
		blocked = true
		n.total.TTL = max(n.total.TTL, fix.TTL)
		n.total.Ask = cmp.Or(n.total.Ask, fix.Ask) // somebody else's for one domain is said of all
		if !slices.Contains(n.total.Issuers, i) {
			n.total.Issuers = append(n.total.Issuers, i)
		}
		if reason := d.Outcome.Decisions[i].Reason; !slices.Contains(n.total.Reasons, reason) {
			n.total.Reasons = append(n.total.Reasons, reason)
		}
	}
	if blocked {
		n.total.Count = n.total.Plus(Count{Rows: d.Rows, Domains: 1})
		n.total.Domains = append(n.total.Domains, d.Domain)
	}
}

// meet takes in the set of an Outcome, which may be met already.
func (n *fixMerge) meet(o *scan.Outcome) {
	key := setKey(o.Records.Properties)
	if n.sets[key] {
		return
	}
	n.sets[key] = true
	n.present.add(o.Records.Properties)
	for i, d := range o.Decisions {
		if d.Fix == nil {
			n.by[i].permitted = true
			n.by[i].needs.add(o.Records.Properties) // none of which forbids
			continue
		}
		n.by[i].needs.add(d.Fix.Set)
		n.note(d.Fix)
	}
}

// setKey tells sets apart.
func setKey(properties []caa.Property) string {
	var key []byte
	for _, p := range properties {
		key = binary.AppendUvarint(key, uint64(len(p.RDATA())))
		key = append(key, p.RDATA()...)
	}
	return string(key)
}

// note takes in what a fix says of its set.
func (n *fixMerge) note(fix *scan.Fix) {
	f := n.total.Fix
	for _, note := range fix.Notes {
		if len(f.Notes) < maxNotes && !slices.Contains(f.Notes, note) {
			f.Notes = append(f.Notes, note)
		}
	}
	for _, about := range fix.About {
		if !f.Has(about) {
			f.About = append(f.About, about)
		}
	}
	for _, contact := range fix.Contacts {
		if len(f.Contacts) < maxNotes && !slices.Contains(f.Contacts, contact) {
			f.Contacts = append(f.Contacts, contact)
		}
	}
}

// maxNotes is more than one set has: a name may answer with another set each time.
const maxNotes = 20

// fix returns the line.
func (n *fixMerge) fix() FixTotal {
	slices.Sort(n.total.Issuers)
	f := n.total.Fix
	f.Present.Properties = n.present.list
	var set propertySet
	for i, by := range n.by {
		if by.permitted && len(n.sets) > 1 || slices.Contains(n.total.Issuers, i) {
			set.add(by.needs.list)
		}
	}
	f.Set = set.list
	if len(n.sets) > 1 {
		f.Notes = append(f.Notes, scan.NoteChanging.Meaning())
		f.About = append(f.About, scan.NoteChanging)
	}
	return n.total
}

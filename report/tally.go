package report

import (
	"cmp"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"caascan/scan"
	"caascan/scan/domain"
)

// Tally is what a report says of all rows together. It grows with the distinct domains
// and not with the rows. The zero Tally is empty and ready.
type Tally struct {
	Counts
	// Changes is what is different from the earlier report, if there is one.
	Changes *Changes
	// Outcome returns that of a domain that was added once more, so that the Tally need not
	// keep it: a million domains with records of their own have a million Outcomes of a
	// thousand octets. If it is nil, the Tally keeps them. It is set before the first Add.
	Outcome func(domain.Name) *scan.Outcome
	// Groups are the columns that rows are grouped by, if any; they must be there before the
	// first row.
	Groups []*Groups

	domains  []tallied       // in the order of their Numbers
	kept     []*scan.Outcome // of the domains, if Outcome is nil
	patterns []pattern
	places   map[string]uint32 // of the patterns, by their keys
	seed     maphash.Seed      // of the hashes of owners
	spelt    map[spelling]int  // rows
	placed   placeTally
}

// tallied is what is kept of a domain: little, because there may be millions.
type tallied struct {
	domain  domain.Name
	rows    uint32
	pattern uint32 // its place
	owner   uint64 // a hash of the owner of its records, if there are some
}

// pattern is what many Outcomes have in common: all that is counted of them.
type pattern struct {
	Permission
	blocked  []bool // for each CA, whether there is a fix to publish
	warnings []scan.Warning
	records  bool
	own      bool // the records are at the domain itself, not at a parent or an alias
}

// spelling is a warning of the spelling of rows with a domain, which is given by its
// Number.
type spelling struct {
	warning scan.Warning
	domain  int
}

// DomainTotal is a distinct domain and how many rows have it.
type DomainTotal struct {
	Domain  domain.Name
	Outcome *scan.Outcome
	Rows    int
	Places  *scan.Placed // nil if there are no other places
}

// FixTotal is what to publish at one deciding name so that some CAs may issue, and what
// that would unblock.
type FixTotal struct {
	*scan.Fix
	Count
	// Domains are those that it blocks, in the order of Tally.Domains.
	Domains []domain.Name
	// Issuers are those of the CAs asked for that it blocks, by their places among the
	// decisions, in order.
	Issuers []int
	// Reasons are those for which it blocks them: one for each CA, but for a name whose
	// records changed during the scan.
	Reasons []scan.Reason
}

// Permission is which CAs may issue for how much.
type Permission struct {
	// Permitted says for each CA whether it may.
	Permitted []bool
	// Failed says that the lookup failed, for all CAs alike.
	Failed bool
	Count
}

// WarningTotal is a warning and for how much it was given.
type WarningTotal struct {
	Warning scan.Warning
	Count
}

// Add takes in a result. The results must be those of one Scanner, in its order.
func (t *Tally) Add(r scan.Result) {
	t.Counts.Add(r)
	switch n := r.Verdict.Number; {
	case n == 0:
	case n > len(t.domains):
		t.meet(r.Verdict)
	default:
		t.domains[n-1].rows++
	}
	t.placed.add(r)
	for _, g := range t.Groups {
		g.add(r)
	}
	for _, w := range r.Warnings {
		if t.spelt == nil {
			t.spelt = make(map[spelling]int)
		}
		t.spelt[spelling{w, r.Verdict.Number}]++
	}
}

// Wrote says that the result that was added last is written to the reports, where others
// may be left out.
func (t *Tally) Wrote() {
	for _, g := range t.Groups {
		g.wrote()
	}
}

// meet takes in a domain's first row.
func (t *Tally) meet(v scan.Verdict) {
	if t.places == nil {
		t.places, t.seed = make(map[string]uint32), maphash.MakeSeed()
	}
	d := tallied{domain: v.Domain, rows: 1, pattern: t.patternOf(v)}
	if t.patterns[d.pattern].records {
		d.owner = maphash.String(t.seed, v.Records.Owner)
	}
	t.domains = append(t.domains, d)
	if t.Outcome == nil {
		t.kept = append(t.kept, v.Outcome)
	}
}

// patternOf returns the place of the pattern of a Verdict.
func (t *Tally) patternOf(v scan.Verdict) uint32 {
	o := v.Outcome
	p := pattern{Permission: permission(o), warnings: o.Warnings, records: len(o.Records.Properties) > 0}
	p.own = p.records && o.Records.Owner == v.Domain.String()
	key := p.key()
	for _, d := range o.Decisions {
		p.blocked = append(p.blocked, d.Fix != nil)
		key = append(key, flag(d.Fix != nil))
	}
	key = append(key, flag(p.records), flag(p.own))
	for _, w := range o.Warnings {
		key = append(append(key, w...), 0)
	}
	place, met := t.places[string(key)]
	if !met {
		place = uint32(len(t.patterns))
		t.places[string(key)] = place
		t.patterns = append(t.patterns, p)
	}
	return place
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// patternAt is that of the domain with a Number less 1.
func (t *Tally) patternAt(i uint32) *pattern { return &t.patterns[t.domains[i].pattern] }

// ownerOf is the owner of the records of a domain that has some.
func (t *Tally) ownerOf(i uint32) string {
	if t.patternAt(i).own {
		return t.domains[i].domain.String()
	}
	return t.total(i).Outcome.Records.Owner
}

// total returns what there is of the domain with a Number less 1.
func (t *Tally) total(i uint32) DomainTotal {
	d := &t.domains[i]
	if t.Outcome == nil {
		return DomainTotal{d.domain, t.kept[i], int(d.rows), t.placed.get(i)}
	}
	return DomainTotal{d.domain, t.Outcome(d.domain), int(d.rows), t.placed.get(i)}
}

// before orders domains: those with the most rows first, and by name if they have as many.
func (t *Tally) before(a, b uint32) int {
	x, y := &t.domains[a], &t.domains[b]
	return cmp.Or(cmp.Compare(y.rows, x.rows), strings.Compare(x.domain.String(), y.domain.String()))
}

// Warnings returns the warnings that were given, those of the most rows first, and
// as scan.Warnings has them if they are equal.
func (t *Tally) Warnings() []WarningTotal {
	counts := make(map[scan.Warning]Count)
	for i, d := range t.domains {
		for _, w := range t.patternAt(uint32(i)).warnings {
			counts[w] = counts[w].Plus(Count{Rows: int(d.rows), Domains: 1})
		}
	}
	for s, rows := range t.spelt {
		counts[s.warning] = counts[s.warning].Plus(Count{Rows: rows, Domains: 1})
	}
	var all []WarningTotal
	for _, w := range scan.Warnings() {
		if count, ok := counts[w]; ok {
			all = append(all, WarningTotal{w, count})
		}
	}
	slices.SortStableFunc(all, func(a, b WarningTotal) int { return b.Rows - a.Rows })
	return all
}

// Spellings returns the warnings of the spelling of rows, for each domain that has any,
// as scan.Warnings has them.
func (t *Tally) Spellings() map[domain.Name][]scan.Warning {
	of := make(map[domain.Name][]scan.Warning)
	for _, w := range scan.Warnings() {
		for s := range t.spelt {
			if s.warning == w && s.domain > 0 {
				d := t.domains[s.domain-1].domain
				of[d] = append(of[d], w)
			}
		}
	}
	return of
}

// HasDomain reports whether something holds for any of the distinct domains. It is quicker
// than Domains, which sorts them.
func (t *Tally) HasDomain(holds func(domain.Name) bool) bool {
	return slices.ContainsFunc(t.domains, func(d tallied) bool { return holds(d.domain) })
}

// Domains yields every distinct domain, those with the most rows first, and by name
// if they have as many.
func (t *Tally) Domains() iter.Seq[DomainTotal] {
	return func(yield func(DomainTotal) bool) {
		sorted := make([]uint32, len(t.domains))
		for i := range sorted {
			sorted[i] = uint32(i)
		}
		slices.SortFunc(sorted, t.before)
		for _, i := range sorted {
			if !yield(t.total(i)) {
				return
			}
		}
	}
}

// Permissions returns which CAs may issue, for how many rows and domains: all that
// occur, those with the most CAs first, what failed last. Rows without a domain count
// as failed.
func (t *Tally) Permissions() []Permission {
	var all []Permission
	places := make(map[string]int)
	for i, d := range t.domains {
		p := t.patternAt(uint32(i)).Permission
		key := string(p.key())
		at, met := places[key]
		if !met {
			at = len(all)
			places[key] = at
			all = append(all, p)
		}
		all[at].Count = all[at].Plus(Count{Rows: int(d.rows), Domains: 1})
	}
	slices.SortFunc(all, func(a, b Permission) int { return strings.Compare(string(a.key()), string(b.key())) })
	return t.withoutDomain(all)
}

// Nowhere returns how many rows have no domain.
func (t *Tally) Nowhere() int {
	rows := t.Total().Rows
	for i := range t.domains {
		rows -= int(t.domains[i].rows)
	}
	return rows
}

// withoutDomain adds the rows that have no domain to those that failed.
func (t *Tally) withoutDomain(all []Permission) []Permission {
	rows := t.Nowhere()
	if rows == 0 {
		return all
	}
	if len(all) == 0 || !all[len(all)-1].Failed {
		all = append(all, Permission{Permitted: make([]bool, len(t.reasons)), Failed: true})
	}
	all[len(all)-1].Rows += rows
	return all
}

func permission(o *scan.Outcome) Permission {
	p := Permission{Permitted: make([]bool, len(o.Decisions))}
	for i, d := range o.Decisions {
		p.Permitted[i] = d.Status == scan.Permitted
		p.Failed = p.Failed || d.Status == scan.LookupFailed
	}
	return p
}

// key sorts what failed behind all else, then by the number of CAs that may, then
// by their order.
func (p Permission) key() []byte {
	key := []byte{0, 0}
	if p.Failed {
		key[0] = 1
	}
	for _, permitted := range p.Permitted {
		if permitted {
			key = append(key, 0)
			continue
		}
		key[1]++
		key = append(key, 1)
	}
	return key
}

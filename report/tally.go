package report

import (
	"cmp"
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
	domains []DomainTotal    // in the order of their Numbers
	spelt   map[spelling]int // rows
	places  placeTally
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
		t.domains = append(t.domains, DomainTotal{r.Verdict.Domain, r.Verdict.Outcome, 1})
	default:
		t.domains[n-1].Rows++
	}
	t.places.add(r)
	for _, w := range r.Warnings {
		if t.spelt == nil {
			t.spelt = make(map[spelling]int)
		}
		t.spelt[spelling{w, r.Verdict.Number}]++
	}
}

// Warnings returns the warnings that were given, those of the most rows first, and
// as scan.Warnings has them where they are equal.
func (t *Tally) Warnings() []WarningTotal {
	counts := make(map[scan.Warning]Count)
	for _, d := range t.domains {
		for _, w := range d.Outcome.Warnings {
			counts[w] = counts[w].Plus(Count{Rows: d.Rows, Domains: 1})
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
				d := t.domains[s.domain-1].Domain
				of[d] = append(of[d], w)
			}
		}
	}
	return of
}

// Domains returns every distinct domain, those with the most rows first, and by name
// where they are equal.
func (t *Tally) Domains() []DomainTotal {
	sorted := slices.Clone(t.domains)
	slices.SortFunc(sorted, func(a, b DomainTotal) int {
		return cmp.Or(b.Rows-a.Rows, strings.Compare(a.Domain.String(), b.Domain.String()))
	})
	return sorted
}

// Fixes returns a line for every deciding name that denies one of these CAs, given by
// their places among the decisions: those that unblock the most rows first, and by
// name where they are equal. A domain that several of the CAs are denied for counts
// once. The set of a line lets all of these CAs issue that the name denies, and
// publishing it takes no permission from any CA of the scan.
func (t *Tally) Fixes(issuers ...int) []FixTotal {
	byName := make(map[string]*fixMerge)
	var names []*fixMerge
	for _, d := range t.Domains() {
		owner := d.Outcome.Records.Owner
		if len(d.Outcome.Records.Properties) == 0 {
			continue
		}
		n := byName[owner]
		if n == nil {
			n = newFixMerge(d.Outcome)
			byName[owner] = n
			names = append(names, n)
		}
		n.add(d, issuers)
	}
	var fixes []FixTotal
	for _, n := range names {
		if len(n.total.Issuers) > 0 {
			fixes = append(fixes, n.fix())
		}
	}
	slices.SortFunc(fixes, func(a, b FixTotal) int {
		return cmp.Or(b.Rows-a.Rows, strings.Compare(a.Name(), b.Name()))
	})
	return fixes
}

// Permissions returns which CAs may issue, for how many rows and domains: all that
// occur, those with the most CAs first, what failed last. Rows without a domain count
// as failed.
func (t *Tally) Permissions() []Permission {
	var all []Permission
	at := make(map[string]int)
	for _, d := range t.domains {
		p := permission(d.Outcome)
		key := string(p.key())
		i, met := at[key]
		if !met {
			i = len(all)
			at[key] = i
			all = append(all, p)
		}
		all[i].Count = all[i].Plus(Count{Rows: d.Rows, Domains: 1})
	}
	slices.SortFunc(all, func(a, b Permission) int { return strings.Compare(string(a.key()), string(b.key())) })
	return t.withoutDomain(all)
}

// withoutDomain adds the rows that have no domain to those that failed.
func (t *Tally) withoutDomain(all []Permission) []Permission {
	rows := t.Total().Rows
	for _, p := range all {
		rows -= p.Rows
	}
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

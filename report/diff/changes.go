package diff

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"caascan/report"
	"caascan/scan"
)

// changesMaker makes Changes of a Baseline.
type changesMaker struct {
	from   *Baseline
	counts map[scan.Change]report.Count
	made   []report.DomainChange
	unread map[uint64]int // by the hash of a domain: what has to be read again for
}

// Changes returns what is different, when all rows have been compared. What it has to
// say of domains and records that are not there any more it reads from the earlier
// report once more. It is called once.
func (b *Baseline) Changes(ctx context.Context) (*report.Changes, error) {
	m := changesMaker{from: b, counts: make(map[scan.Change]report.Count), unread: make(map[uint64]int)}
	for change, rows := range b.rows {
		m.count(change, report.Count{Rows: rows})
	}
	m.addMet()
	m.addGone()
	if err := m.readAgain(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(m.made, func(x, y report.DomainChange) int {
		return cmp.Or(cmp.Compare(slices.Index(scan.Changes(), x.Change), slices.Index(scan.Changes(), y.Change)), strings.Compare(x.Domain, y.Domain))
	})
	c := &report.Changes{Earlier: b.earlier.Name(), Counts: m.counts, Domains: m.made}
	for _, p := range b.issuers {
		c.Labels = append(c.Labels, p.label)
	}
	return c, nil
}

func (m *changesMaker) count(change scan.Change, n report.Count) {
	m.counts[change] = m.counts[change].Plus(n)
}

// addMet adds the domains of the rows that were compared.
func (m *changesMaker) addMet() {
	nowhere := m.from.rows[scan.ChangeNew]
	for _, d := range m.from.domains {
		m.count(d.change, report.Count{Domains: 1})
		nowhere -= int(d.added)
		is := report.DomainVerdict{Reasons: m.from.verdicts.all[d.now.verdict]}
		var was *report.DomainVerdict
		if d.change != scan.ChangeNew {
			was = &report.DomainVerdict{Reasons: m.from.verdicts.all[d.was]}
		}
		if d.added > 0 {
			m.add(report.DomainChange{Domain: d.name, Change: scan.ChangeNew, Rows: int(d.added), Was: was, Is: &is})
		}
		switch d.change.Kind() {
		case scan.PolicyChange:
			m.unread[d.hash] = len(m.made)
			m.add(report.DomainChange{
				Domain: d.name, Change: d.change, Rows: int(d.kept),
				Was: &report.DomainVerdict{Reasons: was.Reasons}, Is: &report.DomainVerdict{Reasons: is.Reasons},
			})
		case scan.LookupTrouble:
			m.add(report.DomainChange{Domain: d.name, Change: d.change, Rows: int(d.kept), Was: was, Is: &is})
		case scan.ListChange, scan.NoChange: // its rows say it
		}
	}
	if nowhere > 0 {
		m.add(report.DomainChange{Change: scan.ChangeNew, Rows: nowhere})
	}
}

func (m *changesMaker) add(d report.DomainChange) { m.made = append(m.made, d) }

// addGone adds the domains of the earlier report some of whose rows have not been met.
func (m *changesMaker) addGone() {
	old := &m.from.old
	for i := 0; i < old.Len(); {
		first, gone := old.at(i), 0
		for ; i < old.Len() && old.at(i).key.domain() == first.key.domain(); i++ {
			if !old.at(i).met() {
				gone++
			}
		}
		if gone > 0 {
			m.addGoneOf(first, gone)
		}
	}
}

// addGoneOf adds the domain of a row, of which so many have not been met.
func (m *changesMaker) addGoneOf(row *oldRow, gone int) {
	m.count(scan.ChangeGone, report.Count{Rows: gone})
	d := report.DomainChange{Change: scan.ChangeGone, Rows: gone, Was: &report.DomainVerdict{Reasons: m.from.verdicts.all[row.judgement().verdict]}}
	hash := row.key.domain()
	at, met := m.from.met[hash]
	switch {
	case hash == m.from.hash(""):
		d.Was = nil
	case met:
		known := m.from.domains[at]
		d.Domain, d.Is = known.name, &report.DomainVerdict{Reasons: m.from.verdicts.all[known.now.verdict]}
	default:
		m.count(scan.ChangeGone, report.Count{Domains: 1})
		m.unread[hash] = len(m.made)
	}
	m.add(d)
}

// readAgain takes from the earlier report what is not kept of it: the names of the
// domains that are gone, and the records of those whose policy changed.
func (m *changesMaker) readAgain(ctx context.Context) error {
	if len(m.unread) == 0 {
		return nil
	}
	for row, err := range m.from.earlier.rows(ctx) {
		if err != nil {
			return err
		}
		hash := m.from.hash(row.domain)
		at, wanted := m.unread[hash]
		if !wanted {
			continue
		}
		d := &m.made[at]
		d.Domain = strings.Clone(row.domain)
		if d.Change.Kind() == scan.PolicyChange {
			d.Was.Records, d.Is.Records = compareRecords(recordSet{row.records, row.cut}, m.from.records[m.from.met[hash]])
		}
		if delete(m.unread, hash); len(m.unread) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%s changed while it was read: compare with a copy that does not change", m.from.earlier.Name())
}

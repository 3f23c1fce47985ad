package diff

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"caascan/report"
	"caascan/scan"
)

// comparedDomain is a domain of the rows that are compared.
type comparedDomain struct {
	name   string
	change scan.Change
	hash   uint64
	was    uint32 // the place of the verdict, if the domain is not new
	now    judgement
	kept   uint32 // rows that were there
	added  uint32 // rows that were not
}

// comparedRow is a row that is compared.
type comparedRow struct {
	key rowKey
	judgement
	domain  string
	records func() recordSet
}

// Compare says how a result differs from the earlier report. It is given each result
// of a scan once.
func (b *Baseline) Compare(r scan.Result) scan.Change {
	cell, domain := r.Row.Cell, r.Verdict.Domain.String()
	if r.Row.Broken && len(r.Row.Cells) > 0 {
		cell = r.Row.Cells[0]
	}
	judged := b.judgements.Of(r.Verdict.Outcome, func(o *scan.Outcome) judgement {
		return b.judge(readRow{reasons: reasonsOf(o), records: report.RecordTexts(o.Records.Properties)}, issuerPair.inNow)
	})
	return b.compare(comparedRow{b.key(domain, cell), judged, domain, func() recordSet { return recordSet{records: report.RecordTexts(r.Verdict.Records.Properties)} }})
}

func reasonsOf(o *scan.Outcome) []scan.Reason {
	reasons := make([]scan.Reason, len(o.Decisions))
	for i, d := range o.Decisions {
		reasons[i] = d.Reason
	}
	return reasons
}

// CompareAll compares every row of another report.
func (b *Baseline) CompareAll(ctx context.Context, now *Reader) error {
	for read, err := range now.rows(ctx) {
		if err != nil {
			return err
		}
		row := comparedRow{b.key(read.domain, read.cell), b.judge(read, issuerPair.inNow), read.domain, func() recordSet { return recordSet{read.records, read.cut} }}
		if at, met := b.met[row.key.domain()]; met && b.domains[at].now != row.judgement {
			return fmt.Errorf("%s %w: row %d: it has the same domain as another row and a different verdict", now.Name(), ErrReport, read.number)
		}
		b.compare(row)
	}
	return nil
}

func (b *Baseline) compare(row comparedRow) scan.Change {
	change := scan.ChangeNone
	kept := b.meet(row.key)
	if !kept {
		change = scan.ChangeNew
	}
	switch d := b.domain(row); {
	case d == nil:
	case kept:
		d.kept++
		change = d.change
	default:
		d.added++
	}
	b.rows[change]++
	return change
}

// meet finds a row of the earlier report with the same cell that has not been met yet.
func (b *Baseline) meet(key rowKey) (found bool) {
	met := oldRow{key: key}
	met.meet()
	at := sort.Search(b.old.Len(), func(i int) bool { return b.old.at(i).compare(&met) > 0 })
	if at == b.old.Len() || b.old.at(at).key != key {
		return false
	}
	b.old.at(at).meet()
	return true
}

// domain returns the domain of a row, which is compared when it is first met; nil
// if the row has none.
func (b *Baseline) domain(row comparedRow) *comparedDomain {
	if row.domain == "" {
		return nil
	}
	hash := row.key.domain()
	if at, met := b.met[hash]; met {
		return &b.domains[at]
	}
	at := len(b.domains)
	b.met[hash] = at
	d := comparedDomain{name: strings.Clone(row.domain), change: scan.ChangeNew, hash: hash, now: row.judgement}
	if was, found := b.before(row.key); found {
		d.was, d.change = was.verdict, b.change(was, row.judgement)
	}
	if d.change.Kind() == scan.PolicyChange {
		b.records[at] = b.keepRecords(row.records())
	}
	b.domains = append(b.domains, d)
	return &b.domains[at]
}

// keepRecords keeps a set once that many domains have. It is kept whole, until it has
// been compared.
func (b *Baseline) keepRecords(set recordSet) recordSet {
	hash := b.hash(strings.Join(set.records, "\n"))
	if kept, met := b.sets[hash]; met && kept.cut == set.cut && slices.Equal(kept.records, set.records) {
		return kept
	}
	kept := recordSet{make([]string, len(set.records)), set.cut}
	for i, record := range set.records {
		kept.records[i] = strings.Clone(record)
	}
	b.sets[hash] = kept
	return kept
}

// before returns what the earlier report says of a domain.
func (b *Baseline) before(key rowKey) (judged judgement, found bool) {
	at := sort.Search(b.old.Len(), func(i int) bool { return b.old.at(i).key.domain() >= key.domain() })
	if at == b.old.Len() || b.old.at(at).key.domain() != key.domain() {
		return judgement{}, false
	}
	return b.old.at(at).judgement(), true
}

// change compares what two reports say of a domain. Two lookups that failed are no
// change, whatever the reasons: neither tells anything of the domain's policy.
func (b *Baseline) change(was, now judgement) scan.Change {
	before, after := b.verdicts.all[was.verdict], b.verdicts.all[now.verdict]
	failed := before[0].Status() == scan.LookupFailed // for all CAs alike
	fails := after[0].Status() == scan.LookupFailed
	switch {
	case failed && fails:
		return scan.ChangeNone
	case fails:
		return scan.ChangeFailedNow
	case failed && turns(before, after, scan.Denied):
		return scan.ChangeRecoveredDenied
	case failed:
		return scan.ChangeRecovered
	case turns(before, after, scan.Denied):
		return scan.ChangeNewlyDenied
	case turns(before, after, scan.Permitted):
		return scan.ChangeNewlyPermitted
	case !slices.Equal(before, after):
		return scan.ChangeReason
	case was.records != now.records && was.records != unknownRecords && now.records != unknownRecords:
		return scan.ChangeRecords
	}
	return scan.ChangeNone
}

// turns reports whether a CA has a status now that it did not have before.
func turns(before, after []scan.Reason, to scan.Status) bool {
	for i, reason := range after {
		if reason.Status() == to && before[i].Status() != to {
			return true
		}
	}
	return false
}

package diff

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"sort"
	"strings"

	"caascan/report"
	"caascan/scan"
)

// Baseline is an earlier report that rows are compared with: each with the one that
// has the same text in the column that is scanned, the second of that text with the
// second, whatever their order. It keeps an oldRow of each and no texts, because both
// reports may have millions of rows.
type Baseline struct {
	earlier    *Reader
	issuers    []issuerPair
	seed       maphash.Seed
	old        oldRows // sorted when all are read
	verdicts   verdicts
	compared   []scan.Reason                  // of the row at hand
	judgements report.OutcomeCache[judgement] // of the outcomes of a scan

	domains []comparedDomain     // in the order in which they are first met
	met     map[uint64]int       // their places, by hash
	records map[int]recordSet    // now, by the place of a domain whose policy changed
	sets    map[uint64]recordSet // the same, by hash
	rows    map[scan.Change]int
}

// mostJudged is how many judgements of outcomes are kept.
const mostJudged = 4096

// unknownRecords means a set of which a report holds neither all nor the digest.
const unknownRecords = 0

// issuerPair is a CA of both reports, by its places in them.
type issuerPair struct {
	label    string
	old, now int
}

// NewBaseline reads the earlier report. labels are those of the CAs of the rows that
// will be compared, as Reader.Labels returns them. The error wraps ErrReport if there
// is nothing to compare.
func NewBaseline(ctx context.Context, earlier *Reader, labels []string) (*Baseline, error) {
	b := &Baseline{
		earlier: earlier, issuers: pairIssuers(earlier.Labels(), labels), seed: maphash.MakeSeed(),
		verdicts: verdicts{places: make(map[string]uint32)}, judgements: report.NewOutcomeCache[judgement](mostJudged),
		met: make(map[uint64]int), records: make(map[int]recordSet), sets: make(map[uint64]recordSet),
		rows: make(map[scan.Change]int),
	}
	if len(b.issuers) == 0 {
		return nil, fmt.Errorf("%s %w: none of its CAs is one of %s", earlier.Name(), ErrReport, strings.Join(report.QuoteNames(labels), ", "))
	}
	for read, err := range earlier.rows(ctx) {
		if err != nil {
			return nil, err
		}
		row := oldRow{key: b.key(read.domain, read.cell)}
		row.judge(b.judge(read, issuerPair.inOld))
		b.old.add(row)
	}
	sort.Sort(&b.old)
	return b, b.checkVerdicts()
}

// checkVerdicts finds domains of which the earlier report says two things.
func (b *Baseline) checkVerdicts() error {
	nowhere := b.hash("")
	for i := 1; i < b.old.Len(); i++ {
		before, row := b.old.at(i-1), b.old.at(i)
		if hash := row.key.domain(); hash == before.key.domain() && hash != nowhere && row.judgement() != before.judgement() {
			return fmt.Errorf("%s %w: two of its rows have the same domain and different verdicts", b.earlier.Name(), ErrReport)
		}
	}
	return nil
}

// pairIssuers finds the CAs that are in both reports by their labels. If one of them
// names none, the first of each is taken for the same.
func pairIssuers(old, now []string) []issuerPair {
	var pairs []issuerPair
	for i, label := range now {
		if k := slices.Index(old, label); k >= 0 && label != "" {
			pairs = append(pairs, issuerPair{label, k, i})
		}
	}
	first, firstOld := firstLabel(now), firstLabel(old)
	if len(pairs) > 0 || first != "" && firstOld != "" {
		return pairs
	}
	return []issuerPair{{cmp.Or(first, firstOld), 0, 0}}
}

// firstLabel names the first CA, or none if the report does not.
func firstLabel(labels []string) string {
	for _, label := range labels {
		if label != "" {
			return label
		}
	}
	return ""
}

func (p issuerPair) inOld() int { return p.old }

func (p issuerPair) inNow() int { return p.now }

// Warnings returns what is not compared, or only by a guess, a sentence each. now is
// what the rows are of that are compared, and labels are those of its CAs.
func (b *Baseline) Warnings(now string, labels []string) []string {
	name, old := b.earlier.Name(), b.earlier.Labels()
	switch {
	case firstLabel(old) == "" && severalNamed(labels):
		return []string{b.takenForTheSame(name, now, labels)}
	case firstLabel(labels) == "" && severalNamed(old):
		return []string{b.takenForTheSame(now, name, old)}
	}
	return append(b.notCompared(name, old, now), b.notCompared(now, labels, name)...)
}

// takenForTheSame says what became of the CA of a report that does not name it.
func (b *Baseline) takenForTheSame(unnamed, named string, labels []string) string {
	var others []string
	for _, label := range labels {
		if label != "" && label != b.issuers[0].label {
			others = append(others, report.QuoteName(label))
		}
	}
	return fmt.Sprintf("%s does not name its CA, so it is compared with %s, the first of %s; not compared: %s.",
		unnamed, report.QuoteName(b.issuers[0].label), named, strings.Join(others, ", "))
}

func severalNamed(labels []string) bool {
	return len(slices.DeleteFunc(slices.Clone(labels), func(label string) bool { return label == "" })) > 1
}

func (b *Baseline) notCompared(name string, labels []string, other string) []string {
	var warnings []string
	for _, label := range labels {
		if label != "" && !slices.ContainsFunc(b.issuers, func(p issuerPair) bool { return p.label == label }) {
			warnings = append(warnings, fmt.Sprintf("The CA %s of %s is not compared: %s does not name it.", report.QuoteName(label), name, other))
		}
	}
	return warnings
}

// judge returns the judgement in a row of either report.
func (b *Baseline) judge(read readRow, place func(issuerPair) int) judgement {
	b.compared = b.compared[:0]
	for _, p := range b.issuers {
		b.compared = append(b.compared, read.reasons[place(p)])
	}
	return judgement{b.verdicts.place(b.compared), b.recordsHash(read.digest())}
}

func (b *Baseline) hash(text string) uint64 { return maphash.String(b.seed, text) }

// recordsHash is that of a digest, which is the same for a set in any order.
func (b *Baseline) recordsHash(digest string) uint32 {
	if digest == "" {
		return unknownRecords
	}
	return max(uint32(b.hash(digest)), unknownRecords+1)
}

// mostCompared is how many octets of a cell are compared: so many are left of one for
// which a workbook has no room, each octet of which may be written as eight.
const mostCompared = 4000

func (b *Baseline) key(domain, cell string) (key rowKey) {
	binary.BigEndian.PutUint64(key[:domainOctets], b.hash(domain))
	var whole [8]byte
	binary.BigEndian.PutUint64(whole[:], b.hash(cell[:min(len(cell), mostCompared)]))
	copy(key[domainOctets:], whole[:])
	return key
}

// verdicts keeps each combination of reasons once: there are few.
type verdicts struct {
	places map[string]uint32
	all    [][]scan.Reason
	key    []byte
}

func (v *verdicts) place(reasons []scan.Reason) uint32 {
	v.key = v.key[:0]
	for _, reason := range reasons {
		v.key = append(append(v.key, reason...), ' ')
	}
	place, met := v.places[string(v.key)]
	if !met {
		place = uint32(len(v.all))
		v.places[string(v.key)] = place
		v.all = append(v.all, slices.Clone(reasons))
	}
	return place
}

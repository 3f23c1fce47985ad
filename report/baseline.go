package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"caascan/scan"
)

// Baseline is an earlier report that rows are compared with: each with the one that
// has the same text in the column that is scanned, the second of that text with the
// second, wherever they stand. It keeps an oldRow of each and no texts, because both
// reports may have millions of rows.
type Baseline struct {
	earlier  *Reader
	issuers  []issuerPair
	seed     maphash.Seed
	buckets  [1 << bucketBits][]oldRow // by the first bits of the domain's hash; each sorted
	verdicts verdicts
	compared []scan.Reason     // of the row at hand
	kept     keeper[judgement] // of the outcomes of a scan

	domains []comparedDomain // in the order in which they are first met
	met     map[uint64]int   // their places, by hash
	records map[int]string   // now, by the place of a domain whose policy changed
	rows    map[scan.Change]int
}

// bucketBits make so many buckets that little is copied at a time while they grow, and
// so few that what each has too much at its end is little.
const bucketBits = 4

// oldRow is a row of the earlier report, in 22 octets. Texts are told apart by their
// hashes: that two of a million domains have the same has a chance of 1 in 37 million,
// that two of a million cells of one domain have, 1 in 560.
type oldRow struct {
	key    rowKey
	judged [8]byte // the judgement, which as two numbers would take up more
}

// rowKey is the hash of the domain and six octets of that of the cell.
type rowKey [14]byte

// judgement is what a report says of a domain, and so of all rows with it.
type judgement struct {
	verdict uint32 // its place
	records uint32 // their hash; another set has the same 1 time in 4 billion
}

// unknownRecords stands for a set of which a workbook does not hold all.
const unknownRecords = 0

// issuerPair is a CA of both reports, by its places in them.
type issuerPair struct {
	label    string
	old, now int
}

// NewBaseline reads the earlier report. labels are those of the CAs of the rows that
// will be compared, as Reader.Labels returns them. The error wraps ErrReport where there
// is nothing to compare.
func NewBaseline(ctx context.Context, earlier *Reader, labels []string) (*Baseline, error) {
	b := &Baseline{
		earlier: earlier, issuers: pairIssuers(earlier.Labels(), labels), seed: maphash.MakeSeed(),
		verdicts: verdicts{places: make(map[string]uint32)}, kept: newKeeper[judgement](mostTemplates),
		met: make(map[uint64]int), records: make(map[int]string), rows: make(map[scan.Change]int),
	}
	if len(b.issuers) == 0 {
		return nil, fmt.Errorf("%s %w: it has none of the CAs %s", earlier.Name(), ErrReport, strings.Join(quoteNames(labels), ", "))
	}
	for read, err := range earlier.rows(ctx) {
		if err != nil {
			return nil, err
		}
		row := oldRow{key: b.key(read.domain, read.cell)}
		row.judge(b.judge(read, issuerPair.inOld))
		bucket := b.bucket(row.key)
		*bucket = append(*bucket, row)
	}
	for i := range b.buckets {
		if err := b.settle(&b.buckets[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// settle sorts a bucket and takes no more room for it than it needs.
func (b *Baseline) settle(bucket *[]oldRow) error {
	rows := make([]oldRow, len(*bucket))
	copy(rows, *bucket)
	*bucket = rows
	slices.SortFunc(rows, oldRow.compare)
	nowhere := b.hash("")
	for i := 1; i < len(rows); i++ {
		hash := rows[i].key.domain()
		if hash == rows[i-1].key.domain() && hash != nowhere && rows[i].judgement() != rows[i-1].judgement() {
			return fmt.Errorf("%s %w: two of its rows have one domain and not one verdict", b.earlier.Name(), ErrReport)
		}
	}
	return nil
}

// pairIssuers finds the CAs that are in both reports by their labels. Where one of them
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

// firstLabel names the first CA, or none where the report does not.
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

// Warnings returns what is not compared, a sentence each. now is what the rows are of
// that are compared, and labels are those of its CAs.
func (b *Baseline) Warnings(now string, labels []string) []string {
	return append(b.notCompared(b.earlier.Name(), b.earlier.Labels(), now), b.notCompared(now, labels, b.earlier.Name())...)
}

func (b *Baseline) notCompared(name string, labels []string, other string) []string {
	var warnings []string
	for _, label := range labels {
		if label != "" && !slices.ContainsFunc(b.issuers, func(p issuerPair) bool { return p.label == label }) {
			warnings = append(warnings, fmt.Sprintf("The CA %s of %s is not compared: %s does not name it.", quoteName(label), name, other))
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
	j := judgement{verdict: b.verdicts.place(b.compared)}
	if !read.cut {
		j.records = b.recordsHash(read.records)
	}
	return j
}

func (b *Baseline) hash(text string) uint64 { return maphash.String(b.seed, text) }

// recordsHash is the same for a set in any order.
func (b *Baseline) recordsHash(records []string) uint32 {
	if len(records) > 1 {
		records = slices.Compact(slices.Sorted(slices.Values(records)))
	}
	return max(uint32(b.hash(strings.Join(records, "\n"))), unknownRecords+1)
}

// mostCompared is how many octets of a cell are compared: so many are left of one for
// which a workbook has no room, each octet of which may be written as eight.
const mostCompared = 4000

func (b *Baseline) key(domain, cell string) rowKey {
	var key rowKey
	binary.BigEndian.PutUint64(key[6:], b.hash(cell[:min(len(cell), mostCompared)]))
	binary.BigEndian.PutUint64(key[:], b.hash(domain))
	return key
}

func (k rowKey) domain() uint64 { return binary.BigEndian.Uint64(k[:]) }

func (b *Baseline) bucket(key rowKey) *[]oldRow { return &b.buckets[key[0]>>(8-bucketBits)] }

// compare sorts by domain, then by cell; of the same cell those come first that have
// been met again.
func (r oldRow) compare(other oldRow) int {
	if order := bytes.Compare(r.key[:], other.key[:]); order != 0 {
		return order
	}
	return cmp.Compare(other.judged[0]>>7, r.judged[0]>>7)
}

// judge fills in the judgement. Its first bit stays free: it says that the row has been
// met again.
func (r *oldRow) judge(j judgement) {
	binary.BigEndian.PutUint32(r.judged[:], j.verdict)
	binary.BigEndian.PutUint32(r.judged[4:], j.records)
}

func (r *oldRow) judgement() judgement {
	return judgement{binary.BigEndian.Uint32(r.judged[:]) &^ (1 << 31), binary.BigEndian.Uint32(r.judged[4:])}
}

func (r *oldRow) meet() { r.judged[0] |= 1 << 7 }

func (r *oldRow) met() bool { return r.judged[0]>>7 == 1 }

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

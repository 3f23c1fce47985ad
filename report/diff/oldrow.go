package diff

import (
	"bytes"
	"cmp"
	"encoding/binary"
)

// oldRow is a row of the earlier report, in 22 octets. Texts are told apart by their
// hashes: that two of a million domains have the same has a chance of 1 in 37 million,
// that two of a million cells of one domain have, 1 in 560.
type oldRow struct {
	key    rowKey
	judged [8]byte // the judgement, which as two numbers would take up more
}

// rowKey is the hash of the domain and as much of that of the cell as there is room for.
type rowKey [domainOctets + 6]byte

const domainOctets = 8

// judgement is what a report says of a domain, and so of all rows with it.
type judgement struct {
	verdict uint32 // its place
	records uint32 // their hash; another set has the same 1 time in 4 billion
}

func (k rowKey) domain() uint64 { return binary.BigEndian.Uint64(k[:domainOctets]) }

// compare sorts by domain, then by cell; of the same cell those come first that have
// been met again.
func (r *oldRow) compare(other *oldRow) int {
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

// chunkRows are 88 KiB: a report of a few rows takes up that much, and one of millions
// no more beyond its rows.
const chunkRows = 4096

// oldRows are rows in chunks that stay where they are. A slice that grows would be there
// twice while it is copied, and a quarter of it would be empty in the end. While they are
// read and sorted, 200,000 rows take up 22.1 octets each, whether they have one domain or
// each its own (go test ./report -run TestABaselineIsSmall -v).
type oldRows struct {
	chunks []*[chunkRows]oldRow
	count  int
}

func (r *oldRows) add(row oldRow) {
	if r.count == len(r.chunks)*chunkRows {
		r.chunks = append(r.chunks, new([chunkRows]oldRow))
	}
	r.count++
	*r.at(r.count - 1) = row
}

func (r *oldRows) at(i int) *oldRow { return &r.chunks[i/chunkRows][i%chunkRows] }

// Len is how many rows there are. With Less and Swap it implements sort.Interface, which
// sorts without a copy.
func (r *oldRows) Len() int { return r.count }

// Less orders rows by key and judgement, as compare does.
func (r *oldRows) Less(i, k int) bool { return r.at(i).compare(r.at(k)) < 0 }

// Swap changes the places of two rows.
func (r *oldRows) Swap(i, k int) { a, b := r.at(i), r.at(k); *a, *b = *b, *a }

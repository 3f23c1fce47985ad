package scan

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Shard is one part of a list that several processes work on: part Index of Count, from 0.
// A row is in the part of its domain (domain.Name.Shard). A row without a domain is in part
// 0: it needs no lookup, and so each row of a list is in exactly one part. The zero Shard
// is the whole list.
type Shard struct{ Index, Count int }

// MostShards is into how many parts a list may be divided.
const MostShards = 10_000

// ErrShard says that a text is no shard.
var ErrShard = fmt.Errorf("it is I/N, such as 0/16: part I of N, with I from 0 to N-1 and N at most %d", MostShards)

// ParseShard reads I/N. The error is ErrShard.
func ParseShard(text string) (Shard, error) {
	before, after, _ := strings.Cut(text, "/")
	index, err := strconv.ParseUint(before, 10, 31)
	count, err2 := strconv.ParseUint(after, 10, 31)
	if errors.Join(err, err2) != nil || count > MostShards || index >= count {
		return Shard{}, ErrShard
	}
	return Shard{int(index), int(count)}, nil
}

// String returns I/N, or "" of the whole list.
func (s Shard) String() string {
	if s.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Count)
}

// Of returns the rows of the shard, in order.
func (s Shard) Of(rows iter.Seq2[Row, error]) iter.Seq2[Row, error] {
	if s.Count == 0 {
		return rows
	}
	return func(yield func(Row, error) bool) {
		for row, err := range rows {
			if err == nil && !s.has(row) {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

func (s Shard) has(row Row) bool {
	name := row.target().Domain
	if name.IsZero() {
		return s.Index == 0
	}
	return name.Shard(s.Count) == s.Index
}

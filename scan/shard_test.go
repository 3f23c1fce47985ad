package scan_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"

	"caascan/scan"
)

func TestParseShard(t *testing.T) {
	for text, want := range map[string]scan.Shard{"0/1": {0, 1}, "0/16": {0, 16}, "15/16": {15, 16}, "9999/10000": {9999, 10000}} {
		got, err := scan.ParseShard(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseShard(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "/", "0", "0/0", "1/1", "16/16", "-1/4", "+1/4", "1/4/2", "1/ 4", "a/b", "0/10001", "0/99999999999999999999"} {
		if got, err := scan.ParseShard(text); !errors.Is(err, scan.ErrShard) || got != (scan.Shard{}) {
			t.Errorf("ParseShard(%q) = %v, %v, want an ErrShard", text, got, err)
		}
	}
}

// TestEachRowIsInOneShard: rows without a domain too, and in the order of the list.
func TestEachRowIsInOneShard(t *testing.T) {
	cells := []string{"", "no domain", "[192.0.2.1]", "com", "a@x.example, b@y.example"}
	for i := range 200 {
		cells = append(cells, fmt.Sprintf("user@d%d.example", i), fmt.Sprintf("user@mail.d%d.example", i))
	}
	const shards = 4
	found := make(map[int]int) // by row
	ofDomain := make(map[string]int)
	for index := range shards {
		last := 0
		for row, err := range (scan.Shard{Index: index, Count: shards}).Of(rowsOf(cells...)) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Number <= last {
				t.Errorf("row %d comes after row %d", row.Number, last)
			}
			last = row.Number
			found[row.Number]++
			name := scan.ParseTarget(row.Cell).Domain
			if name.IsZero() && index != 0 {
				t.Errorf("%q is in shard %d, want those without a domain in shard 0", row.Cell, index)
			}
			registrable := name.Registrable().String()
			if in, met := ofDomain[registrable]; met && in != index {
				t.Errorf("%s is in the shards %d and %d", registrable, in, index)
			}
			ofDomain[registrable] = index
		}
	}
	for number, times := range found {
		if times != 1 {
			t.Errorf("row %d is in %d shards", number, times)
		}
	}
	if len(found) != len(cells) {
		t.Errorf("%d rows are in a shard, want all %d", len(found), len(cells))
	}
}

func TestAShardYieldsErrors(t *testing.T) {
	broken := errors.New("broken off")
	var rows iter.Seq2[scan.Row, error] = func(yield func(scan.Row, error) bool) { yield(scan.Row{}, broken) }
	for _, err := range (scan.Shard{Index: 3, Count: 4}).Of(rows) {
		if errors.Is(err, broken) {
			return
		}
	}
	t.Error("the error of the rows is lost")
}

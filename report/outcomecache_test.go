package report

import (
	"fmt"
	"strings"
	"testing"

	"caascan/scan"
	"caascan/scan/caa"
)

// TestAKeeperIsBounded in number, and in octets where sets are large.
func TestAKeeperIsBounded(t *testing.T) {
	for _, test := range []struct{ size, most int }{{10, 50}, {30_000, mostKept / 30_000}} {
		k := NewOutcomeCache[string](50)
		large := strings.Repeat("x", test.size)
		for i := range 1000 {
			p, err := caa.NewProperty(0, caa.TagIssuemail, fmt.Sprint(large, i))
			if err != nil {
				t.Fatal(err)
			}
			o := &scan.Outcome{Records: caa.RRset{Properties: []caa.Property{p}}}
			if got := k.Of(o, func(*scan.Outcome) string { return fmt.Sprint(i) }); got != fmt.Sprint(i) {
				t.Fatalf("outcome %d gets what was made of outcome %s", i, got)
			}
			if len(k.made) > test.most {
				t.Fatalf("%d sets of %d octets are kept, want %d at the most", len(k.made), test.size, test.most)
			}
		}
	}
}

// However many outcomes there are, only so many are kept, and each row has its own.
func TestKeeperIsBounded(t *testing.T) {
	const most = 3
	k := NewOutcomeCache[*scan.Outcome](most)
	outcomes := make([]scan.Outcome, 2*most)
	itself := func(o *scan.Outcome) *scan.Outcome { return o }
	for range 2 {
		for i := range outcomes {
			if got := k.Of(&outcomes[i], itself); got != &outcomes[i] || len(k.made) > most {
				t.Fatalf("outcome %d: another one, or %d kept", i, len(k.made))
			}
		}
	}
}

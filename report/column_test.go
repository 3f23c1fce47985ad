package report

import (
	"fmt"
	"strings"
	"testing"

	"caascan/scan"
)

// TestAKeeperIsBounded in number, and in octets where sets are large.
func TestAKeeperIsBounded(t *testing.T) {
	for _, test := range []struct{ size, most int }{{10, 50}, {30_000, mostKept / 30_000}} {
		k := newKeeper[string](50)
		large := strings.Repeat("x", test.size)
		for i := range 1000 {
			o := &scan.Outcome{Records: issuemail(t, "closed.example", fmt.Sprint(large, i))}
			if got := k.of(o, func(*scan.Outcome) string { return fmt.Sprint(i) }); got != fmt.Sprint(i) {
				t.Fatalf("outcome %d gets what was made of outcome %s", i, got)
			}
			if len(k.made) > test.most {
				t.Fatalf("%d sets of %d octets are kept, want %d at the most", len(k.made), test.size, test.most)
			}
		}
	}
}

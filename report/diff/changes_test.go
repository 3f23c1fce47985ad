package diff

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
)

// What is different from an earlier report is what compared has by hand, in the rows too.
func TestChanges(t *testing.T) {
	for _, labels := range [][]string{{"ca.example"}, {"Old", "New"}} {
		want := reporttest.Compared(t, labels...)
		b := baseline(t, reporttest.Earlier(t, labels...), report.CSV)
		for _, r := range want.Results {
			if change := b.Compare(r); change != r.Change {
				t.Errorf("row %d: %q, want %q", r.Row.Number, change, r.Change)
			}
		}
		got, err := b.Changes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got.Earlier = want.Changes.Earlier
		if diff := cmp.Diff(want.Changes, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", labels, diff)
		}
	}
}

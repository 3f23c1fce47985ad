package scan_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"

	"caascan/scan"
)

// TestCollectIsSmall holds the live heap at the end of the first pass, when all is
// known, to 150 octets for each distinct domain, the names included; rows of a domain
// that has been met cost nothing.
func TestCollectIsSmall(t *testing.T) {
	const domains, bound = 200_000, 150
	once, twice := heapOfCollect(t, domains, 1), heapOfCollect(t, domains, 2)
	if once > bound*domains {
		t.Errorf("%d octets for %d domains, want at most %d for each", once, domains, bound)
	}
	if more := twice - once; more > domains {
		t.Errorf("%d octets more where each domain has two rows, want none", more)
	}
}

// heapOfCollect returns the octets that are live when the last row has been read and
// when all has been looked up, whichever are more.
func heapOfCollect(t *testing.T, domains, rows int) (most int) {
	client := client(t, "$ORIGIN example.\n@ SOA ns hostmaster 1 7200 900 1209600 300\n")
	before := liveHeap()
	err := scan.Collect(t.Context(), client, rowsOfDomains(domains, rows, func() { most = liveHeap() - before }), nil)
	if err != nil {
		t.Fatal(err)
	}
	most = max(most, liveHeap()-before)
	if got, want := client.Store().Len(), domains+1; got != want {
		t.Fatalf("%d names are known, want %d", got, want)
	}
	return most
}

// rowsOfDomains yields as many rows of each domain, and calls end behind the last.
func rowsOfDomains(domains, each int, end func()) iter.Seq2[scan.Row, error] {
	return func(yield func(scan.Row, error) bool) {
		for n := range domains * each {
			cell := fmt.Sprintf("somebody@company%012d.example", n%domains)
			if !yield(scan.Row{Number: n + 1, Cells: []string{cell}, Cell: cell}, nil) {
				return
			}
		}
		end()
	}
}

func liveHeap() int {
	runtime.GC()
	runtime.GC() // what the first one found dead is swept
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

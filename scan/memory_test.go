package scan_test

import (
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"

	"caascan/scan"
)

// TestCollectIsSmall holds the live heap at the end of the first pass, when all is
// known, to 150 octets for each distinct domain, the names included; rows of a domain
// that has been met cost nothing.
func TestCollectIsSmall(t *testing.T) {
	const domains, bound = 200_000, 150
	once, twice := heapOfCollect(t, domains, 1, emptyZone), heapOfCollect(t, domains, 2, emptyZone)
	if once > bound*domains {
		t.Errorf("%d octets for %d domains, want at most %d for each", once, domains, bound)
	}
	if more := twice - once; more > domains {
		t.Errorf("%d octets more where each domain has two rows, want none", more)
	}
}

const emptyZone = "$ORIGIN example.\n@ SOA ns hostmaster 1 7200 900 1209600 300\n"

// TestCollectIsSmallWhateverComesOfIt holds a domain that has records, or whose lookup fails,
// to 300 octets of live heap in the first pass; what the second takes has a test beside it.
func TestCollectIsSmallWhateverComesOfIt(t *testing.T) {
	const domains, bound = 40_000, 300
	var denied strings.Builder
	denied.WriteString(emptyZone)
	for n := range 2 * domains {
		fmt.Fprintf(&denied, "company%012d CAA 0 issuemail \"ca%d.example\"\n", n, n)
	}
	for kind, zone := range map[string]string{
		"denied, each by a set of its own": denied.String(), "failed": strings.ReplaceAll(emptyZone, "example", "elsewhere"),
	} {
		if each := (heapOfCollect(t, 2*domains, 1, zone) - heapOfCollect(t, domains, 1, zone)) / domains; each > bound {
			t.Errorf("%s: %d octets a domain, want at most %d", kind, each, bound)
		} else {
			t.Logf("%s: %d octets a domain", kind, each)
		}
	}
}

// heapOfCollect returns the octets that are live when the last row has been read and
// when all has been looked up, whichever are more.
func heapOfCollect(t *testing.T, domains, rows int, zone string) (most int) {
	client := client(t, zone)
	before := liveHeap()
	err := scan.Collect(t.Context(), client, rowsOfDomains(domains, rows, func() { most = liveHeap() - before }), nil)
	if err != nil {
		t.Fatal(err)
	}
	most = max(most, liveHeap()-before)
	if got := client.Store().Len(); got != domains && got != domains+1 { // some climb to example, some do not
		t.Fatalf("%d names are known, want %d", got, domains)
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

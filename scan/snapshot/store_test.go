package snapshot_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// sameObservation compares as readers do: times as instants, nothing as nothing.
var sameObservation = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.EquateComparable(domain.Name{}, caa.Property{}),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.IsZero() == b.IsZero() }),
}

// arbitrary makes an Observation whose fields are each set or not, and repeats few
// values, so that much is shared.
func arbitrary(t testing.TB, random *rand.Rand, name domain.Name) snapshot.Observation {
	o := snapshot.Observation{Name: name}
	set := func() bool { return random.IntN(3) == 0 }
	some := func(format string) string { return fmt.Sprintf(format, random.IntN(3)) }
	if set() {
		o.RCode, o.AD, o.Validated = uint16(random.IntN(4)), set(), set()
	}
	if set() {
		o.Server, o.Transport, o.Attempts = some("192.0.2.%d:53"), snapshot.UDP, random.IntN(3)
	}
	if set() {
		o.TTL = random.Uint32()
	}
	switch random.IntN(4) {
	case 0:
		o.Time = time.Unix(random.Int64N(4e9)-2e9, random.Int64N(1e9))
	case 1:
		o.Time = []time.Time{time.Unix(0, 0), time.Unix(0, 1), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(2999, 1, 1, 0, 0, 0, 7, time.UTC), time.Now()}[random.IntN(5)]
	}
	if set() {
		o.RecordsTTL = random.Uint32()
	}
	for range random.IntN(3) * random.IntN(2) {
		o.Records.Properties = append(o.Records.Properties, property(t, 0, some("issue%d"), some("ca%d.example")))
	}
	o.Records.Owner = []string{"", name.String(), "alias.example"}[random.IntN(3)]
	if set() {
		o.Aliases = []string{some("a%d.example"), "alias.example"}
	}
	if set() {
		o.EDE = []snapshot.EDE{{Code: 22, Text: some("%d")}, {Text: "no server of " + name.String() + " answers"}, {Code: 65535, Text: name.String() + "\x00"}}
	}
	if set() {
		o.Failure, o.Asked = snapshot.ServFail, some("a%d.example")
	}
	if set() {
		o.Mark, o.Doubted = snapshot.MarkAfterServFail, &snapshot.Observation{Name: name, TTL: 5}
	}
	if set() {
		o.Own, o.Expires = snapshot.Secure, time.Unix(random.Int64N(4e9), 1)
	}
	if set() {
		o.Flaw = &snapshot.Flaw{
			Reason: snapshot.FlawExpired, Zone: "example", Owner: some("%d.example"), Type: "CAA", KeyTag: uint16(random.Uint32()), Algorithm: 255,
			Inception: time.Unix(random.Int64N(4e9), 0), Expiration: time.Unix(-1, 0),
		}
	}
	if set() {
		o.Proofs = []snapshot.Proof{{Name: name.String(), State: snapshot.NotProven, Steps: []snapshot.ProofStep{
			{Name: some("%d")}, {Name: "example", Finding: snapshot.Unproven, Server: some("192.0.2.%d:53"), Replied: set(), AD: set(), RCode: 4095, Time: time.Unix(random.Int64N(4e9), 1)},
		}}}
	}
	return o
}

// FuzzStore: what was put last comes back as it was, whatever came between.
func FuzzStore(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	known := names(f, 50)
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		want := make(map[domain.Name]snapshot.Observation)
		var store snapshot.Store
		for range 150 {
			o := arbitrary(t, random, known[random.IntN(len(known))])
			want[o.Name] = o
			store.Put(o)
		}
		for _, name := range known {
			put, isPut := want[name]
			got, found := store.Find(name)
			if diff := cmp.Diff(put, got, sameObservation); diff != "" || found != isPut {
				t.Errorf("Find(%s) mismatch (-put +found), found = %v, put = %v\n%s", name, found, isPut, diff)
			}
			ends, found := store.EndsClimb(name)
			if ends != put.EndsClimb() || found != isPut {
				t.Errorf("EndsClimb(%s) = %v, %v, want %v, %v", name, ends, found, put.EndsClimb(), isPut)
			}
		}
		if store.Len() != len(want) {
			t.Errorf("Len = %d, want %d", store.Len(), len(want))
		}
	})
}

// names makes n of them.
func names(t testing.TB, n int) []domain.Name {
	list := make([]domain.Name, n)
	for i := range list {
		list[i] = name(t, fmt.Sprintf("mail%d.department.example", i))
	}
	return list
}

// answer makes what the DNS answers for the ith name, as parsing makes it: nothing
// is shared, and 8 % have CAA records.
func answer(t testing.TB, i int, name domain.Name) snapshot.Observation {
	o := snapshot.Observation{
		Name: name, RCode: uint16(i % 7 / 6 * 3), TTL: uint32(i % 3600), AD: i%5 == 0, Validated: true,
		Server: "127.0.0.1:53", Transport: snapshot.UDP, Attempts: 1,
		Time: time.Unix(1_800_000_000, int64(i)*5000),
	}
	if i%100 < 8 {
		o.RCode = 0
		o.Records = caa.RRset{Owner: strings.Clone(name.String()), Properties: []caa.Property{
			property(t, 0, "issue", fmt.Sprintf("ca%d.example", i%20)), property(t, 0, "issuemail", ";"),
		}}
	}
	return o
}

func answers(t testing.TB, n int) []snapshot.Observation {
	list := make([]snapshot.Observation, n)
	for i, name := range names(t, n) {
		list[i] = answer(t, i, name)
	}
	return list
}

// TestTheStoreIsSmall: a name may take 150 octets while collecting, which hold the names
// themselves, and a second set of them, too.
func TestTheStoreIsSmall(t *testing.T) {
	const bound = 100
	if got := heapPerName(t); got > bound {
		t.Errorf("%.1f octets of heap a name beside the name itself, want at most %d", got, bound)
	}
}

func heapPerName(t testing.TB) float64 {
	const n = 200_000
	list := names(t, n)
	before := liveHeap()
	store := new(snapshot.Store)
	for i, name := range list {
		store.Put(answer(t, i, name))
	}
	used := int64(liveHeap()) - int64(before)
	runtime.KeepAlive(store)
	runtime.KeepAlive(list)
	return float64(used) / n
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one found dead is swept
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func BenchmarkStorePut(b *testing.B) {
	const n = 200_000
	list := answers(b, n)
	b.ReportAllocs()
	for b.Loop() {
		var store snapshot.Store
		for i := range list {
			store.Put(list[i])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/name")
	b.ReportMetric(heapPerName(b), "heap-B/name")
}

func BenchmarkStoreFind(b *testing.B) {
	list := answers(b, 200_000)
	var store snapshot.Store
	for i := range list {
		store.Put(list[i])
	}
	b.Run("Find", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			store.Find(list[i%len(list)].Name)
		}
	})
	b.Run("EndsClimb", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			store.EndsClimb(list[i%len(list)].Name)
		}
	})
}

//go:build servers

package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

var crashSeed = flag.Uint64("crash-seed", 0, "the moments at which runs are killed, as a failed test has printed it (default: others each time)")

// The list of these tests: so many domains, with so many mailboxes that a report takes
// long enough to be caught while it is written.
const (
	nightDomains = 6000
	nightRows    = 150_000
)

// nightZone is a DNS for that list, with aliases, CAA records, and names that fail: for
// ever, or at first.
func nightZone() string {
	var b strings.Builder
	b.WriteString("$ORIGIN .\n$TTL 3600\n@ SOA ns.example. hostmaster.example. 1 7200 900 1209600 300\n@ NS ns.example.\nns.example. A 192.0.2.53\n")
	for i := range nightDomains {
		switch i % 25 {
		case 0:
			fmt.Fprintf(&b, "d%d.example. CAA 0 issuemail \"ca.example\"\n", i)
		case 1:
			fmt.Fprintf(&b, "d%d.example. CAA 0 issuemail \"other-ca.example\"\n", i)
		case 2:
			fmt.Fprintf(&b, "d%d.example. CNAME t%d.targets.test.\nt%[1]d.targets.test. CAA 0 issuemail \"ca.example\"\n", i, i)
		case 3: // the end of the alias has to be asked for by itself
			fmt.Fprintf(&b, "d%d.example. CNAME t%d.targets.test. ; answer: chain\nt%[1]d.targets.test. TXT \"x\"\n", i, i)
		default:
			fmt.Fprintf(&b, "d%d.example. TXT \"x\"\n", i)
		}
	}
	for _, f := range nightFailures {
		for i := range f.count {
			fmt.Fprintf(&b, "%s%d.example. TXT \"x\" ; answer: %s\n", f.name, i, f.words)
		}
	}
	return b.String()
}

// nightFailures are the names that fail. Of those asked in the first pass each attempt
// counts, and there are two.
var nightFailures = []struct {
	name  string
	count int
	words string
}{
	{"servfail", 4, "servfail"},
	{"silent", 1, "drop"},
	{"bogus", 2, "bogus"},
	{"late", 4, "servfail first=3"}, // recovers in the final pass
}

// fails reports whether a name of nightZone fails at some time.
func fails(name string) bool {
	for _, f := range nightFailures {
		if strings.HasPrefix(name, f.name) {
			return true
		}
	}
	return false
}

func writeNightList(t *testing.T) string {
	t.Helper()
	var domains []string
	for i := range nightDomains {
		domains = append(domains, fmt.Sprintf("%sd%d.example", []string{"", "mail.", "a.b."}[i%3], i))
	}
	for _, f := range nightFailures {
		for i := range f.count {
			domains = slices.Insert(domains, len(domains)*(i+1)/(f.count+1), fmt.Sprintf("%s%d.example", f.name, i))
		}
	}
	path := filepath.Join(t.TempDir(), "night.csv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "email")
	for i := range nightRows {
		fmt.Fprintf(w, "user%d@%s\n", i, domains[i%len(domains)])
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// night is a list to be scanned with a snapshot, and the DNS that is asked: one server
// behind one or more resolvers' addresses, a few milliseconds away.
type night struct {
	world
	sandbox
	list       string
	snapshot   string
	server     *dnstest.Server
	resolvers  []string
	queries    *atomic.Int64 // of all runs, for CAA
	finalPass  *atomic.Int64 // of the last run, for a name that fails each time
	seen       int           // of all queries, those of runs that have ended
	concurrent int
}

func newNight(t *testing.T, program, list string, resolvers int) *night {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(nightZone()), "night.zone")
	if err != nil {
		t.Fatal(err)
	}
	n := &night{
		world: world{program: program}, sandbox: newSandbox(t), list: list,
		snapshot: filepath.Join(t.TempDir(), "answers.jsonl"), queries: new(atomic.Int64), finalPass: new(atomic.Int64), concurrent: 64,
	}
	n.server, err = dnstest.Start(dnstest.Config{Zones: []*zone.Zone{z}, Validates: true, Handle: func(q dnstest.Query) []dnstest.Reply {
		if q.Type == dns.TypeCAA {
			n.queries.Add(1)
		}
		if q.Type == dns.TypeCAA && q.Name == "servfail0.example" {
			n.finalPass.Add(1)
		}
		return q.Replies()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.server.Close)
	for range resolvers {
		const way = 8 * time.Millisecond
		proxy, err := dnstest.StartProxy(dnstest.ProxyConfig{Server: n.server.Addr(), QueryDelay: way, ReplyDelay: way})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Close)
		n.resolvers = append(n.resolvers, proxy.Addr())
	}
	return n
}

// begin starts a run that goes on with what there is.
func (n *night) begin(t *testing.T, more ...string) running {
	t.Helper()
	n.finalPass.Store(0)
	args := []string{
		"scan", n.list, "-o", n.path(csvReport), "--snapshot", n.snapshot, "--resume",
		"--concurrency", fmt.Sprint(n.concurrent), "--timeout", "300ms", "--final-pass-after", "100ms",
	}
	for _, resolver := range n.resolvers {
		args = append(args, "--resolver", resolver)
	}
	return n.start(t, n.sandbox, append(args, more...)...)
}

// finish lets a run come to its end, and sees that it ends well.
func (n *night) finish(t *testing.T, r running) {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(patience):
		t.Fatalf("the run does not end; stderr %q", r.said(t))
	}
	if *r.code != exitDone {
		t.Fatalf("exit %d, stderr %q, want 0", *r.code, r.said(t))
	}
}

// asked returns how often each name was asked for CAA since the last call. A query that a
// run has sent before its end is counted even if nobody has read it yet: one of this
// test's own comes behind it, by the same ways.
func (n *night) asked(t *testing.T) map[string]int {
	t.Helper()
	client := dns.Client{Timeout: time.Second}
	for _, resolver := range n.resolvers {
		if _, _, err := client.ExchangeContext(t.Context(), new(dns.Msg).SetQuestion(".", dns.TypeSOA), resolver); err != nil {
			t.Fatal(err)
		}
	}
	all := n.server.Queries()
	counts := make(map[string]int)
	for _, q := range all[n.seen:] {
		if q.Type == dns.TypeCAA {
			counts[q.Name]++
		}
	}
	n.seen = len(all)
	return counts
}

// known is what whole lines of a snapshot say: each name's, and whether its last one is
// an answer.
func (n *night) known(t *testing.T) map[string]bool {
	t.Helper()
	answered := make(map[string]bool)
	file, err := os.Open(n.snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return answered
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for o, err := range snapshot.NewReader(file, n.snapshot).All() {
		if err != nil {
			t.Fatal(err)
		}
		answered[o.Name.String()] = o.Failure == ""
	}
	return answered
}

// checkAsked sees that the runs since the last call have asked for nothing that the
// snapshot had an answer for before them, and that nothing in it is gone. It returns how
// many names they have asked for, and of these how many there is still no answer for;
// those that fail are left out, because they are asked again in any case, and so are the
// ends of aliases, which have no lines of their own.
func (n *night) checkAsked(t *testing.T, before map[string]bool) (asked, lost int) {
	t.Helper()
	after := n.known(t)
	var gone, again []string
	for name, answered := range before {
		if _, there := after[name]; !there || answered && !after[name] {
			gone = append(gone, name)
		}
	}
	for name := range n.asked(t) {
		if before[name] {
			again = append(again, name)
		}
		if fails(name) || strings.HasSuffix(name, "targets.test") {
			continue
		}
		asked++
		if !after[name] {
			lost++
		}
	}
	if len(gone) > 0 {
		t.Errorf("%d answers are no longer in the snapshot, such as that of %s", len(gone), gone[0])
	}
	if len(again) > 0 {
		t.Errorf("%d names were asked although their answers were in the snapshot, such as %s", len(again), again[0])
	}
	return asked, lost
}

// report returns the report with nothing in it that may differ between two runs.
func (n *night) report(t *testing.T) [][]string {
	t.Helper()
	octets, err := os.ReadFile(n.path(csvReport))
	if err != nil {
		t.Fatal(err)
	}
	text := string(octets)
	for _, resolver := range n.resolvers {
		text = strings.ReplaceAll(text, resolver, "RESOLVER")
	}
	rows := readReport(t, text)
	at := slices.Index(rows[0], "caa_checked_at")
	for _, row := range rows[1:] {
		row[at] = ""
	}
	return rows
}

// checkReport sees that the report is that of an uninterrupted run.
func (n *night) checkReport(t *testing.T, want [][]string) {
	t.Helper()
	got := n.report(t)
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Fatalf("row %d (-want +got)\n%s", i, diff)
		}
	}
}

func (n *night) size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err != nil {
		return 0
	}
	return info.Size()
}

// killing is a moment at which a run is killed: some time, at most late, after it has come.
type killing struct {
	phase string
	come  func() bool
	late  time.Duration
}

// killings are 20 moments over all that a run does, in an order in which each can come.
// An uninterrupted run asks for so many names: they are many more between two of these
// moments than may be lost at one.
func (n *night) killings(t *testing.T, random *rand.Rand, names int) []killing {
	const collecting, others = 8, 2
	var list []killing
	for i := range collecting {
		asked := int64(names*i/collecting + random.IntN(names/collecting))
		list = append(list, killing{fmt.Sprintf("%d names are asked", asked), func() bool { return n.queries.Load() >= asked }, 5 * time.Millisecond})
	}
	for range others {
		began := n.sinceStart(t)
		list = slices.Insert(list, random.IntN(len(list)+1),
			killing{"it starts", func() bool { return true }, 15 * time.Millisecond},
			killing{"something is written", began, time.Millisecond})
	}
	for range 4 {
		list = append(list, killing{"failures are asked again", func() bool { return n.finalPass.Load() > 2 }, 200 * time.Millisecond})
	}
	for range 4 {
		list = append(list, killing{"the report is written", func() bool { return grown(t, n.out, "."+csvReport) }, 20 * time.Millisecond})
	}
	return list
}

// sinceStart returns what reports whether the snapshot has grown since it was asked first.
func (n *night) sinceStart(t *testing.T) func() bool {
	first := int64(-1)
	return func() bool {
		size := n.size(t, n.snapshot)
		if first < 0 {
			first = size
		}
		return size != first
	}
}

// kill kills a run at a moment, and reports whether that was before its end.
func (n *night) kill(t *testing.T, random *rand.Rand, k killing) bool {
	t.Helper()
	r := n.begin(t)
	r.waitFor(t, k.come)
	select {
	case <-r.ended:
	case <-time.After(time.Duration(random.Int64N(int64(k.late)))):
	}
	if err := r.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-r.ended
	const bySignal = -1
	if *r.code != exitDone && *r.code != bySignal {
		t.Fatalf("killed while %s: exit %d, stderr %q", k.phase, *r.code, r.said(t))
	}
	return *r.code == bySignal
}

// leftovers are the files that are there besides those that were asked for.
func (n *night) leftovers(t *testing.T) []string {
	t.Helper()
	files := filesIn(t, n.out)
	maps.Copy(files, filesIn(t, n.temp))
	maps.Copy(files, filesIn(t, filepath.Dir(n.snapshot)))
	for _, wanted := range []string{n.path(csvReport), n.path(xlsxReport), n.snapshot} {
		delete(files, wanted)
	}
	return slices.Sorted(maps.Keys(files))
}

// crash kills runs at 20 moments. Whatever happens, no name is asked again whose answer
// has a whole line, little is lost, and the last run's report is that of an uninterrupted
// one.
func crash(t *testing.T, program, list string, resolvers int, random *rand.Rand) {
	whole := newNight(t, program, list, resolvers)
	whole.finish(t, whole.begin(t))
	want := whole.report(t)
	names, _ := whole.checkAsked(t, nil)
	n := newNight(t, program, list, resolvers)
	killings := n.killings(t, random, names)
	total, lostInAll, most := 0, 0, 0
	for _, k := range killings {
		before := n.known(t)
		n.killAt(t, random, k, want)
		asked, lost := n.checkAsked(t, before)
		if lost > n.concurrent+1000 {
			t.Errorf("killed while %s: %d answers are lost, want at most those in flight and 1000", k.phase, lost)
		}
		total, lostInAll, most = total+asked, lostInAll+lost, max(most, lost)
	}
	before, left := n.known(t), n.leftovers(t)
	n.finish(t, n.begin(t))
	asked, _ := n.checkAsked(t, before)
	if total += asked; total > names+lostInAll {
		t.Errorf("%d names were asked, want at most the %d of an uninterrupted run and the %d that were lost", total, names, lostInAll)
	}
	n.checkReport(t, want)
	left = slices.DeleteFunc(left, func(path string) bool { return path == n.snapshot+lockSuffix })
	if diff := cmp.Diff(left, n.leftovers(t)); diff != "" {
		t.Errorf("what the killed runs have left but for the lock, and what is left in the end (-want +got)\n%s", diff)
	}
	t.Logf("%d kills have cost %d answers of %d, the worst %d; they leave %d files", len(killings), lostInAll, names, most, len(left))
}

// killAt kills a run at a moment. One that was done before is tried again: some moments
// are short.
func (n *night) killAt(t *testing.T, random *rand.Rand, k killing, report [][]string) {
	t.Helper()
	const tries = 5
	for range tries {
		killed := n.kill(t, random, k)
		if n.replaced(csvReport) { // it was put in place just before
			n.checkReport(t, report)
			writeFile(t, n.path(csvReport), oldReport)
		}
		if killed {
			return
		}
	}
	t.Fatalf("no run could be killed while %s", k.phase)
}

// TestAfterKillsNothingIsLost needs no program but the one that it kills.
func TestAfterKillsNothingIsLost(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-crash-seed %d", seed)
	program, list := build(t), writeNightList(t)
	for _, resolvers := range []int{1, 2} {
		t.Run(fmt.Sprintf("resolvers %d", resolvers), func(t *testing.T) {
			t.Parallel() // each waits most of the time
			crash(t, program, list, resolvers, rand.New(rand.NewPCG(seed, uint64(resolvers))))
		})
	}
}

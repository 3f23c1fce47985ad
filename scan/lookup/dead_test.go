package lookup

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// The world of these tests: a resolver 20 ms away that answers everything but the dead
// names. All durations are exact, because the time is synctest's.
const far = 20 * time.Millisecond

// deadKind is how dead names fail.
type deadKind string

const (
	dropped      deadKind = "drop"
	servfailed   deadKind = "servfail"
	slowServfail deadKind = "slow"
)

func deadName(kind deadKind, i int) string { return fmt.Sprintf("%s-%d.example", kind, i) }

// withDead answers for names that begin with a kind as that says.
func withDead(w *world, q asked) []byte {
	kind, _, _ := strings.Cut(q.name, "-")
	switch deadKind(kind) {
	case dropped:
		return nil
	case slowServfail:
		time.Sleep(3 * time.Second)
		return servfail(w, q)
	case servfailed:
		time.Sleep(far)
		return servfail(w, q)
	}
	time.Sleep(far)
	return nothing(w, q)
}

// deadList has a dead name after every so many others, each kind in turn.
func deadList(t testing.TB, size, every int, kinds ...deadKind) (list []domain.Name) {
	for i := range size {
		name := fmt.Sprintf("m%d.example", i)
		if every > 0 && i%every == every-1 {
			name = deadName(kinds[i/every%len(kinds)], i)
		}
		list = append(list, mustName(t, name))
	}
	return list
}

func isDead(name domain.Name) bool { return strings.Contains(name.String(), "-") }

// scanFar looks names up after a probe, and returns how long that took. No name but the
// dead ones may fail.
func scanFar(t *testing.T, r *Client, list []domain.Name) time.Duration {
	t.Helper()
	if _, err := r.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := r.Lookup(t.Context(), slices.Chunk(list, 256), nil); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	for _, name := range list {
		o, found := r.Store().Find(name)
		if !found || (o.Failure != "") != isDead(name) {
			t.Errorf("%v: found %v, failure %q", name, found, o.Failure)
		}
	}
	time.Sleep(time.Minute) // for replies that nobody waits for any more
	return took
}

// TestDeadNamesCostTheirOwnTries: a list with dead names takes as long as without them,
// or as all their tries with 1,000 waiting at a time, plus two tries in each pass and the
// wait between the passes.
func TestDeadNamesCostTheirOwnTries(t *testing.T) {
	t.Parallel() // it is among the longest, and its time is its own
	const timeout, tries, after = DefaultTimeout, DefaultAttempts, 5 * time.Second
	for _, test := range []struct {
		size, every int // one in so many is dead
		kinds       []deadKind
		servers     []Server
	}{
		{2000, 100, []deadKind{dropped}, nil},
		{2000, 5, []deadKind{dropped}, nil},
		{2000, 20, []deadKind{servfailed}, nil},
		{2000, 5, []deadKind{slowServfail}, nil},
		{2000, 20, []deadKind{dropped, servfailed, slowServfail}, nil},
		{2000, 5, []deadKind{dropped, servfailed, slowServfail}, []Server{serverA, serverB}},
		{6000, 20, []deadKind{dropped}, nil},
		{4000, 20, []deadKind{slowServfail}, []Server{serverA, serverB}},
		{2000, 1, []deadKind{dropped}, nil}, // nothing else
	} {
		name := fmt.Sprintf("%d names, one in %d dead, %v, servers %v", test.size, test.every, test.kinds, test.servers)
		var alive, took time.Duration
		for every, took := range map[int]*time.Duration{0: &alive, test.every: &took} {
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, answer: withDead}
				r := w.client(Config{Servers: test.servers, FinalPassAfter: after})
				*took = scanFar(t, r, deadList(t, test.size, every, test.kinds...))
				for _, s := range r.Servers() {
					if s.Slowdowns > 0 || s.Illnesses > 0 {
						t.Errorf("%s: %+v, want no slowdown and no illness", name, s)
					}
				}
				if s := r.Stats(); s.Queries != s.Names+s.Retries {
					t.Errorf("%s: %+v, want queries = names + retries", name, s)
				}
			})
		}
		waits := time.Duration(test.size/test.every*tries) * timeout / mostWaiting
		if most := max(alive, waits) + 2*tries*timeout + after + 5*time.Second; took > most {
			t.Errorf("%s: %v, want at most %v; without dead names it takes %v", name, took, most, alive)
		}
	}
}

// TestARunOfDeadNamesHoldsUpNobody: sorted lists begin with such. The names after it are
// answered as if it were not there, and nothing is said against the resolvers.
func TestARunOfDeadNamesHoldsUpNobody(t *testing.T) {
	for _, kind := range []deadKind{dropped, servfailed, slowServfail} {
		for _, servers := range [][]Server{{serverA}, {serverA, serverB}} {
			synctest.Test(t, func(t *testing.T) {
				var list []domain.Name
				for i := range 500 {
					list = append(list, mustName(t, deadName(kind, i)))
				}
				list = append(list, deadList(t, 2000, 0)...)
				w := &world{t: t, answer: withDead}
				r := w.client(Config{Servers: servers, FinalPassAfter: 5 * time.Second})
				start := time.Now()
				scanFar(t, r, list)
				last, _ := r.Store().Find(list[len(list)-1])
				if took := last.Time.Sub(start); took > 3*time.Second {
					t.Errorf("%s, %d servers: the last name was answered after %v", kind, len(servers), took)
				}
				for _, s := range r.Servers() {
					if s.Slowdowns > 0 || s.Illnesses > 0 {
						t.Errorf("%s: %+v, want no slowdown and no illness", kind, s)
					}
				}
			})
		}
	}
}

// TestEachDeadNameHasItsTries: two in each pass, each sent again twice over UDP, and an
// ordinary name is asked once. The final pass begins 5 s after the name failed, while
// others are still asked.
func TestEachDeadNameHasItsTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		w := &world{t: t}
		w.answer = func(w *world, q asked) []byte {
			if q.name == "drop-0.example" {
				w.mu.Lock()
				at = append(at, time.Since(start).Round(time.Second))
				w.mu.Unlock()
			}
			return withDead(w, q)
		}
		r := w.client(Config{FinalPassAfter: 5 * time.Second, Concurrency: 1})
		list := append([]domain.Name{mustName(t, "drop-0.example")}, deadList(t, 2000, 0)...) // 40 s of them
		scanFar(t, r, list)
		want := []time.Duration{0, 5, 15, 20}
		for i := range want {
			want[i] *= time.Second
		}
		if got := slices.Compact(slices.Clone(at)); len(at) != 4*mostSends || !near(got, want) {
			t.Errorf("asked after %v, want three times each after %v", at, want)
		}
		for _, name := range []string{"m7.example", "example"} {
			if w.count(name) != 1 {
				t.Errorf("%s was asked %d times", name, w.count(name))
			}
		}
	})
}

// near reports whether moments, of which some may be told twice, are those wanted.
func near(got, want []time.Duration) bool {
	return !slices.ContainsFunc(got, func(g time.Duration) bool {
		return !slices.ContainsFunc(want, func(w time.Duration) bool { return (g - w).Abs() <= 2*time.Second })
	})
}

// TestSlowNamesAreNotLost: of the names three in ten take 4 s, and all are answered, in
// about the time that 1,000 of them at a time take.
func TestSlowNamesAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if strings.HasPrefix(q.name, "s") {
				time.Sleep(4 * time.Second)
			} else {
				time.Sleep(far)
			}
			return nothing(w, q)
		}}
		var list []domain.Name
		for i := range 5000 {
			kind := "m"
			if i%10 < 3 {
				kind = "s"
			}
			list = append(list, mustName(t, fmt.Sprintf("%s%d.example", kind, i)))
		}
		r := w.client(Config{})
		if took, most := scanFar(t, r, list), 10*time.Second; took > most {
			t.Errorf("it took %v, want at most %v", took, most)
		}
		if s := r.Servers()[0]; s.Slowdowns > 0 {
			t.Errorf("%+v, want no slowdown", s)
		}
	})
}

// limiter answers so many queries a second and says no to the others.
type limiter struct {
	rate   float64
	bucket bool // tokens come one by one; else all at the beginning of each second
	say    func(w *world, q asked) []byte

	mu      sync.Mutex
	start   time.Time
	tokens  float64
	at      time.Time
	reached []int // queries, by second
}

func (l *limiter) allows() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	second := int(now.Sub(l.start) / time.Second)
	for len(l.reached) <= second {
		l.reached = append(l.reached, 0)
		if !l.bucket {
			l.tokens = l.rate
		}
	}
	l.reached[second]++
	if l.bucket {
		l.tokens = min(l.rate, l.tokens+l.rate*now.Sub(l.at).Seconds())
		l.at = now
	}
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

// bySecond returns how many queries have reached it in each second. Late ones may still come.
func (l *limiter) bySecond() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.reached)
}

// refusals are what limiters say.
var refusals = map[string]func(w *world, q asked) []byte{
	"drop":     func(*world, asked) []byte { return nil },
	"SERVFAIL": servfail,
	"REFUSED": func(w *world, q asked) []byte {
		return message{ra: true, rcode: dns.RcodeRefused}.pack(w.t, q.wire)
	},
	"TC": func(w *world, q asked) []byte {
		cut := message{ra: true}.pack(w.t, q.wire)
		cut[2] |= flagTC >> 8
		return cut
	},
}

// TestALimiterIsNotFlooded: after the first seconds little more than it lets
// through reaches it, though one name in fifty is dead, and every other name is answered.
//
// At what it lets through the names alone take 20 s; to find that out may cost as long
// again, if it refuses so many that the server is taken for ill. A busy server's names have three final passes, so the dead ones add four times two
// tries and three waits.
func TestALimiterIsNotFlooded(t *testing.T) {
	t.Parallel() // it is among the longest, and its time is its own
	const rate, names = 400, 8000
	const passes, slack = 1 + mostPasses, 5 * time.Second
	const longest = 2*names*time.Second/rate + passes*DefaultAttempts*DefaultTimeout + mostPasses*finalAfter + slack
	for kind, say := range refusals {
		for _, bucket := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				l := &limiter{rate: rate, bucket: bucket, say: say, start: time.Now(), at: time.Now(), tokens: rate}
				name := fmt.Sprintf("%s, bucket %v", kind, bucket)
				if took := checkLimited(t, l, deadList(t, names, 50, dropped), name); took > longest {
					t.Errorf("%s: it took %v, want at most %v", name, took, longest)
				}
			})
		}
	}
}

// TestASmallLimiterIsNotFlooded: as little as some resolvers let through, with dead names
// and without. No name may be lost.
func TestASmallLimiterIsNotFlooded(t *testing.T) {
	t.Parallel() // it is among the longest, and its time is its own
	for kind, say := range refusals {
		for _, rate := range []float64{20, 50} {
			for _, bucket := range []bool{true, false} {
				for _, every := range []int{0, 20} {
					synctest.Test(t, func(t *testing.T) {
						l := &limiter{rate: rate, bucket: bucket, say: say, start: time.Now(), at: time.Now(), tokens: rate}
						name := fmt.Sprintf("%s, %v a second, bucket %v, one name in %d dead", kind, rate, bucket, every)
						checkLimited(t, l, deadList(t, int(rate)*60, every, dropped), name)
					})
				}
			}
		}
	}
}

// finalAfter is when names are asked again in most of these tests.
const finalAfter = 5 * time.Second

// checkLimited looks up names behind a limiter, and returns how long that took.
func checkLimited(t *testing.T, l *limiter, list []domain.Name, name string) time.Duration {
	t.Helper()
	const settled = 5 // seconds
	w := &world{t: t, answer: func(w *world, q asked) []byte {
		if q.network == "udp" && !l.allows() {
			time.Sleep(far)
			return l.say(w, q)
		}
		return withDead(w, q)
	}}
	r := w.client(Config{FinalPassAfter: finalAfter})
	took := scanFar(t, r, list)
	reached, total, seconds := l.bySecond(), 0, 0
	for _, n := range reached[settled:min(len(reached), int(took.Seconds()))] {
		if n > int(l.rate)/4 { // while there is work
			total, seconds = total+n, seconds+1
		}
	}
	most := 1.2 // of the rate
	if l.rate < 100 {
		most = 1.25 // a single loss weighs more
	}
	if mean := float64(total) / float64(max(seconds, 1)); mean > most*l.rate {
		t.Errorf("%s: %.0f a second reach it, want at most %.0f; %v", name, mean, most*l.rate, reached)
	}
	if s := r.Servers()[0]; s.Slowdowns == 0 {
		t.Errorf("%s: %+v, want it slowed down", name, s)
	}
	return took
}

// TestAResolverThatSlowsDownIsAskedMoreSlowly: from the third second to the twelfth it
// answers 100 queries a second, the next after the one before. Once it is noticed, little
// more than that reaches it, and after that as much as before.
func TestAResolverThatSlowsDownIsAskedMoreSlowly(t *testing.T) {
	const slow, quick, noticed = 2, 12, 4 // seconds
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var reached [60]int // by second
		free := start
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			second := int(time.Since(start).Seconds())
			mu.Lock()
			reached[second]++
			wait := far
			if second >= slow && second < quick {
				free = later(free.Add(10*time.Millisecond), time.Now())
				wait = time.Until(free)
			}
			mu.Unlock()
			time.Sleep(wait)
			return nothing(w, q)
		}}
		took := scanFar(t, w.client(Config{FinalPassAfter: 5 * time.Second}), deadList(t, 20000, 0))
		if most := slices.Max(reached[noticed:quick]); most > 150 || took > 20*time.Second {
			t.Errorf("%v reached it, and the run took %v; want at most 150 a second in between", reached[:quick+8], took)
		}
	})
}

// TestAResolverThatDiesAndComesBackLosesNothing, with dead names in the list, alone and
// beside another one.
func TestAResolverThatDiesAndComesBackLosesNothing(t *testing.T) {
	for _, servers := range [][]Server{{serverA}, {serverA, serverB}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				since := time.Since(start)
				if q.server == serverA.String() && since > time.Second && since < 15*time.Second {
					return nil
				}
				return withDead(w, q)
			}}
			var events []Event
			r := w.client(Config{Servers: servers, FinalPassAfter: 5 * time.Second, OnEvent: func(e Event) { events = append(events, e) }})
			took := scanFar(t, r, deadList(t, 10000, 100, dropped))
			if got := kinds(events, serverA); !slices.Equal(got, []EventKind{WentOut, CameBack}) {
				t.Errorf("%d servers: events %v, want out and back", len(servers), got)
			}
			if most := time.Minute; took > most {
				t.Errorf("%d servers: %v, want at most %v", len(servers), took, most)
			}
			if s := r.Servers()[0]; s.Illnesses != 1 {
				t.Errorf("%+v, want one illness", s)
			}
		})
	}
}

// TestTheFinalPassIsSlowInRate: names that fail at once are begun again at a tenth of
// the rate that the resolver answered at.
func TestTheFinalPassIsSlowInRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := make(map[string]int)
		var again []time.Time
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			time.Sleep(far)
			if !strings.HasPrefix(q.name, "once-") {
				return nothing(w, q)
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[q.name]++; seen[q.name] <= 2 { // an rcode that says nothing against the server
				return message{ra: true, rcode: dns.RcodeYXDomain}.pack(w.t, q.wire)
			}
			again = append(again, time.Now())
			return nothing(w, q)
		}}
		r := w.client(Config{FinalPassAfter: 5 * time.Second})
		var list []domain.Name
		for i := range 8000 {
			name := fmt.Sprintf("m%d.example", i)
			if i%4 == 0 {
				name = fmt.Sprintf("once-%d.example", i)
			}
			list = append(list, mustName(t, name))
		}
		if err := r.Lookup(t.Context(), slices.Chunk(list, 256), nil); err != nil {
			t.Fatal(err)
		}
		const rate = DefaultConcurrency / 0.020 / finalShare
		took := again[len(again)-1].Sub(again[0]).Seconds()
		if got := float64(len(again)-1) / took; len(again) != 2000 || got > 1.1*rate || got < 0.8*rate {
			t.Errorf("%d names were answered in the final pass, %.0f a second, want 2000 at about %.0f", len(again), got, rate)
		}
		if s := r.Stats(); s.Recovered != 2000 {
			t.Errorf("%+v, want 2000 recovered", s)
		}
	})
}

// TestWhatWaitsIsBounded: however many names are dead, no more of them are out than may
// hold a place and may wait without one; all of those are.
func TestWhatWaitsIsBounded(t *testing.T) {
	t.Parallel() // it is among the longest, and its time is its own
	for _, concurrency := range []int{DefaultConcurrency, 1200} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			seen, out, most := make(map[string]bool), 0, 0
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if !strings.HasPrefix(q.name, "drop-") {
					return withDead(w, q)
				}
				try := q.name + string(q.wire[:2]) // by the ID; it is sent again as it is
				mu.Lock()
				defer mu.Unlock()
				if seen[try] {
					return nil
				}
				seen[try] = true
				out++
				most = max(most, out)
				mu.Unlock()
				time.Sleep(DefaultTimeout - time.Millisecond)
				mu.Lock()
				out--
				return nil
			}}
			r := w.client(Config{Concurrency: concurrency})
			scanFar(t, r, deadList(t, 2500, 1, dropped))
			if want := max(mostWaiting, concurrency) + concurrency; most > want || most < want*9/10 {
				t.Errorf("%d names were out at a time, want %d", most, want)
			}
		})
	}
}

// TestProofsOfManyDeadNamesTakeAsLongAsThoseOfFew: each waits for one question that
// nobody answers, and gives its place back meanwhile.
func TestProofsOfManyDeadNamesTakeAsLongAsThoseOfFew(t *testing.T) {
	for _, size := range []int{64, 1000} {
		synctest.Test(t, func(t *testing.T) {
			play := proving(t)
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if strings.HasSuffix(q.name, ".open") {
					return nil
				}
				time.Sleep(far)
				return play(w, q)
			}}
			r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}})
			var list []domain.Name
			for i := range size {
				list = append(list, mustName(t, fmt.Sprintf("m%d.open", i)))
			}
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := r.Lookup(t.Context(), slices.Chunk(list, 256), nil); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := r.Prove(t.Context(), slices.Values(list), nil); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 7*time.Second {
				t.Errorf("%d proofs took %v, want one try of 5 s and little more", size, took)
			}
			for _, name := range list {
				if o, _ := r.Store().Find(name); len(o.Proofs) != 1 || o.Proofs[0].State != snapshot.ProvenInsecure {
					t.Fatalf("%v: %+v, want it proven insecure", name, o)
				}
			}
		})
	}
}

// TestProofsBeginWhileNamesAreWaitedFor: each waits for a question that is not answered,
// and all have been found a try after the last name has had its own.
func TestProofsBeginWhileNamesAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := proving(t)
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if strings.HasSuffix(q.name, ".open") {
				return nil
			}
			time.Sleep(far)
			return play(w, q)
		}}
		r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}, FinalPassAfter: finalAfter})
		var list []domain.Name
		for i := range 1500 { // more than may wait at a time
			list = append(list, mustName(t, fmt.Sprintf("m%d.open", i)))
		}
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Lookup(t.Context(), slices.Chunk(list, 256), nil); err != nil {
			t.Fatal(err)
		}
		ended, queries := time.Now(), r.Stats().Queries
		if err := r.Prove(t.Context(), slices.Values(list), nil); err != nil {
			t.Fatal(err)
		}
		if took, more := time.Since(ended), r.Stats().Queries-queries; took > time.Second || more > 0 {
			t.Errorf("after the lookups the proofs took %v and %d queries, want them found", took, more)
		}
		var last time.Time
		for _, name := range list {
			o, _ := r.Store().Find(name)
			last = later(last, o.Time)
			if !o.ProvenInsecure() {
				t.Fatalf("%v: %+v, want it proven insecure", name, o)
			}
		}
		if took := ended.Sub(last); took > DefaultTimeout+2*time.Second {
			t.Errorf("the proofs ended %v after the last try, want one try", took)
		}
	})
}

// TestANameThatWasSilentHoldsItsPlaceForARoundTrip when it is tried again: 100 of them take
// 6 s of the only place for their first tries, and 2.5 s for their second ones.
func TestANameThatWasSilentHoldsItsPlaceForARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: withDead}
		r := w.client(Config{Concurrency: 1, FinalPassAfter: time.Minute})
		list := append(deadList(t, 100, 1, dropped), deadList(t, 400, 0)...) // these take 8 s
		start := time.Now()
		scanFar(t, r, list)
		if took, most := lastAlive(r, list).Sub(start), 19*time.Second; took > most {
			t.Errorf("the last name was answered after %v, want at most %v", took, most)
		}
	})
}

// TestFirstPassesComeFirst if as many dead names wait as may do: 3,000 of them need 30 s for
// two tries each, and the names after them do not wait for their final pass as well.
func TestFirstPassesComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: withDead}
		r := w.client(Config{FinalPassAfter: finalAfter})
		list := append(deadList(t, 3000, 1, dropped), deadList(t, 100, 0)...)
		start := time.Now()
		scanFar(t, r, list)
		if took, most := lastAlive(r, list).Sub(start), 33*time.Second; took > most {
			t.Errorf("the last name was answered after %v, want at most %v", took, most)
		}
	})
}

// TestWhatIsWaitedForIsTold while only dead names are left, and until when.
func TestWhatIsWaitedForIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: withDead}
		r := w.client(Config{FinalPassAfter: 5 * time.Second})
		start := time.Now()
		go func() {
			for _, at := range []time.Duration{time.Second, 7 * time.Second, 12 * time.Second, 22 * time.Second} {
				time.Sleep(time.Until(start.Add(at)))
				s := r.Stats()
				if last := s.Until.Sub(start); s.Silent != 10 || s.Asking != 0 || last < 25*time.Second || last > 27*time.Second {
					t.Errorf("after %v: %d silent until %v, %d asked besides, want 10 until 25 s", at, s.Silent, last, s.Asking)
				}
			}
		}()
		took := scanFar(t, r, deadList(t, 100, 10, dropped))
		if s := r.Stats(); s.Silent != 0 || !s.Until.IsZero() || s.Unanswered != 10 || took > 27*time.Second {
			t.Errorf("%+v after %v, want nothing waited for, and 10 names unanswered", s, took)
		}
	})
}

// TestTheFinalPassIsNoFirstOne: from when only failed names are left, those that are in their
// final pass, and the parents of those that recover in it, are not told as names besides.
func TestTheFinalPassIsNoFirstOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		busy := func(w *world, q asked) []byte {
			time.Sleep(2 * far)
			if strings.HasPrefix(q.name, "late-") && time.Since(start) < 4*time.Second {
				return servfail(w, q)
			}
			return nothing(w, q)
		}
		w := &world{t: t, answer: busy}
		r := w.client(Config{FinalPassAfter: 5 * time.Second})
		list := deadList(t, 50, 0)
		for i := range 40 {
			list = append(list, mustName(t, fmt.Sprintf("late-%d.parent-%d.example", i, i)))
		}
		over, left, seen := make(chan bool), false, 0
		go func() {
			defer close(over)
			for range 1500 {
				time.Sleep(10 * time.Millisecond)
				s := r.Stats()
				if left = left || s.Silent > 0 && s.Asking == 0; left && s.Asking > 0 {
					t.Errorf("after %v: %d asked besides %d, want none", time.Since(start), s.Asking, s.Silent)
				}
				if s.Silent > 0 {
					seen++
				}
			}
		}()
		if err := r.Lookup(t.Context(), slices.Values([][]domain.Name{list}), nil); err != nil {
			t.Fatal(err)
		}
		<-over
		if s := r.Stats(); !left || s.Recovered != 40 || seen < 500 {
			t.Errorf("left %v, %d recovered, told %d times: want 40, and 5 s of waiting", left, s.Recovered, seen)
		}
	})
}

// TestAStreamDoesNotStopForDeadNames: over TLS and HTTPS, too, the names after a run of
// dead ones are answered before those have failed.
func TestAStreamDoesNotStopForDeadNames(t *testing.T) {
	answer := func(query []byte) []byte {
		if strings.Contains(string(query), string(dropped)+"-") {
			return nil
		}
		return message{ra: true, authority: []string{exampleSOA}}.pack(t, query)
	}
	cert, roots := certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	overHTTPS, httpsRoots := serveHTTPS(t, dnsOverHTTPS(answer))
	for address, roots := range map[string]*x509.CertPool{"tls://" + serveTLS(t, cert, answer): roots, overHTTPS: httpsRoots} {
		r, err := New(Config{Servers: []Server{mustServer(address)}, Roots: roots, Timeout: time.Second, Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		var list []domain.Name
		for i := range 300 {
			list = append(list, mustName(t, deadName(dropped, i)))
		}
		list = append(list, deadList(t, 500, 0)...)
		if err := r.Lookup(t.Context(), slices.Chunk(list, 256), nil); err != nil {
			t.Fatal(err)
		}
		var dead, alive time.Time // the last of them
		for _, name := range list {
			o, _ := r.Store().Find(name)
			if (o.Failure != "") != isDead(name) {
				t.Errorf("%s: %v: failure %q", address, name, o.Failure)
			}
			if isDead(name) {
				dead = later(dead, o.Time)
			} else {
				alive = later(alive, o.Time)
			}
		}
		if alive.After(dead.Add(-time.Second)) { // when the last try of the last dead name began
			t.Errorf("%s: the last name was answered %v before the dead ones had failed", address, dead.Sub(alive))
		}
	}
}

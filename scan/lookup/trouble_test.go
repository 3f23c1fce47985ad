package lookup

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// kind is the type that a query asks for.
func (q asked) kind(t testing.TB) uint16 {
	var m dns.Msg
	if err := m.Unpack(q.wire); err != nil {
		t.Error(err)
		return dns.TypeNone
	}
	return m.Question[0].Qtype
}

// aliasesWithoutCAA answers as proving does, but each name in the zone open, which is not
// signed, is an alias of one in the signed zone locked, and fail answers for its CAA.
func aliasesWithoutCAA(t *testing.T, fail func(w *world, q asked) []byte) func(w *world, q asked) []byte {
	play := proving(t)
	return func(w *world, q asked) []byte {
		switch kind := q.kind(t); {
		case kind == dns.TypeCAA && q.name != "open":
			return fail(w, q)
		case kind == dns.TypeCNAME && q.name != "open":
			return message{ra: true, answer: []string{q.name + ". 300 CNAME mail.locked."}}.pack(t, q.wire)
		case q.name == "open" && (kind == dns.TypeDNAME || kind == dns.TypeSOA):
			return message{ra: true, authority: []string{"open. 300 SOA ns.open. h.open. 1 1 1 1 300"}}.pack(t, q.wire)
		}
		return play(w, q)
	}
}

// scanAndProve looks up so many names of the zone open, calls between, and proves them.
func scanAndProve(t *testing.T, w *world, size int, between func(*Client)) []snapshot.Observation {
	t.Helper()
	r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}}) // whose AD is believed
	if _, err := r.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	var list []domain.Name
	for i := range size {
		list = append(list, mustName(t, fmt.Sprintf("m%d.open", i)))
	}
	if err := r.Lookup(t.Context(), slices.Chunk(list, 256), nil); err != nil {
		t.Fatal(err)
	}
	between(r)
	if err := r.Prove(t.Context(), slices.Values(list), nil); err != nil {
		t.Fatal(err)
	}
	var proven []snapshot.Observation
	for _, name := range list {
		o, _ := r.Store().Find(name)
		proven = append(proven, o)
	}
	time.Sleep(time.Minute) // for replies that nobody waits for any more
	return proven
}

// TestALimiterThatBeginsInTheProofsExcusesNobody: the aliases lead into a signed zone, and
// a query for one that the limiter drops, or answers with an error, must not be read as
// that there is none. The slower the limiter, the more often it lets a control question pass
// by chance.
func TestALimiterThatBeginsInTheProofsExcusesNobody(t *testing.T) {
	t.Parallel() // it is among the longest, and its time is its own
	silent := func(*world, asked) []byte { return nil }
	for failure, fail := range map[snapshot.Failure]func(w *world, q asked) []byte{snapshot.Timeout: silent, snapshot.ServFail: servfail} {
		for _, limit := range []float64{5, 20, 100, 400} {
			for kind, say := range refusals {
				for _, begins := range []string{inLookups, afterLookups} {
					synctest.Test(t, func(t *testing.T) {
						name := fmt.Sprintf("%s, %s at %v a second %s", failure, kind, limit, begins)
						checkLimitedProofs(t, &limiter{rate: limit, bucket: true, say: say, tokens: limit}, fail, name)
					})
				}
			}
		}
	}
}

// When a limiter begins, as names of tests end.
const (
	inLookups    = "from the first question of a proof on"
	afterLookups = "after all lookups"
)

// checkLimitedProofs has the limiter begin with the first question of a proof, which is
// sent while names are still looked up, or after all lookups and before all proofs.
func checkLimitedProofs(t *testing.T, l *limiter, fail func(w *world, q asked) []byte, name string) {
	t.Helper()
	early := strings.HasSuffix(name, inLookups)
	play := aliasesWithoutCAA(t, fail)
	var begun atomic.Bool
	var refused atomic.Int64
	begin := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !begun.Swap(true) {
			l.start, l.at = time.Now(), time.Now()
		}
	}
	w := &world{t: t, answer: func(w *world, q asked) []byte {
		if early && q.kind(t) == dns.TypeDS {
			begin()
		}
		if begun.Load() && q.network == "udp" && !l.allows() {
			refused.Add(1)
			time.Sleep(far)
			return l.say(w, q)
		}
		time.Sleep(far)
		return play(w, q)
	}}
	proven := scanAndProve(t, w, 150, func(r *Client) {
		if !early {
			r.asker = nil // with what was proven already
			begin()
		}
	})
	seen := 0 // aliases
	for _, o := range proven {
		if o.Failure == "" || o.ProvenInsecure() {
			t.Errorf("%s: %v: failure %q, proofs %+v, want it not proven insecure", name, o.Name, o.Failure, o.Proofs)
		}
		if len(o.Proofs) == 2 && o.Proofs[1].Name == "mail.locked" {
			seen++
		}
	}
	if !early && l.rate == 100 && (refused.Load() == 0 || seen < 75) {
		t.Errorf("%s: %d queries were refused, and %d aliases of 150 were seen", name, refused.Load(), seen)
	}
}

// TestTroubleInTheLookupsExcusesNobody: the resolver drops all queries but every eighth, so
// some names are not answered that it would answer for. That is no failure of theirs.
func TestTroubleInTheLookupsExcusesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := proving(t)
		var asks atomic.Int64
		var proving atomic.Bool
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			kind := q.kind(t)
			if kind == dns.TypeDS {
				proving.Store(true)
			}
			if asks.Add(1)%8 != 0 && q.name != "" && !proving.Load() {
				return nil
			}
			time.Sleep(far)
			if kind == dns.TypeCAA || kind == dns.TypeCNAME {
				return nothing(w, q)
			}
			return play(w, q)
		}}
		failed := 0
		for _, o := range scanAndProve(t, w, 300, func(*Client) {}) {
			if o.Failure != "" {
				failed++
			}
			if o.Failure != "" && o.ProvenInsecure() {
				t.Errorf("%v: failure %q, proofs %+v, want nobody excused", o.Name, o.Failure, o.Proofs)
			}
		}
		if failed == 0 {
			t.Error("all names were answered")
		}
	})
}

// TestALostQuestionForAnAliasExcusesNobody: it is sent again, although the name was silent
// to all questions for CAA.
func TestALostQuestionForAnAliasExcusesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := aliasesWithoutCAA(t, func(*world, asked) []byte { return nil })
		var asks atomic.Int64
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.name == "m0.open" && q.kind(t) == dns.TypeCNAME && asks.Add(1) == 1 {
				return nil
			}
			time.Sleep(far)
			return play(w, q)
		}}
		o := scanAndProve(t, w, 1, func(*Client) {})[0]
		if o.Failure != snapshot.Timeout || o.ProvenInsecure() || len(o.Proofs) != 2 || o.Proofs[1].Name != "mail.locked" {
			t.Errorf("%+v, want the alias found", o)
		}
		if asks.Load() != 2 {
			t.Errorf("the alias was asked for %d times, want twice", asks.Load())
		}
	})
}

// checkAtEase holds that nothing was said against any server.
func checkAtEase(t *testing.T, r *Client, name string) {
	t.Helper()
	for _, s := range r.Servers() {
		if s.Slowdowns > 0 || s.Illnesses > 0 {
			t.Errorf("%s: %+v, want no slowdown and no illness", name, s)
		}
	}
}

// TestALostControlQuestionIsNoTrouble: one is lost on the way every 3 seconds, and the next
// one is answered.
func TestALostControlQuestionIsNoTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		lastLost, lost := time.Now(), 0
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			mu.Lock()
			defer mu.Unlock()
			if now := time.Now(); q.name == "" && now.Sub(lastLost) > 3*time.Second {
				lastLost = now
				lost++
				return nil
			}
			mu.Unlock()
			defer mu.Lock()
			return withDead(w, q)
		}}
		r := w.client(Config{FinalPassAfter: 5 * time.Second})
		took := scanFar(t, r, deadList(t, 4000, 20, dropped))
		if most := 40 * time.Second; took > most {
			t.Errorf("it took %v, want at most %v", took, most)
		}
		if controls := r.Servers()[0].Controls; lost < 3 || controls < 5 {
			t.Errorf("%d questions were lost, and %d control questions asked; want some", lost, controls)
		}
		checkAtEase(t, r, "control questions are lost")
	})
}

// asStream has the first server of r asked as one over TLS is, but without TLS.
func asStream(r *Client) { r.upstreams[0].server.transport = snapshot.TLS }

// TestAResolverFarAwayIsAsFastAsItCan, over UDP and over streams: that all answers take
// long is not trouble.
func TestAResolverFarAwayIsAsFastAsItCan(t *testing.T) {
	const names = 1280
	for _, away := range []time.Duration{300 * time.Millisecond, 1200 * time.Millisecond} {
		for _, overStream := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, answer: func(w *world, q asked) []byte {
					time.Sleep(away)
					return nothing(w, q)
				}}
				r := w.client(Config{})
				if overStream {
					asStream(r)
				}
				name := fmt.Sprintf("%v away, over a stream %v", away, overStream)
				took := scanFar(t, r, deadList(t, names, 0))
				if most := names/DefaultConcurrency*away + 3*away; took > most {
					t.Errorf("%s: it took %v, want at most %v", name, took, most)
				}
				checkAtEase(t, r, name)
			})
		}
	}
}

// TestDeadNamesOfAResolverFarAwayCostTheirOwnTries: one name in 20 is dead.
func TestDeadNamesOfAResolverFarAwayCostTheirOwnTries(t *testing.T) {
	const names, away, after = 2000, 260 * time.Millisecond, 5 * time.Second
	for _, overStream := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				time.Sleep(away - far)
				return withDead(w, q)
			}}
			r := w.client(Config{FinalPassAfter: after})
			if overStream {
				asStream(r)
			}
			name := fmt.Sprintf("over a stream %v", overStream)
			took := scanFar(t, r, deadList(t, names, 20, dropped, servfailed, slowServfail))
			// A dead name holds its place for some round trips in each try, and the last
			// one has all its tries.
			const alive, dead = names / DefaultConcurrency * away, names / 20 / DefaultConcurrency * away * roundTrips * DefaultAttempts * 2
			if most := alive + dead + 2*DefaultAttempts*DefaultTimeout + after + 5*time.Second; took > most {
				t.Errorf("%s: it took %v, want at most %v", name, took, most)
			}
			checkAtEase(t, r, name)
		})
	}
}

// TestALookupGoesOnAfterOneThatLeftAControlQuestion without an answer: the first one ends
// with its names while the server is asked.
func TestALookupGoesOnAfterOneThatLeftAControlQuestion(t *testing.T) {
	left := 0
	for size := 1; size <= 40; size++ {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: withDead}
			r := w.client(Config{})
			list := deadList(t, size, 1, servfailed)
			if err := r.Lookup(t.Context(), slices.Chunk(list, 256), nil); err != nil {
				t.Fatal(err)
			}
			if r.upstreams[0].flow.doubt.held {
				left++
			}
			start := time.Now()
			err := r.Lookup(t.Context(), slices.Chunk([]domain.Name{mustName(t, "alive.example")}, 256), nil)
			if took := time.Since(start); err != nil || took > time.Second {
				t.Errorf("after %d dead names the next one took %v (%v)", size, took, err)
			}
			if o, _ := r.Store().Find(mustName(t, "alive.example")); o.Failure != "" || o.Time.IsZero() {
				t.Errorf("after %d dead names: %+v, want an answer", size, o)
			}
			time.Sleep(time.Minute)
		})
	}
	if left == 0 {
		t.Error("no list of these left a control question without an answer")
	}
}

// TestAServerThatAnswersOnlyItsProbeLeavesTheRotation, however slowly it is asked: at one
// query at a time its failures never come in a row that has not been cleared.
func TestAServerThatAnswersOnlyItsProbeLeavesTheRotation(t *testing.T) {
	for _, cfg := range []Config{{}, {Concurrency: 1}, {Rate: 20}} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if q.server == serverB.String() && q.name != "" && q.name != "arpa" {
					time.Sleep(far)
					return servfail(w, q)
				}
				return withDead(w, q)
			}}
			cfg.Servers = []Server{serverA, serverB}
			cfg.FinalPassAfter = 5 * time.Second
			r := w.client(cfg)
			scanFar(t, r, deadList(t, 400, 0))
			if s := r.Servers()[1]; s.Illnesses == 0 || s.Queries > 200 {
				t.Errorf("concurrency %d, rate %v: %+v, want it out, and fewer than half of its queries", cfg.Concurrency, cfg.Rate, s)
			}
		})
	}
}

// lastAlive returns when the last name that is not dead was answered.
func lastAlive(r *Client, list []domain.Name) (last time.Time) {
	for _, name := range list {
		if o, _ := r.Store().Find(name); !isDead(name) {
			last = later(last, o.Time)
		}
	}
	return last
}

// TestASlowServerDoesNotHoldUpTheOther: dead names have to be tried at both, and wait for
// the one that may be asked once a second. The others go on.
func TestASlowServerDoesNotHoldUpTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: withDead}
		r := w.client(Config{Servers: []Server{serverA, serverB}, FinalPassAfter: 5 * time.Second})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.upstreams[0].flow.pace.set(1, 1, time.Now())
		list := deadList(t, 4000, 20, servfailed)
		start := time.Now()
		scanFar(t, r, list)
		// B alone takes 1.25 s.
		if took := lastAlive(r, list).Sub(start); took > 4*time.Second {
			t.Errorf("the last name was answered after %v", took)
		}
	})
}

// TestALimitedServerDoesNotHoldUpTheOther, whether it drops queries or says SERVFAIL.
func TestALimitedServerDoesNotHoldUpTheOther(t *testing.T) {
	for kind, most := range map[string]time.Duration{"drop": 20 * time.Second, "SERVFAIL": 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := &limiter{rate: 20, bucket: true, say: refusals[kind], start: time.Now(), at: time.Now(), tokens: 20}
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if q.server == serverA.String() && q.network == "udp" && !l.allows() {
					time.Sleep(far)
					return l.say(w, q)
				}
				return withDead(w, q)
			}}
			r := w.client(Config{Servers: []Server{serverA, serverB}, FinalPassAfter: 5 * time.Second})
			list := deadList(t, 4000, 50, dropped)
			start := time.Now()
			scanFar(t, r, list)
			if took := lastAlive(r, list).Sub(start); took > most {
				t.Errorf("%s: the last name was answered after %v, want at most %v", kind, took, most)
			}
		})
	}
}

// TestNamesThatNeedTwoTriesDoNotSlowTheServerForGood: slowing it down does not make them
// need fewer.
func TestNamesThatNeedTwoTriesDoNotSlowTheServerForGood(t *testing.T) {
	for _, of := range []int{2, 3, 4} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			seen := make(map[string]bool)
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				time.Sleep(far)
				mu.Lock()
				first := !seen[q.name]
				seen[q.name] = true
				mu.Unlock()
				var i int
				if _, err := fmt.Sscanf(q.name, "m%d.", &i); err == nil && i%of == 0 && first {
					return servfail(w, q)
				}
				return nothing(w, q)
			}}
			r := w.client(Config{FinalPassAfter: 5 * time.Second})
			if took, most := scanFar(t, r, deadList(t, 4000, 0)), 12*time.Second; took > most {
				t.Errorf("one name in %d needs two tries: it took %v, want at most %v; %+v", of, took, most, r.Servers()[0])
			}
		})
	}
}

// TestAProcessThatWasStoppedIsNotSlowedDown: replies that have lain there meanwhile are not
// late, and nothing is sent again before they are read.
func TestAProcessThatWasStoppedIsNotSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: withDead}
		r := w.client(Config{})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, batches := deadList(t, 2000, 0), 0
		err := r.Lookup(t.Context(), slices.Chunk(list, 256), func([]snapshot.Observation) {
			if batches++; batches%8 == 4 { // queries are out
				time.Sleep(2 * time.Second)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if batches < 20 {
			t.Errorf("%d batches, want several in which it is stopped", batches)
		}
		if s := r.Stats(); s.Retries > 0 || r.Servers()[0].Controls > 0 {
			t.Errorf("%+v, %d control questions, want nothing sent again and none of these", s, r.Servers()[0].Controls)
		}
		checkAtEase(t, r, "stopped")
	})
}

// TestTheEndIsToldWhileNamesWaitForTheFinalPass: names of which the server said SERVFAIL
// wait, too, and their tries take the time that the rate of the final pass makes them take.
func TestTheEndIsToldWhileNamesWaitForTheFinalPass(t *testing.T) {
	for _, size := range []int{1, 1000} {
		synctest.Test(t, func(t *testing.T) {
			const after, asked = time.Minute, 30 * time.Second
			w := &world{t: t, answer: withDead}
			r := w.client(Config{FinalPassAfter: after})
			start := time.Now()
			told := make(chan Stats, 1)
			time.AfterFunc(asked, func() { told <- r.Stats() })
			list := deadList(t, size, 1, servfailed)
			scanFar(t, r, list)
			end := start
			for _, name := range list {
				o, _ := r.Store().Find(name)
				end = later(end, o.Time)
			}
			// None of these names needs the time that its tries may take.
			latest := end.Add(DefaultAttempts*DefaultTimeout + 2*time.Second)
			if s := <-told; s.Silent != size || s.Until.Before(end) || s.Until.After(latest) {
				t.Errorf("%d names: %d silent until %v, want all until %v", size, s.Silent, s.Until.Sub(start), end.Sub(start))
			}
		})
	}
}

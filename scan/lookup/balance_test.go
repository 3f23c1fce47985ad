package lookup

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

func manyNames(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("m%d.example", i))
	}
	return names
}

// kinds returns what happened to a server, in order.
func kinds(events []Event, server Server) []EventKind {
	var list []EventKind
	for _, e := range events {
		if e.Server == server.String() && e.Kind != Slowed && e.Kind != Unlimited {
			list = append(list, e.Kind)
		}
	}
	return list
}

// TestAServerThatFailsEverythingLeavesTheRotation, whether or not it still answers
// a probe; the names are answered by the other one, and nothing is lost.
func TestAServerThatFailsEverythingLeavesTheRotation(t *testing.T) {
	for _, test := range []struct {
		name  string
		rcode int
		probe bool // it answers the probe
	}{
		{"REFUSED to everything", dns.RcodeRefused, false},
		{"SERVFAIL to everything", dns.RcodeServerFailure, false},
		{"REFUSED to everything but a probe", dns.RcodeRefused, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var events []Event
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if q.server != serverA.String() || q.name == "" && test.probe {
					return nothing(w, q)
				}
				return message{ra: true, rcode: test.rcode}.pack(w.t, q.wire)
			}}
			r := w.client(Config{
				Servers: []Server{serverA, serverB}, Concurrency: 4,
				OnEvent: func(e Event) { events = append(events, e) },
			})
			for name, o := range look(t, r, manyNames(500)...) {
				if o.Failure != "" {
					t.Errorf("%s: %s: failure %q, want the other server's answer", test.name, name, o.Failure)
				}
			}
			if got := kinds(events, serverA); len(got) == 0 || got[0] != WentOut {
				t.Errorf("%s: events %v, want that it went out", test.name, got)
			}
			if a := r.Servers()[0]; a.Illnesses == 0 || a.Queries > 100 || a.Answers > 0 {
				t.Errorf("%s: %+v, want few queries, no answer and an illness", test.name, a)
			}
			if got := kinds(events, serverB); len(got) > 0 {
				t.Errorf("%s: events %v of the good server", test.name, got)
			}
		})
	}
}

// TestBadNamesAreNoIllness: a list may hold many names whose servers are dead.
func TestBadNamesAreNoIllness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.name == "" {
				return nothing(w, q)
			}
			return servfail(w, q)
		}}
		r := w.client(Config{OnEvent: func(e Event) {
			if e.Kind == WentOut {
				t.Errorf("%v", e)
			}
		}})
		for name, o := range look(t, r, manyNames(100)...) {
			if o.Failure != snapshot.ServFail {
				t.Errorf("%s: failure %q, want servfail", name, o.Failure)
			}
		}
	})
}

// TestAnOutageIsWaitedFor: where the only server is down for a while, no name fails
// that had not been asked before.
func TestAnOutageIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var events []Event
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if since := time.Since(start); since > time.Second && since < 20*time.Second {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
			return nothing(w, q)
		}}
		r := w.client(Config{Concurrency: 10, FinalPassAfter: 5 * time.Second, OnEvent: func(e Event) { events = append(events, e) }})
		for name, o := range look(t, r, manyNames(5000)...) {
			if o.Failure != "" {
				t.Errorf("%s: failure %q, want an answer after the outage", name, o.Failure)
			}
		}
		if got := kinds(events, serverA); !slices.Equal(got, []EventKind{WentOut, CameBack}) {
			t.Errorf("events %v, want out and back", got)
		}
	})
}

// TestADeadServerDoesNotHoldUpTheRun: where it does not come back, every name fails
// in the end, and soon, whatever its last words were.
func TestADeadServerDoesNotHoldUpTheRun(t *testing.T) {
	t.Parallel() // it is among the longest, and its time is its own
	for _, words := range []func(w *world, q asked) []byte{func(*world, asked) []byte { return nil }, servfail} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				time.Sleep(10 * time.Millisecond)
				switch since := time.Since(start); {
				case since > 2*time.Second:
					return nil
				case since > time.Second:
					return words(w, q)
				}
				return nothing(w, q)
			}}
			r := w.client(Config{Concurrency: 10, FinalPassAfter: 5 * time.Second})
			got := look(t, r, manyNames(20000)...)
			failed := 0
			for _, o := range got {
				if o.Failure == snapshot.Network && o.RCode == 0 { // nobody was asked: it says nothing of the name
					failed++
				}
			}
			if took := time.Since(start); len(got) != 20001 || failed < 15000 || took > 2*time.Minute {
				t.Errorf("%d names, %d of them unasked, after %v, want all soon", len(got), failed, took)
			}
		})
	}
}

// TestWhoComesBackWithoutValidatingIsNotAskedAgain.
func TestWhoComesBackWithoutValidatingIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			since := time.Since(start)
			if since > time.Second && since < 25*time.Second {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
			return message{ra: true, ad: since <= time.Second, authority: []string{exampleSOA}}.pack(w.t, q.wire)
		}}
		var events []Event
		r := w.client(Config{Concurrency: 10, OnEvent: func(e Event) { events = append(events, e) }})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, o := range look(t, r, manyNames(5000)...) {
			if o.Failure == "" && o.Time.After(start.Add(2*time.Second)) {
				t.Errorf("%s was answered by a server that validates no more", name)
			}
		}
		if got := kinds(events, serverA); !slices.Equal(got, []EventKind{WentOut, Expelled}) {
			t.Errorf("events %v, want out and expelled", got)
		}
	})
}

// TestAServerThatDropsUnderLoadIsAskedLess, and all is answered.
func TestAServerThatDropsUnderLoadIsAskedLess(t *testing.T) {
	const capacity = 8
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			w.mu.Lock()
			full := w.inFlight > capacity
			w.mu.Unlock()
			if full {
				return nil
			}
			time.Sleep(50 * time.Millisecond)
			return nothing(w, q)
		}}
		var events []Event
		r := w.client(Config{Concurrency: 256, Timeout: time.Second, OnEvent: func(e Event) { events = append(events, e) }})
		failed := 0
		for _, o := range look(t, r, manyNames(2000)...) {
			if o.Failure != "" {
				failed++
			}
		}
		state := r.Servers()[0]
		if failed > 0 || state.Lowest > 4*20*capacity || state.Slowdowns < 1 {
			t.Errorf("%d names failed; %+v, want none and a limit that has come down towards %d", failed, state, capacity)
		}
		if !slices.ContainsFunc(events, func(e Event) bool { return e.Kind == Slowed }) {
			t.Error("nothing was said of it")
		}
	})
}

// TestSlowNamesAreNotLoss: that a third of the names takes three seconds, as those with
// dead servers do, says nothing against the resolver. They are asked as fast as ever.
func TestSlowNamesAreNotLoss(t *testing.T) {
	const names, inFlight = 3000, 64
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if strings.HasPrefix(q.name, "slow") {
				time.Sleep(3 * time.Second)
			} else {
				time.Sleep(20 * time.Millisecond)
			}
			return nothing(w, q)
		}}
		var list []domain.Name
		for i := range names {
			kind := "fast"
			if i%3 == 0 {
				kind = "slow"
			}
			list = append(list, mustName(t, fmt.Sprintf("%s%d.example", kind, i)))
		}
		r, began := w.client(Config{Concurrency: inFlight}), time.Now()
		if err := r.Lookup(t.Context(), slices.Chunk(list, 256), nil); err != nil {
			t.Fatal(err)
		}
		took, state := time.Since(began), r.Servers()[0]
		const least = names / 3 * (3*time.Second + 2*20*time.Millisecond) / inFlight
		if took > least+5*time.Second || state.Slowdowns > 0 {
			t.Errorf("%v and %d halvings, want little more than %v and none", took, state.Slowdowns, least)
		}
		time.Sleep(time.Minute) // for the replies to what was sent again
	})
}

// TestARetryThatTheRateHoldsBackGoesElsewhere: to the server that has not failed.
func TestARetryThatTheRateHoldsBackGoesElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.server == serverA.address {
				return nil
			}
			return nothing(w, q)
		}}
		r := w.client(Config{Servers: []Server{serverA, serverB}, Concurrency: 1, Rate: 1, Timeout: 500 * time.Millisecond})
		names := []domain.Name{mustName(t, "a.example"), mustName(t, "b.example"), mustName(t, "c.example")}
		if err := r.Lookup(t.Context(), slices.Values([][]domain.Name{names}), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the servers have written down the last query
		asked := make(map[string][]string)
		for _, q := range w.queries {
			asked[q.name] = append(asked[q.name], q.server)
		}
		for name, servers := range asked {
			if len(servers) > 2 || servers[len(servers)-1] != serverB.address {
				t.Errorf("%s was asked of %v, want the other server at the second attempt", name, servers)
			}
		}
	})
}

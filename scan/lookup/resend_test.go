package lookup

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"caascan/scan/snapshot"
)

// TestALostQueryIsSentAgainWithinItsTry: as it was, at most twice, and after a time
// that the replies of its server give.
func TestALostQueryIsSentAgainWithinItsTry(t *testing.T) {
	const name = "lost.example"
	for _, test := range []struct {
		name     string
		lost     int             // of the queries for the name
		others   int             // names whose replies take 50 ms, before it
		sent     []time.Duration // when the query goes out, since it first did
		attempts int
	}{
		{"nothing is lost", 0, 0, []time.Duration{0}, 1},
		{"the first, of a server that nothing is known of", 1, 0, []time.Duration{0, time.Second}, 1},
		{"the first", 1, 100, []time.Duration{0, 200 * time.Millisecond}, 1},
		{"the first two", 2, 100, []time.Duration{0, 200 * time.Millisecond, 600 * time.Millisecond}, 1},
		{
			"all of one try", 3, 100,
			[]time.Duration{0, 200 * time.Millisecond, 600 * time.Millisecond, 5 * time.Second},
			2,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var sent []time.Time
			var wires [][]byte
			w := &world{t: t}
			w.answer = func(w *world, q asked) []byte {
				if q.name == name {
					w.mu.Lock()
					sent, wires = append(sent, time.Now()), append(wires, q.wire)
					w.mu.Unlock()
					if len(sent) <= test.lost {
						return nil
					}
				}
				time.Sleep(50 * time.Millisecond)
				return nothing(w, q)
			}
			r := w.client(Config{Concurrency: 1})
			o := look(t, r, append(manyNames(test.others), name)...)[name]
			if o.Failure != "" || o.Attempts != test.attempts {
				t.Errorf("%s: %+v, want an answer to attempt %d", test.name, o, test.attempts)
			}
			if len(sent) != len(test.sent) {
				t.Fatalf("%s: sent %d times, want %d", test.name, len(sent), len(test.sent))
			}
			for i := range sent {
				if got := sent[i].Sub(sent[0]); got != test.sent[i] {
					t.Errorf("%s: sent after %v, want %v", test.name, got, test.sent[i])
				}
				if same := bytes.Equal(wires[i], wires[0]); same != (i < 3) {
					t.Errorf("%s: query %d is that of the first try: %v", test.name, i+1, same)
				}
			}
			if s := r.Stats(); s.Queries != s.Names+s.Retries || s.Retries != len(sent)-1 {
				t.Errorf("%s: stats %+v, want queries = names + retries, and %d of those", test.name, s, len(sent)-1)
			}
		})
	}
}

// TestLossCostsNeitherNamesNorFlow: of a server of whose messages one in fifty is lost
// nothing fails, and it is not asked less for that.
func TestLossCostsNeitherNamesNorFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := 0
		w := &world{t: t}
		w.answer = func(w *world, q asked) []byte {
			w.mu.Lock()
			count++
			lost := count%50 == 0
			w.mu.Unlock()
			if lost {
				return nil
			}
			time.Sleep(50 * time.Millisecond)
			return nothing(w, q)
		}
		start := time.Now()
		r := w.client(Config{Concurrency: 100})
		var times []time.Duration
		for name, o := range look(t, r, manyNames(5000)...) {
			if o.Failure != "" {
				t.Errorf("%s: failure %q", name, o.Failure)
			}
			times = append(times, o.Time.Sub(start))
		}
		if s := r.Servers()[0]; s.Slowdowns > 0 || s.Queries < 5001+100 {
			t.Errorf("%+v, want one query in fifty sent again and no halving", s)
		}
		// 50 rounds of 50 ms are 2.5 s; one name in fifty takes 200 ms more, which makes
		// 2.7 s. By chance one may be lost several times.
		slices.Sort(times)
		if took := times[len(times)*99/100]; took > 4*time.Second {
			t.Errorf("99 %% of the names took %v, want at most 4 s", took)
		}
	})
}

// TestAQueryIsSentAgainOnlyWithinTheRate.
func TestAQueryIsSentAgainOnlyWithinTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(*world, asked) []byte { return nil }}
		r := w.client(Config{Rate: 0.5, Attempts: 1, Timeout: 9 * time.Second})
		start := time.Now()
		o := look(t, r, "silent.example")["silent.example"]
		synctest.Wait() // the server has written down the last query
		// Sent at 0, then as the rate allows at 2 s and, the timer doubled, at 4 s; 9 s
		// later the final pass begins, in which a second goes by before the timer.
		if o.Failure != snapshot.Timeout || len(w.queries) != 6 || time.Since(start) != 18*time.Second {
			t.Errorf("%+v, %d queries in %v, want a timeout after 6 in 18 s", o, len(w.queries), time.Since(start))
		}
	})
}

// TestAStreamIsNotAskedTwice: TCP sends again by itself.
func TestAStreamIsNotAskedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if q.network == "udp" {
				cut := message{ra: true}.pack(w.t, q.wire)
				cut[2] |= flagTC >> 8
				return cut
			}
			time.Sleep(4 * time.Second)
			return set(w, q)
		}}
		o := look(t, w.client(Config{}), "mail.example")["mail.example"]
		if o.Failure != "" || len(w.queries) != 2 {
			t.Errorf("%+v after %s, want the set after one query over UDP and one over TCP", o, fmt.Sprint(len(w.queries)))
		}
	})
}

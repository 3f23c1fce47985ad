package lookup

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestAScheduleGivesWhatIsDueFirst, whatever has been entered and taken out before.
func TestAScheduleGivesWhatIsDueFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Now()
	var q schedule
	var in []*step
	for range 20000 {
		switch {
		case len(in) == 0 || random.IntN(2) == 0:
			s := &step{place: notScheduled}
			q.put(s, start.Add(time.Duration(random.IntN(1000))))
			in = append(in, s)
		default:
			at := random.IntN(len(in))
			q.remove(in[at])
			q.remove(in[at]) // it is not in any more: nothing happens
			in = slices.Delete(in, at, at+1)
		}
		if len(q.steps) != len(in) {
			t.Fatalf("%d steps in the schedule, want %d", len(q.steps), len(in))
		}
		if len(in) == 0 {
			continue
		}
		first := slices.MinFunc(in, func(a, b *step) int { return a.due.Compare(b.due) })
		if got := q.next(); !got.due.Equal(first.due) || q.steps[got.place] != got {
			t.Fatalf("first due %v at %d, want %v", got.due.Sub(start), got.place, first.due.Sub(start))
		}
	}
}

// TestTheRetryTimerFollowsTheRoundTrip as RFC 6298, section 2 reckons.
func TestTheRetryTimerFollowsTheRoundTrip(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name    string
		samples []time.Duration
		want    [3]time.Duration // before the query is sent for the 2nd, 3rd and 4th time
	}{
		{"no sample", nil, [...]time.Duration{1000 * ms, 2000 * ms, 2000 * ms}},
		{"one sample: R + 4 R/2", []time.Duration{100 * ms}, [...]time.Duration{300 * ms, 600 * ms, 1200 * ms}},
		// RTTVAR = 3/4 50 + 1/4 |100-180| = 57.5, SRTT = 7/8 100 + 1/8 180 = 110
		{"two samples", []time.Duration{100 * ms, 180 * ms}, [...]time.Duration{340 * ms, 680 * ms, 1360 * ms}},
		{"the least", []time.Duration{ms}, [...]time.Duration{200 * ms, 400 * ms, 800 * ms}},
		{"the most", []time.Duration{3000 * ms}, [...]time.Duration{2000 * ms, 2000 * ms, 2000 * ms}},
	} {
		var r roundTrip
		for _, sample := range test.samples {
			r.note(sample)
		}
		if got := [3]time.Duration{r.retryAfter(1), r.retryAfter(2), r.retryAfter(3)}; got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestLossDoesNotSlowTheRetries: where the way is 50 ms and every seventh message is
// lost, the retry timer stays at its floor (Karn's algorithm, RFC 6298, section 3).
func TestLossDoesNotSlowTheRetries(t *testing.T) {
	const way = 50 * time.Millisecond
	u, e := &upstream{server: serverA, flow: newFlow(64)}, new(engine)
	e.Client = new(Client)
	for i := range 10_000 {
		s := &step{up: u, sends: 1, epoch: -1}
		for i%7 == 0 && s.sends < 1+i%2+1 {
			s.lastSent = s.lastSent.Add(u.roundTrip.retryAfter(s.sends))
			s.sends++
		}
		e.time(s, outcome{at: s.lastSent.Add(way)})
		if wait := u.roundTrip.retryAfter(1); i > 100 && wait > leastRetry {
			t.Fatalf("after %d replies the first retry waits %v, want %v", i, wait, leastRetry)
		}
	}
}

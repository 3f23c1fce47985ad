package lookup

import "time"

// schedule is the steps whose query is out, ordered by when something is due for
// them: a heap, in which each knows its place, so that what is answered leaves it at
// once.
type schedule struct{ steps []*step }

// put enters a step that is not in, with the time at which it is due.
func (q *schedule) put(s *step, due time.Time) {
	s.due, s.place = due, len(q.steps)
	q.steps = append(q.steps, s)
	q.up(s.place) // nearly always the last one due, so it stays
}

// remove takes a step out, if it is in.
func (q *schedule) remove(s *step) {
	if s.place < 0 {
		return
	}
	at, last := s.place, len(q.steps)-1
	q.swap(at, last)
	q.steps[last] = nil
	q.steps = q.steps[:last]
	s.place = notScheduled
	if at < last {
		q.down(at)
		q.up(at)
	}
}

// notScheduled is the place of a step that is not in a schedule.
const notScheduled = -1

// next returns the step that is due first, or nil.
func (q *schedule) next() *step {
	if len(q.steps) == 0 {
		return nil
	}
	return q.steps[0]
}

func (q *schedule) less(i, j int) bool { return q.steps[i].due.Before(q.steps[j].due) }

func (q *schedule) swap(i, j int) {
	q.steps[i], q.steps[j] = q.steps[j], q.steps[i]
	q.steps[i].place, q.steps[j].place = i, j
}

func (q *schedule) up(i int) {
	for i > 0 && q.less(i, (i-1)/2) {
		q.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (q *schedule) down(i int) {
	for {
		first := 2*i + 1
		if first >= len(q.steps) {
			return
		}
		if second := first + 1; second < len(q.steps) && q.less(second, first) {
			first = second
		}
		if !q.less(first, i) {
			return
		}
		q.swap(i, first)
		i = first
	}
}

// roundTrip estimates how long a server takes over UDP, to know when a query or its
// reply has been lost (RFC 6298). See engine.time for replies to what was sent twice.
type roundTrip struct {
	mean, deviation time.Duration // zero until there is a sample
}

// The bounds of the retry timer. Until there is a sample it is that of RFC 6298,
// section 2.1. The least is that of Linux's TCP: below it, a moment in which a
// server does something else would count as loss.
const (
	firstRetry = time.Second
	leastRetry = 200 * time.Millisecond
	mostRetry  = 2 * time.Second
)

// note takes in a sample (RFC 6298, sections 2.2 and 2.3).
func (r *roundTrip) note(sample time.Duration) {
	if r.mean == 0 {
		r.mean, r.deviation = sample, sample/2
		return
	}
	r.deviation += ((r.mean - sample).Abs() - r.deviation) / 4
	r.mean += (sample - r.mean) / 8
}

// usual reports whether a reply may well take so long.
func (r *roundTrip) usual(sample time.Duration) bool {
	return sample >= r.mean/2 && sample <= r.mean+4*r.deviation
}

// retryAfter returns how long to wait before a query that has been sent so many times
// is sent again; the wait doubles with each.
func (r *roundTrip) retryAfter(sent int) time.Duration {
	wait := firstRetry
	if r.mean > 0 {
		wait = max(leastRetry, r.mean+4*r.deviation)
	}
	return min(wait<<(sent-1), mostRetry)
}

// mostSends is how often one try sends its query at most: a resolver that is still
// at work on a name is not to be pestered.
const mostSends = 3

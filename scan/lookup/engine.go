package lookup

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// engine is the state of one Lookup. One goroutine owns all of it; transports
// bring what arrives over one channel. A climb has no state of its own: a name
// whose answer is empty makes its parent the next name to ask, for all climbs
// that stand there at once.
type engine struct {
	cfg       *Config
	stats     *counters
	transport transport
	done      func([]snapshot.Observation)

	backlog  []domain.Name         // names handed in, not begun
	pending  map[domain.Name]*step // names begun and not answered
	ready    []*step               // of those, the ones whose next query is to be sent
	inFlight int                   // of those, the ones whose query has been sent
	finished []snapshot.Observation

	deadlines deadlines
	limiter   *rate.Limiter
	wake      *time.Timer
}

// doneBatch is how many Observations are handed over at a time; fewer where the
// engine has to wait.
const doneBatch = 256

// rateBurst is how long the limiter may save up queries.
const rateBurst = 10 * time.Millisecond

// transport carries queries to where answers come from. What is sent is answered
// once over arrivals, or never; the deadline is the engine's business.
type transport interface {
	// send sends the step's question. Where the outcome is known at once it is
	// returned, with true, and nothing will arrive.
	send(ctx context.Context, s *step) (outcome, bool)
	arrivals() <-chan arrival
	// receive calls settle for each step whose try an arrival ends: none where
	// the arrival is nobody's reply, and the wait goes on.
	receive(a arrival, settle func(*step, outcome))
	// giveUp ends the step's outstanding try, whose deadline is over.
	giveUp(s *step) outcome
	// close ends all goroutines of the transport.
	close()
}

func newEngine(r *Resolver, done func([]snapshot.Observation)) *engine {
	e := &engine{
		cfg:     &r.cfg,
		stats:   &r.stats,
		done:    done,
		pending: make(map[domain.Name]*step),
		wake:    time.NewTimer(time.Hour),
	}
	if r.cfg.Zones != nil {
		e.transport = newZoneTransport(r.cfg.Zones)
	} else {
		e.transport = newNetTransport(&r.cfg)
	}
	if r.cfg.Rate > 0 {
		burst := max(1, int(r.cfg.Rate*rateBurst.Seconds()))
		e.limiter = rate.NewLimiter(rate.Limit(r.cfg.Rate), burst)
	}
	return e
}

func (e *engine) close() {
	e.wake.Stop()
	e.transport.close()
}

// run looks up what comes over batches until it is closed and all is answered.
func (e *engine) run(ctx context.Context, batches <-chan []domain.Name) error {
	for ctx.Err() == nil {
		e.expire(time.Now())
		pause := e.send(ctx)
		if batches == nil && len(e.backlog) == 0 && len(e.pending) == 0 {
			break
		}
		select {
		case a := <-e.transport.arrivals():
			e.transport.receive(a, e.settle)
			continue
		default:
		}
		e.handOver() // before waiting, so that what is known is not held back
		e.setWake(pause)
		select {
		case <-ctx.Done():
		case batch, ok := <-batches:
			if !ok {
				batches = nil
			}
			e.backlog = append(e.backlog, batch...)
			e.stats.domains.Add(int64(len(batch)))
		case a := <-e.transport.arrivals():
			e.transport.receive(a, e.settle)
		case <-e.wake.C:
		}
	}
	e.handOver()
	return ctx.Err()
}

// send sends queries until nothing is ready, the concurrency is reached, or the
// rate forbids more; then it returns how long to wait for the rate.
func (e *engine) send(ctx context.Context) (pause time.Duration) {
	for e.inFlight < e.cfg.Concurrency && ctx.Err() == nil {
		if !e.makeReady() {
			return 0
		}
		if pause := e.throttle(); pause > 0 {
			return pause
		}
		s := e.ready[len(e.ready)-1]
		e.ready = e.ready[:len(e.ready)-1]
		e.sendStep(ctx, s)
	}
	return 0
}

// makeReady begins climbs from the backlog until a step is ready to be sent.
func (e *engine) makeReady() bool {
	for len(e.ready) == 0 {
		if len(e.backlog) == 0 {
			e.backlog = nil
			return false
		}
		name := e.backlog[0]
		e.backlog = e.backlog[1:]
		e.climb(name, 1)
	}
	return true
}

// climb takes domains climbs on from name: over answers that are there already,
// to a name that is being asked, or to one that is to be asked now.
func (e *engine) climb(name domain.Name, domains int) {
	for at := range name.Climb() {
		if o := e.cfg.Store.Find(at); o != nil {
			if o.EndsClimb() {
				break
			}
			continue
		}
		if s := e.pending[at]; s != nil {
			s.domains += domains
			return
		}
		s := newStep(at, domains)
		e.pending[at] = s
		e.ready = append(e.ready, s)
		return
	}
	e.stats.done.Add(int64(domains))
}

// throttle returns how long the rate makes the next query wait; 0 takes it out
// of the allowance.
func (e *engine) throttle() time.Duration {
	if e.limiter == nil {
		return 0
	}
	r := e.limiter.Reserve()
	if d := r.Delay(); d > 0 {
		r.Cancel()
		return d
	}
	return 0
}

func (e *engine) sendStep(ctx context.Context, s *step) {
	s.tries++
	e.stats.queries.Add(1)
	if s.attempt > 0 {
		e.stats.retries.Add(1)
	}
	e.inFlight++
	if out, known := e.transport.send(ctx, s); known {
		e.settle(s, out)
		return
	}
	e.deadlines.push(s, time.Now().Add(e.cfg.Timeout))
	if len(e.deadlines.queue) > 4*e.cfg.Concurrency+doneBatch {
		e.deadlines.compact()
	}
}

// expire ends the tries whose deadline is over.
func (e *engine) expire(now time.Time) {
	for {
		s := e.deadlines.pop(now)
		if s == nil {
			return
		}
		e.settle(s, e.transport.giveUp(s))
	}
}

// settle ends a try of s: the next query of the step is made ready, or the step
// is finished and the climb goes on.
func (e *engine) settle(s *step, out outcome) {
	e.inFlight--
	s.sent = 0
	if again := s.advance(out, e.cfg.Attempts); again {
		e.ready = append(e.ready, s)
		return
	}
	delete(e.pending, s.obs.Name)
	e.cfg.Store.Put(s.obs)
	e.stats.names.Add(1)
	if e.done != nil {
		e.finished = append(e.finished, s.obs)
	}
	if len(e.finished) >= doneBatch {
		e.handOver()
	}
	if s.obs.EndsClimb() {
		e.stats.done.Add(int64(s.domains))
		return
	}
	e.climb(s.obs.Name, s.domains)
}

func (e *engine) handOver() {
	if len(e.finished) > 0 {
		e.done(e.finished)
		e.finished = e.finished[:0]
	}
}

// setWake arms the one timer for the next deadline or the end of pause.
func (e *engine) setWake(pause time.Duration) {
	next := time.Hour
	if at, ok := e.deadlines.next(); ok {
		next = time.Until(at)
	}
	if pause > 0 {
		next = min(next, pause)
	}
	e.wake.Reset(max(next, 0))
}

// deadlines is a queue: every try has the same time, so the first one sent is
// the first one over.
type deadlines struct{ queue []deadline }

type deadline struct {
	step *step
	try  uint32 // the deadline is void once the step is at another try
	at   time.Time
}

func (d *deadlines) push(s *step, at time.Time) {
	s.sent = s.tries
	d.queue = append(d.queue, deadline{s, s.tries, at})
}

// compact drops the deadlines that are void: of those that count there is one a
// query in flight, but behind a name that never answers void ones pile up.
func (d *deadlines) compact() {
	d.queue = slices.DeleteFunc(d.queue, func(x deadline) bool { return x.step.sent != x.try })
}

// pop returns a step whose deadline is over at now, or nil.
func (d *deadlines) pop(now time.Time) *step {
	for len(d.queue) > 0 && !d.queue[0].at.After(now) {
		first := d.queue[0]
		d.queue = d.queue[1:]
		if first.step.sent == first.try {
			return first.step
		}
	}
	return nil
}

// next returns the first deadline that still counts.
func (d *deadlines) next() (time.Time, bool) {
	for len(d.queue) > 0 && d.queue[0].step.sent != d.queue[0].try {
		d.queue = d.queue[1:]
	}
	if len(d.queue) == 0 {
		return time.Time{}, false
	}
	return d.queue[0].at, true
}

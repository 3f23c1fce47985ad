package lookup

import (
	"context"
	"slices"
	"sync"
	"time"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// engine is the state of one Lookup. One goroutine owns all of it; transports
// bring what arrives over one channel. A climb has no state of its own: a name
// whose answer is empty makes its parent the next name to ask, for all climbs
// that stand there at once.
type engine struct {
	*Resolver
	transport transport
	done      func([]snapshot.Observation)

	input    <-chan []domain.Name  // nil once it is closed
	backlog  []domain.Name         // names handed in, not begun
	pending  map[domain.Name]*step // names begun and not finally answered
	ready    []*step               // of those, the ones whose next query is to be sent
	inFlight int                   // of those, the ones whose query has been sent
	failed   []*step               // of those, the ones that wait for the final pass; the first failed first
	final    bool                  // the final pass has begun
	finished []snapshot.Observation

	deadlines deadlines
	wake      *time.Timer
	rotor     int       // the server that comes next
	outSince  time.Time // when the last server went out of rotation; zero while one is in

	probes  chan probedAgain
	probing sync.WaitGroup
}

// doneBatch is how many Observations are handed over at a time; fewer where the
// engine has to wait.
const doneBatch = 256

// finalShare is the part of the concurrency that the final pass is given.
const finalShare = 10

// transport carries queries to where answers come from. What is sent is answered
// once over arrivals, or never; the deadline is the engine's business.
type transport interface {
	// send sends the step's question, to its server. Where the outcome is known at
	// once it is returned, with true, and nothing will arrive.
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

func newEngine(r *Resolver, input <-chan []domain.Name, done func([]snapshot.Observation)) *engine {
	e := &engine{
		Resolver: r,
		done:     done,
		input:    input,
		pending:  make(map[domain.Name]*step),
		wake:     time.NewTimer(time.Hour),
		probes:   make(chan probedAgain, len(r.upstreams)),
	}
	for _, u := range r.upstreams {
		u.flow.share = 0
	}
	if r.cfg.Zones != nil {
		e.transport = newZoneTransport(r.cfg.Zones)
	} else {
		e.transport = newNetTransport(&r.cfg)
		e.countOut(time.Now()) // an earlier Lookup may have left them ill
	}
	return e
}

// run looks up what comes over the input until it is closed and all is answered.
func (e *engine) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer e.close()
	defer cancel()
	for ctx.Err() == nil {
		now := time.Now()
		e.expire(now)
		e.tend(ctx, now)
		pause := e.send(ctx)
		if e.input == nil && len(e.backlog) == 0 && len(e.pending) == 0 {
			break
		}
		select {
		case a := <-e.transport.arrivals():
			e.transport.receive(a, e.settle)
			continue
		default:
		}
		e.handOver() // before waiting, so that what is known is not held back
		e.wait(ctx, pause)
	}
	e.handOver()
	return ctx.Err()
}

func (e *engine) close() {
	e.wake.Stop()
	e.transport.close()
	e.probing.Wait()
	e.hangUp()
}

// wait takes in what comes next, within pause.
func (e *engine) wait(ctx context.Context, pause time.Duration) {
	e.setWake(pause)
	select {
	case <-ctx.Done():
	case batch, ok := <-e.input:
		if !ok {
			e.input = nil
		}
		e.backlog = append(e.backlog, batch...)
		e.stats.domains.Add(int64(len(batch)))
	case a := <-e.transport.arrivals():
		e.transport.receive(a, e.settle)
	case p := <-e.probes:
		e.probed(p)
	case <-e.wake.C:
	}
}

// forever is longer than any wait.
const forever = time.Hour

// send sends queries until nothing is ready, the concurrency is reached, or
// something forbids more; it returns how long that lasts at most.
func (e *engine) send(ctx context.Context) (pause time.Duration) {
	for e.inFlight < e.concurrency() && ctx.Err() == nil {
		if pause := e.makeReady(); len(e.ready) == 0 {
			return pause
		}
		at, found := e.place()
		if at < 0 {
			return e.patience()
		}
		if found == placed {
			if pause := e.throttle(); pause > 0 {
				return pause
			}
		}
		s := e.ready[at]
		e.ready = slices.Delete(e.ready, at, at+1)
		if found == nobody {
			e.abandon(s)
			e.conclude(s)
			continue
		}
		e.sendStep(ctx, s)
	}
	return forever
}

func (e *engine) concurrency() int {
	if e.final {
		return max(1, e.cfg.Concurrency/finalShare)
	}
	return e.cfg.Concurrency
}

// makeReady begins climbs from the backlog until a step is ready to be sent; when
// all else is done, it takes the steps that failed. It returns how long there is
// nothing at most.
func (e *engine) makeReady() (pause time.Duration) {
	for len(e.ready) == 0 && len(e.backlog) > 0 {
		name := e.backlog[0]
		e.backlog = e.backlog[1:]
		e.climb(name, 1)
	}
	if len(e.ready) > 0 {
		return 0
	}
	e.backlog = nil
	if !e.final && e.input == nil && len(e.pending) == len(e.failed) {
		e.beginFinalPass()
	}
	if !e.final || len(e.failed) == 0 {
		return forever
	}
	s := e.failed[0]
	if wait := time.Until(s.failedAt.Add(e.cfg.FinalPassAfter)); wait > 0 {
		return wait
	}
	e.failed = e.failed[1:]
	s.final = true
	s.restart()
	e.ready = append(e.ready, s)
	return 0
}

// beginFinalPass slows down, also where a server has come to be asked less. Servers
// that are out of rotation get another chance.
func (e *engine) beginFinalPass() {
	e.final = true
	for _, u := range e.upstreams {
		u.flow.share = finalShare
		u.health.probeWanted = u.health.out == resting
	}
	if !e.outSince.IsZero() {
		e.outSince = time.Now()
	}
}

// climb takes domains climbs on from name: over answers that are there already,
// to a name that is being asked, or to one that is to be asked now. Above a set
// that does not restrict mail it goes on for nobody, to see what that set hides.
func (e *engine) climb(name domain.Name, domains int) {
	for at := range name.Climb() {
		if s := e.pending[at]; s != nil {
			s.domains += domains
			return
		}
		o := e.cfg.Store.Find(at)
		if o == nil {
			s := newStep(at, domains)
			e.pending[at] = s
			e.ready = append(e.ready, s)
			return
		}
		if !o.EndsClimb() {
			continue
		}
		e.stats.done.Add(int64(domains))
		domains = 0
		if o.Failure != "" || o.Records.Has(caa.TagIssuemail) {
			return
		}
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

// sendStep sends the next query of a step to its server; with zones there is none.
func (e *engine) sendStep(ctx context.Context, s *step) {
	s.tries++
	e.stats.queries.Add(1)
	if s.attempt > 0 || s.final {
		e.stats.retries.Add(1)
	}
	e.inFlight++
	if u := s.up; u != nil {
		u.queries++
		u.flow.inFlight++
		s.epoch = u.flow.epoch
		if s.form == fresh {
			s.form = u.firstForm()
		}
	}
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

// settle ends a try of s: its next query is made ready, or it has come to its end.
func (e *engine) settle(s *step, out outcome) {
	e.inFlight--
	s.sent = 0
	if s.up != nil {
		s.up.flow.inFlight--
		e.judge(s, out)
	}
	if s.advance(out, e.cfg.Attempts) {
		e.ready = append(e.ready, s)
		return
	}
	e.conclude(s)
}

// conclude takes in that a step has come to its end: it waits for the final pass, or
// the climb goes on.
func (e *engine) conclude(s *step) {
	e.cfg.Store.Put(s.obs)
	if e.done != nil {
		e.finished = append(e.finished, s.obs)
	}
	if len(e.finished) >= doneBatch {
		e.handOver()
	}
	if !s.final {
		e.stats.names.Add(1)
	}
	if s.obs.Failure != "" && !s.final && transient(s.obs.Failure) && s.obs.Transport != snapshot.Zone {
		s.failedAt = time.Now()
		e.failed = append(e.failed, s)
		return
	}
	if s.final && s.obs.Failure == "" {
		e.stats.recovered.Add(1)
	}
	delete(e.pending, s.obs.Name)
	e.climb(s.obs.Name, s.domains)
}

func (e *engine) handOver() {
	if len(e.finished) > 0 {
		e.done(e.finished)
		e.finished = e.finished[:0]
	}
}

// setWake arms the one timer: for the next deadline, the next probe of a server
// that rests, or the end of pause.
func (e *engine) setWake(pause time.Duration) {
	next := pause
	if at, ok := e.deadlines.next(); ok {
		next = min(next, time.Until(at))
	}
	for _, u := range e.upstreams {
		if u.health.out == resting && !u.health.probing {
			next = min(next, time.Until(u.health.next))
		}
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

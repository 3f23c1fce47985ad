package lookup

import (
	"context"
	"slices"
	"sync"
	"time"

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
	pending  map[domain.Name]*step // names that are being asked
	ready    []*step               // of those, the ones whose next query is to be sent
	inFlight int                   // of those, the ones whose query has been sent
	spare    []*step               // that have come to their end, to be used again
	final    bool                  // the final pass has begun
	finished []snapshot.Observation

	// What failed waits for the final pass; what failed first comes first.
	waiting map[domain.Name]*waiting
	failed  []domain.Name

	schedule schedule
	wake     *time.Timer
	wakeAt   time.Time // when wake fires; past where it has
	rotor    int       // the server that comes next
	outSince time.Time // when the last server went out of rotation; zero while one is in

	probes  chan probedAgain
	probing sync.WaitGroup
}

// waiting is a name that failed and will be asked again.
type waiting struct {
	domains       int // whose climb stands here
	failedAt      time.Time
	validatedOnly bool
	servfailed    bool
}

// doneBatch is how many Observations are handed over at a time; fewer where the
// engine has to wait.
const doneBatch = 256

// A deadline that was over for so long already says that the engine was away. What has
// arrived meanwhile takes so long at most to be handed to it.
const (
	away    = 10 * time.Millisecond
	handing = time.Millisecond
)

// finalShare is the part of the concurrency that the final pass is given.
const finalShare = 10

// transport carries queries to where answers come from. What is sent is answered
// once over arrivals, or never; the deadline is the engine's business.
type transport interface {
	// send takes the step's question, to its server, which the next flush sends.
	// Where the outcome is known at once it is returned, with true, and nothing will
	// arrive.
	send(ctx context.Context, s *step, now time.Time) (outcome, bool)
	// resend takes the question of the step's try once more, which is out over UDP.
	resend(s *step)
	// flush sends what was taken. It calls settle for each step whose try ends with
	// that, and reports whether there was one.
	flush(now time.Time, settle func(*step, outcome)) bool
	arrivals() <-chan arrival
	// receive calls settle for each step whose try an arrival ends: none where
	// the arrival is nobody's reply, and the wait goes on.
	receive(a arrival, settle func(*step, outcome))
	// giveUp ends the step's outstanding try, whose deadline is over.
	giveUp(s *step, now time.Time) outcome
	// close ends all goroutines of the transport.
	close()
}

func newEngine(r *Resolver, input <-chan []domain.Name, done func([]snapshot.Observation)) *engine {
	e := &engine{
		Resolver: r,
		done:     done,
		input:    input,
		pending:  make(map[domain.Name]*step),
		waiting:  make(map[domain.Name]*waiting),
		wake:     time.NewTimer(forever),
		wakeAt:   time.Now().Add(forever),
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
		e.takeIn()
		now := time.Now()
		if s := e.schedule.next(); s != nil && now.Sub(s.deadline) > away {
			time.Sleep(handing)
			e.takeIn()
		}
		e.expire(now)
		e.tend(ctx, now)
		pause := e.send(ctx, now)
		if e.transport.flush(now, e.settle) {
			continue
		}
		if e.input == nil && len(e.backlog) == 0 && len(e.pending) == 0 && len(e.waiting) == 0 {
			break
		}
		if e.takeIn() {
			continue
		}
		e.handOver() // before waiting, so that what is known is not held back
		e.wait(ctx, now, pause)
	}
	e.handOver()
	return ctx.Err()
}

// takeIn takes in what has arrived, and reports whether there was something. It comes
// before what is due is seen to: what lay here while the process was stopped, or did
// something else, is not late.
func (e *engine) takeIn() (some bool) {
	for range 1 + cap(e.transport.arrivals()) {
		select {
		case a := <-e.transport.arrivals():
			e.transport.receive(a, e.settle)
		case p := <-e.probes:
			e.probed(p)
		default:
			return some
		}
		some = true
	}
	return some
}

func (e *engine) close() {
	e.wake.Stop()
	e.transport.close()
	e.probing.Wait()
	e.hangUp()
}

// wait takes in what comes next, within pause.
func (e *engine) wait(ctx context.Context, now time.Time, pause time.Duration) {
	e.setWake(now, pause)
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
		e.wakeAt = time.Time{} // it has to be armed again
	}
}

// forever is longer than any wait.
const forever = time.Hour

// send sends queries until nothing is ready, the concurrency is reached, or
// something forbids more; it returns how long that lasts at most.
func (e *engine) send(ctx context.Context, now time.Time) (pause time.Duration) {
	for e.inFlight < e.concurrency() && ctx.Err() == nil {
		if pause := e.makeReady(now); len(e.ready) == 0 {
			return pause
		}
		at, found := e.place()
		if at < 0 {
			return e.patience()
		}
		if found == placed {
			if pause := e.throttle(now); pause > 0 {
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
		e.sendStep(ctx, s, now)
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
// all else is done, it takes the names that failed. It returns how long there is
// nothing at most.
func (e *engine) makeReady(now time.Time) (pause time.Duration) {
	for len(e.ready) == 0 && len(e.backlog) > 0 {
		name := e.backlog[0]
		e.backlog = e.backlog[1:]
		done := e.stats.done.Load()
		e.climb(name, 1)
		e.stats.known.Add(e.stats.done.Load() - done)
	}
	if len(e.ready) > 0 {
		return 0
	}
	e.backlog = nil
	if !e.final && e.input == nil && len(e.pending) == 0 {
		e.beginFinalPass()
	}
	if !e.final || len(e.failed) == 0 {
		return forever
	}
	name := e.failed[0]
	w := e.waiting[name]
	if wait := w.failedAt.Add(e.cfg.FinalPassAfter).Sub(now); wait > 0 {
		return wait
	}
	e.failed = e.failed[1:]
	delete(e.waiting, name)
	s := e.ask(name, w.domains)
	s.final, s.validatedOnly, s.servfailed = true, w.validatedOnly, w.servfailed
	return 0
}

// ask makes a step of a name, to be sent.
func (e *engine) ask(name domain.Name, domains int) *step {
	var s *step
	if last := len(e.spare) - 1; last >= 0 {
		s, e.spare = e.spare[last], e.spare[:last]
		s.begin(name, domains)
	} else {
		s = newStep(name, domains)
	}
	s.overlay = e.cfg.Overlay
	s.servfailed, s.validatedOnly = e.refused[name]
	e.pending[name] = s
	e.ready = append(e.ready, s)
	return s
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
// that does not restrict mail it goes on for nobody, to see what that set hides, and
// above an answer that is doubted, for when Prove finds that it counts.
func (e *engine) climb(name domain.Name, domains int) {
	for at := range name.Climb() {
		if s := e.pending[at]; s != nil {
			s.domains += domains
			return
		}
		if w := e.waiting[at]; w != nil {
			w.domains += domains
			return
		}
		ends, found := e.cfg.Store.EndsClimb(at)
		if !found {
			e.ask(at, domains)
			return
		}
		if !ends {
			continue
		}
		e.stats.done.Add(int64(domains))
		domains = 0
		if o, _ := e.cfg.Store.Find(at); o.Settles() {
			return
		}
	}
	e.stats.done.Add(int64(domains))
}

// throttle returns how long the rate makes the next query wait; 0 takes it out
// of the allowance.
func (e *engine) throttle(now time.Time) time.Duration {
	if e.limiter == nil {
		return 0
	}
	r := e.limiter.ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d
	}
	return 0
}

// sendStep sends the next query of a step to its server; with zones there is none.
func (e *engine) sendStep(ctx context.Context, s *step, now time.Time) {
	if e.cfg.Zones == nil {
		e.take(s)
	}
	e.count(s, s.attempt > 0 || s.final)
	e.inFlight++
	if u := s.up; u != nil {
		u.flow.inFlight++
		s.epoch = u.flow.epoch
		if s.form == fresh {
			s.form = u.firstForm()
		}
	}
	s.sentAt, s.lastSent, s.sends, s.deadline = now, now, 1, now.Add(e.cfg.Timeout)
	if out, known := e.transport.send(ctx, s, now); known {
		e.settle(s, out)
		return
	}
	e.schedule.put(s, s.nextDue(now))
}

// count counts a query of a step that is sent.
func (e *engine) count(s *step, again bool) {
	e.stats.queries.Add(1)
	if again {
		e.stats.retries.Add(1)
	}
	if s.up != nil {
		s.up.queries++
	}
}

// expire sends again what has not been answered in the time that its server needs,
// and ends the tries whose deadline is over.
func (e *engine) expire(now time.Time) {
	for s := e.schedule.next(); s != nil && !s.due.After(now); s = e.schedule.next() {
		e.schedule.remove(s)
		if !s.deadline.After(now) {
			e.settle(s, e.transport.giveUp(s, now))
			continue
		}
		if !s.up.inRotation() {
			e.schedule.put(s, s.deadline)
			continue
		}
		if wait := e.throttle(now); wait > 0 {
			e.schedule.put(s, earlier(now.Add(wait), s.deadline))
			continue
		}
		e.resend(s, now)
	}
}

// resend sends a query again within its try: the first one, or its reply, was lost on
// the way or dropped by a server that has too much to do.
func (e *engine) resend(s *step, now time.Time) {
	s.sends++
	s.lastSent = now
	e.count(s, true)
	e.transport.resend(s)
	e.schedule.put(s, s.nextDue(now))
}

// settle ends a try of s: its next query is made ready, or it has come to its end.
func (e *engine) settle(s *step, out outcome) {
	e.inFlight--
	e.schedule.remove(s)
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

// conclude takes in that a step has come to its end: its name waits for the final pass,
// or the climb goes on.
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
	delete(e.pending, s.obs.Name)
	switch failure := s.obs.Failure; {
	case failure != "" && !s.final && transient(failure) && s.obs.Transport != snapshot.Zone:
		e.waiting[s.obs.Name] = &waiting{s.domains, time.Now(), s.validatedOnly, s.servfailed}
		e.failed = append(e.failed, s.obs.Name)
	default:
		if s.final && failure == "" {
			e.stats.recovered.Add(1)
		}
		e.climb(s.obs.Name, s.domains)
	}
	e.spare = append(e.spare, s)
}

func (e *engine) handOver() {
	if len(e.finished) > 0 {
		e.done(e.finished)
		e.finished = e.finished[:0]
	}
}

// setWake arms the one timer: for what is due next, the next probe of a server that
// rests, or the end of pause. One that fires too early does no harm, so it is not set
// anew for each reply.
func (e *engine) setWake(now time.Time, pause time.Duration) {
	next := now.Add(pause)
	if s := e.schedule.next(); s != nil {
		next = earlier(next, s.due)
	}
	for _, u := range e.upstreams {
		if u.health.out == resting && !u.health.probing {
			next = earlier(next, u.health.next)
		}
	}
	if now.Before(e.wakeAt) && !next.Before(e.wakeAt) {
		return
	}
	e.wakeAt = next
	e.wake.Reset(max(next.Sub(now), 0))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

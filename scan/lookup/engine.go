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
	*Client
	transport transport
	done      func([]snapshot.Observation)

	input    <-chan []domain.Name  // nil once it is closed
	backlog  []domain.Name         // names handed in, not begun
	pending  map[domain.Name]*step // names that are being asked
	ready    []*step               // of those, the ones whose next query is to be sent
	places   int                   // that are held by queries whose answer can be expected soon
	spare    []*step               // that have come to their end, to be used again
	finished []snapshot.Observation

	// What failed waits for its final pass; what failed first comes first.
	waiting map[domain.Name]*waiting
	failed  []domain.Name
	finalAt time.Time // when the next query of the final pass may be begun
	until   time.Time // when all names that are overdue will have had their tries
	lastOut bool      // only failed names are left, and servers out of rotation got another chance

	schedule schedule
	wake     *time.Timer
	wakeAt   time.Time // when wake fires; past if it has
	rotor    int       // the server that comes next
	outSince time.Time // when the last server went out of rotation; zero while one is in

	early    early
	asked    askedAgain
	probes   chan probedAgain
	controls chan controlled
	probing  sync.WaitGroup // probes and control questions
}

// waiting is a name that failed and will be asked again.
type waiting struct {
	domains       int // whose climb stands here
	passes        int // that it failed in
	failedAt      time.Time
	validatedOnly bool
	servfailed    bool
	silent        bool // in its last try
}

// doneBatch is how many Observations are handed over at a time; fewer if the
// engine has to wait.
const doneBatch = 256

// Something that was due so long ago already says that the engine was away. What has
// arrived meanwhile is handed to it part by part, each of which takes so long at most. All
// together they take less than away, or each would make the next one necessary.
const (
	away         = 10 * time.Millisecond
	handing      = time.Millisecond
	mostHandings = 5
)

// finalShare is the part of the rate that a server was seen to bear at which the final
// pass begins tries.
const finalShare = 10

// transport carries queries to where answers come from. What is sent is answered
// once over arrivals, or never; the deadline is the engine's business.
type transport interface {
	// send takes the step's question, to its server, which the next flush sends.
	// If the outcome is known at once it is returned, with true, and nothing will
	// arrive.
	send(ctx context.Context, s *step, now time.Time) (outcome, bool)
	// resend takes the question of the step's try once more, which is out over UDP.
	resend(s *step)
	// flush sends what was taken. It calls endTry for each step whose try ends with
	// that, and reports whether there was one.
	flush(now time.Time, endTry func(*step, outcome)) bool
	arrivals() <-chan arrival
	// receive calls endTry for each step whose try an arrival ends: none if
	// the arrival is nobody's reply, and the wait goes on.
	receive(a arrival, endTry func(*step, outcome))
	// timeOut drops the step's query, whose deadline is over, and returns how its try
	// ended.
	timeOut(s *step, now time.Time) outcome
	// close ends all goroutines of the transport.
	close()
}

func newEngine(r *Client, input <-chan []domain.Name, done func([]snapshot.Observation)) *engine {
	e := &engine{
		Client:   r,
		done:     done,
		input:    input,
		pending:  make(map[domain.Name]*step),
		waiting:  make(map[domain.Name]*waiting),
		wake:     time.NewTimer(forever),
		wakeAt:   time.Now().Add(forever),
		probes:   make(chan probedAgain, len(r.upstreams)),
		controls: make(chan controlled, len(r.upstreams)),
		early:    early{ended: make(chan struct{}, maxProving)},
	}
	r.asker = nil
	for _, u := range r.upstreams { // what an earlier Lookup left without an answer
		u.flow.doubt.asked, u.flow.doubt.due, u.flow.doubt.held = false, false, false
		u.health.probing, u.health.last = false, false
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
		if s := e.schedule.next(); s != nil && now.Sub(s.due) > away {
			e.catchUp()
		}
		e.expire(now)
		e.tend(ctx, now)
		e.proveEarly(ctx)
		pause := e.send(ctx, now)
		if e.transport.flush(now, e.endTry) {
			continue
		}
		if e.idle() && !e.vouch(ctx) {
			break
		}
		if e.takeIn() {
			continue
		}
		e.handOver() // before waiting, so that what is known is not held back
		e.tellSilent(now)
		e.wait(ctx, now, pause)
	}
	e.handOver()
	e.stats.silent.Store(0)
	e.stats.asking.Store(0)
	e.stats.proving.Store(0)
	return ctx.Err()
}

// idle reports whether nothing is left to be asked.
func (e *engine) idle() bool {
	return e.input == nil && len(e.backlog) == 0 && len(e.pending) == 0 && len(e.waiting) == 0 &&
		len(e.early.queue) == 0 && e.early.running == 0
}

// takeIn takes in what has arrived, and reports whether there was something. It comes
// before what is due is seen to: what lay here while the process was stopped, or did
// something else, is not late.
func (e *engine) takeIn() (some bool) {
	for range 1 + cap(e.transport.arrivals()) {
		select {
		case a := <-e.transport.arrivals():
			e.transport.receive(a, e.endTry)
		case p := <-e.probes:
			e.probed(p)
		case c := <-e.controls:
			e.controlled(c)
		case <-e.early.ended:
			e.early.running--
		default:
			return some
		}
		some = true
	}
	return some
}

// catchUp takes in what arrived while the engine was away, until nothing more comes.
func (e *engine) catchUp() {
	for range mostHandings {
		time.Sleep(handing)
		if !e.takeIn() {
			return
		}
	}
}

func (e *engine) close() {
	e.wake.Stop()
	e.transport.close()
	e.probing.Wait()
	e.leavePlaces()
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
		e.transport.receive(a, e.endTry)
	case p := <-e.probes:
		e.probed(p)
	case c := <-e.controls:
		e.controlled(c)
	case <-e.early.ended:
		e.early.running--
	case <-e.wake.C:
		e.wakeAt = time.Time{} // it has to be armed again
	}
}

// forever is longer than any wait.
const forever = time.Hour

// send sends queries until nothing is ready, all places are held, or something forbids
// more; it returns how long that lasts at most.
func (e *engine) send(ctx context.Context, now time.Time) (pause time.Duration) {
	for e.places < e.mostPlaces() && ctx.Err() == nil {
		if pause := e.makeReady(now); len(e.ready) == 0 {
			return pause
		}
		at, found := e.place(now)
		if at < 0 && e.beginAnother(now) {
			continue
		}
		if at < 0 {
			return e.patience(now)
		}
		if found == placed {
			if pause := e.throttle(now); pause > 0 {
				return pause
			}
		}
		s := e.ready[at]
		e.ready = slices.Delete(e.ready, at, at+1)
		if found == nobody {
			e.completeUnasked(s)
			e.endStep(s)
			continue
		}
		e.sendStep(ctx, s, now)
	}
	return forever
}

// makeReady makes a step ready to be sent, if none is: that of a failed name whose final
// pass is due, or else of one from the backlog. It returns how long there is none at
// most.
func (e *engine) makeReady(now time.Time) (pause time.Duration) {
	if len(e.ready) > 0 {
		return 0
	}
	pause = e.askAgain(now)
	if len(e.ready) == 0 {
		e.begin()
	}
	if len(e.ready) > 0 {
		return 0
	}
	e.backlog = nil
	return pause
}

// begin begins climbs from the backlog until one more step is ready, if there is one.
func (e *engine) begin() {
	for before := len(e.ready); len(e.ready) == before && len(e.backlog) > 0; {
		name := e.backlog[0]
		e.backlog = e.backlog[1:]
		done := e.stats.done.Load()
		e.climb(name, 1)
		e.stats.known.Add(e.stats.done.Load() - done)
	}
}

// beginAnother makes one more step ready if those that are wait for servers that are held
// back, while another one has nothing to do. It reports whether it did.
func (e *engine) beginAnother(now time.Time) bool {
	free := slices.ContainsFunc(e.upstreams, func(u *upstream) bool { return u.inRotation() && u.flow.mayTake(now) })
	if !free || len(e.ready) >= mostWaiting {
		return false
	}
	before := len(e.ready)
	e.begin()
	return len(e.ready) > before
}

// askAgain begins the final pass of the name that failed first, if that is due. It
// returns how long it is not at most.
func (e *engine) askAgain(now time.Time) (pause time.Duration) {
	if len(e.failed) == 0 || !e.mayAskAgain(now) || len(e.backlog) > 0 && e.crowded() {
		return forever
	}
	name := e.failed[0]
	w := e.waiting[name]
	wait := later(w.failedAt.Add(e.cfg.FinalPassAfter), e.finalAt).Sub(now)
	if wait > 0 {
		e.finalWaits(now)
		return wait
	}
	e.failed = e.failed[1:]
	delete(e.waiting, name)
	s := e.ask(name, w.domains)
	s.final, s.passes, s.validatedOnly, s.servfailed, s.silent = true, w.passes, w.validatedOnly, w.servfailed, w.silent
	e.asked.final++
	return 0
}

// crowded reports whether so many queries wait without a place that those of the final
// pass would keep others from being asked. The sooner all names have had their first pass,
// the sooner the last one has had its final one.
func (e *engine) crowded() bool {
	return !slices.ContainsFunc(e.upstreams, func(u *upstream) bool { return u.inRotation() && !u.flow.crowded() })
}

// mayAskAgain reports whether somebody is there to be asked again. If all servers are
// out of rotation, failed names wait until nothing else is left; then the servers get
// one more chance.
func (e *engine) mayAskAgain(now time.Time) bool {
	if e.outSince.IsZero() || e.lastOut {
		return true
	}
	if e.input != nil || len(e.backlog) > 0 || len(e.pending) > 0 {
		return false
	}
	e.lastOut = true
	e.outSince = now
	for _, u := range e.upstreams {
		u.health.probeWanted = u.health.out == resting
	}
	return true
}

// finalRate is how many tries of the final pass are begun in a second: a tenth of what the
// servers were seen to bear.
func (e *engine) finalRate() float64 {
	bears := 0.0
	for _, u := range e.upstreams {
		if u.inRotation() {
			bears += u.flow.bears()
		}
	}
	return max(bears, leastRate) / finalShare
}

// finalWaits takes in that a name may have to wait for its final pass because servers are
// limited to less than they have borne. These limits are raised again.
func (e *engine) finalWaits(now time.Time) {
	if !e.finalAt.After(now) {
		return
	}
	for _, u := range e.upstreams {
		if u.flow.pace.belowCeiling() {
			u.flow.pace.binding = true
		}
	}
}

// takeFinal takes a query of the final pass out of its allowance, which makes the next
// name wait, so that tries are begun at the rate of the moment. Second tries go when they
// are due.
func (e *engine) takeFinal(now time.Time) {
	e.finalAt = later(e.finalAt, now.Add(-paceBurst)).Add(time.Duration(float64(time.Second) / e.finalRate()))
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
	if s.final {
		e.takeFinal(now)
	}
	e.places++
	s.hold = inPlace
	s.sentAt, s.lastSent, s.sends, s.deadline = now, now, 1, now.Add(e.cfg.Timeout)
	if u := s.up; u != nil {
		u.flow.places++
		u.flow.take(now)
		s.epoch = u.flow.epoch
		if s.form == fresh {
			s.form = u.firstForm()
		}
		s.overdueAt = now.Add(s.patience())
		s.setResend(now)
	}
	if out, known := e.transport.send(ctx, s, now); known {
		e.endTry(s, out)
		return
	}
	e.schedule.put(s, s.nextDue())
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

// expire does what is due for queries that are out: it ends tries whose deadline is
// over, takes the place from what is overdue, and sends again what has not been answered
// in the time that its server needs.
func (e *engine) expire(now time.Time) {
	for s := e.schedule.next(); s != nil && !s.due.After(now); s = e.schedule.next() {
		e.schedule.remove(s)
		if !s.deadline.After(now) {
			e.endTry(s, e.transport.timeOut(s, now))
			continue
		}
		if s.hold != none && !s.overdueAt.After(now) {
			e.overdue(s, now)
		}
		if !s.resendAt.After(now) {
			e.resend(s, now)
		}
		e.schedule.put(s, s.nextDue())
	}
}

// overdue lets a query wait without a place, if there is room beside. That it is not
// answered soon may be the server's fault.
func (e *engine) overdue(s *step, now time.Time) {
	f := &s.up.flow
	if s.hold == inPlace || s.hold == resent {
		f.note(s.epoch, overdue, now)
	}
	if s.hold == resent {
		s.hold = none
		return
	}
	e.until = later(e.until, e.lastTry(s))
	if s.hold = late; f.mayWait() {
		e.leavePlace(s)
		f.waiting++
		if s.final {
			e.asked.finalOverdue++
		}
		return
	}
	s.overdueAt = now.Add(f.patience())
}

// lastTry returns when a name that is not answered has had its tries in all passes, if
// nothing delays the final one.
func (e *engine) lastTry(s *step) time.Time {
	pass := time.Duration(e.cfg.Attempts) * e.cfg.Timeout
	last := s.sentAt.Add(pass - time.Duration(s.attempt)*e.cfg.Timeout)
	if !s.final {
		last = last.Add(e.cfg.FinalPassAfter + pass)
	}
	return last
}

// askedAgain counts names that are pending in the final pass, and those of them that wait
// without a place. afterFailures says that all names have had their first pass: what is
// asked from then on are names that failed, and parents of these.
type askedAgain struct {
	final, finalOverdue int
	afterFailures       bool
}

// tellSilent keeps the numbers of names that are not answered.
func (e *engine) tellSilent(now time.Time) {
	silent := len(e.waiting) + e.asked.final - e.asked.finalOverdue
	for _, u := range e.upstreams {
		silent += u.flow.waiting
	}
	asking := len(e.pending) + len(e.waiting) - silent + len(e.backlog)
	e.asked.afterFailures = e.input == nil && (e.asked.afterFailures || asking == 0)
	if e.asked.afterFailures {
		silent, asking = silent+asking, 0
	}
	e.stats.silent.Store(int64(silent))
	e.stats.asking.Store(int64(asking))
	e.tellProving()
	queue := time.Duration(float64(len(e.failed)*e.cfg.Attempts) / e.finalRate() * float64(time.Second))
	e.stats.until.Store(later(e.until, now).Add(queue).Unix() + 1)
}

func (e *engine) leavePlace(s *step) {
	e.places--
	if s.up != nil {
		s.up.flow.places--
	}
	s.hold = none
}

// resend sends a query again within its try: the first one, or its reply, was lost on
// the way or dropped by a server that has too much to do. It is put off while the server
// may not be asked.
func (e *engine) resend(s *step, now time.Time) {
	f := &s.up.flow
	switch wait := e.resendWait(s, now); {
	case !s.up.inRotation():
		s.resendAt = s.deadline
		return
	case wait > 0:
		s.resendAt = now.Add(wait)
		return
	}
	f.take(now)
	s.sends++
	s.lastSent = now
	e.count(s, true)
	e.transport.resend(s)
	s.setResend(now)
	s.lostEpoch = s.epoch
	if s.epoch != f.epoch && s.hold == none { // it was sent at another pace; now it shows how this one does
		s.epoch, s.hold, s.overdueAt = f.epoch, resent, now.Add(f.patience())
	}
}

// resendWait returns how long a query must wait until it may be sent again.
func (e *engine) resendWait(s *step, now time.Time) time.Duration {
	f := &s.up.flow
	if f.doubt.asked || f.doubt.held {
		return leastPatience
	}
	if wait := f.pace.resendWait(now); wait > 0 {
		return max(leastPatience, wait) // many wait together
	}
	return e.throttle(now)
}

// endTry ends a try of s: the next query is made ready, or s has come to its end.
//
// Things end in this order: the transport drops the query (drop), endTry ends the try, and
// if no other try is left, the step's Observation is completed and endStep ends the step.
func (e *engine) endTry(s *step, out outcome) {
	e.schedule.remove(s)
	if s.hold == none || s.hold == resent {
		s.up.flow.waiting--
		if s.final {
			e.asked.finalOverdue--
		}
	} else {
		e.leavePlace(s)
	}
	if s.silent = out.failure == snapshot.Timeout; s.up != nil {
		e.judge(s, out)
	}
	out = e.withdrawn(s, out)
	if s.advance(out, e.cfg.Attempts) {
		e.ready = append(e.ready, s)
		return
	}
	e.endStep(s)
}

// endStep takes in that a step has come to its end: its name waits for the final pass,
// or the climb goes on.
func (e *engine) endStep(s *step) {
	e.keep(s.obs)
	if !s.final {
		e.stats.names.Add(1)
	}
	delete(e.pending, s.obs.Name)
	if s.final {
		e.asked.final--
	}
	switch {
	case e.deservesPass(s):
		now := time.Now()
		e.waiting[s.obs.Name] = &waiting{s.domains, s.passes + 1, now, s.validatedOnly, s.servfailed, s.silent}
		e.until = later(e.until, now.Add(e.cfg.FinalPassAfter+time.Duration(e.cfg.Attempts)*e.cfg.Timeout))
		e.failed = append(e.failed, s.obs.Name)
	default:
		if s.final && s.obs.Failure == "" {
			e.stats.recovered.Add(1)
		}
		if s.obs.Failure == snapshot.Timeout {
			e.stats.unanswered.Add(1)
		}
		e.earlyQueue(&s.obs)
		e.climb(s.obs.Name, s.domains)
	}
	e.spare = append(e.spare, s)
}

// deservesPass reports whether a name is asked again in a pass of its own: once after a
// failure that may not come again, and up to mostPasses if its server was busy.
func (e *engine) deservesPass(s *step) bool {
	failure := s.obs.Failure
	switch {
	case failure == "" || !transient(failure) || s.obs.Transport == snapshot.Zone:
		return false
	case s.passes == 0:
		return true
	}
	most := mostPasses
	if failure == snapshot.Refused || failure == snapshot.ServFail {
		most = mostPassesRejected
	}
	return troubled(failure) && s.passes < most && s.up != nil && s.up.flow.busy(s.obs.Time)
}

// mostPasses is how many passes a name has after the first, at the most. One that a limiter
// may have rejected has more: it answers at once, so that a further pass costs little, and
// both tries of a pass meet it in the same moment.
const (
	mostPasses         = 3
	mostPassesRejected = 5
)

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

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

package lookup

import (
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// placing is what becomes of a step that is ready.
type placing int

const (
	waits  placing = iota // until a server has room or comes back
	placed                // step.next is the server to ask
	nobody                // there is no server to wait for
)

// place finds the first step that is ready and need not wait; -1 if all have
// to.
func (e *engine) place(now time.Time) (int, placing) {
	for i := len(e.ready) - 1; i >= 0; i-- {
		if found := e.placeStep(e.ready[i], now); found != waits {
			return i, found
		}
	}
	return -1, waits
}

// placeStep chooses the server that a step is sent to: the servers in turn, for
// another attempt not the one that has just failed, if there is another one.
func (e *engine) placeStep(s *step, now time.Time) placing {
	switch {
	case e.cfg.Zones != nil:
		return placed
	case s.pinned() && s.up.health.out == expelled:
		return nobody // what it would say now is not what it said before
	case s.pinned() && s.up.flow.mayTake(now):
		s.next = s.up
		return placed
	case s.pinned():
		return waits
	}
	able, others := 0, 0
	for _, u := range e.upstreams {
		if e.mayAnswer(u, s) {
			able++
			if u != s.up {
				others++
			}
		}
	}
	if able == 0 {
		return e.placeNowhere()
	}
	another := (s.attempt > 0 || s.rechecked) && others > 0
	for i := range e.upstreams {
		u := e.upstreams[(e.rotor+i)%len(e.upstreams)]
		if e.mayAnswer(u, s) && u.flow.mayTake(now) && !(another && u == s.up) {
			s.next = u
			return placed
		}
	}
	return waits
}

// take makes the server that a step was placed at the one that it asks. Until then,
// if the rate forbids more, up is still the one that has failed.
func (e *engine) take(s *step) {
	if s.next != s.up || !s.pinned() {
		e.rotor = slices.Index(e.upstreams, s.next) + 1
	}
	s.up, s.next = s.next, nil
}

// mayAnswer reports whether a step may be sent to a server.
func (e *engine) mayAnswer(u *upstream, s *step) bool {
	return u.inRotation() && (!s.validatedOnly || u.shown.validates)
}

// placeNowhere: while all servers are out of rotation it is worth waiting, for a
// while. If one is in that must not answer this step, it is not.
func (e *engine) placeNowhere() placing {
	if e.outSince.IsZero() || time.Since(e.outSince) >= e.outage() {
		return nobody
	}
	return waits
}

// outage is how long names wait for a server to come back.
func (e *engine) outage() time.Duration { return outageTimeouts * e.cfg.Timeout }

const outageTimeouts = 4

// patience returns how long the steps that are ready wait at most, should nothing
// happen.
func (e *engine) patience(now time.Time) time.Duration {
	pause := forever
	if !e.outSince.IsZero() {
		pause = e.outSince.Add(e.outage()).Sub(now)
	}
	for _, u := range e.upstreams {
		if wait := u.flow.pace.wait(now); u.inRotation() && wait > 0 {
			pause = min(pause, wait)
		}
	}
	return pause
}

// completeUnasked fills in the Observation of a step that there is no server for. What a
// server that validates has said of the name counts; otherwise nobody has been asked,
// which is a failure of our own network and says nothing of the name.
func (e *engine) completeUnasked(s *step) {
	s.form = fresh
	if s.link != nil {
		s.link.failure = snapshot.Network
		return
	}
	if (s.cdCheck != cdNotAsked || s.validatedOnly && e.outSince.IsZero()) && e.completeServFail(s) {
		return
	}
	u := e.upstreams[e.rotor%len(e.upstreams)]
	s.obs.Server, s.obs.Transport, s.obs.Time = u.name, u.transport(u.firstForm()), time.Now()
	s.obs.RCode, s.obs.EDE = 0, nil
	s.complete(snapshot.Network)
}

// completeServFail fills in the Observation with the SERVFAIL of a server that validates.
// If that came in the first pass, or the last try brought no reply, it is not what the
// step says so far. It reports whether there is one: it may have come in an earlier run.
func (e *engine) completeServFail(s *step) bool {
	if earlier, found := e.cfg.Store.Find(s.obs.Name); found && s.cdCheck == cdNotAsked {
		s.obs = earlier
		return true
	}
	if s.obs.Server == "" {
		return false
	}
	s.cdCheck = cdNotAsked
	s.obs.RCode = dns.RcodeServerFailure
	s.complete(snapshot.ServFail)
	return true
}

// judge takes in how a query went for what it says of the server. That a name fails by
// itself says nothing of it.
func (e *engine) judge(s *step, out outcome) {
	u, failure := s.up, out.failure
	if s.cdCheck == cdAsked {
		return // that it fails is what was to be found out
	}
	answered := out.standing == ours && !troubled(failure)
	if out.standing == ours && s.overUDP() {
		u.uncut = true
	}
	if failure != snapshot.Timeout && failure != snapshot.Network && out.standing != flooded && e.time(s, out) {
		e.noteLoss(u, s.lostEpoch, s.sends-1, out.at)
	}
	if u.noteAD(s, out); answered {
		u.answers++
		e.answeredAfterAll(s, out.at)
	}
	// A limiter may cut replies short; a server that cuts all is asked over TCP anyway.
	speaks := troubled(failure) || failure == snapshot.Truncated && u.uncut && !s.own // signed replies are often too long
	switch {
	case failure == snapshot.Timeout: // noted when it was overdue
	case speaks:
		u.flow.note(s.epoch, rejected, out.at)
	case u.overUDP() && s.form.overTCP():
		u.flow.note(s.epoch, spared, out.at)
	default:
		u.flow.note(s.epoch, fine, out.at)
	}
	if s.failed = (failedTry{}); speaks {
		s.failed = failedTry{u, s.epoch}
	}
	u.health.note(failure, out.at)
}

// answeredAfterAll takes in that a name is answered of which an attempt failed. If the
// same server failed it, that was the server's fault and not the name's; if another did,
// that one is worse.
func (e *engine) answeredAfterAll(s *step, now time.Time) {
	switch s.failed.up {
	case nil:
	case s.up:
		e.noteLoss(s.up, s.failed.epoch, 1, now)
	default:
		s.failed.up.health.bettered++
	}
}

// noteLoss takes in that a query was lost or refused so many times, and answered after that.
func (e *engine) noteLoss(u *upstream, epoch, times int, now time.Time) {
	switch {
	case !u.flow.noteLoss(epoch, times, now):
	case u.flow.inVain(now):
		u.flow.lift(now)
		e.tell(u, Unlimited)
	default:
		e.slow(u, now)
	}
}

// slow has a server asked more slowly.
func (e *engine) slow(u *upstream, now time.Time) {
	u.flow.slow(now)
	e.tell(u, Slowed)
}

// slowAfterControl has a server asked more slowly that did not answer its control question
// in time.
func (e *engine) slowAfterControl(u *upstream, now time.Time) {
	u.flow.slowAfterControl(now)
	e.tell(u, Slowed)
}

// time takes in how long the server of a step took, and reports whether its query was
// lost on the way. A query that was sent again was lost if the reply came as soon after
// that as replies to queries do that are sent once, and it says no more of the way than
// that (Karn's algorithm, RFC 6298, section 3). If it did not, the name is slow, and that
// it was asked for again says nothing against the server.
func (e *engine) time(s *step, out outcome) (lost bool) {
	u, since := s.up, out.at.Sub(s.lastSent)
	if !s.overUDP() {
		if !u.overUDP() && !troubled(out.failure) { // else it has a connection to open first
			u.flow.typical.note(since)
		}
		return false
	}
	lost = s.sends > 1 && u.sentOnce.usual(since)
	if s.sends == 1 {
		u.sentOnce.note(since)
	}
	if s.sends > 1 && !lost {
		since = out.at.Sub(s.sentAt)
	}
	u.roundTrip.note(since)
	if !troubled(out.failure) { // names that fail may take long before they do
		u.flow.typical.note(since)
	}
	return lost
}

// tend begins the probes and control questions that are due, and raises what was slowed
// down.
func (e *engine) tend(ctx context.Context, now time.Time) {
	for _, u := range e.upstreams {
		if u.flow.raise(now) {
			e.tell(u, Unlimited)
		}
		if u.flow.doubt.due {
			u.flow.doubt.due = false
			way := u.controlWay()
			e.probing.Go(func() { e.controls <- e.control(ctx, u, way) })
		}
		if u.health.probeDue(now) {
			e.beginProbe(ctx, u)
		}
	}
}

// controlled takes in how a server has answered its control question. If it did, the
// names are to blame; if not in time, or with a refusal, the server is in trouble; if not
// at all, nothing more is sent before a probe has shown what has become of it.
func (e *engine) controlled(c controlled) {
	u, now := c.up, time.Now()
	u.controls += c.asked
	u.flow.doubt.asked, u.flow.doubt.held = false, false
	if c.took > 0 && e.limiter == nil { // which it would have waited for, too
		u.flow.typical.noteControl(c.took)
	}
	switch {
	case c.verdict == atEase && c.asked > 1 && u.flow.pace.limited():
		e.slowAfterControl(u, now) // it is on trial
	case c.verdict == atEase:
		u.flow.doubt.clear(now)
	case c.verdict == inTrouble:
		e.slowAfterControl(u, now)
		if c.took == 0 && e.others(u) > 0 { // it was answered with an error
			u.health.wantProbe()
		}
	case c.verdict == silent:
		busy := u.flow.slowedAt
		e.slowAfterControl(u, now)
		u.flow.slowedAt = busy // now it is away rather than busy
		u.health.wantProbe()
		u.flow.doubt.held = u.health.probing || u.health.probeWanted
	}
}

// probedAgain is what a probe has shown of a server while names are looked up.
type probedAgain struct {
	up    *upstream
	began time.Time
	probed
}

// probed decides whether a server is in rotation from what its probe has shown. One
// that answers the probe and nothing else is out if another one answers the same names.
func (e *engine) probed(p probedAgain) {
	u, h, now := p.up, &p.up.health, time.Now()
	h.probing = false
	u.flow.doubt.held = u.flow.doubt.held && u.flow.doubt.asked
	weaker := p.err == nil && u.shown.validates && !p.shown.validates && !e.ownAll
	h.vouched(p.probed, p.began)
	switch {
	case weaker && !e.cfg.AllowMixed:
		h.out, h.why = expelled, "it does not validate DNSSEC any more"
		e.tell(u, Expelled)
	case h.out == resting && p.err != nil:
		h.why = p.err.Error()
		h.restOn(now)
	case h.out == resting:
		u.shown = p.shown
		u.flow.comeBack(now)
		h.rejoin(now)
		e.tell(u, CameBack)
	case p.err != nil:
		h.leave(now, p.err.Error())
		e.tell(u, WentOut)
	case e.others(u) > 0 && h.bettered >= betteredEnough:
		h.leave(now, "it answers a probe but nothing else ("+string(h.cause)+")")
		e.tell(u, WentOut)
	default:
		h.streak = 0
	}
	e.countOut(now)
	if weaker || p.err != nil && h.last {
		e.distrust(u)
	}
	if h.last = false; weaker {
		u.shown.validates = false
	}
}

// others returns how many servers are in rotation besides u.
func (e *engine) others(u *upstream) int {
	n := 0
	for _, other := range e.upstreams {
		if other != u && other.inRotation() {
			n++
		}
	}
	return n
}

// countOut keeps the time since which no server is in rotation.
func (e *engine) countOut(now time.Time) {
	switch {
	case e.others(nil) > 0:
		e.outSince = time.Time{}
	case e.outSince.IsZero():
		e.outSince = now
	}
}

func (e *engine) tell(u *upstream, kind EventKind) {
	if e.cfg.OnEvent != nil {
		e.cfg.OnEvent(Event{Server: u.name, Kind: kind, Limit: u.flow.pace.limit, Why: u.health.why})
	}
}

package lookup

import (
	"slices"
	"time"
)

// flow is how fast one server is asked. Three things bound it, each by evidence about
// the server and none by names that fail:
//
//   - Places. A query holds one while its answer can be expected soon. After that it
//     is overdue and waits without a place, so names that nobody answers for do not
//     keep others from being asked.
//   - Doubt. If failures cluster, the server is asked a control question, which every
//     resolver has at hand. If it answers, the names are to blame.
//   - Pace. A server that did not answer that, or lost what had to be sent again, is
//     asked more slowly, at the rate that it was seen to bear.
type flow struct {
	most     int // queries that may hold a place
	places   int // that are held
	waiting  int // queries that are overdue and hold none
	typical  typicalTime
	answered meter
	sent     meter // first sends and others
	pace     pace
	doubt    doubt

	// epoch counts the slowdowns; what was sent before the last one says nothing of
	// the present pace.
	epoch     int
	slowdowns int
	slowedAt  time.Time // last
	heard     int       // answers since heardFrom, which is the last slowdown
	heardFrom time.Time
	cut       cut
	lossy     time.Time // until when loss is no evidence
	lowest    float64   // that the pace has been, queries a second; 0: it had no limit
	troubles  []outage  // in which names may have failed by the server's fault
}

// mostWaiting is how many overdue queries to one server may wait without a place, or
// as many as may hold one, if that is more. Resolvers have limits of their own: unbound
// and BIND hold about a thousand requests.
const mostWaiting = 1000

func newFlow(most int) flow { return flow{most: most} }

// room reports whether a query may be given a place.
func (f *flow) room() bool { return f.places < f.most && !f.doubt.held }

// mayTake reports whether a query may be sent now.
func (f *flow) mayTake(now time.Time) bool { return f.room() && f.pace.wait(now) == 0 }

// take takes in that a query is sent.
func (f *flow) take(now time.Time) {
	f.sent.add(now)
	f.pace.take(now)
}

// comeBack limits the pace of a server that was out of rotation to a part of what it
// bore before: at its best, or when it was last in trouble.
func (f *flow) comeBack(now time.Time) {
	bears := f.pace.ceiling
	if bears == 0 {
		bears = max(f.bears(), float64(f.answered.most))
	}
	f.pace.set(max(bears/returnShare, leastRate), bears, now)
	f.restart()
}

// returnShare is the part of its queries that a server begins with when it comes
// back.
const returnShare = 8

// mayWait reports whether one more overdue query may wait without a place.
func (f *flow) mayWait() bool { return f.waiting < max(mostWaiting, f.most) }

// crowded reports whether half as many as may do already wait without a place.
func (f *flow) crowded() bool { return 2*f.waiting > max(mostWaiting, f.most) }

// The bounds of patience. The least keeps moments in which client or server do
// something else from making queries overdue; the first holds until there is a sample.
const (
	roundTrips    = 3
	leastPatience = 50 * time.Millisecond
	firstPatience = 250 * time.Millisecond
)

// patience returns how long a query holds its place.
func (f *flow) patience() time.Duration {
	if f.typical.value == 0 {
		return firstPatience
	}
	return max(leastPatience, roundTrips*f.typical.value)
}

// shortPatience is patience with a name that was silent before: a little more than a round
// trip.
func (f *flow) shortPatience() time.Duration {
	return min(f.patience(), max(quickest, f.typical.value+f.typical.value/4))
}

// The bounds of the wait for a control question.
const (
	controlRoundTrips = 4
	leastControl      = 300 * time.Millisecond
	mostControl       = 2 * time.Second
)

// controlWait returns how long the first try of a control question may take.
func (f *flow) controlWait() time.Duration {
	if f.typical.value == 0 {
		return mostControl
	}
	return min(max(leastControl, controlRoundTrips*f.typical.value), mostControl)
}

// sign is how a query went, for what it says of the server.
type sign int

const (
	fine     sign = iota // it was answered, be it with a failure of the name's own
	overdue              // it was not answered soon
	rejected             // it was answered in a way that may be a limiter's
	spared               // it was answered over TCP, which a limiter of UDP does not bear on
)

// note takes in how a query of an epoch went. Failures that cluster make a control
// question due.
func (f *flow) note(epoch int, how sign, now time.Time) {
	if how == fine {
		f.answered.add(now)
		f.pace.answers++
	}
	if epoch == f.epoch && f.doubt.note(how, now) {
		f.doubt.bore, f.doubt.sent = f.answered.lastSecond(now), f.sent.lastSecond(now)
	}
}

// noteLoss takes in that a query of an epoch failed so many times and was answered when it
// was sent again. It reports whether that happens so often that the server has too much to
// do. On the way messages are lost in bursts, so without a limit a query counts once.
func (f *flow) noteLoss(epoch, times int, now time.Time) bool {
	window, most := lossWindow, lossMost
	if f.pace.limited() {
		window, most = slowLossWindow, slowLossMost
	} else {
		times = 1
	}
	if epoch != f.epoch || now.Before(f.lossy) {
		return false
	}
	f.doubt.lost += times
	if f.doubt.heard > window {
		f.doubt.heard, f.doubt.lost = 0, 0
	}
	return f.doubt.lost > most
}

// inVain reports whether slowing the server down again and again has not made it lose less: then
// the loss comes from the way, or from names that need two tries, and not from the rate.
// It is no evidence for a while.
func (f *flow) inVain(now time.Time) bool {
	last := f.cut
	f.cut = cut{
		share: float64(f.doubt.lost) / float64(max(f.doubt.heard, 1)),
		limit: f.pace.limit, rate: f.answeredSince(now),
	}
	if f.cut.vainAfter(last) {
		f.cut.vain = last.vain + 1
	}
	if f.cut.vain < vainEnough {
		return false
	}
	f.cut, f.lossy = cut{}, now.Add(lossyFor)
	f.troubles = append(f.troubles, outage{now, f.lossy})
	return true
}

// answeredSince is how many queries a second were answered since the last slowdown; 0 if
// there was none.
func (f *flow) answeredSince(now time.Time) float64 {
	if f.heardFrom.IsZero() {
		return 0
	}
	return float64(f.heard) / max(now.Sub(f.heardFrom), time.Millisecond).Seconds()
}

// cut is the last slowdown because of loss: which share of the answers came only after
// something was sent again, at which limit, how many a second were answered before, and how
// often that share has not changed with the limit.
type cut struct {
	share, limit, rate float64
	vain               int
}

// vainAfter reports whether the server loses as much at a lower limit as at that of the last
// cut, and answers less: what a limiter lets through does not fall with what it is asked.
func (c cut) vainAfter(last cut) bool {
	return last.share > 0 && c.limit > 0 && c.share >= sameShare*last.share &&
		(last.limit == 0 || c.limit <= lowerLimit*last.limit) &&
		(last.rate == 0 || c.rate <= lowerLimit*last.rate)
}

const (
	vainEnough = 2
	lowerLimit = 0.9
	sameShare  = 0.7
	lossyFor   = time.Minute
)

// lift takes the limit away: at once if that is little more than it is, else step by step,
// so that a limiter that was taken for a lossy way is not flooded.
func (f *flow) lift(now time.Time) {
	raised := liftStep * f.pace.limit
	f.pace = pace{}
	if 0 < raised && raised < f.capacity() {
		f.pace.set(raised, 0, now)
	}
	f.restart()
}

const liftStep = 3

// Networks lose messages at any time, and a burst in which some are lost is answered
// in a burst. So an unlimited server is slowed down only if more than a quarter of its
// last answers came after something had to be sent again. One that has been slowed down
// is on trial: an eighth is enough, so that it is asked little more than it can bear.
const (
	lossWindow     = 128
	lossMost       = lossWindow / 4
	slowLossWindow = 64
	slowLossMost   = slowLossWindow / 8
)

// slow limits the pace after loss: to a little less than the server answered in the last
// second, but no more than to a part of the rate before.
func (f *flow) slow(now time.Time) {
	f.slowTo(f.answered.lastSecond(now), f.leastAfter(), now)
}

// slowAfterControl limits the pace of a server that did not answer its control question
// in time. It has shown what it bears: what it answered in the second before it was asked
// that, or if that was nothing the most in a second. If hardly any queries were sent, that
// says nothing of what it bears.
func (f *flow) slowAfterControl(now time.Time) {
	least := f.leastAfter()
	if !f.pace.limited() && f.answered.most > 0 && float64(f.doubt.sent) > least {
		least = 0
	}
	f.slowTo(f.doubt.bore, least, now)
}

// leastAfter is the part of the rate before trouble that a server is asked at least at.
func (f *flow) leastAfter() float64 {
	if f.pace.limited() {
		return f.pace.limit / mostCut
	}
	return f.capacity() / firstCut
}

// slowTo limits the pace to a little less than what the server answered in a second, or if
// that is nothing in its best one, but not to less than least.
func (f *flow) slowTo(answered int, least float64, now time.Time) {
	if answered == 0 {
		answered = f.answered.most
	}
	bears := float64(answered)
	f.pace.set(max(fairPart*bears, least, leastRate), max(bears, least), now)
	f.restart()
	f.slowdowns++
	f.slowedAt = now
	f.heard, f.heardFrom = 0, now
	f.troubles = append(f.troubles, outage{now, now})
	if f.lowest == 0 || f.pace.limit < f.lowest {
		f.lowest = f.pace.limit
	}
}

// troubled reports whether the server was in trouble at some time from one to another.
func (f *flow) troubled(from, to time.Time) bool {
	return slices.ContainsFunc(f.troubles, func(o outage) bool { return !o.to.Before(from) && !o.from.After(to) })
}

const (
	fairPart  = 0.8
	firstCut  = 16 // of what the places would let go
	mostCut   = 4
	leastRate = 1.0 // queries a second
)

// busy reports whether the server had too much to do just now, so that what failed may
// be its fault.
func (f *flow) busy(now time.Time) bool {
	return f.slowdowns > 0 && now.Sub(f.slowedAt) < busyFor
}

// busyFor is much longer than it takes to raise a limit until a limiter shows again.
const busyFor = time.Minute

// restart begins a new epoch.
func (f *flow) restart() {
	f.epoch++
	d := f.doubt
	f.doubt = doubt{cleared: d.cleared, asked: d.asked, due: d.due, held: d.held, bore: d.bore, sent: d.sent}
}

// capacity is the rate at which the places alone would let queries go, at the
// server's typical time; below quickest a faster one makes no difference.
func (f *flow) capacity() float64 {
	return float64(f.most) / max(quickest, f.typical.value).Seconds()
}

const quickest = time.Millisecond

// bears is the rate that the server was seen to bear, in queries a second: the most
// that it answered in a second, or what it is limited to. If hardly anything was
// answered, because nearly all names are dead, it is what the places would let go to a
// server not far away.
func (f *flow) bears() float64 {
	if f.pace.limited() {
		return f.pace.limit
	}
	return max(float64(f.answered.most), float64(f.most)/max(nearby, f.typical.value).Seconds())
}

const nearby = 20 * time.Millisecond

// doubt gathers what may be said against a server until a control question settles it.
type doubt struct {
	outcomes, failures int       // in this window
	heard, lost        int       // in this window of losses
	since              int       // failures since the server was cleared
	cleared            time.Time // when a control question was last answered
	asked              bool      // a control question is out
	due                bool      // it is to be sent
	held               bool      // nothing else is sent until it is settled
	bore, sent         int       // queries that were answered, and sent, in the second before it was due
}

// A window is so many outcomes; a cluster is half of them. After the server was cleared
// it is not asked the control question again for so long or so many failures.
const (
	doubtWindow  = 16
	doubtCluster = doubtWindow / 2
	clearedFor   = 250 * time.Millisecond
	clearedTries = 128
)

// note holds queries back if names are rejected in a cluster: each would be lost, at
// once, to a limiter. Those that are not answered have time. It reports whether a control
// question has become due.
func (d *doubt) note(how sign, now time.Time) bool {
	if d.outcomes == doubtWindow {
		d.outcomes, d.failures = 0, 0
	}
	d.outcomes++
	if how == fine || how == spared {
		d.heard++
		return false
	}
	d.failures++
	d.since++
	if d.failures < doubtCluster || d.asked || d.since < clearedTries && now.Sub(d.cleared) < clearedFor {
		return false
	}
	d.asked, d.due, d.held = true, true, how == rejected
	return true
}

// clear takes in that the control question was answered in time.
func (d *doubt) clear(now time.Time) { *d = doubt{cleared: now, heard: d.heard, lost: d.lost} }

// pace limits the rate of queries to one server. The zero pace is no limit.
type pace struct {
	limit    float64   // queries a second; 0: none
	next     time.Time // when the next query may go
	ceiling  float64   // what the server bore when it was last in trouble; 0: not known
	step     float64   // part of itself, or of the ceiling, by which the limit is raised next
	raisedAt time.Time
	quiet    int  // raises since the step was last doubled
	binding  bool // a query has waited for the pace since the last raise
	answers  int  // since the last raise
}

// A limit is raised while the server is in no trouble: quickly up to nearly what it bore
// before, then in small steps, which double as long as all goes well.
const (
	raiseEvery   = 250 * time.Millisecond
	quickRaise   = 1.5
	nearCeiling  = 0.95
	firstStep    = 0.02
	raiseAnswers = 32                    // to raise it near the ceiling: half of slowLossWindow
	doubleAfter  = 16                    // raises: 4 s
	paceBurst    = 10 * time.Millisecond // that may be saved up
	liftCapacity = 2                     // so many times the capacity is no limit any more
)

func (p *pace) limited() bool { return p.limit > 0 }

func (p *pace) set(limit, ceiling float64, now time.Time) {
	*p = pace{limit: limit, ceiling: ceiling, step: firstStep, next: now, raisedAt: now}
}

// wait returns how long the pace makes the next query wait; 0: not at all.
func (p *pace) wait(now time.Time) time.Duration {
	if !p.limited() {
		return 0
	}
	wait := p.next.Sub(now) - paceBurst
	if wait <= 0 {
		return 0
	}
	p.binding = true
	return wait
}

// resendWait returns how long the pace makes a query wait that is to be sent again. It goes
// before others, because that it is answered now shows that the server loses some.
func (p *pace) resendWait(now time.Time) time.Duration {
	if !p.limited() {
		return 0
	}
	return p.wait(now) - time.Duration(resendLead/p.limit*float64(time.Second))
}

// resendLead is how many queries may be sent again before their turn.
const resendLead = 4

// take takes a query out of the allowance.
func (p *pace) take(now time.Time) {
	if !p.limited() {
		return
	}
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(float64(time.Second) / p.limit))
}

// raise raises the limit if that is due, and lifts it if the places alone bound the
// rate again. It reports whether it was lifted.
func (f *flow) raise(now time.Time) (lifted bool) {
	p := &f.pace
	if !p.limited() || f.doubt.asked || now.Sub(p.raisedAt) < raiseEvery {
		return false
	}
	p.raisedAt = now
	if !p.binding || p.answers < raiseAnswers && !p.belowCeiling() {
		return false // that all goes well says something of the limit only if it is reached
	}
	p.binding, p.answers = false, 0
	if p.quiet++; p.quiet%doubleAfter == 0 {
		p.step *= 2
	}
	p.limit = p.raised()
	if p.limit < liftCapacity*f.capacity() && p.quiet < liftAfter {
		return false
	}
	*p = pace{}
	return true
}

// liftAfter is after how many raises without trouble a limit is lifted in any case.
const liftAfter = 240 // a minute

// belowCeiling reports whether the limit is less than nearly what the server bore, or that
// is not known.
func (p *pace) belowCeiling() bool { return p.ceiling == 0 || p.limit < nearCeiling*p.ceiling }

func (p *pace) raised() float64 {
	switch quick := p.limit * quickRaise; {
	case p.ceiling == 0:
		return quick
	case p.belowCeiling():
		return min(quick, nearCeiling*p.ceiling)
	}
	return p.limit + p.step*max(p.ceiling, p.limit)
}

// meter counts what happened in the last second, in tenths of it.
type meter struct {
	tenths [10]int
	at     int64 // the last one counted in
	sum    int
	most   int // that sum has been
}

func (m *meter) add(now time.Time) {
	m.advance(now)
	m.tenths[m.at%int64(len(m.tenths))]++
	m.sum++
	m.most = max(m.most, m.sum)
}

// lastSecond returns how much was counted in the second before now.
func (m *meter) lastSecond(now time.Time) int {
	m.advance(now)
	return m.sum
}

func (m *meter) advance(now time.Time) {
	at := now.UnixMilli() / (1000 / int64(len(m.tenths)))
	if at-m.at >= int64(len(m.tenths)) {
		m.tenths, m.sum, m.at = [10]int{}, 0, at
		return
	}
	for m.at < at {
		m.at++
		tenth := &m.tenths[m.at%int64(len(m.tenths))]
		m.sum -= *tenth
		*tenth = 0
	}
}

// typicalTime estimates the median of how long a server takes: each sample moves it by
// a fixed part, so a minority of slow names does not.
type typicalTime struct {
	value time.Duration // 0 until there is a sample
}

const typicalPart = 16

// noteControl takes in how long a control question took, which no name has slowed. It
// counts as often as it takes to be heard if it took much longer.
func (t *typicalTime) noteControl(sample time.Duration) {
	if t.value == 0 || sample > controlRoundTrips*t.value {
		t.value = sample
		return
	}
	t.note(sample)
}

func (t *typicalTime) note(sample time.Duration) {
	switch {
	case t.value == 0:
		t.value = max(sample, typicalPart)
	case sample > t.value:
		t.value += t.value / typicalPart
	case sample < t.value:
		t.value = max(t.value-t.value/typicalPart, typicalPart)
	}
}

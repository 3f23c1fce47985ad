package lookup

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/time/rate"
)

// What is not answered in a proof may excuse a failure, so silence and errors have to be
// those of the name, and not those of a server that has too much to do or of a limiter.
// They count if the server answers a control question that is sent right after the query:
// what lets that pass would have let the query pass, too.

// proofPace is how fast a server is asked for proofs, and what its control questions show.
type proofPace struct {
	limiter *rate.Limiter
	most    rate.Limit // that the limiter may be raised to

	// As the server was seen to be.
	control  controlWay
	patience time.Duration   // how long a query holds its place
	waits    []time.Duration // until it is sent again, each time; over a stream until it is overdue

	lost, stood atomic.Int64 // control questions that were sent after a query
	troubled    atomic.Bool  // in this phase, or just before

	turn   chan struct{} // holds one while the server is judged; guards what follows
	at     time.Time     // when that was last done
	raised time.Time     // when the limiter was last set
}

const (
	// proofShare is the part of the rate that a server was seen to bear at which it is
	// asked for proofs.
	proofShare = 2
	// easeFor is how long the answer to a control question holds.
	easeFor = 500 * time.Millisecond
	// A limit is raised by so much after so long without trouble.
	raiseProofs      = 1.25
	raiseProofsEvery = time.Second
)

func newProofPace(u *upstream, now time.Time) *proofPace {
	most := rate.Limit(u.flow.bears() / proofShare)
	p := &proofPace{
		limiter: rate.NewLimiter(most, 1), most: most, turn: make(chan struct{}, 1),
		control: u.controlWay(), patience: u.flow.patience(), waits: []time.Duration{u.flow.patience()},
	}
	if u.overUDP() {
		p.waits = nil
		for sent := 1; sent < mostSends; sent++ {
			p.waits = append(p.waits, u.roundTrip.retryAfter(sent))
		}
	}
	p.troubled.Store(u.flow.busy(now))
	return p
}

// The number of control questions that have to be answered before a failure counts: more
// if the server was in trouble, because a limiter may let one pass by chance.
const (
	fewControls  = 1
	manyControls = 3
)

// wanted returns how many control questions have to be answered.
func (p *proofPace) wanted() int {
	lost := p.lost.Load()
	if p.troubled.Load() || lost >= lossMost/lossShare && lost*lossShare > p.stood.Load() {
		return manyControls
	}
	return fewControls
}

// lossShare of the control questions may be lost on the way.
const lossShare = 8

// errBusy says that a server had too much to do, so that silence says nothing of a name.
var errBusy = errors.New("the resolver does not keep up")

// mostAsks is how often a query is asked until its failure counts.
const mostAsks = 4

// ask sends a query and returns the reply. If there is none, or an error that may be a
// limiter's, it is asked again until enough control questions have shown that the failure
// is the name's own. If they do not, the error is errBusy.
func (a *proofAsker) ask(ctx context.Context, u *upstream, query []byte) ([]byte, error) {
	p := a.paces[u]
	stood, controls := 0, p.wanted()
	for range mostAsks {
		message, shown, err := a.askOnce(ctx, u, query, controls)
		if err == nil && !mayBeLimited(message) || ctx.Err() != nil {
			return message, err
		}
		if stood += shown; stood >= p.wanted() {
			return message, err
		}
		controls = manyControls
	}
	return nil, errBusy
}

// mayBeLimited reports whether a reply may be that of a limiter.
func mayBeLimited(message []byte) bool {
	rcode := binary.BigEndian.Uint16(message[flagsAt:]) & rcodes
	return rcode == dns.RcodeServerFailure || rcode == dns.RcodeRefused
}

// askOnce sends a query when its pace and a place allow it, and gives the place back when
// the query is overdue. A control question goes after it is sent, each time, or if few are
// wanted the second time; shown is how many of these were answered.
func (a *proofAsker) askOnce(ctx context.Context, u *upstream, query []byte, controls int) (message []byte, shown int, err error) {
	select {
	case a.places <- struct{}{}:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	leave := sync.OnceFunc(func() { <-a.places })
	defer leave()
	p := a.paces[u]
	if err := p.limiter.Wait(ctx); err != nil {
		return nil, 0, err
	}
	defer time.AfterFunc(p.patience, leave).Stop()
	waiting, answered := context.WithCancel(ctx)
	defer answered()
	again := p.sendAgain()
	times := append([]time.Duration{0}, again...)
	if controls == fewControls {
		times = again[:1]
	}
	var accompanying sync.WaitGroup
	accompanying.Go(func() { shown = a.accompany(ctx, waiting, u, times) })
	a.client.stats.queries.Add(1)
	message, err = a.client.askWithin(ctx, a.client.cfg.Timeout, u, p.control.form, query, again)
	answered()
	accompanying.Wait()
	return message, shown, err
}

// controlGap is how long after a query its control question is sent: so that it does not
// overtake it, and hardly any limiter lets go another one in between.
const controlGap = 100 * time.Microsecond

// accompany sends a control question after each of the times at which a query is sent,
// while it is waited for, and returns how many of them were answered.
func (a *proofAsker) accompany(ctx, waiting context.Context, u *upstream, times []time.Duration) int {
	var controls sync.WaitGroup
	var answered atomic.Int64
	began := time.Now()
	for _, after := range times {
		select {
		case <-time.After(time.Until(began.Add(after + controlGap))):
		case <-waiting.Done():
		}
		if after > 0 && waiting.Err() != nil {
			break
		}
		controls.Go(func() {
			if a.stands(ctx, u) {
				answered.Add(1)
			}
		})
	}
	controls.Wait()
	return int(answered.Load())
}

// sendAgain returns after how long a query is sent again if it is not answered, with chance
// in it, so that what comes next does not keep step with a limiter.
func (p *proofPace) sendAgain() (times []time.Duration) {
	at := time.Duration(0)
	for _, wait := range p.waits {
		at += wait + rand.N(wait/4)
		times = append(times, at)
	}
	return times
}

// stands asks a server a control question and reports whether it is answered in time. If
// not, the server is judged.
func (a *proofAsker) stands(ctx context.Context, u *upstream) bool {
	p := a.paces[u]
	if p.troubled.Load() {
		p.limiter.ReserveN(time.Now(), 1) // it goes at once, and others later
	}
	if err := a.client.askControl(ctx, u, p.control); err != nil {
		p.lost.Add(1)
		a.judge(ctx, u)
		return false
	}
	p.stood.Add(1)
	p.raise(time.Now())
	return true
}

// judge has a server asked more slowly that does not answer a control question at once.
// There is one at a time.
func (a *proofAsker) judge(ctx context.Context, u *upstream) {
	p := a.paces[u]
	select {
	case p.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-p.turn }()
	if time.Since(p.at) < easeFor {
		return
	}
	c := a.client.control(ctx, u, p.control)
	p.at = time.Now()
	if c.verdict != atEase || c.asked > 1 { // a limiter may let the second one pass
		p.troubled.Store(true)
		p.raised = p.at
		p.limiter.SetLimit(max(p.limiter.Limit()/mostCut, leastRate))
	}
}

// raise raises the limit if there was no trouble for a while.
func (p *proofPace) raise(now time.Time) {
	select {
	case p.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-p.turn }()
	if limit := p.limiter.Limit(); limit < p.most && now.Sub(p.raised) >= raiseProofsEvery {
		p.raised = now
		p.limiter.SetLimit(min(p.most, limit*raiseProofs))
	}
}

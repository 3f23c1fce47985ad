package dnssec

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Query is one that a Chain needs the reply to: for the DS or the DNSKEY records of a name.
type Query struct {
	Name string // spelt as Canonical does
	Type uint16
}

// Chain is what is known of the zones from the root down: their keys, and where signed and
// unsigned zones are cut off. It says what to ask next. It may be used from several goroutines at once.
//
// What has been learnt is used as long as its records may be kept, and is then asked for again.
// So it is, once in leastKept, if a reply is bogus by it: keys may have been changed meanwhile.
// And so are the root's keys, each time: if they are not had as they should be, it is the server
// that passes no signatures any more, or the clock that is wrong, and no zone is to blame.
type Chain struct {
	mu      sync.Mutex // guards what follows
	anchors []dns.RR
	root    *link
	links   map[string]kept   // by name, the root not among them
	shared  map[sharing]*link // those that many names have alike
	memory  *Memory
	learnt  func(Query, *Reply, time.Time, Verdict) // see OnLearn
}

// link is what is known of one name.
type link struct {
	cut     Cut
	weak    bool
	verdict *Verdict // Bogus or Insecure, but for its Owner; or that of a zone's keys
	signed  *signedLink
}

// kept is a link with the times when it was learnt and until when it is used, in seconds of Unix
// time.
type kept struct {
	*link
	learnt, until int64
}

// holds reports whether it may still be used.
func (k kept) holds(now time.Time) bool { return k.link != nil && holds(k.learnt, k.until, now) }

// sharing is what links have in common that are shared.
type sharing struct {
	cut  Cut
	weak bool
	zone string
}

// signedLink is what a name has that a signed zone begins at.
type signedLink struct {
	ds   []dns.RR
	from Verdict // of the DS records
	zone *Zone   // nil as long as its keys are not known, or if they are no good
	// keptUntil is how long the link's verdict is used.
	keptUntil  int64
	dsAge, age age // of the DS records and of the keys
}

// age says when something was learnt, in seconds of Unix time, and that it is wanted again before
// it has to be.
type age struct {
	learnt int64
	wanted bool
}

// leastKept is how long what has been learnt is used at the least, whatever its TTL, and what
// is bogus at the most (RFC 9520, section 3.2). Nothing a server replies makes a Chain ask for
// the same records more often. mostKept is how long something is used at the most.
const (
	leastKept = int64(60)
	mostKept  = int64(24 * 60 * 60)
)

// backwards is how far the clock may go back before nothing counts that was learnt before it
// did. Replies that wait for others are older than what they are judged by, but not by so much.
const backwards = int64(60 * 60)

// holds reports whether what was learnt at a time and is used until another one counts now.
func holds(learnt, until int64, now time.Time) bool {
	at := now.Unix()
	return at <= until && at >= learnt-backwards
}

// keepUntil returns until when what is learnt at a time is used.
func keepUntil(v Verdict, now time.Time) int64 {
	at := now.Unix()
	return min(max(v.Until.Unix(), at+leastKept), at+mostKept)
}

// NewChain returns a Chain that trusts the anchors of the root.
func NewChain(anchors []dns.RR) *Chain {
	return &Chain{
		anchors: anchors,
		root:    &link{cut: SignedCut, signed: &signedLink{ds: anchors}},
		links:   make(map[string]kept),
		shared:  make(map[sharing]*link),
		memory:  new(Memory),
	}
}

// Memory is what has been verified for the Chain.
func (c *Chain) Memory() *Memory { return c.memory }

// OnLearn has learnt called with each reply that is learnt from, and the Verdict of that, before
// anything is validated by it. It is called before the Chain is used, and learnt must not use
// the Chain.
func (c *Chain) OnLearn(learnt func(q Query, r *Reply, at time.Time, v Verdict)) { c.learnt = learnt }

// Trust returns what is known at a time of the zone that a name lies in. If it is Undecided the
// reply to the Query tells more.
func (c *Chain) Trust(name string, now time.Time) (Trust, Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trust(name, now)
}

func (c *Chain) trust(name string, now time.Time) (Trust, Query) {
	trust, query, done := c.root.enter(".", now)
	if done {
		return trust, query
	}
	zone := trust.Zone
	starts := dns.Split(name)
	for i := len(starts) - 1; i >= 0; i-- {
		at := name[starts[i]:]
		l := c.links[at]
		if !l.holds(now) {
			return Trust{}, Query{at, dns.TypeDS}
		}
		switch l.cut {
		case SignedCut:
			if trust, query, done = l.enter(at, now); done {
				return trust, query
			}
			zone = trust.Zone
		case NoCut:
		case NothingBelow:
			return Trust{State: Secure, Zone: zone}, Query{}
		case Unproven, InsecureCut, OptOutCut, UncountedCut:
			return l.trust(at), Query{}
		}
	}
	return Trust{State: Secure, Zone: zone}, Query{}
}

// enter goes into a signed zone. It reports whether that is as far as one gets: its keys are
// not known yet, or not any more, or no good.
func (l *link) enter(name string, now time.Time) (t Trust, q Query, done bool) {
	s := l.signed
	switch {
	case l.verdict == nil || !s.holds(now):
		return Trust{}, Query{name, dns.TypeDNSKEY}, true
	case s.zone == nil:
		return l.trust(name), Query{}, true
	}
	return Trust{State: Secure, Zone: s.zone}, Query{}, false
}

// holds reports whether what is known of the keys may still be used.
func (s *signedLink) holds(now time.Time) bool { return holds(s.age.learnt, s.keptUntil, now) }

// trust is that of a name where the signed zones end.
func (l *link) trust(name string) Trust {
	t := Trust{State: l.verdict.State, Flaw: l.verdict.Flaw}
	if t.Flaw.Owner == "" {
		t.Flaw.Owner = name
	}
	return t
}

// Learn takes in the reply to a Query. If what it is to be judged by has to be asked for first,
// or once more, the Verdict is Undecided: then the reply to the Query tells more, and this one
// is to be handed in again. What is Bogus is not kept, so that it can be asked for once more;
// Stand keeps it.
func (c *Chain) Learn(q Query, r *Reply, now time.Time) (Verdict, Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	verdict, next := c.learn(q, r, now)
	if c.learnt != nil && (verdict.State == Secure || verdict.State == Insecure) {
		c.learnt(q, r, now, verdict)
	}
	return verdict, next
}

func (c *Chain) learn(q Query, r *Reply, now time.Time) (Verdict, Query) {
	if q.Type == dns.TypeDNSKEY {
		return c.learnKeys(q, r, now)
	}
	above, next := c.trust(parent(q.Name), now)
	if above.State != Secure {
		return above.verdict(), next
	}
	d := Delegate(above.Zone, q.Name, r, now, c.memory)
	if d.Cut == Unproven {
		return c.doubt(d.Verdict, now)
	}
	learnt := kept{learnt: now.Unix(), until: keepUntil(d.Verdict, now)}
	if d.Cut == SignedCut {
		learnt.link = c.signedCut(q.Name, d, now)
	} else {
		learnt.link = c.share(d, above.Zone)
	}
	c.links[q.Name] = learnt
	return d.Verdict, Query{}
}

// signedCut is the link of a name with DS records. If they are those that were known, so are
// the keys.
func (c *Chain) signedCut(name string, d Delegation, now time.Time) *link {
	l := c.links[name].link
	if l == nil || l.signed == nil || !sameRecords(usableAnchors(l.signed.ds), usableAnchors(d.DS)) { // of which there are few
		l = &link{cut: SignedCut, signed: &signedLink{ds: d.DS}}
		if len(usableAnchors(d.DS)) == 0 { // so its keys need not be asked for
			v := insecure(unknownFlaw(name, d.DS))
			l.verdict, l.signed.keptUntil = &v, math.MaxInt64
		}
	}
	l.signed.ds, l.signed.from, l.signed.dsAge = d.DS, d.Verdict, age{learnt: now.Unix()}
	return l
}

// sameRecords reports whether two RRsets hold the same records.
func sameRecords(a, b []dns.RR) bool {
	in := func(set []dns.RR) func(dns.RR) bool {
		return func(rr dns.RR) bool {
			return !slices.ContainsFunc(set, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) })
		}
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}

// share returns a link that all names of a zone with the same finding have: there are many.
func (c *Chain) share(d Delegation, z *Zone) *link {
	key := sharing{d.Cut, d.Weak, z.Name}
	l := c.shared[key]
	if l == nil {
		v := d.Verdict
		v.Flaw.Owner = "" // each has its own
		l = &link{cut: d.Cut, weak: d.Weak, verdict: &v}
		c.shared[key] = l
	}
	return l
}

func (c *Chain) find(name string) *link {
	if name == "." {
		return c.root
	}
	return c.links[name].link
}

func (c *Chain) learnKeys(q Query, r *Reply, now time.Time) (Verdict, Query) {
	l := c.find(q.Name)
	if l == nil || l.signed == nil { // it has become another name meanwhile
		t, next := c.trust(q.Name, now)
		return t.verdict(), next
	}
	s := l.signed
	zone, verdict := Keys(q.Name, s.ds, r, now, c.memory)
	if verdict.State == Bogus {
		return c.doubtKeys(q, s, verdict, now)
	}
	s.zone, l.verdict = zone, &verdict
	s.keptUntil, s.age = keepUntil(verdict, now), age{learnt: now.Unix()}
	return verdict, Query{}
}

// doubtKeys is doubt of a zone's keys: what they are judged by are the DS records.
func (c *Chain) doubtKeys(q Query, s *signedLink, v Verdict, now time.Time) (Verdict, Query) {
	switch {
	case q.Name == ".":
	case c.doubtRoot(now):
		return Verdict{}, Query{".", dns.TypeDNSKEY}
	case s.dsAge.again(now, leastKept):
		return Verdict{}, Query{q.Name, dns.TypeDS}
	}
	return v, Query{}
}

// doubtRoot reports whether the root's keys have to be had once more, because they were before
// the reply came that is judged now.
func (c *Chain) doubtRoot(now time.Time) bool {
	const since = 1 // second, as times are counted here
	return c.root.signed.zone != nil && c.root.signed.age.again(now, since)
}

// again reports whether something is to be asked for again before it has to be: if it was
// learnt so many seconds ago, and as long as it has not been learnt or stood then.
func (a *age) again(now time.Time, least int64) bool {
	a.wanted = a.wanted || now.Unix()-a.learnt >= least
	return a.wanted
}

// doubt is a Verdict of a reply. If it is Bogus by keys that have been kept for a while, these
// are to be asked for again first.
func (c *Chain) doubt(v Verdict, now time.Time) (Verdict, Query) {
	if v.State != Bogus {
		return v, Query{}
	}
	if c.doubtRoot(now) {
		return Verdict{}, Query{".", dns.TypeDNSKEY}
	}
	l := c.find(v.Flaw.Zone)
	if l == nil || l.signed == nil || l.signed.zone == nil || !l.signed.age.again(now, leastKept) {
		return v, Query{}
	}
	return Verdict{}, Query{v.Flaw.Zone, dns.TypeDNSKEY}
}

// Stand keeps that a reply to a Query is Bogus, unless there is a good one that may still be
// used. That of the root's keys is never kept: it says nothing of any name, but that the clock
// is wrong, the anchors are, or the server is.
func (c *Chain) Stand(q Query, v Verdict, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := now.Unix()
	if q.Name == "." {
		return
	}
	l := c.find(q.Name)
	if q.Type == dns.TypeDNSKEY {
		if l == nil || l.signed == nil { // it has become another name meanwhile
			return
		}
		s := l.signed
		if s.zone == nil || !s.holds(now) {
			s.zone, l.verdict, s.keptUntil = nil, &v, at+leastKept
		}
		s.age = age{learnt: at}
		return
	}
	if c.links[q.Name].holds(now) {
		if l.signed != nil {
			l.signed.dsAge = age{learnt: at}
		}
		return
	}
	c.links[q.Name] = kept{&link{cut: Unproven, verdict: &v}, at, at + leastKept}
}

// Answer validates a reply to a question by what the Chain knows at a time. If that is not
// enough the Verdict is Undecided, and the reply to the Query tells more.
func (c *Chain) Answer(question Question, r *Reply, now time.Time) (Verdict, Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var next Query
	question.Trust = func(name string) Trust {
		trust, query := c.trust(name, now)
		if trust.State == Undecided && next == (Query{}) {
			next = query
		}
		return trust
	}
	v := Answer(question, r, now, c.memory)
	if v.State == Undecided {
		return v, next
	}
	return c.doubt(v, now)
}

// Step is one name of a walk from the root down.
type Step struct {
	Name string
	Cut  Cut
	// Weak: see Delegation.
	Weak bool
	// DS are the DS records, or the anchors, of a SignedCut, and Keys its keys, as far as
	// they are known.
	DS   []dns.RR
	Keys []*dns.DNSKEY
	// Verdict is of the keys, or where there is no SignedCut of the denial; the zero Verdict
	// if it is not known yet.
	Verdict Verdict
	// Signed is when the first signature over the DS records ends.
	Signed time.Time
	// Until is the last time for which all of that is used; that of what is not known is zero.
	Until time.Time
}

// Walk returns what is known of the names from the root down to one, as far as the first that
// nothing is known of, or at which the signed zones end.
func (c *Chain) Walk(name string) []Step {
	c.mu.Lock()
	defer c.mu.Unlock()
	steps := []Step{c.root.step(".")}
	starts := dns.Split(name)
	for i := len(starts) - 1; i >= 0 && steps[len(steps)-1].leadsOn(); i-- {
		at := name[starts[i]:]
		l := c.links[at]
		if l.link == nil {
			break
		}
		step := l.step(at)
		if until := time.Unix(l.until, 0); l.signed == nil || until.Before(step.Until) {
			step.Until = until
		}
		steps = append(steps, step)
	}
	return steps
}

// leadsOn reports whether names below lie in zones that are signed, as far as is known.
func (s *Step) leadsOn() bool {
	return s.Cut == NoCut || s.Cut == SignedCut && s.Verdict.State == Secure
}

func (l *link) step(name string) Step {
	s := Step{Name: name, Cut: l.cut, Weak: l.weak}
	if l.verdict != nil {
		s.Verdict = *l.verdict
		if s.Verdict.State != Secure && s.Verdict.Flaw.Owner == "" {
			s.Verdict.Flaw.Owner = name
		}
	}
	if l.signed != nil {
		s.DS, s.Signed = l.signed.ds, l.signed.from.Expires
		s.Until = time.Unix(l.signed.keptUntil, 0)
		if l.signed.zone != nil {
			s.Keys = l.signed.zone.keys
		}
	}
	return s
}

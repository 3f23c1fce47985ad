package dnssec

import (
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
type Chain struct {
	mu      sync.Mutex // guards what follows
	anchors []dns.RR
	root    *link
	links   map[string]*link // by name, the root not among them
	shared  map[link]*link   // those that many names have alike
	memory  *Memory
	learnt  func(Query, *Reply, time.Time) // see OnLearn
}

// link is what is known of one name.
type link struct {
	cut     Cut
	weak    bool
	verdict *Verdict // Bogus or Insecure, but for its Owner; or that of a zone's keys
	signed  *signedLink
}

// signedLink is what a name has that a signed zone begins at.
type signedLink struct {
	ds   []dns.RR
	from Verdict // of the DS records
	zone *Zone   // nil as long as its keys are not known, or if they are no good
}

// NewChain returns a Chain that trusts the anchors of the root.
func NewChain(anchors []dns.RR) *Chain {
	return &Chain{
		anchors: anchors,
		root:    &link{cut: SignedCut, signed: &signedLink{ds: anchors}},
		links:   make(map[string]*link),
		shared:  make(map[link]*link),
		memory:  new(Memory),
	}
}

// Memory is what has been verified for the Chain.
func (c *Chain) Memory() *Memory { return c.memory }

// OnLearn has learnt called with each reply that is learnt from, before anything is validated
// by it. It is called before the Chain is used, and learnt must not use the Chain.
func (c *Chain) OnLearn(learnt func(q Query, r *Reply, at time.Time)) { c.learnt = learnt }

// Trust returns what is known of the zone that a name lies in. If it is Undecided the reply to
// the Query tells more.
func (c *Chain) Trust(name string) (Trust, Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trust(name)
}

func (c *Chain) trust(name string) (Trust, Query) {
	trust, query, done := c.enter(c.root, ".")
	if done {
		return trust, query
	}
	zone := trust.Zone
	starts := dns.Split(name)
	for i := len(starts) - 1; i >= 0; i-- {
		at := name[starts[i]:]
		l := c.links[at]
		if l == nil {
			return Trust{}, Query{at, dns.TypeDS}
		}
		switch l.cut {
		case SignedCut:
			if trust, query, done = c.enter(l, at); done {
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
// not known yet, or no good.
func (c *Chain) enter(l *link, name string) (t Trust, q Query, done bool) {
	switch {
	case l.signed.zone != nil:
		return Trust{State: Secure, Zone: l.signed.zone}, Query{}, false
	case l.verdict != nil:
		return l.trust(name), Query{}, true
	}
	return Trust{}, Query{name, dns.TypeDNSKEY}, true
}

// trust is that of a name where the signed zones end.
func (l *link) trust(name string) Trust {
	t := Trust{State: l.verdict.State, Flaw: l.verdict.Flaw}
	if t.Flaw.Owner == "" {
		t.Flaw.Owner = name
	}
	return t
}

// Learn takes in the reply to a Query. What is Bogus is not kept, so that it can be asked for
// once more; Stand keeps it.
func (c *Chain) Learn(q Query, r *Reply, now time.Time) Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	verdict := c.learn(q, r, now)
	if c.learnt != nil && (verdict.State == Secure || verdict.State == Insecure) {
		c.learnt(q, r, now)
	}
	return verdict
}

func (c *Chain) learn(q Query, r *Reply, now time.Time) Verdict {
	if q.Type == dns.TypeDNSKEY {
		return c.learnKeys(q, r, now)
	}
	above, _ := c.trust(parent(q.Name))
	if above.State != Secure {
		return above.verdict()
	}
	d := Delegate(above.Zone, q.Name, r, now, c.memory)
	switch {
	case d.Cut == Unproven:
		return d.Verdict
	case d.Cut == SignedCut:
		l := &link{cut: SignedCut, signed: &signedLink{ds: d.DS, from: d.Verdict}}
		if len(usableAnchors(d.DS)) == 0 { // so its keys need not be asked for
			v := insecure(unknownFlaw(q.Name, d.DS))
			l.verdict = &v
		}
		c.links[q.Name] = l
	default:
		c.links[q.Name] = c.share(d, above.Zone)
	}
	return d.Verdict
}

// share returns a link that all names of a zone with the same finding have: there are many.
func (c *Chain) share(d Delegation, z *Zone) *link {
	key := link{cut: d.Cut, weak: d.Weak, signed: c.find(z.Name).signed}
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
	return c.links[name]
}

func (c *Chain) learnKeys(q Query, r *Reply, now time.Time) Verdict {
	l := c.find(q.Name)
	if l == nil || l.signed == nil {
		return Verdict{}
	}
	zone, verdict := Keys(q.Name, l.signed.ds, r, now, c.memory)
	if verdict.State != Bogus {
		l.signed.zone, l.verdict = zone, &verdict
	}
	return verdict
}

// Stand keeps that a reply to a Query is Bogus.
func (c *Chain) Stand(q Query, v Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.find(q.Name); q.Type == dns.TypeDNSKEY && l != nil {
		l.verdict = &v
		return
	}
	c.links[q.Name] = &link{cut: Unproven, verdict: &v}
}

// Answer validates a reply to a question by what the Chain knows. If that is not enough the
// Verdict is Undecided, and the reply to the Query tells more.
func (c *Chain) Answer(question Question, r *Reply, now time.Time) (Verdict, Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var next Query
	question.Trust = func(name string) Trust {
		trust, query := c.trust(name)
		if trust.State == Undecided && next == (Query{}) {
			next = query
		}
		return trust
	}
	v := Answer(question, r, now, c.memory)
	if v.State != Undecided {
		next = Query{}
	}
	return v, next
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
		if l == nil {
			break
		}
		steps = append(steps, l.step(at))
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
		if l.signed.zone != nil {
			s.Keys = l.signed.zone.keys
		}
	}
	return s
}

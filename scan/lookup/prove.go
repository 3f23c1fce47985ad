package lookup

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// maxProving is how many names are proven at a time. Most of them wait for servers that
// are dead, so only maxPlaces, or the concurrency if it is less, may have a query out
// whose answer can be expected soon.
const (
	maxProving = mostWaiting
	maxPlaces  = 64
)

// Prove finds out, for each name whose climb ended in a failure that SBR 4.2.2.1
// may excuse, whether all that the lookup touched lies in zones that are provably
// not signed: the name itself, the one that failed, and each alias on the way. It
// puts the Proofs into the Store's Observations, and hands these to done, which may
// be nil, one at a time. An answer that is doubted takes the place of its failure where
// all that it rests on is proven so; names is ranged over again after that. Where no
// server validates and is believed nothing is proven. The error is that of ctx.
func (r *Client) Prove(ctx context.Context, names iter.Seq[domain.Name], done func([]snapshot.Observation)) error {
	believed := slices.DeleteFunc(slices.Clone(r.upstreams), func(u *upstream) bool {
		return !u.believed(&r.cfg) || u.health.out == expelled
	})
	if len(believed) == 0 {
		return nil
	}
	defer r.hangUp()
	a := newProofAsker(r, believed, done)
	for {
		restored, err := a.pass(ctx, r.unproven(names))
		if err != nil || restored == 0 {
			return err
		}
	}
}

// pass proves Observations, and returns how many of them have turned out to be answers,
// so that the climbs over them go on.
func (a *proofAsker) pass(ctx context.Context, unproven iter.Seq[snapshot.Observation]) (restored int, err error) {
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(maxProving)
	for o := range unproven {
		if working.Err() != nil {
			break
		}
		a.client.stats.proving.Add(1)
		group.Go(func() error {
			defer a.client.stats.proving.Add(-1)
			return a.prove(working, o)
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	for _, o := range a.proven {
		a.client.cfg.Store.Put(o)
	}
	restored, a.restored, a.proven = a.restored, 0, nil
	return restored, ctx.Err()
}

// unproven yields, once each, the Observations that need Proofs for names.
func (r *Client) unproven(names iter.Seq[domain.Name]) iter.Seq[snapshot.Observation] {
	return func(yield func(snapshot.Observation) bool) {
		seen := make(map[domain.Name]bool)
		for name := range names {
			for _, o := range r.touched(name) {
				if seen[o.Name] || len(o.Proofs) > 0 {
					continue
				}
				seen[o.Name] = true
				if !yield(o) {
					return
				}
			}
		}
	}
}

// touched returns the Observations of a climb that a failure at its end depends on,
// none where there is nothing to excuse: those of the name itself, of the name that
// failed, and of those with aliases.
func (r *Client) touched(name domain.Name) []snapshot.Observation {
	last, ended := r.lastOf(name)
	if !ended || !last.Failure.Excusable() || last.Doubted == nil && r.ill(&last) {
		return nil
	}
	var touched []snapshot.Observation
	for at := range name.Climb() {
		o, _ := r.cfg.Store.Find(at)
		if at == name || at == last.Name || len(o.Aliases) > 0 {
			touched = append(touched, o)
		}
		if at == last.Name {
			break
		}
	}
	return touched
}

// lastOf returns the Observation that ended the climb from name, where one did.
func (r *Client) lastOf(name domain.Name) (snapshot.Observation, bool) {
	for at := range name.Climb() {
		ends, found := r.cfg.Store.EndsClimb(at)
		if !found {
			break
		}
		if ends {
			return r.cfg.Store.Find(at)
		}
	}
	return snapshot.Observation{}, false
}

// ill reports whether the server that failed was ill then: that excuses nobody.
func (r *Client) ill(o *snapshot.Observation) bool {
	return slices.ContainsFunc(r.upstreams, func(u *upstream) bool { return u.name == o.Server && u.health.during(o.Time) })
}

// proofAsker proves names by asking servers that validate.
type proofAsker struct {
	client   *Client
	believed []*upstream
	prover   *prover
	places   chan struct{} // holds as many as are taken
	paces    map[*upstream]*proofPace

	mu       sync.Mutex // guards what follows
	next     int
	done     func([]snapshot.Observation)
	proven   []snapshot.Observation
	restored int // of these, the ones that were doubted and are answers
}

func newProofAsker(r *Client, believed []*upstream, done func([]snapshot.Observation)) *proofAsker {
	a := &proofAsker{
		client: r, believed: believed, done: done,
		places: make(chan struct{}, min(maxPlaces, r.cfg.Concurrency)), paces: make(map[*upstream]*proofPace),
	}
	a.prover = newProver(a.askDS)
	for _, u := range believed {
		a.paces[u] = &proofPace{limiter: rate.NewLimiter(rate.Limit(u.flow.bears()/proofShare), 1), turn: make(chan struct{}, 1)}
	}
	return a
}

// proofShare is the part of the rate that a server was seen to bear at which it is asked
// for proofs.
const proofShare = 2

// proofPace is how fast a server is asked for proofs.
type proofPace struct {
	limiter *rate.Limiter

	turn   chan struct{} // holds one while a control question is out; guards what follows
	at     time.Time     // when it was settled
	atEase bool

	trouble atomic.Int64 // when it was last denied, in nanoseconds of Unix time
}

// easeFor is how long the answer to a control question holds.
const easeFor = 500 * time.Millisecond

// errBusy says that a server had too much to do, so that silence says nothing of a name.
var errBusy = errors.New("the resolver does not keep up")

// ask sends a query and returns the reply. If there is none, or an error that may be a
// limiter's, and the server was in trouble meanwhile, it is asked again more slowly, and
// in the end the error is errBusy.
func (a *proofAsker) ask(ctx context.Context, u *upstream, query []byte) ([]byte, error) {
	for range mostSends {
		message, busy, err := a.askOnce(ctx, u, query)
		if err == nil && !mayBeLimited(message) || ctx.Err() != nil {
			return message, err
		}
		if !busy && a.atEase(ctx, u) {
			return message, err
		}
	}
	return nil, errBusy
}

// mayBeLimited reports whether a reply may be that of a limiter.
func mayBeLimited(message []byte) bool {
	rcode := binary.BigEndian.Uint16(message[flagsAt:]) & rcodes
	return rcode == dns.RcodeServerFailure || rcode == dns.RcodeRefused
}

// askOnce sends a query when its pace and a place allow it. When the query is overdue it
// gives the place back and sees whether the server is at ease. busy says that it was not,
// whoever has seen that, since the query was sent.
func (a *proofAsker) askOnce(ctx context.Context, u *upstream, query []byte) (message []byte, busy bool, err error) {
	select {
	case a.places <- struct{}{}:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	leave := sync.OnceFunc(func() { <-a.places })
	defer leave()
	if err := a.paces[u].limiter.Wait(ctx); err != nil {
		return nil, false, err
	}
	began := time.Now()
	var watching sync.WaitGroup
	watching.Add(1)
	overdue := time.AfterFunc(u.flow.patience(), func() {
		defer watching.Done()
		leave()
		a.atEase(ctx, u)
	})
	a.client.stats.queries.Add(1)
	message, err = a.client.askWithin(ctx, a.client.cfg.Timeout, u, u.firstForm(), query, persistent)
	if overdue.Stop() {
		watching.Done()
	}
	watching.Wait()
	return message, a.paces[u].trouble.Load() >= began.UnixNano(), err
}

// atEase reports whether a server answers a control question, at most one at a time. If it
// does not it is asked more slowly from then on.
func (a *proofAsker) atEase(ctx context.Context, u *upstream) bool {
	p := a.paces[u]
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-p.turn }()
	if time.Since(p.at) < easeFor {
		return p.atEase
	}
	c := a.client.control(ctx, u, u.flow.controlWait(), !u.uncut)
	p.atEase = c.verdict == atEase && c.asked == 1 // a limiter may let the second one pass
	p.at = time.Now()
	if !p.atEase {
		p.trouble.Store(p.at.UnixNano())
		p.limiter.SetLimit(max(p.limiter.Limit()/mostCut, leastRate))
	}
	return p.atEase
}

// prove proves an Observation's name and its aliases, and those that its failure
// kept from sight, as long as they can still make a difference.
func (a *proofAsker) prove(ctx context.Context, o snapshot.Observation) error {
	o.Proofs = nil
	names := append([]string{o.Name.String()}, o.Aliases...)
	if err := a.proveAll(ctx, &o, names); err != nil {
		return err
	}
	restored := restoreDoubted(&o)
	signed := func(p snapshot.Proof) bool { return p.State == snapshot.ProvenSigned }
	if o.Failure != "" && !slices.ContainsFunc(o.Proofs, signed) {
		further, hidden, err := a.further(ctx, names, a.tries(&o))
		if err != nil {
			return err
		}
		if err := a.proveAll(ctx, &o, further); err != nil {
			return err
		}
		if hidden != "" && o.ProvenInsecure() { // else it makes no difference
			o.Proofs = append(o.Proofs, snapshot.Proof{Name: hidden, State: snapshot.NotProven})
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proven = append(a.proven, o)
	a.restored += restored
	if a.done != nil {
		a.done([]snapshot.Observation{o})
	}
	return nil
}

// restoreDoubted replaces a failure by the answer that was doubted if its name and its
// aliases are proven to be insecure, and returns how many it has replaced. What nobody has
// signed nobody can have found bogus.
func restoreDoubted(o *snapshot.Observation) int {
	doubted := o.Doubted
	o.Doubted = nil
	if doubted == nil || !o.ProvenInsecure() {
		return 0
	}
	proofs := o.Proofs
	*o = *doubted
	o.Proofs = proofs
	return 1
}

func (a *proofAsker) proveAll(ctx context.Context, o *snapshot.Observation, names []string) error {
	for _, name := range names {
		proof, err := a.prover.prove(ctx, name)
		if err != nil {
			return err
		}
		o.Proofs = append(o.Proofs, proof)
	}
	return nil
}

// further returns the aliases that the failure kept from sight: SERVFAIL hides a chain
// whose end has failed, and its target may lie in a signed zone. hidden is a name at which
// there may be one still that cannot be seen, or "". The error is that of ctx.
func (a *proofAsker) further(ctx context.Context, chain []string, tries int) (further []string, hidden string, err error) {
	known := len(chain)
	for {
		last := chain[len(chain)-1]
		target, hidden, err := a.aliasOf(ctx, last, tries)
		if err != nil || hidden != "" || target == "" || slices.Contains(chain, target) {
			return chain[known:], hidden, err
		}
		if len(chain) == maxChain {
			return chain[known:], last, nil
		}
		chain = append(chain, target)
	}
}

// aliasOf returns the target of a name's alias, or "" where it has none, and in hidden the
// name at which an alias may stand that cannot be seen. Where the name's servers do not
// answer for CNAME, a DNAME record above may be the cause, which has a target that fails. It
// is asked for from the top-level domain down, as far as where a zone that is not signed is
// dead: what is in there nobody can see, a CA neither.
func (a *proofAsker) aliasOf(ctx context.Context, name string, tries int) (target, hidden string, err error) {
	target, failure, err := a.askAlias(ctx, question{name, name, dns.TypeCNAME}, tries)
	switch {
	case err != nil || failure == "":
		return target, "", err
	case !failure.Excusable(): // our resolver speaks, and not the name's servers
		return "", name, nil
	}
	proof, err := a.prover.prove(ctx, name)
	if err != nil {
		return "", "", err
	}
	above := downTo(name)
	for _, at := range above[:len(above)-1] { // a DNAME record leaves its own name as it is
		target, failure, err := a.askAlias(ctx, question{name, at, dns.TypeDNAME}, tries)
		if err != nil || target != "" {
			return target, "", err
		}
		if failure == "" {
			continue
		}
		dead, err := a.isDead(ctx, at, proof, failure)
		if err != nil || dead {
			return "", "", err
		}
		return "", at, nil
	}
	return "", "", nil
}

// isDead reports whether a name, whose DNAME record could not be seen, lies in a zone below
// an insecure delegation of which nothing is to be had: not its SOA record either, nor the
// answer that there is none.
func (a *proofAsker) isDead(ctx context.Context, at string, proof snapshot.Proof, failure snapshot.Failure) (bool, error) {
	insecure := proof.State == snapshot.ProvenInsecure && encloses(proof.Steps[len(proof.Steps)-1].Name, at)
	if !insecure || !failure.Excusable() {
		return false, nil
	}
	_, failure, err := a.askAlias(ctx, question{at, at, dns.TypeSOA}, a.client.cfg.Attempts)
	return failure != "" && failure.Excusable(), err
}

// question is for a record that an alias of name may rest on.
type question struct {
	name, owner string
	kind        uint16 // CNAME or DNAME; SOA to see whether the owner's zone answers at all
}

// tries returns how often the questions about the aliases of an Observation are asked. A
// name that was silent in each try of both passes is asked once, and that is sent again: it
// will be silent again.
func (a *proofAsker) tries(o *snapshot.Observation) int {
	if o.Failure == snapshot.Timeout {
		return 1
	}
	return a.client.cfg.Attempts
}

// askAlias returns where the record that is asked for leads from the name; "" if there is
// none, or if it could not be seen: then it returns why.
func (a *proofAsker) askAlias(ctx context.Context, q question, tries int) (target string, failure snapshot.Failure, err error) {
	failure = snapshot.Timeout
	for range tries {
		u := a.turn()
		query, err := packQuery(dns.Id(), q.owner, q.kind, u.firstForm())
		if err != nil {
			return "", snapshot.MalformedReply, nil
		}
		message, err := a.ask(ctx, u, query)
		if ctx.Err() != nil {
			return "", "", ctx.Err()
		}
		if err == nil && checkStream(message, query) == ours {
			target, failure := readAlias(message, q.name, q.owner)
			return target, failure, nil
		}
		if errors.Is(err, errBusy) {
			failure = snapshot.Network // our side, and not the name's
		}
	}
	return "", failure, nil
}

// readAlias reads the reply to a query for the alias that a record at owner makes of name.
func readAlias(message []byte, name, owner string) (target string, failure snapshot.Failure) {
	r, err := parseReply(message)
	switch {
	case err != nil:
		return "", snapshot.MalformedReply
	case r.failure() != "":
		return "", r.failure()
	case r.ownData(owner) != "":
		return "", snapshot.Filtered
	}
	target, _, found := r.alias(name)
	if found && target == "" || !found && !r.empty() {
		return "", snapshot.MalformedReply
	}
	return target, ""
}

// askDS asks one server for the DS records of a name, as often as any query is
// tried.
func (a *proofAsker) askDS(ctx context.Context, name string) (dsAnswer, error) {
	var answer dsAnswer
	for range a.client.cfg.Attempts {
		u := a.turn()
		answer = dsAnswer{server: u.name}
		query, err := dsQuery(dns.Id(), name)
		if err != nil {
			return answer, nil
		}
		message, err := a.ask(ctx, u, query)
		answer.at = time.Now()
		if ctx.Err() != nil {
			return answer, ctx.Err()
		}
		if err == nil && checkStream(message, query) == ours {
			answer.message = message
			return answer, nil
		}
	}
	return answer, nil
}

// turn returns the server to ask next.
func (a *proofAsker) turn() *upstream {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.believed[a.next%len(a.believed)]
	a.next++
	return u
}

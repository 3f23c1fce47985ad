package lookup

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

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
// be nil, one at a time. An answer that is doubted takes the place of its failure if
// all that it rests on is proven so; names is ranged over again after that. If no
// server validates and is believed nothing is proven. The error is that of ctx.
func (r *Client) Prove(ctx context.Context, names iter.Seq[domain.Name], done func([]snapshot.Observation)) error {
	a := r.asker
	r.asker = nil
	if believed := r.believed(); a == nil || !slices.Equal(believed, a.believed) || slices.ContainsFunc(believed, (*upstream).unvouched) {
		a = newProofAsker(r, believed)
	}
	if len(a.believed) == 0 {
		return nil
	}
	defer r.hangUp()
	a.done = done
	for {
		restored, err := a.pass(ctx, r.unproven(names))
		if err != nil || restored == 0 {
			return err
		}
	}
}

// believed returns the servers that are asked for proofs.
func (r *Client) believed() []*upstream {
	return slices.DeleteFunc(slices.Clone(r.upstreams), func(u *upstream) bool {
		return !r.ownAll && !u.believed(&r.cfg) || u.health.out == expelled
	})
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
// none if there is nothing to excuse: those of the name itself, of the name that
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

// lastOf returns the Observation that ended the climb from name, if one did.
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

// ill reports whether the server that failed was ill then, or in trouble while the last
// pass lasted or right after it, which is when trouble is seen: that excuses nobody.
func (r *Client) ill(o *snapshot.Observation) bool {
	from, to := o.Time.Add(-time.Duration(r.cfg.Attempts)*r.cfg.Timeout), o.Time.Add(r.cfg.Timeout)
	return slices.ContainsFunc(r.upstreams, func(u *upstream) bool {
		return u.name == o.Server && (u.health.during(o.Time) || u.flow.troubled(from, to))
	})
}

// proofAsker proves names by asking servers that validate.
type proofAsker struct {
	client   *Client
	believed []*upstream
	prover   *prover
	places   chan struct{} // holds as many as are taken
	paces    map[*upstream]*proofPace
	above    memo[aliasReply]       // about the zones above
	proofs   memo[[]snapshot.Proof] // of Observations

	mu       sync.Mutex // guards what follows
	next     int
	done     func([]snapshot.Observation)
	proven   []snapshot.Observation
	restored int // of these, the ones that were doubted and are answers
}

func newProofAsker(r *Client, believed []*upstream) *proofAsker {
	a := &proofAsker{
		client: r, believed: believed,
		places: make(chan struct{}, min(maxPlaces, r.cfg.Concurrency)), paces: make(map[*upstream]*proofPace),
	}
	a.prover = newProver(a.askDS)
	if r.chain != nil {
		a.prover.own = &ownProver{chain: r.chain, ask: a.askLink}
		a.prover.own.answers.stale = func(answer dsAnswer) bool { return time.Since(answer.at) >= failureKept }
	}
	for _, u := range believed {
		a.paces[u] = newProofPace(u, time.Now())
	}
	return a
}

// prove proves an Observation, and takes in what comes of it.
func (a *proofAsker) prove(ctx context.Context, o snapshot.Observation) error {
	proofs, err := a.proofsFound(ctx, o)
	if err != nil {
		return err
	}
	o.Proofs = proofs
	restored := restoreDoubted(&o)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proven = append(a.proven, o)
	a.restored += restored
	if a.done != nil {
		a.done([]snapshot.Observation{o})
	}
	return nil
}

// proofsFound returns the Proofs of an Observation, which may have been found before.
func (a *proofAsker) proofsFound(ctx context.Context, o snapshot.Observation) ([]snapshot.Proof, error) {
	key := o.Name.String() + " " + strconv.FormatInt(o.Time.UnixNano(), 10)
	return a.proofs.find(key, func() ([]snapshot.Proof, error) { return a.proofsOf(ctx, o) })
}

// proofsOf proves an Observation's name and its aliases, and those that its failure
// kept from sight, as long as they can still make a difference.
func (a *proofAsker) proofsOf(ctx context.Context, o snapshot.Observation) ([]snapshot.Proof, error) {
	o.Proofs = nil
	names := append([]string{o.Name.String()}, o.Aliases...)
	if err := a.proveAll(ctx, &o, names); err != nil {
		return nil, err
	}
	signed := func(p snapshot.Proof) bool { return p.State == snapshot.ProvenSigned }
	answers := o.Failure == "" || o.Doubted != nil && o.ProvenInsecure()
	if answers || slices.ContainsFunc(o.Proofs, signed) {
		return o.Proofs, nil
	}
	further, hidden, err := a.further(ctx, names, a.tries(&o))
	if err != nil {
		return nil, err
	}
	if err := a.proveAll(ctx, &o, further); err != nil {
		return nil, err
	}
	if hidden != "" && o.ProvenInsecure() { // else it makes no difference
		o.Proofs = append(o.Proofs, snapshot.Proof{Name: hidden, State: snapshot.NotProven})
	}
	return o.Proofs, nil
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

// aliasOf returns the target of a name's alias, or "" if it has none, and in hidden the
// name at which an alias may stand that cannot be seen. If the name's servers do not
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
	r, err := a.reply(ctx, q, tries)
	if err != nil || r.failure != "" {
		return "", r.failure, err
	}
	target, failure = readAlias(r.message, q.name, q.owner)
	return target, failure, nil
}

// aliasReply is the reply to a question, or why there is none.
type aliasReply struct {
	message []byte
	failure snapshot.Failure
}

// reply asks a question. What is asked about a zone above is asked once for all names in it.
func (a *proofAsker) reply(ctx context.Context, q question, tries int) (aliasReply, error) {
	if q.owner == q.name && q.kind == dns.TypeCNAME {
		return a.askTries(ctx, q, tries)
	}
	key := dns.TypeToString[q.kind] + " " + q.owner
	return a.above.find(key, func() (aliasReply, error) { return a.askTries(ctx, q, tries) })
}

// askTries asks a question so often, each time of another server if there is one.
func (a *proofAsker) askTries(ctx context.Context, q question, tries int) (aliasReply, error) {
	r := aliasReply{failure: snapshot.Timeout}
	for range tries {
		u := a.turn()
		query, err := packQuery(dns.Id(), q.owner, q.kind, a.paces[u].control.form)
		if err != nil {
			return aliasReply{failure: snapshot.MalformedReply}, nil
		}
		message, err := a.ask(ctx, u, query)
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if err == nil && checkStream(message, query) == ours {
			return aliasReply{message: message}, nil
		}
		if errors.Is(err, errBusy) {
			r.failure = snapshot.Network // our side, and not the name's
		}
	}
	return r, nil
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
	return a.tryAll(ctx, func(*upstream) (query []byte, ok bool) {
		query, err := dsQuery(dns.Id(), name)
		return query, err == nil
	})
}

// tryAll asks until there is a reply, as often as any query is tried, one server after the
// other. It ends if there is no query for a server.
func (a *proofAsker) tryAll(ctx context.Context, queryFor func(u *upstream) ([]byte, bool)) (dsAnswer, error) {
	var answer dsAnswer
	for range a.client.cfg.Attempts {
		u := a.turn()
		answer = dsAnswer{server: u.name}
		query, ok := queryFor(u)
		if !ok {
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

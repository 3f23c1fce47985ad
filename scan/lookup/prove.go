package lookup

import (
	"context"
	"iter"
	"slices"
	"sync"
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
// be nil, one at a time. Where no server validates and is believed nothing is
// proven. The error is that of ctx.
func (r *Resolver) Prove(ctx context.Context, names iter.Seq[domain.Name], done func([]snapshot.Observation)) error {
	believed := slices.DeleteFunc(slices.Clone(r.upstreams), func(u *upstream) bool {
		return !u.believed(&r.cfg) || u.health.out == expelled
	})
	if len(believed) == 0 {
		return nil
	}
	defer r.hangUp()
	j := newJury(r, believed, done)
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(maxProving)
	for o := range r.unproven(names) {
		if working.Err() != nil {
			break
		}
		group.Go(func() error { return j.prove(working, o) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, o := range j.proven {
		r.cfg.Store.Put(o)
	}
	return ctx.Err()
}

// unproven yields, once each, the Observations that need Proofs for names.
func (r *Resolver) unproven(names iter.Seq[domain.Name]) iter.Seq[snapshot.Observation] {
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
func (r *Resolver) touched(name domain.Name) []snapshot.Observation {
	last, ended := r.lastOf(name)
	if !ended || !last.Failure.Excusable() || r.ill(&last) {
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
func (r *Resolver) lastOf(name domain.Name) (snapshot.Observation, bool) {
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
func (r *Resolver) ill(o *snapshot.Observation) bool {
	return slices.ContainsFunc(r.upstreams, func(u *upstream) bool { return u.name == o.Server && u.health.during(o.Time) })
}

// jury proves names by asking servers that validate.
type jury struct {
	resolver *Resolver
	believed []*upstream
	prover   *prover
	places   chan struct{}               // holds as many as are taken
	paces    map[*upstream]*rate.Limiter // of servers that had to be slowed down

	mu     sync.Mutex // guards what follows
	next   int
	done   func([]snapshot.Observation)
	proven []snapshot.Observation
}

func newJury(r *Resolver, believed []*upstream, done func([]snapshot.Observation)) *jury {
	j := &jury{
		resolver: r, believed: believed, done: done,
		places: make(chan struct{}, min(maxPlaces, r.cfg.Concurrency)), paces: make(map[*upstream]*rate.Limiter),
	}
	j.prover = newProver(j.askDS)
	for _, u := range believed {
		if limit := u.flow.pace.limit; limit > 0 {
			j.paces[u] = rate.NewLimiter(rate.Limit(limit), max(1, int(limit*paceBurst.Seconds())))
		}
	}
	return j
}

// ask sends one query when there is a place for it, which it gives back when it is
// overdue, and returns the reply.
func (j *jury) ask(ctx context.Context, u *upstream, query []byte) ([]byte, error) {
	select {
	case j.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave := sync.OnceFunc(func() { <-j.places })
	defer leave()
	if pace := j.paces[u]; pace != nil {
		if err := pace.Wait(ctx); err != nil {
			return nil, err
		}
	}
	defer time.AfterFunc(u.flow.patience(), leave).Stop()
	j.resolver.stats.queries.Add(1)
	return j.resolver.ask(ctx, u, u.firstForm(), query)
}

// prove proves an Observation's name and its aliases, and those that its failure
// kept from sight, as long as they can still make a difference.
func (j *jury) prove(ctx context.Context, o snapshot.Observation) error {
	o.Proofs = nil
	names := append([]string{o.Name.String()}, o.Aliases...)
	if err := j.proveAll(ctx, &o, names); err != nil {
		return err
	}
	signed := func(p snapshot.Proof) bool { return p.State == snapshot.ProvenSigned }
	if o.Failure != "" && !slices.ContainsFunc(o.Proofs, signed) {
		if err := j.proveAll(ctx, &o, j.further(ctx, &o, names)); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.proven = append(j.proven, o)
	if j.done != nil {
		j.done([]snapshot.Observation{o})
	}
	return nil
}

func (j *jury) proveAll(ctx context.Context, o *snapshot.Observation, names []string) error {
	for _, name := range names {
		proof, err := j.prover.prove(ctx, name)
		if err != nil {
			return err
		}
		o.Proofs = append(o.Proofs, proof)
	}
	return nil
}

// further returns the aliases that the failure kept from sight: SERVFAIL hides a
// chain whose end has failed, and its target may lie in a signed zone. A name that was
// silent in each try of both passes is asked once: it will be silent again.
func (j *jury) further(ctx context.Context, o *snapshot.Observation, chain []string) []string {
	known, attempts := len(chain), j.resolver.cfg.Attempts
	if o.Failure == snapshot.Timeout {
		attempts = 1
	}
	for len(chain) < maxChain {
		target := j.askAlias(ctx, chain[len(chain)-1], attempts)
		if target == "" || slices.Contains(chain, target) {
			break
		}
		chain = append(chain, target)
	}
	return chain[known:]
}

// askAlias returns the target of a name's CNAME record, or "". A reply, be it
// SERVFAIL, settles it: where the name's own servers are dead there is nothing more
// to be had, for a CA neither.
func (j *jury) askAlias(ctx context.Context, name string, attempts int) string {
	for range attempts {
		u := j.turn()
		query, err := packQuery(dns.Id(), name, dns.TypeCNAME, u.firstForm())
		if err != nil {
			return ""
		}
		message, err := j.ask(ctx, u, query)
		if err != nil || checkStream(message, query) != ours {
			continue
		}
		r, err := parseReply(message)
		if err != nil || r.failure() != "" {
			return ""
		}
		target, _, _ := r.alias(name)
		return target
	}
	return ""
}

// askDS asks one server for the DS records of a name, as often as any query is
// tried.
func (j *jury) askDS(ctx context.Context, name string) (dsAnswer, error) {
	var answer dsAnswer
	for range j.resolver.cfg.Attempts {
		u := j.turn()
		answer = dsAnswer{server: u.name}
		query, err := dsQuery(dns.Id(), name)
		if err != nil {
			return answer, nil
		}
		message, err := j.ask(ctx, u, query)
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
func (j *jury) turn() *upstream {
	j.mu.Lock()
	defer j.mu.Unlock()
	u := j.believed[j.next%len(j.believed)]
	j.next++
	return u
}

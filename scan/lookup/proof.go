package lookup

import (
	"context"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"

	"caascan/scan/dnssec"
	"caascan/scan/snapshot"
)

// dsAnswer is what came back for a DS query.
type dsAnswer struct {
	message []byte // the reply, whole; nil if none came
	server  string
	at      time.Time
}

// prover walks down to names with DS queries, to see whether they lie in zones that
// are provably not signed (RFC 4035, sections 4.3 and 5.2). It verifies no signature
// itself: it asks resolvers that do, and reads what their AD bit vouches for.
type prover struct {
	ask   func(ctx context.Context, name string) (dsAnswer, error)
	steps memo[snapshot.ProofStep]
	own   *ownProver // nil if resolvers vouch for what they answer
}

// memo finds each thing once, however many want it at the same time. The zero memo is
// empty.
type memo[T any] struct {
	stale  func(T) bool // of what does not count any more; nil if all does
	asking singleflight.Group

	mu    sync.Mutex // guards what follows
	known map[string]T
}

// find returns what there is under a key, or what ask finds, whose error is that of a
// context.
func (m *memo[T]) find(key string, ask func() (T, error)) (T, error) {
	for {
		mine := false
		shared, err, _ := m.asking.Do(key, func() (any, error) {
			mine = true
			return m.knownOr(key, ask)
		})
		if err == nil || mine {
			found, _ := shared.(T)
			return found, err
		}
		// Another one asked, and came to its end; this one asks itself.
	}
}

func (m *memo[T]) knownOr(key string, ask func() (T, error)) (T, error) {
	m.mu.Lock()
	found, ok := m.known[key]
	m.mu.Unlock()
	if ok && (m.stale == nil || !m.stale(found)) {
		return found, nil
	}
	found, err := ask()
	if err != nil {
		return found, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = make(map[string]T)
	}
	m.known[key] = found
	return found, nil
}

// newProver returns a prover that sends its DS queries, which set DO and leave AD
// and CD clear, by ask. The error of ask is that of ctx.
func newProver(ask func(ctx context.Context, name string) (dsAnswer, error)) *prover {
	return &prover{ask: ask}
}

// prove walks from the top-level domain down to name, which is spelt like
// snapshot.Observation.Owner, as far as the first cut to a zone that is not signed.
// The root is signed. The error is that of ctx.
func (p *prover) prove(ctx context.Context, name string) (snapshot.Proof, error) {
	proof := snapshot.Proof{Name: name, State: snapshot.ProvenSigned}
	zone, signedBelowTLD := ".", false
	for i, at := range downTo(name) {
		step, err := p.step(ctx, at, zone)
		if err != nil {
			return snapshot.Proof{}, err
		}
		proof.Steps = append(proof.Steps, step)
		switch step.Finding {
		case snapshot.SignedDelegation:
			zone, signedBelowTLD = at, i > 0
		case snapshot.NoDelegation:
		case snapshot.InsecureDelegation, snapshot.OptOutDelegation:
			proof.State = snapshot.ProvenInsecure
			return proof, nil
		case snapshot.NothingBelow:
			return proof, nil
		case snapshot.Unproven:
			if !signedBelowTLD {
				proof.State = snapshot.NotProven
			}
			return proof, nil
		}
	}
	return proof, nil
}

// downTo returns the names from the top-level domain to name.
func downTo(name string) []string {
	full := dns.Fqdn(name)
	starts := dns.Split(full)
	names := make([]string, 0, len(starts))
	for i := len(starts) - 1; i >= 0; i-- {
		names = append(names, canonical(full[starts[i]:]))
	}
	return names
}

// step returns what the DS query for a name shows; zone is the signed one that
// encloses it. Each name is asked once, however many walks lead over it.
func (p *prover) step(ctx context.Context, name, zone string) (snapshot.ProofStep, error) {
	return p.steps.find(name, func() (snapshot.ProofStep, error) {
		if p.own != nil {
			return p.own.step(ctx, name)
		}
		return p.askTwice(ctx, name, zone)
	})
}

// askTwice asks once more if nothing is proven.
func (p *prover) askTwice(ctx context.Context, name, zone string) (snapshot.ProofStep, error) {
	var step snapshot.ProofStep
	for range 2 {
		answer, err := p.ask(ctx, name)
		if err != nil {
			return snapshot.ProofStep{}, err
		}
		step = readDS(answer, name, zone)
		if step.Finding != snapshot.Unproven {
			break
		}
	}
	return step, nil
}

// readDS reads the reply to a DS query.
func readDS(answer dsAnswer, name, zone string) snapshot.ProofStep {
	step := snapshot.ProofStep{Name: name, Finding: snapshot.Unproven, Server: answer.server, Time: answer.at}
	if answer.message == nil {
		return step
	}
	signed, err := dnssec.Parse(answer.message)
	if err != nil {
		return step
	}
	r, err := parseReply(answer.message)
	if err != nil {
		return step
	}
	step.Replied, step.RCode, step.AD = true, r.rcode, r.ad
	unsupported := snapshot.HasEDE(r.ede, snapshot.EDEUnsupported, snapshot.EDEUndecided) // so it verifies no denial (RFC 9276, section 3.2)
	if r.ownData(name) != "" || r.failure() != "" || unsupported {
		return step
	}
	read := dnssec.LeftOut
	if r.ad {
		read = dnssec.Validated
	}
	d := read(dnssec.Canonical(dns.Fqdn(zone)), dnssec.Canonical(dns.Fqdn(name)), signed)
	step.Finding = findingOf(dnssec.Step{Cut: d.Cut, Weak: d.Weak})
	return step
}

// dsQuery returns a query for the DS records of a name. Like a probe it sets DO and
// leaves AD clear, so that an echoed bit shows.
func dsQuery(id uint16, name string) ([]byte, error) {
	query, err := packQuery(id, name, dns.TypeDS, withEDNS)
	if err != nil {
		return nil, err
	}
	setDO(query)
	return query, nil
}

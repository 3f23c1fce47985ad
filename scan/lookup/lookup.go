// Package lookup finds relevant RRsets (RFC 8659, section 3): it asks for the
// CAA records of a name and, if there are none, of its parents up to the
// top-level domain, following aliases as RFC 8659 and RFC 6604 want.
//
// A name is asked once in a run, however many climbs lead over it; the answer,
// the empty one and the failure too, stands in a snapshot.Store. A lookup that
// fails is an Observation with a Failure; an error means that the lookups could
// not be carried on. Whatever is doubtful is a failure: nothing here may turn a
// bad answer into an empty one, because an empty one permits.
//
// Answers come from recursive resolvers, or from master files in process. DNSSEC is
// validated by resolvers, which are read by their AD bit and their Extended DNS Errors,
// or here; see Validation. Probe finds out which resolvers validate, and which pass the
// records that are needed to validate here.
package lookup

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"caascan/scan/dnssec"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// Config says where answers come from and how hard to ask for them.
type Config struct {
	// Servers are the recursive resolvers, asked in turn. Ignored with Zones.
	// Until Probe has been called none is known to validate.
	Servers []Server
	// Zones answers everything in process if it is set; nothing is sent.
	Zones *zone.Set
	// Overlay holds what is taken as if published: asked for a name first, then for
	// each of its aliases, it gives the answer if it knows one, and no query for CAA
	// is sent for that. All else comes from where answers come from. Such an answer has
	// the Transport Overlay. The names it holds stand in the Store from New on, and
	// are never handed to done. What a run without it has learnt goes into the Store by
	// Recall, and then by Plan again.
	Overlay *zone.Overlay
	// Store receives the Observations and is the cache, so a name that it knows already is
	// not asked; nil makes a new one.
	Store *snapshot.Store
	// Concurrency is how many queries may be in flight whose answer can be expected
	// soon; 0 means 64, and MaxConcurrency is the most. Those that are overdue wait
	// beside them: up to 1,000, or as many, for each server.
	Concurrency int
	// Rate is how many queries a second may be sent, retries included; 0 means
	// no limit.
	Rate float64
	// Timeout is how long one try of one query may take; 0 means 5 seconds.
	Timeout time.Duration
	// Attempts is how often a query is tried in each pass, on another server if
	// there is one; 0 means 2.
	Attempts int
	// FinalPassAfter is how long after its failure a name is asked again, slowly: a
	// resolver caches its failures (RFC 9520); 0: at once.
	FinalPassAfter time.Duration
	// TrustAD believes the AD bit of all Servers.
	TrustAD bool
	// AllowMixed asks servers that do not validate beside those that do.
	AllowMixed bool
	// ProbeBogus is a name whose signatures are known to be bogus: a server that
	// answers for it does not validate. The zero Name probes without it.
	ProbeBogus domain.Name
	// ProbeCAA is a name that is known to have CAA records: a server that has none for it
	// is left out. The zero Name probes without it.
	ProbeCAA domain.Name
	// OnEvent is told what happens to the Servers, from the goroutine that looks
	// names up; it may be nil.
	OnEvent func(Event)
	// Dial opens connections ("udp" and "tcp"); nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// DNSSEC says who validates; the zero Validation is ByResolver.
	DNSSEC Validation
	// Anchors are what own validation trusts; nil means those of the root.
	Anchors dnssec.Anchors
	// Roots are the authorities whose certificates servers over TLS and HTTPS must
	// show; nil means the system's.
	Roots *x509.CertPool
}

// The defaults of Config, which are also those of the command line.
const (
	DefaultConcurrency = 64
	DefaultTimeout     = 5 * time.Second
	DefaultAttempts    = 2
)

// MaxConcurrency leaves enough of the 65,536 query IDs free to draw from, should
// all queries go to one server.
const MaxConcurrency = 20000

// Client looks names up. Its methods must not be called at the same time, but
// for Stats.
type Client struct {
	cfg       Config
	upstreams []*upstream
	limiter   *rate.Limiter        // nil without a limit
	refused   map[domain.Name]bool // whether by SERVFAIL
	chain     *dnssec.Chain        // of own validation; nil if there is none
	ownAll    bool                 // all is validated by it, and not just what resolvers leave in doubt
	links     func(snapshot.Link)  // see KeepProof; nil if no proof is kept
	clock     *ClockError          // nil if nothing is wrong with it
	asker     *proofAsker          // of proofs that were begun while names were looked up
	stats     counters
}

// ErrNoServer says that there is no resolver to ask.
var ErrNoServer = errors.New("no usable resolver")

// New returns a Client. The error is an ErrNoServer if cfg names neither
// servers nor zones.
func New(cfg Config) (*Client, error) {
	if cfg.Zones == nil && len(cfg.Servers) == 0 {
		return nil, ErrNoServer
	}
	cfg.Servers = distinct(cfg.Servers)
	if cfg.Store == nil {
		cfg.Store = new(snapshot.Store)
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = DefaultConcurrency
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Attempts == 0 {
		cfg.Attempts = DefaultAttempts
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.Concurrency < 0 || cfg.Concurrency > MaxConcurrency {
		return nil, fmt.Errorf("concurrency %d: it must be from 1 to %d", cfg.Concurrency, MaxConcurrency)
	}
	if cfg.Timeout < 0 || cfg.Attempts < 0 || cfg.FinalPassAfter < 0 || !(cfg.Rate >= 0) {
		return nil, fmt.Errorf("timeout %v, attempts %d, final pass after %v, rate %v: none may be negative",
			cfg.Timeout, cfg.Attempts, cfg.FinalPassAfter, cfg.Rate)
	}
	if cfg.Anchors == nil {
		cfg.Anchors = dnssec.RootAnchors()
	}
	plan(cfg.Store, cfg.Overlay)
	r := &Client{cfg: cfg}
	if cfg.DNSSEC == Own && cfg.Zones == nil {
		r.chain, r.ownAll = dnssec.NewChain(cfg.Anchors), true
	}
	if cfg.Zones == nil {
		for _, server := range cfg.Servers {
			r.upstreams = append(r.upstreams, newUpstream(server, &r.cfg))
		}
	}
	if cfg.Rate > 0 {
		burst := max(1, int(cfg.Rate*rateBurst.Seconds()))
		r.limiter = rate.NewLimiter(rate.Limit(cfg.Rate), burst)
	}
	return r, nil
}

// rateBurst is how long the limiter may save up queries.
const rateBurst = 10 * time.Millisecond

// hangUp closes the streams to all servers.
func (r *Client) hangUp() {
	for _, u := range r.upstreams {
		u.streams.HangUp()
	}
}

// distinct drops what is named again: the same server is not another one.
func distinct(servers []Server) []Server {
	var list []Server
	for _, server := range servers {
		if !slices.Contains(list, server) {
			list = append(list, server)
		}
	}
	return list
}

// Store returns the Store that the Client fills.
func (r *Client) Store() *snapshot.Store { return r.cfg.Store }

// Lookup climbs from every name and returns when the last climb has ended. What
// failed and might not fail again is asked once more in a final pass: FinalPassAfter its
// failure, while others are still asked, at a tenth of the rate that the servers were seen
// to bear. If a server was busy just then, that is done up to three times.
// Each Observation made on the way is put into the Store and then handed to done,
// in batches, from one goroutine, that of a name in the final pass in place of
// the earlier one; done may be nil, and must not keep the slice. names is ranged
// over in another goroutine, as fast as it yields.
//
// Above a set that does not restrict mail the parents are asked too, to see
// whether it hides one that does.
//
// While the last names are waited for, what Prove will want to know is asked already.
//
// The error is that of ctx; a name that could not be looked up is no error.
func (r *Client) Lookup(ctx context.Context, names iter.Seq[[]domain.Name], done func([]snapshot.Observation)) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []domain.Name)
	group.Go(func() error {
		defer close(batches)
		return forward(ctx, names, batches)
	})
	group.Go(func() error {
		return newEngine(r, batches, done).run(ctx)
	})
	return group.Wait()
}

func forward(ctx context.Context, names iter.Seq[[]domain.Name], batches chan<- []domain.Name) error {
	for batch := range names {
		select {
		case batches <- batch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Trace climbs from one name, proves what a failure needs, and returns the
// Observation of each step, the last of which ended the climb; with what is Signed of it, if
// KeepProof was called.
func (r *Client) Trace(ctx context.Context, name domain.Name) ([]snapshot.Observation, error) {
	one := func(yield func([]domain.Name) bool) { yield([]domain.Name{name}) }
	signed := make(map[domain.Name][]snapshot.Part)
	keep := func(some []snapshot.Observation) {
		for _, o := range some {
			signed[o.Name] = o.Signed
		}
	}
	if err := r.Lookup(ctx, one, keep); err != nil {
		return nil, err
	}
	if err := r.Prove(ctx, slices.Values([]domain.Name{name}), nil); err != nil {
		return nil, err
	}
	steps := r.cfg.Store.Climb(name)
	for i := range steps {
		steps[i].Signed = signed[steps[i].Name]
	}
	return steps, nil
}

// Stats is how far the lookups have come.
type Stats struct {
	// Domains were handed in, Done of them have ended their climb, Known of these without
	// a query: all the answers that they needed were there.
	Domains, Done, Known int
	// Names were asked.
	Names int
	// Queries were sent, or could not be, those of proofs too; Retries of them
	// because an earlier attempt had failed.
	Queries, Retries int
	// Recovered names had failed and were answered in the final pass.
	Recovered int
	// Silent names have not been answered in the time that their servers need, or have
	// failed and wait for the final pass or are in it. All of them have had their tries at
	// Until, at the latest, if nothing else is asked. Once no others are left, their parents
	// count too.
	Silent int
	Until  time.Time
	// Asking names are being asked besides, or wait for their turn.
	Asking int
	// Unanswered names had no reply to any try of any pass.
	Unanswered int
	// Proving names have failed, and are being proven to lie in a zone that is not signed.
	Proving int
}

// Stats may be called at any time, from any goroutine.
func (r *Client) Stats() Stats {
	c := &r.stats
	s := Stats{
		Domains: int(c.domains.Load()), Done: int(c.done.Load()), Known: int(c.known.Load()), Names: int(c.names.Load()),
		Queries: int(c.queries.Load()), Retries: int(c.retries.Load()),
		Recovered: int(c.recovered.Load()), Unanswered: int(c.unanswered.Load()),
		Silent: int(c.silent.Load()), Asking: int(c.asking.Load()), Proving: int(c.proving.Load()),
	}
	if s.Silent > 0 {
		s.Until = time.Unix(c.until.Load(), 0)
	}
	return s
}

type counters struct {
	domains, done, known, names, queries, retries, recovered atomic.Int64
	silent, asking, unanswered, proving                      atomic.Int64
	until                                                    atomic.Int64 // seconds of Unix time
}

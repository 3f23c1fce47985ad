package lookup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// LeftOut is a server that is not asked, and why.
type LeftOut struct {
	Server Server
	Err    error
}

// Probe asks every server for the SOA record of the root and leaves out those
// that do not answer, do not have it, or offer no recursion; and, unless AllowMixed, if
// one validates (AD is set, and ProbeBogus is not answered) those that do not,
// because an answer of theirs must not stand in for a failure of its. It returns
// them in the order of Config.Servers; the error is an ErrNoServer with all their
// errors if none is left, or that of ctx. With zones there is nothing to probe.
func (r *Client) Probe(ctx context.Context) ([]LeftOut, error) {
	probes, began := make([]probed, len(r.upstreams)), time.Now()
	var probing sync.WaitGroup
	for i, u := range r.upstreams {
		probing.Go(func() { probes[i] = r.probe(ctx, u) })
	}
	probing.Wait()
	r.hangUp()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	oneValidates := slices.ContainsFunc(probes, func(p probed) bool { return p.err == nil && p.shown.validates })
	var usable []*upstream
	var leftOut []LeftOut
	for i, u := range r.upstreams {
		p := probes[i]
		if p.err == nil && oneValidates && !p.shown.validates && !r.cfg.AllowMixed {
			p.err = errNotValidating
		}
		if p.err != nil {
			leftOut = append(leftOut, LeftOut{u.server, p.err})
			continue
		}
		u.shown = p.shown
		u.health.vouched(p, began)
		usable = append(usable, u)
	}
	if len(usable) == 0 && r.cfg.Zones == nil {
		return nil, noServer(leftOut)
	}
	r.upstreams = usable
	return leftOut, nil
}

func noServer(leftOut []LeftOut) error {
	errs := []error{ErrNoServer}
	for _, l := range leftOut {
		errs = append(errs, fmt.Errorf("%v: %w", l.Server, l.Err))
	}
	return errors.Join(errs...)
}

// probeTimeout is how long one try of a probe may take: every resolver has the
// root at hand, and a dead one should be told of soon.
const probeTimeout = 2 * time.Second

// probed is what came of a probe.
type probed struct {
	shown shown
	err   error
}

var (
	errNotUnderstood = errors.New("it does not understand the question")
	errNoRecursion   = errors.New("it offers no recursion (RA is not set)")
	errNoRoot        = errors.New("it does not answer for the root")
	errNoRootSOA     = errors.New("it has no SOA record for the root, so it answers from something other than the DNS")
	errNotValidating = errors.New("it does not validate DNSSEC, and another resolver does")
)

// probe finds out what a server can do.
func (r *Client) probe(ctx context.Context, u *upstream) probed {
	p := r.probeRoot(ctx, u)
	if p.err == nil && !r.cfg.ProbeCAA.IsZero() {
		p.err = r.lacksCAA(ctx, u, p.shown)
	}
	if p.err != nil {
		return p
	}
	if p.shown.validates && !r.cfg.ProbeBogus.IsZero() {
		p.shown.doubt = r.answersFor(ctx, u, r.cfg.ProbeBogus.String())
		p.shown.validates = p.shown.doubt == ""
	}
	p.shown.sendsSOA = r.sendsSOA(ctx, u, p.shown)
	if u.remote() {
		p.shown.foldsCase = r.foldsCase(ctx, u, p.shown)
	}
	return p
}

// probeRoot tries a server as often as any query is tried, each time in the forms
// that are left if it does not understand the one before (RFC 6891, section 7).
func (r *Client) probeRoot(ctx context.Context, u *upstream) probed {
	forms := []form{withEDNS, plain, plainTCP}
	if !u.overUDP() {
		forms = []form{ednsTCP, plainTCP}
	}
	var p probed
	for range r.cfg.Attempts {
		for _, f := range forms {
			p = r.probeOnce(ctx, u, f)
			if !errors.Is(p.err, errNotUnderstood) {
				break
			}
		}
		if p.err == nil || ctx.Err() != nil {
			return p
		}
	}
	return p
}

func (r *Client) probeOnce(ctx context.Context, u *upstream, f form) probed {
	query, err := packProbe(dns.Id(), f)
	if err != nil {
		return probed{err: err}
	}
	message, err := r.askSoon(ctx, u, f, query)
	if err != nil {
		return probed{err: err}
	}
	flags := binary.BigEndian.Uint16(message[flagsAt:])
	rcode := snapshot.RCodeName(flags & rcodes)
	switch {
	case binary.BigEndian.Uint16(message[qdcountAt:]) == 0 || notUnderstoodRCode(message):
		return probed{err: fmt.Errorf("%w: %s", errNotUnderstood, rcode)}
	case flags&flagRA == 0:
		return probed{err: fmt.Errorf("%w: %s", errNoRecursion, rcode)}
	case flags&rcodes != dns.RcodeSuccess:
		return probed{err: fmt.Errorf("%w: %s", errNoRoot, rcode)}
	case !hasRootSOA(message):
		return probed{err: errNoRootSOA}
	}
	return probed{shown: shown{validates: flags&flagAD != 0 && f.edns(), plain: !f.edns()}}
}

// hasRootSOA reports whether the answer section has the SOA record that was asked for. A
// captive portal answers everything with its own address, or with nothing.
func hasRootSOA(message []byte) bool {
	var m dns.Msg
	return m.Unpack(message) == nil && slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		soa, ok := rr.(*dns.SOA)
		return ok && soa.Hdr.Name == "." && soa.Hdr.Class == dns.ClassINET
	})
}

// sendsSOA asks for a type that the root does not have, and reports whether the SOA record
// comes with that NODATA. If there is no answer it may well not.
func (r *Client) sendsSOA(ctx context.Context, u *upstream, shown shown) bool {
	for range r.cfg.Attempts {
		f := shown.firstForm(u)
		query, err := packQuery(dns.Id(), ".", dns.TypeLOC, f)
		if err != nil {
			return false
		}
		message, err := r.askSoon(ctx, u, f, query)
		if err != nil || checkStream(message, query) != ours {
			continue
		}
		reply, err := parseReply(message)
		return err == nil && reply.rcode == dns.RcodeSuccess && !reply.answered && reply.rootSOA
	}
	return false
}

// notUnderstoodRCode reports whether a reply says that the query was none that the
// server knows (RFC 6891, section 7).
func notUnderstoodRCode(message []byte) bool {
	r, err := parseReply(message)
	if err != nil {
		return false
	}
	return r.rcode == dns.RcodeFormatError || r.rcode == dns.RcodeNotImplemented || r.rcode == dns.RcodeBadVers
}

// answersFor asks for a name that is bogus, for which a server that validates has to
// answer SERVFAIL, and says what came in its stead. The address is asked for: some
// names are bogus in that alone.
func (r *Client) answersFor(ctx context.Context, u *upstream, name string) string {
	var failed error
	for range r.cfg.Attempts {
		query, err := packQuery(dns.Id(), name, dns.TypeA, u.firstForm())
		if err != nil {
			return err.Error()
		}
		var message []byte
		if message, failed = r.ask(ctx, u, u.firstForm(), query); failed != nil {
			continue
		}
		rcode := binary.BigEndian.Uint16(message[flagsAt:]) & rcodes
		if rcode == dns.RcodeServerFailure {
			return ""
		}
		return fmt.Sprintf("it answers for %s with %s in place of SERVFAIL", name, snapshot.RCodeName(rcode))
	}
	return fmt.Sprintf("it does not answer for %s: %v", name, failed)
}

// foldsCase reports whether a server does not echo a question in the case sent.
// If there is no answer it may well do.
func (r *Client) foldsCase(ctx context.Context, u *upstream, shown shown) bool {
	f := shown.firstForm(u)
	const name = "arpa" // it exists, and is all letters
	query, err := packQuery(dns.Id(), name, dns.TypeSOA, f)
	if err != nil {
		return false
	}
	const upper = 'a' - 'A'
	query[headerSize+2] -= upper // aRpa
	message, err := r.askSoon(ctx, u, f, query)
	return err == nil && check(message, query) == otherCase
}

// askSoon is ask for what every resolver has at hand.
func (r *Client) askSoon(ctx context.Context, u *upstream, f form, query []byte) ([]byte, error) {
	timeout := min(r.cfg.Timeout, probeTimeout)
	message, err := r.askWithin(ctx, timeout, u, f, query, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("no answer within %v", timeout)
	}
	return message, err
}

// ask sends one query, apart from all others, and returns the reply.
func (r *Client) ask(ctx context.Context, u *upstream, f form, query []byte) ([]byte, error) {
	return r.askWithin(ctx, r.cfg.Timeout, u, f, query, nil)
}

// askWithin is askOnce, and asks over TCP, which may take as long again, if the reply
// was cut short.
func (r *Client) askWithin(ctx context.Context, timeout time.Duration, u *upstream, f form, query []byte, again []time.Duration) ([]byte, error) {
	message, err := r.askOnce(ctx, timeout, u, f, query, again)
	if err != nil || !u.overUDP() || f.overTCP() || check(message, query) != cutShort {
		return message, err
	}
	return r.askOnce(ctx, timeout, u, ednsTCP, query, again)
}

// askOnce asks over UDP from a port of its own, or over a stream, when the rate allows
// it. Over UDP the query is sent again after so long each time, if it is not answered. If time is over the error is context.DeadlineExceeded.
func (r *Client) askOnce(ctx context.Context, timeout time.Duration, u *upstream, f form, query []byte, again []time.Duration) ([]byte, error) {
	if r.limiter != nil {
		if err := r.limiter.Wait(ctx); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var message []byte
	var err error
	if u.overUDP() && !f.overTCP() {
		message, err = r.askUDP(ctx, u, query, again)
	} else {
		message, err = u.streams.Exchange(ctx, query)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return message, err
}

func (r *Client) askUDP(ctx context.Context, u *upstream, query []byte, again []time.Duration) ([]byte, error) {
	conn, err := r.cfg.Dial(ctx, "udp", u.server.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	for _, after := range again {
		defer time.AfterFunc(after, func() {
			r.stats.queries.Add(1)
			r.stats.retries.Add(1)
			_, _ = conn.Write(query) // the deadline tells what becomes of it
		}).Stop()
	}
	buffer := make([]byte, maxMessage)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, err
		}
		if check(buffer[:n], query) != notOurs {
			return buffer[:n], nil
		}
	}
}

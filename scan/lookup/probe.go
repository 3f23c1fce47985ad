package lookup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// LeftOut is a resolver that is not asked, and why.
type LeftOut struct {
	Server Server
	Err    error
}

// Probe asks every resolver for the SOA record of the root and leaves out those
// that do not answer, cannot, or offer no recursion; and where one validates (AD is
// set) those that do not, because an answer of theirs must not stand in for a
// failure of its. It returns them in the order of Config.Servers; the error is an
// ErrNoServer with all their errors where none is left, or that of ctx. With zones
// there is nothing to probe.
func (r *Resolver) Probe(ctx context.Context) ([]LeftOut, error) {
	if r.cfg.Zones != nil {
		return nil, nil
	}
	probes := make([]probed, len(r.cfg.Servers))
	var probing sync.WaitGroup
	for i, server := range r.cfg.Servers {
		probing.Go(func() { probes[i] = r.probe(ctx, server) })
	}
	probing.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	oneValidates := slices.ContainsFunc(probes, func(p probed) bool { return p.err == nil && p.validates })
	var usable []Server
	var leftOut []LeftOut
	for i, server := range r.cfg.Servers {
		p := probes[i]
		if p.err == nil && oneValidates && !p.validates {
			p.err = errNotValidating
		}
		if p.err != nil {
			leftOut = append(leftOut, LeftOut{server, p.err})
			continue
		}
		usable = append(usable, server)
	}
	if len(usable) == 0 {
		return nil, noServer(leftOut)
	}
	r.cfg.Servers = usable
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

// probed is what a probe has shown of a resolver.
type probed struct {
	validates bool // AD was set
	err       error
}

// probe tries one resolver as often as any query is tried, once more without
// EDNS where it does not understand that.
func (r *Resolver) probe(ctx context.Context, server Server) probed {
	timeout := min(r.cfg.Timeout, probeTimeout)
	var p probed
	for range r.cfg.Attempts {
		p = r.probeOnce(ctx, server, withEDNS, timeout)
		if errors.Is(p.err, errNotUnderstood) {
			p = r.probeOnce(ctx, server, plain, timeout)
		}
		if p.err == nil || ctx.Err() != nil {
			return p
		}
	}
	return p
}

func (r *Resolver) probeOnce(ctx context.Context, server Server, f form, timeout time.Duration) probed {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := r.cfg.Dial(ctx, "udp", server.address)
	if err != nil {
		return probed{err: err}
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	query, err := packProbe(dns.Id(), f)
	if err != nil {
		return probed{err: err}
	}
	if _, err := conn.Write(query); err != nil {
		return probed{err: err}
	}
	p := awaitProbe(conn, query)
	if ctx.Err() != nil {
		p.err = fmt.Errorf("no answer within %v", timeout)
	}
	return p
}

var (
	errNotUnderstood = errors.New("it does not understand the question")
	errNoRecursion   = errors.New("it offers no recursion (RA is not set)")
	errNoRoot        = errors.New("it does not answer for the root")
	errNotValidating = errors.New("it does not validate DNSSEC, as another one does")
)

// awaitProbe waits for a reply that shows a recursive resolver.
func awaitProbe(conn net.Conn, query []byte) probed {
	buffer := make([]byte, maxMessage)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return probed{err: err}
		}
		if standing := check(buffer[:n], query); standing != notOurs {
			return readProbe(buffer[:n], standing)
		}
	}
}

func readProbe(message []byte, standing standing) probed {
	flags := binary.BigEndian.Uint16(message[flagsAt:])
	rcode := snapshot.RCodeName(flags & rcodes)
	switch {
	case standing == noQuestion:
		return probed{err: fmt.Errorf("%w: %s", errNotUnderstood, rcode)}
	case flags&flagRA == 0:
		return probed{err: fmt.Errorf("%w: %s", errNoRecursion, rcode)}
	case flags&rcodes == dns.RcodeFormatError:
		return probed{err: fmt.Errorf("%w: %s", errNotUnderstood, rcode)}
	case flags&rcodes != dns.RcodeSuccess:
		return probed{err: fmt.Errorf("%w: %s", errNoRoot, rcode)}
	}
	return probed{validates: flags&flagAD != 0}
}

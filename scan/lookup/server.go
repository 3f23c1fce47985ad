package lookup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// dnsPort is where resolvers listen (RFC 1035, section 4.2).
const dnsPort = 53

// systemConfig is where Unix systems name their resolvers.
const systemConfig = "/etc/resolv.conf"

// ParseServer reads the address of a resolver: 192.0.2.1, 192.0.2.1:5353,
// 2001:db8::1 or [2001:db8::1]:5353. The port is 53 where none is given.
func ParseServer(text string) (netip.AddrPort, error) {
	if server, err := netip.ParseAddrPort(text); err == nil && server.Port() != 0 {
		return server, nil
	}
	bare := text
	if inside, ok := strings.CutPrefix(text, "["); ok {
		bare = strings.TrimSuffix(inside, "]")
	}
	address, err := netip.ParseAddr(bare)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("resolver %q: write an IP address such as 192.0.2.1 or [2001:db8::1]:5353", text)
	}
	return netip.AddrPortFrom(address, dnsPort), nil
}

// SystemServers returns the resolvers that the system is set up with. The error
// is an ErrNoServer that says where it looked.
func SystemServers() ([]netip.AddrPort, error) {
	return serversFrom(systemConfig)
}

func serversFrom(file string) ([]netip.AddrPort, error) {
	config, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	var servers []netip.AddrPort
	for _, text := range config.Servers {
		server, err := ParseServer(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		servers = append(servers, server)
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("%w: none named in %s", ErrNoServer, file)
	}
	return servers, nil
}

// LeftOut is a resolver that is not asked, and why.
type LeftOut struct {
	Server netip.AddrPort
	Err    error
}

// Probe asks every resolver for the SOA record of the root and leaves out those
// that do not answer, cannot, or offer no recursion. It returns them in the order of
// Config.Servers; the error is an ErrNoServer with all their errors where none is
// left, or that of ctx. With zones there is nothing to probe.
func (r *Resolver) Probe(ctx context.Context) ([]LeftOut, error) {
	if r.cfg.Zones != nil {
		return nil, nil
	}
	results := make([]chan error, len(r.cfg.Servers))
	for i, server := range r.cfg.Servers {
		results[i] = make(chan error, 1)
		go func() { results[i] <- r.probe(ctx, server) }()
	}
	var usable []netip.AddrPort
	var leftOut []LeftOut
	for i, server := range r.cfg.Servers {
		if err := <-results[i]; err != nil {
			leftOut = append(leftOut, LeftOut{server, err})
			continue
		}
		usable = append(usable, server)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(usable) == 0 {
		errs := []error{ErrNoServer}
		for _, l := range leftOut {
			errs = append(errs, fmt.Errorf("%v: %w", l.Server, l.Err))
		}
		return nil, errors.Join(errs...)
	}
	r.cfg.Servers = usable
	return leftOut, nil
}

// probeTimeout is how long one try of a probe may take: every resolver has the
// root at hand, and a dead one should be told of soon.
const probeTimeout = 2 * time.Second

// probe tries one resolver as often as any query is tried, once more without
// EDNS where it does not understand that.
func (r *Resolver) probe(ctx context.Context, server netip.AddrPort) error {
	timeout := min(r.cfg.Timeout, probeTimeout)
	var err error
	for range r.cfg.Attempts {
		err = r.probeOnce(ctx, server, withEDNS, timeout)
		if errors.Is(err, errNotUnderstood) {
			err = r.probeOnce(ctx, server, plain, timeout)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (r *Resolver) probeOnce(ctx context.Context, server netip.AddrPort, f form, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := r.cfg.Dial(ctx, "udp", server.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	query, err := packQuery(dns.Id(), ".", dns.TypeSOA, f)
	if err != nil {
		return err
	}
	if _, err := conn.Write(query); err != nil {
		return err
	}
	err = awaitProbe(conn, query)
	if ctx.Err() != nil {
		return fmt.Errorf("no answer within %v", timeout)
	}
	return err
}

var (
	errNotUnderstood = errors.New("it does not understand the question")
	errNoRecursion   = errors.New("it offers no recursion (RA is not set)")
	errNoRoot        = errors.New("it cannot even find the root")
)

// awaitProbe waits for a reply that shows a recursive resolver.
func awaitProbe(conn net.Conn, query []byte) error {
	buffer := make([]byte, maxMessage)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		standing := check(buffer[:n], query)
		if standing == notOurs {
			continue
		}
		rcode := dns.RcodeToString[int(buffer[3]&rcodes)]
		if standing == noQuestion {
			return fmt.Errorf("%w: %s", errNotUnderstood, rcode)
		}
		if buffer[3]&flagRA == 0 {
			return fmt.Errorf("%w: %s", errNoRecursion, rcode)
		}
		if buffer[3]&rcodes == dns.RcodeServerFailure {
			return fmt.Errorf("%w: %s", errNoRoot, rcode)
		}
		return nil
	}
}

package lookup

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// Server is a recursive resolver: where it is, how it is spoken to, and whether
// its AD bit is believed. Only ParseServer and SystemServers make one.
type Server struct {
	transport snapshot.Transport // UDP (and TCP with it), TLS or HTTPS
	address   string             // host and port to connect to; of HTTPS in the URL
	name      string             // whose certificate it must show, over TLS
	url       string             // of HTTPS
	trustAD   bool               // nobody on the way could have set the bit (RFC 4035, section 4.9.3)
}

// Default ports (RFC 1035, section 4.2; RFC 7858, section 3.1; RFC 8484, section 5).
const (
	dnsPort   = "53"
	tlsPort   = "853"
	httpsPort = "443"
)

// systemConfig is where Unix systems name their resolvers.
const systemConfig = "/etc/resolv.conf"

// ParseServer reads the address of a resolver:
//
//	192.0.2.1, 192.0.2.1:5353, 2001:db8::1, [2001:db8::1]:5353
//	tls://host[:port][#name]       DNS over TLS; name is that of the certificate
//	https://host[:port]/dns-query  DNS over HTTPS
//
// The AD bit is believed from a loopback address and over TLS and HTTPS, where
// the certificate is checked.
func ParseServer(text string) (Server, error) {
	if rest, ok := strings.CutPrefix(text, "tls://"); ok {
		return parseTLS(text, rest)
	}
	if strings.HasPrefix(text, "https://") {
		return parseHTTPS(text)
	}
	address, err := parseAddress(text)
	if err != nil {
		return Server{}, fmt.Errorf("resolver %q: write an IP address such as 192.0.2.1 or [2001:db8::1]:5353, tls://host or https://host/dns-query", text)
	}
	return Server{transport: snapshot.UDP, address: address.String(), trustAD: address.Addr().Unmap().IsLoopback()}, nil
}

func parseAddress(text string) (netip.AddrPort, error) {
	if address, err := netip.ParseAddrPort(text); err == nil && address.Port() != 0 {
		return address, nil
	}
	if inside, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inside, "]") {
		text = strings.TrimSuffix(inside, "]")
	}
	return netip.ParseAddrPort(net.JoinHostPort(text, dnsPort))
}

func parseTLS(text, rest string) (Server, error) {
	rest, name, _ := strings.Cut(rest, "#")
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.Trim(rest, "[]"), tlsPort
	}
	address := net.JoinHostPort(host, port)
	if !isAuthority(address) || strings.ContainsAny(name, "/?#@: ") {
		return Server{}, fmt.Errorf("resolver %q: write tls://host, tls://host:853 or tls://192.0.2.1#name-of-the-certificate", text)
	}
	return Server{transport: snapshot.TLS, address: address, name: cmp.Or(name, host), trustAD: true}, nil
}

func parseHTTPS(text string) (Server, error) {
	u, err := url.Parse(text)
	if err != nil || !isAuthority(net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), httpsPort))) || u.Path == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Server{}, fmt.Errorf("resolver %q: write https://host/dns-query", text)
	}
	return Server{transport: snapshot.HTTPS, url: u.String(), trustAD: true}, nil
}

// isAuthority reports whether an address has a host that could be one and a port.
func isAuthority(address string) bool {
	u, err := url.Parse("tls://" + address)
	if err != nil || u.Host != address || u.Hostname() == "" {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port != 0
}

// String returns what ParseServer reads, with the port.
func (s Server) String() string {
	switch s.transport {
	case snapshot.HTTPS:
		return s.url
	case snapshot.TLS:
		if host, _, err := net.SplitHostPort(s.address); err == nil && host == s.name {
			return "tls://" + s.address
		}
		return "tls://" + s.address + "#" + s.name
	case snapshot.UDP, snapshot.TCP, snapshot.Zone, snapshot.Overlay:
		return s.address
	}
	panic("lookup: unknown transport " + string(s.transport))
}

// loopback reports whether datagrams to the server never leave the machine.
func (s Server) loopback() bool {
	address, err := netip.ParseAddrPort(s.address)
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// SystemServers returns the resolvers that the system is set up with. Their AD
// bit is believed only where the system says so ("options trust-ad"), on loopback
// too: a stub there forwards over plain UDP. The error is an ErrNoServer that says
// where it looked.
func SystemServers() ([]Server, error) {
	return serversFrom(systemConfig)
}

func serversFrom(file string) ([]Server, error) {
	config, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoServer, err)
	}
	var servers []Server
	for _, address := range config.Servers {
		parsed, err := parseAddress(address)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: nameserver %q: %w", ErrNoServer, file, address, err)
		}
		servers = append(servers, Server{transport: snapshot.UDP, address: parsed.String(), trustAD: trustsAD(string(text))})
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("%w: none named in %s", ErrNoServer, file)
	}
	return servers, nil
}

// trustsAD reports whether a resolv.conf has the option trust-ad (resolv.conf(5)).
func trustsAD(text string) bool {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && words[0] == "options" && slices.Contains(words[1:], "trust-ad") {
			return true
		}
	}
	return false
}

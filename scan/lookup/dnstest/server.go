// Package dnstest is a DNS server on loopback for tests, benchmarks and proxies:
// it answers from master files as a recursive resolver would, remembers what it
// was asked, and misbehaves where it is told to.
//
// Faults are declared where they happen, as a comment on one record of the name
// that begins with "answer:" and goes on with words:
//
//	broken.example. CAA 0 issuemail "ca.example" ; answer: servfail ede=6
//
// They hold for all types and transports unless the word says otherwise:
//
//	drop               no reply
//	noreply-udp        no reply over UDP
//	tcp-close          over TCP and TLS the connection, over HTTPS the stream is
//	                   closed in place of a reply
//	tcp-drip           not over UDP: the reply comes an octet a Config.Drip
//	servfail refused notimp formerr nxdomain rcode=N
//	                   this rcode and no records
//	noedns             FORMERR to queries with EDNS
//	noedns-noquestion  the same, without question
//	noedns-notimp      NOTIMP in its place
//	badvers            BADVERS in its place, in an OPT record
//	noquestion         the rcode in a reply without question; needs one of these
//	bogus              SERVFAIL to queries without CD
//	referral           NS records in the authority section and nothing else
//	chain              of the aliases only the first, and no data
//	offchain           a CAA record that another name owns
//	tc                 truncated over UDP
//	tc-tcp             truncated over all transports
//	badid badquestion  a reply that is not to the query
//	lowercase          the question in lower case, however it was asked
//	badport            over UDP a reply from another port
//	garbage            octets that are no message
//	half               the first half of the message
//	pointer-loop       a record whose owner is a compression pointer to itself
//	aa nora            to CAA queries: AA set; RA clear
//	nothing            to CAA queries NOERROR and no record, no SOA record either
//	foreign-soa        to CAA queries no data, by the SOA record of another zone
//	policy-soa         to CAA queries no data, with a SOA record in the additional
//	                   section
//	address other-address signature chaos
//	                   to CAA queries an A record, one of another name, a signature
//	                   alone, or the records with class CH in their place
//	authority-caa additional-caa
//	                   the CAA records in that section
//	not-there          to CAA queries NXDOMAIN, with the SOA record of the top-level
//	                   domain
//	stray              beside the CAA records one that another name owns
//	ad                 AD set for queries with AD or DO
//	insecure           a mark rather than a fault: with Config.Validates no AD for
//	                   the name, nor for those below it
//	ede=N text=TEXT    an Extended DNS Error (RFC 8914), repeatable; its text,
//	                   as a Go string in quotation marks if it holds spaces
//	delay=DURATION     the reply comes later
//	after=N            the first N queries of the name do not meet the faults yet
//	first=N            the first N queries (behind those) meet them, later ones do
//	                   not
//	flap=N             N queries (behind those) meet them, the next N do not, and
//	                   so on
//
// Words combine: "first=2 delay=50ms tc tcp-close" is one fault. The same words in
// Config.Fault, or given to Misbehave, hold for every name.
package dnstest

import (
	"cmp"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"caascan/scan/zone"
)

// Config says what a Server is. The zero Config is a resolver that knows the SOA
// record of the root and refuses all else.
type Config struct {
	// Zones are what is known; their comments declare the faults.
	Zones []*zone.Zone
	// Authoritative plays the zones' own server in place of a resolver: AA for
	// RA, referrals, and aliases followed inside one zone only.
	Authoritative bool
	// Validates plays a resolver that validates DNSSEC, in a world that is signed:
	// AD for queries with AD or DO but with CD, if no name in the question or
	// the answer is marked insecure. The word "bogus" needs no Validates.
	Validates bool
	// Fault is the words of a fault that holds for every name, until Misbehave
	// says otherwise; its numbers count the queries of all names. A query that
	// meets it does not meet that of its name.
	Fault string
	// TLS, if it is set, adds ports for DNS over TLS (RFC 7858) and DNS over
	// HTTPS (RFC 8484, POST alone). Certificate makes what it needs.
	TLS *tls.Config
	// Drip is how long tcp-drip waits before each octet; 0 means a second.
	Drip time.Duration
	// Handle, if it is set, says what is sent for a query: several messages,
	// or none. Query.Replies is what would be sent without it. It is called in a
	// goroutine of its own for each query, and Close waits for it.
	Handle func(q Query) []Reply
	// Listen is the address to be asked at over UDP and TCP; "" means a free port of
	// 127.0.0.1.
	Listen string
	// Forget keeps no Queries, for a benchmark that asks millions.
	Forget bool
}

// Reply is what goes back for a query.
type Reply struct {
	// Wire is sent as it is; over TCP and TLS its length goes before it. Without
	// it nothing is sent. Over HTTPS the first Reply is the only one.
	Wire []byte
	// After is how long it is held back; 0: not at all.
	After time.Duration
	// OtherPort sends it, over UDP, from another port than the one asked.
	OtherPort bool
	// Close closes the connection behind it, but over UDP.
	Close bool
	// Drip sends it octet by octet with this pause before each, but over UDP.
	Drip time.Duration
}

// Server is a running server. Close ends it.
type Server struct {
	config  Config
	zones   *zone.Set
	root    *zone.Set // answers for the SOA record of the root
	faults  map[string]*fault
	udp     *net.UDPConn
	tcp     net.Listener
	tls     net.Listener // nil without Config.TLS, like what follows
	https   net.Listener
	web     *http.Server
	running sync.WaitGroup
	done    chan struct{}

	misbehaviour atomic.Pointer[fault] // of the whole server

	mu      sync.Mutex // guards what follows
	queries []Query
	conns   map[net.Conn]bool // open ones; nil once closed
}

// Serve starts a Server that resolves from these master files. It is ready on
// return and ends with the test.
func Serve(t testing.TB, files ...string) *Server {
	t.Helper()
	var zones []*zone.Zone
	for _, file := range files {
		z, err := zone.Load(file)
		if err != nil {
			t.Fatalf("dnstest: %v", err)
		}
		zones = append(zones, z)
	}
	s, err := Start(Config{Zones: zones})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start starts a Server on a port of 127.0.0.1, the same for UDP and TCP. It is
// ready on return. The error names the file and record of a fault that is not
// known.
func Start(config Config) (*Server, error) {
	if config.Drip == 0 {
		config.Drip = time.Second
	}
	s := &Server{config: config, done: make(chan struct{}), conns: make(map[net.Conn]bool)}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("dnstest: %w", err)
	}
	if err := s.listen(); err != nil {
		return nil, fmt.Errorf("dnstest: %w", err)
	}
	s.running.Go(s.serveUDP)
	s.running.Go(func() { s.serveStreams(s.tcp, TCP) })
	if config.TLS != nil {
		s.running.Go(func() { s.serveStreams(s.tls, TLS) })
		s.running.Go(func() { _ = s.web.ServeTLS(s.https, "", "") }) // until Close
	}
	return s, nil
}

// rootZone is what a resolver has if no zone is loaded for the root.
const rootZone = ". 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400\n"

// load reads the zones and the faults.
func (s *Server) load() error {
	var err error
	if s.zones, err = zone.NewSet(s.config.Zones...); err != nil {
		return err
	}
	s.root = s.zones
	if !slices.ContainsFunc(s.config.Zones, func(z *zone.Zone) bool { return z.Apex() == "." }) {
		z, err := zone.Parse(strings.NewReader(rootZone), "root.zone")
		if err != nil {
			return err
		}
		if s.root, err = zone.NewSet(z); err != nil {
			return err
		}
	}
	if s.faults, err = readFaults(s.config.Zones); err != nil {
		return err
	}
	return s.Misbehave(s.config.Fault)
}

// Misbehave puts words such as "refused", which hold for every name from now on,
// in the place of those before, also of Config.Fault; "" ends it. After an error
// all is as it was.
func (s *Server) Misbehave(words string) error {
	f, err := parseMisbehaviour(words)
	if err == nil {
		s.misbehaviour.Store(f)
	}
	return err
}

// insecure reports whether a name, or one above it, is marked so.
func (s *Server) insecure(name string) bool {
	for {
		if f := s.faults[name]; f != nil && f.has(insecure) {
			return true
		}
		if name == "." {
			return false
		}
		name = above(name)
	}
}

// Addr returns the address, such as "127.0.0.1:5353".
func (s *Server) Addr() string { return s.udp.LocalAddr().String() }

// TLSAddr returns the address for DNS over TLS, "" without Config.TLS.
func (s *Server) TLSAddr() string {
	if s.tls == nil {
		return ""
	}
	return s.tls.Addr().String()
}

// HTTPSURL returns the URL for DNS over HTTPS, "" without Config.TLS.
func (s *Server) HTTPSURL() string {
	if s.https == nil {
		return ""
	}
	return "https://" + s.https.Addr().String() + httpsPath
}

// Queries returns what was asked so far, in order.
func (s *Server) Queries() []Query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queries)
}

// Count returns how many queries there were for a name, of any type.
func (s *Server) Count(name string) int {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	count := 0
	for _, q := range s.Queries() {
		if strings.TrimSuffix(q.Name, ".") == name {
			count++
		}
	}
	return count
}

// Close ends the server, its connections and what it holds back, and returns
// when all is over.
func (s *Server) Close() {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	if conns == nil {
		return // closed before
	}
	close(s.done)
	_ = s.udp.Close()
	_ = s.tcp.Close()
	if s.config.TLS != nil {
		_ = s.tls.Close()
		_ = s.web.Close()
	}
	for conn := range conns {
		_ = conn.Close()
	}
	s.running.Wait()
}

// listen opens all ports, or none.
func (s *Server) listen() error {
	if err := s.listenPlain(); err != nil || s.config.TLS == nil {
		return err
	}
	err := s.listenTLS()
	if err != nil {
		_ = s.udp.Close()
		_ = s.tcp.Close()
	}
	return err
}

// anyPort is a port of 127.0.0.1 that is free.
const anyPort = "127.0.0.1:0"

// listenPlain finds a port that is free for both UDP and TCP.
func (s *Server) listenPlain() error {
	const tries = 20
	var err error
	for range tries {
		if s.tcp, err = net.Listen("tcp", cmp.Or(s.config.Listen, anyPort)); err != nil {
			return err
		}
		at := s.tcp.Addr().(*net.TCPAddr)
		if s.udp, err = net.ListenUDP("udp", &net.UDPAddr{IP: at.IP, Port: at.Port}); err == nil {
			// Thousands of queries may arrive at once; the system may grant less.
			_ = s.udp.SetReadBuffer(4 << 20)
			return nil
		}
		_ = s.tcp.Close()
	}
	return err
}

func (s *Server) serveUDP() {
	buffer := make([]byte, 1<<16)
	for {
		size, from, err := s.udp.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			s.serve(slices.Clone(buffer[:size]), UDP, from, s.sendUDP(from))
		}
	}
}

// sendUDP returns how replies are sent to a client over UDP. A client that has
// left is no error.
func (s *Server) sendUDP(to netip.AddrPort) func(Reply) {
	return func(r Reply) {
		if r.Wire == nil {
			return
		}
		if !r.OtherPort {
			_, _ = s.udp.WriteToUDPAddrPort(r.Wire, to)
			return
		}
		other, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		if err != nil {
			return
		}
		_, _ = other.Write(r.Wire)
		_ = other.Close()
	}
}

// serveStreams serves TCP or TLS.
func (s *Server) serveStreams(listener net.Listener, transport Transport) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && s.keep(conn) {
			s.running.Go(func() { s.serveConn(conn, transport) })
		}
	}
}

// keep notes a connection for Close, and reports whether that is still to come.
func (s *Server) keep(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = conn.Close()
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *Server) serveConn(conn net.Conn, transport Transport) {
	send := s.sendStream(conn)
	from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			break
		}
		wire := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, wire); err != nil {
			break
		}
		s.serve(wire, transport, from, send)
	}
	_ = conn.Close()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}

// sendStream returns how replies are sent over a connection. One that the client
// has closed is no error.
func (s *Server) sendStream(conn net.Conn) func(Reply) {
	var mu sync.Mutex
	return func(r Reply) {
		mu.Lock()
		defer mu.Unlock()
		if r.Wire != nil {
			framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(r.Wire))), r.Wire...)
			_ = s.write(conn, framed, r.Drip)
		}
		if r.Close {
			_ = conn.Close()
		}
	}
}

// write sends octets, with a pause before each if one is wanted.
func (s *Server) write(to io.Writer, octets []byte, pause time.Duration) error {
	if pause == 0 {
		_, err := to.Write(octets)
		return err
	}
	for i := range octets {
		select {
		case <-time.After(pause):
		case <-s.done:
			return net.ErrClosed
		}
		if _, err := to.Write(octets[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// serve answers one message, and reports whether it is a query with one question.
// Nothing else gets a reply.
func (s *Server) serve(wire []byte, transport Transport, from netip.AddrPort, send func(Reply)) bool {
	q, ok := s.parse(wire, transport, from)
	if !ok {
		return false
	}
	s.remember(q)
	if s.config.Handle == nil {
		s.deliver(q.Replies(), send)
		return true
	}
	s.running.Go(func() { s.deliver(s.config.Handle(q), send) })
	return true
}

func (s *Server) remember(q Query) {
	if s.config.Forget {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries = append(s.queries, q)
}

// deliver sends replies, those that are held back when their time has come,
// unless the server is closed before.
func (s *Server) deliver(replies []Reply, send func(Reply)) {
	for _, r := range replies {
		if r.After <= 0 {
			send(r)
			continue
		}
		s.running.Go(func() {
			select {
			case <-time.After(r.After):
				send(r)
			case <-s.done:
			}
		})
	}
}

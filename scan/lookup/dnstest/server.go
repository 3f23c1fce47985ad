// Package dnstest is a DNS server on loopback for tests, benchmarks and proxies:
// it answers from master files as a recursive resolver would, remembers what it
// was asked, and misbehaves where it is told to.
//
// Faults are declared where they happen, as a comment on one record of the name
// that begins with "answer:" and goes on with words:
//
//	broken.example. CAA 0 issuemail "ca.example" ; answer: servfail ede=6
//
// They hold for all types and both transports unless the word says otherwise:
//
//	drop               no reply
//	noreply-udp        no reply over UDP
//	tcp-close          over TCP the connection is closed in place of a reply
//	servfail refused notimp formerr nxdomain rcode=N
//	                   this rcode and no records
//	noquestion         the rcode in a reply without question; needs one
//	noedns             FORMERR to queries with EDNS
//	noedns-noquestion  the same, without question
//	noedns-notimp      NOTIMP in its place
//	badvers            BADVERS in its place, in an OPT record
//	bogus              SERVFAIL to queries without CD
//	referral           NS records in the authority section and nothing else
//	chain              of the aliases only the first, and no data
//	tc                 truncated over UDP
//	tc-tcp             truncated over UDP and TCP
//	badid badquestion  a reply that is not to the query
//	badport            over UDP a reply from another port
//	garbage            octets that are no message
//	half               the first half of the message
//	pointer-loop       a record whose owner is a compression pointer to itself
//	offchain           a CAA record that another name owns
//	lowercase          the question in lower case, however it was asked
//	tcp-drip           over TCP one octet a second
//	ad                 AD set for queries with AD or DO
//	ede=N text=TEXT    an Extended DNS Error (RFC 8914), repeatable; its text,
//	                   as a Go string in quotation marks where it holds spaces
//	delay=DURATION     the reply comes later
//	flap=N             N queries of the name meet the faults, the next N do not,
//	                   and so on
//	first=N            the first N queries of the name meet the faults, later
//	                   ones do not
//
// Words combine: "first=2 delay=50ms tc tcp-close" is one fault.
package dnstest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"caascan/scan/zone"
)

// Config says what a Server is. The zero Config is a resolver that refuses every
// name.
type Config struct {
	// Zones are what is known; their comments declare the faults.
	Zones []*zone.Zone
	// Authoritative plays the zones' own server in place of a resolver: AA for
	// RA, referrals, and aliases followed inside one zone only.
	Authoritative bool
	// Handle, where it is set, says what is sent for a query: several messages,
	// or none. Query.Replies is what would be sent without it. It is called in a
	// goroutine of its own for each query, and Close waits for it.
	Handle func(q Query) []Reply
	// Forget keeps no Queries, for a benchmark that asks millions.
	Forget bool
}

// Reply is what goes back for a query.
type Reply struct {
	// Wire is sent as it is; over TCP its length goes before it. Without it
	// nothing is sent.
	Wire []byte
	// After is how long it is held back; 0: not at all.
	After time.Duration
	// OtherPort sends it, over UDP, from another port than the one asked.
	OtherPort bool
	// Close closes the connection, over TCP, behind it.
	Close bool
	// Drip sends it, over TCP, octet by octet with this pause before each.
	Drip time.Duration
}

// Server is a running server. Close ends it.
type Server struct {
	config  Config
	zones   *zone.Set
	faults  map[string]*fault
	udp     *net.UDPConn
	tcp     net.Listener
	running sync.WaitGroup
	done    chan struct{}

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
	zones, err := zone.NewSet(config.Zones...)
	if err != nil {
		return nil, fmt.Errorf("dnstest: %w", err)
	}
	faults, err := readFaults(config.Zones)
	if err != nil {
		return nil, fmt.Errorf("dnstest: %w", err)
	}
	s := &Server{config: config, zones: zones, faults: faults, done: make(chan struct{}), conns: make(map[net.Conn]bool)}
	if err := s.listen(); err != nil {
		return nil, fmt.Errorf("dnstest: %w", err)
	}
	s.running.Go(s.serveUDP)
	s.running.Go(s.serveTCP)
	return s, nil
}

// Addr returns the address, such as "127.0.0.1:5353".
func (s *Server) Addr() string { return s.udp.LocalAddr().String() }

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
	for conn := range conns {
		_ = conn.Close()
	}
	s.running.Wait()
}

// listen finds a port that is free for both transports.
func (s *Server) listen() error {
	const tries = 20
	var err error
	for range tries {
		if s.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		port := s.tcp.Addr().(*net.TCPAddr).Port
		if s.udp, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
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

func (s *Server) serveTCP() {
	for {
		conn, err := s.tcp.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && s.keep(conn) {
			s.running.Go(func() { s.serveConn(conn) })
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

func (s *Server) serveConn(conn net.Conn) {
	send := s.sendTCP(conn)
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
		s.serve(wire, TCP, from, send)
	}
	_ = conn.Close()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}

// sendTCP returns how replies are sent over a connection. One that the client
// has closed is no error.
func (s *Server) sendTCP(conn net.Conn) func(Reply) {
	var mu sync.Mutex
	return func(r Reply) {
		mu.Lock()
		defer mu.Unlock()
		if r.Wire != nil {
			framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(r.Wire))), r.Wire...)
			s.write(conn, framed, r.Drip)
		}
		if r.Close {
			_ = conn.Close()
		}
	}
}

// write sends octets over a connection, with a pause before each where one is wanted.
func (s *Server) write(conn net.Conn, octets []byte, pause time.Duration) {
	if pause == 0 {
		_, _ = conn.Write(octets)
		return
	}
	for _, octet := range octets {
		select {
		case <-time.After(pause):
		case <-s.done:
			return
		}
		if _, err := conn.Write([]byte{octet}); err != nil {
			return
		}
	}
}

// serve answers one message. What is no query with one question gets no reply.
func (s *Server) serve(wire []byte, transport Transport, from netip.AddrPort, send func(Reply)) {
	q, ok := s.parse(wire, transport, from)
	if !ok {
		return
	}
	s.remember(q)
	if s.config.Handle == nil {
		s.deliver(q.Replies(), send)
		return
	}
	s.running.Go(func() { s.deliver(s.config.Handle(q), send) })
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

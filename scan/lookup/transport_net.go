package lookup

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// netTransport asks recursive resolvers, over one UDP socket each and, where a
// reply was cut short or not understood, over TCP.
type netTransport struct {
	cfg      *Config
	servers  []*server
	next     int // the server that the next step begins with
	incoming chan arrival
	random   *bufio.Reader
	quit     chan struct{}
	readers  sync.WaitGroup
}

// server is a resolver and what is in flight to it.
type server struct {
	address string
	conn    net.Conn // UDP; nil until it is needed, and after it broke
	flights map[uint16]*flight
}

// flight is one query that is out.
type flight struct {
	step   *step
	server *server
	query  []byte
	tcp    context.CancelFunc // ends the exchange; nil over UDP
}

// arrival is a message, or the end of a connection.
type arrival struct {
	server  *server
	conn    net.Conn // the UDP socket it came from
	flight  *flight  // the TCP exchange it came from
	message []byte
	err     error
	at      time.Time
}

const (
	maxMessage  = 65535   // RFC 1035, section 4.2.2
	socketBytes = 4 << 20 // receive buffer, so that a burst of replies is not lost
	arrivalsCap = 256
)

func newNetTransport(cfg *Config) *netTransport {
	t := &netTransport{
		cfg:      cfg,
		incoming: make(chan arrival, arrivalsCap),
		random:   bufio.NewReader(rand.Reader),
		quit:     make(chan struct{}),
	}
	for _, address := range cfg.Servers {
		t.servers = append(t.servers, &server{address: address.address, flights: make(map[uint16]*flight)})
	}
	return t
}

func (t *netTransport) arrivals() <-chan arrival { return t.incoming }

func (t *netTransport) close() {
	close(t.quit)
	for _, srv := range t.servers {
		if srv.conn != nil {
			srv.conn.Close()
		}
	}
	t.readers.Wait()
}

func (t *netTransport) send(ctx context.Context, s *step) (outcome, bool) {
	srv := t.choose(s)
	id := t.freeID(srv)
	query, err := packQuery(id, s.asked, dns.TypeCAA, s.form)
	if err != nil {
		return t.unsent(s, srv, snapshot.MalformedReply), true
	}
	f := &flight{step: s, server: srv, query: query}
	if s.form.overTCP() {
		t.exchangeTCP(ctx, f)
	} else if err := t.sendUDP(ctx, f); err != nil {
		return t.unsent(s, srv, snapshot.Network), true
	}
	srv.flights[id] = f
	s.flight = f
	return outcome{}, false
}

// choose takes the servers in turn, and another one for every attempt.
func (t *netTransport) choose(s *step) *server {
	if s.tries == 1 {
		s.first = t.next
		t.next = (t.next + 1) % len(t.servers)
	}
	return t.servers[(s.first+s.attempt)%len(t.servers)]
}

// freeID returns an unpredictable ID (RFC 5452, section 9.2) that is not in
// flight to srv.
func (t *netTransport) freeID(srv *server) uint16 {
	for {
		var octets [2]byte
		if _, err := io.ReadFull(t.random, octets[:]); err != nil {
			panic(err) // crypto/rand does not fail
		}
		id := binary.BigEndian.Uint16(octets[:])
		if srv.flights[id] == nil {
			return id
		}
	}
}

func (t *netTransport) unsent(s *step, srv *server, failure snapshot.Failure) outcome {
	return outcome{failure: failure, server: srv.address, transport: transportOf(s.form), at: time.Now()}
}

func transportOf(f form) snapshot.Transport {
	if f.overTCP() {
		return snapshot.TCP
	}
	return snapshot.UDP
}

func (t *netTransport) sendUDP(ctx context.Context, f *flight) error {
	srv := f.server
	if srv.conn == nil {
		conn, err := t.cfg.Dial(ctx, "udp", srv.address)
		if err != nil {
			return err
		}
		if udp, ok := conn.(*net.UDPConn); ok {
			_ = udp.SetReadBuffer(socketBytes) // the system may grant less
		}
		srv.conn = conn
		t.readers.Go(func() { t.read(srv, conn) })
	}
	if _, err := srv.conn.Write(f.query); err == nil {
		return nil
	}
	// A connected socket reports the fate of an earlier datagram on the next
	// call, so the second word counts.
	_, err := srv.conn.Write(f.query)
	return err
}

func (t *netTransport) read(srv *server, conn net.Conn) {
	buffer := make([]byte, maxMessage)
	for {
		n, err := conn.Read(buffer)
		a := arrival{server: srv, conn: conn, message: append([]byte(nil), buffer[:n]...), err: err, at: time.Now()}
		if !t.deliver(a) || err != nil {
			return
		}
	}
}

// deliver reports whether anybody still wants to know.
func (t *netTransport) deliver(a arrival) bool {
	select {
	case t.incoming <- a:
		return true
	case <-t.quit:
		return false
	}
}

func (t *netTransport) receive(a arrival, settle func(*step, outcome)) {
	switch {
	case a.flight != nil:
		t.receiveTCP(a, settle)
	case a.err != nil:
		t.broken(a, settle)
	default:
		t.receiveUDP(a, settle)
	}
}

func (t *netTransport) receiveUDP(a arrival, settle func(*step, outcome)) {
	if len(a.message) < headerSize {
		return
	}
	f := a.server.flights[binary.BigEndian.Uint16(a.message)]
	if f == nil || f.tcp != nil {
		return
	}
	standing := check(a.message, f.query)
	if standing == notOurs {
		return
	}
	t.land(f, readOutcome(a.message, standing), a.at, settle)
}

// broken ends what is in flight over a UDP socket that failed: with ICMP saying
// that nobody listens there, nothing will come.
func (t *netTransport) broken(a arrival, settle func(*step, outcome)) {
	if a.server.conn != a.conn {
		return
	}
	a.conn.Close()
	a.server.conn = nil
	for _, f := range a.server.flights {
		if f.tcp == nil {
			t.land(f, outcome{failure: snapshot.Network}, a.at, settle)
		}
	}
}

func (t *netTransport) receiveTCP(a arrival, settle func(*step, outcome)) {
	if a.flight.step.flight != a.flight {
		return // given up before
	}
	out := outcome{failure: snapshot.Network}
	if a.err == nil {
		out = readOutcome(a.message, check(a.message, a.flight.query))
	}
	t.land(a.flight, out, a.at, settle)
}

// land takes a flight down and settles its step.
func (t *netTransport) land(f *flight, out outcome, at time.Time, settle func(*step, outcome)) {
	out.server, out.transport, out.at = f.server.address, transportOf(f.step.form), at
	t.drop(f)
	settle(f.step, out)
}

func (t *netTransport) drop(f *flight) {
	delete(f.server.flights, binary.BigEndian.Uint16(f.query))
	f.step.flight = nil
	if f.tcp != nil {
		f.tcp()
	}
}

func (t *netTransport) giveUp(s *step) outcome {
	f := s.flight
	t.drop(f)
	return outcome{
		failure: snapshot.Timeout, server: f.server.address, transport: transportOf(s.form), at: time.Now(),
	}
}

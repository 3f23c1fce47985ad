package lookup

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"time"
)

const (
	socketBytes = 4 << 20 // receive buffer, so that a burst of replies is not lost

	// A forger has to guess the port too (RFC 5452, section 9.2), so remote servers
	// are asked from many, which the system chooses by chance, and none is kept for
	// long. On loopback nobody else can send.
	remoteSockets   = 256
	remoteLifetime  = 1000 // queries
	loopbackSockets = 1
)

// pool is the UDP sockets to one server.
type pool struct {
	places []*socket // nil where none has been needed yet
	all    map[*socket]bool
}

// socket is a connected UDP socket and what is in flight over it.
type socket struct {
	up      *upstream
	conn    net.Conn
	flights map[uint16]*flight
	sent    int
	retired bool // it takes no more queries
}

// worn reports whether s has been in use for so long that its port might be known.
func (s *socket) worn() bool { return s.up.remote() && s.sent >= remoteLifetime }

func newPool(up *upstream) *pool {
	size := loopbackSockets
	if up.remote() {
		size = remoteSockets
	}
	return &pool{places: make([]*socket, size), all: make(map[*socket]bool)}
}

// socket returns a socket to send to the server by.
func (t *netTransport) socket(ctx context.Context, up *upstream) (*socket, error) {
	p := t.pools[up]
	if p == nil {
		p = newPool(up)
		t.pools[up] = p
	}
	place := int(randomID(t.random)) % len(p.places)
	if s := p.places[place]; s != nil && !s.worn() {
		return s, nil
	} else if s != nil {
		p.retire(s)
	}
	conn, err := t.cfg.Dial(ctx, "udp", up.server.address)
	if err != nil {
		return nil, err
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(socketBytes) // the system may grant less
	}
	s := &socket{up: up, conn: conn, flights: make(map[uint16]*flight)}
	p.places[place], p.all[s] = s, true
	t.running.Go(func() { t.read(s) })
	return s, nil
}

func (t *netTransport) read(s *socket) {
	buffer := make([]byte, maxMessage)
	for {
		n, err := s.conn.Read(buffer)
		a := arrival{socket: s, message: append([]byte(nil), buffer[:n]...), err: err, at: time.Now()}
		if !t.deliver(a) || err != nil {
			return
		}
	}
}

// adopt gives a query an unpredictable ID (RFC 5452, section 9.2) that is not in
// flight over s.
func (s *socket) adopt(f *flight, random *bufio.Reader) {
	id := randomID(random)
	for s.flights[id] != nil {
		id = randomID(random)
	}
	binary.BigEndian.PutUint16(f.query, id)
	s.flights[id] = f
	s.sent++
}

func randomID(random io.Reader) uint16 {
	var octets [2]byte
	if _, err := io.ReadFull(random, octets[:]); err != nil {
		panic(err) // crypto/rand does not fail
	}
	return binary.BigEndian.Uint16(octets[:])
}

// release takes a flight off its socket, and closes one that has served its time
// once nothing is in flight over it.
func (p *pool) release(f *flight) {
	s := f.socket
	delete(s.flights, binary.BigEndian.Uint16(f.query))
	if s.retired && len(s.flights) == 0 {
		p.forget(s)
	}
}

// retire makes room for another socket in the place of s, which is closed once
// nothing is in flight over it.
func (p *pool) retire(s *socket) {
	s.retired = true
	if i := slices.Index(p.places, s); i >= 0 {
		p.places[i] = nil
	}
	if len(s.flights) == 0 {
		p.forget(s)
	}
}

// forget closes s, and reports whether that had not been done.
func (p *pool) forget(s *socket) bool {
	if !p.all[s] {
		return false
	}
	delete(p.all, s)
	if i := slices.Index(p.places, s); i >= 0 {
		p.places[i] = nil
	}
	s.conn.Close()
	return true
}

func (p *pool) close() {
	for s := range p.all {
		s.conn.Close()
	}
}

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
	socketBytes = 4 << 20 // each buffer of a socket, so that a burst of queries or replies is not lost

	// A forger has to guess the port too (RFC 5452, section 9.2), so remote servers
	// are asked from many, which the system chooses by chance, and none is kept for
	// long. On loopback nobody else can send.
	remoteSockets   = 256
	remoteLifetime  = 1000 // queries
	loopbackSockets = 1
)

// pool is the UDP sockets to one server.
type pool struct {
	places []*socket // nil if none has been needed yet
	all    map[*socket]bool
}

// socket is a connected UDP socket and what is in flight over it.
type socket struct {
	up      *upstream
	conn    datagrams
	flights slots
	outbox  []*flight // to be sent by the next flush
	spare   chan *batch
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
	place := 0
	if len(p.places) > 1 {
		place = int(randomID(t.random)) % len(p.places)
	}
	if s := p.places[place]; s != nil && !s.worn() {
		return s, nil
	} else if s != nil {
		p.retire(s)
	}
	conn, err := t.cfg.Dial(ctx, "udp", up.server.address)
	if err != nil {
		return nil, err
	}
	s := newSocket(up, conn)
	p.places[place], p.all[s] = s, true
	t.running.Go(func() { t.read(s) })
	return s, nil
}

func newSocket(up *upstream, conn net.Conn) *socket {
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(socketBytes) // the system may grant less
		_ = udp.SetWriteBuffer(socketBytes)
	}
	s := &socket{up: up, conn: newDatagrams(conn, !up.remote()), spare: make(chan *batch, 2)}
	for range cap(s.spare) { // one is read into while the other one is looked at
		s.spare <- newBatch(s)
	}
	return s
}

// read brings what a socket receives, many messages at a time.
func (t *netTransport) read(s *socket) {
	for {
		var b *batch
		select {
		case b = <-s.spare:
		case <-t.quit:
			return
		}
		err := b.receive(s.conn)
		if !t.deliver(arrival{socket: s, batch: b, err: err, at: time.Now()}) || err != nil {
			return
		}
	}
}

// slots finds the flight that a query ID belongs to. The low bits of the ID say
// where to look; the table is kept so large that a free place is soon drawn.
type slots struct {
	table []*flight // its length is a power of two
	used  int
}

const (
	leastSlots = 16
	mostSlots  = 1 << 16 // one for each ID
	slotShare  = 4       // of so many places one is used, until there are mostSlots
)

func (s *slots) place(id uint16) **flight { return &s.table[int(id)&(len(s.table)-1)] }

// find returns the flight with an ID, or nil.
func (s *slots) find(id uint16) *flight {
	if s.used == 0 {
		return nil
	}
	if f := *s.place(id); f != nil && f.id() == id {
		return f
	}
	return nil
}

// adopt gives a query an unpredictable ID (RFC 5452, section 9.2) that is not in
// flight, and not the last one's of its step: a late reply to that, which may have
// been asked with CD, must not be one to this.
func (s *slots) adopt(f *flight, random *bufio.Reader, last uint16) {
	if slotShare*s.used >= len(s.table) && len(s.table) < mostSlots {
		s.grow()
	}
	id := randomID(random)
	for id == last || *s.place(id) != nil {
		id = randomID(random)
	}
	binary.BigEndian.PutUint16(f.query, id)
	*s.place(id) = f
	s.used++
}

func (s *slots) grow() {
	old := s.table
	s.table = make([]*flight, max(leastSlots, 2*len(old)))
	for _, f := range old {
		if f != nil {
			*s.place(f.id()) = f // alone there: so it was with fewer bits
		}
	}
}

// free takes a flight out.
func (s *slots) free(f *flight) {
	*s.place(f.id()) = nil
	s.used--
}

// all returns the flights that are in.
func (s *slots) all() []*flight {
	return slices.DeleteFunc(slices.Clone(s.table), func(f *flight) bool { return f == nil })
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
	s.flights.free(f)
	if s.retired && s.flights.used == 0 {
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
	if s.flights.used == 0 {
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

package dnstest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
)

// ProxyConfig says what becomes of the datagrams between clients and a server. The
// words of a fault hold for a name; this holds for the way.
type ProxyConfig struct {
	// Server is the address of any DNS server, such as "127.0.0.1:53".
	Server string
	// Listen is where clients ask; "" means a free port of 127.0.0.1.
	Listen string
	// QueryDelay and ReplyDelay are how long each datagram is on its way. One that
	// is due may have to wait for another millisecond.
	QueryDelay, ReplyDelay time.Duration
	// QueryLoss and ReplyLoss are the shares that get lost, from 0 to 1.
	QueryLoss, ReplyLoss float64
	// Recursive makes the replies of an authority look like those of a resolver: AA
	// clear, RA set.
	Recursive bool
	// Seed decides, each time the same, which queries and which replies those are,
	// counted as they come.
	Seed uint64
}

// Proxy stands between clients and a DNS server, over UDP alone, and delays and loses
// datagrams. Close ends it.
//
// It is quick enough to stand in front of a benchmark: with dnsperf -q 2000 on two
// cores, which dnsperf, NSD and others share, it passes 32,000 queries a second and
// holds each back for 50 ms; without delay 48,000.
type Proxy struct {
	addr             string
	clients, server  packets
	queries, replies *line
	tickets          tickets
	running          sync.WaitGroup
	done             chan struct{}
	closing          sync.Once
}

// Passed is what has come to a Proxy so far: queries, the replies to them, and how
// many of both it has lost.
type Passed struct{ Queries, QueriesLost, Replies, RepliesLost int }

// StartProxy starts a Proxy. It is ready on return; whether there is a server is not
// known before the first query.
func StartProxy(config ProxyConfig) (*Proxy, error) {
	for _, share := range []float64{config.QueryLoss, config.ReplyLoss} {
		if !(share >= 0 && share <= 1) {
			return nil, fmt.Errorf("dnstest: loss %v is not from 0 to 1", share)
		}
	}
	p := &Proxy{done: make(chan struct{})}
	if err := p.open(config); err != nil {
		return nil, fmt.Errorf("dnstest: proxy: %w", err)
	}
	p.queries = newLine(p.done, p.clients, p.server, config.QueryDelay, config.QueryLoss, rand.NewPCG(config.Seed, 0))
	p.replies = newLine(p.done, p.server, p.clients, config.ReplyDelay, config.ReplyLoss, rand.NewPCG(config.Seed, 1))
	p.queries.leaving = p.tickets.issue
	p.replies.coming = p.tickets.redeem
	if config.Recursive {
		p.replies.leaving = recursive
	}
	for _, l := range []*line{p.queries, p.replies} {
		p.running.Go(l.take)
		p.running.Go(l.release)
	}
	return p, nil
}

// recursive makes a reply look like that of a resolver.
func recursive(d *datagram) {
	flags := binary.BigEndian.Uint16(d.octets[flagsAt:])
	binary.BigEndian.PutUint16(d.octets[flagsAt:], flags&^flagAA|flagRA)
}

// open opens both sockets, or none.
func (p *Proxy) open(config ProxyConfig) error {
	listen, err := net.ResolveUDPAddr("udp", cmp.Or(config.Listen, anyPort))
	if err != nil {
		return err
	}
	to, err := net.ResolveUDPAddr("udp", config.Server)
	if err != nil {
		return err
	}
	clients, err := net.ListenUDP("udp", listen)
	if err != nil {
		return err
	}
	server, err := net.DialUDP("udp", nil, to)
	if err != nil {
		_ = clients.Close()
		return err
	}
	p.addr = clients.LocalAddr().String()
	p.clients, p.server = roomy(clients), roomy(server)
	return nil
}

// roomy gives a socket room for thousands of datagrams; the system may grant less.
func roomy(conn *net.UDPConn) packets {
	const room = 4 << 20
	_ = conn.SetReadBuffer(room)
	_ = conn.SetWriteBuffer(room)
	return newPackets(conn)
}

// Addr returns the address that clients ask, such as "127.0.0.1:5353".
func (p *Proxy) Addr() string { return p.addr }

// Passed may be called at any time.
func (p *Proxy) Passed() Passed {
	return Passed{
		int(p.queries.came.Load()), int(p.queries.lost.Load()),
		int(p.replies.came.Load()), int(p.replies.lost.Load()),
	}
}

// Close ends the Proxy, and what it holds back with it.
func (p *Proxy) Close() {
	p.closing.Do(func() {
		close(p.done)
		_ = p.clients.Close()
		_ = p.server.Close()
	})
	p.running.Wait()
}

// packets is a socket that reads and writes several datagrams with one system call,
// if the system has one for that.
type packets interface {
	// ReadBatch waits for a datagram, fills in those that are there, and says how many.
	ReadBatch(messages []ipv4.Message, flags int) (int, error)
	// WriteBatch sends the first of the messages, and says how many.
	WriteBatch(messages []ipv4.Message, flags int) (int, error)
	// Close wakes up whoever reads.
	Close() error
}

// datagram is on its way. On the way back client is where to.
type datagram struct {
	octets []byte
	client net.Addr
	due    time.Time
}

func (d *datagram) id() uint16 { return binary.BigEndian.Uint16(d.octets) }

func (d *datagram) setID(id uint16) { binary.BigEndian.PutUint16(d.octets, id) }

// line is one way. One goroutine takes datagrams in, another lets them go: as all are
// held back for the same time, the first to come is the first to go, and there is one
// timer for all.
type line struct {
	from, to packets
	delay    time.Duration
	loss     float64
	random   *rand.Rand
	// coming, unless it is nil, reports whether a datagram is wanted, before it is
	// held back; leaving is told of it before it goes.
	coming  func(*datagram) bool
	leaving func(*datagram)

	came, lost atomic.Int64
	memory     sync.Pool // of datagrams that have gone
	outgoing   []ipv4.Message
	arrived    chan struct{} // after there was nothing to wait for
	done       <-chan struct{}

	mu   sync.Mutex // guards what follows
	held []*datagram
}

// atOnce is how many datagrams are read and written with one system call.
const atOnce = 128

func newLine(done <-chan struct{}, from, to packets, delay time.Duration, loss float64, source rand.Source) *line {
	l := &line{
		from: from, to: to, delay: delay, loss: loss, random: rand.New(source),
		memory: sync.Pool{New: func() any { return new(datagram) }}, outgoing: make([]ipv4.Message, atOnce),
		arrived: make(chan struct{}, 1), done: done,
	}
	for i := range l.outgoing {
		l.outgoing[i].Buffers = make([][]byte, 1)
	}
	return l
}

// If much comes, it is left to gather for a while: to wake up for one datagram
// costs as much as for a hundred.
const (
	much       = 8
	gatherTime = 200 * time.Microsecond
)

// take takes in what comes until the proxy is closed.
func (l *line) take() {
	const largest = 1 << 16
	incoming := make([]ipv4.Message, atOnce)
	for i := range incoming {
		incoming[i].Buffers = [][]byte{make([]byte, largest)}
	}
	var batch []*datagram
	for {
		n, err := l.from.ReadBatch(incoming, waitForOne)
		select {
		case <-l.done:
			return
		default:
		}
		if err != nil {
			continue // the word of ICMP that nobody listens
		}
		due := time.Now().Add(l.delay)
		batch = batch[:0]
		for _, message := range incoming[:n] {
			if d := l.admit(message); d != nil {
				d.due = due
				batch = append(batch, d)
			}
		}
		l.hold(batch)
		if n >= much {
			time.Sleep(gatherTime)
		}
	}
}

// admit returns what of a message goes on, or nil if it is lost or none.
func (l *line) admit(message ipv4.Message) *datagram {
	if message.N < headerSize {
		return nil
	}
	d := l.memory.Get().(*datagram)
	d.octets = append(d.octets[:0], message.Buffers[0][:message.N]...)
	d.client = message.Addr
	if l.coming != nil && !l.coming(d) {
		l.memory.Put(d)
		return nil
	}
	l.came.Add(1)
	if l.random.Float64() < l.loss {
		l.lost.Add(1)
		l.memory.Put(d)
		return nil
	}
	return d
}

// hold keeps datagrams until they are due, or sends them on if there is no delay.
func (l *line) hold(batch []*datagram) {
	if len(batch) == 0 {
		return
	}
	if l.delay <= 0 {
		l.send(batch)
		return
	}
	l.mu.Lock()
	first := len(l.held) == 0
	l.held = append(l.held, batch...)
	l.mu.Unlock()
	if !first {
		return
	}
	select {
	case l.arrived <- struct{}{}:
	default:
	}
}

// release sends what is due, until the proxy is closed.
func (l *line) release() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	batch := make([]*datagram, 0, atOnce)
	for {
		var pause time.Duration
		if batch, pause = l.ripe(batch[:0]); len(batch) > 0 {
			l.send(batch)
			continue
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-l.arrived:
		case <-l.done:
			return
		}
	}
}

// ripe appends what is due to batch, as much as fits, and returns how long nothing
// else is.
func (l *line) ripe(batch []*datagram) ([]*datagram, time.Duration) {
	const never = time.Hour // hold says when something comes
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) == 0 {
		return batch, never
	}
	now := time.Now()
	for len(l.held) > 0 && len(batch) < cap(batch) && !l.held[0].due.After(now) {
		batch = append(batch, l.held[0])
		l.held = l.held[1:]
	}
	if len(l.held) == 0 {
		return batch, never
	}
	return batch, l.held[0].due.Sub(now)
}

// send sends up to atOnce datagrams. One that cannot be sent is left out, as in any
// network.
func (l *line) send(batch []*datagram) {
	for i, d := range batch {
		if l.leaving != nil {
			l.leaving(d)
		}
		l.outgoing[i].Buffers[0], l.outgoing[i].Addr = d.octets, d.client
	}
	for sent := 0; sent < len(batch); {
		n, _ := l.to.WriteBatch(l.outgoing[sent:len(batch)], 0)
		sent += max(n, 1)
	}
	for _, d := range batch {
		l.memory.Put(d)
	}
}

// tickets gives queries IDs of its own, so that one socket does for the queries of
// all clients. A reply that comes after another 65,535 queries have gone finds its
// client no more.
type tickets struct {
	mu   sync.Mutex
	last uint16
	of   [1 << 16]ticket
}

// ticket is what the reply to a query needs.
type ticket struct {
	client net.Addr // nil if no reply is awaited
	id     uint16
}

// issue sends a query out under the next ID.
func (t *tickets) issue(d *datagram) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	t.of[t.last] = ticket{d.client, d.id()}
	d.setID(t.last)
	d.client = nil // the socket knows where to
}

// redeem reports whether a datagram is the reply to a query, and readdresses it.
func (t *tickets) redeem(d *datagram) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := &t.of[d.id()]
	if at.client == nil {
		return false
	}
	d.client = at.client
	d.setID(at.id)
	at.client = nil
	return true
}

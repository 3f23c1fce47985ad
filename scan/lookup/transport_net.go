package lookup

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"golang.org/x/net/ipv4"

	"caascan/scan/snapshot"
)

// netTransport asks recursive resolvers: over UDP sockets, each of which one
// goroutine reads, and over their streams, in one goroutine for each query.
type netTransport struct {
	cfg       *Config
	pools     map[*upstream]*pool
	exchanges map[*flight]context.CancelFunc // that are out over streams
	full      []*socket                      // those with something in their outbox
	outgoing  []ipv4.Message
	spare     []*flight // that were dropped, to be used again
	incoming  chan arrival
	random    *bufio.Reader
	quit      chan struct{}
	running   sync.WaitGroup
}

// flight is one query that is out.
type flight struct {
	step   *step
	up     *upstream
	query  []byte
	memory [maxQuery]byte // of query
	socket *socket        // it left by; nil over a stream
	queued bool           // in the outbox of its socket
	// mismatches counts the messages that looked like a reply to it and were none.
	mismatches int
}

func (f *flight) id() uint16 { return binary.BigEndian.Uint16(f.query) }

// arrival is what a socket has received, or the end of a socket or of an exchange.
type arrival struct {
	socket  *socket // it came by
	batch   *batch
	flight  *flight // whose exchange over a stream it ends
	message []byte  // over a stream
	err     error
	at      time.Time
}

const (
	maxMessage  = 65535 // RFC 1035, section 4.2.2
	arrivalsCap = 256
	// maxMismatches is how many messages that are no reply to a query may look like
	// one, before the query goes over TCP, where they cannot be forged.
	maxMismatches = 16
)

func newNetTransport(cfg *Config) *netTransport {
	return &netTransport{
		cfg:       cfg,
		pools:     make(map[*upstream]*pool),
		exchanges: make(map[*flight]context.CancelFunc),
		outgoing:  newOutgoing(),
		incoming:  make(chan arrival, arrivalsCap),
		random:    bufio.NewReader(rand.Reader),
		quit:      make(chan struct{}),
	}
}

func (t *netTransport) arrivals() <-chan arrival { return t.incoming }

func (t *netTransport) close() {
	close(t.quit)
	for _, p := range t.pools {
		p.close()
	}
	for _, cancel := range t.exchanges {
		cancel()
	}
	t.running.Wait()
}

func (t *netTransport) send(ctx context.Context, s *step, now time.Time) (outcome, bool) {
	f := t.newFlight(s)
	if err := t.pack(f); err != nil {
		return t.attribute(s, outcome{failure: snapshot.MalformedReply}, now), true
	}
	s.flight = f
	if !s.overUDP() {
		t.exchange(ctx, f)
		return outcome{}, false
	}
	socket, err := t.socket(ctx, f.up)
	if err != nil {
		s.flight = nil
		return t.attribute(s, outcome{failure: snapshot.Network}, now), true
	}
	f.socket = socket
	socket.flights.adopt(f, t.random, s.lastID)
	s.lastID = f.id()
	t.enqueue(f)
	return outcome{}, false
}

func (t *netTransport) newFlight(s *step) *flight {
	last := len(t.spare) - 1
	if last < 0 {
		return &flight{step: s, up: s.up}
	}
	f := t.spare[last]
	t.spare = t.spare[:last]
	f.step, f.up = s, s.up
	return f
}

// pack writes the query of a flight, but for its ID over UDP.
func (t *netTransport) pack(f *flight) (err error) {
	s := f.step
	f.query, err = appendQuery(f.memory[:0], s.asked, s.kind(), s.form)
	if err != nil {
		return err
	}
	switch {
	case s.own && s.form.edns():
		setOwn(f.query, s.checking())
	case s.cdCheck == cdAsked:
		setCD(f.query)
	}
	switch {
	case !s.overUDP():
		binary.BigEndian.PutUint16(f.query, randomID(t.random))
	case s.up.remote() && !s.up.shown.foldsCase:
		mixCase(f.query, t.random)
	}
	return nil
}

// resend sends a step's query, which is out over UDP, once more as it was: a second
// ID in flight would give a forger a second chance (RFC 5452, section 5).
func (t *netTransport) resend(s *step) { t.enqueue(s.flight) }

func (t *netTransport) enqueue(f *flight) {
	if f.queued {
		return
	}
	f.queued = true
	if len(f.socket.outbox) == 0 {
		t.full = append(t.full, f.socket)
	}
	f.socket.outbox = append(f.socket.outbox, f)
	f.socket.sent++
}

// flush sends what waits in the outboxes. It calls endTry for each step whose query
// cannot be sent, and reports whether there was one.
func (t *netTransport) flush(now time.Time, endTry func(*step, outcome)) (failed bool) {
	for _, s := range t.full {
		queries := s.outbox
		for len(queries) > 0 {
			sent, err := sendBatch(s.conn, queries, t.outgoing)
			for _, f := range queries[:sent] {
				f.queued = false
			}
			queries = queries[sent:]
			if err != nil {
				f := queries[0]
				queries, failed = queries[1:], true
				f.queued = false
				t.endTry(f, outcome{failure: snapshot.Network}, now, endTry)
			}
		}
		clear(s.outbox)
		s.outbox = s.outbox[:0]
	}
	clear(t.full)
	t.full = t.full[:0]
	return failed
}

// exchange asks over a stream. The engine's deadline, or the end of ctx, cancels it. After
// a truncated reply over UDP there are few such queries, so one that is tried again has a
// connection to itself.
func (t *netTransport) exchange(ctx context.Context, f *flight) {
	ask := f.up.streams.Exchange
	if f.up.overUDP() && f.step.attempt > 0 {
		ask = f.up.streams.ExchangeAlone
	}
	ctx, cancel := context.WithCancel(ctx)
	t.exchanges[f] = cancel
	t.running.Go(func() {
		message, err := ask(ctx, f.query)
		t.deliver(arrival{flight: f, message: message, err: err, at: time.Now()})
	})
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

func (t *netTransport) receive(a arrival, endTry func(*step, outcome)) {
	switch {
	case a.flight != nil:
		t.receiveStream(a, endTry)
	case a.err != nil:
		t.broken(a, endTry)
	default:
		for i := range a.batch.count {
			message, cut := a.batch.at(i)
			t.receiveUDP(a, message, cut, endTry)
		}
		a.batch.gathers = a.socket.flights.used >= muchInFlight && a.batch.count < len(a.batch.messages)
		a.socket.spare <- a.batch
	}
}

func (t *netTransport) receiveUDP(a arrival, message []byte, cut bool, endTry func(*step, outcome)) {
	if len(message) < headerSize {
		return
	}
	f := a.socket.flights.find(binary.BigEndian.Uint16(message))
	standing := notOurs
	if f != nil {
		standing = check(message, f.query)
	}
	switch standing {
	case notOurs:
		t.mismatch(a, message, endTry)
		return
	case otherCase: // by a server that does not keep the case after all, or by a forger
		standing = flooded
	case ours:
		if cut {
			standing = cutShort
		}
	case noQuestion, cutShort, flooded:
	}
	t.endTry(f, f.step.read(message, standing), a.at, endTry)
}

// mismatch counts a message that is no reply against the queries that it looks
// like a reply to. The sockets of servers on loopback, where nobody else can send,
// have too many queries for that.
func (t *netTransport) mismatch(a arrival, message []byte, endTry func(*step, outcome)) {
	if !a.socket.up.remote() {
		return
	}
	for _, f := range a.socket.flights.all() {
		if !sameQuestion(message, f.query) && binary.BigEndian.Uint16(message) != f.id() {
			continue
		}
		if f.mismatches++; f.mismatches > maxMismatches {
			t.endTry(f, readOutcome(message, flooded), a.at, endTry)
		}
	}
}

// broken ends what is in flight over a UDP socket that failed: with ICMP saying
// that nobody listens there, nothing will come.
func (t *netTransport) broken(a arrival, endTry func(*step, outcome)) {
	if !t.pools[a.socket.up].forget(a.socket) {
		return
	}
	for _, f := range a.socket.flights.all() {
		t.endTry(f, outcome{failure: snapshot.Network}, a.at, endTry)
	}
}

func (t *netTransport) receiveStream(a arrival, endTry func(*step, outcome)) {
	if a.flight.step.flight != a.flight {
		return // dropped before
	}
	out := outcome{failure: snapshot.Network}
	if a.err == nil {
		out = a.flight.step.read(a.message, checkStream(a.message, a.flight.query))
	}
	t.endTry(a.flight, out, a.at, endTry)
}

// endTry drops a flight and ends the try that it was sent for.
func (t *netTransport) endTry(f *flight, out outcome, at time.Time, endTry func(*step, outcome)) {
	s := f.step
	t.drop(f)
	endTry(s, t.attribute(s, out, at))
}

// drop makes a query one that nobody waits for: what answers it is nobody's reply.
func (t *netTransport) drop(f *flight) {
	f.step.flight = nil
	if f.socket != nil {
		t.pools[f.up].release(f)
		t.reuse(f)
		return
	}
	if cancel := t.exchanges[f]; cancel != nil {
		cancel()
		delete(t.exchanges, f)
	}
}

// reuse keeps a flight over UDP, which nobody knows any more, for another query.
func (t *netTransport) reuse(f *flight) {
	f.step, f.up, f.socket, f.mismatches = nil, nil, nil, 0
	t.spare = append(t.spare, f)
}

// attribute says by which server, and how, a try ended.
func (t *netTransport) attribute(s *step, out outcome, at time.Time) outcome {
	out.server, out.transport, out.at = s.up.name, s.up.transport(s.form), at
	out.believed = s.up.believed(t.cfg) && s.form.edns()
	out.reply.ad = out.reply.ad && s.form.edns()
	return out
}

func (t *netTransport) timeOut(s *step, now time.Time) outcome {
	t.drop(s.flight)
	return t.attribute(s, outcome{failure: snapshot.Timeout}, now)
}

package lookup

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// netTransport asks recursive resolvers: over UDP sockets, each of which one
// goroutine reads, and over their streams, in one goroutine for each query.
type netTransport struct {
	cfg       *Config
	pools     map[*upstream]*pool
	exchanges map[*flight]context.CancelFunc // that are out over streams
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
	socket *socket // it left by; nil over a stream
	// mismatches counts the messages that looked like a reply to it and were none.
	mismatches int
}

// arrival is a message, or the end of a socket or of an exchange.
type arrival struct {
	socket  *socket // it came by
	flight  *flight // whose exchange over a stream it ends
	message []byte
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

func (t *netTransport) send(ctx context.Context, s *step) (outcome, bool) {
	query, err := t.pack(s)
	if err != nil {
		return t.ended(s, outcome{failure: snapshot.MalformedReply}, time.Now()), true
	}
	f := &flight{step: s, up: s.up, query: query}
	s.flight = f
	if !s.up.overUDP() || s.form.overTCP() {
		t.exchange(ctx, f)
		return outcome{}, false
	}
	if err := t.sendUDP(ctx, f); err != nil {
		t.drop(f)
		return t.ended(s, outcome{failure: snapshot.Network}, time.Now()), true
	}
	return outcome{}, false
}

// pack returns the query of a step, but for its ID.
func (t *netTransport) pack(s *step) ([]byte, error) {
	query, err := packQuery(randomID(t.random), s.asked, dns.TypeCAA, s.form)
	if err != nil {
		return nil, err
	}
	if s.dance == withCD {
		setCD(query)
	}
	if s.up.remote() && !s.up.shown.foldsCase && !s.form.overTCP() {
		mixCase(query, t.random)
	}
	return query, nil
}

func (t *netTransport) sendUDP(ctx context.Context, f *flight) error {
	socket, err := t.socket(ctx, f.up)
	if err != nil {
		return err
	}
	f.socket = socket
	socket.adopt(f, t.random)
	if _, err = socket.conn.Write(f.query); err == nil {
		return nil
	}
	// A connected socket reports the fate of an earlier datagram on the next
	// call, so the second word counts.
	_, err = socket.conn.Write(f.query)
	return err
}

// exchange asks over a stream. The engine's deadline, or the end of ctx, cancels
// it.
func (t *netTransport) exchange(ctx context.Context, f *flight) {
	ctx, cancel := context.WithCancel(ctx)
	t.exchanges[f] = cancel
	t.running.Go(func() {
		message, err := f.up.streams.exchange(ctx, f.query)
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

func (t *netTransport) receive(a arrival, settle func(*step, outcome)) {
	switch {
	case a.flight != nil:
		t.receiveStream(a, settle)
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
	f := a.socket.flights[binary.BigEndian.Uint16(a.message)]
	standing := notOurs
	if f != nil {
		standing = check(a.message, f.query)
	}
	switch standing {
	case notOurs:
		t.mismatch(a, settle)
		return
	case otherCase: // by a server that does not keep the case after all, or by a forger
		standing = flooded
	case ours, noQuestion, cutShort, flooded:
	}
	t.land(f, readOutcome(a.message, standing), a.at, settle)
}

// mismatch counts a message that is no reply against the queries that it looks
// like a reply to. The sockets of servers on loopback, where nobody else can send,
// have too many queries for that.
func (t *netTransport) mismatch(a arrival, settle func(*step, outcome)) {
	if !a.socket.up.remote() {
		return
	}
	for _, f := range a.socket.flights {
		if !sameQuestion(a.message, f.query) && binary.BigEndian.Uint16(a.message) != binary.BigEndian.Uint16(f.query) {
			continue
		}
		if f.mismatches++; f.mismatches > maxMismatches {
			t.land(f, readOutcome(a.message, flooded), a.at, settle)
		}
	}
}

// broken ends what is in flight over a UDP socket that failed: with ICMP saying
// that nobody listens there, nothing will come.
func (t *netTransport) broken(a arrival, settle func(*step, outcome)) {
	if !t.pools[a.socket.up].forget(a.socket) {
		return
	}
	for _, f := range a.socket.flights {
		t.land(f, outcome{failure: snapshot.Network}, a.at, settle)
	}
}

func (t *netTransport) receiveStream(a arrival, settle func(*step, outcome)) {
	if a.flight.step.flight != a.flight {
		return // given up before
	}
	out := outcome{failure: snapshot.Network}
	if a.err == nil {
		out = readOutcome(a.message, checkStream(a.message, a.flight.query))
	}
	t.land(a.flight, out, a.at, settle)
}

// land takes a flight down and settles its step.
func (t *netTransport) land(f *flight, out outcome, at time.Time, settle func(*step, outcome)) {
	t.drop(f)
	settle(f.step, t.ended(f.step, out, at))
}

func (t *netTransport) drop(f *flight) {
	f.step.flight = nil
	if f.socket != nil {
		t.pools[f.up].release(f)
	}
	if cancel := t.exchanges[f]; cancel != nil {
		cancel()
		delete(t.exchanges, f)
	}
}

// ended says by which server, and how, a try ended.
func (t *netTransport) ended(s *step, out outcome, at time.Time) outcome {
	out.server, out.transport, out.at = s.up.name, s.up.transport(s.form), at
	out.believed = s.up.believed(t.cfg) && s.form.edns()
	out.reply.ad = out.reply.ad && s.form.edns()
	return out
}

func (t *netTransport) giveUp(s *step) outcome {
	t.drop(s.flight)
	return t.ended(s, outcome{failure: snapshot.Timeout}, time.Now())
}

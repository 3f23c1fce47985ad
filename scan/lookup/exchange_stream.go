package lookup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// exchanger asks one server over connections that are kept and shared.
type exchanger interface {
	// exchange sends a query and returns the message that answers it, one that is
	// not notOurs. It ends with ctx.
	exchange(ctx context.Context, query []byte) ([]byte, error)
	// exchangeAlone is exchange over a connection that no other query shares, where that
	// can make a difference: a reply that comes octet by octet holds up all others.
	exchangeAlone(ctx context.Context, query []byte) ([]byte, error)
	// hangUp closes the connections, which ends the exchanges over them, and returns
	// when no goroutine is left. Later exchanges dial anew.
	hangUp()
}

// streamClient is an exchanger over TCP (RFC 7766) or TLS (RFC 7858): queries go out
// without waiting for replies, which may come in any order.
type streamClient struct {
	dial func(ctx context.Context) (net.Conn, error)

	mu      sync.Mutex // guards what follows; taken before that of a stream
	streams []*stream
}

// Bounds on a connection.
const (
	maxPipelined = 64 // queries that wait for replies over one connection
	idleTime     = 10 * time.Second
)

var (
	// errBroken says that a connection ended between messages, so that nothing of a
	// reply to what still waits has come.
	errBroken = errors.New("connection closed")
	errHungUp = errors.New("hung up")
)

func newStreamClient(dial func(ctx context.Context) (net.Conn, error)) *streamClient {
	return &streamClient{dial: dial}
}

// dialTLS returns a dial function for a server over TLS, whose certificate must be
// for the server's name. It offers no ALPN: RFC 7858 asks for none, and a server that
// has protocols of its own, but not "dot", would refuse the handshake (RFC 7301,
// section 3.2).
func dialTLS(dial func(ctx context.Context, network, address string) (net.Conn, error), server Server, roots *x509.CertPool) func(context.Context) (net.Conn, error) {
	config := &tls.Config{
		ServerName: server.name, RootCAs: roots, MinVersion: tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx, "tcp", server.address)
		if err != nil {
			return nil, err
		}
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("TLS with %s: %w", server.address, err)
		}
		return secured, nil
	}
}

func (c *streamClient) exchange(ctx context.Context, query []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("query not sent: %w", err)
	}
	a, shared := c.book(ctx, query)
	message, err := a.wait(ctx)
	if !shared || !errors.Is(err, errBroken) {
		return message, err
	}
	// A server may close a connection at any time, and what it has not answered is
	// to be asked again (RFC 7766, section 6.2.4).
	return c.bookFresh(ctx, query).wait(ctx)
}

func (c *streamClient) exchangeAlone(ctx context.Context, query []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("query not sent: %w", err)
	}
	a := c.bookFresh(ctx, query)
	a.stream.takeNoMore()
	return a.wait(ctx)
}

func (c *streamClient) hangUp() {
	c.mu.Lock()
	streams := slices.Clone(c.streams)
	c.mu.Unlock()
	for _, s := range streams {
		s.hangUp(errHungUp)
	}
	for _, s := range streams {
		<-s.gone
	}
}

// book books a query on a connection, and reports whether that was opened for
// another one.
func (c *streamClient) book(ctx context.Context, query []byte) (a *asking, shared bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		if a := s.book(query); a != nil {
			return a, true
		}
	}
	return c.open(ctx, query), false
}

func (c *streamClient) bookFresh(ctx context.Context, query []byte) *asking {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open(ctx, query)
}

// open opens a connection with a query booked on it. Others may share it, so that it
// does not end with ctx, but when nobody waits for it any more.
func (c *streamClient) open(ctx context.Context, query []byte) *asking {
	ctx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	s := newStream(giveUp)
	a := s.book(query)
	c.streams = append(c.streams, s)
	go func() {
		s.run(ctx, c.dial)
		c.forget(s)
	}()
	return a
}

func (c *streamClient) forget(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams = slices.DeleteFunc(c.streams, func(other *stream) bool { return other == s })
	close(s.gone)
}

// stream is one connection, on which queries can be booked before it stands.
type stream struct {
	queue  chan *asking       // to be sent
	ended  chan struct{}      // closed when nothing can be received any more
	gone   chan struct{}      // closed when its goroutines have ended
	giveUp context.CancelFunc // ends the dialing

	mu       sync.Mutex         // guards what follows
	conn     net.Conn           // nil while it is dialed
	waiting  map[uint16]*asking // for replies, by ID
	present  int                // of those that wait, how many have not left
	answered int                // queries
	closing  bool               // no more queries are booked
	cause    error              // of its end
}

// asking is a query that waits for its reply. One that has left is still out there,
// so that its ID must not be used for another (RFC 7766, section 6.2.1).
type asking struct {
	stream *stream
	query  []byte
	result chan result // receives one
	left   bool
	sent   bool
	before int // answered by then
}

type result struct {
	message []byte
	err     error
}

func newStream(giveUp context.CancelFunc) *stream {
	return &stream{
		queue:   make(chan *asking, maxPipelined),
		ended:   make(chan struct{}),
		gone:    make(chan struct{}),
		giveUp:  giveUp,
		waiting: make(map[uint16]*asking),
	}
}

// book returns nil where there is no room, or where the query's ID is in use.
func (s *stream) book(query []byte) *asking {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := binary.BigEndian.Uint16(query)
	if s.closing || len(s.waiting) >= maxPipelined || s.waiting[id] != nil {
		return nil
	}
	// The caller may do with its query what it likes after it has left.
	a := &asking{stream: s, query: slices.Clone(query), result: make(chan result, 1)}
	select {
	case s.queue <- a:
	default: // replies came before their queries were sent
		return nil
	}
	s.waiting[id] = a
	if s.present++; s.present == 1 && s.conn != nil {
		_ = s.conn.SetReadDeadline(time.Time{}) // a broken connection shows when it is read
	}
	return a
}

// takeNoMore lets no more queries be booked.
func (s *stream) takeNoMore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
}

// wait returns the reply, or an error when the connection or ctx ends before it comes.
func (a *asking) wait(ctx context.Context) ([]byte, error) {
	select {
	case r := <-a.result:
		return r.message, r.err
	case <-ctx.Done():
		a.stream.abandon(a)
		return nil, fmt.Errorf("waiting for a reply over a connection: %w", ctx.Err())
	}
}

// abandon leaves a query to itself. Where the connection has answered none since it
// was sent, no more are booked: the server may hang, or drip octet by octet.
func (s *stream) abandon(a *asking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[binary.BigEndian.Uint16(a.query)] != a {
		return // it was answered just now
	}
	a.left = true
	if !a.sent || s.answered == a.before {
		s.closing = true
	}
	s.leave()
}

// leave takes note that one query less is waited for. With none left, the connection
// is closed: after a while, or at once where it is not to be used again.
func (s *stream) leave() {
	s.present--
	if s.present > 0 {
		return
	}
	if s.closing { // as it is while dialed
		s.shut()
		return
	}
	_ = s.conn.SetReadDeadline(time.Now().Add(idleTime)) // a broken connection shows when it is read
}

// shut makes whatever waits for the connection fail at once. It does not close it,
// for which TLS might have to wait, but its goroutines do then.
func (s *stream) shut() {
	s.closing = true
	s.giveUp()
	if s.conn != nil {
		_ = s.conn.SetDeadline(time.Unix(1, 0)) // fails only where it is closed
	}
}

func (s *stream) hangUp(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		s.cause = cause
	}
	s.shut()
}

// run dials, sends and receives until the connection ends.
func (s *stream) run(ctx context.Context, dial func(context.Context) (net.Conn, error)) {
	defer s.giveUp()
	conn, err := dial(ctx)
	if err != nil {
		s.end(fmt.Errorf("connecting: %w", err))
		return
	}
	defer conn.Close()
	s.connected(conn)
	var reading sync.WaitGroup
	reading.Go(func() {
		s.end(fmt.Errorf("connection to %v: %w", conn.RemoteAddr(), s.read(conn)))
	})
	s.write(conn)
	reading.Wait()
}

func (s *stream) connected(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = conn
	if s.closing && s.present == 0 || s.cause != nil {
		s.shut()
	}
}

// end tells all that wait that nothing more will come. That it was hung up counts as
// the cause, but not where a reply has begun to come.
func (s *stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	if s.cause == nil || errors.Is(err, errCutShort) {
		s.cause = err
	}
	for id, a := range s.waiting {
		a.result <- result{err: s.cause}
		delete(s.waiting, id)
	}
	close(s.ended)
}

func (s *stream) write(conn net.Conn) {
	for {
		select {
		case a := <-s.queue:
			s.sending(a)
			if err := writeFramed(conn, a.query); err != nil {
				s.hangUp(fmt.Errorf("sending to %v: %w: %w", conn.RemoteAddr(), errBroken, err))
				return
			}
		case <-s.ended:
			return
		}
	}
}

func (s *stream) sending(a *asking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.sent, a.before = true, s.answered
}

// read hands messages to the queries they answer until the connection ends.
func (s *stream) read(conn net.Conn) error {
	buffered := bufio.NewReader(conn)
	for {
		message, err := readFramed(buffered)
		if err != nil {
			return err
		}
		s.deliver(message)
	}
}

// deliver ignores what answers no query.
func (s *stream) deliver(message []byte) {
	if len(message) < headerSize {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := binary.BigEndian.Uint16(message)
	a := s.waiting[id]
	if a == nil || check(message, a.query) == notOurs {
		return
	}
	delete(s.waiting, id)
	s.answered++
	a.result <- result{message: message}
	if !a.left {
		s.leave()
	}
}

// errCutShort says that a connection ended within a message.
var errCutShort = errors.New("message cut short")

// writeFramed sends a message behind its length, in one piece (RFC 7766, section 8).
func writeFramed(conn io.Writer, message []byte) error {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(message)), uint16(len(message)))
	_, err := conn.Write(append(framed, message...))
	return err
}

// readFramed reads one message behind its length. Memory grows with what has come,
// not with what the other side says will come. The error is an errBroken where
// nothing of a message came.
func readFramed(conn io.Reader) ([]byte, error) {
	var size [2]byte
	if n, err := io.ReadFull(conn, size[:]); n == 0 && err != nil {
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", errCutShort, err)
	}
	var message bytes.Buffer
	if _, err := io.CopyN(&message, conn, int64(binary.BigEndian.Uint16(size[:]))); err != nil {
		return nil, fmt.Errorf("%w: %w", errCutShort, err)
	}
	return message.Bytes(), nil
}

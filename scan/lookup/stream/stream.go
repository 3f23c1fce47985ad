// Package stream asks a DNS server over connections that are kept and shared by many
// queries: over TCP (RFC 7766), TLS (RFC 7858) or HTTPS (RFC 8484).
//
// It packs and reads no DNS messages: it is given queries, and a function that says
// whether a message is a reply to one. Of a query it uses the ID, in the first two
// octets. It never waits longer than the context it is given, except that a connection
// is closed after 10 s in which nothing was asked over it. Retries, other than of a
// query on a connection that the server closed, are the caller's.
package stream

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

// Config is what the clients of all transports are given.
type Config struct {
	// Dial opens connections as net.Dialer.DialContext does; network is "tcp".
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// IsReply reports whether a message is a reply to a query (RFC 5452, section 9.1).
	// The message may be anything, of any length. Several goroutines call it at once.
	IsReply func(message, query []byte) bool
	// Roots are what the certificates of servers over TLS and HTTPS are verified by;
	// nil means those of the system.
	Roots *x509.CertPool
}

// Client asks one server over TCP (RFC 7766) or TLS (RFC 7858): queries go out
// without waiting for replies, which may come in any order.
type Client struct {
	dial    func(ctx context.Context) (net.Conn, error)
	isReply func(message, query []byte) bool

	mu      sync.Mutex // guards what follows; taken before that of a stream
	streams []*stream
}

const (
	headerSize = 12    // octets of the header of a message (RFC 1035, section 4.1.1)
	maxMessage = 65535 // octets of a message (RFC 1035, section 4.2.2)
)

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

// NewTCP returns a client of a server over TCP at an address, which is a host and a
// port. It connects when it is first asked something.
func NewTCP(cfg Config, address string) *Client {
	return newClient(cfg, func(ctx context.Context) (net.Conn, error) { return cfg.Dial(ctx, "tcp", address) })
}

// NewTLS returns a client of a server over TLS 1.2 or later at an address, which is a
// host and a port. The server's certificate must be for name, a host name or an IP
// address (RFC 8310, section 8.1). The client connects when it is first asked
// something.
func NewTLS(cfg Config, address, name string) *Client {
	return newClient(cfg, dialTLS(cfg, address, name))
}

func newClient(cfg Config, dial func(ctx context.Context) (net.Conn, error)) *Client {
	return &Client{dial: dial, isReply: cfg.IsReply}
}

// dialTLS offers no ALPN: RFC 7858 asks for none, and a server that has protocols of
// its own, but not "dot", would refuse the handshake (RFC 7301, section 3.2).
func dialTLS(cfg Config, address, name string) func(context.Context) (net.Conn, error) {
	config := &tls.Config{
		ServerName: name, RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := cfg.Dial(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("TLS with %s: %w", address, err)
		}
		return secured, nil
	}
}

// Exchange sends a query and returns the message that answers it. It ends with ctx.
// A query whose connection is closed before any of its reply has come is sent once
// more, over a new connection; every other end of a connection is an error.
func (c *Client) Exchange(ctx context.Context, query []byte) ([]byte, error) {
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

// ExchangeAlone is Exchange over a connection that no other query shares: a reply that
// comes octet by octet holds up all others. It is not sent a second time.
func (c *Client) ExchangeAlone(ctx context.Context, query []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("query not sent: %w", err)
	}
	a := c.bookFresh(ctx, query)
	a.stream.takeNoMore()
	return a.wait(ctx)
}

// HangUp closes the connections, which ends the exchanges over them with an error, and
// returns when no goroutine is left. Later exchanges dial anew.
func (c *Client) HangUp() {
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

// book books a query on a connection, and reports whether the connection was opened for
// another query.
func (c *Client) book(ctx context.Context, query []byte) (a *asking, shared bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		if a := s.book(query); a != nil {
			return a, true
		}
	}
	return c.open(ctx, query), false
}

func (c *Client) bookFresh(ctx context.Context, query []byte) *asking {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open(ctx, query)
}

// open opens a connection with a query booked on it. Others may share it, so it does not
// end with ctx, but when nobody waits for it any more.
func (c *Client) open(ctx context.Context, query []byte) *asking {
	ctx, cancelDial := context.WithCancel(context.WithoutCancel(ctx))
	s := newStream(c.isReply, cancelDial)
	a := s.book(query)
	c.streams = append(c.streams, s)
	go func() {
		s.run(ctx, c.dial)
		c.forget(s)
	}()
	return a
}

func (c *Client) forget(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams = slices.DeleteFunc(c.streams, func(other *stream) bool { return other == s })
	close(s.gone)
}

// stream is one connection, on which queries can be booked before it is open.
type stream struct {
	queue      chan *asking  // to be sent
	ended      chan struct{} // closed when nothing can be received any more
	gone       chan struct{} // closed when its goroutines have ended
	cancelDial context.CancelFunc

	isReply func(message, query []byte) bool

	mu       sync.Mutex         // guards what follows
	conn     net.Conn           // nil while it is dialed
	waiting  map[uint16]*asking // for replies, by ID
	present  int                // of those that wait, how many were not dropped
	answered int                // queries
	closing  bool               // no more queries are booked
	cause    error              // of its end
}

// asking is a query that waits for its reply. One that was dropped may still be answered,
// so its ID must not be used for another query (RFC 7766, section 6.2.1).
type asking struct {
	stream  *stream
	query   []byte
	result  chan result // receives one
	dropped bool
	sent    bool
	before  int // answered by then
}

type result struct {
	message []byte
	err     error
}

func newStream(isReply func(message, query []byte) bool, cancelDial context.CancelFunc) *stream {
	return &stream{
		queue:      make(chan *asking, maxPipelined),
		ended:      make(chan struct{}),
		gone:       make(chan struct{}),
		cancelDial: cancelDial,
		isReply:    isReply,
		waiting:    make(map[uint16]*asking),
	}
}

// book returns nil if there is no room, or if the query's ID is in use.
func (s *stream) book(query []byte) *asking {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := binary.BigEndian.Uint16(query)
	if s.closing || len(s.waiting) >= maxPipelined || s.waiting[id] != nil {
		return nil
	}
	// The caller may do with its query what it likes after it was dropped.
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
		a.stream.drop(a)
		return nil, fmt.Errorf("waiting for a reply over a connection: %w", ctx.Err())
	}
}

// drop makes a query one that nobody waits for. If the connection has answered none since
// it was sent, no more are booked: the server may hang, or drip octet by octet.
func (s *stream) drop(a *asking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[binary.BigEndian.Uint16(a.query)] != a {
		return // it was answered just now
	}
	a.dropped = true
	if !a.sent || s.answered == a.before {
		s.closing = true
	}
	s.leave()
}

// leave notes that one query less is waited for. If none is left the connection is
// closed: after idleTime, or at once if it is not to be used again.
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

// shut makes whatever waits for the connection fail at once. It does not close the
// connection, for which TLS might have to wait; its goroutines do that when they fail.
func (s *stream) shut() {
	s.closing = true
	s.cancelDial()
	if s.conn != nil {
		_ = s.conn.SetDeadline(time.Unix(1, 0)) // fails only if it is closed
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
	defer s.cancelDial()
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
// the cause, but not if a reply has begun to come.
//
// A connection ends in this order: drop and leave for each query, shut when no query is
// left or the client hangs up, end when nothing can be received any more.
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
	if a == nil || !s.isReply(message, a.query) {
		return
	}
	delete(s.waiting, id)
	s.answered++
	a.result <- result{message: message}
	if !a.dropped {
		s.leave()
	}
}

// errCutShort says that a connection ended within a message.
var errCutShort = errors.New("message cut short")

// writeFramed sends the length of a message and the message in one piece (RFC 7766,
// section 8).
func writeFramed(conn io.Writer, message []byte) error {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(message)), uint16(len(message)))
	_, err := conn.Write(append(framed, message...))
	return err
}

// readFramed reads a length and a message of that length. Memory grows with what has come,
// not with what the other side says will come. The error is an errBroken if nothing of
// a message came.
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

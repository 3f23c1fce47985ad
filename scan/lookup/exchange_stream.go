package lookup

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// exchanger asks one server over connections that are kept and shared.
type exchanger interface {
	// exchange sends a query and returns the message that answers it, one that is
	// not notOurs. It ends with ctx.
	exchange(ctx context.Context, query []byte) ([]byte, error)
	// hangUp closes the connections and returns when no goroutine is left. Later
	// exchanges dial anew.
	hangUp()
}

// streamClient is an exchanger over TCP (RFC 7766) or TLS (RFC 7858): queries go out
// without waiting for replies, which may come in any order.
type streamClient struct {
	dial    func(ctx context.Context) (net.Conn, error)
	readers sync.WaitGroup

	mu    sync.Mutex // guards what follows
	conns []*stream
}

// Bounds on a connection.
const (
	maxPipelined = 64 // queries that wait for replies over one connection
	idleTime     = 10 * time.Second
)

func newStreamClient(dial func(ctx context.Context) (net.Conn, error)) *streamClient {
	return &streamClient{dial: dial}
}

// dialTLS returns a dial function for a server over TLS, whose certificate must be
// for the server's name.
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

// errBroken says that a connection ended before a reply came.
var errBroken = errors.New("the connection broke off")

func (c *streamClient) exchange(ctx context.Context, query []byte) ([]byte, error) {
	s, reused, err := c.stream(ctx, query)
	if err != nil {
		return nil, err
	}
	message, err := s.ask(ctx, query)
	if !reused || !errors.Is(err, errBroken) {
		return message, err
	}
	// A server may close a connection at any time (RFC 7766, section 6.2.4), so that
	// an old one says nothing of it.
	if s, err = c.open(ctx, query); err != nil {
		return nil, err
	}
	return s.ask(ctx, query)
}

func (c *streamClient) hangUp() {
	c.mu.Lock()
	conns := c.conns
	c.conns = nil
	c.mu.Unlock()
	for _, s := range conns {
		s.conn.Close()
	}
	c.readers.Wait()
}

// stream returns a connection on which the query is booked, and whether it had been
// in use before.
func (c *streamClient) stream(ctx context.Context, query []byte) (s *stream, reused bool, err error) {
	c.mu.Lock()
	for _, s := range c.conns {
		if s.book(query) {
			c.mu.Unlock()
			return s, true, nil
		}
	}
	c.mu.Unlock()
	s, err = c.open(ctx, query)
	return s, false, err
}

// open returns a new connection on which the query is booked.
func (c *streamClient) open(ctx context.Context, query []byte) (*stream, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	s := &stream{conn: conn, waiting: make(map[uint16]*asking)}
	s.idle = time.AfterFunc(idleTime, func() { conn.Close() })
	s.book(query)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, s)
	c.readers.Go(func() {
		s.read()
		c.forget(s)
	})
	return s, nil
}

func (c *streamClient) forget(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.conns {
		if c.conns[i] == s {
			c.conns = append(c.conns[:i:i], c.conns[i+1:]...)
			return
		}
	}
}

// stream is one connection.
type stream struct {
	conn    net.Conn
	writing sync.Mutex // one message at a time

	mu       sync.Mutex // guards what follows
	waiting  map[uint16]*asking
	received int  // messages
	closing  bool // no more queries are booked
	idle     *time.Timer
}

// asking is a query that waits for its reply.
type asking struct {
	query []byte
	reply chan []byte // receives one message, or is closed
	since int         // messages that had been received before
}

// book reserves the query's ID on the connection, if there is room and the ID is
// free.
func (s *stream) book(query []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := binary.BigEndian.Uint16(query)
	if s.closing || len(s.waiting) >= maxPipelined || s.waiting[id] != nil {
		return false
	}
	s.waiting[id] = &asking{query: query, reply: make(chan []byte, 1), since: s.received}
	s.idle.Stop()
	return true
}

// ask sends a query that is booked and waits for its reply.
func (s *stream) ask(ctx context.Context, query []byte) ([]byte, error) {
	id := binary.BigEndian.Uint16(query)
	s.mu.Lock()
	a := s.waiting[id]
	s.mu.Unlock()
	if a == nil || !bytes.Equal(a.query, query) {
		return nil, errBroken // it ended before the query could be sent
	}
	defer s.leave(id)
	if err := s.write(ctx, query); err != nil {
		return nil, err
	}
	select {
	case message, ok := <-a.reply:
		if !ok {
			return nil, errBroken
		}
		return message, nil
	case <-ctx.Done():
		s.distrust(a)
		return nil, ctx.Err()
	}
}

func (s *stream) write(ctx context.Context, query []byte) error {
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	stop := context.AfterFunc(ctx, func() { s.conn.Close() }) // a server that does not read
	defer stop()
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := s.conn.Write(framed); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	return nil
}

// leave takes a query off the connection, which is closed when it has been idle for
// a while, or at once where it is not to be used again.
func (s *stream) leave(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
	if len(s.waiting) > 0 {
		return
	}
	if s.closing {
		s.conn.Close()
		return
	}
	s.idle.Reset(idleTime)
}

// distrust books no more queries on a connection that has brought nothing while a
// query waited in vain: it may hang, or drip octet by octet.
func (s *stream) distrust(a *asking) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.received == a.since {
		s.closing = true
	}
}

// read hands messages to the queries they answer until the connection ends.
func (s *stream) read() {
	defer s.end()
	for {
		message, err := readFramed(s.conn)
		if err != nil {
			return
		}
		s.deliver(message)
	}
}

func (s *stream) deliver(message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received++
	if len(message) < headerSize {
		return
	}
	a := s.waiting[binary.BigEndian.Uint16(message)]
	if a == nil || check(message, a.query) == notOurs {
		return
	}
	select {
	case a.reply <- message:
	default: // it has one
	}
}

// end tells all that wait that nothing more will come.
func (s *stream) end() {
	s.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	s.idle.Stop()
	for id, a := range s.waiting {
		close(a.reply)
		delete(s.waiting, id)
	}
}

// readFramed reads one message behind its length. Memory grows with what has come,
// not with what the other side says will come.
func readFramed(conn io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	var message bytes.Buffer
	_, err := io.CopyN(&message, conn, int64(binary.BigEndian.Uint16(size[:])))
	return message.Bytes(), err
}

package stream

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// streamServer plays a server that is asked over pipes, each of which serve is
// called for, with the pipe's number from 1.
type streamServer struct {
	t     testing.TB
	serve func(conn net.Conn, number int)
	pair  func() (client, server net.Conn) // nil means net.Pipe
	dials atomic.Int32
	open  atomic.Int32 // connections that the client has not closed
}

// counted is a connection that says when it is closed.
type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

func (s *streamServer) dial(context.Context, string, string) (net.Conn, error) {
	pair := s.pair
	if pair == nil {
		pair = net.Pipe
	}
	client, server := pair()
	number := int(s.dials.Add(1))
	s.open.Add(1)
	go func() {
		defer server.Close()
		s.serve(server, number)
	}()
	return &counted{Conn: client, closed: sync.OnceFunc(func() { s.open.Add(-1) })}, nil
}

// client returns one that asks s. Who hangs it up at the end of a bubble of synctest
// sees that no goroutine is left: the bubble would fail.
func (s *streamServer) client() *Client { return tcpClient(s.dial) }

func tcpClient(dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	return NewTCP(config(dial, nil), "192.0.2.1:53")
}

func config(dial func(ctx context.Context, network, address string) (net.Conn, error), roots *x509.CertPool) Config {
	return Config{Dial: dial, IsReply: isReply, Roots: roots}
}

func (s *streamServer) wantDials(want int32) {
	s.t.Helper()
	if got := s.dials.Load(); got != want {
		s.t.Errorf("%d connections were opened, want %d", got, want)
	}
}

// next returns the query that comes next, nil where none does.
func next(conn net.Conn) []byte {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, query); err != nil {
		return nil
	}
	return query
}

// say sends messages, each behind its length.
func say(conn net.Conn, messages ...[]byte) {
	var stream []byte
	for _, m := range messages {
		stream = append(append(stream, byte(len(m)>>8), byte(len(m))), m...)
	}
	_, _ = conn.Write(stream) // nobody may be there any more
}

// answerAll answers what comes until nothing does.
func (s *streamServer) answerAll(conn net.Conn, _ int) {
	for query := next(conn); query != nil; query = next(conn) {
		say(conn, reply(query))
	}
}

// reply makes a query its own reply, by the QR bit.
func reply(query []byte) []byte {
	message := bytes.Clone(query)
	message[2] |= 0x80
	return message
}

// isReply holds the ID, the QR bit and the question.
func isReply(message, query []byte) bool {
	var asked, got dns.Msg
	return asked.Unpack(query) == nil && got.Unpack(message) == nil &&
		got.Id == asked.Id && got.Response && slices.Equal(got.Question, asked.Question)
}

func queryFor(t testing.TB, name string) []byte { return queryWithID(t, 4711, name) }

func queryWithID(t testing.TB, id uint16, name string) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeCAA)
	m.Id = id
	query, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return query
}

// exchanger is both clients.
type exchanger interface {
	Exchange(ctx context.Context, query []byte) ([]byte, error)
}

// mustExchange asks and wants the reply.
func mustExchange(t testing.TB, c exchanger, query []byte) {
	t.Helper()
	message, err := c.Exchange(t.Context(), query)
	if err != nil || !isReply(message, query) {
		t.Errorf("exchange: %x (%v), want a reply to %x", message, err, query)
	}
}

// within returns a context that ends after d.
func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// wantTimeout holds an exchange that began at start to have ended with its context
// after want.
func wantTimeout(t testing.TB, start time.Time, want time.Duration, err error) {
	t.Helper()
	if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != want {
		t.Errorf("exchange ended after %v with %v, want the end of its context after %v", took, err, want)
	}
}

func TestAQueryOverAStreamStandsBehindItsLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		query := []byte("\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x04test\x00\x01\x01\x00\x01")
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, _ int) {
			got := make([]byte, 2+24)
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, append([]byte{0, 24}, query...)) {
				t.Errorf("sent %x (%v), want 0018 and %x", got, err, query)
			}
			say(conn, reply(query))
		}
		c := s.client()
		defer c.HangUp()
		mustExchange(t, c, query)
	})
}

func TestRepliesOverAStreamComeInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, _ int) {
			var replies [][]byte
			for range 3 { // nothing is said before all three have come
				replies = append(replies, reply(next(conn)))
			}
			slices.Reverse(replies)
			say(conn, replies...)
			next(conn)
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		for id := range uint16(3) {
			asking.Go(func() { mustExchange(t, c, queryWithID(t, id, fmt.Sprintf("m%d.example", id))) })
		}
		asking.Wait()
		s.wantDials(1)
	})
}

// TestAHundredExchangesAtOnceUseTwoConnections: 64 queries wait over the first one,
// though it does not stand yet when they come.
func TestAHundredExchangesAtOnceUseTwoConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		queries := make(map[int]int) // by connection
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			var replying sync.WaitGroup
			defer replying.Wait()
			for query := next(conn); query != nil; query = next(conn) {
				mu.Lock()
				queries[number]++
				mu.Unlock()
				replying.Go(func() {
					time.Sleep(time.Second)
					say(conn, reply(query))
				})
			}
		}
		c := tcpClient(func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(time.Millisecond)
			return s.dial(ctx, network, address)
		})
		defer c.HangUp()
		var asking sync.WaitGroup
		for id := range uint16(100) {
			asking.Go(func() { mustExchange(t, c, queryWithID(t, id, "mail.example")) })
		}
		asking.Wait()
		s.wantDials(2)
		synctest.Wait()
		if max(queries[1], queries[2]) != 64 {
			t.Errorf("%v queries by connection, want 64 and 36", queries)
		}
	})
}

func TestWhatAnswersNoQueryOverAStreamIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, _ int) {
			query := next(conn)
			otherID := reply(query)
			otherID[1] ^= 1
			noReply := reply(query)
			noReply[2] &^= 0x80 // QR
			otherName := reply(queryWithID(t, binary.BigEndian.Uint16(query), "other.example"))
			say(conn, nil, []byte{1}, query[:11], otherID, otherName, noReply, reply(query))
			next(conn)
		}
		c := s.client()
		defer c.HangUp()
		mustExchange(t, c, queryFor(t, "mail.example"))
		s.wantDials(1)
	})
}

func TestTwoQueriesWithOneIDTakeTwoConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			query := next(conn)
			time.Sleep(time.Second)
			say(conn, reply(query))
			next(conn)
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		for _, name := range []string{"a.example", "b.example"} {
			asking.Go(func() { mustExchange(t, c, queryWithID(t, 7, name)) })
		}
		asking.Wait()
		s.wantDials(2)
	})
}

// TestALateReplyAnswersNoLaterQuery: a query that was given up is still out there,
// and the next one of its ID and name may have had other flags (RFC 7766, section
// 6.2.1).
func TestALateReplyAnswersNoLaterQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			if number > 1 {
				s.answerAll(conn, number)
				return
			}
			late := reply(next(conn))
			late[3] |= dns.RcodeServerFailure
			say(conn, reply(next(conn)))
			time.Sleep(3 * time.Second)
			say(conn, late)
			query := next(conn)
			if query == nil {
				t.Error("the ID was not used again after the late reply")
				return
			}
			say(conn, reply(query))
			next(conn)
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		start := time.Now()
		asking.Go(func() {
			query := queryWithID(t, 7, "a.example")
			_, err := c.Exchange(within(t, time.Second), query)
			wantTimeout(t, start, time.Second, err)
			clear(query) // which is its owner's again
		})
		synctest.Wait()
		mustExchange(t, c, queryWithID(t, 8, "b.example")) // so that the connection is trusted
		asking.Wait()
		reply, err := c.Exchange(t.Context(), queryWithID(t, 7, "a.example"))
		if err != nil || reply[3]&0xf != dns.RcodeSuccess {
			t.Errorf("reply %x (%v), want NOERROR, not what answers the first query", reply, err)
		}
		s.wantDials(2)
		time.Sleep(3 * time.Second) // the late reply has come, and the ID is free again
		mustExchange(t, c, queryWithID(t, 7, "a.example"))
		s.wantDials(2)
	})
}

// TestALateReplyDoesNotMakeAConnectionIdle on which another query waits.
func TestALateReplyDoesNotMakeAConnectionIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			late := reply(next(conn))
			say(conn, reply(next(conn)))
			slow := reply(next(conn))
			time.Sleep(3 * time.Second)
			say(conn, late)
			time.Sleep(30 * time.Second)
			say(conn, slow)
			next(conn)
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		start := time.Now()
		asking.Go(func() {
			_, err := c.Exchange(within(t, time.Second), queryWithID(t, 1, "a.example"))
			wantTimeout(t, start, time.Second, err)
		})
		synctest.Wait()
		mustExchange(t, c, queryWithID(t, 2, "b.example")) // so that the connection is trusted
		mustExchange(t, c, queryWithID(t, 3, "c.example"))
		asking.Wait()
		s.wantDials(1)
	})
}

// TestAServerThatDripsIsNotWaitedForTwice: a later query would stand behind the
// reply that never ends. The query that came meanwhile keeps its connection.
func TestAServerThatDripsIsNotWaitedForTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed time.Time
		start := time.Now()
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			if number > 1 {
				s.answerAll(conn, number)
				return
			}
			next(conn)
			go next(conn) // of the second query
			for octet := []byte{0x7f}; ; time.Sleep(time.Second) {
				if _, err := conn.Write(octet); err != nil {
					closed = time.Now()
					return
				}
			}
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		asking.Go(func() {
			time.Sleep(time.Second)
			_, err := c.Exchange(within(t, 7*time.Second), queryWithID(t, 2, "b.example"))
			wantTimeout(t, start, 8*time.Second, err)
		})
		_, err := c.Exchange(within(t, 5*time.Second), queryWithID(t, 1, "a.example"))
		wantTimeout(t, start, 5*time.Second, err)
		mustExchange(t, c, queryWithID(t, 3, "c.example"))
		s.wantDials(2)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("the third query took until %v, want an answer at once", took)
		}
		asking.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if took := closed.Sub(start); took < 8*time.Second || took > 9*time.Second {
			t.Errorf("the connection was closed after %v, want that once the second query had ended", took)
		}
	})
}

func TestAConnectionThatAnswersOthersIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, _ int) {
			next(conn) // the first query is never answered
			s.answerAll(conn, 1)
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		start := time.Now()
		asking.Go(func() {
			_, err := c.Exchange(within(t, 5*time.Second), queryWithID(t, 1, "silent.example"))
			wantTimeout(t, start, 5*time.Second, err)
		})
		for id := range uint16(8) {
			time.Sleep(time.Second)
			mustExchange(t, c, queryWithID(t, 10+id, "mail.example"))
		}
		asking.Wait()
		s.wantDials(1)
	})
}

// TestQueriesGivenUpStillCount: a server that leaves many unanswered has them in
// hand, or has lost its way.
func TestQueriesGivenUpStillCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			for query := next(conn); query != nil; query = next(conn) {
				if id := binary.BigEndian.Uint16(query); id >= 100 {
					say(conn, reply(query))
				}
			}
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		for id := range uint16(63) {
			asking.Go(func() {
				if _, err := c.Exchange(within(t, time.Second), queryWithID(t, id, "silent.example")); err == nil {
					t.Error("a reply came to a query that was not answered")
				}
			})
		}
		synctest.Wait()
		mustExchange(t, c, queryWithID(t, 100, "mail.example"))
		asking.Wait()
		mustExchange(t, c, queryWithID(t, 101, "mail.example"))
		s.wantDials(1)
		ctx, cancel := context.WithCancel(t.Context())
		asking.Go(func() { _, _ = c.Exchange(ctx, queryWithID(t, 63, "silent.example")) }) // the 64th
		synctest.Wait()
		mustExchange(t, c, queryWithID(t, 102, "mail.example"))
		s.wantDials(2)
		cancel()
		asking.Wait()
	})
}

func TestAnIdleConnectionIsClosedAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed []time.Duration
		start := time.Now()
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			s.answerAll(conn, number)
			closed = append(closed, time.Since(start))
		}
		c := s.client()
		defer c.HangUp()
		mustExchange(t, c, queryWithID(t, 1, "mail.example"))
		time.Sleep(9 * time.Second)
		mustExchange(t, c, queryWithID(t, 2, "mail.example"))
		s.wantDials(1)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if want := []time.Duration{19 * time.Second}; !slices.Equal(closed, want) {
			t.Errorf("connections closed at %v, want %v", closed, want)
		}
		mustExchange(t, c, queryWithID(t, 3, "mail.example"))
		s.wantDials(2)
	})
}

// TestAConnectionInUseIsNotIdle: its read deadline is lifted.
func TestAConnectionInUseIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			say(conn, reply(next(conn)))
			query := next(conn)
			time.Sleep(30 * time.Second)
			say(conn, reply(query))
			next(conn)
		}
		c := s.client()
		defer c.HangUp()
		mustExchange(t, c, queryWithID(t, 1, "mail.example"))
		mustExchange(t, c, queryWithID(t, 2, "mail.example"))
		s.wantDials(1)
	})
}

func TestABreakIsMadeGoodOnceOnAFreshConnection(t *testing.T) {
	for name, test := range map[string]struct {
		serve   func(s *streamServer, conn net.Conn, number int)
		dials   int32
		answers bool
	}{
		"closed while idle": {func(s *streamServer, conn net.Conn, number int) {
			if say(conn, reply(next(conn))); number > 1 {
				next(conn)
			}
		}, 2, true},
		"closed when the query came": {func(s *streamServer, conn net.Conn, number int) {
			say(conn, reply(next(conn)))
			next(conn)
		}, 2, true},
		"closed within the length of the reply": {func(s *streamServer, conn net.Conn, number int) {
			say(conn, reply(next(conn)))
			next(conn)
			_, _ = conn.Write([]byte{0})
		}, 1, false},
		"closed within the reply": {func(s *streamServer, conn net.Conn, number int) {
			say(conn, reply(next(conn)))
			_, _ = conn.Write(append([]byte{0, 80}, reply(next(conn))[:20]...))
		}, 1, false},
		"closed again": {func(s *streamServer, conn net.Conn, number int) {
			if query := next(conn); number == 1 {
				say(conn, reply(query))
				next(conn)
			}
		}, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &streamServer{t: t}
				s.serve = func(conn net.Conn, number int) { test.serve(s, conn, number) }
				c := s.client()
				defer c.HangUp()
				mustExchange(t, c, queryWithID(t, 1, "mail.example"))
				_, err := c.Exchange(t.Context(), queryWithID(t, 2, "mail.example"))
				if (err == nil) != test.answers {
					t.Errorf("exchange: %v, want an answer: %v", err, test.answers)
				}
				s.wantDials(test.dials)
			})
		})
	}
}

// TestAQueryIsAskedAgainOnAFreshConnectionThoughOthersStand: they may have been closed
// as well.
func TestAQueryIsAskedAgainOnAFreshConnectionThoughOthersStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			query := next(conn)
			time.Sleep(time.Second)
			say(conn, reply(query))
			if query := next(conn); number == 2 && query != nil {
				t.Errorf("query %x came over the other connection that stood", query)
			}
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		for i, name := range []string{"a.example", "b.example"} {
			asking.Go(func() {
				time.Sleep(time.Duration(i))
				mustExchange(t, c, queryWithID(t, 7, name))
			})
		}
		asking.Wait()
		mustExchange(t, c, queryWithID(t, 8, "c.example"))
		s.wantDials(3)
	})
}

func TestABreakOfAFreshConnectionIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t, serve: func(conn net.Conn, _ int) { next(conn) }}
		c := s.client()
		defer c.HangUp()
		start := time.Now()
		if _, err := c.Exchange(t.Context(), queryFor(t, "mail.example")); !errors.Is(err, errBroken) || !errors.Is(err, io.EOF) {
			t.Errorf("exchange: %v, want the end of the connection", err)
		}
		s.wantDials(1)
		if time.Since(start) != 0 {
			t.Errorf("it took %v, want none", time.Since(start))
		}
	})
}

// TestAServerThatTakesOneQueryAConnectionAnswersAll: it closes with the others in
// flight, of which each gets a connection of its own.
func TestAServerThatTakesOneQueryAConnectionAnswersAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, _ int) { say(conn, reply(next(conn))) }
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		for id := range uint16(20) {
			asking.Go(func() { mustExchange(t, c, queryWithID(t, id, "mail.example")) })
		}
		asking.Wait()
	})
}

func TestAConnectionThatCannotBeMadeFailsAllThatWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("refused")
		s := &streamServer{t: t}
		s.serve = s.answerAll
		var dials atomic.Int32
		c := tcpClient(func(ctx context.Context, network, address string) (net.Conn, error) {
			if time.Sleep(time.Second); dials.Add(1) == 1 {
				return nil, refused
			}
			return s.dial(ctx, network, address)
		})
		defer c.HangUp()
		var asking sync.WaitGroup
		for id := range uint16(3) {
			asking.Go(func() {
				if _, err := c.Exchange(t.Context(), queryWithID(t, id, "mail.example")); !errors.Is(err, refused) {
					t.Errorf("exchange: %v, want that of the dial", err)
				}
			})
		}
		asking.Wait()
		if dials.Load() != 1 {
			t.Errorf("%d dials, want 1", dials.Load())
		}
		mustExchange(t, c, queryFor(t, "mail.example"))
	})
}

// TestADialEndsWhenNobodyWaitsForIt, but not with the query it was begun for.
func TestADialEndsWhenNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var ended time.Duration
		c := tcpClient(func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			ended = time.Since(start)
			return nil, ctx.Err()
		})
		var asking sync.WaitGroup
		for id, patience := range []time.Duration{time.Second, 3 * time.Second} {
			asking.Go(func() {
				time.Sleep(time.Duration(id)) // the first one dials
				_, err := c.Exchange(within(t, patience-time.Duration(id)), queryWithID(t, uint16(id), "mail.example"))
				wantTimeout(t, start, patience, err)
			})
		}
		asking.Wait()
		synctest.Wait()
		if ended != 3*time.Second {
			t.Errorf("the dial ended after %v, want 3 s", ended)
		}
	})
}

// TestAConnectionThatNobodyWaitsForAnyMoreIsClosed when it stands at last, because
// dial did not heed its context.
func TestAConnectionThatNobodyWaitsForAnyMoreIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = s.answerAll
		c := tcpClient(func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(5 * time.Second)
			return s.dial(ctx, network, address)
		})
		start := time.Now()
		_, err := c.Exchange(within(t, time.Second), queryFor(t, "mail.example"))
		wantTimeout(t, start, time.Second, err)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if s.wantDials(1); s.open.Load() != 0 {
			t.Error("the connection was left open")
		}
		c.HangUp()
	})
}

func TestAnEndedContextAsksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = s.answerAll
		c := s.client()
		defer c.HangUp()
		mustExchange(t, c, queryWithID(t, 1, "mail.example"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Exchange(ctx, queryWithID(t, 2, "mail.example")); !errors.Is(err, context.Canceled) {
			t.Errorf("exchange: %v, want the end of the context", err)
		}
		mustExchange(t, c, queryWithID(t, 3, "mail.example"))
		s.wantDials(1)
	})
}

func TestAServerThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			if number == 1 {
				time.Sleep(time.Minute)
			}
			s.answerAll(conn, number)
		}
		c := s.client()
		defer c.HangUp()
		start := time.Now()
		_, err := c.Exchange(within(t, time.Second), queryWithID(t, 1, "mail.example"))
		wantTimeout(t, start, time.Second, err)
		mustExchange(t, c, queryWithID(t, 2, "mail.example"))
		if time.Since(start) != time.Second {
			t.Errorf("the second query took until %v, want an answer at once", time.Since(start))
		}
		time.Sleep(time.Minute) // until the server looks
	})
}

// TestAQueryThatCouldNotBeSentIsNoGoodSign, though the server did well before.
func TestAQueryThatCouldNotBeSentIsNoGoodSign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			if number == 1 {
				say(conn, reply(next(conn)))
				time.Sleep(time.Minute)
			}
			s.answerAll(conn, number)
		}
		c := s.client()
		defer c.HangUp()
		mustExchange(t, c, queryWithID(t, 1, "mail.example"))
		var asking sync.WaitGroup
		start := time.Now()
		asking.Go(func() {
			_, err := c.Exchange(within(t, 10*time.Second), queryWithID(t, 2, "mail.example"))
			wantTimeout(t, start, 10*time.Second, err)
		})
		synctest.Wait()
		_, err := c.Exchange(within(t, time.Second), queryWithID(t, 3, "mail.example"))
		wantTimeout(t, start, time.Second, err)
		s.wantDials(1)
		mustExchange(t, c, queryWithID(t, 4, "mail.example"))
		s.wantDials(2)
		asking.Wait()
		time.Sleep(time.Minute) // until the server looks
	})
}

func TestHangUpEndsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			if number > 1 {
				s.answerAll(conn, number)
			}
			for next(conn) != nil {
				continue
			}
		}
		c := s.client()
		defer c.HangUp()
		var asking sync.WaitGroup
		for id := range uint16(3) {
			asking.Go(func() {
				if _, err := c.Exchange(t.Context(), queryWithID(t, id, "mail.example")); !errors.Is(err, errHungUp) {
					t.Errorf("exchange: %v, want that it was hung up", err)
				}
			})
		}
		synctest.Wait()
		c.HangUp()
		asking.Wait()
		s.wantDials(1) // none is asked again
		mustExchange(t, c, queryWithID(t, 9, "mail.example"))
		s.wantDials(2)
	})
}

func TestHangUpEndsADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Bool
		c := tcpClient(func(ctx context.Context, _, _ string) (net.Conn, error) {
			defer left.Store(true)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := c.Exchange(t.Context(), queryFor(t, "mail.example")); !errors.Is(err, errHungUp) {
				t.Errorf("exchange: %v, want that it was hung up", err)
			}
		})
		synctest.Wait()
		c.HangUp()
		if !left.Load() {
			t.Error("hangUp returned before the dial had")
		}
		asking.Wait()
	})
}

// TestHangUpMayComeAtAnyTime, for the race detector: an exchange ends with an answer
// or because it was hung up.
func TestHangUpMayComeAtAnyTime(t *testing.T) {
	s := &streamServer{t: t}
	s.serve = s.answerAll
	c := s.client()
	var asking sync.WaitGroup
	for id := range uint16(8) {
		asking.Go(func() {
			for range 200 {
				if _, err := c.Exchange(t.Context(), queryWithID(t, id, "mail.example")); err != nil && !errors.Is(err, errHungUp) {
					t.Errorf("exchange: %v", err)
				}
			}
		})
	}
	for range 200 {
		c.HangUp()
		runtime.Gosched()
	}
	asking.Wait()
	c.HangUp()
}

// TestTheLengthOfAReplyCostsNoMemory: a server may say that 65,535 octets come, and
// send one.
func TestTheLengthOfAReplyCostsNoMemory(t *testing.T) {
	const rounds, most = 1000, 8 << 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		if _, err := readFramed(bytes.NewReader([]byte{0xff, 0xff, 1})); !errors.Is(err, errCutShort) {
			t.Fatalf("readFramed: %v, want errCutShort", err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > most {
		t.Errorf("%d octets allocated for one received, want at most %d", each, most)
	}
}

// FuzzReadFramed: what is read, framed again, is what came, and what is left of it
// is no whole message.
func FuzzReadFramed(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 1, 2})
	f.Add([]byte{0xff, 0xff, 1})
	f.Add([]byte{0, 1, 7, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		conn := bytes.NewReader(stream)
		var again []byte
		m, err := readFramed(conn)
		for ; err == nil; m, err = readFramed(conn) {
			again = append(append(again, byte(len(m)>>8), byte(len(m))), m...)
		}
		rest, whole := bytes.CutPrefix(stream, again)
		if !whole || (len(rest) == 0) != errors.Is(err, errBroken) {
			t.Fatalf("read %x of %x, then %v", again, stream, err)
		}
		if len(rest) >= 2 && len(rest)-2 >= int(rest[0])<<8|int(rest[1]) {
			t.Fatalf("%x left, which begins with a whole message", rest)
		}
	})
}

// authority issues certificates.
type authority struct {
	t     testing.TB
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	roots *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, roots: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = a.newKey()
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.roots.AddCert(a.cert)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

// issue returns a certificate for a name or an address that is valid until then.
func (a *authority) issue(host string, until time.Time) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-12 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	key := a.newKey()
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sockets returns the ends of a TCP connection on loopback. Where both sides of TLS
// have something to say at once, as when one refuses, pipes would hold both up.
func sockets(t testing.TB) func() (client, server net.Conn) {
	return func() (client, server net.Conn) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if client, err = net.Dial("tcp", listener.Addr().String()); err == nil {
			server, err = listener.Accept()
		}
		if err != nil {
			t.Errorf("connecting to %v: %v", listener.Addr(), err)
		}
		return client, server
	}
}

// tlsServer is where a server over TLS is, and what it is called.
type tlsServer struct{ address, name string }

// exampleServer is dns.example.
var exampleServer = tlsServer{"192.0.2.1:853", "dns.example"}

// tlsClient returns a client of s, which is called server and speaks TLS.
func (s *streamServer) tlsClient(server tlsServer, config *tls.Config, roots *x509.CertPool) *Client {
	plainly := s.serve
	s.serve = func(conn net.Conn, number int) {
		secured := tls.Server(conn, config)
		if secured.Handshake() == nil {
			plainly(secured, number)
		}
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" || address != server.address {
			s.t.Errorf("dialed %s %s, want tcp %s", network, address, server.address)
		}
		return s.dial(ctx, network, address)
	}
	return NewTLS(Config{Dial: dial, IsReply: isReply, Roots: roots}, server.address, server.name)
}

func TestTheCertificateOfAServerOverTLSIsChecked(t *testing.T) {
	var (
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		unknown x509.UnknownAuthorityError
	)
	const later, past = time.Hour, -time.Hour
	for title, test := range map[string]struct {
		server    tlsServer
		host      string // of its certificate
		valid     time.Duration
		strangers bool // issued by an authority that is not among the roots
		refusal   any
	}{
		"the name":                {exampleServer, "dns.example", later, false, nil},
		"the host":                {tlsServer{"dns.example:853", "dns.example"}, "dns.example", later, false, nil},
		"the address":             {tlsServer{"192.0.2.1:853", "192.0.2.1"}, "192.0.2.1", later, false, nil},
		"the IPv6 address":        {tlsServer{"[2001:db8::1]:8853", "2001:db8::1"}, "2001:db8::1", later, false, nil},
		"another name":            {exampleServer, "other.example", later, false, &name},
		"the address, not name":   {exampleServer, "192.0.2.1", later, false, &name},
		"another address":         {tlsServer{"192.0.2.1:853", "192.0.2.1"}, "192.0.2.2", later, false, &name},
		"a name, not address":     {tlsServer{"192.0.2.1:853", "192.0.2.1"}, "dns.example", later, false, &name},
		"expired":                 {tlsServer{"dns.example:853", "dns.example"}, "dns.example", past, false, &invalid},
		"of an unknown authority": {tlsServer{"dns.example:853", "dns.example"}, "dns.example", later, true, &unknown},
	} {
		t.Run(title, func(t *testing.T) {
			trusted := newAuthority(t)
			issuer := trusted
			if test.strangers {
				issuer = newAuthority(t)
			}
			config := &tls.Config{Certificates: []tls.Certificate{issuer.issue(test.host, time.Now().Add(test.valid))}}
			s := &streamServer{t: t, pair: sockets(t)}
			s.serve = s.answerAll
			c := s.tlsClient(test.server, config, trusted.roots)
			defer c.HangUp()
			if test.refusal == nil {
				mustExchange(t, c, queryFor(t, "mail.example"))
			} else if _, err := c.Exchange(t.Context(), queryFor(t, "mail.example")); err == nil || !errors.As(err, test.refusal) {
				t.Errorf("exchange: %v, want %T", err, test.refusal)
			}
			if s.wantDials(1); test.refusal != nil && s.open.Load() != 0 {
				t.Error("the connection was left open")
			}
		})
	}
}

func TestTLSIsOfferedAsServersWantIt(t *testing.T) {
	for title, test := range map[string]struct {
		change  func(*tls.Config)
		answers bool
	}{
		"TLS 1.2":         {func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, true},
		"TLS 1.1":         {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, false},
		"ALPN of its own": {func(c *tls.Config) { c.NextProtos = []string{"h2"} }, true},
	} {
		t.Run(title, func(t *testing.T) {
			a := newAuthority(t)
			config := &tls.Config{Certificates: []tls.Certificate{a.issue("dns.example", time.Now().Add(time.Hour))}}
			test.change(config)
			s := &streamServer{t: t, pair: sockets(t)}
			s.serve = s.answerAll
			c := s.tlsClient(exampleServer, config, a.roots)
			defer c.HangUp()
			if _, err := c.Exchange(t.Context(), queryFor(t, "mail.example")); (err == nil) != test.answers {
				t.Errorf("exchange: %v, want an answer: %v", err, test.answers)
			}
		})
	}
}

func TestTLSSessionsAreResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuthority(t)
		var resumed []bool
		s := &streamServer{t: t}
		s.serve = func(conn net.Conn, number int) {
			resumed = append(resumed, conn.(*tls.Conn).ConnectionState().DidResume)
			s.answerAll(conn, number)
		}
		config := &tls.Config{Certificates: []tls.Certificate{a.issue("dns.example", time.Now().Add(time.Hour))}}
		c := s.tlsClient(exampleServer, config, a.roots)
		for range 2 {
			mustExchange(t, c, queryFor(t, "mail.example"))
			c.HangUp()
			synctest.Wait()
		}
		if want := []bool{false, true}; !slices.Equal(resumed, want) {
			t.Errorf("sessions resumed: %v, want %v", resumed, want)
		}
	})
}

// TestATLSHandshakeThatStallsEndsWithTheContext, and so does its connection.
func TestATLSHandshakeThatStallsEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := false
		s := &streamServer{t: t, serve: func(conn net.Conn, _ int) {
			_, _ = io.Copy(io.Discard, conn) // it never says hello
			closed = true
		}}
		c := NewTLS(config(s.dial, x509.NewCertPool()), exampleServer.address, exampleServer.name)
		start := time.Now()
		_, err := c.Exchange(within(t, time.Second), queryFor(t, "mail.example"))
		wantTimeout(t, start, time.Second, err)
		synctest.Wait()
		if !closed {
			t.Error("the connection was left open")
		}
	})
}

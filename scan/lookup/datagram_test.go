package lookup

import (
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"caascan/scan/snapshot"
)

// serveUDP answers over UDP, on loopback, what answer makes of each query.
func serveUDP(t *testing.T, answer func(query []byte) []byte) Server {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, maxMessage)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if reply := answer(slices.Clone(buffer[:n])); reply != nil {
				_, _ = conn.WriteTo(reply, from) // it may be gone
			}
		}
	}()
	return mustServer(conn.LocalAddr().String())
}

// TestManyQueriesOverRealSockets: more than a batch, and more than gather.
func TestManyQueriesOverRealSockets(t *testing.T) {
	server := serveUDP(t, func(query []byte) []byte { return message{ra: true, authority: []string{exampleSOA}}.pack(t, query) })
	r, err := New(Config{Servers: []Server{server}, Concurrency: 3 * muchInFlight})
	if err != nil {
		t.Fatal(err)
	}
	names := manyNames(10 * muchInFlight)
	got := look(t, r, names...)
	for _, name := range names {
		if o, ok := got[name]; !ok || o.Failure != "" {
			t.Fatalf("%s: %+v", name, o)
		}
	}
}

// TestALongDatagramIsNotReadShort: what is longer than there is room for counts as cut
// short, whatever its flags say.
func TestALongDatagramIsNotReadShort(t *testing.T) {
	long := func(query []byte) []byte {
		reply := message{ra: true, authority: []string{exampleSOA}}.pack(t, query)
		return append(reply, make([]byte, readSize)...)
	}
	server := serveUDP(t, long)
	r, err := New(Config{Servers: []Server{server}, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	// Nobody listens on TCP.
	if o := look(t, r, "mail.example")["mail.example"]; o.Failure != snapshot.Network || o.Transport != snapshot.TCP {
		t.Errorf("%+v, want it to be asked over TCP", o)
	}
}

// TestAClosedSocketEndsItsReader, be it one that the runtime polls or one that it does
// not, and leaves nothing open.
func TestAClosedSocketEndsItsReader(t *testing.T) {
	for _, loopback := range []bool{true, false} {
		server := serveUDP(t, func([]byte) []byte { return nil })
		conn, err := net.Dial("udp", server.address)
		if err != nil {
			t.Fatal(err)
		}
		c := newDatagrams(conn, loopback)
		ended := make(chan error)
		go func() {
			b := newBatch(&socket{up: newUpstream(server, new(Config)), conn: c})
			err := error(nil)
			for err == nil {
				err = b.receive(c)
			}
			ended <- err
		}()
		if _, err := sendBatch(c, []*flight{{query: queryFor(t, "mail.example")}}, newOutgoing()); err != nil {
			t.Errorf("loopback %v: %v", loopback, err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("loopback %v: close: %v", loopback, err)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("loopback %v: who reads it still waits", loopback)
		}
		if _, err := sendBatch(c, []*flight{{query: queryFor(t, "mail.example")}}, newOutgoing()); err == nil {
			t.Errorf("loopback %v: a closed socket takes queries", loopback)
		}
	}
}

// failing is a socket that refuses some of the messages it is to send.
type failing struct {
	net.Conn
	sent   []byte
	errors map[byte]int // how often what begins with this octet fails
}

func (c *failing) Write(b []byte) (int, error) {
	if c.errors[b[0]] > 0 {
		c.errors[b[0]]--
		return 0, errors.New("refused")
	}
	c.sent = append(c.sent, b[0])
	return len(b), nil
}

// TestSendBatchTriesTwice: the first error may be an earlier datagram's.
func TestSendBatchTriesTwice(t *testing.T) {
	for _, test := range []struct {
		name  string
		fails map[byte]int
		sent  string
		count int
	}{
		{"all go out", nil, "abc", 3},
		{"one error each", map[byte]int{'a': 1, 'c': 1}, "abc", 3},
		{"b cannot be sent", map[byte]int{'b': 2}, "a", 1},
	} {
		c := &failing{errors: test.fails}
		flights := []*flight{{query: []byte("a")}, {query: []byte("b")}, {query: []byte("c")}}
		count, err := sendBatch(oneByOne{c}, flights, newOutgoing())
		if count != test.count || string(c.sent) != test.sent || (err != nil) != (test.count < 3) {
			t.Errorf("%s: %d sent, %q (%v), want %d, %q", test.name, count, c.sent, err, test.count, test.sent)
		}
	}
}

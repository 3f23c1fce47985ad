package lookup

import (
	"bufio"
	"context"
	"crypto/rand"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"caascan/scan/snapshot"
)

// dials counts the sockets of a world, those that are open and their most.
type dials struct {
	mu        sync.Mutex
	all, open int
	used      map[int]int // queries, by the number of their socket
}

type countedConn struct {
	net.Conn
	d      *dials
	number int
	once   sync.Once
}

func (c *countedConn) Write(b []byte) (int, error) {
	c.d.mu.Lock()
	c.d.used[c.number]++
	c.d.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *countedConn) Close() error {
	c.once.Do(func() {
		c.d.mu.Lock()
		c.d.open--
		c.d.mu.Unlock()
	})
	return c.Conn.Close()
}

func (d *dials) count(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	d.used = make(map[int]int)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all++
		d.open++
		return &countedConn{Conn: conn, d: d, number: d.all}, err
	}
}

// TestRemoteServersAreAskedFromManyPorts, none of them for long (RFC 5452, section
// 9.2); a server on loopback is asked from one.
func TestRemoteServersAreAskedFromManyPorts(t *testing.T) {
	const many = 3000
	for _, test := range []struct {
		server      Server
		least, most int // sockets
	}{
		{serverA, 250, 256}, // 3,000 draws from 256 leave none out but by a rare chance
		{mustServer("127.0.0.1:53"), 1, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: nothing}
			var d dials
			r := w.client(Config{Servers: []Server{test.server}})
			r.cfg.Dial = d.count(r.cfg.Dial)
			look(t, r, manyNames(many)...)
			if d.all < test.least || d.all > test.most || d.open != 0 {
				t.Errorf("%v: %d sockets, %d of them left open, want %d to %d and 0", test.server, d.all, d.open, test.least, test.most)
			}
		})
	}
}

func TestAPortIsGivenUpAfterAThousandQueries(t *testing.T) {
	up := newUpstream(serverA, &Config{Concurrency: 1})
	p := newPool(up)
	client, server := net.Pipe()
	defer server.Close()
	s := newSocket(up, client)
	s.sent = remoteLifetime - 1
	p.places[3], p.all[s] = s, true
	if s.worn() {
		t.Error("worn before its time")
	}
	s.sent++
	out := &flight{query: queryFor(t, "mail.example"), up: up, socket: s}
	s.flights.adopt(out, bufio.NewReader(rand.Reader), 0)
	if !s.worn() {
		t.Error("not worn after 1,000 queries")
	}
	p.retire(s)
	if p.places[3] != nil || !p.all[s] {
		t.Error("it keeps its place, or is closed while a query is out")
	}
	p.release(out)
	if p.all[s] {
		t.Error("it is not closed behind its last query")
	}
}

// TestTheQuestionIsInMixedCase where datagrams could be forged, and nowhere else.
func TestTheQuestionIsInMixedCase(t *testing.T) {
	const name = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz.example"
	for _, test := range []struct {
		server Server
		mixed  bool
	}{{serverA, true}, {mustServer("[2001:db8::1]:53"), true}, {mustServer("127.0.0.1:53"), false}, {mustServer("[::1]:53"), false}} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: nothing}
			o := look(t, w.client(Config{Servers: []Server{test.server}}), name)[name]
			if o.Failure != "" {
				t.Errorf("%v: %+v", test.server, o)
			}
			asked := string(w.queries[0].wire[headerSize+1 : headerSize+1+52])
			if mixed := asked != strings.ToLower(asked) && asked != strings.ToUpper(asked); mixed != test.mixed {
				t.Errorf("%v was asked for %s, want mixed case %v", test.server, asked, test.mixed)
			}
		})
	}
}

// folds plays a server that answers in lower case.
func folds(w *world, q asked) []byte {
	m := message{ra: true, authority: []string{exampleSOA}}
	if q.name == "mail.example" {
		m = message{ra: true, answer: []string{q.name + "." + permits}}
	}
	wire := m.pack(w.t, q.wire)
	if q.network == "tcp" {
		return wire
	}
	for at := headerSize; wire[at] != 0; at += 1 + int(wire[at]) {
		copy(wire[at+1:], strings.ToLower(string(wire[at+1:at+1+int(wire[at])])))
	}
	return wire
}

// TestAServerThatDoesNotKeepTheCase is found out by the probe, and asked without; one
// that was not probed is asked over TCP.
func TestAServerThatDoesNotKeepTheCase(t *testing.T) {
	for _, probed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: folds}
			r := w.client(Config{})
			if probed {
				if _, err := r.Probe(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			o := look(t, r, "mail.example")["mail.example"]
			want := map[bool]snapshot.Transport{true: snapshot.UDP, false: snapshot.TCP}[probed]
			// By chance, one in 2,048, all letters are drawn in lower case.
			if o.Failure != "" || len(o.Records.Properties) != 1 || o.Transport != want && probed {
				t.Errorf("probed %v: %+v, want a set over %s", probed, o, want)
			}
		})
	}
}

// forging sends replies to a query that are none, before the real one.
type forging struct {
	net.Conn
	queries chan []byte
	forged  [][]byte
	count   int
	forge   func(query []byte) []byte
}

func (f *forging) Write(b []byte) (int, error) {
	f.queries <- append([]byte(nil), b...)
	return f.Conn.Write(b)
}

func (f *forging) Read(b []byte) (int, error) {
	if f.count > 0 && f.forged == nil {
		query, open := <-f.queries
		if !open {
			return 0, net.ErrClosed
		}
		for range f.count {
			f.forged = append(f.forged, f.forge(query))
		}
		f.count = 0
	}
	if len(f.forged) > 0 {
		first := f.forged[0]
		f.forged = f.forged[1:]
		return copy(b, first), nil
	}
	return f.Conn.Read(b)
}

func (f *forging) Close() error {
	close(f.queries)
	return f.Conn.Close()
}

// TestTooManyForgedRepliesLeadToTCP: somebody is guessing.
func TestTooManyForgedRepliesLeadToTCP(t *testing.T) {
	otherID := func(query []byte) []byte {
		wire := append([]byte(nil), query...)
		wire[0] ^= 0xFF
		wire[2] |= 0x80
		return wire
	}
	otherName := func(query []byte) []byte {
		wire := append([]byte(nil), query...)
		wire[2] |= 0x80
		wire[headerSize+1] = 'x'
		return wire
	}
	for _, test := range []struct {
		name  string
		count int
		forge func([]byte) []byte
		want  snapshot.Transport
	}{
		{"16 with another ID", 16, otherID, snapshot.UDP},
		{"17 with another ID", 17, otherID, snapshot.TCP},
		{"17 with another name", 17, otherName, snapshot.TCP},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if q.network == "udp" && test.want == snapshot.TCP {
					return nil
				}
				return set(w, q)
			}}
			r := w.client(Config{})
			dial := r.cfg.Dial
			r.cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if network == "udp" {
					conn = &forging{Conn: conn, queries: make(chan []byte, 1), count: test.count, forge: test.forge}
				}
				return conn, err
			}
			o := look(t, r, "mail.example")["mail.example"]
			if o.Transport != test.want || len(o.Records.Properties) != 1 || o.Attempts != 1 {
				t.Errorf("%s: %+v, want the set over %s at the first attempt", test.name, o, test.want)
			}
		})
	}
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:53", "192.0.2.1:5353": "192.0.2.1:5353", "2001:db8::1": "[2001:db8::1]:53", "[2001:db8::1]:5353": "[2001:db8::1]:5353",
		"[2001:db8::1]": "[2001:db8::1]:53", "tls://192.0.2.1": "tls://192.0.2.1:853", "tls://192.0.2.1#resolver.example": "tls://192.0.2.1:853#resolver.example",
		"tls://resolver.example:8853": "tls://resolver.example:8853", "tls://[2001:db8::1]:853#resolver.example": "tls://[2001:db8::1]:853#resolver.example",
		"tls://2001:db8::1": "tls://[2001:db8::1]:853", "tls://[2001:db8::1]": "tls://[2001:db8::1]:853", "https://resolver.example/dns-query": "https://resolver.example/dns-query",
		"https://192.0.2.1:8443/dns-query": "https://192.0.2.1:8443/dns-query",
		"":                                 "", "resolver.example": "", "192.0.2.1:0": "", "192.0.2.1:x": "", "tls://": "", "tls://:853": "", "tls://a b": "", "tls://x:0": "",
		"tls://x:99999": "", "tls://x#": "tls://x:853", "tls://x#a/b": "",
		"https://": "", "https://x:99999/dns-query": "", "https://x": "", "https://u@x/dns-query": "", "https://x/dns-query?a=b": "", "http://x/dns-query": "", "udp://192.0.2.1": "",
	} {
		server, err := ParseServer(text)
		if (err == nil) != (want != "") || err == nil && server.String() != want {
			t.Errorf("%q: %v (%v), want %q", text, server, err, want)
		}
		if err != nil || want == text {
			continue
		}
		if again, err := ParseServer(server.String()); err != nil || again != server {
			t.Errorf("%q: %v is read as %v (%v)", text, server, again, err)
		}
	}
}

// TestTheSystemsADIsBelievedWhereTheSystemSaysSo (resolv.conf(5)): a stub on loopback
// forwards over plain UDP.
func TestTheSystemsADIsBelievedWhereTheSystemSaysSo(t *testing.T) {
	for text, want := range map[string]bool{
		"nameserver 127.0.0.53\n":                                      false,
		"nameserver 127.0.0.53\noptions edns0 trust-ad\n":              true,
		"nameserver 127.0.0.53\n# options trust-ad\n":                  false,
		"options trust-ad\nnameserver 192.0.2.1\nnameserver ::1\n":     true,
		"nameserver 127.0.0.1\noptions edns0\nsearch trust-ad.example": false,
	} {
		file := t.TempDir() + "/resolv.conf"
		writeText(t, file, text)
		servers, err := serversFrom(file)
		if err != nil || len(servers) == 0 || servers[0].trustAD != want {
			t.Errorf("%q: %+v (%v), want trust %v", text, servers, err, want)
		}
	}
	if servers, err := serversFrom("testdata/nosuch"); err == nil {
		t.Errorf("%v, want an error", servers)
	}
}

func writeText(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

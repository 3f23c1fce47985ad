package dnstest_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

func startProxy(t testing.TB, config dnstest.ProxyConfig) *dnstest.Proxy {
	t.Helper()
	p, err := dnstest.StartProxy(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// through starts a server and a proxy before it.
func through(t testing.TB, config dnstest.ProxyConfig) (*dnstest.Server, *dnstest.Proxy) {
	t.Helper()
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	config.Server = s.Addr()
	return s, startProxy(t, config)
}

func dialProxy(t testing.TB, p *dnstest.Proxy) client {
	t.Helper()
	conn, err := net.Dial("udp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return client{t, conn}
}

func withID(wire []byte, id uint16) []byte {
	wire = slices.Clone(wire)
	binary.BigEndian.PutUint16(wire, id)
	return wire
}

// TestProxyGivesEachClientItsReplies, though they use the same IDs at the same time.
func TestProxyGivesEachClientItsReplies(t *testing.T) {
	for _, config := range []dnstest.ProxyConfig{{}, {QueryDelay: time.Millisecond, ReplyDelay: time.Millisecond}} {
		_, p := through(t, config)
		const each = 50
		clients := []client{dialProxy(t, p), dialProxy(t, p), dialProxy(t, p)}
		questions := [][]byte{query(t, "plain.example. CAA"), query(t, "servfail.example. A"), query(t, "alias.example. CAA")}
		for id := range each {
			for i, c := range clients {
				c.send(withID(questions[i], uint16(id)))
			}
		}
		for i, want := range []string{"NOERROR rd ra 1-1-0-0", "SERVFAIL rd ra 1-0-0-0", "NOERROR rd ra 1-2-0-0"} {
			seen := make(map[uint16]int)
			for range each {
				reply := clients[i].receive()
				seen[binary.BigEndian.Uint16(reply)]++
				if got := render(t, reply); got != want {
					t.Errorf("client %d gets %s, want %s", i, got, want)
				}
			}
			if len(seen) != each {
				t.Errorf("client %d gets %d different IDs, want the %d it sent", i, len(seen), each)
			}
		}
		if diff := cmp.Diff(dnstest.Passed{Queries: 3 * each, Replies: 3 * each}, p.Passed()); diff != "" {
			t.Errorf("passed mismatch (-want +got):\n%s", diff)
		}
	}
}

func TestProxyDelaysEachWay(t *testing.T) {
	const delay = 20 * time.Millisecond
	for name, config := range map[string]dnstest.ProxyConfig{
		"queries": {QueryDelay: delay},
		"replies": {ReplyDelay: delay},
		"both":    {QueryDelay: delay, ReplyDelay: delay},
	} {
		_, p := through(t, config)
		c := dialProxy(t, p)
		began := time.Now()
		c.ask("plain.example. CAA")
		if took, least := time.Since(began), config.QueryDelay+config.ReplyDelay; took < least {
			t.Errorf("%s: %v, want %v or more", name, took, least)
		}
	}
}

// TestProxyLosesTheSameQueriesForTheSameSeed: the server sees which go through.
func TestProxyLosesTheSameQueriesForTheSameSeed(t *testing.T) {
	const sent, share = 400, 0.25
	arrived := func(seed uint64) []uint16 {
		s, p := through(t, dnstest.ProxyConfig{QueryLoss: share, Seed: seed, QueryDelay: time.Millisecond})
		c := dialProxy(t, p)
		var through []uint16
		for id := range sent {
			c.send(withID(query(t, fmt.Sprintf("n%d.example. CAA", id)), uint16(id)))
			if (id+1)%50 != 0 {
				continue // a few at a time: more would not fit into the buffers of the system
			}
			for len(through) < id+1-waitFor(t, p, id+1).QueriesLost {
				through = append(through, binary.BigEndian.Uint16(c.receive()))
			}
		}
		if asked := len(s.Queries()); asked != len(through) {
			t.Errorf("%d queries at the server, %d replies", asked, len(through))
		}
		return through
	}
	first, again, other := arrived(1), arrived(1), arrived(2)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same seed loses others (-first +again):\n%s", diff)
	}
	if slices.Equal(first, other) {
		t.Error("another seed loses the same")
	}
	if lost := sent - len(first); lost < sent*share/2 || lost > sent*share*2 {
		t.Errorf("%d of %d are lost, want about %v", lost, sent, sent*share)
	}
}

// waitFor returns what has passed when so many queries have come.
func waitFor(t testing.TB, p *dnstest.Proxy, queries int) dnstest.Passed {
	t.Helper()
	for limit := time.Now().Add(patience); ; {
		passed := p.Passed()
		if passed.Queries == queries {
			return passed
		}
		if time.Now().After(limit) {
			t.Fatalf("%+v, want %d queries", passed, queries)
		}
	}
}

func TestProxyLosesReplies(t *testing.T) {
	s, p := through(t, dnstest.ProxyConfig{ReplyLoss: 1})
	c := dialProxy(t, p)
	c.send(query(t, "plain.example. CAA"))
	for limit := time.Now().Add(patience); p.Passed().RepliesLost == 0; {
		if time.Now().After(limit) {
			t.Fatalf("%+v, want a lost reply", p.Passed())
		}
	}
	if got, want := p.Passed(), (dnstest.Passed{Queries: 1, Replies: 1, RepliesLost: 1}); got != want || s.Count("plain.example") != 1 {
		t.Errorf("%+v and %d queries at the server, want %+v and 1", got, s.Count("plain.example"), want)
	}
	if err := c.conn.SetDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if reply, err := c.read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%x, %v: a lost reply arrives", reply, err)
	}
}

// TestProxyLivesOnWithoutServer: where nobody listens the proxy goes on.
func TestProxyLivesOnWithoutServer(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	s.Close()
	p := startProxy(t, dnstest.ProxyConfig{Server: s.Addr()})
	c := dialProxy(t, p)
	for n := range 3 {
		c.send(query(t, "plain.example. CAA"))
		waitFor(t, p, n+1)
	}
}

// TestProxyIgnoresWhatIsNoMessage, from clients and from elsewhere.
func TestProxyIgnoresWhatIsNoMessage(t *testing.T) {
	_, p := through(t, dnstest.ProxyConfig{})
	c := dialProxy(t, p)
	c.send([]byte("short"))
	c.send(nil)
	if got, want := render(t, c.ask("plain.example. CAA")), "NOERROR rd ra 1-1-0-0"; got != want {
		t.Errorf("behind no message comes %s, want %s", got, want)
	}
	if got := p.Passed().Queries; got != 1 {
		t.Errorf("%d queries, want 1", got)
	}
}

// TestProxyCloseDropsWhatIsHeldBack: the test ends at all.
func TestProxyCloseDropsWhatIsHeldBack(t *testing.T) {
	_, p := through(t, dnstest.ProxyConfig{QueryDelay: time.Hour})
	dialProxy(t, p).send(query(t, "plain.example. CAA"))
	waitFor(t, p, 1)
	p.Close()
	p.Close()
	again, err := dnstest.StartProxy(dnstest.ProxyConfig{Server: "127.0.0.1:53", Listen: p.Addr()})
	if err != nil {
		t.Fatalf("its port is not free: %v", err)
	}
	again.Close()
}

func TestProxyConfigIsHeldToSense(t *testing.T) {
	for _, config := range []dnstest.ProxyConfig{
		{Server: "127.0.0.1:53", QueryLoss: 1.5},
		{Server: "127.0.0.1:53", ReplyLoss: -0.1},
		{Server: "nowhere"},
		{Server: "127.0.0.1:53", Listen: "nowhere"},
	} {
		if p, err := dnstest.StartProxy(config); err == nil {
			p.Close()
			t.Errorf("%+v starts", config)
		}
	}
}

// TestProxyMakesAResolverOfAnAuthority: what it says has AA clear and RA set.
func TestProxyMakesAResolverOfAnAuthority(t *testing.T) {
	authority := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}, Authoritative: true})
	for _, recursive := range []bool{false, true} {
		c := dialProxy(t, startProxy(t, dnstest.ProxyConfig{Server: authority.Addr(), Recursive: recursive}))
		query, err := new(dns.Msg).SetQuestion("example.", dns.TypeSOA).Pack()
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 512)
		if _, err := c.conn.Write(query); err != nil {
			t.Fatal(err)
		}
		n, err := c.conn.Read(buffer)
		var reply dns.Msg
		if err != nil || reply.Unpack(buffer[:n]) != nil || reply.Authoritative == recursive || reply.RecursionAvailable != recursive {
			t.Errorf("recursive %v: %v (%v)", recursive, &reply, err)
		}
	}
}

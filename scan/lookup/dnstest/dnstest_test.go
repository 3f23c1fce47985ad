package dnstest_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

const soa = "example. 60 SOA ns.example.net. h.example.net. 1 7200 600 86400 300\n"

// patience is how long a reply may take before a test gives up.
const patience = 10 * time.Second

func parse(t testing.TB, text string) *zone.Zone {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(text), "test.zone")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func start(t testing.TB, config dnstest.Config) *dnstest.Server {
	t.Helper()
	s, err := dnstest.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// query packs a question such as "mail.example. CAA edns do".
func query(t testing.TB, question string) []byte {
	t.Helper()
	words := strings.Fields(question)
	m := new(dns.Msg).SetQuestion(words[0], dns.StringToType[words[1]])
	for _, word := range words[2:] {
		switch word {
		case "edns":
			m.SetEdns0(1232, false)
		case "tiny":
			m.SetEdns0(100, false)
		case "do":
			m.SetEdns0(1232, true)
		case "ad":
			m.AuthenticatedData = true
		case "cd":
			m.CheckingDisabled = true
		default:
			t.Fatalf("query word %q", word)
		}
	}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// client is a raw client: it sends and receives octets.
type client struct {
	t    testing.TB
	conn net.Conn
}

func dial(t testing.TB, network string, s *dnstest.Server) client {
	t.Helper()
	conn, err := net.Dial(network, s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return client{t, conn}
}

func (c client) send(wire []byte) {
	c.t.Helper()
	if c.conn.RemoteAddr().Network() == "tcp" {
		wire = append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
	}
	if _, err := c.conn.Write(wire); err != nil {
		c.t.Fatal(err)
	}
}

func (c client) read() ([]byte, error) {
	if c.conn.RemoteAddr().Network() == "udp" {
		buffer := make([]byte, 1<<16)
		size, err := c.conn.Read(buffer)
		return buffer[:size], err
	}
	var size [2]byte
	if _, err := io.ReadFull(c.conn, size[:]); err != nil {
		return nil, err
	}
	wire := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(c.conn, wire)
	return wire, err
}

func (c client) receive() []byte {
	c.t.Helper()
	wire, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	return wire
}

func (c client) ask(question string) []byte {
	c.t.Helper()
	c.send(query(c.t, question))
	return c.receive()
}

// render shows a reply: rcode and flags, the number of records in question,
// answer, authority and additional section, and EDE.
func render(t testing.TB, wire []byte) string {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(wire); err != nil {
		t.Fatalf("reply %x: %v", wire, err)
	}
	text := dns.RcodeToString[m.Rcode]
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"aa", m.Authoritative},
		{"tc", m.Truncated},
		{"rd", m.RecursionDesired},
		{"ra", m.RecursionAvailable},
		{"ad", m.AuthenticatedData},
		{"cd", m.CheckingDisabled},
		{"NOT-QR", !m.Response},
	} {
		if flag.set {
			text += " " + flag.name
		}
	}
	// The library takes counts that are too high for what they should be.
	text += fmt.Sprintf(" %d-%d-%d-%d", binary.BigEndian.Uint16(wire[4:]), binary.BigEndian.Uint16(wire[6:]),
		binary.BigEndian.Uint16(wire[8:]), binary.BigEndian.Uint16(wire[10:]))
	if opt := m.IsEdns0(); opt != nil {
		if opt.Do() {
			text += " do"
		}
		for _, option := range opt.Option {
			text += fmt.Sprintf(" ede=%d%q", option.(*dns.EDNS0_EDE).InfoCode, option.(*dns.EDNS0_EDE).ExtraText)
		}
	}
	return text
}

// Each name's first label stands for a fault.
const faults = soa + `$ORIGIN example.
$TTL 60
plain CAA 0 issuemail "ca.example" ; any other comment
drop A 192.0.2.1 ; answer: drop
noreply A 192.0.2.1 ; answer: noreply-udp
tcpclose A 192.0.2.1 ; answer: tc tcp-close
servfail A 192.0.2.1 ; answer: servfail
refused A 192.0.2.1 ; answer: refused
notimp A 192.0.2.1 ; answer: notimp
formerr A 192.0.2.1 ; answer: formerr
nxdomain A 192.0.2.1 ; answer: nxdomain
rcode A 192.0.2.1 ; answer: rcode=9
bigrcode A 192.0.2.1 ; answer: rcode=23
noquestion A 192.0.2.1 ; answer: noquestion notimp
noquestiontc A 192.0.2.1 ; answer: noquestion servfail tc
noedns A 192.0.2.1 ; answer: noedns
noednsq A 192.0.2.1 ; answer: noedns-noquestion
bogus A 192.0.2.1 ; answer: bogus ede=6 text="signature expired"
referral A 192.0.2.1 ; answer: referral
chain CNAME plain ; answer: chain
away CNAME www.example.net. ; answer: chain
nowhere CNAME nothing ; answer: chain
under.plain DNAME other ; answer: chain
notalias A 192.0.2.1 ; answer: chain
tc A 192.0.2.1 ; answer: tc
tctcp A 192.0.2.1 ; answer: tc-tcp
badid A 192.0.2.1 ; answer: badid
badquestion A 192.0.2.1 ; answer: badquestion
garbage A 192.0.2.1 ; answer: garbage
half A 192.0.2.1 ; answer: half
ad A 192.0.2.1 ; answer: ad
ede A 192.0.2.1 ; answer: ede=22 text=unreachable ede=23
hostile A 192.0.2.1 ; answer: servfail ede=0 text="\x1b[2J"
first A 192.0.2.1 ; answer: first=2 servfail
delay A 192.0.2.1 ; answer: delay=50ms
badport A 192.0.2.1 ; answer: badport
alias CNAME plain
lost CNAME www.example.net.
cut NS ns.example.net.
`

func TestFaults(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	for _, test := range []struct{ network, question, want string }{
		{"udp", "plain.example. CAA", "NOERROR rd ra 1-1-0-0"},
		{"udp", "PLAIN.example. CAA edns", "NOERROR rd ra 1-1-0-1"},
		{"tcp", "plain.example. CAA do cd", "NOERROR rd ra cd 1-1-0-1 do"},
		{"udp", "plain.example. CAA do ad", "NOERROR rd ra 1-1-0-1 do"},
		{"udp", "nothing.example. CAA", "NXDOMAIN rd ra 1-0-1-0"},
		{"udp", "alias.example. CAA", "NOERROR rd ra 1-2-0-0"},
		{"udp", "lost.example. CAA", "SERVFAIL rd ra 1-0-0-0"},
		{"udp", "a.cut.example. CAA", "SERVFAIL rd ra 1-0-0-0"},
		{"udp", "example.net. CAA", "REFUSED rd ra 1-0-0-0"},
		{"udp", ". SOA", "NOERROR rd ra 1-1-0-0"}, // as every resolver has it,
		{"tcp", "noreply.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "tcpclose.example. A", "NOERROR tc rd ra 1-0-0-0"},
		{"udp", "servfail.example. A", "SERVFAIL rd ra 1-0-0-0"},
		{"tcp", "servfail.example. CAA edns", "SERVFAIL rd ra 1-0-0-1"},
		{"udp", "refused.example. A", "REFUSED rd ra 1-0-0-0"},
		{"udp", "notimp.example. A", "NOTIMP rd ra 1-0-0-0"},
		{"udp", "formerr.example. A", "FORMERR rd ra 1-0-0-0"},
		{"udp", "nxdomain.example. A", "NXDOMAIN rd ra 1-0-0-0"},
		{"udp", "rcode.example. A", "NOTAUTH rd ra 1-0-0-0"},
		{"udp", "bigrcode.example. A edns", "BADCOOKIE rd ra 1-0-0-1"},
		{"udp", "noquestion.example. A edns", "NOTIMP rd ra 0-0-0-0"},
		{"udp", "noquestiontc.example. A edns", "SERVFAIL rd ra 0-0-0-0"},
		{"udp", "noedns.example. A edns", "FORMERR rd ra 1-0-0-0"},
		{"udp", "noedns.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "noednsq.example. A edns", "FORMERR rd ra 0-0-0-0"},
		{"udp", "noednsq.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "bogus.example. A edns", `SERVFAIL rd ra 1-0-0-1 ede=6"signature expired"`},
		{"udp", "bogus.example. A edns cd", "NOERROR rd ra cd 1-1-0-1"},
		{"udp", "referral.example. A", "NOERROR rd ra 1-0-1-0"},
		{"udp", "chain.example. CAA", "NOERROR rd ra 1-1-0-0"},
		{"udp", "chain.example. CAA edns", "NOERROR rd ra 1-1-0-1"},
		{"udp", "away.example. CAA", "NOERROR rd ra 1-1-0-0"},
		{"udp", "nowhere.example. CAA", "NOERROR rd ra 1-1-0-0"},
		{"udp", "a.under.plain.example. CAA", "NXDOMAIN rd ra 1-2-1-0"},
		{"udp", "notalias.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "tc.example. A", "NOERROR tc rd ra 1-0-0-0"},
		{"udp", "tc.example. A edns", "NOERROR tc rd ra 1-0-0-1"},
		{"tcp", "tc.example. A", "NOERROR rd ra 1-1-0-0"},
		{"tcp", "tctcp.example. A", "NOERROR tc rd ra 1-0-0-0"},
		{"udp", "ad.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "ad.example. A ad", "NOERROR rd ra ad 1-1-0-0"},
		{"udp", "ad.example. A do", "NOERROR rd ra ad 1-1-0-1 do"},
		{"udp", "ede.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "ede.example. A edns", `NOERROR rd ra 1-1-0-1 ede=22"unreachable" ede=23""`},
		{"udp", "hostile.example. A edns", `SERVFAIL rd ra 1-0-0-1 ede=0"\x1b[2J"`},
	} {
		t.Run(test.network+" "+test.question, func(t *testing.T) {
			got := render(t, dial(t, test.network, s).ask(test.question))
			if got != test.want {
				t.Errorf("%s over %s is %s, want %s", test.question, test.network, got, test.want)
			}
		})
	}
}

// The server takes queries over UDP one after the other, so that a reply to the
// second says that none went out for the first.
func TestFaultsWithoutReply(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	for _, question := range []string{"drop.example. A", "noreply.example. A", "badport.example. A", "delay.example. A"} {
		c := dial(t, "udp", s)
		c.send(query(t, question))
		next := query(t, "plain.example. CAA")
		c.send(next)
		if reply := c.receive(); string(reply[:2]) != string(next[:2]) {
			t.Errorf("%s has a reply at once: %s", question, render(t, reply))
		}
	}
	c := dial(t, "tcp", s)
	c.send(query(t, "drop.example. A"))
	if got, want := render(t, c.ask("plain.example. CAA")), "NOERROR rd ra 1-1-0-0"; got != want {
		t.Errorf("behind drop over TCP comes %s, want %s", got, want)
	}
	c.send(query(t, "tcpclose.example. A"))
	if _, err := c.read(); !errors.Is(err, io.EOF) {
		t.Errorf("tcp-close: %v, want the end of the connection", err)
	}
}

func TestFaultDelay(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	for _, network := range []string{"udp", "tcp"} {
		c := dial(t, network, s)
		began := time.Now()
		if got, want := render(t, c.ask("delay.example. A")), "NOERROR rd ra 1-1-0-0"; got != want {
			t.Errorf("%s: delayed reply is %s, want %s", network, got, want)
		}
		if took := time.Since(began); took < 50*time.Millisecond {
			t.Errorf("%s: delay=50ms took %v", network, took)
		}
	}
}

func TestFaultFirst(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	var got []string
	for _, network := range []string{"udp", "tcp", "udp", "udp"} {
		got = append(got, render(t, dial(t, network, s).ask("first.example. A")))
	}
	want := []string{"SERVFAIL rd ra 1-0-0-0", "SERVFAIL rd ra 1-0-0-0", "NOERROR rd ra 1-1-0-0", "NOERROR rd ra 1-1-0-0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("first=2 mismatch (-want +got):\n%s", diff)
	}
}

func TestFaultBadPort(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	to, err := net.ResolveUDPAddr("udp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.WriteTo(query(t, "badport.example. A"), to); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 512)
	size, from, err := conn.ReadFrom(buffer)
	if err != nil {
		t.Fatal(err)
	}
	if from.String() == s.Addr() {
		t.Errorf("reply comes from %v, the port asked", from)
	}
	if got, want := render(t, buffer[:size]), "NOERROR rd ra 1-1-0-0"; got != want {
		t.Errorf("reply is %s, want %s", got, want)
	}
}

func TestFaultsInOctets(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	c := dial(t, "udp", s)
	ask := func(question string) (q, reply []byte) {
		q = query(t, question)
		c.send(q)
		return q, c.receive()
	}
	q, reply := ask("badid.example. A")
	if string(reply[:2]) == string(q[:2]) || string(reply[12:len(q)]) != string(q[12:]) {
		t.Errorf("badid: reply %x to %x, want another ID and the same question", reply, q)
	}
	q, reply = ask("badquestion.example. A")
	if string(reply[:2]) != string(q[:2]) || string(reply[12:len(q)]) == string(q[12:]) || !strings.HasPrefix(render(t, reply), "NOERROR") {
		t.Errorf("badquestion: reply %x to %x, want the same ID and another question", reply, q)
	}
	q, reply = ask("garbage.example. A")
	if string(reply[:2]) != string(q[:2]) || new(dns.Msg).Unpack(reply) == nil {
		t.Errorf("garbage: reply %x to %x, want the ID and no message", reply, q)
	}
	// Header, question and one A record whose owner is compressed.
	q, reply = ask("half.example. A")
	if want := (len(q) + 2 + 10 + 4) / 2; len(reply) != want || string(reply[:2]) != string(q[:2]) {
		t.Errorf("half: reply %x to %x, want its first %d octets", reply, q, want)
	}
}

func TestFaultBadQuestionAtTheRoot(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, ". 60 SOA a. b. 1 2 3 4 5 ; answer: badquestion\n")}})
	var m dns.Msg
	if err := m.Unpack(dial(t, "udp", s).ask(". SOA")); err != nil {
		t.Fatal(err)
	}
	if q := m.Question[0]; q.Name != "." || q.Qtype == dns.TypeSOA {
		t.Errorf("question is %v, want another type", q)
	}
}

func TestChainKeepsTheAlias(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	var m dns.Msg
	if err := m.Unpack(dial(t, "udp", s).ask("chain.example. CAA")); err != nil {
		t.Fatal(err)
	}
	alias, ok := m.Answer[0].(*dns.CNAME)
	if !ok || alias.Target != "plain.example." {
		t.Errorf("answer is %v, want the CNAME record", m.Answer[0])
	}
}

func TestReferralHasNoSOA(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	var m dns.Msg
	if err := m.Unpack(dial(t, "udp", s).ask("referral.example. A")); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Ns[0].(*dns.NS); !ok || m.Ns[0].Header().Name != "referral.example." {
		t.Errorf("authority is %v, want NS of the name", m.Ns[0])
	}
}

// The header, question and 40 records of 2+10+16 octets are more than 512 octets
// and less than 1,232.
func TestTruncation(t *testing.T) {
	text := soa
	for i := range 40 {
		text += fmt.Sprintf("big.example. 60 CAA 0 issue ca%02d.test\n", i)
	}
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, text)}})
	for _, test := range []struct{ network, question, want string }{
		{"udp", "big.example. CAA", "NOERROR tc rd ra 1-0-0-0"},
		{"udp", "big.example. CAA edns", "NOERROR rd ra 1-40-0-1"},
		{"tcp", "big.example. CAA", "NOERROR rd ra 1-40-0-0"},
	} {
		if got := render(t, dial(t, test.network, s).ask(test.question)); got != test.want {
			t.Errorf("%s over %s is %s, want %s", test.question, test.network, got, test.want)
		}
	}
}

func TestMalformedRecordsGoOut(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, soa+"a.example. 60 TYPE257 \\# 3 0005aa\n")}})
	reply := dial(t, "udp", s).ask("a.example. CAA edns")
	if !strings.Contains(string(reply), "\x00\x03\x00\x05\xaa\x00\x00\x29") {
		t.Errorf("reply %x lacks the record before its OPT record", reply)
	}
}

func TestAuthoritative(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}, Authoritative: true})
	for question, want := range map[string]string{
		"plain.example. CAA cd": "NOERROR aa rd 1-1-0-0",
		"lost.example. CAA":     "NOERROR aa rd 1-1-0-0",
		"cut.example. CAA":      "NOERROR rd 1-0-1-0",
		"example.net. CAA":      "REFUSED rd 1-0-0-0",
		"servfail.example. A":   "SERVFAIL rd 1-0-0-0",
	} {
		if got := render(t, dial(t, "udp", s).ask(question)); got != want {
			t.Errorf("%s is %s, want %s", question, got, want)
		}
	}
}

func TestQueries(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	udp, tcp := dial(t, "udp", s), dial(t, "tcp", s)
	first := query(t, "Plain.Example. CAA do cd")
	udp.send([]byte("no query"))
	for _, change := range []struct{ at, octet int }{{2, 0x81}, {2, 4 << 3}, {5, 0}, {5, 2}} { // QR, NOTIFY, questions
		bad := query(t, "bad.example. A")
		bad[change.at] = byte(change.octet)
		udp.send(bad)
	}
	udp.send(first)
	udp.receive()
	tcp.ask("plain.example. A ad")
	tcp.ask(". NS")
	udp.ask("tiny.example. A tiny")
	got := s.Queries()
	want := []dnstest.Query{
		{Name: "plain.example", Type: dns.TypeCAA, Transport: dnstest.UDP, EDNS: true, UDPSize: 1232, RD: true, CD: true, DO: true},
		{Name: "plain.example", Type: dns.TypeA, Transport: dnstest.TCP, UDPSize: 512, RD: true, AD: true},
		{Name: ".", Type: dns.TypeNS, Transport: dnstest.TCP, UDPSize: 512, RD: true},
		{Name: "tiny.example", Type: dns.TypeA, Transport: dnstest.UDP, EDNS: true, UDPSize: 512, RD: true},
	}
	if len(got) != len(want) {
		t.Fatalf("%d queries, want %d: %+v", len(got), len(want), got)
	}
	if string(got[0].Wire) != string(first) || got[0].ID != binary.BigEndian.Uint16(first) {
		t.Errorf("first query is %x with ID %d, want %x", got[0].Wire, got[0].ID, first)
	}
	if from := udp.conn.LocalAddr().String(); got[0].From.String() != from {
		t.Errorf("first query is from %v, want %v", got[0].From, from)
	}
	for i, q := range got {
		w := want[i]
		if q.Name != w.Name || q.Type != w.Type || q.Transport != w.Transport || q.EDNS != w.EDNS || q.UDPSize != w.UDPSize ||
			q.RD != w.RD || q.AD != w.AD || q.CD != w.CD || q.DO != w.DO {
			t.Errorf("query %d is\n%+v\nwant\n%+v", i, q, w)
		}
	}
	if count := s.Count("PLAIN.example."); count != 2 {
		t.Errorf("Count(PLAIN.example.) = %d, want 2", count)
	}
	if count := s.Count("."); count != 1 {
		t.Errorf("Count(.) = %d, want 1", count)
	}
}

func TestForget(t *testing.T) {
	s := start(t, dnstest.Config{Forget: true})
	dial(t, "udp", s).ask("plain.example. A")
	if got := s.Queries(); len(got) > 0 {
		t.Errorf("queries are kept: %v", got)
	}
}

func TestHandle(t *testing.T) {
	handle := func(q dnstest.Query) []dnstest.Reply {
		reply := q.Replies()[0]
		forged := dnstest.Reply{Wire: append([]byte{reply.Wire[0] ^ 1}, reply.Wire[1:]...)}
		return []dnstest.Reply{forged, {}, reply, {Close: true}}
	}
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}, Handle: handle})
	for _, network := range []string{"udp", "tcp"} {
		c := dial(t, network, s)
		q := query(t, "plain.example. CAA")
		c.send(q)
		if forged := c.receive(); forged[0] != q[0]^1 {
			t.Errorf("%s: first reply has ID %x, want it forged", network, forged[:2])
		}
		if reply := c.receive(); string(reply[:2]) != string(q[:2]) {
			t.Errorf("%s: second reply has ID %x, want %x", network, reply[:2], q[:2])
		}
		if network == "tcp" {
			if _, err := c.read(); !errors.Is(err, io.EOF) {
				t.Errorf("behind Close: %v, want the end of the connection", err)
			}
		}
	}
}

func TestServe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.zone")
	if err := os.WriteFile(path, []byte(faults), 0o666); err != nil {
		t.Fatal(err)
	}
	var s *dnstest.Server
	t.Run("inside", func(t *testing.T) {
		s = dnstest.Serve(t, path)
		if got, want := render(t, dial(t, "udp", s).ask("plain.example. CAA")), "NOERROR rd ra 1-1-0-0"; got != want {
			t.Errorf("reply is %s, want %s", got, want)
		}
	})
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("the server still listens behind the end of its test")
	}
}

// A reply that is held back, an idle connection and a second Close keep nothing
// waiting: the test ends at all.
func TestClose(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, soa+"a.example. A 192.0.2.1 ; answer: delay=24h\n")}})
	var c client
	for _, network := range []string{"udp", "tcp"} {
		c = dial(t, network, s)
		c.send(query(t, "a.example. A"))
		c.ask("b.example. A") // and so the one before has been taken
	}
	s.Close()
	s.Close()
	if _, err := c.read(); err == nil {
		t.Error("the connection lives on behind Close")
	}
}

func TestStartErrors(t *testing.T) {
	for _, test := range []struct{ comment, want string }{
		{"answer: servfial", `word "servfial" is not known`},
		{"answer: TC", `word "TC" is not known`},
		{"answer: colour=9", `word "colour" is not known`},
		{"answer: tc=1", `word "tc" is not known`},
		{"answer: servfail refused", "there are two rcodes"},
		{"answer: rcode=4096", `"rcode=4096": strconv.ParseUint: parsing "4096": value out of range`},
		{"answer: ede=x", `"ede=x": strconv.ParseUint: parsing "x": invalid syntax`},
		{"answer: text=x", "text= stands behind the ede= it belongs to"},
		{`answer: ede=1 text="x`, `text="x is no Go string`},
		{"answer: tc first=0", "first= is followed by 1 or more"},
		{"answer: tc after=0", "after= is followed by 1 or more"},
		{"answer: tc flap=-1", "flap= is followed by 1 or more"},
		{"answer: tc flap=x", `"flap=x": strconv.ParseInt: parsing "x": invalid syntax`},
		{"answer: after=2 flap=1", "no fault is named"},
		{"answer: noedns-noquestion noquestion", "noquestion needs an rcode"},
		{"answer: delay=5", `"delay=5": time: missing unit in duration "5"`},
		{"answer: noquestion", "noquestion needs an rcode"},
		{"answer: bogus servfail", "bogus has its own rcode"},
		{"answer:", "no fault is named"},
		{"answer: first=2", "no fault is named"},
		{"answer: tc\na.example. A 192.0.2.2 ; answer: tc", "faults stand on two records; put them on one"},
	} {
		z := parse(t, soa+"a.example. A 192.0.2.1 ; "+test.comment+"\n")
		s, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{z}})
		if err == nil {
			s.Close()
		}
		if want := "dnstest: test.zone: a.example: answer: " + test.want; err == nil || err.Error() != want {
			t.Errorf("%q: error is %v, want %s", test.comment, err, want)
		}
	}
}

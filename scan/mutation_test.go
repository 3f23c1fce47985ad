package scan_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"caascan/scan"
	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/zone"
)

// denyingZone lets ca.example issue for none of the denials. Their parents say
// nothing, so that a set that gets lost permits.
const denyingZone = `$ORIGIN .
$TTL 300
@                   SOA   ns.test. hostmaster.test. 1 7200 900 1209600 300
direct.example.     CAA   0 issuemail "other.example"
several.example.    CAA   0 issue "ca.example"
several.example.    CAA   0 issuemail ";"
several.example.    CAA   0 issuemail "other.example; a=b"
mail.example.       CNAME policy.example.
policy.example.     CAA   0 issuemail "other.example"
corp.example.       CAA   0 issuemail "other.example"
moved.example.      DNAME tree.example.
a.tree.example.     CAA   0 issuemail "other.example"
critical.example.   CAA   128 tbs "x"
malformed.example.  CAA   0 issuemail "ca.example."
unsound.example.    TYPE257 \# 3 0009aa
loop.example.       CNAME pool.example.
pool.example.       CNAME loop.example.
`

// denial is a domain for which ca.example must not issue, and the name whose
// replies are mutated.
type denial struct {
	domain  string
	mutated string
	// edit makes of the reply that the zone gives the one that is mutated; it may
	// be nil.
	edit   func(m *dns.Msg)
	reason scan.Reason // without a mutation
}

func denials() []denial {
	empty := func(edit func(m *dns.Msg)) func(m *dns.Msg) {
		return func(m *dns.Msg) {
			m.Answer = nil
			edit(m)
		}
	}
	return []denial{
		{"direct.example", "direct.example", nil, "issuer-not-listed"},
		{"several.example", "several.example", nil, "issuer-not-listed"},
		{"mail.example", "mail.example", nil, "issuer-not-listed"},
		{"host.corp.example", "host.corp.example", nil, "issuer-not-listed"},
		{"host.corp.example", "corp.example", nil, "issuer-not-listed"},
		{"a.moved.example", "a.moved.example", nil, "issuer-not-listed"},
		{"critical.example", "critical.example", nil, "unknown-critical"},
		{"malformed.example", "malformed.example", nil, "malformed-issuemail"},
		{"unsound.example", "unsound.example", nil, "malformed-reply"},
		{"loop.example", "loop.example", nil, "cname-loop"},
		{"x.nosuch", "nosuch", nil, "tld-not-found"},
		// A chain in parts, of which either may be mutated.
		{"mail.example", "mail.example", func(m *dns.Msg) { m.Answer = m.Answer[:1] }, "issuer-not-listed"},
		{"mail.example", "policy.example", func(m *dns.Msg) { m.Answer = m.Answer[:1] }, "issuer-not-listed"},
		// What is no answer.
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Ns = records("example. 300 NS ns.example.") }), "malformed-reply"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.RecursionAvailable = false }), "filtered"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Authoritative, m.Ns = true, rootSOA() }), "filtered"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Ns = records("other.example. 300 SOA ns.test. h.test. 1 2 3 4 5") }), "filtered"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) {
			m.Ns, m.Extra = rootSOA(), append(records("policy.test. 300 SOA ns.test. h.test. 1 2 3 4 5"), m.Extra...)
		}), "filtered"},
		// What belongs to another question.
		{"direct.example", "direct.example", func(m *dns.Msg) { m.Answer, m.Ns = records("direct.example. 300 A 192.0.2.1"), rootSOA() }, "malformed-reply"},
		{"direct.example", "direct.example", func(m *dns.Msg) { m.Answer, m.Ns = records(`direct.example. 300 CH CAA 0 issuemail ";"`), rootSOA() }, "malformed-reply"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Ns = append(rootSOA(), records(`direct.example. 300 CAA 0 issuemail ";"`)...) }), "malformed-reply"},
		{"direct.example", "direct.example", func(m *dns.Msg) {
			m.Answer = append(records(`direct.example. 300 CAA 0 issue "ca.example"`), records(`direst.example. 300 CAA 0 issuemail ";"`)...)
		}, "malformed-reply"},
		{"direct.example", "direct.example", func(m *dns.Msg) { m.Answer = records(`elsewhere.example. 300 CAA 0 issuemail "ca.example"`) }, "malformed-reply"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Truncated = true }), "truncated"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }), "servfail"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Rcode = dns.RcodeNotImplemented }), "notimp"},
		{"direct.example", "direct.example", empty(extendedError(dns.ExtendedErrorCodeBlocked)), "filtered"},
		{"direct.example", "direct.example", empty(extendedError(dns.ExtendedErrorCodeStaleAnswer)), "stale"},
		{"direct.example", "direct.example", empty(extendedError(dns.ExtendedErrorCodeDNSKEYMissing)), "dnssec-bogus"},
		{"direct.example", "direct.example", empty(extendedRCode), "rcode"},
		// Aliases that are none, or lead to where nothing is denied.
		{"mail.example", "mail.example", func(m *dns.Msg) {
			m.Answer, m.Ns = m.Answer[:1], records("elsewhere. 300 SOA ns.elsewhere. h.elsewhere. 1 2 3 4 5")
		}, "filtered"},
		{"mail.example", "mail.example", func(m *dns.Msg) {
			m.Answer, m.Ns = m.Answer[:1], records("mail.example. 300 SOA ns.elsewhere. h.elsewhere. 1 2 3 4 5")
		}, "issuer-not-listed"},
		{"mail.example", "mail.example", func(m *dns.Msg) {
			m.Answer, m.Ns = records("mail.example. 300 CNAME policy.example.", "mail.example. 300 CNAME nothing.example."), rootSOA()
		}, "malformed-reply"},
		{"direct.example", "direct.example", func(m *dns.Msg) {
			m.Answer, m.Ns = append(m.Answer, records("direct.example. 300 CNAME nothing.example.")...), rootSOA()
		}, "malformed-reply"},
		// What is no reply to the query.
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Id ^= 1 }), "timeout"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Response = false }), "timeout"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }), "timeout"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Question[0].Name = "indirect.example." }), "timeout"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeTXT }), "timeout"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), "timeout"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Question = nil }), "timeout"},
		{"direct.example", "direct.example", empty(func(m *dns.Msg) { m.Question = append(m.Question, m.Question...) }), "timeout"},
	}
}

// extendedRCode is an rcode whose lower bits, in the header, are those of NOERROR
// (RFC 6891, section 6.1.3).
func extendedRCode(m *dns.Msg) {
	const unassigned = 2 << 4
	m.Rcode = unassigned
	if m.IsEdns0() == nil {
		m.Rcode = dns.RcodeRefused // without EDNS it cannot be said
	}
}

func rootSOA() []dns.RR { return records(". 300 SOA ns.test. hostmaster.test. 1 7200 900 1209600 300") }

func extendedError(code uint16) func(m *dns.Msg) {
	return func(m *dns.Msg) {
		if opt := m.IsEdns0(); opt != nil {
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code})
		} else {
			m.Rcode = dns.RcodeRefused // without EDNS it cannot be said
		}
	}
}

func records(texts ...string) []dns.RR {
	var rrs []dns.RR
	for _, text := range texts {
		rr, err := dns.NewRR(text)
		if err != nil {
			panic(err)
		}
		rrs = append(rrs, rr)
	}
	return rrs
}

// A mutation is four octets of a program: what, where (two octets), and how.
const mutationSize = 4

// maxMutations is more than leave anything of a reply.
const maxMutations = 12

// mutate changes octets as a program says. Any program is one.
func mutate(octets, program []byte) []byte {
	for range maxMutations {
		if len(program) < mutationSize || len(octets) == 0 {
			break
		}
		at := int(binary.BigEndian.Uint16(program[1:])) % len(octets)
		octets = mutateOnce(octets, program[0], at, program[3])
		program = program[mutationSize:]
	}
	return octets
}

// Kinds of mutations.
const (
	flipBit = iota
	setOctet
	insertOctet
	cutOut
	cutOff
	swap
	addToCount
	repeat
	setType
	append8
	mutations
)

func mutateOnce(octets []byte, kind byte, at int, how byte) []byte {
	switch kind % mutations {
	case flipBit:
		octets[at] ^= 1 << (how % 8)
	case setOctet:
		octets[at] = how
	case insertOctet:
		octets = slices.Insert(octets, at, how)
	case cutOut:
		octets = slices.Delete(octets, at, min(len(octets), at+int(how)))
	case cutOff:
		octets = octets[:at]
	case swap:
		other := int(how) % len(octets)
		octets[at], octets[other] = octets[other], octets[at]
	case addToCount:
		const counts, low = 4, 5 // of header fields, and where the first one has its low octet
		if count := low + 2*(at%counts); count < len(octets) {
			octets[count] += how
		}
	case repeat:
		octets = slices.Insert(octets, at, octets[at:min(len(octets), at+int(how))]...)
	case setType:
		types := []uint16{dns.TypeNS, dns.TypeCNAME, dns.TypeSOA, dns.TypeDNAME, dns.TypeOPT, dns.TypeCAA, dns.TypeTXT, 65280}
		if at+2 <= len(octets) {
			binary.BigEndian.PutUint16(octets[at:], types[int(how)%len(types)])
		}
	case append8:
		octets = append(octets, bytes.Repeat([]byte{how}, 8)...)
	}
	return octets
}

// mutant is a resolver over pipes that serves a denial.
type mutant struct {
	t       testing.TB
	zones   *zone.Set
	denial  denial
	program []byte

	mu   sync.Mutex // guards what follows
	sent []sent
}

// sent is a query and the octets that came back.
type sent struct {
	network      string
	query, reply []byte
}

func (m *mutant) dial(_ context.Context, network, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	go m.serve(server, network)
	return client, nil
}

func (m *mutant) serve(conn net.Conn, network string) {
	defer conn.Close()
	for {
		query, err := receive(conn, network)
		if err != nil {
			return
		}
		reply := m.reply(query)
		m.mu.Lock()
		m.sent = append(m.sent, sent{network, query, reply})
		m.mu.Unlock()
		if network == "tcp" {
			reply = append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

// receive reads one message of a client.
func receive(conn io.Reader, network string) ([]byte, error) {
	const most = 512 // a query is shorter
	buffer := make([]byte, most)
	if network == "tcp" {
		if _, err := io.ReadFull(conn, buffer[:2]); err != nil {
			return nil, err
		}
		buffer = buffer[:binary.BigEndian.Uint16(buffer)]
		_, err := io.ReadFull(conn, buffer)
		return buffer, err
	}
	n, err := conn.Read(buffer)
	return buffer[:n], err
}

// reply is what the zone says, edited and mutated where the denial says so.
func (m *mutant) reply(query []byte) []byte {
	answer, err := m.zones.Resolve(query)
	if err != nil {
		m.t.Error(err)
		return nil
	}
	q := new(dns.Msg)
	if err := q.Unpack(query); err != nil {
		m.t.Error(err)
		return nil
	}
	if q.Question[0].Name != m.denial.mutated+"." {
		return answer.Wire
	}
	wire := m.edited(answer.Wire)
	// The same program makes the same of a reply, whatever the query's ID is.
	flipID(wire, query)
	wire = mutate(wire, m.program)
	flipID(wire, query)
	return wire
}

// flipID takes the ID of a query from that of a reply, or puts it back.
func flipID(reply, query []byte) {
	const size = 2
	for i := range min(size, len(reply)) {
		reply[i] ^= query[i]
	}
}

func (m *mutant) edited(wire []byte) []byte {
	if m.denial.edit == nil {
		return wire
	}
	var reply dns.Msg
	if err := reply.Unpack(wire); err != nil {
		m.t.Error(err)
		return wire
	}
	m.denial.edit(&reply)
	packed, err := reply.Pack()
	if err != nil {
		m.t.Error(err)
		return wire
	}
	return packed
}

// decide looks the denial's domain up and decides for ca.example.
func (m *mutant) decide(t *testing.T) scan.Decision {
	t.Helper()
	server, err := lookup.ParseServer("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := lookup.New(lookup.Config{
		Servers: []lookup.Server{server}, Dial: m.dial, Concurrency: 1, Attempts: 1, Timeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	name, err := domain.Parse(m.denial.domain)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Trace(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: client.Store()}).Verdict(name).Decisions[0]
}

// decideMutated returns the decision under a program of mutations, and what was
// sent for it. No time passes.
func decideMutated(t *testing.T, zones *zone.Set, d denial, program []byte) (decision scan.Decision, log []sent) {
	synctest.Test(t, func(t *testing.T) {
		m := &mutant{t: t, zones: zones, denial: d, program: program}
		decision = m.decide(t)
		synctest.Wait()
		log = m.sent
	})
	return decision, log
}

func denyingWorld(t testing.TB) *zone.Set {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(denyingZone), "denying.zone")
	if err != nil {
		t.Fatal(err)
	}
	set, err := zone.NewSet(z)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// spelling is a program that makes a reply say something else.
type spelling struct {
	what    string
	denial  uint8 // its place in denials
	program []byte
	reason  scan.Reason
}

func spellings() []spelling {
	return []spelling{
		{"the record is taken away, and its count", 0, []byte{cutOut, 0, 32, 36, addToCount, 0, 1, 255}, "no-caa"},
		{"another tag", 0, []byte{setOctet, 0, 46, 'x'}, "no-issuemail"},
		{"ca.example behind white space", 0, []byte{
			setOctet, 0, 55, ' ', setOctet, 0, 56, ' ', setOctet, 0, 57, ' ', setOctet, 0, 58, 'c', setOctet, 0, 59, 'a',
		}, "issuer-listed"},
		{"the critical bit is cleared", 6, []byte{flipBit, 0, 46, 7}, "no-issuemail"},
		{"NOERROR for a TLD", 10, []byte{setOctet, 0, 3, 0x80}, "no-caa"},
		{"RA is set", 14, []byte{flipBit, 0, 3, 7}, "no-caa"},
		{"NOERROR in the place of SERVFAIL", 24, []byte{flipBit, 0, 3, 1}, "no-caa"},
		{"an Extended DNS Error that means nothing", 26, []byte{setOctet, 0, 48, 0}, "no-caa"},
	}
}

// halfSpelt makes broken replies of a set that denies.
func halfSpelt() []spelling {
	return []spelling{
		{"a record that is not counted", 0, []byte{addToCount, 0, 1, 255}, "malformed-reply"},
		{"a record too many is counted", 0, []byte{addToCount, 0, 1, 1}, "malformed-reply"},
		{"the message ends before its record", 0, []byte{cutOff, 0, 32, 0}, "malformed-reply"},
		{"octets behind the last record", 0, []byte{cutOut, 0, 32, 36, addToCount, 0, 1, 255, append8, 0, 0, 0}, "malformed-reply"},
		{"another owner", 0, []byte{setOctet, 0, 33, 19}, "malformed-reply"},
		{"NXDOMAIN with a set", 0, []byte{setOctet, 0, 3, 0x83}, "malformed-reply"},
		{"a tag of no octets", 0, []byte{setOctet, 0, 45, 0}, "malformed-reply"},
		{"a tag beyond the RDATA", 0, []byte{setOctet, 0, 45, 25}, "malformed-reply"},
		{"a CNAME record that becomes a DNAME record of its own name", 9, []byte("y1!'"), "malformed-reply"},
		{"a label that points to itself", 0, []byte{setOctet, 0, 33, 32}, "malformed-reply"},
	}
}

func TestWhatIsHalfSpeltDoesNotPermit(t *testing.T) {
	zones, all := denyingWorld(t), denials()
	for _, s := range halfSpelt() {
		d := all[s.denial]
		decision, log := decideMutated(t, zones, d, s.program)
		if decision.Status != scan.LookupFailed || decision.Reason != s.reason {
			t.Errorf("%s: %s, %s, want lookup-failed, %s", s.what, decision.Status, decision.Reason, s.reason)
		}
		if permits(log, d.domain) {
			t.Errorf("%s: the octets are read as permission", s.what)
		}
	}
}

// TestWhatIsReallySpeltPermits, so that the reading which FuzzMutatedReplies rests
// on is not one that permits nothing, nor one that nothing meets.
func TestWhatIsReallySpeltPermits(t *testing.T) {
	zones, all := denyingWorld(t), denials()
	for _, s := range spellings() {
		d := all[s.denial]
		decision, log := decideMutated(t, zones, d, s.program)
		if decision.Status != scan.Permitted || decision.Reason != s.reason {
			t.Errorf("%s: %s, %s, want permitted, %s", s.what, decision.Status, decision.Reason, s.reason)
		}
		if !permits(log, d.domain) {
			t.Errorf("%s: the octets are not read as permission", s.what)
		}
	}
}

func TestTheDenyingWorldDenies(t *testing.T) {
	zones := denyingWorld(t)
	for i, d := range denials() {
		decision, log := decideMutated(t, zones, d, nil)
		if decision.Reason != d.reason || decision.Status == scan.Permitted {
			t.Errorf("denial %d, %s by %s: %s, %s, want %s", i, d.domain, d.mutated, decision.Status, decision.Reason, d.reason)
		}
		if permits(log, d.domain) {
			t.Errorf("denial %d, %s by %s: the octets are read as permission", i, d.domain, d.mutated)
		}
	}
}

// FuzzMutatedReplies: bad answers never permit. Where a mutated reply does, its
// octets really spell a set that permits, or that there is none.
func FuzzMutatedReplies(f *testing.F) {
	zones, all := denyingWorld(f), denials()
	for i := range all {
		f.Add(uint8(i), []byte(nil))
	}
	for _, s := range slices.Concat(spellings(), halfSpelt()) {
		f.Add(s.denial, s.program)
	}
	f.Fuzz(func(t *testing.T, which uint8, program []byte) {
		d := all[int(which)%len(all)]
		decision, log := decideMutated(t, zones, d, program)
		if decision.Status != scan.Permitted || permits(log, d.domain) {
			return
		}
		for _, s := range log {
			t.Logf("%s: %x\n%x", s.network, s.query, s.reply)
		}
		t.Errorf("%s by %s is permitted, %s, by octets that say no such thing", d.domain, d.mutated, decision.Reason)
	})
}

// permits reads, from the octets that were sent and nothing else, whether ca.example
// may issue for a domain (RFC 8659, section 3): whether there is one reply for each
// name of the climb that says so.
func permits(log []sent, name string) bool {
	for name += "."; name != "."; name = parentOf(name) {
		permit, empty := meanings(log, name, []string{name})
		if permit || !empty {
			return permit
		}
	}
	return true
}

func parentOf(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// meanings reports what the replies say at the end of a chain of names, the first
// of which is that of the climb: that a set permits, or that there is none.
func meanings(log []sent, name string, chain []string) (permit, empty bool) {
	for _, s := range log {
		r, ok := read(s)
		if !ok || r.asked != chain[len(chain)-1] {
			continue
		}
		whole, ok := follow(r, chain)
		if !ok {
			continue
		}
		end := whole[len(whole)-1]
		set := r.set(end)
		switch {
		case !r.public(end) || !r.ofQuestion(whole, len(chain)):
		case len(set) > 0:
			permit = permit || r.rcode == dns.RcodeSuccess && permitting(set)
		case end != r.asked && !r.closes(end):
			further, nothing := meanings(log, name, whole)
			permit, empty = permit || further, empty || nothing
		case r.noTLD(name, whole), !r.standsBehind():
		default:
			empty = true
		}
	}
	return permit, empty
}

// reading is a reply that counts.
type reading struct {
	asked     string
	aa, ra    bool
	rcode     int
	all       []record
	answer    []record // of class IN, like what follows
	authority []record
}

// record is a resource record in the octets of a reply.
type record struct {
	section     int // 1 answer, 2 authority, 3 additional
	owner       string
	kind, class uint16
	ttl         uint32
	rdata       []byte
	alias       string // where a CNAME or DNAME record points; "" where that cannot be read
}

// read returns what a reply says, if it counts: to our query, which did not waive
// validation, complete, and with no Extended DNS Error that speaks against it.
func read(s sent) (reading, bool) {
	const headerSize, qr, opcode, aa, tc, ra, cd, rcodes = 12, 1 << 15, 0xF << 11, 1 << 10, 1 << 9, 1 << 7, 1 << 4, 0xF
	q := new(dns.Msg)
	if q.Unpack(s.query) != nil || q.CheckingDisabled || len(s.reply) < headerSize || new(dns.Msg).Unpack(s.reply) != nil {
		return reading{}, false
	}
	flags := binary.BigEndian.Uint16(s.reply[2:])
	if !bytes.Equal(s.reply[:2], s.query[:2]) || flags&qr == 0 || flags&(opcode|tc) != 0 || !sameQuestion(s) {
		return reading{}, false
	}
	all, ok := split(s.reply)
	r := reading{all: all, asked: dns.CanonicalName(q.Question[0].Name), aa: flags&aa != 0, ra: flags&ra != 0, rcode: int(flags & rcodes)}
	for _, record := range all {
		switch {
		case record.section == 3 && record.kind == dns.TypeOPT:
			r.rcode |= int(record.ttl>>24) << 4
			ok = ok && harmless(record.rdata)
		case record.class != dns.ClassINET:
		case record.section == 1:
			r.answer = append(r.answer, record)
			ok = ok && record.sound()
		case record.section == 2:
			r.authority = append(r.authority, record)
		}
	}
	return r, ok && (r.rcode == dns.RcodeSuccess || r.rcode == dns.RcodeNameError)
}

// sameQuestion reports whether a reply has one question, that of its query: octet
// for octet over UDP.
func sameQuestion(s sent) bool {
	const headerSize, qdcountAt = 12, 4
	_, end, err := dns.UnpackDomainName(s.query, headerSize)
	end += 4
	if err != nil || len(s.reply) < end || binary.BigEndian.Uint16(s.reply[qdcountAt:]) != 1 {
		return false
	}
	ours, theirs := s.query[headerSize:end], s.reply[headerSize:end]
	return bytes.Equal(ours, theirs) || s.network == "tcp" && bytes.EqualFold(ours, theirs)
}

// split returns the records of a reply with one question, if they are as many as
// its header says and nothing stands behind them.
func split(reply []byte) ([]record, bool) {
	const headerSize, countsAt = 12, 4
	_, at, err := dns.UnpackDomainName(reply, headerSize)
	if err != nil {
		return nil, false
	}
	at += 4
	var all []record
	for section := 1; section <= 3; section++ {
		for range binary.BigEndian.Uint16(reply[countsAt+2*section:]) {
			r, end, ok := splitOff(reply, at)
			if !ok {
				return nil, false
			}
			r.section, at = section, end
			all = append(all, r)
		}
	}
	return all, at == len(reply)
}

// splitOff returns the record that begins at a place, and where it ends (RFC 1035,
// section 4.1.3).
func splitOff(reply []byte, at int) (r record, end int, ok bool) {
	const fixed = 10 // type, class, TTL and length
	owner, at, err := dns.UnpackDomainName(reply, at)
	if err != nil || len(reply) < at+fixed {
		return record{}, 0, false
	}
	start := at + fixed
	end = start + int(binary.BigEndian.Uint16(reply[at+8:]))
	if len(reply) < end {
		return record{}, 0, false
	}
	r = record{
		owner: dns.CanonicalName(owner), kind: binary.BigEndian.Uint16(reply[at:]), class: binary.BigEndian.Uint16(reply[at+2:]),
		ttl: binary.BigEndian.Uint32(reply[at+4:]), rdata: reply[start:end],
	}
	if target, last, err := dns.UnpackDomainName(reply, start); err == nil && last == end {
		r.alias = dns.CanonicalName(target)
	}
	return r, end, true
}

// harmless reports whether the options of an OPT record have no Extended DNS Error
// by which an answer is none.
func harmless(options []byte) bool {
	const ede = 15 // RFC 8914, section 2
	for len(options) >= 4 {
		size := 4 + int(binary.BigEndian.Uint16(options[2:]))
		if len(options) < size {
			return false
		}
		if binary.BigEndian.Uint16(options) == ede {
			if size < 6 {
				return false
			}
			switch binary.BigEndian.Uint16(options[4:]) {
			case 3, 4, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19, 25, 33:
				return false
			}
		}
		options = options[size:]
	}
	return len(options) == 0
}

// follow returns a chain with the aliases of a reply behind it, if they lead from
// one name to one other and never back (RFC 1034, section 3.6.2).
func follow(r reading, chain []string) ([]string, bool) {
	const most = 16
	chain = slices.Clone(chain)
	for {
		at := chain[len(chain)-1]
		targets := r.targets(at)
		if len(targets) == 0 {
			return chain, true
		}
		if len(targets) > 1 || len(r.set(at)) > 0 || slices.Contains(chain, targets[0]) || len(chain) == most {
			return nil, false
		}
		if _, valid := dns.IsDomainName(targets[0]); !valid { // a DNAME can make a name too long
			return nil, false
		}
		chain = append(chain, targets[0])
	}
}

// targets returns the distinct names that a name is an alias of, by its CNAME record
// or by a DNAME record above it (RFC 6672, section 2.2).
func (r reading) targets(name string) []string {
	var targets []string
	for _, record := range r.answer {
		switch {
		case record.kind == dns.TypeCNAME && record.owner == name:
			targets = append(targets, record.alias)
		case record.kind == dns.TypeDNAME && record.owner != name && dns.IsSubDomain(record.owner, name):
			labels := dns.SplitDomainName(name)
			kept := labels[:len(labels)-dns.CountLabel(record.owner)]
			targets = append(targets, strings.Join(append(slices.Clone(kept), strings.TrimSuffix(record.alias, ".")), ".")+".")
		}
	}
	slices.Sort(targets)
	return slices.Compact(targets)
}

// set returns the RDATA of the CAA records that a name owns.
func (r reading) set(owner string) [][]byte {
	var set [][]byte
	for _, record := range r.answer {
		if record.kind == dns.TypeCAA && record.owner == owner {
			set = append(set, record.rdata)
		}
	}
	return set
}

func (r reading) any(records []record, kind uint16) bool {
	return slices.ContainsFunc(records, func(record record) bool { return record.kind == kind })
}

// closes reports whether the reply denies the records of a name: it has the SOA
// record of a zone that the name is in (RFC 2308, section 2).
func (r reading) closes(name string) bool {
	return slices.ContainsFunc(r.authority, func(record record) bool {
		return record.kind == dns.TypeSOA && dns.IsSubDomain(record.owner, name)
	})
}

// public reports whether the reply is one of the public DNS, and not of an internal view or
// a block list (RFC 1035, section 4.1.1; RFC 2308, section 2): recursive, and with no SOA record but those of zones
// that hold the name asked or the end of its aliases.
func (r reading) public(end string) bool {
	soa := func(section int) (owners []string) {
		for _, record := range r.all {
			if record.section == section && record.kind == dns.TypeSOA && (section == 3 || record.class == dns.ClassINET) {
				owners = append(owners, record.owner)
			}
		}
		return owners
	}
	foreign := slices.ContainsFunc(soa(2), func(owner string) bool {
		return !dns.IsSubDomain(owner, r.asked) && !dns.IsSubDomain(owner, end)
	})
	answered := slices.ContainsFunc(r.all, func(record record) bool { return record.section == 1 })
	copied := dns.CountLabel(r.asked) == 1 && slices.Contains(soa(2), ".") && !answered // of the root zone (RFC 8806)
	return (!r.aa || copied) && r.ra && !foreign && len(soa(3)) == 0
}

// ofQuestion reports whether all CAA records of the reply are in the answer, of class IN
// and at the end of the chain, and whether the answer has some, or an alias, if it has
// anything.
func (r reading) ofQuestion(chain []string, known int) bool {
	answered, found := false, len(chain) > known
	for _, record := range r.all {
		answered = answered || record.section == 1
		ownDNAME := record.section == 1 && record.class == dns.ClassINET && record.kind == dns.TypeDNAME && record.owner == chain[len(chain)-1]
		found = found || ownDNAME && r.closes(record.owner) // which leaves its own name as it is
		if record.kind != dns.TypeCAA {
			continue
		}
		if record.section != 1 || record.class != dns.ClassINET || record.owner != chain[len(chain)-1] {
			return false
		}
		found = true
	}
	return found || !answered
}

// noTLD reports whether the reply says that the last name of a climb, by itself,
// does not exist.
func (r reading) noTLD(name string, chain []string) bool {
	return dns.CountLabel(name) == 1 && r.rcode == dns.RcodeNameError && len(chain) == 1
}

// standsBehind reports whether the server vouches for there being nothing: it is an
// authority or a resolver, and does not refer to others.
func (r reading) standsBehind() bool {
	referral := r.any(r.authority, dns.TypeNS) && !r.any(r.authority, dns.TypeSOA) && !r.aa
	return (r.aa || r.ra) && !referral
}

// sound reports whether the RDATA of a record can be read, of those that are (RFC
// 8659, section 4.1; RFC 1035, section 3.3.1; RFC 6672, section 2.1).
func (r record) sound() bool {
	switch r.kind {
	case dns.TypeCAA:
		return len(r.rdata) >= 2 && r.rdata[1] > 0 && len(r.rdata) >= 2+int(r.rdata[1])
	case dns.TypeCNAME, dns.TypeDNAME:
		return r.alias != ""
	}
	return true
}

// issuemailValue is the grammar of RFC 9495, section 3, with the issuer domain name
// as its only group.
var issuemailValue = regexp.MustCompile(strings.NewReplacer(
	"LABEL", `[A-Za-z0-9](?:-*[A-Za-z0-9])*`,
	"PARAMETER", `[A-Za-z0-9](?:-*[A-Za-z0-9])*[ \t]*=[ \t]*[!-:<-~]*[ \t]*`,
).Replace(`^[ \t]*(?:(LABEL(?:\.LABEL)*)[ \t]*)?(?:;[ \t]*(?:PARAMETER(?:;[ \t]*PARAMETER)*)?)?$`))

// permitting reports whether a set lets ca.example issue (RFC 9495, section 4; RFC
// 8659, section 4.1).
func permitting(set [][]byte) bool {
	known := []string{"issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"}
	restricted, listed := false, false
	for _, rdata := range set {
		tag, value := strings.ToLower(string(rdata[2:2+rdata[1]])), rdata[2+rdata[1]:]
		if rdata[0]&128 != 0 && !slices.Contains(known, tag) {
			return false
		}
		if tag != "issuemail" {
			continue
		}
		restricted = true
		match := issuemailValue.FindSubmatch(value)
		listed = listed || match != nil && strings.EqualFold(string(match[1]), "ca.example")
	}
	return listed || !restricted
}

package lookup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// message is a reply in the making; records are zone file text.
type message struct {
	rcode      int
	aa, ra, ad bool
	answer     []string
	authority  []string
	additional []string
	ede        []snapshot.EDE
	rootless   bool // it has no SOA record of the root, as every resolver has
}

// pack returns the reply to query in wire form. To a probe a resolver that says nothing
// else has the SOA record of the root.
func (m message) pack(t testing.TB, query []byte) []byte {
	t.Helper()
	var q, reply dns.Msg
	if err := q.Unpack(query); err != nil {
		t.Fatal(err)
	}
	reply.SetReply(&q)
	reply.Rcode, reply.Authoritative, reply.RecursionAvailable, reply.AuthenticatedData = m.rcode, m.aa, m.ra, m.ad
	if probe := q.Question[0].Name == "." && q.Question[0].Qtype == dns.TypeSOA; probe && m.rcode == dns.RcodeSuccess && !m.rootless {
		m.answer, m.authority = []string{rootSOA}, nil
	}
	reply.Answer, reply.Ns, reply.Extra = parseRecords(t, m.answer), parseRecords(t, m.authority), parseRecords(t, m.additional)
	if len(m.ede) > 0 || m.rcode > rcodes {
		reply.SetEdns0(udpSize, false)
		for _, e := range m.ede {
			option := &dns.EDNS0_EDE{InfoCode: e.Code, ExtraText: e.Text}
			reply.IsEdns0().Option = append(reply.IsEdns0().Option, option)
		}
	}
	wire, err := reply.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func parseRecords(t testing.TB, texts []string) []dns.RR {
	t.Helper()
	var rrs []dns.RR
	for _, text := range texts {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	return rrs
}

func queryFor(t testing.TB, name string) []byte {
	t.Helper()
	query, err := packQuery(4711, name, dns.TypeCAA, withEDNS)
	if err != nil {
		t.Fatal(err)
	}
	return query
}

const rootSOA = ". 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400"

const exampleSOA = "example. 900 SOA ns.example. hostmaster.example. 1 1800 900 604800 300"

func TestQueryIsWhatResolversExpect(t *testing.T) {
	for f, want := range map[form]struct {
		edns bool
		size int
	}{withEDNS: {true, udpSize}, plain: {false, 0}, plainTCP: {false, 0}, ednsTCP: {true, udpSize}} {
		wire, err := packQuery(4711, "Mail.example", dns.TypeCAA, f)
		if err != nil {
			t.Fatal(err)
		}
		var m dns.Msg
		if err := m.Unpack(wire); err != nil {
			t.Fatal(err)
		}
		wantQuestion := []dns.Question{{Name: "Mail.example.", Qtype: dns.TypeCAA, Qclass: dns.ClassINET}}
		if diff := cmp.Diff(wantQuestion, m.Question); diff != "" {
			t.Errorf("form %v: question mismatch (-want +got)\n%s", f, diff)
		}
		if m.Id != 4711 || !m.RecursionDesired || !m.AuthenticatedData || m.CheckingDisabled || m.Response {
			t.Errorf("form %v: header %+v: want ID 4711, RD and AD set, CD and QR clear", f, m.MsgHdr)
		}
		opt := m.IsEdns0()
		if (opt != nil) != want.edns {
			t.Errorf("form %v: EDNS %v, want %v", f, opt != nil, want.edns)
		}
		if opt != nil && (int(opt.UDPSize()) != want.size || opt.Do() || opt.Version() != 0) {
			t.Errorf("form %v: OPT %v: want size %d, DO clear, version 0", f, opt, want.size)
		}
	}
}

func TestAProbeShowsAnEchoedBit(t *testing.T) {
	for f, do := range map[form]bool{withEDNS: true, plain: false} {
		wire, err := packProbe(4711, f)
		if err != nil {
			t.Fatal(err)
		}
		var m dns.Msg
		if err := m.Unpack(wire); err != nil {
			t.Fatal(err)
		}
		opt := m.IsEdns0()
		if m.AuthenticatedData || !m.RecursionDesired || m.Question[0].Qtype != dns.TypeSOA || (opt != nil && opt.Do()) != do {
			t.Errorf("form %v: %v, want a SOA query with DO %v and AD clear", f, m, do)
		}
	}
}

func TestCheckCountsOnlyTheReplyToOurQuery(t *testing.T) {
	query := queryFor(t, "mail.example")
	good := message{ra: true, authority: []string{exampleSOA}}.pack(t, query)
	header := func(rcode byte) []byte { // QDCOUNT 0
		return []byte{query[0], query[1], 0x81, 0x80 | rcode, 0, 0, 0, 0, 0, 0, 0, 0}
	}
	changed := func(at int, octet byte) []byte {
		c := bytes.Clone(good)
		c[at] = octet
		return c
	}
	for _, test := range []struct {
		name    string
		message []byte
		want    standing
	}{
		{"our ID and question count", good, ours},
		{"another ID is ignored (RFC 5452, section 9.1)", changed(1, good[1]^1), notOurs},
		{"a query is no reply (RFC 1035, section 4.1.1: QR)", changed(2, good[2]&^0x80), notOurs},
		{"another opcode is ignored", changed(2, good[2]|4<<3), notOurs},
		{"another name is ignored", changed(13, 'n'), notOurs},
		{"the name in other case is no reply, for 0x20", changed(13, 'M'), otherCase},
		{"another type is ignored", changed(headerSize+14+1, 5), notOurs},
		{"another class is ignored", changed(headerSize+14+3, 3), notOurs},
		{"two questions are ignored", changed(5, 2), notOurs},
		{"the TC bit asks for TCP (RFC 1035, section 4.2.1)", changed(2, good[2]|2), cutShort},
		{"FORMERR without a question asks for a plainer query", header(dns.RcodeFormatError), noQuestion},
		{"NOTIMP without a question asks for a plainer query", header(dns.RcodeNotImplemented), noQuestion},
		{"SERVFAIL without a question asks for a plainer query", header(dns.RcodeServerFailure), noQuestion},
		{"NOERROR without a question is ignored", header(dns.RcodeSuccess), notOurs},
		{"NXDOMAIN without a question is ignored", header(dns.RcodeNameError), notOurs},
		{"REFUSED without a question is ignored", header(dns.RcodeRefused), notOurs},
		{"a header cut short is ignored", good[:headerSize-1], notOurs},
		{"a question cut short is ignored", good[:headerSize+5], notOurs},
		{"nothing is ignored", nil, notOurs},
	} {
		if got := check(test.message, query); got != test.want {
			t.Errorf("%s: check = %v, want %v", test.name, got, test.want)
		}
	}
}

func TestReplyFailure(t *testing.T) {
	ede := func(codes ...uint16) (all []snapshot.EDE) {
		for _, code := range codes {
			all = append(all, snapshot.EDE{Code: code})
		}
		return all
	}
	type row struct {
		name  string
		rcode int
		ede   []snapshot.EDE
		want  snapshot.Failure
	}
	rows := []row{
		{"NOERROR is an answer", dns.RcodeSuccess, nil, ""},
		{"NXDOMAIN is an answer", dns.RcodeNameError, nil, ""},
		{"SERVFAIL without words", dns.RcodeServerFailure, nil, snapshot.ServFail},
		{"REFUSED", dns.RcodeRefused, nil, snapshot.Refused},
		{"NOTIMP", dns.RcodeNotImplemented, nil, snapshot.NotImp},
		{"FORMERR", dns.RcodeFormatError, nil, snapshot.FormErr},
		{"YXDOMAIN", dns.RcodeYXDomain, nil, snapshot.RCode},
		{"an rcode that needs EDNS", dns.RcodeBadCookie, nil, snapshot.RCode},
		{"an rcode whose lower bits are those of NOERROR", dns.RcodeBadVers, nil, snapshot.RCode},
		{"SERVFAIL, indeterminate: bogus", dns.RcodeServerFailure, ede(5), snapshot.DNSSECBogus},
		{"NOERROR, indeterminate: an answer", dns.RcodeSuccess, ede(5), ""},
		{"SERVFAIL, no reachable authority", dns.RcodeServerFailure, ede(22), snapshot.NoAuthority},
		{"SERVFAIL, network error", dns.RcodeServerFailure, ede(23), snapshot.NoAuthority},
		{"SERVFAIL, bogus beside no authority: the worse counts", dns.RcodeServerFailure, ede(22, 6), snapshot.DNSSECBogus},
		{"SERVFAIL with a word that means nothing here", dns.RcodeServerFailure, ede(0), snapshot.ServFail},
		{"NOERROR, unsupported algorithm: an answer", dns.RcodeSuccess, ede(1), ""},
		{"REFUSED, prohibited: filtered", dns.RcodeRefused, ede(18), snapshot.Filtered},
	}
	for _, code := range []uint16{6, 7, 8, 9, 10, 11, 12, 25} {
		rows = append(rows,
			row{"NOERROR with a word of bogus", dns.RcodeSuccess, ede(code), snapshot.DNSSECBogus},
			row{"NXDOMAIN with a word of bogus", dns.RcodeNameError, ede(code), snapshot.DNSSECBogus},
			row{"SERVFAIL with a word of bogus", dns.RcodeServerFailure, ede(code), snapshot.DNSSECBogus})
	}
	for _, code := range []uint16{4, 15, 16, 17, 18} {
		rows = append(rows,
			row{"NOERROR, filtered", dns.RcodeSuccess, ede(code), snapshot.Filtered},
			row{"NXDOMAIN, filtered", dns.RcodeNameError, ede(code), snapshot.Filtered})
	}
	for _, code := range []uint16{3, 19} {
		rows = append(rows,
			row{"NOERROR, stale", dns.RcodeSuccess, ede(code), snapshot.Stale},
			row{"NXDOMAIN, stale", dns.RcodeNameError, ede(code), snapshot.Stale})
	}
	query := queryFor(t, "mail.example")
	for _, test := range rows {
		r, err := parseReply(message{rcode: test.rcode, ra: true, ede: test.ede}.pack(t, query))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := r.failure(); got != test.want {
			t.Errorf("%s (EDE %v): failure = %q, want %q", test.name, test.ede, got, test.want)
		}
	}
}

func TestEDETextIsKeptInOctets(t *testing.T) {
	want := []snapshot.EDE{{Code: 6, Text: "no\x00 RRSIG \xff"}, {Code: 23, Text: ""}}
	wire := message{rcode: dns.RcodeServerFailure, ede: want}.pack(t, queryFor(t, "mail.example"))
	r, err := parseReply(wire)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, r.ede); diff != "" {
		t.Errorf("EDE mismatch (-want +got)\n%s", diff)
	}
}

func TestParseReplyRefusesWhatItCannotReadToTheEnd(t *testing.T) {
	query := queryFor(t, "mail.example")
	rdata := func(octets string) []byte {
		rr := &dns.RFC3597{Hdr: dns.RR_Header{Name: "mail.example.", Rrtype: dns.TypeCAA, Class: dns.ClassINET}, Rdata: octets}
		var q, reply dns.Msg
		if err := q.Unpack(query); err != nil {
			t.Fatal(err)
		}
		reply.SetReply(&q)
		reply.Answer = append(parseRecords(t, []string{`mail.example. CAA 0 issuemail "ca.example"`}), rr)
		wire, err := reply.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return wire
	}
	whole := message{ra: true, answer: []string{`mail.example. CAA 0 issuemail "ca.example"`}}.pack(t, query)
	for _, test := range []struct {
		name string
		wire []byte
	}{
		{"a tag of length 0 (RFC 8659, section 4.1)", rdata("000000")},
		{"a tag beyond the RDATA", rdata("0009697373")},
		{"RDATA of no octet", rdata("")},
		{"RDATA of one octet", rdata("00")},
		{"a record cut short", whole[:len(whole)-1]},
		{"a record header cut short", whole[:len(query)-11+5]},
		{"fewer records than ANCOUNT says", whole[:len(query)-11]},
		{"more records than ANCOUNT says", func() []byte {
			more := bytes.Clone(whole)
			more[7] = 0 // ANCOUNT: an empty answer, and behind it the record
			return more
		}()},
		{"an Extended DNS Error without a code (RFC 8914, section 2)", func() []byte {
			wire := message{ra: true, ede: []snapshot.EDE{{Code: 15}}}.pack(t, query)
			wire[len(wire)-6+1] = 2 + 3 // RDLENGTH of the OPT record
			return append(wire[:len(wire)-6], 0, 5, 0, 15, 0, 1, 0)
		}()},
	} {
		if _, err := parseReply(test.wire); !errors.Is(err, errReply) {
			t.Errorf("%s: error %v, want errReply", test.name, err)
		}
	}
	if _, err := parseReply(whole); err != nil {
		t.Errorf("the whole reply: %v", err)
	}
}

// TestAbsorb tells what is empty and what only looks so (RFC 8659, section 3; RFC
// 6604; RFC 2308).
func TestAbsorb(t *testing.T) {
	const set = `example. 300 CAA 0 issuemail "ca.example"`
	chain := []string{"mail.example. 60 CNAME a.other.", "a.other. 50 CNAME b.other."}
	for _, test := range []struct {
		name    string
		asked   string
		zone    bool // it comes from a zone file
		message message
		failure snapshot.Failure
		mark    snapshot.Mark
		next    string // the name to be asked next, "" where the step is done
		aliases []string
		records string // owner and the first record
		ttl     uint32
	}{
		{
			name: "NODATA is empty", asked: "mail.example",
			message: message{ra: true, authority: []string{exampleSOA}}, ttl: 300,
		},
		{
			name: "NODATA of an authority is empty in a zone file", asked: "mail.example", zone: true,
			message: message{aa: true, authority: []string{exampleSOA}}, ttl: 300,
		},
		{
			name: "NODATA of an authority is filtered where a resolver was asked", asked: "mail.example",
			message: message{aa: true, ra: true, authority: []string{exampleSOA}}, failure: snapshot.Filtered, mark: snapshot.MarkAuthority,
		},
		{
			name: "a set of an authority is filtered too", asked: "example",
			message: message{aa: true, ra: true, answer: []string{set}}, failure: snapshot.Filtered, mark: snapshot.MarkAuthority,
		},
		{
			name: "a copy of the root zone says what top-level domains have not (RFC 8806)", asked: "example",
			message: message{aa: true, ra: true, authority: []string{rootSOA}}, ttl: 86400,
		},
		{
			name: "and which there are not", asked: "nosuch",
			message: message{rcode: dns.RcodeNameError, aa: true, ra: true, authority: []string{rootSOA}}, failure: snapshot.TLDNotFound,
		},
		{
			name: "but nothing of the names below them", asked: "mail.example",
			message: message{aa: true, ra: true, authority: []string{rootSOA}}, failure: snapshot.Filtered, mark: snapshot.MarkAuthority,
		},
		{
			name: "nor does it hold records of them", asked: "example",
			message: message{aa: true, ra: true, answer: []string{set}, authority: []string{rootSOA}}, failure: snapshot.Filtered, mark: snapshot.MarkAuthority,
		},
		{
			name: "the SOA record of another zone", asked: "mail.example",
			message: message{ra: true, authority: []string{"com. 900 SOA a. b. 1 1 1 1 300"}}, failure: snapshot.Filtered, mark: snapshot.MarkForeignSOA,
		},
		{
			name: "that of a zone beside the name", asked: "mail.example",
			message: message{ra: true, authority: []string{"other.example. 900 SOA a. b. 1 1 1 1 300"}}, failure: snapshot.Filtered, mark: snapshot.MarkForeignSOA,
		},
		{
			name: "that of a zone below the name", asked: "mail.example",
			message: message{ra: true, authority: []string{"x.mail.example. 900 SOA a. b. 1 1 1 1 300"}}, failure: snapshot.Filtered, mark: snapshot.MarkForeignSOA,
		},
		{
			name: "one that is right does not excuse another one", asked: "mail.example",
			message: message{ra: true, authority: []string{exampleSOA, "com. 900 SOA a. b. 1 1 1 1 300"}}, failure: snapshot.Filtered, mark: snapshot.MarkForeignSOA,
		},
		{
			name: "nor does a set", asked: "example",
			message: message{ra: true, answer: []string{set}, authority: []string{"com. 900 SOA a. b. 1 1 1 1 300"}}, failure: snapshot.Filtered, mark: snapshot.MarkForeignSOA,
		},
		{
			name: "a SOA record in the additional section marks a response policy", asked: "mail.example",
			message: message{ra: true, authority: []string{exampleSOA}, additional: []string{"rpz. 900 SOA a. b. 1 1 1 1 300"}}, failure: snapshot.Filtered, mark: snapshot.MarkPolicySOA,
		},
		{
			name: "also where it is NXDOMAIN and nothing else", asked: "mail.example",
			message: message{rcode: dns.RcodeNameError, ra: true, additional: []string{"rpz. 900 SOA a. b. 1 1 1 1 300"}}, failure: snapshot.Filtered, mark: snapshot.MarkPolicySOA,
		},
		{
			name: "an address is no answer", asked: "mail.example",
			message: message{ra: true, answer: []string{"mail.example. 60 A 192.0.2.1"}}, failure: snapshot.MalformedReply,
		},
		{
			name: "nor is it beside a SOA record", asked: "mail.example",
			message: message{ra: true, answer: []string{"mail.example. 60 A 192.0.2.1"}, authority: []string{exampleSOA}}, failure: snapshot.MalformedReply,
		},
		{
			name: "nor that of another name", asked: "mail.example",
			message: message{ra: true, answer: []string{"elsewhere.test. 60 A 192.0.2.1"}, authority: []string{exampleSOA}}, failure: snapshot.MalformedReply,
		},
		{
			name: "nor a signature alone", asked: "mail.example",
			message: message{ra: true, answer: []string{"mail.example. 60 RRSIG CAA 13 2 60 20270101000000 20260101000000 1 example. AAAA"}, authority: []string{exampleSOA}}, failure: snapshot.MalformedReply,
		},
		{
			name: "a record of another name spoils the set", asked: "example",
			message: message{ra: true, answer: []string{set, `exbmple. 300 CAA 0 issuemail ";"`}}, failure: snapshot.MalformedReply,
		},
		{
			name: "so does one of another class", asked: "example",
			message: message{ra: true, answer: []string{set, `example. 300 CH CAA 0 issuemail ";"`}}, failure: snapshot.MalformedReply,
		},
		{
			name: "or in another section", asked: "example",
			message: message{ra: true, answer: []string{set}, authority: []string{`example. 300 CAA 0 issuemail ";"`}}, failure: snapshot.MalformedReply,
		},
		{
			name: "or in the last one", asked: "example",
			message: message{ra: true, answer: []string{set}, additional: []string{`example. 300 CAA 0 issuemail ";"`}}, failure: snapshot.MalformedReply,
		},
		{
			name: "a record at a name of the chain that is not its end", asked: "mail.example",
			message: message{ra: true, answer: append(chain, `b.other. 300 CAA 0 issue "x"`, `c.other. 300 CAA 0 issuemail ";"`)}, failure: snapshot.MalformedReply,
		},
		{name: "NODATA without SOA is empty", asked: "mail.example", message: message{ra: true}},
		{
			name: "NXDOMAIN is empty", asked: "mail.example",
			message: message{rcode: dns.RcodeNameError, ra: true, authority: []string{exampleSOA}}, ttl: 300,
		},
		{
			name: "NXDOMAIN of the top-level domain is a failure", asked: "nosuch",
			message: message{rcode: dns.RcodeNameError, ra: true}, failure: snapshot.TLDNotFound,
		},
		{
			name: "neither AA nor RA: nobody who knows", asked: "mail.example", message: message{authority: []string{exampleSOA}},
			failure: snapshot.Filtered, mark: snapshot.MarkNoRecursion,
		},
		{
			name: "a referral is not empty", asked: "mail.example",
			message: message{ra: true, authority: []string{"mail.example. 60 NS ns.mail.example."}}, failure: snapshot.MalformedReply,
		},
		{
			name: "NS beside SOA is no referral", asked: "mail.example",
			message: message{ra: true, authority: []string{"example. 60 NS ns.example.", exampleSOA}}, ttl: 300,
		},
		{
			name: "records of the name are the set", asked: "example", message: message{ra: true, answer: []string{set}},
			records: `example 0 issuemail "ca.example"`, ttl: 300,
		},
		{
			name: "equal records count once, the least TTL counts (RFC 2181, section 5)", asked: "example",
			message: message{ra: true, answer: []string{set, `example. 20 CAA 0 issuemail "ca.example"`}},
			records: `example 0 issuemail "ca.example"`, ttl: 20,
		},
		{
			name: "the owner's case does not matter", asked: "example",
			message: message{ra: true, answer: []string{`EXAMPLE. 300 CAA 0 issuemail "ca.example"`}},
			records: `example 0 issuemail "ca.example"`, ttl: 300,
		},
		{
			name: "records of another name are no answer", asked: "mail.example", message: message{ra: true, answer: []string{set}},
			failure: snapshot.MalformedReply,
		},
		{
			name: "records of another class are no answer", asked: "mail.example",
			message: message{ra: true, answer: []string{`mail.example. 300 CH CAA 0 issuemail "ca.example"`}}, failure: snapshot.MalformedReply,
		},
		{
			name: "records in the authority section are no answer", asked: "mail.example",
			message: message{ra: true, authority: []string{`mail.example. 300 CAA 0 issuemail "ca.example"`}}, failure: snapshot.MalformedReply,
		},
		{
			name: "NXDOMAIN with records contradicts itself", asked: "example",
			message: message{rcode: dns.RcodeNameError, ra: true, answer: []string{set}}, failure: snapshot.MalformedReply,
		},
		{
			name: "an alias chain leads to the set", asked: "mail.example",
			message: message{ra: true, answer: append(chain, `b.other. 300 CAA 0 issue "x"`)},
			aliases: []string{"a.other", "b.other"}, records: `b.other 0 issue "x"`, ttl: 50,
		},
		{
			name: "the order of the records does not matter", asked: "mail.example",
			message: message{ra: true, answer: []string{`b.other. 300 CAA 0 issue "x"`, chain[1], chain[0]}},
			aliases: []string{"a.other", "b.other"}, records: `b.other 0 issue "x"`, ttl: 50,
		},
		{
			name: "a chain that ends without CAA, closed by its SOA, is empty", asked: "mail.example",
			message: message{ra: true, answer: chain, authority: []string{"other. 900 SOA ns.other. h.other. 1 1 1 1 300"}},
			aliases: []string{"a.other", "b.other"}, ttl: 50,
		},
		{
			name: "NXDOMAIN behind aliases speaks of the chain's end (RFC 6604)", asked: "mail.example",
			message: message{
				rcode: dns.RcodeNameError, ra: true, answer: chain,
				authority: []string{"other. 900 SOA ns.other. h.other. 1 1 1 1 30"},
			},
			aliases: []string{"a.other", "b.other"}, ttl: 30,
		},
		{
			name: "a chain without SOA is incomplete: its end is asked", asked: "mail.example", message: message{ra: true, answer: chain},
			aliases: []string{"a.other", "b.other"}, next: "b.other", ttl: 50,
		},
		{
			name: "a chain with the SOA of another zone is incomplete", asked: "mail.example",
			message: message{ra: true, answer: chain, authority: []string{exampleSOA}},
			aliases: []string{"a.other", "b.other"}, next: "b.other", ttl: 50,
		},
		{
			name: "a chain to itself is a loop", asked: "mail.example",
			message: message{ra: true, answer: []string{"mail.example. 60 CNAME a.other.", "a.other. 60 CNAME mail.example."}},
			aliases: []string{"a.other"}, failure: snapshot.CNAMELoop,
		},
		{
			name: "two targets for one name are no answer", asked: "mail.example",
			message: message{ra: true, answer: []string{"mail.example. 60 CNAME a.other.", "mail.example. 60 CNAME b.other."}},
			failure: snapshot.MalformedReply,
		},
		{
			name: "a DNAME with its synthesised CNAME (RFC 6672, section 3.1)", asked: "mail.example",
			message: message{ra: true, answer: []string{
				"example. 60 DNAME other.", "mail.example. 0 CNAME mail.other.",
				`mail.other. 300 CAA 0 issue "x"`,
			}},
			aliases: []string{"mail.other"}, records: `mail.other 0 issue "x"`,
		},
		{
			name: "a DNAME without a CNAME is followed too", asked: "mail.example",
			message: message{ra: true, answer: []string{"example. 60 DNAME other.", `mail.other. 300 CAA 0 issue "x"`}},
			aliases: []string{"mail.other"}, records: `mail.other 0 issue "x"`, ttl: 60,
		},
		{
			name: "CAA beside CNAME contradicts itself (RFC 1034, section 3.6.2)", asked: "mail.example",
			message: message{ra: true, answer: []string{"mail.example. 60 CNAME a.other.", `mail.example. 60 CAA 0 issue "x"`, `a.other. 60 CAA 0 issuemail ";"`}},
			failure: snapshot.MalformedReply,
		},
		{
			name: "a CNAME that does not follow from the DNAME above it", asked: "mail.example",
			message: message{ra: true, answer: []string{"example. 60 DNAME other.", "mail.example. 60 CNAME a.test.", `mail.other. 60 CAA 0 issuemail ";"`}},
			failure: snapshot.MalformedReply,
		},
		{
			name: "two DNAMEs with other targets", asked: "mail.example",
			message: message{ra: true, answer: []string{"example. 60 DNAME other.", "example. 60 DNAME test.", `mail.test. 60 CAA 0 issuemail ";"`}},
			failure: snapshot.MalformedReply,
		},
		{
			name: "a TTL with the top bit set is 0 (RFC 2181, section 8)", asked: "example",
			message: message{ra: true, answer: []string{`example. 2147483648 CAA 0 issuemail "ca.example"`}},
			records: `example 0 issuemail "ca.example"`,
		},
		{
			name: "a DNAME does not move its owner (RFC 6672, section 2.3)", asked: "example",
			message: message{ra: true, answer: []string{"example. 60 DNAME other."}, authority: []string{exampleSOA}}, ttl: 300,
		},
		{
			name: "a DNAME of a name that only looks like a parent", asked: "mail.example",
			message: message{ra: true, answer: []string{"ample. 60 DNAME other."}, authority: []string{exampleSOA}}, failure: snapshot.MalformedReply,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			name, err := domain.Parse(test.asked)
			if err != nil {
				t.Fatal(err)
			}
			s := newStep(name, 1)
			out := readOutcome(test.message.pack(t, queryFor(t, test.asked)), ours)
			if test.zone {
				out.transport = snapshot.Zone
			}
			again := s.advance(out, 1)
			if s.obs.Failure != test.failure || s.obs.Mark != test.mark {
				t.Errorf("failure = %q, mark = %q, want %q and %q", s.obs.Failure, s.obs.Mark, test.failure, test.mark)
			}
			next := ""
			if again {
				next = s.asked
			}
			if next != test.next {
				t.Errorf("next = %q, want %q", next, test.next)
			}
			if diff := cmp.Diff(test.aliases, s.chain.aliases); diff != "" && test.failure == "" {
				t.Errorf("aliases mismatch (-want +got)\n%s", diff)
			}
			records := ""
			if len(s.obs.Records.Properties) > 0 {
				records = s.obs.Records.Owner + " " + s.obs.Records.Properties[0].String()
			}
			if records != test.records || len(s.obs.Records.Properties) > 1 {
				t.Errorf("records = %v, want %q alone", s.obs.Records, test.records)
			}
			if test.failure == "" && s.chain.ttl != test.ttl {
				t.Errorf("TTL = %d, want %d", s.chain.ttl, test.ttl)
			}
		})
	}
}

func TestChainOfSixteenNamesIsFollowedAndSeventeenIsNot(t *testing.T) {
	for links, want := range map[int]snapshot.Failure{15: "", 16: snapshot.CNAMELoop} {
		var answer []string
		at := "mail.example."
		for i := range links {
			next := string(rune('a'+i)) + ".example."
			answer = append(answer, at+" 60 CNAME "+next)
			at = next
		}
		answer = append(answer, at+` 60 CAA 0 issue "x"`)
		name, err := domain.Parse("mail.example")
		if err != nil {
			t.Fatal(err)
		}
		s := newStep(name, 1)
		s.advance(readOutcome(message{ra: true, answer: answer}.pack(t, queryFor(t, "mail.example")), ours), 1)
		if s.obs.Failure != want {
			t.Errorf("%d names: failure %q, want %q", links+1, s.obs.Failure, want)
		}
	}
}

// TestPlainerForms follows a step through what is left to it when a query is not
// understood (RFC 6891, section 7) or an answer does not fit.
func TestPlainerForms(t *testing.T) {
	rcode := func(r uint16) outcome {
		return outcome{standing: ours, reply: reply{rcode: r}, failure: snapshot.FormErr}
	}
	none := outcome{standing: noQuestion, reply: reply{rcode: dns.RcodeServerFailure}}
	short := outcome{standing: cutShort, failure: snapshot.Truncated}
	for _, test := range []struct {
		name  string
		outs  []outcome
		forms []form // after each outcome that leaves another query
		want  snapshot.Failure
	}{
		{"FORMERR: without EDNS, then TCP, then the failure", []outcome{rcode(1), rcode(1), rcode(1)}, []form{plain, plainTCP}, snapshot.FormErr},
		{"NOTIMP: the same", []outcome{rcode(4), rcode(4), rcode(4)}, []form{plain, plainTCP}, snapshot.FormErr},
		{"BADVERS: the same", []outcome{rcode(16), rcode(16), rcode(16)}, []form{plain, plainTCP}, snapshot.FormErr},
		{"no question section: never a result", []outcome{none, none, none}, []form{plain, plainTCP}, snapshot.ServFail},
		{"truncated: over TCP, with EDNS", []outcome{short, short}, []form{ednsTCP}, snapshot.Truncated},
		{"truncated without EDNS: over TCP", []outcome{rcode(1), short, short}, []form{plain, plainTCP}, snapshot.Truncated},
		{"truncated, then FORMERR over TCP", []outcome{short, rcode(1), rcode(1)}, []form{ednsTCP, plainTCP}, snapshot.FormErr},
		{"too many forged replies: over TCP, then malformed", []outcome{{standing: flooded}, {failure: snapshot.MalformedReply}}, []form{ednsTCP}, snapshot.MalformedReply},
	} {
		s := newStep(mustName(t, "mail.example"), 1)
		s.form = withEDNS
		var forms []form
		for _, out := range test.outs {
			if s.advance(out, 1) {
				forms = append(forms, s.form)
			}
		}
		if diff := cmp.Diff(test.forms, forms); diff != "" {
			t.Errorf("%s: forms mismatch (-want +got)\n%s", test.name, diff)
		}
		if s.obs.Failure != test.want {
			t.Errorf("%s: failure %q, want %q", test.name, s.obs.Failure, test.want)
		}
	}
}

func mustName(t testing.TB, text string) domain.Name {
	t.Helper()
	name, err := domain.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// FuzzReply feeds arbitrary octets as a reply. What counts has our ID and our
// question; what parses has the CAA records that another parser finds, octet for
// octet; a set that a step takes is spelt in the octets received; and what comes of it
// reads back from a snapshot.
func FuzzReply(f *testing.F) {
	query := queryFor(f, "mail.example")
	for _, m := range []message{
		{ra: true, authority: []string{exampleSOA}},
		{ra: true, answer: []string{`mail.example. 60 CAA 0 issuemail "ca.example"`, `mail.example. 60 CAA 128 tbs "\255"`}},
		{ra: true, answer: []string{"mail.example. 60 CNAME a.other.", `a.other. CAA 0 issuemail ";"`}},
		{rcode: dns.RcodeServerFailure, ra: true, ede: []snapshot.EDE{{Code: 6, Text: "x"}}},
	} {
		f.Add(m.pack(f, query))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		standing := check(wire, query)
		if standing == notOurs {
			return
		}
		if !bytes.Equal(wire[:2], query[:2]) || wire[2]&0x80 == 0 {
			t.Fatalf("check = %v for a message with another ID or without QR", standing)
		}
		if standing == ours && !bytes.Contains(wire, query[headerSize:len(query)-optSize]) {
			t.Fatalf("check = %v for a message without our question", standing)
		}
		s := newStep(mustName(t, "mail.example"), 1)
		out := readOutcome(wire, standing)
		out.transport = snapshot.UDP
		if !s.advance(out, 1) {
			checkEvidence(t, []snapshot.Observation{s.obs})
		}
		for _, p := range s.obs.Records.Properties {
			rdata := p.RDATA()
			framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(rdata))), rdata...)
			if !bytes.Contains(wire, framed) {
				t.Fatalf("property %v is not in the octets received", p)
			}
		}
		if standing == ours {
			compareWithMiekg(t, wire)
		}
	})
}

func compareWithMiekg(t *testing.T, wire []byte) {
	ourReply, err := parseReply(wire)
	var theirs dns.Msg
	if err != nil || theirs.Unpack(wire) != nil {
		return
	}
	var want, got []string
	for _, rr := range theirs.Answer {
		if record, ok := rr.(*dns.CAA); ok && record.Hdr.Class == dns.ClassINET && record.Tag != "" {
			want = append(want, record.Value)
		}
	}
	for _, rec := range ourReply.answers {
		if rec.property != (caa.Property{}) {
			got = append(got, rec.property.Value())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("CAA values mismatch (-miekg/dns +parseReply)\n%s", diff)
	}
}

// TestNothingOfABadReplyIsLeftForTheNextAttempt: a reply with an alias that nobody
// stands behind is no answer, and the next attempt begins anew.
func TestNothingOfABadReplyIsLeftForTheNextAttempt(t *testing.T) {
	bad := message{ra: true, answer: []string{"nosuch. 60 CNAME search.test.", `search.test. 60 CH CAA 0 issue "x"`}, authority: []string{"test. 900 SOA ns.test. h.test. 1 1 1 1 300"}}
	good := message{rcode: dns.RcodeNameError, ra: true, ad: true}
	s := newStep(mustName(t, "nosuch"), 1)
	s.up = new(upstream)
	query := queryFor(t, "nosuch")
	if !s.advance(readOutcome(bad.pack(t, query), ours), 2) {
		t.Fatal("a malformed reply was not followed by another attempt")
	}
	if s.advance(readOutcome(good.pack(t, query), ours), 2) || s.obs.Failure != snapshot.TLDNotFound || len(s.obs.Aliases) > 0 {
		t.Errorf("%+v, want tld-not-found without aliases", s.obs)
	}
}

// TestAFilteredAnswerIsNotAskedForInAPlainerForm: without EDNS the resolver could
// not say that it filters.
func TestAFilteredAnswerIsNotAskedForInAPlainerForm(t *testing.T) {
	for _, rcode := range []int{dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeRefused} {
		s := newStep(mustName(t, "mail.example"), 1)
		reply := message{rcode: rcode, ra: true, ede: []snapshot.EDE{{Code: 15}}}.pack(t, queryFor(t, "mail.example"))
		if s.advance(readOutcome(reply, ours), 2) || s.obs.Failure != snapshot.Filtered {
			t.Errorf("rcode %d: %+v, want filtered at once", rcode, s.obs)
		}
	}
}

// TestADIsThatOfEveryReply asks for the end of a chain in a second query.
func TestADIsThatOfEveryReply(t *testing.T) {
	for _, test := range []struct{ first, second bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		s := newStep(mustName(t, "mail.example"), 1)
		alias := message{ra: true, ad: test.first, answer: []string{"mail.example. 60 CNAME a.other."}}
		if !s.advance(readOutcome(alias.pack(t, queryFor(t, "mail.example")), ours), 2) || s.asked != "a.other" {
			t.Fatalf("asked %s, want the end of the chain", s.asked)
		}
		set := message{ra: true, ad: test.second, answer: []string{`a.other. 60 CAA 0 issue "x"`}}
		s.advance(readOutcome(set.pack(t, queryFor(t, "a.other")), ours), 2)
		if want := test.first && test.second; s.obs.AD != want || s.obs.Records.Owner != "a.other" {
			t.Errorf("%v: AD = %v, owner %s, want %v and a.other", test, s.obs.AD, s.obs.Records.Owner, want)
		}
	}
}

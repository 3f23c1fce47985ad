package lookup

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// emptyReply is an empty answer as resolvers give it: a SOA record and an OPT record,
// with names compressed.
func emptyReply(t testing.TB, query []byte, rcode int) []byte {
	t.Helper()
	var q, reply dns.Msg
	if err := q.Unpack(query); err != nil {
		t.Fatal(err)
	}
	reply.SetRcode(&q, rcode)
	reply.RecursionAvailable, reply.Compress = true, true
	reply.Ns = parseRecords(t, []string{exampleSOA})
	reply.SetEdns0(udpSize, false)
	wire, err := reply.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func TestAnEmptyAnswerIsReadQuickly(t *testing.T) {
	query := queryFor(t, "mail.example")
	for _, test := range []struct {
		name  string
		wire  []byte
		quick bool
	}{
		{"NODATA", emptyReply(t, query, dns.RcodeSuccess), true},
		{"NXDOMAIN", emptyReply(t, query, dns.RcodeNameError), true},
		{"BADVERS", emptyReply(t, query, dns.RcodeBadVers), true},
		{"without compression and EDNS", message{ra: true, authority: []string{exampleSOA}}.pack(t, query), true},
		{"nothing at all", message{ra: true}.pack(t, query), true},
		{"an answer", message{ra: true, answer: []string{"mail.example." + permits}}.pack(t, query), false},
		{"a referral", message{authority: []string{"example. 60 NS ns.example."}}.pack(t, query), false},
		{"words", message{ra: true, authority: []string{exampleSOA}, ede: []snapshot.EDE{{Code: 15}}}.pack(t, query), false},
		{"the SOA record of the name itself", message{ra: true, authority: []string{"MAIL.example. 900 SOA a. b. 1 1800 900 604800 300"}}.pack(t, query), true},
		{"that of the root", message{ra: true, authority: []string{". 900 SOA a. b. 1 1800 900 604800 300"}}.pack(t, query), true},
		{"that of another name", message{ra: true, authority: []string{"ample. 900 SOA a. b. 1 1800 900 604800 300"}}.pack(t, query), false},
		{"that of a name beside it", message{ra: true, authority: []string{"other.example. 900 SOA a. b. 1 1800 900 604800 300"}}.pack(t, query), false},
		{"that of a name below it", message{ra: true, authority: []string{"x.mail.example. 900 SOA a. b. 1 1800 900 604800 300"}}.pack(t, query), false},
		{"a SOA record of another class", message{ra: true, authority: []string{"example. 900 CH SOA a. b. 1 1800 900 604800 300"}}.pack(t, query), false},
	} {
		if _, quick := readQuickly(test.wire); quick != test.quick {
			t.Errorf("%s: read quickly: %v, want %v", test.name, quick, test.quick)
		}
	}
}

// TestABrokenReplyIsNotReadQuickly: whichever octet of the names and lengths is
// spoilt, and wherever it ends.
func TestABrokenReplyIsNotReadQuickly(t *testing.T) {
	whole := emptyReply(t, queryFor(t, "mail.example"), dns.RcodeSuccess)
	for end := headerSize; end < len(whole); end++ {
		if _, quick := readQuickly(whole[:end]); quick {
			t.Errorf("%d of %d octets are read as a reply", end, len(whole))
		}
	}
	if _, quick := readQuickly(append(bytes.Clone(whole), 0)); quick {
		t.Error("an octet after the last record is not seen")
	}
	soa := questionEnd(whole)
	for at, spoilt := range map[int]byte{
		soa:      0x40,              // a label of a type that is none
		soa + 1:  byte(soa),         // a pointer to itself
		soa + 3:  byte(dns.TypeNS),  // another type
		soa + 11: whole[soa+11] + 1, // RDLENGTH
	} {
		wire := bytes.Clone(whole)
		wire[at] = spoilt
		if _, quick := readQuickly(wire); quick {
			t.Errorf("with octet %d spoilt it is read as a reply", at-soa)
		}
	}
}

// TestNamesThatLeadAstrayAreNotReadQuickly: by a pointer out of the record, or through
// more pointers than a name has labels.
func TestNamesThatLeadAstrayAreNotReadQuickly(t *testing.T) {
	soa := func(label byte) []byte { // RNAME is what the octet in the question's label leads to
		return slices.Concat(
			[]byte{0, 1, 0x80, 0x80, 0, 1, 0, 0, 0, 1, 0, 1},
			[]byte{1, label, 0, 1, 1, 0, 1},
			[]byte{0, 0, 6, 0, 1, 0, 0, 0, 60, 0, 3 + soaFixed, 0, 0xC0, headerSize + 1}, make([]byte, soaFixed),
			[]byte{0, 0, 41, 4, 0xD0, 0, 0, 0, 0, 0, 0},
		)
	}
	const toOPT = 5 + 14 + soaFixed
	for label, want := range map[byte]bool{0: true, toOPT - 1: true, toOPT: false, toOPT + 1: false} {
		if _, quick := readQuickly(soa(label)); quick != want {
			t.Errorf("RNAME with a label of %d octets: read quickly: %v, want %v", label, quick, want)
		}
		if _, err := readWhole(soa(label)); (err == nil) != want {
			t.Errorf("RNAME with a label of %d octets: read whole: %v", label, err)
		}
	}
	chain := []byte{}
	for i := range 200 { // each to the one before it, the first to the root
		to := max(headerSize, headerSize+1+2*(i-1))
		chain = append(chain, 0xC0|byte(to>>8), byte(to))
	}
	wire := slices.Concat(make([]byte, headerSize+1), chain)
	if _, ok := skipName(wire, len(wire)-2); ok {
		t.Error("200 pointers in a row are a name")
	}
	if _, _, err := dns.UnpackDomainName(wire, len(wire)-2); err == nil {
		t.Error("the whole reader follows 200 pointers")
	}
}

// FuzzReadQuickly: what is read quickly says the same as when it is read whole.
func FuzzReadQuickly(f *testing.F) {
	query := queryFor(f, "mail.example")
	f.Add(emptyReply(f, query, dns.RcodeNameError))
	f.Add(message{ra: true, authority: []string{exampleSOA}}.pack(f, query))
	f.Add(message{ra: true, answer: []string{"mail.example." + permits}}.pack(f, query))
	f.Fuzz(func(t *testing.T, wire []byte) {
		if len(wire) < headerSize {
			return
		}
		quick, ok := readQuickly(wire)
		if !ok {
			return
		}
		whole, err := readWhole(wire)
		if err != nil {
			t.Fatalf("read quickly, but %v", err)
		}
		if asked, _, err := readName(wire, headerSize); err != nil || whole.foreignSOA(asked, asked) {
			t.Errorf("%q: a SOA record of %q is read quickly (%v)", asked, whole.soas, err)
		}
		if whole.soas = nil; !cmp.Equal(quick, whole, cmp.AllowUnexported(reply{})) {
			t.Errorf("read quickly %+v, whole %+v", quick, whole)
		}
	})
}

// TestNothingIsAllocatedForAnEmptyAnswer, from the query to the verdict on the reply.
func TestNothingIsAllocatedForAnEmptyAnswer(t *testing.T) {
	query := queryFor(t, "mail.example")
	wire := emptyReply(t, query, dns.RcodeNameError)
	name := mustName(t, "mail.example")
	s, memory := newStep(name, 1), make([]byte, 0, maxQuery)
	allocs := testing.AllocsPerRun(100, func() {
		s.begin(name, 1)
		if _, err := appendQuery(memory, s.asked, dns.TypeCAA, withEDNS); err != nil {
			t.Fatal(err)
		}
		if s.advance(readOutcome(wire, check(wire, query)), 2) || s.obs.Failure != "" {
			t.Fatalf("%+v, want an empty answer", s.obs)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

// FuzzAppendName: a name is packed as miekg/dns packs it, or refused as there.
func FuzzAppendName(f *testing.F) {
	for _, name := range []string{"mail.example", ".", "a..b", `a\.b.example`, "example", "_x.xn--a", string(bytes.Repeat([]byte("a."), 127)) + "a"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || name[len(name)-1] == '.' && name != "." {
			return // spelt otherwise here
		}
		var want [maxWireName]byte
		end, wantErr := dns.PackDomainName(dns.Fqdn(name), want[:], 0, nil, false)
		got, err := appendName(nil, name)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: error %v, want %v", name, err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want[:end]) {
			t.Errorf("%q: %x, want %x", name, got, want[:end])
		}
	})
}

// TestSlotsFindWhatIsIn: all that is in, by its ID, also after the table has grown,
// and nothing else.
func TestSlotsFindWhatIsIn(t *testing.T) {
	var s slots
	random := newNetTransport(new(Config)).random
	in := make(map[uint16]*flight)
	for range 20000 {
		f := &flight{query: make([]byte, headerSize)}
		s.adopt(f, random, 0)
		if in[f.id()] != nil {
			t.Fatalf("ID %d is in flight twice", f.id())
		}
		in[f.id()] = f
		for id, out := range in { // any one
			if len(in)%3 == 0 {
				s.free(out)
				delete(in, id)
			}
			break
		}
	}
	for id := range 1 << 16 {
		if got := s.find(uint16(id)); got != in[uint16(id)] {
			t.Fatalf("ID %d: %p, want %p", id, got, in[uint16(id)])
		}
	}
	if len(s.all()) != len(in) || s.used != len(in) {
		t.Errorf("%d flights are in, %d counted, want %d", len(s.all()), s.used, len(in))
	}
}

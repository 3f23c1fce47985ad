package zone_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/zone"
)

// FuzzParse holds what is read to what is answered: each record's owner is in the
// zone, an authoritative answer for the record's type has its octets unless
// something above hides it, and every reply is a message that echoes the
// question.
func FuzzParse(f *testing.F) {
	f.Add(wildcards)
	f.Add("example. " + soa + "a.example. CAA 0 issue \"\\027\\;\\\"\\\\\"\n  TYPE257 \\# 3 0005aa\n")
	f.Add("$ORIGIN example.\n$TTL 1h\n@ " + soa + "$GENERATE 1-3/2 a${0,2,x} CNAME b.$\n*.w DS 1 8 2 00\nd DNAME e\ne NS f\n")
	f.Add("$ORIGIN example.\n@ " + soa + "a HTTPS 1 . alpn=\"h2\" ; c\nb ( TXT \"a\" \"b\"\n) \\a\\.b SRV 1 2 3 c\n")
	f.Add("$ORIGIN .\n0000000 SOA 0 0 0\n SRV 0")
	f.Add("$ORIGIN 0.\n0 DS 0 0 00 \xf900000000")
	f.Fuzz(func(t *testing.T, text string) {
		z, err := zone.Parse(strings.NewReader(text), "fuzz.zone")
		if err != nil {
			message := err.Error()
			if !strings.HasPrefix(message, "fuzz.zone:") || len(message) > 400 {
				t.Fatalf("error %v does not say where, or too much", err)
			}
			if strings.ContainsFunc(message, func(r rune) bool { return r < ' ' || '~' < r }) {
				t.Fatalf("error %q is not for a terminal", message)
			}
			return
		}
		s, err := zone.NewSet(z)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for r := range z.Records() {
			if asked++; asked > 100 {
				break // $GENERATE
			}
			checkRecord(t, s, r)
		}
	})
}

func checkRecord(t *testing.T, s *zone.Set, r zone.Record) {
	q := pack(t, r.Name, r.Type)
	a, err := s.Answer(q)
	if err != nil {
		t.Fatal(err)
	}
	question, rdata := sections(t, a.Wire)
	if !bytes.Equal(question, q[12:]) {
		t.Fatalf("question %x comes back as %x", q[12:], question)
	}
	if a.Kind == zone.OutOfZone {
		t.Fatalf("%s is out of its own zone", r.Name)
	}
	truncated := a.Wire[2]&2 != 0
	hidden := truncated || a.Kind == zone.Referral || redirected(t, s, r.Name)
	if !hidden && !slices.Contains(rdata, string(r.RDATA)) {
		t.Fatalf("answer for %s %s lacks %x", r.Name, dns.Type(r.Type), r.RDATA)
	}
	if wellFormed(r.Type) {
		if err := new(dns.Msg).Unpack(a.Wire); err != nil {
			t.Fatalf("answer %x: %v", a.Wire, err)
		}
	}
}

// wellFormed reports whether the octets of a type's records make sense: those of CAA records
// may not, so that a file can hold what a hostile server sends, and of a type that no answer
// about CAA is made from the text may stand for octets that the library cannot write.
func wellFormed(typ uint16) bool {
	switch typ {
	case dns.TypeNS, dns.TypeCNAME, dns.TypeDNAME, dns.TypeSOA, dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypePTR, dns.TypeDS:
		return true
	}
	return false
}

// redirected reports whether a DNAME record above name hides it.
func redirected(t *testing.T, s *zone.Set, name string) bool {
	a, err := s.Answer(pack(t, name, dns.TypeDNAME))
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(a.Wire); err != nil {
		t.Fatal(err)
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeDNAME && dns.CanonicalName(rr.Header().Name) != dns.CanonicalName(name) {
			return true
		}
	}
	return m.Truncated
}

func pack(t *testing.T, name string, typ uint16) []byte {
	t.Helper()
	wire, err := new(dns.Msg).SetQuestion(dns.Fqdn(name), typ).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// FuzzAnswer sends any octets as a query: an error, or a message that echoes ID
// and question.
func FuzzAnswer(f *testing.F) {
	s := set(f, wildcards, "test. "+soa+"a.test. 60 CNAME b.test.\nd.test. 60 DNAME e.test.\n")
	f.Add(query(f, "host1.example. A"))
	f.Add(query(f, "a.test. CAA"))
	f.Add(query(f, "x.subdel.example. DS"))
	f.Fuzz(func(t *testing.T, q []byte) {
		for _, respond := range []func([]byte) (zone.Answer, error){s.Answer, s.Resolve} {
			a, err := respond(q)
			if err != nil {
				continue
			}
			question, _ := sections(t, a.Wire)
			if !bytes.HasPrefix(q[12:], question) || !bytes.Equal(q[:2], a.Wire[:2]) {
				t.Fatalf("reply %x is not to %x", a.Wire, q)
			}
			if err := new(dns.Msg).Unpack(a.Wire); err != nil {
				t.Fatalf("reply %x: %v", a.Wire, err)
			}
		}
	})
}

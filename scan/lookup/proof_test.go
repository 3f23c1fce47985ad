package lookup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// dsReply is a reply to a DS query, in the words of a zone file.
type dsReply struct {
	ad, nx     bool
	rcode      int
	answer, ns []string
	noRA       bool
	ede        uint16
}

func (d dsReply) pack(t testing.TB, name string) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeDS)
	m.Response, m.RecursionAvailable, m.AuthenticatedData, m.Rcode = true, !d.noRA, d.ad, d.rcode
	if d.nx {
		m.Rcode = dns.RcodeNameError
	}
	for _, text := range d.answer {
		m.Answer = append(m.Answer, mustRR(t, text))
	}
	for _, text := range d.ns {
		m.Ns = append(m.Ns, mustRR(t, text))
	}
	if d.ede != 0 {
		m.SetEdns0(1232, true)
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: d.ede})
	}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func mustRR(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return rr
}

// The chain of RFC 5155, appendix A: the zone "example", salt aabbccdd, 12
// iterations, Opt-Out. The hashes are those of the RFC.
const (
	hashExample = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" // example
	hashA       = "35mthgpgcu1qg68fab165klnsnk3dpvl" // a.example, a signed delegation
	hashAI      = "gjeqe526plbf1g8mklp59enfd789njgi" // ai.example
	hashXX      = "t644ebqk9bibcna874givr6joj62mlhv" // xx.example
	hashNS1     = "2t7b4g4vsa5smi47k61mv5bv1a22bojr" // ns1.example
	hashNS2     = "q04jkcevqvmu85r014c7dkba38o0ji5r" // ns2.example
	hashW       = "k8udemvp1j2f7eg6jebps17vp3n8i58h" // w.example
	hashXW      = "b4um86eghhds6nea196smvmlo4ors995" // x.w.example
	hashYW      = "ji6neoaepv8b5o6k4ev33abha8ht9fgc" // y.w.example
	hashXYW     = "2vptu5timamqttgl4luu9kg21e0aor3s" // x.y.w.example
)

const digest = " DS 12345 13 2 AABBCCDDEEFFAABBCCDDEEFFAABBCCDDEEFFAABBCCDDEEFFAABBCCDDEEFFAABB"

// nsec3 is a record of that chain, with its signature.
func nsec3(owner, next, types string) []string {
	return []string{
		owner + ".example. 3600 NSEC3 1 1 12 aabbccdd " + next + " " + types,
		owner + ".example. 3600 RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. AAAA",
	}
}

// optOutOfC is the reply of RFC 5155, appendix B.3, read as one to a DS query for
// c.example: the closest encloser is example, and the hash of c.example,
// 4g6p9u5gvfshp30pqecj98b3maqbn1ck, lies in the span of a.example.
func optOutOfC() dsReply {
	return dsReply{ns: slices.Concat(nsec3(hashA, hashXW, "NS DS RRSIG"), nsec3(hashExample, hashNS1, "NS SOA MX RRSIG DNSKEY NSEC3PARAM"))}
}

func TestDSRepliesAreReadToTheLetter(t *testing.T) {
	nsecAt := func(owner, types string) []string {
		return []string{owner + ". 300 NSEC z.example. " + types + " RRSIG NSEC"}
	}
	without := func(d dsReply, word string) dsReply {
		d.ns = slices.DeleteFunc(slices.Clone(d.ns), func(text string) bool { return strings.Contains(text, word) })
		return d
	}
	replace := func(d dsReply, old, new string) dsReply {
		var ns []string
		for _, text := range d.ns {
			ns = append(ns, strings.ReplaceAll(text, old, new))
		}
		d.ns = ns
		return d
	}
	changed := func(d dsReply, change func(*dsReply)) dsReply {
		change(&d)
		return d
	}
	signed := dsReply{ad: true, answer: []string{"c.example. 300" + digest}}
	insecure := dsReply{ad: true, ns: nsecAt("c.example", "NS")}
	hashed := dsReply{ad: true, ns: nsec3(hashNS1, hashXYW, "NS")} // of ns1.example
	none := dsReply{ad: true, ns: nsecAt("c.example", "A")}
	for _, test := range []struct {
		name  string
		of    string
		reply dsReply
		want  snapshot.Finding
	}{
		{"(a) a validated DS", "c.example", signed, snapshot.SignedDelegation},
		{"(a) without AD", "c.example", changed(signed, func(d *dsReply) { d.ad = false }), snapshot.Unproven},
		{"(a) of another name", "d.example", signed, snapshot.Unproven},
		{"(a) in NXDOMAIN counts as that", "c.example", changed(signed, func(d *dsReply) { d.nx = true }), snapshot.NothingBelow},
		{"(a) with SERVFAIL", "c.example", changed(signed, func(d *dsReply) { d.rcode = dns.RcodeServerFailure }), snapshot.Unproven},
		{"(a) from a server that does not recurse", "c.example", changed(signed, func(d *dsReply) { d.noRA = true }), snapshot.Unproven},
		{"(a) stale", "c.example", changed(signed, func(d *dsReply) { d.ede = 3 }), snapshot.Unproven},

		{"(b) by NSEC", "c.example", insecure, snapshot.InsecureDelegation},
		{"(b) without AD", "c.example", changed(insecure, func(d *dsReply) { d.ad = false }), snapshot.Unproven},
		{"(b) with an NSEC of another name", "d.example", insecure, snapshot.Unproven},
		{"(b) with DS", "c.example", dsReply{ad: true, ns: nsecAt("c.example", "NS DS")}, snapshot.Unproven},
		{"(b) from the child's side", "c.example", dsReply{ad: true, ns: nsecAt("c.example", "NS SOA")}, snapshot.Unproven},
		{"(b) forged", "c.example", changed(insecure, func(d *dsReply) { d.ede = 4 }), snapshot.Unproven},
		{"(b) by NSEC3", "ns1.example", hashed, snapshot.InsecureDelegation},
		{"(b) by the NSEC3 of another name", "ns2.example", hashed, snapshot.Unproven},
		{"(b) by an NSEC3 of another zone", "ns1.example", replace(hashed, ".example.", ".other."), snapshot.Unproven},

		{"(c) left out of the chain", "c.example", optOutOfC(), snapshot.OptOutDelegation},
		{"(c) in NXDOMAIN", "c.example", changed(optOutOfC(), func(d *dsReply) { d.nx = true }), snapshot.OptOutDelegation},
		{"(c) with AD, which is forbidden", "c.example", changed(optOutOfC(), func(d *dsReply) { d.ad = true }), snapshot.Unproven},
		{"(c) without the Opt-Out flag", "c.example", replace(optOutOfC(), "NSEC3 1 1 12", "NSEC3 1 0 12"), snapshot.Unproven},
		{"(c) without a signature", "c.example", without(optOutOfC(), "RRSIG NSEC3 7"), snapshot.Unproven},
		{"(c) signed by another zone", "c.example", replace(optOutOfC(), "40430 example.", "40430 other."), snapshot.Unproven},
		{"(c) without the closest encloser", "c.example", without(optOutOfC(), hashExample+".example."), snapshot.Unproven},
		{"(c) without the span", "c.example", without(optOutOfC(), hashA+".example."), snapshot.Unproven},
		{"(c) with a span that does not cover it", "c.example", replace(optOutOfC(), hashXW, "4g6p9u5gvfshp30pqecj98b3maqbn1cj"), snapshot.Unproven},
		{"(c) with a span that begins at it", "c.example", replace(optOutOfC(), hashA, "4g6p9u5gvfshp30pqecj98b3maqbn1ck"), snapshot.Unproven},
		{"(c) with records beside it", "c.example", changed(optOutOfC(), func(d *dsReply) { d.answer = []string{"c.example. 300 A 192.0.2.1"} }), snapshot.Unproven},
		{"(c) with too many iterations", "c.example", replace(optOutOfC(), "1 1 12 aabb", "1 1 51 aabb"), snapshot.Unproven},
		{"(c) that was not verified for its iterations", "c.example", changed(optOutOfC(), func(d *dsReply) { d.ede = 27 }), snapshot.Unproven},
		{"(c) with a hash that is not known", "c.example", replace(optOutOfC(), "NSEC3 1 1 12", "NSEC3 2 1 12"), snapshot.Unproven},
		{"(c) for a name above which something is missing", "x.c.example", optOutOfC(), snapshot.OptOutDelegation},

		{"(d) in its zone, by NSEC", "c.example", none, snapshot.NoDelegation},
		{"(d) without AD", "c.example", changed(none, func(d *dsReply) { d.ad = false }), snapshot.Unproven},
		{"(d) by NSEC3", "w.example", dsReply{ad: true, ns: nsec3(hashW, hashNS2, "")}, snapshot.NoDelegation},
		{"(d) an alias", "c.example", dsReply{ad: true, answer: []string{"c.example. 300 CNAME d.example."}}, snapshot.NoDelegation},
		{"(d) an alias without AD", "c.example", dsReply{answer: []string{"c.example. 300 CNAME d.example."}}, snapshot.Unproven},
		{"(d) the alias of another name", "c.example", dsReply{ad: true, answer: []string{"d.example. 300 CNAME c.example."}}, snapshot.Unproven},

		{"(e) NXDOMAIN", "c.example", dsReply{ad: true, nx: true}, snapshot.NothingBelow},
		{"(e) without AD", "c.example", dsReply{nx: true}, snapshot.Unproven},

		{"(f) nothing at all", "c.example", dsReply{ad: true}, snapshot.Unproven},
		{"(f) SERVFAIL", "c.example", dsReply{rcode: dns.RcodeServerFailure}, snapshot.Unproven},
	} {
		answer := dsAnswer{message: test.reply.pack(t, test.of), server: "192.0.2.1:53"}
		if got := readDS(answer, test.of, "example"); got.Finding != test.want || got.Name != test.of {
			t.Errorf("%s: %+v, want %s", test.name, got, test.want)
		}
	}
	if got := readDS(dsAnswer{message: []byte("garbage"), server: "x"}, "c.example", "example"); got.Finding != snapshot.Unproven || got.Replied {
		t.Errorf("garbage: %+v, want unproven", got)
	}
}

// TestTheHashesOfTheStandard are those of RFC 5155, appendix A.
func TestTheHashesOfTheStandard(t *testing.T) {
	record := mustRR(t, nsec3(hashExample, hashNS1, "NS SOA")[0]).(*dns.NSEC3)
	for name, want := range map[string]string{
		"example": hashExample, "a.example": hashA, "ai.example": hashAI, "ns1.example": hashNS1, "ns2.example": hashNS2,
		"w.example": hashW, "x.w.example": hashXW, "y.w.example": hashYW, "x.y.w.example": hashXYW, "xx.example": hashXX,
	} {
		if h, ok := (denial{name: name, zone: "example"}).hashes(record, name); !ok || !strings.EqualFold(h.of, want) {
			t.Errorf("%s: %s, want %s", name, h.of, want)
		}
	}
}

// walks answers DS queries from a table, and counts them.
type walks struct {
	t       testing.TB
	replies map[string]dsReply
	mu      sync.Mutex
	asked   map[string]int
}

func (w *walks) ask(_ context.Context, name string) (dsAnswer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[name]++
	reply, ok := w.replies[name]
	if !ok {
		return dsAnswer{server: "192.0.2.1:53"}, nil
	}
	return dsAnswer{message: reply.pack(w.t, name), server: "192.0.2.1:53"}, nil
}

func TestWalksDownFromTheTop(t *testing.T) {
	ds := func(name string) dsReply { return dsReply{ad: true, answer: []string{name + ". 300" + digest}} }
	denies := func(name, types string) dsReply {
		return dsReply{ad: true, ns: []string{fmt.Sprintf("%s. 300 NSEC z.%[1]s. %s RRSIG NSEC", name, types)}}
	}
	w := &walks{t: t, asked: make(map[string]int), replies: map[string]dsReply{
		"signed": ds("signed"), "a.signed": ds("a.signed"), "open.signed": denies("open.signed", "NS"), "host.signed": denies("host.signed", "A"),
		"deep.a.signed": denies("deep.a.signed", "NS"), "none.signed": {ad: true, nx: true},
		"plain": denies("plain", "NS"),
	}}
	p := newProver(w.ask)
	for _, test := range []struct {
		name  string
		want  snapshot.ProofState
		steps int
	}{
		{"a.signed", snapshot.ProvenSigned, 2},
		{"open.signed", snapshot.ProvenInsecure, 2},
		{"x.y.open.signed", snapshot.ProvenInsecure, 2}, // it stops at the first cut
		{"deep.a.signed", snapshot.ProvenInsecure, 3},
		{"host.signed", snapshot.ProvenSigned, 2},
		{"x.none.signed", snapshot.ProvenSigned, 2},
		{"lost.signed", snapshot.NotProven, 2},      // a DS was met at the top-level domain alone
		{"lost.a.signed", snapshot.ProvenSigned, 3}, // and here below it
		{"mail.plain", snapshot.ProvenInsecure, 1},
		{"mail.lost", snapshot.NotProven, 1},
		{"signed", snapshot.ProvenSigned, 1},
		{".", snapshot.ProvenSigned, 0},
	} {
		proof, err := p.prove(t.Context(), test.name)
		if err != nil || proof.State != test.want || len(proof.Steps) != test.steps || proof.Name != test.name {
			t.Errorf("%s: %+v (%v), want %s after %d steps", test.name, proof, err, test.want, test.steps)
		}
	}
	for name, times := range w.asked {
		if want := map[bool]int{false: 1, true: 2}[strings.HasPrefix(name, "lost")]; times != want {
			t.Errorf("%s was asked %d times, want %d: once, and where nothing is proven once more", name, times, want)
		}
	}
}

// FuzzDSReplies: nobody is proven insecure without a validated denial or an opt-out
// span that the zone has signed.
func FuzzDSReplies(f *testing.F) {
	f.Add(optOutOfC().pack(f, "c.example"))
	f.Add(dsReply{ad: true, ns: []string{"c.example. 300 NSEC z.example. NS RRSIG NSEC"}}.pack(f, "c.example"))
	f.Add(dsReply{ad: true, ns: nsec3(hashNS1, hashXYW, "NS")}.pack(f, "c.example"))
	f.Add(dsReply{ad: true, answer: []string{"c.example. 300" + digest}}.pack(f, "c.example"))
	f.Fuzz(func(t *testing.T, message []byte) {
		step := readDS(dsAnswer{message: message}, "c.example", "example")
		var m dns.Msg
		if err := m.Unpack(message); err != nil && step.Finding != snapshot.Unproven {
			t.Fatalf("%+v from what cannot be read", step)
		}
		has := func(kind uint16) bool {
			return slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == kind })
		}
		switch step.Finding {
		case snapshot.SignedDelegation, snapshot.NoDelegation, snapshot.NothingBelow:
			if !m.AuthenticatedData {
				t.Fatalf("%+v without AD", step)
			}
		case snapshot.InsecureDelegation:
			if !m.AuthenticatedData || !has(dns.TypeNSEC) && !has(dns.TypeNSEC3) {
				t.Fatalf("%+v without a validated denial", step)
			}
		case snapshot.OptOutDelegation:
			if m.AuthenticatedData || !has(dns.TypeNSEC3) || !has(dns.TypeRRSIG) {
				t.Fatalf("%+v without a signed span", step)
			}
		case snapshot.Unproven:
		}
	})
}

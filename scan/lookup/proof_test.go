package lookup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
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
		if got := dns.HashName(dns.Fqdn(name), record.Hash, record.Iterations, record.Salt); !strings.EqualFold(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
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

func TestDSQueryShowsAnEchoedBit(t *testing.T) {
	wire, err := dsQuery(4711, `a\.b.example`)
	if err != nil {
		t.Fatal(err)
	}
	var m dns.Msg
	if err := m.Unpack(wire); err != nil {
		t.Fatal(err)
	}
	want := []dns.Question{{Name: `a\.b.example.`, Qtype: dns.TypeDS, Qclass: dns.ClassINET}}
	if diff := cmp.Diff(want, m.Question); diff != "" {
		t.Errorf("question mismatch (-want +got)\n%s", diff)
	}
	if m.Id != 4711 || m.Response || !m.RecursionDesired || m.AuthenticatedData || m.CheckingDisabled {
		t.Errorf("header %+v: want ID 4711, RD set, AD, CD and QR clear", m.MsgHdr)
	}
	if opt := m.IsEdns0(); opt == nil || opt.UDPSize() != 1232 || !opt.Do() || opt.Version() != 0 {
		t.Errorf("OPT %v: want size 1232, DO, version 0", opt)
	}
	if _, err := dsQuery(4711, strings.Repeat("a", 64)+".example"); err == nil {
		t.Error("a label of 64 octets made a query, want an error (RFC 1035, section 2.3.4)")
	}
}

// recorded answers DS queries with the replies of a real resolver, each after a
// second.
type recorded struct {
	mu      sync.Mutex
	replies map[string][]byte
	asked   map[string]int
}

func newRecorded(t testing.TB) *recorded {
	t.Helper()
	r := &recorded{replies: make(map[string][]byte), asked: make(map[string]int)}
	for _, reply := range realReplies(t) {
		r.replies[reply.name] = reply.message
	}
	return r
}

func (r *recorded) ask(ctx context.Context, name string) (dsAnswer, error) {
	r.mu.Lock()
	r.asked[name]++
	r.mu.Unlock()
	select {
	case <-time.After(time.Second):
		return dsAnswer{message: r.replies[name], server: "192.0.2.1:53", at: time.Now()}, nil
	case <-ctx.Done():
		return dsAnswer{}, ctx.Err()
	}
}

func TestWalksThroughRealReplies(t *testing.T) {
	const (
		ds, cut, left = snapshot.SignedDelegation, snapshot.InsecureDelegation, snapshot.OptOutDelegation
		none, end, no = snapshot.NoDelegation, snapshot.NothingBelow, snapshot.Unproven
	)
	for _, test := range []struct {
		name string
		want snapshot.ProofState
		find []snapshot.Finding
	}{
		{"mail.plain", snapshot.ProvenInsecure, []snapshot.Finding{cut}},
		{"mail.nosuchtld", snapshot.ProvenSigned, []snapshot.Finding{end}},
		{"mail.insecure.nsec", snapshot.ProvenInsecure, []snapshot.Finding{ds, cut}},
		{`mail.esc\.aped.nsec`, snapshot.ProvenInsecure, []snapshot.Finding{ds, cut}},
		{"host.nsec", snapshot.ProvenSigned, []snapshot.Finding{ds, none}},
		{"dangling.nsec", snapshot.ProvenSigned, []snapshot.Finding{ds, none}},
		{"mail.nosuch.nsec", snapshot.ProvenSigned, []snapshot.Finding{ds, end}},
		{"toins.nsec", snapshot.NotProven, []snapshot.Finding{ds, no}},
		{"mail.sub.signed.nsec", snapshot.ProvenInsecure, []snapshot.Finding{ds, ds, cut}},
		{"www.signed.nsec", snapshot.ProvenSigned, []snapshot.Finding{ds, ds, none}},
		{"never.signed.nsec", snapshot.ProvenSigned, []snapshot.Finding{ds, ds, no}},
		{"mail.x.ent.nsec3", snapshot.ProvenInsecure, []snapshot.Finding{ds, none, cut}},
		{"mail.insecure.optout", snapshot.ProvenInsecure, []snapshot.Finding{ds, left}},
		{`mail.esc\.aped.optout`, snapshot.ProvenInsecure, []snapshot.Finding{ds, left}},
		{"mail.sub.signed.optout", snapshot.ProvenInsecure, []snapshot.Finding{ds, ds, left}},
		{"signed.optout", snapshot.ProvenSigned, []snapshot.Finding{ds, ds}},
		{"mail.insecure.listed", snapshot.ProvenInsecure, []snapshot.Finding{ds, cut}},
		{"mail.insecure.it151", snapshot.NotProven, []snapshot.Finding{ds, no}},
		{"mail.insecure.flagless", snapshot.NotProven, []snapshot.Finding{ds, no}},
		{"mail.insecure.spoilt", snapshot.NotProven, []snapshot.Finding{ds, no}},
	} {
		synctest.Test(t, func(t *testing.T) {
			proof, err := newProver(newRecorded(t).ask).prove(t.Context(), test.name)
			var found []snapshot.Finding
			for _, step := range proof.Steps {
				found = append(found, step.Finding)
			}
			if err != nil || proof.State != test.want || !slices.Equal(found, test.find) {
				t.Errorf("%s: %s by %v (%v), want %s by %v", test.name, proof.State, found, err, test.want, test.find)
			}
		})
	}
}

func TestAProofKeepsWhatEachStepRestsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		proof, err := newProver(newRecorded(t).ask).prove(t.Context(), "x.nosuch.optout")
		at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
		want := snapshot.Proof{Name: "x.nosuch.optout", State: snapshot.ProvenInsecure, Steps: []snapshot.ProofStep{
			{Name: "optout", Finding: snapshot.SignedDelegation, Server: "192.0.2.1:53", Replied: true, AD: true, Time: at(1)},
			{Name: "nosuch.optout", Finding: snapshot.OptOutDelegation, Server: "192.0.2.1:53", Replied: true, RCode: dns.RcodeNameError, Time: at(2)},
		}}
		if diff := cmp.Diff(want, proof); err != nil || diff != "" {
			t.Errorf("%v, proof mismatch (-want +got)\n%s", err, diff)
		}
	})
}

func TestANameIsAskedOnceHoweverManyWalksLeadOverIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorded(t)
		p := newProver(r.ask)
		start := time.Now()
		var walks sync.WaitGroup
		for _, name := range slices.Repeat([]string{"a.insecure.nsec", "b.insecure.nsec", "host.nsec", "www.signed.nsec"}, 25) {
			walks.Go(func() {
				if proof, err := p.prove(t.Context(), name); err != nil || len(proof.Steps) < 2 {
					t.Errorf("%s: %+v (%v)", name, proof, err)
				}
			})
		}
		walks.Wait()
		want := map[string]int{"nsec": 1, "insecure.nsec": 1, "host.nsec": 1, "signed.nsec": 1, "www.signed.nsec": 1}
		if diff := cmp.Diff(want, r.asked); diff != "" {
			t.Errorf("asked, mismatch (-want +got)\n%s", diff)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v, want 3 s, one for each label: names wait only for those above them", took)
		}
	})
}

// TestAWalkThatIsCancelledTakesNoOtherWithIt: neither one that waits for the same
// reply nor one that comes later.
func TestAWalkThatIsCancelledTakesNoOtherWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorded(t)
		p := newProver(r.ask)
		short, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		var walks sync.WaitGroup
		walks.Go(func() {
			if proof, err := p.prove(short, "insecure.nsec"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("cancelled: %+v (%v), want the error of its context", proof, err)
			}
		})
		synctest.Wait()
		walks.Go(func() {
			if proof, err := p.prove(t.Context(), "insecure.nsec"); err != nil || proof.State != snapshot.ProvenInsecure {
				t.Errorf("not cancelled: %+v (%v), want insecure", proof, err)
			}
		})
		walks.Wait()
		want := map[string]int{"nsec": 2, "insecure.nsec": 1} // nsec once more, by the walk that went on
		if diff := cmp.Diff(want, r.asked); diff != "" {
			t.Errorf("asked, mismatch (-want +got)\n%s", diff)
		}
	})
}

// TestTheSecondReplyMayProve what the first one did not.
func TestTheSecondReplyMayProve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorded(t)
		right := r.replies["insecure.nsec"]
		servfail := r.replies["insecure.flagless"]
		p := newProver(func(ctx context.Context, name string) (dsAnswer, error) {
			if name != "insecure.nsec" {
				return r.ask(ctx, name)
			}
			r.asked[name]++
			switch r.asked[name] {
			case 1:
				return dsAnswer{message: servfail, server: "192.0.2.1:53"}, nil
			case 2:
				return dsAnswer{message: right, server: "192.0.2.2:53"}, nil
			}
			return dsAnswer{}, nil
		})
		for range 2 { // the second time from what is known
			proof, err := p.prove(t.Context(), "insecure.nsec")
			if err != nil || proof.State != snapshot.ProvenInsecure || proof.Steps[1].Server != "192.0.2.2:53" || r.asked["insecure.nsec"] != 2 {
				t.Errorf("%+v (%v) after %d queries, want insecure by the second server", proof, err, r.asked["insecure.nsec"])
			}
		}
	})
}

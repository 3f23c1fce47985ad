package dnssec_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// TestASecondAroundTheTimesOfASignature: both ends count as inside (RFC 4035, section 5.3.1).
func TestASecondAroundTheTimesOfASignature(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC3})
	for _, name := range []string{"site.tld.", "www.site.tld."} {
		for at, want := range map[time.Time]dnssec.Reason{
			now.Add(-dnssectest.Lifetime - time.Second): dnssec.SignatureNotYetValid,
			now.Add(-dnssectest.Lifetime):               "",
			now.Add(dnssectest.Lifetime):                "",
			now.Add(dnssectest.Lifetime + time.Second):  dnssec.SignatureExpired,
		} {
			v := newValidator(t, w)
			v.verdict(name) // the keys are known in time
			v.now = at
			got := v.verdict(name)
			if got.Flaw.Reason != want || (want == "") != (got.State == dnssec.Secure) {
				t.Errorf("%s at %v: %+v, want %q", name, at, got, want)
			}
			if want == "" && !got.Expires.Equal(now.Add(dnssectest.Lifetime)) {
				t.Errorf("%s expires at %v", name, got.Expires)
			}
			if f := got.Flaw; want != "" && (f.Zone != "site.tld." || f.KeyTag == 0 || f.Algorithm != dns.ECDSAP256SHA256 ||
				!f.Inception.Equal(now.Add(-dnssectest.Lifetime)) || !f.Expiration.Equal(now.Add(dnssectest.Lifetime))) {
				t.Errorf("%s: the flaw is %+v, want its zone, key and times", name, f)
			}
		}
	}
}

// TestASecondAroundTheTimesOfAChain: each signature from the root down is held to the time that
// its reply came at, those over keys, DS records and their denials too.
func TestASecondAroundTheTimesOfAChain(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC3}, dnssectest.Spec{Origin: "open.tld.", Text: caaText})
	for _, test := range []struct {
		query dnssec.Query
		name  string
		state dnssec.State // in time
	}{
		{dnssec.Query{Name: ".", Type: dns.TypeDNSKEY}, "site.tld.", dnssec.Secure},
		{dnssec.Query{Name: "tld.", Type: dns.TypeDS}, "site.tld.", dnssec.Secure},
		{dnssec.Query{Name: "tld.", Type: dns.TypeDNSKEY}, "site.tld.", dnssec.Secure},
		{dnssec.Query{Name: "site.tld.", Type: dns.TypeDS}, "site.tld.", dnssec.Secure},
		{dnssec.Query{Name: "site.tld.", Type: dns.TypeDNSKEY}, "site.tld.", dnssec.Secure},
		{dnssec.Query{Name: "open.tld.", Type: dns.TypeDS}, "open.tld.", dnssec.Insecure},
	} {
		for at, want := range map[time.Time]dnssec.Reason{
			now.Add(-dnssectest.Lifetime - time.Second): dnssec.SignatureNotYetValid,
			now.Add(-dnssectest.Lifetime):               "",
			now.Add(dnssectest.Lifetime):                "",
			now.Add(dnssectest.Lifetime + time.Second):  dnssec.SignatureExpired,
		} {
			v := newValidator(t, w)
			v.moved = map[dnssec.Query]time.Time{test.query: at}
			got := v.verdict(test.name)
			if want == "" && got.State != test.state || want != "" && (got.State != dnssec.Bogus || got.Flaw.Reason != want) {
				t.Errorf("%v at %v: %+v, want state %d or %q", test.query, at, got, test.state, want)
			}
		}
	}
}

// TestWhatResolversMayDoToAnAnswer: whatever is left out, swapped or taken from elsewhere, a
// signed name is bogus then, and neither secure nor insecure.
func TestWhatResolversMayDoToAnAnswer(t *testing.T) {
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3} {
		specs := []dnssectest.Spec{
			{Origin: "site.tld.", Text: siteText, Denial: denial},
			{Origin: "other.tld.", Text: siteText, Denial: denial},
			{Origin: "open.tld.", Text: caaText},
			{Origin: "tld.", Denial: denial},
		}
		w := build(t, specs...)
		old, err := dnssectest.Build(now.Add(-3*dnssectest.Lifetime), append(specs, dnssectest.Spec{Origin: ".", Denial: dnssectest.NSEC})...)
		if err != nil {
			t.Fatal(err)
		}
		for name, test := range spoilings(w, old) {
			t.Run(string(denial)+"/"+name, func(t *testing.T) {
				v := newValidator(t, w)
				m := w.Answer(test.name, dns.TypeCAA)
				test.spoil(m)
				got := v.judge(pathOf(m, test.name), parsed(t, m))
				if got.State != dnssec.Bogus {
					t.Errorf("%+v, want bogus", got)
				}
			})
		}
	}
}

// spoilt is a reply to a query for a name, and what a resolver makes of it.
type spoilt struct {
	name  string
	spoil func(*dns.Msg)
}

// spoilings are replies of a world that have been changed; old is the same world long ago.
func spoilings(w, old *dnssectest.World) map[string]spoilt {
	return map[string]spoilt{
		"records stripped of signatures":       {"site.tld.", func(m *dns.Msg) { *m = *unsigned(m) }},
		"a denial stripped of signatures":      {"www.site.tld.", func(m *dns.Msg) { *m = *unsigned(m) }},
		"records that are not there":           {"site.tld.", func(m *dns.Msg) { m.Answer = nil }},
		"the denial of another name":           {"site.tld.", func(m *dns.Msg) { m.Answer, m.Ns = nil, w.Answer("www.site.tld.", dns.TypeCAA).Ns[:0] }},
		"the denial of the parent zone":        {"site.tld.", func(m *dns.Msg) { m.Answer, m.Ns = nil, w.Answer("no.tld.", dns.TypeCAA).Ns }},
		"the denial of an unsigned delegation": {"site.tld.", func(m *dns.Msg) { m.Answer, m.Ns = nil, w.Answer("open.tld.", dns.TypeDS).Ns }},
		"the denial of another zone":           {"site.tld.", func(m *dns.Msg) { m.Answer, m.Ns = nil, w.Answer("no.other.tld.", dns.TypeCAA).Ns }},
		"records of another zone": {"site.tld.", func(m *dns.Msg) {
			m.Answer = w.Answer("other.tld.", dns.TypeCAA).Answer
			for i := range m.Answer {
				m.Answer[i] = dns.Copy(m.Answer[i])
				m.Answer[i].Header().Name = "site.tld."
			}
		}},
		"old signatures": {"site.tld.", func(m *dns.Msg) { m.Answer = old.Answer("site.tld.", dns.TypeCAA).Answer }},
		"one record less": {"two.site.tld.", func(m *dns.Msg) {
			m.Answer = slices.DeleteFunc(m.Answer, func(rr dns.RR) bool { return strings.Contains(rr.String(), `"deny.example"`) })
		}},
		"a wildcard without its denial": {"x.wild.site.tld.", func(m *dns.Msg) { m.Ns = nil }},
		"a wildcard for a name that is there": {"near.wild.site.tld.", func(m *dns.Msg) {
			m.Answer = w.Answer("x.wild.site.tld.", dns.TypeCAA).Answer
			for i := range m.Answer {
				m.Answer[i] = dns.Copy(m.Answer[i])
				m.Answer[i].Header().Name = "near.wild.site.tld."
			}
		}},
		"a name that is not there, for one that a wildcard covers": {"x.wild.site.tld.", func(m *dns.Msg) {
			m.Answer, m.Rcode = nil, dns.RcodeNameError
			m.Ns = w.Answer("no.site.tld.", dns.TypeCAA).Ns
		}},
		"an alias to somewhere else": {"alias.site.tld.", func(m *dns.Msg) {
			m.Answer[0] = dns.Copy(m.Answer[0])
			m.Answer[0].(*dns.CNAME).Target = "open.tld."
			m.Answer = append(m.Answer[:2], w.Answer("open.tld.", dns.TypeCAA).Answer...)
		}},
		"an alias that nobody signed": {"www.site.tld.", func(m *dns.Msg) {
			m.Ns = nil
			alias, _ := dns.NewRR("www.site.tld. 300 CNAME open.tld.")
			m.Answer = append([]dns.RR{alias}, w.Answer("open.tld.", dns.TypeCAA).Answer...)
		}},
	}
}

// TestWhatResolversMayDoToAChain: a name in a signed zone never becomes insecure by what is
// done to the replies about the zones above.
func TestWhatResolversMayDoToAChain(t *testing.T) {
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3, dnssectest.OptOut} {
		w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: denial}, dnssectest.Spec{Origin: "open.tld.", Text: caaText},
			dnssectest.Spec{Origin: "tld.", Denial: denial})
		instead := func(name string) func(*dns.Msg) {
			return func(m *dns.Msg) {
				if m.Question[0].Qtype == dns.TypeDS && m.Question[0].Name == "site.tld." {
					other := w.Answer(name, dns.TypeDS)
					m.Answer, m.Ns, m.Rcode = other.Answer, other.Ns, other.Rcode
				}
			}
		}
		for name, spoil := range map[string]func(*dns.Msg){
			"no DS records":                          func(m *dns.Msg) { dropAnswer(m, dns.TypeDS) },
			"no keys":                                func(m *dns.Msg) { dropAnswer(m, dns.TypeDNSKEY) },
			"the denial of an unsigned delegation":   instead("open.tld."),
			"the denial of a name that is not there": instead("no.tld."),
			"NODATA from the zone itself": func(m *dns.Msg) {
				if m.Question[0].Qtype == dns.TypeDS && m.Question[0].Name == "site.tld." {
					m.Answer, m.Ns = nil, w.Answer("site.tld.", dns.TypeMX).Ns
				}
			},
			"everything stripped": func(m *dns.Msg) { m.Answer, m.Ns = nil, nil },
		} {
			for _, of := range []string{"site.tld.", "www.site.tld."} {
				v := newValidator(t, w)
				v.spoils = spoil
				m := w.Answer(of, dns.TypeCAA)
				for _, message := range []*dns.Msg{m, unsigned(m)} {
					got := v.judge(pathOf(m, of), parsed(t, message))
					optedOut := denial == dnssectest.OptOut && got.Flaw.Reason == dnssec.OptOut
					if got.State != dnssec.Bogus && !optedOut {
						t.Errorf("%s, %s, %s: %+v, want bogus", denial, name, of, got)
					}
					// The hash of a signed delegation is in the chain, so no span covers it.
					if optedOut {
						t.Errorf("%s, %s, %s: %+v, and the delegation is not left out", denial, name, of, got)
					}
				}
			}
		}
	}
}

func dropAnswer(m *dns.Msg, kind uint16) {
	if m.Question[0].Qtype == kind && m.Question[0].Name == "site.tld." {
		m.Answer = nil
	}
}

// unsigned returns a message without its signatures and denials.
func unsigned(m *dns.Msg) *dns.Msg {
	m = m.Copy()
	signs := func(rr dns.RR) bool {
		kind := rr.Header().Rrtype
		return kind == dns.TypeRRSIG || kind == dns.TypeNSEC || kind == dns.TypeNSEC3
	}
	m.Answer, m.Ns = slices.DeleteFunc(m.Answer, signs), slices.DeleteFunc(m.Ns, signs)
	return m
}

// TestQueriesOfAChain: each zone's keys and each cut's DS records are asked for once, and of a
// zone that is not signed one query for DS records is all that it costs.
func TestQueriesOfAChain(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC3}, dnssectest.Spec{Origin: "open.tld.", Text: caaText},
		dnssectest.Spec{Origin: "tld.", Denial: dnssectest.OptOut})
	v := newValidator(t, w)
	for _, name := range []string{"tld.", "open.tld.", "a.open.tld.", "b.a.open.tld.", "site.tld.", "www.site.tld.", "no.site.tld.", "a.b.ent.site.tld."} {
		v.verdict(name)
	}
	want := "[{. 48} {tld. 43} {tld. 48} {open.tld. 43} {site.tld. 43} {site.tld. 48}]"
	if got := fmt.Sprint(v.asked); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if m := v.chain.Memory(); m.Known == 0 {
		t.Error("no signature was met twice, and that of the closest encloser was")
	}
}

// TestKeyTrap: many keys with one tag and as many signatures (CVE-2023-50387) are too much
// work, wherever the good signature stands.
func TestKeyTrap(t *testing.T) {
	const trapTag, traps = 4711, 30
	text := caaText
	for i := range traps {
		text += keyWithTag(t, trapTag, byte(i)).String() + "\n"
	}
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: text, Denial: dnssectest.NSEC})
	v := newValidator(t, w)
	good := w.Answer("site.tld.", dns.TypeCAA)
	for signatures, want := range map[int]dnssec.Reason{1: "", 2: dnssec.TooMuchWork, 15: dnssec.TooMuchWork} {
		m := good.Copy()
		for i := range signatures {
			bad := dns.Copy(good.Answer[1]).(*dns.RRSIG)
			bad.KeyTag, bad.OrigTtl = trapTag, uint32(i)
			m.Answer = append([]dns.RR{bad}, m.Answer...)
		}
		got := v.judge([]string{"site.tld."}, parsed(t, m))
		if got.Flaw.Reason != want || (want == "") != (got.State == dnssec.Secure) {
			t.Errorf("%d signatures: %+v, want %q", signatures, got, want)
		}
	}
	for range 300 {
		good.Answer = append(good.Answer, good.Answer[1])
	}
	wire, err := good.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dnssec.Parse(wire); err == nil {
		t.Error("a reply with 301 signatures over one RRset is read")
	}
}

// keyWithTag returns a key that is no good, with a tag (RFC 4034, appendix B).
func keyWithTag(t *testing.T, tag uint16, number byte) *dns.DNSKEY {
	t.Helper()
	public := make([]byte, 64)
	public[9] = number
	key := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: "site.tld.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: dns.ZONE, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	for at := range 1 << 16 {
		public[0], public[1] = byte(at>>8), byte(at)
		if key.PublicKey = base64.StdEncoding.EncodeToString(public); key.KeyTag() == tag {
			return key
		}
	}
	t.Fatal("no such key")
	return nil
}

// FuzzMutated: whatever is changed in the replies about a signed name, that for its CAA records
// and those for the keys and DS records of the zones above, it is secure only with what was
// signed, and never insecure: its zone is signed, and leaves nothing out.
func FuzzMutated(f *testing.F) {
	names := []string{"site.tld.", "www.site.tld.", "x.wild.site.tld.", "no.site.tld.", "alias.site.tld.", "y.tree.site.tld.", "ent.site.tld."}
	for i := range names {
		for at := range uint16(16) {
			f.Add(uint8(i), uint8(at), at*37+12, byte(1)<<(at%8), at*53+2, byte(at))
		}
	}
	worlds := []*dnssectest.World{}
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3} {
		worlds = append(worlds, build(f, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: denial}, dnssectest.Spec{Origin: "open.tld.", Text: caaText}))
	}
	f.Fuzz(func(t *testing.T, which, query uint8, at uint16, flip byte, at2 uint16, flip2 byte) {
		w, name := worlds[int(which)%2], names[int(which/2)%len(names)]
		v := newValidator(t, w)
		v.mutates = mutation{turn: int(query) % 6, at: [2]uint16{at, at2}, flip: [2]byte{flip, flip2}}
		truth := w.Answer(name, dns.TypeCAA)
		wire, err := truth.Pack()
		if err != nil {
			t.Fatal(err)
		}
		wire = v.mutates.next(wire)
		var changed dns.Msg
		r, err := dnssec.Parse(wire)
		if err != nil || changed.Unpack(wire) != nil {
			return
		}
		got := v.judge(pathOf(&changed, name), r)
		if got.State == dnssec.Secure && says(&changed, name) != says(truth, name) {
			t.Errorf("%s, with %+v: secure, but it says %s, and %s was signed", name, v.mutates, says(&changed, name), says(truth, name))
		}
		if got.State == dnssec.Insecure {
			t.Errorf("%s, with %+v: %+v, and it is signed", name, v.mutates, got)
		}
	})
}

// mutation changes two octets of one reply of several.
type mutation struct {
	turn int // which: 0 is the next one
	at   [2]uint16
	flip [2]byte
}

func (m *mutation) next(wire []byte) []byte {
	if m.turn--; m.turn == -1 {
		for i, at := range m.at {
			wire[int(at)%len(wire)] ^= m.flip[i]
		}
	}
	return wire
}

// says returns the CAA records at the end of the aliases in a reply.
func says(m *dns.Msg, name string) string {
	path := pathOf(m, name)
	var set []string
	for _, rr := range m.Answer {
		if record, ok := rr.(*dns.CAA); ok && record.Hdr.Class == dns.ClassINET && dns.CanonicalName(record.Hdr.Name) == path[len(path)-1] {
			set = append(set, fmt.Sprintf("%d %s %q", record.Flag, record.Tag, record.Value))
		}
	}
	slices.Sort(set)
	return fmt.Sprint(path, set)
}

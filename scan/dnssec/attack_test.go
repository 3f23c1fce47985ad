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
			_, r := v.reply(name, dns.TypeCAA)
			known := func(name string) dnssec.Trust {
				trust, _ := v.chain.Trust(name, now)
				return trust
			}
			got := dnssec.Answer(dnssec.Question{Path: []string{name}, Type: dns.TypeCAA, Trust: known}, r, at, nil)
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

// TestASecondAroundTheTimesOfAChain: the signatures over keys, DS records and their denials are
// held to the same times.
func TestASecondAroundTheTimesOfAChain(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC3}, dnssectest.Spec{Origin: "open.tld.", Text: caaText})
	reply := func(name string, kind uint16) *dnssec.Reply { return parsed(t, w.Answer(name, kind)) }
	keys := func(name string, trusted []dns.RR, at time.Time) (*dnssec.Zone, dnssec.Verdict) {
		return dnssec.Keys(name, trusted, reply(name, dns.TypeDNSKEY), at, nil)
	}
	root, _ := keys(".", []dns.RR{w.Anchor}, now)
	tld := dnssec.Delegate(root, "tld.", reply("tld.", dns.TypeDS), now, nil)
	zone, _ := keys("tld.", tld.DS, now)
	if zone == nil {
		t.Fatal("the world does not hold")
	}
	for what, test := range map[string]struct {
		verdict func(at time.Time) dnssec.Verdict
		inTime  dnssec.State
	}{
		"the keys of the root": {func(at time.Time) dnssec.Verdict { _, v := keys(".", []dns.RR{w.Anchor}, at); return v }, dnssec.Secure},
		"the keys of a zone":   {func(at time.Time) dnssec.Verdict { _, v := keys("tld.", tld.DS, at); return v }, dnssec.Secure},
		"DS records": {func(at time.Time) dnssec.Verdict {
			return dnssec.Delegate(root, "tld.", reply("tld.", dns.TypeDS), at, nil).Verdict
		}, dnssec.Secure},
		"a denial of them": {func(at time.Time) dnssec.Verdict {
			return dnssec.Delegate(zone, "open.tld.", reply("open.tld.", dns.TypeDS), at, nil).Verdict
		}, dnssec.Insecure},
		"a denial of the name": {func(at time.Time) dnssec.Verdict {
			return dnssec.Delegate(zone, "no.tld.", reply("no.tld.", dns.TypeDS), at, nil).Verdict
		}, dnssec.Secure},
	} {
		for at, want := range map[time.Time]dnssec.Reason{
			now.Add(-dnssectest.Lifetime - time.Second): dnssec.SignatureNotYetValid,
			now.Add(-dnssectest.Lifetime):               "",
			now.Add(dnssectest.Lifetime):                "",
			now.Add(dnssectest.Lifetime + time.Second):  dnssec.SignatureExpired,
		} {
			got := test.verdict(at)
			if want == "" && got.State != test.inTime || want != "" && (got.State != dnssec.Bogus || got.Flaw.Reason != want) {
				t.Errorf("%s at %v: %+v, want state %d or %q", what, at, got, test.inTime, want)
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

// TestKeyTrapOfAZone: however many replies a zone gives that cost a verification, they end soon;
// what is right at the first try stays so.
func TestKeyTrapOfAZone(t *testing.T) {
	const trapTag, traps, replies = 4711, 15, 200
	text := caaText
	for i := range traps {
		text += keyWithTag(t, trapTag, byte(i)).String() + "\n"
	}
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: text, Denial: dnssectest.NSEC})
	v := newValidator(t, w)
	good := w.Answer("site.tld.", dns.TypeCAA)
	reasons := map[dnssec.Reason]int{}
	for i := range replies {
		m := good.Copy()
		bad := dns.Copy(good.Answer[1]).(*dns.RRSIG)
		bad.KeyTag, bad.OrigTtl = trapTag, uint32(i)
		m.Answer = []dns.RR{m.Answer[0], bad}
		reasons[v.judge([]string{"site.tld."}, parsed(t, m)).Flaw.Reason]++
	}
	const most = 1000 // of verifications that fail
	if n := reasons[dnssec.SignatureWrong]; n != most/traps || n+reasons[dnssec.TooMuchWork] != replies {
		t.Errorf("%v, want %d replies verified to the end, and the others cut short", reasons, most/traps)
	}
	for _, name := range []string{"site.tld.", "www.site.tld."} {
		if got := v.verdict(name); got.State != dnssec.Secure {
			t.Errorf("%s: %+v, want secure", name, got)
		}
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

// FuzzAnyMessage: whatever octets come as a reply, of an answer, of keys or of DS records, there
// is a verdict or a query for what is lacking, and what is bogus has a reason.
func FuzzAnyMessage(f *testing.F) {
	w := build(f, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC3}, dnssectest.Spec{Origin: "open.tld.", Text: caaText})
	for _, name := range []string{".", "tld.", "site.tld.", "www.site.tld.", "x.wild.site.tld.", "y.tree.site.tld.", "open.tld."} {
		for _, kind := range []uint16{dns.TypeCAA, dns.TypeDS, dns.TypeDNSKEY} {
			wire, err := w.Answer(name, kind).Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(wire, name)
		}
	}
	f.Add([]byte{}, "")
	f.Add(make([]byte, 12), "site.tld.")
	v := newValidator(f, w)
	v.verdict("www.site.tld.")
	f.Fuzz(func(t *testing.T, wire []byte, name string) {
		r, err := dnssec.Parse(wire)
		if err != nil {
			r = nil
		}
		name = dnssec.Canonical(dns.Fqdn(name))
		if _, ok := dns.IsDomainName(name); !ok {
			return
		}
		var verdicts []dnssec.Verdict
		for _, path := range [][]string{nil, {name}, {name, "site.tld."}, {"site.tld.", name}} {
			for _, open := range []bool{false, true} {
				got, next := v.chain.Answer(dnssec.Question{Path: path, Type: dns.TypeCAA, Open: open}, r, now)
				if (got.State == dnssec.Undecided) != (next != dnssec.Query{}) {
					t.Errorf("%+v with the query %v", got, next)
				}
				verdicts = append(verdicts, got)
			}
		}
		for _, kind := range []uint16{dns.TypeDS, dns.TypeDNSKEY} {
			if name != "." || kind != dns.TypeDS {
				got, _ := v.chain.Learn(dnssec.Query{Name: name, Type: kind}, r, now)
				verdicts = append(verdicts, got)
			}
		}
		for _, got := range verdicts {
			if got.State == dnssec.Bogus && got.Flaw.Reason == "" {
				t.Errorf("%+v has no reason", got)
			}
		}
	})
}

// TestEachLinkOfAChainOfAliases has to hold: a CNAME record, then a DNAME record of another
// zone, then the records of a third one.
func TestEachLinkOfAChainOfAliases(t *testing.T) {
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3} {
		w := build(t, dnssectest.Spec{Origin: "one.tld.", Text: "a CNAME x.two.tld.\n", Denial: denial},
			dnssectest.Spec{Origin: "two.tld.", Text: "@ DNAME three.tld.\n", Denial: denial},
			dnssectest.Spec{Origin: "three.tld.", Text: "x CAA 0 issuemail \"ca.example\"\n", Denial: denial})
		m := new(dns.Msg)
		m.SetQuestion("a.one.tld.", dns.TypeCAA)
		m.Response = true
		links := [][]dns.RR{w.Set("one.tld.", "a.one.tld.", dns.TypeCNAME), w.Set("two.tld.", "two.tld.", dns.TypeDNAME), w.Set("three.tld.", "x.three.tld.", dns.TypeCAA)}
		made := &dns.CNAME{Hdr: dns.RR_Header{Name: "x.two.tld.", Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: "x.three.tld."} // which is not signed (RFC 6672, section 5.3.1)
		m.Answer = slices.Concat(links[0], links[1], []dns.RR{made}, links[2])
		path := []string{"a.one.tld.", "x.two.tld.", "x.three.tld."}
		if got := newValidator(t, w).judge(path, parsed(t, m)); got.State != dnssec.Secure {
			t.Errorf("%s: %+v, want secure", denial, got)
		}
		for i, link := range links {
			for what, spoil := range map[string]func(*dns.RRSIG){
				"without its signature":          nil,
				"with a signature by no key":     func(s *dns.RRSIG) { s.KeyTag++ },
				"with the signature of a parent": func(s *dns.RRSIG) { s.SignerName = "tld." },
				"out of date":                    func(s *dns.RRSIG) { s.Expiration = s.Inception + 1 },
			} {
				spoilt := m.Copy()
				at := slices.IndexFunc(spoilt.Answer, func(rr dns.RR) bool { return rr.String() == link[len(link)-1].String() })
				if spoil == nil {
					spoilt.Answer = slices.Delete(spoilt.Answer, at, at+1)
				} else {
					spoil(spoilt.Answer[at].(*dns.RRSIG))
				}
				owner := link[0].Header().Name
				if got := newValidator(t, w).judge(path, parsed(t, spoilt)); got.State != dnssec.Bogus || got.Flaw.Owner != owner {
					t.Errorf("%s: link %d %s: %+v, want %s bogus", denial, i, what, got, owner)
				}
			}
		}
	}
}

// TestATopLevelDomainsDenialsAreVerifiedOnce: whatever unsigned zones are asked for, each record
// of the chain of denials costs one verification.
func TestATopLevelDomainsDenialsAreVerifiedOnce(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Denial: dnssectest.NSEC}, dnssectest.Spec{Origin: "tld.", Denial: dnssectest.OptOut})
	v := newValidator(t, w)
	const names = 100
	for i := range names {
		if got := v.verdict(fmt.Sprintf("x.n%d.tld.", i)); got.State != dnssec.Insecure {
			t.Fatalf("%+v", got)
		}
	}
	// The keys of the root and of tld., its DS record, and the NSEC3 records of tld., ns.tld. and site.tld.
	const once = 6
	if m := v.chain.Memory(); m.Verified != once || m.Known < names {
		t.Errorf("%d verified and %d remembered, want %d and more than %d", m.Verified, m.Known, once, names)
	}
}

package lookup

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
	"caascan/scan/snapshot"
)

// signedWorld plays resolvers that pass DNSSEC records, of a world that is signed.
type signedWorld struct {
	world
	zones *dnssectest.World
	// spoil changes what a server answers; it returns nil for no answer.
	spoil func(server string, q *dns.Msg, m *dns.Msg) *dns.Msg
	cuts  bool     // what UDP does not carry (RFC 2181, section 9)
	asked []string // server, name, type and flags of each query

	withDO atomic.Int64 // how many of them asked for signatures
}

func newSignedWorld(t *testing.T, specs ...dnssectest.Spec) *signedWorld {
	t.Helper()
	specs = append([]dnssectest.Spec{{Origin: ".", Denial: dnssectest.NSEC}}, specs...)
	zones, err := dnssectest.Build(time.Now(), specs...)
	if err != nil {
		t.Fatal(err)
	}
	w := &signedWorld{world: world{t: t}, zones: zones}
	w.answer = w.reply
	return w
}

func (w *signedWorld) reply(_ *world, q asked) []byte {
	var query dns.Msg
	if err := query.Unpack(q.wire); err != nil {
		w.t.Error(err)
		return nil
	}
	question := query.Question[0]
	if opt := query.IsEdns0(); opt != nil && opt.Do() {
		w.withDO.Add(1)
	}
	m := w.zones.Answer(question.Name, question.Qtype)
	m.Id, m.Question = query.Id, query.Question
	m.SetEdns0(udpSize, true)
	w.mu.Lock()
	flags := map[bool]string{true: " cd"}[query.CheckingDisabled]
	w.asked = append(w.asked, fmt.Sprintf("%s %s %s%s", q.server, q.name, dns.TypeToString[question.Qtype], flags))
	w.mu.Unlock()
	if w.spoil != nil {
		if m = w.spoil(q.server, &query, m); m == nil {
			return nil
		}
	}
	wire, err := m.Pack()
	if err != nil {
		w.t.Error(err)
		return nil
	}
	if q.network == "udp" && w.cuts && len(wire) > udpSize {
		m.Truncated, m.Answer, m.Ns = true, nil, nil
		wire, _ = m.Pack()
	}
	return wire
}

func (w *signedWorld) own(servers ...Server) *Client {
	if servers == nil {
		servers = []Server{mustServer("127.0.0.1:53")} // where letters keep their case
	}
	return w.client(Config{Servers: servers, DNSSEC: Own, Anchors: dnssec.Anchors{w.zones.Anchor}})
}

const denyText = `@ CAA 0 issuemail "ca.example"` + "\n"

var signedZones = []dnssectest.Spec{
	{Origin: "tld.", Denial: dnssectest.OptOut},
	{Origin: "site.tld.", Denial: dnssectest.NSEC3, Text: denyText + "www A 192.0.2.1\nalias CNAME open.tld.\n"},
	{Origin: "open.tld.", Text: denyText},
	{Origin: "broken.tld.", Denial: dnssectest.NSEC, Text: denyText, Fault: dnssectest.Expired},
	{Origin: "old.tld.", Denial: dnssectest.NSEC, Text: denyText, Fault: dnssectest.UnknownAlg},
	{Origin: "badkeys.tld.", Denial: dnssectest.NSEC, Text: denyText, Fault: dnssectest.WrongDS},
}

// TestOwnValidation: what each name comes to, and what it costs: each zone's keys and each
// cut's DS records are asked for once.
func TestOwnValidation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		got := look(t, w.own(), "site.tld", "www.site.tld", "mail.open.tld", "x.open.tld", "alias.site.tld", "broken.tld", "mail.broken.tld", "old.tld", "badkeys.tld", "gone.tld")
		for name, want := range map[string]snapshot.DNSSEC{
			"site.tld": snapshot.Secure, "www.site.tld": snapshot.Secure, "mail.open.tld": snapshot.Insecure,
			"open.tld": snapshot.Insecure, "alias.site.tld": snapshot.Insecure, "tld": snapshot.Secure,
			"broken.tld": snapshot.Bogus, "mail.broken.tld": snapshot.Bogus, "old.tld": snapshot.Insecure,
			"badkeys.tld": snapshot.Bogus, "gone.tld": snapshot.Insecure,
		} {
			o, found := got[name]
			if !found {
				continue // above a set that restricts mail
			}
			if o.DNSSEC() != want || o.AD || o.Validated || (want == snapshot.Bogus) != (o.Failure == snapshot.DNSSECBogus) {
				t.Errorf("%s: %+v, want %s", name, o, want)
			}
		}
		for name, want := range map[string]snapshot.FlawReason{"broken.tld": snapshot.FlawExpired, "badkeys.tld": snapshot.FlawNoMatch, "old.tld": snapshot.FlawAlgorithm} {
			if f := got[name].Flaw; f == nil || f.Reason != want || f.KeyTag == 0 {
				t.Errorf("%s: %+v, want %s with the key", name, f, want)
			}
		}
		counts := make(map[string]int)
		for _, q := range w.asked {
			counts[strings.TrimPrefix(q, "127.0.0.1:53 ")]++
		}
		want := map[string]int{
			" DNSKEY cd": 1, "tld DS cd": 1, "tld DNSKEY cd": 1, "tld CAA cd": 1,
			"site.tld CAA cd": 1, "www.site.tld CAA cd": 1, "site.tld DS cd": 1, "site.tld DNSKEY cd": 1, "alias.site.tld CAA cd": 1,
			"mail.open.tld CAA cd": 1, "x.open.tld CAA cd": 1, "open.tld CAA cd": 1, "open.tld DS cd": 1,
			"gone.tld CAA cd": 1,
			"old.tld CAA cd":  1, "old.tld DS cd": 1,
			"broken.tld CAA cd": 1, "broken.tld CAA": 1, "mail.broken.tld CAA cd": 1, "mail.broken.tld CAA": 1, "broken.tld DS cd": 1, "broken.tld DNSKEY cd": 1,
			"badkeys.tld CAA cd": 1, "badkeys.tld CAA": 1, "badkeys.tld DS cd": 1, "badkeys.tld DNSKEY cd": 1, "badkeys.tld DNSKEY": 1,
		}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("queries mismatch (-want +got)\n%s", diff)
		}
		if n := int(w.withDO.Load()); n != len(w.asked) {
			t.Errorf("%d of %d queries ask for signatures", n, len(w.asked))
		}
	})
}

// TestLongAnswersAreValidated: signed replies that UDP does not carry come over TCP.
func TestLongAnswersAreValidated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		w.cuts = true
		for name, o := range look(t, w.own(), "gone.tld", "www.site.tld") {
			if o.DNSSEC() == snapshot.Unknown || name == "gone.tld" && o.Transport != snapshot.TCP {
				t.Errorf("%+v", o)
			}
		}
	})
}

// TestABogusAnswerIsAskedOnceMore: with CD clear, and elsewhere, before it stands.
func TestABogusAnswerIsAskedOnceMore(t *testing.T) {
	for _, kind := range []uint16{dns.TypeCAA, dns.TypeDS, dns.TypeDNSKEY} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, signedZones...)
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				if q.CheckingDisabled && q.Question[0].Qtype == kind && strings.EqualFold(q.Question[0].Name, "site.tld.") {
					m.Answer = nil
				}
				return m
			}
			o := look(t, w.own(mustServer("127.0.0.1:53"), mustServer("127.0.0.2:53")), "site.tld")["site.tld"]
			if o.DNSSEC() != snapshot.Secure {
				t.Errorf("%s: %+v, want secure", dns.TypeToString[kind], o)
			}
			var servers []string
			for _, q := range w.asked {
				if words := strings.Fields(q); len(words) > 2 && words[1] == "site.tld" && words[2] == dns.TypeToString[kind] {
					servers = append(servers, words[0])
				}
			}
			if len(servers) != 2 || servers[0] == servers[1] {
				t.Errorf("%s: asked of %v, want once of each", dns.TypeToString[kind], servers)
			}
		})
	}
}

// TestABogusAnswerStandsIfNobodyHasABetterOne, though the second time there is none at all.
func TestABogusAnswerStandsIfNobodyHasABetterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
			if !q.CheckingDisabled {
				m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
			}
			return m
		}
		for _, name := range []string{"broken.tld", "badkeys.tld"} {
			o := look(t, w.own(), name)[name]
			if o.Failure != snapshot.DNSSECBogus || o.Own != snapshot.Bogus || o.Flaw == nil {
				t.Errorf("%s: %+v, want bogus", name, o)
			}
		}
	})
}

// TestKeysThatCannotBeHad: the failure is the name's, in the words of the query that failed;
// in the final pass it is asked again.
func TestKeysThatCannotBeHad(t *testing.T) {
	for _, recovers := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, signedZones...)
			tries := 0
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				if q.Question[0].Qtype == dns.TypeDNSKEY && strings.EqualFold(q.Question[0].Name, "site.tld.") {
					w.mu.Lock()
					defer w.mu.Unlock()
					if tries++; !recovers || tries <= DefaultAttempts {
						m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
					}
				}
				return m
			}
			r := w.own()
			names := []string{"site.tld", "www.site.tld", "alias.site.tld"}
			got := look(t, r, names...)
			for _, name := range names {
				o := got[name]
				if recovers && (o.Failure != "" || o.DNSSEC() == snapshot.Unknown) {
					t.Errorf("%s: %+v, want it answered in the final pass", name, o)
				}
				if !recovers && (o.Failure != snapshot.ServFail || o.Asked != "site.tld" || o.Mark != snapshot.MarkKeys || o.DNSSEC() != snapshot.Unknown) {
					t.Errorf("%s: %+v, want the failure of the query for the keys", name, o)
				}
			}
			// If they are not had, a proof asks for them once more, with CD and without, and each
			// again, because a limiter may say SERVFAIL.
			if want := map[bool]int{true: DefaultAttempts + 1, false: 2*DefaultAttempts + 4}[recovers]; tries != want {
				t.Errorf("the keys were asked for %d times, want %d", tries, want)
			}
		})
	}
}

// TestAResolverThatStrips: without DNSSEC records nothing is ever secure or insecure.
func TestAResolverThatStrips(t *testing.T) {
	strip := func(m *dns.Msg) *dns.Msg {
		drop := func(rr dns.RR) bool {
			return slices.Contains([]uint16{dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeDNSKEY, dns.TypeDS}, rr.Header().Rrtype)
		}
		m.Answer, m.Ns = slices.DeleteFunc(m.Answer, drop), slices.DeleteFunc(m.Ns, drop)
		m.AuthenticatedData = true
		return m
	}
	for _, test := range []struct {
		servers string // of which 127.0.0.2 strips
		mode    Validation
		want    map[string]snapshot.DNSSEC
		leftOut int
	}{
		{"127.0.0.1 127.0.0.2", Own, map[string]snapshot.DNSSEC{"site.tld": snapshot.Secure, "open.tld": snapshot.Insecure}, 1},
		{"127.0.0.1 127.0.0.2", Auto, map[string]snapshot.DNSSEC{"site.tld": snapshot.Secure, "open.tld": snapshot.Insecure}, 1},
		{"127.0.0.2", Own, map[string]snapshot.DNSSEC{"site.tld": snapshot.Unknown, "open.tld": snapshot.Unknown}, 0},
		{"127.0.0.2", Auto, map[string]snapshot.DNSSEC{"site.tld": snapshot.Unknown, "open.tld": snapshot.Unknown}, 0},
		{"127.0.0.1", Off, map[string]snapshot.DNSSEC{"site.tld": snapshot.Unknown, "open.tld": snapshot.Unknown}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, signedZones...)
			w.spoil = func(server string, q, m *dns.Msg) *dns.Msg {
				if strings.HasPrefix(server, "127.0.0.2") && q.Question[0].Qtype != dns.TypeSOA {
					return strip(m)
				}
				return m
			}
			var servers []Server
			for _, address := range strings.Fields(test.servers) {
				servers = append(servers, mustServer(address+":53"))
			}
			r := w.client(Config{Servers: servers, DNSSEC: test.mode, Anchors: dnssec.Anchors{w.zones.Anchor}})
			leftOut, err := r.Probe(t.Context())
			if err != nil || len(leftOut) != test.leftOut || len(leftOut) == 1 && leftOut[0].Server != servers[1] {
				t.Fatalf("%s: left out %v (%v), want %d", test.servers, leftOut, err, test.leftOut)
			}
			for name, o := range look(t, r, "site.tld", "open.tld") {
				if want := test.want[name]; o.DNSSEC() != want {
					t.Errorf("%s, %d: %s: %+v, want %s", test.servers, test.mode, name, o, want)
				}
			}
		})
	}
}

// TestSignaturesThatEndSoon: the time is kept if it is less than three days away.
func TestSignaturesThatEndSoon(t *testing.T) {
	for left, want := range map[time.Duration]bool{3 * 24 * time.Hour: false, 3*24*time.Hour - time.Second: true} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, signedZones...)
			end := time.Now().Add(dnssectest.Lifetime)
			time.Sleep(dnssectest.Lifetime - left)
			o := look(t, w.own(), "site.tld")["site.tld"]
			if want != o.Expires.Equal(end) || !want && !o.Expires.IsZero() {
				t.Errorf("%v left: %v, want it kept: %v", left, o.Expires, want)
			}
		})
	}
}

// TestTheReasonsAreThoseOfSnapshots: each has a place there, and words.
func TestTheReasonsAreThoseOfSnapshots(t *testing.T) {
	var here, there []string
	for _, r := range dnssec.Reasons() {
		here = append(here, string(r))
	}
	for _, r := range snapshot.FlawReasons() {
		there = append(there, string(r))
		if words := (&snapshot.Flaw{Reason: r, Zone: "site.tld"}).String(); words == "" || !strings.Contains(words, "site.tld") {
			t.Errorf("%s: %q", r, words)
		}
	}
	if diff := cmp.Diff(here, there); diff != "" {
		t.Errorf("reasons mismatch (-dnssec +snapshot)\n%s", diff)
	}
}

// TestOwnValidationProvesFailures: by verified denials, and without anybody's AD.
func TestOwnValidationProvesFailures(t *testing.T) {
	specs := append(slices.Clone(signedZones), dnssectest.Spec{Origin: "weak.", Denial: dnssectest.OptOut, Iterations: 51}, dnssectest.Spec{Origin: "open.weak.", Text: denyText},
		dnssectest.Spec{Origin: "many.", Denial: dnssectest.NSEC3, Iterations: 151}, dnssectest.Spec{Origin: "open.many.", Text: denyText})
	for name, want := range map[string]snapshot.ProofState{
		"dead.open.tld":   snapshot.ProvenInsecure,
		"dead.site.tld":   snapshot.ProvenSigned,
		"dead.old.tld":    snapshot.ProvenSigned, // it has DS records
		"dead.broken.tld": snapshot.ProvenSigned,
		"dead.open.weak":  snapshot.NotProven, // RFC 9276, section 3.2
		"dead.open.many":  snapshot.NotProven, // insecure, and no excuse
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, specs...)
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				if kind := q.Question[0].Qtype; strings.HasPrefix(strings.ToLower(q.Question[0].Name), "dead.") && (kind == dns.TypeCAA || kind == dns.TypeDNAME) {
					m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
				}
				return m
			}
			steps, err := w.own().Trace(t.Context(), mustName(t, name))
			if err != nil {
				t.Fatal(err)
			}
			o := steps[0]
			if o.Failure != snapshot.ServFail || len(o.Proofs) != 1 || o.Proofs[0].State != want {
				t.Errorf("%s: %+v, want %s", name, o, want)
			}
		})
	}
}

// TestResolversThatLie: whatever the only resolver makes of its answers, a signed name that
// denies is never without CAA records, and never secure with others.
func TestResolversThatLie(t *testing.T) {
	specs, before := dnssectest.LyingWorld()[1:], dnssectest.OldLyingWorld()[1:] // without the root, which is in each world
	names := []string{"site.tld", "mail.site.tld"}
	for what, lie := range dnssectest.Lies() {
		synctest.Test(t, func(t *testing.T) {
			old := newSignedWorld(t, before...).zones
			time.Sleep(3 * dnssectest.Lifetime)
			w := newSignedWorld(t, specs...)
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				lie(w.zones, old, q, m)
				return m
			}
			got := look(t, w.own(), names...)
			for _, name := range names {
				o, everywhere := got[name], what == "signatures and denials stripped" // of the root, too
				if o.Failure != snapshot.DNSSECBogus && o.Failure != snapshot.MalformedReply && !(everywhere && o.Mark == snapshot.MarkRoot) {
					t.Errorf("%s: %s: %+v, want it bogus", what, name, o)
				}
			}
		})
	}
}

// TestAutoSettlesWhatValidatorsLeaveInDoubt: SERVFAIL is valid after all, or bogus with its
// reason, or the servers are dead; an answer without AD after SERVFAIL is proven or bogus. What
// is not in doubt rests on AD as before, and nothing is asked for it.
func TestAutoSettlesWhatValidatorsLeaveInDoubt(t *testing.T) {
	for name, want := range map[string]struct {
		failure snapshot.Failure
		state   snapshot.DNSSEC
		flaw    snapshot.FlawReason
	}{
		"site.tld":      {"", snapshot.Secure, ""},                                    // SERVFAIL without a cause
		"open.tld":      {"", snapshot.Insecure, ""},                                  // the same
		"broken.tld":    {snapshot.DNSSECBogus, snapshot.Bogus, snapshot.FlawExpired}, // SERVFAIL because of that
		"dead.open.tld": {snapshot.ServFail, snapshot.Unknown, ""},                    // with CD too
		"plain.tld":     {snapshot.DNSSECBogus, snapshot.Bogus, snapshot.FlawWrong},   // SERVFAIL first, then an answer without AD
		"fine.tld":      {"", snapshot.Secure, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			specs := append(slices.Clone(signedZones),
				dnssectest.Spec{Origin: "plain.tld.", Denial: dnssectest.NSEC, Text: denyText, Fault: dnssectest.Tampered},
				dnssectest.Spec{Origin: "fine.tld.", Denial: dnssectest.NSEC, Text: denyText})
			w := newSignedWorld(t, specs...)
			asked := make(map[string]int)
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				at := strings.TrimSuffix(strings.ToLower(q.Question[0].Name), ".")
				if q.Question[0].Qtype != dns.TypeCAA {
					m.AuthenticatedData = true
					return m
				}
				w.mu.Lock()
				asked[at]++
				times := asked[at]
				w.mu.Unlock()
				fails := !q.CheckingDisabled && at != "fine.tld" && at != "tld" && (at != "plain.tld" || times == 1)
				if fails || at == "dead.open.tld" {
					m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
				}
				m.AuthenticatedData = at == "fine.tld" || at == "tld"
				return m
			}
			r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}, DNSSEC: Auto, Anchors: dnssec.Anchors{w.zones.Anchor}})
			if _, err := r.Probe(t.Context()); err != nil || r.Validates() != ByResolver {
				t.Fatalf("%v, %v", err, r.Validates())
			}
			o := look(t, r, name)[name]
			if o.Failure != want.failure || o.DNSSEC() != want.state || (o.Flaw == nil) != (want.flaw == "") || o.Flaw != nil && o.Flaw.Reason != want.flaw {
				t.Errorf("%s: %+v, want %+v", name, o, want)
			}
			if name == "fine.tld" && (asked[name] != 1 || !o.AD || o.Own != "") {
				t.Errorf("%s: asked %d times, %+v, want its AD to count", name, asked[name], o)
			}
		})
	}
}

// TestWhatWasInDoubtStaysInDoubt: after SERVFAIL of a validator an answer without AD does not
// count in the final pass either, if own validation could not settle it before.
func TestWhatWasInDoubtStaysInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, append(slices.Clone(signedZones), dnssectest.Spec{Origin: "plain.tld.", Denial: dnssectest.NSEC, Text: denyText})...)
		asked := 0
		w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
			m.AuthenticatedData = true
			if q.Question[0].Qtype != dns.TypeCAA || !strings.EqualFold(q.Question[0].Name, "plain.tld.") {
				return m
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			m.Answer, m.Ns, m.AuthenticatedData = nil, w.zones.Set("plain.tld.", "plain.tld.", dns.TypeSOA), false
			if asked++; asked == 1 {
				m.Rcode, m.Ns = dns.RcodeServerFailure, nil
			}
			if q.CheckingDisabled && asked < 10 {
				return nil
			}
			return m
		}
		r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}, DNSSEC: Auto, Anchors: dnssec.Anchors{w.zones.Anchor}})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if o := look(t, r, "plain.tld")["plain.tld"]; o.Failure == "" || !o.SaidServFail() {
			t.Errorf("%+v, want a failure, because it is not validated", o)
		}
	})
}

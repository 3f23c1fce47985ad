package lookup

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// is reports whether a query is for the records of a type at a name.
func is(q *dns.Msg, name string, kind uint16) bool {
	return q.Question[0].Qtype == kind && strings.EqualFold(q.Question[0].Name, name)
}

// auto is own, of resolvers that are believed where they validate.
func (w *signedWorld) auto(cfg Config) *Client {
	w.t.Helper()
	cfg.Servers, cfg.DNSSEC, cfg.Anchors = []Server{mustServer("127.0.0.1:53")}, Auto, dnssec.Anchors{w.zones.Anchor}
	r := w.client(cfg)
	if _, err := r.Probe(w.t.Context()); err != nil || r.Validates() != ByResolver {
		w.t.Fatalf("%v, %v", err, r.Validates())
	}
	return r
}

// TestNoNameIsLostWhileOthersWaitForKeys: if more steps wait for keys than may, the names that
// follow wait too.
func TestNoNameIsLostWhileOthersWaitForKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
			if is(q, ".", dns.TypeDNSKEY) {
				time.Sleep(time.Second)
			}
			return m
		}
		var names []string
		for i := range mostHeld + 3000 {
			names = append(names, fmt.Sprintf("n%d.open.tld", i))
		}
		r := w.own()
		got := look(t, r, names...)
		lost := 0
		for _, name := range names {
			if _, found := got[name]; !found {
				lost++
			}
		}
		if s := r.Stats(); lost > 0 || s.Done != len(names) {
			t.Errorf("%d names have no answer, %d of %d done", lost, s.Done, len(names))
		}
		time.Sleep(time.Second) // until the query that was sent again is answered
	})
}

// TestWhatCannotBeValidatedHereStaysInDoubt: a zone that is signed by an algorithm which is not
// known here may be bogus to a validator that knows it.
func TestWhatCannotBeValidatedHereStaysInDoubt(t *testing.T) {
	for _, test := range []struct{ passes, name string }{
		{"SERVFAIL", "empty.tld"},
		{"SERVFAIL", "leads.tld"}, // from a zone that is not signed
		{"SERVFAIL, then an answer without AD", "empty.tld"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, append(slices.Clone(signedZones), dnssectest.Spec{Origin: "empty.tld.", Denial: dnssectest.NSEC, Fault: dnssectest.UnknownAlg}, dnssectest.Spec{Origin: "leads.tld.", Text: "@ CNAME empty.tld.\n"})...)
			times := 0
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				m.AuthenticatedData = true
				if is(q, test.name+".", dns.TypeCAA) {
					w.mu.Lock()
					times++
					fails := !q.CheckingDisabled && (test.passes == "SERVFAIL" || times == 1)
					w.mu.Unlock()
					m.AuthenticatedData = false
					if fails {
						m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
					}
				}
				return m
			}
			r := w.auto(Config{})
			steps, err := r.Trace(t.Context(), mustName(t, test.name))
			if err != nil {
				t.Fatal(err)
			}
			if o := steps[0]; o.Failure == "" {
				t.Errorf("%v: %+v, want a failure: the validator may know the algorithm", test, o)
			}
		})
	}
}

// TestAPlanDoesNotHideThatItsNameIsBogus: what an overlay adds to a name helps nobody while no
// answer for it is valid.
func TestAPlanDoesNotHideThatItsNameIsBogus(t *testing.T) {
	for _, mode := range []Validation{ByResolver, Auto} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, append(slices.Clone(signedZones), dnssectest.Spec{Origin: "links.tld.", Denial: dnssectest.NSEC, Text: "@ CNAME broken.tld.\n", Fault: dnssectest.Expired})...)
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				m.AuthenticatedData = true
				name := strings.ToLower(q.Question[0].Name)
				if !q.CheckingDisabled && q.Question[0].Qtype == dns.TypeCAA && name == "links.tld." {
					m.Answer, m.Ns, m.Rcode, m.AuthenticatedData = nil, nil, dns.RcodeServerFailure, false
				}
				return m
			}
			cfg := Config{Overlay: overlay(t, "broken.tld. CAA 0 issuemail \"ca.example\"\n")}
			cfg.Servers, cfg.DNSSEC, cfg.Anchors = []Server{mustServer("127.0.0.1:53")}, mode, dnssec.Anchors{w.zones.Anchor}
			r := w.client(cfg)
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if o := look(t, r, "links.tld")["links.tld"]; o.Failure == "" {
				t.Errorf("mode %d: %+v, want a failure", mode, o)
			}
		})
	}
}

// TestKeysThatCouldNotBeHadAreAskedForLater: a failure is not kept for the whole run (RFC 9520,
// section 3.2).
func TestKeysThatCouldNotBeHadAreAskedForLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		began := time.Now()
		w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
			if is(q, "tld.", dns.TypeDS) && time.Since(began) < time.Minute {
				m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
			}
			return m
		}
		got := make(map[string]snapshot.Observation)
		err := w.own().Lookup(t.Context(), slowly(t, time.Minute, "www.site.tld", "x.site.tld", "site.tld", "y.site.tld", "z.site.tld", "u.site.tld"), func(batch []snapshot.Observation) {
			for _, o := range batch {
				got[o.Name.String()] = o
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if o := got["u.site.tld"]; o.Failure != "" {
			t.Errorf("%+v four minutes after the outage", o)
		}
	})
}

// TestAResolverThatPassesOnlyHalf: keys and signatures alone make nothing valid. Without denials
// all names would be bogus, and without TCP many could not be had.
func TestAResolverThatPassesOnlyHalf(t *testing.T) {
	for lacks, want := range map[string]Validation{"nothing": Own, "denials": ByResolver, "TCP": ByResolver} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, signedZones...)
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				if lacks == "denials" {
					m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeSOA })
				}
				return m
			}
			w.answer = func(same *world, q asked) []byte {
				if lacks == "TCP" && q.network == "tcp" {
					return nil
				}
				return w.reply(same, q)
			}
			r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}, DNSSEC: Auto, Anchors: dnssec.Anchors{w.zones.Anchor}})
			if _, err := r.Probe(t.Context()); err != nil || r.Validates() != want {
				t.Fatalf("without %s: %v, %v, want %v", lacks, err, r.Validates(), want)
			}
			o := look(t, r, "open.tld")["open.tld"]
			if own := want == Own; o.Failure != "" || (o.DNSSEC() == snapshot.Insecure) != own {
				t.Errorf("without %s: %+v", lacks, o)
			}
		})
	}
}

// slowly yields names one at a time, so long after each other.
func slowly(t *testing.T, pause time.Duration, names ...string) iter.Seq[[]domain.Name] {
	return func(yield func([]domain.Name) bool) {
		for _, name := range names {
			if !yield([]domain.Name{mustName(t, name)}) {
				return
			}
			time.Sleep(pause)
		}
	}
}

// TestATTLIsNoLongerThanWasSigned: a resolver may not make an answer be kept for longer (RFC
// 4035, section 5.3.3).
func TestATTLIsNoLongerThanWasSigned(t *testing.T) {
	const signed, day = 300, 24 * 60 * 60
	for name, test := range map[string]struct {
		says          uint32
		left          time.Duration // of the signatures
		ttl, records  uint32
		shortensAlias bool
	}{
		"site.tld":        {day, dnssectest.Lifetime, signed, 0, false},
		"www.site.tld":    {day, dnssectest.Lifetime, signed, 0, false}, // NODATA
		"www.open.tld":    {day, dnssectest.Lifetime, signed, 0, false}, // nothing of it is signed, and the SOA minimum counts
		"to.site.tld":     {day, dnssectest.Lifetime, signed, 0, false}, // an alias
		"short.site.tld":  {20, dnssectest.Lifetime, 20, 0, false},
		"ends.site.tld":   {day, 100 * time.Second, 100, 0, false},
		"direct.site.tld": {day, dnssectest.Lifetime, 20, signed, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			text := denyText + "www A 192.0.2.1\nto CNAME @\ndirect CNAME @\nshort CAA 0 issuemail \";\"\nends CAA 0 issuemail \";\"\n"
			w := newSignedWorld(t, dnssectest.Spec{Origin: "tld.", Denial: dnssectest.OptOut}, dnssectest.Spec{Origin: "site.tld.", Denial: dnssectest.NSEC3, Text: text}, dnssectest.Spec{Origin: "open.tld.", Text: denyText})
			time.Sleep(dnssectest.Lifetime - test.left)
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				m = m.Copy()
				for _, section := range [][]dns.RR{m.Answer, m.Ns} {
					for _, rr := range section {
						if rr.Header().Ttl = test.says; test.shortensAlias && rr.Header().Rrtype == dns.TypeCNAME {
							rr.Header().Ttl = 20
						}
					}
				}
				return m
			}
			if o := look(t, w.own(), name)[name]; o.Failure != "" || o.TTL != test.ttl || o.RecordsTTL != test.records {
				t.Errorf("%s: %+v, want a TTL of %d and %d", name, o, test.ttl, test.records)
			}
		})
	}
}

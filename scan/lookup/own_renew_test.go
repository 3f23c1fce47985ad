package lookup

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// lasting are the root and a top-level domain whose keys are the same in each world.
var lasting = []dnssectest.Spec{
	{Origin: ".", Denial: dnssectest.NSEC, Algorithm: dns.RSASHA256},
	{Origin: "tld.", Denial: dnssectest.NSEC3, Algorithm: dns.RSASHA256},
}

// lastingWorld is a world with a site.tld.
func lastingWorld(t *testing.T, specs ...dnssectest.Spec) *dnssectest.World {
	t.Helper()
	zones, err := dnssectest.Build(time.Now(), append(slices.Clone(lasting), specs...)...)
	if err != nil {
		t.Fatal(err)
	}
	return zones
}

// becomes makes a world another one after a time.
func (w *signedWorld) becomes(after time.Duration, later *dnssectest.World) {
	from, spoil := time.Now().Add(after), w.spoil
	w.spoil = func(server string, q, m *dns.Msg) *dns.Msg {
		if !time.Now().Before(from) {
			as := later.Answer(q.Question[0].Name, q.Question[0].Qtype)
			m.Answer, m.Ns, m.Rcode = as.Answer, as.Ns, as.Rcode
		}
		if spoil != nil {
			return spoil(server, q, m)
		}
		return m
	}
}

// counted returns how often each query was asked, without its server and flags.
func (w *signedWorld) counted() map[string]int {
	counts := make(map[string]int)
	for _, q := range w.asked {
		q = strings.TrimSuffix(q, " cd")
		counts[q[strings.Index(q, " ")+1:]]++
	}
	return counts
}

// lookSlowly looks names up in one run, as they come.
func lookSlowly(t *testing.T, r *Client, names iter.Seq[[]domain.Name]) map[string]snapshot.Observation {
	t.Helper()
	got := make(map[string]snapshot.Observation)
	err := r.Lookup(t.Context(), names, func(batch []snapshot.Observation) {
		for _, o := range batch {
			got[o.Name.String()] = o
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const openText = "www A 192.0.2.1\n*.made CAA 0 issuemail \"ca.example\"\n" + denyText

// TestWhatIsLearntIsAskedForAgain: once its TTL is over, and not before; whatever the TTL, not
// twice in a minute.
func TestWhatIsLearntIsAskedForAgain(t *testing.T) {
	for _, test := range []struct {
		ttl   uint32 // as the resolver passes it
		every time.Duration
		want  int // in ten minutes
	}{
		{300, 10 * time.Second, 2}, // the zones' TTL
		{1 << 30, 10 * time.Second, 2},
		{120, 10 * time.Second, 5},
		{0, 10 * time.Second, 9}, // each after more than a minute
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, signedZones...)
			w.spoil = func(_ string, _, m *dns.Msg) *dns.Msg {
				m = m.Copy()
				for _, rr := range slices.Concat(m.Answer, m.Ns) {
					rr.Header().Ttl = test.ttl
				}
				return m
			}
			var names []string
			for i := range 10 * time.Minute / test.every {
				names = append(names, fmt.Sprintf("n%d.site.tld", i))
			}
			for name, o := range lookSlowly(t, w.own(), slowly(t, test.every, names...)) {
				if o.Own != snapshot.Secure {
					t.Errorf("%s: %+v, want secure", name, o)
				}
			}
			counts := w.counted()
			for _, q := range []string{" DNSKEY", "tld DS", "tld DNSKEY", "site.tld DS", "site.tld DNSKEY"} {
				if counts[q] != test.want {
					t.Errorf("a TTL of %d: %q was asked %d times, want %d", test.ttl, q, counts[q], test.want)
				}
			}
		})
	}
}

// TestZonesThatChange: a zone that rolls its keys, is signed or is not signed any more while
// names are looked up stays alive, and what has changed is asked for once more, though its TTL
// is not over.
func TestZonesThatChange(t *testing.T) {
	signed := dnssectest.Spec{Origin: "site.tld.", Denial: dnssectest.NSEC, Text: openText}
	other := dnssectest.Spec{Origin: "other.tld.", Denial: dnssectest.NSEC, Text: openText}
	unsigned := dnssectest.Spec{Origin: "site.tld.", Text: openText}
	for what, test := range map[string]struct {
		before, after dnssectest.Spec
		name          string
		want          snapshot.DNSSEC
		queries       map[string]int
	}{
		"all keys are new": {
			signed, signed, "x.made.site.tld", snapshot.Secure,
			map[string]int{"tld DNSKEY": 1, "site.tld DS": 2, "site.tld DNSKEY": 2},
		},
		"it is not signed any more": {
			signed, unsigned, "x.made.site.tld", snapshot.Insecure,
			map[string]int{"tld DNSKEY": 1, "site.tld DS": 2, "site.tld DNSKEY": 2},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t)
			w.zones = lastingWorld(t, test.before, other)
			w.becomes(2*time.Minute, lastingWorld(t, test.after, other))
			got := lookSlowly(t, w.own(), slowly(t, 3*time.Minute, "www.site.tld", test.name))
			if o := got[test.name]; o.Own != test.want {
				t.Errorf("%s: %+v, want %s", what, o, test.want)
			}
			counts := w.counted()
			for q, want := range test.queries {
				if counts[q] != want {
					t.Errorf("%s: %q was asked %d times, want %d", what, q, counts[q], want)
				}
			}
		})
	}
}

// TestTheZoneAboveChanges: the reply about a delegation is judged once more by the new keys of
// the zone above, whose DS records are new, too.
func TestTheZoneAboveChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		specs := []dnssectest.Spec{lasting[0], {Origin: "tld.", Denial: dnssectest.NSEC3}, {Origin: "site.tld.", Denial: dnssectest.NSEC, Text: openText}, {Origin: "other.tld.", Text: openText}}
		build := func() *dnssectest.World {
			zones, err := dnssectest.Build(time.Now(), specs...)
			if err != nil {
				t.Fatal(err)
			}
			return zones
		}
		w := newSignedWorld(t)
		w.zones = build()
		w.becomes(2*time.Minute, build())
		got := lookSlowly(t, w.own(), slowly(t, 3*time.Minute, "www.site.tld", "www.other.tld"))
		if o := got["www.other.tld"]; o.Own != snapshot.Insecure || o.Flaw != nil {
			t.Errorf("%+v, want insecure", o)
		}
		want := map[string]int{
			" DNSKEY": 2, // to see that it is not the resolver
			"tld DS":  2, "tld DNSKEY": 2, "site.tld DS": 1, "site.tld DNSKEY": 1, "www.site.tld CAA": 1, "site.tld CAA": 1,
			"other.tld DS": 1, "www.other.tld CAA": 1, "other.tld CAA": 1,
		}
		if diff := cmp.Diff(want, w.counted()); diff != "" {
			t.Errorf("queries mismatch (-want +got)\n%s", diff)
		}
	})
}

// TestNoReplyMakesManyQueries: signatures that name keys which are not there make the zone's
// keys be asked for again once a minute, and the names that are answered honestly stay alive,
// though the keys cannot be had then.
func TestNoReplyMakesManyQueries(t *testing.T) {
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, dnssectest.Spec{Origin: "tld.", Denial: dnssectest.NSEC3}, dnssectest.Spec{Origin: "site.tld.", Denial: dnssectest.NSEC, Text: openText})
			began := time.Now()
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				if is(q, "site.tld.", dns.TypeDNSKEY) && fails && time.Since(began) > time.Minute {
					m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
				}
				if !strings.HasPrefix(strings.ToLower(q.Question[0].Name), "evil") {
					return m
				}
				m = m.Copy()
				for _, rr := range m.Ns {
					if signature, ok := rr.(*dns.RRSIG); ok {
						signature.KeyTag++
					}
				}
				return m
			}
			var names []string
			for i := range 140 { // for 280 seconds, while the keys may be kept
				names = append(names, fmt.Sprintf("evil%d.site.tld", i), fmt.Sprintf("good%d.site.tld", i))
			}
			r := w.own()
			got := lookSlowly(t, r, slowly(t, time.Second, names...))
			for name, o := range got {
				if evil := strings.HasPrefix(name, "evil"); evil != (o.Failure != "") {
					t.Errorf("keys fail: %v: %s: %+v", fails, name, o)
				}
			}
			const attempts, passes = DefaultAttempts, 2
			if n, most := w.counted()["site.tld DNSKEY"], map[bool]int{false: 5, true: 1 + 5*attempts*passes}[fails]; n < 2 || n > most {
				t.Errorf("keys fail: %v: asked for %d times, want more than once and at most %d times", fails, n, most)
			}
		})
	}
}

// TestAWrongClockIsNoNamesFault: if the root is signed for another time, the probe says so, and
// in a run that has begun no name is bogus for it.
func TestAWrongClockIsNoNamesFault(t *testing.T) {
	for _, mode := range []Validation{Own, Auto} {
		for off, want := range map[time.Duration]string{
			-dnssectest.Lifetime - time.Second: "1999-12-21T23:59:59Z, and the DNS root is signed from 1999-12-22T00:00:00Z to 2000-01-11T00:00:00Z (key ",
			dnssectest.Lifetime + time.Second:  "2000-01-11T00:00:01Z, and the DNS root is signed from 1999-12-22T00:00:00Z to 2000-01-11T00:00:00Z (key ",
			0:                                  "",
		} {
			synctest.Test(t, func(t *testing.T) { // which begins at midnight of 2000-01-01
				w := newSignedWorld(t, signedZones...)
				began := time.Now()
				r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}, DNSSEC: mode, Anchors: w.own().cfg.Anchors})
				if off > 0 {
					time.Sleep(off)
				} else if off < 0 {
					zones, err := dnssectest.Build(began.Add(-off), append(slices.Clone(signedZones), dnssectest.Spec{Origin: ".", Denial: dnssectest.NSEC})...)
					if err != nil {
						t.Fatal(err)
					}
					w.zones, r.cfg.Anchors = zones, []dns.RR{zones.Anchor}
					want = strings.NewReplacer("1999-12-21T23:59:59Z", "2000-01-01T00:00:00Z", "1999-12-22T00:00:00Z", "2000-01-01T00:00:01Z", "2000-01-11T00:00:00Z", "2000-01-21T00:00:01Z").Replace(want)
				}
				if _, err := r.Probe(t.Context()); err != nil {
					t.Fatal(err)
				}
				switch err := r.Clock(); {
				case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
					t.Errorf("off by %v: %v, want %q", off, err, want)
				}
				if o := look(t, r, "site.tld")["site.tld"]; want != "" && (o.DNSSEC() != snapshot.Unknown || o.Failure != "") {
					t.Errorf("off by %v: %+v, want it unknown", off, o)
				}
			})
		}
	}
}

// TestTheRootFailsInARun: its keys expire, and what comes in their stead does not hold; once it
// does again, names are answered. None is bogus meanwhile, and none is excused.
func TestTheRootFailsInARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t)
		specs := func() *dnssectest.World {
			return lastingWorld(t, dnssectest.Spec{Origin: "site.tld.", Denial: dnssectest.NSEC, Text: openText}, dnssectest.Spec{Origin: "open.tld.", Text: openText})
		}
		w.zones = specs()
		names := []string{"www.site.tld", "a.open.tld", "b.site.tld", "c.open.tld"}
		fresh := make(chan *dnssectest.World, 1)
		var now *dnssectest.World
		w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
			w.mu.Lock()
			defer w.mu.Unlock()
			select {
			case now = <-fresh:
			default:
			}
			if now != nil {
				as := now.Answer(q.Question[0].Name, q.Question[0].Qtype)
				m.Answer, m.Ns, m.Rcode = as.Answer, as.Ns, as.Rcode
			}
			return m
		}
		r := w.own()
		r.cfg.FinalPassAfter = time.Second
		expired := dnssectest.Lifetime + time.Hour
		got := lookSlowly(t, r, func(yield func([]domain.Name) bool) {
			for i, pause := range []time.Duration{expired, time.Minute, 10 * time.Minute, 0} {
				if !yield([]domain.Name{mustName(t, names[i])}) {
					return
				}
				if time.Sleep(pause); i == 2 {
					fresh <- specs()
				}
			}
		})
		for i, name := range names {
			o := got[name]
			switch failed := i == 1 || i == 2; {
			case !failed && (o.Failure != "" || o.Own == ""):
				t.Errorf("%s: %+v, want it answered", name, o)
			case failed && (o.Failure != snapshot.Network || o.Mark != snapshot.MarkRoot || o.Own != "" || o.Flaw != nil || o.Failure.Excusable()):
				t.Errorf("%s: %+v, want a failure of nobody's zone", name, o)
			}
		}
	})
}

// TestAResolverThatPassesNoRecordsAnyMore, as after a change of the network: no name is bogus for
// it, and one that is stays so.
func TestAResolverThatPassesNoRecordsAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		began := time.Now()
		stripping := func() bool { return time.Since(began) > 30*time.Second && time.Since(began) < 150*time.Second }
		w.spoil = func(_ string, _, m *dns.Msg) *dns.Msg {
			if !stripping() {
				return m
			}
			drop := func(rr dns.RR) bool {
				return slices.Contains([]uint16{dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeDS}, rr.Header().Rrtype)
			}
			m.Answer, m.Ns = slices.DeleteFunc(slices.Clone(m.Answer), drop), slices.DeleteFunc(slices.Clone(m.Ns), drop)
			return m
		}
		var names []string
		for i := range 300 {
			zone := []string{"site.tld", fmt.Sprintf("gone%d.tld", i), "broken.tld"}[i%3]
			names = append(names, fmt.Sprintf("n%d.%s", i, zone))
		}
		failed := 0
		for name, o := range lookSlowly(t, w.own(), slowly(t, time.Second, names...)) {
			switch broken := strings.HasSuffix(name, "broken.tld"); {
			case o.Failure == snapshot.Network && o.Mark == snapshot.MarkRoot:
				failed++
			case broken != (o.Failure == snapshot.DNSSECBogus) || !broken && o.Failure != "":
				t.Errorf("%s: %+v, want it bogus: %v", name, o, broken)
			}
		}
		if least, most := 100, 180; failed < least || failed > most { // a name a second, and a minute until the root is asked again
			t.Errorf("%d names failed for the resolver, want %d to %d", failed, least, most)
		}
	})
}

// TestInternalTopLevelDomains: what a resolver answers below a top-level domain that the root
// proves not to exist is not bogus, but of a name that no CA can issue for. Without that proof
// it is.
func TestInternalTopLevelDomains(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newSignedWorld(t, signedZones...)
			w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
				internal := strings.HasSuffix(strings.ToLower("."+q.Question[0].Name), ".corp.")
				if internal && (hidden || q.Question[0].Qtype != dns.TypeDS) {
					soa, _ := dns.NewRR("corp. 300 IN SOA ns.corp. hostmaster.corp. 1 7200 900 1209600 300")
					m.Answer, m.Ns, m.Rcode = nil, []dns.RR{soa}, dns.RcodeSuccess
				}
				return m
			}
			o := look(t, w.own(), "host.corp")["host.corp"]
			if !hidden && (o.Failure != snapshot.TLDNotFound || o.Asked != "corp" || o.RCode != dns.RcodeNameError || o.Own != "") {
				t.Errorf("%+v, want no such top-level domain", o)
			}
			if hidden && (o.Failure != snapshot.DNSSECBogus || o.Flaw == nil || o.Flaw.Reason != snapshot.FlawDenial || o.Flaw.Zone != "." || o.Flaw.Owner != "corp") {
				t.Errorf("%+v, want it bogus, by the root", o)
			}
		})
	}
}

// FuzzOwnReply: whatever octets a resolver replies, own validation comes to a verdict on it, or
// asks for what is lacking, and is not secure by nothing.
func FuzzOwnReply(f *testing.F) {
	zones, err := dnssectest.Build(time.Now(), append(slices.Clone(signedZones), dnssectest.Spec{Origin: ".", Denial: dnssectest.NSEC})...)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"site.tld.", "www.site.tld.", "alias.site.tld.", "open.tld.", "gone.tld.", "tld."} {
		wire, err := zones.Answer(name, dns.TypeCAA).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add([]byte{})
	f.Add(make([]byte, headerSize))
	name, err := domain.Parse("www.site.tld")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) < headerSize {
			return // which nobody takes for a reply
		}
		e := &engine{Client: &Client{chain: dnssec.NewChain([]dns.RR{zones.Anchor})}}
		s := newStep(name, 1)
		s.own, s.form = true, withEDNS
		out := s.read(message, ours)
		out.at = time.Now()
		if s.advance(out, 1) || s.obs.Failure != "" {
			return
		}
		verdict, next := e.verdict(s)
		if known := next == (dnssec.Query{}); known != (verdict.State != dnssec.Undecided) {
			t.Errorf("%+v, and asks for %v", verdict, next)
		}
		if verdict.State == dnssec.Secure || verdict.State == dnssec.Insecure {
			t.Errorf("%+v by no keys at all", verdict)
		}
	})
}

// TestAnAnswerWithoutParts is bogus, and not secure by nothing.
func TestAnAnswerWithoutParts(t *testing.T) {
	e := &engine{Client: &Client{chain: dnssec.NewChain(dnssec.RootAnchors())}}
	if got, next := e.verdict(newStep(mustName(t, "site.tld"), 1)); got.State != dnssec.Bogus || next != (dnssec.Query{}) {
		t.Errorf("%+v, %v, want bogus", got, next)
	}
}

// TestWhatMissingKeysExcuse: a name whose zone has DS records is signed, whatever cannot be had
// of it; of the others nothing is known.
func TestWhatMissingKeysExcuse(t *testing.T) {
	for lacks, want := range map[dnssec.Query]snapshot.ProofState{
		{Name: "site.tld.", Type: dns.TypeDNSKEY}: snapshot.ProvenSigned,
		{Name: "site.tld.", Type: dns.TypeDS}:     snapshot.NotProven,
		{Name: "tld.", Type: dns.TypeDNSKEY}:      snapshot.NotProven,
	} {
		for _, name := range []string{"site.tld", "www.site.tld"} {
			synctest.Test(t, func(t *testing.T) {
				w := newSignedWorld(t, signedZones...)
				w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
					if is(q, lacks.Name, lacks.Type) {
						m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
					}
					return m
				}
				r := w.own()
				o := look(t, r, name)[name]
				if err := r.Prove(t.Context(), slices.Values([]domain.Name{o.Name}), nil); err != nil {
					t.Fatal(err)
				}
				o, _ = r.Store().Find(o.Name)
				if o.Failure != snapshot.ServFail || o.Asked != spelling(lacks.Name) || o.Mark != snapshot.MarkKeys || len(o.Proofs) == 0 || o.Proofs[0].State != want {
					t.Errorf("without %v, %s: %+v, want it %s", lacks, name, o, want)
				}
			})
		}
	}
}

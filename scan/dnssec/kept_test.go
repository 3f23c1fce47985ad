package dnssec_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// TestAClockThatIsSetBackMakesNoQueries: what is asked for once more because a reply was bogus
// may come at an earlier time than that. It has come all the same, and the reply stays bogus.
func TestAClockThatIsSetBackMakesNoQueries(t *testing.T) {
	for what, test := range map[string]struct {
		spoils func(*dns.Msg)
		want   int // queries
	}{
		"the keys are good":            {func(*dns.Msg) {}, 2},
		"the keys match no DS record":  {func(m *dns.Msg) { dropAnswer(m, dns.TypeDNSKEY) }, 3},
		"so they do, and DS is spoilt": {func(m *dns.Msg) { dropAnswer(m, dns.TypeDNSKEY); dropAnswer(m, dns.TypeDS) }, 4},
	} {
		w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC})
		v := newValidator(t, w)
		v.verdict("site.tld.")
		v.spoils, v.asked, v.now = test.spoils, nil, now.Add(4*time.Minute) // while all may be kept
		bogus := parsed(t, unsigned(w.Answer("site.tld.", dns.TypeCAA)))
		for _, wanted := range []string{".", "site.tld."} {
			_, next := v.chain.Answer(question("site.tld."), bogus, v.now)
			if next != (dnssec.Query{Name: wanted, Type: dns.TypeDNSKEY}) {
				t.Fatalf("%s: asks for %v, want the keys of %s", what, next, wanted)
			}
			if wanted != "." {
				v.now = v.now.Add(-90 * time.Second)
			}
			_, keys := v.reply(next.Name, next.Type)
			v.asked = append(v.asked, next)
			v.learn(next, keys)
		}
		if got := v.judge([]string{"site.tld."}, bogus); got.State != dnssec.Bogus || len(v.asked) != test.want {
			t.Errorf("%s: %+v, asked for %v, want it bogus after %d queries", what, got, v.asked, test.want)
		}
	}
}

// TestAClockThatWasAheadTeachesNothing: once it is set back, nothing is used that was learnt by
// it, be it good or bogus.
func TestAClockThatWasAheadTeachesNothing(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC}, dnssectest.Spec{Origin: "open.tld."})
	for _, name := range []string{"site.tld.", "open.tld."} {
		for what, spoils := range map[string]func(*dns.Msg){"good": nil, "bogus": func(m *dns.Msg) { m.Answer, m.Ns = nil, nil }} {
			v := newValidator(t, w)
			v.verdict("tld.")
			v.now = now.Add(2 * time.Hour)
			v.verdict("tld.")
			v.spoils = spoils
			_, r := v.reply(name, dns.TypeDS)
			v.learn(dnssec.Query{Name: name, Type: dns.TypeDS}, r)
			v.spoils, v.asked, v.now = nil, nil, now
			v.verdict("tld.")
			v.asked = nil
			if v.verdict(name); len(v.asked) == 0 || v.asked[0] != (dnssec.Query{Name: name, Type: dns.TypeDS}) {
				t.Errorf("%s, %s: asked for %v, want the DS records first", name, what, v.asked)
			}
		}
	}
}

// TestWhoProvedIt: what many names of a zone have alike is not that of another zone.
func TestWhoProvedIt(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "open.tld."}, dnssectest.Spec{Origin: "top.", Denial: dnssectest.NSEC}, dnssectest.Spec{Origin: "open.top."})
	v := newValidator(t, w)
	for name, zone := range map[string]string{"open.tld.": "tld.", "open.top.": "top."} {
		if got := v.verdict(name); got.Flaw.Zone != zone || got.Flaw.Owner != name {
			t.Errorf("%s: %+v, want the word of %s", name, got, zone)
		}
	}
}

// TestWhatIsKnownMeanwhile: a reply that does not hold says nothing of a name, if another one has
// proved while it was judged that no signed zone begins there.
func TestWhatIsKnownMeanwhile(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "open.tld."})
	for _, kind := range []uint16{dns.TypeDNSKEY, dns.TypeDS} {
		v := newValidator(t, w)
		v.verdict("open.tld.")
		v.chain.Stand(dnssec.Query{Name: "open.tld.", Type: kind}, dnssec.Verdict{State: dnssec.Bogus}, v.now)
		if got := v.verdict("open.tld."); got.State != dnssec.Insecure {
			t.Errorf("%s: %+v, want insecure", dns.Type(kind), got)
		}
	}
}

// TestBogusKeys take the place of good ones only once these may not be kept any more, and so do
// DS records.
func TestBogusKeys(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC})
	good := parsed(t, w.Answer("site.tld.", dns.TypeCAA))
	bogus := parsed(t, unsigned(w.Answer("site.tld.", dns.TypeCAA)))
	for what, spoils := range map[string]func(*dns.Msg){
		"keys":                func(m *dns.Msg) { dropAnswer(m, dns.TypeDNSKEY) },
		"keys and DS records": func(m *dns.Msg) { dropAnswer(m, dns.TypeDNSKEY); dropAnswer(m, dns.TypeDS) },
	} {
		for minutes, want := range map[int]dnssec.State{4: dnssec.Secure, 6: dnssec.Bogus} { // the TTL is 5 minutes
			v := newValidator(t, w)
			v.verdict("site.tld.")
			v.spoils, v.now = spoils, now.Add(time.Duration(minutes)*time.Minute)
			if got := v.judge([]string{"site.tld."}, bogus); got.State != dnssec.Bogus {
				t.Errorf("%s after %d minutes: %+v, want bogus", what, minutes, got)
			}
			if got := v.judge([]string{"site.tld."}, good); got.State != want {
				t.Errorf("%s after %d minutes: %+v, want state %d", what, minutes, got, want)
			}
		}
	}
}

func question(name string) dnssec.Question {
	return dnssec.Question{Path: []string{name}, Type: dns.TypeCAA}
}

package dnssec_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// keptNames are answered by everything that a Verdict can rest on.
var keptNames = []string{
	"site.tld.", "www.site.tld.", "ent.site.tld.", "no.site.tld.", "x.wild.site.tld.", "alias.site.tld.", "y.tree.site.tld.",
	"open.tld.", "gone.tld.", "broken.tld.", "odd.site.tld.",
}

func keptWorld(t testing.TB, denial dnssectest.Denial) *dnssectest.World {
	return build(
		t, dnssectest.Spec{Origin: "tld.", Denial: denial},
		dnssectest.Spec{Origin: "site.tld.", Text: siteText + "odd CAA 0 iodef \"a\\\\b\\001\"\n", Denial: denial},
		dnssectest.Spec{Origin: "open.tld.", Text: caaText}, dnssectest.Spec{Origin: "broken.tld.", Text: caaText, Denial: denial, Fault: dnssectest.Tampered},
	)
}

// TestWhatIsKeptOfAReplyIsEnough: put together again from its RRsets, a reply comes to the same
// Verdict, and so do those that the chain has learnt from.
func TestWhatIsKeptOfAReplyIsEnough(t *testing.T) {
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3, dnssectest.OptOut} {
		w := keptWorld(t, denial)
		whole, kept := newValidator(t, w), newValidator(t, w)
		learnt := 0
		whole.chain.OnLearn(func(q dnssec.Query, r *dnssec.Reply, _ time.Time, _ dnssec.Verdict) {
			learnt++
			if v, _ := kept.chain.Learn(q, keptOf(t, r), now); v.State == dnssec.Bogus || v.State == dnssec.Undecided {
				t.Errorf("%s: %v: %+v, want it learnt", denial, q, v)
			}
		})
		for _, name := range keptNames {
			m, r := whole.reply(name, dns.TypeCAA)
			want := whole.judge(pathOf(m, name), r)
			got, next := kept.chain.Answer(dnssec.Question{Path: pathOf(m, name), Type: dns.TypeCAA}, keptOf(t, r), now)
			if diff := cmp.Diff(want, got); diff != "" || next != (dnssec.Query{}) {
				t.Errorf("%s: %s mismatch, next %v (-whole +kept)\n%s", denial, name, next, diff)
			}
		}
		if learnt < 7 { // the root, tld, site and broken have keys, the last two and open DS records or none
			t.Errorf("%s: learnt from %d replies", denial, learnt)
		}
	}
}

// oneHour is longer than the TTL of all records, so that what is signed counts.
const oneHour = 3600

// keptOf is a reply of which only that is left which is kept.
func keptOf(t testing.TB, r *dnssec.Reply) *dnssec.Reply {
	t.Helper()
	kept, err := dnssec.NewReply(r.RRsets(), oneHour)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.RRsets(), kept.RRsets()) {
		t.Errorf("%q was kept of %q", kept.RRsets(), r.RRsets())
	}
	return kept
}

func TestWhatIsNoRRset(t *testing.T) {
	w := keptWorld(t, dnssectest.NSEC)
	sets := parsed(t, w.Answer("site.tld.", dns.TypeCAA)).RRsets()
	denials := parsed(t, w.Answer("no.site.tld.", dns.TypeCAA)).RRsets()
	class := []byte(sets[0])
	class[len("\x04site\x03tld\x00")+3] = dns.ClassCHAOS
	for what, list := range map[string][]string{
		"nothing": {""}, "half a record": {sets[0][:20]}, "two RRsets in one": {sets[0] + denials[0]}, "one twice": {sets[0], sets[0]},
		"the second half": {sets[0][len(sets[0])/2+1:]}, "another class": {string(class)}, "more than an honest reply has": slices.Repeat(denials, 100),
	} {
		if _, err := dnssec.NewReply(list, 0); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

// FuzzParseRRset: whatever is read is written as it is read.
func FuzzParseRRset(f *testing.F) {
	w := keptWorld(f, dnssectest.OptOut)
	for _, name := range keptNames {
		for _, octets := range parsed(f, w.Answer(name, dns.TypeCAA)).RRsets() {
			f.Add(octets)
		}
	}
	f.Fuzz(func(t *testing.T, octets string) {
		r, err := dnssec.NewReply([]string{octets}, 0)
		if err != nil {
			return
		}
		sets := r.RRsets()
		if len(sets) == 0 {
			return // a type that no Verdict rests on
		}
		again, err := dnssec.NewReply(sets, 0)
		if err != nil || len(sets) != 1 || !slices.Equal(again.RRsets(), sets) {
			t.Errorf("%q is written as %q, and read as %v (%v)", octets, sets, again, err)
		}
	})
}

package dnssec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// TestManyDSRecordsOfUnknownAlgorithms: the order of records is not signed, so however many DS
// records that cannot be used stand before one that can, the zone is signed (RFC 4035, section
// 5.2).
func TestManyDSRecordsOfUnknownAlgorithms(t *testing.T) {
	var text strings.Builder
	for i := range 40 {
		fmt.Fprintf(&text, "site DS %d 200 2 %s\n", i, strings.Repeat("ab", 32))
	}
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC}, dnssectest.Spec{Origin: "tld.", Text: text.String(), Denial: dnssectest.NSEC})
	m := w.Answer("site.tld.", dns.TypeCAA)
	if got := newValidator(t, w).judge([]string{"site.tld."}, parsed(t, m)); got.State != dnssec.Secure {
		t.Errorf("%+v, want secure", got)
	}
	if got := newValidator(t, w).judge([]string{"site.tld."}, parsed(t, unsigned(m))); got.State != dnssec.Bogus {
		t.Errorf("without signatures: %+v, want bogus", got)
	}
}

// TestTooManyIterationsAbove: a zone whose denials have too many iterations leaves its own
// names unproven, and says nothing of those in a signed zone below (RFC 9276, section 3.2; RFC
// 4035, section 5.3.1).
func TestTooManyIterationsAbove(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC},
		dnssectest.Spec{Origin: "tld.", Text: `* CAA 0 issuemail "ca.example"`, Denial: dnssectest.NSEC3, Iterations: 151})
	above := w.Answer("no.tld.", dns.TypeCAA)
	for what, records := range map[string][]dns.RR{"a denial": nil, "a wildcard": renamed(w.Set("tld.", "*.tld.", dns.TypeCAA), "site.tld.")} {
		m := above.Copy()
		m.Answer = records
		if got := newValidator(t, w).judge([]string{"site.tld."}, parsed(t, m)); got.State != dnssec.Bogus {
			t.Errorf("%s of the zone above: %+v, want bogus", what, got)
		}
	}
	if got := newValidator(t, w).verdict("no.tld."); got.State != dnssec.Insecure || got.Flaw.Reason != dnssec.TooManyIterations {
		t.Errorf("a name of the zone itself: %+v, want insecure", got)
	}
}

// TestDenialsOfTwoZones: an alias made from a wildcard comes with a denial of its zone, and
// that of what it leads to is another zone's, or nobody's (RFC 4035, section 5.3.4).
func TestDenialsOfTwoZones(t *testing.T) {
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3} {
		w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: "www A 192.0.2.1", Denial: denial},
			dnssectest.Spec{Origin: "open.tld.", Text: "www A 192.0.2.1"},
			dnssectest.Spec{Origin: "tld.", Text: "*.signed CNAME www.site\n*.unsigned CNAME www.open\n", Denial: denial})
		for name, want := range map[string]dnssec.State{"x.signed.tld.": dnssec.Secure, "x.unsigned.tld.": dnssec.Insecure} {
			if got := newValidator(t, w).verdict(name); got.State != want {
				t.Errorf("%s, %s: %+v, want state %d", denial, name, got, want)
			}
		}
		m := w.Answer("x.signed.tld.", dns.TypeCAA)
		path := pathOf(m, "x.signed.tld.")
		m.Ns = w.Answer("x.unsigned.tld.", dns.TypeCAA).Ns
		if got := newValidator(t, w).judge(path, parsed(t, m)); got.State != dnssec.Bogus {
			t.Errorf("%s, without the denial of the zone below: %+v, want bogus", denial, got)
		}
	}
}

// TestSpellings: neither capitals nor a record that comes twice are signed (RFC 4034, sections
// 6.2 and 6.3).
func TestSpellings(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC})
	for _, name := range []string{"two.site.tld.", "alias.site.tld.", "www.site.tld."} {
		m := w.Answer(name, dns.TypeCAA)
		path := pathOf(m, name)
		for _, section := range []*[]dns.RR{&m.Answer, &m.Ns} {
			for _, rr := range *section {
				rr = dns.Copy(rr)
				rr.Header().Name = strings.ToUpper(rr.Header().Name)
				*section = append(*section, rr)
			}
		}
		if got := newValidator(t, w).judge(path, parsed(t, m)); got.State != dnssec.Secure {
			t.Errorf("%s: %+v, want secure", name, got)
		}
	}
}

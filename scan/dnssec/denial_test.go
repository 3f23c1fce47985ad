package dnssec_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// hardText has what denials are easily taken wrongly for.
const hardText = siteText + `near.empty CAA 0 issuemail "deny.example"
*.wild     CAA 0 issuemail "deny.example"
far.deep   A 192.0.2.1
`

// TestDenials has a row for each set of denials that a reply may hold: what proves that a name
// has no CAA records, and what lacks a part of it.
func TestDenials(t *testing.T) {
	const s, i, b = dnssec.Secure, dnssec.Insecure, dnssec.Bogus
	all := map[dnssectest.Denial]*dnssectest.World{}
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3, dnssectest.OptOut} {
		all[denial] = build(t, dnssectest.Spec{Origin: "site.tld.", Text: hardText, Denial: denial})
	}
	for _, test := range []struct {
		clause, name, denials string
		nsec, nsec3, optOut   dnssec.State
	}{
		{"the name's own record (RFC 4035, section 5.4)", "www.site.tld.", "=www", s, s, s},
		{"the name's own record says that there is a CAA record", "site.tld.", "=", b, b, b},
		{"an alias (RFC 6840, section 4.3)", "alias.site.tld.", "=alias", b, b, b},
		{"a delegation, by the parent's side (RFC 6840, section 4.1)", "sub.cut.site.tld.", "=sub.cut", b, b, b},
		{"below a delegation (section 4.1)", "x.sub.cut.site.tld.", "=sub.cut ~x.sub.cut ~*.sub.cut", b, b, b},
		{"below a DNAME record (section 4.1)", "y.tree.site.tld.", "=tree ~y.tree ~*.tree", b, b, b},
		{"no such name (RFC 4035, section 5.4; RFC 5155, section 8.4)", "no.site.tld.", "= ~no ~*", s, s, i},
		{"no such name, and nothing of the wildcard", "no.site.tld.", "=www ~no", b, b, b},
		{"no such name, its closest encloser named, and nothing of the wildcard", "far.no.site.tld.", "=www ~far.no ~no", b, b, b},
		{"no such name, with NSEC3 nothing of the wildcard", "no.site.tld.", "= ~no", s, b, i},
		{"a wildcard alone", "no.site.tld.", "~*", b, b, b},
		{"no closest encloser (RFC 5155, section 8.3)", "no.site.tld.", "~no ~*", s, b, b},
		{"NODATA at a wildcard (section 8.7)", "x.empty.site.tld.", "=empty ~x.empty =*.empty", s, s, i},
		{"the wildcard has CAA records", "x.wild.site.tld.", "=wild ~x.wild =*.wild", b, b, i},
		{"a name that is there is not the wildcard's", "near.empty.site.tld.", "=empty =*.empty", b, b, b},
		{"an empty non-terminal (RFC 4592, section 2.2.2; RFC 5155, section 8.5)", "deep.site.tld.", "~deep =deep", s, s, s},
		{"nothing", "www.site.tld.", "", b, b, b},
	} {
		for denial, want := range map[dnssectest.Denial]dnssec.State{dnssectest.NSEC: test.nsec, dnssectest.NSEC3: test.nsec3, dnssectest.OptOut: test.optOut} {
			var words []string
			for _, word := range strings.Fields(test.denials) {
				owner := strings.TrimPrefix(word[1:]+".site.tld.", ".")
				words = append(words, word[:1]+owner)
			}
			m := new(dns.Msg)
			m.SetQuestion(test.name, dns.TypeCAA)
			m.Response = true
			m.Ns = append(all[denial].Set("site.tld.", "site.tld.", dns.TypeSOA), all[denial].Denials("site.tld.", words...)...)
			got := newValidator(t, all[denial]).judge([]string{test.name}, parsed(t, m))
			if got.State != want {
				t.Errorf("%s, %s: %s with %s: %+v, want state %d", denial, test.clause, test.name, test.denials, got, want)
			}
			if got.State == dnssec.Bogus && got.Flaw.Reason != dnssec.DenialIncomplete {
				t.Errorf("%s, %s: %+v, want an incomplete denial", denial, test.clause, got)
			}
		}
	}
}

// renamed gives the records of a name another one.
func renamed(set []dns.RR, name string) []dns.RR {
	var list []dns.RR
	for _, rr := range set {
		rr = dns.Copy(rr)
		rr.Header().Name = name
		list = append(list, rr)
	}
	return list
}

// TestADenialMadeFromAWildcard: the signature over a wildcard's NSEC record holds for any name
// below, but the record is that of the wildcard alone (RFC 4035, section 2.3).
func TestADenialMadeFromAWildcard(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: hardText, Denial: dnssectest.NSEC})
	m := new(dns.Msg)
	m.SetQuestion("near.empty.site.tld.", dns.TypeCAA)
	m.Ns = renamed(w.Denials("site.tld.", "=*.empty.site.tld."), "near.empty.site.tld.")
	if got := newValidator(t, w).judge([]string{"near.empty.site.tld."}, parsed(t, m)); got.State != dnssec.Bogus {
		t.Errorf("%+v, want bogus", got)
	}
}

// TestAWildcardFurtherUp: a name is made from the wildcard at its closest encloser, and from no
// other (RFC 4592, section 3.3.1).
func TestAWildcardFurtherUp(t *testing.T) {
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3} {
		w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: "* CAA 0 issuemail \"ca.example\"\n*.wild CAA 0 issuemail \"deny.example\"\n", Denial: denial})
		m := w.Answer("x.wild.site.tld.", dns.TypeCAA)
		m.Answer = renamed(w.Set("site.tld.", "*.site.tld.", dns.TypeCAA), "x.wild.site.tld.")
		if got := newValidator(t, w).judge([]string{"x.wild.site.tld."}, parsed(t, m)); got.State != dnssec.Bogus {
			t.Errorf("%s: %+v, want bogus", denial, got)
		}
	}
}

// TestDSRecordsOfAWildcard: a delegation is not made from one (RFC 4592, section 4.2).
func TestDSRecordsOfAWildcard(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "tld.", Text: "*.wild DS 1 13 2 " + strings.Repeat("ab", 32), Denial: dnssectest.NSEC})
	if got := newValidator(t, w).verdict("x.wild.tld."); got.State != dnssec.Secure { // NODATA at the wildcard, by the zone above
		t.Errorf("%+v, want secure", got)
	}
	v := newValidator(t, w)
	m := w.Answer("x.wild.tld.", dns.TypeCAA)
	if got := v.judge([]string{"x.wild.tld."}, parsed(t, unsigned(m))); got.State != dnssec.Bogus || got.Flaw.Reason != dnssec.WrongLabels {
		t.Errorf("%+v, want DS records that are made from a wildcard bogus", got)
	}
}

// TestANameErrorUnderOptOut needs the denial of a wildcard as any other (RFC 5155, section 8.4).
// NODATA does not: it may be for an empty non-terminal above a delegation that is left out.
func TestANameErrorUnderOptOut(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: "www A 192.0.2.1\n", Denial: dnssectest.OptOut})
	for denials, want := range map[string]dnssec.State{"=site.tld. ~no.site.tld. ~*.site.tld.": dnssec.Insecure, "=site.tld. ~no.site.tld.": dnssec.Bogus} {
		m := w.Answer("no.site.tld.", dns.TypeCAA)
		m.Ns = append(w.Set("site.tld.", "site.tld.", dns.TypeSOA), w.Denials("site.tld.", strings.Fields(denials)...)...)
		for rcode, want := range map[int]dnssec.State{dns.RcodeNameError: want, dns.RcodeSuccess: dnssec.Insecure} {
			m.Rcode = rcode
			if got := newValidator(t, w).judge([]string{"no.site.tld."}, parsed(t, m)); got.State != want {
				t.Errorf("%s, %s: %+v, want state %d", denials, dns.RcodeToString[rcode], got, want)
			}
		}
	}
}

// TestADenialWithoutItsEncloser proves nothing, though an alias has led to the name, and though
// it is below a delegation that may be left out: the zone says itself that the name is not there
// (RFC 5155, section 8.4). Servers answer so for names below an empty non-terminal that is left
// out. If the answer is that of a zone below, it is not signed.
func TestADenialWithoutItsEncloser(t *testing.T) {
	w := build(t, dnssectest.Spec{Origin: "tld.", Denial: dnssectest.OptOut}, dnssectest.Spec{Origin: "sub.ent.tld."},
		dnssectest.Spec{Origin: "site.tld.", Text: "out CNAME www.ent.tld.\n", Denial: dnssectest.NSEC})
	m := w.Answer("out.site.tld.", dns.TypeCAA)
	path := pathOf(m, "out.site.tld.")
	of := w.Denials("tld.", "~www.ent.tld.")
	m.Rcode = dns.RcodeNameError
	for zone, want := range map[string]dnssec.State{"tld.": dnssec.Bogus, "sub.ent.tld.": dnssec.Insecure} {
		m.Ns = append(w.Set(zone, zone, dns.TypeSOA), of...)
		if got := newValidator(t, w).judge(path, parsed(t, m)); got.State != want {
			t.Errorf("with the SOA record of %s: %+v, want state %d", zone, got, want)
		}
	}
}

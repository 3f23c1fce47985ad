package dnssec_test

import (
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

const caaText = `@ CAA 0 issuemail "ca.example"` + "\n"

// siteText has all that a zone can have.
const siteText = `@        CAA 0 issuemail "ca.example"
www      A 192.0.2.1
a.b.ent  A 192.0.2.1
*.wild   CAA 0 issuemail "ca.example"
near.wild A 192.0.2.1
*.empty  A 192.0.2.1
alias    CNAME @
dangling CNAME not-there
out      CNAME open.tld.
*.made   CNAME @
tree     DNAME wild
odd      CAA 0 issuemail "a\\b\"c"
sub.cut  NS ns.elsewhere.
two      CAA 0 issuemail "deny.example"
two      CAA 0 issuemail "ca.example"
`

// TestAnswers has a row for each kind of answer, with each kind of denial.
func TestAnswers(t *testing.T) {
	const s, i = dnssec.Secure, dnssec.Insecure
	tests := []struct {
		clause, name              string
		nsec, nsec3, optOut, none dnssec.State
	}{
		{"a positive answer (RFC 4035, section 5.3)", "site.tld.", s, s, s, i},
		{"a value with a backslash", "odd.site.tld.", s, s, s, i},
		{"NODATA (section 5.4)", "www.site.tld.", s, s, s, i},
		{"NODATA at an empty non-terminal (RFC 4592, section 2.2.2)", "ent.site.tld.", s, s, s, i},
		{"the same, one below", "b.ent.site.tld.", s, s, s, i},
		{"NXDOMAIN (section 5.4; RFC 5155, section 8.4); under Opt-Out nothing is proven (section 9.2)", "no.site.tld.", s, s, i, i},
		{"NXDOMAIN far below", "x.y.z.site.tld.", s, s, i, i},
		{"NXDOMAIN below an empty non-terminal", "x.ent.site.tld.", s, s, i, i},
		{"a wildcard (RFC 4035, section 5.3.4; RFC 5155, section 8.8)", "x.wild.site.tld.", s, s, i, i},
		{"a wildcard, two labels below", "x.y.wild.site.tld.", s, s, i, i},
		{"no wildcard where the name is there", "near.wild.site.tld.", s, s, s, i},
		{"NODATA at a wildcard (RFC 5155, section 8.7)", "x.empty.site.tld.", s, s, i, i},
		{"an alias", "alias.site.tld.", s, s, s, i},
		{"an alias to nowhere", "dangling.site.tld.", s, s, i, i},
		{"an alias into a zone that is not signed", "out.site.tld.", i, i, i, i},
		{"an alias made from a wildcard", "x.made.site.tld.", s, s, i, i},
		{"a DNAME record", "y.tree.site.tld.", s, s, i, i},
		{"an unsigned delegation", "mail.open.tld.", i, i, i, i},
		{"the top-level domain", "tld.", s, s, s, s},
		{"below an empty non-terminal there is a delegation", "cut.site.tld.", s, s, i, i},
	}
	for denial, state := range map[dnssectest.Denial]func(int) dnssec.State{
		dnssectest.NSEC:     func(n int) dnssec.State { return tests[n].nsec },
		dnssectest.NSEC3:    func(n int) dnssec.State { return tests[n].nsec3 },
		dnssectest.OptOut:   func(n int) dnssec.State { return tests[n].optOut },
		dnssectest.Unsigned: func(n int) dnssec.State { return tests[n].none },
	} {
		w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: denial}, dnssectest.Spec{Origin: "open.tld.", Text: caaText})
		for n, test := range tests {
			t.Run(string(denial)+"/"+test.clause, func(t *testing.T) {
				if got := newValidator(t, w).verdict(test.name); got.State != state(n) {
					t.Errorf("%s: %+v, want state %d", test.name, got, state(n))
				}
			})
		}
	}
}

// TestAlgorithms has a row for each algorithm and digest.
func TestAlgorithms(t *testing.T) {
	for name, test := range map[string]struct {
		spec dnssectest.Spec
		want dnssec.State
	}{
		"RSASHA256":             {dnssectest.Spec{Algorithm: dns.RSASHA256}, dnssec.Secure},
		"RSASHA512":             {dnssectest.Spec{Algorithm: dns.RSASHA512}, dnssec.Secure},
		"ECDSAP256SHA256":       {dnssectest.Spec{Algorithm: dns.ECDSAP256SHA256}, dnssec.Secure},
		"ECDSAP384SHA384":       {dnssectest.Spec{Algorithm: dns.ECDSAP384SHA384}, dnssec.Secure},
		"ED25519":               {dnssectest.Spec{Algorithm: dns.ED25519}, dnssec.Secure},
		"RSASHA1 (RFC 9905)":    {dnssectest.Spec{Algorithm: dns.RSASHA1}, dnssec.Insecure},
		"NSEC3RSASHA1":          {dnssectest.Spec{Algorithm: dns.RSASHA1NSEC3SHA1}, dnssec.Insecure},
		"a SHA-1 digest":        {dnssectest.Spec{Digest: dns.SHA1}, dnssec.Secure},
		"a SHA-384 digest":      {dnssectest.Spec{Digest: dns.SHA384}, dnssec.Secure},
		"an unknown algorithm":  {dnssectest.Spec{Fault: dnssectest.UnknownAlg}, dnssec.Insecure},
		"an unknown digest":     {dnssectest.Spec{Fault: dnssectest.UnknownDigest}, dnssec.Insecure},
		"two keys":              {dnssectest.Spec{Split: true}, dnssec.Secure},
		"150 iterations":        {dnssectest.Spec{Denial: dnssectest.NSEC3, Iterations: 150, Salt: "ab"}, dnssec.Secure},
		"151 of them, positive": {dnssectest.Spec{Denial: dnssectest.NSEC3, Iterations: 151}, dnssec.Secure},
	} {
		t.Run(name, func(t *testing.T) {
			test.spec.Origin, test.spec.Text = "site.tld.", caaText
			if test.spec.Denial == "" {
				test.spec.Denial = dnssectest.NSEC
			}
			if got := newValidator(t, build(t, test.spec)).verdict("site.tld."); got.State != test.want {
				t.Errorf("%+v, want state %d", got, test.want)
			}
		})
	}
}

// TestIterations: a denial with 151 proves nothing, and makes the zone's names insecure (RFC
// 9276, section 3.2).
func TestIterations(t *testing.T) {
	for iterations, want := range map[uint16]dnssec.State{0: dnssec.Secure, 150: dnssec.Secure, 151: dnssec.Insecure, 2500: dnssec.Insecure} {
		w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC3, Iterations: iterations, Salt: "beef"})
		for _, name := range []string{"www.site.tld.", "no.site.tld.", "x.wild.site.tld."} {
			if got := newValidator(t, w).verdict(name); got.State != want || want == dnssec.Insecure && got.Flaw.Reason != dnssec.TooManyIterations {
				t.Errorf("%d iterations, %s: %+v, want state %d", iterations, name, got, want)
			}
		}
	}
}

// TestFaults has a row for each thing that can be wrong with a zone, and the words for it.
func TestFaults(t *testing.T) {
	type want struct {
		positive, negative dnssec.Reason
	}
	wants := map[dnssectest.Fault]want{
		dnssectest.Expired:         {dnssec.SignatureExpired, dnssec.SignatureExpired},
		dnssectest.ExpiredKeys:     {dnssec.SignatureExpired, dnssec.SignatureExpired},
		dnssectest.Future:          {dnssec.SignatureNotYetValid, dnssec.SignatureNotYetValid},
		dnssectest.Tampered:        {dnssec.SignatureWrong, ""},
		dnssectest.Missing:         {dnssec.NoSignature, ""},
		dnssectest.MissingKeySig:   {dnssec.NoSignature, dnssec.NoSignature},
		dnssectest.Stripped:        {"", dnssec.DenialIncomplete},
		dnssectest.WrongLabels:     {dnssec.WrongLabels, ""},
		dnssectest.WrongSigner:     {dnssec.NoKey, ""}, // the parent zone, which the signature names, has no such key
		dnssectest.WrongDS:         {dnssec.NoMatchingKey, dnssec.NoMatchingKey},
		dnssectest.WrongDigest:     {dnssec.NoMatchingKey, dnssec.NoMatchingKey},
		dnssectest.UnknownKey:      {dnssec.NoKey, dnssec.NoKey},
		dnssectest.Revoked:         {dnssec.NoMatchingKey, dnssec.NoMatchingKey},
		dnssectest.UnknownAlg:      {dnssec.UnknownAlgorithm, dnssec.UnknownAlgorithm},
		dnssectest.UnknownDigest:   {dnssec.UnknownAlgorithm, dnssec.UnknownAlgorithm},
		dnssectest.None:            {},
		dnssectest.StandbyKey:      {},
		dnssectest.StandbyDS:       {},
		dnssectest.DoubleSignature: {},
		dnssectest.OldSignature:    {},
		dnssectest.OddSignature:    {},
		dnssectest.MixedCase:       {},
		dnssectest.RevokedBeside:   {},
		dnssectest.TwoAlgorithms:   {},
		dnssectest.NewAlgorithm:    {},
		dnssectest.WeakDigest:      {dnssec.NoMatchingKey, dnssec.NoMatchingKey},
		dnssectest.SpareDS:         {},
		dnssectest.NewKey:          {},
		dnssectest.MixedKeys:       {},
		dnssectest.SecondDS:        {},
		dnssectest.EarlyAlgorithm:  {},
		dnssectest.OldAlgorithm:    {},
		dnssectest.HalfSigned:      {},
		dnssectest.NoDS:            {dnssec.UnsignedDelegation, dnssec.UnsignedDelegation},
		dnssectest.FewLabels:       {dnssec.SignatureWrong, ""}, // the labels are signed too (RFC 4034, section 3.1.8.1)
		dnssectest.NoKeys:          {dnssec.NoMatchingKey, dnssec.NoMatchingKey},
		dnssectest.HalfStripped:    {"", ""}, // the record that www owns is left
	}
	for _, fault := range dnssectest.Faults() {
		want, known := wants[fault]
		if !known {
			t.Errorf("fault %q has no row", fault)
		}
		w := build(t, dnssectest.Spec{Origin: "site.tld.", Text: siteText, Denial: dnssectest.NSEC, Fault: fault})
		v := newValidator(t, w)
		for name, reason := range map[string]dnssec.Reason{"site.tld.": want.positive, "www.site.tld.": want.negative} {
			got := v.verdict(name)
			if got.Flaw.Reason != reason || (reason == "") != (got.State == dnssec.Secure) {
				t.Errorf("%s, %s: %+v, want %q", fault, name, got, reason)
			}
		}
	}
}

package caa_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/caa"
)

func TestFix(t *testing.T) {
	for _, test := range []struct {
		name   string
		set    []caa.Property
		issuer string
		want   []caa.Property
	}{
		{"no set: nothing to fix", nil, "ca.example", nil},
		{"no issuemail: nothing to fix", properties(property(0, "issue", ";")), "ca.example", nil},
		{"listed: nothing to fix", properties(issuemail("ca.example")), "ca.example", nil},
		{
			"another is listed: the CA is added, the other kept",
			properties(issuemail("other.example")), "ca.example",
			properties(issuemail("other.example"), issuemail("ca.example")),
		},
		{
			"nobody is listed: RFC 8659, 4.2, authorisations are additive",
			properties(issuemail(";")), "ca.example",
			properties(issuemail(";"), issuemail("ca.example")),
		},
		{
			"malformed: kept, because it decides nothing beside a listed issuer",
			properties(issuemail("ca.example.")), "ca.example",
			properties(issuemail("ca.example."), issuemail("ca.example")),
		},
		{
			"unknown critical, no issuemail: clearing the flag is enough (RFC 8659, 4.5)",
			properties(property(128, "tbs", "x")), "ca.example",
			properties(property(0, "tbs", "x")),
		},
		{
			"unknown critical, listed: clearing the flag is enough",
			properties(property(128, "tbs", "x"), issuemail("ca.example")), "ca.example",
			properties(property(0, "tbs", "x"), issuemail("ca.example")),
		},
		{
			"unknown critical, not listed: both",
			properties(issuemail("other.example"), property(128, "tbs", "x")), "ca.example",
			properties(issuemail("other.example"), property(0, "tbs", "x"), issuemail("ca.example")),
		},
		{
			"reserved flags stay as they are",
			properties(property(129, "tbs", "x")), "ca.example",
			properties(property(1, "tbs", "x")),
		},
		{
			"a critical known tag stays critical",
			properties(property(128, "issuemail", ";"), property(128, "iodef", "x")), "ca.example",
			properties(property(128, "issuemail", ";"), property(128, "iodef", "x"), issuemail("ca.example")),
		},
		{
			"RFC 2181, 5: no record twice, where one differs from another in the critical flag alone",
			properties(property(0, "tbs", "x"), property(128, "tbs", "x")), "ca.example",
			properties(property(0, "tbs", "x")),
		},
		{
			"the first of a CA's issuer domain names is published",
			properties(issuemail(";")), "Our CA=one.example,two.example",
			properties(issuemail(";"), issuemail("one.example")),
		},
		{
			"RFC 8659, 4.2: an issuer domain name is published in A-labels",
			properties(issuemail(";")), "bücher.example",
			properties(issuemail(";"), issuemail("xn--bcher-kva.example")),
		},
	} {
		got := caa.RRset{Properties: test.set}.Fix(issuer(test.issuer))
		if diff := cmp.Diff(test.want, got, cmp.Comparer(sameProperty)); diff != "" {
			t.Errorf("%s: Fix(%s) of %v mismatch (-want +got):\n%s", test.name, test.issuer, test.set, diff)
		}
	}
}

func fix(set []caa.Property, issuer anyIssuer) []caa.Property {
	return caa.RRset{Properties: set}.Fix(issuer.Issuer)
}

func TestFixIsNilWhereNothingIsDenied(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer) bool {
		return (fix(set, issuer) == nil) == (decide(set, issuer).Status == caa.Permitted)
	})
}

func TestFixPermitsTheIssuer(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer) bool {
		return decide(fix(set, issuer), issuer).Status == caa.Permitted
	})
}

// A fix for one CA must not take a certificate from another's customers.
func TestFixDeniesNobody(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer) bool {
		fixed := fix(set, issuer)
		return fixed == nil || !slices.ContainsFunc(allIssuers(), func(other caa.Issuer) bool {
			before, after := decide(set, anyIssuer{other}), decide(fixed, anyIssuer{other})
			return before.Status == caa.Permitted && after.Status == caa.Denied
		})
	})
}

// Every property is still there, only without a critical flag that denied, and
// nothing is new but what lists the issuer. No record is there twice (RFC 2181,
// section 5).
func TestFixTakesNothingAway(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer) bool {
		fixed := fix(set, issuer)
		if fixed == nil {
			return true
		}
		missing := make(map[caa.Property]bool)
		for _, p := range set {
			if decide(properties(p), issuer).Reason == caa.UnknownCritical {
				p = property(p.Flags()-128, p.Tag(), p.Value())
			}
			missing[p] = true
		}
		missing[issuemail(issuer.Domains[0].String())] = false
		seen := make(map[caa.Property]bool)
		for _, p := range fixed {
			if _, expected := missing[p]; !expected || seen[p] {
				return false
			}
			seen[p], missing[p] = true, false
		}
		return !slices.Contains(slices.Collect(maps.Values(missing)), true)
	})
}

// The set that was observed is evidence, and shared by rows.
func TestFixLeavesTheSetAlone(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer) bool {
		before := slices.Clone(set)
		fix(set, issuer)
		return slices.Equal(before, set)
	})
}

func TestContactsAreURLsToActOn(t *testing.T) {
	iodef := func(value string) caa.Property { return property(0, "iodef", value) }
	for _, test := range []struct {
		name string
		set  []caa.Property
		want []string
	}{
		{"RFC 8659, 4.4: mailto, http and https", properties(iodef("mailto:a@b.example"), iodef("http://b.example/"), iodef("https://b.example/")), []string{"mailto:a@b.example", "http://b.example/", "https://b.example/"}},
		{"RFC 3986, 3.1: in any case", properties(property(0, "IODEF", "MailTo:a@b.example")), []string{"MailTo:a@b.example"}},
		{"no other scheme", properties(iodef("javascript:alert(1)"), iodef("httpsx://b.example"), iodef("tel:1"), iodef("a@b.example"), iodef("")), nil},
		{"nothing behind the scheme", properties(iodef("mailto:")), nil},
		{"no other tag", properties(property(0, "issue", "mailto:a@b.example")), nil},
		{"each once", properties(iodef("mailto:a@b.example"), property(128, "iodef", "mailto:a@b.example")), []string{"mailto:a@b.example"}},
		{"escaped", properties(iodef("mailto:a@b.example\r\n; \x1b[31m\"\xff")), []string{`mailto:a@b.example\013\010; \027[31m\"\255`}},
		{"not too long", properties(iodef("mailto:" + strings.Repeat("a", 294))), nil},
		{"as long as can be", properties(iodef("mailto:" + strings.Repeat("a", 293))), []string{"mailto:" + strings.Repeat("a", 293)}},
		{
			"not too many", properties(iodef("http:1"), iodef("http:2"), iodef("http:3"), iodef("http:4"), iodef("http:5"), iodef("http:6"), iodef("http:7"), iodef("http:8"), iodef("http:9")),
			[]string{"http:1", "http:2", "http:3", "http:4", "http:5", "http:6", "http:7", "http:8"},
		},
	} {
		if diff := cmp.Diff(test.want, caa.RRset{Properties: test.set}.Contacts()); diff != "" {
			t.Errorf("%s: Contacts() mismatch (-want +got):\n%s", test.name, diff)
		}
	}
}

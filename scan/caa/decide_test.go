package caa_test

import (
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/caa"
)

// property is NewProperty for octets that fit.
func property(flags uint8, tag, value string) caa.Property {
	p, err := caa.NewProperty(flags, tag, value)
	if err != nil {
		panic(err)
	}
	return p
}

func issuemail(value string) caa.Property { return property(0, "issuemail", value) }

// fromWire is the property of these RDATA octets.
func fromWire(octets string) caa.Property {
	p, err := caa.ParseRDATA([]byte(octets))
	if err != nil {
		panic(err)
	}
	return p
}

func issuer(text string) caa.Issuer {
	i, err := caa.ParseIssuer(text)
	if err != nil {
		panic(err)
	}
	return i
}

func properties(p ...caa.Property) []caa.Property { return p }

// absent stands for the index of a deciding property where none decided.
const absent = -1

var decisions = []struct {
	name    string
	set     []caa.Property
	issuer  string
	status  caa.Status
	reason  caa.Reason
	decides int // index of the first property that carried the decision
}{
	{
		"RFC 9495, 5: issue alone does not restrict mail",
		properties(property(0, "issue", "authority.example"), property(0, "issue", "other-authority.example")),
		"authority.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 9495, 5: neither for a CA that no issue names",
		properties(property(0, "issue", "authority.example"), property(0, "issue", "other-authority.example")),
		"ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 9495, 5: a single issuemail with an empty issuer",
		properties(issuemail(";")), "authority.example", caa.Denied, caa.NoIssuer, 0,
	},
	{
		"RFC 9495, 5: a single issuemail with a parameter",
		properties(issuemail("authority.example; account=123456")), "authority.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 9495, 5: the empty issuer adds nothing beside one that is named",
		properties(issuemail(";"), issuemail("authority.example")), "authority.example", caa.Permitted, caa.IssuerListed, 1,
	},
	{
		"RFC 9495, 5: a malformed issuemail counts as the empty issuer",
		properties(issuemail("%%%%%")), "authority.example", caa.Denied, caa.MalformedIssuemail, 0,
	},

	{"RFC 9495, 4: an empty set restricts nothing", nil, "ca.example", caa.Permitted, caa.NoCAA, absent},
	{
		"RFC 9495, 4: other tags restrict nothing",
		properties(property(0, "issuewild", ";"), property(0, "iodef", "mailto:caa@client.example")),
		"ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 9495, 4: issue forbids all, but not mail",
		properties(property(0, "issue", ";")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 9495, 4: issue names the CA, issuemail another",
		properties(property(0, "issue", "ca.example"), issuemail("other.example")),
		"ca.example", caa.Denied, caa.IssuerNotListed, 1,
	},
	{
		"RFC 9495, 4: the issuer is listed",
		properties(issuemail("ca.example")), "ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 9495, 4: the issuer is listed second",
		properties(issuemail("other.example"), issuemail("ca.example")), "ca.example", caa.Permitted, caa.IssuerListed, 1,
	},
	{
		"RFC 9495, 4: another issuer is listed",
		properties(issuemail("other.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},
	{
		"RFC 9495, 4: several others are listed, the first is told",
		properties(issuemail("one.example"), issuemail("two.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},
	{
		"RFC 8659, 4.2: an empty value names nobody",
		properties(issuemail("")), "ca.example", caa.Denied, caa.NoIssuer, 0,
	},
	{
		"RFC 8659, 4.2: parameters alone name nobody",
		properties(issuemail("; a=b")), "ca.example", caa.Denied, caa.NoIssuer, 0,
	},
	{
		"RFC 8659, 4.2: parameters do not change the verdict",
		properties(issuemail("ca.example; validationmethods=none")), "ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 8659, 4.2: a trailing dot is malformed",
		properties(issuemail("ca.example.")), "ca.example", caa.Denied, caa.MalformedIssuemail, 0,
	},
	{
		"RFC 8659, 4.2: a semicolon after the last parameter is malformed",
		properties(issuemail("ca.example; a=b;")), "ca.example", caa.Denied, caa.MalformedIssuemail, 0,
	},
	{
		"RFC 8659, 4.2: a semicolon after the issuer is not",
		properties(issuemail("ca.example;")), "ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 8659, 4.2: several malformed, the first is told",
		properties(issuemail("ca.example."), issuemail("ca_.example")), "ca.example", caa.Denied, caa.MalformedIssuemail, 0,
	},

	{
		"RFC 8659, 4.5: a critical property with the tag of its example",
		properties(property(0, "issue", "ca1.example.net"), property(128, "tbs", "Unknown")),
		"ca1.example.net", caa.Denied, caa.UnknownCritical, 1,
	},
	{
		"RFC 8659, 4.5: an unknown tag that is not critical",
		properties(property(0, "tbs", "Unknown")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 8659, 4.5: several unknown critical, the first is told",
		properties(property(128, "tbs", "1"), property(128, "tbt", "2")), "ca.example", caa.Denied, caa.UnknownCritical, 0,
	},
	{
		"RFC 8659, 4.1: the reserved tag policy is unknown",
		properties(property(128, "policy", "1.2.3")), "ca.example", caa.Denied, caa.UnknownCritical, 0,
	},
	{
		"RFC 8659, 4.5: a critical issuemail that lists the issuer",
		properties(property(128, "issuemail", "ca.example")), "ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 8659, 4.5: a critical issuemail that is malformed",
		properties(property(128, "issuemail", "%%%%%")), "ca.example", caa.Denied, caa.MalformedIssuemail, 0,
	},
	{
		"RFC 8659, 4.5: critical issue, issuewild and iodef are known",
		properties(property(128, "issue", ";"), property(128, "issuewild", ";"), property(128, "iodef", "x")),
		"ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"CA/Browser Forum and BIMI: critical issuevmc, contactemail and contactphone are known",
		properties(property(128, "issuevmc", ";"), property(128, "contactemail", "x"), property(128, "contactphone", "1")),
		"ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},

	{
		"RFC 8659, 4.1: bit 7 is reserved (value 1)",
		properties(property(1, "tbs", "x")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 8659, 4.1: all bits but the critical one are reserved",
		properties(property(127, "tbs", "x")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 8659, 4.1: the critical bit counts beside reserved ones",
		properties(property(129, "tbs", "x")), "ca.example", caa.Denied, caa.UnknownCritical, 0,
	},
	{
		"RFC 8659, 4.1: reserved bits do not make issuemail another tag",
		properties(property(127, "issuemail", "other.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},

	{
		"RFC 8659, 4.1: a tag in capitals restricts",
		properties(property(0, "ISSUEMAIL", "other.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},
	{
		"RFC 8659, 4.1: a tag in capitals permits",
		properties(property(0, "IssueMail", "ca.example")), "ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 8659, 4.1: a critical tag in capitals is known",
		properties(property(128, "IODEF", "x")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 4343, 3: an issuer in capitals in the record",
		properties(issuemail("CA.Example")), "ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 4343, 3: an issuer in capitals in the question",
		properties(issuemail("ca.example")), "CA.EXAMPLE", caa.Permitted, caa.IssuerListed, 0,
	},

	{
		"RFC 8659, 4.1: issuemail and NUL is another tag",
		properties(fromWire("\x00\x0aissuemail\x00other.example")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 8659, 4.1: issue, NUL, mail is another tag",
		properties(fromWire("\x00\x0aissue\x00mailother.example")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 8659, 4.1: issuemail and a space is another tag",
		properties(fromWire("\x00\x0aissuemail other.example")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"RFC 8659, 4.5: a critical issuemail and NUL is unknown",
		properties(fromWire("\x80\x0aissuemail\x00ca.example")), "ca.example", caa.Denied, caa.UnknownCritical, 0,
	},
	{
		"RFC 8659, 4.5: a critical issuemail and a space is unknown",
		properties(fromWire("\x80\x0aissuemail ca.example")), "ca.example", caa.Denied, caa.UnknownCritical, 0,
	},
	{
		"RFC 8659, 4.1: issuemail with U+017F, whose capital is S, is another tag",
		properties(property(0, "i\u017fsuemail", "other.example")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"real: nbp.pl publishes the tag issueewild, which restricts nothing",
		properties(property(0, "issue", "certum.pl"), property(0, "issueewild", "certum.pl")),
		"digicert.com", caa.Permitted, caa.NoIssuemail, absent,
	},
	{
		"a draft of RFC 9495 had the tag issueemail, which restricts nothing",
		properties(property(0, "issueemail", "other.example")), "ca.example", caa.Permitted, caa.NoIssuemail, absent,
	},

	{
		"RFC 8659, 4.2: a sub-domain is another issuer",
		properties(issuemail("www.ca.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},
	{
		"RFC 8659, 4.2: a parent is another issuer",
		properties(issuemail("ca.example")), "www.ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},
	{
		"RFC 8659, 4.2: a name that only ends alike is another issuer",
		properties(issuemail("notca.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},
	{
		"RFC 8659, 4.2: WSP around the issuer does not count",
		properties(issuemail("\t ca.example ")), "ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"a CA's second issuer domain name is listed",
		properties(issuemail("www.ca.example")), "Our CA=ca.example,www.ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"none of a CA's issuer domain names is listed",
		properties(issuemail("other.example")), "Our CA=ca.example,www.ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},
	{
		"RFC 5890, 2.3.2.1: the flag in U-labels, the record in A-labels",
		properties(issuemail("xn--bcher-kva.example")), "bücher.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 5890, 2.3.2.1: an A-label in capitals in the record",
		properties(issuemail("XN--BCHER-KVA.example")), "bücher.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 8659, 4.2: U-labels in the record are malformed",
		properties(issuemail("bücher.example")), "bücher.example", caa.Denied, caa.MalformedIssuemail, 0,
	},
	{
		"RFC 8659, 4.2: the escape of a zone file is no dot in RDATA",
		properties(issuemail(`ca\046example`)), "ca.example", caa.Denied, caa.MalformedIssuemail, 0,
	},

	{
		"RFC 2181, 5: a duplicate that lists the issuer counts once",
		properties(issuemail("ca.example"), issuemail("ca.example")), "ca.example", caa.Permitted, caa.IssuerListed, 0,
	},
	{
		"RFC 2181, 5: a duplicate that lists another counts once",
		properties(issuemail("other.example"), issuemail("other.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 0,
	},

	{
		"precedence: unknown critical before listed",
		properties(issuemail("ca.example"), property(128, "tbs", "x")), "ca.example", caa.Denied, caa.UnknownCritical, 1,
	},
	{
		"precedence: unknown critical before no issuemail",
		properties(property(0, "issue", "ca.example"), property(128, "auth", "x")),
		"ca.example", caa.Denied, caa.UnknownCritical, 1,
	},
	{
		"precedence: unknown critical before not listed",
		properties(issuemail("other.example"), property(128, "path", "x")), "ca.example", caa.Denied, caa.UnknownCritical, 1,
	},
	{
		"precedence: unknown critical before no issuer",
		properties(issuemail(";"), property(128, "tbs", "x")), "ca.example", caa.Denied, caa.UnknownCritical, 1,
	},
	{
		"precedence: unknown critical before malformed",
		properties(issuemail("%"), property(128, "tbs", "x")), "ca.example", caa.Denied, caa.UnknownCritical, 1,
	},
	{
		"precedence: listed before not listed",
		properties(issuemail("other.example"), issuemail("ca.example")), "ca.example", caa.Permitted, caa.IssuerListed, 1,
	},
	{
		"precedence: listed before no issuer",
		properties(issuemail(""), issuemail("ca.example")), "ca.example", caa.Permitted, caa.IssuerListed, 1,
	},
	{
		"precedence: listed before malformed",
		properties(issuemail("ca.example."), issuemail("ca.example")), "ca.example", caa.Permitted, caa.IssuerListed, 1,
	},
	{
		"precedence: not listed before no issuer",
		properties(issuemail(";"), issuemail("other.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 1,
	},
	{
		"precedence: not listed before malformed",
		properties(issuemail("%"), issuemail("other.example")), "ca.example", caa.Denied, caa.IssuerNotListed, 1,
	},
	{
		"precedence: no issuer before malformed",
		properties(issuemail("%"), issuemail(";")), "ca.example", caa.Denied, caa.NoIssuer, 1,
	},
}

func TestDecide(t *testing.T) {
	for _, test := range decisions {
		want := caa.Decision{Status: test.status, Reason: test.reason}
		if test.decides != absent {
			want.Property = test.set[test.decides]
		}
		got := caa.RRset{Owner: "client.example", Properties: test.set}.Decide(issuer(test.issuer))
		if diff := cmp.Diff(want, got, cmp.Comparer(sameProperty)); diff != "" {
			t.Errorf("%s: Decide(%s) of %v mismatch (-want +got):\n%s", test.name, test.issuer, test.set, diff)
		}
	}
}

func sameProperty(a, b caa.Property) bool { return a == b }

// Several CAs are asked about the same set; each gets its own verdict.
func TestDecideForSeveralCAs(t *testing.T) {
	set := caa.RRset{Properties: properties(issuemail("old.example"), issuemail("new.example"), issuemail(";"))}
	for text, want := range map[string]caa.Reason{
		"Old=old.example":                   caa.IssuerListed,
		"New=www.new.example,new.example":   caa.IssuerListed,
		"Other=other.example":               caa.IssuerNotListed,
		"Sub=www.new.example,a.old.example": caa.IssuerNotListed,
	} {
		if got := set.Decide(issuer(text)); got.Reason != want {
			t.Errorf("Decide(%s) of %v: %v, want %v", text, set.Properties, got.Reason, want)
		}
	}
}

// anySet is a random set of up to six properties, of those that the rules of RFC
// 9495, section 4 tell apart.
type anySet []caa.Property

func (anySet) Generate(random *rand.Rand, _ int) reflect.Value {
	tags := []string{
		"issuemail", "issuemail", "issuemail", "IssueMail", "issue", "issuewild", "iodef", "issuevmc", "contactemail",
		"auth", "tbs", "issuemail ", "issuemail\x00",
	}
	values := []string{
		"ca.example", "CA.example; a=b", "other.example", "www.ca.example", "xn--bcher-kva.example", "", ";", "; a=b",
		"ca.example.", "%%%%%",
	}
	flags := []uint8{0, 0, 0, 0, 1, 127, 128, 129}
	set := make(anySet, random.Intn(7))
	for i := range set {
		set[i] = property(flags[random.Intn(len(flags))], tags[random.Intn(len(tags))], values[random.Intn(len(values))])
	}
	return reflect.ValueOf(set)
}

// anyIssuer is one of the CAs that the values of anySet may name.
type anyIssuer struct{ caa.Issuer }

func (anyIssuer) Generate(random *rand.Rand, _ int) reflect.Value {
	all := allIssuers()
	return reflect.ValueOf(anyIssuer{all[random.Intn(len(all))]})
}

func allIssuers() []caa.Issuer {
	return []caa.Issuer{
		issuer("ca.example"), issuer("other.example"), issuer("www.ca.example"), issuer("bücher.example"),
		issuer("never.example"), issuer("Both=never.example,ca.example"),
	}
}

// check runs a property over random arguments: 5,000 of them, so that each rule
// is met thousands of times.
func check(t *testing.T, property any) {
	t.Helper()
	if err := quick.Check(property, &quick.Config{MaxCount: 5000}); err != nil {
		t.Error(err)
	}
}

func decide(set []caa.Property, issuer anyIssuer) caa.Decision {
	return caa.RRset{Properties: set}.Decide(issuer.Issuer)
}

func sameVerdict(a, b caa.Decision) bool { return a.Status == b.Status && a.Reason == b.Reason }

// A set has no order (RFC 2181, section 5).
func TestDecideDoesNotDependOnTheOrder(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer, seed int64) bool {
		shuffled := slices.Clone(set)
		rand.New(rand.NewSource(seed)).Shuffle(len(set), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		return sameVerdict(decide(set, issuer), decide(shuffled, issuer))
	})
}

// A set holds no record twice (RFC 2181, section 5).
func TestDecideDoesNotDependOnDuplicates(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer) bool {
		return sameVerdict(decide(set, issuer), decide(append(slices.Clone(set), set...), issuer))
	})
}

// RFC 9495, section 4: issue and issuewild do not restrict mail.
func TestDecideDoesNotDependOnIssue(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer, critical bool, value string) bool {
		added := property(0, "issue", value)
		if critical {
			added = property(128, "issuewild", value)
		}
		before, after := decide(set, issuer), decide(append(slices.Clone(set), added), issuer)
		return sameVerdict(before, after) || before.Reason == caa.NoCAA && after.Reason == caa.NoIssuemail
	})
}

// RFC 8659, section 4.5. The tags of anySet that a CA knows are listed here once
// more, by hand.
func TestDecideNeverPermitsUnknownCritical(t *testing.T) {
	known := []string{"issuemail", "IssueMail", "issue", "issuewild", "iodef", "issuevmc", "contactemail"}
	check(t, func(set anySet, issuer anyIssuer) bool {
		unknown := slices.ContainsFunc(set, func(p caa.Property) bool {
			return p.Flags() >= 128 && !slices.Contains(known, p.Tag())
		})
		got := decide(set, issuer)
		return unknown == (got.Reason == caa.UnknownCritical) && (!unknown || got.Status == caa.Denied)
	})
}

// The property told is one of the set, and fits the reason.
func TestDecideTellsAPropertyOfTheSet(t *testing.T) {
	check(t, func(set anySet, issuer anyIssuer) bool {
		got := decide(set, issuer)
		if got.Reason == caa.NoCAA || got.Reason == caa.NoIssuemail {
			return got.Property == caa.Property{}
		}
		return slices.Contains(set, got.Property) && sameVerdict(got, decide(properties(got.Property), issuer))
	})
}

func ExampleRRset_Decide() {
	issue, _ := caa.NewProperty(0, caa.TagIssue, "ca.example")
	issuemail, _ := caa.NewProperty(0, caa.TagIssuemail, "other.example")
	set := caa.RRset{Owner: "client.example", Properties: []caa.Property{issue, issuemail}}

	for _, flag := range []string{"ca.example", "other.example"} {
		issuer, _ := caa.ParseIssuer(flag)
		decision := set.Decide(issuer)
		fmt.Printf("%s: %s, %s (%s)\n", issuer.Label, decision.Status, decision.Reason, decision.Property)
	}
	// Output:
	// ca.example: denied, issuer-not-listed (0 issuemail "other.example")
	// other.example: permitted, issuer-listed (0 issuemail "other.example")
}

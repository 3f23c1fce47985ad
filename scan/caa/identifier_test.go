package caa_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/caa"
)

func namesOf(issuer caa.Issuer) string {
	var names []string
	for _, name := range issuer.Domains {
		names = append(names, name.String())
	}
	return strings.Join(names, " ")
}

// TestOwnersStandForWhatTheyState: the identifiers are those of the CPS texts, the main one
// first, deprecated ones last.
func TestOwnersStandForWhatTheyState(t *testing.T) {
	const digicert = "digicert.com www.digicert.com digicert.ne.jp cybertrust.ne.jp thawte.com geotrust.com rapidssl.com symantec.com " +
		"digitalcertvalidation.com volusion.digitalcertvalidation.com stratossl.digitalcertvalidation.com " +
		"intermediatecertificate.digitalcertvalidation.com 1and1.digitalcertvalidation.com amazon.com amazontrust.com awstrust.com " +
		"amazonaws.com quovadisglobal.com pkioverheid.nl"
	for _, test := range []struct{ text, label, domains string }{
		{"DigiCert", "DigiCert", digicert},
		{"digicert", "DigiCert", digicert},
		{"New=DigiCert", "New", digicert},
		{"Sectigo", "Sectigo", "sectigo.com usertrust.com trust-provider.com comodo.com comodoca.com"},
		{"Entrust", "Entrust", "entrust.net affirmtrust.com"},
		{"Sectigo (for Entrust)", "Sectigo (for Entrust)", "entrust.net affirmtrust.com"},
		{"oiste", "OISTE", "wisekey.com hightrusted.com certifyid.com oiste.org"},
		{"Disig,smime.example", "Disig", "disig.sk smime.example"},
		{"disig.sk,Disig", "disig.sk", "disig.sk"},
		{"SSL.com", "ssl.com", "ssl.com"}, // with a dot it is a domain
	} {
		got, err := caa.ParseIssuer(test.text)
		if err != nil || got.Label != test.label || namesOf(got) != test.domains {
			t.Errorf("%s: %q, %s (%v), want %q, %s", test.text, got.Label, namesOf(got), err, test.label, test.domains)
		}
	}
}

// TestIdentifiers: every line of the table is read, each identifier of an owner once.
func TestIdentifiers(t *testing.T) {
	count := make(map[caa.Standing]int)
	seen := make(map[string]bool)
	for _, id := range caa.Identifiers() {
		count[id.Standing]++
		if key := id.Owner + " " + id.Name; seen[key] || id.Name != id.Domain.String() || id.Owner == "" || id.Source == "" || id.Date == "" {
			t.Errorf("%+v", id)
		} else {
			seen[key] = true
		}
		if id.Known != (id.Standing == caa.Stated || id.Standing == caa.Deprecated || id.Name == "swisssign.com" || id.Name == "globalsign.com") && id.Owner != "SwissSign AG" {
			t.Errorf("%s of %s: known %v", id.Name, id.Owner, id.Known)
		}
	}
	// Two of a reseller, one of a paraphrase, one seen in use.
	if count[caa.Stated] != 32 || count[caa.Deprecated] != 2 || count[caa.SecondHand] != 4 || count[caa.Unstated] < 50 {
		t.Errorf("%v", count)
	}
	for text, want := range map[string]int{"disig": 1, "DISIG.SK": 1, " actalis ": 1, "nobody": 0, "": len(caa.Identifiers())} {
		if found := caa.FindIdentifiers(text); len(found) != want {
			t.Errorf("%q: %v, want %d", text, found, want)
		}
	}
}

// TestDoubts: a slip, a name that is not known beside some that are, a part of a set.
func TestDoubts(t *testing.T) {
	for text, want := range map[string][]string{
		"ca.example":             nil,
		"ca.example,pki.example": nil,
		"DigiCert":               nil,
		"Old=Sectigo":            nil,
		"disig.sk":               nil,
		"globalsign.com":         nil,
		"ssl.com":                nil,
		"digicerd.com":           {"--issuer digicerd.com looks like a slip for digicert.com, which DigiCert recognises"},
		"www.disig.sk":           {"--issuer www.disig.sk looks like a slip for disig.sk, which Disig recognises"},
		"disig.sk,ca.example":    {"--issuer ca.example is not known as an issuer domain name for mail, but is given with some of Disig"},
		"Disig,ssl.com":          {"--issuer ssl.com is not known"},
		"affirmtrust.com":        {`recognises for mail: entrust.net is missing, so a domain that names only one of those counts as denied. --issuer "Sectigo (for Entrust)" takes`},
		"M=sectigo.com,comodo.com,comodoca.com": {
			"--issuer M holds only some of the issuer domain names that Sectigo recognises for mail: usertrust.com and trust-provider.com are missing",
		},
		"digicert.com":              {": www.digicert.com, digicert.ne.jp, cybertrust.ne.jp, thawte.com and 14 more are missing"},
		"disig.com,disig.sk":        {"--issuer disig.com is not known"},
		"entrust.net,entrust.x":     {"--issuer entrust.x is not known", "affirmtrust.com is missing"},
		"ca.example,digicerd.com":   {"slip for digicert.com"},
		"xn--bcher-kva.example":     nil,
		"actalis.it,emsign.com":     nil,
		"emsing.com":                {"slip for emsign.com"},
		"wisekey.com,certifyid.com": {"hightrusted.com and oiste.org are missing"},
	} {
		issuer, err := caa.ParseIssuer(text)
		if err != nil {
			t.Fatal(err)
		}
		got := issuer.Doubts()
		if !slices.EqualFunc(want, got, func(part, doubt string) bool { return strings.Contains(doubt, part) }) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestTaken(t *testing.T) {
	for text, want := range map[string]string{
		"disig.sk": "",
		"Disig":    "Disig means disig.sk, as the CPS states; fixes publish disig.sk.",
		"X=sectigo": "Sectigo means sectigo.com, usertrust.com, trust-provider.com, as the CPS states; fixes publish sectigo.com." +
			" Records that name comodo.com, comodoca.com still count, for a transitional period, but fixes never publish them.",
	} {
		issuer, err := caa.ParseIssuer(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, issuer.Taken()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}

// TestDeprecatedIdentifiersCountAndAreNotPublished, in whatever order they are given.
func TestDeprecatedIdentifiersCountAndAreNotPublished(t *testing.T) {
	for _, text := range []string{"Sectigo", "comodo.com,sectigo.com", "comodoca.com,Sectigo"} {
		issuer, err := caa.ParseIssuer(text)
		if err != nil {
			t.Fatal(err)
		}
		comodo := "comodo.com"
		if text == "comodoca.com,Sectigo" {
			comodo = "comodoca.com"
		}
		if got := set(t, prop(t, 0, "issuemail", comodo)).Decide(issuer); got.Status != caa.Permitted {
			t.Errorf("%s: %s is %+v", text, comodo, got)
		}
		fixed := set(t, prop(t, 0, "issuemail", ";")).Fix(issuer)
		if last := fixed[len(fixed)-1]; last.Value() != "sectigo.com" {
			t.Errorf("%s: %v is published", text, last)
		}
	}
}

// TestSiblings: what the owner of an issuer's name recognises too.
func TestSiblings(t *testing.T) {
	mail := func(value string) caa.Property { return prop(t, 0, "issuemail", value) }
	for _, test := range []struct {
		issuer string
		set    []caa.Property
		want   string
	}{
		{"digicert.com", []caa.Property{mail("QuoVadisGlobal.com; a=b"), mail("thawte.com"), mail("quovadisglobal.com")}, "quovadisglobal.com thawte.com"},
		{"sectigo.com", []caa.Property{mail("comodo.com")}, "comodo.com"},
		{"sectigo.com", []caa.Property{mail("digicert.com"), mail("entrust.net"), mail("sectigo.com"), mail("%"), mail(";")}, ""},
		{"Sectigo", []caa.Property{mail("comodo.com")}, ""},
		{"digicert.com", []caa.Property{prop(t, 0, "issue", "thawte.com")}, ""},
		{"ca.example", []caa.Property{mail("thawte.com")}, ""},
	} {
		issuer, err := caa.ParseIssuer(test.issuer)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, id := range issuer.Siblings(set(t, test.set...)) {
			got = append(got, id.Name)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s and %v: %v, want %s", test.issuer, test.set, got, test.want)
		}
	}
}

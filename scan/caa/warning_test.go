package caa_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/caa"
)

func set(t testing.TB, properties ...caa.Property) caa.RRset {
	t.Helper()
	return caa.RRset{Owner: "mail.example", Properties: properties}
}

func prop(t testing.TB, flags uint8, tag, value string) caa.Property {
	t.Helper()
	p, err := caa.NewProperty(flags, tag, value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWarningsOfASet(t *testing.T) {
	issuer, err := caa.ParseIssuer("ca.example")
	if err != nil {
		t.Fatal(err)
	}
	mail := func(value string) caa.Property { return prop(t, 0, "issuemail", value) }
	known := mail("sectigo.com")
	for _, test := range []struct {
		name string
		set  []caa.Property
		want []caa.Warning
	}{
		{"nothing to say", []caa.Property{known, prop(t, 128, "issue", "ca.example"), prop(t, 0, "iodef", "mailto:x@example")}, nil},
		{"no set", nil, nil},
		{"capitals", []caa.Property{mail("CA.example")}, []caa.Warning{caa.IssuerCase}},
		{"capitals in a parameter are no name", []caa.Property{mail("ca.example; A=B")}, []caa.Warning{caa.Parameters}},
		{"capitals in issue do not matter for mail", []caa.Property{known, prop(t, 0, "issue", "CA.example")}, nil},
		{"flag 1", []caa.Property{prop(t, 1, "issuemail", "ca.example")}, []caa.Warning{caa.FlagBits}},
		{"flag 129", []caa.Property{known, prop(t, 129, "issue", ";")}, []caa.Warning{caa.FlagBits}},
		{"a critical issuevmc", []caa.Property{known, prop(t, 128, "issuevmc", ";")}, []caa.Warning{caa.CriticalKnownTag}},
		{"a critical contactemail, in capitals", []caa.Property{known, prop(t, 128, "ContactEmail", "x@example")}, []caa.Warning{caa.CriticalKnownTag}},
		{"a critical contactphone", []caa.Property{known, prop(t, 128, "contactphone", "1")}, []caa.Warning{caa.CriticalKnownTag}},
		{"a critical unknown tag is no warning but a reason", []caa.Property{known, prop(t, 128, "tbs", "x")}, nil},
		{"malformed beside valid", []caa.Property{known, mail("%")}, []caa.Warning{caa.MalformedBesideValid}},
		{"malformed beside empty", []caa.Property{mail(";"), mail("%")}, []caa.Warning{caa.MalformedBesideValid}},
		{"malformed alone", []caa.Property{mail("%"), mail("%%")}, nil},
		{"malformed issue beside it", []caa.Property{known, prop(t, 0, "issue", "%")}, nil},
		{"parameters", []caa.Property{mail("ca.example; a=b")}, []caa.Warning{caa.Parameters}},
		{"accounturi", []caa.Property{mail("ca.example; AccountURI=x")}, []caa.Warning{caa.Parameters, caa.AccountBinding}},
		{"validationmethods", []caa.Property{mail("ca.example; validationmethods=x")}, []caa.Warning{caa.Parameters, caa.AccountBinding}},
		{"accounturi in issue is defined", []caa.Property{known, prop(t, 0, "issue", "ca.example; accounturi=x")}, nil},
		{"an empty issuer beside one", []caa.Property{mail(";"), known}, []caa.Warning{caa.NoIssuerBesideIssuer}},
		{"empty issuers alone", []caa.Property{mail(";"), mail("")}, nil},
		{"issue only", []caa.Property{prop(t, 0, "issue", "ca.example")}, []caa.Warning{caa.IssueOnly}},
		{"issuewild only", []caa.Property{prop(t, 0, "issuewild", ";")}, []caa.Warning{caa.IssueOnly}},
		{"issue and an unknown critical tag, which restricts mail too", []caa.Property{prop(t, 0, "issue", ";"), prop(t, 128, "tbs", "x")}, nil},
		{"iodef only", []caa.Property{prop(t, 0, "iodef", "mailto:x@example")}, nil},
		{"all at once, in order", []caa.Property{
			prop(t, 1, "issuemail", "CA.example; accounturi=x"), mail(";"), mail("%"), mail("www.ca.example"),
			prop(t, 128, "issuevmc", ";"), prop(t, 0, "issueemail", "x"),
		}, caa.Warnings()[:9]},
	} {
		if diff := cmp.Diff(test.want, set(t, test.set...).Warnings([]caa.Issuer{issuer}), cmp.Transformer("empty", func(w []caa.Warning) string {
			return strings.Join(words(w), " ")
		})); diff != "" {
			t.Errorf("%s: warnings mismatch (-want +got)\n%s", test.name, diff)
		}
	}
}

func words(warnings []caa.Warning) []string {
	var list []string
	for _, w := range warnings {
		list = append(list, string(w))
	}
	return list
}

func TestNearMisses(t *testing.T) {
	issuer, err := caa.ParseIssuer("Our CA=ca.example,pki.example")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{
		"ca.example": false, "CA.EXAMPLE": false, "pki.example; a=b": false, "digicert.com": false, "oiste.org": false,
		"www.ca.example": true, "ca.example.": true, "https://ca.example": true, "https://ca.example/": true, "http://ca.example": true,
		`"ca.example"`: true, "'ca.example'": true, "ca.exampl": true, "ca.examplee": true, "cb.example": true, "ac.example": true,
		"“ca.example”": true, "„ca.example“": true, "«ca.example»": true, "‘ca.example’; a=b": true, "\u00a0ca.example": true, "ca.example\u202f": true,
		"\ufeffca.example": true, "\x93ca.example\x94": true, "ca.example\xa0": true, "“\u00a0pki.example\u00a0”": true, "“other.example”": false, "“”": false,
		"ca,example": true, "CB.EXAMPLE": true, " cb.example ; a=b": true, "digicert.co": true, "www.sectigo.com": true, "www.digicert.com": false, "globalsgin.com": true,
		"smime.ca.example": false, "example": false, "other.example": false, "cc.exampel": false, ";": false, "": false, "w.ca.example": false,
		strings.Repeat("a", 60000): false, "https://www.example": false,
	} {
		got := slices.Contains(set(t, prop(t, 0, "issuemail", value)).Warnings([]caa.Issuer{issuer}), caa.NearMiss)
		if got != want {
			t.Errorf("%.40q: near-miss %v, want %v", value, got, want)
		}
	}
	if slices.Contains(set(t, prop(t, 0, "issue", "digicert.co")).Warnings(nil), caa.NearMiss) {
		t.Error("a slip in issue says nothing of mail")
	}
	issuer, err = caa.ParseIssuer("www.ca.example")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(set(t, prop(t, 0, "issuemail", "ca.example")).Warnings([]caa.Issuer{issuer}), caa.NearMiss) {
		t.Error("a www. too few is no near miss")
	}
}

func TestTagNearMisses(t *testing.T) {
	for tag, want := range map[string]bool{
		"issueemail": true, "issumail": true, "issuemial": true, "issue-mail": true, "issuemails": true, "ISSUEEMAIL": true, "issuemai\xff": true, "isuemai": true,
		"issuemail": false, "IssueMail": false, "issue": false, "issuewild": false, "issuevmc": false, "issuesmime": true, "MailIssue": true, "emailissue": true, "mailissues": false, "mail": false, "contactemail": false,
		strings.Repeat("issuemail", 20): false,
	} {
		if got := slices.Contains(set(t, prop(t, 0, tag, "x")).Warnings(nil), caa.TagNearMiss); got != want {
			t.Errorf("%.20q: tag-near-miss %v, want %v", tag, got, want)
		}
	}
}

// FuzzWarnings: they depend on the set alone, not on the order of its records or on
// how often one is repeated, and are in order themselves.
func FuzzWarnings(f *testing.F) {
	f.Add(uint8(0), "issuemail", "ca.example; a=b", uint8(128), "issuevmc", ";")
	f.Add(uint8(1), "issueemail", "www.digicert.com", uint8(0), "issue", "%")
	f.Fuzz(func(t *testing.T, flags1 uint8, tag1, value1 string, flags2 uint8, tag2, value2 string) {
		first, err1 := caa.NewProperty(flags1, tag1, value1)
		second, err2 := caa.NewProperty(flags2, tag2, value2)
		if err1 != nil || err2 != nil {
			return
		}
		got := set(t, first, second).Warnings(nil)
		if again := set(t, second, first, second, first).Warnings(nil); !slices.Equal(got, again) {
			t.Fatalf("%v, and in another order %v", got, again)
		}
		at := -1
		for _, w := range got {
			next := slices.Index(caa.Warnings(), w)
			if next <= at {
				t.Fatalf("%v is not in order, or not of the closed set", got)
			}
			at = next
		}
	})
}

// TestWarningsOfALongSet: whoever publishes 64 KiB of values that are almost as long as known
// names cannot keep a scan busy: a value costs no memory, and so nothing is made for each pair.
func TestWarningsOfALongSet(t *testing.T) {
	const records = 2000
	var properties []caa.Property
	for i := range records {
		properties = append(properties, prop(t, 0, "issuemail", fmt.Sprintf("x%06d.biz", i)))
	}
	long := set(t, properties...)
	allocations := testing.AllocsPerRun(5, func() {
		if w := long.Warnings(nil); len(w) > 0 {
			t.Error(w)
		}
	})
	if allocations > records/10 {
		t.Errorf("%v allocations for %d records", allocations, records)
	}
}

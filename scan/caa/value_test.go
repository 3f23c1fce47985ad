package caa_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/caa"
)

// value is what a well-formed value says: the issuer domain name, then tag and
// value of each parameter.
func value(issuer string, tagsAndValues ...string) caa.Value {
	v := caa.Value{Issuer: issuer}
	for i := 0; i < len(tagsAndValues); i += 2 {
		v.Parameters = append(v.Parameters, caa.Parameter{Tag: tagsAndValues[i], Value: tagsAndValues[i+1]})
	}
	return v
}

var wellFormed = []struct {
	name   string
	octets string
	want   caa.Value
}{
	{"RFC 8659, 4.2: an issuer domain name", "ca1.example.net", value("ca1.example.net")},
	{"RFC 8659, 4.2: another issuer domain name", "ca2.example.org", value("ca2.example.org")},
	{"RFC 8659, 4.2: a semicolon names nobody", ";", value("")},
	{"RFC 8659, 4.2: a parameter", "ca1.example.net; account=230123", value("ca1.example.net", "account", "230123")},
	{"RFC 9495, 5: the issuer", "authority.example", value("authority.example")},
	{
		"RFC 9495, 5: the issuer with a parameter", "authority.example; account=123456",
		value("authority.example", "account", "123456"),
	},
	{
		"RFC 8657, A: accounturi", "example.net; accounturi=https://example.net/account/1234",
		value("example.net", "accounturi", "https://example.net/account/1234"),
	},
	{
		"RFC 8657, A: validationmethods", "example.net; validationmethods=dns-01,ca-custom",
		value("example.net", "validationmethods", "dns-01,ca-custom"),
	},
	{
		"RFC 8657, A: both parameters", "example.net; accounturi=https://example.net/account/2345; validationmethods=http-01",
		value("example.net", "accounturi", "https://example.net/account/2345", "validationmethods", "http-01"),
	},

	{"RFC 8659, 4.2, issue-value: all of it is optional", "", value("")},
	{"RFC 8659, 4.2, issue-value: spaces alone", "   ", value("")},
	{"RFC 8659, 4.2, issue-value: WSP is tab, too", "\t", value("")},
	{"RFC 8659, 4.2, issue-value: WSP before the issuer", " ca.example", value("ca.example")},
	{"RFC 8659, 4.2, issue-value: WSP around the issuer", "\t ca.example \t", value("ca.example")},
	{"RFC 8659, 4.2, issue-value: WSP around the semicolon", " \t;\t ", value("")},
	{"RFC 8659, 4.2, issue-value: nothing after the semicolon", "ca.example;", value("ca.example")},
	{"RFC 8659, 4.2, issue-value: WSP after the semicolon", "ca.example ; ", value("ca.example")},
	{"RFC 8659, 4.2, issue-value: parameters without an issuer", "; a=b", value("", "a", "b")},
	{"RFC 8659, 4.2, issue-value: WSP may be missing", ";a=b", value("", "a", "b")},
	{"RFC 8659, 4.2, issue-value: WSP after the parameters", "ca.example;a=b \t", value("ca.example", "a", "b")},

	{"RFC 8659, 4.2, issuer-domain-name: one label", "example", value("example")},
	{"RFC 8659, 4.2, issuer-domain-name: one octet", "a", value("a")},
	{"RFC 8659, 4.2, issuer-domain-name: capitals are kept", "CA.Example", value("CA.Example")},
	{
		"RFC 8659, 4.2, issuer-domain-name: more octets than a DNS name",
		strings.Repeat("a.", 200) + "example", value(strings.Repeat("a.", 200) + "example"),
	},
	{"RFC 8659, 4.2, label: digits", "0.1.2", value("0.1.2")},
	{"RFC 8659, 4.2, label: a hyphen inside", "my-ca.example", value("my-ca.example")},
	{"RFC 8659, 4.2, label: hyphens in a row", "a--b---c.example", value("a--b---c.example")},
	{"RFC 8659, 4.2, label: an A-label", "xn--bcher-kva.example", value("xn--bcher-kva.example")},
	{
		"RFC 8659, 4.2, label: more octets than a DNS label",
		strings.Repeat("a", 64) + ".example", value(strings.Repeat("a", 64) + ".example"),
	},

	{"RFC 8659, 4.2, parameters: two", "ca.example; a=b; c=d", value("ca.example", "a", "b", "c", "d")},
	{"RFC 8659, 4.2, parameters: no WSP", "ca.example;a=b;c=d", value("ca.example", "a", "b", "c", "d")},
	{
		"RFC 8659, 4.2, parameters: WSP before the semicolon",
		"ca.example;a=b ;c=d", value("ca.example", "a", "b", "c", "d"),
	},
	{"RFC 8659, 4.2, parameters: the same tag twice", "ca.example;a=b;a=b", value("ca.example", "a", "b", "a", "b")},
	{"RFC 8659, 4.2, parameter: WSP around the equals sign", "; a \t=\t b", value("", "a", "b")},
	{"RFC 8659, 4.2, parameter: an empty value", "; a=", value("", "a", "")},
	{"RFC 8659, 4.2, parameter: empty values in a row", ";a=;b= ; c=", value("", "a", "", "b", "", "c", "")},
	{"RFC 8659, 4.2, tag: one digit", "; 1=2", value("", "1", "2")},
	{"RFC 8659, 4.2, tag: hyphens inside", "; a--b-c=d", value("", "a--b-c", "d")},
	{"RFC 8659, 4.2, value: an equals sign, %x3D", "; a=b=c", value("", "a", "b=c")},
	{"RFC 8659, 4.2, value: the ends of both ranges", "; a=!:<~", value("", "a", "!:<~")},
	{"RFC 8659, 4.2, value: quotation mark and backslash", `; a="\065"`, value("", "a", `"\065"`)},
	{"RFC 8659, 4.2, value: punctuation", "; a=*@,.-_%/", value("", "a", "*@,.-_%/")},

	{
		"real: tecoenergy.com, a leading space",
		" pki.goog; cansignhttpexchanges=yes", value("pki.goog", "cansignhttpexchanges", "yes"),
	},
	{"real: reelables.com, a leading space", " letsencrypt.org", value("letsencrypt.org")},
	{"real: juniper.net, capitals", "ZScaler.com", value("ZScaler.com")},
	{
		"real: djangoproject.com, no WSP",
		"certainly.com;validationmethods=dns-01", value("certainly.com", "validationmethods", "dns-01"),
	},
	{
		"real: debian.org, two parameters",
		"letsencrypt.org;validationmethods=dns-01;accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/346607",
		value("letsencrypt.org", "validationmethods", "dns-01",
			"accounturi", "https://acme-v02.api.letsencrypt.org/acme/acct/346607"),
	},
	{
		"real: mail.thefutureisprivate.dev, a template that nobody filled in",
		"letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/<ACCOUNT_ID>; validationmethods=dns-01",
		value("letsencrypt.org", "accounturi", "https://acme-v02.api.letsencrypt.org/acme/acct/<ACCOUNT_ID>",
			"validationmethods", "dns-01"),
	},
	{
		"real: gov2x.com, long labels",
		"26caf1396a7087273d5c93611d7908f5.bd0506eac4b9c2bb6acb66fdabaf5202.sectigo.com",
		value("26caf1396a7087273d5c93611d7908f5.bd0506eac4b9c2bb6acb66fdabaf5202.sectigo.com"),
	},
}

var malformed = []struct{ name, octets string }{
	{"RFC 8659, 4.2 and RFC 9495, 5: no label begins with a percent sign", "%%%%%"},
	{"RFC 8659, 4.2, issue-value: two issuers", "ca.example ca.test"},
	{"RFC 8659, 4.2, issue-value: a list of issuers", "ca.example,ca.test"},
	{"RFC 8659, 4.2, issue-value: a parameter without its semicolon", "ca.example a=b"},
	{"RFC 8659, 4.2, issue-value: two semicolons", ";;"},
	{"RFC 8659, 4.2, issue-value: two semicolons after the issuer", "ca.example; ;"},
	{"RFC 8659, 4.2, issue-value: parameters alone", "a=b"},
	{"RFC 8659, 4.2, WSP: a line feed is none", "ca.example\n"},
	{"RFC 8659, 4.2, WSP: a carriage return is none", "\rca.example"},
	{"RFC 8659, 4.2, WSP: a vertical tab is none", "ca.example;\v"},
	{"RFC 8659, 4.2, WSP: U+00A0 is none", "ca.example\u00a0"},

	{"RFC 8659, 4.2, issuer-domain-name: a trailing dot", "ca.example."},
	{"RFC 8659, 4.2, issuer-domain-name: a trailing dot before a semicolon", "ca.example.;"},
	{"RFC 8659, 4.2, issuer-domain-name: a leading dot", ".ca.example"},
	{"RFC 8659, 4.2, issuer-domain-name: a dot alone", "."},
	{"RFC 8659, 4.2, issuer-domain-name: an empty label", "ca..example"},
	{"RFC 8659, 4.2, issuer-domain-name: WSP at a dot", "ca .example"},
	{"RFC 8659, 4.2, issuer-domain-name: a wildcard", "*.ca.example"},
	{"RFC 8659, 4.2, issuer-domain-name: a URL", "https://ca.example"},
	{"RFC 8659, 4.2, issuer-domain-name: a port", "ca.example:443"},
	{"RFC 8659, 4.2, issuer-domain-name: an address", "caa@ca.example"},
	{"RFC 8659, 4.2, issuer-domain-name: an escape is none in RDATA", `ca\046example`},
	{"RFC 8659, 4.2, label: a leading hyphen", "-ca.example"},
	{"RFC 8659, 4.2, label: a trailing hyphen", "ca-.example"},
	{"RFC 8659, 4.2, label: a trailing hyphen at the end", "ca.example-"},
	{"RFC 8659, 4.2, label: a leading hyphen inside", "ca.-example"},
	{"RFC 8659, 4.2, label: an underscore", "my_ca.example"},
	{"RFC 8659, 4.2, label: a U-label in UTF-8", "bücher.example"},
	{"RFC 8659, 4.2, label: NUL", "ca.example\x00"},
	{"RFC 8659, 4.2, label: an octet beyond ASCII", "ca.example\xff"},

	{"RFC 8659, 4.2, parameters: a semicolon after the last", "ca.example; a=b;"},
	{"RFC 8659, 4.2, parameters: a semicolon and WSP after the last", "ca.example; a=b; "},
	{"RFC 8659, 4.2, parameters: two semicolons", "ca.example; a=b;;c=d"},
	{"RFC 8659, 4.2, parameters: no semicolon between two", "ca.example; a=b c=d"},
	{"RFC 8659, 4.2, parameter: no equals sign", "ca-foo.example.org; xyzzy"},
	{"RFC 8659, 4.2, parameter: no equals sign before WSP", "; a b"},
	{"RFC 8659, 4.2, parameter: no tag", "; =b"},
	{"RFC 8659, 4.2, tag: an underscore", "; a_b=c"},
	{"RFC 8659, 4.2, tag: a dot", "; a.b=c"},
	{"RFC 8659, 4.2, tag: a leading hyphen", "; -a=b"},
	{"RFC 8659, 4.2, tag: a trailing hyphen", "; a-=b"},
	{"RFC 8659, 4.2, value: a space", "; a=b c"},
	{"RFC 8659, 4.2, value: a tab", "; a=b\tc"},
	{"RFC 8659, 4.2, value: DEL", "; a=\x7f"},
	{"RFC 8659, 4.2, value: NUL", "; a=\x00"},
	{"RFC 8659, 4.2, value: UTF-8", "; a=ü"},

	{"real: secondmeasure.com, quotation marks inside", `"sectigo.com"`},
	{"real: a whole record in the value", `0 issue "amazon.com"`},
	{"real: an iodef value, were it an issuer", "mailto:security@brave.com"},
}

func TestParseValue(t *testing.T) {
	for _, test := range wellFormed {
		got, err := caa.ParseValue(test.octets)
		if err != nil {
			t.Errorf("%s: ParseValue(%q): %v", test.name, test.octets, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: ParseValue(%q) mismatch (-want +got):\n%s", test.name, test.octets, diff)
		}
	}
}

func TestParseValueRefuses(t *testing.T) {
	for _, test := range malformed {
		got, err := caa.ParseValue(test.octets)
		if !errors.Is(err, caa.ErrValue) {
			t.Errorf("%s: ParseValue(%q) = %v, %v, want an ErrValue", test.name, test.octets, got, err)
		}
		if diff := cmp.Diff(caa.Value{}, got); diff != "" {
			t.Errorf("%s: ParseValue(%q) beside an error (-want +got):\n%s", test.name, test.octets, diff)
		}
	}
}

// The owner of a malformed record reads these words.
func TestParseValueSaysWhatIsWrong(t *testing.T) {
	for octets, want := range map[string]string{
		"%%%%%":            `"%" where an issuer domain name or a semicolon should be`,
		"ca.example.":      `"." where a semicolon after the issuer domain name should be`,
		`"ca.example"`:     `"\"" where an issuer domain name or a semicolon should be`,
		"bücher.example":   `"\195" where a semicolon after the issuer domain name should be`,
		"ca.example; a=b;": "a semicolon after the last parameter",
		"; a=b c":          `"c" where a semicolon between parameters should be`,
		"; =b":             `"=" where the tag of a parameter should be`,
		"; xyzzy":          `it ends where "=" after the tag of a parameter should be`,
	} {
		if _, err := caa.ParseValue(octets); err == nil || err.Error() != caa.ErrValue.Error()+": "+want {
			t.Errorf("ParseValue(%q): %v, want %v: %s", octets, err, caa.ErrValue, want)
		}
	}
}

// One pass over 4 MiB takes milliseconds. A parser that looked again at what it
// has read, once for each label, hyphen, space or parameter, would not end
// before the test run is stopped.
func TestParseValueIsLinear(t *testing.T) {
	const size = 4 << 20
	for _, test := range []struct{ before, unit, after string }{
		{"", " ", "!"},
		{"ca.example", "\t ", "!"},
		{"a", "-", "!"},
		{"", "a-", "!"},
		{"", "a.", "-"},
		{"", "a.-", ""},
		{"", "a----.", ""},
		{";", " ", "!"},
		{";", "a-", "="},
		{"; a=", "=", ";"},
		{";", "a=;", ""},
		{";a=", ";a=b", ";"},
		{";a=", " ;a = b", ";"},
	} {
		octets := test.before + strings.Repeat(test.unit, size/len(test.unit)) + test.after
		if _, err := caa.ParseValue(octets); !errors.Is(err, caa.ErrValue) {
			t.Errorf("%q, %q…, %q: %v, want an ErrValue", test.before, test.unit, test.after, err)
		}
	}
}

// grammar is the ABNF of RFC 8659, section 4.2 (RFC 9495, section 3 is equal) as
// a regular expression, rule by rule. The right recursion of the rule
// parameters is a repetition.
var grammar = func() *regexp.Regexp {
	const (
		wsp        = `[ \t]*`
		label      = `[A-Za-z0-9](?:-*[A-Za-z0-9])*`
		issuer     = label + `(?:\.` + label + `)*`
		tag        = label
		value      = `[\x21-\x3A\x3C-\x7E]*`
		parameter  = tag + wsp + `=` + wsp + value
		parameters = parameter + `(?:` + wsp + `;` + wsp + parameter + `)*`
		whole      = wsp + `(?:(` + issuer + `)` + wsp + `)?(?:;` + wsp + `(?:(` + parameters + `)` + wsp + `)?)?`
	)
	return regexp.MustCompile(`\A` + whole + `\z`)
}()

// parseByGrammar reads a value by the regular expression. A parameter's value
// holds neither a semicolon nor WSP, so cutting at those is enough.
func parseByGrammar(octets string) (caa.Value, bool) {
	groups := grammar.FindStringSubmatch(octets)
	if groups == nil {
		return caa.Value{}, false
	}
	v := caa.Value{Issuer: groups[1]}
	if groups[2] == "" {
		return v, true
	}
	for _, parameter := range strings.Split(groups[2], ";") {
		tag, value, _ := strings.Cut(parameter, "=")
		v.Parameters = append(v.Parameters, caa.Parameter{Tag: strings.Trim(tag, " \t"), Value: strings.Trim(value, " \t")})
	}
	return v, true
}

// join spells v as briefly as the grammar allows.
func join(v caa.Value) string {
	var parameters []string
	for _, p := range v.Parameters {
		parameters = append(parameters, p.Tag+"="+p.Value)
	}
	return v.Issuer + ";" + strings.Join(parameters, ";")
}

func FuzzParseValue(f *testing.F) {
	for _, test := range wellFormed {
		f.Add(test.octets)
	}
	for _, test := range malformed {
		f.Add(test.octets)
	}
	f.Fuzz(func(t *testing.T, octets string) {
		want, ok := parseByGrammar(octets)
		got, err := caa.ParseValue(octets)
		if ok != (err == nil) || err != nil && !errors.Is(err, caa.ErrValue) {
			t.Fatalf("ParseValue(%q): error %v, but by the grammar it is well-formed: %t", octets, err, ok)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("ParseValue(%q) mismatch (-grammar +got):\n%s", octets, diff)
		}
		if err != nil {
			checkProblem(t, err)
			return
		}
		again, err := caa.ParseValue(join(got))
		if diff := cmp.Diff(got, again); diff != "" || err != nil {
			t.Fatalf("ParseValue(%q): %v, joined from %q (-first +second):\n%s", join(got), err, octets, diff)
		}
	})
}

// checkProblem holds an error's words to what a report can carry.
func checkProblem(t *testing.T, err error) {
	for _, octet := range []byte(err.Error()) {
		if octet < ' ' || octet > '~' {
			t.Fatalf("octet %#x in the error %q", octet, err)
		}
	}
	if len(err.Error()) > 160 {
		t.Fatalf("error of %d octets: %q", len(err.Error()), err)
	}
}

func ExampleParseValue() {
	value, _ := caa.ParseValue("ca.example; account=230123")
	fmt.Println(value.Issuer, value.Parameters)

	_, err := caa.ParseValue("ca.example; account=230123;")
	fmt.Println(err)
	// Output:
	// ca.example [{account 230123}]
	// not the grammar of RFC 8659, section 4.2: a semicolon after the last parameter
}

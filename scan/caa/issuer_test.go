package caa_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/caa"
	"caascan/scan/domain"
)

func TestParseIssuer(t *testing.T) {
	for _, test := range []struct {
		name, text, label string
		domains           []string
	}{
		{"one domain is its own label", "ca.example", "ca.example", []string{"ca.example"}},
		{
			"without a label the first domain is the label",
			"ca.example,www.ca.example", "ca.example",
			[]string{"ca.example", "www.ca.example"},
		},
		{"a label and a domain", "Old=ca.example", "Old", []string{"ca.example"}},
		{"a label and two domains", "New=ca.example,www.ca.example", "New", []string{"ca.example", "www.ca.example"}},
		{
			"white space around domains does not count",
			" ca.example , www.ca.example ", "ca.example",
			[]string{"ca.example", "www.ca.example"},
		},
		{"white space around the label does not count", " Our CA = ca.example", "Our CA", []string{"ca.example"}},
		{"a label may have a space inside", "Our CA=ca.example", "Our CA", []string{"ca.example"}},
		{"a label may be in any script", "Bücher & 証明書=ca.example", "Bücher & 証明書", []string{"ca.example"}},
		{"RFC 4343, 3: domains are in lower case", "CA.Example", "ca.example", []string{"ca.example"}},
		{"a label keeps its case", "CA.Example=CA.Example", "CA.Example", []string{"ca.example"}},
		{"a trailing dot is dropped", "ca.example.", "ca.example", []string{"ca.example"}},
		{"RFC 5890, 2.3.2.1: U-labels become A-labels", "Books=bücher.example", "Books", []string{"xn--bcher-kva.example"}},
		{
			"without a label the A-labels are the label",
			"bücher.example", "xn--bcher-kva.example",
			[]string{"xn--bcher-kva.example"},
		},
		{"a domain twice counts once", "ca.example,CA.EXAMPLE,ca.example.", "ca.example", []string{"ca.example"}},
		{"RFC 8659, 4.2: hyphens inside a label", "my--ca.example", "my--ca.example", []string{"my--ca.example"}},
	} {
		got, err := caa.ParseIssuer(test.text)
		if err != nil {
			t.Errorf("%s: ParseIssuer(%q): %v", test.name, test.text, err)
			continue
		}
		if got.Label != test.label {
			t.Errorf("%s: ParseIssuer(%q) has the label %q, want %q", test.name, test.text, got.Label, test.label)
		}
		var domains []string
		for _, name := range got.Domains {
			domains = append(domains, name.String())
		}
		if diff := cmp.Diff(test.domains, domains); diff != "" {
			t.Errorf("%s: ParseIssuer(%q) domains mismatch (-want +got):\n%s", test.name, test.text, diff)
		}
	}
}

// Each error names the flag's text and says what to write instead: words are all
// that a user gets, so they are held to here.
func TestParseIssuerRefuses(t *testing.T) {
	const example = "such as digicert.com"
	for _, test := range []struct {
		name, text, says string
		cause            error
	}{
		{"nothing", "", example, nil},
		{"white space", "  ", example, nil},
		{"a label without a domain", "Our CA=", example, nil},
		{"a comma at the end", "ca.example,", example, nil},
		{"a comma at the start", ",ca.example", example, nil},
		{"two commas", "ca.example,,www.ca.example", example, nil},
		{"no label before the equals sign", "=ca.example", "LABEL=ca.example", nil},
		{"white space before the equals sign", " =ca.example", "LABEL=ca.example", nil},
		{"an equals sign in the label", "a=b=ca.example", `no "="`, nil},
		{"a comma in the label", "Example, Inc.=ca.example", `no ","`, nil},
		{"a line break in the label", "Our\nCA=ca.example", "no control characters", nil},
		{"a tab in the label", "Our\tCA=ca.example", "no control characters", nil},
		{"DEL in the label", "Our\x7fCA=ca.example", "no control characters", nil},
		{"a bidi control in the label", "Our\u202eCA=ca.example", "no control characters", nil},
		{"invalid UTF-8 in the label", "B\xfccher=ca.example", "no control characters", nil},
		{"a URL", "https://ca.example", example, domain.ErrSyntax},
		{"an address", "caa@ca.example", example, domain.ErrSyntax},
		{"a wildcard", "*.ca.example", example, domain.ErrSyntax},
		{"quotation marks", `"ca.example"`, example, domain.ErrSyntax},
		{"a semicolon between domains", "ca.example;www.ca.example", example, domain.ErrSyntax},
		{"two domains in a row", "ca.example www.ca.example", example, domain.ErrSyntax},
		{"an empty label in a domain", "ca..example", example, domain.ErrSyntax},
		{"a DNS label of 64 octets", strings.Repeat("a", 64) + ".example", example, domain.ErrTooLong},
		{"a U-label that breaks RFC 5893", "אa.example", example, domain.ErrIDN},
		{"RFC 8659, 4.2: an underscore", "_ca.example", "RFC 8659", nil},
		{"RFC 8659, 4.2: a hyphen at the end of a label", "ca-.example", "RFC 8659", nil},
		{"RFC 8659, 4.2: a hyphen at the start of a label", "-ca.example", "RFC 8659", nil},
		{"a single label", "nobody", "a single label", nil},
		{"an owner whose CPS was not read", "SwissSign", `"SwissSign=swisssign.com" (second-hand: swisssign.com)`, nil},
		{"an owner known for web servers alone", "Certum", "unstated: certum.pl", nil},
		{"nothing that could be published", "comodo.com,comodoca.com", "Sectigo recognises comodo.com for a transitional period only", nil},
		{"a single label after others", "ca.example,com", "a single label", nil},
	} {
		got, err := caa.ParseIssuer(test.text)
		if err == nil {
			t.Errorf("%s: ParseIssuer(%q) = %v, want an error", test.name, test.text, got)
			continue
		}
		if !strings.HasPrefix(err.Error(), fmt.Sprintf("issuer %q: ", test.text)) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: ParseIssuer(%q): %v, want the text and %q", test.name, test.text, err, test.says)
		}
		if test.cause != nil && !errors.Is(err, test.cause) {
			t.Errorf("%s: ParseIssuer(%q): %v, want it to wrap %v", test.name, test.text, err, test.cause)
		}
		if got.Label != "" || got.Domains != nil {
			t.Errorf("%s: ParseIssuer(%q) = %v beside an error", test.name, test.text, got)
		}
	}
}

func TestIssuerHas(t *testing.T) {
	ca := issuer("Our CA=ca.example,bücher.example")
	for name, want := range map[string]bool{
		"ca.example":            true,
		"CA.EXAMPLE":            true,
		"xn--bcher-kva.example": true,
		"XN--Bcher-KVA.example": true,
		"www.ca.example":        false,
		"a.example":             false,
		"example":               false,
		"ca.example.":           false,
		"bücher.example":        false,
		"":                      false,
	} {
		if got := ca.Has(name); got != want {
			t.Errorf("Has(%q) = %t, want %t", name, got, want)
		}
	}
}

// TestArgumentsAreReadAsTheSameCA.
func TestArgumentsAreReadAsTheSameCA(t *testing.T) {
	for text, want := range map[string]string{
		"ca.example":                       "ca.example",
		"Ca.Example,pki.ca.example":        "ca.example,pki.ca.example",
		"New CA=ca.example,pki.ca.example": "New CA=ca.example,pki.ca.example",
		"digicert":                         "DigiCert",
		"New = digicert":                   "New=DigiCert",
		"New=digicert,x.example":           "New=DigiCert,x.example",
		"New=x.example,digicert":           "New=x.example,DigiCert",
	} {
		issuer, err := caa.ParseIssuer(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := issuer.Argument(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		again, err := caa.ParseIssuer(issuer.Argument())
		if diff := cmp.Diff(issuer, again, cmp.AllowUnexported(domain.Name{})); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
}

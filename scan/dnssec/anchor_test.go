package dnssec_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// TestReadAnchors has a row for each kind of file.
func TestReadAnchors(t *testing.T) {
	w := build(t)
	key := w.Set(".", ".", dns.TypeDNSKEY)[0].String()
	with := func(flags string) string { return strings.Replace(key, "DNSKEY\t257", "DNSKEY\t"+flags, 1) }
	const ds = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
	for text, words := range map[string]string{
		ds:                                 "",
		key:                                "",
		"; a comment\n\n" + ds + key:       "",
		strings.Replace(ds, ". ", "@ ", 1): "",
		ds + ". IN DS 1 200 9 abcd":        "", // what is not known beside what is
		"":                                 "no trust anchor",
		"; nothing":                        "no trust anchor",
		". IN DS 1 200 2 " + strings.Repeat("AB", 32):  "no trust anchor with an algorithm and a digest that are known",
		". IN DS 1 8 200 " + strings.Repeat("AB", 32):  "no trust anchor with an algorithm and a digest that are known",
		". IN DS 1 5 2 " + strings.Repeat("AB", 32):    "no trust anchor with an algorithm and a digest that are known", // RSASHA1 (RFC 9905)
		"tld. IN DS 1 8 2 " + strings.Repeat("AB", 32): "trust anchor for tld.: only those of the root",
		". CH DS 1 8 2 " + strings.Repeat("AB", 32):    "class",
		". IN DS 1 8 2 " + strings.Repeat("AB", 31):    "digest of 31 octets, and digest type 2 has 32",
		". IN DS 1 8 2 " + strings.Repeat("XY", 32):    "digest",
		with("385"): "revoked",
		with("1"):   "no zone key",
		strings.Replace(key, " 3 13 ", " 2 13 ", 1): "protocol",
		". IN A 192.0.2.1":                          "A record of .: a trust anchor is a DS or DNSKEY record",
		"rubbish":                                   "root.key",
		`trust-anchors { . initial-ds 20326 8 2 "E06D"; };`: "root.key",
	} {
		anchors, err := dnssec.ReadAnchors(strings.NewReader(text), "root.key")
		switch {
		case words == "" && (err != nil || len(anchors) == 0):
			t.Errorf("%q: %v", text, err)
		case words != "" && (err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "root.key")):
			t.Errorf("%q: %v, want %q and the file", text, err, words)
		}
	}
	if tags := dnssec.RootAnchors().String(); !strings.Contains(tags, "DS\t20326 ") || !strings.Contains(tags, "DS\t38696 ") {
		t.Errorf("built in are %s", tags)
	}
}

// TestAKeyAsTrustAnchor trusts what it has signed, and nothing else.
func TestAKeyAsTrustAnchor(t *testing.T) {
	spec := dnssectest.Spec{Origin: "site.tld.", Text: caaText, Denial: dnssectest.NSEC}
	w, other := build(t, spec), build(t, spec)
	for of, want := range map[*dnssectest.World]dnssec.State{w: dnssec.Secure, other: dnssec.Bogus} {
		v := newValidator(t, w)
		_, r := v.reply(".", dns.TypeDNSKEY)
		zone, got := dnssec.Keys(".", of.Set(".", ".", dns.TypeDNSKEY)[:1], r, now, nil)
		if got.State != want || (zone == nil) != (want == dnssec.Bogus) {
			t.Errorf("%+v, want state %d", got, want)
		}
	}
}

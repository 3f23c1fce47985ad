package caa_test

import (
	"testing"

	"caascan/scan/caa"
)

func BenchmarkParseValue(b *testing.B) {
	for _, test := range []struct{ name, value string }{
		{"issuer", "digicert.com"},
		{"parameters", "letsencrypt.org; accounturi=https://acme.example/1; validationmethods=dns-01"},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := caa.ParseValue(test.value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	issuer, err := caa.ParseIssuer("DigiCert=digicert.com,www.digicert.com")
	if err != nil {
		b.Fatal(err)
	}
	var set caa.RRset
	for _, p := range [][2]string{
		{"issue", "letsencrypt.org"},
		{"iodef", "mailto:security@mail.example"},
		{"issuemail", "Sectigo.com"},
		{"issuemail", "digicert.com; account=1"},
	} {
		made, err := caa.NewProperty(0, p[0], p[1])
		if err != nil {
			b.Fatal(err)
		}
		set.Properties = append(set.Properties, made)
	}
	b.ReportAllocs()
	for b.Loop() {
		set.Decide(issuer)
	}
}

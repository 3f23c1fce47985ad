package domain_test

import (
	"testing"

	"caascan/scan/domain"
)

func BenchmarkConvert(b *testing.B) {
	for _, test := range []struct{ name, text string }{
		{"ascii", "mx.nazopadi92.de"},
		{"capitals", "US.Kacaroma.Com"},
		{"international", "mail.käsehäuschen.example"},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := domain.Convert(test.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package dnssec_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// BenchmarkDelegate reads the denial of DS records that most domains of a list cost: one
// signature is verified, that over the closest encloser's record is remembered. crypto/op is
// what that signature alone takes.
func BenchmarkDelegate(b *testing.B) {
	w := build(b, dnssectest.Spec{Origin: "tld.", Denial: dnssectest.NSEC3, Text: "open NS ns.elsewhere.\nother NS ns.elsewhere.\nthird NS ns.elsewhere."})
	v := newValidator(b, w)
	v.verdict("tld.")
	trust, _ := v.chain.Trust("tld.", now)
	m := w.Answer("open.tld.", dns.TypeDS)
	m.Ns = append(w.Set("tld.", "tld.", dns.TypeSOA), w.Denials("tld.", "=tld.", "=open.tld.")...)
	wire, err := m.Pack()
	if err != nil {
		b.Fatal(err)
	}
	var spent time.Duration
	for b.Loop() {
		r, err := dnssec.Parse(wire)
		if err != nil {
			b.Fatal(err)
		}
		if d := dnssec.Delegate(trust.Zone, "open.tld.", r, now, nil); d.Cut != dnssec.InsecureCut {
			b.Fatalf("%+v", d)
		}
	}
	keys := w.Set("tld.", "tld.", dns.TypeDNSKEY)
	began := time.Now()
	const times = 200
	for range times {
		set := w.Denials("tld.", "=open.tld.")
		if err := set[1].(*dns.RRSIG).Verify(keys[0].(*dns.DNSKEY), set[:1]); err != nil {
			b.Fatal(err)
		}
	}
	spent = time.Since(began) / times
	b.ReportMetric(float64(spent), "crypto-ns/op")
}

package dnssec_test

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
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

// BenchmarkTraps reads the replies that cost the most, which no server sends in good faith: as
// many signatures as are tried, each by every key with its tag (CVE-2023-50387), for the slowest
// algorithms; and the denial of a name with as many labels as there can be, in a zone with the
// most iterations that count and the longest salt (CVE-2023-50868). Nothing of it is remembered.
// By
//
//	go test ./scan/dnssec -run '^$' -bench Traps -cpu 1
//
// a reply takes 3 ms of CPU with ECDSA P-256, 16 ms with P-384, 20 ms with RSA of 4096 bits and
// the largest exponent, and 6 ms for the hashes, where a good signature takes 0.1 ms.
func BenchmarkTraps(b *testing.B) {
	for name, algorithm := range map[string]uint8{"P-256": dns.ECDSAP256SHA256, "P-384": dns.ECDSAP384SHA384, "RSA-4096": dns.RSASHA512} {
		b.Run(name, func(b *testing.B) {
			const trapTag, traps = 4711, 30 // with the good key, nearly as many as are looked at
			text := caaText
			for range traps {
				text += costlyKey(algorithm, trapTag).String() + "\n"
			}
			w := build(b, dnssectest.Spec{Origin: "site.tld.", Text: text, Denial: dnssectest.NSEC})
			m := w.Answer("site.tld.", dns.TypeCAA)
			good := m.Answer[1].(*dns.RRSIG)
			bad := costlySignature(algorithm, good)
			bad.KeyTag = trapTag
			worse := dns.Copy(bad).(*dns.RRSIG)
			worse.Expiration-- // or it would be the same record
			m.Answer = []dns.RR{m.Answer[0], bad, worse, good}
			answerTimes(b, w, m, dnssec.TooMuchWork)
		})
	}
	b.Run("NSEC3", func(b *testing.B) {
		const mostIterations, longestSalt, labels = 150, 255, 120
		w := build(b, dnssectest.Spec{Origin: "site.tld.", Denial: dnssectest.NSEC3, Iterations: mostIterations, Salt: strings.Repeat("ab", longestSalt)})
		m := w.Answer(strings.Repeat("a.", labels)+"site.tld.", dns.TypeCAA)
		answerTimes(b, w, m, "")
	})
}

// answerTimes measures how long it takes to find out what is wrong with a reply.
func answerTimes(b *testing.B, w *dnssectest.World, m *dns.Msg, want dnssec.Reason) {
	v := newValidator(b, w)
	name := m.Question[0].Name
	v.judge([]string{name}, parsed(b, m)) // the keys are known from here on
	for b.Loop() {
		if got := v.judge([]string{name}, parsed(b, m)); got.Flaw.Reason != want {
			b.Fatalf("%+v, want %q", got, want)
		}
	}
}

// costlyKey returns a key with a tag whose signatures take long to verify. Bits of the flags that
// mean nothing make the tag what it is to be (RFC 4034, section 2.1.1).
func costlyKey(algorithm uint8, tag uint16) *dns.DNSKEY {
	key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: "site.tld.", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300}, Protocol: 3, Algorithm: algorithm}
	for {
		key.Flags = dns.ZONE
		if bits := map[uint8]int{dns.ECDSAP256SHA256: 256, dns.ECDSAP384SHA384: 384}[algorithm]; bits != 0 {
			if _, err := key.Generate(bits); err != nil {
				panic(err)
			}
		} else {
			key.PublicKey = largestRSA()
		}
		for other := range 1 << 16 {
			key.Flags = uint16(other) | dns.ZONE
			if key.Flags&dns.REVOKE == 0 && key.KeyTag() == tag {
				return key
			}
		}
	}
}

// largestRSA returns a public key with the longest modulus and the largest exponent that are
// taken (RFC 3110, section 2). What it is the product of does not matter.
func largestRSA() string {
	const octets = 4096 / 8
	modulus := make([]byte, octets)
	_, _ = rand.Read(modulus) // which never fails
	modulus[0], modulus[octets-1] = modulus[0]|0x80, modulus[octets-1]|1
	return base64.StdEncoding.EncodeToString(append([]byte{4, 0x7f, 0xff, 0xff, 0xff}, modulus...))
}

// costlySignature returns one of the length that an algorithm has.
func costlySignature(algorithm uint8, like *dns.RRSIG) *dns.RRSIG {
	bad := dns.Copy(like).(*dns.RRSIG)
	bad.Algorithm = algorithm
	octets := map[uint8]int{dns.ECDSAP256SHA256: 64, dns.ECDSAP384SHA384: 96, dns.RSASHA512: 512}[algorithm]
	text := make([]byte, octets)
	for i := range text {
		text[i] = 0x5a
	}
	bad.Signature = base64.StdEncoding.EncodeToString(text)
	return bad
}

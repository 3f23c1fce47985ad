package lookup

import (
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/domain"
)

// BenchmarkReply reads replies: what is taken from one, once it is here.
func BenchmarkReply(b *testing.B) {
	query := queryFor(b, "mail.example")
	for _, reply := range []struct {
		name string
		wire []byte
	}{
		{"empty", emptyReply(b, query, dns.RcodeSuccess)},
		{"set", message{ra: true, answer: []string{
			`mail.example. 60 CAA 0 issue "ca.example"`, `mail.example. 60 CAA 0 issuemail "ca.example; a=b"`,
		}}.pack(b, query)},
	} {
		b.Run(reply.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if out := readOutcome(reply.wire, check(reply.wire, query)); out.failure != "" {
					b.Fatal(out.failure)
				}
			}
		})
	}
}

// BenchmarkClimbCached climbs over answers that are there: what a mailbox costs whose
// domain has been asked.
func BenchmarkClimbCached(b *testing.B) {
	w := &world{t: b, answer: nothing}
	r := w.client(Config{})
	look(b, r, "a.mail.corp.example")
	name := mustName(b, "a.mail.corp.example")
	names := make([]domain.Name, 256)
	for i := range names {
		names[i] = name
	}
	e := newEngine(r, nil, nil)
	defer e.close()
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range names {
			e.climb(name, 1)
		}
	}
	if len(e.ready) > 0 {
		b.Error("something is not in the cache")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(names)), "ns/climb")
}

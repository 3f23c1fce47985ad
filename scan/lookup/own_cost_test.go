package lookup

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
	"caascan/scan/snapshot"
)

// costWorld is a top-level domain with a way to deny, with domains that are signed and others
// that are not, each with three names that are looked up, and the number of each kind.
func costWorld(denial dnssectest.Denial, signed, open int) (specs []dnssectest.Spec, names []string) {
	specs = []dnssectest.Spec{{Origin: "tld.", Denial: denial}}
	add := func(domain string, denial dnssectest.Denial) {
		specs = append(specs, dnssectest.Spec{Origin: domain + ".", Denial: denial, Text: "@ A 192.0.2.1\nmail A 192.0.2.1\n"})
		names = append(names, domain, "mail."+domain, "a.b.c."+domain)
	}
	for i := range signed {
		add(fmt.Sprintf("signed%d.tld", i), dnssectest.NSEC3)
	}
	for i := range open {
		add(fmt.Sprintf("open%d.tld", i), dnssectest.Unsigned)
	}
	return specs, names
}

// TestQueriesADomain: for the names of a domain without DNSSEC own validation sends one query
// more, for its DS records, and for those of a signed one it sends two, for its DS records and
// its keys, however its parent denies. What resolvers validate costs none, so auto costs none
// either where they do.
func TestQueriesADomain(t *testing.T) {
	const signed, open = 4, 7
	for _, denial := range []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3, dnssectest.OptOut, dnssectest.OptOutListed} {
		for mode, want := range map[Validation]map[string]int{
			Own:        {"DS": 1 + signed + open, "DNSKEY": 1 + signed},
			Auto:       {},
			ByResolver: {},
			Off:        {},
		} {
			synctest.Test(t, func(t *testing.T) {
				specs, names := costWorld(denial, signed, open)
				w := newSignedWorld(t, specs...)
				w.spoil = func(_ string, _, m *dns.Msg) *dns.Msg {
					m.AuthenticatedData = mode != Own
					return m
				}
				r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}, DNSSEC: mode, Anchors: dnssec.Anchors{w.zones.Anchor}})
				if _, err := r.Probe(t.Context()); err != nil {
					t.Fatal(err)
				}
				before := r.Stats().Queries
				w.asked = nil
				got := look(t, r, names...)
				for name, o := range got {
					if insecure := strings.Contains(name, "open"); mode == Own && insecure != (o.DNSSEC() == snapshot.Insecure) {
						t.Errorf("%s: %s: %+v", denial, name, o)
					}
				}
				counts := countTypes(w.asked)
				sent := r.Stats().Queries - before
				if caa := counts["CAA"]; caa != len(got) || sent != caa+counts["DS"]+counts["DNSKEY"]+counts["root"] {
					t.Errorf("%s, %d: %d queries for CAA records of %d names, %d of all", denial, mode, caa, len(got), sent)
				}
				delete(counts, "CAA")
				delete(counts, "root") // the keys of the root, once
				if diff := cmp.Diff(want, counts); diff != "" {
					t.Errorf("%s, %d: queries mismatch (-want +got)\n%s", denial, mode, diff)
				}
			})
		}
	}
}

// countTypes counts queries by their type; those about the root are counted by themselves.
func countTypes(asked []string) map[string]int {
	counts := make(map[string]int)
	for _, q := range asked {
		words := strings.Split(q, " ") // server, name, type, flags
		if words[1] == "" || words[1] == "." {
			counts["root"]++
			continue
		}
		counts[words[2]]++
	}
	return counts
}

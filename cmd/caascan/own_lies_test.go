package main

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec/dnssectest"
)

// lyingList has names of a signed zone in which no CA may issue, by records of their own, by
// those of the zone above, and by a wildcard; and one that is not there.
const lyingList = "mail\na@site.tld\na@mail.site.tld\na@www.site.tld\na@x.wild.site.tld\na@no.site.tld\n"

// TestNoLieOfAResolverPermits: whatever the only resolver makes of its answers about a signed
// zone that denies, own validation finds no row permitted, and none secure but with the records
// that the zone has. Without a lie all rows are denied, and secure.
func TestNoLieOfAResolverPermits(t *testing.T) {
	now := time.Now()
	w, old := buildWorld(t, now, dnssectest.LyingWorld()), buildWorld(t, now.Add(-3*dnssectest.Lifetime), dnssectest.OldLyingWorld())
	lies := dnssectest.Lies()
	lies[""] = func(_, _ *dnssectest.World, _, _ *dns.Msg) {}
	for what, lie := range lies {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			rows := scanLies(t, w, func(q, m *dns.Msg) { lie(w, old, q, m) })
			for _, row := range rows {
				// A name that is lied about is bogus, or its reply is no answer of the public DNS.
				doubted := slices.ContainsFunc([][]string{
					{"lookup-failed", "dnssec-bogus", "bogus"}, {"lookup-failed", "malformed-reply", "unknown"}, {"lookup-failed", "filtered", "unknown"},
				}, func(words []string) bool { return slices.Equal(row, words) })
				denied := slices.Equal(row, []string{"denied", "no-issuer", "secure"})
				if !denied && (what == "" || !doubted) {
					t.Errorf("%q, with the lie %q", row, what)
				}
			}
			if what != "" && !slices.ContainsFunc(rows, func(row []string) bool { return row[0] == "lookup-failed" }) {
				t.Errorf("%q: the lie changes nothing, so nothing is tested", what)
			}
		})
	}
}

// TestAResolverThatStripsEverything leaves nothing to be validated: rows are as without
// validation, and none is secure or insecure. What it leaves of the records still denies.
func TestAResolverThatStripsEverything(t *testing.T) {
	w := buildWorld(t, time.Now(), dnssectest.LyingWorld())
	for _, ad := range []bool{false, true} {
		rows := scanLies(t, w, func(_, m *dns.Msg) {
			drop := func(rr dns.RR) bool {
				return slices.Contains([]uint16{dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeDNSKEY, dns.TypeDS}, rr.Header().Rrtype)
			}
			m.Answer, m.Ns, m.AuthenticatedData = slices.DeleteFunc(m.Answer, drop), slices.DeleteFunc(m.Ns, drop), ad
		})
		for _, row := range rows {
			if !slices.Equal(row, []string{"denied", "no-issuer", "unknown"}) {
				t.Errorf("AD %v: %q, want it denied, and nothing known of its signatures", ad, row)
			}
		}
	}
}

func buildWorld(t *testing.T, at time.Time, specs []dnssectest.Spec) *dnssectest.World {
	t.Helper()
	w, err := dnssectest.Build(at, specs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// scanLies scans the list for a CA that other zones let issue, by own validation through a
// resolver whose replies are changed. It returns status, reason and caa_dnssec of each row.
func scanLies(t *testing.T, w *dnssectest.World, change func(q, m *dns.Msg)) (rows [][]string) {
	t.Helper()
	anchor := filepath.Join(t.TempDir(), "root.ds")
	writeText(t, anchor, w.Anchor.String()+"\n")
	address := playSigned(t, func(q *dns.Msg) *dns.Msg {
		m := w.Answer(q.Question[0].Name, q.Question[0].Qtype)
		change(q, m)
		return m
	})
	got := runWith(t.Context(), lyingList, "scan", "-", "--issuer", "evil.example", "-o", "-", "--resolver", address,
		"--dnssec", "own", "--trust-anchor", anchor, "--final-pass-after", "0s")
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	report := readReport(t, got.stdout)
	for _, row := range report[1:] {
		rows = append(rows, pick(report[0], row, "caa_status", "caa_reason", "caa_dnssec"))
	}
	return rows
}

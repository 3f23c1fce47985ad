package main

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// TestAResolverThatStopsValidatingIsTold on stderr and in the report, and what it said
// since then is not validated.
func TestAResolverThatStopsValidatingIsTold(t *testing.T) {
	dir := t.TempDir()
	world := writeText(t, filepath.Join(dir, "world.zone"), "$ORIGIN example.\n@ 300 SOA ns h 1 1 1 1 300\na 300 A 192.0.2.1\n"+
		"b 300 CAA 0 issuemail \"ca.example\"\n@ 300 A 192.0.2.1 ; answer: insecure\n")
	var asked atomic.Int64
	server, err := dnstest.Start(dnstest.Config{
		Zones: []*zone.Zone{load(t, world)}, Validates: true,
		Handle: func(q dnstest.Query) []dnstest.Reply {
			replies := q.Replies()
			if q.Type == dns.TypeCAA {
				asked.Add(1)
			}
			if asked.Load() > 0 {
				for i := range replies {
					replies[i].Wire[3] &^= 1 << 5 // AD (RFC 4035, section 3.2.3)
				}
			}
			return replies
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	list := writeText(t, filepath.Join(dir, "list.csv"), "domain\na.example\nb.example\n")
	report, page := filepath.Join(dir, "report.csv"), filepath.Join(dir, "report.html")
	got := runWith(t.Context(), "", "scan", list, "--issuer", "ca.example", "--resolver", server.Addr(), "-o", report, "-o", page,
		"--snapshot", filepath.Join(dir, "answers.jsonl"))
	const words = "stopped validating DNSSEC during the scan, and no other could be asked: 3 answers"
	if got.code != exitDone || !strings.Contains(got.stderr, words) || !strings.Contains(readText(t, page), words) {
		t.Errorf("exit %d, stderr %q, want %q there and in the report", got.code, got.stderr, words)
	}
	again := filepath.Join(dir, "again.csv")
	if got := runWith(t.Context(), "", "scan", list, "--issuer", "ca.example", "--from-snapshot", filepath.Join(dir, "answers.jsonl"), "-o", again); got.code != exitDone {
		t.Errorf("%+v", got)
	}
	for _, file := range []string{report, again} {
		if text := readText(t, file); strings.Count(text, ",unknown,") != 2 || strings.Contains(text, ",insecure,") {
			t.Errorf("%s: %s, want both rows not validated", file, text)
		}
	}
}

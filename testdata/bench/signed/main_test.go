package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestTheWorldIsWhatItsListsSay: each domain that is expected to be there is delegated once by
// its top-level domain, with a DS record if its zone is signed, and queries.txt is the sum.
func TestTheWorldIsWhatItsListsSay(t *testing.T) {
	dir := t.TempDir()
	const domains = 400
	w := world{domains: domains, signed: 0.25}
	if err := w.write(dir); err != nil {
		t.Fatal(err)
	}
	ns, ds := delegations(t, dir)
	want := 1 + 2*len(tlds)
	listed := strings.Fields(read(t, dir, "domains.txt"))
	conf := read(t, dir, "zones.conf")
	for _, name := range listed {
		signed := strings.Contains(conf, strconv.Quote(name+"."))
		if served := signed || strings.Contains(conf, strconv.Quote(name)); served != (ns[name+"."] == 1) || signed != (ds[name+"."] == 1) {
			t.Errorf("%s: served %v, signed %v, %d delegations, %d DS records", name, served, signed, ns[name+"."], ds[name+"."])
		}
		want += ns[name+"."] + ds[name+"."]
	}
	if got := strings.TrimSpace(read(t, dir, "queries.txt")); got != strconv.Itoa(want) || len(listed) != domains {
		t.Errorf("%s queries for %d domains, want %d for %d", got, len(listed), want, domains)
	}
	if lines := strings.Count(read(t, dir, "expected.csv"), "\n"); lines != domains+1 {
		t.Errorf("%d lines say what is expected, want %d", lines, domains+1)
	}
}

// delegations counts NS and DS records by owner in the zones of the top-level domains, which have
// to be as NSD reads them.
func delegations(t *testing.T, dir string) (ns, ds map[string]int) {
	t.Helper()
	ns, ds = make(map[string]int), make(map[string]int)
	for _, tld := range tlds {
		parser := dns.NewZoneParser(bufio.NewReader(strings.NewReader(read(t, dir, tld.name+".zone"))), "", tld.name)
		for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
			switch rr.Header().Rrtype {
			case dns.TypeNS:
				ns[rr.Header().Name]++
			case dns.TypeDS:
				ds[rr.Header().Name]++
			}
		}
		if err := parser.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return ns, ds
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

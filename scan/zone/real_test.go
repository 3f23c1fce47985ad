package zone_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/zone"
)

// realFile returns the path of a file of real data, which lies in a folder
// "shared" beside the checkout and is always there in CI.
func realFile(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "gov", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("real data: %v", err)
		}
		t.Skipf("real data is not beside the checkout: %v", err)
	}
	return path
}

func load(t testing.TB, path string) *zone.Zone {
	t.Helper()
	z, err := zone.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// The library's own reader is the second opinion on a real file.
func TestLoadReadsRealFilesAsTheLibraryDoes(t *testing.T) {
	for _, file := range []string{"gov.zone", "root.zone"} {
		t.Run(file, func(t *testing.T) {
			path := realFile(t, file)
			got := make(map[string]int)
			for r := range load(t, path).Records() {
				got[fmt.Sprintf("%s %d %d %x", r.Name, r.TTL, r.Type, r.RDATA)]++
			}
			want := byLibrary(t, path)
			if len(got) < 2000 {
				t.Errorf("%d records, want thousands", len(got))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Load mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func byLibrary(t testing.TB, path string) map[string]int {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	records := make(map[string]int)
	parser := dns.NewZoneParser(bufio.NewReader(file), "", "")
	wire := make([]byte, 1<<16)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		header := *rr.Header()
		rr.Header().Name = "."
		size, err := dns.PackRR(rr, wire, 0, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		name := dns.CanonicalName(header.Name)
		if name != "." {
			name = name[:len(name)-1]
		}
		records[fmt.Sprintf("%s %d %d %x", name, header.Ttl, header.Rrtype, wire[11:size])] = 1
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	return records
}

func TestAnswerFromRealFiles(t *testing.T) {
	s, err := zone.NewSet(load(t, realFile(t, "gov.zone")), load(t, realFile(t, "root.zone")))
	if err != nil {
		t.Fatal(err)
	}
	testAnswers(t, s, []answerTest{
		{"a name without CAA", "18f.gov. CAA", "authoritative NOERROR aa\nauthority gov. 300 SOA"},
		{"the deepest zone serves its apex", "gov. CAA", "authoritative NOERROR aa\nauthority gov. 300 SOA"},
		{"a name that is not there", "caascan-nowhere.gov. CAA", "authoritative NXDOMAIN aa\nauthority gov. 300 SOA"},
		{"CAA records, in the file's order", "35thdistrictcourtmi.gov. CAA", `authoritative NOERROR aa
answer 35thdistrictcourtmi.gov. 300 CAA 0 iodef "mailto:security@brave.com"
answer 35thdistrictcourtmi.gov. 300 CAA 0 issue "amazon.com"
answer 35thdistrictcourtmi.gov. 300 CAA 0 issue "digicert.com"
answer 35thdistrictcourtmi.gov. 300 CAA 0 issue "letsencrypt.org"
answer 35thdistrictcourtmi.gov. 300 CAA 0 issuemail ";"
answer 35thdistrictcourtmi.gov. 300 CAA 0 issuewild "amazon.com"
answer 35thdistrictcourtmi.gov. 300 CAA 0 issuewild "letsencrypt.org"`},
	})
}

func BenchmarkLoad(b *testing.B) {
	path := realFile(b, "gov.zone")
	for b.Loop() {
		load(b, path)
	}
}

package scan_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/input"
	"caascan/scan/snapshot"
)

// millionMailboxes writes a list of the size that has to be quick, over 180,000
// domains of which some have many rows, each seventh in capitals.
func millionMailboxes(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "mailboxes.csv")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	to := bufio.NewWriter(file)
	random := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(to, "id,name,email,department,country")
	for i := range 1_000_000 {
		at := random.Float64()
		name := fmt.Sprintf("mail.customer%d.example", int(at*at*at*at*300_000))
		if i%7 == 0 {
			name = strings.ToUpper(name)
		}
		fmt.Fprintf(to, "%d,\"Nobody, Nils\",nils.nobody%d@%s,R&D,DE\n", i+1, i%1000, name)
	}
	if err := to.Flush(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkFirstPass reads a list and finds its distinct domains, as Collect does
// beside the lookups.
func BenchmarkFirstPass(b *testing.B) {
	in, err := input.Open(b.Context(), millionMailboxes(b), nil, input.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	names := 0
	b.ReportAllocs()
	for b.Loop() {
		names = 0
		seen := make(map[domain.Name]struct{})
		for batch := range scan.DistinctNames(b.Context(), in.Rows(), seen, func(err error) { b.Fatal(err) }) {
			names += len(batch)
		}
	}
	b.ReportMetric(float64(names), "names")
}

// BenchmarkLongSet makes the Outcome of a set of 64 KiB, as one who wants to keep a scan busy
// would choose it: as many records as there is room for, none of them like another, and each
// as long as the names that it is held against.
func BenchmarkLongSet(b *testing.B) {
	for _, tag := range []string{"issuemail", "issuemayl", "issue"} {
		b.Run(tag, func(b *testing.B) {
			const records = 64 << 10 / 34 // a compressed owner, the fixed fields, and the RDATA
			set := caa.RRset{Owner: "x.example"}
			for i := range records {
				p, err := caa.NewProperty(0, tag, fmt.Sprintf("x%05d.biz", i))
				if err != nil {
					b.Fatal(err)
				}
				set.Properties = append(set.Properties, p)
			}
			name, err := domain.Parse(set.Owner)
			if err != nil {
				b.Fatal(err)
			}
			issuer, err := caa.ParseIssuer("ca.example")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				var store snapshot.Store
				o := snapshot.Observation{Name: name, Records: set}
				store.Put(o)
				scan.New(scan.Config{Issuers: []caa.Issuer{issuer}, Store: &store}).Verdict(o.Name)
			}
		})
	}
}

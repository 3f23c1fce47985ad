package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkScan runs the whole program over a list of 10,000 mailboxes at 2,000
// domains, of which one in twelve has CAA records, answered in memory.
func BenchmarkScan(b *testing.B) {
	const domains, rows = 2000, 10_000
	var zone, list strings.Builder
	zone.WriteString("$ORIGIN example.\n$TTL 3600\n@ SOA ns hostmaster 1 7200 900 1209600 300\n")
	for i := range domains {
		fmt.Fprintf(&zone, "company%d A 192.0.2.1\n", i)
		if i%12 == 0 {
			fmt.Fprintf(&zone, "company%d CAA 0 issuemail \"ca%d.example\"\n", i, i%5)
		}
	}
	list.WriteString("name,email\n")
	for i := range rows {
		fmt.Fprintf(&list, "\"Nobody, %d\",nobody%d@company%d.example\n", i, i, i%domains)
	}
	dir := b.TempDir()
	zoneFile, listFile := filepath.Join(dir, "example.zone"), filepath.Join(dir, "list.csv")
	writeBenchFile(b, zoneFile, zone.String())
	writeBenchFile(b, listFile, list.String())
	for _, formats := range [][]string{{"csv"}, {"xlsx"}, {"csv", "xlsx"}} {
		args := []string{"scan", listFile, "--issuer", "ca0.example", "--zone", zoneFile}
		for _, format := range formats {
			args = append(args, "-o", filepath.Join(dir, "report."+format))
		}
		b.Run(strings.Join(formats, "+"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var stdout, stderr bytes.Buffer
				if code := run(b.Context(), args, strings.NewReader(""), &stdout, &stderr); code != exitDone {
					b.Fatalf("exit %d: %s", code, &stderr)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}

func writeBenchFile(b *testing.B, path, text string) {
	b.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

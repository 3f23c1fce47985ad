package report

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// benchRows is a list as they come: rows in no order of their domains, some of
// which are frequent, and one domain in twelve with CAA records.
func benchRows(b *testing.B, rows int) []scan.Result {
	b.Helper()
	verdicts := make([]*scan.Verdict, rows/5)
	for i := range verdicts {
		verdicts[i] = benchVerdict(b, i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	results := make([]scan.Result, rows)
	for i := range results {
		n := random.IntN(len(verdicts))
		if i%3 == 0 {
			n = random.IntN(50)
		}
		v := verdicts[n]
		address := fmt.Sprintf("firstname.lastname%d@%s", i, v.Domain)
		results[i] = scan.Result{
			Row:     scan.Row{Number: i + 2, Cells: []string{fmt.Sprint(10_000 + i), "Lastname, Firstname", address}, Cell: address},
			Verdict: v,
		}
	}
	return results
}

func benchVerdict(b *testing.B, n int) *scan.Verdict {
	v := &scan.Verdict{
		Domain:    name(b, fmt.Sprintf("company%d.example", n)),
		Decisions: []scan.Decision{{Status: scan.Permitted, Reason: scan.Reason(caa.NoCAA)}},
		DNSSEC:    snapshot.Insecure,
		Resolver:  "192.0.2.53:53",
		CheckedAt: time.Date(2026, 11, 23, 12, 0, n%60, 0, time.UTC),
	}
	v.Decisions[0].Detail = fmt.Sprintf("No CAA records at %s or any of its parents: every CA may issue.", v.Domain)
	if n%12 == 0 {
		v.FoundAt = v.Domain
		v.Records = issuemail(b, v.Domain.String(), "other.example", "another.example; account=12345")
		v.Decisions = []scan.Decision{{
			Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed),
			Detail: fmt.Sprintf("The CAA records at %s let only other.example issue certificates for mail; ca.example is not listed.", v.Domain),
			Fix:    []string{v.Domain.String() + `. 3600 IN CAA 0 issuemail "other.example"`, v.Domain.String() + `. 3600 IN CAA 0 issuemail "ca.example"`},
		}}
	}
	return v
}

func BenchmarkCSV(b *testing.B)  { benchmark(b, CSV) }
func BenchmarkXLSX(b *testing.B) { benchmark(b, XLSX) }

func benchmark(b *testing.B, format Format) {
	results := benchRows(b, 100_000)
	layout := Layout{Header: []string{"number", "name", "email"}, Issuers: []string{"ca.example"}, TempDir: b.TempDir()}
	b.ReportAllocs()
	var size counter
	for b.Loop() {
		size = 0
		w, err := New(format, &size, layout)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range results {
			if err := w.Write(r); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(Run{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)/float64(len(results)), "B/row")
}

// counter counts what is written to it.
type counter int64

var _ io.Writer = (*counter)(nil)

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

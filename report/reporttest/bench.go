package reporttest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// BenchRows is a list as they come: rows in no order of their domains, some of
// which are frequent, and one domain in twelve with CAA records.
func BenchRows(b *testing.B, rows int) []scan.Result {
	b.Helper()
	verdicts := make([]scan.Verdict, rows/5)
	open := BenchOpen()
	for i := range verdicts {
		verdicts[i] = BenchVerdict(b, i, open)
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
			Row: scan.Row{
				Number: i + 2, Cell: address,
				Cells: []string{fmt.Sprint(10_000 + i), "Lastname, Firstname", address, "R&D", "DE"},
			},
			Verdict: v,
		}
	}
	return results
}

// BenchOpen is what nearly all domains share.
func BenchOpen() *scan.Outcome {
	return &scan.Outcome{
		Decisions: []scan.Decision{{
			Status: scan.Permitted, Reason: scan.Reason(caa.NoCAA),
			Detail: "No CAA records at the domain or any of its parents: every CA may issue.",
		}},
		DNSSEC:   snapshot.Insecure,
		Resolver: "192.0.2.53:53",
	}
}

// BenchVerdict is that of the n-th domain: one in twelve is denied, the others share open.
func BenchVerdict(b *testing.B, n int, open *scan.Outcome) scan.Verdict {
	v := scan.Verdict{
		Domain:    Name(b, fmt.Sprintf("company%d.example", n)),
		Number:    n + 1,
		CheckedAt: time.Date(2026, 11, 23, 12, 0, n%60, 0, time.UTC),
		Outcome:   open,
	}
	if n%12 == 0 {
		v.Outcome = &scan.Outcome{
			FoundAt: v.Domain, DNSSEC: open.DNSSEC, Resolver: open.Resolver,
			Records: Issuemail(b, v.Domain.String(), "other.example", "another.example; account=12345"),
			Decisions: []scan.Decision{{
				Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed),
				Detail: scan.Sentence("The CAA records at " + v.Domain.String() + " let only other.example issue certificates for mail; ca.example is not listed."),
				Fix:    Fix(b, v.Domain.String(), "other.example", "ca.example"),
			}},
		}
	}
	return v
}

// BenchLayout fits BenchRows.
func BenchLayout(b *testing.B) report.Layout {
	return report.Layout{Header: []string{"number", "name", "email", "department", "country"}, Issuers: []string{"ca.example"}, TempDir: b.TempDir()}
}

// BenchmarkRows is enough for the buffers of the workbook's parts not to matter.
const BenchmarkRows = 200_000

// Bench measures the Writers of a maker.
func Bench(b *testing.B, newWriter Maker) {
	results, layout := BenchRows(b, BenchmarkRows), BenchLayout(b)
	tally := new(report.Tally)
	for _, r := range results {
		tally.Add(r)
	}
	b.ReportAllocs()
	var size Counter
	for b.Loop() {
		size = 0
		w, err := newWriter(&size, layout)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range results {
			if err := w.Write(r); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(report.NewOverview([]string{"ca.example"}, report.Run{}, tally)); err != nil {
			b.Fatal(err)
		}
	}
	PerRow(b, size, len(results))
}

// PerRow reports what a row costs.
func PerRow(b *testing.B, size Counter, rows int) {
	b.ReportMetric(float64(size)/float64(rows), "B/row")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

// Counter counts what is written to it.
type Counter int64

var _ io.Writer = (*Counter)(nil)

// Write counts p and never fails.
func (c *Counter) Write(p []byte) (int, error) {
	*c += Counter(len(p))
	return len(p), nil
}

package report_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// TestReportIsSmall holds the live heap of the second pass, all answers with it, to 300
// octets for each further distinct domain, whatever came of it. A fixed number of outcomes
// is kept, less than the shorter list has; so it is the difference of two lists that counts.
func TestReportIsSmall(t *testing.T) {
	const domains, bound = 40_000, 300
	for _, kind := range kindsOfAnswers {
		t.Run(kind.name, func(t *testing.T) {
			less, more := heapOfReport(t, domains, kind.fill), heapOfReport(t, 2*domains, kind.fill)
			if each := (more - less) / domains; each > bound {
				t.Errorf("%d octets a domain, want at most %d", each, bound)
			}
		})
	}
}

// kindsOfAnswers are those that take the most memory, each of a domain with a number, and
// with nothing in common but what real answers have in common.
var kindsOfAnswers = []struct {
	name string
	fill func(t *testing.T, o *snapshot.Observation, n int)
}{
	{"denied, all by the same set", func(t *testing.T, o *snapshot.Observation, _ int) {
		o.Records = caa.RRset{Owner: o.Name.String(), Properties: []caa.Property{property(t, 0, "issuemail", ";")}}
	}},
	{"denied, each by a set of its own", func(t *testing.T, o *snapshot.Observation, n int) {
		o.Records = caa.RRset{Owner: o.Name.String(), Properties: []caa.Property{property(t, 0, "issuemail", fmt.Sprintf("ca%d.example", n))}}
	}},
	{"denied, each at an alias of its own", func(t *testing.T, o *snapshot.Observation, n int) {
		o.Aliases = []string{fmt.Sprintf("policy%d.hoster.example", n)}
		o.Records = caa.RRset{Owner: o.Aliases[0], Properties: []caa.Property{property(t, 0, "issuemail", ";")}}
	}},
	{"no answer, with a proof", func(_ *testing.T, o *snapshot.Observation, _ int) {
		o.Failure, o.Proofs = snapshot.Timeout, []snapshot.Proof{proofFor(o)}
	}},
	{"SERVFAIL, with a text of its own and a proof", func(_ *testing.T, o *snapshot.Observation, _ int) {
		o.Failure, o.Proofs = snapshot.NoAuthority, []snapshot.Proof{proofFor(o)}
		o.EDE = []snapshot.EDE{{Code: 22, Text: "At delegation " + o.Name.String() + " for " + o.Name.String() + "/caa"}}
	}},
}

func proofFor(o *snapshot.Observation) snapshot.Proof {
	step := func(name string, finding snapshot.Finding, after time.Duration) snapshot.ProofStep {
		return snapshot.ProofStep{Name: name, Finding: finding, Server: o.Server, Replied: true, AD: true, Time: o.Time.Add(after)}
	}
	return snapshot.Proof{Name: o.Name.String(), State: snapshot.ProvenInsecure, Steps: []snapshot.ProofStep{
		step("example", snapshot.SignedDelegation, -time.Second), step(o.Name.String(), snapshot.InsecureDelegation, time.Second),
	}}
}

// heapOfReport returns the octets that are live after a list of so many domains was joined
// with their answers and counted.
func heapOfReport(t *testing.T, domains int, fill func(*testing.T, *snapshot.Observation, int)) int {
	before, at := liveHeap(), time.Date(2026, 11, 30, 1, 2, 3, 4, time.UTC)
	store := new(snapshot.Store)
	for n := range domains {
		o := snapshot.Observation{
			Name: reporttest.Name(t, domainOf(n)), Server: "192.0.2.53:53", Transport: snapshot.UDP, TTL: 300, Attempts: 1,
			Time: at.Add(time.Duration(n) * time.Millisecond),
		}
		fill(t, &o, n)
		store.Put(o)
	}
	scanner := scan.New(scan.Config{Issuers: cas(t, "ca.example"), Store: store})
	tally := &report.Tally{Outcome: scanner.Outcome}
	for n := range domains {
		tally.Add(scan.Result{Verdict: scanner.Verdict(reporttest.Name(t, domainOf(n)))})
	}
	live := liveHeap() - before
	runtime.KeepAlive(tally)
	return live
}

func domainOf(n int) string { return fmt.Sprintf("company%012d.example", n) }

func liveHeap() int {
	runtime.GC()
	runtime.GC() // what the first one found dead is swept
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

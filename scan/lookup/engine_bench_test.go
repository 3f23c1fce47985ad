package lookup_test

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"caascan/scan/dnssec"
	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/lookup/dnstest"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// BenchmarkEngine looks up distinct names with many queries in flight: those of the
// file CAASCAN_BENCH_NAMES, a name a line, from the server CAASCAN_BENCH_SERVER, with
// CAASCAN_BENCH_INFLIGHT queries in flight (1000). By default both are small and the
// server is in this process, so that its CPU time counts too. If there is a file
// CAASCAN_BENCH_ANCHOR, a trust anchor, the answers are validated here. As the last names, whose
// queries got lost, may take long, "bulk/s" is the rate until 99 of 100 are answered.
func BenchmarkEngine(b *testing.B) {
	names, config := benchNames(b), benchConfig(b)
	b.ReportAllocs()
	var total lookup.Stats
	var cpu, bulk time.Duration
	for b.Loop() {
		client := benchClient(b, config)
		before, began, answered := cpuTime(), time.Now(), 0
		err := client.Lookup(b.Context(), slices.Chunk(names, 256), func(some []snapshot.Observation) {
			if answered < bulkOf(names) && answered+len(some) >= bulkOf(names) {
				bulk += time.Since(began)
			}
			answered += len(some)
		})
		if err != nil {
			b.Fatal(err)
		}
		cpu += cpuTime() - before
		total.Names += client.Stats().Names
		total.Queries += client.Stats().Queries
		needAnswers(b, client, slices.Values(names))
	}
	b.ReportMetric(float64(total.Queries)/b.Elapsed().Seconds(), "queries/s")
	b.ReportMetric(float64(b.N*bulkOf(names))/bulk.Seconds(), "bulk/s")
	b.ReportMetric(float64(total.Queries)/float64(total.Names), "queries/name")
	b.ReportMetric(float64(cpu.Nanoseconds())/float64(total.Queries), "cpu-ns/query")
}

func bulkOf(names []domain.Name) int { return len(names) * 99 / 100 }

// needAnswers ends a benchmark that is quick because it fails.
func needAnswers(b *testing.B, client *lookup.Client, names iter.Seq[domain.Name]) {
	b.Helper()
	b.StopTimer()
	defer b.StartTimer()
	for name := range names {
		if o, ok := client.Store().Find(name); !ok || o.Failure != "" {
			b.Fatalf("%v: found %v, failure %q, want an answer", name, ok, o.Failure)
		}
	}
}

// smallWorld is how many names are looked up by default.
const smallWorld = 5000

func benchNames(b *testing.B) []domain.Name {
	b.Helper()
	path := os.Getenv("CAASCAN_BENCH_NAMES")
	if path == "" {
		var names []domain.Name
		for i := range smallWorld {
			names = append(names, parseName(b, smallName(i)))
		}
		return names
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	var names []domain.Name
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		names = append(names, parseName(b, lines.Text()))
	}
	if err := lines.Err(); err != nil {
		b.Fatal(err)
	}
	return names
}

func smallName(i int) string { return fmt.Sprintf("company%d.example", i) }

func parseName(t testing.TB, text string) domain.Name {
	t.Helper()
	name, err := domain.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func benchConfig(b *testing.B) lookup.Config {
	b.Helper()
	config := lookup.Config{Servers: []lookup.Server{benchServer(b)}, Concurrency: benchInFlight(b)}
	path := os.Getenv("CAASCAN_BENCH_ANCHOR")
	if path == "" {
		return config
	}
	text, err := os.ReadFile(path)
	if err == nil {
		config.DNSSEC = lookup.Own
		config.Anchors, err = dnssec.ReadAnchors(bytes.NewReader(text), path)
	}
	if err != nil {
		b.Fatal(err)
	}
	return config
}

// benchClient returns a Client. Only what Probe finds lets it validate.
func benchClient(b *testing.B, config lookup.Config) *lookup.Client {
	b.Helper()
	client, err := lookup.New(config)
	if err == nil && config.DNSSEC == lookup.Own {
		_, err = client.Probe(b.Context())
	}
	if err == nil && config.DNSSEC == lookup.Own && client.Validates() != lookup.Own {
		b.Fatal("the server passes no DNSSEC records that hold")
	}
	if err != nil {
		b.Fatal(err)
	}
	return client
}

func benchInFlight(b *testing.B) int {
	b.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("CAASCAN_BENCH_INFLIGHT"), "1000"))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func benchServer(b *testing.B) lookup.Server {
	b.Helper()
	address := os.Getenv("CAASCAN_BENCH_SERVER")
	if address == "" {
		address = startSmallWorld(b)
	}
	server, err := lookup.ParseServer(address)
	if err != nil {
		b.Fatal(err)
	}
	return server
}

// startSmallWorld serves a small zone.
func startSmallWorld(b *testing.B) (address string) {
	b.Helper()
	server, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{smallZone(b, smallWorld)}, Forget: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Close)
	return server.Addr()
}

// smallShare says which names have CAA records: every twelfth.
const smallShare = 12

func smallZone(t testing.TB, size int) *zone.Zone {
	t.Helper()
	var text strings.Builder
	text.WriteString("$ORIGIN example.\n$TTL 3600\n@ SOA ns hostmaster 1 7200 900 1209600 300\n")
	for i := range size {
		fmt.Fprintf(&text, "%s. A 192.0.2.1\n", smallName(i))
		if i%smallShare == 0 {
			fmt.Fprintf(&text, "%s. CAA 0 issuemail \"ca.example\"\n", smallName(i))
		}
	}
	z, err := zone.Parse(strings.NewReader(text.String()), "small.zone")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

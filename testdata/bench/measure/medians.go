package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// The labels of runs, by which the script and the ratios name them.
const (
	dnsperf       = "dnsperf"
	domains       = "domains"
	recorded      = "recorded"
	toCSV         = "csv"
	toXLSX        = "xlsx"
	toBoth        = "both"
	engine        = "engine"
	dnsperfDirect = "dnsperf-direct"
	growthBase    = toCSV
	growth        = "growth"
	writer        = "writer"
	bareWriter    = "bare-writer"
	farDnsperf    = "dnsperf-far"
	far           = "far"
	lossy         = "lossy"
	nearDnsperf   = "dnsperf-near"
	near          = "near"
)

// works are the lines of the table, in its order.
var works = [...]struct{ label, words string }{
	{dnsperf, "dnsperf, resolver, distinct domains"},
	{domains, "caascan, distinct domains to CSV"},
	{recorded, "caascan, the same with a snapshot"},
	{toCSV, "caascan, mailboxes to CSV"},
	{toXLSX, "caascan, mailboxes to XLSX"},
	{toBoth, "caascan, mailboxes to CSV and XLSX"},
	{growth, "caascan, ten times the mailboxes to CSV"},
	{dnsperfDirect, "dnsperf, name server"},
	{engine, "BenchmarkEngine, name server"},
	{farDnsperf, "dnsperf, 50 ms away"},
	{far, "BenchmarkEngine, 50 ms away"},
	{lossy, "BenchmarkEngine, 50 ms away, 1 % lost"},
	{nearDnsperf, "dnsperf, 64 in flight, 20 ms away"},
	{near, "BenchmarkEngine, 64 in flight, 20 ms away"},
	{writer, "BenchmarkXLSX"},
	{bareWriter, "BenchmarkBareStreamWriter"},
}

// ratios are what the goals are about: a number of one work over that of another.
var ratios = [...]struct {
	words    string
	of, over string
	number   func(taken) float64
	goal     string
}{
	{"engine: CPU per lookup ÷ dnsperf's", engine, dnsperfDirect, cpuOf, "at most 1"},
	{"distinct domains to CSV: CPU per lookup ÷ dnsperf's", domains, dnsperf, cpuOf, "at most 1.3"},
	{"with a snapshot: time ÷ that without", recorded, domains, wallOf, "at most 1.1"},
	{"50 ms away: queries a second ÷ dnsperf's", far, farDnsperf, rateOf, "at least 0.9"},
	{"50 ms away, 1 % lost: those ÷ dnsperf's without loss", lossy, farDnsperf, rateOf, "at least 0.9"},
	{"20 ms away, 64 in flight: those ÷ dnsperf's", near, nearDnsperf, rateOf, ""},
	{"mailboxes to XLSX: time ÷ that to CSV", toXLSX, toCSV, wallOf, ""},
	{"BenchmarkXLSX: time ÷ that of bare StreamWriter", writer, bareWriter, wallOf, "at most 1.3"},
	{"ten times the rows: time ÷", growth, growthBase, wallOf, "10"},
	{"ten times the rows: peak memory ÷", growth, growthBase, rssOf, "at most 1.1"},
}

func wallOf(t taken) float64 { return t.wall }
func cpuOf(t taken) float64  { return t.cpu }
func rssOf(t taken) float64  { return t.rss }
func rateOf(t taken) float64 { return t.rate }

// printMedians prints the medians of all runs, and the ratios of those.
func printMedians(to io.Writer, path string) error {
	runs, err := readRuns(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(to, "%-42s %4s %8s %14s %9s %13s %10s\n", "median of", "runs", "wall s", "CPU µs/lookup", "peak MiB", "queries/name", "queries/s")
	medians := make(map[string]taken)
	for _, work := range works {
		if all := runs[work.label]; len(all) > 0 {
			m := medianOf(all)
			medians[work.label] = m
			fmt.Fprintf(to, "%-42s %4d %8.2f %14s %9s %13s %10s\n", work.words, len(all), m.wall,
				known(m.cpu, 2), known(m.rss, 0), known(m.perName, 5), known(m.rate, 0))
		}
	}
	fmt.Fprintf(to, "\n%-54s %6s  %s\n", "ratio", "", "goal")
	for _, r := range ratios {
		of, ok := medians[r.of]
		over, ok2 := medians[r.over]
		if ok && ok2 && r.number(over) > 0 {
			fmt.Fprintf(to, "%-54s %6.2f  %s\n", r.words, r.number(of)/r.number(over), r.goal)
		}
	}
	fmt.Fprintf(to, "%-54s %6s  %s\n", "mailboxes to CSV: seconds", known(medians[toCSV].wall, 2), "at most 2.5 for a million")
	fmt.Fprintf(to, "%-54s %6s  %s\n", "mailboxes to CSV and XLSX: peak MiB", known(medians[toBoth].rss, 0), "at most 200")
	return nil
}

// known writes a number, and a dash for one that was not measured.
func known(n float64, digits int) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatFloat(n, 'f', digits, 64)
}

func readRuns(path string) (map[string][]taken, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	runs := make(map[string][]taken)
	for _, line := range lines {
		t := taken{label: line[0]}
		for i, field := range []*float64{&t.wall, &t.cpu, &t.rss, &t.perName, &t.rate} {
			if *field, err = strconv.ParseFloat(line[i+1], 64); err != nil {
				return nil, err
			}
		}
		runs[t.label] = append(runs[t.label], t)
	}
	return runs, nil
}

// medianOf takes the median of each number by itself.
func medianOf(runs []taken) taken {
	number := func(of func(taken) float64) float64 {
		var all []float64
		for _, t := range runs {
			all = append(all, of(t))
		}
		return median(all)
	}
	return taken{
		wall: number(wallOf), cpu: number(cpuOf), rss: number(rssOf), rate: number(rateOf),
		perName: number(func(t taken) float64 { return t.perName }),
	}
}

func median(numbers []float64) float64 {
	slices.Sort(numbers)
	middle := len(numbers) / 2
	if len(numbers)%2 == 1 {
		return numbers[middle]
	}
	return (numbers[middle-1] + numbers[middle]) / 2
}

package main

import (
	"bytes"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/input"
	"caascan/scan/lookup"
	"caascan/scan/zone"
)

// small has every kind of name and set many times.
var small = sizes{domains: 6000, subdomains: 3000, rows: 4000}

func generated(t *testing.T, size sizes) string {
	t.Helper()
	dir := t.TempDir()
	if err := generate(dir, size); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheSameSizesGiveTheSameFiles(t *testing.T) {
	one, other := generated(t, small), generated(t, small)
	for _, file := range filesIn(t, one) {
		if !bytes.Equal(read(t, one, file), read(t, other, file)) {
			t.Errorf("%s differs from run to run", file)
		}
	}
}

// TestRowsDoNotChangeTheWorld: a list of another length is about the same domains.
func TestRowsDoNotChangeTheWorld(t *testing.T) {
	more := small
	more.rows *= 2
	one, other := generated(t, small), generated(t, more)
	for _, file := range filesIn(t, one) {
		a, b := read(t, one, file), read(t, other, file)
		if file == "mailboxes.csv" {
			b = b[:min(len(a), len(b))]
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs with the rows", file)
		}
	}
}

// TestDomainsComeAgain: after a million rows no domain is new.
func TestDomainsComeAgain(t *testing.T) {
	dir := generated(t, sizes{domains: 2000, rows: sameDomains + 100})
	rows := readCSV(t, dir, "mailboxes.csv")[1:]
	for n, row := range rows[sameDomains:] {
		_, want, _ := strings.Cut(rows[n][2], "@")
		if _, got, _ := strings.Cut(row[2], "@"); !strings.EqualFold(got, want) {
			t.Fatalf("row %d is about %s, want %s as in row %d", sameDomains+n, got, want, n)
		}
	}
}

// TestCaascanSaysWhatIsExpected scans the lists of a small world over its zones.
func TestCaascanSaysWhatIsExpected(t *testing.T) {
	dir := generated(t, small)
	expected := make(map[string]verdict)
	reasons := make(map[string]int)
	for _, row := range readCSV(t, dir, "expected.csv")[1:] {
		expected[row[0]] = verdict{row[1], row[2]}
		reasons[row[2]]++
	}
	if want := small.domains + small.subdomains; len(expected) != want {
		t.Errorf("%d names have an expected result, want %d", len(expected), want)
	}
	for list, rows := range map[string]int{"domains.txt": small.domains, "mailboxes.csv": small.rows} {
		seen := 0
		for result := range scanned(t, dir, list) {
			seen++
			domain := result.Verdict.Domain.String()
			got := verdict{string(result.Verdict.Decisions[0].Status), string(result.Verdict.Decisions[0].Reason)}
			if want := expected[domain]; got != want {
				t.Errorf("%s, row %d: %q is %v, want %v", list, result.Row.Number, domain, got, want)
			}
		}
		if seen != rows {
			t.Errorf("%s: %d rows, want %d", list, seen, rows)
		}
	}
	for _, reason := range []caa.Reason{
		caa.NoCAA, caa.NoIssuemail, caa.IssuerListed, caa.IssuerNotListed, caa.NoIssuer, caa.MalformedIssuemail, caa.UnknownCritical,
	} {
		if reasons[string(reason)] < 3 {
			t.Errorf("%d names with the reason %s, want some", reasons[string(reason)], reason)
		}
	}
}

// scanned yields the results of a scan, in which no error may happen.
func scanned(t *testing.T, dir, list string) func(yield func(scan.Result) bool) {
	t.Helper()
	in, err := input.Open(t.Context(), filepath.Join(dir, list), nil, input.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	resolver, err := lookup.New(lookup.Config{Zones: zones(t, dir)})
	if err != nil {
		t.Fatal(err)
	}
	if err := scan.Collect(t.Context(), resolver, in.Rows(), nil); err != nil {
		t.Fatal(err)
	}
	ca, err := caa.ParseIssuer(issuer)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(scan.Result) bool) {
		s := scan.New(scan.Config{Issuers: []caa.Issuer{ca}, Store: resolver.Store()})
		for result, err := range s.Results(t.Context(), in.Rows()) {
			if err != nil {
				t.Fatal(err)
			}
			if !yield(result) {
				return
			}
		}
	}
}

func zones(t *testing.T, dir string) *zone.Set {
	t.Helper()
	var zones []*zone.Zone
	for _, file := range filesIn(t, dir) {
		if !strings.HasSuffix(file, ".zone") {
			continue
		}
		z, err := zone.Load(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, z)
	}
	set, err := zone.NewSet(zones...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestQueriesAreForEveryNameThatAClimbAsks: a resolver that was asked all of
// names.dnsperf knows every answer.
func TestQueriesAreForEveryNameThatAClimbAsks(t *testing.T) {
	dir := generated(t, small)
	queries := make(map[string]bool)
	for line := range strings.Lines(string(read(t, dir, "names.dnsperf"))) {
		queries[line] = true
	}
	for _, row := range readCSV(t, dir, "expected.csv")[1:] {
		for at, more := row[0], true; more; _, at, more = strings.Cut(at, ".") {
			if !queries[at+" CAA\n"] {
				t.Errorf("%s is not asked", at)
			}
		}
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]bool)
	for _, entry := range entries {
		files[entry.Name()] = true
	}
	const want = 11
	if len(files) != want {
		t.Fatalf("%d files, want %d", len(files), want)
	}
	return slices.Sorted(maps.Keys(files))
}

func read(t *testing.T, dir, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readCSV(t *testing.T, dir, file string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(read(t, dir, file))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

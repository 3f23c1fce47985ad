package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"caascan/scan"
	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

const conformance = "../../testdata/conformance"

// conformanceCase is a line of the conformance set, whose README describes it.
type conformanceCase struct {
	id, world, input, issuer, status string
	reasons                          []string // any of them
	dnssec                           string
	onFailure                        []string // any of them
	warnings                         []string // in any order
	clause                           string
}

func readCases(t *testing.T) []conformanceCase {
	t.Helper()
	file, err := os.Open(filepath.Join(conformance, "cases.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var cases []conformanceCase
	for _, row := range rows[1:] {
		cell := func(column string) string { return pick(rows[0], row, column)[0] }
		cases = append(cases, conformanceCase{
			cell("id"), cell("world"), cell("input"), cell("issuer"), cell("status"), strings.Split(cell("reason"), "|"),
			cell("dnssec"), strings.Split(cell("on_failure"), "|"), strings.Fields(cell("warnings")), cell("clause"),
		})
	}
	return cases
}

// words are those that a column may hold.
var words = map[string][]string{
	"dnssec":     {"", "secure", "insecure", "bogus", "unknown"},
	"on_failure": {"", "ca-may-issue", "ca-must-not-issue", "unknown"},
}

// elsewhere are the reasons that no DNS world can bring about.
var elsewhere = []string{"broken-row", "not-in-snapshot"}

func TestTheConformanceSetIsWhole(t *testing.T) {
	cases := readCases(t)
	const least = 150
	if len(cases) < least {
		t.Errorf("%d cases, want %d at least", len(cases), least)
	}
	ids, reasons, warnings := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, c := range cases {
		if ids[c.id] || !strings.HasPrefix(c.id, c.world+"-") || c.clause == "" {
			t.Errorf("%s: the id is taken or not of its world, or there is no clause", c.id)
		}
		ids[c.id] = true
		for _, word := range c.onFailure {
			if !slices.Contains(words["on_failure"], word) || !slices.Contains(words["dnssec"], c.dnssec) {
				t.Errorf("%s: %s or %s is no word", c.id, word, c.dnssec)
			}
		}
		for _, reason := range c.reasons {
			reasons[reason] = true
			if !slices.Contains(scan.Reasons(), scan.Reason(reason)) || string(scan.Reason(reason).Status()) != c.status {
				t.Errorf("%s: %s, %s is no status with its reason", c.id, c.status, reason)
			}
		}
		for _, warning := range c.warnings {
			warnings[warning] = true
			if !slices.Contains(scan.Warnings(), scan.Warning(warning)) {
				t.Errorf("%s: %s is no warning", c.id, warning)
			}
		}
	}
	for _, reason := range scan.Reasons() {
		if !reasons[string(reason)] && !slices.Contains(elsewhere, string(reason)) {
			t.Errorf("no case has the reason %s", reason)
		}
	}
	for _, warning := range scan.Warnings() {
		if !warnings[string(warning)] && warning != scan.PrimaryOfSeveral && warning != scan.AnswersDiffer { // which need --addresses, and several snapshots
			t.Errorf("no case has the warning %s", warning)
		}
	}
}

// inWorld returns the cases of a world by issuer, each group for one scan.
func inWorld(cases []conformanceCase, world string) map[string][]conformanceCase {
	groups := make(map[string][]conformanceCase)
	for _, c := range cases {
		if c.world == world {
			groups[c.issuer] = append(groups[c.issuer], c)
		}
	}
	return groups
}

// writeInputs writes a list whose rows are the inputs of cases.
func writeInputs(t *testing.T, cases []conformanceCase) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "inputs.csv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := csv.NewWriter(file)
	_ = w.Write([]string{"input", "id"})
	for _, c := range cases {
		_ = w.Write([]string{c.input, c.id})
	}
	if w.Flush(); w.Error() != nil {
		t.Fatal(w.Error())
	}
	return path
}

// compareCases holds a report on the inputs of cases to what they say.
func compareCases(t *testing.T, cases []conformanceCase, report [][]string) {
	t.Helper()
	if len(report) != len(cases)+1 {
		t.Fatalf("%d rows, want %d", len(report)-1, len(cases))
	}
	for i, c := range cases {
		row := report[i+1]
		cells := pick(report[0], row, "id", "caa_status", "caa_reason", "caa_dnssec", "caa_on_failure", "caa_warnings")
		got := strings.Fields(cells[5])
		slices.Sort(got)
		want := slices.Sorted(slices.Values(c.warnings))
		if cells[0] != c.id || cells[1] != c.status || !slices.Contains(c.reasons, cells[2]) || cells[3] != c.dnssec ||
			!slices.Contains(c.onFailure, cells[4]) || !slices.Equal(got, want) {
			t.Errorf("%s %q (%s):\n got %q %v\nwant %q %q %q %q %v\n%s", c.id, c.input, c.clause, cells[1:5], got,
				c.status, c.reasons, c.dnssec, c.onFailure, want, pick(report[0], row, "caa_detail")[0])
		}
	}
}

func TestConformanceOfZoneFiles(t *testing.T) {
	for issuer, cases := range inWorld(readCases(t), "zone") {
		t.Run(issuer, func(t *testing.T) {
			got := runWith(t.Context(), "", "scan", writeInputs(t, cases), "--column", "input", "--issuer", issuer,
				"--zone", filepath.Join(conformance, "zones", "example.zone"), "--zone", filepath.Join(conformance, "zones", "owned.zone"), "-o", "-")
			if got.code != exitDone {
				t.Fatalf("%+v", got)
			}
			compareCases(t, cases, readReport(t, got.stdout))
		})
	}
}

// TestConformanceOfViews asks a resolver on loopback that validates, of what no CA may rely
// on. Each run has one of its own, because it remembers what it was asked.
func TestConformanceOfViews(t *testing.T) {
	groups := inWorld(readCases(t), "views")
	for _, concurrency := range []string{"1", "64"} {
		for issuer, cases := range groups {
			t.Run(issuer+" with "+concurrency+" in flight", func(t *testing.T) {
				got := runWith(t.Context(), "", "scan", writeInputs(t, cases), "--column", "input", "--issuer", issuer, "-o", "-",
					"--resolver", startViews(t), "--final-pass-after", "0s", "--concurrency", concurrency)
				if got.code != exitDone {
					t.Fatalf("%+v", got)
				}
				compareCases(t, cases, readReport(t, got.stdout))
			})
		}
	}
}

// startViews starts the resolver of the world "views".
func startViews(t *testing.T) string {
	t.Helper()
	var zones []*zone.Zone
	for _, file := range []string{"views.zone", "views-root.zone"} {
		zones = append(zones, load(t, filepath.Join(conformance, "zones", file)))
	}
	server, err := dnstest.Start(dnstest.Config{Zones: zones, Validates: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.Addr()
}

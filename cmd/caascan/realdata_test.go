package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"caascan/report"
	"caascan/scan/lookup/dnstest"
)

// realData is a folder of real lists and zones beside the checkout.
const realData = "../../../shared/data"

// openReal returns the rows of a real CSV file, its header first. Where the data
// is not there the test is skipped, but never in CI.
func openReal(t *testing.T, name string) [][]string {
	t.Helper()
	file, err := os.Open(filepath.Join(realData, name))
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("no real data here: %v", err)
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// partOfDigiCert is all that stderr says of a run for digicert.com, one of the nineteen that
// the CPS names.
const partOfDigiCert = "caascan: --issuer digicert.com holds only some of the issuer domain names that DigiCert recognises for mail: " +
	"www.digicert.com, digicert.ne.jp, cybertrust.ne.jp, thawte.com and 14 more are missing, " +
	"so a domain that names only one of those counts as denied. --issuer \"DigiCert\" takes them all.\n"

// TestGovernmentDomainsGetTheStatusExpected scans the real .gov names over one
// world of real CAA sets, and joins with what is expected of each for the issuer
// digicert.com. Every row comes out; every row that has an expectation meets it.
func TestGovernmentDomainsGetTheStatusExpected(t *testing.T) {
	for _, test := range []struct {
		list, expected string
		rows, joined   int
	}{
		{"domains.csv", "expected.csv", 16539, 16539},
		{"subdomains.csv", "expected_subdomains.csv", 18849, 18036},
	} {
		t.Run(test.list, func(t *testing.T) {
			expected := readExpected(t, test.expected)
			input := openReal(t, "gov/"+test.list)
			rows := scanGov(t, test.list, "1")
			if len(rows) != test.rows+1 || len(rows) != len(input) {
				t.Errorf("%d rows out, want %d and the header", len(rows), test.rows)
			}
			for i, row := range rows[1:] {
				if report.RestoreCell(row[0]) != input[i+1][0] {
					t.Fatalf("row %d is %q, want %q: rows keep their order", i, row[0], input[i+1][0])
				}
			}
			compareExpected(t, rows, expected, test.joined)
		})
	}
}

// readExpected returns the status that is expected of each domain.
func readExpected(t *testing.T, name string) map[string]string {
	t.Helper()
	expected := make(map[string]string)
	for _, row := range openReal(t, "gov/"+name)[1:] {
		expected[row[1]] = row[2]
	}
	return expected
}

// compareExpected holds the rows of a report to what is expected of their domains, which
// is something for so many of them.
func compareExpected(t *testing.T, rows [][]string, expected map[string]string, joined int) {
	t.Helper()
	n := 0
	for _, row := range rows[1:] {
		cells := pick(rows[0], row, "caa_domain", "caa_status", "caa_reason")
		want, ok := expected[cells[0]]
		if !ok {
			continue
		}
		n++
		if cells[1] != want {
			t.Errorf("%s: %s (%s), want %s", cells[0], cells[1], cells[2], want)
		}
	}
	if n != joined {
		t.Errorf("%d rows joined, want %d", n, joined)
	}
}

// TestEvidenceOfGovernmentDomainsGivesTheStatusExpected: both lists, from one snapshot
// each, that of a run over the zone files and that of one that asked a server.
func TestEvidenceOfGovernmentDomainsGivesTheStatusExpected(t *testing.T) {
	gov := filepath.Join(realData, "gov")
	openReal(t, "gov/domains.csv") // or skip
	zones := []string{filepath.Join(gov, "gov.zone"), filepath.Join(gov, "root.zone")}
	server := dnstest.Serve(t, zones...)
	for _, test := range []struct {
		list, expected string
		joined         int
		source         []string
	}{
		{"domains.csv", "expected.csv", 16539, []string{"--zone", zones[0], "--zone", zones[1]}},
		{"subdomains.csv", "expected_subdomains.csv", 18036, []string{"--resolver", server.Addr()}},
	} {
		dir := t.TempDir()
		answers := filepath.Join(dir, "answers.jsonl")
		scan := func(name string, source ...string) string {
			t.Helper()
			path := filepath.Join(dir, name)
			args := []string{"scan", filepath.Join(gov, test.list), "--column", "1", "--issuer", "digicert.com", "-o", path}
			if got := runWith(t.Context(), "", append(args, source...)...); got.code != exitDone || got.stderr != partOfDigiCert {
				t.Fatalf("exit %d, stderr %q, want 0 and what is said of the issuer alone", got.code, got.stderr)
			}
			return readText(t, path)
		}
		run := scan("run.csv", append(test.source, "--snapshot", answers)...)
		again := scan("again.csv", "--from-snapshot", answers)
		if run != again {
			t.Errorf("%s: the report from the snapshot is another one", test.list)
		}
		compareExpected(t, readReport(t, again), readExpected(t, test.expected), test.joined)
		for _, format := range []string{".xlsx", ".html"} {
			if scan("first"+format, "--from-snapshot", answers) != scan("second"+format, "--from-snapshot", answers) {
				t.Errorf("%s: two %s reports from one snapshot differ", test.list, format)
			}
		}
	}
}

// TestBlankContactsAreRowsWithAReason scans the column of contacts, most of which
// read "(blank)".
func TestBlankContactsAreRowsWithAReason(t *testing.T) {
	input := openReal(t, "gov/domains.csv")
	rows := scanGov(t, "domains.csv", "Security contact email")
	if len(rows) != len(input) {
		t.Fatalf("%d rows out, want %d", len(rows), len(input))
	}
	blank := 0
	for i, row := range rows[1:] {
		if input[i+1][6] != "(blank)" {
			continue
		}
		blank++
		if cells := pick(rows[0], row, "caa_status", "caa_reason"); cells[0] != "lookup-failed" || cells[1] != "not-a-domain" {
			t.Errorf("row %d: %v, want lookup-failed, not-a-domain", i+2, cells)
		}
	}
	if want := 11121; blank != want { // grep -c "(blank)" domains.csv
		t.Errorf("%d blank contacts, want %d", blank, want)
	}
}

func scanGov(t *testing.T, list, column string) [][]string {
	t.Helper()
	gov := filepath.Join(realData, "gov")
	got := runWith(t.Context(), "", "scan", filepath.Join(gov, list), "--column", column,
		"--zone", filepath.Join(gov, "gov.zone"), "--zone", filepath.Join(gov, "root.zone"), "--issuer", "digicert.com", "-o", "-")
	if got.code != exitDone || got.stderr != partOfDigiCert {
		t.Fatalf("exit %d, stderr %q, want 0 and what is said of the issuer alone", got.code, got.stderr)
	}
	return readReport(t, got.stdout)
}

package report_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/caa"
)

var _ = flag.Bool("update", false, "write the golden files anew")

// The goldens are whole reports.
func TestGoldens(t *testing.T) {
	one, two := reporttest.NewWorld(t, "ca.example"), reporttest.NewWorld(t, "Old", "New")
	reporttest.Golden(t, "one-ca.csv", string(one.Bytes(t, report.NewCSV)))
	reporttest.Golden(t, "two-cas.csv", string(two.Bytes(t, report.NewPlainCSV)))
	reporttest.Golden(t, "two-cas.jsonl", string(two.Bytes(t, report.NewJSONL)))
}

func TestParseFormat(t *testing.T) {
	for filename, want := range map[string]report.Format{
		"-": report.PlainCSV, "report.csv": report.CSV, "a.b/REPORT.CSV": report.CSV, "move.xlsx": report.XLSX, ".xlsx": report.XLSX, "a.JsonL": report.JSONL,
		"for-mail.html": report.HTML, "OLD.HTM": report.HTML,
	} {
		if got, err := report.ParseFormat(filename); got != want || err != nil {
			t.Errorf("ParseFormat(%q) = %q, %v, want %q", filename, got, err, want)
		}
	}
	for _, filename := range []string{"report.pdf", "report", "csv", "", "report.csv.gz", "report.json", "--"} {
		_, err := report.ParseFormat(filename)
		if err == nil {
			t.Errorf("ParseFormat(%q): no error", filename)
			continue
		}
		for _, format := range []string{".csv", ".xlsx", ".html", ".jsonl", " - "} {
			if !strings.Contains(err.Error(), format) {
				t.Errorf("ParseFormat(%q): %q does not name %s", filename, err, format)
			}
		}
	}
}

func TestNewWithoutCA(t *testing.T) {
	if _, err := report.NewCSV(io.Discard, report.Layout{Header: []string{"email"}}); err == nil {
		t.Error("no error of a report without a CA")
	}
}

// The names and their order are what users build on.
func TestColumns(t *testing.T) {
	want := strings.Fields(`caa_row caa_domain caa_domain_unicode caa_status caa_reason caa_detail caa_found_at caa_owner caa_records
		caa_dnssec caa_on_failure caa_warnings caa_fix caa_resolver caa_checked_at caa_input caa_change caa_perspectives caa_corroborated`)
	var got []string
	for _, c := range report.Columns() {
		got = append(got, c.Name)
		if !strings.HasSuffix(c.Meaning, ".") {
			t.Errorf("%s has no sentence: %q", c.Name, c.Meaning)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Columns() (-want +got):\n%s", diff)
	}
}

func TestHeader(t *testing.T) {
	tests := []struct {
		name   string
		inputs []string
		labels []string
		want   string
	}{
		{
			"an input column that begins with caa_ says whose it is",
			[]string{"caa_status", "CAA_Fix", "caa", "my_caa_row", "Caa_"},
			[]string{"ca.example"},
			"input_caa_status,input_CAA_Fix,caa,my_caa_row,input_Caa_,caa_row,caa_domain,caa_status,caa_reason,caa_detail,caa_found_at,caa_owner,caa_records,caa_dnssec,caa_on_failure,caa_warnings,caa_fix,caa_resolver,caa_checked_at",
		},
		{
			"several CAs have columns of their own at the end",
			[]string{"input", "extra1"},
			[]string{"Old", "New CA"},
			"input,extra1,caa_row,caa_domain,caa_status,caa_reason,caa_detail,caa_found_at,caa_owner,caa_records,caa_dnssec,caa_on_failure,caa_warnings,caa_fix,caa_resolver,caa_checked_at,caa_status:Old,caa_reason:Old,caa_detail:Old,caa_fix:Old,caa_status:New CA,caa_reason:New CA,caa_detail:New CA,caa_fix:New CA",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table, err := report.NewTable(report.Layout{Header: test.inputs, Issuers: test.labels})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(table.Header(), ","); got != test.want {
				t.Errorf("header\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

// The shared cells of an outcome are kept: those of another one, and what belongs to
// the row or to the domain, must not be.
func TestRowsDoNotMix(t *testing.T) {
	w, want := reporttest.Mixed(t)
	got, err := csv.NewReader(bytes.NewReader(w.Bytes(t, report.NewPlainCSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, reporttest.PickMixed(got)); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
}

func TestCounts(t *testing.T) {
	var none report.Counts
	if none.Total() != (report.Count{}) || none.Status(0, scan.Denied) != (report.Count{}) || none.Reason(3, scan.Empty) != (report.Count{}) {
		t.Error("the zero Counts is not empty")
	}
	var c report.Counts
	for _, r := range reporttest.NewWorld(t, "Old", "New").Results {
		c.Add(r)
	}
	// By hand: six rows; open.example twice, closed and bogus once, two without a domain.
	type line struct {
		issuer int
		of     string
		count  report.Count
	}
	want := []line{
		{0, "permitted", report.Count{Rows: 2, Domains: 1}},
		{0, "denied", report.Count{Rows: 1, Domains: 1}},
		{0, "lookup-failed", report.Count{Rows: 3, Domains: 1}},
		{1, "permitted", report.Count{Rows: 3, Domains: 2}},
		{1, "denied", report.Count{Rows: 0, Domains: 0}},
		{1, "lookup-failed", report.Count{Rows: 3, Domains: 1}},
		{0, "no-caa", report.Count{Rows: 2, Domains: 1}},
		{0, "issuer-not-listed", report.Count{Rows: 1, Domains: 1}},
		{1, "issuer-listed", report.Count{Rows: 1, Domains: 1}},
		{1, "empty", report.Count{Rows: 1, Domains: 0}},
	}
	for _, w := range want {
		got := c.Reason(w.issuer, scan.Reason(w.of))
		if status := scan.Status(w.of); status == scan.Permitted || status == scan.Denied || status == scan.LookupFailed {
			got = c.Status(w.issuer, status)
		}
		if got != w.count {
			t.Errorf("CA %d, %s: %v, want %v", w.issuer, w.of, got, w.count)
		}
	}
	if got := c.Total(); got != (report.Count{Rows: 6, Domains: 3}) {
		t.Errorf("Total() = %v, want 6 rows and 3 domains", got)
	}
}

// Reasons come by status, the most frequent first.
func TestReasonOrder(t *testing.T) {
	var c report.Counts
	for reason, rows := range map[scan.Reason]int{
		scan.Reason(caa.IssuerNotListed): 1, scan.Reason(caa.NoIssuer): 2, scan.Reason(caa.NoCAA): 1, scan.Empty: 5, scan.Reason(caa.NoIssuemail): 3,
	} {
		v := scan.Verdict{Outcome: &scan.Outcome{Decisions: []scan.Decision{{Status: reason.Status(), Reason: reason}}}}
		for range rows {
			c.Add(scan.Result{Verdict: v})
		}
	}
	want := []scan.Reason{"no-issuemail", "no-caa", "no-issuer", "issuer-not-listed", "empty"}
	var got []scan.Reason
	for _, r := range report.NewOverview([]string{"ca.example"}, report.Run{}, &report.Tally{Counts: c}).Issuers()[0].Reasons {
		got = append(got, r.Reason)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

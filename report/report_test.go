package report

import (
	"bytes"
	"encoding/csv"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan"
	"caascan/scan/caa"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The goldens are whole reports; workbooks are read back, so that a new excelize
// does not change them, and pages as they are read without JavaScript.
func TestGoldens(t *testing.T) {
	one, two := newWorld(t, "ca.example"), newWorld(t, "Old", "New")
	tests := []struct{ file, got string }{
		{"one-ca.csv", string(one.bytes(t, CSV))},
		{"one-ca.html.txt", asRead(pageOf(t, one))},
		{"one-ca.xlsx.txt", asText(t, one.bytes(t, XLSX))},
		{"two-cas.csv", string(two.bytes(t, PlainCSV))},
		{"two-cas.html.txt", asRead(pageOf(t, two))},
		{"two-cas.xlsx.txt", asText(t, two.bytes(t, XLSX))},
		{"two-cas.jsonl", string(two.bytes(t, JSONL))},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			path := "testdata/golden/" + test.file
			if *update {
				if err := os.WriteFile(path, []byte(test.got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), test.got); diff != "" {
				t.Errorf("%s mismatch (-want +got):\n%s", test.file, diff)
			}
		})
	}
}

func TestParseFormat(t *testing.T) {
	for filename, want := range map[string]Format{
		"-": PlainCSV, "report.csv": CSV, "a.b/REPORT.CSV": CSV, "move.xlsx": XLSX, ".xlsx": XLSX, "a.JsonL": JSONL,
		"for-mail.html": HTML, "OLD.HTM": HTML,
	} {
		if got, err := ParseFormat(filename); got != want || err != nil {
			t.Errorf("ParseFormat(%q) = %q, %v, want %q", filename, got, err, want)
		}
	}
	for _, filename := range []string{"report.pdf", "report", "csv", "", "report.csv.gz", "report.json", "--"} {
		_, err := ParseFormat(filename)
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
	if _, err := New(CSV, io.Discard, Layout{Header: []string{"email"}}); err == nil {
		t.Error("no error of a report without a CA")
	}
	if _, err := New("pdf", io.Discard, Layout{Issuers: []string{"ca.example"}}); err == nil {
		t.Error("no error of an unknown format")
	}
}

// The names and their order are what users build on.
func TestColumns(t *testing.T) {
	want := strings.Fields(`caa_row caa_domain caa_status caa_reason caa_detail caa_found_at caa_owner caa_records
		caa_dnssec caa_on_failure caa_warnings caa_fix caa_resolver caa_checked_at caa_input caa_change`)
	var got []string
	for _, c := range Columns() {
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
			table, err := newTable(Layout{Header: test.inputs, Issuers: test.labels})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(table.header(), ","); got != test.want {
				t.Errorf("header\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

// The shared cells of an outcome are kept: those of another one, and what belongs to
// the row or to the domain, must not be.
func TestRowsDoNotMix(t *testing.T) {
	w := newWorld(t, "ca.example")
	first, denied := w.results[0], w.results[1]
	again := denied
	again.Row.Number, again.Row.Cells, again.Warnings = 9, []string{"short"}, nil
	sibling := first
	sibling.Verdict = scan.Verdict{Domain: name(t, "sibling.example"), Outcome: first.Verdict.Outcome}
	w.results = []scan.Result{denied, again, first, sibling, denied}
	const records = `0 issuemail "other.example" | 0 issuemail "=cmd|\"x\""`
	// The input's first two cells, caa_row, caa_domain, caa_records, caa_warnings, caa_checked_at.
	want := [][]string{
		{"joe@mail.closed.example", `ok, or "so"`, "3", "mail.closed.example", records, "idn-mapped inherited", "2026-11-23T12:00:00Z"},
		{"short", "", "9", "mail.closed.example", records, "inherited", "2026-11-23T12:00:00Z"},
		{"Jane Doe <jane@open.example>", "", "2", "open.example", "", "", "2026-11-23T12:00:00Z"},
		{"Jane Doe <jane@open.example>", "", "2", "sibling.example", "", "", ""},
		{"joe@mail.closed.example", `ok, or "so"`, "3", "mail.closed.example", records, "idn-mapped inherited", "2026-11-23T12:00:00Z"},
	}
	inCSV, err := csv.NewReader(bytes.NewReader(w.bytes(t, PlainCSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for format, rows := range map[Format][][]string{PlainCSV: inCSV, XLSX: rows(t, open(t, w.bytes(t, XLSX)), resultsSheet)} {
		var got [][]string
		for _, cells := range rows[1:] {
			cells = append(cells, make([]string, 17-len(cells))...)
			got = append(got, []string{cells[0], cells[1], cells[3], cells[4], cells[10], cells[13], cells[16]})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

// However many outcomes there are, only so many are kept, and each row has its own.
func TestKeeperIsBounded(t *testing.T) {
	const most = 3
	k := newKeeper[*scan.Outcome](most)
	outcomes := make([]scan.Outcome, 2*most)
	itself := func(o *scan.Outcome) *scan.Outcome { return o }
	for range 2 {
		for i := range outcomes {
			if got := k.of(&outcomes[i], itself); got != &outcomes[i] || len(k.made) > most {
				t.Fatalf("outcome %d: another one, or %d kept", i, len(k.made))
			}
		}
	}
}

// caa_owner says only what caa_found_at does not.
func TestOwner(t *testing.T) {
	tests := []struct{ name, foundAt, owner, want string }{
		{"the records stand where they were found", "new.example", "new.example", ""},
		{"an alias led to them", "new.example", "policy.example", "policy.example"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &scan.Outcome{FoundAt: name(t, test.foundAt), Records: issuemail(t, test.owner, "ca.example")}
			if got := owner(o); got != test.want {
				t.Errorf("owner() = %q, want %q", got, test.want)
			}
		})
	}
	if got := owner(&scan.Outcome{}); got != "" {
		t.Errorf("owner() = %q where there are no records", got)
	}
}

// What is not known of a run is left out of the summary.
func TestFacts(t *testing.T) {
	if got := (Run{}).facts(); len(got) != 0 {
		t.Errorf("facts of nothing: %v", got)
	}
	want := []fact{{"Rows", 3}, {"Zone file", "demo.zone"}, {"Zone file", "root.zone"}}
	got := Run{Rows: 3, ZoneFiles: []string{"demo.zone", "root.zone"}}.facts()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(fact{})); diff != "" {
		t.Errorf("facts() (-want +got):\n%s", diff)
	}
}

func TestCounts(t *testing.T) {
	var none Counts
	if none.Total() != (Count{}) || none.Status(0, scan.Denied) != (Count{}) || none.Reason(3, scan.Empty) != (Count{}) {
		t.Error("the zero Counts is not empty")
	}
	var c Counts
	for _, r := range newWorld(t, "Old", "New").results {
		c.Add(r)
	}
	// By hand: six rows; open.example twice, closed and bogus once, two without a domain.
	type line struct {
		issuer int
		of     string
		count  Count
	}
	want := []line{
		{0, "permitted", Count{2, 1}},
		{0, "denied", Count{1, 1}},
		{0, "lookup-failed", Count{3, 1}},
		{1, "permitted", Count{3, 2}},
		{1, "denied", Count{0, 0}},
		{1, "lookup-failed", Count{3, 1}},
		{0, "no-caa", Count{2, 1}},
		{0, "issuer-not-listed", Count{1, 1}},
		{1, "issuer-listed", Count{1, 1}},
		{1, "empty", Count{1, 0}},
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
	if got := c.Total(); got != (Count{6, 3}) {
		t.Errorf("Total() = %v, want 6 rows and 3 domains", got)
	}
}

// Reasons come by status, the most frequent first.
func TestReasonOrder(t *testing.T) {
	var c Counts
	for reason, rows := range map[scan.Reason]int{
		scan.Reason(caa.IssuerNotListed): 1, scan.Reason(caa.NoIssuer): 2, scan.Reason(caa.NoCAA): 1, scan.Empty: 5, scan.Reason(caa.NoIssuemail): 3,
	} {
		v := scan.Verdict{Outcome: &scan.Outcome{Decisions: []scan.Decision{{Status: reason.Status(), Reason: reason}}}}
		for range rows {
			c.Add(scan.Result{Verdict: v})
		}
	}
	want := []scan.Reason{"no-issuemail", "no-caa", "no-issuer", "issuer-not-listed", "empty"}
	if diff := cmp.Diff(want, c.found(0)); diff != "" {
		t.Errorf("found() (-want +got):\n%s", diff)
	}
}

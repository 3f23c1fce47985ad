package report_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan/caa"
)

// TestLongSetsInRows: of a set that is long a row has the first records and says so, and of
// its fix no part: the fix list has it whole.
func TestLongSetsInRows(t *testing.T) {
	const records = 200
	var set []caa.Property
	for i := range records {
		set = append(set, property(t, 0, "issuemail", fmt.Sprintf("ca%03d.example; note=%s", i, strings.Repeat("x", 100))))
	}
	const record = len(`0 issuemail "ca000.example; note="`) + 100
	const fit = 8192 / record
	w := reporttest.NewWorld(t, "ca.example")
	denied := w.Results[1].Verdict
	denied.Records.Properties = set
	denied.Decisions[0].Fix.Set = set

	text := string(w.Bytes(t, func(to io.Writer, layout report.Layout) (report.Writer, error) { return report.NewCSV(to, layout) }))
	digest := report.RecordsDigest(report.RecordTexts(set))
	note := fmt.Sprintf(" … [cut: %d of %d records; caascan check shows all; SHA-256 of all %s]", fit, records, digest)
	if !strings.Contains(text, set[fit-1].Value()) || strings.Contains(text, set[fit].Value()) || !strings.Contains(text, note) {
		t.Errorf("the row does not have the first %d records and %q:\n%s", fit, note, text)
	}
	if !strings.Contains(text, "; 200 records, too long for a row; the fix list has the whole set") {
		t.Errorf("the row does not say where the fix is:\n%s", text)
	}

	lines := string(w.Bytes(t, func(to io.Writer, layout report.Layout) (report.Writer, error) { return report.NewJSONL(to, layout) }))
	var line struct {
		Records []struct {
			Value   string
			LeftOut int `json:"left_out"`
			SHA256  string
		}
	}
	if err := json.Unmarshal([]byte(strings.Split(lines, "\n")[1]), &line); err != nil {
		t.Fatal(err)
	}
	if len(line.Records) != fit+1 || line.Records[fit].LeftOut != records-fit || line.Records[fit].SHA256 != digest {
		t.Errorf("%d records in a line, the last of them %+v, want %d and one that leaves out %d", len(line.Records), line.Records[len(line.Records)-1], fit, records-fit)
	}
}

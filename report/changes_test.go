package report_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
)

func TestKindsOfChanges(t *testing.T) {
	c := reporttest.Compared(t, "Old", "New").Changes
	if got, want := c.Kind(scan.ListChange), (report.Count{Rows: 3, Domains: 1}); got != want || !c.Policy() {
		t.Errorf("rows of the list: %v, want %v", got, want)
	}
}

func TestTheColumnOfChanges(t *testing.T) {
	w := reporttest.Compared(t, "ca.example")
	w.Layout.Columns = []string{"caa_row", "caa_change"}
	got, err := csv.NewReader(strings.NewReader(string(w.Bytes(t, report.NewPlainCSV)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"caa_row", "caa_change"}, {"2", ""}, {"3", "newly-denied"}, {"4", ""}, {"5", "failed-now"}, {"6", "new"}, {"7", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	var jsonl []string
	for _, row := range readJSONL(t, w.Bytes(t, report.NewJSONL)) {
		jsonl = append(jsonl, row.Change)
	}
	if diff := cmp.Diff([]string{"", "newly-denied", "", "failed-now", "new", ""}, jsonl); diff != "" {
		t.Errorf("JSON Lines (-want +got):\n%s", diff)
	}
}

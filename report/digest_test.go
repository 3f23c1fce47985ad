package report_test

import (
	"testing"

	"caascan/report"
)

// The digest is what sha256sum prints of the sorted records: printf 'a\nb\n' | sha256sum.
func TestRecordsDigest(t *testing.T) {
	const ab = "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2"
	for _, records := range [][]string{{"a", "b"}, {"b", "a"}, {"b", "a", "b"}} {
		if got := report.RecordsDigest(records); got != ab {
			t.Errorf("RecordsDigest(%q) = %s, want %s", records, got, ab)
		}
	}
	if report.RecordsDigest([]string{"a", "b"}) == report.RecordsDigest([]string{"ab"}) {
		t.Error("two sets have one digest")
	}
}

// A digest is read from what was written, and from nothing else.
func TestCutDigest(t *testing.T) {
	digest := report.RecordsDigest([]string{"a", "b"})
	for text, want := range map[string]string{
		`0 issue "a"` + report.CutRecords("1 of 2 records", digest):     digest,
		report.CutRecords("0 of 2 records", digest):                     digest,
		`0 issue "a"` + report.CutRecords("1 of 2 records", ""):         "",
		`0 issue "a"` + report.CutRecords("1 of 2 records", digest[1:]): "",
		`0 issue "SHA-256 of all ` + digest + `]"`:                      "",
		report.CutRecords("0 of 2 records", digest) + "x":               "",
		"": "",
	} {
		if got := report.CutDigest(text); got != want {
			t.Errorf("CutDigest(%q) = %q, want %q", text, got, want)
		}
	}
}

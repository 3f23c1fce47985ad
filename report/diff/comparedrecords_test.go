package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/scan"
)

// numbered are records of 40 octets each: 100 of them are what is shown of a list.
func numbered(from, to int) []string {
	var records []string
	for i := from; i < to; i++ {
		records = append(records, fmt.Sprintf(`0 issuemail "ca%016d.example"`, i))
	}
	return records
}

// Of 301 records the one that was taken for another stands in the middle, where a text
// that is shortened has its gap.
func TestARecordInALargeSet(t *testing.T) {
	was := append(append(numbered(0, 150), `0 issuemail "old.example"`), numbered(150, 300)...)
	is := append(append(numbered(0, 150), `0 issuemail "new.example"`), numbered(150, 300)...)
	before, after := compareRecords(recordSet{records: was}, recordSet{records: is})
	both := report.RecordList{Shown: numbered(0, 100), Left: 200}
	if diff := cmp.Diff(report.ComparedRecords{Only: report.RecordList{Shown: []string{`0 issuemail "old.example"`}}, Both: both}, before); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(report.ComparedRecords{Only: report.RecordList{Shown: []string{`0 issuemail "new.example"`}}, Both: both}, after); diff != "" {
		t.Errorf("now (-want +got):\n%s", diff)
	}
	lines := strings.Split(after.Text(), "\n")
	if len(lines) != 103 || lines[0] != `0 issuemail "new.example"` || lines[1] != "in both reports:" || lines[102] != "… and 200 records more" {
		t.Errorf("the cell has %d lines: %q", len(lines), lines)
	}
}

func TestRecordsThatDoNotFit(t *testing.T) {
	long := `0 issuemail "` + strings.Repeat("x", 60_000) + `"`
	short := `0 issuemail "` + strings.Repeat("x", 485) + " … " + strings.Repeat("x", 497) + `"`
	for _, test := range []struct {
		name    string
		records []string
		want    []string
	}{
		{"none", nil, nil},
		{"all", numbered(0, 100), numbered(0, 100)},
		{"one more", numbered(0, 101), append(numbered(0, 100), "… and 1 record more")},
		{"40 more", numbered(0, 140), append(numbered(0, 100), "… and 40 records more")},
		{"a long one", []string{long, "0 issue \"a\""}, []string{short, "0 issue \"a\""}},
	} {
		if diff := cmp.Diff(test.want, listRecords(test.records).Lines()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// A set of which a workbook has no room for all is not said to have lost the rest.
func TestRecordsThatAreCutAreNotCompared(t *testing.T) {
	const domain = "x.example"
	rows := []listed{{"a@x.example", domain}}
	whole := map[string]told{domain: {"denied", "issuer-not-listed", `0 issuemail "a.example" | 0 issuemail "b.example"`}}
	part := map[string]told{domain: {"denied", "no-issuer", `0 issuemail "a.example" | 0 issue` + report.CutNote + `32767 of these 90000 characters]`}}
	for _, reports := range [][2]map[string]told{{whole, part}, {part, whole}} {
		c := compareTables(t, tableOf("old.csv", rows, reports[0]), tableOf("new.csv", rows, reports[1]), ColumnChoice{})
		d := c.Domains[0]
		want := report.ComparedRecords{Unknown: true}
		if diff := cmp.Diff([]report.ComparedRecords{want, want}, []report.ComparedRecords{d.Was.Records, d.Is.Records}); diff != "" || d.Change != scan.ChangeReason {
			t.Errorf("%s (-want +got):\n%s", d.Change, diff)
		}
	}
}

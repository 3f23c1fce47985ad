package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
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

// A set of which a row has the first records only is compared by the digest of all: here one
// record in the part differs that no row has, or the order does.
func TestLongSetsAreComparedByTheirDigests(t *testing.T) {
	const records = 400 // of 40 octets each; a row has 8 KiB
	values := func(last string) []string {
		var all []string
		for i := range records - 1 {
			all = append(all, fmt.Sprintf("ca%016d.example", i))
		}
		return append(all, last)
	}
	swapped := values("a.example")
	swapped[300], swapped[301] = swapped[301], swapped[300]
	worldOf := func(values []string) reporttest.World {
		w := reporttest.NewWorld(t, "ca.example")
		w.Results[1].Verdict.Records = reporttest.Issuemail(t, "policy.example", values...)
		return w
	}
	for _, format := range []report.Format{report.CSV, report.JSONL, report.XLSX} {
		for _, test := range []struct {
			name string
			now  []string
			want scan.Change
		}{
			{"the same", values("a.example"), scan.ChangeNone},
			{"in another order", swapped, scan.ChangeNone},
			{"with another record", values("b.example"), scan.ChangeRecords},
		} {
			old, now := worldOf(values("a.example")), worldOf(test.now)
			b := baseline(t, old, format)
			for i, r := range now.Results {
				if got := b.Compare(r); i == 1 && got != test.want {
					t.Errorf("%s: a set %s is %q in a scan, want %q", format, test.name, got, test.want)
				}
			}
			changes := compareTables(t, table(t, old, format), table(t, now, format), ColumnChoice{Asked: "email"})
			if got := changes.Count(scan.ChangeRecords).Domains; got != map[scan.Change]int{scan.ChangeRecords: 1}[test.want] {
				t.Errorf("%s: a set %s in another report: %d changes of records", format, test.name, got)
			}
		}
	}
}

// Reports of earlier versions have no digest: of such a set nothing is said.
func TestLongSetsWithoutDigest(t *testing.T) {
	const domain = "x.example"
	rows := []listed{{"a@x.example", domain}}
	part := func(note string) map[string]told {
		return map[string]told{domain: {"denied", "issuer-not-listed", `0 issuemail "a.example"` + note}}
	}
	without, digest := report.CutRecords("1 of 300 records", ""), report.RecordsDigest([]string{"a"})
	for _, old := range []string{without, report.CutRecords("1 of 300 records", digest[1:])} {
		changes := compareTables(t, tableOf("old.csv", rows, part(old)), tableOf("new.csv", rows, part(report.CutRecords("1 of 300 records", digest))), ColumnChoice{})
		if len(changes.Domains) > 0 {
			t.Errorf("%s: %+v, want no change", old, changes.Domains)
		}
	}
}

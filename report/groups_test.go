package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
)

// groupWorld is a tally of a list of customers and addresses that is grouped by the column
// "Customer". Old may issue for open and closed, New for open alone; failed has failed.
func groupWorld(t *testing.T, most int, rows ...[2]string) *Tally {
	t.Helper()
	layout := Layout{Header: []string{"mail", " Customer ", "City"}, Issuers: []string{"Old", "New"}}
	g, err := NewGroups(layout, "customer")
	if err != nil {
		t.Fatal(err)
	}
	g.most = most
	tally := &Tally{Groups: []*Groups{g}}
	numbers := make(map[string]int)
	for i, row := range rows {
		r := scan.Result{Row: scan.Row{Number: i + 2, Cells: []string{"a@" + row[1], row[0]}}, Verdict: groupVerdict(t, row[1])}
		if row[1] != "" {
			if numbers[row[1]] == 0 {
				numbers[row[1]] = len(numbers) + 1
			}
			r.Verdict.Number = numbers[row[1]]
		}
		tally.Add(r)
		if !strings.Contains(row[0], "left out") {
			tally.Wrote()
		}
	}
	return tally
}

func groupVerdict(t *testing.T, name string) scan.Verdict {
	t.Helper()
	v := scan.Verdict{Outcome: new(scan.Outcome)}
	if name == "" {
		v.Decisions = []scan.Decision{{Status: scan.LookupFailed, Reason: scan.Empty}, {Status: scan.LookupFailed, Reason: scan.Empty}}
		return v
	}
	var err error
	if v.Domain, err = domain.Parse(name); err != nil {
		t.Fatal(err)
	}
	old, now := scan.Decision{Status: scan.Permitted}, scan.Decision{Status: scan.Permitted}
	switch {
	case strings.HasPrefix(name, "closed"):
		now = scan.Decision{Status: scan.Denied, Fix: new(scan.Fix)}
		property, err := caa.NewProperty(0, caa.TagIssuemail, "old.example")
		if err != nil {
			t.Fatal(err)
		}
		v.Records = caa.RRset{Owner: strings.TrimPrefix(name, "closed."), Properties: []caa.Property{property}}
	case strings.HasPrefix(name, "failed"):
		old, now = scan.Decision{Status: scan.LookupFailed}, scan.Decision{Status: scan.LookupFailed}
	}
	v.Decisions = []scan.Decision{old, now}
	return v
}

// groupLines are the groups of a tally, a line each: value, rows, domains, what Old and New
// may, what failed, the names to mend, and the first row.
func groupLines(tally *Tally) (lines []string) {
	for _, table := range tally.groupTables() {
		for _, g := range table.Groups {
			lines = append(lines, fmt.Sprintf("%s: %d/%d, Old %d-%d, New %d-%d, failed %d/%d, names %d %d, first %d", g.Value, g.Rows, g.Count.Domains,
				g.Issuers[0].Permitted.Rows, g.Issuers[0].Denied.Rows, g.Issuers[1].Permitted.Rows, g.Issuers[1].Denied.Rows,
				g.Failed.Rows, g.Failed.Domains, g.Issuers[0].Names, g.Issuers[1].Names, g.First))
		}
	}
	return lines
}

// TestGroups, by hand: those with the most denied rows first, then those with the most rows.
func TestGroups(t *testing.T) {
	got := groupLines(groupWorld(t, MostValues,
		[2]string{"Acme", "open.example"},
		[2]string{"Biza", "closed.a.example"},
		[2]string{" Acme\t", "closed.a.example"}, // is Acme
		[2]string{"Biza", "closed.b.example"},
		[2]string{"Biza", "closed.b.example"},
		[2]string{"acme", "open.example"}, // is another one
		[2]string{"", "closed.a.example"},
		[2]string{" ", ""},
		[2]string{"left out", "open.example"},
		[2]string{"Acme", "failed.example"},
		[2]string{"Acme", ""},
		[2]string{"001", "open.example"},
	))
	want := []string{
		"Biza: 3/2, Old 3-0, New 0-3, failed 0/0, names 0 2, first 2",
		"Acme: 4/3, Old 2-0, New 1-1, failed 2/1, names 0 1, first 1",
		"(empty): 2/1, Old 1-0, New 0-1, failed 1/0, names 0 1, first 7",
		"001: 1/1, Old 1-0, New 1-0, failed 0/0, names 0 0, first 11",
		"acme: 1/1, Old 1-0, New 1-0, failed 0/0, names 0 0, first 6",
		"left out: 1/1, Old 1-0, New 1-0, failed 0/0, names 0 0, first 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGroupsOfUnreadableRows: a line that could not be split has no value, whatever stands
// in it.
func TestGroupsOfUnreadableRows(t *testing.T) {
	tally := groupWorld(t, MostValues)
	v := groupVerdict(t, "")
	tally.Add(scan.Result{Row: scan.Row{Cells: []string{"x", "Acme"}, Broken: true}, Verdict: v})
	tally.Add(scan.Result{Row: scan.Row{Cells: []string{"short"}}, Verdict: v})
	if diff := cmp.Diff([]string{"(empty): 2/0, Old 0-0, New 0-0, failed 2/0, names 0 0, first 0"}, groupLines(tally)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTooManyGroups: no row is lost, and it is said.
func TestTooManyGroups(t *testing.T) {
	rows := [][2]string{{"a", "open.example"}, {"b", "open.example"}, {"c", "closed.a.example"}, {"d", "closed.b.example"}, {"a", "open.example"}, {"(other values)", "open.example"}}
	tally := groupWorld(t, 2, rows...)
	want := []string{
		"a: 2/1, Old 2-0, New 2-0, failed 0/0, names 0 0, first 1",
		"b: 1/1, Old 1-0, New 1-0, failed 0/0, names 0 0, first 2",
		"(other values): 3/3, Old 3-0, New 1-2, failed 0/0, names 0 2, first 3",
	}
	if diff := cmp.Diff(want, groupLines(tally)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if said := tally.Groups[0].Full(); said != `The column " Customer " has more than 2 values: the rows of those that came after these are one group, (other values).` {
		t.Errorf("%q", said)
	}
	if said := groupWorld(t, 4, rows[:5]...).Groups[0].Full(); said != "" {
		t.Errorf("as many as there may be: %q", said)
	}
}

// TestLongValues: what begins alike is not the same, and no value is kept in full.
func TestLongValues(t *testing.T) {
	long := strings.Repeat("é", 100) // 200 octets
	tally := groupWorld(t, MostValues,
		[2]string{long, "open.example"}, [2]string{long + "x", "open.example"}, [2]string{long + "y", "open.example"}, [2]string{long + "x", "open.example"},
		[2]string{"a" + long, "open.example"})
	var got []string
	for _, g := range tally.groupTables()[0].Groups {
		got = append(got, fmt.Sprintf("%s %d", strings.Replace(g.Value, long[:198], "LONG", 1), g.Rows))
	}
	want := []string{"LONGé… 2", "aLONG… 1", "LONGé 1", "LONGé… 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGroupsAreAsNaive holds many rows in any order, so many that pairs are put together
// more than once, to counting with maps.
func TestGroupsAreAsNaive(t *testing.T) {
	tally := groupWorld(t, MostValues)
	g := tally.Groups[0]
	type pair struct{ value, domain int }
	rows, domains := make(map[int]int), make(map[pair]bool)
	verdicts := make([]scan.Verdict, 50)
	for i := range verdicts {
		verdicts[i] = groupVerdict(t, fmt.Sprintf("open%d.example", i))
		verdicts[i].Number = i + 1
		tally.Add(scan.Result{Row: scan.Row{Cells: []string{"", "first"}}, Verdict: verdicts[i]})
	}
	const all = 5 * leastPairs
	for i := range all {
		value, domain := i*7919%3000, i*104729%50
		rows[value]++
		domains[pair{value, domain}] = true
		tally.Add(scan.Result{Row: scan.Row{Cells: []string{"", fmt.Sprintf("v%d", value)}}, Verdict: verdicts[domain]})
		if len(g.pairs) > max(leastPairs, 2*(3000*50+50)) {
			t.Fatalf("%d pairs are kept", len(g.pairs))
		}
	}
	of := make(map[int]int)
	for p := range domains {
		of[p.value]++
	}
	met := 0
	for _, group := range tally.groupTables()[0].Groups {
		var value int
		if _, err := fmt.Sscanf(group.Value, "v%d", &value); err != nil {
			continue
		}
		met++
		if group.Rows != rows[value] || group.Count.Domains != of[value] {
			t.Fatalf("%s: %v, want %d rows and %d domains", group.Value, group.Count, rows[value], of[value])
		}
	}
	if met != len(rows) {
		t.Errorf("%d groups, want %d", met, len(rows))
	}
}

// TestTheColumnOfGroups is found as --column finds its own.
func TestTheColumnOfGroups(t *testing.T) {
	layout := Layout{Header: []string{"mail", " Customer ", "caa_status", "", "x", "x", "2"}}
	for asked, want := range map[string]string{
		"customer": " Customer ", "2": "2", "CAA_STATUS": "input_caa_status", "input_caa_status": "input_caa_status", "1": "mail", "4": "column 4", "x": "x", "x#2": "x#2", "6": "x#2",
	} {
		if g, err := NewGroups(layout, asked); err != nil || g.Column != want {
			t.Errorf("%q: %+v, %v, want %q", asked, g, err, want)
		}
	}
	for _, asked := range []string{"0", "8", "no", "-1", "1.0"} {
		if _, err := NewGroups(layout, asked); err == nil || !strings.Contains(err.Error(), "no column") {
			t.Errorf("%q: %v, want no such column", asked, err)
		}
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

var errFullDisk = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFullDisk }

// TestGroupsThatCannotBeWritten: the file is whole, or Close says why it is not.
func TestGroupsThatCannotBeWritten(t *testing.T) {
	layout := Layout{Issuers: []string{"Old", "New"}}
	o := NewOverview(layout.Issuers, Run{}, groupWorld(t, MostValues, [2]string{"Acme", "open.example"}))
	if err := NewGroupsCSV(fullDisk{}, layout).Close(o); !errors.Is(err, errFullDisk) {
		t.Errorf("Close() = %v, want %v", err, errFullDisk)
	}
	w := NewGroupsCSV(new(strings.Builder), layout)
	if err := errors.Join(w.Write(scan.Result{}), w.Close(o)); err != nil {
		t.Fatal(err)
	}
	if w.Write(scan.Result{}) == nil || w.Close(o) == nil {
		t.Error("no error after Close")
	}
}

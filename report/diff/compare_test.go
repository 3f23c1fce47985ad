package diff

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
)

// told is what a report says of a domain, in the words of its cells.
type told struct{ status, reason, records string }

// listed is a row of a report, with its domain.
type listed struct{ cell, domain string }

// tableOf is a CSV report with these rows.
func tableOf(name string, rows []listed, of map[string]told) Report {
	return Report{
		Name: name, Format: report.CSV, Header: []string{"mail", "caa_domain", "caa_status", "caa_reason", "caa_records"},
		Rows: func(yield func(scan.Row, error) bool) {
			for i, row := range rows {
				t := of[row.domain]
				if !yield(scan.Row{Number: i + 2, Cells: []string{row.cell, row.domain, t.status, t.reason, t.records}}, nil) {
					return
				}
			}
		},
	}
}

// compareTables returns what is different between two reports.
func compareTables(t testing.TB, old, now Report, choice ColumnChoice) *report.Changes {
	t.Helper()
	before, err := NewReader(t.Context(), old, choice)
	if err != nil {
		t.Fatal(err)
	}
	after, err := NewReader(t.Context(), now, choice)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBaseline(t.Context(), before, after.Labels())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.CompareAll(t.Context(), after); err != nil {
		t.Fatal(err)
	}
	changes, err := b.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// naive counts what is different with a map of all rows, by the README's words.
type naive struct{ rows, domains map[scan.Change]int }

func naiveChanges(old, now []listed, was, is map[string]told) naive {
	n := naive{make(map[scan.Change]int), make(map[scan.Change]int)}
	left := make(map[listed]int)
	there, here := make(map[string]bool), make(map[string]bool)
	for _, row := range old {
		left[row]++
		there[row.domain] = true
	}
	for _, row := range now {
		here[row.domain] = true
		if left[row]--; left[row] >= 0 {
			n.rows[naiveChange(was[row.domain], is[row.domain])]++
			continue
		}
		n.rows[scan.ChangeNew]++
	}
	for _, rows := range left {
		if rows > 0 {
			n.rows[scan.ChangeGone] += rows
		}
	}
	delete(here, "")
	delete(there, "")
	for domain := range here {
		if there[domain] {
			n.domains[naiveChange(was[domain], is[domain])]++
			continue
		}
		n.domains[scan.ChangeNew]++
	}
	for domain := range there {
		if !here[domain] {
			n.domains[scan.ChangeGone]++
		}
	}
	return n
}

func naiveChange(was, is told) scan.Change {
	const failed = "lookup-failed"
	switch {
	case was.status == failed && is.status == failed:
		return ""
	case is.status == failed:
		return "failed-now"
	case was.status == failed && is.status == "denied":
		return "recovered-denied"
	case was.status == failed:
		return "recovered"
	case was.status == "permitted" && is.status == "denied":
		return "newly-denied"
	case was.status == "denied" && is.status == "permitted":
		return "newly-permitted"
	case was.reason != is.reason:
		return "reason-changed"
	case was.records != is.records:
		return "records-changed"
	}
	return ""
}

// TestTransitions: from each status to each, for one CA and for two.
func TestTransitions(t *testing.T) {
	const permitted, denied, failed = "no-caa", "issuer-not-listed", "timeout"
	type row struct {
		was, is []string // reasons, one for each CA
		want    scan.Change
	}
	for _, test := range []row{
		{[]string{permitted}, []string{permitted}, ""},
		{[]string{permitted}, []string{denied}, "newly-denied"},
		{[]string{permitted}, []string{failed}, "failed-now"},
		{[]string{denied}, []string{permitted}, "newly-permitted"},
		{[]string{denied}, []string{denied}, ""},
		{[]string{denied}, []string{failed}, "failed-now"},
		{[]string{failed}, []string{permitted}, "recovered"},
		{[]string{failed}, []string{denied}, "recovered-denied"},
		{[]string{failed}, []string{"servfail"}, ""},
		{[]string{denied}, []string{"no-issuer"}, "reason-changed"},
		{[]string{permitted}, []string{"issuer-listed"}, "reason-changed"},

		{[]string{permitted, denied}, []string{denied, permitted}, "newly-denied"},
		{[]string{permitted, permitted}, []string{permitted, denied}, "newly-denied"},
		{[]string{denied, denied}, []string{denied, permitted}, "newly-permitted"},
		{[]string{denied, permitted}, []string{permitted, "issuer-listed"}, "newly-permitted"},
		{[]string{denied, permitted}, []string{denied, "issuer-listed"}, "reason-changed"},
		{[]string{failed, failed}, []string{permitted, denied}, "recovered-denied"},
		{[]string{failed, failed}, []string{permitted, permitted}, "recovered"},
		{[]string{permitted, denied}, []string{failed, failed}, "failed-now"},
	} {
		old, now := reasonTable("old.csv", test.was), reasonTable("new.csv", test.is)
		got := compareTables(t, old, now, ColumnChoice{Asked: "mail"})
		if count := got.Count(test.want); count != (report.Count{Rows: 1, Domains: 1}) {
			t.Errorf("%v -> %v: %d rows are %q, want 1: %v", test.was, test.is, count.Rows, test.want, got.Counts)
		}
	}
}

// reasonTable is a report of one row with these reasons, one for each CA.
func reasonTable(name string, reasons []string) Report {
	header, cells := []string{"mail", "caa_domain", "caa_records"}, []string{"a@x.example", "x.example", ""}
	for i, reason := range reasons {
		label := fmt.Sprintf(":CA%d", i)
		header = append(header, "caa_status"+label, "caa_reason"+label)
		cells = append(cells, string(scan.Reason(reason).Status()), reason)
	}
	return Report{Name: name, Format: report.CSV, Header: header, Rows: func(yield func(scan.Row, error) bool) {
		yield(scan.Row{Number: 2, Cells: cells}, nil)
	}}
}

// TestComparingIsAsNaive holds reports whose rows are shuffled, put in, taken out and
// repeated to a comparison by a map.
func TestComparingIsAsNaive(t *testing.T) {
	all := []told{
		{"permitted", "no-caa", ""},
		{"permitted", "no-issuemail", `0 issue "a.example"`},
		{"permitted", "issuer-listed", `0 issuemail "a.example"`},
		{"denied", "issuer-not-listed", `0 issuemail "b.example"`},
		{"denied", "issuer-not-listed", `0 issuemail "c.example"`},
		{"denied", "no-issuer", `0 issuemail ";"`},
		{"lookup-failed", "timeout", ""},
		{"lookup-failed", "servfail", ""},
	}
	random := rand.New(rand.NewPCG(1, 2))
	world := func() map[string]told {
		of := map[string]told{"": {"lookup-failed", "single-label", ""}}
		for d := range 12 {
			of[fmt.Sprintf("d%d.example", d)] = all[random.IntN(len(all))]
		}
		return of
	}
	list := func() (rows []listed) {
		domains := 1 + random.IntN(12)
		for range 1 + random.IntN(60) {
			domain := fmt.Sprintf("d%d.example", random.IntN(domains))
			row := listed{fmt.Sprintf("u%d@%s", random.IntN(3), domain), domain}
			if random.IntN(8) == 0 {
				row = listed{fmt.Sprintf("word%d", random.IntN(2)), ""}
			}
			rows = append(rows, row)
		}
		return rows
	}
	for range 500 {
		old, was, is := list(), world(), world()
		now := slices.Clone(old)
		now = append(now[random.IntN(len(now)):], list()...)
		random.Shuffle(len(now), func(i, k int) { now[i], now[k] = now[k], now[i] })
		got := compareTables(t, tableOf("old.csv", old, was), tableOf("new.csv", now, is), ColumnChoice{Asked: "mail"})
		want := naiveChanges(old, now, was, is)
		for _, change := range append(scan.Changes(), scan.ChangeNone) {
			if got, want := got.Count(change), (report.Count{Rows: want.rows[change], Domains: want.domains[change]}); got != want {
				t.Fatalf("%q: %v, want %v\nold %v\nnew %v\nwas %v\nis %v", change, got, want, old, now, was, is)
			}
		}
		checkDomains(t, got, was, is)
	}
}

// checkDomains holds the lines to the counts and to what both reports say.
func checkDomains(t *testing.T, c *report.Changes, was, is map[string]told) {
	t.Helper()
	rows := make(map[scan.Change]int)
	for _, d := range c.Domains {
		rows[d.Change] += d.Rows
		policy := d.Change.Kind() == scan.PolicyChange
		for _, side := range []struct {
			verdict *report.DomainVerdict
			of      map[string]told
		}{{d.Was, was}, {d.Is, is}} {
			if side.verdict == nil {
				continue
			}
			of := side.of[d.Domain]
			if reason := string(side.verdict.Reasons[0]); reason != of.reason || policy && strings.TrimPrefix(side.verdict.Records.Text(), "in both reports:\n") != of.records {
				t.Fatalf("%+v has %+v, want %+v", d, side.verdict, of)
			}
		}
	}
	for _, change := range scan.Changes() {
		if rows[change] != c.Count(change).Rows {
			t.Fatalf("%s: the domains have %d rows, want %d", change, rows[change], c.Count(change).Rows)
		}
	}
}

// A list in which all cells are equal takes no longer than another one: half a million
// steps of a millisecond each would not end.
func TestEqualCells(t *testing.T) {
	const rows = 500_000
	row := listed{"a@x.example", "x.example"}
	of := map[string]told{"x.example": {"permitted", "no-caa", ""}}
	now := slices.Repeat([]listed{row}, rows-1)
	got := compareTables(t, tableOf("old.csv", append(now, row), of), tableOf("new.csv", now, of), ColumnChoice{})
	if got.Count(scan.ChangeNone).Rows != rows-1 || got.Count(scan.ChangeGone) != (report.Count{Rows: 1}) {
		t.Errorf("%v unchanged and %v gone, want %d and 1", got.Count(scan.ChangeNone), got.Count(scan.ChangeGone), rows-1)
	}
}

// TestABaselineIsSmall holds what is kept of an earlier report to 24 octets for each
// row, however many domains there are and whatever each has for records: while the rows
// are read, while they are sorted, which takes no room, and afterwards.
func TestABaselineIsSmall(t *testing.T) {
	const rows, bound, begun = 200_000, 24, int(unsafe.Sizeof([chunkRows]oldRow{})) // the last chunk
	for _, domains := range []int{1, 40_000, rows} {
		var before, most, taken int
		measure := func(read int) {
			size := liveHeap() - before
			most = max(most, size)
			if size > bound*read+begun {
				t.Errorf("%d of %d rows of %d domains take %d octets, want at most %d for each", read, rows, domains, size, bound)
			}
		}
		all := manyRows(rows, domains)
		table := Report{
			Name: "old.csv", Format: report.CSV, Header: []string{"mail", "caa_domain", "caa_status", "caa_reason", "caa_records"},
			Rows: func(yield func(scan.Row, error) bool) {
				read := 0
				for row, err := range all {
					if read > columnSample && read%(rows/16) == 1 { // the column is found
						measure(read)
					}
					read++
					if !yield(row, err) {
						return
					}
				}
				measure(read)
				taken = allocated()
			},
		}
		reader, err := NewReader(t.Context(), table, ColumnChoice{})
		if err != nil {
			t.Fatal(err)
		}
		before = liveHeap()
		b, err := NewBaseline(t.Context(), reader, []string{"ca.example"})
		if err != nil {
			t.Fatal(err)
		}
		if taken = allocated() - taken; taken > begun {
			t.Errorf("%d rows of %d domains: once they are read %d octets are taken, as if they were copied", rows, domains, taken)
		}
		measure(rows)
		if most > bound*rows {
			t.Errorf("%d rows of %d domains take %d octets at some time, want at most %d for each", rows, domains, most, bound)
		}
		t.Logf("%d rows of %d domains: at most %.1f octets a row", rows, domains, float64(most)/rows)
		runtime.KeepAlive(b)
	}
}

func allocated() int {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.TotalAlloc)
}

func manyRows(rows, domains int) iter.Seq2[scan.Row, error] {
	return func(yield func(scan.Row, error) bool) {
		for i := range rows {
			domain := fmt.Sprintf("company%d.example", i%domains)
			cells := []string{fmt.Sprintf("somebody%d@%s", i, domain), domain, "denied", "issuer-not-listed", fmt.Sprintf(`0 issuemail "ca%d.example"`, i%domains)}
			if !yield(scan.Row{Number: i + 2, Cells: cells}, nil) {
				return
			}
		}
	}
}

func liveHeap() int {
	runtime.GC()
	runtime.GC() // what the first one found dead is swept
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// What a scan finds is compared as a report of it is: the world's own report has
// nothing different, and another verdict has.
func TestResultsAreComparedAsReports(t *testing.T) {
	for _, labels := range [][]string{{"ca.example"}, {"Old", "New"}} {
		for _, format := range []report.Format{report.CSV, report.XLSX, report.JSONL} {
			w := reporttest.NewWorld(t, labels...)
			b := baseline(t, w, format)
			for _, r := range w.Results {
				if change := b.Compare(r); change != scan.ChangeNone {
					t.Errorf("%v in %s: row %d is %s", labels, format, r.Row.Number, change)
				}
			}
			changes, err := b.Changes(t.Context())
			if err != nil || len(changes.Domains) > 0 {
				t.Errorf("%v in %s: %+v, %v, want nothing", labels, format, changes, err)
			}
		}
	}
}

// A workbook has no room for a large set: what is not there is not compared.
func TestARecordsCellThatIsCut(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	large := w.Results[1]
	outcome := *large.Verdict.Outcome
	outcome.Records = reporttest.Issuemail(t, "policy.example", strings.Repeat("x", 20_000), strings.Repeat("y", 20_000))
	large.Verdict.Outcome = &outcome
	large.Row.Cells = slices.Clone(large.Row.Cells)
	large.Row.Cells[0] = strings.Repeat("\x01", 40_000) + large.Row.Cells[0]
	large.Row.Cell = large.Row.Cells[0]
	w.Results = []scan.Result{w.Results[0], large, w.Results[0]}
	for _, format := range []report.Format{report.CSV, report.XLSX, report.JSONL} {
		b := baseline(t, w, format)
		for _, r := range w.Results {
			if change := b.Compare(r); change != scan.ChangeNone {
				t.Errorf("in %s row %d is %q", format, r.Row.Number, change)
			}
		}
		c := compareTables(t, table(t, w, format), table(t, w, report.XLSX), ColumnChoice{Asked: "email"})
		if got := c.Count(scan.ChangeNone).Rows; got != len(w.Results) {
			t.Errorf("%s and a workbook: %d rows are unchanged, want %d", format, got, len(w.Results))
		}
	}
}

// The column that was scanned is told from the domains, and where several would do
// from the name.
func TestScannedColumn(t *testing.T) {
	rows := [][]string{
		{"Ana", "x.example", "a@x.example", "b@x.example", "x.example", "permitted", "no-caa", ""},
		{"Ben", "y.example", "c@y.example", "d@z.example", "y.example", "permitted", "no-caa", ""},
	}
	table := Report{
		Name: "old.csv", Format: report.CSV, Header: []string{"name", "site", "mail", "other", "caa_domain", "caa_status", "caa_reason", "caa_records"},
		Rows: func(yield func(scan.Row, error) bool) {
			for i, cells := range rows {
				if !yield(scan.Row{Number: i + 2, Cells: cells}, nil) {
					return
				}
			}
		},
	}
	for _, test := range []struct {
		choice ColumnChoice
		want   string
	}{
		{ColumnChoice{}, "site"},
		{ColumnChoice{Preferred: "mail"}, "mail"},
		{ColumnChoice{Preferred: "other"}, "site"},
		{ColumnChoice{Preferred: "missing"}, "site"},
		{ColumnChoice{Asked: " Other "}, "other"},
		{ColumnChoice{Asked: "3"}, "mail"},
	} {
		r, err := NewReader(t.Context(), table, test.choice)
		if err != nil || r.Column() != test.want {
			t.Errorf("%+v: %v, want %s", test.choice, err, test.want)
		}
	}
	for _, asked := range []string{"0", "5", "caa_domain", "nobody"} {
		if _, err := NewReader(t.Context(), table, ColumnChoice{Asked: asked}); err == nil {
			t.Errorf("--column %s: no error", asked)
		}
	}
}

func TestPairIssuers(t *testing.T) {
	for _, test := range []struct {
		old, now []string
		want     []issuerPair
	}{
		{[]string{""}, []string{""}, []issuerPair{{"", 0, 0}}},
		{[]string{""}, []string{"A"}, []issuerPair{{"A", 0, 0}}},
		{[]string{"", "A", "B"}, []string{"B"}, []issuerPair{{"B", 2, 0}}},
		{[]string{"", "A", "B"}, []string{"B", "A"}, []issuerPair{{"B", 2, 0}, {"A", 1, 1}}},
		{[]string{"", "A", "B"}, []string{""}, []issuerPair{{"A", 0, 0}}},
		{[]string{"", "A", "B"}, []string{"C"}, nil},
	} {
		got := pairIssuers(test.old, test.now)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(issuerPair{})); diff != "" {
			t.Errorf("%q and %q (-want +got):\n%s", test.old, test.now, diff)
		}
	}
}

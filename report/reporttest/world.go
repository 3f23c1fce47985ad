// Package reporttest is a small run for the tests of report and of the packages below it,
// and what every maker of a report is held to.
package reporttest

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// Name returns a valid name.
func Name(t testing.TB, text string) domain.Name {
	t.Helper()
	n, err := domain.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Issuemail returns a set of issuemail properties with these values.
func Issuemail(t testing.TB, owner string, values ...string) caa.RRset {
	t.Helper()
	set := caa.RRset{Owner: owner}
	for _, value := range values {
		p, err := caa.NewProperty(0, caa.TagIssuemail, value)
		if err != nil {
			t.Fatal(err)
		}
		set.Properties = append(set.Properties, p)
	}
	return set
}

// Fix adds the last of the values to the others.
func Fix(t testing.TB, owner string, values ...string) *scan.Fix {
	t.Helper()
	set := Issuemail(t, owner, values...)
	present := caa.RRset{Owner: owner, Properties: set.Properties[:len(values)-1]}
	return &scan.Fix{Present: present, Set: set.Properties}
}

// noon is when the answers of the tests came, in a zone that reports must turn
// into UTC.
func noon() time.Time {
	return time.Date(2026, 11, 23, 13, 0, 0, 999, time.FixedZone("CET", 3600))
}

// Permitted is the verdict on a domain without CAA records, for each CA.
func Permitted(t testing.TB, domain string, issuers int) scan.Verdict {
	t.Helper()
	v := scan.Verdict{
		Domain: Name(t, domain), CheckedAt: noon(),
		Outcome: &scan.Outcome{DNSSEC: snapshot.Insecure, Resolver: "192.0.2.53:53"},
	}
	for range issuers {
		v.Decisions = append(v.Decisions, scan.Decision{
			Status: scan.Permitted, Reason: scan.Reason(caa.NoCAA), Detail: scan.Sentence("No CAA records at " + domain + "."),
		})
	}
	return v
}

// InputFailure is the verdict on a cell without a domain.
func InputFailure(reason scan.Reason, detail scan.Sentence, issuers int) scan.Verdict {
	v := scan.Verdict{Outcome: new(scan.Outcome)}
	for range issuers {
		v.Decisions = append(v.Decisions, scan.Decision{Status: scan.LookupFailed, Reason: reason, Detail: detail})
	}
	return v
}

// World is a small run: its layout, its results and its facts.
type World struct {
	Layout  report.Layout
	Results []scan.Result
	All     []scan.Result // if given, the tally is of these: those that are not written too
	Run     report.Run
	Changes *report.Changes // if rows are compared
	GroupBy []string        // columns that rows are grouped by
}

// NewWorld has a row of every kind, for one or two CAs.
func NewWorld(t testing.TB, labels ...string) World {
	t.Helper()
	var w World
	w.Layout = report.Layout{Header: []string{"email", "CAA_Status", "phone"}, Issuers: labels, TempDir: t.TempDir()}
	n := len(labels)

	open := Permitted(t, "open.example", n)
	denied := scan.Verdict{Domain: Name(t, "mail.closed.example"), CheckedAt: noon(), Outcome: &scan.Outcome{
		DNSSEC: snapshot.Secure, Resolver: "192.0.2.53:53",
		FoundAt: Name(t, "closed.example"), Records: Issuemail(t, "policy.example", "other.example", `=cmd|"x"`),
		Warnings: []scan.Warning{scan.Inherited},
		Decisions: []scan.Decision{{
			Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed), Detail: "Only other.example may issue, ca.example is not listed.",
			Fix: Fix(t, "policy.example", "other.example", "ca.example"),
		}},
	}}
	if n > 1 {
		denied.Decisions = append(denied.Decisions, scan.Decision{
			Status: scan.Permitted, Reason: scan.Reason(caa.IssuerListed), Detail: "other.example is listed.",
		})
	}
	failed := InputFailure(scan.Reason(snapshot.DNSSECBogus), "The signatures do not hold.", n)
	failed.Domain, failed.DNSSEC, failed.OnFailure = Name(t, "bogus.example"), snapshot.Bogus, scan.OnFailureMustNotIssue
	empty := InputFailure(scan.Empty, "There is no address or domain in this row.", n)
	broken := InputFailure(scan.BrokenRow, "The line could not be split into cells.", n)

	w.Add(open, nil, "Jane Doe <jane@open.example>", "", "+49 30 1234")
	w.Add(denied, []scan.Warning{scan.IDNMapped}, "joe@mail.closed.example", "ok, or \"so\"", "=1+1")
	w.Add(open, nil, "two\nlines@open.example")
	w.Add(failed, nil, "x@bogus.example", "a\x00b\u202ec", "0049301234")
	w.Add(empty, nil)
	w.Add(broken, nil, `"never closed;x`)
	w.Results[5].Row.Broken = true

	w.Run = report.Run{
		Version: "1.2.3", Started: noon(), Finished: noon().Add(90 * time.Second),
		InputName: "staff.csv", InputSHA256: strings.Repeat("0123456789abcdef", 4), InputColumn: "email",
		Rows: 6, BlankLines: 1, BrokenRows: 1, Domains: 3, Names: 6, Queries: 8,
		Resolvers: []string{"192.0.2.53:53", "[2001:db8::53]:53"},
		Settings:  "--issuer ca.example --concurrency 64",
		Notes:     []string{"The resolver 192.0.2.54 was left out: it does not answer."},
	}
	for _, label := range labels {
		w.Run.Issuers = append(w.Run.Issuers, caa.Issuer{Label: label, Domains: []domain.Name{Name(t, "ca.example"), Name(t, "www.ca.example")}})
	}
	return w
}

// Add adds a row, and gives a domain that is met for the first time its number.
func (w *World) Add(v scan.Verdict, warnings []scan.Warning, cells ...string) {
	if !v.Domain.IsZero() {
		v.Number = w.number(v.Domain)
	}
	row := scan.Row{Number: len(w.Results) + 2, Cells: cells}
	if len(cells) > 0 {
		row.Cell = cells[0]
	}
	w.Results = append(w.Results, scan.Result{Row: row, Verdict: v, Warnings: warnings})
}

// Write writes all results to w and closes it.
func (w World) Write(t testing.TB, to report.Writer) {
	t.Helper()
	for _, r := range w.Results {
		if err := to.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(w.Overview()); err != nil {
		t.Fatal(err)
	}
}

// Overview is what every writer of the world is closed with.
func (w World) Overview() *report.Overview {
	return report.NewOverview(w.Layout.Issuers, w.Run, w.Tally())
}

// Tally is that of all rows of the world.
func (w World) Tally() *report.Tally {
	tally := new(report.Tally)
	for _, asked := range w.GroupBy {
		g, err := report.NewGroups(w.Layout, asked)
		if err != nil {
			panic(err)
		}
		tally.Groups = append(tally.Groups, g)
	}
	all := w.All
	if all == nil {
		all = w.Results
	}
	for _, r := range all {
		tally.Add(r)
		if slices.ContainsFunc(w.Results, func(written scan.Result) bool { return written.Row.Number == r.Row.Number }) {
			tally.Wrote()
		}
	}
	tally.Changes = w.Changes
	return tally
}

// Maker makes a Writer.
type Maker = func(io.Writer, report.Layout) (report.Writer, error)

// Bytes returns the report of a maker.
func (w World) Bytes(t testing.TB, newWriter Maker) []byte {
	t.Helper()
	var out strings.Builder
	to, err := newWriter(&out, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, to)
	return []byte(out.String())
}

// number counts domains as a Scanner does: in the order in which they are first met.
func (w *World) number(domain domain.Name) int {
	most := 0
	for _, r := range w.Results {
		if r.Verdict.Domain == domain {
			return r.Verdict.Number
		}
		most = max(most, r.Verdict.Number)
	}
	return most + 1
}

// Earlier is an earlier report of the world of compared: the policy of
// mail.closed.example was another one, bogus.example had no failure, gone.example was
// there, open.example once more than now, and empty cells were not.
func Earlier(t testing.TB, labels ...string) World {
	t.Helper()
	old := NewWorld(t, labels...)
	open := old.Results[0]
	was := Permitted(t, "mail.closed.example", len(labels))
	for i := range was.Decisions {
		was.Decisions[i].Reason = scan.Reason(caa.NoIssuemail)
	}
	was.FoundAt, was.Records = Name(t, "closed.example"), caa.RRset{Owner: "closed.example", Properties: Issuemail(t, "closed.example", "was.example").Properties}
	old.Results[1].Verdict = was
	worked := Permitted(t, "bogus.example", len(labels))
	old.Results[3].Verdict = worked
	gone := Permitted(t, "gone.example", len(labels))
	old.Results = append(old.Results[:4], old.Results[5:]...)
	old.Add(gone, nil, "joe@gone.example")
	old.Results = append(old.Results, open) // which is not there as often now
	return old
}

// Compared is a world whose rows are compared with earlier, by hand: of six rows one
// whose policy changed, one that fails now, one that is new (an empty cell); of the
// earlier report one row of gone.example and one of open.example are not there any more.
func Compared(t testing.TB, labels ...string) World {
	t.Helper()
	w := NewWorld(t, labels...)
	w.Layout.Compared = "old.csv"
	for i, change := range []scan.Change{scan.ChangeNone, scan.ChangeNewlyDenied, scan.ChangeNone, scan.ChangeFailedNow, scan.ChangeNew, scan.ChangeNone} {
		w.Results[i].Change = change
	}
	verdict := func(reason scan.Reason) *report.DomainVerdict {
		return &report.DomainVerdict{Reasons: slices.Repeat([]scan.Reason{reason}, len(labels))}
	}
	was, is := verdict(scan.Reason(caa.NoIssuemail)), verdict(scan.Reason(caa.IssuerListed))
	is.Reasons[0] = scan.Reason(caa.IssuerNotListed)
	was.Records.Only.Shown = []string{`0 issuemail "was.example"`}
	is.Records.Only.Shown = []string{`0 issuemail "other.example"`, `0 issuemail "=cmd|\"x\""`}
	open, bogus := verdict(scan.Reason(caa.NoCAA)), verdict(scan.Reason(snapshot.DNSSECBogus))
	w.Changes = &report.Changes{
		Earlier: w.Layout.Compared, Labels: labels,
		Counts: map[scan.Change]report.Count{
			scan.ChangeNewlyDenied: {Rows: 1, Domains: 1}, scan.ChangeFailedNow: {Rows: 1, Domains: 1},
			scan.ChangeNew: {Rows: 1}, scan.ChangeGone: {Rows: 2, Domains: 1}, scan.ChangeNone: {Rows: 3, Domains: 1},
		},
		Domains: []report.DomainChange{
			{Domain: "mail.closed.example", Change: scan.ChangeNewlyDenied, Rows: 1, Was: was, Is: is},
			{Domain: "bogus.example", Change: scan.ChangeFailedNow, Rows: 1, Was: open, Is: bogus},
			{Change: scan.ChangeNew, Rows: 1},
			{Domain: "gone.example", Change: scan.ChangeGone, Rows: 1, Was: open},
			{Domain: "open.example", Change: scan.ChangeGone, Rows: 1, Was: open, Is: open},
		},
	}
	return w
}

// Grouped is NewWorld with a column of customers, of hostile names, by which rows are
// grouped: of "=Biza" one row is denied for the first CA and one failed, "Acme" has two rows
// of open.example, and two rows have no customer.
func Grouped(t testing.TB, labels ...string) World {
	t.Helper()
	w := NewWorld(t, labels...)
	w.Layout.Header = append(w.Layout.Header, "Customer: </td>\x1b")
	w.GroupBy = []string{"customer: </td>\x1b"}
	for i, customer := range []string{"Acme & <Sons>", "=Biza\u202e", " Acme & <Sons>", "=Biza\u202e"} {
		cells := append(slices.Clone(w.Results[i].Row.Cells), "", "", "")
		w.Results[i].Row.Cells = append(cells[:3], customer)
	}
	return w
}

// Placed is NewWorld beside what three other places have seen: of open.example fra the same,
// sin that it is denied, and sao was not asked. What is not permitted here needs nobody.
func Placed(t testing.TB, labels ...string) World {
	t.Helper()
	w := NewWorld(t, labels...)
	w.Layout.Perspectives = []string{"fra", "sin", "sao"}
	denies := &scan.Sighting{
		Reasons: slices.Repeat([]scan.Reason{scan.Reason(caa.IssuerNotListed)}, len(labels)),
		Records: Issuemail(t, "open.example", "forger.example", "<b>=1+1").Properties,
	}
	differs := &scan.Placed{Seen: []*scan.Sighting{{Alike: true}, denies, nil}}
	for range labels {
		differs.Corroborations = append(differs.Corroborations, scan.Corroboration{Corroborated: scan.CorroboratedNo, By: "fra"})
	}
	for i := range w.Results {
		switch v := w.Results[i].Verdict; v.Domain.String() {
		case "":
		case "open.example":
			w.Results[i].Places = differs
		default:
			same := new(scan.Placed)
			for _, d := range v.Decisions {
				c := scan.Corroboration{Corroborated: scan.CorroboratedNotApplicable}
				if d.Status == scan.Permitted {
					c = scan.Corroboration{Corroborated: scan.CorroboratedUnknown, By: "fra sin sao"}
				}
				same.Corroborations = append(same.Corroborations, c)
			}
			w.Results[i].Places = same
		}
	}
	return w
}

// ErrDisk is the error of a full disk.
var ErrDisk = errors.New("no space left on device")

// Limited takes so many octets and then fails.
type Limited struct{ left int }

// Write counts p, and fails with ErrDisk as soon as there is no room for all of it.
func (l *Limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, ErrDisk
	}
	l.left -= len(p)
	return len(p), nil
}

// CheckWriter holds a maker's Writers to what Writer promises.
func CheckWriter(t *testing.T, name string, newWriter Maker) {
	w := NewWorld(t, "ca.example")
	size := len(w.Bytes(t, newWriter))
	for _, room := range []int{0, size / 2, size - 1} {
		t.Run(fmt.Sprintf("%s with room for %d octets of %d", name, room, size), func(t *testing.T) {
			to, err := newWriter(&Limited{room}, w.Layout)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range w.Results {
				to.Write(r)
			}
			if err := to.Close(w.Overview()); !errors.Is(err, ErrDisk) {
				t.Errorf("Close() = %v, want %v", err, ErrDisk)
			}
		})
	}
	t.Run(name+" after Close", func(t *testing.T) { checkAfterClose(t, w, newWriter) })
	t.Run(name+" of rows that do not fit", func(t *testing.T) { checkMisfits(t, w, newWriter) })
}

func checkAfterClose(t *testing.T, w World, newWriter Maker) {
	to, err := newWriter(&Limited{1 << 20}, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, to)
	if err := to.Write(w.Results[0]); err == nil {
		t.Error("no error of Write after Close")
	}
	if err := to.Close(w.Overview()); err == nil {
		t.Error("no error of a second Close")
	}
}

// checkMisfits: no cell is dropped; a row that does not fit is an error, of Close too.
func checkMisfits(t *testing.T, w World, newWriter Maker) {
	long, undecided := w.Results[0], w.Results[0]
	long.Row.Cells = []string{"a", "b", "c", "d"}
	undecided.Verdict = scan.Verdict{Outcome: new(scan.Outcome)}
	for what, r := range map[string]scan.Result{"more cells than the header": long, "no decision": undecided} {
		to, err := newWriter(&Limited{1 << 20}, w.Layout)
		if err != nil {
			t.Fatal(err)
		}
		if err := to.Write(r); err == nil {
			t.Errorf("no error of a row with %s", what)
		}
		if err := to.Close(w.Overview()); err == nil {
			t.Errorf("no error of Close after a row with %s", what)
		}
	}
}

// HostileTexts are cells that a spreadsheet may take for something else.
func HostileTexts() []string {
	return []string{
		"=1+1", "=cmd|' /C calc'!A0", "+cmd", "@SUM(A1)", "'=1", // a formula
		"0049301234", "1e5", "12.50", "TRUE", "2026-01-01", "#REF!", // a number, a truth, a date, an error
		"_x0041_", "_x0041_x0042_", "_xDEAD_", "_x005F_", "_x005F_x0041_", "__x000d__", "_x41_", "_xGGGG_", // an escape
		"a & b <c> ]]> &amp; \"q\"", " lead", "trail ", "\ttab\t", "a\nb", "\n", "a\rb\r\nc", // XML
		"Jürgen 東京 👩\u200d🔬", "\ufffd", `\x41`,
	}
}

// AllOpen is a world in which nothing is denied and nothing fails.
func AllOpen(t testing.TB, labels ...string) World {
	t.Helper()
	w := NewWorld(t, labels...)
	w.Results = nil
	w.Add(Permitted(t, "open.example", len(labels)), nil, "jane@open.example")
	return w
}

// Mixed is a world whose rows share outcomes with others and not all else, and what
// pickMixed finds in its reports.
func Mixed(t testing.TB) (w World, want [][]string) {
	w = NewWorld(t, "ca.example")
	first, denied := w.Results[0], w.Results[1]
	again := denied
	again.Row.Number, again.Row.Cells, again.Warnings = 9, []string{"short"}, nil
	sibling := first
	sibling.Verdict = scan.Verdict{Domain: Name(t, "sibling.example"), Outcome: first.Verdict.Outcome}
	w.Results = []scan.Result{denied, again, first, sibling, denied}
	const records = `0 issuemail "other.example" | 0 issuemail "=cmd|\"x\""`
	return w, [][]string{
		{"joe@mail.closed.example", `ok, or "so"`, "3", "mail.closed.example", records, "idn-mapped inherited", "2026-11-23T12:00:00Z"},
		{"short", "", "9", "mail.closed.example", records, "inherited", "2026-11-23T12:00:00Z"},
		{"Jane Doe <jane@open.example>", "", "2", "open.example", "", "", "2026-11-23T12:00:00Z"},
		{"Jane Doe <jane@open.example>", "", "2", "sibling.example", "", "", ""},
		{"joe@mail.closed.example", `ok, or "so"`, "3", "mail.closed.example", records, "idn-mapped inherited", "2026-11-23T12:00:00Z"},
	}
}

// PickMixed returns the input's first two cells, caa_row, caa_domain, caa_records,
// caa_warnings and caa_checked_at of a report's rows under its header.
func PickMixed(rows [][]string) (picked [][]string) {
	for _, cells := range rows[1:] {
		cells = append(cells, make([]string, 17-len(cells))...)
		picked = append(picked, []string{cells[0], cells[1], cells[3], cells[4], cells[10], cells[13], cells[16]})
	}
	return picked
}

// Golden holds a report to a file, which go test -update writes anew if the package has
// that flag.
func Golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", file)
	if update := flag.Lookup("update"); update != nil && update.Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s mismatch (-want +got):\n%s", file, diff)
	}
}

// StopsBoth is newWorld with a name that stops both CAs.
func StopsBoth(t testing.TB) World {
	t.Helper()
	w := NewWorld(t, "Old", "New")
	w.Results[1].Verdict.Decisions[1] = scan.Decision{
		Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed), Detail: "new.example is not listed.",
		Fix: Fix(t, "policy.example", "other.example", "new.example"),
	}
	return w
}

package report

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

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

func name(t testing.TB, text string) domain.Name {
	t.Helper()
	n, err := domain.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// issuemail returns a set of issuemail properties with these values.
func issuemail(t testing.TB, owner string, values ...string) caa.RRset {
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

// fix adds the last of the values to the others.
func fix(t testing.TB, owner string, values ...string) *scan.Fix {
	t.Helper()
	set := issuemail(t, owner, values...)
	present := caa.RRset{Owner: owner, Properties: set.Properties[:len(values)-1]}
	return &scan.Fix{Present: present, Set: set.Properties}
}

// noon is when the answers of the tests came, in a zone that reports must turn
// into UTC.
func noon() time.Time {
	return time.Date(2026, 11, 23, 13, 0, 0, 999, time.FixedZone("CET", 3600))
}

// permitted is the verdict on a domain without CAA records, for each CA.
func permitted(t testing.TB, domain string, issuers int) scan.Verdict {
	t.Helper()
	v := scan.Verdict{
		Domain: name(t, domain), CheckedAt: noon(),
		Outcome: &scan.Outcome{DNSSEC: snapshot.Insecure, Resolver: "192.0.2.53:53"},
	}
	for range issuers {
		v.Decisions = append(v.Decisions, scan.Decision{
			Status: scan.Permitted, Reason: scan.Reason(caa.NoCAA), Detail: scan.Sentence("No CAA records at " + domain + "."),
		})
	}
	return v
}

// inputFailure is the verdict on a cell without a domain.
func inputFailure(reason scan.Reason, detail scan.Sentence, issuers int) scan.Verdict {
	v := scan.Verdict{Outcome: new(scan.Outcome)}
	for range issuers {
		v.Decisions = append(v.Decisions, scan.Decision{Status: scan.LookupFailed, Reason: reason, Detail: detail})
	}
	return v
}

// world is a small run: its layout, its results and its facts.
type world struct {
	layout  Layout
	results []scan.Result
	all     []scan.Result // where given, the tally is of these: those that are not written too
	run     Run
	changes *Changes // where rows are compared
}

// newWorld has a row of every kind, for one or two CAs.
func newWorld(t testing.TB, labels ...string) world {
	t.Helper()
	var w world
	w.layout = Layout{Header: []string{"email", "CAA_Status", "phone"}, Issuers: labels, TempDir: t.TempDir()}
	n := len(labels)

	open := permitted(t, "open.example", n)
	denied := scan.Verdict{Domain: name(t, "mail.closed.example"), CheckedAt: noon(), Outcome: &scan.Outcome{
		DNSSEC: snapshot.Secure, Resolver: "192.0.2.53:53",
		FoundAt: name(t, "closed.example"), Records: issuemail(t, "policy.example", "other.example", `=cmd|"x"`),
		Warnings: []scan.Warning{scan.Inherited},
		Decisions: []scan.Decision{{
			Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed), Detail: "Only other.example may issue, ca.example is not listed.",
			Fix: fix(t, "policy.example", "other.example", "ca.example"),
		}},
	}}
	if n > 1 {
		denied.Decisions = append(denied.Decisions, scan.Decision{
			Status: scan.Permitted, Reason: scan.Reason(caa.IssuerListed), Detail: "other.example is listed.",
		})
	}
	failed := inputFailure(scan.Reason(snapshot.DNSSECBogus), "The signatures do not hold.", n)
	failed.Domain, failed.DNSSEC, failed.OnFailure = name(t, "bogus.example"), snapshot.Bogus, scan.OnFailureMustNotIssue
	empty := inputFailure(scan.Empty, "There is no address or domain in this row.", n)
	broken := inputFailure(scan.BrokenRow, "The line could not be split into cells.", n)

	w.add(open, nil, "Jane Doe <jane@open.example>", "", "+49 30 1234")
	w.add(denied, []scan.Warning{scan.IDNMapped}, "joe@mail.closed.example", "ok, or \"so\"", "=1+1")
	w.add(open, nil, "two\nlines@open.example")
	w.add(failed, nil, "x@bogus.example", "a\x00b\u202ec", "0049301234")
	w.add(empty, nil)
	w.add(broken, nil, `"never closed;x`)
	w.results[5].Row.Broken = true

	w.run = Run{
		Version: "1.2.3", Started: noon(), Finished: noon().Add(90 * time.Second),
		InputName: "staff.csv", InputSHA256: strings.Repeat("0123456789abcdef", 4), InputColumn: "email",
		Rows: 6, BlankLines: 1, BrokenRows: 1, Domains: 3, Names: 6, Queries: 8,
		Resolvers: []string{"192.0.2.53:53", "[2001:db8::53]:53"},
		Settings:  "--issuer ca.example --concurrency 64",
		Notes:     []string{"The resolver 192.0.2.54 was left out: it does not answer."},
	}
	for _, label := range labels {
		w.run.Issuers = append(w.run.Issuers, caa.Issuer{Label: label, Domains: []domain.Name{name(t, "ca.example"), name(t, "www.ca.example")}})
	}
	return w
}

// add adds a row, and gives a domain that is met for the first time its number.
func (w *world) add(v scan.Verdict, warnings []scan.Warning, cells ...string) {
	if !v.Domain.IsZero() {
		v.Number = w.number(v.Domain)
	}
	row := scan.Row{Number: len(w.results) + 2, Cells: cells}
	if len(cells) > 0 {
		row.Cell = cells[0]
	}
	w.results = append(w.results, scan.Result{Row: row, Verdict: v, Warnings: warnings})
}

// write writes all results to w and closes it.
func (w world) write(t testing.TB, to Writer) {
	t.Helper()
	for _, r := range w.results {
		if err := to.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(w.overview()); err != nil {
		t.Fatal(err)
	}
}

// overview is what every writer of the world is closed with.
func (w world) overview() *Overview { return NewOverview(w.layout.Issuers, w.run, w.tally()) }

func (w world) tally() *Tally {
	tally := new(Tally)
	all := w.all
	if all == nil {
		all = w.results
	}
	for _, r := range all {
		tally.Add(r)
	}
	tally.Changes = w.changes
	return tally
}

// maker makes a Writer.
type maker = func(io.Writer, Layout) (Writer, error)

// bytes returns the report of a maker.
func (w world) bytes(t testing.TB, newWriter maker) []byte {
	t.Helper()
	var out strings.Builder
	to, err := newWriter(&out, w.layout)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, to)
	return []byte(out.String())
}

// number counts domains as a Scanner does: in the order in which they are first met.
func (w *world) number(domain domain.Name) int {
	most := 0
	for _, r := range w.results {
		if r.Verdict.Domain == domain {
			return r.Verdict.Number
		}
		most = max(most, r.Verdict.Number)
	}
	return most + 1
}

// earlier is an earlier report of the world of compared: the policy of
// mail.closed.example was another one, bogus.example had no failure, gone.example was
// there, open.example once more than now, and empty cells were not.
func earlier(t testing.TB, labels ...string) world {
	t.Helper()
	old := newWorld(t, labels...)
	open := old.results[0]
	was := permitted(t, "mail.closed.example", len(labels))
	for i := range was.Decisions {
		was.Decisions[i].Reason = scan.Reason(caa.NoIssuemail)
	}
	was.FoundAt, was.Records = name(t, "closed.example"), caa.RRset{Owner: "closed.example", Properties: issuemail(t, "closed.example", "was.example").Properties}
	old.results[1].Verdict = was
	worked := permitted(t, "bogus.example", len(labels))
	old.results[3].Verdict = worked
	gone := permitted(t, "gone.example", len(labels))
	old.results = append(old.results[:4], old.results[5:]...)
	old.add(gone, nil, "joe@gone.example")
	old.results = append(old.results, open) // which is not there as often now
	return old
}

// compared is a world whose rows are compared with earlier, by hand: of six rows one
// whose policy changed, one that fails now, one that is new (an empty cell); of the
// earlier report one row of gone.example and one of open.example are not there any more.
func compared(t testing.TB, labels ...string) world {
	t.Helper()
	w := newWorld(t, labels...)
	w.layout.Compared = "old.csv"
	for i, change := range []scan.Change{scan.ChangeNone, scan.ChangeStatus, scan.ChangeNone, scan.ChangeFailedNow, scan.ChangeNew, scan.ChangeNone} {
		w.results[i].Change = change
	}
	verdict := func(reason scan.Reason) *DomainVerdict {
		return &DomainVerdict{Reasons: slices.Repeat([]scan.Reason{reason}, len(labels))}
	}
	was, is := verdict(scan.Reason(caa.NoIssuemail)), verdict(scan.Reason(caa.IssuerListed))
	is.Reasons[0] = scan.Reason(caa.IssuerNotListed)
	was.Records.Only.Shown = []string{`0 issuemail "was.example"`}
	is.Records.Only.Shown = []string{`0 issuemail "other.example"`, `0 issuemail "=cmd|\"x\""`}
	open, bogus := verdict(scan.Reason(caa.NoCAA)), verdict(scan.Reason(snapshot.DNSSECBogus))
	w.changes = &Changes{
		Earlier: w.layout.Compared, Labels: labels,
		Counts: map[scan.Change]Count{
			scan.ChangeStatus: {Rows: 1, Domains: 1}, scan.ChangeFailedNow: {Rows: 1, Domains: 1},
			scan.ChangeNew: {Rows: 1}, scan.ChangeGone: {Rows: 2, Domains: 1}, scan.ChangeNone: {Rows: 3, Domains: 1},
		},
		Domains: []DomainChange{
			{Domain: "mail.closed.example", Change: scan.ChangeStatus, Rows: 1, Was: was, Is: is},
			{Domain: "bogus.example", Change: scan.ChangeFailedNow, Rows: 1, Was: open, Is: bogus},
			{Change: scan.ChangeNew, Rows: 1},
			{Domain: "gone.example", Change: scan.ChangeGone, Rows: 1, Was: open},
			{Domain: "open.example", Change: scan.ChangeGone, Rows: 1, Was: open, Is: open},
		},
	}
	return w
}

var errDisk = errors.New("no space left on device")

// limited takes so many octets and then fails.
type limited struct{ left int }

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, errDisk
	}
	l.left -= len(p)
	return len(p), nil
}

// checkWriter holds a maker's Writers to what Writer promises.
func checkWriter(t *testing.T, name string, newWriter maker) {
	w := newWorld(t, "ca.example")
	size := len(w.bytes(t, newWriter))
	for _, room := range []int{0, size / 2, size - 1} {
		t.Run(fmt.Sprintf("%s with room for %d octets of %d", name, room, size), func(t *testing.T) {
			to, err := newWriter(&limited{room}, w.layout)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range w.results {
				to.Write(r)
			}
			if err := to.Close(w.overview()); !errors.Is(err, errDisk) {
				t.Errorf("Close() = %v, want %v", err, errDisk)
			}
		})
	}
	t.Run(name+" after Close", func(t *testing.T) { checkAfterClose(t, w, newWriter) })
	t.Run(name+" of rows that do not fit", func(t *testing.T) { checkMisfits(t, w, newWriter) })
}

func checkAfterClose(t *testing.T, w world, newWriter maker) {
	to, err := newWriter(&limited{1 << 20}, w.layout)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, to)
	if err := to.Write(w.results[0]); err == nil {
		t.Error("no error of Write after Close")
	}
	if err := to.Close(w.overview()); err == nil {
		t.Error("no error of a second Close")
	}
}

// checkMisfits: no cell is dropped; a row that does not fit is an error, of Close too.
func checkMisfits(t *testing.T, w world, newWriter maker) {
	long, undecided := w.results[0], w.results[0]
	long.Row.Cells = []string{"a", "b", "c", "d"}
	undecided.Verdict = scan.Verdict{Outcome: new(scan.Outcome)}
	for what, r := range map[string]scan.Result{"more cells than the header": long, "no decision": undecided} {
		to, err := newWriter(&limited{1 << 20}, w.layout)
		if err != nil {
			t.Fatal(err)
		}
		if err := to.Write(r); err == nil {
			t.Errorf("no error of a row with %s", what)
		}
		if err := to.Close(w.overview()); err == nil {
			t.Errorf("no error of Close after a row with %s", what)
		}
	}
}

// hostileTexts are cells that a spreadsheet may take for something else.
func hostileTexts() []string {
	return []string{
		"=1+1", "=cmd|' /C calc'!A0", "+cmd", "@SUM(A1)", "'=1", // a formula
		"0049301234", "1e5", "12.50", "TRUE", "2026-01-01", "#REF!", // a number, a truth, a date, an error
		"_x0041_", "_x0041_x0042_", "_xDEAD_", "_x005F_", "_x005F_x0041_", "__x000d__", "_x41_", "_xGGGG_", // an escape
		"a & b <c> ]]> &amp; \"q\"", " lead", "trail ", "\ttab\t", "a\nb", "\n", "a\rb\r\nc", // XML
		"Jürgen 東京 👩\u200d🔬", "\ufffd", `\x41`,
	}
}

// allOpen is a world in which nothing is denied and nothing fails.
func allOpen(t testing.TB, labels ...string) world {
	t.Helper()
	w := newWorld(t, labels...)
	w.results = nil
	w.add(permitted(t, "open.example", len(labels)), nil, "jane@open.example")
	return w
}

// mixed is a world whose rows share outcomes with others and not all else, and what
// pickMixed finds in its reports.
func mixed(t testing.TB) (w world, want [][]string) {
	w = newWorld(t, "ca.example")
	first, denied := w.results[0], w.results[1]
	again := denied
	again.Row.Number, again.Row.Cells, again.Warnings = 9, []string{"short"}, nil
	sibling := first
	sibling.Verdict = scan.Verdict{Domain: name(t, "sibling.example"), Outcome: first.Verdict.Outcome}
	w.results = []scan.Result{denied, again, first, sibling, denied}
	const records = `0 issuemail "other.example" | 0 issuemail "=cmd|\"x\""`
	return w, [][]string{
		{"joe@mail.closed.example", `ok, or "so"`, "3", "mail.closed.example", records, "idn-mapped inherited", "2026-11-23T12:00:00Z"},
		{"short", "", "9", "mail.closed.example", records, "inherited", "2026-11-23T12:00:00Z"},
		{"Jane Doe <jane@open.example>", "", "2", "open.example", "", "", "2026-11-23T12:00:00Z"},
		{"Jane Doe <jane@open.example>", "", "2", "sibling.example", "", "", ""},
		{"joe@mail.closed.example", `ok, or "so"`, "3", "mail.closed.example", records, "idn-mapped inherited", "2026-11-23T12:00:00Z"},
	}
}

// pickMixed returns the input's first two cells, caa_row, caa_domain, caa_records,
// caa_warnings and caa_checked_at of a report's rows under its header.
func pickMixed(rows [][]string) (picked [][]string) {
	for _, cells := range rows[1:] {
		cells = append(cells, make([]string, 17-len(cells))...)
		picked = append(picked, []string{cells[0], cells[1], cells[3], cells[4], cells[10], cells[13], cells[16]})
	}
	return picked
}

// golden holds a report to a file, which go test -update writes anew if the package has
// that flag.
func golden(t *testing.T, file, got string) {
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

// stopsBoth is newWorld with a name that stops both CAs.
func stopsBoth(t testing.TB) world {
	t.Helper()
	w := newWorld(t, "Old", "New")
	w.results[1].Verdict.Decisions[1] = scan.Decision{
		Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed), Detail: "new.example is not listed.",
		Fix: fix(t, "policy.example", "other.example", "new.example"),
	}
	return w
}

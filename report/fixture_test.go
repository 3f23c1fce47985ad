package report

import (
	"strings"
	"testing"
	"time"

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

// bytes returns the report in a format.
func (w world) bytes(t testing.TB, format Format) []byte {
	t.Helper()
	var out strings.Builder
	to, err := New(format, &out, w.layout)
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

// compared is a world whose rows are compared with an earlier report of it, in which
// the policy of mail.closed.example was another one, bogus.example had no failure,
// gone.example was there, and empty cells were not.
func compared(t testing.TB, labels ...string) world {
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

	w := newWorld(t, labels...)
	w.layout.Compared = "old.csv"
	b := old.baseline(t, CSV)
	for i := range w.results {
		w.results[i].Change = b.Compare(w.results[i])
	}
	changes, err := b.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	changes.Earlier = w.layout.Compared
	w.changes = changes
	return w
}

package scan_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

const world = `$ORIGIN .
$TTL 300
@                   SOA   ns.example. hostmaster.example. 1 7200 900 1209600 300
plain.example.      A     192.0.2.1
web.example.        CAA   0 issue "other-ca.example"
listed.example.     CAA   0 issuemail "ca.example"
other.example.      CAA   0 issuemail "other-ca.example"
other.example.      CAA   0 issuemail "THIRD-ca.example; a=b"
other.example.      CAA   0 issuemail "third-ca.example"
nobody.example.     CAA   0 issuemail ";"
bad.example.        CAA   0 issuemail "ca.example."
critical.example.   CAA   128 tbs "{found} \027"
alias.example.      CNAME nobody.example.
loop.example.       CNAME loop.example.
`

func client(t testing.TB, text string) *lookup.Client {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(text), "test.zone")
	if err != nil {
		t.Fatal(err)
	}
	set, err := zone.NewSet(z)
	if err != nil {
		t.Fatal(err)
	}
	r, err := lookup.New(lookup.Config{Zones: set})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func issuers(t testing.TB, texts ...string) []caa.Issuer {
	t.Helper()
	var list []caa.Issuer
	for _, text := range texts {
		issuer, err := caa.ParseIssuer(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, issuer)
	}
	return list
}

// rowsOf yields a row for each cell, numbered from 2.
func rowsOf(cells ...string) iter.Seq2[scan.Row, error] {
	return func(yield func(scan.Row, error) bool) {
		for i, cell := range cells {
			if !yield(scan.Row{Number: i + 2, Cells: []string{cell}, Cell: cell}, nil) {
				return
			}
		}
	}
}

// results scans rows through world.
func results(t testing.TB, cas []caa.Issuer, rows iter.Seq2[scan.Row, error]) []scan.Result {
	t.Helper()
	r := client(t, world)
	if err := scan.Collect(t.Context(), r, rows, nil); err != nil {
		t.Fatal(err)
	}
	var all []scan.Result
	for result, err := range scan.New(scan.Config{Issuers: cas, Store: r.Store()}).Results(t.Context(), rows) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, result)
	}
	return all
}

func TestEveryReasonHasASentenceWithItsNamesAndValues(t *testing.T) {
	for _, test := range []struct {
		cell   string
		reason scan.Reason
		detail string
	}{
		{"plain.example", "no-caa", "No CAA records at plain.example or any of its parents: every CA may issue."},
		{"web.example", "no-issuemail", "None of the CAA records at web.example has the tag issuemail, so they do not restrict certificates for mail."},
		{"listed.example", "issuer-listed", `The CAA records at listed.example let Ours issue: 0 issuemail "ca.example".`},
		{"other.example", "issuer-not-listed", "The CAA records at other.example let only third-ca.example and other-ca.example issue certificates for mail; " +
			"Ours (ca.example or www.ca.example) is not listed. A change is seen within 5 minutes (TTL 300)."},
		{"x.nobody.example", "no-issuer", `The CAA records at nobody.example forbid every CA to issue certificates for mail: 0 issuemail ";". A change is seen within 5 minutes (TTL 300).`},
		{"alias.example", "no-issuer", "The CAA records at alias.example (through an alias, at nobody.example) forbid every CA to issue certificates for mail: " +
			`0 issuemail ";". A change is seen within 5 minutes (TTL 300). These records are not in this domain: ask whoever runs nobody.example to change them.`},
		{"critical.example", "unknown-critical", "A CAA record at critical.example is marked critical and has a tag that CAs do not know (tbs): no CA may issue. A change is seen within 5 minutes (TTL 300)."},
		{"loop.example", "cname-loop", "The aliases (CNAME, DNAME) of loop.example lead in a circle, or there are more than 16 names, as test.zone answers (NOERROR)."},
		{"a.nosuch", "tld-not-found", "There is no top-level domain nosuch, says test.zone (NXDOMAIN): a typing error or an internal name. No CA can issue for it."},
		{"", "empty", "There is no address or domain in this row."},
	} {
		v := results(t, issuers(t, "Ours=ca.example,www.ca.example"), rowsOf(test.cell))[0].Verdict
		got := v.Decisions[0]
		if got.Reason != test.reason || got.Status != test.reason.Status() {
			t.Errorf("%s: %s, %s, want %s, %s", test.cell, got.Status, got.Reason, test.reason.Status(), test.reason)
		}
		if diff := cmp.Diff(test.detail, got.Detail.For(v.Domain)); diff != "" {
			t.Errorf("%s: detail mismatch (-want +got)\n%s", test.cell, diff)
		}
	}
	v := results(t, issuers(t, "ca.example"), rowsOf("bad.example"))[0].Verdict
	malformed := v.Decisions[0].Detail.For(v.Domain)
	for _, part := range []string{"bad.example", `0 issuemail "ca.example."`, `"."`} {
		if !strings.Contains(malformed, part) {
			t.Errorf("bad.example: %q lacks %q", malformed, part)
		}
	}
}

// TestLookupFailuresAreTold makes a Store with one failure and reads what the row
// says of it.
func TestLookupFailuresAreTold(t *testing.T) {
	name, err := domain.Parse("mail.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range snapshot.Failures() {
		var store snapshot.Store
		store.Put(snapshot.Observation{
			Name: name, Failure: failure, Server: "192.0.2.1:53", RCode: 2,
			EDE: []snapshot.EDE{{Code: 22, Text: "at delegation \x1b"}},
		})
		v := scan.New(scan.Config{Issuers: issuers(t, "ca.example", "other.example"), Store: &store}).Verdict(name)
		if len(v.Decisions) != 2 || !cmp.Equal(v.Decisions[0], v.Decisions[1]) {
			t.Errorf("%s: decisions %+v, want the same for both CAs", failure, v.Decisions)
		}
		d := v.Decisions[0]
		if d.Status != scan.LookupFailed || d.Reason != scan.Reason(failure) {
			t.Errorf("%s: %s, %s, want lookup-failed for that reason", failure, d.Status, d.Reason)
		}
		if detail := d.Detail.For(name); !strings.Contains(detail, "mail.example") || strings.ContainsAny(detail, "{}\x1b") {
			t.Errorf("%s: %q, want the name asked, no placeholder and nothing unescaped", failure, d.Detail)
		}
	}
}

// TestAFailureIsToldWithServerNameRCodeAndEDE reads one whole sentence.
func TestAFailureIsToldWithServerNameRCodeAndEDE(t *testing.T) {
	name, err := domain.Parse("mail.example")
	if err != nil {
		t.Fatal(err)
	}
	var store snapshot.Store
	store.Put(snapshot.Observation{
		Name: name, Asked: "target.test", Failure: snapshot.DNSSECBogus, Server: "192.0.2.1:53", RCode: 2,
		EDE: []snapshot.EDE{{Code: 7, Text: "expired\x1b"}},
	})
	v := scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: &store}).Verdict(name)
	want := `DNSSEC validation failed at target.test, as 192.0.2.1:53 says (SERVFAIL, EDE 7 (Signature Expired): "expired\027"). ` +
		"No CA may issue until the zone is mended."
	if diff := cmp.Diff(want, v.Decisions[0].Detail.For(name)); diff != "" {
		t.Errorf("detail mismatch (-want +got)\n%s", diff)
	}
	if v.DNSSEC != snapshot.Bogus || v.OnFailure != scan.OnFailureMustNotIssue {
		t.Errorf("DNSSEC %q, on failure %q, want bogus and ca-must-not-issue", v.DNSSEC, v.OnFailure)
	}
}

// TestWhatGaveAnAnswerAwayIsTold, and what to do about it.
func TestWhatGaveAnAnswerAwayIsTold(t *testing.T) {
	name, err := domain.Parse("mail.example")
	if err != nil {
		t.Fatal(err)
	}
	const before = "192.0.2.1:53 does not answer for mail.example from the public DNS: "
	const after = ". What the DNS holds there is not known; ask a resolver outside your network, by a tls:// or https:// address."
	for mark, want := range map[snapshot.Mark]string{
		snapshot.MarkAuthority:   before + "it answers as the authority itself (AA is set), not as one that has asked the DNS" + after,
		snapshot.MarkNoRecursion: before + "its answer does not offer recursion (RA is not set), as every answer from the DNS does" + after,
		snapshot.MarkForeignSOA:  before + "its answer has the SOA record of a zone that cannot hold the name" + after,
		snapshot.MarkPolicySOA:   before + "its answer has the mark of a response policy (a SOA record in the additional section)" + after,
		snapshot.MarkAfterServFail: "192.0.2.1:53 could not get an answer for mail.example that it trusts (SERVFAIL). The one that came afterwards " +
			"was not validated, and mail.example is not proven to be unsigned, so it does not count.",
	} {
		failure := snapshot.Filtered
		if mark == snapshot.MarkAfterServFail {
			failure = snapshot.ServFail
		}
		var store snapshot.Store
		store.Put(snapshot.Observation{Name: name, Failure: failure, Mark: mark, Server: "192.0.2.1:53"})
		v := scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: &store}).Verdict(name)
		if diff := cmp.Diff(want, v.Decisions[0].Detail.For(name)); diff != "" {
			t.Errorf("%s: detail mismatch (-want +got)\n%s", mark, diff)
		}
	}
}

func TestEveryRowComesOutOnceAndInOrder(t *testing.T) {
	var cells []string
	for i := range 3000 {
		cells = append(cells, fmt.Sprintf("m%d@%s.example", i, []string{"plain", "listed", "other", "nosuch", "a b", ""}[i%6]))
	}
	got := results(t, issuers(t, "ca.example"), rowsOf(cells...))
	if len(got) != len(cells) {
		t.Fatalf("%d results for %d rows", len(got), len(cells))
	}
	for i, result := range got {
		if result.Row.Cell != cells[i] || result.Row.Number != i+2 {
			t.Fatalf("result %d is of row %d, %q", i, result.Row.Number, result.Row.Cell)
		}
		if i >= 6 && result.Verdict != got[i-6].Verdict { // the outcome is shared
			t.Fatalf("rows %d and %d of one domain do not share a verdict", i, i-6)
		}
	}
}

func TestAnotherCACostsNoQuery(t *testing.T) {
	rows := rowsOf("a@listed.example", "b@other.example", "c@plain.example")
	queries := func() int {
		r := client(t, world)
		if err := scan.Collect(t.Context(), r, rows, nil); err != nil {
			t.Fatal(err)
		}
		return r.Stats().Queries
	}
	if got := queries(); got != 4 {
		t.Errorf("%d queries, want 4: the three domains and example, whoever is asked about", got)
	}
	for _, result := range results(t, issuers(t, "ca.example", "other-ca.example", "third-ca.example"), rows) {
		if len(result.Verdict.Decisions) != 3 {
			t.Errorf("%s: %d decisions, want one a CA", result.Row.Cell, len(result.Verdict.Decisions))
		}
	}
}

func TestWhereASetWasFoundAndWhatToPublish(t *testing.T) {
	got := results(t, issuers(t, "ca.example"), rowsOf("x@a.b.alias.example", "x@alias.example", "x@eu.nobody.example"))
	if v := got[0].Verdict; v.FoundAt.String() != "alias.example" || !slices.Contains(v.Warnings, scan.Inherited) {
		t.Errorf("found at %v, warnings %v, want the name of the climb, alias.example, and inherited", v.FoundAt, v.Warnings)
	}
	v := got[1].Verdict
	if v.FoundAt.String() != "alias.example" || v.Records.Owner != "nobody.example" {
		t.Errorf("found at %v, owner %s, want alias.example and nobody.example", v.FoundAt, v.Records.Owner)
	}
	want := []string{`nobody.example. IN CAA 0 issuemail ";"`, `nobody.example. IN CAA 0 issuemail "ca.example"`}
	if diff := cmp.Diff(want, v.Decisions[0].Fix.Lines()); diff != "" {
		t.Errorf("fix mismatch (-want +got): it is for the owner of the records\n%s", diff)
	}
	if v := got[2].Verdict; !slices.Equal(v.Warnings, []scan.Warning{scan.Inherited, scan.DomainNotFound}) {
		t.Errorf("eu.nobody.example: warnings %v, want inherited and domain-not-found", v.Warnings)
	}
}

func TestTheOldestAnswerDatesTheRow(t *testing.T) {
	names := []string{"a.mail.example", "mail.example", "example"}
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var store snapshot.Store
	for i, text := range names {
		name, err := domain.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		store.Put(snapshot.Observation{Name: name, Server: fmt.Sprint("server ", i), Time: noon.Add(-time.Duration(i%2) * time.Hour)})
	}
	first, err := domain.Parse(names[0])
	if err != nil {
		t.Fatal(err)
	}
	v := scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: &store}).Verdict(first)
	if want := noon.Add(-time.Hour); !v.CheckedAt.Equal(want) || v.Resolver != "server 2" {
		t.Errorf("checked at %v by %s, want %v, and the server of the last answer", v.CheckedAt, v.Resolver, want)
	}
}

// TestANameThatWasNeverAskedIsNotAnEmptyOne: taking it for that would permit.
func TestANameThatWasNeverAskedIsNotAnEmptyOne(t *testing.T) {
	child, err := domain.Parse("a.mail.example")
	if err != nil {
		t.Fatal(err)
	}
	var store snapshot.Store
	store.Put(snapshot.Observation{Name: child}) // empty, and nothing is known of the parents
	d := scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: &store}).Verdict(child).Decisions[0]
	if d.Status != scan.LookupFailed || d.Reason != scan.Reason(snapshot.NotInSnapshot) || !strings.Contains(d.Detail.For(child), "mail.example") {
		t.Errorf("%+v, want lookup-failed, not-in-snapshot for mail.example", d)
	}
}

// TestOnlyTheDomainItselfIsNotFound: a parent that does not exist is no news.
func TestOnlyTheDomainItselfIsNotFound(t *testing.T) {
	got := results(t, issuers(t, "ca.example"), rowsOf("x.y.plain.example", "plain.example"))
	for i, want := range []bool{true, false} {
		if has := slices.Contains(got[i].Verdict.Warnings, scan.DomainNotFound); has != want {
			t.Errorf("%s: domain-not-found %v, want %v", got[i].Row.Cell, has, want)
		}
	}
	var store snapshot.Store
	parent, child := domain.Name{}, domain.Name{}
	for text, name := range map[string]*domain.Name{"mail.example": &parent, "a.mail.example": &child} {
		n, err := domain.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		*name = n
	}
	store.Put(snapshot.Observation{Name: child})
	store.Put(snapshot.Observation{Name: parent, RCode: 3})
	if v := scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: &store}).Verdict(child); len(v.Warnings) > 0 {
		t.Errorf("warnings %v, want none: only a parent was not found", v.Warnings)
	}
}

// TestWhatACAMayDoAfterAFailure (SBR 4.2.2.1) where answers come from zone files, of
// which nothing is proven.
func TestWhatACAMayDoAfterAFailure(t *testing.T) {
	for cell, want := range map[string]scan.OnFailure{
		"loop.example": scan.OnFailureUnknown, "a.nosuch": scan.OnFailureNone, "localhost": scan.OnFailureNone, "plain.example": scan.OnFailureNone,
	} {
		if got := results(t, issuers(t, "ca.example"), rowsOf(cell))[0].Verdict.OnFailure; got != want {
			t.Errorf("%s: on failure %q, want %q", cell, got, want)
		}
	}
}

func TestAnInputThatBreaksOffIsAnError(t *testing.T) {
	broken := errors.New("disk on fire")
	rows := func(yield func(scan.Row, error) bool) {
		if yield(scan.Row{Cell: "x@listed.example"}, nil) {
			yield(scan.Row{}, broken)
		}
	}
	r := client(t, world)
	if err := scan.Collect(t.Context(), r, rows, nil); !errors.Is(err, broken) {
		t.Errorf("Collect = %v, want %v", err, broken)
	}
	n := 0
	for _, err := range scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: r.Store()}).Results(t.Context(), rows) {
		if n++; (n == 2) != errors.Is(err, broken) {
			t.Errorf("result %d: error %v", n, err)
		}
	}
	if n != 2 {
		t.Errorf("%d results, want the row and the error", n)
	}
}

func TestResultsEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for _, err := range scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: new(snapshot.Store)}).Results(ctx, rowsOf("a.example", "b.example", "c.example")) {
		if n++; (n == 2) != errors.Is(err, context.Canceled) {
			t.Errorf("result %d: error %v", n, err)
		}
		cancel()
	}
	if n != 2 {
		t.Errorf("%d results, want one and the end of the context", n)
	}
	if err := scan.Collect(ctx, client(t, world), rowsOf("a.example"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Collect = %v, want the end of the context", err)
	}
}

// A scan has two passes over the same rows: Collect asks, Results decides.
func ExampleScanner() {
	zoneFile := "$ORIGIN example.\n@ 300 SOA ns hostmaster 1 2 3 4 5\ncorp 300 CAA 0 issuemail \"ca.example\"\n"
	z, err := zone.Parse(strings.NewReader(zoneFile), "example.zone")
	if err != nil {
		fmt.Println(err)
		return
	}
	zones, err := zone.NewSet(z)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := lookup.New(lookup.Config{Zones: zones})
	if err != nil {
		fmt.Println(err)
		return
	}
	issuer, err := caa.ParseIssuer("other-ca.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := rowsOf("jane@corp.example", "joe@shop.example", "nobody")
	ctx := context.Background()
	if err := scan.Collect(ctx, client, rows, nil); err != nil {
		fmt.Println(err)
		return
	}
	scanner := scan.New(scan.Config{Issuers: []caa.Issuer{issuer}, Store: client.Store()})
	for result, err := range scanner.Results(ctx, rows) {
		if err != nil {
			fmt.Println(err)
			return
		}
		decision := result.Verdict.Decisions[0]
		fmt.Println(result.Row.Cell, decision.Status, decision.Reason)
	}
	// Output:
	// jane@corp.example denied issuer-not-listed
	// joe@shop.example permitted no-caa
	// nobody lookup-failed single-label
}

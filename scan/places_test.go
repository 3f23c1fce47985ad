package scan_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"caascan/scan"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// onThatDay asks for five perspectives.
var onThatDay = time.Date(2026, 12, 15, 0, 0, 0, 0, time.UTC)

// compare compares one place with five others, each with a Store of its own, in two regions.
func compare(t *testing.T, rule scan.CorroborationRule, here *snapshot.Store, cells []string, there ...*snapshot.Store) []*scan.Placed {
	t.Helper()
	cas := issuers(t, "a.example", "b.example")
	scanner := scan.New(scan.Config{Issuers: cas, Store: here})
	places := scan.NewPlaces(rule)
	for i, store := range there {
		p := scan.Perspective{Name: fmt.Sprint(i), RIR: scan.RIRs()[i%2]}
		if err := places.Compare(t.Context(), p, scanner, scan.New(scan.Config{Issuers: cas, Store: store}), rowsOf(cells...)); err != nil {
			t.Fatal(err)
		}
	}
	var all []*scan.Placed
	for r, err := range scanner.Results(t.Context(), rowsOf(cells...)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, places.Of(r.Verdict))
	}
	return all
}

// TestPlacesAreComparedForEachDomainAndCA: rows of one domain, and domains that come in the
// order of the list, whoever was met first elsewhere.
func TestPlacesAreComparedForEachDomainAndCA(t *testing.T) {
	same := func() *snapshot.Store {
		return differing(t, "x.test: a.example b.example", "y.test: a.example", "test: -", "z.test: ;")
	}
	other := differing(t, "x.test: a.example", "y.test: a.example c.example", "test: -")
	cells := []string{"u@x.test", "", "u@y.test", "v@x.test", "u@z.test", "u@n.test"}
	placed := compare(t, scan.CorroborationRule{Date: onThatDay}, same(), cells, same(), same(), same(), same(), other)
	var got []string
	for _, p := range placed {
		if p == nil {
			got = append(got, "nothing")
			continue
		}
		text := ""
		for _, c := range p.Corroborations {
			text += fmt.Sprintf("%s by %q; ", c.Corroborated, c.By)
		}
		for _, s := range p.Seen {
			switch {
			case s == nil:
				text += " none"
			case s.Alike:
				text += " alike"
			default:
				text += fmt.Sprintf(" %v", s.Reasons)
			}
		}
		got = append(got, strings.TrimSpace(text))
	}
	want := []string{
		`yes by "0 1 2 3 4"; yes by "0 1 2 3";  alike alike alike alike [issuer-listed issuer-not-listed]`,
		"nothing",
		`yes by "0 1 2 3 4"; not-applicable by "";  alike alike alike alike [issuer-listed issuer-not-listed]`, // other records
		`yes by "0 1 2 3 4"; yes by "0 1 2 3";  alike alike alike alike [issuer-listed issuer-not-listed]`,
		`not-applicable by ""; not-applicable by "";`, // denied here, and not asked by the last
		`not-applicable by ""; not-applicable by "";`, // asked by nobody
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if placed[0] != placed[3] {
		t.Error("two rows of one domain do not share what is said of them")
	}
}

// TestAFailureIsNotAcceptedWhereThePrimaryIsSigned (SBR 4.2.2.1): what makes one acceptable is
// that the domain is proven not to be signed, and the primary has seen its signatures.
func TestAFailureIsNotAcceptedWhereThePrimaryIsSigned(t *testing.T) {
	failed := func() *snapshot.Store {
		store := differing(t, "x.test: timeout")
		o, _ := store.Find(scan.ParseTarget("x.test").Domain)
		o.Proofs = []snapshot.Proof{{Name: "x.test", State: snapshot.ProvenInsecure, Steps: []snapshot.ProofStep{{Name: "x.test", Finding: snapshot.InsecureDelegation}}}}
		store.Put(o)
		return store
	}
	for _, test := range []struct {
		signed bool
		want   scan.Corroboration
	}{
		{false, scan.Corroboration{Corroborated: scan.CorroboratedYes, By: "0 1 2 3 4"}},
		{true, scan.Corroboration{Corroborated: scan.CorroboratedNo, By: ""}},
	} {
		here := differing(t, "x.test: a.example")
		o, _ := here.Find(scan.ParseTarget("x.test").Domain)
		o.AD = test.signed
		here.Put(o)
		rule := scan.CorroborationRule{Date: onThatDay, Accepted: scan.AcceptMayIssue}
		placed := compare(t, rule, here, []string{"u@x.test"}, failed(), failed(), failed(), failed(), failed())
		if got := placed[0].Corroborations[0]; got != test.want {
			t.Errorf("signed %v: %+v, want %+v", test.signed, got, test.want)
		}
	}
}

func TestCompareEndsWithTheRowsAndTheContext(t *testing.T) {
	broken := errors.New("broken off")
	store := new(snapshot.Store)
	scanner := func() *scan.Scanner {
		return scan.New(scan.Config{Issuers: issuers(t, "a.example"), Store: store})
	}
	var rows iter.Seq2[scan.Row, error] = func(yield func(scan.Row, error) bool) { yield(scan.Row{}, broken) }
	places := scan.NewPlaces(scan.CorroborationRule{})
	if err := places.Compare(t.Context(), scan.Perspective{}, scanner(), scanner(), rows); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := places.Compare(ctx, scan.Perspective{}, scanner(), scanner(), rowsOf("u@x.test")); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

// TestPlacesAreSmall: eight octets at most for a domain that is seen alike, with room to grow,
// and no more for one that a forger denies everywhere.
func TestPlacesAreSmall(t *testing.T) {
	const domains, bound = 50_000, 10
	here, there := new(snapshot.Store), new(snapshot.Store)
	forged := differing(t, "f.test: ;")
	o, _ := forged.Find(scan.ParseTarget("f.test").Domain)
	rows := rowsOfDomains(domains, 1, func() {})
	for row := range rows {
		name := scan.DomainOf(row)
		here.Put(snapshot.Observation{Name: name})
		o.Name, o.Records.Owner = name, name.String()
		there.Put(o)
	}
	example, _ := domain.Parse("example")
	here.Put(snapshot.Observation{Name: example})
	cas := issuers(t, "a.example")
	scanner := scan.New(scan.Config{Issuers: cas, Store: here})
	for row := range rows {
		scanner.Verdict(scan.DomainOf(row))
	}
	places := scan.NewPlaces(scan.CorroborationRule{Date: onThatDay})
	before := liveHeap()
	if err := places.Compare(t.Context(), scan.Perspective{Name: "p"}, scanner, scan.New(scan.Config{Issuers: cas, Store: there}), rows); err != nil {
		t.Fatal(err)
	}
	if got := liveHeap() - before; got > bound*domains {
		t.Errorf("%d octets for %d domains, want at most %d each", got, domains, bound)
	}
	if got := places.Of(scanner.Verdict(scan.DomainOf(firstRow(rows)))); len(got.Seen) != 1 || got.Seen[0].Alike {
		t.Errorf("%+v, want what was seen there", got)
	}
	runtime.KeepAlive(there)
}

func firstRow(rows iter.Seq2[scan.Row, error]) (first scan.Row) {
	for row := range rows {
		return row
	}
	return first
}

package report_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/domain"
)

func TestTallyOfDomains(t *testing.T) {
	type line struct {
		Domain string
		Rows   int
	}
	want := []line{{"open.example", 2}, {"bogus.example", 1}, {"mail.closed.example", 1}}
	var got []line
	for d := range reporttest.NewWorld(t, "ca.example").Tally().Domains() {
		got = append(got, line{d.Domain.String(), d.Rows})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Domains() (-want +got):\n%s", diff)
	}
}

func TestTallyOfFixes(t *testing.T) {
	both := reporttest.NewWorld(t, "Old", "New").Tally()
	got := slices.Collect(both.Fixes(0).All())
	if len(got) != 1 || got[0].Name() != "policy.example" || got[0].Count != (report.Count{Rows: 1, Domains: 1}) {
		t.Fatalf("Fixes(0) = %+v, want one of policy.example for a row and a domain", got)
	}
	if diff := cmp.Diff([]domain.Name{reporttest.Name(t, "mail.closed.example")}, got[0].Domains, cmp.AllowUnexported(domain.Name{})); diff != "" {
		t.Errorf("Domains (-want +got):\n%s", diff)
	}
	if list := both.Fixes(0); list.Name(0) != "policy.example" || list.FirstDomain(0) != got[0].Domains[0] || !slices.Equal(list.Stopped(0), []int{0}) {
		t.Errorf("the line is at %s, first for %s, and stops %v", list.Name(0), list.FirstDomain(0), list.Stopped(0))
	}
	if got := slices.Collect(both.Fixes(1).All()); len(got) != 0 {
		t.Errorf("Fixes(1) = %+v, want none: it may issue", got)
	}
}

// TestPermissions, by hand: six rows; open.example twice, closed and bogus once, two
// without a domain.
func TestPermissions(t *testing.T) {
	want := []report.Permission{
		{Permitted: []bool{true, true}, Count: report.Count{Rows: 2, Domains: 1}},
		{Permitted: []bool{false, true}, Count: report.Count{Rows: 1, Domains: 1}},
		{Permitted: []bool{false, false}, Failed: true, Count: report.Count{Rows: 3, Domains: 1}},
	}
	if diff := cmp.Diff(want, reporttest.NewWorld(t, "Old", "New").Tally().Permissions()); diff != "" {
		t.Errorf("Permissions() (-want +got):\n%s", diff)
	}
	if got := new(report.Tally).Permissions(); len(got) != 0 {
		t.Errorf("Permissions() of nothing = %+v", got)
	}
}

// TestTallyOfWarnings, by hand: a warning of an outcome counts for all rows of its
// domains, one of the spelling for the rows that are spelt so.
func TestTallyOfWarnings(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	denied := w.Results[1].Verdict // inherited
	sibling := denied
	sibling.Domain = reporttest.Name(t, "sibling.example")
	w.Add(denied, nil, "again@mail.closed.example")
	w.Add(denied, []scan.Warning{scan.IDNMapped}, "and again")
	w.Add(sibling, []scan.Warning{scan.IDNMapped, scan.BadALabel}, "x@sibling.example")
	want := []report.WarningTotal{
		{scan.Inherited, report.Count{Rows: 4, Domains: 2}},
		{scan.IDNMapped, report.Count{Rows: 3, Domains: 2}},
		{scan.BadALabel, report.Count{Rows: 1, Domains: 1}},
	}
	if diff := cmp.Diff(want, w.Tally().Warnings()); diff != "" {
		t.Errorf("Warnings() (-want +got):\n%s", diff)
	}
	if got := new(report.Tally).Warnings(); len(got) != 0 {
		t.Errorf("Warnings() of nothing = %v", got)
	}
}

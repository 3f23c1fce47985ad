package html

import (
	"fmt"
	"io"
	"testing"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// TestPageOfManyDomainsWithOneAlias: a page with the domains that one name denies, each of
// which has an Outcome of its own, takes as many steps as there are domains, and not as many
// for each of them.
func TestPageOfManyDomainsWithOneAlias(t *testing.T) {
	const domains, each = 200, 20
	var store snapshot.Store
	deny := reporttest.Issuemail(t, "policy.example", ";")
	for i := range domains {
		store.Put(snapshot.Observation{
			Name: reporttest.Name(t, fmt.Sprintf("company%d.example", i)), Aliases: []string{deny.Owner}, Records: deny, Transport: snapshot.Zone,
		})
	}
	labels := []string{"old.example", "new.example"}
	var issuers []caa.Issuer
	for _, label := range labels {
		issuer, err := caa.ParseIssuer(label)
		if err != nil {
			t.Fatal(err)
		}
		issuers = append(issuers, issuer)
	}
	scanner, made := scan.New(scan.Config{Issuers: issuers, Store: &store}), 0
	tally := &report.Tally{Outcome: func(name domain.Name) *scan.Outcome {
		made++
		return scanner.Outcome(name)
	}}
	for i := range domains {
		tally.Add(scan.Result{Verdict: scanner.Verdict(reporttest.Name(t, fmt.Sprintf("company%d.example", i)))})
	}
	w, err := New(io.Discard, report.Layout{Header: []string{"domain"}, Issuers: labels})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(report.NewOverview(labels, report.Run{}, tally)); err != nil {
		t.Fatal(err)
	}
	if made > each*domains {
		t.Errorf("%d Outcomes were asked for, of %d domains, want at most %d for each", made, domains, each)
	}
}

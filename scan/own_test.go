package scan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// TestOwnValidationInARow: what own validation has found stands in the row, in words that name
// the key and the dates.
func TestOwnValidationInARow(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	name, err := domain.Parse("mail.example")
	if err != nil {
		t.Fatal(err)
	}
	answer := snapshot.Observation{
		Name: name, Server: "192.0.2.1:53", Transport: snapshot.UDP, Time: at, Attempts: 1,
	}
	answer.Records = caa.RRset{Owner: "mail.example", Properties: []caa.Property{property(t, 0, "issuemail", "ca.example")}}
	for name, test := range map[string]struct {
		own      snapshot.DNSSEC
		change   func(*snapshot.Observation)
		reason   scan.Reason
		state    snapshot.DNSSEC
		excuse   scan.OnFailure
		warnings []scan.Warning
		words    []string
	}{
		"secure":   {own: snapshot.Secure, reason: "issuer-listed", state: snapshot.Secure},
		"insecure": {own: snapshot.Insecure, reason: "issuer-listed", state: snapshot.Insecure},
		"signed for two days more": {
			own: snapshot.Secure, change: func(o *snapshot.Observation) { o.Expires = at.Add(48 * time.Hour) },
			reason: "issuer-listed", state: snapshot.Secure, warnings: []scan.Warning{scan.SignatureExpires},
		},
		"signed by what is not known": {
			own: snapshot.Insecure, change: func(o *snapshot.Observation) {
				o.Flaw = &snapshot.Flaw{Reason: snapshot.FlawAlgorithm, Zone: "example"}
			},
			reason: "issuer-listed", state: snapshot.Insecure, warnings: []scan.Warning{scan.DNSSECUnsupported},
		},
		"bogus": {
			own: snapshot.Bogus, change: func(o *snapshot.Observation) {
				o.Failure, o.Records = snapshot.DNSSECBogus, caa.RRset{}
				o.Flaw = &snapshot.Flaw{Reason: snapshot.FlawExpired, Zone: "example", Owner: "mail.example", Type: "CAA", KeyTag: 4711, Algorithm: 13, Expiration: at.Add(-time.Hour)}
			},
			reason: "dnssec-bogus", state: snapshot.Bogus, excuse: scan.OnFailureMustNotIssue,
			words: []string{"mail.example", "key 4711 (algorithm 13) of example", "expired on 2026-11-30T11:00:00Z"},
		},
		"keys that cannot be had": {
			change: func(o *snapshot.Observation) {
				o.Failure, o.Records, o.Mark, o.Asked = snapshot.Timeout, caa.RRset{}, snapshot.MarkKeys, "example"
			},
			reason: "timeout", state: snapshot.Unknown, excuse: scan.OnFailureUnknown, words: []string{"keys or DS records of example", "timeout"},
		},
		"keys that could not be had, of what is proven to be unsigned": {
			change: func(o *snapshot.Observation) {
				o.Failure, o.Records, o.Mark, o.Asked = snapshot.Timeout, caa.RRset{}, snapshot.MarkKeys, "example"
				o.Proofs = []snapshot.Proof{{Name: o.Name.String(), State: snapshot.ProvenInsecure}}
			},
			reason: "timeout", state: snapshot.Unknown, excuse: scan.OnFailureUnknown, // its records were there, and may deny
		},
		"a wrong clock": {
			change: func(o *snapshot.Observation) {
				o.Failure, o.Records, o.Mark, o.Asked = snapshot.Network, caa.RRset{}, snapshot.MarkRoot, "."
			},
			reason: "network", state: snapshot.Unknown, excuse: scan.OnFailureUnknown, words: []string{"Look at the clock first", "192.0.2.1:53"},
		},
		"perhaps an internal view": {
			own: snapshot.Bogus, change: func(o *snapshot.Observation) {
				o.Failure, o.Records = snapshot.DNSSECBogus, caa.RRset{}
				o.Flaw = &snapshot.Flaw{Reason: snapshot.FlawUnsigned, Zone: "example", Owner: "mail.example", Type: "CAA"}
			},
			reason: "dnssec-bogus", state: snapshot.Bogus, excuse: scan.OnFailureMustNotIssue,
			words: []string{"have no signature, and the zone example is signed", "a company's internal view"},
		},
		"an internal top-level domain": {
			change: func(o *snapshot.Observation) {
				o.Failure, o.Records, o.RCode, o.Asked = snapshot.TLDNotFound, caa.RRset{}, 3, "example"
			},
			reason: "tld-not-found", state: snapshot.Unknown, warnings: []scan.Warning{scan.DomainNotFound},
			words: []string{"There is no top-level domain example", "an internal name"},
		},
	} {
		o := answer
		if o.Own = test.own; test.change != nil {
			test.change(&o)
		}
		var store snapshot.Store
		store.Put(o)
		issuer, err := caa.ParseIssuer("ca.example")
		if err != nil {
			t.Fatal(err)
		}
		v := scan.New(scan.Config{Issuers: []caa.Issuer{issuer}, Store: &store}).Verdict(o.Name)
		d := v.Decisions[0]
		if d.Reason != test.reason || v.DNSSEC != test.state || v.OnFailure != test.excuse || !slices.Equal(v.Warnings, test.warnings) {
			t.Errorf("%s: %s, %s, %q, %v, want %+v", name, d.Reason, v.DNSSEC, v.OnFailure, v.Warnings, test)
		}
		for _, words := range test.words {
			if !strings.Contains(d.Detail.For(o.Name), words) {
				t.Errorf("%s: %q, want %q in it", name, d.Detail.For(o.Name), words)
			}
		}
	}
}

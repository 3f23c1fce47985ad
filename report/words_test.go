package report

import (
	"fmt"
	"testing"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"

	"github.com/google/go-cmp/cmp"
)

func TestPermissionLines(t *testing.T) {
	some := []Permission{
		{Permitted: []bool{true, true, true}, Count: Count{Rows: 5, Domains: 4}},
		{Permitted: []bool{true, false, true}, Count: Count{Rows: 3, Domains: 2}},
		{Permitted: []bool{false, false, false}, Count: Count{Rows: 1, Domains: 1}},
	}
	tests := []struct {
		name        string
		labels      []string
		permissions []Permission
		want        []string
	}{
		{"of two CAs all there can be", []string{"Old", "New"}, []Permission{{Permitted: []bool{false, true}, Count: Count{Rows: 7, Domains: 6}}}, []string{
			"both Old and New 0 0", "only Old 0 0", "only New 7 6", "neither Old nor New 0 0", "lookup-failed 0 0",
		}},
		{"of three those that occur", []string{"a", "b", "c"}, some, []string{"all of them 5 4", "only a and c 3 2", "none of them 1 1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, l := range permissionLines(test.labels, test.permissions) {
				got = append(got, fmt.Sprint(l.Name, " ", l.Rows, " ", l.Domains))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{
		"policy.example":                  "policy.example",
		"12345678901234567890":            "12345678901234567890",
		"a-name-that-goes-on.and-on.test": "a-name-t … -on.test",
		"ääääääääääääääääääääö":           "ääääääää … äääääääö",
	} {
		if got := Shorten(text, 20); got != want {
			t.Errorf("shorten(%q) = %q, want %q", text, got, want)
		}
	}
}

// caa_owner says only what caa_found_at does not.
func TestOwner(t *testing.T) {
	tests := []struct{ name, foundAt, owner, want string }{
		{"the records stand where they were found", "new.example", "new.example", ""},
		{"an alias led to them", "new.example", "policy.example", "policy.example"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found, err := domain.Parse(test.foundAt)
			if err != nil {
				t.Fatal(err)
			}
			o := &scan.Outcome{FoundAt: found, Records: caa.RRset{Owner: test.owner}}
			if got := owner(o); got != test.want {
				t.Errorf("owner() = %q, want %q", got, test.want)
			}
		})
	}
	if got := owner(&scan.Outcome{}); got != "" {
		t.Errorf("owner() = %q where there are no records", got)
	}
}

// What is not known of a run is left out of the summary.
func TestFacts(t *testing.T) {
	if got := (Run{}).facts(); len(got) != 0 {
		t.Errorf("facts of nothing: %v", got)
	}
	want := []Fact{{"Rows", 3}, {"Zone file", "demo.zone"}, {"Zone file", "root.zone"}}
	got := Run{Rows: 3, ZoneFiles: []string{"demo.zone", "root.zone"}}.facts()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Fact{})); diff != "" {
		t.Errorf("facts() (-want +got):\n%s", diff)
	}
}

// TestIssuerText: what was given is there in full, what the name of an owner stands for
// only if it is short.
func TestIssuerText(t *testing.T) {
	for text, want := range map[string]string{
		"ca.example":            "ca.example",
		"ca.example,b.example":  "ca.example, b.example",
		"X=ca.example":          "X (ca.example)",
		"X=a.a,b.a,c.a,d.a,e.a": "X (a.a, b.a, c.a, d.a, e.a)",
		"Disig":                 "Disig (disig.sk)",
		"Sectigo":               "Sectigo (sectigo.com and 4 more)",
		"New=DigiCert":          "New (digicert.com and 18 more)",
	} {
		issuer, err := caa.ParseIssuer(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := issuerText(issuer.Label, 0, []caa.Issuer{issuer}); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

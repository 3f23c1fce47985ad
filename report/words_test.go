package report

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPermissionLines(t *testing.T) {
	some := []Permission{
		{Permitted: []bool{true, true, true}, Count: Count{5, 4}},
		{Permitted: []bool{true, false, true}, Count: Count{3, 2}},
		{Permitted: []bool{false, false, false}, Count: Count{1, 1}},
	}
	tests := []struct {
		name        string
		labels      []string
		permissions []Permission
		want        []string
	}{
		{"of two CAs all there can be", []string{"Old", "New"}, []Permission{{Permitted: []bool{false, true}, Count: Count{7, 6}}}, []string{
			"both Old and New 0 0", "only Old 0 0", "only New 7 6", "neither Old nor New 0 0", "lookup-failed 0 0",
		}},
		{"of three those that occur", []string{"a", "b", "c"}, some, []string{"all of them 5 4", "only a and c 3 2", "none of them 1 1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, l := range permissionLines(test.labels, test.permissions) {
				got = append(got, fmt.Sprint(l.name, " ", l.Rows, " ", l.Domains))
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
		if got := shorten(text, 20); got != want {
			t.Errorf("shorten(%q) = %q, want %q", text, got, want)
		}
	}
}

package main

import (
	"strings"
	"testing"
)

// TestDistance: one for a letter more, less or other, and for two in the wrong order.
func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "scan", 4},
		{"scan", "scan", 0},
		{"scn", "scan", 1},
		{"scann", "scan", 1},
		{"scen", "scan", 1},
		{"scna", "scan", 1},
		{"csna", "scan", 2},
		{"kitten", "sitting", 3},
		{"müll", "mull", 1},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
		if got := distance(test.b, test.a); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d, as the other way round", test.b, test.a, got, test.want)
		}
	}
}

// TestClosest: a word is suggested only if it is near.
func TestClosest(t *testing.T) {
	words := []string{"check", "completion", "diff", "issuers", "scan", "permitted", "denied", "lookup-failed"}
	for _, test := range []struct{ typed, want string }{
		{"scna", "scan"},
		{"SCAN", "scan"},
		{"dif", "diff"},
		{"lookup", "lookup-failed"}, // the end is missing
		{"lo", ""},                  // too little to go by
		{"permited", "permitted"},
		{"frobnicate", ""},
		{"", ""},
		{"xy", ""},
		{strings.Repeat("scan", 100_000), ""}, // and at once
	} {
		if got := closest(test.typed, words); got != test.want {
			t.Errorf("closest(%.20q) = %q, want %q", test.typed, got, test.want)
		}
	}
}

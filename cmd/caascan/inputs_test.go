package main

import (
	"runtime"
	"slices"
	"testing"
)

// TestShownNames: what is given relative stays, and of an absolute path nothing is shown
// that does not tell inputs apart.
func TestShownNames(t *testing.T) {
	root := ""
	if runtime.GOOS == "windows" {
		root = "C:"
	}
	for _, test := range []struct{ paths, want []string }{
		{[]string{"-"}, []string{"-"}},
		{[]string{"lists/staff.csv"}, []string{"lists/staff.csv"}},
		{[]string{"../staff.csv"}, []string{"../staff.csv"}},
		{[]string{root + "/home/jane/staff.csv"}, []string{"staff.csv"}},
		{[]string{root + "/staff.csv"}, []string{"staff.csv"}},
		{[]string{root + "/srv//a/../a/staff.csv", root + "/srv/b/staff.csv"}, []string{"a/staff.csv", "b/staff.csv"}},
		{[]string{root + "/srv/a/staff.csv", root + "/srv/staff.csv"}, []string{"a/staff.csv", "staff.csv"}},
		{[]string{root + "/srv/a.csv", "b.csv", root + "/srv/c.csv"}, []string{"a.csv", "b.csv", "c.csv"}},
		{[]string{root + "/srv/ab/x.csv", root + "/srv/a/x.csv"}, []string{"ab/x.csv", "a/x.csv"}},
		{[]string{root + "/srv/x.csv", root + "/srv/x.csv"}, []string{"x.csv", "x.csv"}},
	} {
		given := slices.Clone(test.paths)
		if got := shownNames(test.paths); !slices.Equal(got, test.want) || !slices.Equal(test.paths, given) {
			t.Errorf("%q: %q, want %q", given, got, test.want)
		}
	}
}

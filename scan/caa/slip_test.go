package caa

import "testing"

// TestOneSlip holds it against the count of all edits, for all short words.
func TestOneSlip(t *testing.T) {
	words := []string{""}
	for from := 0; len(words) < 100; {
		to := len(words)
		for _, word := range words[from:to] {
			words = append(words, word+"a", word+"b", word+"c")
		}
		from = to
	}
	slips := 0
	for _, a := range words {
		for _, b := range words {
			want := edits(a, b, 1) <= 1
			if got := oneSlip(a, b); got != want {
				t.Errorf("oneSlip(%q, %q) = %v", a, b, got)
			}
			if want {
				slips++
			}
		}
	}
	if slips == 0 || slips == len(words)*len(words) {
		t.Error("the words tell nothing")
	}
}

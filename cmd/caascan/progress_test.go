package main

import (
	"testing"
	"time"

	"caascan/scan/lookup"
)

// TestTheProgressSaysWhatIsDone in each part of the lookups.
func TestTheProgressSaysWhatIsDone(t *testing.T) {
	until := time.Date(2026, 11, 30, 9, 5, 7, 0, time.Local)
	for _, test := range []struct {
		name  string
		stats lookup.Stats
		want  progress
	}{
		{"nothing has been read", lookup.Stats{}, progress{what: "reading the list"}},
		{"names are asked", lookup.Stats{Domains: 1200, Done: 300, Asking: 64}, progress{what: "looking up domains", done: 300, total: 1200}},
		{"some answers were there", lookup.Stats{Domains: 1200, Done: 300, Known: 200, Asking: 64}, progress{what: "looking up domains", done: 100, total: 1000}},
		{"some do not answer", lookup.Stats{Domains: 1200, Done: 300, Asking: 64, Silent: 9, Until: until}, progress{what: "looking up domains", done: 300, total: 1200}},
		{"only those are left", lookup.Stats{Domains: 1200, Done: 200, Silent: 1000, Until: until}, progress{"looking up domains", 200, 1200, "asking 1,000 names again until 09:05:07; 200 of 1,200 domains done"}},
		{"one is left", lookup.Stats{Domains: 1200, Done: 1199, Silent: 1, Until: until}, progress{"looking up domains", 1199, 1200, "asking 1 name again until 09:05:07; 1,199 of 1,200 domains done"}},
		{"failures are proven", lookup.Stats{Domains: 1200, Done: 1200, Proving: 12}, progress{what: "checking DNSSEC for 12 failed names"}},
	} {
		if got := lookupProgress(test.stats); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

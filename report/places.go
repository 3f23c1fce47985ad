package report

import (
	"fmt"
	"strings"

	"caascan/scan"
)

// placeTally is what other places come to.
type placeTally struct {
	seen   int                            // the Number of the last domain
	counts []map[scan.Corroborated]*Count // one for each CA
	shown  []placedDomain
}

// placedDomain is a domain whose answers differ by place, by its Number.
type placedDomain struct {
	domain int
	*scan.Placed
}

func (t *placeTally) add(r scan.Result) {
	if r.Places == nil {
		return
	}
	one := Count{Rows: 1}
	if r.Verdict.Number > t.seen {
		one.Domains, t.seen = 1, r.Verdict.Number
		if len(r.Places.Seen) > 0 {
			t.shown = append(t.shown, placedDomain{t.seen, r.Places})
		}
	}
	for i, c := range r.Places.Corroborations {
		if i == len(t.counts) {
			t.counts = append(t.counts, make(map[scan.Corroborated]*Count))
		}
		count := t.counts[i][c.Corroborated]
		if count == nil {
			count = new(Count)
			t.counts[i][c.Corroborated] = count
		}
		*count = count.Plus(one)
	}
}

// Corroborated returns for how much a CA's decision was corroborated or not. Rows without a
// domain do not count.
func (t *Tally) Corroborated(issuer int, c scan.Corroborated) Count {
	if issuer >= len(t.placed.counts) || t.placed.counts[issuer][c] == nil {
		return Count{}
	}
	return *t.placed.counts[issuer][c]
}

// PlaceLine is a domain whose answers differ from place to place, or that too few of the
// places corroborate.
type PlaceLine struct {
	DomainTotal
	*scan.Placed
}

// Places yields every such domain, in the order in which they are first met.
func (t *Tally) Places(yield func(PlaceLine) bool) {
	for _, d := range t.placed.shown {
		if !yield(PlaceLine{t.total(uint32(d.domain - 1)), d.Placed}) {
			return
		}
	}
}

// Corroborated is a line for each CA, which is named if there are several.
func (l *PlaceLine) Corroborated(labels []string) string {
	words := make([]string, len(l.Corroborations))
	for i, c := range l.Corroborations {
		words[i] = string(c.Corroborated)
		if len(labels) > 1 {
			words[i] = labels[i] + ": " + words[i]
		}
	}
	return strings.Join(words, "\n")
}

// SeenHere says what was decided here, and the records.
func (l *PlaceLine) SeenHere(labels []string) string {
	s := scan.Sighting{Records: l.Outcome.Records.Properties, OnFailure: l.Outcome.OnFailure}
	for _, d := range l.Outcome.Decisions {
		s.Reasons = append(s.Reasons, d.Reason)
	}
	return sightingText(&s, labels)
}

// SeenAt says what was seen from a perspective, by its place among them.
func (l *PlaceLine) SeenAt(perspective int, labels []string) string {
	switch s := l.Seen[perspective]; {
	case s == nil:
		return "not asked"
	case s.Alike:
		return "the same"
	default:
		return sightingText(s, labels)
	}
}

// mostSightings is how many records of a place stand in a cell.
const mostSightings = 10

func sightingText(s *scan.Sighting, labels []string) string {
	v := DomainVerdict{Reasons: s.Reasons}
	lines := []string{v.Text(labels, "\n")}
	if s.OnFailure != scan.OnFailureNone {
		lines = append(lines, string(s.OnFailure))
	}
	for i, p := range s.Records {
		if i == mostSightings {
			lines = append(lines, fmt.Sprintf("… and %d more", len(s.Records)-i))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

package report

import (
	"fmt"
	"slices"
	"strings"

	"caascan/scan"
)

// placeTally is what other places come to.
type placeTally struct {
	counts []map[scan.Corroborated]*Count // one for each CA
	of     []uint32                       // by the Number of a domain less 1: the place among all, from 1 on
	all    []*scan.Placed                 // few, because domains share them
	at     map[*scan.Placed]uint32
}

func (t *placeTally) add(r scan.Result) {
	if r.Places == nil {
		return
	}
	one := Count{Rows: 1}
	if r.Verdict.Number > len(t.of) {
		one.Domains = 1
		t.of = append(t.of, make([]uint32, r.Verdict.Number-len(t.of))...)
		t.of[r.Verdict.Number-1] = t.placeOf(r.Places)
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

func (t *placeTally) placeOf(p *scan.Placed) uint32 {
	if t.at == nil {
		t.at = make(map[*scan.Placed]uint32)
	}
	if t.at[p] == 0 {
		t.all = append(t.all, p)
		t.at[p] = uint32(len(t.all))
	}
	return t.at[p]
}

// get returns what other places say of the domain with a Number less 1; nil if there are none.
func (t *placeTally) get(i uint32) *scan.Placed {
	if int(i) >= len(t.of) || t.of[i] == 0 {
		return nil
	}
	return t.all[t.of[i]-1]
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
type PlaceLine struct{ DomainTotal }

// Places yields every such domain, those with the most rows first, and by name if they have
// as many.
func (t *Tally) Places(yield func(PlaceLine) bool) {
	shown := t.differing()
	slices.SortFunc(shown, t.before)
	for _, i := range shown {
		if !yield(PlaceLine{t.total(i)}) {
			return
		}
	}
}

// Differing is how many domains Places yields.
func (t *Tally) Differing() int { return len(t.differing()) }

// differing are their Numbers less 1.
func (t *Tally) differing() []uint32 {
	var shown []uint32
	for i := range t.placed.of {
		if p := t.placed.get(uint32(i)); p != nil && len(p.Seen) > 0 {
			shown = append(shown, uint32(i))
		}
	}
	return shown
}

// Corroborated is a line for each CA, which is named if there are several.
func (l *PlaceLine) Corroborated(labels []string) string {
	return strings.Join(CorroboratedWords(l.Places, labels), "\n")
}

// CorroboratedWords says for each CA what is corroborated, and names it if there are several;
// nothing of nil.
func CorroboratedWords(p *scan.Placed, labels []string) []string {
	if p == nil {
		return nil
	}
	words := make([]string, len(p.Corroborations))
	for i, c := range p.Corroborations {
		words[i] = string(c.Corroborated)
		if len(labels) > 1 {
			words[i] = labels[i] + ": " + words[i]
		}
	}
	return words
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
	switch s := l.Places.Seen[perspective]; {
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

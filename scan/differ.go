package scan

import (
	"fmt"
	"slices"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// judgeAll climbs from name by each of the answers that a union of snapshots has kept, and keeps
// the stricter of what that comes to. It rests on the answers of all climbs, which are in steps
// afterwards.
func (s *Scanner) judgeAll(name domain.Name) stamp {
	climbs := s.climbs(name)
	keys := make([]climbKey, len(climbs))
	for i, c := range climbs {
		keys[i] = climbKeyOf(c.steps)
		keys[i].ending = c.ending
	}
	all := keys[0]
	all.joined = fmt.Sprintf("%+v", keys)
	kept := s.outcomes.find(all)
	if kept == 0 {
		kept = s.outcomes.add(all, s.strictest(climbs, keys))
	}
	s.steps = s.steps[:0]
	for _, c := range climbs {
		s.steps = append(s.steps, c.steps...)
	}
	return kept
}

// strictest is what all climbs come to.
func (s *Scanner) strictest(climbs []climb, keys []climbKey) *Outcome {
	var o *Outcome
	for i, c := range climbs {
		s.steps = append(s.steps[:0], c.steps...)
		next := s.outcomes.at(s.kept(keys[i]))
		if o == nil {
			o = next
			continue
		}
		o = stricter(o, next)
	}
	return o
}

// climb is one way up, and which of the answers of its last name ends it.
type climb struct {
	steps  []snapshot.Observation
	ending int
}

// climbs returns every way up from name, first that by the answers that count. A name has at
// most one answer that leads on to its parent, since those without records are alike; so
// there are not more climbs than answers.
func (s *Scanner) climbs(name domain.Name) []climb {
	all := []climb{{steps: slices.Clone(s.steps)}}
	var below []snapshot.Observation // answers without records, from name on up
	for at := range name.Climb() {
		answers := append([]snapshot.Observation{s.answerOf(at)}, s.cfg.Store.Others(at)...)
		leadsOn := -1
		for i := range answers {
			if !answers[i].EndsClimb() && !at.IsTLD() {
				leadsOn = i
				continue
			}
			all = append(all, climb{append(slices.Clone(below), answers[i]), i})
		}
		if leadsOn < 0 {
			break
		}
		below = append(below, answers[leadsOn])
	}
	return all
}

// answerOf is the answer of a name that counts, or NotInSnapshot.
func (s *Scanner) answerOf(at domain.Name) snapshot.Observation {
	if o, found := s.cfg.Store.Find(at); found {
		return o
	}
	return snapshot.Observation{Name: at, Failure: snapshot.NotInSnapshot}
}

// stricter returns a if both outcomes decide alike for every CA, and else what is denied in
// either of them, with AnswersDiffer. If a lookup failed in one of them and the other one
// does not deny everything, that is the outcome: permission would be doubtful, and a failure
// is one for all CAs alike.
func stricter(a, b *Outcome) *Outcome {
	if slices.EqualFunc(a.Decisions, b.Decisions, func(x, y Decision) bool { return x.Status == y.Status }) {
		return a
	}
	base, other := a, b
	if b.outranks(a) {
		base, other = b, a
	}
	joined := *base
	joined.Warnings = withDiffer(base.Warnings)
	if base.has(LookupFailed) {
		return &joined
	}
	joined.Decisions = slices.Clone(base.Decisions)
	for i, d := range other.Decisions {
		if d.Status == Denied && joined.Decisions[i].Status == Permitted {
			if other.Records.Owner != base.Records.Owner {
				d.Fix = nil // it would be told of the wrong name
			}
			joined.Decisions[i] = d
		}
	}
	return &joined
}

// outranks reports whether o is to be reported rather than other.
func (o *Outcome) outranks(other *Outcome) bool {
	switch {
	case other.has(LookupFailed):
		return o.deniesAll()
	case o.has(LookupFailed):
		return !other.deniesAll()
	}
	return o.denials() > other.denials()
}

func (o *Outcome) has(status Status) bool {
	return slices.ContainsFunc(o.Decisions, func(d Decision) bool { return d.Status == status })
}

func (o *Outcome) denials() (n int) {
	for _, d := range o.Decisions {
		if d.Status == Denied {
			n++
		}
	}
	return n
}

func (o *Outcome) deniesAll() bool { return o.denials() == len(o.Decisions) }

// withDiffer adds the last Warning of the table.
func withDiffer(list []Warning) []Warning {
	if slices.Contains(list, AnswersDiffer) {
		return list
	}
	return append(slices.Clip(list), AnswersDiffer)
}

package scan

import (
	"slices"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// firstAnswer is the place of the answer of a name that counts where no others were kept
// beside it. Those others follow.
const firstAnswer = 0

// judgeAll joins the verdict on name by the answers that count with those by each of the answers that a union of snapshots has kept
// beside them. A name has at most one answer that leads on to
// its parent, since those are alike; so there are not more climbs than answers.
func (s *Scanner) judgeAll(name domain.Name, verdict cachedVerdict) cachedVerdict {
	var below []snapshot.Observation // answers without records, from name on up
	for at := range name.Climb() {
		answers := append([]snapshot.Observation{s.answerOf(at)}, s.cfg.Store.Others(at)...)
		leadsOn := -1
		for i := range answers {
			if !answers[i].EndsClimb() && !at.IsTLD() {
				leadsOn = i
				continue
			}
			s.steps = append(append(s.steps[:0], below...), answers[i])
			verdict = s.join(verdict, cachedVerdict{outcome: s.outcomeOf(i), checkedAt: checkedAt(s.steps).Unix()})
		}
		if leadsOn < 0 {
			break
		}
		below = append(below, answers[leadsOn])
	}
	return verdict
}

// answerOf is the answer of a name that counts, or NotInSnapshot.
func (s *Scanner) answerOf(at domain.Name) snapshot.Observation {
	if o, found := s.cfg.Store.Find(at); found {
		return o
	}
	return snapshot.Observation{Name: at, Failure: snapshot.NotInSnapshot}
}

// join is the stricter of two verdicts. It rests on the answers of both.
func (s *Scanner) join(a, b cachedVerdict) cachedVerdict {
	a.checkedAt = min(a.checkedAt, b.checkedAt)
	pair := [2]*Outcome{a.outcome, b.outcome}
	joined := s.strict[pair]
	if joined == nil {
		joined = stricter(a.outcome, b.outcome)
		s.strict[pair] = joined
	}
	a.outcome = joined
	return a
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

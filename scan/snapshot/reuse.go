package snapshot

import (
	"time"

	"caascan/scan/domain"
)

// How long an answer of an earlier run may be used again: one with CAA records for their
// TTL, but at least for leastReuse and at most for mostReuse, an empty one for leastReuse.
// A CA may rely on its own check for the TTL or 8 hours, whichever is greater (SBR 4.2.2.1);
// the upper bound is ours.
const (
	leastReuse = 8 * time.Hour
	mostReuse  = 24 * time.Hour
)

// Refusal says why an answer of an earlier run is not used again. The set is closed; the
// empty Refusal means that it is.
type Refusal string

// The refusals.
const (
	RefusedFailure    Refusal = "failures"
	RefusedValidation Refusal = "taken under other validation settings"
	RefusedFuture     Refusal = "from the future"
	RefusedAge        Refusal = "too old"
	RefusedUndated    Refusal = "without a time" // from zone files, which answer again
	// RefusedProof is of an answer whose proof does not hold, or is not there though the run
	// keeps proofs.
	RefusedProof Refusal = "without a proof that holds"
)

// Refusals returns every Refusal, in the order of the constants.
func Refusals() []Refusal {
	return []Refusal{RefusedFailure, RefusedValidation, RefusedFuture, RefusedAge, RefusedUndated, RefusedProof}
}

// Reuse says which answers of earlier runs may answer a new question.
type Reuse struct {
	// Run is the run that would use them, Now the time.
	Run Header
	Now time.Time
	// MaxAge is how old an answer may be; 0: as the rules have it.
	MaxAge time.Duration
}

// Refuse says whether an answer is used again, which a run with this Header has taken.
func (r *Reuse) Refuse(h *Header, o *Observation) Refusal {
	age := r.Now.Sub(o.Time)
	switch {
	case o.Mark == MarkProof:
		return RefusedProof
	case o.Failure != "":
		return RefusedFailure
	case o.Time.IsZero():
		return RefusedUndated
	case !r.Run.accepts(h, o):
		return RefusedValidation
	case r.Run.Proves(o) && !h.Proves(o):
		return RefusedProof
	case age < 0:
		return RefusedFuture
	case age > r.limit(o) || !o.Expires.IsZero() && r.Now.After(o.Expires):
		return RefusedAge // or what it rests on is not signed any more
	}
	return ""
}

func (r *Reuse) limit(o *Observation) time.Duration {
	switch {
	case r.MaxAge > 0:
		return r.MaxAge
	case len(o.Records.Properties) == 0:
		return leastReuse
	}
	return min(max(time.Duration(o.TTL)*time.Second, leastReuse), mostReuse)
}

// Arbiter decides which answers count, of runs one after the other. A later one of a name
// replaces an earlier one, but what a resolver that does not validate says never takes the
// place of a failure of one that does: its last attempt failed, and an earlier one may have
// met a SERVFAIL, which a validator gives for bogus data (RFC 4035, section 5.5). The zero Arbiter is ready.
type Arbiter struct {
	failed map[domain.Name]bool // by one that validates, and whether it ever said SERVFAIL
}

// Takes reports whether an answer that a run with this Header has taken counts. It is
// asked about each, in order.
func (a *Arbiter) Takes(h *Header, o *Observation) bool {
	_, failed := a.failed[o.Name]
	switch validates := h.Validates(o); {
	case o.Failure == "" && !validates:
		return !failed
	case o.Failure == "":
		delete(a.failed, o.Name)
	case validates:
		if a.failed == nil {
			a.failed = make(map[domain.Name]bool)
		}
		a.failed[o.Name] = a.failed[o.Name] || o.SaidServFail()
	}
	return true
}

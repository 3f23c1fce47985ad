package lookup

import (
	"cmp"
	"context"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// Resume takes over the answers of a snapshot that are still good, so that they are not
// asked for again. It returns how many names are in the Store by that, and of the names
// that are asked again why. The error is that of the reader or of ctx. Resume is called
// after Probe and before names are looked up.
//
// The order for each answer, the oldest first:
//
//  1. An answer with a proof is validated again by it; if that does not hold it is asked for again.
//  2. A name that the overlay knows needs no answer: New has planned it.
//  3. The Arbiter leaves out an answer without validation after a failure of a server that
//     validates.
//  4. A failure of a server that validates is remembered, whatever is asked later: as in
//     one run, no answer of a server that does not validate takes its place. If nobody
//     validates in this run, the failure itself is used again, because nobody could say
//     anything else.
//  5. An answer that reuse refuses is asked for again, and an earlier one of its name is
//     dropped: it is not true any more.
//  6. All others are recalled, as they would have been with the overlay, without their
//     Proofs: these are for a failure and are found anew.
func (r *Client) Resume(ctx context.Context, reader *snapshot.Reader, reuse snapshot.Reuse) (used int, again map[domain.Name]snapshot.Refusal, err error) {
	var arbiter snapshot.Arbiter
	again = make(map[domain.Name]snapshot.Refusal)
	planned := r.cfg.Store.Len()
	proofs := NewAgain(r.cfg.Anchors)
	reader.KeepProof(proofs.Learn)
	for o, err := range reader.All() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return 0, nil, err
		}
		proofs.Check(reader.Header(), &o)
		_, known := r.cfg.Overlay.Find(o.Name.String())
		if known || !arbiter.Takes(reader.Header(), &o) {
			continue
		}
		if refusal := r.refuse(reader.Header(), &o, &reuse); refusal != "" {
			again[o.Name] = refusal
			r.cfg.Store.Drop(o.Name)
			continue
		}
		delete(again, o.Name)
		o.Proofs = nil
		recall(r.cfg.Store, r.cfg.Overlay, o)
	}
	return r.cfg.Store.Len() - planned, again, nil
}

// refuse is reuse.Refuse, but for a failure of a server that validates.
func (r *Client) refuse(h *snapshot.Header, o *snapshot.Observation, reuse *snapshot.Reuse) snapshot.Refusal {
	refusal := reuse.Refuse(h, o)
	if refusal != snapshot.RefusedFailure || !h.Validates(o) {
		return refusal
	}
	r.noteRefused(o)
	if !reuse.Run.Validating() && !r.ownAll {
		return ""
	}
	return refusal
}

// noteRefused remembers that a server that validates has failed to answer for a name in an
// earlier run. If it said SERVFAIL, an answer without AD counts only if the name is proven
// to be insecure.
func (r *Client) noteRefused(o *snapshot.Observation) {
	if r.refused == nil {
		r.refused = make(map[domain.Name]bool)
	}
	r.refused[o.Name] = r.refused[o.Name] || o.SaidServFail()
}

// Replay makes the answers of earlier runs, which a snapshot.Union has joined, what they would
// have been with the overlay. The overlay's own names are planned last, so it has the last
// word.
func Replay(overlay *zone.Overlay, store *snapshot.Store) {
	if overlay.Len() == 0 {
		return
	}
	store.Change(func(o snapshot.Observation) snapshot.Observation { return recalled(overlay, o) })
	plan(store, overlay)
}

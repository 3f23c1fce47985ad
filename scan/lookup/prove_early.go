package lookup

import (
	"context"
	"slices"

	"caascan/scan/snapshot"
)

// A name that was never answered is proven by a question that is not answered either, and
// that takes as long as a try. So proofs begin while the last names are still waited for,
// if all servers are at ease. Lookups keep half of the places until none is left.

// early is the proofs that are begun before all lookups have ended.
type early struct {
	queue   []snapshot.Observation // whose names have had all their tries
	running int
	kept    int           // places for proofs that lookups keep
	ended   chan struct{} // one for each that has
}

// earlyQueue notes a failure that may have to be proven.
func (e *engine) earlyQueue(o *snapshot.Observation) {
	if o.Failure.Excusable() && o.Doubted == nil && o.Transport != snapshot.Zone {
		e.early.queue = append(e.early.queue, *o)
	}
}

// proveEarly begins proofs while there is room. If there is trouble, or nobody to ask, the
// rest is left to Prove.
func (e *engine) proveEarly(ctx context.Context) {
	if len(e.early.queue) == 0 || e.input != nil || len(e.backlog) > 0 {
		return
	}
	if e.asker == nil {
		e.asker = newProofAsker(e.Client, e.believed())
		e.keepPlaces()
	}
	if e.inTrouble() || len(e.asker.believed) == 0 || e.early.kept == cap(e.asker.places) {
		e.early.queue = nil
		return
	}
	if len(e.pending) == 0 && len(e.waiting) == 0 {
		e.leavePlaces()
	}
	for len(e.early.queue) > 0 && e.early.running < e.earlyRoom() {
		e.beginProof(ctx, e.early.queue[0])
		e.early.queue = e.early.queue[1:]
	}
}

// keepPlaces keeps half of the places for proofs.
func (e *engine) keepPlaces() {
	for range (cap(e.asker.places) + 1) / 2 {
		e.asker.places <- struct{}{}
		e.early.kept++
	}
}

// leavePlaces gives them back.
func (e *engine) leavePlaces() {
	for ; e.early.kept > 0; e.early.kept-- {
		<-e.asker.places
	}
}

// beginProof begins to prove an Observation. What it finds is there when Prove wants it.
func (e *engine) beginProof(ctx context.Context, o snapshot.Observation) {
	a := e.asker
	e.early.running++
	e.probing.Go(func() {
		_, _ = a.proofsFound(ctx, o) // the error is that of ctx
		e.early.ended <- struct{}{}
	})
}

// tellProving keeps the number of names that are being proven, once nothing else is done.
func (e *engine) tellProving() {
	if len(e.pending) == 0 && len(e.waiting) == 0 {
		e.stats.proving.Store(int64(len(e.early.queue) + e.early.running))
	}
}

// inTrouble reports whether a server is out of rotation or limited.
func (e *engine) inTrouble() bool {
	return slices.ContainsFunc(e.upstreams, func(u *upstream) bool { return !u.inRotation() || u.flow.pace.limited() })
}

// earlyRoom is how many proofs may run: together with the queries that wait without a place
// they are no more than may do so, and they hold places that are free.
func (e *engine) earlyRoom() int {
	waiting := 0
	for _, u := range e.upstreams {
		if waiting = max(waiting, u.flow.waiting); u.flow.doubt.asked {
			return 0
		}
	}
	if e.early.running == 0 && e.places > e.cfg.Concurrency-e.proofPlaces() {
		return 0
	}
	return maxProving - waiting
}

// mostPlaces is how many queries of lookups may hold a place.
func (e *engine) mostPlaces() int {
	if e.early.running > 0 {
		return e.cfg.Concurrency - e.proofPlaces()
	}
	return e.cfg.Concurrency
}

// proofPlaces is how many proofs may hold a place.
func (e *engine) proofPlaces() int { return cap(e.asker.places) - e.early.kept }

package lookup

import (
	"context"
	"time"

	"caascan/scan/snapshot"
)

// A validating resolver vouches for an answer without AD: the name is insecure. A server
// that is restarted without its validator, or a farm that fails over, goes on answering,
// and only a probe shows it. So servers are probed again while names are looked up, and
// once more at the end, and what one has said without AD since its last good probe does
// not count as that of a validator if the next probe is not good.

// probeEvery is how often a server is probed while it is asked.
const probeEvery = 10 * time.Minute

// vouched takes in what a probe, begun at a time, has shown of a server that validated.
func (h *health) vouched(p probed, began time.Time) {
	h.probedAt = began
	if p.err == nil && p.shown.validates {
		h.goodAt = began
	}
}

// unvouched reports whether a server that validates has given answers without AD since
// its last good probe.
func (u *upstream) unvouched() bool {
	return u.shown.validates && u.health.plainAt.After(u.health.goodAt)
}

// noteAD takes in when a server last answered without AD.
func (u *upstream) noteAD(s *step, out outcome) {
	if s.own {
		return // nobody's AD counts
	}
	if out.failure == "" && !out.reply.ad {
		u.health.plainAt = out.at
	}
}

// distrust takes back what a server has said without AD since its last good probe: it is
// asked again of others that validate, or if there are none it is not validated.
func (e *engine) distrust(u *upstream) {
	others := e.othersValidate(u)
	for _, name := range e.cfg.Store.From(u.name, u.health.goodAt) {
		if others {
			e.cfg.Store.Drop(name)
			e.climb(name, 0)
			if s := e.pending[name]; s != nil {
				s.validatedOnly = true
			}
			continue
		}
		o, _ := e.cfg.Store.Find(name)
		o.Validated = false
		u.unvalidated++
		e.keep(o)
	}
	u.health.plainAt = time.Time{}
}

// withdrawn makes an answer without AD that was on its way from a server while that
// turned out not to validate any more a failure, so that another one is asked that does.
// If there is none it counts as not validated.
func (e *engine) withdrawn(s *step, out outcome) outcome {
	u := s.up
	if u == nil || s.own || u.health.out != expelled || out.failure != "" || out.reply.ad {
		return out
	}
	if !e.othersValidate(u) {
		u.unvalidated++
		return out
	}
	s.validatedOnly = true
	return outcome{failure: snapshot.Network, server: out.server, transport: out.transport, at: out.at}
}

// keep puts an Observation into the Store and hands it over.
func (e *engine) keep(o snapshot.Observation) {
	e.cfg.Store.Put(o)
	if e.done == nil {
		return
	}
	if e.finished = append(e.finished, o); len(e.finished) >= doneBatch {
		e.handOver()
	}
}

// othersValidate reports whether a server besides u is in rotation that validates.
func (e *engine) othersValidate(u *upstream) bool {
	for _, other := range e.upstreams {
		if other != u && other.inRotation() && other.shown.validates {
			return true
		}
	}
	return false
}

// vouch begins the last probes, of servers that have answered without AD since the one
// before. It reports whether the end has to wait for them.
func (e *engine) vouch(ctx context.Context) (waits bool) {
	for _, u := range e.upstreams {
		if u.unvouched() && u.health.out != expelled {
			waits = true
			e.beginProbe(ctx, u)
			u.health.last = true
		}
	}
	return waits
}

// beginProbe probes a server, unless that is under way.
func (e *engine) beginProbe(ctx context.Context, u *upstream) {
	h := &u.health
	if h.probing {
		return
	}
	h.probing, h.probeWanted = true, false
	began := time.Now()
	e.probing.Go(func() { e.probes <- probedAgain{u, began, e.probe(ctx, u)} })
}

package lookup

import (
	"slices"
	"time"

	"caascan/scan/snapshot"
)

// troubled reports whether a failure may be the server's own rather than the
// name's.
func troubled(f snapshot.Failure) bool {
	return f == snapshot.Timeout || f == snapshot.Network || f == snapshot.ServFail || f == snapshot.Refused
}

// rotation is whether a server is asked.
type rotation int

const (
	inRotation rotation = iota
	resting             // ill: probed again later
	expelled            // came back weaker than it was; not asked any more
)

// health tells a server that fails everything from names that fail.
type health struct {
	out    rotation
	streak int // failures without an answer in between
	// bettered counts names of this streak that another server then answered.
	bettered int
	// probing says that a probe is out, probeWanted that one is due at once.
	probing, probeWanted bool
	// last says that the probe that is out is the one before the end.
	last             bool
	probedAt, goodAt time.Time        // when the last probe began, and the last good one of a validator
	plainAt          time.Time        // of the last answer without AD
	cause            snapshot.Failure // of the last trouble
	next             time.Time        // of the next probe while resting
	rest             time.Duration    // until then
	since            time.Time        // when it went out
	times            int              // that it went out
	answer           time.Time        // when it last said something of a name
	longest          int              // of the streaks
	outages          []outage
	why              string // for people
}

const (
	// suspicious is how many failures in a row make a server probed.
	suspicious = 16
	// betteredEnough names that another server answered show that this one, which
	// answers a probe and nothing else, is to blame.
	betteredEnough = 4
	// Rests double from the first to the longest.
	firstRest   = time.Second
	longestRest = 30 * time.Second
)

// outage is a time in which a server's failures say nothing of the names. It ends
// with the zero time while it lasts.
type outage struct{ from, to time.Time }

// during reports whether the server was ill at a time.
func (h *health) during(at time.Time) bool {
	return slices.ContainsFunc(h.outages, func(o outage) bool {
		return !at.Before(o.from) && (o.to.IsZero() || at.Before(o.to))
	})
}

// note takes in how a query went, after which a probe may be due.
func (h *health) note(failure snapshot.Failure, now time.Time) {
	if !troubled(failure) {
		h.streak, h.bettered, h.answer = 0, 0, now
		return
	}
	h.cause = failure
	h.streak++
	h.longest = max(h.longest, h.streak)
	if h.streak >= suspicious {
		h.wantProbe()
	}
}

// wantProbe makes a probe due, unless the server rests or one is out.
func (h *health) wantProbe() { h.probeWanted = h.out == inRotation && !h.probing }

// probeDue reports whether the server is to be probed: because it failed too often, to see
// whether it is back, or because the last probe is long ago.
func (h *health) probeDue(now time.Time) bool {
	switch {
	case h.probing || h.out == expelled:
		return false
	case h.probeWanted:
		return true
	case h.out == resting:
		return !h.next.After(now)
	}
	return !h.probedAt.IsZero() && now.Sub(h.probedAt) >= probeEvery
}

// leave takes the server out of rotation.
func (h *health) leave(now time.Time, why string) {
	h.out, h.why, h.since, h.rest = resting, why, now, firstRest
	h.next = now.Add(h.rest)
	h.times++
	h.outages = append(h.outages, outage{from: h.answer})
}

// restOn puts the next probe off.
func (h *health) restOn(now time.Time) {
	h.rest = min(2*h.rest, longestRest)
	h.next = now.Add(h.rest)
}

// rejoin puts the server back into rotation.
func (h *health) rejoin(now time.Time) {
	h.out, h.streak, h.bettered = inRotation, 0, 0
	h.outages[len(h.outages)-1].to = now
}

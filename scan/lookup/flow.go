package lookup

import "caascan/scan/snapshot"

// flow bounds what is in flight to one server: halved when it does badly, raised
// again in small steps while it does well.
type flow struct {
	most     int // that is allowed
	limit    int
	inFlight int
	share    int // the part of the limit that may be used is one in so many; 0 means all
	lowest   int // that limit has been
	halvings int

	// epoch counts the halvings; what was sent before the last one says nothing
	// of the present limit.
	epoch           int
	replies, strain int // in this window
	heard, lost     int // in this window of losses
}

// A window is so many replies. Timeouts weigh more than errors: SERVFAIL may well
// be the fate of many a name in a list.
const (
	flowWindow    = 16
	timeoutStrain = 4
	errorStrain   = 1
	flowStrain    = 8  // in one window, halves the limit: 2 timeouts or 8 errors
	flowSteps     = 64 // quiet windows from nothing back to the most
)

// Networks lose messages at any time, and a burst in which some are lost is answered in
// a burst. So what has to be sent again is held to more replies, and to a share of them
// that only a server with too much to do leaves unanswered.
const (
	lossWindow = 128
	lossMost   = lossWindow / 4
)

func newFlow(most int) flow { return flow{most: most, limit: most, lowest: most} }

func (f *flow) room() bool { return f.inFlight < max(1, f.limit/max(1, f.share)) }

// note takes in how a query of an epoch went, and reports whether the limit was
// lowered or has come back to the most.
func (f *flow) note(epoch int, failure snapshot.Failure) (lowered, restored bool) {
	if epoch != f.epoch {
		return false, false
	}
	f.replies++
	if f.heard++; f.heard == lossWindow {
		f.heard, f.lost = 0, 0
	}
	switch {
	case failure == snapshot.Timeout || failure == snapshot.Network:
		f.strain += timeoutStrain
	case troubled(failure):
		f.strain += errorStrain
	}
	if f.strain >= flowStrain {
		return f.halve(), false
	}
	if f.replies < flowWindow {
		return false, false
	}
	f.replies, f.strain = 0, 0
	if f.limit < f.most {
		f.limit = min(f.most, f.limit+max(1, f.most/flowSteps))
		restored = f.limit == f.most
	}
	return false, restored
}

// noteLoss takes in that a query of an epoch was lost on the way, or dropped by a
// server that has too much to do, and reports whether the limit was lowered.
func (f *flow) noteLoss(epoch int) (lowered bool) {
	if epoch != f.epoch {
		return false
	}
	f.lost++
	return f.lost > lossMost && f.halve()
}

func (f *flow) halve() (lowered bool) {
	lowered = f.limit > 1
	f.set(max(1, f.limit/2))
	return lowered
}

// set begins a new epoch with another limit.
func (f *flow) set(limit int) {
	if limit < f.limit {
		f.halvings++
	}
	f.limit = limit
	f.lowest = min(f.lowest, limit)
	f.epoch++
	f.replies, f.strain, f.heard, f.lost = 0, 0, 0, 0
}

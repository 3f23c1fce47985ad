package lookup

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"caascan/scan/snapshot"
)

// upstream is a server, what its probe has shown of it, and how it does.
type upstream struct {
	server Server
	name   string // as reports name it
	shown  shown
	// streams asks over TCP, TLS or HTTPS.
	streams   exchanger
	flow      flow
	roundTrip roundTrip // of all queries over UDP
	sentOnce  roundTrip // of those that were not sent again
	health    health
	queries   int
	answers   int // replies that say something of a name, be it a failure of the name's own
}

// shown is what a probe shows of a server.
type shown struct {
	validates bool   // AD came back; and the bogus name, where there was one, did not
	plain     bool   // it does not understand EDNS, so it gives no EDE and its AD does not count
	foldsCase bool   // it does not echo the question in the case sent
	sendsSOA  bool   // with NODATA, as RFC 2308, section 3, has it
	doubt     string // why it does not validate although AD came back
}

func newUpstream(server Server, cfg *Config) *upstream {
	u := &upstream{server: server, name: server.String(), flow: newFlow(cfg.Concurrency)}
	switch server.transport {
	case snapshot.UDP, snapshot.TCP, snapshot.Zone, snapshot.Overlay:
		u.streams = newStreamClient(func(ctx context.Context) (net.Conn, error) {
			return cfg.Dial(ctx, "tcp", server.address)
		})
	case snapshot.TLS:
		u.streams = newStreamClient(dialTLS(cfg.Dial, server, cfg.Roots))
	case snapshot.HTTPS:
		u.streams = newHTTPSClient(server.url, cfg.Dial, cfg.Roots)
	}
	return u
}

// believed reports whether AD, set or clear, says what it should.
func (u *upstream) believed(cfg *Config) bool {
	return u.shown.validates && !u.shown.plain && (u.server.trustAD || cfg.TrustAD)
}

// overUDP reports whether the server is asked over UDP first.
func (u *upstream) overUDP() bool { return u.server.transport == snapshot.UDP }

// remote reports whether a stranger could send datagrams that look like the
// server's (RFC 5452).
func (u *upstream) remote() bool { return u.overUDP() && !u.server.loopback() }

// firstForm is how a query to the server is put first.
func (u *upstream) firstForm() form { return u.shown.firstForm(u) }

// firstForm is how a query to a server of which this is shown is put first.
func (s shown) firstForm(u *upstream) form {
	switch {
	case u.overUDP() && s.plain:
		return plain
	case u.overUDP():
		return withEDNS
	case s.plain:
		return plainTCP
	}
	return ednsTCP
}

// transport returns how a query in the given form travels.
func (u *upstream) transport(f form) snapshot.Transport {
	if u.overUDP() && f.overTCP() {
		return snapshot.TCP
	}
	return u.server.transport
}

func (u *upstream) inRotation() bool { return u.health.out == inRotation }

// troubled reports whether a failure may be the server's own rather than the
// name's.
func troubled(f snapshot.Failure) bool {
	return f == snapshot.Timeout || f == snapshot.Network || f == snapshot.ServFail || f == snapshot.Refused
}

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
	// probing says that a probe is out, probeWanted that one is due at once.
	probing, probeWanted bool
	cause                snapshot.Failure // of the last trouble
	next                 time.Time        // of the next probe while resting
	rest                 time.Duration    // until then
	since                time.Time        // when it went out
	times                int              // that it went out
	answer               time.Time        // when it last said something of a name
	longest              int              // of the streaks
	outages              []outage
	why                  string // for people
}

const (
	// suspicious is how many failures in a row make a server probed.
	suspicious = 16
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
		h.streak, h.answer = 0, now
		return
	}
	h.cause = failure
	h.streak++
	h.longest = max(h.longest, h.streak)
	h.probeWanted = h.streak >= suspicious && h.out == inRotation && !h.probing
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
	h.out, h.streak = inRotation, 0
	h.outages[len(h.outages)-1].to = now
}

// EventKind is what happened to a server. The set is closed.
type EventKind string

// The events.
const (
	LimitLowered  EventKind = "limit-lowered"
	LimitRestored EventKind = "limit-restored"
	WentOut       EventKind = "out-of-rotation"
	CameBack      EventKind = "back-in-rotation"
	Expelled      EventKind = "expelled"
)

// Event is something that happened to a server while names were looked up.
type Event struct {
	Server string
	Kind   EventKind
	Limit  int    // queries in flight to it from now on
	Why    string // of WentOut and Expelled, for people
}

// String says it in a sentence without a full stop.
func (e Event) String() string {
	switch e.Kind {
	case LimitLowered:
		return fmt.Sprintf("resolver %s does badly: at most %d queries in flight to it", e.Server, e.Limit)
	case LimitRestored:
		return fmt.Sprintf("resolver %s does well again: up to %d queries in flight to it", e.Server, e.Limit)
	case WentOut:
		return fmt.Sprintf("resolver %s is out of rotation for a while: %s", e.Server, e.Why)
	case CameBack:
		return fmt.Sprintf("resolver %s is back in rotation", e.Server)
	case Expelled:
		return fmt.Sprintf("resolver %s is not asked any more: %s", e.Server, e.Why)
	}
	panic("lookup: unknown event " + string(e.Kind))
}

// ServerState is how a server has done so far.
type ServerState struct {
	Server string
	// Validates says that its probe showed DNSSEC validation, Believed that its AD
	// bit is believed too.
	Validates, Believed bool
	// Plain says that it does not understand EDNS.
	Plain bool
	// Queries were sent to it; Answers of them were answered, be it with a failure
	// of the name's own. What was asked to probe it is not counted.
	Queries, Answers int
	// Limit is how many queries may be in flight to it, Lowest the least that this
	// has been, Halvings how often it was halved.
	Limit, Lowest, Halvings int
	// Illnesses counts how often it was taken out of rotation, Out says that it
	// is now, and Why, for people, why it was the last time.
	Illnesses int
	Out       bool
	Why       string
	// Longest is the most queries in a row that failed in a way that may be its own,
	// and Cause how the last of them did.
	Longest int
	Cause   snapshot.Failure
	// Doubt says, for people, why ProbeBogus has shown that it does not validate.
	Doubt string
}

// Servers returns the state of each server that is asked, in the order of
// Config.Servers. It must not be called while names are looked up.
func (r *Resolver) Servers() []ServerState {
	var states []ServerState
	for _, u := range r.upstreams {
		states = append(states, ServerState{
			Server: u.name, Validates: u.shown.validates, Believed: u.believed(&r.cfg), Plain: u.shown.plain,
			Queries: u.queries, Answers: u.answers,
			Limit: u.flow.limit, Lowest: u.flow.lowest, Halvings: u.flow.halvings,
			Illnesses: u.health.times, Out: !u.inRotation(), Why: u.health.why,
			Longest: u.health.longest, Cause: u.health.cause, Doubt: u.shown.doubt,
		})
	}
	return states
}

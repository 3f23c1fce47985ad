package lookup

import (
	"context"
	"fmt"

	"caascan/scan/lookup/stream"
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
	uncut     bool      // a reply over UDP was not truncated, so others need not be
	roundTrip roundTrip // of all queries over UDP
	sentOnce  roundTrip // of those that were not sent again
	health    health
	queries   int
	// unvalidated counts answers that turned out not to be those of a validator.
	unvalidated int
	controls    int // control questions that were asked
	answers     int // replies that say something of a name, be it a failure of the name's own
}

// exchanger asks one server over connections that are kept and shared, as the clients of
// package stream do.
type exchanger interface {
	// Exchange returns the reply to a query, over a connection that others share.
	Exchange(ctx context.Context, query []byte) ([]byte, error)
	// ExchangeAlone does so over a connection of its own.
	ExchangeAlone(ctx context.Context, query []byte) ([]byte, error)
	// HangUp closes the shared connections; a later query opens others.
	HangUp()
}

// shown is what a probe shows of a server.
type shown struct {
	validates bool   // AD came back; and the bogus name, if there was one, did not
	plain     bool   // it does not understand EDNS, so it gives no EDE and its AD does not count
	foldsCase bool   // it does not echo the question in the case sent
	sendsSOA  bool   // with NODATA, as RFC 2308, section 3, has it
	doubt     string // why it does not validate although AD came back
}

func newUpstream(server Server, cfg *Config) *upstream {
	u := &upstream{server: server, name: server.String(), flow: newFlow(cfg.Concurrency)}
	streams := stream.Config{Dial: cfg.Dial, IsReply: isReply, Roots: cfg.Roots}
	switch server.transport {
	case snapshot.UDP, snapshot.TCP, snapshot.Zone, snapshot.Overlay:
		u.streams = stream.NewTCP(streams, server.address)
	case snapshot.TLS:
		u.streams = stream.NewTLS(streams, server.address, server.name)
	case snapshot.HTTPS:
		u.streams = stream.NewHTTPS(streams, server.url)
	}
	return u
}

// believed reports whether AD, set or clear, says what it should.
func (u *upstream) believed(cfg *Config) bool {
	return cfg.DNSSEC != Own && cfg.DNSSEC != Off && u.shown.validates && !u.shown.plain && (u.server.trustAD || cfg.TrustAD)
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

// EventKind is what happened to a server. The set is closed.
type EventKind string

// The events.
const (
	Slowed    EventKind = "slowed-down"
	Unlimited EventKind = "limit-lifted"
	WentOut   EventKind = "out-of-rotation"
	CameBack  EventKind = "back-in-rotation"
	Expelled  EventKind = "expelled"
)

// Event is something that happened to a server while names were looked up.
type Event struct {
	Server string
	Kind   EventKind
	Limit  float64 // queries a second to it from now on; 0: no limit
	Why    string  // of WentOut and Expelled, for people
}

// String says it in a sentence without a full stop.
func (e Event) String() string {
	switch e.Kind {
	case Slowed:
		return fmt.Sprintf("resolver %s is struggling: limited to %.0f queries a second", e.Server, e.Limit)
	case Unlimited:
		return fmt.Sprintf("resolver %s keeps up again: no limit any more", e.Server)
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
	// of the name's own. What was asked to probe it is not counted, nor Controls, the
	// control questions.
	Queries, Answers, Controls int
	// Limit is how many queries a second may be sent to it because it was in trouble, 0
	// if there is no limit; Lowest the least that this has been, Slowdowns how often it
	// was lowered.
	Limit, Lowest float64
	Slowdowns     int
	// Illnesses counts how often it was taken out of rotation, Out says that it
	// is now, and Why, for people, why it was the last time.
	Illnesses int
	Out       bool
	Why       string
	// Longest is the most queries in a row that failed in a way that may be its own,
	// and Cause how the last of them did.
	Longest int
	Cause   snapshot.Failure
	// Unvalidated answers without AD came since its last good probe, and then it did
	// not validate any more; nobody else could be asked.
	Unvalidated int
	// Doubt says, for people, why ProbeBogus has shown that it does not validate.
	Doubt string
}

// Servers returns the state of each server that is asked, in the order of
// Config.Servers. It must not be called while names are looked up.
func (r *Client) Servers() []ServerState {
	var states []ServerState
	for _, u := range r.upstreams {
		states = append(states, ServerState{
			Controls: u.controls, Unvalidated: u.unvalidated,
			Server: u.name, Validates: u.shown.validates, Believed: u.believed(&r.cfg), Plain: u.shown.plain,
			Queries: u.queries, Answers: u.answers,
			Limit: u.flow.pace.limit, Lowest: u.flow.lowest, Slowdowns: u.flow.slowdowns,
			Illnesses: u.health.times, Out: !u.inRotation(), Why: u.health.why,
			Longest: u.health.longest, Cause: u.health.cause, Doubt: u.shown.doubt,
		})
	}
	return states
}

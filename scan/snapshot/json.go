package snapshot

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"caascan/scan/caa"
)

// line is the public form of an Observation. Text from the DNS is escaped as in
// a zone file; rdata has the octets.
type line struct {
	Name      string         `json:"name"`
	Time      string         `json:"time,omitempty"` // RFC 3339, UTC
	Resolver  string         `json:"resolver,omitempty"`
	Transport Transport      `json:"transport,omitempty"`
	RCode     string         `json:"rcode,omitempty"`
	AD        bool           `json:"ad"`
	Validated bool           `json:"validated"` // the resolver validates, and its AD bit is believed
	EDE       []edeLine      `json:"ede,omitempty"`
	TTL       uint32         `json:"ttl"`
	SetTTL    uint32         `json:"records_ttl,omitempty"`
	Aliases   []string       `json:"aliases,omitempty"`
	Owner     string         `json:"owner,omitempty"`
	CAA       []propertyLine `json:"caa,omitempty"`
	Failure   Failure        `json:"failure,omitempty"`
	Asked     string         `json:"asked,omitempty"`
	Proof     []proofLine    `json:"proof,omitempty"`
	Attempts  int            `json:"attempts"`
}

type edeLine struct {
	Code uint16 `json:"code"`
	Text string `json:"text,omitempty"`
}

type propertyLine struct {
	Flags uint8  `json:"flags"`
	Tag   string `json:"tag"`
	Value string `json:"value"`
	RDATA string `json:"rdata"` // hexadecimal
}

type proofLine struct {
	Name  string          `json:"name"`
	State ProofState      `json:"state"`
	Steps []proofStepLine `json:"steps"`
}

type proofStepLine struct {
	Name     string  `json:"name"`
	Finding  Finding `json:"finding"`
	Resolver string  `json:"resolver,omitempty"`
	RCode    string  `json:"rcode,omitempty"` // left out where no reply came
	AD       bool    `json:"ad"`
	Time     string  `json:"time,omitempty"`
}

// MarshalJSON writes o as one object. The field rcode is left out where no reply
// came.
func (o Observation) MarshalJSON() ([]byte, error) {
	l := line{
		Name: o.Name.String(), Resolver: o.Server, Transport: o.Transport, AD: o.AD, Validated: o.Validated, TTL: o.TTL,
		Aliases: o.Aliases, Owner: o.Records.Owner, Failure: o.Failure, Asked: o.Asked, Attempts: o.Attempts, SetTTL: o.RecordsTTL,
	}
	l.Time = stamp(o.Time)
	if o.Replied() {
		l.RCode = RCodeName(o.RCode)
	}
	for _, e := range o.EDE {
		l.EDE = append(l.EDE, edeLine{e.Code, caa.Escape(e.Text)})
	}
	for _, p := range o.Records.Properties {
		l.CAA = append(l.CAA, propertyLine{
			p.Flags(), caa.Escape(p.Tag()), caa.Escape(p.Value()), hex.EncodeToString([]byte(p.RDATA())),
		})
	}
	for _, p := range o.Proofs {
		l.Proof = append(l.Proof, newProofLine(p))
	}
	return json.Marshal(l)
}

func newProofLine(p Proof) proofLine {
	l := proofLine{Name: p.Name, State: p.State, Steps: []proofStepLine{}}
	for _, s := range p.Steps {
		step := proofStepLine{Name: s.Name, Finding: s.Finding, Resolver: s.Server, AD: s.AD, Time: stamp(s.Time)}
		if s.Replied {
			step.RCode = RCodeName(s.RCode)
		}
		l.Steps = append(l.Steps, step)
	}
	return l
}

// stamp writes a time as RFC 3339 in UTC, the zero time as nothing.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// Replied reports whether RCode is that of a reply that could be read.
func (o *Observation) Replied() bool {
	switch o.Failure {
	case Timeout, Network, NotInZone, NotInSnapshot, Truncated, MalformedReply:
		return false
	case "", ServFail, Refused, NotImp, FormErr, RCode, DNSSECBogus, NoAuthority, Filtered, Stale,
		CNAMELoop, TLDNotFound:
		return true
	}
	panic("snapshot: unknown failure " + string(o.Failure))
}

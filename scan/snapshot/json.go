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
	EDE       []edeLine      `json:"ede,omitempty"`
	TTL       uint32         `json:"ttl"`
	Aliases   []string       `json:"aliases,omitempty"`
	Owner     string         `json:"owner,omitempty"`
	CAA       []propertyLine `json:"caa,omitempty"`
	Failure   Failure        `json:"failure,omitempty"`
	Asked     string         `json:"asked,omitempty"`
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

// MarshalJSON writes o as one object. The field rcode is left out where no reply
// came.
func (o Observation) MarshalJSON() ([]byte, error) {
	l := line{
		Name: o.Name.String(), Resolver: o.Server, Transport: o.Transport, AD: o.AD, TTL: o.TTL,
		Aliases: o.Aliases, Owner: o.Records.Owner, Failure: o.Failure, Asked: o.Asked, Attempts: o.Attempts,
	}
	if !o.Time.IsZero() {
		l.Time = o.Time.UTC().Format(time.RFC3339Nano)
	}
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
	return json.Marshal(l)
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

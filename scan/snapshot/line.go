package snapshot

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"caascan/scan/caa"
	"caascan/scan/domain"
)

// line is an Observation as a JSON object, the way it is read: a line of a snapshot. It
// is written by appendLine, which leaves out what is empty. Text from the DNS is escaped
// as in a zone file.
type line struct {
	Snapshot  *int           `json:"snapshot"` // of a header, and of nothing else
	Name      string         `json:"name"`
	Time      string         `json:"time"` // RFC 3339, UTC
	Resolver  string         `json:"resolver"`
	Transport Transport      `json:"transport"`
	RCode     string         `json:"rcode"`
	AD        bool           `json:"ad"`
	Validated bool           `json:"validated"`
	Own       DNSSEC         `json:"dnssec"`
	Flaw      flawLine       `json:"flaw"`
	Expires   string         `json:"expires"`
	EDE       []edeLine      `json:"ede"`
	TTL       uint32         `json:"ttl"`
	SetTTL    uint32         `json:"records_ttl"`
	Aliases   []string       `json:"aliases"`
	Owner     string         `json:"owner"`
	CAA       []propertyLine `json:"caa"`
	Failure   Failure        `json:"failure"`
	Asked     string         `json:"asked"`
	Mark      Mark           `json:"mark"`
	Proof     []proofLine    `json:"proof"`
	Attempts  int            `json:"attempts"`
	Signed    []partLine     `json:"signed"`
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
	RCode    string  `json:"rcode,omitempty"` // left out if no reply came
	AD       bool    `json:"ad"`
	Time     string  `json:"time,omitempty"`
}

// MarshalJSON writes o as one object, the line of a snapshot. Only a value receiver lets
// encoding/json find it in a value that cannot be addressed, such as one in an interface.
func (o Observation) MarshalJSON() ([]byte, error) { return o.appendLine(nil), nil }

// appendLine appends o as one JSON object. It is written by hand because a run writes a
// line for each answer, and nearly all of them are short.
func (o *Observation) appendLine(b []byte) []byte {
	b = append(b, `{"name":"`...)
	b = append(b, o.Name.String()...) // of letters that JSON takes as they are
	b = append(b, '"')
	if !o.Time.IsZero() {
		b = append(b, `,"time":"`...)
		b = o.Time.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	b = appendText(b, "resolver", o.Server)
	b = appendText(b, "transport", string(o.Transport))
	if o.Replied() || o.RCode != 0 || len(o.EDE) > 0 {
		b = appendText(b, "rcode", RCodeName(o.RCode))
	}
	b = strconv.AppendBool(append(b, `,"ad":`...), o.AD)
	b = strconv.AppendBool(append(b, `,"validated":`...), o.Validated)
	b = appendText(b, "dnssec", string(o.Own))
	if o.Flaw != nil {
		b = appendValue(append(b, `,"flaw":`...), newFlawLine(o.Flaw))
	}
	b = appendText(b, "expires", stamp(o.Expires))
	b = appendList(b, "ede", edeLines(o.EDE))
	b = strconv.AppendUint(append(b, `,"ttl":`...), uint64(o.TTL), 10)
	if o.RecordsTTL != 0 {
		b = strconv.AppendUint(append(b, `,"records_ttl":`...), uint64(o.RecordsTTL), 10)
	}
	b = appendList(b, "aliases", o.Aliases)
	b = appendText(b, "owner", o.Records.Owner)
	b = appendList(b, "caa", propertyLines(o.Records.Properties))
	b = appendText(b, "failure", string(o.Failure))
	b = appendText(b, "asked", o.Asked)
	b = appendText(b, "mark", string(o.Mark))
	b = appendList(b, "proof", proofLines(o.Proofs))
	b = strconv.AppendInt(append(b, `,"attempts":`...), int64(o.Attempts), 10)
	return append(b, '}')
}

// appendText appends a field of text, after another one; nothing if it is empty.
func appendText(b []byte, key, text string) []byte {
	if text == "" {
		return b
	}
	b = append(append(append(b, `,"`...), key...), `":`...)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendValue(b, text)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// appendList appends a field of a list; nothing if it is empty.
func appendList[T any](b []byte, key string, list []T) []byte {
	if len(list) == 0 {
		return b
	}
	return appendValue(append(append(append(b, `,"`...), key...), `":`...), list)
}

func appendValue(b []byte, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic("snapshot: " + err.Error()) // text and numbers cannot fail
	}
	return append(b, text...)
}

func edeLines(list []EDE) []edeLine {
	var lines []edeLine
	for _, e := range list {
		lines = append(lines, edeLine{e.Code, caa.Escape(e.Text)})
	}
	return lines
}

func propertyLines(set []caa.Property) []propertyLine {
	var lines []propertyLine
	for _, p := range set {
		lines = append(lines, newPropertyLine(p))
	}
	return lines
}

func newPropertyLine(p caa.Property) propertyLine {
	return propertyLine{p.Flags(), caa.Escape(p.Tag()), caa.Escape(p.Value()), hex.EncodeToString([]byte(p.RDATA()))}
}

func proofLines(proofs []Proof) []proofLine {
	var lines []proofLine
	for _, p := range proofs {
		l := proofLine{Name: p.Name, State: p.State, Steps: []proofStepLine{}}
		for _, s := range p.Steps {
			step := proofStepLine{Name: s.Name, Finding: s.Finding, Resolver: s.Server, AD: s.AD, Time: stamp(s.Time)}
			if s.Replied {
				step.RCode = RCodeName(s.RCode)
			}
			l.Steps = append(l.Steps, step)
		}
		lines = append(lines, l)
	}
	return lines
}

// stamp writes a time as RFC 3339 in UTC, the zero time as nothing.
func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// observation takes l for what somebody may have written: whatever no Observation of a
// lookup could be is an error, because it would be evidence of nothing.
func (l *line) observation() (Observation, error) {
	o := Observation{
		AD: l.AD, Validated: l.Validated, Own: l.Own, TTL: l.TTL, RecordsTTL: l.SetTTL, Aliases: l.Aliases,
		Server: plainText(l.Resolver), Transport: l.Transport, Attempts: l.Attempts, Failure: l.Failure, Asked: l.Asked, Mark: l.Mark,
	}
	var err error
	if o.Name, err = domain.Parse(l.Name); err != nil {
		return o, fmt.Errorf("name %q: %w", l.Name, err)
	}
	if o.Name.String() != l.Name {
		return o, fmt.Errorf("name %q: the DNS spells it %s", l.Name, o.Name)
	}
	if o.Time, err = parseStamp(l.Time); err != nil {
		return o, err
	}
	if o.Expires, err = parseStamp(l.Expires); err != nil {
		return o, err
	}
	if o.Flaw, err = l.Flaw.flaw(); err != nil {
		return o, err
	}
	if o.RCode, err = parseRCode(l.RCode); err != nil {
		return o, err
	}
	for _, e := range l.EDE {
		text, err := caa.Unescape(e.Text)
		if err != nil {
			return o, fmt.Errorf("ede %d: %w", e.Code, err)
		}
		o.EDE = append(o.EDE, EDE{e.Code, text})
	}
	if o.Records, err = l.records(); err != nil {
		return o, err
	}
	if o.Proofs, err = l.proofs(); err != nil {
		return o, err
	}
	return o, cmp.Or(l.checkWords(), l.checkSense(&o))
}

// records returns the set. Its RDATA decides; flags, tag and value are for who reads it,
// and must say the same.
func (l *line) records() (caa.RRset, error) {
	set := caa.RRset{Owner: l.Owner}
	if len(l.CAA) > 0 && l.Owner != l.Name && !slices.Contains(l.Aliases, l.Owner) {
		return set, fmt.Errorf("owner %q: it is neither the name nor one of its aliases", l.Owner)
	}
	for _, line := range l.CAA {
		octets, err := hex.DecodeString(line.RDATA)
		if err != nil {
			return set, fmt.Errorf("rdata %q: %w", line.RDATA, err)
		}
		p, err := caa.ParseRDATA(octets)
		if err != nil {
			return set, err
		}
		if said := newPropertyLine(p); said.Flags != line.Flags || said.Tag != line.Tag || said.Value != line.Value {
			return set, fmt.Errorf("rdata %q is %s, and flags, tag and value beside it say something else", line.RDATA, p)
		}
		set.Properties = append(set.Properties, p)
	}
	return set, nil
}

func (l *line) proofs() ([]Proof, error) {
	var proofs []Proof
	for _, line := range l.Proof {
		p := Proof{Name: line.Name, State: line.State}
		for _, s := range line.Steps {
			at, err := parseStamp(s.Time)
			if err != nil {
				return nil, err
			}
			rcode, err := parseRCode(s.RCode)
			if err != nil {
				return nil, err
			}
			p.Steps = append(p.Steps, ProofStep{
				Name: s.Name, Finding: s.Finding, Server: plainText(s.Resolver), Replied: s.RCode != "", RCode: rcode, AD: s.AD, Time: at,
			})
		}
		proofs = append(proofs, p)
	}
	return proofs, nil
}

func parseStamp(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Errorf("time %q is not one of RFC 3339", text)
	}
	at = at.UTC()
	if year := at.Year(); year < 1 || year > 9999 { // by its offset from UTC
		return at, fmt.Errorf("time %q is not one of RFC 3339", text)
	}
	return at, nil
}

// errNoName says that an object is neither an answer nor a header.
var errNoName = errors.New("it has no name")

// parseLine reads a line that is no header. What it names of a proof is looked for there.
func parseLine(l *line, proof *proofReader) (Observation, error) {
	if l.Name == "" {
		return Observation{}, errNoName
	}
	o, err := l.observation()
	if err != nil {
		return o, err
	}
	o.Signed, err = proof.parts(l.Signed, o.Time)
	return o, err
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

package snapshot

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// The versions of the lines that this program writes, and the only ones that it reads. A
// field more does not change them: readers ignore what they do not know. A run that keeps the
// proof of its answers has lines of other kinds besides, which readers of the first version
// would take for broken ones.
const (
	format      = 1
	formatProof = 2
)

// Header says of a run what its answers rest on. It is a line of its own before them,
// and so is in the middle of a snapshot if a run was resumed.
type Header struct {
	// Program is the version of what has written it.
	Program string `json:"program"`
	// Started is when the run began.
	Started time.Time `json:"started"`
	// Resolvers are those that are asked; none with Zones.
	Resolvers []Asked `json:"resolvers,omitempty"`
	// Zones are the base names of the master files that answer.
	Zones []string `json:"zones,omitempty"`
	Flags Flags    `json:"flags"`
	// Shard is the part of the list that the run has asked about, as I/N; empty if that is
	// all of it. Suffixes is the version of the public suffix list by which it was divided.
	Shard    string `json:"shard,omitempty"`
	Suffixes string `json:"suffixes,omitempty"`
	// Notes are what made the answers weaker than asked for, a sentence each.
	Notes []string `json:"notes,omitempty"`
}

// Asked is a resolver that is asked and what its probe has shown.
type Asked struct {
	Resolver string `json:"resolver"`
	// Validates says that it validates DNSSEC, Believed that its AD bit is believed too,
	// and EDNS that it understands that.
	Validates bool `json:"validates"`
	Believed  bool `json:"believed"`
	EDNS      bool `json:"edns"`
}

// Flags are those of the command line that can change an answer. Times are spelt as
// there.
type Flags struct {
	TrustAD    bool `json:"trust-ad"`
	AllowMixed bool `json:"allow-mixed"`
	// DNSSEC says who validates: "own", "off", or if it is empty the resolvers. TrustAnchor
	// is the digest of the anchors that own validation trusts, if they are not the root's.
	DNSSEC      string `json:"dnssec,omitempty"`
	TrustAnchor string `json:"trust-anchor,omitempty"`
	// Proof says that the signed records are kept that own validation rests on.
	Proof      bool   `json:"snapshot-proof,omitempty"`
	ProbeBogus string `json:"probe-bogus,omitempty"`
	Timeout    string `json:"timeout,omitempty"`
	Attempts   int    `json:"attempts,omitempty"`
	FinalPass  string `json:"final-pass-after,omitempty"`
	// Overlays are the base names of the files with the records that were taken as if
	// published. Their records are in no line.
	Overlays []string `json:"overlay,omitempty"`
}

// OwnValidation is the Flags.DNSSEC of a run that validates answers itself.
const OwnValidation = "own"

// headerLine is a Header as it is written: the field that tells it from an answer first.
type headerLine struct {
	Snapshot int `json:"snapshot"`
	Header
}

func (h *Header) appendLine(b []byte) []byte {
	l := headerLine{format, *h}
	if h.Flags.Proof {
		l.Snapshot = formatProof
	}
	l.Started = l.Started.UTC()
	return appendValue(b, l)
}

// MostResolvers is how many a run may ask: each line of an answer is held to them.
const MostResolvers = 1000

func parseHeader(text []byte) (*Header, error) {
	var l headerLine
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, err
	}
	if l.Flags.Proof != (l.Snapshot == formatProof) {
		return nil, fmt.Errorf("format %d, and flags.snapshot-proof is %v", l.Snapshot, l.Flags.Proof)
	}
	if len(l.Resolvers) > MostResolvers {
		return nil, fmt.Errorf("%d resolvers are more than can be asked", len(l.Resolvers))
	}
	l.Started = l.Started.UTC()
	l.Program, l.Shard, l.Suffixes = plainText(l.Program), plainText(l.Shard), plainText(l.Suffixes)
	for i := range l.Resolvers {
		l.Resolvers[i].Resolver = plainText(l.Resolvers[i].Resolver)
	}
	for _, list := range [...][]string{l.Zones, l.Notes} {
		for i := range list {
			list[i] = plainText(list[i])
		}
	}
	return &l.Header, nil
}

// Validating reports whether any resolver that is asked validates.
func (h *Header) Validating() bool {
	return slices.ContainsFunc(h.Resolvers, func(a Asked) bool { return a.Validates })
}

// Validates reports whether the answer is that of a resolver of the run that validates, or was
// validated here, though its proof may not hold.
func (h *Header) Validates(o *Observation) bool {
	a, known := h.askedFor(o)
	return known && a.Validates || o.Own != "" && o.Own != Unknown || o.Mark == MarkProof
}

// Proves reports whether the run has to have the proof of an answer: it keeps those of all that
// own validation has found.
func (h *Header) Proves(o *Observation) bool {
	return h.Flags.Proof && o.Failure == "" && (h.Flags.DNSSEC == OwnValidation || o.Own != "")
}

// askedFor returns the resolver of the run that gave an answer.
func (h *Header) askedFor(o *Observation) (Asked, bool) {
	i := slices.IndexFunc(h.Resolvers, func(a Asked) bool { return a.Resolver == o.Server })
	if i < 0 {
		return Asked{}, false
	}
	return h.Resolvers[i], true
}

// accepts reports whether the run could have been given an answer like this one, of an
// earlier run: validated by the same rules, by a resolver that is worth as much as one
// that it asks itself (a rule of ours: SBR 4.2.2.1 knows a CA's own checks only).
func (h *Header) accepts(earlier *Header, o *Observation) bool {
	f, g := &h.Flags, &earlier.Flags
	if f.DNSSEC != g.DNSSEC || f.TrustAnchor != g.TrustAnchor {
		return false
	}
	if f.DNSSEC == OwnValidation {
		return o.Own == Secure || o.Own == Insecure
	}
	if f.TrustAD != g.TrustAD || f.AllowMixed != g.AllowMixed || f.ProbeBogus != g.ProbeBogus {
		return false
	}
	was, known := earlier.askedFor(o)
	equal := func(a Asked) bool { return a.Validates == was.Validates && a.Believed == was.Believed }
	// Of a chain of aliases another resolver may have given a part.
	weaker := func(a Asked) bool { return !a.Believed }
	return known && slices.ContainsFunc(h.Resolvers, equal) && (o.Validated || slices.ContainsFunc(h.Resolvers, weaker))
}

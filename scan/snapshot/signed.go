package snapshot

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// Of a run that keeps the proof of what own validation has found, a snapshot has the signed
// records themselves. There are two more kinds of lines: an RRset with the signatures over it,
// under a number, and a Link, which is the reply to a query for DNSKEY or DS records and names
// the RRsets in it by their numbers. The line of an answer names those that it rests on in
// Observation.Signed. Links stand in the order in which they were learnt, and before the
// answers that they were needed for, so whoever reads a run from its Header on can validate
// each answer again.

// Signed is a reply, by the RRsets that validation rests on.
type Signed struct {
	// Time is as of when it was validated, which is when it came, or soon after.
	Time time.Time
	// RRsets are octets that whoever validates can read: for this package they have no
	// meaning. One that a reader has not found is empty.
	RRsets []string
}

// Part is the Signed reply for a name, or for an alias of it that was asked for by itself.
type Part struct {
	Signed
	// Aliases is how many of Observation.Aliases are in it.
	Aliases int
}

// Link is the Signed reply to a query for the DNSKEY or DS records of a name.
type Link struct {
	Name string // spelt like Observation.Owner
	Type string
	// TTL is for how long it may be used, in seconds from Time.
	TTL uint32
	Signed
}

// The types of Link.Type.
const (
	LinkKeys = "DNSKEY"
	LinkDS   = "DS"
)

// partLine is a Part as a JSON object.
type partLine struct {
	Time    string `json:"time,omitempty"` // left out if it is that of the answer
	Aliases int    `json:"aliases,omitempty"`
	RRsets  []int  `json:"rrsets,omitempty"`
}

// rrsetLine is the line of an RRset, and linkLine that of a Link.
type rrsetLine struct {
	RRset  int    `json:"rrset"`  // its number, from 1
	Octets string `json:"octets"` // in base64
}

type linkLine struct {
	Link   string `json:"link"`
	Type   string `json:"type"`
	Time   string `json:"time"`
	TTL    uint32 `json:"ttl"`
	RRsets []int  `json:"rrsets,omitempty"`
}

// proofText is either of them, as it is read.
type proofText struct {
	rrsetLine
	linkLine
}

// How far back a line may name an RRset, in octets of RRsets, so that neither who writes nor who
// reads has to keep more. Who reads keeps twice as much: the RRsets that a line needs besides come
// right before it, and must not take away older ones that it names.
const (
	writeWindow = 8 << 20
	readWindow  = 2 * writeWindow
)

// perRRset is what one takes besides its octets.
const perRRset = 64

// window keeps what belongs to the RRsets that may still be named.
type window[K comparable, V any] struct {
	known map[K]V
	queue []windowEntry[K]
	size  int
}

type windowEntry[K comparable] struct {
	key  K
	size int
}

// add takes in an RRset of so many octets, and forgets the oldest ones if all have more than most.
func (w *window[K, V]) add(key K, value V, octets, most int) {
	if w.known == nil {
		w.known = make(map[K]V)
	}
	e := windowEntry[K]{key, octets + perRRset}
	w.known[key], w.queue, w.size = value, append(w.queue, e), w.size+e.size
	for w.size > most {
		delete(w.known, w.queue[0].key)
		w.size -= w.queue[0].size
		w.queue = w.queue[1:]
	}
}

// proofWriter makes lines of what is signed, each RRset once as long as it may be named.
type proofWriter struct {
	last    int // number that was given
	numbers window[[sha256.Size]byte, int]
}

// numbersOf appends the lines of the RRsets that have none yet, and returns the numbers of all.
func (p *proofWriter) numbersOf(b []byte, sets []string) ([]byte, []int) {
	var numbers []int
	for _, octets := range sets {
		key := sha256.Sum256([]byte(octets))
		number, known := p.numbers.known[key]
		if !known {
			p.last++
			number = p.last
			b = append(appendValue(b, rrsetLine{number, base64.StdEncoding.EncodeToString([]byte(octets))}), '\n')
			p.numbers.add(key, number, len(octets), writeWindow)
		}
		numbers = append(numbers, number)
	}
	return b, numbers
}

// appendLink appends the lines of a Link.
func (p *proofWriter) appendLink(b []byte, l Link) []byte {
	b, numbers := p.numbersOf(b, l.RRsets)
	return append(appendValue(b, linkLine{l.Name, l.Type, stamp(l.Time), l.TTL, numbers}), '\n')
}

// appendAnswer appends the line of an answer, after those of the RRsets that it rests on.
func (p *proofWriter) appendAnswer(b []byte, o *Observation) []byte {
	var parts []partLine
	for _, part := range o.Signed {
		l := partLine{Aliases: part.Aliases}
		if !part.Time.Equal(o.Time) {
			l.Time = stamp(part.Time)
		}
		b, l.RRsets = p.numbersOf(b, part.RRsets)
		parts = append(parts, l)
	}
	b = o.appendLine(b)
	if len(parts) > 0 {
		b = append(appendList(b[:len(b)-1], "signed", parts), '}')
	}
	return append(b, '\n')
}

// proofReader finds the RRsets that lines name. The nil proofReader finds none.
type proofReader struct {
	sets  window[int, string]
	links func(*Header, Link)
}

// errProof says that a line is none of those that a proof has.
var errProof = errors.New("it is neither an answer nor a part of a proof")

// take takes in a line that is neither an answer nor a Header.
func (p *proofReader) take(h *Header, t *proofText) error {
	switch {
	case t.RRset > 0 && t.Link == "":
		octets, err := base64.StdEncoding.Strict().DecodeString(t.Octets)
		if err != nil {
			return fmt.Errorf("rrset %d: %w", t.RRset, err)
		}
		if p != nil {
			p.sets.add(t.RRset, string(octets), len(octets), readWindow)
		}
		return nil
	case t.Link == "" || t.RRset != 0:
		return errProof
	case !isSpelling(t.Link) || t.Type != LinkKeys && t.Type != LinkDS:
		return fmt.Errorf("link %q, type %q: that is no name as a zone file spells it, or nothing that links zones", t.Link, t.Type)
	}
	at, err := parseStamp(t.Time)
	if err != nil {
		return err
	}
	if p != nil {
		p.links(h, Link{t.Link, t.Type, t.TTL, Signed{at, p.find(t.RRsets)}})
	}
	return nil
}

// find returns the octets of RRsets.
func (p *proofReader) find(numbers []int) []string {
	var sets []string
	for _, number := range numbers {
		sets = append(sets, p.sets.known[number])
	}
	return sets
}

// parts returns what an answer rests on.
func (p *proofReader) parts(lines []partLine, at time.Time) ([]Part, error) {
	if len(lines) > maxAliases+1 {
		return nil, fmt.Errorf("%d signed replies: no answer has so many", len(lines))
	}
	var parts []Part
	for _, l := range lines {
		part := Part{Aliases: l.Aliases}
		part.Time = at
		if l.Time != "" {
			var err error
			if part.Time, err = parseStamp(l.Time); err != nil {
				return nil, err
			}
		}
		if p != nil {
			part.RRsets = p.find(l.RRsets)
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// Held remembers answers, in few octets each, so that a later line that does nothing but add
// Proofs to one is known for the same answer. The zero Held is empty.
type Held struct{ digests map[[heldSize]byte]struct{} }

const heldSize = 16

func heldKey(o *Observation) [heldSize]byte {
	plain := *o
	plain.Proofs = nil
	sum := sha256.Sum256(plain.appendLine(nil))
	return [heldSize]byte(sum[:])
}

// Add takes in an answer.
func (h *Held) Add(o *Observation) {
	if h.digests == nil {
		h.digests = make(map[[heldSize]byte]struct{})
	}
	h.digests[heldKey(o)] = struct{}{}
}

// Has reports whether an answer was added that is the same but for its Proofs.
func (h *Held) Has(o *Observation) bool {
	_, found := h.digests[heldKey(o)]
	return found
}

// Unproven returns what is left of an answer whose proof does not hold: a failure, because
// nothing that the snapshot has for the name counts.
func (o *Observation) Unproven() Observation {
	return Observation{
		Name: o.Name, Server: o.Server, Transport: o.Transport, Time: o.Time, Attempts: o.Attempts,
		Failure: NotInSnapshot, Mark: MarkProof,
	}
}

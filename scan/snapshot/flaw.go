package snapshot

import (
	"fmt"
	"slices"
	"time"
)

// ExpiresSoon is how long before its end a signature is said to end soon.
const ExpiresSoon = 3 * 24 * time.Hour

// Flaw is what own validation has found wrong with an answer, or what it could not validate it
// with. What does not belong to the Reason is zero.
type Flaw struct {
	Reason FlawReason
	Zone   string // whose keys, or whose denial; spelt like Observation.Owner
	Owner  string // of the records; spelt likewise
	Type   string // of the records
	// Of the signature, or of the DS record:
	KeyTag    uint16
	Algorithm uint8
	// Of the signature:
	Inception, Expiration time.Time
}

// FlawReason says why an answer is bogus, or insecure. The set is closed.
type FlawReason string

// The reasons; those of what is insecure come last (RFC 4035, section 5; RFC 5155, section 8;
// RFC 9276, section 3.2).
const (
	FlawExpired     FlawReason = "signature-expired"
	FlawNotYetValid FlawReason = "signature-not-yet-valid"
	FlawWrong       FlawReason = "signature-wrong"
	FlawNoKey       FlawReason = "no-key"
	FlawNoMatch     FlawReason = "no-matching-key"
	FlawUnsigned    FlawReason = "no-signature"
	FlawSigner      FlawReason = "wrong-signer"
	FlawLabels      FlawReason = "wrong-labels"
	FlawSignature   FlawReason = "unknown-signature"
	FlawDenial      FlawReason = "denial-incomplete"
	FlawWork        FlawReason = "too-much-work"
	FlawDelegation  FlawReason = "unsigned-delegation"
	FlawOptOut      FlawReason = "opt-out"
	FlawAlgorithm   FlawReason = "unknown-algorithm"
	FlawIterations  FlawReason = "too-many-iterations"
)

// FlawReasons returns every FlawReason, in the order of the constants.
func FlawReasons() []FlawReason {
	return []FlawReason{
		FlawExpired, FlawNotYetValid, FlawWrong, FlawNoKey, FlawNoMatch, FlawUnsigned, FlawSigner, FlawLabels,
		FlawSignature, FlawDenial, FlawWork, FlawDelegation, FlawOptOut, FlawAlgorithm, FlawIterations,
	}
}

// Unsupported reports whether the zone is signed in a way that could not be validated.
func (f *Flaw) Unsupported() bool {
	return f != nil && (f.Reason == FlawAlgorithm || f.Reason == FlawIterations)
}

// String says it in a sentence without a full stop.
func (f *Flaw) String() string {
	key := fmt.Sprintf("key %d (algorithm %d) of %s", f.KeyTag, f.Algorithm, f.Zone)
	what := fmt.Sprintf("the %s records of %s", f.Type, f.Owner)
	switch f.Reason {
	case FlawExpired:
		return fmt.Sprintf("the signature over %s by %s expired on %s", what, key, day(f.Expiration))
	case FlawNotYetValid:
		return fmt.Sprintf("the signature over %s by %s is not valid before %s", what, key, day(f.Inception))
	case FlawWrong:
		return fmt.Sprintf("the signature over %s by %s does not match them", what, key)
	case FlawNoKey:
		return fmt.Sprintf("the zone %s has no key %d (algorithm %d), which is to have signed %s", f.Zone, f.KeyTag, f.Algorithm, what)
	case FlawNoMatch:
		return fmt.Sprintf("the zone %s has no key that its DS records name, such as key %d (algorithm %d)", f.Zone, f.KeyTag, f.Algorithm)
	case FlawUnsigned:
		return fmt.Sprintf("%s have no signature, and the zone %s is signed", what, f.Zone)
	case FlawSigner:
		return fmt.Sprintf("the signature over %s is not that of their zone, %s", what, f.Zone)
	case FlawLabels:
		return fmt.Sprintf("the signature over %s by %s is for another name", what, key)
	case FlawSignature:
		return fmt.Sprintf("the signature over %s by %s has an unknown algorithm, which is not one that the zone must sign with", what, key)
	case FlawDenial:
		return fmt.Sprintf("the zone %s does not prove that %s has no %s records", f.Zone, f.Owner, f.Type)
	case FlawWork:
		return fmt.Sprintf("the zone %s takes more work to validate %s than an honest one", f.Zone, what)
	case FlawDelegation:
		return fmt.Sprintf("the zone %s proves that %s is not signed", f.Zone, f.Owner)
	case FlawOptOut:
		return fmt.Sprintf("the zone %s leaves out what is not signed, and %s with it", f.Zone, f.Owner)
	case FlawAlgorithm:
		return fmt.Sprintf("the DS records of %s name no algorithm that is supported, such as %d", f.Zone, f.Algorithm)
	case FlawIterations:
		return fmt.Sprintf("the zone %s denies records with too many NSEC3 iterations", f.Zone)
	}
	panic("snapshot: unknown flaw " + string(f.Reason))
}

// day writes the time of a signature.
func day(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// flawLine is a Flaw as a JSON object.
type flawLine struct {
	Reason     FlawReason `json:"reason"`
	Zone       string     `json:"zone,omitempty"`
	Owner      string     `json:"owner,omitempty"`
	Type       string     `json:"type,omitempty"`
	KeyTag     uint16     `json:"key_tag,omitempty"`
	Algorithm  uint8      `json:"algorithm,omitempty"`
	Inception  string     `json:"inception,omitempty"`
	Expiration string     `json:"expiration,omitempty"`
}

func newFlawLine(f *Flaw) flawLine {
	return flawLine{f.Reason, f.Zone, f.Owner, f.Type, f.KeyTag, f.Algorithm, stamp(f.Inception), stamp(f.Expiration)}
}

// flaw is the inverse of newFlawLine, for what somebody may have written.
func (l *flawLine) flaw() (*Flaw, error) {
	if *l == (flawLine{}) {
		return nil, nil
	}
	if !slices.Contains(FlawReasons(), l.Reason) {
		return nil, fmt.Errorf("unknown reason %q of a flaw", l.Reason)
	}
	for _, name := range []string{l.Zone, l.Owner, l.Type} {
		if !isSpelling(name) {
			return nil, fmt.Errorf("%q is no name as a zone file spells it", name)
		}
	}
	f := &Flaw{Reason: l.Reason, Zone: l.Zone, Owner: l.Owner, Type: l.Type, KeyTag: l.KeyTag, Algorithm: l.Algorithm}
	var err error
	if f.Inception, err = parseStamp(l.Inception); err != nil {
		return nil, err
	}
	f.Expiration, err = parseStamp(l.Expiration)
	return f, err
}

// checkOwn finds what does not go together of own validation.
func (l *line) checkOwn() error {
	switch {
	case l.Own != "" && !slices.Contains(DNSSECStates(), l.Own):
		return fmt.Errorf("unknown state %q of own validation", l.Own)
	case l.Own != "" && (l.AD || l.Validated):
		return fmt.Errorf("own validation and that of a resolver: it is one or the other")
	case (l.Own == Bogus) != (l.Own != "" && l.Failure == DNSSECBogus):
		return fmt.Errorf("own validation says %q, and the failure is %q", l.Own, l.Failure)
	case (l.Own == Secure || l.Own == Insecure) && l.Failure != "":
		return fmt.Errorf("own validation says %q of a failure", l.Own)
	case l.Flaw != (flawLine{}) && l.Own != Bogus && l.Own != Insecure:
		return fmt.Errorf("a flaw, and own validation says %q", l.Own)
	}
	return nil
}

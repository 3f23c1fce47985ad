// Package dnssec validates DNS replies: from the octets of a reply, the keys of its zones
// and the time it finds out whether the reply is secure, insecure or bogus, and why
// (RFC 4035, section 4.3 and 5; RFC 5155, section 8; RFC 6840; RFC 9276; RFC 9364).
//
// It is pure. It opens no connections and reads no clock: who asks brings the replies, and
// takes from the Chain which one is needed next. The work for one reply is bounded,
// whatever the reply holds (CVE-2023-50387, CVE-2023-50868).
//
// Signatures are verified by miekg/dns. What that leaves out is here: times, labels, who may
// sign what, which keys a zone has, and what a denial proves.
package dnssec

import "time"

// State is what is known of a reply (RFC 4035, section 4.3).
type State int

// The states. The zero State says nothing yet: something has to be asked first.
const (
	Undecided State = iota
	Secure
	Insecure
	Bogus
)

// Reason says why a reply is bogus, or insecure. The set is closed; see Reasons. The empty
// Reason is that of what is secure.
type Reason string

// The reasons why a reply is bogus, and after them those why it is insecure.
const (
	SignatureExpired     Reason = "signature-expired"
	SignatureNotYetValid Reason = "signature-not-yet-valid"
	SignatureWrong       Reason = "signature-wrong"     // it does not match the records
	NoKey                Reason = "no-key"              // the zone has no key that could have made the signature
	NoMatchingKey        Reason = "no-matching-key"     // the zone has no key that its DS records name
	NoSignature          Reason = "no-signature"        // records of a signed zone without one
	WrongSigner          Reason = "wrong-signer"        // signed by something that is not the records' zone
	WrongLabels          Reason = "wrong-labels"        // the signature counts more labels than the owner has
	UnknownSignature     Reason = "unknown-signature"   // by algorithms that are not known, although the zone's DS records name one that is
	DenialIncomplete     Reason = "denial-incomplete"   // it does not prove that the records are not there
	TooMuchWork          Reason = "too-much-work"       // more signatures, or hashes, than an honest reply needs
	UnsignedDelegation   Reason = "unsigned-delegation" // the parent zone proves that there are no DS records
	OptOut               Reason = "opt-out"             // it lies in a span that leaves out unsigned delegations (RFC 5155, section 6)
	UnknownAlgorithm     Reason = "unknown-algorithm"   // no DS record names an algorithm and a digest that are known
	TooManyIterations    Reason = "too-many-iterations" // of NSEC3 (RFC 9276, section 3.2)
)

// Reasons returns every Reason, in the order of the constants.
func Reasons() []Reason {
	return []Reason{
		SignatureExpired, SignatureNotYetValid, SignatureWrong, NoKey, NoMatchingKey, NoSignature, WrongSigner,
		WrongLabels, UnknownSignature, DenialIncomplete, TooMuchWork,
		UnsignedDelegation, OptOut, UnknownAlgorithm, TooManyIterations,
	}
}

// Flaw says what is wrong, and with what. Names are spelt like those of Zone. What does not
// belong to the Reason is zero.
type Flaw struct {
	Reason Reason
	Zone   string // whose keys, or whose denial
	Owner  string // of the records
	Type   uint16 // of the records
	// Of the signature, or of the DS record that has no key:
	KeyTag    uint16
	Algorithm uint8
	// Of the signature; seconds of Unix time, rounded to nothing.
	Inception, Expiration time.Time
}

// unsupported reports whether it is this package that cannot validate, and others may.
func (f *Flaw) unsupported() bool {
	return f.Reason == UnknownAlgorithm || f.Reason == TooManyIterations
}

// Verdict is what a check has shown.
type Verdict struct {
	State State
	Flaw  Flaw
	// Expires is when the first of the signatures ends that a Secure Verdict rests on,
	// the keys' own not counted.
	Expires time.Time
	// Until is how long the records may be kept that a Verdict rests on which is not Bogus:
	// the least of their TTLs, none longer than what was signed or than the signature holds
	// (RFC 4035, section 5.3.3). It is zero if it rests on none.
	Until time.Time
	// Records is Until for the records that were asked for alone, without the aliases on the
	// way to them, if there are any.
	Records time.Time
}

func bogus(f Flaw) Verdict    { return Verdict{State: Bogus, Flaw: f} }
func insecure(f Flaw) Verdict { return Verdict{State: Insecure, Flaw: f} }

// insecureBy is insecure, by records that another Verdict is of.
func insecureBy(v Verdict, f Flaw) Verdict { return Verdict{State: Insecure, Flaw: f, Until: v.Until} }

// And joins the Verdicts of two parts: the weaker one counts, and the first of two that are
// equally weak; but if both are Insecure, the one that others may be able to validate. What is
// Bogus stays so, whatever is not decided yet.
func (v Verdict) And(other Verdict) Verdict {
	weakness := [...]int{Secure: 0, Insecure: 1, Undecided: 2, Bogus: 3}
	switch a, b := weakness[v.State], weakness[other.State]; {
	case a < b, a == b && v.State == Insecure && !v.Flaw.unsupported() && other.Flaw.unsupported():
		return other
	case a > b || v.State != Secure:
		return v
	}
	v.Expires, v.Until, v.Records = earlier(v.Expires, other.Expires), earlier(v.Until, other.Until), earlier(v.Records, other.Records)
	return v
}

// earlier returns the earlier of two times, of which the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

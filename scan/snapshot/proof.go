package snapshot

import "time"

// Proof is what a walk down from the top-level domain, with a DS query at each
// name, has shown of one name: whether it lies in a zone that is provably not
// signed (RFC 4035, section 4.3).
type Proof struct {
	// Name is spelt like Observation.Owner.
	Name  string
	State ProofState
	// Steps are the names asked on the way, from the top-level domain down.
	Steps []ProofStep
}

// ProofState is the outcome of a Proof. The set is closed.
type ProofState string

// The states. Only ProvenInsecure may excuse a failed lookup (SBR 4.2.2.1).
const (
	ProvenInsecure ProofState = "insecure"
	ProvenSigned   ProofState = "signed"  // signed as far as can be seen
	NotProven      ProofState = "unknown" // neither could be shown
)

// ProofStates returns every ProofState, in the order of the constants.
func ProofStates() []ProofState { return []ProofState{ProvenInsecure, ProvenSigned, NotProven} }

// ProofStep is one name of a Proof and what its DS query found.
type ProofStep struct {
	Name    string // spelt like Observation.Owner
	Finding Finding
	// Server is the resolver asked last. Replied says whether a reply came that
	// could be read; RCode and AD are that reply's.
	Server  string
	Replied bool
	RCode   uint16
	AD      bool
	Time    time.Time
}

// Finding is what a DS query showed of a name. The set is closed.
type Finding string

// The findings.
const (
	SignedDelegation   Finding = "signed-delegation"   // a validated DS RRset
	InsecureDelegation Finding = "insecure-delegation" // a validated denial of DS at a delegation
	OptOutDelegation   Finding = "opt-out-delegation"  // covered by an opt-out span (RFC 5155, section 9.2)
	NoDelegation       Finding = "no-delegation"       // in the zone of the name above
	NothingBelow       Finding = "nothing-below"       // the name does not exist in a signed zone
	Unproven           Finding = "unproven"            // anything else
)

// Findings returns every Finding, in the order of the constants.
func Findings() []Finding {
	return []Finding{SignedDelegation, InsecureDelegation, OptOutDelegation, NoDelegation, NothingBelow, Unproven}
}

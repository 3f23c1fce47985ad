package scan

import "slices"

// Change is how a row or a domain differs from what an earlier report says of it.
type Change string

// The changes. Whatever fits first is the row's: lookup trouble, then the status for
// any CA, then its reason, then the records. If one CA is denied now and another is
// permitted, the denial counts, because it is what stops somebody.
const (
	ChangeNone            Change = ""                 // nothing is different, or nothing was compared
	ChangeNewlyDenied     Change = "newly-denied"     // permitted -> denied, for any CA
	ChangeNewlyPermitted  Change = "newly-permitted"  // denied -> permitted, for any CA; none is newly denied
	ChangeReason          Change = "reason-changed"   // of any CA; no status
	ChangeRecords         Change = "records-changed"  // and nothing else
	ChangeFailedNow       Change = "failed-now"       // permitted or denied -> lookup-failed
	ChangeRecoveredDenied Change = "recovered-denied" // lookup-failed -> denied, for any CA
	ChangeRecovered       Change = "recovered"        // lookup-failed -> permitted, for every CA
	ChangeNew             Change = "new"
	ChangeGone            Change = "gone"
)

// Changes returns every Change that says something, in the order of the constants:
// those of one kind stand together.
func Changes() []Change {
	return []Change{
		ChangeNewlyDenied, ChangeNewlyPermitted, ChangeReason, ChangeRecords,
		ChangeFailedNow, ChangeRecoveredDenied, ChangeRecovered, ChangeNew, ChangeGone,
	}
}

// Meaning returns what the change says, in sentences for people who have never read an
// RFC; "" for ChangeNone.
func (c Change) Meaning() string {
	switch c {
	case ChangeNone:
		return ""
	case ChangeNewlyDenied:
		return "At least one CA was permitted and is denied now."
	case ChangeNewlyPermitted:
		return "At least one CA was denied and is permitted now, and none is newly denied."
	case ChangeReason:
		return "The status is the same for every CA, but for one of them it has another reason."
	case ChangeRecords:
		return "Status and reason are the same, but the CAA records differ."
	case ChangeFailedNow:
		return "The lookup failed this time, so whether the records changed is not known."
	case ChangeRecoveredDenied:
		return "The lookup failed last time, and now at least one CA is denied; whether it was before the failure is not known."
	case ChangeRecovered:
		return "The lookup failed last time, and now every CA is permitted; what changed is not known."
	case ChangeNew:
		return "The earlier report does not have it."
	case ChangeGone:
		return "Only the earlier report has it."
	}
	panic("scan: unknown change " + string(c))
}

// Denies reports whether a CA is denied now of which the earlier report did not say so.
func (c Change) Denies() bool { return c == ChangeNewlyDenied || c == ChangeRecoveredDenied }

// ChangeKind is what a Change is about.
type ChangeKind string

// The kinds.
const (
	NoChange      ChangeKind = ""
	PolicyChange  ChangeKind = "policy"
	LookupTrouble ChangeKind = "lookup trouble" // which says nothing about the policy
	ListChange    ChangeKind = "list"           // other rows were scanned
)

// ChangeKinds returns every ChangeKind that says something, in the order of Changes.
func ChangeKinds() []ChangeKind { return []ChangeKind{PolicyChange, LookupTrouble, ListChange} }

// Changes returns every Change of the kind.
func (k ChangeKind) Changes() []Change {
	return slices.DeleteFunc(Changes(), func(c Change) bool { return c.Kind() != k })
}

// Heading returns what stands above the changes of the kind; "" for NoChange.
func (k ChangeKind) Heading() string {
	switch k {
	case NoChange:
		return ""
	case PolicyChange:
		return "Policy"
	case LookupTrouble:
		return "Lookup trouble"
	case ListChange:
		return "The list"
	}
	panic("scan: unknown kind of change " + string(k))
}

// Kind returns what the change is about.
func (c Change) Kind() ChangeKind {
	switch c {
	case ChangeNone:
		return NoChange
	case ChangeNewlyDenied, ChangeNewlyPermitted, ChangeReason, ChangeRecords:
		return PolicyChange
	case ChangeFailedNow, ChangeRecoveredDenied, ChangeRecovered:
		return LookupTrouble
	case ChangeNew, ChangeGone:
		return ListChange
	}
	panic("scan: unknown change " + string(c))
}

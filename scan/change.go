package scan

import "slices"

// Change is how a row or a domain differs from what an earlier report says of it.
type Change string

// The changes. Whatever fits first is the row's: lookup trouble, then the status for
// any CA, then its reason, then the records.
const (
	ChangeNone      Change = ""                // nothing is different, or nothing was compared
	ChangeStatus    Change = "status-changed"  // of any CA
	ChangeReason    Change = "reason-changed"  // of any CA; no status
	ChangeRecords   Change = "records-changed" // and nothing else
	ChangeFailedNow Change = "failed-now"      // for whatever reason
	ChangeRecovered Change = "recovered"
	ChangeNew       Change = "new"
	ChangeGone      Change = "gone"
)

// Changes returns every Change that says something, in the order of the constants:
// those of one kind stand together.
func Changes() []Change {
	return []Change{ChangeStatus, ChangeReason, ChangeRecords, ChangeFailedNow, ChangeRecovered, ChangeNew, ChangeGone}
}

// Meaning returns what the change says, in sentences for people who have never read an
// RFC; "" for ChangeNone.
func (c Change) Meaning() string {
	switch c {
	case ChangeNone:
		return ""
	case ChangeStatus:
		return "What was permitted is denied for a CA now, or the other way round."
	case ChangeReason:
		return "The status is the same for every CA, but for one of them it has another reason."
	case ChangeRecords:
		return "Status and reason are the same, but the CAA records differ."
	case ChangeFailedNow:
		return "The lookup failed this time, so whether the records changed is not known."
	case ChangeRecovered:
		return "The lookup failed last time and did not this time, so what changed is not known."
	case ChangeNew:
		return "The earlier report does not have it."
	case ChangeGone:
		return "Only the earlier report has it."
	}
	panic("scan: unknown change " + string(c))
}

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
	case ChangeStatus, ChangeReason, ChangeRecords:
		return PolicyChange
	case ChangeFailedNow, ChangeRecovered:
		return LookupTrouble
	case ChangeNew, ChangeGone:
		return ListChange
	}
	panic("scan: unknown change " + string(c))
}

package scan

import (
	"strings"
	"time"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// Row is one row of the input.
type Row struct {
	// Number is the row as a spreadsheet shows it; a header is row 1.
	Number int
	// Cells are the row's cells as read. A row may have fewer or more of them
	// than the header. They are valid until the next row is read.
	Cells []string
	// Cell is the text of the column with the address or domain; empty if
	// the row has no such cell.
	Cell string
	// Values are those of Cells, if some of them are no texts; else nil. They are valid
	// as long as Cells.
	Values []Value
	// Input names the file that the row is from, if there are several; else empty.
	Input string
	// Address is the part of Cell that counts, if it is not all of it; else empty.
	Address string
	// Warnings are about how the row was read; nil of nearly every row.
	Warnings []Warning
	// Broken says that the line could not be split into cells. Its whole text
	// is then the only one of Cells.
	Broken bool
}

// ValueKind is what a cell of a workbook holds.
type ValueKind uint8

// The kinds of values.
const (
	TextValue   ValueKind = iota
	NumberValue           // also a date, which is a number with a format
	BoolValue
)

// Value is what a cell of a workbook holds besides the text that it shows.
type Value struct {
	Kind ValueKind
	Raw  string // of a number, as the workbook has it; anything that strconv.ParseFloat takes
}

// Status is the verdict on a row for one CA.
type Status string

// The statuses. There is never another one, and never none.
const (
	Permitted    Status = "permitted"
	Denied       Status = "denied"
	LookupFailed Status = "lookup-failed"
)

// Statuses returns every Status, in the order of the constants.
func Statuses() []Status { return []Status{Permitted, Denied, LookupFailed} }

// Meaning returns what the status says, in sentences for people who have never read
// an RFC.
func (s Status) Meaning() string {
	switch s {
	case Permitted:
		return "CAA records do not stop this CA from issuing S/MIME certificates for the mailbox."
	case Denied:
		return "CAA records forbid this CA to issue. The fix list and caa_fix say what to publish so that it may."
	case LookupFailed:
		return "Whether this CA may issue could not be found out. Never take this for permitted."
	}
	panic("scan: unknown status " + string(s))
}

// Decision is the verdict on a domain, or on a cell that holds none, for one CA.
type Decision struct {
	Status Status
	Reason Reason
	// Detail is for people, with the names and values it is about.
	Detail Sentence
	// Fix is what to publish so that this CA may issue; nil if nothing is denied.
	// It must not be changed.
	Fix *Fix
}

// Sentence is a text that is the same for many domains but for the domain itself,
// which For puts in its place.
type Sentence string

// domainMark stands for the domain in a Sentence. No text that goes into one has a
// control character that is not escaped.
const domainMark = "\x00"

// For returns the sentence as it is said of a domain.
func (s Sentence) For(name domain.Name) string {
	before, after, found := s.Cut()
	if !found {
		return before
	}
	return before + name.String() + after
}

// Cut returns what stands before and behind the domain, or all of a sentence that is
// the same for every domain.
func (s Sentence) Cut() (before, after string, found bool) {
	return strings.Cut(string(s), domainMark)
}

// Verdict is all that is known of one domain. Rows with the same domain have equal
// ones; so have rows without a domain for the same reason.
type Verdict struct {
	// Domain is zero if the cell held none.
	Domain domain.Name
	// Number counts the domains of a Scanner in the order in which they are first
	// met, from 1; it is 0 if the cell held none.
	Number int
	// CheckedAt is when the oldest answer this rests on came, in whole seconds;
	// zero for zone files.
	CheckedAt time.Time
	// Outcome is shared and must not be changed.
	*Outcome
}

// Outcome is what the answers come to. Domains whose climbs end in the same way at
// the same answer share one, so a list has far fewer of them than domains.
type Outcome struct {
	// Decisions has one Decision for each CA, in the order of Config.Issuers.
	Decisions []Decision
	// FoundAt is the name of the climb at which the relevant RRset was found;
	// zero if there is none.
	FoundAt domain.Name
	// Records is the relevant RRset. Its owner differs from FoundAt if the
	// set was reached through an alias.
	Records caa.RRset
	// DNSSEC is empty if nothing was looked up.
	DNSSEC snapshot.DNSSEC
	// OnFailure is what SBR 4.2.2.1 lets a CA do after a failed lookup; empty
	// if there was none to fail.
	OnFailure OnFailure
	Warnings  []Warning
	// Resolver is the server of the deciding answer.
	Resolver string
}

// OnFailure is what a CA may do if a lookup failed (SBR 4.2.2.1).
type OnFailure string

// The values of OnFailure.
const (
	OnFailureNone         OnFailure = ""                  // nothing failed, or there was nothing to look up
	OnFailureMayIssue     OnFailure = "ca-may-issue"      // all that the lookup touched is proven insecure; may, need not
	OnFailureMustNotIssue OnFailure = "ca-must-not-issue" // validation failed, or the chain is signed as far as can be seen
	OnFailureUnknown      OnFailure = "unknown"           // neither is known, so nobody may take it for permission
)

// OnFailures returns every OnFailure that says something, in the order of the
// constants.
func OnFailures() []OnFailure {
	return []OnFailure{OnFailureMayIssue, OnFailureMustNotIssue, OnFailureUnknown}
}

// Meaning returns what the value says, in sentences for people who have never read an
// RFC; "" for OnFailureNone.
func (o OnFailure) Meaning() string {
	switch o {
	case OnFailureNone:
		return ""
	case OnFailureMayIssue:
		return "Everything the lookup touched is proven not to be signed with DNSSEC. A CA whose own lookup fails too, through no fault of its own and after a second try, may issue; it need not."
	case OnFailureMustNotIssue:
		return "The domain's DNSSEC signatures do not hold, or it is signed as far as can be seen. A CA whose own lookup fails too must not issue."
	case OnFailureUnknown:
		return "Whether the domain is signed with DNSSEC is not known, or the failure may be that of the resolver asked here. Nobody may take it for permission."
	}
	panic("scan: unknown value " + string(o))
}

// Result is a row and what came of it.
type Result struct {
	Row     Row
	Verdict Verdict
	// Warnings are those of this row's own spelling, besides the Verdict's.
	Warnings []Warning
	// Change is how the row differs from an earlier report, if it was compared with one.
	// A Scanner knows of none.
	Change Change
	// Places is what was seen of the domain from other places; nil if the row has none, or
	// if there are no other places. A Scanner knows of none.
	Places *Placed
}

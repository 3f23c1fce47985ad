package report

import (
	"fmt"
	"slices"
	"strings"

	"caascan/scan"
)

// Changes are what is different between an earlier report and all rows that were
// compared with it.
type Changes struct {
	Earlier string   // the name of the report
	Labels  []string // of the CAs that were compared; a lone one may have none
	// Counts says how many rows and domains have each change.
	Counts map[scan.Change]Count
	// Domains are the changes, in the order of scan.Changes and of the names: policy
	// first, and lookup trouble apart from it.
	Domains []DomainChange
}

// DomainChange says of how many rows of a domain the same is to be said. A domain that
// was there and has rows that were not is there with both changes.
type DomainChange struct {
	Domain string // empty for the rows without one
	Change scan.Change
	Rows   int
	// Was and Is are nil if the domain was not there, or is not there any more, and
	// both if there is no domain.
	Was, Is *DomainVerdict
}

// DomainVerdict is what a report says of a domain.
type DomainVerdict struct {
	Reasons []scan.Reason   // for each CA that was compared
	Records ComparedRecords // none unless the policy changed
}

// Some reports whether the change is that of some rows of a domain that is on both
// sides, and not of the domain.
func (d *DomainChange) Some() bool {
	return d.Change.Kind() == scan.ListChange && (d.Domain == "" || d.Was != nil && d.Is != nil)
}

// ByDomain returns the changes of the domains that are there, and none of nil.
func (c *Changes) ByDomain() map[string]scan.Change {
	of := make(map[string]scan.Change)
	if c == nil {
		return of
	}
	for _, d := range c.Domains {
		if d.Domain != "" && d.Is != nil && !d.Some() {
			of[d.Domain] = d.Change
		}
	}
	return of
}

// Count returns how many rows and domains have a change.
func (c *Changes) Count(change scan.Change) Count {
	return c.Counts[change]
}

// Kind returns how many rows and domains have a change of a kind.
func (c *Changes) Kind(kind scan.ChangeKind) (sum Count) {
	for _, change := range kind.Changes() {
		sum = sum.Plus(c.Count(change))
	}
	return sum
}

// Policy reports whether the policy changed anywhere.
func (c *Changes) Policy() bool { return c.Kind(scan.PolicyChange).Domains > 0 }

// Denies reports whether a domain is denied for a CA of which the earlier report did not
// say so; new domains, of which it says nothing, do not count.
func (c *Changes) Denies() bool {
	return c.Count(scan.ChangeNewlyDenied).Domains+c.Count(scan.ChangeRecoveredDenied).Domains > 0
}

// ComparedRecords are the CAA records that one of two reports has of a domain.
type ComparedRecords struct {
	Only RecordList // those that the other report does not have
	Both RecordList
	// Unknown says that one of the reports does not hold all records, because the set is long. Then
	// there are none here: what is missing there may be only what was cut.
	Unknown bool
}

// RecordList is some records, as many as a reader can take in.
type RecordList struct {
	Shown []string
	Left  int // how many more there are
}

// RecordsNotCompared is shown if ComparedRecords are Unknown.
const RecordsNotCompared = "Which records differ is not known: one of the reports does not hold all of them."

// Lines returns a record a line, and how many there are besides.
func (l RecordList) Lines() []string {
	switch l.Left {
	case 0:
		return l.Shown
	case 1:
		return append(slices.Clip(l.Shown), "… and 1 record more")
	}
	return append(slices.Clip(l.Shown), fmt.Sprintf("… and %d records more", l.Left))
}

// Text is what a cell shows: what differs comes first.
func (r ComparedRecords) Text() string {
	if r.Unknown {
		return RecordsNotCompared
	}
	lines := r.Only.Lines()
	if both := r.Both.Lines(); len(both) > 0 {
		lines = slices.Concat(lines, []string{"in both reports:"}, both)
	}
	return strings.Join(lines, "\n")
}

// Text returns status and reason for each of the CAs, which are named if there are
// several, with a separator between them; "" of nil.
func (v *DomainVerdict) Text(labels []string, separator string) string {
	if v == nil {
		return ""
	}
	words := make([]string, len(v.Reasons))
	for i, reason := range v.Reasons {
		words[i] = fmt.Sprintf("%s (%s)", reason.Status(), reason)
		if len(labels) > 1 {
			words[i] = labels[i] + ": " + words[i]
		}
	}
	return strings.Join(words, separator)
}

// RecordsText is what a cell shows of the records; "" of nil.
func (v *DomainVerdict) RecordsText() string {
	if v == nil {
		return ""
	}
	return v.Records.Text()
}

// ChangesHeading names the earlier report, and the CAs if there are several.
func ChangesHeading(c *Changes) string {
	if len(c.Labels) > 1 {
		return "Changes since " + c.Earlier + ", for " + Joined(c.Labels)
	}
	return "Changes since " + c.Earlier
}

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"caascan/scan"
	"caascan/scan/caa"
)

// Title heads a report for people.
const Title = "CAA check for S/MIME certificates"

// Overview is what a report says of the run and of all rows together. Every Writer is
// given the same one, so that the workbook and the page cannot differ in what they say.
//
// What needs a pass over all domains is worked out when it is first asked for, and once:
// a report that is lines of text asks for none of it.
type Overview struct {
	Labels []string // of the CAs, in the order of scan.Verdict.Decisions
	Run    Run
	// Tally is that of all rows, be they written or left out.
	Tally *Tally

	permissions func() []PermissionLine
	issuers     func() []IssuerOverview
	warnings    func() []WarningTotal
	groups      func() []GroupTable
}

// IssuerOverview is what is said of one CA.
type IssuerOverview struct {
	Label    string
	Heading  string // the label, and the issuer domain names if they say more
	Statuses []StatusCount
	Reasons  []ReasonCount // that occur: those of one status together, the most frequent first
	Fixes    FixList       // those that stop the most rows first
}

// StatusCount says how many rows and domains have a status.
type StatusCount struct {
	Status scan.Status
	Count
}

// ReasonCount says how many rows and domains have a reason.
type ReasonCount struct {
	Reason scan.Reason
	Count
}

// NewOverview returns the overview of a run. The tally must not change any more.
func NewOverview(labels []string, run Run, tally *Tally) *Overview {
	o := &Overview{Labels: labels, Run: run, Tally: tally}
	o.permissions = sync.OnceValue(o.findPermissions)
	o.issuers = sync.OnceValue(o.findIssuers)
	o.warnings = sync.OnceValue(tally.Warnings)
	o.groups = sync.OnceValue(tally.groupTables)
	return o
}

// Question is what a report answers.
func (o *Overview) Question() string {
	return "May " + strings.Join(o.Labels, " or ") + " issue for the mailboxes in " + cmp.Or(o.Run.InputName, "the input") + "?"
}

// Total is the count of all rows.
func (o *Overview) Total() Count { return o.Tally.Total() }

// Permissions is the matrix of which CAs may issue; empty for a lone CA.
func (o *Overview) Permissions() []PermissionLine { return o.permissions() }

// Issuers are what is said of each CA, in the order of Labels.
func (o *Overview) Issuers() []IssuerOverview { return o.issuers() }

// Groups are the rows by the values of columns of the input, a table for each column.
func (o *Overview) Groups() []GroupTable { return o.groups() }

// FixOrder returns the places of the CAs in the order in which people want what is to be
// published: the one that is moved to first (see Run.MovedTo), then the others.
func (o *Overview) FixOrder() []int {
	var order []int
	for i := range o.Labels {
		order = append(order, i)
	}
	to := slices.Index(o.Labels, o.Run.MovedTo)
	if to < 0 {
		to = len(order) - 1
	}
	return slices.Insert(slices.Delete(order, to, to+1), 0, to)
}

// Warnings are those that were given, those of the most rows first.
func (o *Overview) Warnings() []WarningTotal { return o.warnings() }

func (o *Overview) findPermissions() []PermissionLine {
	if len(o.Labels) < 2 {
		return nil
	}
	return permissionLines(o.Labels, o.Tally.Permissions())
}

func (o *Overview) findIssuers() []IssuerOverview {
	all := make([]IssuerOverview, len(o.Labels))
	for i, label := range o.Labels {
		all[i] = IssuerOverview{Label: label, Heading: issuerText(label, i, o.Run.Issuers), Fixes: o.Tally.Fixes(i)}
		for _, status := range scan.Statuses() {
			all[i].Statuses = append(all[i].Statuses, StatusCount{status, o.Tally.Status(i, status)})
		}
		for _, reason := range o.Tally.found(i) {
			all[i].Reasons = append(all[i].Reasons, ReasonCount{reason, o.Tally.Reason(i, reason)})
		}
	}
	return all
}

// issuerText names a CA by its label and its issuer domain names; of many the first, because
// the notes of the run list those that the name of an owner means.
func issuerText(label string, i int, issuers []caa.Issuer) string {
	if i >= len(issuers) {
		return label
	}
	var names []string
	for _, name := range issuers[i].Domains {
		names = append(names, name.String())
	}
	list := strings.Join(names, ", ")
	if most := 4; len(issuers[i].Owners) > 0 && len(names) > most {
		return fmt.Sprintf("%s (%s and %d more)", label, names[0], len(names)-1)
	}
	if names[0] == label {
		return list
	}
	return label + " (" + list + ")"
}

// leadingFacts are the names of the facts at the top of a report.
func leadingFacts() []string {
	return []string{"Input", "SHA-256 of the input", "Started", "Finished", "Resolver", "Zone file"}
}

// Leading are the facts of the run at the top.
func (o *Overview) Leading() []Fact {
	return slices.DeleteFunc(o.Run.facts(), func(f Fact) bool { return !slices.Contains(leadingFacts(), f.Name) })
}

// Further are all other facts of the run.
func (o *Overview) Further() []Fact {
	return slices.DeleteFunc(o.Run.facts(), func(f Fact) bool { return slices.Contains(leadingFacts(), f.Name) })
}

// LargestNames is how many names of the fix list stand in the summary.
const LargestNames = 10

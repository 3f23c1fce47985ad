package report

import (
	"slices"
	"strings"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
)

// FixLine is a line of the fix list.
type FixLine struct {
	FixTotal
	Issuer string   // the label of the CA
	Others []string // the labels of the CAs that the name stops too
}

// ReasonCodes are the reasons, a code in each line.
func (f *FixLine) ReasonCodes() string {
	codes := make([]string, len(f.Reasons))
	for i, reason := range f.Reasons {
		codes[i] = string(reason)
	}
	return strings.Join(codes, "\n")
}

// Asked says who has to publish the fix.
func (f *FixLine) Asked() string {
	if f.Ask == "" {
		return "whoever runs the domain"
	}
	return "whoever runs " + f.Ask
}

// Known ask first whether the fix is wanted if somebody may have forbidden every CA
// on purpose. They warn of the other lines of the name: each has a whole set, of which
// only the last that is published is there.
func (f *FixLine) Known() []string {
	var notes []string
	if forbidden := scan.Reason(caa.NoIssuer); slices.Contains(f.Reasons, forbidden) {
		notes = append(notes, forbidden.Advice())
	}
	if len(f.Others) > 0 {
		notes = append(notes, "The name stops "+Joined(f.Others)+" too. To let all of them issue, publish one set with the records of all its lines.")
	}
	notes = append(notes, f.Notes...)
	switch {
	case domain.Owner(f.Name()).IsWildcard():
		notes = append(notes, wildcardNote)
	case strings.Count(f.Name(), ".") > 1: // example.com is a name of its own
		notes = append(notes, MadeNote)
	}
	return notes
}

// MadeNote is for names that a wildcard may have made, which answers do not tell.
const MadeNote = "If a wildcard (*.example) gives a name its records, the name loses all of them once it has one of its own, " +
	"and so do the names below it and those between it and the wildcard: write their MX and CAA records beside the new ones, or change those of the wildcard."

const wildcardNote = "This is a wildcard, so its records are those of all names that it makes."

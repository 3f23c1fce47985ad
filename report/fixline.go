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
func (f *FixTotal) ReasonCodes() string {
	codes := make([]string, len(f.Reasons))
	for i, reason := range f.Reasons {
		codes[i] = string(reason)
	}
	return strings.Join(codes, "\n")
}

// Asked says who has to publish the fix.
func (f *FixTotal) Asked() string {
	if f.Ask == "" {
		return "whoever runs the domain"
	}
	return "whoever runs " + f.Ask
}

// Known is what is to be known before the fix is published, a sentence each. It warns of
// the other lines of the name: each has a whole set, of which only the last that is
// published is there.
func (f *FixLine) Known() []string {
	var notes []string
	if len(f.Others) > 0 {
		notes = append(notes, "The name stops "+Joined(f.Others)+" too. To let all of them issue, publish one set with the records of all its lines.")
	}
	return f.known(append(notes, f.Notes...))
}

// known asks first whether the fix is wanted, if somebody may have forbidden every CA on
// purpose. What the name itself brings with it is last.
func (f *FixTotal) known(notes []string) []string {
	if f.isForbidden() {
		notes = slices.Insert(notes, 0, scan.Reason(caa.NoIssuer).Advice())
	}
	if kind := f.nameNote(); kind != "" {
		notes = append(notes, kind.Meaning())
	}
	return notes
}

// isForbidden reports whether somebody may have forbidden every CA on purpose.
func (f *FixTotal) isForbidden() bool { return slices.Contains(f.Reasons, scan.Reason(caa.NoIssuer)) }

// nameNote is what the name itself brings with it: example.com is a name of its own, and a
// longer one may be one that a wildcard makes.
func (f *FixTotal) nameNote() scan.FixNote {
	switch {
	case domain.Owner(f.Name()).IsWildcard():
		return scan.NoteWildcard
	case strings.Count(f.Name(), ".") > 1:
		return scan.NoteMade
	}
	return ""
}

// NoteCodes are the kinds of what is to be known before, in the order of scan.FixNotes.
func (f *FixLine) NoteCodes() []scan.FixNote {
	return slices.DeleteFunc(scan.FixNotes(), func(note scan.FixNote) bool {
		return (note != scan.NoteOnPurpose || !f.isForbidden()) && (note != scan.NoteOthers || len(f.Others) == 0) &&
			note != f.nameNote() && !f.Has(note)
	})
}

// Mark says what becomes of a property of the set: it is "new", it is "changed" because its
// flags are others, or it stays, "".
func (f *FixTotal) Mark(p caa.Property) string {
	if !f.IsNew(p) {
		return ""
	}
	if slices.ContainsFunc(f.Present.Properties, func(was caa.Property) bool { return was.Tag() == p.Tag() && was.Value() == p.Value() }) {
		return "changed"
	}
	return "new"
}

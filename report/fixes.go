package report

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
)

// FixesStart is what a file of NewFixes begins with.
const FixesStart = "; CAA records to publish"

// NewFixes returns a Writer of what to publish so that some CAs may issue, given by
// their places among the decisions. It is a file that a scan takes for an overlay: the
// whole set of each name that denies one of them (see Tally.Fixes), as lines of a zone
// file, with comments that say what it unblocks, whose it is and what to know before.
func NewFixes(w io.Writer, issuers ...int) Writer {
	return &fixesFile{to: bufio.NewWriter(w), issuers: issuers}
}

// fixesFile is a zone file that is being written. What goes wrong the last Flush says.
type fixesFile struct {
	to      *bufio.Writer
	issuers []int
	run     Run
	closed  bool
}

// Write has nothing to do: the tally has what is needed of all rows.
func (f *fixesFile) Write(scan.Result) error {
	if f.closed {
		return ErrClosed
	}
	return nil
}

// Close writes the file.
func (f *fixesFile) Close(o *Overview) error {
	if f.closed {
		return ErrClosed
	}
	f.closed, f.run = true, o.Run
	fixes := o.Tally.Fixes(f.issuers...)
	f.comment(strings.TrimPrefix(FixesStart, "; ") + " so that " + f.labels(f.issuers) + " may issue S/MIME certificates: " + plural(fixes.Len(), "name") + ".")
	f.comment("Each set is whole: it takes the place of all CAA records of its name.")
	for _, i := range f.issuers {
		for _, doubt := range o.Run.Issuers[i].Doubts() {
			f.comment("Note: " + doubt)
		}
	}
	f.comment("To try it first: caascan scan ... --overlay THIS-FILE")
	f.comment("If the present records come from a wildcard (*.example), a name that gets records of its own, the names")
	f.comment("below it and those between it and the wildcard lose all that the wildcard gave them, its MX and its CAA")
	f.comment("records too: write these beside the new ones, or change the records of the wildcard instead.")
	for fix := range fixes.All() {
		f.fix(fix)
	}
	return f.to.Flush()
}

func (f *fixesFile) fix(fix FixTotal) {
	f.to.WriteString("\n")
	f.comment(fix.Name() + " denies " + f.labels(fix.Issuers) + ": " + plural(fix.Rows, "row") + ", " + plural(fix.Count.Domains, "domain"))
	if others := f.others(fix); len(others) > 0 {
		f.comment("Note: It denies " + f.labels(others) + " too. If that is to issue as well, publish one set for all: a second one would replace this one.")
	}
	if fix.Ask != "" {
		f.comment("Who: ask whoever runs " + fix.Ask)
	}
	for _, contact := range fix.Contacts {
		f.comment("Contact: " + contact)
	}
	for _, note := range fix.Notes {
		f.comment("Note: " + note)
	}
	// Only an alias that leads to the wildcard itself has this. An overlay does not take
	// it, because what it would change depends on all names that there are.
	if domain.Owner(fix.Name()).IsWildcard() {
		f.comment("Note: " + wildcardNote + " To publish it, remove the semicolons.")
		for _, line := range fix.Lines() {
			f.comment(line)
		}
		return
	}
	for _, line := range fix.Lines() {
		f.to.WriteString(line + "\n")
	}
}

// others are the CAs that the name denies and that the file is not for.
func (f *fixesFile) others(fix FixTotal) []int {
	var others []int
	for i, issuer := range f.run.Issuers {
		if !slices.Contains(f.issuers, i) && fix.Present.Decide(issuer).Status == caa.Denied {
			others = append(others, i)
		}
	}
	return others
}

// comment writes a line that nothing in text can end.
func (f *fixesFile) comment(text string) {
	text = EscapeCell(text)
	f.to.WriteString("; " + strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(text) + "\n")
}

func (f *fixesFile) labels(issuers []int) string {
	labels := make([]string, len(issuers))
	for i, issuer := range issuers {
		labels[i] = f.run.Issuers[issuer].Label
	}
	return strings.Join(labels, ", ")
}

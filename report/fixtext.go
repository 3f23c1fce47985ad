package report

import (
	"strings"

	"caascan/scan"
	"caascan/scan/domain"
)

// fixText is a form of lines with comments between them that say what each set unblocks,
// whose it is and what to know before.
type fixText struct {
	mark  string   // begins a comment
	marks string   // what people call it
	head  []string // comments at the start: how to use the file
	// set returns the lines for a name. The reason says why there are none, if the form
	// cannot hold them: they are comments then, as lines of a zone file.
	set func(FixTotal) (lines []string, reason string)
}

// write writes the whole file.
func (t fixText) write(f *fixesFile, fixes FixList) {
	t.comment(f, f.title(fixes))
	t.comment(f, t.head[0])
	for _, i := range f.issuers {
		for _, doubt := range f.run.Issuers[i].Doubts() {
			t.comment(f, "Note: "+doubt)
		}
	}
	for _, line := range t.head[1:] {
		t.comment(f, line)
	}
	t.comment(f, "If the present records come from a wildcard (*.example), a name that gets records of its own, the names")
	t.comment(f, "below it and those between it and the wildcard lose all that the wildcard gave them, its MX and its CAA")
	t.comment(f, "records too: write these beside the new ones, or change the records of the wildcard instead.")
	for fix := range fixes.All() {
		t.fix(f, fix)
	}
}

func (t fixText) fix(f *fixesFile, fix FixTotal) {
	f.to.WriteString("\n")
	t.comment(f, fix.Name()+" denies "+f.labels(fix.Issuers)+": "+plural(fix.Rows, "row")+", "+plural(fix.Count.Domains, "domain"))
	notes := f.notes(fix)
	if len(f.others(fix)) > 0 {
		t.comment(f, "Note: "+notes[0])
		notes = notes[1:]
	}
	if fix.Ask != "" {
		t.comment(f, "Who: ask whoever runs "+fix.Ask)
	}
	for _, contact := range fix.Contacts {
		t.comment(f, "Contact: "+contact)
	}
	for _, note := range notes {
		t.comment(f, "Note: "+note)
	}
	t.lines(f, fix)
}

// lines writes the set of a name. Only an alias that leads to the wildcard itself has one
// for a wildcard: that is for people to decide, and an overlay does not take it, because
// what it would change depends on all names that there are.
func (t fixText) lines(f *fixesFile, fix FixTotal) {
	lines, reason := t.set(fix)
	switch {
	case reason != "":
		t.comment(f, "Note: "+reason+" Publish these records in another way:")
		lines = fix.Lines()
	case domain.Owner(fix.Name()).IsWildcard():
		t.comment(f, "Note: "+scan.NoteWildcard.Meaning()+" To publish it, remove the "+t.marks+".")
	default:
		for _, line := range lines {
			f.to.WriteString(line + "\n")
		}
		return
	}
	for _, line := range lines {
		t.comment(f, line)
	}
}

// comment writes a line that nothing in text can end: in JavaScript the line and the
// paragraph separator of Unicode do so too (ECMA-262, section 12.3).
func (t fixText) comment(f *fixesFile, text string) {
	f.to.WriteString(t.mark + " " + oneLine(EscapeCell(text)) + "\n")
}

func oneLine(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "\t", " ", "\u2028", " ", "\u2029", " ").Replace(text)
}

// wholeSet is what every form that takes sets has to say.
const wholeSet = "Each set is whole: it takes the place of all CAA records of its name."

func zoneText() fixText {
	return fixText{
		mark: ";", marks: "semicolons",
		head: []string{wholeSet, "To try it first: caascan scan ... --overlay THIS-FILE"},
		set:  func(fix FixTotal) ([]string, string) { return fix.Lines(), "" },
	}
}

package scan

import (
	"fmt"
	"slices"
	"strings"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// Fix is what to publish at the deciding name so that a CA may issue. Nothing is ever
// to be published at the owner of an alias, or at a name without CAA records: a set
// there would hide what its parents' records say of web servers.
type Fix struct {
	// Present is the set that decides now. Its owner is the deciding name: if the
	// records really stand, at the end of the aliases.
	Present caa.RRset
	// TTL is how many seconds the present set may be kept by who gave it, so a change
	// may not be seen before. It is 0 where no change has to be waited for: the set
	// may not be kept, or it is one of an overlay.
	TTL uint32
	// Set is the whole set to publish in place of Present (caa.RRset.Fix).
	Set []caa.Property
	// Notes say what is to be known before that is done, a sentence each.
	Notes []string
	// About says what the Notes are about, each once.
	About []FixNote
	// Ask is the registrable domain of the deciding name if that is not the domain's
	// own, so that it is somebody else's to publish; else it is empty.
	Ask string
	// Contacts are the URLs of the set's iodef properties (RFC 8659, section 4.4).
	Contacts []string
}

// Name returns the deciding name without a trailing dot.
func (f *Fix) Name() string { return f.Present.Owner }

// Lines returns Set as the lines of a zone file.
func (f *Fix) Lines() []string {
	if f == nil {
		return nil
	}
	return zoneLines(f.Name(), f.Set)
}

// Has reports whether there is a note of this kind.
func (f *Fix) Has(note FixNote) bool { return slices.Contains(f.About, note) }

// IsNew reports whether a property of Set is not one of Present: it is added, or was
// there with another flag.
func (f *Fix) IsNew(p caa.Property) bool { return !slices.Contains(f.Present.Properties, p) }

// NewLines returns the part of Lines that is new.
func (f *Fix) NewLines() []string {
	lines := f.Lines()
	var added []string
	for i, p := range f.Set {
		if f.IsNew(p) {
			added = append(added, lines[i])
		}
	}
	return added
}

// PresentLines returns Present as the lines of a zone file.
func (f *Fix) PresentLines() []string { return zoneLines(f.Name(), f.Present.Properties) }

func zoneLines(owner string, set []caa.Property) []string {
	lines := make([]string, len(set))
	for i, p := range set {
		lines[i] = harmless(domain.Owner(owner).ZoneText() + " IN CAA " + p.ZoneText())
	}
	return lines
}

// harmless returns a line of a zone file in a spelling that is safe in the cell of a
// spreadsheet as it stands, so that what is copied from a cell loads. If a cell, or what
// a spreadsheet set to another separator takes for one, would begin with a character that
// begins a formula, that is written as \DDD (RFC 1035, section 5.1), and so is a backslash
// that would read as the start of \xNN or \u{NNNN}, the escapes of a report.
func harmless(line string) string {
	var b strings.Builder
	begins := true // a cell may begin here
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case strings.HasPrefix(line[i:], `\\x`) || strings.HasPrefix(line[i:], `\\u`):
			i++
			fmt.Fprintf(&b, `\%03d`, c)
			begins = false
			continue
		case c == '\\' && i+1 < len(line):
			b.WriteByte(c)
			i++
			c, begins = line[i], false // behind a backslash nothing runs
		case begins && strings.IndexByte("=+-@", c) >= 0:
			fmt.Fprintf(&b, `\%03d`, c)
			begins = false
			continue
		}
		b.WriteByte(c)
		begins = c == ';' || c == '|' || begins && strings.IndexByte(` "'`, c) >= 0
	}
	return b.String()
}

// newFix is what the Fixes of one climbKey have in common, for every CA.
func newFix(e climbKey, last *snapshot.Observation) Fix {
	f := Fix{Present: last.Records, Contacts: last.Records.Contacts()}
	f.Notes, f.About = notes(last.Records)
	if e.elsewhere {
		f.Ask = string(domain.Owner(last.Records.Owner).Registrable())
	}
	if last.Transport == snapshot.Overlay {
		f.Notes, f.About = append(f.Notes, NoteOverlay.Meaning()), append(f.About, NoteOverlay)
		return f
	}
	f.TTL = last.SetTTL()
	return f
}

// manyNotes is how many records of a set get a note of their own.
const manyNotes = 8

// notes names the records of a set that change, but for the one that is added, and
// those that stay although they permit nobody.
func notes(set caa.RRset) (notes []string, about []FixNote) {
	for _, p := range set.Properties {
		text, kind := noteOn(p)
		if text == "" {
			continue
		}
		notes = append(notes, text)
		if !slices.Contains(about, kind) {
			about = append(about, kind)
		}
	}
	if more := len(notes) - manyNotes; more > 0 {
		notes = append(notes[:manyNotes], fmt.Sprintf("%d more records are like these; check each.", more))
	}
	return notes, about
}

func noteOn(p caa.Property) (text string, kind FixNote) {
	record := short(p.String())
	if p.UnknownCritical() {
		return "Check with whoever set it: " + record + " is marked critical and has a tag that CAs do not know, so none may issue. " +
			"It stays, without the mark.", NoteUnmarked
	}
	if !p.Is(caa.TagIssuemail) {
		return "", ""
	}
	switch value, err := caa.ParseValue(p.Value()); {
	case err != nil:
		return record + " stays, although it is misspelt (" + problemWords(p) + ") and permits nobody.", NoteMisspelt
	case value.Issuer == "":
		return record + " stays: alone it forbids every CA, and beside a record that names one it does nothing. Ask whether that is meant.", NoteForbids
	}
	return "", ""
}

// elsewhere reports whether the set that ends a climb stands outside the registrable
// domain of the name it began with.
//
// The answer that ends a climb does not tell that alone. A set at amazonaws.com is
// its own for mail.amazonaws.com, and Amazon's for a.eu-west-1.compute.amazonaws.com,
// whose registrable domain that is, because eu-west-1.compute.amazonaws.com is a
// public suffix.
func elsewhere(from domain.Name, set caa.RRset) bool {
	if len(set.Properties) == 0 || set.Owner == from.String() {
		return false
	}
	return !domain.Owner(set.Owner).IsWithin(from.Registrable())
}

// after says what becomes of a fix once it is published: when that is seen, and who
// is to do it; "" if there is nothing to say. over is how the present set came. A
// resolver's TTL is what is left of it, each time less, so it is for the fix list and the
// snapshot: the same answers give the same words.
func (f *Fix) after(over snapshot.Transport) string {
	var words string
	switch {
	case over == snapshot.Overlay:
	case over != snapshot.Zone:
		words = " A change is seen once the resolver's copy of the present records has expired; elsewhere perhaps later."
	case f.TTL > 0:
		words = fmt.Sprintf(" A change is seen within %s (TTL %d).", duration(f.TTL), f.TTL)
	}
	if f.Ask != "" {
		words += " These records are not in this domain: ask whoever runs " + f.Ask + " to change them."
	}
	return words
}

// Wait says for how long the present set may still be seen after a change; "" if nothing is
// known of that.
func (f *Fix) Wait() string {
	if f.TTL == 0 {
		return ""
	}
	return fmt.Sprintf("%d seconds (%s)", f.TTL, duration(f.TTL))
}

// duration returns seconds in the unit that people would take, rounded up.
func duration(seconds uint32) string {
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	count := func(unit uint32, one, many string) string {
		if n := (seconds-1)/unit + 1; n > 1 {
			return fmt.Sprintf("%d %s", n, many)
		}
		return one
	}
	switch {
	case seconds > day-hour:
		return count(day, "a day", "days")
	case seconds > hour-minute:
		return count(hour, "an hour", "hours")
	}
	return count(minute, "a minute", "minutes")
}

package scan

// FixNote is a kind of thing to know before a fix is published, as a code.
type FixNote string

// The kinds. A report adds some of them to those of a Fix.
const (
	NoteOnPurpose FixNote = "perhaps-on-purpose"
	NoteOthers    FixNote = "stops-others"
	NoteUnmarked  FixNote = "mark-removed"
	NoteMisspelt  FixNote = "misspelt-stays"
	NoteForbids   FixNote = "forbids-all-stays"
	NoteChanging  FixNote = "being-changed"
	NoteOverlay   FixNote = "of-an-overlay"
	NoteWildcard  FixNote = "is-wildcard"
	NoteMade      FixNote = "below-wildcard"
)

// FixNotes returns all kinds, in the order in which they are to be read.
func FixNotes() []FixNote {
	return []FixNote{NoteOnPurpose, NoteOthers, NoteUnmarked, NoteMisspelt, NoteForbids, NoteChanging, NoteOverlay, NoteWildcard, NoteMade}
}

// Meaning says in a sentence or two what is to be known.
func (n FixNote) Meaning() string {
	switch n {
	case NoteOnPurpose:
		return "A record forbids every CA to issue for mail. Ask first whether that is meant."
	case NoteOthers:
		return "The name stops other CAs of this report too. Each line has a whole set, and only the last that is published is there: to let several issue, publish one set with the records of all of them."
	case NoteUnmarked:
		return "A record is marked critical and has a tag that CAs do not know, so none may issue. It stays, without the mark. Check with whoever set it."
	case NoteMisspelt:
		return "An issuemail record stays, although it is misspelt and permits nobody."
	case NoteForbids:
		return "An issuemail record without a CA stays: alone it forbids every CA, and beside a record that names one it does nothing. Ask whether that is meant."
	case NoteChanging:
		return "This name answered with different records within one scan, so they were being changed: all that it had are here. Scan again before this is published."
	case NoteOverlay:
		return "The present records come from an overlay and are not what is published."
	case NoteWildcard:
		return "This is a wildcard, so its records are those of all names that it makes."
	case NoteMade:
		return "If a wildcard (*.example) gives a name its records, the name loses all of them once it has one of its own, " +
			"and so do the names below it and those between it and the wildcard: write their MX and CAA records beside the new ones, or change those of the wildcard."
	}
	panic("scan: unknown note " + string(n))
}

package domain

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Notes is a set of what Convert noticed about a spelling that it accepted.
type Notes uint8

const (
	// Mapped says that UTS 46 deleted or replaced more than case, width and
	// full stops, so that a reader may take the spelling for another name.
	Mapped Notes = 1 << iota
	// BadALabel says that a label beginning with xn-- is no A-label
	// (RFC 5890, section 2.3.2.1). It is kept as it is.
	BadALabel
)

// Has reports whether every note of other is in n.
func (n Notes) Has(other Notes) bool { return n&other == other }

// acePrefix marks an A-label (RFC 5890, section 2.3.2.5).
const acePrefix = "xn--"

// profile is UTS 46, non-transitional. Sizes, hyphens, underscores and STD3 are
// left to check, because mailbox domains such as _spf.example and r3---x.example
// are real; what the profile accepts beyond that (a space, "@", NUL) check
// refuses. It is given one label at a time, so the Bidi rule judges each by
// itself: an ASCII label is kept whatever is beside it.
var profile = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.CheckJoiners(true),
	idna.CheckHyphens(false),
	idna.StrictDomainName(false),
)

// fullStops are the characters that UTS 46, section 2.3 maps to a full stop.
var fullStops = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// sharpS replaces U+1E9E, the capital sharp s, before the mapping: UTS 46 maps it to
// the small one from Unicode 15.1 on, and to "ss", which is another domain, in the older
// tables of package idna.
var sharpS = strings.NewReplacer("\u1e9e", "\u00df")

// Convert is Parse, and tells what it noticed on the way. The notes are those
// of an accepted name; next to an error they are zero.
func Convert(text string) (Name, Notes, error) {
	if len(text) > maxSpelling {
		return Name{}, 0, fmt.Errorf("%w: a spelling of %d octets", ErrTooLong, len(text))
	}
	if !ascii(text) {
		text = fullStops.Replace(text) // a copy, even if nothing is replaced
	}
	text = strings.TrimSuffix(text, ".")
	if name, ok := ParsePlain(text); ok {
		return name, 0, nil
	}
	return convertLabels(text)
}

func convertLabels(text string) (Name, Notes, error) {
	var notes Notes
	var failed error
	labels := strings.Split(text, ".")
	for i, label := range labels {
		converted, noted, err := convertLabel(label)
		if err != nil {
			failed, converted = err, "x" // any good label: the sizes of the others still count
		}
		labels[i], notes = converted, notes|noted
	}
	name := strings.Join(labels, ".")
	err := check(name)
	if failed != nil && !errors.Is(err, ErrTooLong) {
		err = failed
	}
	if err != nil {
		return Name{}, 0, err
	}
	return Name{name}, notes, nil
}

// convertLabel returns one label in A-label form. The length of the result and
// its characters are for check.
func convertLabel(label string) (string, Notes, error) {
	if ascii(label) {
		label = strings.ToLower(label)
		if strings.HasPrefix(label, acePrefix) && !isALabel(label) {
			return label, BadALabel, nil
		}
		return label, 0, nil
	}
	label = sharpS.Replace(label)
	alabel, err := profile.ToASCII(label)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %q: %w", ErrIDN, label, err)
	}
	ulabel, err := profile.ToUnicode(alabel)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %q: %w", ErrIDN, label, err)
	}
	if !sameButCaseAndWidth(label, ulabel) {
		return alabel, Mapped, nil
	}
	return alabel, 0, nil
}

// isALabel reports whether converting label to a U-label and back gives the same
// label, which is what makes it an A-label (RFC 5890, section 2.3.2.1).
func isALabel(label string) bool {
	ulabel, err := profile.ToUnicode(label)
	if err != nil {
		return false
	}
	alabel, err := profile.ToASCII(ulabel)
	return err == nil && alabel == label
}

// sameButCaseAndWidth reports whether the mapping of label to ulabel changed no
// more than case and width. Both sides are lower-cased, because UTS 46 maps
// Cherokee to its capitals. A half-width letter and its half-width voicing mark
// are one full-width letter; any other composition counts as a change.
func sameButCaseAndWidth(label, ulabel string) bool {
	folded := width.Fold.String(label)
	if norm.NFC.IsNormalString(label) {
		folded = norm.NFC.String(folded)
	}
	return strings.Map(unicode.ToLower, folded) == strings.Map(unicode.ToLower, ulabel)
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

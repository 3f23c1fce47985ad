package domain

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
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
// refuses.
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

// Convert is Parse, and tells what it noticed on the way. The notes are those
// of an accepted name; next to an error they are zero.
func Convert(text string) (Name, Notes, error) {
	text = strings.TrimSuffix(fullStops.Replace(text), ".")
	if ascii(text) && !strings.Contains(text, "--") && text == strings.ToLower(text) {
		// Nearly every name: nothing to convert.
		if err := check(text); err != nil {
			return Name{}, 0, err
		}
		return Name{text}, 0, nil
	}
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
		if !strings.HasPrefix(label, acePrefix) {
			return label, 0, nil
		}
		if _, err := profile.ToUnicode(label); err != nil {
			return label, BadALabel, nil
		}
		return label, 0, nil
	}
	alabel, err := profile.ToASCII(label)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %q: %w", ErrIDN, label, err)
	}
	// U+2024 and U+2026 map to full stops, which would make other labels than
	// were typed; UTS 46, section 2.3 knows only the full stops above.
	if strings.Contains(alabel, ".") {
		return "", 0, fmt.Errorf("%w: %q holds a character that looks like a full stop", ErrIDN, label)
	}
	ulabel, err := profile.ToUnicode(alabel)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %q: %w", ErrIDN, label, err)
	}
	if ulabel != strings.Map(unicode.ToLower, width.Fold.String(label)) {
		return alabel, Mapped, nil
	}
	return alabel, 0, nil
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Package domain holds domain names that have been checked once and need no
// second look: a Name is a sequence of A-labels or other host-like ASCII labels
// (RFC 5890, section 2.3), lower-case, without a trailing dot, and only Parse
// and Convert make one.
//
// The conversion of international names is UTS 46, non-transitional, with the
// Bidi rule and the joiner check. The package asks no DNS and holds no opinion
// on whether a name exists.
package domain

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Sizes of RFC 1035, section 2.3.4, in octets. A name of 255 octets on the wire
// is one of 253 in text without its trailing dot.
const (
	maxLabel = 63
	maxName  = 253
)

// maxSpelling is more octets than any spelling of a name needs: of its 253
// characters at most, each may be typed as four (canonical composition, as in
// U+1F82) of four octets. Encoding a label takes quadratic time: one of 256 KiB
// took 15 seconds, one of 4 KiB takes 15 milliseconds.
const maxSpelling = 4096

// Errors that Parse and Convert wrap, a closed set. Test with errors.Is.
var (
	ErrTooLong = errors.New("longer than the DNS allows")          // RFC 1035, section 2.3.4
	ErrIDN     = errors.New("not a valid internationalised label") // UTS 46
	ErrSyntax  = errors.New("not the syntax of a domain name")     // empty label, character outside [a-z0-9_-]
)

// Name is a validated domain name of at least one label. The zero Name is no
// name. Names are comparable; two spellings of one name give equal Names.
type Name struct{ text string }

// Parse returns the Name that text spells in A-labels, U-labels or a mix of
// them. One trailing dot is dropped. The error is an ErrTooLong, ErrIDN or
// ErrSyntax and says what is wrong with which label.
func Parse(text string) (Name, error) {
	name, _, err := Convert(text)
	return name, err
}

// ParsePlain is Parse for what nearly every text is: a name of ASCII labels, with
// nothing to convert but capital letters. It goes over the text once, and keeps it
// if there is none of those. What it refuses may still be a name: ask Parse.
func ParsePlain(text string) (Name, bool) {
	if len(text) > maxName {
		return Name{}, false
	}
	capitals, dot := false, -1 // the last full stop
	for i := range len(text) {
		switch octets[text[i]] {
		case small:
		case capital:
			capitals = true
		case hyphen:
			if i > 0 && text[i-1] == '-' {
				return Name{}, false // perhaps an A-label
			}
		case fullStop:
			if n := i - dot - 1; n == 0 || n > maxLabel {
				return Name{}, false
			}
			dot = i
		case foreign:
			return Name{}, false
		}
	}
	if n := len(text) - dot - 1; n == 0 || n > maxLabel {
		return Name{}, false
	}
	if capitals {
		text = strings.ToLower(text)
	}
	return Name{text}, true
}

// octet is what an octet is in a name.
type octet uint8

const (
	foreign octet = iota // in no name of ASCII labels
	small                // or a digit or an underscore
	capital
	hyphen
	fullStop
)

// octets tells an octet apart without a comparison for each kind.
var octets = func() (table [256]octet) {
	for c := range table {
		switch {
		case c == '.':
			table[c] = fullStop
		case c == '-':
			table[c] = hyphen
		case 'A' <= c && c <= 'Z':
			table[c] = capital
		case !notHostlike(rune(c)):
			table[c] = small
		}
	}
	return table
}()

// String returns the name in A-labels, lower-case, without a trailing dot.
func (n Name) String() string { return n.text }

// Clone returns n with memory of its own, so that it keeps no longer text alive
// from which it was parsed.
func (n Name) Clone() Name { return Name{strings.Clone(n.text)} }

// IsZero reports whether n is no name.
func (n Name) IsZero() bool { return n.text == "" }

// IsTLD reports whether n is a single label, the last step of a climb.
func (n Name) IsTLD() bool { return n.text != "" && !strings.Contains(n.text, ".") }

// Parent returns n without its leftmost label. The parent of a single label
// would be the root, which is never asked (RFC 8659, section 3): it is the zero
// Name.
func (n Name) Parent() Name {
	_, parent, _ := strings.Cut(n.text, ".")
	return Name{parent}
}

// Climb yields the names at which RFC 8659, section 3 looks for the relevant
// RRset: n, its parent, and so on up to and including the top-level domain,
// never the root. Public suffixes do not stop it.
func (n Name) Climb() iter.Seq[Name] {
	return func(yield func(Name) bool) {
		for at := n; !at.IsZero(); at = at.Parent() {
			if !yield(at) {
				return
			}
		}
	}
}

// Registrable returns the name one label below the public suffix, which is the
// part somebody registered, or n itself if n is a public suffix. It is for
// grouping and for saying whose a name is; it never stops a climb.
func (n Name) Registrable() Name {
	text, err := publicsuffix.EffectiveTLDPlusOne(n.text)
	if err != nil {
		return n
	}
	return Name{text}
}

// check holds an ASCII name, already lower-case, to the syntax and the sizes.
func check(text string) error {
	if len(text) > maxName {
		return fmt.Errorf("%w: %d octets, at most %d", ErrTooLong, len(text), maxName)
	}
	for label := range strings.SplitSeq(text, ".") {
		if len(label) > maxLabel {
			return fmt.Errorf("%w: label of %d octets, at most %d", ErrTooLong, len(label), maxLabel)
		}
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" {
			return fmt.Errorf("%w: empty label", ErrSyntax)
		}
		if bad := strings.IndexFunc(label, notHostlike); bad >= 0 {
			return fmt.Errorf("%w: %q has a character outside a-z, 0-9, - and _", ErrSyntax, label)
		}
	}
	return nil
}

func notHostlike(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

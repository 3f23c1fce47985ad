package caa

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Property is one CAA property: the RDATA octets of one record, known to hold
// flags, a tag and a value (RFC 8659, section 4.1). Only ParseRDATA and
// NewProperty make one; the zero Property is none, and its methods panic.
// Properties are comparable; equal octets are equal.
type Property struct{ rdata string }

// ErrRDATA says that octets are not the RDATA of a CAA record: fewer than two,
// a tag of length zero, a tag that runs beyond the end (RFC 8659, section 4.1),
// or more than a record can hold (RFC 1035, section 3.2.1). A reply with such a
// record is no answer at all.
var ErrRDATA = errors.New("not the RDATA of a CAA record")

// criticalFlag is the issuer critical flag, bit 0 of the flags in the numbering
// of RFC 8659, section 4.1, which has the value 128.
const criticalFlag = 0x80

// maxRDATA is the most that RDLENGTH can say (RFC 1035, section 3.2.1).
const maxRDATA = 65535

// ParseRDATA returns the property whose RDATA, uncompressed, is octets. The
// error wraps ErrRDATA.
func ParseRDATA(octets []byte) (Property, error) {
	if len(octets) < 2 || len(octets) > maxRDATA {
		return Property{}, fmt.Errorf("%w: %d octets", ErrRDATA, len(octets))
	}
	tag := int(octets[1])
	if tag == 0 {
		return Property{}, fmt.Errorf("%w: empty tag", ErrRDATA)
	}
	if 2+tag > len(octets) {
		return Property{}, fmt.Errorf("%w: tag of %d octets in %d", ErrRDATA, tag, len(octets))
	}
	return Property{string(octets)}, nil
}

// NewProperty returns the property with these flags, this tag and this value,
// the last two as octets. The tag must be of 1 to 255 octets and the RDATA at
// most 65,535; otherwise the error wraps ErrRDATA.
func NewProperty(flags uint8, tag, value string) (Property, error) {
	if len(tag) == 0 || len(tag) > 255 || 2+len(tag)+len(value) > maxRDATA {
		return Property{}, fmt.Errorf("%w: tag of %d and value of %d octets", ErrRDATA, len(tag), len(value))
	}
	return Property{string([]byte{flags, byte(len(tag))}) + tag + value}, nil
}

// RDATA returns the octets of the record's RDATA.
func (p Property) RDATA() string { return p.rdata }

// Flags returns the flags octet.
func (p Property) Flags() uint8 { return p.rdata[0] }

// Critical reports whether the issuer critical flag is set. All other bits are
// reserved and ignored (RFC 8659, section 4.1).
func (p Property) Critical() bool { return p.Flags()&criticalFlag != 0 }

// Tag returns the property tag in the octets sent. Tags compare without regard
// to ASCII case; see Is.
func (p Property) Tag() string { return p.rdata[2 : 2+int(p.rdata[1])] }

// Value returns the value in the octets sent, with no escape undone or added.
func (p Property) Value() string { return p.rdata[2+int(p.rdata[1]):] }

// Is reports whether the property has this tag, without regard to ASCII case
// (RFC 8659, section 4.1). tag is given in lower case.
func (p Property) Is(tag string) bool { return lowerASCII(p.Tag()) == tag }

// String returns flags, tag and value as in a zone file (RFC 8659, section
// 4.1.1): 0 issuemail "ca.example". Octets that are not printable ASCII are
// written as \DDD, so the text is safe wherever ASCII is.
func (p Property) String() string {
	return strconv.Itoa(int(p.Flags())) + " " + escape(p.Tag(), ` "\();`) + ` "` + Escape(p.Value()) + `"`
}

// Beyond these sizes zone file readers differ: NSD takes tags of up to 15 octets,
// the recommendation of RFC 6844, section 5.1, and the parser of miekg/dns takes
// values of up to 255, although RFC 8659, section 4.1.1 sets no such limit.
const (
	maxPlainTag   = 15
	maxPlainValue = 255
)

// ZoneText returns the RDATA as zone file text that servers read back as the
// same octets: as String gives it, or in the form of RFC 3597, section 5 if
// the tag or the size is such that some server refuses the first.
func (p Property) ZoneText() string {
	if isPlainTag(p.Tag()) && len(p.Value()) <= maxPlainValue {
		return p.String()
	}
	return fmt.Sprintf(`\# %d %x`, len(p.rdata), p.rdata)
}

// isPlainTag reports whether every server reads the tag from a zone file: lower
// case only, although RFC 8659, section 4.1 allows capitals, because NSD refuses
// those.
func isPlainTag(tag string) bool {
	return len(tag) <= maxPlainTag && isTag(tag) && tag == lowerASCII(tag)
}

// Escape returns octets as the inside of a quoted character string of a zone
// file (RFC 1035, section 5.1): printable ASCII as it is, the quotation mark and
// the backslash with a backslash before them, all else as \DDD. It is the only escaping
// text from the DNS ever needs.
func Escape(octets string) string { return escape(octets, `"\`) }

func escape(octets, special string) string {
	var b strings.Builder
	for i := range len(octets) {
		switch c := octets[i]; {
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03d`, c)
		case strings.IndexByte(special, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// ErrEscape is wrapped if a text could not come from Escape.
var ErrEscape = errors.New("not text with the escapes of a zone file")

// Unescape returns the octets that Escape made text of. The error wraps ErrEscape.
func Unescape(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			octet, length := escaped(text[i+1:])
			if length == 0 {
				return "", fmt.Errorf("%w: %q", ErrEscape, text)
			}
			c, i = octet, i+length
		} else if c < ' ' || c > '~' || c == '"' {
			return "", fmt.Errorf("%w: %q", ErrEscape, text)
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// escaped reads what follows a backslash, and returns how long that is; 0 if
// it is no escape.
func escaped(text string) (octet byte, length int) {
	if text != "" && (text[0] == '"' || text[0] == '\\') {
		return text[0], 1
	}
	const digits = 3
	if len(text) < digits {
		return 0, 0
	}
	number, err := strconv.ParseUint(text[:digits], 10, 8)
	if err != nil {
		return 0, 0
	}
	return byte(number), digits
}

// lowerASCII folds A to Z only: octets beyond ASCII are not text.
func lowerASCII(octets string) string {
	for i := range len(octets) {
		if c := octets[i]; 'A' <= c && c <= 'Z' {
			folded := []byte(octets)
			for j := i; j < len(folded); j++ {
				if c := folded[j]; 'A' <= c && c <= 'Z' {
					folded[j] = c + 'a' - 'A'
				}
			}
			return string(folded)
		}
	}
	return octets
}

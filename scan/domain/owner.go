package domain

import (
	"fmt"
	"strconv"
	"strings"
)

// Owner is the owner of records in presentation form (RFC 1035, section 5.1): in lower
// case, without the final dot, which only the root has, and with an escape for each octet
// that would read as something else. Unlike a Name it may hold any octet: aliases lead to
// what nobody could register.
type Owner string

// IsWildcard reports whether the owner is a wildcard (RFC 4592, section 2.1.1), the one
// below the root too.
func (o Owner) IsWildcard() bool { return o == "*" || strings.HasPrefix(string(o), "*.") }

// IsWithin reports whether the owner is a name, which has no escapes, or below it: a dot
// after an odd number of backslashes does not separate labels.
func (o Owner) IsWithin(name Name) bool {
	rest, ok := strings.CutSuffix(string(o), name.String())
	if !ok || rest == "" {
		return ok
	}
	labels, ok := strings.CutSuffix(rest, ".")
	escapes := len(labels) - len(strings.TrimRight(labels, `\`))
	return ok && escapes%2 == 0
}

// Registrable returns the registrable domain of the owner; of the root, the root. Labels
// that only the DNS knows, with a space or an escape, nobody can register, so those in
// front do not count.
func (o Owner) Registrable() Owner {
	for rest := o; rest != ""; rest = rest.parent() {
		if name, ok := ParsePlain(string(rest)); ok {
			return Owner(name.Registrable().String())
		}
		if name, err := Parse(string(rest)); err == nil && name.String() == string(rest) {
			return Owner(name.Registrable().String())
		}
	}
	return o
}

// parent cuts the first label off, at its first dot that is not escaped.
func (o Owner) parent() Owner {
	for i := 0; i < len(o); i++ {
		switch o[i] {
		case '\\':
			i++ // of \DDD the digits are no dots
		case '.':
			return o[i+1:]
		}
	}
	return ""
}

// ZoneText returns the owner as the start of a line of a zone file: with the final dot,
// and no bare $, which readers take for a directive (RFC 1035, section 5.1), some of them
// within a name too.
func (o Owner) ZoneText() string {
	if o == "." {
		return string(o)
	}
	return strings.ReplaceAll(string(o), "$", `\$`) + "."
}

// DecimalText returns the owner with the final dot, and with \DDD, in decimal digits, for
// each octet that is no letter, digit, hyphen, underscore or star: programs that split a line
// at spaces before they read a name understand that too.
func (o Owner) DecimalText() string { return o.text("\\%03d") }

// OctalText is DecimalText with three octal digits, as Amazon Route 53 writes names.
func (o Owner) OctalText() string { return o.text("\\%03o") }

func (o Owner) text(escape string) string {
	if o == "." {
		return string(o)
	}
	var b strings.Builder
	for i := 0; i < len(o); i++ {
		c := o[i]
		if c == '.' {
			b.WriteByte('.') // between labels
			continue
		}
		if c == '\\' && i+1 < len(o) {
			c, i = o.escaped(i + 1)
		}
		if c == '*' || !notHostlike(rune(c)) {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, escape, c)
	}
	return b.String() + "."
}

// escaped returns the octet that stands after a backslash, and its last place.
func (o Owner) escaped(at int) (octet byte, last int) {
	const digits = 3
	if at+digits <= len(o) {
		if n, err := strconv.ParseUint(string(o[at:at+digits]), 10, 8); err == nil {
			return byte(n), at + digits - 1
		}
	}
	return o[at], at
}

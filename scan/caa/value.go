package caa

import (
	"errors"
	"fmt"
	"strings"
)

// Value is a well-formed value of an issue, issuewild or issuemail property
// (RFC 8659, section 4.2; RFC 9495, section 3).
type Value struct {
	// Issuer is the issuer domain name in the case sent, or "" if the value
	// names nobody.
	Issuer string
	// Parameters are in the order sent.
	Parameters []Parameter
}

// Parameter is one tag=value pair after the issuer domain name.
type Parameter struct{ Tag, Value string }

// ErrValue says that octets do not follow the grammar of RFC 8659, section 4.2.
// Such a value authorises nobody and still restricts.
var ErrValue = errors.New("not the grammar of RFC 8659, section 4.2")

// ParseValue holds octets to the grammar
//
//	issuemail-value    = *WSP [issuer-domain-name *WSP] [";" *WSP [parameters *WSP]]
//	issuer-domain-name = label *("." label)
//	label              = (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))
//	parameters         = (parameter *WSP ";" *WSP parameters) / parameter
//	parameter          = tag *WSP "=" *WSP value
//	tag                = (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))
//	value              = *(%x21-3A / %x3C-7E)
//
// in one pass. The error wraps ErrValue and says what is wrong in words that
// quote no more than one octet.
func ParseValue(octets string) (Value, error) {
	var v Value
	rest := skipWSP(octets)
	v.Issuer, rest = cutIssuer(rest)
	rest = skipWSP(rest)
	if rest == "" {
		return v, nil
	}
	if rest[0] != ';' && v.Issuer == "" {
		return Value{}, unexpected(rest, "an issuer domain name or a semicolon")
	}
	if rest[0] != ';' {
		return Value{}, unexpected(rest, "a semicolon after the issuer domain name")
	}
	rest = skipWSP(rest[1:])
	for rest != "" {
		p, after, err := cutParameter(rest)
		if err != nil {
			return Value{}, err
		}
		v.Parameters = append(v.Parameters, p)
		rest = skipWSP(after)
		if rest == "" {
			return v, nil
		}
		if rest[0] != ';' {
			return Value{}, unexpected(rest, "a semicolon between parameters")
		}
		if rest = skipWSP(rest[1:]); rest == "" {
			return Value{}, fmt.Errorf("%w: a semicolon after the last parameter", ErrValue)
		}
	}
	return v, nil
}

// cutIssuer returns the longest issuer-domain-name at the start of s, or "", and
// what follows. After "ca.example" in "ca.example." the rest is ".", which no
// rule of the grammar takes.
func cutIssuer(s string) (issuer, rest string) {
	end := labelEnd(s)
	for end > 0 && end < len(s) && s[end] == '.' {
		next := labelEnd(s[end+1:])
		if next == 0 {
			break
		}
		end += 1 + next
	}
	return s[:end], s[end:]
}

func cutParameter(s string) (p Parameter, rest string, err error) {
	end := labelEnd(s)
	if end == 0 {
		return p, "", unexpected(s, "the tag of a parameter")
	}
	p.Tag, rest = s[:end], skipWSP(s[end:])
	if rest == "" || rest[0] != '=' {
		return p, "", unexpected(rest, `"=" after the tag of a parameter`)
	}
	rest = skipWSP(rest[1:])
	end = 0
	for end < len(rest) && rest[end] > ' ' && rest[end] <= '~' && rest[end] != ';' {
		end++
	}
	p.Value = rest[:end]
	return p, rest[end:], nil
}

// labelEnd returns the length of the longest label at the start of s; a label
// ends in a letter or digit.
func labelEnd(s string) int {
	end := 0
	for i := range len(s) {
		switch {
		case alphanumeric(s[i]):
			end = i + 1
		case s[i] != '-' || i == 0:
			return end
		}
	}
	return end
}

func skipWSP(s string) string { return strings.TrimLeft(s, " \t") }

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func unexpected(rest, want string) error {
	if rest == "" {
		return fmt.Errorf("%w: it ends where %s should be", ErrValue, want)
	}
	return fmt.Errorf("%w: \"%s\" where %s should be", ErrValue, Escape(rest[:1]), want)
}

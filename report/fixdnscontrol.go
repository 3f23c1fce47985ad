package report

import (
	"encoding/json"
	"strings"

	"caascan/scan/caa"
	"caascan/scan/domain"
)

func dnscontrolText() fixText {
	return fixText{
		mark: "//", marks: "slashes",
		head: []string{
			"Each set is whole: take all CAA records of its name out of the configuration before, or they are there twice.",
			"To use it: require(\"./THIS-FILE\") after the D() of the domains. DNSControl has to know the property tags, such as issuemail.",
		},
		set: dnscontrolLines,
	}
}

// dnscontrolLines are a call for a name. D_EXTEND finds the domain that the name is in,
// and the names within the call are relative to its own.
func dnscontrolLines(fix FixTotal) (lines []string, reason string) {
	name := fix.Name()
	at := "@"
	if domain.Owner(name).IsWildcard() {
		at, name, _ = strings.Cut(name, ".")
	}
	if _, plain := domain.ParsePlain(name); !plain && !isALabelName(name) {
		return nil, "DNSControl takes no such name."
	}
	lines = append(lines, "D_EXTEND("+scriptText(name)+",")
	for i, p := range fix.Set {
		if !isPlainRecord(p) || p.Flags() != 0 && p.Flags() != criticalOnly {
			return nil, "DNSControl cannot write " + Shorten(p.String(), longRecord) + "."
		}
		line := "  CAA(" + scriptText(at) + ", " + scriptText(p.Tag()) + ", " + scriptText(p.Value())
		if p.Critical() {
			line += ", CAA_CRITICAL"
		}
		line += ")"
		if i < len(fix.Set)-1 {
			line += ","
		}
		lines = append(lines, line)
	}
	return append(lines, ");"), ""
}

// criticalOnly is the flags octet with the issuer critical flag alone (RFC 8659, section 4.1).
const criticalOnly = 0x80

// longRecord is how many characters of a record stand in a sentence.
const longRecord = 100

// scriptText is a text as JavaScript has it: JSON is a part of that, and json.Marshal
// escapes all that could end a line or an element of a page.
func scriptText(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // no string has one
	}
	return string(quoted)
}

// isPlainRecord holds if no octet of a record is but printable ASCII, and the tag is as RFC
// 8659, section 4.1 has it: any tool can hold that.
func isPlainRecord(p caa.Property) bool {
	return !strings.ContainsFunc(p.Tag(), notAlphanumeric) && !strings.ContainsFunc(p.Value(), func(r rune) bool { return r < ' ' || r > '~' })
}

func notAlphanumeric(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
}

// isALabelName reports whether a name of the DNS is one that somebody can register and
// that is not written as plain as others.
func isALabelName(name string) bool {
	n, err := domain.Parse(name)
	return err == nil && n.String() == name
}

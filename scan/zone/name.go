package zone

import (
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// Sizes of RFC 1035, section 2.3.4, in octets of the wire form.
const (
	maxLabel  = 63
	maxName   = 255
	maxLabels = 127
)

// name is a domain name in wire form (RFC 1035, section 3.1), uncompressed, with
// ASCII letters in lower case: equal names are equal strings. The zero name is
// none. Length octets are below 64 and so are never mistaken for letters.
type name string

const (
	root     name = "\x00"
	wildcard name = "\x01*" // the label; a name only with an ancestor after it
)

// lower returns the name with these wire octets.
func lower(wire string) name {
	if strings.IndexFunc(wire, func(r rune) bool { return 'A' <= r && r <= 'Z' }) < 0 {
		return name(wire)
	}
	octets := []byte(wire)
	for i, c := range octets {
		if 'A' <= c && c <= 'Z' {
			octets[i] = c + 'a' - 'A'
		}
	}
	return name(octets)
}

// parent returns n without its leftmost label. n must not be the root.
func (n name) parent() name { return n[1+int(n[0]):] }

// String returns n as master file text without the trailing dot; the root is ".".
func (n name) String() string {
	text := n.absolute()
	if text == "." {
		return text
	}
	return strings.TrimSuffix(text, ".")
}

// absolute returns n as master file text with the trailing dot.
func (n name) absolute() string {
	text, _, err := dns.UnpackDomainName([]byte(n), 0)
	if err != nil {
		panic("zone: not a name: " + err.Error()) // only packName and wireName make names
	}
	return text
}

// within reports whether n is apex or below it.
func (n name) within(apex name) bool {
	for len(n) > len(apex) {
		n = n.parent()
	}
	return n == apex
}

// packName returns the wire octets, letters as written, of a name in a master
// file: absolute, relative to origin, or "@" for origin itself (RFC 1035,
// section 5.1). origin is absolute text, or empty if none is set.
func packName(text, origin string) (string, error) {
	absolute := text
	if text == "@" {
		absolute = origin
	}
	if !dns.IsFqdn(absolute) {
		absolute += "." + strings.TrimPrefix(origin, ".")
	}
	if origin == "" && !dns.IsFqdn(text) {
		return "", fmt.Errorf("name %s is relative and there is no $ORIGIN; write it with a final dot, write $ORIGIN before it, or give the origin with the file (--zone corp.example=FILE)", quote(text))
	}
	octets := make([]byte, maxName)
	size, err := dns.PackDomainName(absolute, octets, 0, nil, false)
	if errors.Is(err, dns.ErrBuf) {
		return "", fmt.Errorf("name %s is longer than %d octets", quote(text), maxName)
	}
	if err != nil {
		return "", fmt.Errorf("%s is not a domain name", quote(text))
	}
	return string(octets[:size]), nil
}

// wireName returns the size of the uncompressed name that octets begin with, or
// 0 if they begin with none.
func wireName(octets string) int {
	for at := 0; at < len(octets) && at < maxName && octets[at] <= maxLabel; at += 1 + int(octets[at]) {
		if octets[at] == 0 {
			return at + 1
		}
	}
	return 0
}

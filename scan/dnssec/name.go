package dnssec

import (
	"bytes"
	"slices"

	"github.com/miekg/dns"
)

// Names in this package are absolute, in lower case, and spelt as miekg/dns does: octets
// that are no letters, digits or hyphens as \DDD.

// Canonical returns a name as this package spells it.
func Canonical(name string) string { return dns.CanonicalName(name) }

// parent returns the name without its first label. The root is its own parent.
func parent(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// within reports whether name is zone or below it.
func within(zone, name string) bool { return dns.IsSubDomain(zone, name) }

// below reports whether name is below another one, and not that itself.
func below(zone, name string) bool { return name != zone && within(zone, name) }

// labels counts those of a name as a signature does: neither the root nor the asterisk of a
// wildcard (RFC 4034, section 3.1.3).
func labels(name string) int {
	n := dns.CountLabel(name)
	if isWildcard(name) {
		n--
	}
	return n
}

func isWildcard(name string) bool { return len(name) >= 2 && name[0] == '*' && name[1] == '.' }

// lastLabels returns the name's last n labels.
func lastLabels(name string, n int) string {
	for dns.CountLabel(name) > n {
		name = parent(name)
	}
	return name
}

// wildcardOf returns the wildcard at a name; "" if it is too long to be one.
func wildcardOf(name string) string {
	wild := "*." + name
	if name == "." {
		wild = "*."
	}
	if wireLabels(wild) == nil {
		return ""
	}
	return wild
}

// sharedName returns the longest name that encloses two others.
func sharedName(a, b string) string { return lastLabels(a, dns.CompareDomainName(a, b)) }

// Before reports whether a name comes before another one in the canonical order (RFC 4034,
// section 6.1): label by label from the right, by their octets.
func Before(a, b string) bool {
	return slices.CompareFunc(wireLabels(a), wireLabels(b), bytes.Compare) < 0
}

// maxWireName is the octets of the longest name (RFC 1035, section 2.3.4).
const maxWireName = 255

// wireLabels returns the labels of a name in the octets of the wire, the last one first; nil
// for the root, and for what is no name.
func wireLabels(name string) [][]byte {
	var wire [maxWireName]byte
	if _, err := dns.PackDomainName(name, wire[:], 0, nil, false); err != nil {
		return nil
	}
	list := make([][]byte, 0, 8)
	for at := 0; wire[at] != 0; at += 1 + int(wire[at]) {
		list = append(list, wire[at+1:at+1+int(wire[at])])
	}
	slices.Reverse(list)
	return list
}

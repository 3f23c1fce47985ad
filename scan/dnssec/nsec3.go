package dnssec

import (
	"crypto/sha1"
	"encoding/base32"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	optOutFlag = 1 // RFC 5155, section 3.1.2.1
	// maxIterations is how many may be in a zone that counts as signed; with more it is
	// insecure (RFC 9276, section 3.2), and its names are not hashed.
	maxIterations = 150
	// weakIterations is from how many on the strictest resolvers say so.
	weakIterations = 50
	// maxHashes is how many names are hashed for one reply (CVE-2023-50868): that of the
	// longest name a label can be in, with those that enclose it.
	maxHashes = 160
)

// takeNSEC3 takes in a record that the zone has signed, unless it is to be ignored (RFC 5155,
// sections 8.1 and 8.2): all of a zone have the same parameters.
func (d *denial) takeNSEC3(rr *dns.NSEC3, owner string) {
	own := *rr
	label, _, _ := strings.Cut(owner, ".")
	own.Hdr.Name, own.NextDomain = strings.ToUpper(label), strings.ToUpper(rr.NextDomain)
	switch {
	case owner == "." || parent(owner) != d.zone.Name || rr.Hash != dns.SHA1 || rr.Flags > optOutFlag:
		return
	case !isHash(own.Hdr.Name) || !isHash(own.NextDomain):
		return
	case len(d.nsec3) > 0 && (own.Iterations != d.nsec3[0].Iterations || own.Salt != d.nsec3[0].Salt):
		return
	}
	d.iterations = max(d.iterations, rr.Iterations)
	d.nsec3 = append(d.nsec3, &own)
}

// isHash reports whether a label is a hash in base32hex, in which hashes sort as their octets
// do.
func isHash(label string) bool {
	octets, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(label)
	return err == nil && len(octets) == sha1.Size
}

// hash returns that of a name, "" if it would be too much work.
func (d *denial) hash(name string) string {
	h, known := d.hashed[name]
	if !known {
		if len(d.hashed) == maxHashes {
			d.flaw.Reason = TooMuchWork
			return ""
		}
		h = dns.HashName(name, dns.SHA1, d.nsec3[0].Iterations, d.nsec3[0].Salt)
		d.hashed[name] = h
	}
	return h
}

// findNSEC3 is find by NSEC3 records (RFC 5155, sections 8.4 to 8.7).
func (d *denial) findNSEC3(name string, kind uint16) finding {
	if len(d.nsec3) == 0 {
		return unproven
	}
	if d.iterations > maxIterations {
		return uncounted
	}
	if nsec3 := d.match(name); nsec3 != nil {
		return lacks(nsec3.TypeBitMap, name, kind)
	}
	encloser, nextCloser := d.closestEncloser(name)
	if nextCloser == "" {
		return unproven
	}
	gap := d.cover(nextCloser)
	if gap == nil {
		return unproven
	}
	optOut := gap.Flags&optOutFlag != 0
	if kind == dns.TypeDS && optOut {
		return optedOut // section 8.6
	}
	f := unproven
	wild := wildcardOf(encloser)
	if nsec3 := d.match(wild); wild != "" && nsec3 != nil {
		if lacks(nsec3.TypeBitMap, wild, kind) == noData {
			f = noData // section 8.7
		}
	} else if wild == "" || d.cover(wild) != nil {
		f = noName // section 8.4
	}
	if optOut && (f != unproven || !d.nameError) { // nothing is proven of what is left out (section 9.2), empty non-terminals of it neither
		return optedOut
	}
	return f
}

// findNextCloser reads what covers the name that is one label longer than the closest
// encloser of a name.
func (d *denial) findNextCloser(nextCloser string) finding {
	if len(d.nsec3) == 0 {
		return unproven
	}
	if d.iterations > maxIterations {
		return uncounted
	}
	gap := d.cover(nextCloser)
	switch {
	case gap == nil:
		return unproven
	case gap.Flags&optOutFlag != 0:
		return optedOut
	}
	return noName
}

// match returns the record that the hash of a name owns, or nil.
func (d *denial) match(name string) *dns.NSEC3 {
	if name == "" {
		return nil
	}
	h := d.hash(name)
	for _, nsec3 := range d.nsec3 {
		if nsec3.Hdr.Name == h {
			return nsec3
		}
	}
	return nil
}

// cover returns the record whose span the hash of a name lies in, or nil. The last span goes
// round.
func (d *denial) cover(name string) *dns.NSEC3 {
	h := d.hash(name)
	if h == "" {
		return nil
	}
	i := slices.IndexFunc(d.nsec3, func(nsec3 *dns.NSEC3) bool {
		owner, next := nsec3.Hdr.Name, nsec3.NextDomain
		if owner < next {
			return owner < h && h < next
		}
		return h > owner || h < next
	})
	if i < 0 {
		return nil
	}
	return d.nsec3[i]
}

// closestEncloser returns the longest name above one that has a record, and the name that is
// one label longer (RFC 5155, section 8.3); "" and "" if there is none, or if it is none
// that the zone has names below.
func (d *denial) closestEncloser(name string) (encloser, nextCloser string) {
	for at := name; at != d.zone.Name; at = parent(at) {
		above := parent(at)
		if nsec3 := d.match(above); nsec3 != nil {
			if !mayHaveBelow(nsec3.TypeBitMap) {
				return "", ""
			}
			return above, at
		}
	}
	return "", ""
}

package dnssec

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/miekg/dns"
)

// rootAnchors are the DS records of the root's keys KSK-2017 and KSK-2024, as IANA publishes
// them in https://data.iana.org/root-anchors/root-anchors.xml (RFC 9718).
const rootAnchors = `. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
`

// Anchors are trust anchors of the root, which ReadAnchors has read: DS or DNSKEY records.
type Anchors []dns.RR

// String returns them as a master file has them, a line each.
func (a Anchors) String() string {
	var b strings.Builder
	for _, rr := range a {
		b.WriteString(rr.String() + "\n")
	}
	return b.String()
}

// RootAnchors returns the trust anchors of the DNS.
func RootAnchors() Anchors {
	anchors, err := ReadAnchors(strings.NewReader(rootAnchors), "")
	if err != nil {
		panic("dnssec: " + err.Error())
	}
	return anchors
}

// maxAnchorFile is how many octets are read.
const maxAnchorFile = 1 << 20

// ReadAnchors reads trust anchors of the root: DS or DNSKEY records as a master file has
// them. file is its name, for errors. Without one that can be used there is an error too.
func ReadAnchors(r io.Reader, file string) (Anchors, error) {
	parser := dns.NewZoneParser(io.LimitReader(r, maxAnchorFile), ".", file)
	parser.SetDefaultTTL(0)
	var anchors Anchors
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		if err := checkAnchor(rr); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		anchors = append(anchors, rr)
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("%w: write a DS or DNSKEY record of the root in each line", err)
	}
	if len(usableAnchors(anchors)) == 0 {
		return nil, fmt.Errorf("%s: no trust anchor with an algorithm and a digest that are known", file)
	}
	return anchors, nil
}

// checkAnchor finds what makes a record none that the root can be trusted by.
func checkAnchor(rr dns.RR) error {
	h := rr.Header()
	switch {
	case h.Name != ".":
		return fmt.Errorf("trust anchor for %s: only those of the root are used", h.Name)
	case h.Class != dns.ClassINET:
		return fmt.Errorf("trust anchor of class %s: only those of class IN are used", dns.Class(h.Class))
	}
	switch anchor := rr.(type) {
	case *dns.DS:
		return checkDigest(anchor)
	case *dns.DNSKEY:
		switch {
		case anchor.Flags&dns.ZONE == 0:
			return fmt.Errorf("key %d with flags %d is no zone key (RFC 4034, section 2.1.1)", anchor.KeyTag(), anchor.Flags)
		case anchor.Flags&dns.REVOKE != 0:
			return fmt.Errorf("key %d is revoked (RFC 5011, section 2.1)", anchor.KeyTag())
		case anchor.Protocol != dnssecProtocol:
			return fmt.Errorf("key %d with protocol %d: it has to be %d (RFC 4034, section 2.1.2)", anchor.KeyTag(), anchor.Protocol, dnssecProtocol)
		}
		return nil
	}
	return fmt.Errorf("%s record of %s: a trust anchor is a DS or DNSKEY record", dns.Type(h.Rrtype), h.Name)
}

// checkDigest finds a digest that cannot be one of its type.
func checkDigest(ds *dns.DS) error {
	digest, err := hex.DecodeString(ds.Digest)
	if err != nil {
		return fmt.Errorf("DS record of key %d: its digest is no hexadecimal number", ds.KeyTag)
	}
	size := map[uint8]int{dns.SHA1: sha1.Size, dns.SHA256: sha256.Size, dns.SHA384: sha512.Size384}[ds.DigestType]
	if size != 0 && len(digest) != size {
		return fmt.Errorf("DS record of key %d: a digest of %d octets, and digest type %d has %d", ds.KeyTag, len(digest), ds.DigestType, size)
	}
	return nil
}

package dnssec

import (
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
		switch rr.(type) {
		case *dns.DS, *dns.DNSKEY:
		default:
			return nil, fmt.Errorf("%s: %s record of %s: a trust anchor is a DS or DNSKEY record", file, dns.TypeToString[rr.Header().Rrtype], rr.Header().Name)
		}
		if rr.Header().Name != "." {
			return nil, fmt.Errorf("%s: trust anchor for %s: only those of the root are used", file, rr.Header().Name)
		}
		anchors = append(anchors, rr)
	}
	if err := parser.Err(); err != nil {
		return nil, err
	}
	if len(usableAnchors(anchors)) == 0 {
		return nil, fmt.Errorf("%s: no trust anchor with an algorithm and a digest that are known", file)
	}
	return anchors, nil
}

package dnssectest

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
)

// types returns the types at each name that the zone speaks for.
func (z *zone) types() map[string][]uint16 {
	types := make(map[string][]uint16)
	for _, set := range z.rrsets() {
		name, kind := dns.CanonicalName(set[0].Header().Name), set[0].Header().Rrtype
		if cut := z.cutAbove(name); cut == "" || cut == name && (kind == dns.TypeNS || kind == dns.TypeDS) {
			types[name] = append(types[name], kind)
		}
	}
	return types
}

func (z *zone) addNSEC() {
	types := z.types()
	var names []string
	for name := range types {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if dnssec.Before(a, b) {
			return -1
		}
		return 1
	})
	for i, name := range names {
		bitmap := append(types[name], dns.TypeRRSIG, dns.TypeNSEC)
		slices.Sort(bitmap)
		z.add(&dns.NSEC{
			Hdr:        dns.RR_Header{Name: name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 300},
			NextDomain: names[(i+1)%len(names)], TypeBitMap: bitmap,
		})
	}
}

func (z *zone) addNSEC3() {
	z.add(&dns.NSEC3PARAM{
		Hdr:  dns.RR_Header{Name: z.Origin, Rrtype: dns.TypeNSEC3PARAM, Class: dns.ClassINET},
		Hash: dns.SHA1, Iterations: z.Iterations, SaltLength: uint8(len(z.Salt) / 2), Salt: z.Salt,
	})
	flags := uint8(0)
	if z.Denial == OptOut || z.Denial == OptOutListed {
		flags = 1
	}
	hashed := make(map[string][]uint16)
	var hashes []string
	for name, bitmap := range z.chained() {
		h := dns.HashName(name, dns.SHA1, z.Iterations, z.Salt)
		hashes, hashed[h] = append(hashes, h), bitmap
	}
	slices.Sort(hashes)
	for i, h := range hashes {
		bitmap := slices.Clone(hashed[h])
		if len(bitmap) > 0 && !insecureDelegation(bitmap) {
			bitmap = append(bitmap, dns.TypeRRSIG)
		}
		slices.Sort(bitmap)
		z.add(&dns.NSEC3{
			Hdr:  dns.RR_Header{Name: strings.ToLower(h) + "." + z.host(), Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: 300},
			Hash: dns.SHA1, Flags: flags, Iterations: z.Iterations, SaltLength: uint8(len(z.Salt) / 2), Salt: z.Salt,
			HashLength: 20, NextDomain: hashes[(i+1)%len(hashes)], TypeBitMap: bitmap,
		})
	}
}

// chained returns the names that have an NSEC3 record, empty non-terminals too, with their
// types (RFC 5155, section 7.1).
func (z *zone) chained() map[string][]uint16 {
	all := make(map[string][]uint16)
	types := z.types()
	for name, bitmap := range types {
		if z.Denial == OptOut && insecureDelegation(bitmap) && name != z.Origin {
			continue
		}
		all[name] = bitmap
		for at := name; at != z.Origin; {
			if at = above(at); at != z.Origin && types[at] == nil {
				all[at] = nil
			}
		}
	}
	return all
}

func insecureDelegation(types []uint16) bool { return len(types) == 1 && types[0] == dns.TypeNS }

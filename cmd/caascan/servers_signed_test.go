//go:build servers

package main

import (
	"bufio"
	"cmp"
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// signing says how a zone is signed and what is wrong with it; the README of the
// conformance set describes each word.
type signing struct {
	zone, file string
	denial     string // "", nsec, nsec3, nsec3-unlisted, optout or optout-listed; "" is not signed
	fault      string
}

// isServed: a lame or dead zone has its place in its parent, and no server.
func (s signing) isServed() bool { return s.fault != "lame" && s.fault != "dead" }

// signedZone is a zone that has been signed.
type signedZone struct {
	origin  string
	records []dns.RR
	key     *dns.DNSKEY
	signer  crypto.Signer
	signing signing
}

const dayLong = 24 * time.Hour

// readZone reads a zone file.
func readZone(t *testing.T, s signing) *signedZone {
	t.Helper()
	file, err := os.Open(s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z := &signedZone{origin: s.zone, signing: s}
	parser := dns.NewZoneParser(bufio.NewReader(file), s.zone, s.file)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		z.records = append(z.records, rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	return z
}

// newKey gives the zone a key of its own, whose DS record it returns; with wrong-ds
// that of another key.
func (z *signedZone) newKey(t *testing.T) *dns.DS {
	t.Helper()
	z.key, z.signer = generate(t, z.origin)
	z.records = append(z.records, z.key)
	key := z.key
	if z.signing.fault == "wrong-ds" {
		key, _ = generate(t, z.origin)
	}
	ds := key.ToDS(dns.SHA256)
	ds.Hdr.Ttl = 300
	return ds
}

func generate(t *testing.T, origin string) (*dns.DNSKEY, crypto.Signer) {
	t.Helper()
	key := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: origin, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	return key, private.(crypto.Signer)
}

// sign adds the records of DNSSEC (RFC 4035, section 2; RFC 5155, section 7.1), and
// then spoils what is to be spoilt.
func (z *signedZone) sign(t *testing.T) {
	t.Helper()
	if z.signing.denial == "nsec" {
		z.addNSEC()
	} else {
		z.addNSEC3()
	}
	if z.signing.fault == "stripped-denial" {
		z.drop(dns.TypeNSEC, dns.TypeNSEC3)
	}
	for _, rrset := range z.rrsets() {
		if z.isSigned(rrset) {
			z.records = append(z.records, z.signature(t, rrset))
		}
	}
	switch z.signing.fault {
	case "tampered":
		for _, rr := range z.records {
			if record, ok := rr.(*dns.CAA); ok {
				record.Value = "tampered." + record.Value
			}
		}
	case "missing-rrsig":
		z.records = slices.DeleteFunc(z.records, func(rr dns.RR) bool {
			sig, ok := rr.(*dns.RRSIG)
			return ok && sig.TypeCovered == dns.TypeCAA
		})
	}
}

func (z *signedZone) drop(kinds ...uint16) {
	z.records = slices.DeleteFunc(z.records, func(rr dns.RR) bool { return slices.Contains(kinds, rr.Header().Rrtype) })
}

func (z *signedZone) signature(t *testing.T, rrset []dns.RR) *dns.RRSIG {
	t.Helper()
	from, to := time.Now().Add(-dayLong), time.Now().Add(30*dayLong)
	switch z.signing.fault {
	case "expired":
		from, to = time.Now().Add(-30*dayLong), time.Now().Add(-10*dayLong) // validators allow a day of skew
	case "not-yet-valid":
		from, to = time.Now().Add(10*dayLong), time.Now().Add(30*dayLong)
	}
	sig := &dns.RRSIG{
		Hdr:       dns.RR_Header{Ttl: rrset[0].Header().Ttl},
		Algorithm: z.key.Algorithm, KeyTag: z.key.KeyTag(), SignerName: z.origin,
		Inception: uint32(from.Unix()), Expiration: uint32(to.Unix()),
	}
	if err := sig.Sign(z.signer, rrset); err != nil {
		t.Fatal(err)
	}
	return sig
}

// rrsets returns the records by owner and type.
func (z *signedZone) rrsets() [][]dns.RR {
	type key struct {
		name string
		kind uint16
	}
	sets := make(map[key][]dns.RR)
	var order []key
	for _, rr := range z.records {
		k := key{dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype}
		if sets[k] == nil {
			order = append(order, k)
		}
		sets[k] = append(sets[k], rr)
	}
	list := make([][]dns.RR, 0, len(order))
	for _, k := range order {
		list = append(list, sets[k])
	}
	return list
}

// isSigned: what stands at a delegation or below it is not the zone's, but for DS
// records and the denial of what is not there.
func (z *signedZone) isSigned(rrset []dns.RR) bool {
	kind, name := rrset[0].Header().Rrtype, dns.CanonicalName(rrset[0].Header().Name)
	cut := z.cutAbove(name)
	return cut == "" || cut == name && (kind == dns.TypeDS || kind == dns.TypeNSEC)
}

// cutAbove returns the delegation at or above a name, or "".
func (z *signedZone) cutAbove(name string) string {
	for _, rr := range z.records {
		owner := dns.CanonicalName(rr.Header().Name)
		if rr.Header().Rrtype == dns.TypeNS && owner != z.origin && dns.IsSubDomain(owner, name) {
			return owner
		}
	}
	return ""
}

// types returns the types at each name that the zone speaks for.
func (z *signedZone) types() map[string][]uint16 {
	types := make(map[string][]uint16)
	for _, rrset := range z.rrsets() {
		name, kind := dns.CanonicalName(rrset[0].Header().Name), rrset[0].Header().Rrtype
		if cut := z.cutAbove(name); cut == "" || cut == name && (kind == dns.TypeNS || kind == dns.TypeDS) {
			types[name] = append(types[name], kind)
		}
	}
	return types
}

func (z *signedZone) addNSEC() {
	types := z.types()
	var names []string
	for name := range types {
		names = append(names, name)
	}
	slices.SortFunc(names, canonicalOrder)
	for i, name := range names {
		bitmap := append(types[name], dns.TypeRRSIG, dns.TypeNSEC)
		slices.Sort(bitmap)
		z.records = append(z.records, &dns.NSEC{
			Hdr:        dns.RR_Header{Name: name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 300},
			NextDomain: names[(i+1)%len(names)], TypeBitMap: bitmap,
		})
	}
}

// canonicalOrder is that of RFC 4034, section 6.1, for names without escapes.
func canonicalOrder(a, b string) int {
	x, y := dns.SplitDomainName(a), dns.SplitDomainName(b)
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}

func (z *signedZone) addNSEC3() {
	const salt = "ab"
	z.records = append(z.records, &dns.NSEC3PARAM{
		Hdr:  dns.RR_Header{Name: z.origin, Rrtype: dns.TypeNSEC3PARAM, Class: dns.ClassINET},
		Hash: dns.SHA1, SaltLength: 1, Salt: salt,
	})
	var flags uint8
	if strings.HasPrefix(z.signing.denial, "optout") {
		flags = 1
	}
	types := z.withEmptyNonTerminals(z.types())
	hashed := make(map[string][]uint16)
	var hashes []string
	for name, bitmap := range types {
		if leavesOut(z.signing.denial) && insecureDelegation(bitmap) && name != z.origin {
			continue
		}
		h := dns.HashName(name, dns.SHA1, 0, salt)
		hashes, hashed[h] = append(hashes, h), bitmap
	}
	slices.Sort(hashes)
	for i, h := range hashes {
		bitmap := slices.Clone(hashed[h])
		if len(bitmap) > 0 && !insecureDelegation(bitmap) {
			bitmap = append(bitmap, dns.TypeRRSIG)
		}
		slices.Sort(bitmap)
		owner := strings.ToLower(h) + "." + z.origin
		if z.origin == "." {
			owner = strings.ToLower(h) + "."
		}
		z.records = append(z.records, &dns.NSEC3{
			Hdr:  dns.RR_Header{Name: owner, Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: 300},
			Hash: dns.SHA1, Flags: flags, SaltLength: 1, Salt: salt,
			HashLength: 20, NextDomain: hashes[(i+1)%len(hashes)], TypeBitMap: bitmap,
		})
	}
}

// leavesOut reports whether insecure delegations are left out of the chain.
func leavesOut(denial string) bool { return denial == "optout" || denial == "nsec3-unlisted" }

func insecureDelegation(types []uint16) bool { return len(types) == 1 && types[0] == dns.TypeNS }

func (z *signedZone) withEmptyNonTerminals(types map[string][]uint16) map[string][]uint16 {
	all := make(map[string][]uint16)
	for name, bitmap := range types {
		all[name] = bitmap
		for at := name; at != z.origin; {
			next, end := dns.NextLabel(at, 0)
			if end {
				break
			}
			if at = at[next:]; at != z.origin && types[at] == nil {
				all[at] = nil
			}
		}
	}
	return all
}

// write puts the zone into a file that NSD reads.
func (z *signedZone) write(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, rr := range z.records {
		fmt.Fprintln(&b, rr)
	}
	path := filepath.Join(dir, strings.ReplaceAll(cmp.Or(strings.TrimSuffix(z.origin, "."), "root"), "/", "_")+".signed")
	writeFile(t, path, b.String())
	return path
}

// signedWorld signs zones, children before their parents, and returns their files by
// zone and the trust anchor. A lame zone has its place in its parent, and no server.
func signedWorld(t *testing.T, list []signing) (files map[string]string, anchor string) {
	t.Helper()
	dir := t.TempDir()
	files = make(map[string]string)
	slices.SortStableFunc(list, func(a, b signing) int { return dns.CountLabel(b.zone) - dns.CountLabel(a.zone) })
	var delegations []dns.RR // DS records, for the parents
	for _, s := range list {
		z := readZone(t, s)
		for _, ds := range delegations {
			if parent := ds.Header().Name[len(dns.SplitDomainName(ds.Header().Name)[0])+1:]; cmp.Or(parent, ".") == s.zone {
				z.records = append(z.records, ds)
			}
		}
		if s.denial != "" {
			ds := z.newKey(t)
			if s.zone == "." {
				anchor = ds.String()
			} else {
				delegations = append(delegations, ds)
			}
			z.sign(t)
		}
		if s.isServed() {
			files[s.zone] = z.write(t, dir)
		}
	}
	return files, anchor
}

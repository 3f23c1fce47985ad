package dnssectest

import (
	"crypto"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// zone is a zone while it is made.
type zone struct {
	Spec
	now     time.Time
	records []dns.RR
	ds      []dns.RR // for the parent
	cuts    map[string]bool
}

func (z *zone) add(rrs ...dns.RR) { z.records = append(z.records, rrs...) }

// rr reads a record that is known to be one.
func (z *zone) rr(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic("dnssectest: " + err.Error())
	}
	return rr
}

func (z *zone) read() error {
	z.add(z.rr(z.Origin+" 300 IN SOA ns."+z.host()+" hostmaster."+z.host()+" 1 7200 900 1209600 300"), z.rr(z.Origin+" 300 IN NS ns."+z.host()), z.rr("ns."+z.host()+" 300 IN A 192.0.2.53"))
	parser := dns.NewZoneParser(strings.NewReader(z.Text), z.Origin, z.Origin)
	parser.SetDefaultTTL(300)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		z.add(rr)
	}
	if z.Fault == MixedCase {
		for _, rr := range z.records {
			rr.Header().Name = capitals(rr.Header().Name)
			if alias, ok := rr.(*dns.CNAME); ok {
				alias.Target = capitals(alias.Target)
			}
		}
	}
	return parser.Err()
}

// host is the origin as it ends other names.
func (z *zone) host() string { return strings.TrimPrefix(z.Origin, ".") }

// capitals writes every other letter as a capital.
func capitals(name string) string {
	octets := []byte(name)
	for i, c := range octets {
		if i%2 == 0 && 'a' <= c && c <= 'z' {
			octets[i] = c - ('a' - 'A')
		}
	}
	return string(octets)
}

// key is a key with its private part.
type key struct {
	public *dns.DNSKEY
	signer crypto.Signer
}

// rsaKeys are made once: that takes long. Zones may share them, each under its own name.
var rsaKeys sync.Map // by algorithm and number

// newKey makes the zone's key with a number.
func (z *zone) newKey(flags uint16, number int) key {
	algorithm := z.Algorithm
	if algorithm == 0 {
		algorithm = dns.ECDSAP256SHA256
	}
	public := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: z.Origin, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: flags, Protocol: 3, Algorithm: algorithm,
	}
	bits := map[uint8]int{dns.ECDSAP256SHA256: 256, dns.ECDSAP384SHA384: 384, dns.ED25519: 256}[algorithm]
	if bits != 0 {
		return generate(public, bits)
	}
	const rsaBits = 1024
	id := [2]int{int(algorithm), number}
	shared, found := rsaKeys.Load(id)
	if !found {
		shared, _ = rsaKeys.LoadOrStore(id, generate(public, rsaBits))
	}
	made := shared.(key)
	public.PublicKey = made.public.PublicKey
	return key{public, made.signer}
}

// generate makes the key itself. One with the tag 0 is not good for miekg/dns, by chance one in
// 65,536.
func generate(public *dns.DNSKEY, bits int) key {
	for {
		private, err := public.Generate(bits)
		if err != nil {
			panic("dnssectest: " + err.Error())
		}
		revoked := *public
		revoked.Flags |= dns.REVOKE
		if public.KeyTag() != 0 && revoked.KeyTag() != 0 {
			return key{public, private.(crypto.Signer)}
		}
	}
}

// has reports whether the zone's Fault is one of some.
func (z *zone) has(some ...Fault) bool { return slices.Contains(some, z.Fault) }

// signers are the keys of a zone by what they sign.
type signers struct{ keys, rest []key }

// sign gives the zone keys, denials and signatures, and then spoils what is to be spoilt.
func (z *zone) sign() {
	k := z.makeKeys()
	if z.Denial == NSEC {
		z.addNSEC()
	} else {
		z.addNSEC3()
	}
	if z.Fault == Stripped || z.Fault == HalfStripped {
		denials := 0
		z.drop(func(rr dns.RR) bool {
			if rr.Header().Rrtype != dns.TypeNSEC && rr.Header().Rrtype != dns.TypeNSEC3 {
				return false
			}
			denials++
			return z.Fault == Stripped || denials%2 == 0
		})
	}
	for _, set := range z.rrsets() {
		if z.isSigned(set) {
			z.signSet(set, k)
		}
	}
	if z.Fault == Tampered {
		for _, rr := range z.records {
			if record, ok := rr.(*dns.CAA); ok {
				record.Value = "tampered." + record.Value
			}
		}
	}
}

func (z *zone) drop(dropped func(dns.RR) bool) { z.records = slices.DeleteFunc(z.records, dropped) }

const keySigning, zoneSigning = dns.ZONE | dns.SEP, dns.ZONE

// makeKeys publishes the zone's keys, and makes their DS records.
func (z *zone) makeKeys() signers {
	main := z.newKey(keySigning, 0)
	k := signers{[]key{main}, []key{main}}
	published := []key{main}
	if z.Split {
		own := z.newKey(zoneSigning, 1)
		k.rest, published = []key{own}, append(published, own)
	}
	other := z.newKey(keySigning, 2)
	if z.has(TwoAlgorithms, NewAlgorithm, EarlyAlgorithm, OldAlgorithm, HalfSigned) {
		other = z.otherAlgorithm()
	}
	switch {
	case z.has(StandbyKey):
		published = append(published, other)
	case z.has(DoubleSignature, TwoAlgorithms, NewAlgorithm, OldAlgorithm):
		k.keys, k.rest, published = append(k.keys, other), append(slices.Clone(k.rest), other), append(published, other)
	case z.has(SecondDS, HalfSigned):
		k.keys, published = append(k.keys, other), append(published, other)
	case z.has(EarlyAlgorithm):
		k.keys, k.rest = append(k.keys, other), append(slices.Clone(k.rest), other)
	case z.has(NewKey):
		k.rest, published = []key{other}, append(published, other)
	case z.has(MixedKeys):
		k.rest, published = append(slices.Clone(k.rest), other), append(published, other)
	case z.has(UnknownKey):
		k.rest = []key{other}
	case z.has(Revoked):
		main.public.Flags |= dns.REVOKE
	case z.has(RevokedBeside):
		other.public.Flags |= dns.REVOKE
		k.keys, published = append(k.keys, other), append(published, other)
	case z.has(NoKeys):
		published = nil
	}
	for _, key := range published {
		z.add(key.public)
	}
	z.makeDS(main, other)
	return k
}

func (z *zone) makeDS(main, other key) {
	if z.Fault == NoDS {
		return
	}
	digest := z.Digest
	if digest == 0 {
		digest = dns.SHA256
	}
	named := main
	if z.has(WrongDS, SecondDS, OldAlgorithm) {
		named = other
	}
	ds := named.public.ToDS(digest)
	switch {
	case z.Fault == WrongDigest:
		ds.Digest = strings.Repeat("ab", len(ds.Digest)/2)
	case z.Fault == UnknownAlg:
		ds.Algorithm = 200
	case z.Fault == UnknownDigest:
		ds.DigestType = 200
	case z.Fault == StandbyDS:
		z.addDS(other.public.ToDS(digest))
	case z.has(TwoAlgorithms, HalfSigned):
		z.addDS(other.public.ToDS(digest))
	case z.Fault == WeakDigest:
		z.addDS(main.public.ToDS(dns.SHA1))
		ds = main.public.ToDS(dns.SHA256)
		ds.Digest = strings.Repeat("ab", len(ds.Digest)/2)
	case z.Fault == SpareDS:
		spare := main.public.ToDS(digest)
		spare.Algorithm = 200
		z.addDS(spare)
	}
	z.addDS(ds)
}

func (z *zone) addDS(ds *dns.DS) {
	ds.Hdr.Ttl = 300
	z.ds = append(z.ds, ds)
}

// otherAlgorithm makes a key with another algorithm than the zone's.
func (z *zone) otherAlgorithm() key {
	other := &zone{Spec: z.Spec}
	if other.Algorithm = dns.ED25519; z.Algorithm == dns.ED25519 {
		other.Algorithm = dns.ECDSAP384SHA384
	}
	return other.newKey(keySigning, 4)
}

// rrsets returns the records by owner and type.
func (z *zone) rrsets() [][]dns.RR {
	type id struct {
		name string
		kind uint16
	}
	at := make(map[id]int)
	var list [][]dns.RR
	for _, rr := range z.records {
		k := id{dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype}
		if _, known := at[k]; !known {
			at[k] = len(list)
			list = append(list, nil)
		}
		list[at[k]] = append(list[at[k]], rr)
	}
	return list
}

// isSigned: what stands at a delegation or below it is not the zone's, but for DS records and
// denials.
func (z *zone) isSigned(set []dns.RR) bool {
	kind, name := set[0].Header().Rrtype, dns.CanonicalName(set[0].Header().Name)
	cut := z.cutAbove(name)
	return cut == "" || cut == name && (kind == dns.TypeDS || kind == dns.TypeNSEC)
}

// cutAbove returns the highest delegation at or above a name, or "".
func (z *zone) cutAbove(name string) (cut string) {
	if z.cuts == nil {
		z.cuts = make(map[string]bool)
		for _, rr := range z.records {
			if owner := dns.CanonicalName(rr.Header().Name); rr.Header().Rrtype == dns.TypeNS && owner != z.Origin {
				z.cuts[owner] = true
			}
		}
	}
	for at := name; at != z.Origin && at != "."; at = above(at) {
		if z.cuts[at] {
			cut = at
		}
	}
	return cut
}

// signSet adds the signatures over an RRset.
func (z *zone) signSet(set []dns.RR, k signers) {
	kind := set[0].Header().Rrtype
	by := k.rest
	if kind == dns.TypeDNSKEY {
		by = k.keys
	}
	if z.Fault == MixedKeys && kind != dns.TypeDNSKEY {
		at := (len(set[0].Header().Name) + int(kind)) % len(by)
		by = by[at : at+1]
	}
	caa := kind == dns.TypeCAA
	switch {
	case z.Fault == Missing && caa, z.Fault == MissingKeySig && kind == dns.TypeDNSKEY:
		return
	case z.Fault == WrongSigner && caa:
		for _, key := range by {
			wrong := *key.public
			wrong.Hdr.Name = above(z.Origin)
			z.signWith(set, keyOf(wrong, key), z.now)
		}
		return
	}
	from := z.now
	spoils := (z.Fault == Expired || z.Fault == Future) && kind != dns.TypeDNSKEY || z.Fault == ExpiredKeys && kind == dns.TypeDNSKEY
	switch {
	case spoils && z.Fault == Future:
		from = from.Add(3 * Lifetime)
	case spoils:
		from = from.Add(-3 * Lifetime)
	}
	for _, key := range by {
		z.signWith(set, key, from)
	}
	switch {
	case z.Fault == OldSignature:
		z.signWith(set, by[0], z.now.Add(-3*Lifetime))
	case z.Fault == OddSignature:
		z.signWith(set, z.newKey(zoneSigning, 3), z.now)
	}
}

func keyOf(public dns.DNSKEY, private key) key { return key{&public, private.signer} }

// signWith adds a signature that is valid around a time.
func (z *zone) signWith(set []dns.RR, k key, around time.Time) {
	set = slices.Clone(set)
	signature := &dns.RRSIG{
		Hdr:       dns.RR_Header{Ttl: set[0].Header().Ttl},
		Algorithm: k.public.Algorithm, KeyTag: k.public.KeyTag(), SignerName: k.public.Hdr.Name,
		Inception: uint32(around.Add(-Lifetime).Unix()), Expiration: uint32(around.Add(Lifetime).Unix()),
	}
	if err := signature.Sign(k.signer, set); err != nil {
		panic(fmt.Sprintf("dnssectest: sign %v: %v", set[0], err))
	}
	switch caa := signature.TypeCovered == dns.TypeCAA; {
	case caa && z.Fault == WrongLabels:
		signature.Labels++
	case caa && z.Fault == FewLabels:
		signature.Labels--
	}
	z.add(signature)
}

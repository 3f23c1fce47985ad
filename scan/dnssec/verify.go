package dnssec

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Zone is a zone whose keys have been verified.
type Zone struct {
	Name string // spelt as Canonical does
	keys []*dns.DNSKEY
	// wasted counts the verifications that have failed, of all replies.
	wasted int
}

// check is the work on one reply.
type check struct {
	now    time.Time
	memory *Memory
	left   int // signatures that may still be verified
}

// MaxVerifications is how many signatures are verified for one reply at the most. With more
// the reply is bogus (CVE-2023-50387). Those that are remembered do not count.
const MaxVerifications = 32

func newCheck(now time.Time, memory *Memory) *check {
	return &check{now: now, memory: memory, left: MaxVerifications}
}

// knownAlgorithm reports whether signatures by an algorithm can be verified. Those with SHA-1
// count as not known (RFC 9905, section 2).
func knownAlgorithm(algorithm uint8) bool {
	switch algorithm {
	case dns.RSASHA256, dns.RSASHA512, dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

// verify finds out whether one of the signatures over an RRset is the zone's (RFC 4035,
// section 5.3). It returns the one that is.
func (c *check) verify(s *rrset, z *Zone) (Verdict, *dns.RRSIG) {
	worst := Flaw{Reason: NoSignature, Zone: z.Name, Owner: s.owner, Type: s.kind}
	for _, signature := range s.signatures {
		flaw := c.flawOf(s, z, signature)
		if flaw.Reason == "" {
			return c.secure(s, signature), signature
		}
		if flaw.Reason == TooMuchWork {
			return bogus(flaw), nil
		}
		if closeness(flaw.Reason) > closeness(worst.Reason) {
			worst = flaw
		}
	}
	return bogus(worst), nil
}

// secure is the Verdict of an RRset that a signature holds for.
func (c *check) secure(s *rrset, signature *dns.RRSIG) Verdict {
	end := c.absolute(signature.Expiration)
	kept := time.Duration(min(s.ttl, signature.OrigTtl)) * time.Second // RFC 4035, section 5.3.3
	return Verdict{State: Secure, Expires: end, Until: earlier(end, c.now.Add(kept))}
}

// closeness orders the reasons why a signature does not count by how near it came. Of several
// signatures the nearest one tells what is wrong.
func closeness(r Reason) int {
	order := []Reason{NoSignature, WrongSigner, WrongLabels, UnknownSignature, NoKey, SignatureNotYetValid, SignatureExpired, SignatureWrong}
	return slices.Index(order, r)
}

// flawOf returns why a signature does not count; without a Reason if it does.
func (c *check) flawOf(s *rrset, z *Zone, signature *dns.RRSIG) Flaw {
	f := Flaw{
		Zone: z.Name, Owner: s.owner, Type: s.kind, KeyTag: signature.KeyTag, Algorithm: signature.Algorithm,
		Inception: c.absolute(signature.Inception), Expiration: c.absolute(signature.Expiration),
	}
	now := uint32(c.now.Unix())
	switch {
	case Canonical(signature.SignerName) != z.Name || !within(z.Name, s.owner):
		f.Reason = WrongSigner
	case int(signature.Labels) > labels(s.owner):
		f.Reason = WrongLabels
	case !knownAlgorithm(signature.Algorithm):
		f.Reason = UnknownSignature
	case after(signature.Inception, now):
		f.Reason = SignatureNotYetValid
	case after(now, signature.Expiration) || after(signature.Inception, signature.Expiration):
		f.Reason = SignatureExpired
	default:
		f.Reason = c.tryKeys(s, z, signature)
	}
	return f
}

// maxWasted is how many verifications may fail in a zone for as long as its keys are kept.
// With more, what is not right at the first try is bogus, in however many replies it comes
// (CVE-2023-50387).
const maxWasted = 1000

// tryKeys verifies a signature with each key that could have made it: key tags need not be
// unique (RFC 4034, appendix B). The key that it was made with comes first the next time.
func (c *check) tryKeys(s *rrset, z *Zone, signature *dns.RRSIG) Reason {
	reason := NoKey
	for i, key := range z.keys {
		if key.Algorithm != signature.Algorithm || key.KeyTag() != signature.KeyTag {
			continue
		}
		known := c.memory.key(s, key, signature)
		if c.memory.knows(known) {
			return ""
		}
		if c.left == 0 {
			return TooMuchWork
		}
		c.left--
		if signature.Verify(key, s.records) == nil {
			c.memory.remember(known)
			if reason == SignatureWrong {
				z.keys = slices.Insert(slices.Delete(slices.Clone(z.keys), i, i+1), 0, key)
			}
			return ""
		}
		reason = SignatureWrong
		c.memory.waste()
		if z.wasted++; z.wasted > maxWasted {
			c.left = 0
			return TooMuchWork
		}
	}
	return reason
}

// after compares times of signatures, which go round (RFC 4034, section 3.1.5; RFC 1982).
func after(a, b uint32) bool { return int32(a-b) > 0 }

func (c *check) absolute(at uint32) time.Time { return TimeOf(at, c.now) }

// TimeOf returns a time of a signature, which goes round, as that which is nearest to now.
func TimeOf(at uint32, now time.Time) time.Time {
	seconds := now.Unix()
	return time.Unix(seconds+int64(int32(at-uint32(seconds))), 0).UTC()
}

// Keys finds out which keys a zone has, from the reply to a query for them and from what is
// trusted: the verified DS records of the zone, or its trust anchors, DS or DNSKEY records
// (RFC 4035, section 5.2). With a Verdict other than Secure there is no Zone.
func Keys(name string, trusted []dns.RR, r *Reply, now time.Time, memory *Memory) (*Zone, Verdict) {
	c := newCheck(now, memory)
	if r == nil {
		r = new(Reply)
	}
	usable := usableAnchors(trusted)
	if len(usable) == 0 {
		return nil, insecure(unknownFlaw(name, trusted))
	}
	set := findRecords(r.answer, name, dns.TypeDNSKEY)
	if set == nil {
		return nil, bogus(keyFlaw(NoMatchingKey, name, usable))
	}
	all := zoneKeys(set)
	trustedKeys := slices.DeleteFunc(slices.Clone(all), func(key *dns.DNSKEY) bool { return !vouchedFor(key, usable) })
	if len(trustedKeys) == 0 {
		return nil, bogus(keyFlaw(NoMatchingKey, name, usable))
	}
	verdict, _ := c.verify(set, &Zone{Name: name, keys: trustedKeys})
	if verdict.State != Secure {
		return nil, verdict
	}
	return &Zone{Name: name, keys: all}, verdict
}

// dnssecProtocol is that of all keys (RFC 4034, section 2.1.2).
const dnssecProtocol = 3

// maxKeys is how many keys of a zone are looked at. Zones have up to a dozen.
const maxKeys = 32

// zoneKeys returns the keys that may sign the zone's records (RFC 4034, section 2.1). One that
// is revoked may not (RFC 5011, section 2.1).
func zoneKeys(set *rrset) []*dns.DNSKEY {
	var keys []*dns.DNSKEY
	for _, rr := range set.records {
		key, ok := rr.(*dns.DNSKEY)
		if !ok || key.Flags&dns.ZONE == 0 || key.Flags&dns.REVOKE != 0 || key.Protocol != dnssecProtocol || !knownAlgorithm(key.Algorithm) {
			continue
		}
		own := *key // its name as this package spells it, which Verify compares
		own.Hdr.Name = set.owner
		if keys = append(keys, &own); len(keys) == maxKeys {
			break
		}
	}
	return keys
}

// maxAnchors is how many DS records of a zone are used. Those that cannot be used do not
// count: in whatever order they come, a zone with one that can is signed.
const maxAnchors = 32

// usableAnchors returns the anchors whose algorithm and digest are known. DS records with SHA-1
// count only if there are no better ones (RFC 4509, section 3).
func usableAnchors(trusted []dns.RR) []dns.RR {
	var usable []dns.RR
	better := false
	for _, rr := range trusted {
		switch anchor := rr.(type) {
		case *dns.DS:
			if !knownAlgorithm(anchor.Algorithm) || !knownDigest(anchor.DigestType) {
				continue
			}
			better = better || anchor.DigestType != dns.SHA1
			usable = append(usable, anchor)
		case *dns.DNSKEY:
			if knownAlgorithm(anchor.Algorithm) {
				usable = append(usable, anchor)
			}
		}
	}
	usable = slices.DeleteFunc(usable, func(rr dns.RR) bool {
		ds, ok := rr.(*dns.DS)
		return ok && better && ds.DigestType == dns.SHA1
	})
	return usable[:min(len(usable), maxAnchors)]
}

func knownDigest(digest uint8) bool {
	return digest == dns.SHA1 || digest == dns.SHA256 || digest == dns.SHA384
}

// vouchedFor reports whether an anchor names a key.
func vouchedFor(key *dns.DNSKEY, anchors []dns.RR) bool {
	return slices.ContainsFunc(anchors, func(rr dns.RR) bool {
		switch anchor := rr.(type) {
		case *dns.DS:
			if anchor.KeyTag != key.KeyTag() || anchor.Algorithm != key.Algorithm {
				return false
			}
			ds := key.ToDS(anchor.DigestType)
			return ds != nil && strings.EqualFold(ds.Digest, anchor.Digest)
		case *dns.DNSKEY:
			return anchor.Algorithm == key.Algorithm && anchor.PublicKey == key.PublicKey
		}
		return false
	})
}

// keyFlaw names the anchor that has no key, the first one.
func keyFlaw(reason Reason, name string, anchors []dns.RR) Flaw {
	f := Flaw{Reason: reason, Zone: name, Owner: name, Type: dns.TypeDNSKEY}
	switch anchor := anchors[0].(type) {
	case *dns.DS:
		f.KeyTag, f.Algorithm = anchor.KeyTag, anchor.Algorithm
	case *dns.DNSKEY:
		f.KeyTag, f.Algorithm = anchor.KeyTag(), anchor.Algorithm
	}
	return f
}

func unknownFlaw(name string, anchors []dns.RR) Flaw {
	if len(anchors) == 0 {
		return Flaw{Reason: UnknownAlgorithm, Zone: name, Owner: name, Type: dns.TypeDS}
	}
	f := keyFlaw(UnknownAlgorithm, name, anchors)
	f.Type = dns.TypeDS
	return f
}

// nearest returns the signature's Flaw that is nearest to none.
func nearest(a, b Flaw) Flaw {
	return slices.MaxFunc([]Flaw{a, b}, func(a, b Flaw) int { return cmp.Compare(closeness(a.Reason), closeness(b.Reason)) })
}

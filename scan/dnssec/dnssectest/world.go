// Package dnssectest makes small signed worlds for tests: zones with keys and signatures of
// their own, what is wrong with them declared, and the answers that a resolver which passes
// DNSSEC records gives for them. The zones can be written as master files, too, for servers
// that others wrote.
package dnssectest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
)

// Denial is how a zone says what is not there. The empty Denial is that of a zone that is not
// signed.
type Denial string

// The denials. With OptOut unsigned delegations are left out of the chain (RFC 5155, section
// 6); with OptOutListed they stand in it, though the flag is set.
const (
	Unsigned     Denial = ""
	NSEC         Denial = "nsec"
	NSEC3        Denial = "nsec3"
	OptOut       Denial = "opt-out"
	OptOutListed Denial = "opt-out-listed"
)

// Fault is what is wrong, or unusual, with a signed zone.
type Fault string

// The faults of a zone's signatures and keys. Those from StandbyKey to NoDS break nothing,
// but for WeakDigest.
const (
	None            Fault = ""
	Expired         Fault = "expired"          // all signatures but those over the keys
	ExpiredKeys     Fault = "expired-keys"     // those over the keys
	Future          Fault = "future"           // all signatures but those over the keys
	Tampered        Fault = "tampered"         // the CAA records are not those that were signed
	Missing         Fault = "missing"          // the CAA records have no signatures
	MissingKeySig   Fault = "missing-key-sig"  // the keys have no signatures
	Stripped        Fault = "stripped"         // there are no denials
	WrongLabels     Fault = "wrong-labels"     // the signatures over CAA records count one label too many
	WrongSigner     Fault = "wrong-signer"     // the signatures over CAA records name the parent zone
	WrongDS         Fault = "wrong-ds"         // the DS record is that of a key that is not there
	WrongDigest     Fault = "wrong-digest"     // the DS record has another digest
	UnknownKey      Fault = "unknown-key"      // all is signed by a key that is not published
	Revoked         Fault = "revoked"          // the key that the DS record names is revoked (RFC 5011, section 2.1)
	UnknownAlg      Fault = "unknown-alg"      // the DS record names an algorithm that nobody knows
	UnknownDigest   Fault = "unknown-digest"   // the DS record has a digest that nobody knows
	StandbyKey      Fault = "standby-key"      // a second key is published, and signs nothing
	StandbyDS       Fault = "standby-ds"       // a second DS record has no key yet
	DoubleSignature Fault = "double-signature" // two keys sign everything (RFC 6781, section 4.1.1.2)
	OldSignature    Fault = "old-signature"    // beside the good signatures there are expired ones
	OddSignature    Fault = "odd-signature"    // beside the good signatures there are some of a key that is not there
	MixedCase       Fault = "mixed-case"       // names are written with capitals
	RevokedBeside   Fault = "revoked-beside"   // a revoked key stands beside the good one
	TwoAlgorithms   Fault = "two-algorithms"   // everything is signed by two, and both have a DS record (RFC 6781, section 4.1.4)
	NewAlgorithm    Fault = "new-algorithm"    // the same, and only the old one has a DS record yet
	WeakDigest      Fault = "weak-digest"      // beside a DS record with a wrong SHA-256 digest there is a good one with SHA-1 (RFC 4509, section 3)
	SpareDS         Fault = "spare-ds"         // beside the good DS record there is one with an unknown algorithm
	NewKey          Fault = "new-key"          // a new key signs the rest, and the old one is still published (RFC 6781, section 4.1.1.1)
	MixedKeys       Fault = "mixed-keys"       // of two published keys the one signs some RRsets and the other one the rest
	SecondDS        Fault = "second-ds"        // two keys sign the keys, and the DS record names the second (RFC 6781, section 4.1.2)
	EarlyAlgorithm  Fault = "early-algorithm"  // there are signatures of a new algorithm, and not its key yet (RFC 6781, section 4.1.4)
	OldAlgorithm    Fault = "old-algorithm"    // everything is signed by two algorithms, and only the new one still has a DS record
	HalfSigned      Fault = "half-signed"      // two algorithms have keys and DS records, and one of them signs the rest (RFC 6840, section 5.11)
	NoDS            Fault = "no-ds"            // the zone is signed, and has no DS record (RFC 4035, section 5.2)
	FewLabels       Fault = "few-labels"       // the signatures over CAA records count one label too few
	NoKeys          Fault = "no-keys"          // there are no keys
	HalfStripped    Fault = "half-stripped"    // every other denial is missing
)

// Faults returns every Fault, in the order of the constants.
func Faults() []Fault {
	return []Fault{
		None, Expired, ExpiredKeys, Future, Tampered, Missing, MissingKeySig, Stripped, WrongLabels, WrongSigner, WrongDS, WrongDigest,
		UnknownKey, Revoked, UnknownAlg, UnknownDigest, StandbyKey, StandbyDS, DoubleSignature, OldSignature,
		OddSignature, MixedCase, RevokedBeside, TwoAlgorithms, NewAlgorithm, WeakDigest, SpareDS,
		NewKey, MixedKeys, SecondDS, EarlyAlgorithm, OldAlgorithm, HalfSigned, NoDS, FewLabels, NoKeys, HalfStripped,
	}
}

// Spec says what a zone holds and how it is signed.
type Spec struct {
	Origin string // absolute
	// Text are its records, as a master file has them. A SOA and an NS record are added, and
	// at each zone of the world below it the delegation.
	Text       string
	Denial     Denial
	Algorithm  uint8  // 0: ECDSAP256SHA256
	Digest     uint8  // of the DS record; 0: SHA256
	Iterations uint16 // of NSEC3
	Salt       string // of NSEC3, in hexadecimal
	Split      bool   // one key signs the keys, another one the rest
	Fault      Fault
}

// World is zones that have been signed.
type World struct {
	// Anchor is the DS record of the root's key.
	Anchor dns.RR
	zones  map[string]*zone
}

// Lifetime is how long signatures are valid from when they were made. They begin to be as
// long before.
const Lifetime = 10 * 24 * time.Hour

// Build makes a world. The root has to be in it. The error is that of a Text.
func Build(now time.Time, specs ...Spec) (*World, error) {
	w := &World{zones: make(map[string]*zone)}
	specs = slices.Clone(specs)
	slices.SortStableFunc(specs, func(a, b Spec) int { return cmp.Compare(dns.CountLabel(b.Origin), dns.CountLabel(a.Origin)) })
	for _, spec := range specs {
		w.zones[spec.Origin] = &zone{Spec: spec, now: now}
	}
	for _, spec := range specs { // children before their parents
		z := w.zones[spec.Origin]
		if err := z.read(); err != nil {
			return nil, err
		}
		w.delegate(z)
		if spec.Denial != Unsigned {
			z.sign()
		}
	}
	root := w.zones["."]
	if root == nil || len(root.ds) == 0 {
		return nil, fmt.Errorf("the root is not in the world, or not signed")
	}
	w.Anchor = root.ds[len(root.ds)-1]
	return w, nil
}

// Zone makes one zone by itself, whose Text has the delegations and their DS records too. It
// returns its records, and the DS records that its parent has to have. The error is that of the
// Text.
func Zone(now time.Time, spec Spec) (records, ds []dns.RR, err error) {
	z := &zone{Spec: spec, now: now}
	if err := z.read(); err != nil {
		return nil, nil, err
	}
	if spec.Denial != Unsigned {
		z.sign()
	}
	return z.records, z.ds, nil
}

// delegate adds the delegations to the zones right below one.
func (w *World) delegate(parent *zone) {
	for origin, child := range w.zones {
		if origin == parent.Origin || w.zoneOf(above(origin)) != parent {
			continue
		}
		parent.add(parent.rr(fmt.Sprintf("%s 300 IN NS ns.%s", origin, origin)))
		for _, ds := range child.ds {
			parent.add(dns.Copy(ds))
		}
	}
}

// zoneOf returns the zone that a name lies in, or nil.
func (w *World) zoneOf(name string) *zone {
	for {
		if z := w.zones[name]; z != nil {
			return z
		}
		if name == "." {
			return nil
		}
		name = above(name)
	}
}

func above(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// Origins returns the names of the zones, sorted.
func (w *World) Origins() []string {
	var list []string
	for origin := range w.zones {
		list = append(list, origin)
	}
	slices.Sort(list)
	return list
}

// File returns a zone as a master file.
func (w *World) File(origin string) string {
	var b strings.Builder
	for _, rr := range w.zones[origin].records {
		fmt.Fprintln(&b, rr)
	}
	return b.String()
}

// Edit changes the records of a zone after it has been signed.
func (w *World) Edit(origin string, edit func([]dns.RR) []dns.RR) {
	z := w.zones[origin]
	z.records = edit(z.records)
}

// Set returns an RRset of a zone with its signatures; nil if it is not there.
func (w *World) Set(origin, owner string, kind uint16) []dns.RR {
	return w.zones[origin].set(owner, kind)
}

// Denials returns the records by which a zone denies names, with their signatures, for each of
// these words: "=NAME" is the one that NAME, or its hash, owns, "~NAME" the one whose span
// NAME, or its hash, lies in.
func (w *World) Denials(origin string, words ...string) []dns.RR {
	z := w.zones[origin]
	var list []dns.RR
	for _, word := range words {
		for _, set := range z.rrsets() {
			owner := dns.CanonicalName(set[0].Header().Name)
			if denies(set[0], word[:1], word[1:]) && !slices.Contains(list, set[0]) {
				list = append(list, z.set(owner, set[0].Header().Rrtype)...)
			}
		}
	}
	return list
}

func denies(rr dns.RR, how, name string) bool {
	switch rr := rr.(type) {
	case *dns.NSEC:
		owner, next := dns.CanonicalName(rr.Hdr.Name), dns.CanonicalName(rr.NextDomain)
		if how == "=" {
			return owner == name
		}
		return dnssec.Before(owner, name) && (dnssec.Before(name, next) || !dnssec.Before(owner, next))
	case *dns.NSEC3:
		if how == "=" {
			return rr.Match(name)
		}
		return rr.Cover(name) && !rr.Match(name)
	}
	return false
}

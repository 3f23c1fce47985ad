package caa

import (
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Warning is a code for what a set says that does not change any status, but on which
// CAs differ or people slip. The set is closed; see Warnings.
type Warning string

// The warnings.
const (
	IssuerCase           Warning = "issuer-case"             // an issuer domain name has capitals
	FlagBits             Warning = "flag-bits"               // flags other than critical are set
	CriticalKnownTag     Warning = "critical-known-tag"      // a critical issuevmc, contactemail or contactphone
	MalformedBesideValid Warning = "malformed-beside-valid"  // of the issuemail properties some are malformed
	Parameters           Warning = "parameters"              // an issuemail property has parameters
	AccountBinding       Warning = "account-binding"         // of RFC 8657, which defines them for issue and issuewild
	NoIssuerBesideIssuer Warning = "no-issuer-beside-issuer" // an empty issuer beside one that is not
	NearMiss             Warning = "near-miss"               // an issuer domain name is almost one that is known
	TagNearMiss          Warning = "tag-near-miss"           // a tag is almost issuemail
	IssueOnly            Warning = "issue-only"              // issue or issuewild, and nothing that restricts mail
)

// Warnings returns every Warning, in the order of the constants.
func Warnings() []Warning {
	return []Warning{
		IssuerCase, FlagBits, CriticalKnownTag, MalformedBesideValid, Parameters, AccountBinding,
		NoIssuerBesideIssuer, NearMiss, TagNearMiss, IssueOnly,
	}
}

// Warnings returns what should be known of s, each Warning once and in order.
// Issuer domain names are held against those known and those of issuers.
func (s RRset) Warnings(issuers []Issuer) []Warning {
	found := make(map[Warning]bool) // nothing that is false, because most sets give few
	for _, p := range s.Properties {
		if p.Flags()&^criticalFlag != 0 {
			found[FlagBits] = true
		}
		if p.Critical() && !p.coreTag() && p.known() {
			found[CriticalKnownTag] = true
		}
		if p.almostIssuemail() {
			found[TagNearMiss] = true
		}
	}
	s.issuemailWarnings(issuers, found)
	if s.issueOnly() {
		found[IssueOnly] = true
	}
	return slices.DeleteFunc(Warnings(), func(w Warning) bool { return !found[w] })
}

// issuemailWarnings finds those that the values of issuemail properties give reason
// for.
func (s RRset) issuemailWarnings(issuers []Issuer, found map[Warning]bool) {
	var named, empty, malformed bool
	own := ownNames(issuers)
	for _, p := range s.Properties {
		if !p.Is(TagIssuemail) {
			continue
		}
		if !found[NearMiss] && nearMiss(p.Value(), own, knownIdentifiers()) {
			found[NearMiss] = true
		}
		value, err := ParseValue(p.Value())
		if err != nil {
			malformed = true
			continue
		}
		named, empty = named || value.Issuer != "", empty || value.Issuer == ""
		value.addWarnings(found)
	}
	if malformed && (named || empty) {
		found[MalformedBesideValid] = true
	}
	if named && empty {
		found[NoIssuerBesideIssuer] = true
	}
}

// addWarnings adds those that a value gives reason for by itself.
func (v Value) addWarnings(found map[Warning]bool) {
	if v.Issuer != lowerASCII(v.Issuer) {
		found[IssuerCase] = true
	}
	if len(v.Parameters) > 0 {
		found[Parameters] = true
	}
	if slices.ContainsFunc(v.Parameters, Parameter.bindsAccount) {
		found[AccountBinding] = true
	}
}

// coreTag reports whether every CA knows the tag: those of RFC 8659 and RFC 9495.
func (p Property) coreTag() bool {
	return p.Is(TagIssue) || p.Is(TagIssuewild) || p.Is(TagIssuemail) || p.Is(TagIodef)
}

// bindsAccount holds for the parameters of RFC 8657, sections 3 and 4.
func (p Parameter) bindsAccount() bool {
	tag := lowerASCII(p.Tag)
	return tag == "accounturi" || tag == "validationmethods"
}

// issueOnly: nothing in the set restricts mail, and an unknown critical property
// would.
func (s RRset) issueOnly() bool {
	return (s.Has(TagIssue) || s.Has(TagIssuewild)) && !s.Has(TagIssuemail) &&
		!slices.ContainsFunc(s.Properties, Property.UnknownCritical)
}

// mailTags are what people take for issuemail and is further away.
var mailTags = [...]string{"mailissue", "emailissue", "issuesmime"}

// almostIssuemail reports whether a tag is a slip for issuemail: up to two letters
// away, as issueemail and issueemails are, or one of mailTags, and no tag of its own. The
// known tag that comes closest, issue, is four away.
func (p Property) almostIssuemail() bool {
	const slips = 2
	tag := lowerASCII(p.Tag())
	return !p.known() && (edits(tag, TagIssuemail, slips) <= slips || slices.Contains(mailTags[:], tag))
}

// nearMiss reports whether an issuemail value, well-formed or not, names an issuer
// that is no known one but almost: a slip of one letter away, or with a scheme,
// quotes, white space, a trailing dot or www. too many. A set may have thousands of values,
// so all that can be is found out of the known names before.
func nearMiss(value string, known ...[]knownName) bool {
	const longest = 300 // no issuer domain name has more than 253, and a scheme comes before
	name, _, _ := strings.Cut(value, ";")
	name = lowerASCII(strings.Trim(name, " \t"))
	if name == "" || len(name) > longest {
		return false
	}
	for _, list := range known {
		if slices.ContainsFunc(list, func(k knownName) bool { return k.name == name }) {
			return false
		}
	}
	bare := withoutExtras(name)
	return slices.ContainsFunc(known, func(list []knownName) bool {
		return slices.ContainsFunc(list, func(k knownName) bool { return bare == k.bare || oneSlip(name, k.name) })
	})
}

// almost reports whether a name, in lower case, is a slip for a known one.
func almost(name, known string) bool {
	return withoutExtras(name) == withoutExtras(known) || oneSlip(name, known)
}

// knownName is an issuer domain name that others are held against.
type knownName struct{ name, bare string } // bare without what withoutExtras takes off

// ownNames are those of the run's CAs.
func ownNames(issuers []Issuer) []knownName {
	var names []knownName
	for _, issuer := range issuers {
		for _, name := range issuer.Domains {
			names = append(names, knownName{name.String(), withoutExtras(name.String())})
		}
	}
	return names
}

// knownIdentifiers are the names that somebody recognises for mail.
var knownIdentifiers = sync.OnceValue(func() []knownName {
	var names []knownName
	for _, id := range Identifiers() {
		if id.Known {
			names = append(names, knownName{id.Name, withoutExtras(id.Name)})
		}
	}
	return names
})

// withoutExtras takes off what people put around an issuer domain name, and what comes with
// it when it is copied from a page: typographic quotes, spaces of other widths, and what was
// neither once it had another encoding.
func withoutExtras(name string) string {
	name = strings.TrimFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Pi, unicode.Pf, unicode.Cf) || strings.ContainsRune("\"'`´‚„\ufffd", r)
	})
	name = strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://")
	name = strings.TrimSuffix(name, "/")
	return strings.TrimPrefix(strings.TrimSuffix(name, "."), "www.")
}

// oneSlip reports whether at most one insertion, deletion, substitution or swap of
// neighbours leads from a to b.
func oneSlip(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(a) > len(b)+1 {
		return false
	}
	at := 0 // the first octet that differs
	for at < len(b) && a[at] == b[at] {
		at++
	}
	switch {
	case len(a) > len(b):
		return a[at+1:] == b[at:]
	case at == len(a) || a[at+1:] == b[at+1:]:
		return true
	}
	return a[at] == b[at+1] && a[at+1] == b[at] && a[at+2:] == b[at+2:]
}

// edits returns how many insertions, deletions, substitutions and swaps of
// neighbours lead from a to b (optimal string alignment), or a number above most
// if their lengths alone need more.
func edits(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

package scan

import (
	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// Warning is a code for what does not change the status but should be known. Its
// values are those of caa.Warning (what a set says), and the ones below. The set
// is closed; see Warnings.
type Warning string

// The warnings that need more than a set.
const (
	// HidesParent: the relevant RRset does not restrict mail, but a parent's does,
	// which it hides.
	HidesParent Warning = "hides-parent"
	// Inherited: the policy stands at a parent of the domain.
	Inherited Warning = "inherited"
	// DomainNotFound: the DNS says that the domain itself does not exist.
	DomainNotFound Warning = "domain-not-found"
	// IDNMapped: the cell's spelling was mapped by UTS 46 beyond case, width and
	// full stops.
	IDNMapped Warning = "idn-mapped"
	// BadALabel: a label beginning with xn-- is no A-label; it was asked as it is.
	BadALabel Warning = "bad-a-label"
	// HostOfURL: the cell holds a URL, or a host with a port, and its host was taken.
	HostOfURL Warning = "host-of-url"
	// PrimaryOfSeveral: the cell holds several addresses, and the one that Exchange
	// marks as the primary was taken.
	PrimaryOfSeveral Warning = "primary-of-several"
	// DNSSECNotValidated: nobody whose word can be relied on validated the answers.
	DNSSECNotValidated Warning = "dnssec-not-validated"
	// DNSSECUnsupported: the resolver could not validate what the zone is signed
	// with.
	DNSSECUnsupported Warning = "dnssec-unsupported"
	// AnswersDiffer: a union of snapshots has several answers, which decide differently for
	// one of the CAs.
	AnswersDiffer Warning = "answers-differ"
)

// warnings is the one table of what each Warning means.
var warnings = [...]struct {
	Code    Warning
	Meaning string
}{
	{Warning(caa.IssuerCase), "A CA's name is written with capital letters. Case does not count, but some CAs compare letter by letter."},
	{Warning(caa.FlagBits), "A record has flags that mean nothing, such as 1. Only 128 marks it critical, but some CAs take 1 for that."},
	{Warning(caa.CriticalKnownTag), "A record with the tag issuevmc, contactemail or contactphone is marked critical. It does not concern mail, but CAs that do not know the tag refuse to issue."},
	{Warning(caa.MalformedBesideValid), "An issuemail record is misspelt and permits nobody; others beside it are well-formed and decide."},
	{Warning(caa.Parameters), "An issuemail record has parameters after the CA's name. What they mean is up to that CA; they do not change the status here."},
	{Warning(caa.AccountBinding), "An issuemail record has accounturi or validationmethods, which are not defined for mail. A CA may refuse to issue, or ignore them."},
	{Warning(caa.NoIssuerBesideIssuer), "One issuemail record names no CA, which alone would forbid all, and another one names a CA. The one with the name decides."},
	{Warning(caa.NearMiss), "The name of a CA looks like a slip: it is one letter, a www., a quotation mark, a dot or an https:// away from one that is known."},
	{Warning(caa.TagNearMiss), "A record's tag looks like a slip for issuemail. As it stands it does not say which CAs may issue for mail."},
	{Warning(caa.IssueOnly), "The records restrict certificates for web servers but not for mail. Owners often believe that they do both."},
	{HidesParent, "No issuemail record stands here, and the records that do hide those of a parent domain, which say who may issue for mail."},
	{Inherited, "The deciding records stand at a parent of this domain and hold for all that is below it."},
	{DomainNotFound, "The DNS says that this domain does not exist. Mail cannot reach it; look for a typing error."},
	{IDNMapped, "The international domain name was typed with characters that the standard replaces or drops. Check that the domain in the report is the one that is meant."},
	{BadALabel, "A part of the domain begins with xn-- but does not decode to an international name. It was looked up as it is."},
	{HostOfURL, "The cell holds a web address, or a host with a port; its host was taken for the domain. Check that mail is meant for it."},
	{PrimaryOfSeveral, "The cell holds several addresses. Only the primary one, which Exchange marks with SMTP: in capitals, was looked at; another one may be denied what this one permits."},
	{DNSSECNotValidated, "No resolver that checks DNSSEC signatures, and whose word can be relied on, gave these answers. Broken signatures, which stop every CA, would not have been seen."},
	{DNSSECUnsupported, "The domain is signed in a way that the resolver cannot check, so it counts as not signed here. A CA may see it otherwise."},
	{AnswersDiffer, "The snapshots have several answers for this domain, which do not decide alike for every CA. The stricter decision is reported. Ask again to see which one holds."},
}

// Warnings returns every Warning, in the order of the table.
func Warnings() []Warning {
	codes := make([]Warning, len(warnings))
	for i, w := range warnings {
		codes[i] = w.Code
	}
	return codes
}

// Meaning returns a sentence for people who have never read an RFC.
func (w Warning) Meaning() string {
	for _, known := range warnings {
		if known.Code == w {
			return known.Meaning
		}
	}
	panic("scan: unknown warning " + string(w))
}

// warnings returns those of an Outcome, from the ending of the climb and its last
// answer, in the order of the table.
func (s *Scanner) warnings(o *Outcome, e climbKey, last *snapshot.Observation) []Warning {
	var list []Warning
	for _, w := range o.Records.Warnings(s.cfg.Issuers) {
		list = append(list, Warning(w))
	}
	if s.hidesParent(o) {
		list = append(list, HidesParent)
	}
	if !o.FoundAt.IsZero() && !e.atDomain {
		list = append(list, Inherited)
	}
	if e.notFound {
		list = append(list, DomainNotFound)
	}
	if notValidated(o, last) {
		list = append(list, DNSSECNotValidated)
	}
	if e.unsupported {
		list = append(list, DNSSECUnsupported)
	}
	return list
}

// hidesParent looks above a set that does not restrict mail for one that does. What
// was not answered hides nothing, and nothing above it counts either: the climb of this row
// has ended there, and whether a name above was asked depends on the other rows.
func (s *Scanner) hidesParent(o *Outcome) bool {
	if len(o.Records.Properties) == 0 || o.Records.Has(caa.TagIssuemail) {
		return false
	}
	for at := range o.FoundAt.Climb() {
		above, found := s.cfg.Store.Find(at)
		if !found || above.Failure != "" {
			return false
		}
		if above.Records.Has(caa.TagIssuemail) {
			return true
		}
	}
	return false
}

// notValidated reports whether answers from the DNS decided that nobody can be
// relied on to have validated.
func notValidated(o *Outcome, last *snapshot.Observation) bool {
	return o.DNSSEC == snapshot.Unknown && last.Failure == "" &&
		last.Transport != snapshot.Zone && last.Transport != snapshot.Overlay
}

// unsupported reports whether the resolver said, with an answer, that it knows neither the
// algorithm, nor the digest, nor so many iterations, or could not decide (RFC 8914,
// sections 4.2, 4.3 and 4.6; RFC 9276, section 3.2).
func unsupported(o *snapshot.Observation) bool {
	return o.Failure == "" && snapshot.HasEDE(o.EDE, snapshot.EDEUnsupported, snapshot.EDEUndecided)
}

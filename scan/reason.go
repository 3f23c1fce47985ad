package scan

import (
	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// Reason says why a row has its status. Its values are those of caa.Reason (a
// decision), snapshot.Failure (a lookup that failed) and the input reasons below
// (a cell that holds no domain). The set is closed; see Reasons.
type Reason string

// The input reasons, in the order in which they are tried: the first that fits
// is the row's.
const (
	BrokenRow        Reason = "broken-row"
	Empty            Reason = "empty"
	SeveralAddresses Reason = "several-addresses"
	IPLiteral        Reason = "ip-literal"
	TooLong          Reason = "too-long"
	BadIDN           Reason = "bad-idn"
	SingleLabel      Reason = "single-label"
	NotADomain       Reason = "not-a-domain"
)

// reasonText is a line of the one table that reports, README and legend use.
type reasonText struct {
	reason  Reason
	status  Status
	meaning string // the legend: what this reason says, for people who have read no RFC
	// detail is the sentence of a row. Words in braces are replaced: {domain},
	// {found} (where the set was found, with its owner behind an alias),
	// {issuer} (the CA's label), {names} (the label and the
	// issuer domain names), {listed} (the
	// issuers the set names), {property}, {tag}, {problem} (of a malformed
	// value), {asked} (the name whose query failed), {server}, {answer} (what
	// the server said).
	detail string
}

var reasonTexts = [...]reasonText{
	{
		Reason(caa.NoCAA), Permitted,
		"No CAA records were found at the domain or any parent, so every CA may issue.",
		"No CAA records at {domain} or any of its parents: every CA may issue.",
	},
	{
		Reason(caa.NoIssuemail), Permitted,
		"There are CAA records, but none with the tag issuemail. Only issuemail restricts certificates for mail; issue and issuewild restrict those for web servers.",
		"The CAA records at {found} have no issuemail property, so they do not restrict certificates for mail.",
	},
	{
		Reason(caa.IssuerListed), Permitted,
		"An issuemail record names this CA.",
		"The CAA records at {found} let {issuer} issue: {property}.",
	},
	{
		Reason(caa.IssuerNotListed), Denied,
		"The issuemail records name other CAs and not this one.",
		"The CAA records at {found} let only {listed} issue certificates for mail; {names} is not listed.",
	},
	{
		Reason(caa.NoIssuer), Denied,
		"An issuemail record without a CA's name forbids every CA to issue certificates for mail.",
		"The CAA records at {found} forbid every CA to issue certificates for mail: {property}.",
	},
	{
		Reason(caa.MalformedIssuemail), Denied,
		"Every issuemail record is misspelt. A misspelt record permits nobody and still restricts.",
		"The issuemail property at {found} is malformed, so it permits nobody and still restricts: {property} ({problem}).",
	},
	{
		Reason(caa.UnknownCritical), Denied,
		"A record is marked critical and has a tag that CAs do not know, so no CA may issue.",
		"A CAA record at {found} is marked critical and has a tag that CAs do not know ({tag}): no CA may issue.",
	},

	{
		BrokenRow, LookupFailed,
		"The line could not be read: a quotation mark is never closed, or a cell is over 1 MiB.",
		"The line could not be split into cells: a quotation mark is never closed, or a cell is over 1 MiB. Of such a line only the first MiB is kept.",
	},
	{
		Empty, LookupFailed,
		"The cell is empty, or the row has no such cell.",
		"There is no address or domain in this row.",
	},
	{
		SeveralAddresses, LookupFailed,
		"The cell holds several addresses or domains. Put each in a row of its own.",
		"The cell holds several addresses or domains; put each in a row of its own.",
	},
	{
		IPLiteral, LookupFailed,
		"The cell holds an IP address, or something that ends in a number as those do; CAA records belong to domain names.",
		"The cell holds an IP address in place of a domain, or something that ends in a number as those do; CAA records belong to domain names.",
	},
	{
		TooLong, LookupFailed,
		"The domain is longer than the DNS allows: 63 characters between dots, 253 in all.",
		"The domain is longer than the DNS allows: 63 characters between dots, 253 in all.",
	},
	{
		BadIDN, LookupFailed,
		"The international domain name breaks the rules for such names.",
		"The international domain name breaks the rules for such names (UTS 46).",
	},
	{
		SingleLabel, LookupFailed,
		"The cell holds a single word such as localhost or com; no CA issues for those.",
		"The cell holds a single word; a mailbox domain has at least two parts, such as example.com.",
	},
	{
		NotADomain, LookupFailed,
		"The cell holds neither an email address nor a domain.",
		"The cell holds neither an email address nor a domain.",
	},

	{
		Reason(snapshot.Timeout), LookupFailed,
		"No answer came in time.",
		"No answer for {asked} from {server} in time.",
	},
	{
		Reason(snapshot.Network), LookupFailed,
		"The resolver could not be reached, or broke off.",
		"{server} could not be reached when asked for {asked}, or broke off.",
	},
	{
		Reason(snapshot.ServFail), LookupFailed,
		"The resolver could not get an answer (SERVFAIL).",
		"{server} could not get an answer for {asked}: {answer}.",
	},
	{
		Reason(snapshot.Refused), LookupFailed,
		"The resolver refuses to answer (REFUSED).",
		"{server} refused to answer for {asked}: {answer}.",
	},
	{
		Reason(snapshot.NotImp), LookupFailed,
		"The resolver does not know this kind of question (NOTIMP).",
		"{server} does not know how to answer for {asked}: {answer}.",
	},
	{
		Reason(snapshot.FormErr), LookupFailed,
		"The resolver did not understand the question (FORMERR).",
		"{server} did not understand the question for {asked}: {answer}.",
	},
	{
		Reason(snapshot.RCode), LookupFailed,
		"The resolver answered with another error code.",
		"{server} answered for {asked} with an error: {answer}.",
	},
	{
		Reason(snapshot.DNSSECBogus), LookupFailed,
		"The DNSSEC signatures do not hold. A CA must not issue until they do.",
		"DNSSEC validation failed at {asked}, as {server} says ({answer}). No CA may issue until the zone is mended.",
	},
	{
		Reason(snapshot.NoAuthority), LookupFailed,
		"None of the domain's own name servers could be reached.",
		"The name servers responsible for {asked} could not be reached, says {server}: {answer}.",
	},
	{
		Reason(snapshot.Filtered), LookupFailed,
		"The resolver filters this name, so its answer is not the DNS's.",
		"{server} filters {asked}, so its answer is not the DNS's: {answer}. Ask a resolver that does not filter.",
	},
	{
		Reason(snapshot.Stale), LookupFailed,
		"The resolver had only an outdated answer.",
		"{server} had only an outdated answer for {asked}: {answer}.",
	},
	{
		Reason(snapshot.MalformedReply), LookupFailed,
		"The reply could not be read as an answer.",
		"What {server} replied for {asked} is no answer: a referral, or records that cannot be read, contradict each other or belong to another name.",
	},
	{
		Reason(snapshot.Truncated), LookupFailed,
		"The answer was cut short, over TCP too.",
		"The answer of {server} for {asked} was cut short, over TCP too.",
	},
	{
		Reason(snapshot.CNAMELoop), LookupFailed,
		"The domain's aliases (CNAME, DNAME) lead in a circle or are too many.",
		"The aliases (CNAME, DNAME) of {asked} lead in a circle, or there are more than 16 names, as {server} answers ({answer}).",
	},
	{
		Reason(snapshot.TLDNotFound), LookupFailed,
		"The last part of the domain does not exist in the DNS: a typing error or an internal name. No CA can issue for it.",
		"There is no top-level domain {asked}, says {server} ({answer}): a typing error or an internal name. No CA can issue for it.",
	},
	{
		Reason(snapshot.NotInZone), LookupFailed,
		"The name is in none of the zone files given, so nothing is known of it.",
		"{asked} is in none of the zone files given, or below a delegation whose zone is not among them.",
	},
	{
		Reason(snapshot.NotInSnapshot), LookupFailed,
		"The name was never asked in the run this report is made from.",
		"{asked} was not asked in the run this report is made from.",
	},
}

// Reasons returns every Reason: those of decisions, of the input, of lookups.
func Reasons() []Reason {
	reasons := make([]Reason, len(reasonTexts))
	for i, text := range reasonTexts {
		reasons[i] = text.reason
	}
	return reasons
}

// Status returns the status that the reason brings with it.
func (r Reason) Status() Status { return r.text().status }

// Meaning returns a sentence for people who have never read an RFC.
func (r Reason) Meaning() string { return r.text().meaning }

func (r Reason) text() reasonText {
	for _, text := range reasonTexts {
		if text.reason == r {
			return text
		}
	}
	panic("scan: unknown reason " + string(r))
}

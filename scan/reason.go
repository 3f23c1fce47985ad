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

// reasonText is a line of the one table that reports, manual and legend use.
type reasonText struct {
	reason  Reason
	status  Status
	meaning string // the legend: what this reason says, for people who have read no RFC
	advice  string // what to do about it; "" if nothing is to be done
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
		"",
		"No CAA records at {domain} or any of its parents: every CA may issue.",
	},
	{
		Reason(caa.NoIssuemail), Permitted,
		"There are CAA records, but none with the tag issuemail, which alone restricts certificates for mail; issue and issuewild restrict those for web servers. So every CA may issue.",
		"",
		"None of the CAA records at {found} has the tag issuemail, so they do not restrict certificates for mail.",
	},
	{
		Reason(caa.IssuerListed), Permitted,
		"An issuemail record names this CA.",
		"",
		"The CAA records at {found} let {issuer} issue: {property}.",
	},
	{
		Reason(caa.IssuerNotListed), Denied,
		"The issuemail records name other CAs and not this one.",
		"If this CA is to issue, have the fix published: the records that are there and one more that names this CA.",
		"The CAA records at {found} let only {listed} issue certificates for mail; {names} is not listed.",
	},
	{
		Reason(caa.NoIssuer), Denied,
		"The issuemail records name no CA, which forbids every CA to issue certificates for mail.",
		"Ask whoever runs the domain whether certificates for mail are forbidden on purpose; if not, have the fix published, which adds a record that names this CA.",
		"The CAA records at {found} forbid every CA to issue certificates for mail: {property}.",
	},
	{
		Reason(caa.MalformedIssuemail), Denied,
		"Every issuemail record is misspelt. Such a record names no CA and still restricts, so no CA may issue.",
		"Have the misspelt record corrected, or the fix published, which adds a record that names this CA.",
		"The issuemail record at {found} is misspelt, so it names no CA and still restricts: {property} ({problem}).",
	},
	{
		Reason(caa.UnknownCritical), Denied,
		"A record is marked critical and has a tag that CAs do not know, so no CA may issue.",
		"Ask whoever set the record what it is for. If it need not stop CAs, have the fix published, which takes the mark away.",
		"A CAA record at {found} is marked critical and has a tag that CAs do not know ({tag}): no CA may issue.",
	},

	{
		BrokenRow, LookupFailed,
		"The line could not be read: a quotation mark is never closed, or the line or a cell of it is too large.",
		"Mend the line in the list: close the quotation mark, or shorten what is too large.",
		"The line could not be split into cells: a quotation mark is never closed, a cell is over 1 MiB, or there are over 2 MiB or 16,384 cells in all. Of such a line only the first MiB is kept.",
	},
	{
		Empty, LookupFailed,
		"The cell is empty, or the row has no such cell.",
		"Put an address or a domain into the row, or take the row out.",
		"There is no address or domain in this row.",
	},
	{
		SeveralAddresses, LookupFailed,
		"The cell holds several addresses or domains, so it is not clear which one is meant.",
		"Put each address in a row of its own, or scan with --addresses split, or with --addresses primary if the list is from Exchange.",
		"The cell holds several addresses or domains; put each in a row of its own, or scan with --addresses split, or with --addresses primary if the list is from Exchange.",
	},
	{
		IPLiteral, LookupFailed,
		"The cell holds an IP address, or something that ends in a number as those do; CAA records belong to domain names.",
		"Put the domain of the mailbox in place of the IP address.",
		"The cell holds an IP address in place of a domain, or something that ends in a number as those do; CAA records belong to domain names.",
	},
	{
		TooLong, LookupFailed,
		"The domain is longer than the DNS allows: 63 characters between dots, 253 in all.",
		"Look for two addresses that have grown together, and correct the domain.",
		"The domain is longer than the DNS allows: 63 characters between dots, 253 in all.",
	},
	{
		BadIDN, LookupFailed,
		"The international domain name breaks the rules for such names.",
		"Correct the spelling of the domain, or write it in its xn-- form.",
		"The international domain name breaks the rules for such names (UTS 46).",
	},
	{
		SingleLabel, LookupFailed,
		"The cell holds a single word such as localhost or com; no CA issues for those.",
		"Write the whole domain of the mailbox, such as example.com.",
		"The cell holds a single word; a mailbox domain has at least two parts, such as example.com.",
	},
	{
		NotADomain, LookupFailed,
		"The cell holds neither an email address nor a domain.",
		"Correct the address, or take the row out.",
		"The cell holds neither an email address nor a domain.",
	},

	{
		Reason(snapshot.Timeout), LookupFailed,
		"No answer came in time.",
		"Scan again later; if it happens again, use a lower --concurrency or another resolver, then ask whoever runs the domain.",
		"No answer for {asked} from {server} in time.",
	},
	{
		Reason(snapshot.Network), LookupFailed,
		"The resolver could not be reached, or broke off.",
		"See that the resolver runs and can be reached from here, and scan again.",
		"{server} could not be reached when asked for {asked}, or broke off.",
	},
	{
		Reason(snapshot.ServFail), LookupFailed,
		"The resolver could not get an answer that it trusts, most often because the domain's name servers fail (SERVFAIL).",
		"Scan again later, and with another resolver; if it fails there too, whoever runs the domain has to mend its name servers.",
		"{server} could not get an answer for {asked}: {answer}.",
	},
	{
		Reason(snapshot.Refused), LookupFailed,
		"The resolver refuses to answer (REFUSED).",
		"Use a resolver that answers you: your own, or one that your network provides.",
		"{server} refused to answer for {asked}: {answer}.",
	},
	{
		Reason(snapshot.NotImp), LookupFailed,
		"The resolver does not know this kind of question (NOTIMP).",
		"Use another resolver, or a newer version of this one.",
		"{server} does not know how to answer for {asked}: {answer}.",
	},
	{
		Reason(snapshot.FormErr), LookupFailed,
		"The resolver did not understand the question (FORMERR).",
		"Use another resolver, or a newer version of this one.",
		"{server} did not understand the question for {asked}: {answer}.",
	},
	{
		Reason(snapshot.RCode), LookupFailed,
		"The resolver answered with an error code that is seldom met; caa_detail names it.",
		"Scan again with another resolver; if it fails there too, show caa_detail to whoever runs the domain.",
		"{server} answered for {asked} with an error: {answer}.",
	},
	{
		Reason(snapshot.DNSSECBogus), LookupFailed,
		"The domain's DNSSEC signatures do not hold: they are wrong, missing or out of date. No CA may issue until they are mended.",
		"Whoever runs the domain has to mend its DNSSEC, for instance renew signatures that have expired; until then no CA may issue.",
		"DNSSEC validation failed at {asked}, as {server} says ({answer}). No CA may issue until the zone is mended.",
	},
	{
		Reason(snapshot.NoAuthority), LookupFailed,
		"The resolver got no answer from any of the domain's own name servers.",
		"Scan again later; if it happens again, whoever runs the domain has to bring its name servers back.",
		"The name servers responsible for {asked} could not be reached, says {server}: {answer}.",
	},
	{
		Reason(snapshot.Filtered), LookupFailed,
		"The resolver blocks this name or answers for it from data of its own, such as a company's internal view, so what the public DNS holds is not known.",
		"Ask a resolver outside your network, by a tls:// or https:// address, one that does not filter; or have the name taken off the list.",
		"{server} filters {asked}, so what the DNS holds there is not known: {answer}.",
	},
	{
		Reason(snapshot.Stale), LookupFailed,
		"The resolver had only an outdated answer, because it could not get a new one.",
		"Scan again later, and with another resolver; if it happens there too, whoever runs the domain has to bring its name servers back.",
		"{server} had only an outdated answer for {asked}: {answer}.",
	},
	{
		Reason(snapshot.MalformedReply), LookupFailed,
		"What the resolver replied is no answer: it cannot be read, contradicts itself, speaks of another name or only points elsewhere.",
		"Use another resolver; if it happens there too, whoever runs the domain has to mend its name servers.",
		"What {server} replied for {asked} is no answer: a referral, or records that cannot be read, contradict each other or belong to another name.",
	},
	{
		Reason(snapshot.Truncated), LookupFailed,
		"The answer was cut short, even over TCP, which has room for long ones.",
		"Use another resolver; if it happens there too, whoever runs the domain has to mend its name servers or shorten its records.",
		"The answer of {server} for {asked} was cut short, over TCP too.",
	},
	{
		Reason(snapshot.CNAMELoop), LookupFailed,
		"The domain's aliases (CNAME, DNAME) lead in a circle, or there are more than 16 names.",
		"Whoever runs the domain has to mend its aliases.",
		"The aliases (CNAME, DNAME) of {asked} lead in a circle, or there are more than 16 names, as {server} answers ({answer}).",
	},
	{
		Reason(snapshot.TLDNotFound), LookupFailed,
		"The last part of the domain does not exist in the DNS: a typing error or an internal name. No CA can issue for it.",
		"Correct the domain, or take the row out: no CA can issue for a name that is not in the public DNS.",
		"There is no top-level domain {asked}, says {server} ({answer}): a typing error or an internal name. No CA can issue for it.",
	},
	{
		Reason(snapshot.NotInZone), LookupFailed,
		"The name is in none of the zone files given, so nothing is known of it.",
		"Give the zone file that holds the name too, or ask the DNS.",
		"{asked} is in none of the zone files given, or below a delegation whose zone is not among them.",
	},
	{
		Reason(snapshot.NotInSnapshot), LookupFailed,
		"The name was never asked in the run this report is made from.",
		"Scan the list itself, so that this name is asked.",
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

// Advice returns what to do about the reason, a sentence; "" if nothing is to be
// done.
func (r Reason) Advice() string { return r.text().advice }

func (r Reason) text() reasonText {
	for _, text := range reasonTexts {
		if text.reason == r {
			return text
		}
	}
	panic("scan: unknown reason " + string(r))
}

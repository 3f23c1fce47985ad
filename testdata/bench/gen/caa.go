package main

import (
	"fmt"
	"math/rand/v2"
)

// set is a CAA RRset: the RDATA of its records, and what it says to the issuer that
// is asked about.
type set struct {
	records []string
	verdict verdict
}

// verdict is what a report has to say: caa_status and caa_reason.
type verdict struct{ status, reason string }

// issuer is the CA that expected.csv is about.
const issuer = "digicert.com"

// issuers are those that records name.
var issuers = [...]string{
	"letsencrypt.org", issuer, "sectigo.com", "pki.goog", "globalsign.com",
	"amazon.com", "entrust.net", "ssl.com", "godaddy.com", "actalis.it",
}

var (
	noCAA           = verdict{"permitted", "no-caa"}
	noIssuemail     = verdict{"permitted", "no-issuemail"}
	issuerListed    = verdict{"permitted", "issuer-listed"}
	issuerNotListed = verdict{"denied", "issuer-not-listed"}
	noIssuer        = verdict{"denied", "no-issuer"}
	malformed       = verdict{"denied", "malformed-issuemail"}
	unknownCritical = verdict{"denied", "unknown-critical"}
)

// listed is the verdict of a set whose only issuemail property names this CA.
func listed(ca string) verdict {
	if ca == issuer {
		return issuerListed
	}
	return issuerNotListed
}

func issue(ca string) string     { return fmt.Sprintf("0 issue %q", ca) }
func issuemail(ca string) string { return fmt.Sprintf("0 issuemail %q", ca) }

// drawSet makes an RRset. Most restrict certificates for web servers only, as in the
// DNS at large; each reason occurs.
func drawSet(random *rand.Rand) set {
	web, mail := pick(random, issuers[:]), pick(random, issuers[:])
	switch kind := random.IntN(100); {
	case kind < 43:
		return set{[]string{issue(web)}, noIssuemail}
	case kind < 53:
		return set{[]string{issue(web), issuemail(mail)}, listed(mail)}
	case kind < 57:
		return set{[]string{issuemail(mail)}, listed(mail)}
	case kind < 61:
		return set{[]string{issuemail(";")}, noIssuer}
	case kind < 67:
		return set{[]string{issue(";")}, noIssuemail}
	case kind < 71:
		return set{[]string{`0 iodef "mailto:sec@example.com"`}, noIssuemail}
	case kind < 72: // an issuer beside ";" may issue
		return set{[]string{issuemail(";"), issuemail(mail)}, listed(mail)}
	case kind < 73: // the value that RFC 8659, section 4.2, calls malformed
		return set{[]string{issue(web), issuemail("%%%%%")}, malformed}
	case kind < 74: // the tag of RFC 8659, section 4.5
		return set{[]string{issuemail(issuer), `128 tbs "Unknown"`}, unknownCritical}
	}
	return drawLargeSet(random)
}

// drawLargeSet makes a set of 4 to 9 records, as the customers of large hosters have.
func drawLargeSet(random *rand.Rand) set {
	s := set{[]string{`0 issuewild ";"`}, noIssuemail}
	n := 3 + random.IntN(6)
	for _, i := range random.Perm(len(issuers))[:min(n, 6)] {
		s.records = append(s.records, issue(issuers[i]))
	}
	if n > 5 {
		s.records = append(s.records, `0 iodef "mailto:security@example.com"`)
	}
	if n > 6 {
		s.records = append(s.records, issuemail(issuer+"; account=1234"))
		s.verdict = issuerListed
	}
	return s
}

func pick(random *rand.Rand, list []string) string { return list[random.IntN(len(list))] }

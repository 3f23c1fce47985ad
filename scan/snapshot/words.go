package snapshot

import (
	"fmt"
	"strconv"
	"strings"

	"caascan/scan/caa"
)

// rcodeNames are the mnemonics of the RCODEs that a query can meet (IANA, DNS
// RCODEs).
var rcodeNames = map[uint16]string{
	0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
	6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI",
	16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME", 21: "BADALG",
	22: "BADTRUNC", 23: "BADCOOKIE",
}

// RCodeName returns the mnemonic of an RCODE, or RCODE and its number.
func RCodeName(rcode uint16) string {
	if name := rcodeNames[rcode]; name != "" {
		return name
	}
	return fmt.Sprintf(unnamedRCode+"%d", rcode)
}

// unnamedRCode begins the name of an RCODE that has none.
const unnamedRCode = "RCODE"

// parseRCode is the inverse of RCodeName; "" is 0.
func parseRCode(name string) (uint16, error) {
	if name == "" {
		return 0, nil
	}
	for rcode, known := range rcodeNames {
		if name == known {
			return rcode, nil
		}
	}
	number, numbered := strings.CutPrefix(name, unnamedRCode)
	rcode, err := strconv.ParseUint(number, 10, 16)
	if !numbered || err != nil {
		return 0, fmt.Errorf("unknown rcode %q", name)
	}
	return uint16(rcode), nil
}

// String returns the code, its purpose and the text sent, escaped.
func (e EDE) String() string {
	words := fmt.Sprintf("EDE %d", e.Code)
	if int(e.Code) < len(edes) {
		words += " (" + edes[e.Code].purpose + ")"
	}
	if e.Text != "" {
		words += `: "` + caa.Escape(e.Text) + `"`
	}
	return words
}

// Answer returns what the server said in words: the RCODE and the Extended DNS
// Errors.
func (o *Observation) Answer() string {
	words := []string{RCodeName(o.RCode)}
	for _, e := range o.EDE {
		words = append(words, e.String())
	}
	return strings.Join(words, ", ")
}

// Words says what the mark is, as it follows "Given away by": for people, without a full
// stop.
func (m Mark) Words() string {
	switch m {
	case "":
		return ""
	case MarkAuthority:
		return "it answers as the authority itself (AA is set), not as one that has asked the DNS"
	case MarkNoRecursion:
		return "its answer does not offer recursion (RA is not set), as every answer from the DNS does"
	case MarkForeignSOA:
		return "its answer has the SOA record of a zone that cannot hold the name"
	case MarkPolicySOA:
		return "its answer has the mark of a response policy (a SOA record in the additional section)"
	case MarkAfterServFail:
		return "a resolver that checks DNSSEC had answered SERVFAIL before"
	case MarkKeys:
		return "the DNSSEC keys on the way to the name could not be had"
	case MarkRoot:
		return "the keys of the root do not hold by the trust anchors and the clock of the machine"
	case MarkProof:
		return "the signed records in the snapshot do not prove the answer that stands there"
	}
	panic("snapshot: unknown mark " + string(m))
}

// Meaning returns what the state says, in sentences for people who have never read an
// RFC; "" for none, which is if nothing was looked up.
func (d DNSSEC) Meaning() string {
	switch d {
	case "":
		return ""
	case Secure:
		return "All answers are signed, and their signatures were found valid, by the resolver or by caascan itself."
	case Insecure:
		return "Signatures are checked, but something on the way has none, mostly because the zone is not signed. That alone stops no CA."
	case Bogus:
		return "The domain is signed, but its signatures do not hold. No CA may issue until they do."
	case Unknown:
		return "Nobody who can be relied on has checked signatures: the lookup failed, the resolver does not check them or may be forged on the way, or the records come from a file."
	}
	panic("snapshot: unknown DNSSEC state " + string(d))
}

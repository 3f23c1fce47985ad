package snapshot

import "slices"

// The INFO-CODEs of Extended DNS Errors (IANA; RFC 8914, section 4; RFC 9824, section
// 3.3) that have a name here. What each means to a lookup is in edes.
const (
	EDEUnsupportedAlgorithm  = 1
	EDEUnsupportedDigest     = 2
	EDEStaleAnswer           = 3
	EDEForged                = 4
	EDEIndeterminate         = 5
	EDEBogus                 = 6
	EDESignatureExpired      = 7
	EDESignatureNotYetValid  = 8
	EDEDNSKEYMissing         = 9
	EDERRSIGsMissing         = 10
	EDENoZoneKeyBit          = 11
	EDENSECMissing           = 12
	EDEBlocked               = 15
	EDECensored              = 16
	EDEFiltered              = 17
	EDEProhibited            = 18
	EDEStaleNXDOMAIN         = 19
	EDENoReachableAuthority  = 22
	EDENetworkError          = 23
	EDEExpiredBeforeValid    = 25
	EDEUnsupportedIterations = 27
	EDENegativeTrustAnchor   = 33
)

// EDEClass is what an Extended DNS Error means to a lookup (RFC 8914, section 4; SBR 4.2.2.1).
// The set is closed.
type EDEClass int

// The classes. "An answer" is NOERROR or NXDOMAIN.
const (
	EDESilent        EDEClass = iota // changes nothing
	EDEMakesFiltered                 // whatever the rcode
	EDEMakesStale                    // unless there is a validation error too
	EDEMakesBogus                    // of an answer and of SERVFAIL
	EDEWaived                        // makes an answer bogus: nobody has validated it, although it is signed
	EDEUndecided                     // makes SERVFAIL bogus; beside an answer, like EDEUnsupported
	EDEUnsupported                   // beside an answer: what it is signed with cannot be validated
	EDEUnreached                     // of SERVFAIL: the name's own servers gave no answer
)

// edes is the one table of the Extended DNS Errors: the purpose of each INFO-CODE, which
// is its place, and what it means to a lookup.
var edes = [...]struct {
	purpose string
	class   EDEClass
}{
	0:                        {"Other Error", EDESilent},
	EDEUnsupportedAlgorithm:  {"Unsupported DNSKEY Algorithm", EDEUnsupported},
	EDEUnsupportedDigest:     {"Unsupported DS Digest Type", EDEUnsupported},
	EDEStaleAnswer:           {"Stale Answer", EDEMakesStale},
	EDEForged:                {"Forged Answer", EDEMakesFiltered},
	EDEIndeterminate:         {"DNSSEC Indeterminate", EDEUndecided},
	EDEBogus:                 {"DNSSEC Bogus", EDEMakesBogus},
	EDESignatureExpired:      {"Signature Expired", EDEMakesBogus},
	EDESignatureNotYetValid:  {"Signature Not Yet Valid", EDEMakesBogus},
	EDEDNSKEYMissing:         {"DNSKEY Missing", EDEMakesBogus},
	EDERRSIGsMissing:         {"RRSIGs Missing", EDEMakesBogus},
	EDENoZoneKeyBit:          {"No Zone Key Bit Set", EDEMakesBogus},
	EDENSECMissing:           {"NSEC Missing", EDEMakesBogus},
	13:                       {"Cached Error", EDESilent},
	14:                       {"Not Ready", EDESilent},
	EDEBlocked:               {"Blocked", EDEMakesFiltered},
	EDECensored:              {"Censored", EDEMakesFiltered},
	EDEFiltered:              {"Filtered", EDEMakesFiltered},
	EDEProhibited:            {"Prohibited", EDEMakesFiltered},
	EDEStaleNXDOMAIN:         {"Stale NXDOMAIN Answer", EDEMakesStale},
	20:                       {"Not Authoritative", EDESilent},
	21:                       {"Not Supported", EDESilent},
	EDENoReachableAuthority:  {"No Reachable Authority", EDEUnreached},
	EDENetworkError:          {"Network Error", EDEUnreached},
	24:                       {"Invalid Data", EDESilent},
	EDEExpiredBeforeValid:    {"Signature Expired before Valid", EDEMakesBogus},
	26:                       {"Too Early", EDESilent},
	EDEUnsupportedIterations: {"Unsupported NSEC3 Iterations Value", EDEUnsupported},
	28:                       {"Unable to conform to policy", EDESilent},
	29:                       {"Synthesized", EDESilent},
	30:                       {"Invalid Query Type", EDESilent},
	31:                       {"Rate Limited", EDESilent},
	32:                       {"Over Quota", EDESilent},
	EDENegativeTrustAnchor:   {"Negative Trust Anchor", EDEWaived},
}

// Class returns what the error means to a lookup; one that is not in the table is
// EDESilent.
func (e EDE) Class() EDEClass {
	if int(e.Code) < len(edes) {
		return edes[e.Code].class
	}
	return EDESilent
}

// HasEDE reports whether an error of one of the classes is in a list.
func HasEDE(list []EDE, classes ...EDEClass) bool {
	return slices.ContainsFunc(list, func(e EDE) bool { return slices.Contains(classes, e.Class()) })
}

// EDEFailure returns the failure that a reply with this rcode comes to by its Extended
// DNS Errors, or "" if they say nothing against it. They may turn an answer into a
// failure, never a failure into an answer.
func EDEFailure(rcode uint16, list []EDE) Failure {
	answered, failed := rcode == noError || rcode == nxdomain, rcode == servFail
	switch {
	case len(list) == 0:
		return ""
	case HasEDE(list, EDEMakesFiltered):
		return Filtered
	case answered && HasEDE(list, EDEMakesBogus, EDEWaived):
		return DNSSECBogus
	case failed && HasEDE(list, EDEMakesBogus, EDEUndecided):
		return DNSSECBogus
	case HasEDE(list, EDEMakesStale):
		return Stale
	case failed && HasEDE(list, EDEUnreached):
		return NoAuthority
	}
	return ""
}

package caa_test

import (
	"testing"

	"caascan/scan/caa"
)

// What a critical property does shows whether its tag is known (RFC 8659,
// section 4.5).
func TestKnownTags(t *testing.T) {
	for _, test := range []struct {
		tag   string
		known bool
	}{
		{"issue", true},        // RFC 8659, 4.2
		{"issuewild", true},    // RFC 8659, 4.3
		{"iodef", true},        // RFC 8659, 4.4
		{"issuemail", true},    // RFC 9495, 3
		{"issuevmc", true},     // BIMI: Verified Mark Certificates
		{"contactemail", true}, // TLS BR, appendix A
		{"contactphone", true}, // TLS BR, appendix A
		{"IssueWild", true},    // RFC 8659, 4.1: ASCII case does not matter
		{"CONTACTPHONE", true},

		{"auth", false}, // RFC 8659, 7.1: reserved
		{"path", false},
		{"policy", false},
		{"tbs", false},
		{"issueemail", false},
		{"issueewild", false},    // real: nbp.pl
		{"issuewildcard", false}, // real: manta.network
		{"issuem", false},
		{"issue ", false},
		{" issue", false},
		{"issue\x00", false},
		{"issue-wild", false},
		{"i\u017fsue", false}, // its capital is ISSUE
		{"\x00", false},
	} {
		set := caa.RRset{Properties: properties(property(128, test.tag, "ca.example"))}
		if got := set.Decide(issuer("ca.example")).Reason != caa.UnknownCritical; got != test.known {
			t.Errorf("tag %q is known: %t, want %t", test.tag, got, test.known)
		}
	}
}

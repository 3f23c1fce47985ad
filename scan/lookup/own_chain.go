package lookup

import (
	"fmt"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// ChainStep is one name of a chain of trust, from the root down, as far as own validation has
// walked it.
type ChainStep struct {
	Name    string           `json:"name"` // spelt like snapshot.Observation.Owner
	Finding snapshot.Finding `json:"finding"`
	// DS are the tags, algorithms and digest types of the DS records or trust anchors, and
	// Keys the tags and algorithms of the keys, where a signed zone begins.
	DS   []string `json:"ds,omitempty"`
	Keys []string `json:"keys,omitempty"`
	// State is what that comes to, with Why in words where it is not secure.
	State snapshot.DNSSEC `json:"state"`
	Why   string          `json:"why,omitempty"`
	// Expires is when the first signature ends over the keys, or over what says that there is
	// no signed zone.
	Expires *time.Time `json:"expires,omitempty"`
	// Records are the signed records that show it, if a proof is kept: filled in by whoever
	// keeps the Links.
	Records []SignedSet `json:"records,omitempty"`
}

// Chain returns what own validation knows of the zones above a name; nothing if resolvers
// validate. It must not be called while names are looked up.
func (r *Client) Chain(name domain.Name) []ChainStep {
	if r.chain == nil {
		return nil
	}
	walk := r.chain.Walk(dnssec.Canonical(dns.Fqdn(name.String())))
	if walk[0].Verdict.State == dnssec.Undecided {
		return nil // nothing had to be validated
	}
	var steps []ChainStep
	for _, s := range walk {
		steps = append(steps, newChainStep(s))
	}
	return steps
}

func newChainStep(s dnssec.Step) ChainStep {
	step := ChainStep{Name: spelling(s.Name), Finding: findingOf(s), State: stateOf(s.Verdict.State)}
	for _, rr := range s.DS {
		switch rr := rr.(type) {
		case *dns.DS:
			step.DS = append(step.DS, fmt.Sprintf("%d (algorithm %d, digest %d)", rr.KeyTag, rr.Algorithm, rr.DigestType))
		case *dns.DNSKEY:
			step.DS = append(step.DS, fmt.Sprintf("%d (algorithm %d)", rr.KeyTag(), rr.Algorithm))
		}
	}
	for _, key := range s.Keys {
		step.Keys = append(step.Keys, fmt.Sprintf("%d (algorithm %d)", key.KeyTag(), key.Algorithm))
	}
	if s.Verdict.State == dnssec.Bogus || s.Verdict.State == dnssec.Insecure {
		step.Why = flawOf(s.Verdict.Flaw).String()
	}
	if !s.Verdict.Expires.IsZero() {
		step.Expires = &s.Verdict.Expires
	}
	return step
}

// stateOf says a State in the words of a snapshot.
func stateOf(s dnssec.State) snapshot.DNSSEC {
	switch s {
	case dnssec.Secure:
		return snapshot.Secure
	case dnssec.Insecure:
		return snapshot.Insecure
	case dnssec.Bogus:
		return snapshot.Bogus
	case dnssec.Undecided:
	}
	return snapshot.Unknown
}

package scan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// Verdict returns what the Store's answers say of name, for every CA. The same
// name gets the same *Verdict again.
func (s *Scanner) Verdict(name domain.Name) *Verdict {
	v := s.verdicts[name]
	if v == nil {
		name = name.Clone() // not the whole row with it
		v = s.judge(name)
		s.verdicts[name] = v
	}
	return v
}

// judge climbs through the answers (RFC 8659, section 3): the first set decides,
// whatever it holds, and so does the first failure.
func (s *Scanner) judge(name domain.Name) *Verdict {
	v := &Verdict{Domain: name}
	steps := s.climb(name)
	last := steps[len(steps)-1]
	for _, o := range steps {
		v.CheckedAt = oldest(v.CheckedAt, o.Time)
	}
	v.Resolver = last.Server
	v.DNSSEC = validation(steps)
	if last.Failure != "" {
		v.fail(steps, len(s.cfg.Issuers))
	} else if len(last.Records.Properties) > 0 {
		v.FoundAt, v.Records = last.Name, last.Records
	}
	v.Warnings = s.warnings(v, steps)
	if last.Failure != "" {
		return v
	}
	for _, issuer := range s.cfg.Issuers {
		v.Decisions = append(v.Decisions, v.decide(issuer))
	}
	return v
}

// climb returns the answers from name on to the one that ends the climb.
func (s *Scanner) climb(name domain.Name) []*snapshot.Observation {
	var steps []*snapshot.Observation
	for at := range name.Climb() {
		o, found := s.cfg.Store.Find(at)
		if !found {
			o = snapshot.Observation{Name: at, Failure: snapshot.NotInSnapshot}
		}
		steps = append(steps, &o)
		if o.EndsClimb() {
			break
		}
	}
	return steps
}

// validation is the weakest of the steps: bogus, then unknown, then insecure.
func validation(steps []*snapshot.Observation) snapshot.DNSSEC {
	weakest := snapshot.Secure
	for _, o := range steps {
		switch state := o.DNSSEC(); state {
		case snapshot.Bogus:
			return state
		case snapshot.Unknown:
			weakest = state
		case snapshot.Insecure:
			if weakest == snapshot.Secure {
				weakest = state
			}
		case snapshot.Secure:
		}
	}
	return weakest
}

func oldest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// fail gives every CA the same decision: the lookup failed, at the last step.
func (v *Verdict) fail(steps []*snapshot.Observation, issuers int) {
	o := steps[len(steps)-1]
	reason := Reason(o.Failure)
	asked := o.Asked
	if asked == "" {
		asked = o.Name.String()
	}
	server := o.Server
	if server == "" {
		server = "the resolver"
	}
	detail := fill(reason, "{asked}", asked, "{server}", server, "{answer}", o.Answer())
	if len(o.EDE) > 0 && !o.Replied() { // its words may tell more than that it could not be read
		detail = strings.TrimSuffix(detail, ".") + ": " + o.Answer() + "."
	}
	v.Decisions = slices.Repeat([]Decision{{Status: LookupFailed, Reason: reason, Detail: detail}}, issuers)
	v.OnFailure = onFailure(steps)
}

// onFailure says what SBR 4.2.2.1 lets a CA do after the failure at the last step:
// issue only if all that the lookup touched is proven insecure, and not where
// anything of it is signed.
func onFailure(steps []*snapshot.Observation) OnFailure {
	switch failure := steps[len(steps)-1].Failure; {
	case failure == snapshot.TLDNotFound:
		return OnFailureNone
	case failure == snapshot.DNSSECBogus:
		return OnFailureMustNotIssue
	case !failure.Excusable():
		return OnFailureUnknown
	}
	proven := true
	for i, o := range steps {
		for _, p := range o.Proofs {
			switch p.State {
			case snapshot.ProvenSigned:
				return OnFailureMustNotIssue
			case snapshot.NotProven:
				proven = false
			case snapshot.ProvenInsecure:
			}
		}
		needed := i == 0 || i == len(steps)-1 || len(o.Aliases) > 0
		if needed && len(o.Proofs) <= len(o.Aliases) {
			proven = false // the name's, and one for each alias
		}
	}
	if proven {
		return OnFailureMayIssue
	}
	return OnFailureUnknown
}

// refusal returns the Verdict of all cells without a domain for this reason.
func (s *Scanner) refusal(reason Reason) *Verdict {
	v := s.refusals[reason]
	if v == nil {
		decision := Decision{Status: LookupFailed, Reason: reason, Detail: fill(reason)}
		v = &Verdict{Decisions: slices.Repeat([]Decision{decision}, len(s.cfg.Issuers))}
		s.refusals[reason] = v
	}
	return v
}

func (v *Verdict) decide(issuer caa.Issuer) Decision {
	decided := v.Records.Decide(issuer)
	reason := Reason(decided.Reason)
	d := Decision{Status: Status(decided.Status), Reason: reason}
	pairs := []string{"{domain}", v.Domain.String(), "{issuer}", issuer.Label, "{names}", namesOf(issuer)}
	if !v.FoundAt.IsZero() {
		pairs = append(pairs, "{found}", v.foundWords(), "{listed}", listedWords(v.Records))
	}
	if decided.Property != (caa.Property{}) {
		pairs = append(pairs,
			"{property}", short(decided.Property.String()),
			"{tag}", short(caa.Escape(decided.Property.Tag())),
			"{problem}", problemWords(decided.Property))
	}
	d.Detail = fill(reason, pairs...)
	for _, p := range v.Records.Fix(issuer) {
		d.Fix = append(d.Fix, fqdn(v.Records.Owner)+" IN CAA "+p.ZoneText())
	}
	return d
}

// fill puts values in the places of a reason's sentence.
func fill(reason Reason, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(reason.text().detail)
}

func (v *Verdict) foundWords() string {
	if v.Records.Owner == v.FoundAt.String() {
		return v.Records.Owner
	}
	return v.FoundAt.String() + " (through an alias, at " + v.Records.Owner + ")"
}

// manyListed is how many issuers a sentence names before it only counts them.
const manyListed = 8

// listedWords names the issuers that the set's issuemail properties authorise.
func listedWords(set caa.RRset) string {
	var names []string
	for _, p := range set.Properties {
		if !p.Is(caa.TagIssuemail) {
			continue
		}
		value, err := caa.ParseValue(p.Value())
		if err != nil || value.Issuer == "" {
			continue
		}
		if name := short(strings.ToLower(value.Issuer)); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if more := len(names) - manyListed; more > 0 {
		names = append(names[:manyListed], fmt.Sprintf("%d more", more))
	}
	return words(names, "and")
}

// namesOf returns a CA's issuer domain names, behind its label where that is
// another word.
func namesOf(issuer caa.Issuer) string {
	names := make([]string, len(issuer.Domains))
	for i, name := range issuer.Domains {
		names[i] = name.String()
	}
	if len(names) == 1 && names[0] == issuer.Label {
		return issuer.Label
	}
	return issuer.Label + " (" + words(names, "or") + ")"
}

// words joins as people do: a, b and c.
func words(list []string, conjunction string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " " + conjunction + " " + list[last]
}

func problemWords(p caa.Property) string {
	_, err := caa.ParseValue(p.Value())
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(err.Error(), caa.ErrValue.Error()+": ")
}

// longest is how many characters of a record a sentence quotes; the whole record
// stands in its own column.
const longest = 300

func short(text string) string {
	if len(text) <= longest {
		return text
	}
	cut := text[:longest]
	if escape := strings.LastIndexByte(cut, '\\'); escape >= longest-3 {
		cut = cut[:escape] // not a part of it
	}
	return cut + "..."
}

func fqdn(name string) string { return strings.TrimSuffix(name, ".") + "." }

package scan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// cachedVerdict is what a Scanner keeps of a domain, as small as possible: there is one
// for each name that the Store has.
type cachedVerdict struct {
	checkedAt int64  // seconds of Unix time, also those of the zero time
	outcome   stamp  // of the Outcome that it had last
	number    uint32 // Verdict.Number; 0 until it is met
}

// absentVerdict is that of a domain that the Store does not have.
type absentVerdict struct {
	name domain.Name
	cachedVerdict
}

// Verdict returns what the Store's answers say of name, for every CA.
func (s *Scanner) Verdict(name domain.Name) Verdict {
	name, k := s.cached(name)
	if k.number == 0 {
		s.met++
		k.number = s.met
	}
	o := s.outcomes.at(k.outcome)
	if o == nil {
		k.outcome = s.judge(name)
		k.checkedAt = checkedAt(s.steps).Unix()
		o = s.outcomes.at(k.outcome)
	}
	return Verdict{Domain: name, Number: int(k.number), CheckedAt: time.Unix(k.checkedAt, 0).UTC(), Outcome: o}
}

// cached returns what is kept of a domain, and its name without the row that it is from.
func (s *Scanner) cached(name domain.Name) (domain.Name, *cachedVerdict) {
	place, found := s.cfg.Store.Place(name)
	if !found {
		k := s.absent[name]
		if k == nil {
			k = &absentVerdict{name: name.Clone()}
			s.absent[k.name] = k
		}
		return k.name, &k.cachedVerdict
	}
	if more := s.cfg.Store.Places() - len(s.verdicts); more > 0 {
		s.verdicts = append(s.verdicts, make([]cachedVerdict, more)...)
	}
	return s.cfg.Store.NameAt(place), &s.verdicts[place]
}

// Outcome returns that of the Verdict on name, which was met before or not. What it refers
// to may be made again for the next call, so two calls may give two equal ones.
func (s *Scanner) Outcome(name domain.Name) *Outcome { return s.outcomes.at(s.judge(name)) }

// judge climbs through the answers (RFC 8659, section 3): the first set decides,
// whatever it holds, and so does the first failure. The Outcome is kept. If a union of
// snapshots has other answers too, these are climbed through as well.
func (s *Scanner) judge(name domain.Name) stamp {
	s.steps = s.cfg.Store.AppendClimb(s.steps[:0], name)
	if s.cfg.Store.Differs(name) {
		return s.judgeAll(name)
	}
	return s.kept(climbKeyOf(s.steps))
}

// kept is the Outcome of the climb in steps.
func (s *Scanner) kept(e climbKey) stamp {
	if kept := s.outcomes.find(e); kept != 0 {
		return kept
	}
	return s.outcomes.add(e, s.outcome(e))
}

// climbKey is all of a climb that its Outcome depends on: the answer that ended it, and
// what the others add. Climbs with the same key share one Outcome.
type climbKey struct {
	at          domain.Name // which has one answer
	ending      int         // unless a union has several; this is the place of it
	joined      string      // then the keys of the other climbs, if this stands for all
	dnssec      snapshot.DNSSEC
	onFailure   OnFailure
	atDomain    bool // and not at a parent
	notFound    bool // the domain itself
	elsewhere   bool // the set, and not in the domain's registrable domain
	unsupported bool // any answer, so that its DNSSEC could not be validated
	expires     bool // the signature over the set, soon
}

func climbKeyOf(steps []snapshot.Observation) climbKey {
	last := &steps[len(steps)-1]
	e := climbKey{
		at:        last.Name,
		dnssec:    validation(steps),
		onFailure: onFailure(steps),
		atDomain:  len(steps) == 1,
		notFound:  steps[0].NameNotFound(),
	}
	if last.Failure == "" {
		e.elsewhere = elsewhere(steps[0].Name, last.Records)
		e.expires = !last.Expires.IsZero()
	}
	for i := range steps {
		e.unsupported = e.unsupported || unsupported(&steps[i])
	}
	return e
}

// outcome is that of the climb in steps.
func (s *Scanner) outcome(e climbKey) *Outcome {
	last := &s.steps[len(s.steps)-1]
	o := &Outcome{Resolver: last.Server, DNSSEC: e.dnssec, OnFailure: e.onFailure}
	if last.Failure == "" && len(last.Records.Properties) > 0 {
		o.FoundAt, o.Records = last.Name, last.Records
	}
	o.Warnings = s.warnings(o, e, last)
	if last.Failure != "" {
		o.Decisions = slices.Repeat([]Decision{failed(last)}, len(s.cfg.Issuers))
		return o
	}
	fix := newFix(e, last)
	for _, issuer := range s.cfg.Issuers {
		d := o.decide(issuer)
		if d.Status == Denied {
			d.Detail += siblingWords(issuer, o.Records)
		}
		if fix.Set = o.Records.Fix(issuer); fix.Set != nil {
			own := fix
			d.Fix, d.Detail = &own, d.Detail+Sentence(fix.after(last.Transport))
		}
		o.Decisions = append(o.Decisions, d)
	}
	return o
}

// validation is the weakest of the steps: bogus, then unknown, then insecure.
func validation(steps []snapshot.Observation) snapshot.DNSSEC {
	weakest := snapshot.Secure
	for i := range steps {
		switch state := steps[i].DNSSEC(); state {
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

// checkedAt is when the oldest of the answers came that tell.
func checkedAt(steps []snapshot.Observation) time.Time {
	var oldest time.Time
	for i := range steps {
		if at := steps[i].Time; oldest.IsZero() || !at.IsZero() && at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

// failed is the same for every CA: the lookup failed, at the last step.
func failed(last *snapshot.Observation) Decision {
	reason := Reason(last.Failure)
	detail := fill(reason, func(word string) string {
		switch word {
		case "asked":
			return cmp.Or(last.Asked, last.Name.String())
		case "server":
			return cmp.Or(last.Server, "the resolver")
		case "answer":
			return last.Answer()
		}
		panic("scan: " + word + " in the sentence of " + string(reason))
	})
	if words := cmp.Or(markWords(last), flawWords(last)); words != "" {
		detail = words
	}
	if len(last.EDE) > 0 && !last.Replied() { // its words may tell more than that it could not be read
		detail = Sentence(strings.TrimSuffix(string(detail), ".") + ": " + last.Answer() + ".")
	}
	return Decision{Status: LookupFailed, Reason: reason, Detail: detail}
}

// markWords is the sentence of a failure that a mark gave away, "" if none did.
func markWords(last *snapshot.Observation) Sentence {
	server, asked := cmp.Or(last.Server, "the resolver"), cmp.Or(last.Asked, last.Name.String())
	switch {
	case last.Mark == "":
		return ""
	case last.Failure == snapshot.Filtered:
		return Sentence(server + " does not answer for " + asked + " from the public DNS: " + last.Mark.Words() +
			". What the DNS holds there is not known; ask a resolver outside your network, by a tls:// or https:// address.")
	case last.Mark == snapshot.MarkKeys:
		return Sentence("The DNSSEC keys or DS records of " + asked + " could not be had from " + server + " (" + string(last.Failure) +
			"), and without them no answer for " + last.Name.String() + " can be validated.")
	case last.Mark == snapshot.MarkRoot:
		return Sentence("Nothing could be validated when " + last.Name.String() + " was asked: the keys of the root zone, as " + server +
			" passes them, do not hold by the trust anchors and the clock of this machine. Look at the clock first.")
	case last.Mark == snapshot.MarkProof:
		return Sentence("The snapshot has an answer for " + asked + ", but the signed records in it do not prove that answer, so it does not count.")
	case last.Failure == snapshot.ServFail:
		return Sentence(server + " could not get an answer for " + asked + " that it trusts (SERVFAIL). " +
			"The one that came afterwards was not validated, and " + asked + " is not proven to be unsigned, so it does not count.")
	}
	return ""
}

// flawWords is the sentence of an answer that was found bogus here, "" of all others.
func flawWords(last *snapshot.Observation) Sentence {
	if last.Flaw == nil || last.Failure != snapshot.DNSSECBogus {
		return ""
	}
	words := "The answer of " + last.Server + " for " + last.Name.String() + " is bogus: " + last.Flaw.String() + "."
	if last.Flaw.Reason == snapshot.FlawUnsigned || last.Flaw.Reason == snapshot.FlawDenial {
		words += " It looks the same if a resolver answers for the name from data of its own, such as a company's internal view; one outside your network tells."
	}
	return Sentence(words)
}

// onFailure says what SBR 4.2.2.1 lets a CA do after the failure at the last step:
// issue only if all that the lookup touched is proven insecure, and not if
// anything of it is signed.
func onFailure(steps []snapshot.Observation) OnFailure {
	switch failure := steps[len(steps)-1].Failure; {
	case failure == "":
		return OnFailureNone
	case failure == snapshot.TLDNotFound:
		return OnFailureNone
	case failure == snapshot.DNSSECBogus:
		return OnFailureMustNotIssue
	case !failure.Excusable():
		return OnFailureUnknown
	}
	proven := steps[len(steps)-1].Mark != snapshot.MarkKeys // there was an answer, and nobody knows what it is worth
	for i := range steps {
		o := &steps[i]
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
func (s *Scanner) refusal(reason Reason) Verdict {
	o := s.refusals[reason]
	if o == nil {
		decision := Decision{Status: LookupFailed, Reason: reason, Detail: Sentence(reason.text().detail)}
		o = &Outcome{Decisions: slices.Repeat([]Decision{decision}, len(s.cfg.Issuers))}
		s.refusals[reason] = o
	}
	return Verdict{Outcome: o}
}

func (o *Outcome) decide(issuer caa.Issuer) Decision {
	decided := o.Records.Decide(issuer)
	d := Decision{Status: Status(decided.Status), Reason: Reason(decided.Reason)}
	d.Detail = fill(d.Reason, func(word string) string {
		switch word {
		case "domain":
			return domainMark
		case "found":
			return o.foundWords()
		case "issuer":
			return issuer.Label
		case "names":
			return namesOf(issuer)
		case "listed":
			return listedWords(o.Records)
		case "property":
			return short(decided.Property.String())
		case "tag":
			return short(caa.Escape(decided.Property.Tag()))
		case "problem":
			return problemWords(decided.Property)
		}
		panic("scan: " + word + " in the sentence of " + string(d.Reason))
	})
	return d
}

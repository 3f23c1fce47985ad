package lookup

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/caa"
	"caascan/scan/dnssec"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// KeepProof has own validation hand over what it rests on: each Link to links, before the
// answers that need it, from whatever goroutine has learnt it, and with the Observations of
// answers what is Signed of them. It is called after Probe and before names are looked up.
func (r *Client) KeepProof(links func(snapshot.Link)) {
	r.links = links
	if r.chain == nil {
		return
	}
	r.chain.OnLearn(func(q dnssec.Query, reply *dnssec.Reply, at time.Time, v dnssec.Verdict) {
		links(snapshot.Link{Name: spelling(q.Name), Type: dns.TypeToString[q.Type], TTL: secondsUntil(v.Until, at), Signed: newSigned(reply, at)})
	})
}

// secondsUntil is how long something may be used, in seconds that have begun.
func secondsUntil(until, at time.Time) uint32 {
	if !until.After(at) {
		return 0
	}
	const mostKept = 24 * time.Hour // of whatever a Chain has learnt
	return uint32((min(until.Sub(at), mostKept) + time.Second - 1) / time.Second)
}

func newSigned(reply *dnssec.Reply, at time.Time) snapshot.Signed {
	return snapshot.Signed{Time: at, RRsets: reply.RRsets()}
}

// signedParts are the replies that an answer rests on. judged says of the time when a reply came
// as of when it was validated.
func signedParts(parts []part, judged func(time.Time) time.Time) []snapshot.Part {
	var list []snapshot.Part
	for _, p := range parts {
		list = append(list, snapshot.Part{Signed: newSigned(p.reply, judged(p.at)), Aliases: len(p.path) - 1})
	}
	return list
}

// takeVerdict takes over what own validation has shown of an answer that is not bogus.
func takeVerdict(o *snapshot.Observation, v dnssec.Verdict) {
	o.Own, o.Flaw, o.Expires = stateOf(v.State), nil, time.Time{}
	if flaw := flawOf(v.Flaw); v.State == dnssec.Insecure && flaw.Unsupported() {
		o.Flaw = flaw
	}
	soon := v.Expires.Sub(o.Time) < snapshot.ExpiresSoon
	if v.State == dnssec.Secure && soon && len(o.Records.Properties) > 0 {
		o.Expires = v.Expires
	}
}

// Again validates the answers of a snapshot once more, by the signed records that it holds and
// as of when they came. It is handed everything in the order of the lines. What the records do
// not prove, because they were changed, are not all there or rest on other trust anchors, is
// made a failure. Of an answer that is Insecure it is proven that nobody has signed it, and not
// what it holds. An Again is for one snapshot and one goroutine.
type Again struct {
	anchors dnssec.Anchors
	run     *snapshot.Header // whose answers come
	chain   *dnssec.Chain    // of the run
	held    snapshot.Held
	wasted  int // verifications that have failed in runs before
	// Held answers were validated again, and Bare ones are there without a proof, because
	// the run did not keep any or did not validate them itself.
	Held, Bare int
	// Broken are the names of the answers whose proof does not hold.
	Broken []domain.Name
}

// NewAgain returns an Again that trusts the anchors; those of the root if they are nil.
func NewAgain(anchors dnssec.Anchors) *Again {
	if anchors == nil {
		anchors = dnssec.RootAnchors()
	}
	return &Again{anchors: anchors}
}

// Learn takes in a Link of a run.
func (a *Again) Learn(run *snapshot.Header, l snapshot.Link) {
	a.enter(run)
	if !a.during(l.Time) || a.exhausted() {
		return // what rests on it is not proven then
	}
	reply, err := dnssec.NewReply(l.RRsets, l.TTL)
	if err != nil {
		return
	}
	q := dnssec.Query{Name: dnssec.Canonical(dns.Fqdn(l.Name)), Type: dns.StringToType[l.Type]}
	a.chain.Learn(q, reply, l.Time)
}

// enter begins a run, which has asked for everything itself.
func (a *Again) enter(run *snapshot.Header) {
	if a.run == run {
		return
	}
	if a.chain != nil {
		a.wasted += a.chain.Memory().Wasted
	}
	a.run, a.chain = run, dnssec.NewChain(a.anchors)
}

// How many verifications may fail, and for each answer that holds besides. An honest snapshot
// has few that do; with more than that it was made to cost time, and nothing more is verified.
const (
	mostWasted = 5000
	perAnswer  = 2
)

func (a *Again) exhausted() bool {
	return a.wasted+a.chain.Memory().Wasted > mostWasted+perAnswer*a.Held
}

// How long before its start and after it what a run has learnt may have come. Keys that were
// given up long ago prove nothing of what came later; a clock may have been set.
const (
	beforeRun  = time.Hour
	longestRun = 30 * 24 * time.Hour
)

func (a *Again) during(at time.Time) bool {
	since := at.Sub(a.run.Started)
	return since >= -beforeRun && since <= longestRun
}

// Check validates an Observation of a run.
func (a *Again) Check(run *snapshot.Header, o *snapshot.Observation) {
	switch {
	case !run.Proves(o) && o.Failure == "":
		a.Bare++
	case run.Proves(o) && !a.proves(run, o):
		a.Broken = append(a.Broken, o.Name)
		*o = o.Unproven()
	case run.Proves(o):
		a.Held++
	}
	if run.Flags.Proof && run.Flags.DNSSEC == snapshot.OwnValidation {
		a.enter(run)
		for i := range o.Proofs {
			a.excuse(o, &o.Proofs[i])
		}
	}
	o.Signed = nil
}

// proves validates an answer. It may be one that has been, and comes once more with what was
// found of its delegations.
func (a *Again) proves(run *snapshot.Header, o *snapshot.Observation) bool {
	a.enter(run)
	if len(o.Signed) == 0 {
		if !a.held.Has(o) {
			return false
		}
		a.Held-- // it counts once
		return true
	}
	if a.exhausted() {
		return false
	}
	verdict, reply := a.validate(o)
	if reply == nil || !stands(o.Own, verdict.State) || !a.says(o, reply) {
		return false
	}
	takeVerdict(o, verdict)
	a.held.Add(o)
	return true
}

// stands reports whether what own validation is said to have found is no more than what it
// finds. A later version may be able to validate more.
func stands(said snapshot.DNSSEC, found dnssec.State) bool {
	switch said {
	case snapshot.Secure:
		return found == dnssec.Secure
	case snapshot.Insecure:
		return found == dnssec.Secure || found == dnssec.Insecure
	case snapshot.Bogus, snapshot.Unknown:
	}
	return false
}

// longestChase is how long a name's aliases may take to be followed, and the keys to be fetched.
const longestChase = 24 * time.Hour

// validate validates the replies that an answer rests on. It returns the last of them, nil if
// they are not those of the answer.
func (a *Again) validate(o *snapshot.Observation) (dnssec.Verdict, *dnssec.Reply) {
	names := []string{dnssec.Canonical(dns.Fqdn(o.Name.String()))}
	for _, alias := range o.Aliases {
		names = append(names, dnssec.Canonical(dns.Fqdn(alias)))
	}
	verdict := dnssec.Verdict{State: dnssec.Secure}
	var reply *dnssec.Reply
	for i, p := range o.Signed {
		last := i == len(o.Signed)-1
		if p.Aliases < 0 || p.Aliases >= len(names) || last && p.Aliases != len(names)-1 {
			return dnssec.Verdict{}, nil
		}
		late := p.Time.Sub(o.Time)
		if !a.during(p.Time) || late.Abs() > longestChase || last && late < 0 {
			return dnssec.Verdict{}, nil
		}
		var err error
		if reply, err = dnssec.NewReply(p.RRsets, 0); err != nil {
			return dnssec.Verdict{}, nil
		}
		v, _ := a.chain.Answer(dnssec.Question{Path: names[:p.Aliases+1], Type: dns.TypeCAA, Open: !last}, reply, p.Time)
		verdict, names = verdict.And(v), names[p.Aliases:]
	}
	return verdict, reply
}

// says reports whether an answer is what the last of its replies says.
func (a *Again) says(o *snapshot.Observation, reply *dnssec.Reply) bool {
	end := o.Name.String()
	if last := len(o.Aliases) - 1; last >= 0 {
		end = o.Aliases[last]
	}
	records := reply.Records(dnssec.Canonical(dns.Fqdn(end)), dns.TypeCAA)
	if len(records) == 0 {
		return len(o.Records.Properties) == 0 && a.exists(o)
	}
	var set []caa.Property
	for _, rr := range records {
		octets, isText := rr.(*dns.RFC3597)
		if !isText {
			return false
		}
		rdata, err := hex.DecodeString(octets.Rdata)
		if err != nil {
			return false
		}
		property, err := caa.ParseRDATA(rdata)
		if err != nil {
			return false
		}
		set = append(set, property)
	}
	return o.Records.Owner == end && snapshot.SameRecords(set, o.Records.Properties)
}

// exists reports whether an empty answer may be one of a top-level domain, if it is for one:
// what the root itself denies is none, and no CA can issue below it. Of all other names it makes
// no difference.
func (a *Again) exists(o *snapshot.Observation) bool {
	if !o.Name.IsTLD() || len(o.Aliases) > 0 {
		return true
	}
	trust, _ := a.chain.Trust(o.Name.String()+".", o.Signed[len(o.Signed)-1].Time)
	return trust.State == dnssec.Insecure || trust.State == dnssec.Secure && trust.Zone.Name != "."
}

// excuse finds once more whether a name that a failure touches is proven not to be signed, and
// says so if it is not.
func (a *Again) excuse(o *snapshot.Observation, p *snapshot.Proof) {
	if p.State != snapshot.ProvenInsecure {
		return
	}
	at := dnssec.Canonical(dns.Fqdn(p.Steps[len(p.Steps)-1].Name))
	if a.unsigned(o, at) {
		return
	}
	p.State = snapshot.NotProven
	p.Steps = slices.Clone(p.Steps)
	p.Steps[len(p.Steps)-1].Finding = snapshot.Unproven
}

// unsigned reports whether a name is proven to be where the signed zones end, by what could
// still be used when what it excuses had come. That is of the run, unless it was used again.
func (a *Again) unsigned(o *snapshot.Observation, at string) bool {
	if o.Failure != "" && !a.during(o.Time) {
		return false
	}
	steps := a.chain.Walk(at)
	if slices.ContainsFunc(steps, func(s dnssec.Step) bool { return s.Until.Before(o.Time.Truncate(time.Second)) }) {
		return false
	}
	last := steps[len(steps)-1]
	finding := findingOf(last)
	return last.Name == at && (finding == snapshot.InsecureDelegation || finding == snapshot.OptOutDelegation)
}

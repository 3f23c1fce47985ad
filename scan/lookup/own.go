package lookup

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/snapshot"
)

// Own validation. A reply to a question for CAA records is kept until the step has come to
// its end, and is then validated by the Client's Chain. What that lacks, the DNSKEY records
// of a zone or the DS records of a name, is asked for by a step of its own, a link, which is
// sent, timed and tried again like any other; all steps that need it wait for the one link.
// A step that waits holds no place and nothing is due for it. What the Chain has learnt is asked
// for again when its TTL is over. A link may wait for other links then, of zones further up.
//
// What is bogus is asked once more before it stands, with CD clear and elsewhere if there is
// another server: with CD set a resolver may pass on what it would not have believed (RFC
// 6840, section 5.9 and appendix B).

// Validation is who validates DNSSEC.
type Validation int

// The Validations.
const (
	ByResolver Validation = iota // by AD of those that are believed
	Own                          // here; if no server passes DNSSEC records nobody does
	Auto                         // here, unless all servers that are asked validate and are believed, or none passes DNSSEC records
	Off                          // by nobody
)

// decide says who validates, once the servers to be asked are known: those that usable leaves,
// or if they are to be validated here those of all that pass DNSSEC records. The others are
// left out.
func (r *Client) decide(ctx context.Context, all, usable []*upstream) (asked, strip []*upstream) {
	r.chain, r.ownAll, r.clock = nil, false, nil
	if r.cfg.Zones != nil || r.cfg.DNSSEC != Own && r.cfg.DNSSEC != Auto {
		return usable, nil
	}
	doubted := slices.ContainsFunc(usable, func(u *upstream) bool { return !u.believed(&r.cfg) })
	if !doubted {
		if _, strip = r.sort(ctx, usable); len(strip) == 0 {
			r.chain = dnssec.NewChain(r.cfg.Anchors) // for what they leave in doubt
		}
		return usable, nil
	}
	asked, strip = r.sort(ctx, all)
	if len(asked) == 0 {
		return usable, nil
	}
	r.chain, r.ownAll = dnssec.NewChain(r.cfg.Anchors), true
	return asked, strip
}

// ClockError says that the root was signed for another time than this machine's clock says it
// is, by all servers that pass its signatures.
type ClockError struct {
	Clock time.Time
	Flaw  snapshot.Flaw // of the signature
}

// Error says what to look at.
func (e *ClockError) Error() string {
	f := &e.Flaw
	return fmt.Sprintf("the clock of this machine says %s, and the DNS root is signed from %s to %s (key %d): set the clock, or if it is right, use another resolver",
		e.Clock.UTC().Format(time.RFC3339), f.Inception.Format(time.RFC3339), f.Expiration.Format(time.RFC3339), f.KeyTag)
}

// Clock returns a *ClockError if Probe has found that nothing can be validated here because of
// the clock; else nil.
func (r *Client) Clock() error {
	if r.clock == nil {
		return nil
	}
	return r.clock
}

// sort tells servers that pass DNSSEC records from those that do not.
func (r *Client) sort(ctx context.Context, all []*upstream) (pass, strip []*upstream) {
	verdicts := make([]dnssec.Verdict, len(all))
	var probing sync.WaitGroup
	for i, u := range all {
		probing.Go(func() { verdicts[i] = r.passesRecords(ctx, u) })
	}
	probing.Wait()
	r.hangUp()
	for i, u := range all {
		v := verdicts[i]
		if v.State == dnssec.Secure {
			pass = append(pass, u)
			continue
		}
		strip = append(strip, u)
		if v.Flaw.Zone == "." && (v.Flaw.Reason == dnssec.SignatureExpired || v.Flaw.Reason == dnssec.SignatureNotYetValid) {
			r.clock = &ClockError{time.Now(), *flawOf(v.Flaw)}
		}
	}
	if len(pass) > 0 {
		r.clock = nil
	}
	return pass, strip
}

// passesRecords returns Secure if a server passes DNSSEC records: the keys of the root come with
// a signature that holds, and so does the denial of a type that it has not, over TCP, because
// many signed replies are too long for UDP. One that lacks any of that would make all names
// bogus, or fail.
func (r *Client) passesRecords(ctx context.Context, u *upstream) dnssec.Verdict {
	f := u.firstForm()
	if !f.edns() {
		return dnssec.Verdict{}
	}
	reply := r.askSigned(ctx, u, f, dns.TypeDNSKEY)
	if reply == nil {
		return dnssec.Verdict{}
	}
	root, verdict := dnssec.Keys(".", r.cfg.Anchors, reply, time.Now(), nil)
	if root == nil {
		return verdict
	}
	if reply = r.askSigned(ctx, u, ednsTCP, dns.TypeLOC); reply == nil {
		return dnssec.Verdict{}
	}
	question := dnssec.Question{Path: []string{"."}, Type: dns.TypeLOC, Trust: func(string) dnssec.Trust {
		return dnssec.Trust{State: dnssec.Secure, Zone: root}
	}}
	return dnssec.Answer(question, reply, time.Now(), nil)
}

// askSigned asks a server for records of the root with their signatures, as often as any query
// is tried; nil means that it does not answer.
func (r *Client) askSigned(ctx context.Context, u *upstream, f form, kind uint16) *dnssec.Reply {
	for range r.cfg.Attempts {
		query, err := packQuery(dns.Id(), ".", kind, f)
		if err != nil {
			return nil
		}
		setOwn(query, checkingOff)
		message, err := r.askSoon(ctx, u, f, query)
		if err != nil || checkStream(message, query) != ours {
			continue
		}
		if reply, err := dnssec.Parse(message); err == nil {
			return reply
		}
	}
	return nil
}

// Validates returns who validates, as Probe has found: Own, ByResolver or Off.
func (r *Client) Validates() Validation {
	switch {
	case r.ownAll:
		return Own
	case r.cfg.DNSSEC == Own || r.cfg.DNSSEC == Off:
		return Off
	}
	return ByResolver
}

// chains is what the engine asks for own validation.
type chains struct {
	out    map[dnssec.Query]*step       // the steps that ask
	failed map[dnssec.Query]*linkFailed // what could not be had
	held   int                          // steps that wait for them
}

func newChains() chains {
	return chains{out: make(map[dnssec.Query]*step), failed: make(map[dnssec.Query]*linkFailed)}
}

// mostHeld is how many steps may wait for keys before no more climbs are begun.
const mostHeld = 10000

// link is what a step has that asks for keys or DS records.
type link struct {
	query   dnssec.Query
	waiters []*step
	failure snapshot.Failure
	lacks   *linkFailed   // that could not be had and is needed to judge the reply
	reply   *dnssec.Reply // that came
	at      time.Time     // when it came
}

// failureKept is how long a query for keys or DS records that could not be answered is not asked
// again, though names need it that come later (RFC 9520, section 3.2).
const failureKept = time.Minute

// linkFailed is a query for keys or DS records that could not be answered.
type linkFailed struct {
	query dnssec.Query
	obs   snapshot.Observation
	final bool // it was asked again for a name in its final pass
	at    time.Time
}

// part is a reply that a step rests on.
type part struct {
	path  []string // the name asked and the aliases in the reply
	open  bool     // the last of them has been asked for by itself
	reply *dnssec.Reply
	at    time.Time
}

// kind is the type that a step asks for.
func (s *step) kind() uint16 {
	if s.link != nil {
		return s.link.query.Type
	}
	return dns.TypeCAA
}

// setOwn makes a query with EDNS one for own validation: for the records of DNSSEC, and unless
// it is asked again with CD set, so that no resolver holds anything back.
func setOwn(query []byte, how checking) {
	setDO(query)
	if how == checkingOff {
		setCD(query)
	}
}

// checking says whether the next query lets resolvers hold back what they find bogus.
func (s *step) checking() checking {
	if s.rechecked {
		return checkingOn
	}
	return checkingOff
}

// noSignatures is a reply that holds none.
var noSignatures = new(dnssec.Reply)

// read judges a message that answers the step's query. What a resolver says about validation
// does not count in own validation.
func (s *step) read(message []byte, standing standing) outcome {
	out := readOutcome(message, standing)
	if !s.own || out.standing != ours {
		return out
	}
	out.reply.ad = false
	out.reply.ede = slices.DeleteFunc(out.reply.ede, ofValidation)
	if out.failure == snapshot.MalformedReply {
		return out
	}
	if out.failure = out.reply.failure(); out.failure != "" {
		return out
	}
	if !s.form.edns() {
		return outcome{standing: ours, failure: snapshot.FormErr} // without EDNS there is no DO
	}
	if _, unsigned := readQuickly(message); unsigned {
		out.signed = noSignatures
		return out
	}
	signed, err := dnssec.Parse(message)
	if err != nil {
		return outcome{standing: ours, failure: snapshot.MalformedReply}
	}
	out.signed = signed
	return out
}

// ofValidation reports whether an Extended DNS Error speaks of validation.
func ofValidation(e snapshot.EDE) bool {
	switch e.Class() {
	case snapshot.EDEMakesBogus, snapshot.EDEWaived, snapshot.EDEUndecided, snapshot.EDEUnsupported:
		return true
	case snapshot.EDESilent, snapshot.EDEMakesFiltered, snapshot.EDEMakesStale, snapshot.EDEUnreached:
	}
	return false
}

// partOf returns the part of the chain that an answer has added: the aliases from the name
// asked on.
func (s *step) partOf(next chain, out outcome) part {
	names := append([]string{s.obs.Name.String()}, next.aliases...)
	from := slices.Index(names, s.asked)
	p := part{reply: out.signed, at: out.at}
	for _, name := range names[from:] {
		p.path = append(p.path, dnssec.Canonical(dns.Fqdn(name)))
	}
	return p
}

// leaveOpen says of the last part that the end of its chain has yet to be asked for.
func (c *chain) leaveOpen() {
	if len(c.parts) > 0 {
		c.parts[len(c.parts)-1].open = true
	}
}

// validate validates what a step has found, once that is complete, and ends the step, or lets
// it wait for the keys that are lacking.
func (e *engine) validate(s *step) {
	if s.link != nil {
		e.learn(s)
		return
	}
	if s.settles && s.obs.Doubted != nil {
		s.becomeOwn()
		e.ready = append(e.ready, s)
		return
	}
	if !s.own {
		e.endStep(s)
		return
	}
	if s.obs.Failure != "" {
		if s.bogus != nil {
			s.stand(*s.bogus) // asking once more has brought nothing better
		}
		e.endStep(s)
		return
	}
	verdict, next := e.verdict(s)
	if verdict.State == dnssec.Undecided {
		e.await(s, next)
		return
	}
	if verdict.State == dnssec.Bogus && e.noSuchTLD(s) {
		e.endStep(s)
		return
	}
	if verdict.State == dnssec.Bogus && !s.rechecked {
		s.recheck(verdict)
		e.ready = append(e.ready, s)
		return
	}
	var proof []snapshot.Part
	if e.links != nil {
		proof = signedParts(s.chain.parts, judgedAt)
	}
	s.settle(verdict, proof)
	e.endStep(s)
}

// noSuchTLD makes a bogus answer one for a name whose top-level domain the root proves not to
// exist: a resolver answers for an internal one, which nobody else knows. It reports whether it
// is.
func (e *engine) noSuchTLD(s *step) bool {
	walk := e.chain.Walk(dnssec.Canonical(dns.Fqdn(s.obs.Name.String())))
	if len(walk) < 2 || walk[1].Cut != dnssec.NothingBelow { // right below the root
		return false
	}
	o := &s.obs
	s.obs = snapshot.Observation{
		Name: o.Name, RCode: dns.RcodeNameError, Server: o.Server, Transport: o.Transport, Time: o.Time,
		Attempts: o.Attempts, Failure: snapshot.TLDNotFound,
	}
	if !o.Name.IsTLD() {
		s.obs.Asked = spelling(walk[1].Name)
	}
	return true
}

// verdict validates the parts of an answer. If it is Undecided the reply to the query tells more.
func (e *engine) verdict(s *step) (dnssec.Verdict, dnssec.Query) {
	if len(s.chain.parts) == 0 { // nothing is secure by nothing
		v, _ := e.chain.Answer(dnssec.Question{}, nil, s.obs.Time)
		return v, dnssec.Query{}
	}
	verdict := dnssec.Verdict{State: dnssec.Secure}
	for _, p := range s.chain.parts {
		v, next := e.chain.Answer(dnssec.Question{Path: p.path, Type: dns.TypeCAA, Open: p.open}, p.reply, judgedAt(p.at))
		if v.State == dnssec.Undecided {
			return v, next
		}
		verdict = verdict.And(v)
	}
	return verdict, dnssec.Query{}
}

// mostWaited is how long after it came a reply is judged by the time it came at.
const mostWaited = 10 * time.Minute

// judgedAt is the time that a reply is judged by: that of the clock when it came, unless the
// clock has been set since, or so much time has passed that what the reply is judged by does not
// count for that time.
func judgedAt(came time.Time) time.Time {
	now, came := time.Now().Round(0), came.Round(0) // by the clock alone
	if waited := now.Sub(came); waited < 0 || waited > mostWaited {
		return now
	}
	return came
}

// becomeOwn makes a step begin again, with own validation of what resolvers that validate have
// left in doubt: SERVFAIL may be broken signatures or dead servers, and an answer without AD
// after it may be anybody's.
func (s *step) becomeOwn() {
	s.own, s.settles = true, false // it stays so in the final pass: what was in doubt still is
	s.asked, s.attempt, s.form, s.chain, s.obs.Doubted = s.obs.Name.String(), 0, fresh, newChain(), nil
}

// recheck makes a step begin again, with CD clear.
func (s *step) recheck(verdict dnssec.Verdict) {
	s.rechecked, s.bogus = true, &verdict
	s.attempt, s.form = 0, fresh
	if s.link == nil {
		s.asked, s.chain = s.obs.Name.String(), newChain()
	}
}

// settle takes over what own validation has shown of an answer, and the proof of that, if it is
// kept.
func (s *step) settle(verdict dnssec.Verdict, proof []snapshot.Part) {
	s.chain.parts = nil
	unsupported := verdict.State == dnssec.Insecure && flawOf(verdict.Flaw).Unsupported()
	switch {
	case verdict.State == dnssec.Bogus:
		s.stand(verdict)
		return
	case unsupported && s.servfailed: // who said SERVFAIL may be able to validate it
		s.doubt()
		s.obs.Doubted = nil
		return
	case s.chain.planned:
		markPlanned(&s.obs)
		return
	}
	takeVerdict(&s.obs, verdict)
	if verdict.State == dnssec.Secure {
		s.capTTL(verdict)
	}
	s.obs.Signed = proof
}

// capTTL makes the TTLs of an answer those of what was signed, if they are longer (RFC 4035,
// section 5.3.3).
func (s *step) capTTL(verdict dnssec.Verdict) {
	o := &s.obs
	most := func(until time.Time) uint32 {
		if until.IsZero() {
			return maxTTL
		}
		return uint32(max(0, until.Sub(o.Time)/time.Second))
	}
	set := min(o.SetTTL(), most(verdict.Records))
	o.TTL = min(o.TTL, most(verdict.Until))
	if o.RecordsTTL = 0; set > o.TTL && len(o.Records.Properties) > 0 {
		o.RecordsTTL = set
	}
}

// stand makes the Observation one of an answer that is bogus.
func (s *step) stand(verdict dnssec.Verdict) {
	o := &s.obs
	s.obs = snapshot.Observation{
		Name: o.Name, Aliases: s.chain.aliases, RCode: o.RCode, Server: o.Server, Transport: o.Transport, Time: o.Time,
		Attempts: o.Attempts, Failure: snapshot.DNSSECBogus, Own: snapshot.Bogus, Flaw: flawOf(verdict.Flaw),
	}
}

// flawOf is a Flaw as a snapshot has it.
func flawOf(f dnssec.Flaw) *snapshot.Flaw {
	return &snapshot.Flaw{
		Reason: snapshot.FlawReason(f.Reason), Zone: spelling(f.Zone), Owner: spelling(f.Owner), Type: dns.Type(f.Type).String(),
		KeyTag: f.KeyTag, Algorithm: f.Algorithm, Inception: f.Inception, Expiration: f.Expiration,
	}
}

// spelling is canonical, and leaves no name at all as it is.
func spelling(name string) string {
	if name == "" {
		return ""
	}
	return canonical(name)
}

// await lets a step wait for the reply to a query, which is asked for if it is not being asked
// for. What could not be had fails the step; in the final pass it is asked for once more, and
// so it is after a while.
func (e *engine) await(s *step, q dnssec.Query) {
	asking := e.chains.out[q]
	if failed := e.chains.failed[q]; asking == nil && failed != nil && (failed.final || !s.final) && time.Since(failed.at) < failureKept {
		e.lack(s, failed)
		return
	}
	if asking == nil {
		asking = newStep(s.obs.Name, 0)
		asking.asked = spelling(q.Name)
		asking.own, asking.final, asking.link = true, s.final, &link{query: q}
		e.chains.out[q] = asking
		e.ready = append(e.ready, asking)
	}
	asking.link.waiters = append(asking.link.waiters, s)
	e.chains.held++
}

// lack ends a step that needs what could not be had.
func (e *engine) lack(s *step, failed *linkFailed) {
	if s.link != nil {
		s.link.lacks = failed
		e.endLink(s)
		return
	}
	s.lackKeys(failed)
	e.endStep(s)
}

// lackKeys makes the Observation one of a name whose keys could not be had.
func (s *step) lackKeys(failed *linkFailed) {
	aliases, name := s.chain.aliases, s.obs.Name
	s.chain.parts = nil
	s.obs = failed.obs
	s.obs.Name, s.obs.Aliases, s.obs.Asked = name, aliases, spelling(failed.query.Name)
	if s.obs.Mark == "" {
		s.obs.Mark = snapshot.MarkKeys
	}
}

// advanceLink takes in how a try of a link ended.
func (e *engine) advanceLink(s *step, out outcome) {
	if s.plainer(out) {
		e.ready = append(e.ready, s)
		return
	}
	if out.standing == noQuestion {
		out.failure = out.reply.failure()
	}
	s.obs.Server, s.obs.Transport, s.obs.Time = out.server, out.transport, out.at
	s.obs.RCode, s.obs.EDE, s.obs.Attempts = out.reply.rcode, out.reply.ede, s.attempt+1
	s.link.failure = out.failure
	if out.failure != "" && s.again(out.failure, e.cfg.Attempts) {
		e.ready = append(e.ready, s)
		return
	}
	if out.failure != "" {
		e.endLink(s)
		return
	}
	s.link.reply, s.link.at = out.signed, out.at
	e.learn(s)
}

// learn hands the reply to a link to the Chain, and lets the link wait for what that has to be
// judged by, if that has to be asked for first.
func (e *engine) learn(s *step) {
	if e.links != nil {
		e.handOver() // what was validated before is proven by what was learnt before
	}
	verdict, next := e.chain.Learn(s.link.query, s.link.reply, judgedAt(s.link.at))
	if next != (dnssec.Query{}) {
		e.await(s, next)
		return
	}
	if verdict.State != dnssec.Bogus {
		s.bogus = nil
		if verdict.State == dnssec.Undecided { // nothing is learnt, so it must not be asked for again at once
			s.link.failure = snapshot.MalformedReply
		}
		e.endLink(s)
		return
	}
	if !s.rechecked {
		s.recheck(verdict)
		e.ready = append(e.ready, s)
		return
	}
	s.bogus = &verdict
	e.endLink(s)
}

// endLink ends a link and goes on with the steps that wait for it.
func (e *engine) endLink(s *step) {
	q, waiters := s.link.query, s.link.waiters
	delete(e.chains.out, q)
	delete(e.chains.failed, q)
	switch {
	case s.bogus != nil:
		now := time.Now()
		e.chain.Stand(q, *s.bogus, now)
		if q.Name == "." { // which no name is to blame for
			s.obs.Failure, s.obs.Mark = snapshot.Network, snapshot.MarkRoot
			e.chains.failed[q] = &linkFailed{q, s.obs, s.final, now}
		}
	case s.link.lacks != nil:
		e.chains.failed[q] = s.link.lacks
	case s.link.failure != "":
		s.obs.Failure = s.link.failure
		e.chains.failed[q] = &linkFailed{q, s.obs, s.final, time.Now()}
	}
	e.chains.held -= len(waiters)
	for _, waiter := range waiters {
		e.validate(waiter)
	}
}

// endUnasked ends a step that there is no server for.
func (e *engine) endUnasked(s *step) {
	if s.link != nil {
		e.endLink(s)
		return
	}
	e.validate(s)
}

package lookup

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/caa"
	"caascan/scan/dnssec"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// maxChain is how many names an alias chain may have, the first one included.
const maxChain = 16

// maxWireName is the octets of the longest name (RFC 1035, section 2.3.4).
const maxWireName = 255

// maxTTL is more than any TTL (RFC 2181, section 8).
const maxTTL = ^uint32(0)

// form is how a query is put. Each is what is left when the one before was not
// understood.
type form int

const (
	fresh    form = iota // not put yet: as its server is asked first
	withEDNS             // over UDP
	plain                // without EDNS
	plainTCP             // without EDNS, over TCP
	ednsTCP              // with EDNS, over TCP, after a truncated reply
)

func (f form) overTCP() bool { return f == plainTCP || f == ednsTCP }

func (f form) edns() bool { return f == withEDNS || f == ednsTCP }

// step is one name of a climb while it is being asked.
type step struct {
	obs     snapshot.Observation
	domains int // input domains whose climb stands here

	asked   string    // the name in the question: obs.Name, or the end of its alias chain so far
	attempt int       // attempts at this question, in this pass, that have failed
	up      *upstream // asked, or asked last
	next    *upstream // to be asked, if it has been placed
	form    form
	cdCheck cdCheck
	epoch   int   // of up's flow when it was sent
	chain   chain // what the answers so far have shown
	overlay *zone.Overlay

	// Of the try that is out:
	flight    *flight
	sentAt    time.Time // first
	lastSent  time.Time
	sends     int       // of its query
	lostEpoch int       // of up's flow when it was sent the time before
	hold      hold      // on a place
	overdueAt time.Time // when an answer can no longer be expected soon
	resendAt  time.Time // when its query is to be sent again
	deadline  time.Time // its end
	due       time.Time // the first of these that is still to come
	place     int       // in the schedule
	lastID    uint16    // of the last query over UDP
	failed    failedTry // of the attempt before

	// Of own validation:
	own       bool            // it is validated here
	settles   bool            // it will be, if resolvers that validate leave it in doubt
	link      *link           // what is asked for is keys or DS records, and not CAA records
	rechecked bool            // it is asked once more, with CD clear, because it was bogus
	bogus     *dnssec.Verdict // what that found

	final  bool // it is being asked in the final pass
	passes int  // that its name failed in before
	// validatedOnly says that a server that validates has failed to answer, so that
	// one that does not must not answer in its stead.
	validatedOnly bool
	// servfailed says that it has answered SERVFAIL, so that only AD, or the proof that
	// the name is insecure, makes an answer count (SBR 4.2.2.1).
	servfailed bool
	silent     bool // in the try before
}

func newStep(name domain.Name, domains int) *step {
	s := new(step)
	s.begin(name, domains)
	return s
}

// begin makes a step, which may have been another one before, that of a name.
func (s *step) begin(name domain.Name, domains int) {
	*s = step{domains: domains, asked: name.String(), place: notScheduled}
	s.obs.Name = name
	s.chain = newChain()
}

// newChain is one that no reply has been read for, which says the least.
func newChain() chain { return chain{ad: true, validated: true, vouched: true, ttl: maxTTL} }

// overUDP reports whether the next query of the step goes over UDP, or the last one
// went.
func (s *step) overUDP() bool { return s.up.overUDP() && !s.form.overTCP() }

// nextDue returns when the try that is out has to be seen to again.
func (s *step) nextDue() time.Time {
	due := s.deadline
	if s.up == nil {
		return due
	}
	if s.hold != none {
		due = earlier(due, s.overdueAt)
	}
	return earlier(due, s.resendAt)
}

// setResend sets when the query is to be sent again if it is not answered in the time
// that its server needs. Over streams that is never.
func (s *step) setResend(now time.Time) {
	s.resendAt = s.deadline
	if s.overUDP() && s.sends < mostSends {
		s.resendAt = now.Add(s.up.roundTrip.retryAfter(s.sends))
	}
}

// patience returns how long the query that is sent now holds its place. One for a name that
// was silent before will hardly be answered late.
func (s *step) patience() time.Duration {
	if s.silent {
		return s.up.flow.shortPatience()
	}
	return s.up.flow.patience()
}

// failedTry is an attempt that failed in a way that may be the server's own fault.
type failedTry struct {
	up    *upstream // nil if there was none
	epoch int       // of its flow
}

// hold is what a query that is out has of a place.
type hold int

const (
	none    hold = iota // it waits without one
	inPlace             // it holds one, and may be answered soon
	late                // it is overdue, and holds one because too many wait already
	resent              // it waits without one, and has just been sent again
)

// cdCheck is how far a step has come in checking whether SERVFAIL without an Extended DNS
// Error means a validation error: then a query with CD, which waives validation (RFC 4035,
// section 3.2.2), is answered, and the same query without CD still is not.
type cdCheck int

const (
	cdNotAsked cdCheck = iota
	cdAsked            // asked with CD
	cdAnswered         // that was answered, and the query is sent without CD once more
)

// pinned reports whether the next query of the step is for the server of the last
// one.
func (s *step) pinned() bool { return s.form != fresh || s.cdCheck != cdNotAsked }

// outcome is how a try ended.
type outcome struct {
	failure snapshot.Failure
	// standing is noQuestion, cutShort or flooded if another form is to be tried.
	standing  standing
	reply     reply // if there was one that could be read
	server    string
	transport snapshot.Transport
	signed    *dnssec.Reply // of own validation: the reply's records by their signatures
	believed  bool          // the reply's AD bit, set or clear, says what it should
	at        time.Time     // zero for zone files
}

// readOutcome judges a message that answers a query.
func readOutcome(message []byte, standing standing) outcome {
	switch standing {
	case noQuestion:
		return outcome{standing: noQuestion, reply: reply{rcode: uint16(message[3] & rcodes)}}
	case cutShort:
		return outcome{standing: cutShort, failure: snapshot.Truncated}
	case flooded:
		return outcome{standing: flooded, failure: snapshot.MalformedReply}
	case notOurs, ours, otherCase:
	}
	r, err := parseReply(message)
	if err != nil {
		return outcome{failure: snapshot.MalformedReply}
	}
	return outcome{standing: ours, reply: r, failure: r.failure()}
}

// advance takes in how a try ended. It reports whether the step has another
// query to send; otherwise obs is complete, as far as this pass goes.
func (s *step) advance(out outcome, attempts int) bool {
	if s.plainer(out) {
		return true
	}
	if s.cdCheck == cdAsked {
		return s.takeCDReply(out)
	}
	s.obs.Server, s.obs.Transport, s.obs.Time = out.server, out.transport, out.at
	s.obs.Mark = ""
	s.obs.RCode, s.obs.EDE = out.reply.rcode, out.reply.ede
	s.obs.Attempts = s.attempt + 1
	if out.standing == noQuestion {
		out.failure = out.reply.failure()
	}
	next := s.chain
	more := false
	if out.failure == "" {
		next, more, out.failure = s.absorb(out)
		s.obs.Mark = next.mark
	}
	if out.failure != "" && s.again(out.failure, attempts) {
		return true // as if nothing had been read
	}
	if out.failure == "" || out.failure == snapshot.CNAMELoop {
		s.chain = next
	}
	if more {
		s.asked, s.attempt, s.form, s.cdCheck = next.end(s.obs.Name), 0, fresh, cdNotAsked
		return true
	}
	s.complete(out.failure)
	return false
}

// plainer puts the query in the next form that a reply asks for, if there is one
// left: over TCP when it was cut short or might be forged, without EDNS and then
// over TCP when it was not understood (RFC 6891, section 7).
func (s *step) plainer(out outcome) bool {
	overTCP := out.standing == cutShort || out.standing == flooded
	switch {
	case overTCP && s.form == withEDNS:
		s.form = ednsTCP
	case overTCP && s.form == plain:
		s.form = plainTCP
	case !notUnderstood(out):
		return false
	case s.form == withEDNS:
		s.form = plain
	case s.form == ednsTCP || s.form == plain:
		s.form = plainTCP
	default:
		return false
	}
	return true
}

func notUnderstood(out outcome) bool {
	switch {
	case out.standing == noQuestion:
		return true
	case out.standing != ours:
		return false
	}
	if out.failure == snapshot.Filtered || out.failure == snapshot.Stale || out.failure == snapshot.DNSSECBogus {
		return false // told by EDE, which a plainer query could not have
	}
	switch out.reply.rcode {
	case dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeBadVers:
		return true
	}
	return false
}

// again makes the step ready for another attempt after a failure, if there is
// one left and it could help.
func (s *step) again(failure snapshot.Failure, attempts int) bool {
	refused := s.obs.RCode == dns.RcodeServerFailure || failure == snapshot.DNSSECBogus // whatever EDE makes of it
	if s.up != nil && s.up.shown.validates && refused && !s.own {
		s.validatedOnly, s.servfailed = true, true
	}
	if !transient(failure) || s.up == nil || s.cdCheck != cdNotAsked {
		return false
	}
	s.attempt++
	s.form = fresh
	if s.attempt < attempts {
		return true
	}
	if failure != snapshot.ServFail || !s.final || !s.up.shown.validates || s.own {
		return false // only one that validates says SERVFAIL for what is bogus
	}
	if s.settles {
		s.becomeOwn()
		return true
	}
	s.cdCheck = cdAsked
	return true
}

// takeCDReply takes in the reply to the query with CD. Nothing of it counts but whether
// it is an answer: not its records, nor its Extended DNS Errors.
func (s *step) takeCDReply(out outcome) bool {
	rcode := out.reply.rcode
	if out.standing == ours && (rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError) {
		s.cdCheck, s.form = cdAnswered, fresh
		return true
	}
	s.complete(snapshot.ServFail)
	return false
}

// complete fills in the Observation of a step that has no query left to send.
func (s *step) complete(failure snapshot.Failure) {
	if failure == snapshot.ServFail && s.cdCheck == cdAnswered {
		failure = snapshot.DNSSECBogus
	}
	s.obs.Aliases = s.chain.aliases
	s.obs.Failure = failure
	if s.servfailed && failure != "" && !s.obs.SaidServFail() && s.obs.Mark == "" {
		s.obs.Mark = snapshot.MarkAfterServFail
	}
	if failure == "" {
		s.obs.AD, s.obs.Validated = s.chain.ad && !s.own, s.chain.validated && !s.own
		s.obs.TTL, s.obs.Records, s.obs.EDE = s.chain.ttl, s.chain.set, s.chain.ede
		if s.chain.setTTL > s.chain.ttl {
			s.obs.RecordsTTL = s.chain.setTTL
		}
		if s.chain.planned && !s.own {
			markPlanned(&s.obs)
		}
		if s.servfailed && !s.chain.vouched && !s.own {
			s.doubt()
		}
		return
	}
	if s.asked != s.obs.Name.String() {
		s.obs.Asked = s.asked
	}
}

// doubt puts SERVFAIL in the place of an answer that a resolver, or one node of it, gave
// without having validated it after it had failed to: it may stand in a cache that mixes
// up what was asked with CD. Prove puts it back if the name and its aliases are proven
// to be insecure.
func (s *step) doubt() {
	answer := s.obs
	s.obs = snapshot.Observation{
		Name: answer.Name, Aliases: answer.Aliases, RCode: dns.RcodeServerFailure, Server: answer.Server, Transport: answer.Transport,
		Time: answer.Time, Attempts: answer.Attempts, Failure: snapshot.ServFail, Mark: snapshot.MarkAfterServFail, Doubted: &answer,
	}
}

// transient reports whether asking again could bring another answer.
func transient(failure snapshot.Failure) bool {
	switch failure {
	case snapshot.DNSSECBogus, snapshot.Filtered, snapshot.TLDNotFound, snapshot.NotInZone, snapshot.NotInSnapshot:
		return false
	case snapshot.Timeout, snapshot.Network, snapshot.ServFail, snapshot.Refused, snapshot.NotImp, snapshot.FormErr,
		snapshot.RCode, snapshot.NoAuthority, snapshot.Stale, snapshot.MalformedReply, snapshot.Truncated,
		snapshot.CNAMELoop:
		return true
	}
	panic("lookup: unknown failure " + string(failure))
}

// chain is what the answers of a step have shown so far: the aliases from its
// name on, and at their end a set or nothing.
type chain struct {
	aliases []string
	set     caa.RRset
	ttl     uint32 // the least of all
	setTTL  uint32
	ede     []snapshot.EDE
	// ad says that all had the AD bit, validated that it can be relied on in all.
	ad, validated bool
	vouched       bool          // ad, of what the overlay's set is behind too
	planned       bool          // set is the overlay's
	parts         []part        // that are yet to be validated
	mark          snapshot.Mark // of an answer that does not count
}

// end returns the name that the aliases lead to.
func (c chain) end(name domain.Name) string {
	if len(c.aliases) == 0 {
		return name.String()
	}
	return c.aliases[len(c.aliases)-1]
}

// absorb returns the chain with what an answer adds to it: aliases as far as the
// reply has them, and the records at their end. It reports that the end of the
// chain has yet to be asked, in the same step, or a failure. The step itself stays
// as it is, so that nothing of a bad reply is left for the next attempt.
func (s *step) absorb(out outcome) (next chain, more bool, failure snapshot.Failure) {
	r := out.reply
	next, failure = s.follow(r)
	at := next.end(s.obs.Name)
	next.vouched = next.vouched && r.ad
	if next.mark = out.ownData(s.asked, at); next.mark != "" {
		return next, false, snapshot.Filtered
	}
	if failure != "" {
		return next, false, failure
	}
	if r.strayCAA {
		return next, false, snapshot.MalformedReply
	}
	if s.own {
		next.parts = append(slices.Clone(next.parts), s.partOf(next, out))
	}
	if s.overlay != nil {
		if next, known := s.planned(next); known {
			next.leaveOpen() // what leads to the planned name has to be valid
			return next, false, ""
		}
	}
	next.ad, next.validated = next.ad && r.ad, next.validated && out.believed
	next.ede = slices.Concat(next.ede, r.ede)
	set, ttl := r.set(at)
	switch {
	case r.ofAnother(at, s.asked):
		return next, false, snapshot.MalformedReply
	case len(set) > 0 && r.rcode == dns.RcodeSuccess:
		next.set, next.setTTL, next.ttl = caa.RRset{Owner: at, Properties: set}, ttl, min(next.ttl, ttl)
		return next, false, ""
	case len(set) > 0:
		return next, false, snapshot.MalformedReply
	case at != s.asked && !r.closes(at):
		next.leaveOpen()
		return next, true, ""
	case !r.empty():
		return next, false, snapshot.MalformedReply
	case s.obs.Name.IsTLD() && r.rcode == dns.RcodeNameError && len(next.aliases) == 0:
		return next, false, snapshot.TLDNotFound
	case s.saysNothing(r):
		return next, false, snapshot.MalformedReply
	}
	next.ttl = min(next.ttl, r.negativeTTL)
	return next, false, ""
}

// ownData is that of the reply, if it comes from a resolver. Zone files are meant to
// answer from what they hold.
func (out *outcome) ownData(asked, end string) snapshot.Mark {
	if out.transport == snapshot.Zone {
		return ""
	}
	if mark := out.reply.ownData(asked); mark != "" {
		return mark
	}
	if out.reply.foreignSOA(asked, end) {
		return snapshot.MarkForeignSOA
	}
	return ""
}

// saysNothing reports whether an empty reply without a SOA record came from a resolver that
// sends it where there is nothing: unbound makes NOERROR so of a lame server's referral, and
// dnsmasq NXDOMAIN of a domain that it was told to keep to itself.
func (s *step) saysNothing(r reply) bool {
	return !r.hasSOA && s.up != nil && s.up.shown.sendsSOA
}

// follow goes from the name asked along the aliases in the reply.
func (s *step) follow(r reply) (chain, snapshot.Failure) {
	next := s.chain
	next.aliases = slices.Clone(next.aliases)
	for {
		at := next.end(s.obs.Name)
		target, ttl, ok := r.alias(at)
		if !ok {
			return next, ""
		}
		// A name with an alias has no other records (RFC 1034, section 3.6.2).
		if set, _ := r.set(at); target == "" || len(set) > 0 {
			return next, snapshot.MalformedReply
		}
		known := target == s.obs.Name.String() || slices.Contains(next.aliases, target)
		if known || len(next.aliases)+2 > maxChain {
			return next, snapshot.CNAMELoop
		}
		next.aliases = append(next.aliases, target)
		next.ttl = min(next.ttl, ttl)
		if _, known := s.overlay.Find(target); known {
			return next, ""
		}
	}
}

// set returns the CAA records that owner owns, sorted, and the least of their
// TTLs. Equal records count once (RFC 2181, section 5).
func (r *reply) set(owner string) ([]caa.Property, uint32) {
	var set []caa.Property
	ttl := maxTTL
	for _, rec := range r.answers {
		if rec.kind == dns.TypeCAA && rec.owner == owner {
			set, ttl = append(set, rec.property), min(ttl, rec.ttl)
		}
	}
	slices.SortFunc(set, func(a, b caa.Property) int { return strings.Compare(a.RDATA(), b.RDATA()) })
	return slices.Compact(set), ttl
}

// ofAnother reports whether the answer belongs to another question: it holds CAA records
// that its aliases do not lead to, or something else and no alias. end is where the aliases
// lead from the name asked.
func (r *reply) ofAnother(end, asked string) bool {
	found := end != asked
	for _, rec := range r.answers {
		if rec.kind == dns.TypeCAA && rec.owner != end {
			return true
		}
		// A DNAME record leaves its own name as it is: then the SOA record has to deny the rest.
		found = found || rec.owner == end && (rec.kind == dns.TypeCAA || r.closes(end))
	}
	return r.answered && !found
}

// alias returns the target of name's CNAME record, or of the DNAME record of one
// of its parents (RFC 6672, section 2.2); with a DNAME a CNAME is what follows from
// it. The target is "" if there are two, or none that the DNS could hold.
func (r *reply) alias(name string) (target string, ttl uint32, ok bool) {
	ttl = maxTTL
	for _, rec := range r.answers {
		own := ""
		switch {
		case rec.kind == dns.TypeCNAME && rec.owner == name:
			own = rec.target
		case rec.kind == dns.TypeDNAME && rec.owner != name && dns.IsSubDomain(dns.Fqdn(rec.owner), dns.Fqdn(name)):
			own = substitute(name, rec)
		default:
			continue
		}
		if ok && own != target {
			return "", 0, true
		}
		target, ttl, ok = own, min(ttl, rec.ttl), true
	}
	return target, ttl, ok
}

// substitute puts the DNAME's target in place of its owner at the end of name;
// "" if the result is too long (RFC 6672, section 2.2).
func substitute(name string, dname record) string {
	target := dns.Fqdn(name)
	if dname.owner != "." {
		target = strings.TrimSuffix(target, dns.Fqdn(dname.owner))
	}
	if dname.target != "." {
		target += dns.Fqdn(dname.target)
	}
	var wire [maxWireName]byte
	if _, err := dns.PackDomainName(target, wire[:], 0, nil, false); err != nil {
		return ""
	}
	return canonical(target)
}

// closes reports whether the reply says that nothing more is to be had at the
// end of an alias chain: it has a SOA record of a zone that holds that name (RFC
// 2308, section 2). Without one the chain is incomplete.
func (r *reply) closes(name string) bool {
	return slices.ContainsFunc(r.soas, func(zone string) bool { return encloses(zone, name) })
}

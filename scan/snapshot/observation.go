// Package snapshot holds what the DNS said: an Observation for each name asked,
// the closed sets that describe one, and the Store that keeps one per name for a
// run.
//
// An Observation is evidence. It carries the RDATA octets as received, so that
// any CA's decision can be taken from it later without asking again.
package snapshot

import (
	"time"

	"caascan/scan/caa"
	"caascan/scan/domain"
)

// Failure says why a name was asked and no usable answer came. The set is
// closed; the empty Failure means that there is an answer.
type Failure string

// The failures. A referral, a reply whose records cannot be read, and whatever
// else is neither records nor an honest "nothing" is MalformedReply.
const (
	Timeout        Failure = "timeout"
	Network        Failure = "network"
	ServFail       Failure = "servfail"
	Refused        Failure = "refused"
	NotImp         Failure = "notimp"
	FormErr        Failure = "formerr"
	RCode          Failure = "rcode" // an rcode with no reason of its own
	DNSSECBogus    Failure = "dnssec-bogus"
	NoAuthority    Failure = "no-authority" // EDE 22, 23 (RFC 8914)
	Filtered       Failure = "filtered"     // by EDE 4, 15 to 18, or a Mark
	Stale          Failure = "stale"        // EDE 3, 19
	MalformedReply Failure = "malformed-reply"
	Truncated      Failure = "truncated" // truncated over TCP too
	CNAMELoop      Failure = "cname-loop"
	TLDNotFound    Failure = "tld-not-found"
	NotInZone      Failure = "not-in-zone"
	NotInSnapshot  Failure = "not-in-snapshot"
)

// Failures returns every Failure, in the order of the constants.
func Failures() []Failure {
	return []Failure{
		Timeout, Network, ServFail, Refused, NotImp, FormErr, RCode, DNSSECBogus, NoAuthority, Filtered,
		Stale, MalformedReply, Truncated, CNAMELoop, TLDNotFound, NotInZone, NotInSnapshot,
	}
}

// Transport is how an answer came.
type Transport string

// The transports.
const (
	UDP   Transport = "udp"
	TCP   Transport = "tcp"
	TLS   Transport = "tls"   // RFC 7858
	HTTPS Transport = "https" // RFC 8484
	Zone  Transport = "zone"  // from master files, in process
	// Overlay is no answer of the DNS but what somebody plans to publish. Such an
	// Observation is no evidence, and no Writer writes it.
	Overlay Transport = "overlay"
)

// DNSSEC is what is known of an answer's validation.
type DNSSEC string

// The DNSSEC states (RFC 4035, section 4.3, as far as a stub can tell them).
const (
	Secure   DNSSEC = "secure"
	Insecure DNSSEC = "insecure"
	Bogus    DNSSEC = "bogus"
	Unknown  DNSSEC = "unknown"
)

// DNSSECStates returns every DNSSEC, in the order of the constants.
func DNSSECStates() []DNSSEC { return []DNSSEC{Secure, Insecure, Bogus, Unknown} }

// EDE is an Extended DNS Error (RFC 8914). It is not authenticated.
type EDE struct {
	Code uint16
	Text string // EXTRA-TEXT in the octets sent
}

// Observation is one name asked for CAA and what came back.
type Observation struct {
	Name domain.Name
	// Aliases are the targets of the CNAME and DNAME records followed from Name,
	// in order, empty answers and failures included; spelt like Owner.
	Aliases []string
	// Records is the CAA RRset in the answer, with its owner: Name or the last
	// of Aliases. It is zero if there is none.
	Records caa.RRset
	// RCode is that of the last reply; meaningless if none came.
	RCode uint16
	// TTL is the least of the answer's records, in seconds; of an empty answer
	// that of negative caching (RFC 2308, section 5), or 0.
	TTL uint32
	// RecordsTTL is that of Records if an alias on the way to them has a lesser
	// one, which is TTL; else it is 0.
	RecordsTTL uint32
	// AD reports that every reply the answer rests on had the AD bit.
	AD bool
	// Validated reports that AD can be relied on, set or clear: every server the
	// answer rests on validates DNSSEC, and its AD bit is believed.
	Validated bool
	// Own is what validating the answer here has shown, in a run that does that; Bogus is a
	// DNSSECBogus failure then. It is empty where AD counts, and of answers that nobody
	// validated. AD and Validated are false beside it.
	Own DNSSEC
	// Flaw says why an answer is Bogus by Own, or why it is Insecure although its zone has
	// DS records; else it is nil.
	Flaw *Flaw
	// Expires is when the first signature ends that Records rest on, where that is less than
	// ExpiresSoon after Time; else it is zero.
	Expires time.Time
	EDE     []EDE
	// Server is the resolver's address and port, or a zone file's base name.
	Server    string
	Transport Transport
	// Time is when the last reply came or was given up, zero for zone files.
	Time time.Time
	// Attempts counts the attempts at the query that settled it. One may have
	// taken several messages: in plainer form, over TCP.
	Attempts int
	Failure  Failure
	// Mark says what gave away that an answer does not count, if that is not the
	// RCode or EDE; else it is empty.
	Mark Mark
	// Doubted is an answer that counts only if its name and its aliases are proven to be
	// insecure, because a resolver that validates had answered SERVFAIL before it. Until
	// then Failure holds. It is nil if there is none; no snapshot carries it.
	Doubted *Observation
	// Asked is the name whose query failed, if that is not Name but one of
	// Aliases.
	Asked string
	// Signed is what own validation rests on, reply by reply, of an answer that it found
	// Secure or Insecure in a run that keeps it. No Store does.
	Signed []Part
	// Proofs say, if a climb over Name failed, whether Name and each of
	// Aliases are known to lie in an insecure zone; empty if nobody looked.
	Proofs []Proof
}

// Mark is what gave away that an answer does not count. The set is closed.
type Mark string

// The marks: of an answer that is Filtered because it does not come from the public DNS
// (RFC 1035, section 4.1.1; RFC 2308, section 2), of a failure that a SERVFAIL is the cause of,
// and of one that is not that of the query for CAA records.
const (
	MarkAuthority     Mark = "aa"             // AA is set, which no recursive answer has
	MarkNoRecursion   Mark = "no-ra"          // RA is not set, which every recursive answer has
	MarkForeignSOA    Mark = "foreign-soa"    // the SOA record of a zone that cannot hold the name
	MarkPolicySOA     Mark = "policy-soa"     // a SOA record in the additional section, as BIND marks a response policy
	MarkAfterServFail Mark = "after-servfail" // a resolver that validates had answered SERVFAIL for the name
	MarkKeys          Mark = "keys"           // the query for the DNSKEY or DS records of Asked has failed
	MarkRoot          Mark = "root"           // the root's keys did not hold by the trust anchors and the clock
	// MarkProof is that of a NotInSnapshot: there is an answer, and its proof does not hold.
	// It stands in no snapshot.
	MarkProof Mark = "proof"
)

// Marks returns every Mark that a snapshot may hold, in the order of the constants.
func Marks() []Mark {
	return []Mark{MarkAuthority, MarkNoRecursion, MarkForeignSOA, MarkPolicySOA, MarkAfterServFail, MarkKeys, MarkRoot}
}

// SaidServFail reports whether a server said SERVFAIL in what led to the failure, or own
// validation lacked the keys for an answer, or the proof of one does not hold, so that
// an answer that is not validated does not simply take its place.
func (o *Observation) SaidServFail() bool {
	lacks := o.Mark == MarkKeys || o.Mark == MarkRoot || o.Mark == MarkProof
	return o.Failure == DNSSECBogus || o.Failure != "" && (o.Replied() && o.RCode == servFail || o.Mark == MarkAfterServFail || lacks)
}

// ProvenInsecure reports whether the name and all of its aliases are known to lie in zones
// that are not signed.
func (o *Observation) ProvenInsecure() bool {
	for _, p := range o.Proofs {
		if p.State != ProvenInsecure {
			return false
		}
	}
	return len(o.Proofs) > len(o.Aliases)
}

// DNSSEC returns what is known of the answer's validation (RFC 4035, section 4.3).
// A failure other than a validation error is Unknown.
func (o *Observation) DNSSEC() DNSSEC {
	switch {
	case o.Failure == DNSSECBogus:
		return Bogus
	case o.Failure == "" && o.Own != "":
		return o.Own
	case o.Failure != "" || !o.Validated:
		return Unknown
	case o.AD:
		return Secure
	}
	return Insecure
}

// SetTTL returns for how many seconds Records may be kept by who has them.
func (o *Observation) SetTTL() uint32 { return max(o.TTL, o.RecordsTTL) }

// EndsClimb reports whether the climb stops here: at a set, whatever it holds,
// or at a failure, above which nothing may be concluded (RFC 8659, section 3).
func (o *Observation) EndsClimb() bool {
	return o.Failure != "" || len(o.Records.Properties) > 0
}

// Settles reports whether nothing above can matter for the decision: at a set that says
// who may issue for mail, or at a failure, unless that may yet turn out to be an answer.
func (o *Observation) Settles() bool {
	if o.Doubted != nil {
		return o.Doubted.Settles()
	}
	return o.Failure != "" || o.Records.Has(caa.TagIssuemail)
}

// The RCODEs of an answer (RFC 1035, section 4.1.1).
const (
	noError  = 0
	servFail = 2
	nxdomain = 3
)

// NameNotFound reports whether the answer says that Name itself does not exist.
// NXDOMAIN after an alias is about the alias's target (RFC 6604, section 3).
func (o *Observation) NameNotFound() bool {
	return o.RCode == nxdomain && len(o.Aliases) == 0 && (o.Failure == "" || o.Failure == TLDNotFound)
}

// Excusable reports whether a CA may issue in spite of the failure, if all that
// it touched is proven insecure (SBR 4.2.2.1): it lies outside the CA's house, and
// is no validation error.
func (f Failure) Excusable() bool {
	switch f {
	case Timeout, ServFail, NoAuthority, RCode, MalformedReply, Truncated, CNAMELoop:
		return true
	case "", Network, Refused, NotImp, FormErr, DNSSECBogus, Filtered, Stale, TLDNotFound, NotInZone, NotInSnapshot:
		return false
	}
	panic("snapshot: unknown failure " + string(f))
}

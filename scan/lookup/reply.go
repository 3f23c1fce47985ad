package lookup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// reply is what a DNS message says about a question of type CAA, in the octets
// received: the records are never made into text and back.
type reply struct {
	rcode       uint16 // with the upper bits of EDNS (RFC 6891, section 6.1.3)
	aa, ra, ad  bool
	answers     []record
	answered    bool     // the answer section is not empty
	hasSOA      bool     // in the authority section
	rootSOA     bool     // one of these is the root's
	soas        []string // their owners, if readQuickly has not compared the one with the question
	negativeTTL uint32   // of that SOA record (RFC 2308, section 5)
	nameServers bool     // NS records stand in the authority section
	policySOA   bool     // a SOA record stands in the additional section
	strayCAA    bool     // a CAA record is of another class than IN, or in another section
	ede         []snapshot.EDE
}

// record is a CAA, CNAME or DNAME record of class IN in the answer section.
type record struct {
	owner    string // spelt like snapshot.Observation.Owner
	kind     uint16
	ttl      uint32
	target   string       // of a CNAME or DNAME, spelt like owner
	property caa.Property // of a CAA
}

// errReply says that octets are no message that could be an answer.
var errReply = errors.New("malformed reply")

const (
	headerSize = 12 // RFC 1035, section 4.1.1
	flagsAt    = 2
	qdcountAt  = 4
	ancountAt  = 6
	nscountAt  = 8
	arcountAt  = 10

	flagQR = 1 << 15
	flagAA = 1 << 10
	flagTC = 1 << 9
	flagRA = 1 << 7
	flagAD = 1 << 5
	opcode = 0xf << 11
	rcodes = 0xf
)

// standing is whether, and as what, a message counts as the reply to a query.
type standing int

const (
	notOurs    standing = iota // to be ignored: the wait goes on
	ours                       // to be read
	noQuestion                 // an error without a question section: ask in plainer form
	cutShort                   // truncated: ask over TCP
	otherCase                  // ours, but for the case of letters in its question
	flooded                    // too many that are not ours came in its stead: ask over TCP
)

// check holds a message to the query it should answer: our ID, our question, in
// the octets sent, the QR bit (RFC 5452, section 9.1). That it came from our
// server and port is the connected socket's business.
func check(message, query []byte) standing {
	if len(message) < headerSize || message[0] != query[0] || message[1] != query[1] {
		return notOurs
	}
	flags := binary.BigEndian.Uint16(message[flagsAt:])
	if flags&flagQR == 0 || flags&opcode != 0 {
		return notOurs
	}
	if binary.BigEndian.Uint16(message[qdcountAt:]) == 0 {
		switch flags & rcodes {
		case dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeServerFailure:
			return noQuestion
		}
		return notOurs
	}
	if binary.BigEndian.Uint16(message[qdcountAt:]) != 1 {
		return notOurs
	}
	end := questionEnd(query)
	switch {
	case !sameQuestion(message, query):
		return notOurs
	case !bytes.Equal(message[headerSize:end], query[headerSize:end]):
		return otherCase
	}
	if flags&flagTC != 0 {
		return cutShort
	}
	return ours
}

// isReply reports whether a message answers a query, as what it may be read or not.
func isReply(message, query []byte) bool { return check(message, query) != notOurs }

// checkStream is check for a stream, over which nobody can forge and the case of
// letters does not count.
func checkStream(message, query []byte) standing {
	standing := check(message, query)
	if standing != otherCase {
		return standing
	}
	if binary.BigEndian.Uint16(message[flagsAt:])&flagTC != 0 {
		return cutShort
	}
	return ours
}

// sameQuestion reports whether a message has the question of a query, in whatever
// case.
func sameQuestion(message, query []byte) bool {
	end := questionEnd(query)
	return len(message) >= end && bytes.EqualFold(message[headerSize:end], query[headerSize:end])
}

// questionEnd returns where the question section of a query of ours ends: one
// name without compression, a type and a class.
func questionEnd(query []byte) int {
	at := headerSize
	for query[at] != 0 {
		at += 1 + int(query[at])
	}
	return at + 1 + 4
}

// newReply reads the header of a message.
func newReply(message []byte) reply {
	flags := binary.BigEndian.Uint16(message[flagsAt:])
	return reply{rcode: flags & rcodes, aa: flags&flagAA != 0, ra: flags&flagRA != 0, ad: flags&flagAD != 0}
}

// parseReply reads a message that check has passed. The error wraps errReply:
// what cannot be read to the end is no answer, so that no record is lost from a
// set.
func parseReply(message []byte) (reply, error) {
	if r, ok := readQuickly(message); ok {
		return r, nil
	}
	return readWhole(message)
}

// readWhole reads a message of any shape.
func readWhole(message []byte) (reply, error) {
	r := newReply(message)
	at, err := skipQuestions(message)
	if err != nil {
		return reply{}, err
	}
	sections := [...]func(rr) error{r.addAnswer, r.addAuthority, r.addAdditional}
	for i, add := range sections {
		for range binary.BigEndian.Uint16(message[qdcountAt+2*(i+1):]) {
			// A record of a type that has nothing to do with CAA has to be whole too:
			// it may be one that has, spoilt on the way.
			if _, _, err := dns.UnpackRR(message, at); err != nil {
				return reply{}, fmt.Errorf("%w: %w", errReply, err)
			}
			var next rr
			if next, at, err = readRR(message, at); err != nil {
				return reply{}, err
			}
			if err := add(next); err != nil {
				return reply{}, err
			}
		}
	}
	if at != len(message) { // a record that no section counts would be lost
		return reply{}, fmt.Errorf("%w: %d octets after the last record", errReply, len(message)-at)
	}
	return r, nil
}

func skipQuestions(message []byte) (int, error) {
	at := headerSize
	for range binary.BigEndian.Uint16(message[qdcountAt:]) {
		_, next, err := dns.UnpackDomainName(message, at)
		if err != nil {
			return 0, fmt.Errorf("%w: question: %w", errReply, err)
		}
		at = next + 4
	}
	return at, nil
}

// rr is a resource record whose RDATA lies in message between start and end.
type rr struct {
	owner       string
	kind, class uint16
	ttl         uint32
	message     []byte
	start, end  int
}

func (r rr) rdata() []byte { return r.message[r.start:r.end] }

// seconds returns the TTL; one with the top bit set means 0 (RFC 2181, section 8).
func (r rr) seconds() uint32 {
	if r.ttl > 1<<31-1 {
		return 0
	}
	return r.ttl
}

func readRR(message []byte, at int) (rr, int, error) {
	owner, at, err := readName(message, at)
	if err != nil {
		return rr{}, 0, err
	}
	if len(message)-at < recordFixed {
		return rr{}, 0, fmt.Errorf("%w: record of %s cut short", errReply, owner)
	}
	r := rrAt(message, at)
	r.owner = owner
	if r.end > len(message) {
		return rr{}, 0, fmt.Errorf("%w: RDATA of %s cut short", errReply, owner)
	}
	return r, r.end, nil
}

// rrAt returns the record whose fixed part begins at an offset. Its RDATA may end
// beyond the message.
func rrAt(message []byte, at int) rr {
	r := rr{
		kind:    binary.BigEndian.Uint16(message[at:]),
		class:   binary.BigEndian.Uint16(message[at+2:]),
		ttl:     binary.BigEndian.Uint32(message[at+4:]),
		message: message,
		start:   at + recordFixed,
	}
	r.end = r.start + int(binary.BigEndian.Uint16(message[at+8:]))
	return r
}

// readName returns a name in lower case without its trailing dot, the root as
// ".".
func readName(message []byte, at int) (string, int, error) {
	name, next, err := dns.UnpackDomainName(message, at)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %w", errReply, err)
	}
	return canonical(name), next, nil
}

// canonical folds the spelling of a name that miekg/dns gives: all ASCII, octets
// beyond it as \DDD.
func canonical(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(strings.ToLower(name), ".")
}

func (r *reply) addAnswer(x rr) error {
	r.answered = true
	if x.class != dns.ClassINET {
		r.noteStray(x)
		return nil
	}
	rec := record{owner: x.owner, kind: x.kind, ttl: x.seconds()}
	switch x.kind {
	case dns.TypeCAA:
		property, err := caa.ParseRDATA(x.rdata())
		if err != nil {
			return fmt.Errorf("%w: %w at %s", errReply, err, x.owner)
		}
		rec.property = property
	case dns.TypeCNAME, dns.TypeDNAME:
		target, end, err := readName(x.message, x.start)
		if err != nil {
			return err
		}
		if end != x.end {
			return fmt.Errorf("%w: alias of %s does not fill its RDATA", errReply, x.owner)
		}
		rec.target = target
	default:
		return nil
	}
	r.answers = append(r.answers, rec)
	return nil
}

// noteStray takes in a record that stands where none of the answer can.
func (r *reply) noteStray(x rr) { r.strayCAA = r.strayCAA || x.kind == dns.TypeCAA }

func (r *reply) addAuthority(x rr) error {
	r.noteStray(x)
	if x.class != dns.ClassINET {
		return nil
	}
	switch x.kind {
	case dns.TypeNS:
		r.nameServers = true
	case dns.TypeSOA:
		if len(x.rdata()) < soaFixed {
			return fmt.Errorf("%w: SOA of %s cut short", errReply, x.owner)
		}
		r.noteSOA(x)
		r.soas = append(r.soas, x.owner)
		r.rootSOA = r.rootSOA || x.owner == "."
	}
	return nil
}

func (r *reply) noteSOA(x rr) {
	const minimum = 4 // the last field of a SOA record (RFC 1035, section 3.3.13)
	r.hasSOA = true
	r.negativeTTL = min(x.seconds(), binary.BigEndian.Uint32(x.message[x.end-minimum:]))
}

func (r *reply) addAdditional(x rr) error {
	r.noteStray(x)
	r.policySOA = r.policySOA || x.kind == dns.TypeSOA
	if x.kind != dns.TypeOPT {
		return nil
	}
	r.noteExtendedRCode(x)
	rdata := x.rdata()
	for len(rdata) > 0 {
		const fixed = 4 // option code and length
		if len(rdata) < fixed {
			return fmt.Errorf("%w: EDNS option cut short", errReply)
		}
		code, size := binary.BigEndian.Uint16(rdata), int(binary.BigEndian.Uint16(rdata[2:]))
		rdata = rdata[fixed:]
		if len(rdata) < size {
			return fmt.Errorf("%w: EDNS option cut short", errReply)
		}
		if code == dns.EDNS0EDE {
			if err := r.addEDE(rdata[:size]); err != nil {
				return err
			}
		}
		rdata = rdata[size:]
	}
	return nil
}

// noteExtendedRCode takes the upper bits from where an OPT record has them (RFC 6891,
// section 6.1.3).
func (r *reply) noteExtendedRCode(x rr) { r.rcode |= uint16(x.ttl>>24) << 4 }

// Bounds on the words of a resolver, which stand in every row of the domain.
const (
	maxEDE     = 16
	maxEDEText = 512 // octets
)

// addEDE reads an Extended DNS Error (RFC 8914, section 2). Its text may be
// null-terminated. Too many are an error, because each may count.
func (r *reply) addEDE(option []byte) error {
	if len(option) < 2 || len(r.ede) == maxEDE {
		return fmt.Errorf("%w: Extended DNS Error of %d octets after %d others", errReply, len(option), len(r.ede))
	}
	text := strings.TrimRight(string(option[2:]), "\x00")
	r.ede = append(r.ede, snapshot.EDE{Code: binary.BigEndian.Uint16(option), Text: text[:min(len(text), maxEDEText)]})
	return nil
}

// failure returns why a reply is no answer at all, whatever records it holds, or "".
func (r *reply) failure() snapshot.Failure {
	if told := snapshot.EDEFailure(r.rcode, r.ede); told != "" {
		return told
	}
	switch r.rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		return ""
	case dns.RcodeServerFailure:
		return snapshot.ServFail
	case dns.RcodeRefused:
		return snapshot.Refused
	case dns.RcodeNotImplemented:
		return snapshot.NotImp
	case dns.RcodeFormatError:
		return snapshot.FormErr
	}
	return snapshot.RCode
}

// empty reports whether a reply without CAA records honestly says that there are
// none: by an authority or a recursive resolver, and no referral.
func (r *reply) empty() bool {
	return (r.aa || r.ra) && !r.referral()
}

// referral reports whether the reply points to other servers and says nothing itself
// (RFC 1034, section 4.3.1).
func (r *reply) referral() bool { return !r.answered && r.nameServers && !r.hasSOA && !r.aa }

// ownData returns what gives away that a resolver does not answer from the public DNS but
// from data of its own, an internal view or a block list, or "" (RFC 1035, section 4.1.1; RFC 2308, section 2). A
// resolver that holds a copy of the root zone (RFC 8806) is the authority for what is not
// there of a top-level domain.
func (r *reply) ownData(asked string) snapshot.Mark {
	ofRoot := r.rootSOA && !r.answered && strings.IndexByte(asked, '.') < 0
	switch {
	case r.referral():
		return "" // which is no answer of anybody's
	case r.aa && !ofRoot:
		return snapshot.MarkAuthority
	case !r.ra:
		return snapshot.MarkNoRecursion
	case r.policySOA:
		return snapshot.MarkPolicySOA
	}
	return ""
}

// foreignSOA reports whether a SOA record denies in the name of a zone that holds neither
// the name asked nor the one that its aliases lead to.
func (r *reply) foreignSOA(asked, end string) bool {
	return slices.ContainsFunc(r.soas, func(zone string) bool { return !encloses(zone, asked) && !encloses(zone, end) })
}

// encloses reports whether a zone of this name may hold another name. Both are spelt like
// snapshot.Observation.Owner.
func encloses(zone, name string) bool { return dns.IsSubDomain(dns.Fqdn(zone), dns.Fqdn(name)) }

package lookup

import (
	"bytes"
	"encoding/binary"

	"github.com/miekg/dns"
)

// readQuickly reads the reply that nearly every query gets, without allocating: no
// answers, a SOA record of class IN in the authority section or nothing, an OPT record
// without options or nothing. It reports false for every other one, a broken one too.
//
// The owner of the SOA record is the question's name or a parent of it: what else it could
// be is for readWhole to tell.
func readQuickly(message []byte) (r reply, ok bool) {
	authority, additional := binary.BigEndian.Uint16(message[nscountAt:]), binary.BigEndian.Uint16(message[arcountAt:])
	single := binary.BigEndian.Uint16(message[qdcountAt:]) == 1 && binary.BigEndian.Uint16(message[ancountAt:]) == 0
	if !single || authority > 1 || additional > 1 {
		return reply{}, false
	}
	r = newReply(message)
	at, ok := skipName(message, headerSize)
	at += questionFixed
	if ok && authority == 1 {
		at, ok = r.skipSOA(message, at)
	}
	if ok && additional == 1 {
		at, ok = r.skipOPT(message, at)
	}
	return r, ok && at == len(message)
}

// The octets of a question behind its name, of a record between its owner and its
// RDATA, and of a SOA record's RDATA behind its names (RFC 1035, sections 4.1.2, 4.1.3
// and 3.3.13).
const (
	questionFixed = 4
	recordFixed   = 10
	soaFixed      = 20
)

func (r *reply) skipSOA(message []byte, at int) (end int, ok bool) {
	owner := at
	at, ok = skipName(message, owner)
	if !ok || len(message)-at < recordFixed || !enclosesQuestion(message, owner) {
		return 0, false
	}
	x := rrAt(message, at)
	if x.kind != dns.TypeSOA || x.class != dns.ClassINET || x.end > len(message) {
		return 0, false
	}
	message = message[:x.end] // where a pointer leads, too, a name ends before the RDATA does
	at, ok = skipName(message, x.start)
	if !ok {
		return 0, false
	}
	at, ok = skipName(message, at)
	if !ok || at+soaFixed != x.end {
		return 0, false
	}
	r.noteSOA(x)
	r.rootSOA = message[labelAt(message, owner)] == 0
	return x.end, true
}

// enclosesQuestion reports whether the whole name at a place is that of the question, or
// of a parent. Nearly always it is a pointer to where that begins.
func enclosesQuestion(message []byte, owner int) bool {
	owner = labelAt(message, owner)
	labels := labelsAt(message, owner)
	question := headerSize
	for surplus := labelsAt(message, question) - labels; surplus != 0; surplus-- {
		if surplus < 0 {
			return false
		}
		question += 1 + int(message[question])
	}
	for ; owner != question; owner, question = labelAt(message, owner), labelAt(message, question) {
		size := int(message[question])
		if int(message[owner]) != size || !bytes.EqualFold(message[owner+1:owner+1+size], message[question+1:question+1+size]) {
			return false
		}
		if size == 0 {
			break
		}
		owner, question = owner+1+size, question+1+size
	}
	return true
}

// labelAt returns where the label is that a whole name goes on with at a place: behind
// pointers, if there are some.
func labelAt(message []byte, at int) int {
	for message[at] >= pointer {
		at = int(message[at]&^pointer)<<8 | int(message[at+1])
	}
	return at
}

// labelsAt returns how many labels a whole name has.
func labelsAt(message []byte, at int) int {
	n := 0
	for at = labelAt(message, at); message[at] != 0; at = labelAt(message, at+1+int(message[at])) {
		n++
	}
	return n
}

func (r *reply) skipOPT(message []byte, at int) (end int, ok bool) {
	if len(message)-at != 1+recordFixed || message[at] != 0 {
		return 0, false
	}
	x := rrAt(message, at+1)
	if x.kind != dns.TypeOPT || x.start != x.end {
		return 0, false
	}
	r.noteExtendedRCode(x)
	return x.end, true
}

// skipName returns where a name ends that is whole (RFC 1035, section 4.1.4): pointers
// lead back, to where a name may be.
func skipName(message []byte, at int) (end int, ok bool) {
	pointers, size, limit := 0, 0, at
	for at < len(message) {
		c := int(message[at])
		switch {
		case c == 0:
			if pointers == 0 {
				end = at + 1
			}
			return end, size < maxWireName
		case c <= maxWireLabel:
			at, size = at+1+c, size+1+c
		case c < pointer || at+1 >= len(message):
			return 0, false
		default:
			if pointers++; pointers == 1 {
				end = at + 2
			}
			at = c&^pointer<<8 | int(message[at+1])
			if at < headerSize || at >= limit || pointers > mostPointers {
				return 0, false
			}
			limit = at
		}
	}
	return 0, false
}

// pointer is what the first of a compression pointer's two octets begins with, and
// mostPointers are as many as can follow one another in a name of real labels.
const (
	pointer      = 0xC0
	mostPointers = maxWireName/2 - 1
)

package zone

import (
	"encoding/binary"
	"errors"

	"github.com/miekg/dns"
)

// headerSize is that of every message (RFC 1035, section 4.1.1).
const headerSize = 12

// query is what an answer needs to know of a DNS query.
type query struct {
	id       uint16
	flags    uint16
	question []byte // the octets as sent: name, type, class
	name     name
	typ      uint16
	class    uint16
	edns     bool // it has an OPT record (RFC 6891)
}

// parseQuery reads a query with one question. Its name must not be compressed,
// for there is nothing before it to point to.
func parseQuery(octets []byte) (query, error) {
	if len(octets) < headerSize {
		return query{}, errors.New("shorter than a DNS header")
	}
	q := query{id: binary.BigEndian.Uint16(octets), flags: binary.BigEndian.Uint16(octets[2:])}
	const response, opcode = 1 << 15, 15 << 11
	if q.flags&(response|opcode) != 0 {
		return query{}, errors.New("not a DNS query")
	}
	if binary.BigEndian.Uint16(octets[4:]) != 1 {
		return query{}, errors.New("not one question")
	}
	rest := octets[headerSize:]
	size := wireName(string(rest[:min(len(rest), maxName)]))
	if size == 0 || len(rest) < size+4 {
		return query{}, errors.New("question is malformed")
	}
	q.question = rest[:size+4]
	q.name = lower(string(rest[:size]))
	q.typ = binary.BigEndian.Uint16(rest[size:])
	q.class = binary.BigEndian.Uint16(rest[size+2:])
	var err error
	q.edns, err = hasOPT(octets, headerSize+size+4)
	return q, err
}

// hasOPT reports whether there is an OPT record among those that begin at at.
func hasOPT(octets []byte, at int) (bool, error) {
	records := 0
	for count := 6; count < headerSize; count += 2 {
		records += int(binary.BigEndian.Uint16(octets[count:]))
	}
	found := false
	for range records {
		rr, next, err := dns.UnpackRR(octets, at)
		if err != nil || next <= at {
			return false, errors.New("records after the question are malformed")
		}
		found = found || rr.Header().Rrtype == dns.TypeOPT
		at = next
	}
	return found, nil
}

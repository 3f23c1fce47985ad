package lookup

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/miekg/dns"
)

const (
	flagCD = 1 << 4
	// queryFlags are RD, and AD, by which a client says that it understands the
	// AD bit of the reply (RFC 6840, section 5.7). DO stays clear.
	queryFlags = 1<<8 | flagAD
	// udpSize is what a reply over UDP may have without being fragmented on
	// nearly all paths (DNS Flag Day 2020).
	udpSize = 1232
	optSize = 11 // an OPT record without options (RFC 6891, section 6.1.2)
)

// packProbe returns a query for the SOA record of the root. It sets DO and leaves AD
// clear: either makes a validating resolver set AD in the reply (RFC 6840, section
// 5.7), and a bit that is merely echoed shows.
func packProbe(id uint16, f form) ([]byte, error) {
	query, err := packQuery(id, ".", dns.TypeSOA, f)
	if err != nil {
		return nil, err
	}
	if !f.edns() {
		query[flagsAt+1] &^= flagAD
		return query, nil
	}
	setDO(query)
	return query, nil
}

// setDO makes a query with EDNS one that asks for the records of DNSSEC, and for
// AD by that alone.
func setDO(query []byte) {
	const doFromEnd = 4 // the flags stand before RDLENGTH (RFC 6891, section 6.1.3)
	query[len(query)-doFromEnd] |= 0x80
	query[flagsAt+1] &^= flagAD
}

// packQuery returns a query for kind at name in the given form.
func packQuery(id uint16, name string, kind uint16, f form) ([]byte, error) {
	query := make([]byte, headerSize+maxWireName+4+optSize)
	binary.BigEndian.PutUint16(query, id)
	binary.BigEndian.PutUint16(query[flagsAt:], queryFlags)
	binary.BigEndian.PutUint16(query[qdcountAt:], 1)
	at, err := dns.PackDomainName(dns.Fqdn(name), query, headerSize, nil, false)
	if err != nil {
		return nil, fmt.Errorf("query for %s: %w", name, err)
	}
	query = binary.BigEndian.AppendUint16(query[:at], kind)
	query = binary.BigEndian.AppendUint16(query, dns.ClassINET)
	if !f.edns() {
		return query, nil
	}
	const arcountAt = 10
	binary.BigEndian.PutUint16(query[arcountAt:], 1)
	query = append(query, 0) // the root
	query = binary.BigEndian.AppendUint16(query, dns.TypeOPT)
	query = binary.BigEndian.AppendUint16(query, udpSize)
	return append(query, 0, 0, 0, 0, 0, 0), nil // no extended rcode, version 0, no flags, no options
}

// setCD makes a query one that asks for what validation would hold back (RFC 4035,
// section 3.2.2).
func setCD(query []byte) {
	query[flagsAt+1] &^= flagAD
	query[flagsAt+1] |= flagCD
}

// mixCase gives each letter of the question a case by chance, which the reply has
// to repeat: bits that a forger has to guess (0x20).
func mixCase(query []byte, random io.ByteReader) {
	const upper = 'a' - 'A'
	for at := headerSize; query[at] != 0; at += 1 + int(query[at]) {
		label := query[at+1 : at+1+int(query[at])]
		for i, c := range label {
			coin, err := random.ReadByte()
			if err != nil {
				panic(err) // crypto/rand does not fail
			}
			if 'a' <= c && c <= 'z' && coin&1 == 1 {
				label[i] = c - upper
			}
		}
	}
}

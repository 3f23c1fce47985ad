package lookup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

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
	// maxWireLabel is the octets of the longest label (RFC 1035, section 2.3.4).
	maxWireLabel = 63
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

// maxQuery is the octets of the longest query of ours.
const maxQuery = headerSize + maxWireName + 4 + optSize

// packQuery returns a query for kind at name in the given form.
func packQuery(id uint16, name string, kind uint16, f form) ([]byte, error) {
	query, err := appendQuery(make([]byte, 0, maxQuery), name, kind, f)
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint16(query, id)
	return query, nil
}

// header is that of every query, but for its ID: one question, and with EDNS one
// additional record.
var (
	plainHeader = [headerSize]byte{flagsAt: queryFlags >> 8, flagsAt + 1: queryFlags & 0xff, qdcountAt + 1: 1}
	ednsHeader  = [headerSize]byte{flagsAt: queryFlags >> 8, flagsAt + 1: queryFlags & 0xff, qdcountAt + 1: 1, arcountAt + 1: 1}
	// ednsRecord is owned by the root; no extended rcode, version 0, no flags, no
	// options.
	ednsRecord = [optSize]byte{2: byte(dns.TypeOPT), 3: udpSize >> 8, 4: udpSize & 0xff}
)

// appendQuery appends a query, whose ID is 0, to nothing.
func appendQuery(query []byte, name string, kind uint16, f form) ([]byte, error) {
	if f.edns() {
		query = append(query, ednsHeader[:]...)
	} else {
		query = append(query, plainHeader[:]...)
	}
	query, err := appendName(query, name)
	if err != nil {
		return nil, fmt.Errorf("query for %s: %w", name, err)
	}
	query = binary.BigEndian.AppendUint16(query, kind)
	query = binary.BigEndian.AppendUint16(query, dns.ClassINET)
	if f.edns() {
		query = append(query, ednsRecord[:]...)
	}
	return query, nil
}

// appendName appends a name as the wire has it (RFC 1035, section 3.1). That of a
// domain.Name is spelt with its octets; others, which aliases may lead to, may have
// escapes.
func appendName(query []byte, name string) ([]byte, error) {
	if name == "." || len(name) > maxWireName-2 || strings.IndexByte(name, '\\') >= 0 {
		return appendOddName(query, name)
	}
	start := len(query)
	query = append(query, 0) // the length of the first label
	query = append(query, name...)
	query = append(query, 0) // the root
	at := start
	for i := start + 1; i < len(query); i++ {
		if query[i] != '.' && i < len(query)-1 {
			continue
		}
		size := i - at - 1
		if size == 0 || size > maxWireLabel {
			return nil, errName
		}
		query[at] = byte(size)
		at = i
	}
	return query, nil
}

func appendOddName(query []byte, name string) ([]byte, error) {
	var wire [maxWireName]byte
	end, err := dns.PackDomainName(dns.Fqdn(name), wire[:], 0, nil, false)
	if err != nil {
		return nil, err
	}
	return append(query, wire[:end]...), nil
}

var errName = errors.New("a label is empty or longer than 63 octets")

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

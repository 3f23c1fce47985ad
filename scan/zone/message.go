package zone

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/miekg/dns"
)

// Sections of a reply, as the place of their count in the header.
type section int

const (
	answer     section = 6
	authority  section = 8
	additional section = 10
)

// Flags of the header (RFC 1035, section 4.1.1), beside the rcode.
const (
	flagQR uint16 = 1 << 15
	flagAA uint16 = 1 << 10
	flagTC uint16 = 1 << 9
	flagRD uint16 = 1 << 8
	flagRA uint16 = 1 << 7
)

const (
	maxMessage  = math.MaxUint16
	udpSize     = 1232 // announced in OPT; what crosses networks unfragmented
	optSize     = 11   // an OPT record without options (RFC 6891, section 6.1.2)
	maxSuffixes = 32   // kept for compression; beyond, messages only grow
)

// message is a reply being written.
type message struct {
	query    query
	octets   []byte
	suffixes []suffix
	full     bool // a record did not fit
}

// suffix is a name in the message, for others to point to (RFC 1035,
// section 4.1.4).
type suffix struct {
	name   name
	offset int
}

func newMessage(q query) *message {
	m := &message{query: q, octets: make([]byte, headerSize, 512)}
	binary.BigEndian.PutUint16(m.octets, q.id)
	binary.BigEndian.PutUint16(m.octets[4:], 1)
	m.octets = append(m.octets, q.question...)
	m.remember(q.name, headerSize)
	return m
}

// clear takes the records out again.
func (m *message) clear() {
	m.octets = m.octets[:headerSize+len(m.query.question)]
	clear(m.octets[answer:headerSize])
}

// addSet writes an RRset with an owner of its own, as wildcards need it.
func (m *message) addSet(in section, owner name, set *rrset) {
	for _, rdata := range set.rdata {
		m.add(in, owner, set.typ, set.ttl, rdata)
	}
}

// add writes one record. RDATA is never compressed: it stays as it was loaded.
func (m *message) add(in section, owner name, typ uint16, ttl uint32, rdata string) {
	if m.full {
		return
	}
	m.addName(owner)
	m.octets = binary.BigEndian.AppendUint16(m.octets, typ)
	m.octets = binary.BigEndian.AppendUint16(m.octets, dns.ClassINET)
	m.octets = binary.BigEndian.AppendUint32(m.octets, ttl)
	m.octets = binary.BigEndian.AppendUint16(m.octets, uint16(len(rdata)))
	m.octets = append(m.octets, rdata...)
	m.full = len(m.octets) > maxMessage-optSize
	m.count(in)
}

func (m *message) count(in section) {
	records := binary.BigEndian.Uint16(m.octets[in:])
	binary.BigEndian.PutUint16(m.octets[in:], records+1)
}

func (m *message) addName(n name) {
	at := len(m.octets)
	for rest := n; rest != root; rest = rest.parent() {
		if offset := m.offset(rest); offset > 0 {
			labels := strings.TrimSuffix(string(n), string(rest))
			m.octets = append(m.octets, labels...)
			m.octets = binary.BigEndian.AppendUint16(m.octets, 0xC000|uint16(offset))
			m.remember(n, at)
			return
		}
	}
	m.octets = append(m.octets, n...)
	m.remember(n, at)
}

func (m *message) offset(n name) int {
	for _, s := range m.suffixes {
		if s.name == n {
			return s.offset
		}
	}
	return 0
}

// remember notes the name at an offset, and those that end it, up to
// the first that is known already.
func (m *message) remember(n name, offset int) {
	for ; n != root && offset < 1<<14 && len(m.suffixes) < maxSuffixes && m.offset(n) == 0; n = n.parent() {
		m.suffixes = append(m.suffixes, suffix{n, offset})
		offset += 1 + int(n[0])
	}
}

// finish returns the message. One that would be over 65,535 octets is truncated:
// no records and TC set, for half an RRset is worse than none.
func (m *message) finish(flags uint16, rcode int) []byte {
	if m.full {
		m.clear()
		flags |= flagTC
	}
	flags |= flagQR | m.query.flags&flagRD | uint16(rcode)
	binary.BigEndian.PutUint16(m.octets[2:], flags)
	if m.query.edns {
		m.octets = append(m.octets, 0)
		m.octets = binary.BigEndian.AppendUint16(m.octets, dns.TypeOPT)
		m.octets = binary.BigEndian.AppendUint16(m.octets, udpSize)
		m.octets = append(m.octets, 0, 0, 0, 0, 0, 0) // rcode, version, flags; no options
		m.count(additional)
	}
	return m.octets
}

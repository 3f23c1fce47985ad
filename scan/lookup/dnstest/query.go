package dnstest

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Transport is how a query came.
type Transport string

// The transports.
const (
	UDP   Transport = "udp"
	TCP   Transport = "tcp"
	TLS   Transport = "tls"
	HTTPS Transport = "https"
)

// Query is one question that was asked.
type Query struct {
	Name      string // in lower case without a trailing dot, like zone.Record.Name
	Type      uint16
	Transport Transport
	From      netip.AddrPort
	ID        uint16
	EDNS      bool
	UDPSize   uint16 // announced by EDNS; 512 without
	RD        bool
	AD        bool
	CD        bool
	DO        bool
	Wire      []byte // as it came, letters of the name as sent; not to be changed

	question []byte // the part of Wire
	server   *Server
}

const headerSize = 12 // RFC 1035, section 4.1.1

func (s *Server) parse(wire []byte, transport Transport, from netip.AddrPort) (Query, bool) {
	var m dns.Msg
	if err := m.Unpack(wire); err != nil || m.Response || m.Opcode != dns.OpcodeQuery || len(m.Question) != 1 {
		return Query{}, false
	}
	_, end, err := dns.UnpackDomainName(wire, headerSize)
	if err != nil {
		return Query{}, false
	}
	q := Query{
		Name: plainName(m.Question[0].Name), Type: m.Question[0].Qtype, Transport: transport, ID: m.Id,
		From:    netip.AddrPortFrom(from.Addr().Unmap(), from.Port()),
		UDPSize: dns.MinMsgSize, RD: m.RecursionDesired, AD: m.AuthenticatedData, CD: m.CheckingDisabled,
		Wire: wire, question: wire[headerSize : end+4], server: s,
	}
	if opt := m.IsEdns0(); opt != nil {
		// Sizes below 512 count as 512 (RFC 6891, section 6.2.5).
		q.EDNS, q.DO, q.UDPSize = true, opt.Do(), max(opt.UDPSize(), dns.MinMsgSize)
	}
	return q, true
}

// plainName spells a name as Query.Name is.
func plainName(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(dns.CanonicalName(name), ".")
}

// above returns the parent of a name other than the root.
func above(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// Flags of the header beside QR and the rcode (RFC 1035, section 4.1.1; RFC
// 4035, sections 3.1.6 and 3.2).
const (
	flagQR uint16 = 1 << 15
	flagAA uint16 = 1 << 10
	flagTC uint16 = 1 << 9
	flagRD uint16 = 1 << 8
	flagRA uint16 = 1 << 7
	flagAD uint16 = 1 << 5
	flagCD uint16 = 1 << 4
)

// Places in the header.
const (
	flagsAt   = 2
	qdcountAt = 4
	ancountAt = 6
	nscountAt = 8
	arcountAt = 10
)

// Replies returns what the server sends for q if no Config.Handle stands in
// between. A fault with first=N counts each call as a query.
func (q Query) Replies() []Reply {
	f := q.server.fault(q.Name)
	switch {
	case f.has(drop), f.has(noReplyUDP) && q.Transport == UDP:
		return nil
	case f.has(tcpClose) && q.Transport != UDP:
		return []Reply{{Close: true}}
	}
	wire := q.finish(q.message(f), f)
	reply := Reply{Wire: f.mangle(wire), After: f.delay, OtherPort: f.has(badPort)}
	if f.has(tcpDrip) {
		reply.Drip = q.server.config.Drip
	}
	return []Reply{reply}
}

// message returns the reply without its OPT record.
func (q Query) message(f *fault) []byte {
	switch {
	case q.EDNS && f.has(noEDNSNoQuestion):
		return q.headerOnly(dns.RcodeFormatError)
	case q.EDNS && f.has(noEDNS):
		return q.failure(f, dns.RcodeFormatError)
	case q.EDNS && f.has(noEDNSNotImp):
		return q.failure(f, dns.RcodeNotImplemented)
	case q.EDNS && f.has(badVers):
		return q.failure(f, dns.RcodeSuccess) // the upper bits stand in the OPT record
	case f.has(bogus) && !q.CD:
		return q.bare(dns.RcodeServerFailure)
	case f.rcode != noRcode:
		return q.failure(f, f.rcode)
	case f.has(referral):
		return q.referral()
	case f.has(chain):
		return q.firstAlias(f)
	case f.has(pointerLoop):
		const pointer = 0xC000                                                                              // RFC 1035, section 4.1.4
		return q.withAnswer(binary.BigEndian.AppendUint16(nil, pointer|uint16(headerSize+len(q.question)))) // to itself
	case slices.ContainsFunc(edits, f.has) && q.Type == dns.TypeCAA:
		return q.edited(f)
	case f.has(offChain):
		return q.withAnswer([]byte("\x09elsewhere\x07invalid\x00"))
	}
	switch {
	case q.server.config.Authoritative:
		return q.answer(q.server.zones.Answer, f)
	case q.Name == "." && q.Type == dns.TypeSOA: // that every resolver has
		return q.answer(q.server.root.Resolve, f)
	}
	return q.answer(q.server.zones.Resolve, f)
}

package dnstest

import (
	"encoding/binary"
	"slices"

	"github.com/miekg/dns"

	"caascan/scan/zone"
)

const (
	optSize = 11   // of the OPT record of a zone.Answer
	udpSize = 1232 // announced in ours

	rcodeMask = 0xF // of the flags of the header
)

// answer returns what the zones say, without the OPT record.
func (q Query) answer(from func([]byte) (zone.Answer, error), f *fault) []byte {
	a, err := from(q.Wire)
	if err != nil {
		return q.bare(dns.RcodeFormatError)
	}
	body := a.Wire
	if q.EDNS {
		body = body[:len(body)-optSize]
		binary.BigEndian.PutUint16(body[arcountAt:], 0)
	}
	if q.secure(body, f) {
		setFlags(body, flagAD)
	}
	return body
}

// secure reports whether a validating resolver would set AD on what the zones
// say (RFC 4035, section 3.2.3; RFC 6840, section 5.8). With CD nothing has been
// validated.
func (q Query) secure(body []byte, f *fault) bool {
	rcode := binary.BigEndian.Uint16(body[flagsAt:]) & rcodeMask
	if !q.server.config.Validates || q.CD || !q.AD && !q.DO || f.has(insecure) {
		return false
	}
	if rcode != dns.RcodeSuccess && rcode != dns.RcodeNameError {
		return false
	}
	return !slices.ContainsFunc(q.names(body), q.server.insecure)
}

// names returns the names that an answer speaks of: that of the question, the
// owners of its records, and where their aliases lead.
func (q Query) names(body []byte) []string {
	names := []string{q.Name}
	at := headerSize + len(q.question)
	for range binary.BigEndian.Uint16(body[ancountAt:]) {
		owner, end, err := dns.UnpackDomainName(body, at)
		if err != nil {
			break // no message of a zone.Set
		}
		const sizeAt, fixed = 8, 10 // RFC 1035, section 4.1.3
		if binary.BigEndian.Uint16(body[end:]) == dns.TypeCNAME {
			if target, _, err := dns.UnpackDomainName(body, end+fixed); err == nil {
				names = append(names, plainName(target))
			}
		}
		names = append(names, plainName(owner))
		at = end + fixed + int(binary.BigEndian.Uint16(body[end+sizeAt:]))
	}
	return names
}

// headerOnly returns a reply without even the question, as very old servers send
// it.
func (q Query) headerOnly(rcode int) []byte {
	wire := make([]byte, headerSize, 512)
	binary.BigEndian.PutUint16(wire, q.ID)
	binary.BigEndian.PutUint16(wire[flagsAt:], flagQR|uint16(rcode)&rcodeMask)
	if q.RD {
		setFlags(wire, flagRD)
	}
	return wire
}

// bare returns a reply without records.
func (q Query) bare(rcode int) []byte {
	wire := append(q.headerOnly(rcode), q.question...)
	binary.BigEndian.PutUint16(wire[qdcountAt:], 1)
	return wire
}

// failure returns a reply without records, and without question if f says so.
func (q Query) failure(f *fault, rcode int) []byte {
	if f.has(noQuestion) {
		return q.headerOnly(rcode)
	}
	return q.bare(rcode)
}

// referral returns what a server sends that does not resolve: NS records, no
// SOA, no AA (RFC 1034, section 4.3.1).
func (q Query) referral() []byte {
	const server = "\x02ns\x07invalid\x00"
	wire := q.bare(dns.RcodeSuccess)
	wire = append(wire, 0xC0, headerSize) // the question's name
	wire = binary.BigEndian.AppendUint16(wire, dns.TypeNS)
	wire = binary.BigEndian.AppendUint16(wire, dns.ClassINET)
	wire = binary.BigEndian.AppendUint32(wire, 60)
	wire = binary.BigEndian.AppendUint16(wire, uint16(len(server)))
	wire = append(wire, server...)
	binary.BigEndian.PutUint16(wire[nscountAt:], 1)
	return wire
}

// withAnswer returns a reply with a CAA record of this owner, which permits.
func (q Query) withAnswer(owner []byte) []byte {
	const rdata = "\x00\x09issuemailca.example"
	wire := append(q.bare(dns.RcodeSuccess), owner...)
	wire = binary.BigEndian.AppendUint16(wire, dns.TypeCAA)
	wire = binary.BigEndian.AppendUint16(wire, dns.ClassINET)
	wire = binary.BigEndian.AppendUint32(wire, 60)
	wire = binary.BigEndian.AppendUint16(wire, uint16(len(rdata)))
	wire = append(wire, rdata...)
	binary.BigEndian.PutUint16(wire[ancountAt:], 1)
	return wire
}

// firstAlias returns the answer up to and with its first CNAME record. The
// alias may lead out of the zones: nobody follows it.
func (q Query) firstAlias(f *fault) []byte {
	body := q.answer(q.server.zones.Answer, f)
	binary.BigEndian.PutUint16(body[flagsAt:], binary.BigEndian.Uint16(body[flagsAt:])&^flagAA)
	at := headerSize + len(q.question)
	for count := uint16(1); count <= binary.BigEndian.Uint16(body[ancountAt:]); count++ {
		rr, next, err := dns.UnpackRR(body, at)
		if err != nil {
			break // a malformed record is no alias
		}
		if rr.Header().Rrtype == dns.TypeCNAME {
			setRcode(body, dns.RcodeSuccess) // NXDOMAIN spoke of what is cut off
			binary.BigEndian.PutUint16(body[ancountAt:], count)
			binary.BigEndian.PutUint16(body[nscountAt:], 0)
			return body[:next]
		}
		at = next
	}
	return body
}

// edited returns what the zones say, changed as the words have it.
func (q Query) edited(f *fault) []byte {
	var m dns.Msg
	body := q.answer(q.server.zones.Resolve, f)
	if err := m.Unpack(body); err != nil {
		return body // a malformed record is fault enough
	}
	m.Authoritative, m.RecursionAvailable = f.has(authority), false // finish sets it
	owner, answer := m.Question[0].Name, m.Answer
	for _, w := range edits {
		if f.has(w) {
			editRecords(&m, w, owner, answer)
		}
	}
	wire, err := m.Pack()
	if err != nil {
		panic("dnstest: " + err.Error()) // of what has been unpacked, and records of ours
	}
	return wire
}

// editRecords does to the records of a message what a word says, those of the flags nothing.
func editRecords(m *dns.Msg, w word, owner string, answer []dns.RR) {
	const soa = " 300 IN SOA ns.invalid. hostmaster.invalid. 1 1800 900 604800 300"
	switch {
	case w == foreignSOA:
		m.Answer, m.Ns = nil, []dns.RR{newRR("elsewhere.invalid." + soa)}
	case w == policySOA:
		m.Answer, m.Ns, m.Extra = nil, nil, []dns.RR{newRR("policy.invalid." + soa)}
	case w == nothing:
		m.Answer, m.Ns = nil, nil
	case w == address:
		m.Answer = []dns.RR{newRR(owner + " 60 IN A 192.0.2.1")}
	case w == otherAddress:
		m.Answer = []dns.RR{newRR("elsewhere.invalid. 60 IN A 192.0.2.1")}
	case w == chaos:
		for _, rr := range answer {
			rr.Header().Class = dns.ClassCHAOS
		}
	case w == authorityCAA:
		m.Answer, m.Ns = nil, answer
	case w == additionalCAA:
		m.Answer, m.Extra = nil, answer
	case w == signature:
		m.Answer = []dns.RR{newRR(owner + " 60 IN RRSIG CAA 13 2 60 20270101000000 20260101000000 1 example. AAAA")}
	case w == stray:
		m.Answer = append(m.Answer, newRR(`elsewhere.invalid. 60 IN CAA 0 issuemail ";"`))
	case w == notThere:
		labels := dns.SplitDomainName(owner)
		m.Rcode, m.Answer, m.Ns = dns.RcodeNameError, nil, []dns.RR{newRR(labels[len(labels)-1] + "." + soa)}
	}
}

func newRR(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic("dnstest: " + err.Error()) // it is one of ours
	}
	return rr
}

func setFlags(wire []byte, flags uint16) {
	binary.BigEndian.PutUint16(wire[flagsAt:], binary.BigEndian.Uint16(wire[flagsAt:])|flags)
}

func setRcode(wire []byte, rcode uint16) {
	binary.BigEndian.PutUint16(wire[flagsAt:], binary.BigEndian.Uint16(wire[flagsAt:])&^rcodeMask|rcode)
}

// finish gives a reply its flags and OPT record, and truncates it to what the
// query allows.
func (q Query) finish(body []byte, f *fault) []byte {
	if !q.server.config.Authoritative {
		if !f.has(noRecursion) {
			setFlags(body, flagRA)
		}
		if q.CD { // RFC 4035, section 3.2.2
			setFlags(body, flagCD)
		}
	}
	if f.has(ad) && (q.AD || q.DO) { // RFC 6840, section 5.8
		setFlags(body, flagAD)
	}
	wire := q.addOPT(body, f)
	if q.truncates(len(wire), f) && len(body) > headerSize {
		body = body[:headerSize+len(q.question)]
		clear(body[ancountAt:headerSize])
		setFlags(body, flagTC)
		wire = q.addOPT(body, f)
	}
	return wire
}

func (q Query) truncates(size int, f *fault) bool {
	if f.has(tcTCP) {
		return true
	}
	return q.Transport == UDP && (f.has(tc) || size > int(q.UDPSize))
}

// addOPT returns body with an OPT record behind it, if the query had one and the
// server is to know what it is.
func (q Query) addOPT(body []byte, f *fault) []byte {
	if !q.EDNS || f.ignoresEDNS() || len(body) == headerSize && !f.has(badVers) {
		return body
	}
	options := f.options()
	if f.has(bogus) && q.CD {
		options = nil // what is not validated is not found bogus
	}
	wire := append(slices.Clip(body), 0) // the root
	wire = binary.BigEndian.AppendUint16(wire, dns.TypeOPT)
	wire = binary.BigEndian.AppendUint16(wire, udpSize)
	upper := byte(max(f.rcode, 0) >> 4)
	if f.has(badVers) {
		upper = dns.RcodeBadVers >> 4
	}
	wire = append(wire, upper, 0) // the upper bits of the rcode; version
	flags := uint16(0)
	if q.DO { // RFC 3225, section 3
		flags = 1 << 15
	}
	wire = binary.BigEndian.AppendUint16(wire, flags)
	wire = binary.BigEndian.AppendUint16(wire, uint16(len(options)))
	wire = append(wire, options...)
	binary.BigEndian.PutUint16(wire[arcountAt:], binary.BigEndian.Uint16(wire[arcountAt:])+1)
	return wire
}

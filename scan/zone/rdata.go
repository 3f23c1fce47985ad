package zone

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// soaNumbers is the size of the five numbers after the names of an SOA record,
// of which the last is MINIMUM (RFC 1035, section 3.3.13).
const soaNumbers = 20

// rdata returns the octets of the RDATA, uncompressed, that the tokens of text
// write. No answer about CAA is made from types but those that are named here: if the
// library cannot read another one that servers can, such as a DNSKEY record with its
// algorithm by name, the text is kept as the octets: the name exists and has the type.
func (r *reader) rdata(typ uint16, text string, tokens []token) (string, error) {
	if len(tokens) == 0 {
		return "", errors.New("no data")
	}
	if tokens[0].text == `\#` {
		return genericRDATA(typ, tokens[1:])
	}
	switch typ {
	case dns.TypeCAA:
		return caaRDATA(tokens)
	case dns.TypeNS, dns.TypeCNAME, dns.TypeDNAME:
		if len(tokens) != 1 {
			return "", fmt.Errorf("one name, not %d", len(tokens))
		}
		return r.name(tokens[0])
	case dns.TypeSOA:
		for _, t := range tokens[:min(2, len(tokens))] { // whose messages say what to do about a relative name
			if _, err := r.name(t); err != nil {
				return "", err
			}
		}
		return r.libraryRDATA(typ, text[tokens[0].start:])
	default: // types are an open set
		octets, err := r.libraryRDATA(typ, text[tokens[0].start:])
		if err != nil && !strict(typ) && len(text) <= math.MaxUint16 {
			return text[tokens[0].start:], nil
		}
		return octets, err
	}
}

// strict reports whether what the library cannot read of a type no server can: a slip, which
// is better known.
func strict(typ uint16) bool {
	switch typ {
	case dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypePTR, dns.TypeDS:
		return true
	default: // types are an open set
		return false
	}
}

// genericRDATA reads a length and hexadecimal digits, the form of RFC 3597,
// section 5. CAA records are taken as they are, so that a file can hold what a
// hostile server might send; of other known types the octets must make sense.
func genericRDATA(typ uint16, tokens []token) (string, error) {
	if len(tokens) == 0 {
		return "", errors.New(`\# must be followed by the number of octets`)
	}
	size, err := strconv.ParseUint(tokens[0].text, 10, 16)
	if err != nil {
		return "", fmt.Errorf(`\# must be followed by the number of octets, not by %s`, quote(tokens[0].text))
	}
	var digits strings.Builder
	for _, t := range tokens[1:] {
		digits.WriteString(t.text)
	}
	octets, err := hex.DecodeString(digits.String())
	if err != nil {
		return "", fmt.Errorf("%s is not an even number of hexadecimal digits", quote(digits.String()))
	}
	if len(octets) != int(size) {
		return "", fmt.Errorf(`\# announces %d octets, but %d follow`, size, len(octets))
	}
	if typ != dns.TypeCAA && !sound(typ, string(octets)) {
		return "", errors.New(`the octets after \# are not of this type`)
	}
	return string(octets), nil
}

// sound reports whether octets can be the RDATA of a type whose names answers
// are made from, or of any other type the library knows.
func sound(typ uint16, octets string) bool {
	size := wireName(octets)
	switch typ {
	case dns.TypeNS, dns.TypeCNAME, dns.TypeDNAME:
		return size > 0 && size == len(octets)
	case dns.TypeSOA:
		mailbox := wireName(octets[size:])
		return size > 0 && mailbox > 0 && size+mailbox+soaNumbers == len(octets)
	default: // types are an open set
		header := dns.RR_Header{Name: ".", Rrtype: typ, Class: dns.ClassINET, Rdlength: uint16(len(octets))}
		_, _, err := dns.UnpackRRWithHeader(header, []byte(octets), 0)
		return err == nil
	}
}

// caaRDATA reads flags, tag and value (RFC 8659, section 4.1.1). The value is
// one string and may be longer than a <character-string>.
func caaRDATA(tokens []token) (string, error) {
	if len(tokens) != 3 {
		return "", fmt.Errorf("flags, tag and one value, not %d items", len(tokens))
	}
	flags, err := strconv.ParseUint(tokens[0].text, 10, 8)
	if err != nil {
		return "", fmt.Errorf("flags %s are not a number up to 255", quote(tokens[0].text))
	}
	if strings.Contains(tokens[1].text, `"`) {
		return "", fmt.Errorf("tag %s must be written without quotation marks", quote(tokens[1].text))
	}
	tag, value := unescape(tokens[1].text), unescape(tokens[2].text)
	if len(tag) > math.MaxUint8 {
		return "", fmt.Errorf("tag is %d octets long, at most 255", len(tag))
	}
	octets := string([]byte{byte(flags), byte(len(tag))}) + tag + value
	if len(octets) > math.MaxUint16 {
		return "", fmt.Errorf("data is %d octets long, at most 65535", len(octets))
	}
	return octets, nil
}

// libraryRDATA lets the DNS library read the text of a type.
func (r *reader) libraryRDATA(typ uint16, text string) (string, error) {
	parser := dns.NewZoneParser(strings.NewReader(". 0 IN "+dns.Type(typ).String()+" "+text+"\n"), r.origin, "")
	rr, ok := parser.Next()
	if !ok {
		return "", libraryError(parser.Err())
	}
	const fixed = 11 // root, type, class, TTL and length stand before RDATA
	if r.buffer == nil {
		r.buffer = make([]byte, fixed+math.MaxUint16)
	}
	size, err := dns.PackRR(rr, r.buffer, 0, nil, false)
	if err != nil {
		return "", libraryError(err)
	}
	return string(r.buffer[fixed:size]), nil
}

// libraryError renders an error of the library, whose own line numbers count
// within one record, for a message that already says where.
func libraryError(err error) error {
	if err == nil {
		return errors.New("no data")
	}
	const most = 200
	what, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "dns: "), " at line: ")
	if len(what) > most {
		what = what[:most] + "..."
	}
	return errors.New(strings.Map(printable, what))
}

// printable replaces what the library takes from a file into its words as it is.
func printable(r rune) rune {
	if r < ' ' || '~' < r {
		return '?'
	}
	return r
}

// negativeTTL returns the TTL of negative answers, the lesser of the SOA
// record's own and its MINIMUM (RFC 2308, section 5).
func negativeTTL(soa rrset) uint32 {
	octets := soa.rdata[0]
	return min(soa.ttl, binary.BigEndian.Uint32([]byte(octets[len(octets)-4:])))
}

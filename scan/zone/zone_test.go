package zone_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/zone"
)

// soa is an SOA record with a TTL of 3600 and a MINIMUM of 300: RFC 2308,
// section 5 takes the lesser for negative answers.
const soa = "3600 IN SOA ns.example.net. hostmaster.example.net. 1 7200 600 86400 300\n"

// set returns the Set of zones given as master file text.
func set(t testing.TB, texts ...string) *zone.Set {
	t.Helper()
	var zones []*zone.Zone
	for i, text := range texts {
		z, err := zone.Parse(strings.NewReader(text), fmt.Sprintf("%d.zone", i))
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, z)
	}
	s, err := zone.NewSet(zones...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// query returns the wire form of a question such as "mail.example. CAA", without
// EDNS and with RD.
func query(t testing.TB, question string) []byte {
	t.Helper()
	name, typ, _ := strings.Cut(question, " ")
	number, ok := dns.StringToType[typ]
	if !ok {
		t.Fatalf("no type in question %q", question)
	}
	wire, err := new(dns.Msg).SetQuestion(name, number).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// unpack returns the reply to a query, which it must echo.
func unpack(t testing.TB, query, reply []byte) *dns.Msg {
	t.Helper()
	asked, m := new(dns.Msg), new(dns.Msg)
	if err := asked.Unpack(query); err != nil {
		t.Fatal(err)
	}
	if err := m.Unpack(reply); err != nil {
		t.Fatalf("reply %x does not unpack: %v", reply, err)
	}
	if !m.Response || m.Id != asked.Id || m.RecursionDesired != asked.RecursionDesired || len(m.Question) != 1 || m.Question[0] != asked.Question[0] {
		t.Fatalf("reply is not to the query:\n%v\n%v", asked, m)
	}
	return m
}

// answer asks one question and renders what comes back:
//
//	authoritative NXDOMAIN aa
//	answer alias.example. 3600 CNAME nowhere.example.
//	authority example. 300 SOA
func answer(t testing.TB, s *zone.Set, question string) string {
	t.Helper()
	q := query(t, question)
	a, err := s.Answer(q)
	if err != nil {
		t.Fatal(err)
	}
	return render(a.Kind, unpack(t, q, a.Wire))
}

func resolve(t testing.TB, s *zone.Set, question string) string {
	t.Helper()
	q := query(t, question)
	a, err := s.Resolve(q)
	if err != nil {
		t.Fatal(err)
	}
	return render(a.Kind, unpack(t, q, a.Wire))
}

func render(kind zone.Kind, m *dns.Msg) string {
	lines := []string{string(kind) + " " + dns.RcodeToString[m.Rcode]}
	if m.Authoritative {
		lines[0] += " aa"
	}
	if m.RecursionAvailable {
		lines[0] += " ra"
	}
	if m.Truncated {
		lines[0] += " tc"
	}
	for _, rr := range m.Answer {
		lines = append(lines, "answer "+renderRecord(rr))
	}
	for _, rr := range m.Ns {
		lines = append(lines, "authority "+renderRecord(rr))
	}
	for _, rr := range m.Extra {
		lines = append(lines, "additional "+renderRecord(rr))
	}
	return strings.Join(lines, "\n")
}

func renderRecord(rr dns.RR) string {
	header := rr.Header()
	text := fmt.Sprintf("%s %d %s", header.Name, header.Ttl, dns.Type(header.Rrtype))
	if header.Rrtype == dns.TypeSOA {
		return text
	}
	return text + " " + strings.TrimPrefix(rr.String(), header.String())
}

// sections cuts a reply into its records without a DNS library, so that a
// malformed record in it is no obstacle, and fails where they do not fill it.
func sections(t testing.TB, wire []byte) (question []byte, rdata []string) {
	t.Helper()
	at := 12
	skipName := func() {
		for wire[at] != 0 && wire[at] < 0xC0 {
			at += 1 + int(wire[at])
		}
		if wire[at] >= 0xC0 {
			if to := int(binary.BigEndian.Uint16(wire[at:]) & 0x3FFF); to >= at {
				t.Fatalf("pointer at %d leads ahead to %d", at, to)
			}
			at++
		}
		at++
	}
	skipName()
	at += 4
	question = wire[12:at]
	records := 0
	for count := 6; count < 12; count += 2 {
		records += int(binary.BigEndian.Uint16(wire[count:]))
	}
	for range records {
		skipName()
		size := int(binary.BigEndian.Uint16(wire[at+8:]))
		rdata = append(rdata, string(wire[at+10:at+10+size]))
		at += 10 + size
	}
	if at != len(wire) {
		t.Fatalf("records end at %d of %d octets", at, len(wire))
	}
	return question, rdata
}

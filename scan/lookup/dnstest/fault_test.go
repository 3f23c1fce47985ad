package dnstest_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// moreFaults stand at names of their own.
const moreFaults = soa + `$ORIGIN example.
$TTL 60
plain CAA 0 issuemail "ca.example"
notimp A 192.0.2.1 ; answer: noedns-notimp
notimpq A 192.0.2.1 ; answer: noedns-notimp noquestion
formerrq A 192.0.2.1 ; answer: noedns noquestion
badvers A 192.0.2.1 ; answer: badvers
badversq A 192.0.2.1 ; answer: badvers noquestion
offchain CAA 0 issuemail ";" ; answer: offchain
loop CNAME pool
pool CNAME loop
flap A 192.0.2.1 ; answer: flap=2 refused
after A 192.0.2.1 ; answer: after=2 first=1 refused
afterflap A 192.0.2.1 ; answer: after=1 flap=1 refused
$GENERATE 1-1001 many CAA 0 issue ca$.test
`

func TestMoreFaults(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, moreFaults)}})
	for _, test := range []struct{ network, question, want string }{
		{"udp", "notimp.example. A edns", "NOTIMP rd ra 1-0-0-0"},
		{"udp", "notimp.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "notimpq.example. A edns", "NOTIMP rd ra 0-0-0-0"},
		{"udp", "notimpq.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "formerrq.example. A edns", "FORMERR rd ra 0-0-0-0"},
		{"udp", "badvers.example. A edns", "BADSIG rd ra 1-0-0-1"}, // 16, which in an OPT record is BADVERS
		{"tcp", "badvers.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "badversq.example. A edns", "BADSIG rd ra 0-0-0-1"},
		{"udp", "badversq.example. A", "NOERROR rd ra 1-1-0-0"},
		{"udp", "offchain.example. CAA", "NOERROR rd ra 1-1-0-0"},
		{"udp", "many.example. CAA edns", "NOERROR tc rd ra 1-0-0-1"},
		{"tcp", "many.example. CAA edns", "NOERROR rd ra 1-1001-0-1"},
		{"udp", "loop.example. CAA", "NOERROR rd ra 1-2-0-0"},
	} {
		t.Run(test.network+" "+test.question, func(t *testing.T) {
			if got := render(t, dial(t, test.network, s).ask(test.question)); got != test.want {
				t.Errorf("%s over %s is %s, want %s", test.question, test.network, got, test.want)
			}
		})
	}
}

// TestCountedFaults: each sequence is that of the queries of one name, R for
// REFUSED.
func TestCountedFaults(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, moreFaults)}})
	for name, want := range map[string]string{
		"flap":      "RR--RR--",
		"after":     "--R-----",
		"afterflap": "-R-R-R-R",
	} {
		if got := outcomes(t, s, name+".example. A", len(want)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// outcomes asks several times, over UDP and TCP in turn, and returns a letter for
// each reply.
func outcomes(t testing.TB, s *dnstest.Server, question string, times int) string {
	t.Helper()
	var got strings.Builder
	for i := range times {
		reply := dial(t, []string{"udp", "tcp"}[i%2], s).ask(question)
		switch rcode := reply[3] & 0xF; rcode {
		case dns.RcodeSuccess:
			got.WriteByte('-')
		case dns.RcodeRefused:
			got.WriteByte('R')
		case dns.RcodeServerFailure:
			got.WriteByte('S')
		default:
			t.Fatalf("%s: rcode %d", question, rcode)
		}
	}
	return got.String()
}

func TestTheOffChainRecordHasAnotherOwner(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, moreFaults)}})
	var m dns.Msg
	if err := m.Unpack(dial(t, "udp", s).ask("offchain.example. CAA")); err != nil {
		t.Fatal(err)
	}
	record, ok := m.Answer[0].(*dns.CAA)
	if !ok || record.Hdr.Name != "elsewhere.invalid." || record.Tag != "issuemail" || record.Value != "ca.example" {
		t.Errorf("answer is %v, want a set of another name that permits", m.Answer[0])
	}
}

// TestThePointerPointsToItself, also behind a name so long that the offset needs
// more than one octet (RFC 1035, section 4.1.4).
func TestThePointerPointsToItself(t *testing.T) {
	label := strings.Repeat("a", 60)
	long := strings.Join([]string{label, label, label, label, "example."}, ".")
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, soa+long+" 60 A 192.0.2.1 ; answer: pointer-loop\n"+
		"loop.example. 60 A 192.0.2.1 ; answer: pointer-loop\n")}})
	for _, name := range []string{"loop.example.", long} {
		q := query(t, name+" A")
		c := dial(t, "udp", s)
		c.send(q)
		reply := c.receive()
		if string(reply[12:len(q)]) != string(q[12:]) || reply[7] != 1 {
			t.Errorf("reply %x lacks the question %x or counts no record", reply, q[12:])
		}
		if pointer := binary.BigEndian.Uint16(reply[len(q):]); int(pointer) != 0xC000|len(q) {
			t.Errorf("the record at %d is owned by %x, want a pointer to %[1]d", len(q), pointer)
		}
	}
}

// TestLowercase plays a resolver that does not keep the case of letters, which
// clients use against forgers (0x20).
func TestLowercase(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, soa+"upper.example. 60 A 192.0.2.1 ; answer: lowercase\nkept.example. 60 A 192.0.2.1\n")}})
	for asked, want := range map[string]string{"uPPer.eXample.": "upper.example.", "kEPt.example.": "kEPt.example."} {
		var m dns.Msg
		if err := m.Unpack(dial(t, "udp", s).ask(asked + " A")); err != nil {
			t.Fatal(err)
		}
		if got := m.Question[0].Name; got != want || len(m.Answer) != 1 {
			t.Errorf("%s comes back as %s with %d records, want %s and one", asked, got, len(m.Answer), want)
		}
	}
}

// TestAFaultOfTheServer holds for every name and for the root, and comes and goes
// at run time. The fault of a name holds where the server's does not.
func TestAFaultOfTheServer(t *testing.T) {
	z := parse(t, soa+"a.example. 60 A 192.0.2.1\nb.example. 60 A 192.0.2.1 ; answer: first=1 servfail\n")
	s := start(t, dnstest.Config{Zones: []*zone.Zone{z}, Fault: "after=2 refused"})
	for _, step := range []struct {
		misbehave      string // "=": as before
		question, want string
	}{
		{"=", ". SOA", "-"},
		{"=", "a.example. A", "-R"}, // the third query of all
		{"=", "b.example. A", "R"},
		{"=", ". SOA", "R"},
		{"servfail", "a.example. A", "SS"},
		{"first=2 refused", "a.example. A", "RR-"},
		{"", "b.example. A", "S-"}, // its own, which the first query did not meet
		{"", "nothing.else. A", "R"},
		{"", ". SOA", "-"},
	} {
		if step.misbehave != "=" {
			if err := s.Misbehave(step.misbehave); err != nil {
				t.Fatal(err)
			}
		}
		if got := outcomes(t, s, step.question, len(step.want)); got != step.want {
			t.Errorf("%q, %s: %s, want %s", step.misbehave, step.question, got, step.want)
		}
	}
}

func TestMisbehaveErrors(t *testing.T) {
	const want = `fault "refuse" of the server: word "refuse" is not known`
	s := start(t, dnstest.Config{Fault: "servfail"})
	if err := s.Misbehave("refuse"); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if got := outcomes(t, s, ". SOA", 1); got != "S" {
		t.Errorf("behind the error comes %s, want S as before", got)
	}
	if _, err := dnstest.Start(dnstest.Config{Fault: "refuse"}); err == nil || err.Error() != "dnstest: "+want {
		t.Errorf("Start: error %v, want dnstest: %s", err, want)
	}
}

func TestTheRootIsThatOfTheZones(t *testing.T) {
	for _, test := range []struct {
		config dnstest.Config
		want   string // the server in the SOA record
	}{
		{dnstest.Config{}, "a.root-servers.net."},
		{dnstest.Config{Zones: []*zone.Zone{parse(t, soa)}}, "a.root-servers.net."},
		{dnstest.Config{Zones: []*zone.Zone{parse(t, ". 60 SOA own. h. 1 2 3 4 5\n")}}, "own."},
		{dnstest.Config{Zones: []*zone.Zone{parse(t, soa)}, Authoritative: true}, ""},
	} {
		var m dns.Msg
		if err := m.Unpack(dial(t, "udp", start(t, test.config)).ask(". SOA do")); err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(m.Answer) == 1 {
			got = m.Answer[0].(*dns.SOA).Ns
		}
		if got != test.want || (got == "") != (m.Rcode == dns.RcodeRefused) {
			t.Errorf("%+v: %s with %q, want %q", test.config, dns.RcodeToString[m.Rcode], got, test.want)
		}
	}
}

const signed = soa + `$ORIGIN example.
$TTL 60
secure CAA 0 issuemail "ca.example"
insecure CAA 0 issuemail "ca.example" ; answer: insecure
tosecure CNAME secure
toinsecure CNAME insecure
tonothing CNAME nothing.insecure
first CNAME secure ; answer: chain
dname DNAME insecure
bogus CAA 0 issuemail "ca.example" ; answer: bogus
servfail CAA 0 issuemail "ca.example" ; answer: servfail
referral A 192.0.2.1 ; answer: referral
malformed TYPE257 \# 3 0005aa
`

func TestValidates(t *testing.T) {
	validating := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, signed)}, Validates: true})
	other := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, signed)}})
	for _, test := range []struct {
		question string
		ad       bool
		rcode    int
	}{
		{". SOA do", true, dns.RcodeSuccess},
		{"secure.example. CAA edns ad", true, dns.RcodeSuccess}, // RFC 6840, section 5.7
		{"secure.example. CAA do", true, dns.RcodeSuccess},
		{"secure.example. CAA ad", true, dns.RcodeSuccess},
		{"secure.example. CAA edns", false, dns.RcodeSuccess},
		{"secure.example. CAA do cd", false, dns.RcodeSuccess}, // nothing has been validated
		{"secure.example. MX do", true, dns.RcodeSuccess},
		{"nothing.example. CAA do", true, dns.RcodeNameError},
		{"insecure.example. CAA do", false, dns.RcodeSuccess},
		{"below.insecure.example. CAA do", false, dns.RcodeNameError},
		{"notinsecure.example. CAA do", true, dns.RcodeNameError},
		{"tosecure.example. CAA do", true, dns.RcodeSuccess},
		{"toinsecure.example. CAA do", false, dns.RcodeSuccess},
		{"tonothing.example. CAA do", false, dns.RcodeNameError},
		{"a.dname.example. CAA do", false, dns.RcodeNameError},
		{"first.example. CAA do", true, dns.RcodeSuccess},
		{"bogus.example. CAA do", false, dns.RcodeServerFailure},
		{"bogus.example. CAA do cd", false, dns.RcodeSuccess},
		{"servfail.example. CAA do", false, dns.RcodeServerFailure},
		{"referral.example. A do", false, dns.RcodeSuccess},
		{"elsewhere. CAA do", false, dns.RcodeRefused},
		{"malformed.example. CAA do", true, dns.RcodeSuccess},
	} {
		t.Run(test.question, func(t *testing.T) {
			for s, ad := range map[*dnstest.Server]bool{validating: test.ad, other: false} {
				reply := dial(t, "udp", s).ask(test.question)
				if got, rcode := reply[3]&0x20 != 0, int(reply[3]&0xF); got != ad || rcode != test.rcode {
					t.Errorf("validating %v: AD %v and %s, want AD %v and %s", s == validating,
						got, dns.RcodeToString[rcode], ad, dns.RcodeToString[test.rcode])
				}
			}
		})
	}
}

// TestAServerCeasesToValidate and begins again.
func TestAServerCeasesToValidate(t *testing.T) {
	s := start(t, dnstest.Config{Zones: []*zone.Zone{parse(t, signed)}, Validates: true, Fault: "after=1 insecure"})
	var got []string
	for _, misbehave := range []string{"=", "=", ""} {
		if misbehave != "=" {
			if err := s.Misbehave(misbehave); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, fmt.Sprint(dial(t, "udp", s).ask(". SOA do")[3]&0x20 != 0))
	}
	if diff := cmp.Diff([]string{"true", "false", "true"}, got); diff != "" {
		t.Errorf("AD mismatch (-want +got):\n%s", diff)
	}
}

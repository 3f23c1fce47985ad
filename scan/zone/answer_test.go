package zone_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/zone"
)

type answerTest struct {
	clause   string
	question string
	want     string
}

func testAnswers(t *testing.T, s *zone.Set, tests []answerTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.clause, func(t *testing.T) {
			if diff := cmp.Diff(test.want, answer(t, s, test.question)); diff != "" {
				t.Errorf("Answer(%s) mismatch (-want +got):\n%s", test.question, diff)
			}
		})
	}
}

// The zone of RFC 4592, section 2.2.1.
const wildcards = `$ORIGIN example.
example.                 ` + soa + `
example.                 3600     NS    ns.example.com.
example.                 3600     NS    ns.example.net.
*.example.               3600     TXT   "this is a wildcard"
*.example.               3600     MX    10 host1.example.
sub.*.example.           3600     TXT   "this is not a wildcard"
host1.example.           3600     A     192.0.2.1
_ssh._tcp.host1.example. 3600     SRV   0 0 22 host1.example.
_ssh._tcp.host2.example. 3600     SRV   0 0 22 host2.example.
subdel.example.          3600     NS    ns.example.com.
subdel.example.          3600     NS    ns.example.net.
`

func TestAnswerWildcards(t *testing.T) {
	const nxdomain = "authoritative NXDOMAIN aa\nauthority example. 300 SOA"
	const nodata = "authoritative NOERROR aa\nauthority example. 300 SOA"
	testAnswers(t, set(t, wildcards), []answerTest{
		{
			"RFC 4592 2.2.1: host3.example MX is synthesised", "host3.example. MX",
			"authoritative NOERROR aa\nanswer host3.example. 3600 MX 10 host1.example.",
		},
		{"RFC 4592 2.2.1: host3.example A is no data, the wildcard has no A", "host3.example. A", nodata},
		{
			"RFC 4592 2.2.1: foo.bar.example TXT is synthesised, bar.example does not exist", "foo.bar.example. TXT",
			"authoritative NOERROR aa\nanswer foo.bar.example. 3600 TXT \"this is a wildcard\"",
		},
		{"RFC 4592 2.2.1: host1.example MX is not synthesised, the name exists", "host1.example. MX", nodata},
		{"RFC 4592 2.2.1: sub.*.example MX is not synthesised, the name exists", "sub.*.example. MX", nodata},
		{
			"RFC 4592 2.2.1: _telnet._tcp.host1.example is not synthesised, _tcp.host1.example exists",
			"_telnet._tcp.host1.example. SRV", nxdomain,
		},
		{
			"RFC 4592 2.2.1: host.subdel.example is not synthesised, subdel.example is a cut", "host.subdel.example. A",
			"referral NOERROR\nauthority subdel.example. 3600 NS ns.example.com.\n" +
				"authority subdel.example. 3600 NS ns.example.net.",
		},
		{"RFC 4592 2.2.1: ghost.*.example is not synthesised, *.example exists", "ghost.*.example. MX", nxdomain},
		{"RFC 4592 3.3.1: _dns._udp.host2.example has the encloser host2.example", "_dns._udp.host2.example. TXT", nxdomain},
		{
			"RFC 4592 3.3.1: _telnet._tcp.host3.example has the source *.example", "_telnet._tcp.host3.example. TXT",
			"authoritative NOERROR aa\nanswer _telnet._tcp.host3.example. 3600 TXT \"this is a wildcard\"",
		},
		{"RFC 4592 3.3.1: foobar.*.example has the source *.*.example, which is not there", "foobar.*.example. TXT", nxdomain},
		{"RFC 4592 2.2.2: an empty non-terminal exists", "_tcp.host1.example. SRV", nodata},
		{"RFC 4592 2.2.2: an empty non-terminal with none but empty ones above exists", "host2.example. TXT", nodata},
		{
			"RFC 4592 2.3: the wildcard asked for by name is no synthesis", "*.example. TXT",
			"authoritative NOERROR aa\nanswer *.example. 3600 TXT \"this is a wildcard\"",
		},
		{
			"RFC 4592 2.3: below the wildcard is an ordinary name", "sub.*.example. TXT",
			"authoritative NOERROR aa\nanswer sub.*.example. 3600 TXT \"this is not a wildcard\"",
		},
		{"RFC 4592 3.3.2: the wildcard does not match the apex", "example. MX", nodata},
	})
}

func TestAnswerEmptyWildcard(t *testing.T) {
	s := set(t, "example. "+soa+"sub.*.example. TXT \"a\"\n")
	testAnswers(t, s, []answerTest{
		{
			"RFC 4592 4.9: a wildcard that is an empty non-terminal makes names exist without data", "host.example. TXT",
			"authoritative NOERROR aa\nauthority example. 300 SOA",
		},
	})
}

func TestAnswerWildcardTypes(t *testing.T) {
	s := set(t, `$ORIGIN example.
@ `+soa+`
*.alias 60 CNAME target
target 60 CAA 0 issuemail "ca.example"
*.cut 60 NS ns.example.net.
*.out 60 CNAME www.example.net.
`)
	testAnswers(t, s, []answerTest{
		{
			"RFC 4592 4.3: a wildcard CNAME takes the name asked for as its owner and is followed", "a.alias.example. CAA",
			"authoritative NOERROR aa\nanswer a.alias.example. 60 CNAME target.example.\n" +
				"answer target.example. 60 CAA 0 issuemail \"ca.example\"",
		},
		{
			"RFC 4592 4.3: a wildcard CNAME asked for itself is not followed", "a.alias.example. CNAME",
			"authoritative NOERROR aa\nanswer a.alias.example. 60 CNAME target.example.",
		},
		{
			"RFC 4592 4.3: a wildcard CNAME may lead out of the zone", "a.b.out.example. CAA",
			"authoritative NOERROR aa\nanswer a.b.out.example. 60 CNAME www.example.net.",
		},
		{
			"RFC 4592 4.2: a wildcard NS delegates what it stands for", "a.b.cut.example. CAA",
			"referral NOERROR\nauthority a.b.cut.example. 60 NS ns.example.net.",
		},
		{
			"RFC 4592 4.2: a wildcard NS asked for by name is a cut", "*.cut.example. CAA",
			"referral NOERROR\nauthority *.cut.example. 60 NS ns.example.net.",
		},
	})
}

// The table of RFC 6672, section 2.2. The zone is the top-level domain of the
// DNAME's owner.
func TestAnswerDNAMESubstitution(t *testing.T) {
	for _, test := range []struct{ question, owner, target, want string }{
		{"com.", "example.com.", "example.net.", ""},
		{"example.com.", "example.com.", "example.net.", ""},
		{"a.example.com.", "example.com.", "example.net.", "a.example.net."},
		{"a.b.example.com.", "example.com.", "example.net.", "a.b.example.net."},
		{"ab.example.com.", "b.example.com.", "example.net.", ""},
		{"foo.example.com.", "example.com.", "example.net.", "foo.example.net."},
		{"a.x.example.com.", "x.example.com.", "example.net.", "a.example.net."},
		{"a.example.com.", "example.com.", "y.example.net.", "a.y.example.net."},
		{"cyc.example.com.", "example.com.", "example.com.", "cyc.example.com."},
		{"cyc.example.com.", "example.com.", "c.example.com.", "cyc.c.example.com."},
		{"shortloop.x.x.", "x.", ".", "shortloop.x."},
		{"shortloop.x.", "x.", ".", "shortloop."},
	} {
		t.Run(test.question+" with "+test.owner+" to "+test.target, func(t *testing.T) {
			apex := dns.SplitDomainName(test.owner)
			s := set(t, apex[len(apex)-1]+". "+soa+test.owner+" 60 DNAME "+test.target+"\n")
			q := query(t, test.question+" CAA")
			a, err := s.Answer(q)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, rr := range unpack(t, q, a.Wire).Answer {
				if alias, ok := rr.(*dns.CNAME); ok && alias.Hdr.Name == test.question {
					got = alias.Target
				}
			}
			if got != test.want {
				t.Errorf("%s with %s DNAME %s leads to %q, want %q", test.question, test.owner, test.target, got, test.want)
			}
		})
	}
}

func TestAnswerDNAME(t *testing.T) {
	long := strings.Repeat("a23456789.", 20) // 200 octets of 10 each
	s := set(t, `$ORIGIN example.
@ `+soa+`
old 60 DNAME new
old 60 CAA 0 issuemail "old.example"
hidden.old 60 CAA 0 issuemail "hidden.example"
a.new 60 CAA 0 issuemail "new.example"
out 60 DNAME example.net.
here 60 DNAME there
there 60 DNAME here
grow 60 DNAME a.grow
wide 60 DNAME `+strings.Repeat("b23456789.", 8)+`wide2
`)
	testAnswers(t, s, []answerTest{
		{
			"RFC 6672 3.2: the answer is DNAME, the CNAME made of it with its TTL, and the target's data", "a.old.example. CAA",
			"authoritative NOERROR aa\nanswer old.example. 60 DNAME new.example.\n" +
				"answer a.old.example. 60 CNAME a.new.example.\nanswer a.new.example. 60 CAA 0 issuemail \"new.example\"",
		},
		{
			"RFC 6672 2.3: the owner itself is not redirected", "old.example. CAA",
			"authoritative NOERROR aa\nanswer old.example. 60 CAA 0 issuemail \"old.example\"",
		},
		{
			"RFC 6672 2.3: the owner has a DNAME to be asked for", "old.example. DNAME",
			"authoritative NOERROR aa\nanswer old.example. 60 DNAME new.example.",
		},
		{
			"RFC 6672 2.4: names below the owner are hidden", "hidden.old.example. CAA",
			"authoritative NXDOMAIN aa\nanswer old.example. 60 DNAME new.example.\n" +
				"answer hidden.old.example. 60 CNAME hidden.new.example.\nauthority example. 300 SOA",
		},
		{
			"RFC 6672 3.2: a target out of the zone ends the answer", "a.out.example. CAA",
			"authoritative NOERROR aa\nanswer out.example. 60 DNAME example.net.\nanswer a.out.example. 60 CNAME a.example.net.",
		},
		{
			"RFC 6672 2.2: a target that is too long is YXDOMAIN", long + "wide.example. CAA",
			"authoritative YXDOMAIN aa\nanswer wide.example. 60 DNAME " + strings.Repeat("b23456789.", 8) + "wide2.example.",
		},
		{
			"RFC 1034 3.6.2: a question for CNAME follows nothing", "a.old.example. CNAME",
			"authoritative NOERROR aa\nanswer old.example. 60 DNAME new.example.\n" +
				"answer a.old.example. 60 CNAME a.new.example.",
		},
		{
			"a circle of DNAME ends without SOA, each record listed once", "a.here.example. CAA",
			"authoritative NOERROR aa\nanswer here.example. 60 DNAME there.example.\n" +
				"answer a.here.example. 60 CNAME a.there.example.\nanswer there.example. 60 DNAME here.example.\n" +
				"answer a.there.example. 60 CNAME a.here.example.",
		},
	})
	got := answer(t, s, "x.grow.example. CAA")
	if !strings.HasPrefix(got, "authoritative YXDOMAIN aa\n") || strings.Count(got, " DNAME ") != 1 {
		t.Errorf("a name that grows with each DNAME gives\n%s\nwant YXDOMAIN (RFC 6672, section 2.2) and one DNAME record", got)
	}
}

func TestAnswerAliases(t *testing.T) {
	s := set(t, `$ORIGIN example.
@ `+soa+`
first 60 CNAME second
second 30 CNAME third
third 90 CAA 0 issuemail ";"
toempty 60 CNAME host
host A 192.0.2.1
tonowhere 60 CNAME nowhere
toother 60 CNAME www.example.net.
todeeper 60 CNAME www.deep
tocut 60 CNAME www.cut
cut 60 NS ns.example.net.
deep 60 NS ns.example.net.
self 60 CNAME self
ping 60 CNAME pong
pong 60 CNAME ping
UPPER 60 CNAME Third
`, "deep.example. "+soa+"www.deep.example. 60 CAA 0 issuemail \"deep.example\"\n")
	testAnswers(t, s, []answerTest{
		{
			"RFC 1034 4.3.2 3a: aliases are followed inside the zone", "first.example. CAA",
			"authoritative NOERROR aa\nanswer first.example. 60 CNAME second.example.\n" +
				"answer second.example. 30 CNAME third.example.\nanswer third.example. 90 CAA 0 issuemail \";\"",
		},
		{
			"RFC 1034 3.6.2: a question for CNAME follows nothing", "first.example. CNAME",
			"authoritative NOERROR aa\nanswer first.example. 60 CNAME second.example.",
		},
		{
			"RFC 1034 3.6.2: a question for ANY follows nothing", "first.example. ANY",
			"authoritative NOERROR aa\nanswer first.example. 60 CNAME second.example.",
		},
		{
			"RFC 2308 2.2: an alias to a name without data ends with SOA", "toempty.example. CAA",
			"authoritative NOERROR aa\nanswer toempty.example. 60 CNAME host.example.\nauthority example. 300 SOA",
		},
		{
			"RFC 6604 3, RFC 2308 2.1: an alias to a name that is not there is NXDOMAIN with SOA", "tonowhere.example. CAA",
			"authoritative NXDOMAIN aa\nanswer tonowhere.example. 60 CNAME nowhere.example.\nauthority example. 300 SOA",
		},
		{
			"a target in no zone ends the answer without SOA", "toother.example. CAA",
			"authoritative NOERROR aa\nanswer toother.example. 60 CNAME www.example.net.",
		},
		{
			"a target in a deeper zone ends the answer without SOA", "todeeper.example. CAA",
			"authoritative NOERROR aa\nanswer todeeper.example. 60 CNAME www.deep.example.",
		},
		{
			"RFC 1034 4.3.2 3b: a target below a cut ends with the delegation", "tocut.example. CAA",
			"authoritative NOERROR aa\nanswer tocut.example. 60 CNAME www.cut.example.\nauthority cut.example. 60 NS ns.example.net.",
		},
		{
			"an alias of itself is listed once, without SOA", "self.example. CAA",
			"authoritative NOERROR aa\nanswer self.example. 60 CNAME self.example.",
		},
		{
			"aliases in a circle are listed once, without SOA", "ping.example. CAA",
			"authoritative NOERROR aa\nanswer ping.example. 60 CNAME pong.example.\nanswer pong.example. 60 CNAME ping.example.",
		},
		{
			"RFC 1034 3.1: letters of aliases compare without regard to case and stay as written", "upper.example. CAA",
			"authoritative NOERROR aa\nanswer upper.example. 60 CNAME Third.example.\nanswer third.example. 90 CAA 0 issuemail \";\"",
		},
	})
}

func TestAnswerDelegation(t *testing.T) {
	parent := `$ORIGIN example.
@ ` + soa + `@ 60 NS ns.example.net.
signed 60 NS ns.signed
signed 60 DS 1 8 2 1F2E3D4C5B6A79880011223344556677889900AABBCCDDEEFF00112233445566
ns.signed A 192.0.2.1
unsigned 60 NS ns.example.net.
loaded 60 NS ns.example.net.
a.b 60 NS ns.example.net.
`
	child := "loaded.example. " + soa + "loaded.example. 60 NS ns.example.net.\n"
	const nodata = "authoritative NOERROR aa\nauthority example. 300 SOA"
	testAnswers(t, set(t, parent, child), []answerTest{
		{
			"RFC 1034 4.3.2 3b: at the cut is a referral", "signed.example. CAA",
			"referral NOERROR\nauthority signed.example. 60 NS ns.signed.example.",
		},
		{
			"RFC 1034 4.2.1: glue is no authoritative data", "ns.signed.example. A",
			"referral NOERROR\nauthority signed.example. 60 NS ns.signed.example.",
		},
		{
			"RFC 1034 4.3.2 3b: NS of the child is a referral too", "unsigned.example. NS",
			"referral NOERROR\nauthority unsigned.example. 60 NS ns.example.net.",
		},
		{
			"RFC 1034 4.3.2 3b: ANY at the cut is a referral too", "unsigned.example. ANY",
			"referral NOERROR\nauthority unsigned.example. 60 NS ns.example.net.",
		},
		{
			"RFC 4035 3.1.4.1: the parent has the DS at the cut", "signed.example. DS",
			"authoritative NOERROR aa\nanswer signed.example. 60 DS 1 8 2 1F2E3D4C5B6A79880011223344556677889900AABBCCDDEEFF00112233445566",
		},
		{"RFC 4035 3.1.4.1: the parent says that there is no DS at the cut", "unsigned.example. DS", nodata},
		{"RFC 4035 3.1.4.1: the parent is asked for DS though the child is loaded", "loaded.example. DS", nodata},
		{
			"RFC 1034 4.3.2 3b: DS below the cut is a referral", "ns.signed.example. DS",
			"referral NOERROR\nauthority signed.example. 60 NS ns.signed.example.",
		},
		{
			"RFC 1034 4.3.2 2: the deepest zone serves the name", "loaded.example. CAA",
			"authoritative NOERROR aa\nauthority loaded.example. 300 SOA",
		},
		{
			"RFC 1034 4.3.2 2: the deepest zone serves the names below", "www.loaded.example. CAA",
			"authoritative NXDOMAIN aa\nauthority loaded.example. 300 SOA",
		},
		{
			"RFC 1034 4.2.1: NS at the apex are data", "example. NS",
			"authoritative NOERROR aa\nanswer example. 60 NS ns.example.net.",
		},
		{"RFC 1034 4.3.2 3b: above a cut is no cut", "b.example. CAA", nodata},
		{"a name in no zone is refused", "example.net. CAA", "out-of-zone REFUSED"},
		{"a parent that is not loaded is refused", ". DS", "out-of-zone REFUSED"},
	})
	testAnswers(t, set(t, child), []answerTest{
		{
			"RFC 4035 3.1.4.1: without the parent the child says that it has no DS", "loaded.example. DS",
			"authoritative NOERROR aa\nauthority loaded.example. 300 SOA",
		},
	})
}

func TestAnswerRoot(t *testing.T) {
	testAnswers(t, set(t, ". "+soa+"*.test. 60 CAA 0 issue \"a\"\n"), []answerTest{
		{"the root is a zone", ". SOA", "authoritative NOERROR aa\nanswer . 3600 SOA"},
		{"the root has no parent to ask for DS", ". DS", "authoritative NOERROR aa\nauthority . 300 SOA"},
		{"RFC 2308 2.2: no data at the root", ". CAA", "authoritative NOERROR aa\nauthority . 300 SOA"},
		{"RFC 2308 2.1: no such top-level domain", "nowhere. CAA", "authoritative NXDOMAIN aa\nauthority . 300 SOA"},
		{"a wildcard below a top-level domain", "a.test. CAA", "authoritative NOERROR aa\nanswer a.test. 60 CAA 0 issue \"a\""},
	})
}

func TestAnswerTTL(t *testing.T) {
	s := set(t, "example. 100 SOA ns.example.net. h.example.net. 1 7200 600 86400 300\n"+
		"a.example. 50 CAA 0 issue \"a\"\na.example. 40 CAA 0 issue \"b\"\na.example. 30 CAA 0 issue \"a\"\n")
	testAnswers(t, s, []answerTest{
		{
			"RFC 2308 5: the TTL of SOA where it is the lesser", "example. CAA",
			"authoritative NOERROR aa\nauthority example. 100 SOA",
		},
		{
			"RFC 2181 5 and 5.2: equal records are one, the TTL is the least", "a.example. CAA",
			"authoritative NOERROR aa\nanswer a.example. 30 CAA 0 issue \"a\"\nanswer a.example. 30 CAA 0 issue \"b\"",
		},
		{
			"RFC 8482 4.2: ANY gives all there is", "a.example. ANY",
			"authoritative NOERROR aa\nanswer a.example. 30 CAA 0 issue \"a\"\nanswer a.example. 30 CAA 0 issue \"b\"",
		},
		{
			"RFC 1034 3.1: names compare without regard to case", "A.Example. CAA",
			"authoritative NOERROR aa\nanswer A.Example. 30 CAA 0 issue \"a\"\nanswer A.Example. 30 CAA 0 issue \"b\"",
		},
	})
}

func TestResolve(t *testing.T) {
	s := set(t, `$ORIGIN example.
@ `+soa+`
alias 60 CNAME a.test.
lost 60 CNAME www.example.net.
fallen 60 CNAME www.cut
cut 60 NS ns.example.net.
ping 60 CNAME pong.test.
`, "test. "+soa+"a.test. 60 CAA 0 issue \"a\"\npong.test. 60 CNAME ping.example.\n")
	for _, test := range []answerTest{
		{"data", "a.test. CAA", "authoritative NOERROR ra\nanswer a.test. 60 CAA 0 issue \"a\""},
		{
			"an alias into another zone is followed", "alias.example. CAA",
			"authoritative NOERROR ra\nanswer alias.example. 60 CNAME a.test.\nanswer a.test. 60 CAA 0 issue \"a\"",
		},
		{"a circle across zones ends", "ping.example. CAA", "authoritative NOERROR ra\n" +
			"answer ping.example. 60 CNAME pong.test.\nanswer pong.test. 60 CNAME ping.example."},
		{"an alias out of all zones is SERVFAIL", "lost.example. CAA", "out-of-zone SERVFAIL ra"},
		{"an alias below a cut is SERVFAIL", "fallen.example. CAA", "referral SERVFAIL ra"},
		{"a name at a cut is SERVFAIL", "cut.example. CAA", "referral SERVFAIL ra"},
		{"a name in no zone is REFUSED", "example.net. CAA", "out-of-zone REFUSED ra"},
	} {
		t.Run(test.clause, func(t *testing.T) {
			if diff := cmp.Diff(test.want, resolve(t, s, test.question)); diff != "" {
				t.Errorf("Resolve(%s) mismatch (-want +got):\n%s", test.question, diff)
			}
		})
	}
}

func TestAnswerMessage(t *testing.T) {
	s := set(t, "example. "+soa)
	m := new(dns.Msg).SetQuestion("eXaMPle.", dns.TypeCAA)
	m.Id, m.RecursionDesired = 0xBEEF, false
	m.SetEdns0(4096, true)
	m.Extra = append(m.Extra, &dns.A{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeA, Class: dns.ClassINET}})
	m.CheckingDisabled, m.AuthenticatedData = true, true
	q, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Answer(q)
	if err != nil {
		t.Fatal(err)
	}
	reply := unpack(t, q, a.Wire)
	if !bytes.Equal(a.Wire[12:12+9+4], q[12:12+9+4]) {
		t.Errorf("question comes back as %q, want the octets sent, %q", a.Wire[12:25], q[12:25])
	}
	if reply.RecursionDesired || reply.RecursionAvailable || reply.AuthenticatedData || reply.CheckingDisabled {
		t.Errorf("flags are %v, want none but QR and AA", reply.MsgHdr)
	}
	if opt := reply.IsEdns0(); opt == nil || opt.UDPSize() != 1232 || opt.Do() || len(opt.Option) > 0 {
		t.Errorf("OPT record is %v, want size 1232, nothing else", opt)
	}
	if !bytes.HasPrefix(a.Wire[len(a.Wire)-11:], []byte{0, 0, 41}) {
		t.Errorf("the last 11 octets are %x, want the OPT record", a.Wire[len(a.Wire)-11:])
	}
	if q := query(t, "example. CAA"); unpack(t, q, mustAnswer(t, s, q)).IsEdns0() != nil {
		t.Error("OPT record in the reply to a query without one (RFC 6891, section 7)")
	}
	if a.Zone == nil || a.Zone.Apex() != "example" || a.Zone.File() != "0.zone" {
		t.Errorf("Zone is %v, want example", a.Zone)
	}
}

func mustAnswer(t testing.TB, s *zone.Set, query []byte) []byte {
	t.Helper()
	a, err := s.Answer(query)
	if err != nil {
		t.Fatal(err)
	}
	return a.Wire
}

func TestAnswerClass(t *testing.T) {
	m := new(dns.Msg).SetQuestion("example.", dns.TypeCAA)
	m.Question[0].Qclass = dns.ClassCHAOS
	q, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	a, err := set(t, "example. "+soa).Answer(q)
	if err != nil || a.Kind != zone.OutOfZone {
		t.Errorf("Answer for class CH is %v, %v, want %v", a.Kind, err, zone.OutOfZone)
	}
}

func TestAnswerRefusesWhatIsNoQuery(t *testing.T) {
	s := set(t, "example. "+soa)
	good := string(query(t, "example. CAA"))
	if _, err := s.Answer([]byte(good)); err != nil {
		t.Fatal(err)
	}
	change := func(at int, octet byte) string { return good[:at] + string([]byte{octet}) + good[at+1:] }
	for _, test := range []struct{ what, query string }{
		{"nothing", ""},
		{"half a header", good[:11]},
		{"a header only", good[:12]},
		{"half a question", good[:len(good)-1]},
		{"a reply", change(2, 0x81)},
		{"opcode NOTIFY", change(2, 4<<3)},
		{"no question", change(5, 0)},
		{"two questions", change(5, 2)},
		{"a compressed name", change(12, 0xC0)},
		{"a label of 64 octets", change(12, 64)},
		{"a record announced and not there", change(11, 1)},
		{"a record of half a header", change(11, 1) + "\x00\x00\x29\x04"},
		{"a name over 255 octets", good[:12] + strings.Repeat("\x3f"+strings.Repeat("a", 63), 4) + "\x00\x01\x01\x00\x01"},
	} {
		if a, err := s.Answer([]byte(test.query)); err == nil {
			t.Errorf("%s: Answer is %x, want an error", test.what, a.Wire)
		}
	}
}

// A CAA record of 1,000 octets takes 2+2+2+4+2+1000 with a compressed owner; 64
// of them are 64,768 octets, 65 are 65,780.
func TestAnswerSize(t *testing.T) {
	var text strings.Builder
	text.WriteString("example. " + soa)
	for i := range 65 {
		value := fmt.Sprintf("%02d", i) + strings.Repeat("v", 1000-2-5-2)
		fmt.Fprintf(&text, "big.example. 60 CAA 0 issue %s\n", value)
		if i < 64 {
			fmt.Fprintf(&text, "fits.example. 60 CAA 0 issue %s\n", value)
		}
	}
	s := set(t, text.String())
	q := query(t, "fits.example. CAA")
	fits := mustAnswer(t, s, q)
	if m := unpack(t, q, fits); len(m.Answer) != 64 || m.Truncated {
		t.Errorf("%d records in %d octets, truncated %v, want all 64", len(m.Answer), len(fits), m.Truncated)
	}
	if got := answer(t, s, "big.example. CAA"); got != "authoritative NOERROR aa tc" {
		t.Errorf("an answer over 65,535 octets is\n%.200s\nwant none, truncated", got)
	}
}

func TestAnswerLongChain(t *testing.T) {
	var text strings.Builder
	text.WriteString("example. " + soa)
	for i := range 5000 {
		fmt.Fprintf(&text, "n%d.example. 60 CNAME n%d.example.\n", i, i+1)
	}
	s := set(t, text.String())
	if got := answer(t, s, "n0.example. CAA"); got != "authoritative NOERROR aa tc" {
		t.Errorf("a chain over 65,535 octets is\n%.200s\nwant none, truncated", got)
	}
}

func TestNewSetRefusesTwoZonesOfOneName(t *testing.T) {
	a, err := zone.Parse(strings.NewReader("example. "+soa), "folder/a.zone")
	if err != nil {
		t.Fatal(err)
	}
	b, err := zone.Parse(strings.NewReader("EXAMPLE. "+soa), "b.zone")
	if err != nil {
		t.Fatal(err)
	}
	_, err = zone.NewSet(a, b)
	const want = `zone "example" is in two files, a.zone and b.zone; give one of them`
	if err == nil || err.Error() != want {
		t.Errorf("NewSet error is %v, want %s", err, want)
	}
}

func BenchmarkAnswer(b *testing.B) {
	s := set(b, wildcards+"mail.example. CAA 0 issuemail \"ca.example\"\n")
	for _, question := range []string{"mail.example. CAA", "host1.example. CAA", "host3.example. MX"} {
		b.Run(question, func(b *testing.B) {
			q := query(b, question)
			b.ReportAllocs()
			for b.Loop() {
				mustAnswer(b, s, q)
			}
		})
	}
}

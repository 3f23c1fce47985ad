package lookup

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/caa"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// TestZoneFilesAndTheWireGiveOneDecision feeds values with every kind of escape
// that RFC 1035, section 5.1 has, once as zone file text and once as the octets
// that the text stands for, and wants the same octets and the same decision.
func TestZoneFilesAndTheWireGiveOneDecision(t *testing.T) {
	issuer, err := caa.ParseIssuer("ca.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, text, octets string
		want               caa.Reason
	}{
		{"nothing to escape", `"ca.example"`, "ca.example", caa.IssuerListed},
		{"without quotation marks", `ca.example`, "ca.example", caa.IssuerListed},
		{"a letter as \\DDD", `"\099a.example"`, "ca.example", caa.IssuerListed},
		{"every letter as \\DDD", `"\099\097\046\101\120\097\109\112\108\101"`, "ca.example", caa.IssuerListed},
		{"a letter behind a backslash is itself", `"\ca.example"`, "ca.example", caa.IssuerListed},
		{"an escaped full stop is one", `"ca\.example"`, "ca.example", caa.IssuerListed},
		{"an escaped semicolon is one", `"ca.example\; a=b"`, "ca.example; a=b", caa.IssuerListed},
		{"a semicolon as \\DDD", `"\059"`, ";", caa.NoIssuer},
		{"a bare semicolon in quotation marks", `";"`, ";", caa.NoIssuer},
		{"an escaped semicolon without quotation marks", `\;`, ";", caa.NoIssuer},
		{"a space as \\DDD", `"\032ca.example\032"`, " ca.example ", caa.IssuerListed},
		{"a tab as \\DDD", `"\009ca.example"`, "\tca.example", caa.IssuerListed},
		{"an escaped quotation mark", `"\"ca.example\""`, `"ca.example"`, caa.MalformedIssuemail},
		{"an escaped backslash", `"ca.example\\"`, `ca.example\`, caa.MalformedIssuemail},
		{"a backslash and three digits that are text", `"ca.example\\099"`, `ca.example\099`, caa.MalformedIssuemail},
		{"NUL", `"ca.example\000"`, "ca.example\x00", caa.MalformedIssuemail},
		{"ESC", `"\027"`, "\x1b", caa.MalformedIssuemail},
		{"a line feed", `"ca.example\010"`, "ca.example\n", caa.MalformedIssuemail},
		{"an octet beyond ASCII", `"\195\188.example"`, "\xc3\xbc.example", caa.MalformedIssuemail},
		{"octet 255", `"\255"`, "\xff", caa.MalformedIssuemail},
		{"nothing", `""`, "", caa.NoIssuer},
	} {
		t.Run(test.name, func(t *testing.T) {
			byZone := askZone(t, test.text)
			byWire := askWire(t, test.octets)
			for source, o := range map[string]snapshot.Observation{"zone file": byZone, "wire": byWire} {
				if len(o.Records.Properties) != 1 {
					t.Errorf("%s: %+v, want one property", source, o)
					continue
				}
				if got := o.Records.Properties[0].Value(); got != test.octets {
					t.Errorf("%s: value %q, want %q", source, got, test.octets)
				}
				if got := o.Records.Decide(issuer).Reason; got != test.want {
					t.Errorf("%s: %s, want %s", source, got, test.want)
				}
			}
		})
	}
}

func askZone(t *testing.T, value string) snapshot.Observation {
	text := "$ORIGIN example.\n@ 300 SOA ns hostmaster 1 1800 900 604800 300\nmail 300 CAA 0 issuemail " + value + "\n"
	z, err := zone.Parse(strings.NewReader(text), "test.zone")
	if err != nil {
		t.Fatal(err)
	}
	set, err := zone.NewSet(z)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Zones: set})
	if err != nil {
		t.Fatal(err)
	}
	o := look(t, r, "mail.example")["mail.example"]
	if o.Server != "test.zone" || o.Transport != snapshot.Zone || !o.Time.IsZero() {
		t.Errorf("server %q, transport %q, time %v: want the zone file, and no time", o.Server, o.Transport, o.Time)
	}
	return o
}

// askWire reads a reply whose RDATA is put together octet by octet.
func askWire(t *testing.T, value string) snapshot.Observation {
	rdata := hex.EncodeToString([]byte("\x00\x09issuemail" + value))
	answer := fmt.Sprintf(`mail.example. 300 TYPE65280 \# %d %s`, len(rdata)/2, rdata)
	wire := message{ra: true, answer: []string{answer}}.pack(t, queryFor(t, "mail.example"))
	wire = []byte(strings.Replace(string(wire), "\xff\x00\x00\x01", "\x01\x01\x00\x01", 1)) // TYPE65280 becomes CAA
	s := newStep(mustName(t, "mail.example"), 1)
	s.advance(readOutcome(wire, check(wire, queryFor(t, "mail.example"))), 1)
	return s.obs
}

// TestZonesAnswerAsAnAuthorityWould climbs through zone files.
func TestZonesAnswerAsAnAuthorityWould(t *testing.T) {
	parse := func(file, text string) *zone.Zone {
		z, err := zone.Parse(strings.NewReader(text), file)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	const soa = " 300 SOA ns.example. hostmaster.example. 1 1800 900 604800 300\n"
	root := parse("root.zone", ". "+soa+`example. 300 NS ns.example.
cut.test. 300 NS ns.cut.test.
alias.test. 300 CNAME target.example.
out.test. 300 CNAME x.cut.test.
*.wild.test. 300 CAA 0 issuemail ";"
deep.tree.test. 300 A 192.0.2.1
`)
	child := parse("example.zone", "example. "+soa+`target.example. 300 CAA 0 issuemail "ca.example"
`)
	set, err := zone.NewSet(root, child)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Zones: set})
	if err != nil {
		t.Fatal(err)
	}
	got := look(t, r, "alias.test", "out.test", "x.cut.test", "a.b.wild.test", "nosuch.tree.test", "x.internal", "y.example")
	for _, test := range []struct {
		name    string
		failure snapshot.Failure
		rcode   uint16
		server  string
		records string
	}{
		{"alias.test", "", dns.RcodeSuccess, "example.zone", `target.example 0 issuemail "ca.example"`}, // over a zone's border
		{"out.test", snapshot.NotInZone, 0, "root.zone", ""},                                            // its target is below a cut
		{"x.cut.test", snapshot.NotInZone, 0, "root.zone", ""},
		{"a.b.wild.test", "", dns.RcodeSuccess, "root.zone", `a.b.wild.test 0 issuemail ";"`}, // RFC 4592
		{"nosuch.tree.test", "", dns.RcodeNameError, "root.zone", ""},
		{"tree.test", "", dns.RcodeSuccess, "root.zone", ""}, // an empty non-terminal exists
		{"test", "", dns.RcodeSuccess, "root.zone", ""},
		{"x.internal", "", dns.RcodeNameError, "root.zone", ""},
		{"internal", snapshot.TLDNotFound, dns.RcodeNameError, "root.zone", ""},
		{"y.example", "", dns.RcodeNameError, "example.zone", ""},
		{"example", "", dns.RcodeSuccess, "example.zone", ""}, // the deepest zone serves the name
	} {
		o, ok := got[test.name]
		records := ""
		if len(o.Records.Properties) > 0 {
			records = o.Records.Owner + " " + o.Records.Properties[0].String()
		}
		if !ok || o.Failure != test.failure || o.RCode != test.rcode || o.Server != test.server || records != test.records {
			t.Errorf("%s: %+v, want failure %q, rcode %d, server %s, records %q",
				test.name, o, test.failure, test.rcode, test.server, test.records)
		}
	}
	if o := got["out.test"]; o.Asked != "x.cut.test" {
		t.Errorf("out.test failed at %q, want x.cut.test, the end of its alias chain", o.Asked)
	}
	if stats := r.Stats(); len(got) != 11 || stats.Names != 11 {
		t.Errorf("%d names asked, want 11: %+v", len(got), stats)
	}
}

package caa_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/caa"
)

// readZone returns the RDATA octets that miekg/dns reads from zone file text. For
// text in the form of RFC 3597, section 5 it gives the type an unassigned number,
// because the parser would turn the octets of a CAA record into text that it
// cannot turn back.
func readZone(t *testing.T, text string) string {
	t.Helper()
	line := "client.example. 3600 IN CAA " + text
	if strings.HasPrefix(text, `\#`) {
		line = "client.example. 3600 IN TYPE65280 " + text
	}
	parser := dns.NewZoneParser(strings.NewReader(line+"\n"), "", "")
	record, ok := parser.Next()
	if !ok {
		t.Fatalf("%s: %v", line, parser.Err())
	}
	if generic, ok := record.(*dns.RFC3597); ok {
		octets, err := hex.DecodeString(generic.Rdata)
		if err != nil {
			t.Fatal(err)
		}
		return string(octets)
	}
	buffer := make([]byte, 1024)
	end, err := dns.PackRR(record, buffer, 0, nil, false)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(buffer[end-int(record.Header().Rdlength) : end])
}

func FuzzZoneText(f *testing.F) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	f.Add(uint8(0), "issuemail", "ca.example; a=b")
	f.Add(uint8(128), "IssueMail", `"\`)
	f.Add(uint8(255), "issuemail", string(every[:255]))
	f.Add(uint8(1), string(every[1:]), string(every))
	f.Add(uint8(0), "a", strings.Repeat("\x00", 255))
	f.Add(uint8(0), "a", strings.Repeat("v", 256))
	f.Add(uint8(0), "abcdefghijklmnop", "")
	f.Add(uint8(0), "issue", "; ( ) $ @ \t \r\n")
	f.Add(uint8(0), "issue", `\065\\\`)
	f.Fuzz(func(t *testing.T, flags uint8, tag, value string) {
		p, err := caa.NewProperty(flags, tag, value)
		if err != nil {
			return // longer than RDATA can be
		}
		if got := readZone(t, p.ZoneText()); got != p.RDATA() {
			t.Fatalf("%s was read back as %q, want %q", p.ZoneText(), got, p.RDATA())
		}
		for _, text := range []string{p.String(), p.ZoneText()} {
			if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
				t.Fatalf("octet %#x in %q", text[i], text)
			}
		}
		again, err := caa.ParseRDATA([]byte(p.RDATA()))
		if err != nil || again != p {
			t.Fatalf("ParseRDATA(%q) = %v, %v, want the property it came from", p.RDATA(), again, err)
		}
	})
}

// realRecord is a line of testdata/real_caa.tsv.
type realRecord struct {
	set, name string
	property  caa.Property // from the value in octets
	zoneText  string       // flags, tag and the value in zone file text
}

func realRecords(t *testing.T) []realRecord {
	t.Helper()
	file, err := os.Open("testdata/real_caa.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var records []realRecord
	for lines := bufio.NewScanner(file); lines.Scan(); {
		cells := strings.Split(lines.Text(), "\t")
		if cells[0] == "rrset_id" {
			continue
		}
		flags, err := strconv.ParseUint(cells[2], 10, 8)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, realRecord{
			set:      cells[0],
			name:     cells[1],
			property: property(uint8(flags), cells[3], cells[4]),
			zoneText: fmt.Sprintf("%s %s %s", cells[2], cells[3], cells[5]),
		})
	}
	return records
}

// A record must give the same octets whether it comes by wire or by zone file.
func TestRealRecordsByWireAndByZoneFile(t *testing.T) {
	records := realRecords(t)
	if len(records) != 99 {
		t.Fatalf("%d records, want 99", len(records))
	}
	for _, record := range records {
		byWire, err := caa.ParseRDATA([]byte(record.property.RDATA()))
		if err != nil {
			t.Errorf("%s %v: %v", record.name, record.property, err)
		}
		byZoneFile, err := caa.ParseRDATA([]byte(readZone(t, record.zoneText)))
		if err != nil {
			t.Errorf("%s %s: %v", record.name, record.zoneText, err)
		}
		if byWire != byZoneFile || byWire != record.property {
			t.Errorf("%s: %q by wire, %q by zone file, want %q",
				record.name, byWire.RDATA(), byZoneFile.RDATA(), record.property.RDATA())
		}
		if got := byWire.String(); got != record.zoneText {
			t.Errorf("%s: String() = %s, want %s", record.name, got, record.zoneText)
		}
	}
}

func TestDecideRealSets(t *testing.T) {
	byWire, byZoneFile := make(map[string]*caa.RRset), make(map[string]*caa.RRset)
	for _, record := range realRecords(t) {
		if byWire[record.set] == nil {
			byWire[record.set], byZoneFile[record.set] = &caa.RRset{Owner: record.name}, &caa.RRset{Owner: record.name}
		}
		wire, zone := byWire[record.set], byZoneFile[record.set]
		wire.Properties = append(wire.Properties, record.property)
		zone.Properties = append(zone.Properties, fromWire(readZone(t, record.zoneText)))
	}
	want := map[string]caa.Reason{
		"1125": caa.IssuerListed,    // domo.com: amazon.com and digicert.com
		"1126": caa.IssuerListed,    // infoblox.com: with a critical issue beside
		"1127": caa.NoIssuer,        // goauthentik.io: ";"
		"1129": caa.IssuerNotListed, // optum.com: sectigo.com and nothing else
		"1132": caa.IssuerNotListed, // iana.org: digicert.com is in issue only
		"1133": caa.IssuerNotListed, // rwth-aachen.de: harica.gr
		"1137": caa.IssuerNotListed, // york.ac.uk: pki.goog
		"1138": caa.IssuerNotListed, // ing.com: swisssign.com and identrust.com
		"1255": caa.NoIssuer,        // thefutureisprivate.dev: ";", critical
		"1256": caa.NoIssuer,        // mail.thefutureisprivate.dev
		"1258": caa.NoIssuer,        // compsoc-dev.com
		"1141": caa.NoIssuemail,     // onemedical.com: critical issue
		"1156": caa.NoIssuemail,     // playfab.com: critical contactemail
		"1171": caa.NoIssuemail,     // dell.com: issue with a parameter
		"1173": caa.NoIssuemail,     // nseindia.com: flags used as priorities
		"1177": caa.NoIssuemail,     // virtusa.com: flags used as priorities
		"1180": caa.NoIssuemail,     // secondmeasure.com: quotation marks inside issue
		"1181": caa.NoIssuemail,     // essential.ai: quotation marks inside issue
		"1197": caa.NoIssuemail,     // debian.org: critical issue with parameters
		"1220": caa.NoIssuemail,     // nbp.pl: the tag issueewild
		"1224": caa.NoIssuemail,     // a whole record as the value of issue
	}
	if len(byWire) != len(want) {
		t.Errorf("%d sets, want %d", len(byWire), len(want))
	}
	digicert := issuer("digicert.com")
	for set, reason := range want {
		wire, zone := byWire[set].Decide(digicert), byZoneFile[set].Decide(digicert)
		if wire != zone || wire.Reason != reason {
			t.Errorf("%s: %v by wire, %v by zone file, want %s", byWire[set].Owner, wire, zone, reason)
		}
	}
}

// Each escape of RFC 1035, section 5.1 is undone by the zone file parser and by
// nobody after it: the same issuer spelt in four ways is listed in all of them,
// and the escape itself, sent by wire, is malformed.
func TestEscapesByZoneFileAndByWire(t *testing.T) {
	ca := issuer("ca.example")
	for _, text := range []string{
		`0 issuemail "ca.example"`,
		`0 issuemail ca.example`,
		`0 issuemail "c\097.ex\097mple"`,
		`0 issuemail "\c\a\.example"`,
	} {
		set := caa.RRset{Properties: properties(fromWire(readZone(t, text)))}
		if got := set.Decide(ca); got.Reason != caa.IssuerListed {
			t.Errorf("%s by zone file: %v, want issuer-listed", text, got)
		}
	}
	for _, value := range []string{`c\097.example`, `ca\.example`, `"ca.example"`} {
		set := caa.RRset{Properties: properties(issuemail(value))}
		if got := set.Decide(ca); got.Reason != caa.MalformedIssuemail {
			t.Errorf("the octets %s by wire: %v, want malformed-issuemail", value, got)
		}
		// Written to a zone file and read back they are the same octets.
		again := caa.RRset{Properties: properties(fromWire(readZone(t, set.Properties[0].ZoneText())))}
		if got := again.Decide(ca); got.Reason != caa.MalformedIssuemail {
			t.Errorf("the octets %s by zone file: %v, want malformed-issuemail", value, got)
		}
	}
}

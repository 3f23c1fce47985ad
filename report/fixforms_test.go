package report_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/scan/caa"
	"caascan/scan/zone"
)

// fixWorld is a small plan: a set with all kinds of records, somebody else's name that
// needs escapes, and a wildcard.
func fixWorld(t testing.TB) ([]caa.Issuer, *report.Tally) {
	all := cas(t, "Old=old.test", "New=new.test")
	tally := tallyOf(
		t, all,
		answer{"corp.com", "corp.com", []caa.Property{property(t, 0, "issuemail", "old.test"), property(t, 128, "issue", "x.test; a=b"), property(t, 128, "tbs", "x")}},
		answer{"a.net", "$p\\;x.cdn.net", []caa.Property{property(t, 0, "issuemail", ";"), property(t, 0, "iodef", "mailto:\"\\</script>\n'@cdn.net")}},
		answer{"b.net", "*.cdn.net", []caa.Property{property(t, 0, "issuemail", "old.test")}},
	)
	return all, tally
}

// TestFixesAsDynamicUpdates: one message a name, made only if the records are still those
// that were seen.
func TestFixesAsDynamicUpdates(t *testing.T) {
	all, tally := fixWorld(t)
	text := fixesAs(t, report.NSUpdateFixes, tally, all, 1)
	const want = `
; $p\;x.cdn.net denies New: 1 row, 1 domain
; Note: It denies Old too. If that is to issue as well, publish one set for all: a second one would replace this one.
; Who: ask whoever runs cdn.net
; Contact: mailto:\"\\</script>\010'@cdn.net
; Note: 0 issuemail ";" stays: alone it forbids every CA, and beside a record that names one it does nothing. Ask whether that is meant.
prereq yxrrset \036p\059x.cdn.net. IN CAA 0 issuemail ";"
prereq yxrrset \036p\059x.cdn.net. IN CAA 0 iodef "mailto:\"\\</script>\010'@cdn.net"
update delete \036p\059x.cdn.net. IN CAA
update add \036p\059x.cdn.net. 300 IN CAA 0 issuemail ";"
update add \036p\059x.cdn.net. 300 IN CAA 0 iodef "mailto:\"\\</script>\010'@cdn.net"
update add \036p\059x.cdn.net. 300 IN CAA 0 issuemail "new.test"
send

; *.cdn.net denies New: 1 row, 1 domain
; Who: ask whoever runs cdn.net
; Note: This is a wildcard, so its records are those of all names that it makes. To publish it, remove the semicolons.
; prereq yxrrset *.cdn.net. IN CAA 0 issuemail "old.test"
; update delete *.cdn.net. IN CAA
; update add *.cdn.net. 300 IN CAA 0 issuemail "old.test"
; update add *.cdn.net. 300 IN CAA 0 issuemail "new.test"
; send

; corp.com denies New: 1 row, 1 domain
; Note: It denies Old too. If that is to issue as well, publish one set for all: a second one would replace this one.
; Note: Check with whoever set it: 128 tbs "x" is marked critical and has a tag that CAs do not know, so none may issue. It stays, without the mark.
prereq yxrrset corp.com. IN CAA 0 issuemail "old.test"
prereq yxrrset corp.com. IN CAA 128 issue "x.test; a=b"
prereq yxrrset corp.com. IN CAA 128 tbs "x"
update delete corp.com. IN CAA
update add corp.com. 300 IN CAA 0 issuemail "old.test"
update add corp.com. 300 IN CAA 128 issue "x.test; a=b"
update add corp.com. 300 IN CAA 0 tbs "x"
update add corp.com. 300 IN CAA 0 issuemail "new.test"
send
`
	if diff := cmp.Diff(want, text[strings.Index(text, "\n\n")+1:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFixesForDNSControl: what it cannot write is there for people.
func TestFixesForDNSControl(t *testing.T) {
	all, tally := fixWorld(t)
	text := fixesAs(t, report.DNSControlFixes, tally, all, 1)
	for _, want := range []string{
		"// CAA records to publish so that New may issue S/MIME certificates: 3 names.\n",
		"D_EXTEND(\"corp.com\",\n  CAA(\"@\", \"issuemail\", \"old.test\"),\n  CAA(\"@\", \"issue\", \"x.test; a=b\", CAA_CRITICAL),\n  CAA(\"@\", \"tbs\", \"x\"),\n  CAA(\"@\", \"issuemail\", \"new.test\")\n);\n",
		"// Note: DNSControl takes no such name. Publish these records in another way:\n// \\$p\\;x.cdn.net. IN CAA 0 issuemail \";\"\n",
		"// D_EXTEND(\"cdn.net\",\n//   CAA(\"*\", \"issuemail\", \"old.test\"),\n//   CAA(\"*\", \"issuemail\", \"new.test\")\n// );\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no\n%s\nin\n%s", want, text)
		}
	}
}

// changeBatch is what the API reference of Route 53 lists, and nothing else.
type changeBatch struct {
	Comment string
	Changes []struct {
		Action            string
		ResourceRecordSet struct {
			Name, Type      string
			TTL             int
			ResourceRecords []struct{ Value string }
		}
	}
}

func parseBatch(t testing.TB, text string) (batch changeBatch) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&batch); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if decoder.More() {
		t.Fatalf("more than one value:\n%s", text)
	}
	return batch
}

// TestFixesForRoute53: whole sets, the value between quotation marks; what it cannot hold is
// counted.
func TestFixesForRoute53(t *testing.T) {
	all, tally := fixWorld(t)
	batch := parseBatch(t, fixesAs(t, report.Route53Fixes, tally, all, 1))
	var got []string
	for _, change := range batch.Changes {
		set := change.ResourceRecordSet
		got = append(got, fmt.Sprintln(change.Action, set.Name, set.Type, set.TTL, set.ResourceRecords))
	}
	want := []string{`UPSERT corp.com. CAA 300 [{0 issuemail "old.test"} {128 issue "x.test; a=b"} {0 tbs "x"} {0 issuemail "new.test"}]` + "\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "CAA records to publish so that New may issue S/MIME certificates: 3 names. 2 of them cannot be here: take the form zone."; batch.Comment != want {
		t.Errorf("comment %q, want %q", batch.Comment, want)
	}
	long := cas(t, strings.Repeat("long ", 80)+"=new.test")
	if batch := parseBatch(t, fixesAs(t, report.Route53Fixes, new(report.Tally), long, 0)); batch.Changes == nil || len(batch.Changes) != 0 || utf8.RuneCountInString(batch.Comment) > 256 {
		t.Errorf("no fixes: %+v", batch)
	}
}

// TestFixesAsCSV: a line for each name, whose cells no tracker has to put together.
func TestFixesAsCSV(t *testing.T) {
	all, tally := fixWorld(t)
	lines, err := csv.NewReader(strings.NewReader(fixesAs(t, report.CSVFixes, tally, all, 1))).ReadAll()
	if err != nil || len(lines) != 4 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	want := []string{
		"CAA records to publish at corp.com so that New may issue S/MIME certificates", "corp.com", "New", "1", "1", "unknown-critical",
		"corp.com. IN CAA 0 issuemail \"old.test\"\ncorp.com. IN CAA 128 issue \"x.test; a=b\"\ncorp.com. IN CAA 128 tbs \"x\"",
		"corp.com. IN CAA 0 issuemail \"old.test\"\ncorp.com. IN CAA 128 issue \"x.test; a=b\"\ncorp.com. IN CAA 0 tbs \"x\"\ncorp.com. IN CAA 0 issuemail \"new.test\"",
		"corp.com. IN CAA 0 tbs \"x\"\ncorp.com. IN CAA 0 issuemail \"new.test\"",
		"whoever runs the domain", "", "60",
		"It denies Old too. If that is to issue as well, publish one set for all: a second one would replace this one.\n" +
			"Check with whoever set it: 128 tbs \"x\" is marked critical and has a tag that CAs do not know, so none may issue. It stays, without the mark.",
	}
	if diff := cmp.Diff(want, lines[3]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEveryFormKnowsItsFiles, and no other file is taken for one.
func TestEveryFormKnowsItsFiles(t *testing.T) {
	all, tally := fixWorld(t)
	for _, form := range report.FixFormats() {
		if text := fixesAs(t, form, tally, all, 0, 1); !report.IsFixes([]byte(text[:report.FixesStart()])) {
			t.Errorf("%s: its own file is not known: %.60q", form, text)
		}
		if form.Meaning() == "" {
			t.Errorf("%s has no meaning", form)
		}
	}
	for _, other := range []string{"", "; zone of corp.com", "Summary,Status\r\n", "{\n  \"Comment\": \"x\"", "D(\"corp.com\", REG)"} {
		if report.IsFixes([]byte(other)) {
			t.Errorf("%q is taken for a file of fixes", other)
		}
	}
}

// sets are sets by owner, as an overlay has them.
func setsOf(t testing.TB, zoneText string) map[string][]caa.Property {
	t.Helper()
	overlay, err := zone.ParseOverlay(strings.NewReader(zoneText), "plan")
	if err != nil {
		t.Fatalf("%v:\n%s", err, zoneText)
	}
	sets := make(map[string][]caa.Property)
	for set := range overlay.All() {
		sets[set.Owner] = set.Properties
	}
	return sets
}

// asZone are the forms but the zone file, each read by a parser of its own and written as
// lines of a zone file.
var asZone = map[report.FixFormat]func(testing.TB, string) string{
	report.CSVFixes:        csvAsZone,
	report.NSUpdateFixes:   nsupdateAsZone,
	report.DNSControlFixes: dnscontrolAsZone,
	report.Route53Fixes:    route53AsZone,
}

func csvAsZone(t testing.TB, text string) string {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	place := slices.Index(lines[0], "Records to publish in their place")
	var zone strings.Builder
	for _, line := range lines[1:] {
		for _, cell := range line {
			if cell != "" && (strings.IndexByte("=@", cell[0]) >= 0 || strings.IndexByte("+-", cell[0]) >= 0 && strings.Trim(cell, "+-0123456789 ()./,") != "") {
				t.Fatalf("a spreadsheet would run %q", cell)
			}
		}
		fmt.Fprintln(&zone, line[place])
	}
	return zone.String()
}

// nsupdateAsZone knows the commands that nsupdate(1) has, and splits them at spaces as that does.
func nsupdateAsZone(t testing.TB, text string) string {
	t.Helper()
	var zone strings.Builder
	deleted := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.SplitN(line, " ", 7)
		switch {
		case line == "" || line[0] == ';':
		case line == "send":
			deleted = ""
		case len(words) > 5 && words[0] == "prereq" && words[1] == "yxrrset" && words[3] == "IN" && words[4] == "CAA" && deleted == "":
		case len(words) == 5 && words[0] == "update" && words[1] == "delete" && words[3] == "IN" && words[4] == "CAA" && deleted == "":
			deleted = words[2]
		case len(words) == 7 && words[0] == "update" && words[1] == "add" && words[2] == deleted && words[4] == "IN" && words[5] == "CAA":
			fmt.Fprintf(&zone, "%s %s IN CAA %s\n", words[2], words[3], words[6])
		default:
			t.Fatalf("no command of nsupdate: %q", line)
		}
	}
	return zone.String()
}

func dnscontrolAsZone(t testing.TB, text string) string {
	t.Helper()
	var zone strings.Builder
	domain := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		name, opens := strings.CutPrefix(line, "D_EXTEND(")
		record, isRecord := strings.CutPrefix(line, "  CAA(")
		switch {
		case line == "" || strings.HasPrefix(line, "//"):
		case opens && domain == "":
			if err := json.Unmarshal([]byte(strings.TrimSuffix(name, ",")), &domain); err != nil {
				t.Fatalf("%v: %q", err, line)
			}
		case isRecord && domain != "":
			fmt.Fprintf(&zone, "%s. IN CAA %s\n", domain, callAsRecord(t, strings.TrimSuffix(strings.TrimSuffix(record, ","), ")")))
		case line == ");" && domain != "":
			domain = ""
		default:
			t.Fatalf("no line of a script: %q", line)
		}
	}
	return zone.String()
}

// callAsRecord reads the arguments of a CAA().
func callAsRecord(t testing.TB, arguments string) string {
	t.Helper()
	flags := 0
	if plain, critical := strings.CutSuffix(arguments, ", CAA_CRITICAL"); critical {
		flags, arguments = 128, plain
	}
	var words []string
	if err := json.Unmarshal([]byte("["+arguments+"]"), &words); err != nil || len(words) != 3 || words[0] != "@" {
		t.Fatalf("%v: %q", err, arguments)
	}
	return fmt.Sprintf(`\# %d %02x%02x%x%x`, 2+len(words[1])+len(words[2]), flags, len(words[1]), words[1], words[2])
}

func route53AsZone(t testing.TB, text string) string {
	t.Helper()
	var zone strings.Builder
	for _, change := range parseBatch(t, text).Changes {
		set := change.ResourceRecordSet
		if change.Action != "UPSERT" || set.Type != "CAA" || set.TTL <= 0 {
			t.Fatalf("%+v", change)
		}
		for _, record := range set.ResourceRecords {
			fmt.Fprintf(&zone, "%s IN CAA %s\n", fromOctal(set.Name), record.Value)
		}
	}
	return zone.String()
}

// fromOctal turns the escapes of Route 53 into those of a zone file.
func fromOctal(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '\\' {
			b.WriteByte(name[i])
			continue
		}
		var octet int
		fmt.Sscanf(name[i+1:i+4], "%o", &octet)
		fmt.Fprintf(&b, `\%03d`, octet)
		i += 3
	}
	return b.String()
}

// FuzzFixForms: whatever octets a name, a record, a contact or a label has, each form holds
// exactly the set that it should, or, if it cannot hold that, nothing.
func FuzzFixForms(f *testing.F) {
	f.Add("", "issuemail", ";", uint8(0), "ca")
	f.Add("", "issue", "x.test; a=b", uint8(128), "ca\u2028D_EXTEND(")
	f.Add("\x01a\x02$b", "issuemail", ";", uint8(0), "ca")
	f.Add("\x05a.b;c\x03\"\\\n", "iodef", "mailto:x\n. A 192.0.2.1\r\"", uint8(128), "c\u2028a")
	f.Add("\x03a b", "t\n(", "\x00\xff", uint8(129), "c;a")
	f.Add("\x04xn--", "tbs", "\"),\nevil(\"", uint8(255), "c\"a</script>")
	f.Add("\x01*\x01b", "Issue", "=1+1", uint8(0), "+ca")
	f.Add("\x02\\0", "iodef", "\\\"", uint8(0), "*/")
	f.Fuzz(func(t *testing.T, labels, tag, value string, flags uint8, label string) {
		all, tally := deniedBy(t, labels, tag, value, flags, label)
		if tally == nil {
			return
		}
		owner := ownerOf(labels)
		want := make(map[string][]caa.Property)
		for fix := range tally.Fixes(0).All() {
			set := slices.Clone(fix.Set)
			slices.SortFunc(set, func(a, b caa.Property) int { return strings.Compare(a.RDATA(), b.RDATA()) })
			want[fix.Name()] = set
		}
		plain := !strings.ContainsFunc(tag, func(r rune) bool {
			return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
		}) && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
		for form, parse := range asZone {
			got := setsOf(t, parse(t, fixesAs(t, form, tally, all, 0)))
			if len(got) == 0 && (form == report.DNSControlFixes && (!plain || flags&0x7f != 0 || strings.Trim(owner, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "") ||
				form == report.Route53Fixes && (!plain || strings.ContainsAny(value, `"\`))) {
				continue
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(caa.Property{})); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", form, diff)
			}
		}
	})
}

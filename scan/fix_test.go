package scan_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// set is the answer with CAA records at an owner, written as in a zone file, that
// name asked for them leads to.
func set(t *testing.T, name, owner string, properties ...caa.Property) snapshot.Observation {
	t.Helper()
	o := observed(t, name, snapshot.Observation{Transport: snapshot.Zone, TTL: 3600})
	o.Records = caa.RRset{Owner: owner, Properties: properties}
	if owner != name {
		o.Aliases = []string{owner}
	}
	return o
}

func property(t *testing.T, flags uint8, tag, value string) caa.Property {
	t.Helper()
	p, err := caa.NewProperty(flags, tag, value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func nothingAt(t *testing.T, name string) snapshot.Observation {
	return observed(t, name, snapshot.Observation{Transport: snapshot.Zone})
}

// fixOn returns what is to be published for ca.example, from these answers.
func fixOn(t *testing.T, answers ...snapshot.Observation) *scan.Fix {
	t.Helper()
	fix := verdictOn(t, answers...).Decisions[0].Fix
	if fix == nil {
		t.Fatal("there is no fix")
	}
	return fix
}

// TestAskWhoseTheDecidingNameIs: the last part says what the public suffixes are, by
// publicsuffix.org: com, co.uk, github.io, and whatever is one label below
// compute.amazonaws.com.
func TestAskWhoseTheDecidingNameIs(t *testing.T) {
	for _, test := range []struct{ name, domain, at, owner, want string }{
		{"the domain itself", "corp.com", "corp.com", "corp.com", ""},
		{"a sub-domain's own", "mail.corp.com", "mail.corp.com", "mail.corp.com", ""},
		{"a parent inside", "a.mail.corp.com", "corp.com", "corp.com", ""},
		{"a public suffix", "mail.corp.co.uk", "co.uk", "co.uk", "co.uk"},
		{"above a public suffix", "mail.corp.co.uk", "uk", "uk", "uk"},
		{"the public suffix was asked for itself", "co.uk", "co.uk", "co.uk", ""},
		{"an alias inside", "mail.corp.com", "mail.corp.com", "policy.corp.com", ""},
		{"an alias elsewhere", "mail.corp.com", "mail.corp.com", "a.cdn.com", "cdn.com"},
		{"an alias of a parent", "a.mail.corp.com", "mail.corp.com", "a.cdn.co.uk", "cdn.co.uk"},
		{"an alias to a public suffix", "mail.corp.com", "mail.corp.com", "github.io", "github.io"},
		{"an alias of a public suffix back into the domain", "a.me.github.io", "github.io", "b.me.github.io", ""},
		{"the same for somebody else", "a.you.github.io", "github.io", "b.me.github.io", "me.github.io"},
		{"no public suffix, but above one", "a.eu.compute.amazonaws.com", "amazonaws.com", "amazonaws.com", "amazonaws.com"},
		{"the same for its own", "a.amazonaws.com", "amazonaws.com", "amazonaws.com", ""},
		{"only its text ends so", "mail.corp.com", "mail.corp.com", `x\.corp.com`, "com"},
		{"an octet in front", "mail.corp.com", "mail.corp.com", `x\032y.corp.com`, ""},
		{"a backslash in front", "mail.corp.com", "mail.corp.com", `x\\.corp.com`, ""},
		{"escapes elsewhere", "mail.corp.com", "mail.corp.com", `x\.y.a.cdn.com`, "cdn.com"},
		{"its end is longer", "mail.corp.com", "mail.corp.com", "mycorp.com", "mycorp.com"},
		{"the root", "mail.corp.com", "mail.corp.com", ".", "."},
	} {
		var answers []snapshot.Observation
		name, err := domain.Parse(test.domain)
		if err != nil {
			t.Fatal(err)
		}
		for at := range name.Climb() {
			if at.String() == test.at {
				break
			}
			answers = append(answers, nothingAt(t, at.String()))
		}
		answers = append(answers, set(t, test.at, test.owner, property(t, 0, "issuemail", ";")))
		v := verdictOn(t, answers...)
		if got := v.Decisions[0].Fix.Ask; got != test.want {
			t.Errorf("%s: of %s at %s: Ask %q, want %q", test.name, test.domain, test.owner, got, test.want)
		}
		if said := strings.Contains(string(v.Decisions[0].Detail), "whoever runs "+test.want+" "); said != (test.want != "") {
			t.Errorf("%s: %s", test.name, v.Decisions[0].Detail)
		}
	}
}

// TestDomainsOfOneEndingAreAskedEachByItsOwn: the same answer ends both climbs.
func TestDomainsOfOneEndingAreAskedEachByItsOwn(t *testing.T) {
	var store snapshot.Store
	deny := property(t, 0, "issuemail", ";")
	names := []string{"a.amazonaws.com", "eu.compute.amazonaws.com", "a.eu.compute.amazonaws.com", "b.amazonaws.com", "compute.amazonaws.com"}
	for _, name := range names {
		store.Put(nothingAt(t, name))
	}
	store.Put(set(t, "amazonaws.com", "amazonaws.com", deny))
	scanner := scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: &store})
	for name, want := range map[string]string{"a.amazonaws.com": "", "a.eu.compute.amazonaws.com": "amazonaws.com", "b.amazonaws.com": ""} {
		n, err := domain.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := scanner.Verdict(n).Decisions[0].Fix.Ask; got != want {
			t.Errorf("%s: Ask %q, want %q", name, got, want)
		}
	}
}

func TestNotesSayWhatChangesAndWhatStays(t *testing.T) {
	fix := fixOn(t, set(t, "corp.com", "corp.com",
		property(t, 0, "issuemail", "ca.example."), property(t, 0, "issuemail", " ; "), property(t, 0, "issuemail", "other.example"),
		property(t, 128, "tbs", "x\n"), property(t, 128, "issue", "x")))
	want := []string{
		`0 issuemail "ca.example." stays, although it is misspelt ("." where a semicolon after the issuer domain name should be) and permits nobody.`,
		`0 issuemail " ; " stays: alone it forbids every CA, and beside a record that names one it does nothing. Ask whether that is meant.`,
		`Check with whoever set it: 128 tbs "x\010" is marked critical and has a tag that CAs do not know, so none may issue. It stays, without the mark.`,
	}
	if diff := cmp.Diff([]scan.FixNote{scan.NoteMisspelt, scan.NoteForbids, scan.NoteUnmarked}, fix.About); diff != "" {
		t.Errorf("About (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, fix.Notes); diff != "" {
		t.Errorf("Notes (-want +got):\n%s", diff)
	}
}

// TestFixNotesHaveMeanings: each kind, once.
func TestFixNotesHaveMeanings(t *testing.T) {
	met := make(map[string]bool)
	for _, note := range scan.FixNotes() {
		if met[string(note)] || met[note.Meaning()] || note.Meaning() == "" {
			t.Errorf("%s is there twice, or says nothing", note)
		}
		met[string(note)], met[note.Meaning()] = true, true
	}
}

// TestNotesAreBounded: a set may have thousands of records.
func TestNotesAreBounded(t *testing.T) {
	var many []caa.Property
	for i := range 100 {
		many = append(many, property(t, 0, "issuemail", strings.Repeat("!", 1+500*i)))
	}
	fix := fixOn(t, set(t, "corp.com", "corp.com", many...))
	if len(fix.Notes) != 9 || fix.Notes[8] != "92 more records are like these; check each." {
		t.Errorf("%d notes, the last %q", len(fix.Notes), fix.Notes[len(fix.Notes)-1])
	}
	for _, note := range fix.Notes {
		if len(note) > 500 {
			t.Errorf("a note of %d octets", len(note))
		}
	}
}

// TestWhenAChangeIsSeen: the set counts, and not the alias that leads to it; a
// resolver counts down, and an overlay is not what has to be forgotten.
func TestWhenAChangeIsSeen(t *testing.T) {
	const counted = " A change is seen once the resolver's copy of the present records has expired; elsewhere perhaps later."
	for _, test := range []struct {
		ttl, records uint32
		over         snapshot.Transport
		want         uint32
		words        string
	}{
		{3600, 0, snapshot.Zone, 3600, " A change is seen within an hour (TTL 3600)."},
		{1, 0, snapshot.Zone, 1, " A change is seen within a minute (TTL 1)."},
		{61, 0, snapshot.Zone, 61, " A change is seen within 2 minutes (TTL 61)."},
		{3601, 0, snapshot.Zone, 3601, " A change is seen within 2 hours (TTL 3601)."},
		{86400, 0, snapshot.Zone, 86400, " A change is seen within a day (TTL 86400)."},
		{1<<31 - 1, 0, snapshot.Zone, 1<<31 - 1, " A change is seen within 24856 days (TTL 2147483647)."},
		{60, 7200, snapshot.Zone, 7200, " A change is seen within 2 hours (TTL 7200)."},
		// What a resolver counts down is not said: the same records, the same words.
		{3412, 0, snapshot.UDP, 3412, counted},
		{3, 0, snapshot.UDP, 3, counted},
		{0, 0, snapshot.HTTPS, 0, counted},
		{3600, 0, snapshot.Overlay, 0, ""},
	} {
		o := set(t, "corp.com", "corp.com", property(t, 0, "issuemail", ";"))
		o.TTL, o.RecordsTTL, o.Transport = test.ttl, test.records, test.over
		d := verdictOn(t, o).Decisions[0]
		if d.Fix.TTL != test.want {
			t.Errorf("%+v: TTL %d", test, d.Fix.TTL)
		}
		const denied = `The CAA records at corp.com forbid every CA to issue certificates for mail: 0 issuemail ";".`
		if diff := cmp.Diff(denied+test.words, string(d.Detail)); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", test, diff)
		}
	}
}

// TestLinesAreSafeInACell: what would begin a formula there is written as a zone file has it
// (RFC 1035, section 5.1).
func TestLinesAreSafeInACell(t *testing.T) {
	for _, test := range []struct{ owner, value, want string }{
		{"x.example", "ca.example; a=b", `x.example. IN CAA 0 issuemail "ca.example; a=b"`},
		{"x.example", "ca.example;=1+1", `x.example. IN CAA 0 issuemail "ca.example;\0611+1"`},
		{"x.example", "a; +b; -c;@d", `x.example. IN CAA 0 issuemail "a; \043b; \045c;\064d"`},
		{"x.example", "a|=b|'=c", `x.example. IN CAA 0 issuemail "a|\061b|'\061c"`},
		{"x.example", `;"=a`, `x.example. IN CAA 0 issuemail ";\"=a"`}, // a cell that begins with a backslash does not run
		{"x.example", `\x41 \y \\u{0041}`, `x.example. IN CAA 0 issuemail "\092x41 \\y \\\092u{0041}"`},
		{"-x.example", ";", `\045x.example. IN CAA 0 issuemail ";"`},
		{`a\;=b.example`, ";", `a\;\061b.example. IN CAA 0 issuemail ";"`},
	} {
		fix := scan.Fix{Present: caa.RRset{Owner: test.owner}, Set: []caa.Property{property(t, 0, "issuemail", test.value)}}
		if got := fix.Lines()[0]; got != test.want {
			t.Errorf("at %s %q: %s, want %s", test.owner, test.value, got, test.want)
		}
	}
}

// FuzzLines: a line read as a zone file gives the owner and the octets that were put in, and
// no cell that begins in it at a separator runs.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{"ca.example", "; =1", "|@a", `\x41`, `;"'-2`, "\\\\u{0041}", "a;\t=b"} {
		f.Add("x.example", seed)
		f.Add("-x.example", seed)
		f.Add("-x.example", strings.Repeat(seed+"a", 500))
	}
	runs := regexp.MustCompile(`(^|[;|])[ "']*[-=+@]`)
	f.Fuzz(func(t *testing.T, owner, value string) {
		name, err := domain.Parse(owner)
		p, err2 := caa.NewProperty(0, "issuemail", value)
		if err != nil || err2 != nil {
			return
		}
		line := (&scan.Fix{Present: caa.RRset{Owner: name.String()}, Set: []caa.Property{p}}).Lines()[0]
		owner, rdata, err := loadLine(line)
		if err != nil {
			t.Fatalf("%s does not load: %v", line, err)
		}
		if owner != name.String()+"." || rdata != p.RDATA() {
			t.Errorf("%s loads as %s %q", line, owner, rdata)
		}
		if runs.MatchString(line) || strings.Contains(line, `\x`) || strings.Contains(line, `\u{`) {
			t.Errorf("%s is not as it stands in a cell", line)
		}
	})
}

// loadLine reads a line as the DNS library does, and returns its owner and its RDATA. The
// library packs no string whose text is longer than 1,025 octets, so that of the form of RFC
// 3597, section 5, which is how long values are written, the digits are decoded here.
func loadLine(line string) (owner, rdata string, err error) {
	rr, err := dns.NewRR(line)
	if err != nil {
		return "", "", err
	}
	wire := make([]byte, 1<<17)
	_, digits, generic := strings.Cut(line, ` CAA \# `)
	if generic {
		var size int
		var octets []byte
		if _, err := fmt.Sscanf(digits, "%d %x", &size, &octets); err != nil {
			return "", "", err
		}
		if size != len(octets) {
			return "", "", fmt.Errorf("%d octets are announced as %d", len(octets), size)
		}
		rr, rdata = &dns.RFC3597{Hdr: *rr.Header()}, string(octets)
	}
	end, err := dns.PackRR(rr, wire, 0, nil, false)
	if err != nil {
		return "", "", err
	}
	owner, fixed, err := dns.UnpackDomainName(wire, 0)
	if generic {
		return owner, rdata, err
	}
	const rest = 10 // type, class, TTL and length
	return owner, string(wire[fixed+rest : end]), err
}

// TestFixesFromZones, by hand. The deciding name is where the records are: at the end
// of an alias, and at the name asked for where a wildcard made them (RFC 4592, section
// 2.1.1).
func TestFixesFromZones(t *testing.T) {
	const text = `$ORIGIN example.
@                60   SOA   ns hostmaster 1 7200 900 1209600 300
corp             60   CNAME policy
policy           7200 CAA   0 issuemail "other-ca.example"
policy           7200 CAA   0 iodef "mailto:caa@policy.example"
*.wild           60   CAA   0 issuemail ";"
*.alias          60   CNAME policy
a\;b              60   CAA   0 issuemail ";"
odd              60   CNAME a\;b
$-$              60   CAA   0 issuemail ";"
`
	text2 := strings.Replace(text, "\n$-$ ", "\n\\$-$ ", 1) + "dollar 60 CNAME \\$-$\n"
	r := client(t, text2)
	for _, test := range []struct {
		domain, ask string
		ttl         uint32
		lines       []string
	}{
		{"a.corp.example", "policy.example", 7200, []string{
			`policy.example. IN CAA 0 iodef "mailto:caa@policy.example"`,
			`policy.example. IN CAA 0 issuemail "other-ca.example"`,
			`policy.example. IN CAA 0 issuemail "ca.example"`,
		}},
		{"a.b.wild.example", "", 60, []string{`a.b.wild.example. IN CAA 0 issuemail ";"`, `a.b.wild.example. IN CAA 0 issuemail "ca.example"`}},
		{"x.alias.example", "policy.example", 7200, []string{
			`policy.example. IN CAA 0 iodef "mailto:caa@policy.example"`,
			`policy.example. IN CAA 0 issuemail "other-ca.example"`,
			`policy.example. IN CAA 0 issuemail "ca.example"`,
		}},
		{"odd.example", "example", 60, []string{`a\;b.example. IN CAA 0 issuemail ";"`, `a\;b.example. IN CAA 0 issuemail "ca.example"`}},
		{"dollar.example", "example", 60, []string{`\$-\$.example. IN CAA 0 issuemail ";"`, `\$-\$.example. IN CAA 0 issuemail "ca.example"`}},
	} {
		name, err := domain.Parse(test.domain)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Trace(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		fix := scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: r.Store()}).Verdict(name).Decisions[0].Fix
		if fix == nil {
			t.Errorf("%s: no fix", test.domain)
			continue
		}
		if diff := cmp.Diff(test.lines, fix.Lines()); diff != "" || fix.TTL != test.ttl || fix.Ask != test.ask {
			t.Errorf("%s: TTL %d, ask %q, want %d, %q; lines (-want +got)\n%s", test.domain, fix.TTL, fix.Ask, test.ttl, test.ask, diff)
		}
	}
}

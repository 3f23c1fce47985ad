package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/dnssec/dnssectest"
	"caascan/scan/lookup"
	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// newSignedWorld makes a world whose signatures end in so long.
func newSignedWorld(ends time.Duration) (*dnssectest.World, error) {
	return dnssectest.Build(
		time.Now().Add(ends-dnssectest.Lifetime),
		dnssectest.Spec{Origin: ".", Denial: dnssectest.NSEC},
		dnssectest.Spec{Origin: "tld.", Denial: dnssectest.OptOut},
		dnssectest.Spec{Origin: "site.tld.", Denial: dnssectest.NSEC3, Text: "@ CAA 0 issuemail \"ca.example\"\nwww A 192.0.2.1\n"},
		dnssectest.Spec{Origin: "open.tld.", Text: "@ CAA 0 issuemail \"other.example\"\n"},
		dnssectest.Spec{Origin: "expired.tld.", Denial: dnssectest.NSEC, Fault: dnssectest.Expired},
		dnssectest.Spec{Origin: "odd.tld.", Denial: dnssectest.NSEC, Fault: dnssectest.UnknownAlg},
	)
}

// serveSigned starts a resolver that passes DNSSEC records and validates nothing.
func serveSigned(answer func(q *dns.Msg) *dns.Msg) (*dnstest.Server, error) {
	return dnstest.Start(dnstest.Config{Handle: func(asked dnstest.Query) []dnstest.Reply {
		q := new(dns.Msg)
		if q.Unpack(asked.Wire) != nil {
			return nil
		}
		m := answer(q)
		m.Id, m.Question = q.Id, q.Question
		m.SetEdns0(dns.DefaultMsgSize, true)
		wire, err := m.Pack()
		if err != nil {
			return nil
		}
		return []dnstest.Reply{{Wire: wire}}
	}})
}

// truthful answers from a world as it is.
func truthful(w *dnssectest.World) func(q *dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg { return w.Answer(q.Question[0].Name, q.Question[0].Qtype) }
}

// signedResolver starts such a resolver of such a world. It returns its address and the file of
// the trust anchor.
func signedResolver(t *testing.T) (address, anchor string) {
	t.Helper()
	return signedResolverUntil(t, twoDays)
}

// twoDays is less than the three that are warned of.
const twoDays = 48 * time.Hour

// signedResolverUntil is signedResolver, of a world whose signatures end in so long.
func signedResolverUntil(t *testing.T, ends time.Duration) (address, anchor string) {
	t.Helper()
	w, err := newSignedWorld(ends)
	if err != nil {
		t.Fatal(err)
	}
	anchor = filepath.Join(t.TempDir(), "root.ds")
	writeText(t, anchor, w.Anchor.String()+"\n")
	return playSigned(t, truthful(w)), anchor
}

// playSigned is serveSigned for as long as the test runs. It returns the resolver's address.
func playSigned(t *testing.T, answer func(q *dns.Msg) *dns.Msg) (address string) {
	t.Helper()
	server, err := serveSigned(answer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.Addr()
}

const signedList = "mail\na@site.tld\na@www.site.tld\na@open.tld\na@expired.tld\na@odd.tld\n"

// TestOwnValidationFromTheCommandLine: with a resolver that nobody believes rows say what their
// signatures are worth, and a snapshot says it again.
func TestOwnValidationFromTheCommandLine(t *testing.T) {
	address, anchor := signedResolver(t)
	file := filepath.Join(t.TempDir(), "answers.jsonl")
	want := [][]string{
		{"permitted", "issuer-listed", "secure", "", "signature-expires"},
		{"permitted", "issuer-listed", "secure", "", "inherited signature-expires"},
		{"denied", "issuer-not-listed", "insecure", "", ""},
		{"lookup-failed", "dnssec-bogus", "bogus", "ca-must-not-issue", ""},
		{"permitted", "no-caa", "insecure", "", "dnssec-unsupported"},
	}
	for _, source := range [][]string{
		{"--resolver", address, "--dnssec", "own", "--trust-anchor", anchor, "--snapshot", file},
		{"--from-snapshot", file},
		{"--resolver", address, "--dnssec", "own", "--trust-anchor", anchor, "--snapshot", file, "--resume"},
	} {
		got := runWith(t.Context(), signedList, append([]string{"scan", "-", "--issuer", "ca.example", "-o", "-"}, source...)...)
		if got.code != exitDone {
			t.Fatalf("%v: %+v", source, got)
		}
		report := readReport(t, got.stdout)
		var rows [][]string
		for _, row := range report[1:] {
			rows = append(rows, pick(report[0], row, "caa_status", "caa_reason", "caa_dnssec", "caa_on_failure", "caa_warnings"))
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%v: rows mismatch (-want +got)\n%s", source, diff)
		}
		for _, words := range []string{"expired.tld", "(algorithm 13) of expired.tld expired on "} {
			if !strings.Contains(got.stdout, words) {
				t.Errorf("%v: %s, want %q in the details", source, got.stdout, words)
			}
		}
	}
	got := runWith(t.Context(), "", "check", "www.site.tld", "--issuer", "ca.example", "--resolver", address, "--dnssec", "own", "--trust-anchor", anchor)
	for _, words := range []string{"Chain of trust:", "   .: signed-delegation, secure; DS ", "site.tld: signed-delegation, secure; DS ", "DNSSEC: secure."} {
		if !strings.Contains(got.stdout, words) {
			t.Errorf("check says\n%s, want %q", got.stdout, words)
		}
	}
}

// TestAResolverWithoutDNSSECRecordsIsNeverTakenForOne: own validation that finds nothing to
// validate says so, and auto goes on as without it.
func TestAResolverWithoutDNSSECRecordsIsNeverTakenForOne(t *testing.T) {
	server, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{load(t, demoZone)}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for mode, want := range map[string]string{
		"own":  "caascan: no resolver passes DNSSEC records that hold, so nothing is validated: caa_dnssec is unknown\n",
		"auto": "",
	} {
		got := runWith(t.Context(), "mail\na@listed.example\n", "scan", "-", "--issuer", "ca.example", "-o", "-", "--resolver", server.Addr(), "--dnssec", mode, "--final-pass-after", "0s")
		if got.code != exitDone || got.stderr != want || !strings.Contains(got.stdout, ",unknown,") {
			t.Errorf("%s: %+v, want %q", mode, got, want)
		}
	}
}

// TestAWrongClockIsSaid: if the root was signed for another time, --dnssec own does not begin,
// because it would find everything bogus, and auto says what it cannot do.
func TestAWrongClockIsSaid(t *testing.T) {
	address, anchor := signedResolverUntil(t, -time.Hour)
	for mode, code := range map[string]int{"own": exitUnfinished, "auto": exitDone} {
		got := runWith(t.Context(), signedList, "scan", "-", "--issuer", "ca.example", "-o", "-", "--resolver", address, "--dnssec", mode, "--trust-anchor", anchor, "--final-pass-after", "0s")
		if got.code != code || !strings.Contains(got.stderr, "the clock of this machine says ") || strings.Contains(got.stdout, "bogus") {
			t.Errorf("%s: %+v, want exit %d and the clock named", mode, got, code)
		}
	}
}

func TestWhatOwnValidationCannotBeAskedFor(t *testing.T) {
	_, anchor := signedResolver(t)
	spoilt := filepath.Join(t.TempDir(), "spoilt")
	for text, words := range map[string]string{
		"example. IN DS 1 8 2 " + strings.Repeat("AB", 32): "only those of the root",
		". IN A 192.0.2.1": "is a DS or DNSKEY record",
		". IN DS 1 200 2 " + strings.Repeat("AB", 32): "no trust anchor with an algorithm",
		"":        "no trust anchor",
		"rubbish": "spoilt",
	} {
		writeText(t, spoilt, text+"\n")
		got := runWith(t.Context(), signedList, "scan", "-", "--issuer", "ca.example", "-o", "-", "--dnssec", "own", "--trust-anchor", spoilt)
		if got.code != exitUsage || !strings.Contains(got.stderr, words) {
			t.Errorf("%q: %+v, want %q", text, got, words)
		}
	}
	got := runWith(t.Context(), signedList, "scan", "-", "--issuer", "ca.example", "-o", "-", "--dnssec", "maybe", "--trust-anchor", anchor)
	if got.code != exitUsage || !strings.Contains(got.stderr, "write auto, own, resolver or off") {
		t.Errorf("%+v", got)
	}
}

// TestCheckShowsTheChain: each zone with its DS records, keys, signatures and their dates, and
// what denies, for people and in JSON.
func TestCheckShowsTheChain(t *testing.T) {
	address, anchor := signedResolver(t)
	now := time.Now().UTC()
	day := func(at time.Time) string { return at.Format("2006-01-02T") + "[0-9:]+Z" }
	from, to := day(now.Add(twoDays-2*dnssectest.Lifetime)), day(now.Add(twoDays))
	by := func(zone string) string {
		return `by key [0-9]+ \(algorithm 13\) of ` + zone + " from " + from + " to " + to
	}
	args := []string{"--issuer", "ca.example", "--resolver", address, "--dnssec", "own", "--trust-anchor", anchor}
	for name, want := range map[string][]string{
		"www.site.tld": {
			`NSEC3 of [a-v0-9]{32}\.site\.tld \(the name with this hash has A RRSIG, and no hash is between it and [a-v0-9]{32}\): signed ` + by(`site\.tld`),
			`CAA of site\.tld: signed ` + by(`site\.tld`),
			`\.: signed-delegation, secure; DS [0-9]+ \(algorithm 13, digest 2\); keys [0-9]+ \(algorithm 13\); signed until ` + to,
			`DNSKEY of \.: signed ` + by(`\.`),
			`tld: signed-delegation, secure; DS [0-9]+ .*; signed until ` + to,
			`DS of tld: signed ` + by(`\.`),
			`DNSKEY of tld: signed ` + by("tld"),
			`site\.tld: signed-delegation, secure; DS `,
			`DS of site\.tld: signed ` + by("tld"),
			`DNSKEY of site\.tld: signed ` + by(`site\.tld`),
		},
		"open.tld": {
			`CAA of open\.tld: without a signature`,
			`open\.tld: opt-out-delegation, insecure; .*the zone tld leaves out what is not signed, and open\.tld with it`,
			`NSEC3 of [a-v0-9]{32}\.tld \(.* but those of delegations that are not signed\): signed ` + by("tld"),
		},
		"expired.tld": {`because the signature over the .* records of expired\.tld by key [0-9]+ \(algorithm 13\) of expired\.tld expired on `},
	} {
		plain := runWith(t.Context(), "", append([]string{"check", name}, args...)...)
		text := strings.Join(strings.Fields(plain.stdout), " ") // whatever its lines are broken at
		for _, words := range want {
			if !regexp.MustCompile(words).MatchString(text) {
				t.Errorf("%s: check says\n%s, want %s", name, plain.stdout, words)
			}
		}
	}
	got := runWith(t.Context(), "", append([]string{"check", "www.site.tld", "--json"}, args...)...)
	var c struct {
		Signed []signedStep
		Chain  []lookup.ChainStep
	}
	if err := json.Unmarshal([]byte(got.stdout), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Signed) != 2 || c.Signed[1].Name != "site.tld" || len(c.Chain) != 3 {
		t.Fatalf("%s: %+v", got.stdout, c)
	}
	for _, step := range c.Chain {
		if len(step.DS) == 0 || len(step.Keys) == 0 || len(step.Records) == 0 || step.Expires == nil {
			t.Errorf("%+v has no DS records, keys, records or end", step)
		}
	}
	if s := c.Signed[1].Records[0]; s.Type != "CAA" || len(s.Signatures) != 1 || s.Signatures[0].Zone != "site.tld" || s.Signatures[0].Expiration.Sub(now).Round(time.Hour) != twoDays {
		t.Errorf("%+v", s)
	}
}

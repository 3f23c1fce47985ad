package caa_test

import (
	"errors"
	"strings"
	"testing"

	"caascan/scan/caa"
)

func TestParseRDATA(t *testing.T) {
	for _, test := range []struct {
		name       string
		octets     string
		flags      uint8
		critical   bool
		tag, value string
	}{
		{"RFC 8659, 4.1: flags, tag, value", "\x00\x05issueca.example", 0, false, "issue", "ca.example"},
		{"RFC 8659, 4.1: the critical flag", "\x80\x03tbsUnknown", 128, true, "tbs", "Unknown"},
		{"RFC 8659, 4.1: reserved flags are kept", "\x7f\x03tbsx", 127, false, "tbs", "x"},
		{"RFC 8659, 4.1: all flags", "\xff\x03tbsx", 255, true, "tbs", "x"},
		{"RFC 8659, 4.1: an empty value", "\x00\x09issuemail", 0, false, "issuemail", ""},
		{"RFC 8659, 4.1: a tag of one octet", "\x00\x01a", 0, false, "a", ""},
		{
			"RFC 8659, 4.1: a tag of 255 octets",
			"\x00\xff" + strings.Repeat("t", 255) + "v", 0, false, strings.Repeat("t", 255), "v",
		},
		{"RFC 8659, 4.1: case is kept", "\x00\x05IssueCA.Example", 0, false, "Issue", "CA.Example"},
		{"octets that are no text are kept", "\x00\x02\x00\xff\x00\xfe\\", 0, false, "\x00\xff", "\x00\xfe\\"},
		{
			"RFC 1035, 3.2.1: as long as RDATA can be",
			"\x00\x01a" + strings.Repeat("v", 65532), 0, false, "a", strings.Repeat("v", 65532),
		},
	} {
		p, err := caa.ParseRDATA([]byte(test.octets))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if p.Flags() != test.flags || p.Critical() != test.critical || p.Tag() != test.tag || p.Value() != test.value {
			t.Errorf("%s: flags %d, critical %t, tag %q, value %q", test.name, p.Flags(), p.Critical(), p.Tag(), p.Value())
		}
		if p.RDATA() != test.octets {
			t.Errorf("%s: RDATA() = %q, want what was parsed", test.name, p.RDATA())
		}
		if made := property(test.flags, test.tag, test.value); made != p {
			t.Errorf("%s: NewProperty makes %q, ParseRDATA %q", test.name, made.RDATA(), p.RDATA())
		}
	}
}

func TestParseRDATARefuses(t *testing.T) {
	for name, octets := range map[string]string{
		"RFC 8659, 4.1: no octet":                        "",
		"RFC 8659, 4.1: flags alone":                     "\x00",
		"RFC 8659, 4.1: a tag of length 0":               "\x00\x00",
		"RFC 8659, 4.1: a tag of length 0 and a value":   "\x00\x00ca.example",
		"RFC 8659, 4.1: no octet of the tag":             "\x00\x05",
		"RFC 8659, 4.1: the tag ends one octet too late": "\x00\x06issue",
		"RFC 8659, 4.1: the tag ends far too late":       "\x00\xffissueca.example",
		"RFC 1035, 3.2.1: longer than RDATA can be":      "\x00\x01a" + strings.Repeat("v", 65533),
	} {
		if p, err := caa.ParseRDATA([]byte(octets)); !errors.Is(err, caa.ErrRDATA) || p != (caa.Property{}) {
			t.Errorf("%s: ParseRDATA = %q, %v, want an ErrRDATA", name, p.RDATA(), err)
		}
	}
}

func TestNewPropertyRefuses(t *testing.T) {
	for _, test := range []struct{ name, tag, value string }{
		{"RFC 8659, 4.1: an empty tag", "", "ca.example"},
		{"RFC 8659, 4.1: a tag of 256 octets", strings.Repeat("t", 256), ""},
		{"RFC 1035, 3.2.1: RDATA of 65,536 octets", "issue", strings.Repeat("v", 65536-2-5)},
	} {
		if p, err := caa.NewProperty(0, test.tag, test.value); !errors.Is(err, caa.ErrRDATA) || p != (caa.Property{}) {
			t.Errorf("%s: NewProperty = %q, %v, want an ErrRDATA", test.name, p.RDATA(), err)
		}
	}
	if _, err := caa.NewProperty(0, "issue", strings.Repeat("v", 65535-2-5)); err != nil {
		t.Errorf("RDATA of 65,535 octets: %v", err)
	}
}

// A buffer that is used again must not change a property.
func TestParseRDATACopies(t *testing.T) {
	octets := []byte("\x00\x05issueca.example")
	p, err := caa.ParseRDATA(octets)
	if err != nil {
		t.Fatal(err)
	}
	clear(octets)
	if want := property(0, "issue", "ca.example"); p != want {
		t.Errorf("after its octets were cleared: %v, want %v", p, want)
	}
}

func TestPropertyIs(t *testing.T) {
	for _, test := range []struct {
		tag  string
		want bool
	}{
		{"issuemail", true},
		{"ISSUEMAIL", true},
		{"issueMail", true},
		{"issue", false},
		{"issuemai", false},
		{"issuemails", false},
		{"issuemail ", false},
		{"issuemail\x00", false},
		{"i\u017fsuemail", false},
	} {
		if got := property(0, test.tag, "").Is(caa.TagIssuemail); got != test.want {
			t.Errorf("tag %q is issuemail: %t, want %t", test.tag, got, test.want)
		}
	}
}

func TestPropertyText(t *testing.T) {
	long := strings.Repeat("v", 255)
	for _, test := range []struct {
		name             string
		property         caa.Property
		text, masterFile string
	}{
		{
			"RFC 8659, 4.1.1: the canonical form",
			property(0, "issue", "ca1.example.net"), `0 issue "ca1.example.net"`, `0 issue "ca1.example.net"`,
		},
		{
			"RFC 8659, 4.1.1: flags are decimal",
			property(128, "tbs", "Unknown"), `128 tbs "Unknown"`, `128 tbs "Unknown"`,
		},
		{
			"RFC 1035, 5.1: a semicolon needs no escape inside quotation marks",
			property(0, "issuemail", "ca.example; a=b"), `0 issuemail "ca.example; a=b"`, `0 issuemail "ca.example; a=b"`,
		},
		{
			"RFC 1035, 5.1: an empty value",
			property(0, "issuemail", ""), `0 issuemail ""`, `0 issuemail ""`,
		},
		{
			"RFC 1035, 5.1: a quotation mark and a backslash",
			property(0, "issue", `"a\b"`), `0 issue "\"a\\b\""`, `0 issue "\"a\\b\""`,
		},
		{
			"RFC 1035, 5.1: other octets are decimal",
			property(0, "issue", "\x00\t\n\x7f\xff"), `0 issue "\000\009\010\127\255"`, `0 issue "\000\009\010\127\255"`,
		},
		{
			"RFC 3597, 5: a tag in capitals, which NSD refuses",
			property(0, "Tag", "v"), `0 Tag "v"`, `\# 6 000354616776`,
		},
		{
			"RFC 3597, 5: a tag with NUL",
			property(0, "a\x00", "v"), `0 a\000 "v"`, `\# 5 0002610076`,
		},
		{
			"RFC 3597, 5: a tag with a space",
			property(128, "a ", ""), `128 a\  ""`, `\# 4 80026120`,
		},
		{
			"RFC 3597, 5: a tag with what ends or groups tokens",
			property(0, `";()\`, ""), `0 \"\;\(\)\\ ""`, `\# 7 0005223b28295c`,
		},
		{
			"RFC 6844, 5.1: a tag of 15 octets",
			property(0, "abcdefghijklmno", "v"), `0 abcdefghijklmno "v"`, `0 abcdefghijklmno "v"`,
		},
		{
			"RFC 3597, 5: a tag of 16 octets, which NSD refuses",
			property(0, "abcdefghijklmnop", "v"), `0 abcdefghijklmnop "v"`, `\# 19 00106162636465666768696a6b6c6d6e6f7076`,
		},
		{
			"a value of 255 octets",
			property(0, "issue", long), `0 issue "` + long + `"`, `0 issue "` + long + `"`,
		},
		{
			"RFC 3597, 5: a value of 256 octets, which miekg/dns refuses",
			property(0, "issue", long+"v"), `0 issue "` + long + `v"`, `\# 263 00056973737565` + strings.Repeat("76", 256),
		},
	} {
		if got := test.property.String(); got != test.text {
			t.Errorf("%s: String() = %s, want %s", test.name, got, test.text)
		}
		if got := test.property.ZoneText(); got != test.masterFile {
			t.Errorf("%s: ZoneText() = %s, want %s", test.name, got, test.masterFile)
		}
	}
}

func TestEscape(t *testing.T) {
	for octets, want := range map[string]string{
		"":                     "",
		"ca.example; a=b":      "ca.example; a=b",
		" ~":                   " ~",
		`"\`:                   `\"\\`,
		"\x00\x1f\x7f\x80\xff": `\000\031\127\128\255`,
		"ü":                    `\195\188`,
		"\u202e":               `\226\128\174`, // a bidi control
		`\000`:                 `\\000`,
	} {
		if got := caa.Escape(octets); got != want {
			t.Errorf("Escape(%q) = %s, want %s", octets, got, want)
		}
	}
}

func TestUnescapeRefusesWhatEscapeNeverWrites(t *testing.T) {
	for _, text := range []string{`"`, `\`, `\a`, `\1`, `\12`, `\256`, `\+12`, `\-12`, `\ 12`, `\1 2`, "\x00", "\x1f", "\x7f", "ü", "a\nb"} {
		if octets, err := caa.Unescape(text); !errors.Is(err, caa.ErrEscape) || octets != "" {
			t.Errorf("Unescape(%q) = %q, %v, want an ErrEscape", text, octets, err)
		}
	}
}

// FuzzUnescape: it is the inverse of Escape.
func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{"", "ca.example", `"\`, "\x00\x1f\x7f\x80\xff", `\000`, `\"\\\255`, `\256`, "ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if octets, err := caa.Unescape(caa.Escape(text)); octets != text || err != nil {
			t.Errorf("Unescape(Escape(%q)) = %q, %v", text, octets, err)
		}
		octets, err := caa.Unescape(text)
		if err != nil {
			return
		}
		if again, err := caa.Unescape(caa.Escape(octets)); again != octets || err != nil {
			t.Errorf("%q: %q is not what it was written from: %q, %v", text, again, octets, err)
		}
	})
}

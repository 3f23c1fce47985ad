package zone_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/domain"
	"caascan/scan/zone"
)

// parse returns the records of a master file behind its SOA record, one line
// each, RDATA in hexadecimal.
func parse(t testing.TB, text string) string {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(text), "test.zone")
	if err != nil {
		t.Fatal(err)
	}
	return list(z)
}

func list(z *zone.Zone) string {
	var lines []string
	for r := range z.Records() {
		if r.Type == dns.TypeSOA {
			continue
		}
		line := fmt.Sprintf("%s %d %s %x", r.Name, r.TTL, dns.Type(r.Type), r.RDATA)
		if r.Comment != "" {
			line += " ; " + r.Comment
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestParseCAA(t *testing.T) {
	for _, test := range []struct{ clause, text, want string }{
		{"RFC 8659 4.1.1: flags, tag, value", `CAA 0 issue "ca.example"`, "00056973737565" + "63612e6578616d706c65"},
		{"RFC 8659 4.1.1: a value without quotation marks", `CAA 128 tbs Unknown`, "8003746273" + "556e6b6e6f776e"},
		{"RFC 1035 5.1: three digits are an octet", `CAA 0 issue "\027"`, "000569737375651b"},
		{"RFC 1035 5.1: the octets NUL and 255", `CAA 0 issue "\000\255"`, "0005697373756500ff"},
		{"RFC 1035 5.1: an escaped semicolon", `CAA 0 issue "\;"`, "000569737375653b"},
		{"RFC 1035 5.1: a semicolon in quotation marks", `CAA 0 issue ";"`, "000569737375653b"},
		{"RFC 1035 5.1: an escaped semicolon without quotation marks", `CAA 0 issue \;`, "000569737375653b"},
		{"RFC 1035 5.1: an escaped quotation mark", `CAA 0 issue "\""`, "0005697373756522"},
		{"RFC 1035 5.1: an escaped backslash", `CAA 0 issue "\\"`, "000569737375655c"},
		{"RFC 1035 5.1: backslash and digits that are no escape", `CAA 0 issue "\\027"`, "000569737375655c303237"},
		{"RFC 1035 5.1: an escaped letter is the letter", `CAA 0 issue "\a"`, "0005697373756561"},
		{"RFC 1035 5.1: an escape in the tag", `CAA 0 i\115sue "a"`, "0005697373756561"},
		{"octets beyond ASCII stand for themselves", "CAA 0 issue \"\xff\xc3\xa4\"", "00056973737565ffc3a4"},
		{"white space in quotation marks stays", "CAA 0 issue \" a \t \"", "0005697373756520612009" + "20"},
		{"an empty value", `CAA 0 issuemail ""`, "0009697373756" + "56d61696c"},
		{"a tag keeps its letters", `CAA 0 IssueMail "a"`, "000949737375654d61696c61"},
		{"a tag with octets that RFC 8659 4.1 does not allow stays", `CAA 0 a-b ""`, "0003612d62"},
		{"a value longer than a character string", `CAA 0 a "` + strings.Repeat("v", 300) + `"`, "000161" + strings.Repeat("76", 300)},
		{"parentheses and line ends between items", "CAA ( 0\n issue\n\"a\" )", "0005697373756561"},
		{"RFC 3597 5: octets", `TYPE257 \# 7 00 05 69 73 73 75 65`, "00056973737565"},
		{"RFC 3597 5: octets under the mnemonic, and in one word", `CAA \# 7 00056973737565`, "00056973737565"},
		{"RFC 3597 5: a backslash among the octets is no escape", `TYPE257 \# 9 00 05 6973737565 5c61`, "000569737375655c61"},
		{"RFC 3597 5: NUL and octets beyond ASCII", `TYPE257 \# 10 00 05 6973737565 0080ff`, "000569737375650080ff"},
		{"an empty tag is kept", `TYPE257 \# 3 0000aa`, "0000aa"},
		{"a tag longer than the data is kept", `TYPE257 \# 3 0005aa`, "0005aa"},
		{"one octet is kept", `TYPE257 \# 1 80`, "80"},
		{"no octets are kept", `TYPE257 \# 0`, ""},
		{"no octets in parentheses", `TYPE257 ( \# 0 )`, ""},
	} {
		t.Run(test.clause, func(t *testing.T) {
			text := "example. " + soa + "a.example. 60 " + test.text + "\n"
			if got, want := parse(t, text), "a.example 60 CAA "+test.want; got != want {
				t.Errorf("Parse(%s)\ngot  %s\nwant %s", test.text, got, want)
			}
			_, rdata := sections(t, mustAnswer(t, set(t, text), query(t, "a.example. CAA")))
			want, err := hex.DecodeString(test.want)
			if err != nil {
				t.Fatal(err)
			}
			if len(rdata) != 1 || rdata[0] != string(want) {
				t.Errorf("on the wire: %x, want %x", rdata, want)
			}
		})
	}
}

func TestParseEntries(t *testing.T) {
	for _, test := range []struct{ clause, text, want string }{
		{
			"RFC 1035 5.1: a blank owner is that of the last record", "a A 192.0.2.1\n  A 192.0.2.2\n\tA 192.0.2.3",
			"a.example 3600 A c0000201\na.example 3600 A c0000202\na.example 3600 A c0000203",
		},
		{"RFC 1035 5.1: @ is the origin", "@ A 192.0.2.1", "example 3600 A c0000201"},
		{"RFC 1035 5.1: @ in the data too", "a NS @", "a.example 3600 NS 076578616d706c6500"},
		{
			"RFC 1035 5.1: TTL and class in either order, or one of them", "a 60 IN A 192.0.2.1\nb IN 70 A 192.0.2.1\nc 80 A 192.0.2.1\nd IN A 192.0.2.1",
			"a.example 60 A c0000201\nb.example 70 A c0000201\nc.example 80 A c0000201\nd.example 80 A c0000201",
		},
		{
			"RFC 2308 4: $TTL holds where a record has none", "a 60 A 192.0.2.1\n$TTL 90\nb A 192.0.2.1\nc 70 A 192.0.2.1\nd A 192.0.2.1",
			"a.example 60 A c0000201\nb.example 90 A c0000201\nc.example 70 A c0000201\nd.example 90 A c0000201",
		},
		{
			"TTL in units", "$TTL 1h30m\na A 192.0.2.1\nb 1W2d3h4M5s A 192.0.2.1\nc 1m1 A 192.0.2.1",
			"a.example 5400 A c0000201\nb.example 788645 A c0000201\nc.example 61 A c0000201",
		},
		{
			"RFC 1035 5.1: $ORIGIN absolute and relative", "$ORIGIN sub\na A 192.0.2.1\n$ORIGIN other.example.\na A 192.0.2.1",
			"a.sub.example 3600 A c0000201\na.other.example 3600 A c0000201",
		},
		{"directives in any case", "$origin sub\n$ttl 5\na A 192.0.2.1", "a.sub.example 5 A c0000201"},
		{"types and classes in any case", "a in caa 0 a b\nb In Type1 \\# 4 c0000201", "a.example 3600 CAA 00016162\nb.example 3600 A c0000201"},
		{
			"comments behind, between and in a record", "; nothing\na A 192.0.2.1 ; one\n\n   ; nothing\nb ( ; two\n A ; three\n 192.0.2.1 )\nc A 192.0.2.1;four",
			"a.example 3600 A c0000201 ; one\nb.example 3600 A c0000201 ; two three\nc.example 3600 A c0000201 ; four",
		},
		{"RFC 1035 5.1: an escaped dot is none between labels", `a\.b A 192.0.2.1`, `a\.b.example 3600 A c0000201`},
		{"RFC 1035 5.1: escapes in a name", `a\032\098\"\; A 192.0.2.1`, `a\ b\"\;.example 3600 A c0000201`},
		{"a name that begins with a dollar sign", `\$ttl A 192.0.2.1`, `$ttl.example 3600 A c0000201`},
		{"a name that looks like a type and one like a class", "A A 192.0.2.1\nIN A 192.0.2.1", "a.example 3600 A c0000201\nin.example 3600 A c0000201"},
		{
			"line ends CR LF, and none at the end", "a A 192.0.2.1\r\nb A 192.0.2.2\r\nc A 192.0.2.3",
			"a.example 3600 A c0000201\nb.example 3600 A c0000202\nc.example 3600 A c0000203",
		},
		{"RFC 3597 5: unknown types", `a TYPE65280 \# 3 010203`, "a.example 3600 TYPE65280 010203"},
		{
			"RFC 2181 5: equal records are one, the first comment and the least TTL stay", "a 60 A 192.0.2.1 ; x\na 50 A 192.0.2.1 ; y",
			"a.example 50 A c0000201 ; x",
		},
		{"RFC 2181 5: equal CNAME records are one", "a 60 CNAME b\na 60 CNAME b", "a.example 60 CNAME 01620765" + "78616d706c6500"},
		{
			"RFC 4034 3 and 4: NSEC may stand beside CNAME", "a 60 CNAME b\na 60 NSEC b CNAME",
			"a.example 60 CNAME 0162076578616d706c6500\na.example 60 NSEC 0162076578616d706c65000001" + "04",
		},
		{"strings that touch are two", `a TXT "b""c"`, "a.example 3600 TXT 01620163"},
		{"a string within a word is part of it", `a HTTPS 1 . alpn="h2"`, "a.example 3600 HTTPS 000100000100" + "03026832"},
	} {
		t.Run(test.clause, func(t *testing.T) {
			got := parse(t, "$ORIGIN example.\n@ IN SOA ns.example.net. h.example.net. 1 7200 600 86400 300\n"+test.text)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Parse mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseSOABehind(t *testing.T) {
	got := parse(t, "\ufeff$ORIGIN example.\na 60 A 192.0.2.1\nb 60 A 192.0.2.1\n@ "+soa)
	if want := "a.example 60 A c0000201\nb.example 60 A c0000201"; got != want {
		t.Errorf("Parse of a file with the byte order mark and SOA last\ngot  %s\nwant %s", got, want)
	}
}

func TestParseGenerate(t *testing.T) {
	for _, test := range []struct{ what, text, want string }{
		{
			"numbers", "$GENERATE 1-3 h$ 60 A 192.0.2.$",
			"h1.example 60 A c0000201\nh2.example 60 A c0000202\nh3.example 60 A c0000203",
		},
		{"steps", "$GENERATE 1-4/2 h$ 60 A 192.0.2.$", "h1.example 60 A c0000201\nh3.example 60 A c0000203"},
		{
			"offset, width and base", "$GENERATE 9-10 h${-1,3,d}-${1}-${0,0,x} 60 A 192.0.2.1",
			"h008-10-9.example 60 A c0000201\nh009-11-a.example 60 A c0000201",
		},
		{"dollar signs", `$GENERATE 1-1 h$$\$ 60 A 192.0.2.1`, "h$$.example 60 A c0000201"},
		{"octets and a comment", `$GENERATE 1-1 h$ 60 CAA \# 3 0005aa ; all`, "h1.example 60 CAA 0005aa ; all"},
	} {
		got := parse(t, "$ORIGIN example.\n@ "+soa+test.text+"\n")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: $GENERATE mismatch (-want +got):\n%s", test.what, diff)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		// Line 1 is $ORIGIN, line 2 is SOA.
		{"a A", "test.zone:3: A record: no data"},
		{"a A 192.0.2.999", `test.zone:3: A record: bad A A: "192.0.2.999"`},
		{"a A 192.0.2.1 192.0.2.2", `test.zone:3: A record: garbage after rdata: "192.0.2.2"`},
		{"a DS 1 8 2 0\xf9", "test.zone:3: DS record: encoding/hex: invalid byte: U+00F9 '?'"},
		{"\n\na MX ten b", `test.zone:5: MX record: bad MX Pref: "ten"`},
		{"a CAA", "test.zone:3: CAA record: no data"},
		{"a CAA 0 issue", "test.zone:3: CAA record: flags, tag and one value, not 2 items"},
		{`a CAA 0 issue "b" "c"`, "test.zone:3: CAA record: flags, tag and one value, not 4 items"},
		{"a CAA 256 issue b", `test.zone:3: CAA record: flags "256" are not a number up to 255`},
		{`a CAA 0 "issue" b`, `test.zone:3: CAA record: tag "\"issue\"" must be written without quotation marks`},
		{"a CAA 0 " + strings.Repeat("t", 256) + " b", "test.zone:3: CAA record: tag is 256 octets long, at most 255"},
		{"a CAA 0 t " + strings.Repeat("v", 65533), "test.zone:3: CAA record: data is 65536 octets long, at most 65535"},
		{`a CAA \#`, `test.zone:3: CAA record: \# must be followed by the number of octets`},
		{`a CAA \# x`, `test.zone:3: CAA record: \# must be followed by the number of octets, not by "x"`},
		{`a CAA \# 2 00`, `test.zone:3: CAA record: \# announces 2 octets, but 1 follow`},
		{`a CAA \# 1 0g`, `test.zone:3: CAA record: "0g" is not an even number of hexadecimal digits`},
		{`a A \# 3 010203`, `test.zone:3: A record: the octets after \# are not of this type`},
		{`a CNAME \# 2 c000`, `test.zone:3: CNAME record: the octets after \# are not of this type`},
		{`a NS \# 2 0000`, `test.zone:3: NS record: the octets after \# are not of this type`},
		{`a SOA \# 0`, `test.zone:3: SOA record: the octets after \# are not of this type`},
		{`a SOA \# 21 00` + strings.Repeat("ff", 20), `test.zone:3: SOA record: the octets after \# are not of this type`},
		{"a CNAME b c", "test.zone:3: CNAME record: one name, not 2"},
		{`a CNAME "b"`, `test.zone:3: CNAME record: a name must be written without quotation marks, unlike "\"b\""`},
		{"a..b A 192.0.2.1", `test.zone:3: owner: "a..b" is not a domain name`},
		{strings.Repeat("a", 64) + " A 192.0.2.1", `test.zone:3: owner: "` + strings.Repeat("a", 64) + `" is not a domain name`},
		{strings.Repeat("a.", 127) + " A 192.0.2.1", ""}, // 255 octets with the root: the longest there is, and outside the zone
		{strings.Repeat("a.", 128) + " A 192.0.2.1", `test.zone:3: owner: name "` + strings.Repeat("a.", 32) + `..." is longer than 255 octets`},
		{"a FOO b", `test.zone:3: "FOO" is not a TTL, class or record type`},
		{"a 99999999999 A 192.0.2.1", `test.zone:3: "99999999999" is not a TTL, class or record type`},
		{"a 2147483648 A 192.0.2.1", `test.zone:3: "2147483648" is not a TTL, class or record type`},
		{"a TYPE65536 b", `test.zone:3: "TYPE65536" is not a TTL, class or record type`},
		{"a AXFR b", `test.zone:3: type "AXFR" is not for data in a zone`},
		{`a OPT \# 0`, `test.zone:3: type "OPT" is not for data in a zone`},
		{"a CH TXT b", `test.zone:3: class "CH": only class IN is served`},
		{"a CLASS3 TXT b", `test.zone:3: class "CLASS3": only class IN is served`},
		{"a 60 IN", "test.zone:3: the record has no type"},
		{"a", "test.zone:3: the record has no type"},
		{"a TXT \"b\n\"", "test.zone:3: quotation mark is not closed on its line"},
		{`a TXT "b`, "test.zone:3: quotation mark is not closed on its line"},
		{"a TXT ( b\nc", "test.zone:4: parenthesis is never closed"},
		{"a TXT b )", "test.zone:3: closing parenthesis without an opening one"},
		{`a TXT \256`, `test.zone:3: escape "\\256" is not of three digits up to 255`},
		{`a TXT \1`, `test.zone:3: escape "\\1" is not of three digits up to 255`},
		{"a TXT b\\\nc", "test.zone:3: backslash at the end of the line"},
		{`a TXT b\`, "test.zone:3: backslash at the end of the line"},
		{"a TXT " + strings.Repeat("b", 600<<10), "test.zone:3: entry is over 524288 octets"},
		{"$FOO a", `test.zone:3: directive "$FOO" is not known; write a backslash before a name that begins with $`},
		{"$ORIGIN", "test.zone:3: $ORIGIN must be followed by one name"},
		{"$ORIGIN a..b", `test.zone:3: $ORIGIN: "a..b" is not a domain name`},
		{"$TTL", "test.zone:3: $TTL must be followed by one number of seconds"},
		{"$TTL a", `test.zone:3: $TTL: "a" is not a number of seconds up to 2147483647`},
		{"$INCLUDE a", "test.zone:3: $INCLUDE is not allowed here"},
		{"$INCLUDE", "test.zone:3: $INCLUDE must be followed by a file and, if needed, an origin"},
		{"$GENERATE 1-2", "test.zone:3: $GENERATE must be followed by start-stop and a record"},
		{"$GENERATE 2-1 a$ A 192.0.2.1", `test.zone:3: $GENERATE: "2-1" is not start-stop or start-stop/step`},
		{"$GENERATE 1-2/0 a$ A 192.0.2.1", `test.zone:3: $GENERATE: "1-2/0" is not start-stop or start-stop/step`},
		{"$GENERATE 0-65536 a$ A 192.0.2.1", "test.zone:3: $GENERATE: more than 65536 records"},
		{"$GENERATE 1-40000 a A 192.0.2.1\n$GENERATE 1-40000 a A 192.0.2.1", "test.zone:4: $GENERATE: more than 65536 records"},
		{"$GENERATE 1-2 a$ A 192.0.2.300", `test.zone:3: $GENERATE with 1: A record: bad A A: "192.0.2.300"`},
		{"$GENERATE 1-2 a${0,0,n} A 192.0.2.1", `test.zone:3: $GENERATE with 1: "${0,0,n} A 192.0.2.1" is not ${offset,width,base}`},
		{"$GENERATE 1-2 a${0,200} A 192.0.2.1", `test.zone:3: $GENERATE with 1: "${0,200} A 192.0.2.1" is not ${offset,width,base}`},
		{"$GENERATE 1-2 a${-2} A 192.0.2.1", `test.zone:3: $GENERATE with 1: "${-2} A 192.0.2.1" is not ${offset,width,base}`},
		{"$GENERATE 1-2 a TXT " + strings.Repeat("b", 1100), "test.zone:3: $GENERATE: the record is over 1024 octets"},
		{"a A 192.0.2.1\nb.test. A 192.0.2.1", `test.zone:4: "b.test" is outside the zone "example"`},
		{"bexample. A 192.0.2.1", `test.zone:3: "bexample" is outside the zone "example"`},
		{"@ SOA a b 1 2 3 4 5", "test.zone:3: a second SOA record: a file holds one zone"},
		{"sub SOA a b 1 2 3 4 5", "test.zone:3: a second SOA record: a file holds one zone"},
		{"a CNAME b\na A 192.0.2.1", `test.zone:4: "a.example" has a CNAME record and other data`},
		{"a A 192.0.2.1\na CNAME b", `test.zone:4: "a.example" has a CNAME record and other data`},
		{"@ CNAME b", `test.zone:3: "example" has a CNAME record and other data`},
		{"a CNAME b\na CNAME c", `test.zone:4: "a.example" has a second CNAME record`},
		{"a DNAME b\na DNAME c", `test.zone:4: "a.example" has a second DNAME record`},
		{"*.a DNAME b", `test.zone:3: "*.a.example": a wildcard cannot have a DNAME record`},
	} {
		_, err := zone.Parse(strings.NewReader("$ORIGIN example.\n@ "+soa+test.text), "test.zone")
		if test.want == "" {
			test.want = `test.zone:3: "` + strings.Repeat("a.", 32) + `..." is outside the zone "example"`
		}
		if err == nil || err.Error() != test.want {
			t.Errorf("Parse(%.60q)\nerror %.300v\nwant  %s", test.text, err, test.want)
		}
	}
}

func TestParseErrorsAtTheBeginning(t *testing.T) {
	for _, test := range []struct{ what, text, want string }{
		{"an empty file", "", "test.zone: no SOA record, so this is not a zone"},
		{"records without SOA", "a.example. A 192.0.2.1\n", "test.zone: no SOA record, so this is not a zone"},
		{
			"a relative name without origin", "a A 192.0.2.1\n",
			`test.zone:1: owner: name "a" is relative and there is no $ORIGIN; write it with a final dot, write $ORIGIN before it, or give the origin with the file (--zone corp.example=FILE)`,
		},
		{"@ without origin", "@ " + soa, `test.zone:1: owner: name "@" is relative and there is no $ORIGIN; write it with a final dot, write $ORIGIN before it, or give the origin with the file (--zone corp.example=FILE)`},
		{
			"a first line that begins with white space", " A 192.0.2.1\n",
			"test.zone:1: the first record begins with white space, so it has no owner",
		},
	} {
		_, err := zone.Parse(strings.NewReader(test.text), "test.zone")
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: error is %v, want %s", test.what, err, test.want)
		}
	}
}

// write makes the files, given as name and content, and returns the path of the
// first.
func write(t *testing.T, files ...[2]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range files {
		path := filepath.Join(dir, filepath.FromSlash(file[0]))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file[1]), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, filepath.FromSlash(files[0][0]))
}

func TestLoadInclude(t *testing.T) {
	path := write(t,
		[2]string{"main.zone", "$ORIGIN example.\n$TTL 60\n@ " + soa + "a A 192.0.2.1\n" +
			"$INCLUDE sub/one.zone ; comment\n A 192.0.2.2\n$INCLUDE \"sub/one.zone\" b\nc A 192.0.2.3\n"},
		[2]string{"sub/one.zone", "one A 192.0.2.11\n$ORIGIN deep\n$TTL 70\n$INCLUDE ../two.zone\n"},
		[2]string{"two.zone", "two A 192.0.2.12\n"})
	z, err := zone.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	// RFC 1035, section 5.1: origin (and with it owner and $TTL) are the main
	// file's again behind $INCLUDE.
	const want = `a.example 60 A c0000201
one.example 60 A c000020b
two.deep.example 70 A c000020c
a.example 60 A c0000202
one.b.example 60 A c000020b
two.deep.b.example 70 A c000020c
c.example 60 A c0000203`
	if diff := cmp.Diff(want, list(z)); diff != "" {
		t.Errorf("Load mismatch (-want +got):\n%s", diff)
	}
	if z.File() != "main.zone" {
		t.Errorf("File is %q, want main.zone", z.File())
	}
}

func TestLoadIncludeErrors(t *testing.T) {
	const begin = "$ORIGIN example.\n@ " + soa
	outside := write(t, [2]string{"outside", "secret A 192.0.2.1\n"})
	for _, test := range []struct {
		what, target string
		want         string // DIR stands for the folder
	}{
		{"out of the folder by ..", "../outside", `main.zone:3: $INCLUDE "../outside": an included file must stay in the zone file's folder`},
		{"out of the folder and back", "../x/main.zone", `main.zone:3: $INCLUDE "../x/main.zone": an included file must stay in the zone file's folder`},
		{"an absolute path", outside, "an included file must stay in the zone file's folder"},
		{"out of the folder by a symbolic link", "link", `main.zone:3: $INCLUDE "link": an included file must exist and stay in the zone file's folder: `},
		{"no such file", "nowhere", `main.zone:3: $INCLUDE "nowhere": an included file must exist and stay in the zone file's folder: `},
		{"a folder", "sub", `main.zone:3: $INCLUDE "sub": not a regular file`},
		{"an error in the included file", "sub/bad", "DIR/sub/bad:2: the record has no type"},
		{"an error that is found later", "sub/foreign", `DIR/sub/foreign:1: "a.test" is outside the zone "example"`},
		{"a file that includes itself", "main.zone", "main.zone:3: more than 100 files are included; does one include itself?"},
	} {
		t.Run(test.what, func(t *testing.T) {
			path := write(t,
				[2]string{"main.zone", begin + "$INCLUDE " + test.target + "\n"},
				[2]string{"sub/bad", "a A 192.0.2.1\nroot:x:0:0\n"},
				[2]string{"sub/foreign", "a.test. A 192.0.2.1\n"})
			if err := os.Symlink(outside, filepath.Join(filepath.Dir(path), "link")); err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(test.want, "DIR", filepath.Dir(path))
			_, err := zone.Load(path)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error is %v, want %s", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v tells what stands in a file outside", err)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := zone.Load(filepath.Join(dir, "nowhere.zone")); err == nil || !strings.Contains(err.Error(), "nowhere.zone") {
		t.Errorf("Load of a file that is not there: %v, want an error that names it", err)
	}
	if _, err := zone.Load(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("Load of a folder: %v, want an error that names it", err)
	}
}

// Name servers load each of these, and no answer about CAA is made from what the library
// cannot read in them.
func TestRecordsThatStayOpaque(t *testing.T) {
	for _, record := range []string{
		"d DNSKEY 256 3 RSASHA1 AQO3DvdpH7f2yXcA036AJQ==",
		"d NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG",
		"d NSEC e.test. MX A",
		`d NAPTR 100 50 s http+N2L "" www.example.com.`,
		"d CNAME srv\nd CNAME SRV",
		"d CNAME srv.test.\nd CNAME SRV.TEST.",
	} {
		z, err := zone.Parse(strings.NewReader("$ORIGIN test.\n@ SOA a. b. 1 2 3 4 60\n@ NS a.\n"+record+"\n"), "test.zone")
		if err != nil {
			t.Errorf("%s: %v", record, err)
			continue
		}
		found := 0
		for r := range z.Records() {
			if r.Name == "d.test" {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: %d records", record, found)
		}
	}
}

// A file without $ORIGIN has the one that a name server's configuration gives.
func TestLoadOrigin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "corp.zone")
	if err := os.WriteFile(path, []byte("@ SOA ns hostmaster 1 2 3 4 60\n@ NS ns\nwww CAA 0 issue ca.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	origin, err := domain.Parse("Corp.Example")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zone.LoadOrigin(path, origin)
	if err != nil {
		t.Fatal(err)
	}
	if z.Apex() != "corp.example" {
		t.Errorf("Apex() = %s", z.Apex())
	}
	if _, err := zone.Load(path); err == nil || !strings.Contains(err.Error(), "--zone corp.example=FILE") {
		t.Errorf("Load() = %v, want the way out", err)
	}
}

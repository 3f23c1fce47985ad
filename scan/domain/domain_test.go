package domain_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/domain"
)

// name is Parse for text that is a name.
func name(text string) domain.Name {
	n, err := domain.Parse(text)
	if err != nil {
		panic(err)
	}
	return n
}

// of returns n labels of one octet, dots between: 2n-1 octets.
func of(n int) string { return strings.TrimSuffix(strings.Repeat("a.", n), ".") }

var accepted = []struct {
	name, text, want string
	notes            domain.Notes
}{
	{"a name", "client.example", "client.example", 0},
	{"a single label", "example", "example", 0},
	{"RFC 1034, 3.1: a trailing dot", "client.example.", "client.example", 0},
	{"RFC 4343, 3: ASCII case does not matter", "Client.EXAMPLE", "client.example", 0},
	{"digits", "192.0.2.1", "192.0.2.1", 0},
	{"RFC 8552, 1.1: an underscore", "_dmarc.client.example", "_dmarc.client.example", 0},
	{"an underscore inside", "my_host.example", "my_host.example", 0},
	{"real: hyphens in the third and fourth place", "r3---sn-x.example", "r3---sn-x.example", 0},
	{"hyphens at the ends of a label", "-a-.example", "-a-.example", 0},
	{"RFC 1035, 2.3.4: a label of 63 octets", strings.Repeat("a", 63) + ".example", strings.Repeat("a", 63) + ".example", 0},
	{"RFC 1035, 2.3.4: a name of 253 octets", of(127), of(127), 0},
	{"RFC 1035, 2.3.4: a name of 253 octets and a trailing dot", of(127) + ".", of(127), 0},

	{"UTS 46, 2.3: U+3002 is a full stop", "client\u3002example", "client.example", 0},
	{"UTS 46, 2.3: U+FF0E is a full stop", "client\uff0eexample", "client.example", 0},
	{"UTS 46, 2.3: U+FF61 is a full stop", "client\uff61example", "client.example", 0},
	{"UTS 46, 2.3: a trailing U+3002", "例え。テスト。", "xn--r8jz45g.xn--zckzah", 0},

	{"RFC 5890, 2.3.2.1: a U-label", "bücher.example", "xn--bcher-kva.example", 0},
	{"RFC 5890, 2.3.2.1: an A-label is kept", "xn--bcher-kva.example", "xn--bcher-kva.example", 0},
	{"RFC 5890, 2.3.2.1: an A-label in capitals", "XN--BCHER-KVA.example", "xn--bcher-kva.example", 0},
	{"U-labels and A-labels in one name", "bücher.xn--bcher-kva.example", "xn--bcher-kva.xn--bcher-kva.example", 0},
	{"IANA test names: Greek", "παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp", 0},
	{"IANA test names: Cyrillic", "испытание", "xn--80akhbyknj4f", 0},
	{"IANA test names: Arabic, right to left", "مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv", 0},
	{"UTS 46, 4.1: an emoji is valid", "💩.example", "xn--ls8h.example", 0},
	{"an underscore beside a U-label", "_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example", 0},
	{"real: hyphens in the third and fourth place of a U-label", "r3---ü.example", "xn--r3----ova.example", 0},
	{"hyphens at the ends of a U-label", "-ü-.example", "xn-----xka.example", 0},
	{"an underscore in a U-label", "_ü.example", "xn--_-eha.example", 0},

	{"UTS 46, 4: U+00DF is kept, non-transitional", "faß.example", "xn--fa-hia.example", 0},
	{"UTS 46, 4: final sigma is kept, non-transitional", "Σς.example", "xn--3xab.example", 0},
	{
		"UTS 46, 4: ZWJ is kept where RFC 5892, A.2 allows it",
		"\u0dc1\u0dca\u200d\u0dbb\u0dd3.example", "xn--10cl1a0b660p.example", 0,
	},
	{
		"UTS 46, 4: ZWNJ is kept where RFC 5892, A.1 allows it",
		"\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "xn--mgba3gch31f060k.example", 0,
	},
	{"RFC 5893, 2: digits at the end of a right-to-left label", "א1.example", "xn--1-zhc.example", 0},

	{"case is no mapping to speak of", "BÜCHER.Example", "xn--bcher-kva.example", 0},
	{"case: Cherokee, whose capitals UTS 46 keeps", "ᎠᎡ.example", "xn--58dc.example", 0},
	{"case: Cherokee, whose small letters UTS 46 maps", "ꭰꭱ.example", "xn--58dc.example", 0},
	{"case: the Kelvin sign is a capital k", "\u212a.example", "k.example", 0},
	{"width is no mapping to speak of", "ｃｌｉｅｎｔ．ｅｘａｍｐｌｅ", "client.example", 0},
	{"width and case", "ＣＬＩＥＮＴ.example", "client.example", 0},
	{"width: half-width katakana", "ｶ.example", "xn--lck.example", 0},
	{"width: half-width katakana and its half-width voicing mark", "ｶﾞ.example", "xn--mck.example", 0},

	{"UTS 46: a soft hyphen is dropped", "cli\u00adent.example", "client.example", domain.Mapped},
	{"UTS 46: ZWSP is dropped", "client\u200b.example", "client.example", domain.Mapped},
	{"UTS 46: a word joiner is dropped", "cli\u2060ent.example", "client.example", domain.Mapped},
	{"UTS 46: a variation selector is dropped", "❤\ufe0f.example", "xn--qei.example", domain.Mapped},
	{"UTS 46: a ligature is replaced", "ﬁ.example", "fi.example", domain.Mapped},
	{"UTS 46: U+017F is replaced", "ſ.example", "s.example", domain.Mapped},
	{"UTS 46: a Roman numeral is replaced", "Ⅷ.example", "viii.example", domain.Mapped},
	{"UTS 46: U+0130 becomes two characters", "İx.example", "xn--ix-rub.example", domain.Mapped},
	// A letter and a combining mark become one character. The two look the same,
	// but the mapping is one beyond case, width and full stops, so it is told.
	{"UTS 46: NFD is composed", "u\u0308ber.example", "xn--ber-goa.example", domain.Mapped},
	{"mapped in one label of several", "a\u00ad.bücher.example", "a.xn--bcher-kva.example", domain.Mapped},
	{"as long as a spelling may be", strings.Repeat("\u00ad", 2043) + "aa.example", "aa.example", domain.Mapped},

	{"RFC 5890, 2.3.2.1: does not decode, RFC 3492, 6.2", "xn--zzzzzzzz.example", "xn--zzzzzzzz.example", domain.BadALabel},
	{"RFC 5890, 2.3.2.1: in capitals", "XN--ZZZZZZZZ.example", "xn--zzzzzzzz.example", domain.BadALabel},
	{"RFC 5890, 2.3.2.1: nothing behind the prefix", "xn--.example", "xn--.example", domain.BadALabel},
	{"RFC 5890, 2.3.2.1: decodes to ASCII", "xn--abc-.example", "xn--abc-.example", domain.BadALabel},
	{"RFC 5890, 2.3.2.1: decodes to a control character, U+0080", "xn--a.example", "xn--a.example", domain.BadALabel},
	{
		"RFC 5890, 2.3.2.1: decodes to what begins with xn--",
		"xn--xn--a--gua.example", "xn--xn--a--gua.example", domain.BadALabel,
	},
	{"RFC 5890, 2.3.2.1: an underscore in it is none of Punycode's", "xn--a_b.example", "xn--a_b.example", domain.BadALabel},
	{"RFC 5890, 2.3.2.1: the top-level domain", "client.xn--zzzzzzzz", "client.xn--zzzzzzzz", domain.BadALabel},
	{"both notes", "a\u00ad.xn--zzzzzzzz.example", "a.xn--zzzzzzzz.example", domain.Mapped | domain.BadALabel},
}

func TestConvert(t *testing.T) {
	for _, test := range accepted {
		got, notes, err := domain.Convert(test.text)
		if err != nil || got.String() != test.want || notes != test.notes {
			t.Errorf("%s: Convert(%q) = %q, notes %b, %v, want %q, notes %b",
				test.name, test.text, got, notes, err, test.want, test.notes)
		}
		if parsed, err := domain.Parse(test.text); parsed != got || err != nil {
			t.Errorf("%s: Parse(%q) = %q, %v, want %q as Convert gives", test.name, test.text, parsed, err, got)
		}
	}
}

var refused = []struct {
	name, text string
	want       error
}{
	{"nothing", "", domain.ErrSyntax},
	{"the root, which is never asked", ".", domain.ErrSyntax},
	{"a full stop of UTS 46 alone", "\u3002", domain.ErrSyntax},
	{"RFC 1035, 2.3.1: an empty label", "a..b", domain.ErrSyntax},
	{"an empty label between U-labels", "ü..ü", domain.ErrSyntax},
	{"an empty label by U+3002", "a.\u3002b", domain.ErrSyntax},
	{"a leading dot", ".client.example", domain.ErrSyntax},
	{"two trailing dots", "client.example..", domain.ErrSyntax},
	{"a label of soft hyphens alone", "\u00ad.example", domain.ErrSyntax},
	{"a wildcard", "*.client.example", domain.ErrSyntax},
	{"a space", "client .example", domain.ErrSyntax},
	{"a space at the end", "client.example ", domain.ErrSyntax},
	{"NUL", "client\x00.example", domain.ErrSyntax},
	{"a line feed", "client.example\n", domain.ErrSyntax},
	{"DEL", "client\x7f.example", domain.ErrSyntax},
	{"a commercial at", "jane@client.example", domain.ErrSyntax},
	{"U+FF20, a full-width at", "jane\uff20client.example", domain.ErrSyntax},
	{"U+FE6B, a small at", "jane\ufe6bclient.example", domain.ErrSyntax},
	{"U+3000, an ideographic space", "client\u3000.example", domain.ErrSyntax},
	{"U+00A0, a no-break space", "client\u00a0.example", domain.ErrSyntax},
	{"a full-width asterisk", "\uff0a.client.example", domain.ErrSyntax},
	{"characters that a mapping brings in", "㈱.example", domain.ErrSyntax},
	{"a colon", "client.example:25", domain.ErrSyntax},
	{"a slash", "client/example", domain.ErrSyntax},
	{"a backslash", `client\046example`, domain.ErrSyntax},
	{"brackets", "[192.0.2.1]", domain.ErrSyntax},

	{"U+2024 looks like a full stop and is none", "client\u2024example", domain.ErrIDN},
	{"U+2026 looks like full stops and is none", "client\u2026example", domain.ErrIDN},
	{"U+2488 holds a full stop", "\u2488example", domain.ErrIDN},
	{"UTS 46: a disallowed character", "\ufffd.example", domain.ErrIDN},
	{"invalid UTF-8, such as Windows-1252", "b\xfccher.example", domain.ErrIDN},
	{"RFC 5891, 4.2.3.2: a combining mark first", "\u0301a.example", domain.ErrIDN},
	{"RFC 5892, A.2: ZWJ where no virama is", "a\u200db.example", domain.ErrIDN},
	{"RFC 5892, A.1: ZWNJ where it joins nothing", "a\u200cb.example", domain.ErrIDN},
	{"RFC 5893, 2: right to left and left to right in one label", "אa.example", domain.ErrIDN},
	{"RFC 5893, 2: a right-to-left label begins with a digit", "1א.example", domain.ErrIDN},
	{"xn-- before a U-label", "xn--ü.example", domain.ErrIDN},
	{"a bad U-label before a bad character", "אa.client example", domain.ErrIDN},
	{"a bad U-label after a bad character", "client example.אa", domain.ErrIDN},

	{"RFC 1035, 2.3.4: a label of 64 octets", strings.Repeat("a", 64) + ".example", domain.ErrTooLong},
	{"RFC 1035, 2.3.4: a name of 254 octets", "aa." + of(126), domain.ErrTooLong},
	{"RFC 1035, 2.3.4: a name of 255 octets", of(128), domain.ErrTooLong},
	{"RFC 1035, 2.3.4: the size before the syntax", of(128) + "..*", domain.ErrTooLong},
	{"RFC 1035, 2.3.4: the size before the U-label", "אa." + strings.Repeat("a", 64), domain.ErrTooLong},
	{"RFC 1035, 2.3.4: 64 octets once it is an A-label", strings.Repeat("ü", 58) + ".example", domain.ErrTooLong},
	{"RFC 1035, 2.3.4: an A-label of 64 octets", "xn--" + strings.Repeat("a", 60), domain.ErrTooLong},
	{"RFC 1035, 2.3.4: 254 octets once they are A-labels", "aaaaaa.ü." + of(120), domain.ErrTooLong},
	{"longer than any spelling of a name", strings.Repeat("\u00ad", 2044) + "a.example", domain.ErrTooLong},
}

func TestParseRefuses(t *testing.T) {
	for _, test := range refused {
		got, notes, err := domain.Convert(test.text)
		if !errors.Is(err, test.want) || got != (domain.Name{}) || notes != 0 {
			t.Errorf("%s: Convert(%q) = %q, notes %b, %v, want an error that is %q", test.name, test.text, got, notes, err, test.want)
		}
	}
}

// The sizes beside those refused.
func TestParseAcceptsTheLongestULabels(t *testing.T) {
	for _, text := range []string{strings.Repeat("ü", 57) + ".example", "aaaaa.ü." + of(120)} {
		got, err := domain.Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
		}
		first, _, _ := strings.Cut(got.String(), ".")
		if len(first) != 63 && len(got.String()) != 253 {
			t.Errorf("Parse(%q) is of %d octets, its first label of %d, want 253 or 63", text, len(got.String()), len(first))
		}
	}
}

// A label must never become two: the name in the report would be another than
// the one typed. The three characters besides the full stop are those of UTS 46,
// section 2.3.
func TestNoOtherCharacterIsAFullStop(t *testing.T) {
	const planes = 2 // the others hold ideographs, tags and private use
	var stops []rune
	for r := range rune(planes << 16) {
		if n, err := domain.Parse("a" + string(r) + "b"); err == nil && !n.IsTLD() {
			stops = append(stops, r)
		}
	}
	if want := []rune{'.', '\u3002', '\uff0e', '\uff61'}; !slices.Equal(stops, want) {
		t.Errorf("%U separate labels, want %U", stops, want)
	}
}

// Encoding a label takes quadratic time: one of 256 KiB took 15 seconds, and this
// one would not end before the test run is stopped.
func TestParseMeasuresFirst(t *testing.T) {
	var cell strings.Builder
	for r := '\u4e00'; cell.Len() < 16<<20; r++ {
		if r > '\u9fa5' {
			r = '\u4e00'
		}
		cell.WriteRune(r)
	}
	if _, err := domain.Parse(cell.String()); !errors.Is(err, domain.ErrTooLong) || len(err.Error()) > 200 {
		t.Errorf("Parse of 16 MiB: %.200v, want a short ErrTooLong", err)
	}
}

func TestNamesAreComparable(t *testing.T) {
	spellings := []string{
		"bücher.example", "BÜCHER.EXAMPLE.", "bücher\u3002example", "bu\u0308cher.example",
		"xn--bcher-kva.example", "XN--BCHER-KVA.EXAMPLE",
	}
	for _, text := range spellings {
		if got := name(text); got != name(spellings[0]) {
			t.Errorf("Parse(%q) = %q, which is not Parse(%q) = %q", text, got, spellings[0], name(spellings[0]))
		}
	}
}

// A store of a million names must not keep the cells alive from which they came.
func TestCloneHasMemoryOfItsOwn(t *testing.T) {
	n := name("client.example")
	if n.Clone() != n || unsafe.StringData(n.Clone().String()) == unsafe.StringData(n.String()) {
		t.Errorf("%q.Clone() = %q, want an equal name elsewhere", n, n.Clone())
	}
}

func TestNotesHas(t *testing.T) {
	both := domain.Mapped | domain.BadALabel
	for _, test := range []struct {
		notes, other domain.Notes
		want         bool
	}{
		{0, domain.Mapped, false},
		{domain.Mapped, domain.Mapped, true},
		{domain.Mapped, domain.BadALabel, false},
		{domain.Mapped, both, false},
		{both, domain.BadALabel, true},
		{both, both, true},
		{domain.Mapped, 0, true},
	} {
		if got := test.notes.Has(test.other); got != test.want {
			t.Errorf("Notes(%b).Has(%b) = %t, want %t", test.notes, test.other, got, test.want)
		}
	}
}

func TestClimb(t *testing.T) {
	for _, test := range []struct {
		name string
		from domain.Name
		want []string
	}{
		{"RFC 8659, 3: the domain, each parent, the top-level domain", name("x.y.z"), []string{"x.y.z", "y.z", "z"}},
		{"a single label is its own climb", name("example"), []string{"example"}},
		{
			"RFC 8659, 3: a public suffix does not stop it", name("shop.client.co.uk"),
			[]string{"shop.client.co.uk", "client.co.uk", "co.uk", "uk"},
		},
		{
			"underscores and A-labels", name("_smtp.bücher.example"),
			[]string{"_smtp.xn--bcher-kva.example", "xn--bcher-kva.example", "example"},
		},
		{"no name has no climb", domain.Name{}, nil},
	} {
		var got []string
		for at := range test.from.Climb() {
			got = append(got, at.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: Climb of %q mismatch (-want +got):\n%s", test.name, test.from, diff)
		}
	}
}

func TestClimbStops(t *testing.T) {
	var last domain.Name
	for at := range name("a.b.c.example").Climb() {
		last = at
		if at == name("c.example") {
			break
		}
	}
	if last != name("c.example") {
		t.Errorf("stopped at %q, want c.example", last)
	}
}

func TestParents(t *testing.T) {
	for _, test := range []struct {
		name   domain.Name
		parent domain.Name
		tld    bool
		zero   bool
	}{
		{name("mail.client.example"), name("client.example"), false, false},
		{name("client.example"), name("example"), false, false},
		{name("example"), domain.Name{}, true, false},
		{name("xn--zckzah"), domain.Name{}, true, false},
		{domain.Name{}, domain.Name{}, false, true},
	} {
		if got := test.name.Parent(); got != test.parent {
			t.Errorf("%q.Parent() = %q, want %q", test.name, got, test.parent)
		}
		if got := test.name.IsTLD(); got != test.tld {
			t.Errorf("%q.IsTLD() = %t, want %t", test.name, got, test.tld)
		}
		if got := test.name.IsZero(); got != test.zero {
			t.Errorf("%q.IsZero() = %t, want %t", test.name, got, test.zero)
		}
	}
}

func TestRegistrable(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"below a top-level domain", "mail.client.com", "client.com"},
		{"it is one itself", "client.com", "client.com"},
		{"below a public suffix of two labels", "mail.client.co.uk", "client.co.uk"},
		{"a public suffix is its own", "co.uk", "co.uk"},
		{"a top-level domain is its own", "com", "com"},
		{"below a wildcard rule, *.ck", "a.b.c.ck", "b.c.ck"},
		{"below an exception rule, !www.ck", "a.www.ck", "www.ck"},
		{"below a private suffix, github.io", "a.b.github.io", "b.github.io"},
		{"A-labels, xn--p1ai", "a.b.xn--p1ai", "b.xn--p1ai"},
		{"a top-level domain on no list", "a.client.example", "client.example"},
		{"an underscore", "_dmarc.client.com", "client.com"},
	} {
		if got := name(test.text).Registrable(); got != name(test.want) {
			t.Errorf("%s: %q.Registrable() = %q, want %q", test.name, test.text, got, test.want)
		}
	}
}

// syntax is that of a Name: labels of 1 to 63 octets (RFC 1035, section 2.3.4) of
// letters, digits, hyphen and underscore.
var syntax = regexp.MustCompile(`\A[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\z`)

func FuzzParse(f *testing.F) {
	for _, test := range accepted {
		f.Add(test.text)
	}
	for _, test := range refused {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, notes, err := domain.Convert(text)
		if err != nil {
			checkError(t, text, err)
			return
		}
		if !syntax.MatchString(n.String()) || len(n.String()) > 253 {
			t.Fatalf("Convert(%q) = %q, which is no name", text, n)
		}
		dotted := strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".").Replace(text)
		if labels(n.String()) != labels(dotted) {
			t.Fatalf("Convert(%q) = %q, of %d labels, want %d", text, n, labels(n.String()), labels(dotted))
		}
		again, notesAgain, err := domain.Convert(n.String())
		if again != n || err != nil || notesAgain != notes&domain.BadALabel {
			t.Fatalf("Convert(%q) = %q, notes %b, %v, want the same again, after notes %b", n, again, notesAgain, err, notes)
		}
		checkClimb(t, n)
	})
}

// FuzzParsePlain: the quick way gives what the long one gives, and takes every
// ASCII name without two hyphens in a row.
func FuzzParsePlain(f *testing.F) {
	for _, text := range []string{
		"a.example", "A.Example", "_x-.-y.example", "a--b.example", "xn--a.example", "a..b", ".a", "a.", "", "a b", "ä.example",
		strings.Repeat("a", 63) + ".example", strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 126) + "a", strings.Repeat("a.", 126) + "aa",
	} {
		f.Add(text)
	}
	for _, test := range accepted {
		f.Add(test.text)
	}
	for _, test := range refused {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return // encoding a label takes quadratic time
		}
		plain, ok := domain.ParsePlain(text)
		long, notes, err := domain.ConvertLabels(text)
		if ok && (plain != long || notes != 0 || err != nil) {
			t.Errorf("ParsePlain(%q) = %q; the long way: %q, notes %b, %v", text, plain, long, notes, err)
		}
		if ascii := !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }); !ok && err == nil && ascii && !strings.Contains(text, "--") {
			t.Errorf("ParsePlain(%q) refuses; the long way: %q", text, long)
		}
	})
}

func labels(text string) int { return strings.Count(strings.TrimSuffix(text, "."), ".") + 1 }

// checkError holds an error to the closed set, and its words to what a log can
// carry.
func checkError(t *testing.T, text string, err error) {
	kinds := 0
	for _, kind := range []error{domain.ErrTooLong, domain.ErrIDN, domain.ErrSyntax} {
		if errors.Is(err, kind) {
			kinds++
		}
	}
	if kinds != 1 {
		t.Fatalf("Convert(%q): %v is %d of the errors, want one", text, err, kinds)
	}
	if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("Convert(%q): %q has a character that does not print", text, err)
	}
}

func checkClimb(t *testing.T, n domain.Name) {
	climbed := slices.Collect(n.Climb())
	if len(climbed) != labels(n.String()) || climbed[0] != n || !climbed[len(climbed)-1].IsTLD() {
		t.Fatalf("Climb of %q: %v", n, climbed)
	}
	for i, at := range climbed[1:] {
		if at != climbed[i].Parent() || at != name(at.String()) {
			t.Fatalf("Climb of %q: %q after %q", n, at, climbed[i])
		}
	}
}

func ExampleParse() {
	for _, text := range []string{"Bücher.Example.", "_dmarc.client.example", "client..example"} {
		name, err := domain.Parse(text)
		fmt.Printf("%q %v\n", name, err)
	}
	// Output:
	// "xn--bcher-kva.example" <nil>
	// "_dmarc.client.example" <nil>
	// "" not the syntax of a domain name: empty label
}

func ExampleName_Climb() {
	name, err := domain.Parse("mail.client.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	for at := range name.Climb() {
		fmt.Println(at)
	}
	// Output:
	// mail.client.example
	// client.example
	// example
}

package scan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// targetCase says what a cell speaks of: a domain with its warnings, or a
// Reason. One has a dot and the other has none.
type targetCase struct {
	sentence, cell, want string
}

func TestParseTarget(t *testing.T) {
	for _, c := range targetCases() {
		t.Run(c.sentence, func(t *testing.T) {
			if got := outcome(ParseTarget(c.cell)); got != c.want {
				t.Errorf("ParseTarget(%q) = %q, want %q", c.cell, got, c.want)
			}
		})
	}
}

// outcome writes a Target as the tables do, all of it, so that one with both a
// domain and a Reason matches no row.
func outcome(target Target) string {
	parts := []string{target.Domain.String() + string(target.Reason)}
	for _, w := range target.Warnings {
		parts = append(parts, string(w))
	}
	return strings.Join(parts, " ")
}

func targetCases() []targetCase {
	return slices.Concat(endCases(), mailtoCases(), quoteCases(), commentCases(), angleCases(), groupCases(),
		atCases(), dotCases(), mappingCases(), badIDNCases(), sizeCases(), listCases(), ipCases(), otherReasonCases(),
		firstReasonCases(), realCases())
}

func endCases() []targetCase {
	return []targetCase{
		{"ends: ASCII white space is trimmed", " \t\r\n\v\fx.example \t\r\n\v\f", "x.example"},
		{"ends: a no-break space is trimmed", "\u00a0x.example\u00a0", "x.example"},
		{"ends: the next-line control is trimmed", "\u0085x.example\u0085", "x.example"},
		{"ends: an em space is trimmed", "\u2003x.example\u2003", "x.example"},
		{"ends: a line separator is trimmed", "\u2028x.example\u2029", "x.example"},
		{"ends: an ideographic space is trimmed", "\u3000x.example\u3000", "x.example"},
		{"ends: a BOM in front is trimmed", "\ufeffjane@x.example", "x.example"},
		{"ends: a BOM behind is trimmed", "jane@x.example\ufeff", "x.example"},
		{"ends: a zero-width space is trimmed", "\u200bx.example\u200b", "x.example"},
		{"ends: zero-width joiners are trimmed", "\u200d\u200cx.example\u200c\u200d", "x.example"},
		{"ends: a word joiner is trimmed", "\u2060x.example\u2060", "x.example"},
		{"ends: a Mongolian vowel separator is trimmed", "\u180ex.example\u180e", "x.example"},
		{"ends: a mix of them is trimmed", " \ufeff\u00a0\u200bjane@x.example\u200b\u00a0\ufeff ", "x.example"},
		{"ends: trimming comes before mailto", "\ufeff mailto:jane@x.example", "x.example"},
		{"ends: direction marks, which come with copied text, have no width either", "\u202ax.example\u200e\u202c", "x.example"},
		{"ends: a direction mark inside is no part of a name (UTS 46, 4)", "x\u200e.example", "bad-idn"},
		{"ends: a zero-width space inside is no end, and UTS 46 deletes it", "jane@x\u200b.example", "x.example idn-mapped"},
		{"ends: nor is the place behind @ one", "jane@\u200bx.example", "x.example idn-mapped"},
		{"ends: a joiner inside is held to RFC 5892, appendix A.2", "jane@\u200dx.example", "bad-idn"},
		{"ends: white space inside stays and is no part of a name", "x .example", "not-a-domain"},
		{"ends: an invalid octet is no white space", "x.example\xa0", "bad-idn"},
	}
}

func mailtoCases() []targetCase {
	return []targetCase{
		{"mailto: the address follows the scheme (RFC 6068, 2)", "mailto:jane@x.example", "x.example"},
		{"mailto: a scheme has no case (RFC 3986, 3.1)", "MailTo:jane@x.example?subject=hello", "x.example"},
		{"mailto: white space behind the scheme is dropped", "mailto: jane@x.example", "x.example"},
		{"mailto: header fields are cut", "mailto:jane@x.example?subject=hello", "x.example"},
		{"mailto: addresses among the header fields are cut too", "mailto:jane@x.example?cc=bob@y.example", "x.example"},
		{"mailto: a broken percent in what is cut does not count", "mailto:jane@x.example?subject=100%", "x.example"},
		{"mailto: the first ? cuts, in the local part too", "mailto:jane?x@x.example", "single-label"},
		{"mailto: an encoded ? does not cut (RFC 6068, 6.1)", "mailto:unlikely%3Faddress@example.com?blat=foop", "example.com"},
		{"mailto: an encoded & (RFC 6068, 6.1)", "mailto:Mike%26family@example.org", "example.org"},
		{"mailto: an encoded % (RFC 6068, 6.1)", "mailto:gorby%25kremvax@example.com", "example.com"},
		{"mailto: an encoded quoted string with @ (RFC 6068, 6.2)", "mailto:%22not%40me%22@example.org", "example.org"},
		{"mailto: encoded backslashes (RFC 6068, 6.2)", "mailto:%22oh%5C%5Cno%22@example.org", "example.org"},
		{
			"mailto: encoded escapes (RFC 6068, 6.2)",
			"mailto:%22%5C%5C%5C%22it's%5C%20ugly%5C%5C%5C%22%22@example.org", "example.org",
		},
		{
			"mailto: an encoded U-label (RFC 6068, 6.3)",
			"mailto:user@%E7%B4%8D%E8%B1%86.example.org?subject=Test", "xn--99zt52a.example.org",
		},
		{"mailto: an encoded @ is one", "mailto:jane%40x.example", "x.example"},
		{"mailto: a plus stays a plus", "mailto:x.example+y.example", "not-a-domain"},
		{"mailto: several addresses (RFC 6068, 2)", "mailto:addr1@an.example,addr2@an.example", "several-addresses"},
		{"mailto: a scheme at each of several", "mailto:a@x.example, mailto:b@y.example", "several-addresses"},
		{"mailto: a domain", "mailto:x.example", "x.example"},
		{"mailto: nothing behind the scheme", "mailto:", "not-a-domain"},
		{"mailto: addresses among the header fields only", "mailto:?to=addr1@an.example", "not-a-domain"},
		{"mailto: a percent without digits", "mailto:jane%@x.example", "not-a-domain"},
		{"mailto: a percent with one digit", "mailto:jane@x.example%4", "not-a-domain"},
		{"mailto: a percent with a letter beyond F", "mailto:jane%4g@x.example", "not-a-domain"},
		{"mailto: an encoded NUL is no part of a name", "mailto:jane@x%00.example", "not-a-domain"},
		{"mailto: an encoded octet that is no UTF-8", "mailto:jane@x%ff.example", "bad-idn"},
		{"mailto: a fragment is not cut", "mailto:jane@x.example#top", "not-a-domain"},
		{"mailto: without the scheme ? is an ordinary character", "jane?x@x.example", "x.example"},
		{"mailto: without the scheme nothing is decoded", "jane%40x.example", "not-a-domain"},
		{"mailto: without the scheme a broken percent is a local part's", "100%@x.example", "x.example"},
		{"URL: its host", "https://x.example", "x.example host-of-url"},
		{"URL: port, path, query and user are left out", "HTTPS://jane@X.example:8443/mail?to=a@y.example#c", "x.example host-of-url"},
		{"URL: an address", "http://192.0.2.1/", "ip-literal"},
		{"URL: an IPv6 address", "http://[2001:db8::1]/", "ip-literal"},
		{"URL: no host", "https:///x.example", "not-a-domain"},
		{"URL: none that can be read", "https://x.example:port/", "not-a-domain"},
		{"URL: two of them", "https://x.example, https://y.example", "several-addresses"},
	}
}

func quoteCases() []targetCase {
	return []targetCase{
		{"quotes: a quoted local part (RFC 5321, 4.1.2)", `"jane doe"@x.example`, "x.example"},
		{"quotes: @ in it is not the @", `"jane@y.example"@x.example`, "x.example"},
		{"quotes: an escaped quotation mark does not end it (RFC 5322, 3.2.4)", `"jane\"@y.example"@x.example`, "x.example"},
		{"quotes: an escaped backslash escapes nothing", `"jane\\"@x.example`, "x.example"},
		{"quotes: brackets of all kinds in it are plain", `"([<>])"@x.example`, "x.example"},
		{"quotes: separators in it do not split", `"a@x.example,b@y.example"@z.example`, "z.example"},
		{"quotes: an empty one (RFC 5321, 4.1.2)", `""@x.example`, "x.example"},
		{"quotes: a display name", `"Joe Q. Public" <john.q.public@example.com>`, "example.com"},
		{"quotes: a display name with escapes (RFC 5322, A.1.2)", `"Giant; \"Big\" Box" <sysservices@example.net>`, "example.net"},
		{"quotes: not closed", `"jane@x.example`, "not-a-domain"},
		{"quotes: not closed because of an escape", `"jane\"@x.example`, "not-a-domain"},
		{"quotes: not closed behind an address", `jane@x.example "`, "not-a-domain"},
		{"quotes: not closed and ending in a backslash", `"jane\`, "not-a-domain"},
		{"quotes: not closed in a display name", `O"Neill <jane@x.example>`, "not-a-domain"},
		{"quotes: a quoted domain is none", `jane@"x.example"`, "not-a-domain"},
		{"quotes: a quoted cell without @ is no domain", `"x.example"`, "not-a-domain"},
		{"quotes: a quoted address is no address", `"jane@x.example"`, "not-a-domain"},
		{"quotes: a quoted string behind the domain", `jane@x.example "Jane"`, "not-a-domain"},
		{"quotes: an apostrophe is none", `o'neill@x.example`, "x.example"},
	}
}

func commentCases() []targetCase {
	return []targetCase{
		{"comments: behind an address (RFC 5322, 3.2.2)", "jane@x.example (Jane Doe)", "x.example"},
		{"comments: in front", "(Jane Doe) jane@x.example", "x.example"},
		{"comments: beside the @", "jane(work)@(at)x.example", "x.example"},
		{"comments: beside a dot", "jane@x(one).(two)example", "x.example"},
		{"comments: nested", "jane@x.example (a (b (c)) d)", "x.example"},
		{"comments: with an address in it", "jane@new.example (was jane@old.example)", "new.example"},
		{"comments: with angle brackets in it", "jane@x.example (<jane@y.example>)", "x.example"},
		{"comments: a quotation mark in it is plain", `jane@x.example (5" disk)`, "x.example"},
		{
			"comments: an escaped parenthesis does not count (RFC 5322, A.5)",
			`Pete(A nice \) chap) <pete(his account)@silly.test(his host)>`, "silly.test",
		},
		{"comments: between @ and domain (RFC 5322, A.5)", "Chris Jones <c@(Chris's host.)public.example>", "public.example"},
		{"comments: separators in it do not split", "jane@x.example (a.example, b.example)", "x.example"},
		{"comments: behind a domain", "x.example (main)", "x.example"},
		{"comments: two without white space", "jane@x.example(a)(b)", "x.example"},
		{"comments: one parts two words, so they are two domains", "x.example(was)y.example", "several-addresses"},
		{"comments: two part two words", "x.example(was)(once)y.example", "several-addresses"},
		{"comments: one within a label parts it", "jane@exam(comment)ple.test", "not-a-domain"},
		{"comments: one within a label in angle brackets parts it", "<jane@exam(comment)ple.test>", "not-a-domain"},
		{"comments: nothing but one", "(jane@x.example)", "not-a-domain"},
		{"comments: not closed", "jane@x.example (Jane", "not-a-domain"},
		{"comments: a nested one not closed", "jane@x.example (a (b)", "not-a-domain"},
		{"comments: not closed because of an escape", `jane@x.example (a\)`, "not-a-domain"},
		{"comments: not closed in a display name", "Jane (Mrs <jane@x.example>", "not-a-domain"},
		{"comments: closed and never opened", "jane@x.example Jane)", "not-a-domain"},
		{"comments: closed in a local part", "jane)@x.example", "not-a-domain"},
		{"comments: closed once too often", "jane@x.example (Jane))", "not-a-domain"},
	}
}

func angleCases() []targetCase {
	return []targetCase{
		{"angles: the address alone (RFC 5322, 3.4)", "<jane@x.example>", "x.example"},
		{"angles: behind a display name", "Jane Doe <jane@x.example>", "x.example"},
		{"angles: without white space", "Jane<jane@x.example>", "x.example"},
		{"angles: white space within", "Jane < jane@x.example >", "x.example"},
		{"angles: a display name with a comma", "Doe, Jane <jane@x.example>", "x.example"},
		{"angles: a display name with an address", "jane@old.example <jane@new.example>", "new.example"},
		{"angles: a display name with a quoted address", `"jane@old.example" <jane@new.example>`, "new.example"},
		{"angles: a display name with an address in each of two words", "a@x.example b@y.example <jane@new.example>", "new.example"},
		{"angles: an address and a mailbox", "a@x.example, b@y.example <jane@new.example>", "several-addresses"},
		{"angles: a mailbox and an address (RFC 5322, 3.4)", "Jane <jane@x.example>, bob@y.example", "several-addresses"},
		{"angles: split at a semicolon", "Jane <jane@x.example>; bob@y.example", "several-addresses"},
		{"angles: split at a bar", "<jane@x.example>|bob@y.example", "several-addresses"},
		{"angles: an address in front", "bob@y.example, Jane <jane@x.example>", "several-addresses"},
		{"angles: an address in front, and a name with a comma", "bob@y.example, Doe, Jane <jane@x.example>", "several-addresses"},
		{"angles: an address at a single label", "Jane <jane@x.example>, bob@localhost", "several-addresses"},
		{"angles: an address at an IP address", "Jane <jane@x.example>, bob@[192.0.2.1]", "several-addresses"},
		{"angles: an address whose domain is too long", "Jane <jane@x.example>, bob@" + strings.Repeat("a", 64) + ".example", "several-addresses"},
		{"angles: beside a broken mailbox too", "Jane <jane>, bob@y.example", "several-addresses"},
		{"angles: a domain in the display name is no address", "Books at x.example, Ltd <jane@y.example>", "y.example"},
		{"angles: a domain alone between commas neither", "Doe, x.example, Jane <jane@y.example>", "y.example"},
		{"angles: a sign in a display name", "Doe @ Work, Jane <jane@x.example>", "x.example"},
		{"angles: a handle in a display name", "@jane, Doe <jane@x.example>", "x.example"},
		{"angles: an address in a comment", "Jane <jane@x.example>, (bob@y.example)", "x.example"},
		{"angles: an address in quotes", `"bob@y.example, Jane" <jane@x.example>`, "x.example"},
		{"angles: the separator in quotes", `bob@y.example "," <jane@x.example>`, "x.example"},
		{"angles: a display name with UTF-8 (RFC 6532)", "Zoë Müller <zoe@x.example>", "x.example"},
		{"angles: what follows is display name too", "<jane@x.example> bob@y.example", "x.example"},
		{"angles: a separator behind them", "Jane <jane@x.example>;", "x.example"},
		{"angles: a domain within", "Example <x.example>", "x.example"},
		{"angles: an angle bracket in quotes is plain", `"a>b" <"c>d"@x.example>`, "x.example"},
		{"angles: a list within is never several addresses", "Team <a@x.example, b@y.example>", "not-a-domain"},
		{"angles: a list of domains within neither", "Team <x.example, y.example>", "not-a-domain"},
		{"angles: nothing within", "jane@x.example <>", "not-a-domain"},
		{"angles: a single label within", "jane@x.example <localhost>", "single-label"},
		{"angles: not closed", "Jane <jane@x.example", "not-a-domain"},
		{"angles: never opened", "Jane jane@x.example>", "not-a-domain"},
		{"angles: the wrong way round", ">jane@x.example<", "not-a-domain"},
		{"angles: nested", "<<jane@x.example>>", "not-a-domain"},
		{"angles: opened twice and closed once", "<Jane <jane@x.example>", "not-a-domain"},
		{"angles: closed within a comment only", "Jane <jane@x.example (>)", "not-a-domain"},
		{"angles: two that hold an address", "Jane <jane@x.example>, Bob <bob@y.example>", "several-addresses"},
		{"angles: two without a separator", "<jane@x.example><bob@y.example>", "several-addresses"},
		{"angles: two of which one holds none", "Jane <jane@x.example> <home>", "not-a-domain"},
		{"angles: two that hold none, in front of an address", "<home> <work> jane@x.example", "not-a-domain"},
		{"angles: two of which one is empty", "<> <jane@x.example>", "not-a-domain"},
		{"angles: a source route (RFC 5321, C)", "<@relay.example:jane@x.example>", "not-a-domain"},
		{"angles: a source route of two (RFC 5322, 4.4)", "<@a.example,@b.example:jane@x.example>", "not-a-domain"},
		{"angles: a source route behind a name (RFC 5322, A.6.1)", "Mary Smith <@node.test:mary@example.net>", "not-a-domain"},
		{"angles: a source route without them", "@relay.example:jane@x.example", "not-a-domain"},
		{"angles: a source route of two without them", "@a.example,@b.example:jane@x.example", "not-a-domain"},
	}
}

func groupCases() []targetCase {
	return []targetCase{
		{"groups: of two (RFC 5322, 3.4)", "Team: a@x.example, b@y.example;", "several-addresses"},
		{
			"groups: of mailboxes (RFC 5322, A.1.3)",
			"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", "several-addresses",
		},
		{"groups: of one in angle brackets, all else is display name", "Team: Ed <ed@x.example>;", "x.example"},
		{"groups: of one without them", "Team: a@x.example;", "not-a-domain"},
		{"groups: of none (RFC 5322, A.1.3)", "Undisclosed recipients:;", "not-a-domain"},
	}
}

func atCases() []targetCase {
	return []targetCase{
		{"@: the right side is the domain (RFC 5321, 2.3.11)", "jane@x.example", "x.example"},
		{"@: without one the cell is a domain", "x.example", "x.example"},
		{"@: a lone one in front of a domain", "@x.example", "x.example"},
		{"@: nothing to its right", "jane@", "not-a-domain"},
		{"@: nothing beside it", "@", "not-a-domain"},
		{"@: two", "a@b@x.example", "not-a-domain"},
		{"@: two side by side", "jane@@x.example", "not-a-domain"},
		{"@: two of which one is in brackets", "[jane@y.example] jane@x.example", "not-a-domain"},
		{"@: two of which one is in a comment", "jane@x.example (@home)", "x.example"},
		{"@: one escaped outside quotes still counts (RFC 5322, 3.2.3)", `jane\@y.example@x.example`, "not-a-domain"},
		{"@: U+FF20 is none", "jane\uff20x.example", "not-a-domain"},
		{"@: U+FE6B is none", "jane\ufe6bx.example", "not-a-domain"},
		{"@: U+FF20 in a local part is plain", "jane\uff20y.example@x.example", "x.example"},
		{"@: U+FE6B in a domain is bad", "jane@y\ufe6bx.example", "not-a-domain"},
		{"@: white space around it is dropped", "jane @ x.example", "x.example"},
		{"@: no-break and ideographic space too", "jane\u00a0@\u3000x.example", "x.example"},
		{"@: white space before it, so that both sides are targets", "jane.doe @x.example", "several-addresses"},
		{"@: a trailing dot is dropped", "jane@x.example.", "x.example"},
		{"@: a trailing dot of a domain is dropped", "x.example.", "x.example"},
		{"@: a local part of UTF-8 (RFC 6531, 3.3)", "jörg@x.example", "x.example"},
		{"@: a local part of another script (RFC 6531, 3.3)", "用户@x.example", "x.example"},
		{"@: a local part right to left (RFC 6531, 3.3)", "יעל@x.example", "x.example"},
		{"@: a local part of an emoji", "🦊@x.example", "x.example"},
		{"@: a local part with dots where none belong", ".jane..doe.@x.example", "x.example"},
		{"@: a local part with all of atext (RFC 5322, 3.2.3)", "!#$%&'*+-/=?^_`{}~@x.example", "x.example"},
		{"@: a local part with words in front", "Jane jane@x.example", "x.example"},
		{"@: words behind the domain", "jane@x.example Jane", "not-a-domain"},
		{"@: a local part over 64 octets (RFC 5321, 4.5.3.1.1)", strings.Repeat("j", 65) + "@x.example", "x.example"},
	}
}

func dotCases() []targetCase {
	return []targetCase{
		{"dots: an ideographic full stop (UTS 46, 2.3)", "x\u3002example", "x.example"},
		{"dots: a full-width one", "x\uff0eexample", "x.example"},
		{"dots: a half-width ideographic one", "x\uff61example", "x.example"},
		{"dots: all kinds mixed", "a.b\u3002c\uff0ed\uff61example", "a.b.c.d.example"},
		{"dots: behind @", "jane@x\u3002example", "x.example"},
		{"dots: at the end", "jane@x.example\u3002", "x.example"},
		{"dots: with U-labels (UTS 46, 4)", "日本語\u3002ＪＰ", "xn--wgv71a119e.jp"},
		{"dots: two in a row", "x..example", "not-a-domain"},
		{"dots: two kinds in a row", "x.\u3002example", "not-a-domain"},
		{"dots: two at the end", "x.example..", "not-a-domain"},
		{"dots: one in front", ".x.example", "not-a-domain"},
		{"dots: one in front behind @", "jane@.x.example", "not-a-domain"},
		{"dots: nothing else", ".", "not-a-domain"},
		{"dots: a one dot leader is none", "x\u2024example.test", "bad-idn"},
		{"dots: white space beside one (obs-domain of RFC 5322, 4.4)", "jane@x . example", "not-a-domain"},
	}
}

func mappingCases() []targetCase {
	return []targetCase{
		{"labels: capitals are lower-cased", "Jane@X.EXAMPLE", "x.example"},
		{"labels: an A-label is kept", "jane@xn--mnchen-3ya.example", "xn--mnchen-3ya.example"},
		{"labels: an A-label in capitals is lower-cased", "XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example"},
		{"labels: an xn-- that does not decode", "xn--0.example", "xn--0.example bad-a-label"},
		{"labels: an xn-- that decodes to a character not allowed (UTS 46, 4)", "xn--a-ecp.ru", "xn--a-ecp.ru bad-a-label"},
		{"labels: an xn-- that decodes to what is not composed (UTS 46, 4)", "xn--u-ccb.com", "xn--u-ccb.com bad-a-label"},
		{"labels: hyphens in the third and fourth place", "r3---sn-x.example", "r3---sn-x.example"},
		{"labels: hyphens at both ends", "-x-.example", "-x-.example"},
		{"labels: underscores", "_dmarc.x_y.example", "_dmarc.x_y.example"},
		{"labels: digits", "1.2x.example", "1.2x.example"},
		{"IDN: a U-label (RFC 5890, 2.3.2.1)", "münchen.example", "xn--mnchen-3ya.example"},
		{"IDN: a U-label in capitals", "MÜNCHEN.example", "xn--mnchen-3ya.example"},
		{"IDN: U-labels and A-labels mixed", "münchen.xn--bcher-kva.x.example", "xn--mnchen-3ya.xn--bcher-kva.x.example"},
		{"IDN: a U-label as top-level domain", "info@例え.テスト", "xn--r8jz45g.xn--zckzah"},
		{"IDN: right to left", "إختبار@مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"},
		{"IDN: Cyrillic", "пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"},
		{"IDN: the sharp s stays (UTS 46, 4, non-transitional)", "faß.de", "xn--fa-hia.de"},
		{"IDN: the sharp s stays beside capitals (UTS 46, 4)", "BLOß.de", "xn--blo-7ka.de"},
		{"IDN: the capital sharp s is the small one (UTS 46 of Unicode 15.1)", "info@STRAẞE.de", "xn--strae-oqa.de"},
		{"IDN: and no ss", "STRASSE.de", "strasse.de"},
		{"IDN: the capital sharp s beside what is replaced", "ﬁẞ.de", "xn--fi-hia.de idn-mapped"},
		{"IDN: the final sigma stays (UTS 46, 4, non-transitional)", "βόλος.com", "xn--nxasmm1c.com"},
		{"IDN: a joiner behind a virama stays (RFC 5892, A.2)", "ශ්\u200dරී.com", "xn--10cl1a0b660p.com"},
		{"IDN: a non-joiner between Arabic letters stays (RFC 5892, A.1)", "نامه\u200cای.com", "xn--mgba3gch31f060k.com"},
		{"IDN: a symbol that UTS 46 allows", "☕.us", "xn--53h.us"},
		{"IDN: full-width letters are width only", "ｘ.ＥＸＡＭＰＬＥ", "x.example"},
		{"IDN: a ligature is replaced", "ﬁ.example", "fi.example idn-mapped"},
		{"IDN: a superscript is replaced", "x².example", "x2.example idn-mapped"},
		{"IDN: a circled letter is replaced", "ⓧ.example", "x.example idn-mapped"},
		{"IDN: a soft hyphen is deleted", "ex\u00adam.example", "exam.example idn-mapped"},
		{"IDN: a decomposed letter is composed (UTS 46, 4)", "u\u0308.com", "xn--tda.com idn-mapped"},
		{"IDN: both warnings", "ﬁ.xn--0.example", "fi.xn--0.example idn-mapped bad-a-label"},
		{"IDN: a local part is not mapped, so it warns of nothing", "ﬁ@x.example", "x.example"},
	}
}

func badIDNCases() []targetCase {
	return []targetCase{
		{"bad IDN: left to right and right to left in one label (RFC 5893, 2)", "xא.example", "bad-idn"},
		{"bad IDN: a joiner that joins nothing (RFC 5892, A.2)", "a\u200db.example", "bad-idn"},
		{"bad IDN: a non-joiner that parts nothing (RFC 5892, A.1)", "a\u200cb.example", "bad-idn"},
		{"bad IDN: a combining mark in front (UTS 46, 4.1)", "\u0301a.example", "bad-idn"},
		{"bad IDN: a character that is not allowed (UTS 46, 4)", "a⒈com.example", "bad-idn"},
		{"bad IDN: an override of direction", "\u202ex.example", "bad-idn"},
		{"bad IDN: the replacement character", "x\ufffd.example", "bad-idn"},
		{"bad IDN: octets that are no UTF-8", "jane@m\xfcnchen.example", "bad-idn"},
		{"bad IDN: a private use character", "x\ue000.example", "bad-idn"},
		{"mapped to a bad character: a full-width solidus", "ａ／ｂ.example", "not-a-domain"},
		{"mapped to a bad character: account of", "℀.example", "not-a-domain"},
		{"mapped to a bad character: a full-width space", "ｘ\u3000ｙ.example", "not-a-domain"},
	}
}

func sizeCases() []targetCase {
	label := strings.Repeat("a", 63)
	name253 := label + "." + label + "." + label + "." + label[:61]
	return []targetCase{
		{"size: a label of 63 octets (RFC 1035, 2.3.4)", "jane@" + label + ".example", label + ".example"},
		{"size: a label of 64 octets", "jane@" + label + "a.example", "too-long"},
		{"size: a name of 253 octets", name253, name253},
		{"size: a name of 253 octets and its trailing dot", name253 + ".", name253},
		{"size: a name of 254 octets", name253 + "a", "too-long"},
		{"size: a U-label counts in A-label form", "ü" + label[:60] + ".example", "too-long"},
		{"size: a name counts in A-label form", strings.Repeat("ü.", 40) + "example", "too-long"},
		{"size: a cell of a million octets", strings.Repeat("a", 1_000_000) + ".example", "too-long"},
		{"size: a U-label of a million octets", strings.Repeat("ü", 500_000) + ".example", "too-long"},
		{"size: a display name is not measured", strings.Repeat("Jane ", 60) + "<jane@x.example>", "x.example"},
	}
}

func listCases() []targetCase {
	return []targetCase{
		{"lists: split at commas", "a@x.example,b@y.example", "several-addresses"},
		{"lists: split at semicolons", "a@x.example;b@y.example", "several-addresses"},
		{"lists: split at bars", "a@x.example|b@y.example", "several-addresses"},
		{"lists: split at spaces", "a@x.example b@y.example", "several-addresses"},
		{"lists: split at line breaks", "a@x.example\nb@y.example", "several-addresses"},
		{"lists: split at ideographic spaces", "x.example\u3000y.example", "several-addresses"},
		{"lists: split at all of them", "a@x.example, b@y.example;c@z.example | d@x.example e@y.example", "several-addresses"},
		{"lists: of domains", "x.example, y.example", "several-addresses"},
		{"lists: of domains and addresses", "x.example b@y.example @z.example", "several-addresses"},
		{"lists: of the same address twice", "a@x.example, a@x.example", "several-addresses"},
		{"lists: of U-labels", "jane@münchen.example, bücher.example", "several-addresses"},
		{"lists: with words in front of each address", "Jane jane@x.example, Bob bob@y.example", "several-addresses"},
		{"lists: with quoted names", `"Doe, J." j@x.example, "Roe, R." r@y.example`, "several-addresses"},
		{"lists: with comments", "a@x.example (Ann), b@y.example (Bob)", "several-addresses"},
		{"lists: with empty parts", ",, a@x.example,, b@y.example;", "several-addresses"},
		{"lists: in quotes are none", `"a@x.example,b@y.example"`, "not-a-domain"},
		{"lists: in domain literals are none", "jane@[x.example,y.example]", "not-a-domain"},
		{"lists: a separator in brackets does not split", "a@x.example,[b;c]d@y.example", "several-addresses"},
		{"lists: a part that is a single label", "x.example, localhost", "not-a-domain"},
		{"lists: a part that is an IP address", "a@x.example, 192.0.2.1", "not-a-domain"},
		{"lists: a part with two @", "a@x.example, b@c@y.example", "not-a-domain"},
		{"lists: of IP addresses", "192.0.2.1, 192.0.2.2", "not-a-domain"},
		{"lists: one address and a separator behind", "a@x.example;", "not-a-domain"},
		{"lists: one address and a separator in front", ";a@x.example", "x.example"},
		{"lists: separators only", ",;|", "not-a-domain"},
		{"lists: a slash separates nothing", "a@x.example/b@y.example", "not-a-domain"},
		{"lists: a full-width comma separates nothing", "x.example\uff0cy.example", "not-a-domain"},
	}
}

func ipCases() []targetCase {
	return []targetCase{
		{"IP: a domain literal (RFC 5321, 4.1.3)", "jane@[192.0.2.1]", "ip-literal"},
		{"IP: a domain literal of IPv6", "jane@[IPv6:2001:db8::1]", "ip-literal"},
		{"IP: its tag has no case", "jane@[ipv6:2001:db8::1]", "ip-literal"},
		{"IP: a domain literal of IPv6 without its tag", "jane@[2001:db8::1]", "ip-literal"},
		{"IP: a domain literal with white space (RFC 5322, 3.4.1)", "jane@[ 192.0.2.1 ]", "ip-literal"},
		{"IP: a domain literal alone", "[192.0.2.1]", "ip-literal"},
		{"IP: a domain literal in angle brackets", "Jane <jane@[192.0.2.1]>", "ip-literal"},
		{"IP: bare behind @", "jane@192.0.2.1", "ip-literal"},
		{"IP: bare", "192.0.2.1", "ip-literal"},
		{"IP: bare IPv6", "2001:db8::1", "ip-literal"},
		{"IP: bare IPv6 with IPv4 at its end", "::ffff:192.0.2.1", "ip-literal"},
		{"IP: with a trailing dot", "192.0.2.1.", "ip-literal"},
		{"IP: with ideographic full stops", "192\u30020\u30022\u30021", "ip-literal"},
		{"IP: full-width digits", "１９２.０.２.１", "ip-literal"},
		{"IP: an octet beyond 255", "192.0.2.256", "ip-literal"},
		{"IP: three parts", "jane@192.0.2", "ip-literal"},
		{"IP: an all-digit last label (RFC 3696, 2)", "x.example.123", "ip-literal"},
		{"IP: digits only", "12345", "ip-literal"},
		{"IP: a domain literal that holds no address", "jane@[x.example]", "not-a-domain"},
		{"IP: a domain literal of another kind (RFC 5321, 4.1.3)", "jane@[X400:c=de]", "not-a-domain"},
		{"IP: an empty domain literal", "jane@[]", "not-a-domain"},
		{"IP: a domain literal not closed", "jane@[192.0.2.1", "not-a-domain"},
		{"IP: a domain literal not closed because of an escape", `jane@[192.0.2.1\]`, "not-a-domain"},
		{"IP: a domain literal never opened", "jane@192.0.2.1]", "not-a-domain"},
		{"IP: brackets not closed in a local part", "[jane@x.example", "not-a-domain"},
		{"IP: brackets never opened in a local part", "jane]@x.example", "not-a-domain"},
		{"IP: a zone that runs beyond a domain literal", "jane@[fe80::1%]eth0", "not-a-domain"},
		{"IP: text behind a domain literal", "jane@[192.0.2.1].example", "not-a-domain"},
		{"IP: a network", "192.0.2.0/24", "not-a-domain"},
		{"IP: digits in front of the last label", "1.0.192.in-addr.arpa", "1.0.192.in-addr.arpa"},
	}
}

func otherReasonCases() []targetCase {
	return []targetCase{
		{"empty: no character", "", "empty"},
		{"empty: white space", " \t\u00a0\u3000\r\n", "empty"},
		{"empty: BOM and zero-width characters", "\ufeff\u200b\u200d", "empty"},
		{"empty: quotation marks are something", `""`, "not-a-domain"},
		{"single label: a host", "localhost", "single-label"},
		{"single label: behind @", "root@localhost", "single-label"},
		{"single label: a top-level domain", "com", "single-label"},
		{"single label: with a trailing dot", "jane@com.", "single-label"},
		{"single label: a U-label", "jane@münchen", "single-label"},
		{"single label: an xn-- that does not decode", "xn--0", "single-label"},
		{"no domain: a wildcard (RFC 4592, 2.1.1)", "*.x.example", "not-a-domain"},
		{"no domain: words", "no mail address", "not-a-domain"},
		{"no domain: a word and digits behind a dot", "Room 4.12", "not-a-domain"},
		{"host and port", "x.example:25", "x.example host-of-url"},
		{"no domain: a port that is none", "x.example:65536", "not-a-domain"},
		{"no domain: a port behind an address", "jane@x.example:25", "not-a-domain"},
		{"no domain: a path", "x.example/mail", "not-a-domain"},
		{"no domain: a NUL", "jane@x\x00.example", "not-a-domain"},
		{"no domain: a control character", "jane@x\x1b.example", "not-a-domain"},
		{"no domain: a backslash", `EXAMPLE\jane`, "not-a-domain"},
		{"no domain: an escape of a zone file", `x\.example.test`, "not-a-domain"},
		{"no domain: a formula", "=A1.B2", "not-a-domain"},
		{"no domain: a dash", "-/-", "not-a-domain"},
	}
}

// firstReasonCases holds a cell for each pair of reasons that can fit one: the
// first in the order of the constants decides. Some pairs cannot meet. BrokenRow
// is no reason of a cell, and nothing but not-a-domain fits an empty one besides.
// A list ends in a target, so it never ends in digits, and it has a dot.
func firstReasonCases() []targetCase {
	long := strings.Repeat("a", 64)
	return []targetCase{
		{"first: empty, before not-a-domain", "\u00a0", "empty"},
		{"first: several-addresses, before too-long", strings.Repeat("jane@x.example, ", 20), "several-addresses"},
		{"first: several-addresses, before bad-idn", "אב.example גד.example", "several-addresses"},
		{"first: several-addresses, before not-a-domain", "a@x.example, b@y.example", "several-addresses"},
		{"first: ip-literal, before too-long", long + ".123", "ip-literal"},
		{"first: ip-literal, before too-long of a whole name", strings.Repeat("a.", 150) + "123", "ip-literal"},
		{"first: ip-literal, before too-long of its own digits", strings.Repeat("1", 64), "ip-literal"},
		{"first: ip-literal, before bad-idn", "xא.123", "ip-literal"},
		{"first: ip-literal, before bad-idn, with a trailing dot", "xא.123.", "ip-literal"},
		{"first: ip-literal, before single-label", "2026", "ip-literal"},
		{"first: ip-literal, before not-a-domain", "jane doe@[192.0.2.1]", "ip-literal"},
		{"first: too-long, before bad-idn", "xא." + long + ".example", "too-long"},
		{"first: too-long, before single-label", long, "too-long"},
		{"first: too-long, before not-a-domain", "*." + long + ".example", "too-long"},
		{"first: bad-idn, before single-label", "xא", "bad-idn"},
		{"first: bad-idn, before not-a-domain", "*.xא.example", "bad-idn"},
		{"first: bad-idn, before not-a-domain of an empty label", "xא..example", "bad-idn"},
		{"first: single-label, before not-a-domain", "jane doe@localhost", "single-label"},
	}
}

// realCases are cells of the list of .gov domains and host names (cisagov/dotgov-data)
// and of lists of German and Austrian authorities and of free mail providers.
func realCases() []targetCase {
	return []targetCase{
		{"real: a wildcard", "*.ecmapps.treasuryecm.gov", "not-a-domain"},
		{"real: @ and a dot", "@.icass.gov", "not-a-domain"},
		{"real: a contact that was taken out", "(blank)", "not-a-domain"},
		{"real: a no-break space behind", "bipd-3-128-float.llnl.gov\u00a0", "bipd-3-128-float.llnl.gov"},
		{"real: underscores in front", "_sip._tls.cpsc.gov", "_sip._tls.cpsc.gov"},
		{"real: a digit in front", "29palms.gov", "29palms.gov"},
		{"real: a contact", "govdnssecurity@36thdistrictcourt.org", "36thdistrictcourt.org"},
		{"real: a postal code", "46402", "ip-literal"},
		{"real: a town, a state and a postal code", "Bedford , Pa. 15522", "not-a-domain"},
		{"real: a town with an abbreviation", "City of Pinson, Al.", "not-a-domain"},
		{"real: a town and its river", "Halle (Saale)", "single-label"},
		{"real: a town with an abbreviation behind a slash", "Adorf/Vogtl.", "not-a-domain"},
		{"real: a town with abbreviations", "Hainburg a.d. Donau", "not-a-domain"},
		{"real: a town with an abbreviation and an umlaut", "St. Andrä-Wördern", "not-a-domain"},
		{"real: an agency with abbreviations", "Administrative Office of the U.S. Courts", "not-a-domain"},
		{"real: a free mail provider", "000-webmail.myhome-server.de", "000-webmail.myhome-server.de"},
		{"real: a header", "Security contact email", "not-a-domain"},
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, c := range targetCases() {
		if len(c.cell) < 1000 {
			f.Add(c.cell)
		}
	}
	for _, cell := range []string{"mailto:a.example", "a@b@c.example", "a:b@c.example", "a@192.0.2.1", "a@b.c3", "a\x01@b.example", "a;b@c.example", "@a.example", "a%40@b.example"} {
		f.Add(cell)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		got := ParseTarget(cell)
		checkOneOf(t, got)
		checkDomain(t, got)
		checkSpelling(t, cell, got)
		if diff := cmp.Diff(outcome(parseTarget(cell)), outcome(got)); diff != "" {
			t.Errorf("the quick way differs (-long +quick):\n%s", diff)
		}
		padded := "\u00a0\ufeff" + cell + "\u200b\r\n"
		if diff := cmp.Diff(outcome(got), outcome(ParseTarget(padded))); diff != "" {
			t.Errorf("white space at the ends changed the target (-without +with):\n%s", diff)
		}
	})
}

// checkOneOf holds a Target to having either a domain or an input reason that a
// cell can have.
func checkOneOf(t *testing.T, got Target) {
	t.Helper()
	if got.Domain.IsZero() == (got.Reason == "") {
		t.Errorf("domain %q and reason %q: want exactly one", got.Domain, got.Reason)
	}
	reasons := []Reason{"", Empty, SeveralAddresses, IPLiteral, TooLong, BadIDN, SingleLabel, NotADomain}
	if !slices.Contains(reasons, got.Reason) {
		t.Errorf("reason %q is none of a cell", got.Reason)
	}
	if got.Reason != "" && len(got.Warnings) > 0 {
		t.Errorf("reason %q with warnings %q", got.Reason, got.Warnings)
	}
}

// checkDomain holds a domain to the sizes, and to being the same however it is
// written again.
func checkDomain(t *testing.T, got Target) {
	t.Helper()
	if got.Domain.IsZero() {
		return
	}
	name := got.Domain.String()
	if len(name) > 253 || !strings.Contains(name, ".") || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		t.Errorf("%q is no domain of two labels and more", name)
	}
	for _, cell := range []string{name, name + ".", "x@" + name, "Name <x@" + name + ">", "mailto:x@" + name} {
		if again := ParseTarget(cell); again.Domain != got.Domain {
			t.Errorf("ParseTarget(%q) = %q, want %q", cell, outcome(again), name)
		}
	}
}

// checkSpelling holds the domain of an ASCII cell to the words of the cell. Where
// nothing is quoted, dropped or cut, it is exactly what the only @ has to its
// right, or else the cell.
func checkSpelling(t *testing.T, cell string, got Target) {
	t.Helper()
	ascii := strings.IndexFunc(cell, func(r rune) bool { return r >= 0x80 }) < 0
	if got.Domain.IsZero() || !ascii || strings.Contains(cell, "%") {
		return
	}
	lower := strings.ToLower(cell)
	for label := range strings.SplitSeq(got.Domain.String(), ".") {
		if !strings.Contains(lower, label) {
			t.Errorf("label %q of %q does not stand in %q", label, got.Domain, cell)
		}
	}
	if strings.ContainsAny(cell, `"(<:`) {
		return
	}
	right := lower[strings.IndexByte(lower, '@')+1:]
	if right = strings.TrimSuffix(strings.TrimSpace(right), "."); got.Domain.String() != right {
		t.Errorf("ParseTarget(%q) = %q, want %q", cell, got.Domain, right)
	}
}

func BenchmarkParseTarget(b *testing.B) {
	for _, cell := range []string{"jane.doe@mail.example.com", "Jane.Doe@MAIL.Example.com", "mail.example.com", "Doe, Jane <jane.doe@mail.example.com>"} {
		b.Run(cell, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ParseTarget(cell)
			}
		})
	}
}

// BenchmarkParseTargetHostile reads cells made to be slow, of 64 KiB and of the
// 1 MiB that a cell may have. Where the time is linear, as it must be, both have
// the same MB/s.
func BenchmarkParseTargetHostile(b *testing.B) {
	for _, unit := range []string{
		"(", "()", "a(b)", "<", "<>", "<a.b>", `"`, `""`, `\`, "[", "[]", "@", " ", ".", ",", ",a.b", ",x@a.b ", ",ü.b",
		"xn--a", "ü", "u\u0308", "\u00ad", "1", "1.", "::", "%41",
	} {
		for _, size := range []int{64 << 10, 1 << 20} {
			cell := "mailto:" + strings.Repeat(unit, size/len(unit))
			b.Run(fmt.Sprintf("%q/%dKiB", unit, size>>10), func(b *testing.B) {
				b.SetBytes(int64(len(cell)))
				for b.Loop() {
					ParseTarget(cell)
				}
			})
		}
	}
}

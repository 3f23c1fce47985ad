package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCells(t *testing.T) {
	tests := []struct{ name, cell, want string }{
		{"an empty cell", "", ""},
		{"plain text", "jane@open.example", "jane@open.example"},
		{"letters beyond ASCII", "Jürgen Groß, 東京", "Jürgen Groß, 東京"},
		{"tab and line breaks inside a cell stay", "a\tb\nc\r\nd\re", "a\tb\nc\r\nd\re"},
		{"joiners stay, words are spelt with them", "می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"},
		{"a replacement character that was typed", "\ufffd", "\ufffd"},

		{"NUL", "a\x00b", `a\x00b`},
		{"a terminal's escape sequence", "\x1b[31mred", `\x1b[31mred`},
		{"DEL", "\x7f", `\x7f`},
		{"C1 controls", "\u0080\u0085\u009f", `\u{0080}\u{0085}\u{009f}`},
		{"the first character after C1", "\u00a0", "\u00a0"},
		{"bidi marks", "\u061c\u200e\u200f", `\u{061c}\u{200e}\u{200f}`},
		{"bidi embeddings and overrides", "\u202a\u202e", `\u{202a}\u{202e}`},
		{"bidi isolates", "\u2066\u2069", `\u{2066}\u{2069}`},
		{"characters around them", "\u200d\u2010\u2029\u202f\u2065\u206a", "\u200d\u2010\u2029\u202f\u2065\u206a"},
		{"what XML cannot hold (XML 1.0, section 2.2)", "\ufffe\uffff", `\u{fffe}\u{ffff}`},
		{"Latin-1 that was taken for UTF-8", "M\xfcller", `M\xfcller`},
		{"a character cut short", "\xe2\x82", `\xe2\x82`},
		{"a surrogate in UTF-8 (RFC 3629, section 3)", "\xed\xa0\x80", `\xed\xa0\x80`},

		{"backslashes of people", `C:\temp\x\user \u{12}`, `C:\temp\x\user \u{12}`},
		{"a backslash at the end", `a\`, `a\`},
		{"what reads as an escape of an octet", `\x41`, `\x5cx41`},
		{"what reads as an escape of a character", `\u{202e}`, `\x5cu{202e}`},
		{"what reads as an escaped backslash", `\x5cx41`, `\x5cx5cx41`},
		{"two backslashes", `\\x41`, `\\x5cx41`},
		{"capital digits are no escape", `\x4A \u{202E}`, `\x4A \u{202E}`},
		{"an escape is not made of what follows one", "\\x4\x00", `\x4\x00`},

		{"a formula", "=1+1", "'=1+1"},
		{"a DDE call", `+cmd|' /C calc'!A0`, `'+cmd|' /C calc'!A0`},
		{"minus and a function", "-SUM(A1)", "'-SUM(A1)"},
		{"an old Lotus function", "@SUM(A1)", "'@SUM(A1)"},
		{"a bare domain behind an at sign", "@example.com", "'@example.com"},
		{"a formula in full width", "＝1", "'＝1"},
		{"plus, minus and at in full width", "＋1", "'＋1"},
		{"minus in full width", "－1", "'－1"},
		{"at in full width", "＠x", "'＠x"},
		{"a formula behind spaces", "  =1", "'  =1"},
		{"a formula behind a line break", "\n=1", "\n\\x3d1"},
		{"a formula behind a semicolon, the separator of many countries", "x;=1+1", `x;\x3d1+1`},
		{"a formula behind a bar", "x|=1+1", `x|\x3d1+1`},
		{"a formula behind a tab and a quotation mark", "x\t\"@a", "x\t\"\\x40a"},
		{"formulas in several places", "=a;-b;＝c", `'=a;\x2db;\u{ff1d}c`},
		{"a phone number behind a semicolon", "tel; +49 30 2", "tel; +49 30 2"},
		{"a formula behind a no-break space", "\u00a0=1", "'\u00a0=1"},
		{"a tab in front", "\tx", "'\tx"},
		{"a carriage return in front", "\rx", "'\rx"},
		{"a sum", "-2+3", "'-2+3"},
		{"a number with an exponent", "-1E5", "-1E5"},
		{"a cell reference", "+A1", "'+A1"},
		{"a formula behind a control character is text by then", "\x00=1", `\x00=1`},

		{"a phone number", "+49 (0)30/123-45.67", "+49 (0)30/123-45.67"},
		{"a negative number", "-1,234.50", "-1,234.50"},
		{"a phone number behind a space", " +49 30", " +49 30"},
		{"a dash for nothing", "-", "-"},
		{"signs further on", "a=b+c-d@e", "a=b+c-d@e"},

		{"an apostrophe before a word", "'quoted'", "'quoted'"},
		{"an apostrophe by itself", "'", "'"},
		{"an apostrophe before a formula", "'=1", "''=1"},
		{"two apostrophes before a formula", "''=1", "'''=1"},
		{"an apostrophe before a phone number", "'+49 30", "'+49 30"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := safeCell(test.cell, classesIn(test.cell))
			if got != test.want {
				t.Errorf("safeCell(%q) = %q, want %q", test.cell, got, test.want)
			}
			if back := RestoreCell(got); back != test.cell {
				t.Errorf("RestoreCell(%q) = %q, want %q", got, back, test.cell)
			}
		})
	}
}

// Nothing but what safeCell writes means anything to RestoreCell.
func TestRestoreCellLeavesAlone(t *testing.T) {
	for _, cell := range []string{`\x4`, `\xg0`, `\u{202}`, `\u{202e`, `\u202e`, `\n`, `\`, "'a", "''", "' "} {
		if got := RestoreCell(cell); got != cell {
			t.Errorf("RestoreCell(%q) = %q", cell, got)
		}
	}
}

func FuzzCells(f *testing.F) {
	for _, seed := range []string{"", "'=1", "\x00\\x41", `\x5cx41`, "\u202e\xff", "'\t", "C:\\temp", "\ufffe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		escaped := EscapeCell(cell)
		if back := UnescapeCell(escaped); back != cell {
			t.Fatalf("%q is escaped as %q and read back as %q", cell, escaped, back)
		}
		if !utf8.ValidString(escaped) || strings.ContainsFunc(escaped, hidden) {
			t.Fatalf("%q is escaped as %q", cell, escaped)
		}
		safe := safeCell(cell, classesIn(cell))
		if back := RestoreCell(safe); back != cell {
			t.Fatalf("%q is written as %q and read back as %q", cell, safe, back)
		}
		if runs(safe) {
			t.Fatalf("%q is written as %q, which runs", cell, safe)
		}
		if len(safe) > 0 && strings.ContainsRune("=@\t\r", rune(safe[0])) {
			t.Fatalf("%q is written as %q, which runs", cell, safe)
		}
	})
}

// hidden states a second time, by Unicode's tables, what must not be left in a
// cell: controls, bidi controls and noncharacters at the end of the first plane.
func hidden(r rune) bool {
	if r == '\t' || r == '\n' || r == '\r' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Bidi_Control) || r == 0xfffe || r == 0xffff
}

package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// finished is what two CAs and a hostile list may leave.
func finished() recap {
	long := strings.Repeat("averylonglabel.", 20) + "example"
	return recap{
		rows: 1234567, domains: 1000,
		issuers: []issuerCounts{
			{"Old", 1200000, 34557, 9, 1},
			{"Neu \x1b[31m日本" + strings.Repeat("x", 100), 1234557, 0, 9, 1},
		},
		facts: []string{"Not looked up: 9 empty.", strings.Repeat("many words ", 20) + "end."},
		stops: []stop{
			{long, 34000, []string{"Old"}},
			{"evil\x1b]0;title\a.example", 1, []string{"Old", "Neu \x1b[31m日本" + strings.Repeat("x", 100)}},
		},
		moreStops: 2,
		files: []writtenFile{
			{"report.xlsx", "open it at the sheet Summary"},
			{strings.Repeat("folder/", 40) + "report\x1b[2J.csv", ""},
		},
		next:    "caascan check corp.example --issuer Old=ca.example",
		figures: "3,000 names asked, 4,000 queries (1,000 retries); 12.0 seconds.",
	}
}

// TestANumberStaysWithWhatItCounts where a line is broken.
func TestANumberStaysWithWhatItCounts(t *testing.T) {
	const text, want = "Not looked up: 1 ip-literal, 1 too-long.", "Not looked up: 1 ip-literal,\n  1 too-long."
	if got := wrappedNumbers(text, 30); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTheEndFitsTheTerminal: no line is wider, whatever stands in the list, and nothing in it
// acts on the terminal.
func TestTheEndFitsTheTerminal(t *testing.T) {
	for _, columns := range []int{60, 80, 120} {
		text := finished().text(columns, ink(false))
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			if n := columnsOf(line); n > columns {
				t.Errorf("at %d columns a line has %d: %q", columns, n, line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("at %d columns a line acts on the terminal: %q", columns, line)
			}
		}
		for _, want := range []string{"1,234,567 rows, 1,000 distinct domains\n", "34,000 rows", "1 row ", "and at 2 more names\n", "report.xlsx", `report\x1b[2J.csv`} {
			if !strings.Contains(text, want) {
				t.Errorf("at %d columns %q is missing in\n%s", columns, want, text)
			}
		}
	}
}

// TestTheEndOfASmallScan is the whole text, by hand.
func TestTheEndOfASmallScan(t *testing.T) {
	e := recap{
		rows: 1, domains: 1,
		issuers: []issuerCounts{{"ca.example", 0, 1, 0, 0}},
		stops:   []stop{{"corp.example", 1, []string{"ca.example"}}},
		files:   []writtenFile{{"report.csv", ""}, {"fixes.zone", "what to publish"}},
		next:    "caascan check corp.example --issuer ca.example",
		figures: "1 name asked, 1 query (0 retries); 0.1 seconds.",
	}
	const want = `1 row, 1 distinct domain

            permitted  denied  not looked up  failed
ca.example          0       1              0       0

Denied by the records at
  1 row   corp.example

Written
  report.csv
  fixes.zone  what to publish

To see each step for one name:
  caascan check corp.example --issuer ca.example

1 name asked, 1 query (0 retries); 0.1 seconds.
`
	if diff := cmp.Diff(want, e.text(usualWidth, ink(false))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text := e.text(usualWidth, ink(true)); !strings.Contains(text, "\x1b[31m       1\x1b[0m") || strings.Contains(text, "\x1b[32m") {
		t.Errorf("got %q, want the denied row in red, and no green where nothing is permitted", text)
	}
}

// TestFitted keeps the end of what is too long, counts wide letters twice and marks that take
// no place not at all.
func TestFitted(t *testing.T) {
	for _, test := range []struct {
		text    string
		columns int
		want    string
	}{
		{"mail.example", 12, "mail.example"},
		{"mail.example", 11, "…il.example"},
		{"日本.example", 12, "日本.example"},
		{"日本.example", 11, "…本.example"},
		{"e\u0301.example", 9, "e\u0301.example"},
		{"a\x1bb", 6, `a\x1bb`},
		{"a\nb", 4, "a; b"},
		{"", 1, ""},
	} {
		if got := fitted(test.text, test.columns); got != test.want {
			t.Errorf("fitted(%q, %d) = %q, want %q", test.text, test.columns, got, test.want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1001: "1,001", 12345: "12,345", 1234567: "1,234,567", 1000000: "1,000,000"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

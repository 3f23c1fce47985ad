package report_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/scan/caa"
)

// folder keeps letters in memory.
type folder map[string]*strings.Builder

func (f folder) create(name string) (io.WriteCloser, error) {
	if f[name] != nil {
		return nil, errors.New(name + " is there already")
	}
	f[name] = new(strings.Builder)
	return nopCloser{f[name]}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func lettersOf(t testing.TB, tally *report.Tally, all []caa.Issuer, issuers ...int) folder {
	t.Helper()
	files := make(folder)
	w := report.NewLetters(files.create, issuers...)
	o := report.NewOverview(nil, report.Run{Issuers: all}, tally)
	if err := w.Close(o); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(o); !errors.Is(err, report.ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
	return files
}

// TestALetter is what people get.
func TestALetter(t *testing.T) {
	all := cas(t, "Old=old.test", "New CA=new.test,www.new.test")
	tally := tallyOf(
		t, all,
		answer{"corp.com", "corp.com", []caa.Property{property(t, 0, "issuemail", "old.test"), property(t, 0, "iodef", "mailto:`x`@corp.com")}},
		answer{"-eu.corp.com", "-eu.corp.com", []caa.Property{property(t, 0, "issuemail", ";"), property(t, 128, "tbs", "\"\n```")}},
		answer{"a.net", "corp.net", []caa.Property{property(t, 0, "issuemail", "old.test")}},
	)
	files := lettersOf(t, tally, all, 1)
	if len(files) != 2 || files["caa-corp.net.md"] == nil {
		t.Fatalf("%d letters: %v", len(files), files)
	}
	const want = "# CAA records of `corp.com` that stop S/MIME certificates\n" + `
To whoever runs ` + "`corp.com` (contact in the records: ``mailto:`x`@corp.com``)" + `:

CAA records in the DNS say which certification authorities (CAs) may issue certificates for a domain (RFC 8659). For S/MIME certificates, which sign and encrypt mail, those with the property tag issuemail count (RFC 9495). The records of the names below stop a CA that is to issue for mailboxes.

## ` + "`-eu.corp.com`" + `

**What is wrong.** A record is marked critical and has a tag that CAs do not know, so no CA may issue.

**What it stops.** ` + "`New CA` (`new.test`) may not issue for 1 row of our list, in 1 domain: `-eu.corp.com`." + `

**The records now**

` + "````" + `
\045eu.corp.com. IN CAA 0 issuemail ";"
\045eu.corp.com. IN CAA 128 tbs "\"\010` + "```" + `"
` + "````" + `

**Publish these records** in their place, all of them, at this name and at no other. As lines of a zone file:

` + "````" + `
\045eu.corp.com. IN CAA 0 issuemail ";"
\045eu.corp.com. IN CAA 0 tbs "\"\010` + "```" + `"
\045eu.corp.com. IN CAA 0 issuemail "new.test"
` + "````" + `

The same for a form on the web:

` + "````" + `
name   -eu.corp.com
flags  tag           value
0      issuemail     ;
0      tbs           "\"\010` + "```" + `"     (new)
0      issuemail     new.test     (new)
` + "````" + `

**When it is seen.** The present records may be seen for up to 60 seconds (a minute) after the change.

**How to test it**, when it is seen:

` + "```" + `
dig -t CAA -q -eu.corp.com.
caascan check --issuer 'New CA=new.test,www.new.test' -- -eu.corp.com
` + "```" + `

**What to know before**

- 0 issuemail ";" stays: alone it forbids every CA, and beside a record that names one it does nothing. Ask whether that is meant.
- Check with whoever set it: 128 tbs "\\"\\010` + "\\`\\`\\`" + `" is marked critical and has a tag that CAs do not know, so none may issue. It stays, without the mark.
- If a wildcard (\*.example) gives a name its records, the name loses all of them once it has one of its own, and so do the names below it and those between it and the wildcard: write their MX and CAA records beside the new ones, or change those of the wildcard.

## ` + "`corp.com`" + `

**What is wrong.** The issuemail records name other CAs and not this one.

**What it stops.** ` + "`New CA` (`new.test`) may not issue for 1 row of our list, in 1 domain: `corp.com`." + `
`
	got := files["caa-corp.com.md"].String()
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.Contains(got, "\ndig CAA corp.com.\ncaascan check corp.com --issuer 'New CA=new.test,www.new.test'\n") {
		t.Errorf("no commands for corp.com in\n%s", got)
	}
}

// FuzzLetters: whatever octets a name, a record, a contact or a label has, a letter has a
// name that any file system takes, its blocks hold exactly the set that they should, and
// outside of them nothing is a link, a tag or a heading of somebody else's.
func FuzzLetters(f *testing.F) {
	f.Add("\x01a\x02$b", "issuemail", ";", uint8(0), "ca")
	f.Add("\x05a.b;c\x03\"\\\n", "iodef", "mailto:x\n# x [a](javascript:b)", uint8(128), "c\u2028a")
	f.Add("\x03```\x01`", "issuemail", "```\n<script>", uint8(128), "`")
	f.Add("\x01*", "tbs", "https://x.test www.x.test <b> x@y.test", uint8(255), "'; rm -rf /; '")
	f.Add("\x03../\x03con", "issuemail", "ca.test.", uint8(0), "[x](y)")
	f.Add("\x05\\\\x41\\", "issuemail", "\\x41\\u{0041}", uint8(0), "\u202e")
	f.Fuzz(func(t *testing.T, labels, tag, value string, flags uint8, label string) {
		odd, err := caa.NewProperty(flags, tag, value)
		if err != nil {
			return
		}
		issuer, err := caa.ParseIssuer(label + "=new.test")
		owner := ownerOf(labels)
		if err != nil || owner == "" {
			return
		}
		all := []caa.Issuer{issuer}
		tally := tallyOf(t, all, answer{"a.com", owner, []caa.Property{odd, property(t, 0, "issuemail", ";")}})
		for name, text := range lettersOf(t, tally, all, 0) {
			if len(name) > 255 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-+") != "" || !strings.HasPrefix(name, "caa-") {
				t.Errorf("file %q", name)
			}
			checkLetter(t, text.String(), tally.Fixes(0).At(0))
		}
	})
}

func checkLetter(t *testing.T, text string, fix report.FixTotal) {
	t.Helper()
	plain, blocks := cutBlocks(text)
	if len(blocks) != 4 {
		t.Fatalf("%d blocks:\n%s", len(blocks), text)
	}
	for block, want := range map[int][]caa.Property{0: fix.Present.Properties, 1: fix.Set} {
		got := setsOf(t, blocks[block])[fix.Name()]
		want = slices.Clone(want)
		slices.SortFunc(want, func(a, b caa.Property) int { return strings.Compare(a.RDATA(), b.RDATA()) })
		if len(want) == 0 || !slices.Equal(got, slices.Compact(want)) && !strings.HasPrefix(fix.Name(), "*.") {
			t.Fatalf("block %d holds %v, want %v", block, got, want)
		}
	}
	for line := range strings.Lines(plain) {
		line = withoutCode(t, strings.TrimSuffix(line, "\n"))
		if strings.ContainsAny(line, "<>[]~&!") || strings.Contains(line, "://") || strings.Contains(line, "www.") || strings.Contains(line, "@") {
			t.Errorf("Markdown or a link: %q", line)
		}
	}
}

// cutBlocks takes fenced code blocks out of a text (CommonMark 0.31.2, section 4.5).
func cutBlocks(text string) (plain string, blocks []string) {
	var outside, inside bytes.Buffer
	fence := ""
	for line := range strings.Lines(text) {
		switch {
		case fence == "" && strings.HasPrefix(line, "```"):
			fence = line
		case fence == "":
			outside.WriteString(line)
		case strings.HasPrefix(line, strings.TrimSpace(fence)) && strings.Trim(line, "`\n") == "":
			blocks, fence = append(blocks, inside.String()), ""
			inside.Reset()
		default:
			inside.WriteString(line)
		}
	}
	return outside.String(), blocks
}

// withoutCode takes code spans (section 6.1) and what stands after a backslash (section 2.4)
// out of a line.
func withoutCode(t *testing.T, line string) string {
	t.Helper()
	var b strings.Builder
	for line != "" {
		if line[0] == '\\' && len(line) > 1 {
			line = line[2:]
			continue
		}
		if line[0] != '`' {
			b.WriteByte(line[0])
			line = line[1:]
			continue
		}
		ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		rest, ended := line[len(ticks):], false
		for at := 0; at < len(rest) && !ended; {
			run := len(rest[at:]) - len(strings.TrimLeft(rest[at:], "`"))
			if run == len(ticks) {
				line, ended = rest[at+run:], true
			}
			at += max(run, 1)
		}
		if !ended {
			t.Fatalf("a code span has no end: %q", line)
		}
	}
	return b.String()
}

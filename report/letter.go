package report

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
)

// NewLetters returns a Writer of letters: for each registrable domain a text to send to
// whoever runs it, with all that is to be published there so that some CAs may issue, given
// by their places among the decisions. create makes a file of a name that is safe in any
// file system; no name is given twice.
func NewLetters(create func(name string) (io.WriteCloser, error), issuers ...int) Writer {
	return &letterWriter{create: create, issuers: issuers}
}

type letterWriter struct {
	create  func(name string) (io.WriteCloser, error)
	issuers []int
	closed  bool
}

// Write has nothing to do: the tally has what is needed of all rows.
func (l *letterWriter) Write(scan.Result) error {
	if l.closed {
		return ErrClosed
	}
	return nil
}

// Close writes the letters.
func (l *letterWriter) Close(o *Overview) error {
	if l.closed {
		return ErrClosed
	}
	l.closed = true
	fixes := o.Tally.Fixes(l.issuers...)
	owners, places := placesByOwner(fixes)
	for _, owner := range owners {
		if err := l.write(letterName(owner), letter{o.Run.Issuers, owner, len(places[owner]), fixes.at(places[owner])}); err != nil {
			return err
		}
	}
	return nil
}

func (l *letterWriter) write(name string, text letter) error {
	file, err := l.create(name)
	if err != nil {
		return err
	}
	to := bufio.NewWriter(file)
	text.write(to)
	err = to.Flush()
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// placesByOwner takes together what somebody has registered as one name. The owners are in
// the order of the fixes, which are given by their indexes.
func placesByOwner(fixes FixList) (owners []domain.Owner, of map[domain.Owner][]int) {
	of = make(map[domain.Owner][]int)
	for i := range fixes.Len() {
		owner := domain.Owner(fixes.Name(i)).Registrable()
		if of[owner] == nil {
			owners = append(owners, owner)
		}
		of[owner] = append(of[owner], i)
	}
	return owners, of
}

// letterName is the name of a letter's file. It begins with "caa-", because some systems
// keep names such as con.example to themselves, and all take those that begin with a dot for
// hidden. An owner that is not a plain name, or too long, is told apart by a sum after a
// plus sign, which no plain name has.
func letterName(owner domain.Owner) string {
	const longest = 200
	if _, plain := domain.ParsePlain(string(owner)); (plain || isALabelName(string(owner))) && len(owner) <= longest {
		return "caa-" + string(owner) + ".md"
	}
	safe := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || !notAlphanumeric(r) {
			return r
		}
		return '_'
	}, string(owner))
	return fmt.Sprintf("caa-%s+%x.md", safe[:min(len(safe), longest)], sha256.Sum256([]byte(owner)))
}

// Letter returns a text in Markdown that says to whoever runs a name what is wrong with it,
// what to publish and how to test it. Text from the DNS stands in code and does nothing
// where it is shown.
func Letter(issuers []caa.Issuer, fix FixTotal) string {
	var text strings.Builder
	to := bufio.NewWriter(&text)
	letter{issuers, domain.Owner(fix.Name()).Registrable(), 1, slices.Values([]FixTotal{fix})}.write(to)
	_ = to.Flush() // a Builder takes all
	return text.String()
}

// letter is about so many names of one registrable domain. Its fixes are made when they are
// asked for, as those of a FixList.
type letter struct {
	issuers []caa.Issuer
	owner   domain.Owner
	names   int
	fixes   iter.Seq[FixTotal]
}

// write writes it. What goes wrong the Flush after it says.
func (l letter) write(to *bufio.Writer) {
	text := letterText{to, l.issuers}
	owner := code(string(l.owner))
	to.WriteString("# CAA records of " + owner + " that stop S/MIME certificates\n")
	text.line("To whoever runs ", owner, contacts(l.fixes), ":")
	text.line("CAA records in the DNS say which certification authorities (CAs) may issue certificates for a domain (RFC 8659). ",
		"For S/MIME certificates, which sign and encrypt mail, those with the property tag issuemail count (RFC 9495). ",
		be(l.names, "The records of one name stop", "The records of the names below stop"), " a CA that is to issue for mailboxes.")
	for fix := range l.fixes {
		text.fix(fix)
	}
}

// contacts are those in the records, as much as a line holds.
func contacts(fixes iter.Seq[FixTotal]) string {
	var all []string
	for fix := range fixes {
		for _, contact := range fix.Contacts {
			if !slices.Contains(all, code(contact)) && len(all) < maxNotes {
				all = append(all, code(contact))
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return " (contact in the records: " + strings.Join(all, ", ") + ")"
}

// letterText is the text of a letter that is being written.
type letterText struct {
	*bufio.Writer
	issuers []caa.Issuer
}

// line writes a paragraph after the first line.
func (l letterText) line(parts ...string) {
	l.WriteString("\n" + strings.Join(parts, "") + "\n")
}

func (l letterText) fix(fix FixTotal) {
	l.line("## ", code(fix.Name()))
	for _, reason := range fix.Reasons {
		l.line("**What is wrong.** ", reason.Meaning())
	}
	l.line("**What it stops.** ", l.stopped(fix))
	l.line("**The records now**")
	l.block(fix.PresentLines())
	l.line("**Publish these records** in their place, all of them, at this name and at no other. As lines of a zone file:")
	l.block(fix.Lines())
	l.line("The same for a form on the web:")
	l.block(formLines(fix))
	if fix.TTL > 0 {
		l.line("**When it is seen.** The present records may be seen for up to ", fix.Wait(), " after the change.")
	}
	l.line("**How to test it**, when it is seen:")
	l.block(l.commands(fix))
	if notes := letterNotes(fix); len(notes) > 0 {
		l.line("**What to know before**")
		l.WriteString("\n")
		for _, note := range notes {
			l.WriteString("- " + prose(note) + "\n")
		}
	}
}

// letterNotes are what whoever runs the name has to know.
func letterNotes(fix FixTotal) []string {
	notes := slices.Clone(fix.Notes)
	if fix.isForbidden() {
		notes = slices.Insert(notes, 0, "If certificates for mail are forbidden here on purpose, publish nothing and tell us.")
	}
	if kind := fix.nameNote(); kind != "" {
		notes = append(notes, kind.Meaning())
	}
	return notes
}

// letterDomains is how many domains a letter names for each fix.
const letterDomains = 12

func (l letterText) stopped(fix FixTotal) string {
	var who []string
	for _, i := range fix.Issuers {
		issuer := l.issuers[i]
		words := code(issuer.Label)
		if published := issuer.Published().String(); published != issuer.Label {
			words += " (" + code(published) + ")"
		}
		who = append(who, words)
	}
	var names []string
	for _, d := range fix.Domains[:min(len(fix.Domains), letterDomains)] {
		names = append(names, code(d.String()))
	}
	if more := len(fix.Domains) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return Joined(who) + " may not issue for " + plural(fix.Rows, "row") + " of our list, in " + plural(fix.Count.Domains, "domain") + ": " + Joined(names) + "."
}

// formLines are the records as forms ask for them: a value without quotation marks, if it
// has no octet that a form may take for something else.
func formLines(fix FixTotal) []string {
	lines := []string{"name   " + strings.TrimSuffix(domain.Owner(fix.Name()).ZoneText(), "."), "flags  tag           value"}
	for _, p := range fix.Set {
		value := p.Value()
		if !isPlainRecord(p) || strings.ContainsAny(value, `"\`) || strings.TrimSpace(value) != value || value == "" {
			value = `"` + caa.Escape(value) + `"`
		}
		line := fmt.Sprintf("%-6d %-13s %s", p.Flags(), caa.Escape(p.Tag()), value)
		if fix.IsNew(p) {
			line += "     (new)"
		}
		lines = append(lines, line)
	}
	return lines
}

// commands show the records and decide again, for one of the domains.
func (l letterText) commands(fix FixTotal) []string {
	name := domain.Owner(fix.Name()).DecimalText()
	dig := "dig CAA " + shellWord(name)
	if name[0] == '-' {
		dig = "dig -t CAA -q " + shellWord(name)
	}
	check, mailbox := "caascan check", " "+fix.Domains[0].String()
	if mailbox[1] != '-' {
		check, mailbox = check+mailbox, ""
	}
	for _, i := range fix.Issuers {
		check += " --issuer " + shellWord(l.issuers[i].Argument())
	}
	if mailbox != "" {
		check += " --" + mailbox // which would be a flag
	}
	return []string{dig, check}
}

// shellWord quotes a text for a shell (POSIX, section 2.2.2).
func shellWord(text string) string {
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return notAlphanumeric(r) && !strings.ContainsRune("._,=-", r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// code is a text as a code span (CommonMark 0.31.2, section 6.1): in it nothing but the run
// of backticks that ends it means anything.
func code(text string) string {
	text = oneLine(Visible(text))
	ticks := strings.Repeat("`", longestTicks(text)+1)
	if text == "" || text[0] == '`' || text[len(text)-1] == '`' || text[0] == ' ' && text[len(text)-1] == ' ' {
		text = " " + text + " " // one space on each side is taken off
	}
	return ticks + text + ticks
}

// longestTicks is the length of the longest run of backticks.
func longestTicks(text string) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// block writes lines as a fenced code block (section 4.5).
func (l letterText) block(lines []string) {
	longest := 2
	for _, line := range lines {
		longest = max(longest, longestTicks(line))
	}
	fence := strings.Repeat("`", longest+1)
	l.WriteString("\n" + fence + "\n")
	for _, line := range lines {
		l.WriteString(oneLine(Visible(line)) + "\n")
	}
	l.WriteString(fence + "\n")
}

// prose is a sentence with text from the DNS in it, with all that Markdown or the links that
// some add to it would take for more than text after a backslash.
func prose(text string) string {
	var b strings.Builder
	text = oneLine(Visible(text))
	for i := range len(text) {
		c := text[i]
		if strings.IndexByte("\\`*_[]<>#|~&!@", c) >= 0 || c == ':' && strings.HasPrefix(text[i:], "://") || c == '.' && i >= 3 && strings.EqualFold(text[i-3:i], "www") {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

func be(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

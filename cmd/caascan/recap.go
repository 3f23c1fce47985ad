package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/snapshot"
)

// recap is what the end of a scan tells those who watch it on a terminal.
type recap struct {
	rows, domains int
	issuers       []issuerCounts
	facts         []string // sentences about the numbers
	stops         []stop   // what denies the most rows
	moreStops     int
	files         []writtenFile
	next          string // a command that says more of the first stop
	figures       string // of the DNS
}

// issuerCounts are the rows of one CA.
type issuerCounts struct {
	label                             string
	permitted, denied, noName, failed int
}

// stop is a name whose records deny some of the CAs.
type stop struct {
	name   string
	rows   int
	labels []string
}

// writtenFile is one with what to do with it.
type writtenFile struct{ name, hint string }

// mostStops is how many names the end of a scan tells.
const mostStops = 5

// tellEnd says what has come of the scan: in a table to those who watch, else in one line.
func (j *job) tellEnd(o sourceOptions) {
	if !j.console.table {
		j.console.note(j.summary(), j.figures()...)
		return
	}
	fmt.Fprint(j.console.w, j.recap(o).text(widthOf(j.console.w), inkFor(j.console.w)))
}

func (j *job) recap(o sourceOptions) recap {
	total := j.tally.Total()
	e := recap{rows: total.Rows, domains: total.Domains, files: j.writtenFiles(), figures: j.lookupFigures()}
	everyCA := make([]int, len(j.issuers))
	for i, issuer := range j.issuers {
		everyCA[i] = i
		e.issuers = append(e.issuers, j.countsOf(i, issuer.Label))
	}
	for _, text := range []string{j.why("Not looked up", isOfList), j.why("Failed", isOfDNS), j.matrix(thousands), j.changes(thousands), j.leftOut()} {
		if text = strings.TrimPrefix(text, "; "); text != "" {
			e.facts = append(e.facts, strings.ToUpper(text[:1])+text[1:]+".")
		}
	}
	fixes := j.tally.Fixes(everyCA...)
	for f := range fixes.First(mostStops) {
		s := stop{name: f.Name(), rows: f.Rows}
		for _, i := range f.Issuers {
			s.labels = append(s.labels, j.issuers[i].Label)
		}
		e.stops = append(e.stops, s)
	}
	e.moreStops = fixes.Len() - len(e.stops)
	for _, s := range e.stops {
		e.next = cmp.Or(e.next, checkCommand(o, s.name))
	}
	return e
}

// isOfList reports whether a row has a reason because of what stands in the list: nothing
// was looked up for it.
func isOfList(r scan.Reason) bool {
	return r.Status() == scan.LookupFailed && !isOfDNS(r)
}

func isOfDNS(r scan.Reason) bool {
	return slices.Contains(snapshot.Failures(), snapshot.Failure(r))
}

func (j *job) countsOf(issuer int, label string) issuerCounts {
	c := issuerCounts{
		label:     label,
		permitted: j.tally.Status(issuer, scan.Permitted).Rows,
		denied:    j.tally.Status(issuer, scan.Denied).Rows,
	}
	for _, reason := range scan.Reasons() {
		switch rows := j.tally.Reason(issuer, reason).Rows; {
		case isOfList(reason):
			c.noName += rows
		case isOfDNS(reason):
			c.failed += rows
		}
	}
	return c
}

// why says which reasons of one kind rows have. They are the same for all CAs.
func (j *job) why(what string, kind func(scan.Reason) bool) string {
	const anyCA = 0
	var words []string
	for _, reason := range scan.Reasons() {
		if rows := j.tally.Reason(anyCA, reason).Rows; rows > 0 && kind(reason) {
			words = append(words, fmt.Sprintf("%s %s", thousands(rows), reason))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return what + ": " + strings.Join(words, ", ")
}

// leftOut says how many rows --only has left out of the reports.
func (j *job) leftOut() string {
	if j.left == 0 {
		return ""
	}
	return thousands(j.left) + " of the rows are not in the reports (--only)"
}

// writtenFiles are the files of this scan, with what is to be done with them.
func (j *job) writtenFiles() []writtenFile {
	var files []writtenFile
	first := "open it"
	if readable := func(o *output) bool { return o.format == report.XLSX || o.format == report.HTML }; countOf(j.outputs, readable) > 1 {
		first = "open this one first"
	}
	for _, o := range j.files() {
		file := writtenFile{name: o.name}
		switch {
		case o.name == "-":
			continue
		case o.format == report.XLSX:
			file.hint, first = first+", at the sheet Summary", "open it"
		case o.format == report.HTML:
			file.hint, first = first+" in a browser", "open it"
		case o.format == "":
			file.hint = "what to publish"
		}
		if o.name == j.beside {
			file.hint += " (-o gives another name)"
		}
		files = append(files, file)
	}
	if j.metrics.name != "" {
		files = append(files, writtenFile{j.metrics.name, "the numbers of the run"})
	}
	if r := j.record; r != nil {
		files = append(files, writtenFile{r.snapshot, "every answer; --from-snapshot reads it"})
	}
	return files
}

func countOf[T any](all []T, holds func(T) bool) (n int) {
	for _, one := range all {
		if holds(one) {
			n++
		}
	}
	return n
}

// lookupFigures say how much was asked, and how long all took.
func (j *job) lookupFigures() string {
	stats := j.source.stats()
	took := time.Since(j.began).Seconds()
	if j.source.resolver == nil {
		return fmt.Sprintf("Nobody was asked; %.1f seconds.", took)
	}
	words := []string{fmt.Sprintf("%s asked, %s (%s)", many(stats.Names, "name"), numbered(stats.Queries, "query", "queries"), numbered(stats.Retries, "retry", "retries"))}
	if j.run.Reused > 0 {
		words = append(words, many(j.run.Reused, "answer")+" used again")
	}
	if stats.Recovered > 0 {
		words = append(words, many(stats.Recovered, "name")+" failed and recovered in the final pass")
	}
	if stats.Unanswered > 0 {
		words = append(words, many(stats.Unanswered, "name")+" did not answer in any try")
	}
	return fmt.Sprintf("%s; %.1f seconds.", strings.Join(words, "; "), took)
}

// many is a number and what it counts.
func many(n int, what string) string { return numbered(n, what, what+"s") }

func numbered(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + several
}

// checkCommand is the command that shows each step for a name, with the CAs and the source
// of this scan. What is too long to be typed is left out.
func checkCommand(o sourceOptions, name string) string {
	words := []string{"caascan", "check", strings.TrimSuffix(name, ".")}
	for _, flag := range []struct {
		name   string
		values []string
	}{{"issuer", o.issuers}, {"resolver", o.resolvers}, {"zone", o.zones}, {"overlay", o.overlays}, {"from-snapshot", o.snapshots}} {
		for _, value := range flag.values {
			words = append(words, "--"+flag.name, value)
		}
	}
	const longest = 160
	for _, line := range []string{shellLine(words), shellLine(words[:3])} {
		if len(line) <= longest {
			return line
		}
	}
	return ""
}

// text is the recap, set for a terminal of so many columns. All that is foreign in it acts
// on no terminal and is cut to the width.
func (e recap) text(columns int, colours ink) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n\n", many(e.rows, "row"), many(e.domains, "distinct domain"))
	e.table(&b, columns, colours)
	for _, fact := range e.facts {
		fmt.Fprintf(&b, "%s\n", wrappedNumbers(flat(fact), columns))
	}
	e.tellStops(&b, columns, colours)
	e.tellFiles(&b, columns, colours)
	if e.next != "" {
		fmt.Fprintf(&b, "\nTo see each step for one name:\n  %s\n", flat(e.next))
	}
	fmt.Fprintf(&b, "\n%s\n", wrappedNumbers(e.figures, columns))
	return b.String()
}

// afterNumber is the space between a number and what it counts.
var afterNumber = regexp.MustCompile(`([0-9]) `)

// wrappedNumbers breaks a text into lines, but not between a number and what it counts.
func wrappedNumbers(text string, columns int) string {
	const kept = "\u00a0"
	return strings.ReplaceAll(wrapped("", afterNumber.ReplaceAllString(text, "$1"+kept), columns), kept, " ")
}

// table has a line for each CA.
func (e recap) table(b *strings.Builder, columns int, colours ink) {
	heads := [...]string{"permitted", "denied", "not looked up", "failed"}
	const gap = 2
	numbers := 0
	for i := range heads {
		numbers += gap + e.columnWidth(i, heads[i])
	}
	label := 0
	for _, c := range e.issuers {
		label = max(label, columnsOf(flat(c.label)))
	}
	const leastLabel = 8
	label = min(label, max(columns-numbers, leastLabel))
	b.WriteString(strings.Repeat(" ", label))
	for i, head := range heads {
		fmt.Fprintf(b, "%*s", gap+e.columnWidth(i, head), head)
	}
	b.WriteByte('\n')
	for _, c := range e.issuers {
		b.WriteString(padded(fitted(c.label, label), label))
		for i, n := range c.numbers() {
			cell := fmt.Sprintf("%*s", gap+e.columnWidth(i, heads[i]), thousands(n))
			if n > 0 {
				cell = colours.status(countStatus(i), cell)
			}
			b.WriteString(cell)
		}
		b.WriteByte('\n')
	}
}

func (c issuerCounts) numbers() [4]int {
	return [...]int{c.permitted, c.denied, c.noName, c.failed}
}

// countStatus is the status that one of the numbers is of.
func countStatus(i int) scan.Status {
	return [...]scan.Status{scan.Permitted, scan.Denied, scan.LookupFailed, scan.LookupFailed}[i]
}

// columnWidth is that of the widest number, or of the head.
func (e recap) columnWidth(i int, head string) int {
	widest := len(head)
	for _, c := range e.issuers {
		widest = max(widest, len(thousands(c.numbers()[i])))
	}
	return widest
}

func (e recap) tellStops(b *strings.Builder, columns int, colours ink) {
	if len(e.stops) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", colours.set(bold, "Denied by the records at"))
	rows, name, labels := 0, 0, 0
	for _, s := range e.stops {
		rows = max(rows, len(thousands(s.rows)))
		name = max(name, columnsOf(flat(s.name)))
		labels = max(labels, columnsOf(flat(strings.Join(s.labels, ", "))))
	}
	if len(e.issuers) == 1 {
		labels = 0 // there is no other
	}
	room := columns - rows - len("   rows    for ")
	labels = min(labels, max(room/3, room-name)) // names are what is looked for
	name = min(name, room-labels)
	for _, s := range e.stops {
		line := fmt.Sprintf("  %*s %s  %s", rows, thousands(s.rows), padded(rowWord(s.rows), len("rows")), padded(fitted(s.name, name), name))
		if labels > 0 {
			line += "  for " + fitted(strings.Join(s.labels, ", "), labels)
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
	if e.moreStops > 0 {
		fmt.Fprintf(b, "  and at %s\n", many(e.moreStops, "more name"))
	}
}

func rowWord(n int) string {
	if n == 1 {
		return "row"
	}
	return "rows"
}

func (e recap) tellFiles(b *strings.Builder, columns int, colours ink) {
	if len(e.files) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", colours.set(bold, "Written"))
	name := 0
	for _, f := range e.files {
		name = max(name, columnsOf(flat(f.name)))
	}
	name = min(name, columns-len("  "))
	for _, f := range e.files {
		switch line := "  " + padded(fitted(f.name, name), name); {
		case f.hint == "":
			fmt.Fprintln(b, strings.TrimRight(line, " "))
		case columnsOf(line)+len("  ")+len(f.hint) <= columns:
			fmt.Fprintf(b, "%s  %s\n", line, f.hint)
		default:
			fmt.Fprintf(b, "%s\n%s\n", strings.TrimRight(line, " "), wrapped("    ", f.hint, columns))
		}
	}
}

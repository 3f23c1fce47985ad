package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"caascan/scan"
	"caascan/scan/caa"
)

// writeSummary fills the summary sheet.
func (c *closing) writeSummary() error {
	p := &page{file: c.file, book: c.book, row: 1}
	p.err = p.setUp()
	p.title(c.table.labels, c.run)
	p.notes(c.run.Notes)
	p.facts(c.run, leadingFacts())
	p.sheets(c.series())
	p.changed(c.tally)
	p.permissions(c.table.labels, c.tally)
	for i := range c.fixed {
		p.issuer(i, &c.fixed[i], &c.tally.Counts, c.run.Issuers)
	}
	p.warnings(c.tally)
	further := furtherFacts(c.run)
	p.keep(float64(rowPoints*(len(further)+1)) + headingPoints("The run"))
	p.heading("The run")
	p.facts(c.run, further)
	return cmp.Or(p.err, c.book.err)
}

func (p *page) title(labels []string, run Run) {
	p.wide(wordColumn, summaryTitle, pageWidth, 30, look{size: 20, bold: true, color: navy})
	p.wide(wordColumn, question(labels, run), pageWidth, 20, look{size: 12, color: faded})
}

// notes stand at the top, because they make everything below weaker.
func (p *page) notes(notes []string) {
	for _, note := range notes {
		p.wide(wordColumn, note, pageWidth, 0, look{color: amber, fill: paleAmber})
	}
}

// facts writes the facts with these names.
func (p *page) facts(run Run, names []string) {
	for _, f := range run.facts() {
		if slices.Contains(names, f.name) {
			p.fact(f)
		}
	}
}

func (p *page) fact(f fact) {
	p.put(wordColumn, f.name, look{color: faded})
	p.wide(rowsColumn, f.value, sideWidth, 0, look{align: "left", format: factFormat(f.value)})
}

func factFormat(value any) string {
	if _, ok := value.(int); ok {
		return countFormat
	}
	return textFormat
}

// sheets leads to the other sheets, and says how many lines each has: as many side by
// side as there are columns of numbers, and the last, the legend, beside the first.
func (p *page) sheets(all []*series) {
	columns := []string{wordColumn, rowsColumn, shareColumn, domainsColumn}
	counted, legend := all[:len(all)-1], all[len(all)-1]
	beside := look{size: 11, bold: true, fill: paleNavy, align: "left", indent: 1}
	p.endRow(0)
	p.link(meaningColumn, legend.name, place{legend.name, 1}, beside)
	for i, band := range slices.Collect(slices.Chunk(counted, len(columns))) {
		p.sheetNames(columns, band)
		if i == 0 {
			p.put(meaningColumn, "what every word in this workbook means", look{fill: paleNavy, line: true, indent: 1, align: "left", middle: true})
		}
		p.sheetLines(columns, band)
	}
}

func (p *page) sheetNames(columns []string, band []*series) {
	name := look{size: 11, bold: true, fill: paleNavy}
	for i, s := range band {
		if i > 0 {
			name.align = "right"
		}
		p.link(columns[i], s.name, place{s.name, 1}, name)
	}
	p.endRow(18)
}

func (p *page) sheetLines(columns []string, band []*series) {
	count := look{size: 14, format: countFormat, fill: paleNavy, line: true, align: "left"}
	for i, s := range band {
		if i > 0 {
			count.align = "right"
		}
		p.put(columns[i], s.lines(), count)
	}
	p.endRow(22)
}

// permissions is what a move from one CA to another rests on.
func (p *page) permissions(labels []string, tally *Tally) {
	if len(labels) < 2 {
		return
	}
	const heading = "Which CAs may issue"
	lines := permissionLines(labels, tally.Permissions())
	points := rowPoints + headingPoints(heading)
	for i := range lines {
		lines[i].look.size = 14
		points += largeHeight(lines[i].name, lines[i].look, lines[i].meaning)
	}
	p.keep(points)
	p.heading(heading)
	p.labels("May issue", "What it means")
	for _, line := range lines {
		p.large(line.name, line.Count, tally.Total(), line.look, line.meaning)
	}
}

// issuer is all about one CA.
func (p *page) issuer(i int, fixes *issuerFixes, counts *Counts, issuers []caa.Issuer) {
	bars := max(len(counts.found(i)), len(fixes.places))
	heading := "Result for " + issuerText(fixes.label, i, issuers)
	if len(issuers) > 1 { // a lone one begins on the first page of paper
		p.keep(headingPoints(heading) + statusesHeight + chartPoints(bars))
	}
	p.heading(heading)
	var t issuerTables
	t.statuses = p.statuses(i, counts)
	if counts.Total().Rows == 0 {
		return
	}
	p.keep(chartPoints(bars))
	at := p.reserve(bars)
	t.reasons = p.reasons(i, counts)
	t.names = p.names(fixes, counts.Total())
	p.drawCharts(at, t, statusWords(i, counts))
}

// The size of the large numbers, and the height of all that stands between the heading
// and the charts of a CA.
const (
	largeSize      = 20
	statusesHeight = rowPoints + 3*1.4*largeSize + rowPoints
)

func (p *page) statuses(issuer int, counts *Counts) span {
	p.labels("Status", "What it means")
	first := p.row
	for _, status := range scan.Statuses() {
		l := statusLook(status)
		l.size = largeSize
		p.large(string(status), counts.Status(issuer, status), counts.Total(), l, status.Meaning())
	}
	last := p.row - 1
	p.put(wordColumn, "all", look{bold: true})
	p.counts(counts.Total(), counts.Total(), look{bold: true})
	p.put(meaningColumn, "Rows without a domain count as rows only.", look{color: faded, align: "left", indent: 1})
	p.endRow(0)
	return span{first, last}
}

// statusWords says in words what the doughnut shows.
func statusWords(issuer int, counts *Counts) string {
	var words []string
	for _, status := range scan.Statuses() {
		words = append(words, fmt.Sprintf("%s: %d", status, counts.Status(issuer, status).Rows))
	}
	return "Rows. " + strings.Join(words, ", ")
}

func (p *page) reasons(issuer int, counts *Counts) span {
	var entries []entry
	for _, reason := range counts.found(issuer) {
		entries = append(entries, entry{
			word: string(reason), count: counts.Reason(issuer, reason), look: statusLook(reason.Status()), meaning: reason.Meaning(),
		})
	}
	return p.table("Reason", "What it means", entries, counts.Total())
}

// largestNames is how many names of the fix list stand in the summary.
const largestNames = 10

// names are those that stop a CA for the most rows, with links to the fix list.
func (p *page) names(fixes *issuerFixes, all Count) span {
	if len(fixes.places) == 0 {
		return span{p.row, p.row - 1}
	}
	var entries []entry
	for i, at := range fixes.places {
		fix := &fixes.totals[i]
		entries = append(entries, entry{
			word: shorten(fix.Name(), 2*wordWidth), to: at, count: fix.Count, look: look{line: true},
			meaning: shorten(propertiesText(mailFirst(fix.Present.Properties)), meaningWidth),
		})
	}
	p.endRow(0)
	rows := p.table("Largest blocking name", "Records now", entries, all)
	if more := len(fixes.totals) - len(fixes.places); more > 0 {
		p.put(wordColumn, fmt.Sprintf("and %d more, in the fix list", more), look{color: faded, italic: true})
		p.endRow(0)
	}
	return rows
}

// mailFirst puts those that say who may issue for mail in front.
func mailFirst(set []caa.Property) []caa.Property {
	set = slices.Clone(set)
	slices.SortStableFunc(set, func(a, b caa.Property) int {
		switch {
		case a.Is(caa.TagIssuemail) == b.Is(caa.TagIssuemail):
			return 0
		case a.Is(caa.TagIssuemail):
			return -1
		}
		return 1
	})
	return set
}

// warnings are those that were given.
func (p *page) warnings(tally *Tally) {
	var entries []entry
	for _, w := range tally.Warnings() {
		entries = append(entries, entry{word: string(w.Warning), count: w.Count, look: look{line: true}, meaning: w.Warning.Meaning()})
	}
	if len(entries) == 0 {
		return
	}
	const heading = "Warnings"
	p.keep(headingPoints(heading) + tablePoints(entries))
	p.heading(heading)
	p.table("Warning", "What it means", entries, tally.Total())
}

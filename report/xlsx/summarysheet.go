package xlsx

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"caascan/report"
	"caascan/scan/caa"
)

// writeSummary fills the summary sheet.
func (c *finisher) writeSummary() error {
	p := &summary{file: c.file, book: c.book, row: 1}
	p.err = p.setUp()
	p.title(c.over)
	p.notes(c.over.Run.Notes)
	p.facts(c.over.Leading())
	p.sheets(c.series())
	if c.changes != nil {
		p.changed(c.over.Tally, c.changes.series)
	}
	p.permissions(c.over)
	for i := range c.fixed {
		p.issuer(&c.fixed[i], c.over)
	}
	for _, g := range c.groups {
		p.grouped(g, c.over)
	}
	p.warnings(c.over)
	further := c.over.Further()
	p.keep(float64(rowPoints*(len(further)+1)) + headingPoints("The run"))
	p.heading("The run")
	p.facts(further)
	p.setPages()
	return cmp.Or(p.err, c.book.err)
}

func (p *summary) title(o *report.Overview) {
	p.wide(wordColumn, report.Title, pageWidth, 30, look{size: 20, bold: true, color: navy})
	p.wide(wordColumn, o.Question(), pageWidth, 20, look{size: 12, color: faded})
}

// notes are at the top, because they make everything below weaker.
func (p *summary) notes(notes []string) {
	for _, note := range notes {
		p.wide(wordColumn, note, pageWidth, 0, look{color: amber, fill: paleAmber})
	}
}

func (p *summary) facts(facts []report.Fact) {
	for _, f := range facts {
		p.fact(f)
	}
}

func (p *summary) fact(f report.Fact) {
	p.put(wordColumn, f.Name, look{color: faded})
	p.wide(rowsColumn, f.Value, sideWidth, 0, look{align: "left", format: factFormat(f.Value)})
}

func factFormat(value any) string {
	if _, ok := value.(int); ok {
		return countFormat
	}
	return textFormat
}

// sheets leads to the other sheets, and says how many lines each has: as many side by
// side as there are columns of numbers, and the last, the legend, beside the first.
func (p *summary) sheets(all []*series) {
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

func (p *summary) sheetNames(columns []string, band []*series) {
	name := look{size: 11, bold: true, fill: paleNavy}
	for i, s := range band {
		if i > 0 {
			name.align = "right"
		}
		if s.isThere() {
			p.link(columns[i], s.name, place{s.name, 1}, name)
		} else {
			p.put(columns[i], s.name, name)
		}
	}
	p.endRow(18)
}

func (p *summary) sheetLines(columns []string, band []*series) {
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
func (p *summary) permissions(o *report.Overview) {
	lines := o.Permissions()
	if len(lines) == 0 {
		return
	}
	const heading = "Which CAs may issue"
	points := rowPoints + headingPoints(heading)
	looks := make([]look, len(lines))
	for i, line := range lines {
		looks[i] = permissionLook(line.Kind)
		looks[i].size = 14
		points += largeHeight(line.Name, looks[i], line.Meaning)
	}
	p.keep(points)
	p.heading(heading)
	p.labels("May issue", "What it means")
	for i, line := range lines {
		p.large(line.Name, line.Count, o.Total(), looks[i], line.Meaning)
	}
}

// issuer is all about one CA.
func (p *summary) issuer(issuer *issuerFixes, o *report.Overview) {
	var t issuerTables
	for _, r := range issuer.Reasons {
		t.kinds = append(t.kinds, r.Reason.Status())
	}
	t.names = span{1, len(issuer.places)} // where they are is known when they are written
	bars := t.bars()
	heading := "Result for " + issuer.Heading
	if len(o.Run.Issuers) > 1 { // a lone one begins on the first page of paper
		p.keep(headingPoints(heading) + statusesHeight + chartPoints(bars))
	}
	p.heading(heading)
	t.statuses = p.statuses(issuer.Statuses, o.Total())
	if o.Total().Rows == 0 {
		return
	}
	p.keep(chartPoints(bars))
	at := p.reserve(bars)
	t.reasons = p.reasons(issuer.Reasons, o.Total())
	t.names = p.names(issuer, o.Total())
	p.drawCharts(at, t, statusWords(issuer.Statuses))
}

// The size of the large numbers, and the height of all that is between the heading
// and the charts of a CA.
const (
	largeSize      = 20
	statusesHeight = rowPoints + 3*1.4*largeSize + rowPoints
)

func (p *summary) statuses(statuses []report.StatusCount, all report.Count) span {
	p.labels("Status", "What it means")
	first := p.row
	for _, s := range statuses {
		l := statusLook(s.Status)
		l.size = largeSize
		p.large(string(s.Status), s.Count, all, l, s.Status.Meaning())
	}
	last := p.row - 1
	p.put(wordColumn, "all", look{bold: true})
	p.counts(all, all, look{bold: true})
	p.put(meaningColumn, "Rows without a domain count as rows only.", look{color: faded, align: "left", indent: 1})
	p.endRow(0)
	return span{first, last}
}

// statusWords says in words what the doughnut shows.
func statusWords(statuses []report.StatusCount) string {
	var words []string
	for _, s := range statuses {
		words = append(words, fmt.Sprintf("%s: %d", s.Status, s.Rows))
	}
	return "Rows. " + strings.Join(words, ", ")
}

func (p *summary) reasons(reasons []report.ReasonCount, all report.Count) span {
	var entries []entry
	for _, r := range reasons {
		entries = append(entries, entry{
			word: string(r.Reason), count: r.Count, look: statusLook(r.Reason.Status()), meaning: r.Reason.Meaning(),
		})
	}
	return p.table("Reason", "What it means", entries, all)
}

// names are those that stop a CA for the most rows, with links to the fix list.
func (p *summary) names(fixes *issuerFixes, all report.Count) span {
	if len(fixes.places) == 0 {
		return span{p.row, p.row - 1}
	}
	var entries []entry
	for i, at := range fixes.places {
		fix := fixes.Fixes.At(i)
		entries = append(entries, entry{
			word: report.Shorten(fix.Name(), 2*wordWidth), to: at, count: fix.Count, look: look{line: true},
			meaning: report.Shorten(report.PropertiesText(mailFirst(fix.Present.Properties)), meaningWidth),
		})
	}
	p.endRow(0)
	rows := p.table("Largest blocking name", "Records now", entries, all)
	if more := fixes.Fixes.Len() - len(fixes.places); more > 0 {
		p.put(wordColumn, fmt.Sprintf("and %s more, in the fix list", thousands(more)), look{color: faded, italic: true})
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
func (p *summary) warnings(o *report.Overview) {
	var entries []entry
	for _, w := range o.Warnings() {
		entries = append(entries, entry{word: string(w.Warning), count: w.Count, look: look{line: true}, meaning: w.Warning.Meaning()})
	}
	if len(entries) == 0 {
		return
	}
	const heading = "Warnings"
	p.keep(headingPoints(heading) + tablePoints(entries))
	p.heading(heading)
	p.table("Warning", "What it means", entries, o.Total())
}

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"caascan/scan"
	"caascan/scan/caa"
)

const summaryTitle = "CAA check for S/MIME certificates"

// The columns of the summary and their widths in characters.
const (
	wordColumn    = "A"
	rowsColumn    = "B"
	shareColumn   = "C"
	domainsColumn = "D"
	meaningColumn = "E"

	wordWidth    = 32
	numberWidth  = 15
	meaningWidth = 96
	sideWidth    = 3*numberWidth + meaningWidth // B to E together
)

// page is the summary, written from top to bottom. What excelize says against a
// cell is kept until the end.
type page struct {
	file *excelize.File
	book *stylebook
	row  int // the one that is being written
	err  error
}

// writeSummary fills the summary sheet.
func (c *closing) writeSummary() error {
	p := &page{file: c.file, book: c.book, row: 1}
	p.err = p.setUp()
	p.title(c.table.labels, c.run)
	p.notes(c.run.Notes)
	p.facts(c.run, leadingFacts())
	p.sheets(c.series())
	p.permissions(c.table.labels, c.tally)
	for i := range c.fixed {
		p.issuer(i, &c.fixed[i], &c.tally.Counts, c.run.Issuers)
	}
	p.warnings(c.tally)
	p.heading("The run")
	p.facts(c.run, furtherFacts(c.run))
	return cmp.Or(p.err, c.book.err)
}

// leadingFacts are the names of the facts that stand at the top.
func leadingFacts() []string {
	return []string{"Input", "SHA-256 of the input", "Started", "Finished", "Resolver", "Zone file"}
}

// furtherFacts are the names of all others.
func furtherFacts(run Run) []string {
	var names []string
	for _, f := range run.facts() {
		if !slices.Contains(leadingFacts(), f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

// facts writes the facts with these names.
func (p *page) facts(run Run, names []string) {
	for _, f := range run.facts() {
		if slices.Contains(names, f.name) {
			p.fact(f)
		}
	}
}

// sheets leads to the other sheets.
func (p *page) sheets(all []*series) {
	p.heading("The sheets")
	p.labels("Sheet", "Lines", "", "", "What it holds")
	for i, text := range sheetTexts() {
		for _, s := range all[i].sheets {
			p.link(s.stream.Sheet, place{s.stream.Sheet, 1}, look{line: true})
			p.put(rowsColumn, all[i].linesOn(s), look{line: true, format: countFormat, align: "right"})
			p.put(meaningColumn, text.holds, look{line: true, align: "left", indent: 1})
			p.endRow(0)
		}
	}
}

// permissions is what a move from one CA to another rests on.
func (p *page) permissions(labels []string, tally *Tally) {
	if len(labels) < 2 {
		return
	}
	p.heading("Which CAs may issue")
	p.labels("May issue", "Rows", "Share of rows", "Domains", "What it means")
	for _, m := range permissionLines(labels, tally.Permissions()) {
		l := m.look
		l.size, l.middle, l.wrap = 14, true, true
		p.put(wordColumn, m.name, l)
		p.counts(m.Count, tally.Total(), l)
		p.put(meaningColumn, m.meaning, look{color: l.color, fill: l.fill, middle: true, wrap: true, align: "left", indent: 1})
		p.endRow(max(24, height(m.name, wordWidth*textSize/14), height(m.meaning, meaningWidth)))
	}
}

// issuer is all about one CA.
func (p *page) issuer(i int, fixes *issuerFixes, counts *Counts, issuers []caa.Issuer) {
	p.heading("Result for " + issuerText(fixes.label, i, issuers))
	var t issuerTables
	t.statuses = p.statuses(i, counts)
	if counts.Total().Rows == 0 {
		return
	}
	at := p.reserve(max(len(counts.found(i)), len(fixes.places)))
	t.reasons = p.reasons(i, counts)
	t.names = p.names(fixes, counts.Total())
	p.drawCharts(at, t, statusWords(i, counts))
}

// statusWords says in words what the doughnut shows.
func statusWords(issuer int, counts *Counts) string {
	var words []string
	for _, status := range scan.Statuses() {
		words = append(words, fmt.Sprintf("%s: %d", status, counts.Status(issuer, status).Rows))
	}
	return "Rows. " + strings.Join(words, ", ")
}

// largestNames is how many names of the fix list stand in the summary.
const largestNames = 10

// names are those that stop a CA for the most rows, with links to the fix list.
func (p *page) names(fixes *issuerFixes, all Count) span {
	rows := span{p.row, p.row - 1}
	if len(fixes.places) == 0 {
		return rows
	}
	p.endRow(0)
	p.labels("Largest blocking name", "Rows", "Share of rows", "Domains", "Records now")
	rows.first = p.row
	for i, at := range fixes.places {
		fix := &fixes.totals[i]
		p.link(shorten(fix.Name(), 2*wordWidth), at, look{line: true, wrap: true})
		p.counts(fix.Count, all, look{line: true})
		now := shorten(propertiesText(fix.Present.Properties), meaningWidth)
		p.put(meaningColumn, now, look{line: true, align: "left", indent: 1})
		p.endRow(height(fix.Name(), wordWidth))
	}
	rows.last = p.row - 1
	if more := len(fixes.totals) - len(fixes.places); more > 0 {
		p.put(wordColumn, fmt.Sprintf("and %d more, in the fix list", more), look{color: faded, italic: true})
		p.endRow(0)
	}
	return rows
}

// shorten leaves out the middle of a text that is longer than so many characters.
func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	const gap = " … "
	half := (most - len([]rune(gap))) / 2
	return string(runes[:half]) + gap + string(runes[len(runes)-half:])
}

// warnings are those that were given.
func (p *page) warnings(tally *Tally) {
	given := tally.Warnings()
	if len(given) == 0 {
		return
	}
	p.heading("Warnings")
	p.labels("Warning", "Rows", "Share of rows", "Domains", "What it means")
	for _, w := range given {
		p.put(wordColumn, string(w.Warning), look{line: true})
		p.counts(w.Count, tally.Total(), look{line: true})
		p.put(meaningColumn, w.Warning.Meaning(), look{wrap: true, line: true, align: "left", indent: 1})
		p.endRow(height(w.Warning.Meaning(), meaningWidth))
	}
}

// issuerText names a CA by its label and its issuer domain names.
func issuerText(label string, i int, issuers []caa.Issuer) string {
	if i >= len(issuers) {
		return label
	}
	var names []string
	for _, name := range issuers[i].Domains {
		names = append(names, name.String())
	}
	list := strings.Join(names, ", ")
	if names[0] == label {
		return list
	}
	return label + " (" + list + ")"
}

func (p *page) title(labels []string, run Run) {
	p.put(wordColumn, summaryTitle, look{size: 20, bold: true, color: navy})
	p.endRow(30)
	p.put(wordColumn, question(labels, run), look{size: 12, color: faded})
	p.endRow(20)
}

// question is what a report answers.
func question(labels []string, run Run) string {
	return "May " + strings.Join(labels, " or ") + " issue for the mailboxes in " + cmp.Or(run.InputName, "the input") + "?"
}

// notes stand at the top, because they make everything below weaker.
func (p *page) notes(notes []string) {
	for _, note := range notes {
		p.wide(wordColumn, note, wordWidth+sideWidth, look{color: amber, fill: paleAmber, wrap: true})
	}
}

func (p *page) heading(text string) {
	p.endRow(0)
	p.put(wordColumn, text, look{size: 14, bold: true, color: navy})
	p.endRow(22)
}

// statusMeaning says what a status says, for people who have read no RFC.
func statusMeaning(status scan.Status) string {
	switch status {
	case scan.Permitted:
		return "CAA does not stop this CA from issuing for these mailboxes."
	case scan.Denied:
		return "CAA stops this CA. What has to be published so that it may issue stands in the fix list."
	case scan.LookupFailed:
		return "It could not be found out. Take none of these for permitted."
	}
	panic("report: unknown status " + string(status))
}

func (p *page) statuses(issuer int, counts *Counts) span {
	p.labels("Status", "Rows", "Share of rows", "Domains", "What it means")
	rows := span{p.row, p.row + len(scan.Statuses()) - 1}
	for _, status := range scan.Statuses() {
		l := statusLook(status)
		l.size, l.middle = 20, true
		count := counts.Status(issuer, status)
		p.put(wordColumn, string(status), l)
		p.counts(count, counts.Total(), l)
		p.put(meaningColumn, statusMeaning(status), look{color: l.color, fill: l.fill, middle: true, align: "left", indent: 1})
		p.endRow(30)
	}
	p.put(wordColumn, "all", look{bold: true})
	p.counts(counts.Total(), counts.Total(), look{bold: true})
	p.put(meaningColumn, "Rows without a domain count as rows only.", look{color: faded, align: "left", indent: 1})
	p.endRow(0)
	return rows
}

func (p *page) reasons(issuer int, counts *Counts) span {
	p.labels("Reason", "Rows", "Share of rows", "Domains", "What it means")
	first := p.row
	for _, reason := range counts.found(issuer) {
		p.put(wordColumn, string(reason), statusLook(reason.Status()))
		p.counts(counts.Reason(issuer, reason), counts.Total(), look{line: true})
		p.put(meaningColumn, reason.Meaning(), look{wrap: true, line: true, align: "left", indent: 1})
		p.endRow(height(reason.Meaning(), meaningWidth))
	}
	return span{first, p.row - 1}
}

// labels is the first line of a table: a word, three numbers and a sentence.
func (p *page) labels(word, rows, share, domains, meaning string) {
	l := look{bold: true, color: white, fill: navy}
	p.put(wordColumn, word, l)
	l.align = "right"
	p.put(rowsColumn, rows, l)
	p.put(shareColumn, share, l)
	p.put(domainsColumn, domains, l)
	l.align, l.indent = "left", 1
	p.put(meaningColumn, meaning, l)
	p.endRow(0)
}

func (p *page) counts(c, all Count, l look) {
	l.align = "right"
	l.format = countFormat
	p.put(rowsColumn, c.Rows, l)
	p.put(domainsColumn, c.Domains, l)
	l.format = percentFormat
	p.put(shareColumn, float64(c.Rows)/float64(max(all.Rows, 1)), l)
}

func (p *page) fact(f fact) {
	p.put(wordColumn, f.name, look{color: faded})
	p.wide(rowsColumn, f.value, sideWidth, look{align: "left", wrap: true, format: factFormat(f.value)})
}

func factFormat(value any) string {
	if _, ok := value.(int); ok {
		return countFormat
	}
	return textFormat
}

// put writes a string or a number into a column of the present row.
func (p *page) put(column string, value any, l look) {
	if p.err != nil {
		return
	}
	if text, ok := value.(string); ok {
		value = cellText(text)
	}
	at := p.at(column)
	p.err = cmp.Or(
		p.file.SetCellValue(summarySheet, at, value),
		p.file.SetCellStyle(summarySheet, at, at, p.book.number(l)),
	)
}

// link writes a word that leads to a place.
func (p *page) link(text string, to place, l look) {
	l.color, l.underline = linkBlue, true
	p.put(wordColumn, text, l)
	if p.err == nil {
		p.err = p.file.SetCellHyperLink(summarySheet, p.at(wordColumn), to.location(), "Location")
	}
}

// wide writes a row of its own from a column to the last, width characters in
// all.
func (p *page) wide(column string, value any, width float64, l look) {
	p.put(column, value, l)
	if p.err == nil {
		p.err = p.file.MergeCell(summarySheet, p.at(column), p.at(meaningColumn))
	}
	p.endRow(height(fmt.Sprint(value), width))
}

func (p *page) at(column string) string { return column + strconv.Itoa(p.row) }

// endRow goes on to the next row. The height is in points; 0 is the usual one.
func (p *page) endRow(height float64) {
	if p.err == nil && height > 0 {
		p.err = p.file.SetRowHeight(summarySheet, p.row, height)
	}
	p.row++
}

// height is about that of a row whose text is wrapped, which spreadsheets do not
// work out by themselves where cells are merged.
func height(text string, width float64) float64 {
	return min(float64(lineHeight*linesOf(text, width)), excelize.MaxRowHeight)
}

// linesOf is about how many lines a text takes in a column of this width. Widths
// count digits, and letters are narrower.
func linesOf(text string, width float64) int {
	const lettersPerDigit = 1.1
	lines := 0
	for part := range strings.SplitSeq(text, "\n") {
		lines += max(1, int(math.Ceil(float64(utf8.RuneCountInString(part))/(lettersPerDigit*width))))
	}
	return lines
}

// setUp fixes what the page looks like.
func (p *page) setUp() error {
	f := p.file
	return cmp.Or(
		f.SetColWidth(summarySheet, wordColumn, wordColumn, wordWidth),
		f.SetColWidth(summarySheet, rowsColumn, domainsColumn, numberWidth),
		f.SetColWidth(summarySheet, meaningColumn, meaningColumn, meaningWidth),
		f.SetSheetView(summarySheet, 0, &excelize.ViewOptions{ShowGridLines: new(false)}),
		setPage(f, summarySheet, 1),
	)
}

package report

import (
	"cmp"
	"fmt"
	"math"
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
func writeSummary(book *stylebook, labels []string, counts *Counts, run Run) error {
	p := &page{file: book.file, book: book, row: 1}
	p.err = p.setUp()
	p.title(labels, run)
	p.notes(run.Notes)
	for i, label := range labels {
		p.heading("Result for " + issuerText(label, i, run.Issuers))
		p.statuses(i, counts)
		p.reasons(i, counts)
	}
	p.heading("The run")
	for _, f := range run.facts() {
		p.fact(f)
	}
	return cmp.Or(p.err, book.err)
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
	question := "May " + strings.Join(labels, " or ") + " issue for the mailboxes in " + cmp.Or(run.InputName, "the input") + "?"
	p.put(wordColumn, question, look{size: 12, color: faded})
	p.endRow(20)
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

func (p *page) statuses(issuer int, counts *Counts) {
	p.labels("Status")
	for _, status := range scan.Statuses() {
		l := statusLook(status)
		l.size, l.middle = 20, true
		count := counts.Status(issuer, status)
		p.put(wordColumn, string(status), l)
		p.counts(count, counts.Total(), l)
		p.put(meaningColumn, status.Meaning(), look{color: l.color, fill: l.fill, middle: true, align: "left", indent: 1})
		p.endRow(30)
	}
	p.put(wordColumn, "all", look{bold: true})
	p.counts(counts.Total(), counts.Total(), look{bold: true})
	p.put(meaningColumn, "Rows without a domain count as rows only.", look{color: faded, align: "left", indent: 1})
	p.endRow(0)
}

func (p *page) reasons(issuer int, counts *Counts) {
	p.endRow(0)
	p.labels("Reason")
	for _, reason := range counts.found(issuer) {
		p.put(wordColumn, string(reason), statusLook(reason.Status()))
		p.counts(counts.Reason(issuer, reason), counts.Total(), look{line: true})
		p.put(meaningColumn, reason.Meaning(), look{wrap: true, line: true, align: "left", indent: 1})
		p.endRow(height(reason.Meaning(), meaningWidth))
	}
}

// labels is the first line of a table of counts.
func (p *page) labels(first string) {
	l := look{bold: true, color: white, fill: navy}
	p.put(wordColumn, first, l)
	l.align = "right"
	p.put(rowsColumn, "Rows", l)
	p.put(shareColumn, "Share of rows", l)
	p.put(domainsColumn, "Domains", l)
	l.align, l.indent = "left", 1
	p.put(meaningColumn, "What it means", l)
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

package xlsx

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"caascan/report"
)

// The columns of the summary and their widths in characters.
const (
	wordColumn    = "A"
	rowsColumn    = "B"
	shareColumn   = "C"
	domainsColumn = "D"
	meaningColumn = "E"

	wordWidth    = 32
	numberWidth  = 19 // of eight digits of largeSize: one that does not fit is shown as ###
	meaningWidth = 84
	sideWidth    = 3*numberWidth + meaningWidth // B to E together
	pageWidth    = wordWidth + sideWidth
)

// The height of an ordinary row. excelize takes it for 18 pixels where it places
// charts; they are 20.
const (
	rowPoints = 15
	rowPixels = 18
)

// summary is the summary, written from top to bottom. What excelize says against a
// cell is kept until the end.
type summary struct {
	file   *excelize.File
	book   *stylebook
	row    int      // the one that is being written
	used   float64  // points of the page of paper
	all    float64  // points written
	breaks []string // where pages of paper are begun
	charts int      // drawn so far
	err    error
}

// setUp fixes what the page looks like.
func (p *summary) setUp() error {
	f := p.file
	return cmp.Or(
		f.SetColWidth(summarySheet, wordColumn, wordColumn, wordWidth),
		f.SetColWidth(summarySheet, rowsColumn, domainsColumn, numberWidth),
		f.SetColWidth(summarySheet, meaningColumn, meaningColumn, meaningWidth),
		f.SetSheetView(summarySheet, 0, &excelize.ViewOptions{ShowGridLines: new(false)}),
		setPage(f, summarySheet, 1),
	)
}

// put writes a string or a number into a column of the present row.
func (p *summary) put(column string, value any, l look) {
	if p.err != nil {
		return
	}
	if text, ok := value.(string); ok {
		value = markedText(text)
	}
	at := p.at(column)
	p.err = cmp.Or(
		p.file.SetCellValue(summarySheet, at, value),
		p.file.SetCellStyle(summarySheet, at, at, p.book.number(l)),
	)
}

// link writes a word that leads to a place.
func (p *summary) link(column, text string, to place, l look) {
	l.color, l.underline = linkBlue, true
	p.put(column, text, l)
	if p.err == nil {
		p.err = p.file.SetCellHyperLink(summarySheet, p.at(column), to.location(), "Location")
	}
}

// wide writes a row of its own from a column to the last, width characters in
// all. It is wrapped: what is written beyond the last column would be printed too, and
// all of the page smaller for it.
func (p *summary) wide(column string, value any, width, least float64, l look) {
	l.wrap = true
	p.put(column, value, l)
	if p.err == nil {
		p.err = p.file.MergeCell(summarySheet, p.at(column), p.at(meaningColumn))
	}
	p.endRow(max(least, l.height(fmt.Sprint(value), width)))
}

func (p *summary) at(column string) string { return column + strconv.Itoa(p.row) }

// endRow goes on to the next row. The height is in points; 0 is the usual one.
func (p *summary) endRow(height float64) {
	height = max(height, rowPoints)
	if p.err == nil {
		p.err = p.file.SetRowHeight(summarySheet, p.row, height)
	}
	p.all += height
	if p.used += height; p.used > pagePoints {
		p.used = height // a spreadsheet begins a page by itself
	}
	p.row++
}

// pagePoints is how high a page of paper is, as wide as the summary: 0.85 of its
// size.
const pagePoints = 605

// keep begins another page of paper if so many points do not fit on this one.
func (p *summary) keep(points float64) {
	if p.used+points <= pagePoints {
		return
	}
	p.breaks = append(p.breaks, p.at(wordColumn))
	p.used = 0
}

// setPages begins the pages of paper that keep has asked for. What is little more than a page
// is made smaller, to be one.
func (p *summary) setPages() {
	const little = 1.4 * pagePoints
	if p.all <= little {
		p.err = cmp.Or(p.err, p.file.SetPageLayout(summarySheet, &excelize.PageLayoutOptions{FitToHeight: new(1)}))
		return
	}
	for _, at := range p.breaks {
		p.err = cmp.Or(p.err, p.file.InsertPageBreak(summarySheet, at))
	}
}

// height is about that of a row whose text is wrapped, which spreadsheets do not
// work out by themselves if cells are merged.
func height(text string, width float64) float64 {
	return min(float64(lineHeight*linesOf(text, width)), excelize.MaxRowHeight)
}

// height is that of a text that looks like l.
func (l look) height(text string, width float64) float64 {
	scale := cmp.Or(l.size, textSize) / textSize
	width /= scale
	if l.bold {
		width /= boldWidth
	}
	return min(height(text, width)*scale, excelize.MaxRowHeight)
}

// boldWidth is how much wider letters are in bold.
const boldWidth = 1.1

// lettersPerDigit is how many letters take the width of a digit.
const lettersPerDigit = 1.1

// fitsLine reports whether so many letters take one line.
func fitsLine(letters int, width float64) bool { return float64(letters) <= lettersPerDigit*width }

// linesOf is about how many lines a text takes in a column of this width. Widths
// count digits, and letters are narrower.
func linesOf(text string, width float64) int {
	if fitsLine(len(text), width) && strings.IndexByte(text, '\n') < 0 {
		return 1 // as nearly every text does
	}
	lines := 0
	for part := range strings.SplitSeq(text, "\n") {
		lines += max(1, int(math.Ceil(float64(utf8.RuneCountInString(part))/(lettersPerDigit*width))))
	}
	return lines
}

// heading begins a part of the page.
func (p *summary) heading(text string) {
	p.endRow(0)
	p.wide(wordColumn, text, pageWidth, headingHeight, headingLook())
}

func headingLook() look { return look{size: 14, bold: true, color: navy} }

// headingHeight is that of a heading of one line.
const headingHeight = 22

// headingPoints is how high a heading is with the row above it.
func headingPoints(text string) float64 {
	return rowPoints + max(headingHeight, headingLook().height(text, pageWidth))
}

// entry is a line of a table of the summary.
type entry struct {
	word    string
	to      place // where the word leads; zero if it does not
	count   report.Count
	look    look // of the word and the counts
	meaning string
}

func (e *entry) height() float64 {
	return max(rowPoints, height(e.word, wordWidth), height(e.meaning, meaningWidth))
}

// table writes entries under their labels: a word, three numbers and a sentence. It
// is on one page of paper if that is high enough.
func (p *summary) table(word, meaning string, entries []entry, all report.Count) span {
	p.keep(tablePoints(entries))
	p.labels(word, meaning)
	first := p.row
	for i := range entries {
		p.entry(&entries[i], all)
	}
	return span{first, p.row - 1}
}

// tablePoints is how high a table is with the row below it.
func tablePoints(entries []entry) float64 {
	points := float64(2 * rowPoints)
	for i := range entries {
		points += entries[i].height()
	}
	return points
}

func (p *summary) entry(e *entry, all report.Count) {
	e.look.wrap = true
	if e.to.row > 0 {
		p.link(wordColumn, e.word, e.to, e.look)
	} else {
		p.put(wordColumn, e.word, e.look)
	}
	p.counts(e.count, all, look{line: true})
	p.put(meaningColumn, e.meaning, look{wrap: true, line: true, align: "left", indent: 1})
	p.endRow(e.height())
}

// labels is the first line of a table.
func (p *summary) labels(word, meaning string) {
	l := look{bold: true, color: white, fill: navy}
	p.put(wordColumn, word, l)
	l.align = "right"
	p.put(rowsColumn, "Rows", l)
	p.put(shareColumn, "Share of rows", l)
	p.put(domainsColumn, "Domains", l)
	l.align, l.indent = "left", 1
	p.put(meaningColumn, meaning, l)
	p.endRow(0)
}

// large writes a line whose numbers are seen first.
func (p *summary) large(word string, count, all report.Count, l look, meaning string) {
	l.middle, l.wrap = true, true
	p.put(wordColumn, word, l)
	p.counts(count, all, l)
	p.put(meaningColumn, meaning, look{color: l.color, fill: l.fill, middle: true, wrap: true, align: "left", indent: 1})
	p.endRow(largeHeight(word, l, meaning))
}

func largeHeight(word string, l look, meaning string) float64 {
	return max(1.4*l.size, l.height(word, wordWidth), height(meaning, meaningWidth))
}

func (p *summary) counts(c, all report.Count, l look) {
	l.align = "right"
	l.format = countFormat
	p.put(rowsColumn, c.Rows, l)
	p.put(domainsColumn, c.Domains, l)
	share := float64(c.Rows) / float64(max(all.Rows, 1))
	l.format = shareFormat(share)
	p.put(shareColumn, share, l)
}

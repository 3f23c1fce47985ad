package xlsx

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"

	"caascan/report"
)

// groupSheets is a column that rows are grouped by, and its sheets.
type groupSheets struct {
	*columnSheets[report.GroupTotal]
	table  *report.GroupTable
	text   sheetText
	places []place // of the first groups
}

// newGroupSheets returns those of all columns that rows are grouped by.
func newGroupSheets(b *workbook, o *report.Overview) []*groupSheets {
	tables := o.Groups()
	names := groupSheetNames(tables)
	all := make([]*groupSheets, len(tables))
	for i := range tables {
		table := &tables[i]
		all[i] = &groupSheets{
			columnSheets: newColumnSheets(b, names[i], &b.lined, groupColumns(table.Column, o.Labels)),
			table:        table,
			text: sheetText{
				name:  names[i],
				holds: fmt.Sprintf("The rows by the values of the column %s: a line for each value, those with the most denied rows first%s.", report.Shorten(table.Column, 2*wordWidth), lastOf(o.Labels)),
			},
		}
	}
	return all
}

// lastOf says which of several CAs decides the order.
func lastOf(labels []string) string {
	if len(labels) < 2 {
		return ""
	}
	return " (of the last CA, " + labels[len(labels)-1] + ")"
}

func groupSheetNames(tables []report.GroupTable) []string {
	columns := make([]string, len(tables))
	for i, table := range tables {
		columns[i] = table.Column
	}
	return sheetNames("By ", columns)
}

// sheetNames are names with a text each that a workbook takes: of 31 UTF-16 units at most,
// without any character that means something in a reference, and each another one in any
// case. There is room for the number of a further sheet.
func sheetNames(prefix string, texts []string) []string {
	const most = 31 - len(" 99")
	names := make([]string, len(texts))
	taken := make(map[string]bool)
	for i, text := range texts {
		whole := prefix + strings.Map(sheetRune, text)
		name := shortUnits(whole, most)
		for n := 2; taken[strings.ToLower(name)]; n++ {
			mark := fmt.Sprintf(" (%d)", n)
			name = shortUnits(whole, most-len(mark)) + mark
		}
		taken[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

func sheetRune(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune(" -_.,+()#", r) {
		return r
	}
	return '_'
}

// shortUnits cuts a text after so many UTF-16 units.
func shortUnits(text string, most int) string {
	for i, r := range text {
		if most -= max(utf16.RuneLen(r), 1); most < 0 {
			return strings.TrimSpace(text[:i])
		}
	}
	return strings.TrimSpace(text)
}

// groupColumns are those of the sheet of a column.
func groupColumns(column string, labels []string) []sheetColumn[report.GroupTotal] {
	columns := []sheetColumn[report.GroupTotal]{
		{
			name: column, width: 40,
			meaning: "What stands in this column of the list, without the spaces around it: " + report.EmptyValue + " for the rows that have nothing there.",
			text:    func(g report.GroupTotal) string { return g.Value },
		},
		{
			name: "Rows", width: countWidth, linked: true,
			meaning: "How many rows have the value; it leads to the first of them in the sheet Results, where a filter by the value shows the others.",
			number:  func(g report.GroupTotal) int { return g.Rows },
			leads:   func(g report.GroupTotal) bool { return g.First > 0 },
		},
		{
			name: "Domains", width: countWidth,
			meaning: "How many distinct domains these rows have.",
			number:  func(g report.GroupTotal) int { return g.Count.Domains },
		},
	}
	for i, label := range labels {
		columns = append(columns, groupIssuerColumns(i, report.ForLabel(label, labels))...)
	}
	columns = append(columns, sheetColumn[report.GroupTotal]{
		name: "Failed", width: countWidth,
		meaning: "For how many of these rows it could not be found out whether a CA may issue.",
		number:  func(g report.GroupTotal) int { return g.Failed.Rows },
	})
	for i, label := range labels {
		columns = append(columns, sheetColumn[report.GroupTotal]{
			name: "Names to mend" + report.ForLabel(label, labels), width: 15,
			meaning: "How many names have to publish other CAA records so that this CA may issue for all of these rows; the fix list has them.",
			number:  func(g report.GroupTotal) int { return g.Issuers[i].Names },
		})
	}
	return columns
}

func groupIssuerColumns(issuer int, suffix string) []sheetColumn[report.GroupTotal] {
	return []sheetColumn[report.GroupTotal]{
		{
			name: "Permitted" + suffix, width: 14,
			meaning: "For how many of these rows this CA may issue.",
			number:  func(g report.GroupTotal) int { return g.Issuers[issuer].Permitted.Rows },
		},
		{
			name: "Denied" + suffix, width: 14,
			meaning: "For how many of these rows CAA records forbid this CA to issue.",
			number:  func(g report.GroupTotal) int { return g.Issuers[issuer].Denied.Rows },
		},
	}
}

// writeGroups writes the sheets, each to its end. Results have to be written before them.
func (c *finisher) writeGroups() error {
	for _, g := range c.groups {
		linked := g.linked()
		for _, total := range g.table.Groups {
			at, err := g.add(total)
			if err != nil {
				return err
			}
			if len(g.places) < report.LargestNames {
				g.places = append(g.places, at)
			}
			if total.First > 0 {
				g.link(linked, c.results.at(total.First))
			}
		}
		if err := g.finish(); err != nil {
			return err
		}
	}
	return nil
}

// groupLegend says what the columns of the sheets mean.
func (c *finisher) groupLegend() []legendLine {
	var lines []legendLine
	for _, g := range c.groups {
		lines = append(lines, g.legend()...)
	}
	return lines
}

// grouped names the groups of which the most rows are denied, and shows them as bars.
func (p *summary) grouped(g *groupSheets, o *report.Overview) {
	largest, all := g.table.Blocked(report.LargestNames)
	heading := "By " + report.Shorten(g.table.Column, 2*wordWidth) + ": for whom " + o.Labels[len(o.Labels)-1] + " is denied"
	var entries []entry
	for i := range largest {
		entries = append(entries, groupEntry(&largest[i], g.places[i]))
	}
	p.keep(headingPoints(heading) + chartPoints(len(entries)) + tablePoints(entries))
	p.heading(heading)
	p.put(wordColumn, fmt.Sprintf("Of %s %s.", counted(len(g.table.Groups), "value"), stopped(all)), look{color: faded})
	p.endRow(0)
	if len(entries) == 0 {
		return
	}
	at := p.reserve(len(entries))
	rows := p.table(report.Shorten(g.table.Column, wordWidth), "Of all its rows", entries, o.Total())
	p.draw(at, chartHeight(len(entries)), groupSpot(), rows.bars("Rows denied", chartRed))
	if more := all - len(entries); more > 0 {
		p.put(wordColumn, fmt.Sprintf("and %s more, in the sheet %s", thousands(more), g.name), look{color: faded, italic: true})
		p.endRow(0)
	}
}

// groupSpot is where the chart of groups stands.
func groupSpot() chartSpot { return chartSpot{wordColumn, 0, 8*wordWidth + 3*8*numberWidth} }

func stopped(groups int) string {
	switch groups {
	case 0:
		return "none has rows that are denied"
	case 1:
		return "one has rows that are denied"
	}
	return thousands(groups) + " have rows that are denied"
}

func groupEntry(t *report.GroupTotal, at place) entry {
	meaning := fmt.Sprintf("of %s, %s; %s to mend", counted(t.Rows, "row"), counted(t.Count.Domains, "domain"), counted(t.Names(), "name"))
	if t.Failed.Rows > 0 {
		meaning += fmt.Sprintf("; %s failed", counted(t.Failed.Rows, "row"))
	}
	return entry{word: report.Shorten(t.Value, 2*wordWidth), to: at, count: t.Denied(), look: look{line: true}, meaning: meaning}
}

// thousands is a number in a text, as the cells have numbers.
func thousands(n int) string { return grouped(strconv.Itoa(n)) }

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}

// groupSeries are the sheets of all columns.
func (c *finisher) groupSeries() []*series {
	var all []*series
	for _, g := range c.groups {
		all = append(all, g.series)
	}
	return all
}

// groupTexts are those of these sheets.
func (c *finisher) groupTexts() []sheetText {
	var texts []sheetText
	for _, g := range c.groups {
		texts = append(texts, g.text)
	}
	return slices.Clip(texts)
}

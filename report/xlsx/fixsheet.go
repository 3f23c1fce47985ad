package xlsx

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"caascan/report"
	"caascan/scan"
)

// How many lines a row of the fix list has at most, so that a screen shows screenNames; all
// of the cell is there to be copied. A list that takes no more of the screen is shown whole.
const (
	fixRowLines = 2
	screenNames = 20
)

// shownLines is how many lines a row shows at most.
func shownLines(lines iter.Seq[report.FixLine]) int {
	all := 0
	for line := range lines {
		if all += max(len(line.Set), fixRowLines); all >= fixRowLines*screenNames {
			return fixRowLines
		}
	}
	return allLines
}

// fixColumns are those of the sheets of the fix list.
func fixColumns() []sheetColumn[report.FixLine] {
	return slices.Concat(fixedColumns(), noteColumns(), teamColumns())
}

// fixColumns are those of the sheets of this workbook, which has international names or not.
func (c *finisher) fixColumns() []sheetColumn[report.FixLine] {
	columns := fixColumns()
	for i := range c.fixed {
		for at := range c.fixed[i].Fixes.Len() {
			if report.InUnicode(c.fixed[i].Fixes.Name(at)) != "" {
				return slices.Insert(columns, 1, unicodeColumn(func(f report.FixLine) string { return f.Name() }))
			}
		}
	}
	return columns
}

// fixedColumns say what to publish, and for how much.
func fixedColumns() []sheetColumn[report.FixLine] {
	return []sheetColumn[report.FixLine]{
		{
			name: "Deciding name", width: 22, most: 40,
			meaning: "The name whose CAA records stop the CA: the fix is to be published there, and nowhere else.",
			text:    func(f report.FixLine) string { return f.Name() },
		},
		{
			name: "Rows", width: countWidth,
			meaning: "For how many rows of the input the CA may issue once the fix is published.",
			number:  func(f report.FixLine) int { return f.Rows },
		},
		{
			name: "Domains", width: countWidth, linked: true,
			meaning: "How many distinct domains these rows have; the link leads to the first of them in the sheet Domains, where the same deciding name finds the others.",
			number:  func(f report.FixLine) int { return f.Count.Domains },
		},
		{
			name: "To publish", width: 48, most: 90,
			meaning: "The whole set of CAA records to publish in place of the present one, as lines of a zone file (RFC 1035). Those that are bold and end in a comment are not there now: new, or changed because a mark is taken away. The others stay.",
			text:    func(f report.FixLine) string { return runsText(publishRuns(f)) },
			runs:    publishRuns,
		},
	}
}

// noteColumns say what is to be known of a name.
func noteColumns() []sheetColumn[report.FixLine] {
	ttl := func(f report.FixLine) int { return int(f.TTL) }
	return []sheetColumn[report.FixLine]{
		{
			name: "Whose", width: 15, most: 30,
			meaning: "The registrable domain whose owner has to publish it, if an alias or a parent led out of the domain. Empty if it is whoever runs the domain itself.",
			text:    func(f report.FixLine) string { return f.Ask },
			above:   func(f report.FixLine) string { return "it is published by " + f.Asked() },
		},
		{
			name: "Reason", width: 14, most: 20,
			meaning: "Why the CA is stopped, as a code; several codes if the records changed during the scan.",
			text:    func(f report.FixLine) string { return f.ReasonCodes() },
			above: func(f report.FixLine) string {
				return "the reason is " + strings.ReplaceAll(f.ReasonCodes(), "\n", " and ")
			},
		},
		{
			name: "Notes", width: 16, most: 40,
			meaning: "What should be known or checked before the fix is published, as codes.",
			text:    func(f report.FixLine) string { return noteLines(f.NoteCodes()) },
			above: func(f report.FixLine) string {
				if len(f.NoteCodes()) == 0 {
					return ""
				}
				return "to be known before: " + strings.ReplaceAll(noteLines(f.NoteCodes()), "\n", " ")
			},
		},
		{
			name: "Contact", width: 14, most: 36,
			meaning: "The contact to which the zone wants requests reported that its records forbid (iodef); it may lead to whoever runs the zone.",
			text:    func(f report.FixLine) string { return strings.Join(f.Contacts, "\n") },
			above: func(f report.FixLine) string {
				if len(f.Contacts) == 0 {
					return ""
				}
				return "the contact is " + report.Shorten(report.Joined(f.Contacts), longTitle)
			},
		},
		{
			name: "TTL", width: 14, number: ttl,
			meaning: "For how many seconds the present records may still be seen after the change. Empty if there is nothing to wait for.",
			above: func(f report.FixLine) string {
				if f.TTL == 0 {
					return ""
				}
				return "the present records may be seen for " + strconv.Itoa(ttl(f)) + " seconds after the change (TTL)"
			},
		},
	}
}

// teamColumns are empty, for those who work through the list.
func teamColumns() []sheetColumn[report.FixLine] {
	var columns []sheetColumn[report.FixLine]
	for i, name := range []string{"Owner", "Ticket", "Done"} {
		columns = append(columns, sheetColumn[report.FixLine]{
			name: name, width: []float64{12, 12, 8}[i], meaning: "Left empty for the team that works through the list.",
			text: func(report.FixLine) string { return "" },
		})
	}
	return columns
}

// noteLines breaks lines between codes only: a spreadsheet does so after a hyphen.
func noteLines(notes []scan.FixNote) string {
	const most = 36 // characters of a line
	var b strings.Builder
	used := 0
	for _, note := range notes {
		switch {
		case used == 0:
		case used+len(note) > most:
			b.WriteString(",\n")
			used = 0
		default:
			b.WriteString(", ")
			used += 2
		}
		b.WriteString(string(note))
		used += len(note)
	}
	return b.String()
}

// publishRuns are the lines to publish. What is not there now is bold, and has a comment,
// which a zone file takes too. It comes first, because the row may be too low for all.
func publishRuns(f report.FixLine) []run {
	var marked, stay []run
	lines := f.Lines()
	for i, p := range f.Set {
		if mark := f.Mark(p); mark != "" {
			marked = append(marked, run{lines[i] + " ; " + mark, true})
		} else {
			stay = append(stay, run{text: lines[i]})
		}
	}
	runs := append(marked, stay...)
	for i := range runs[:max(0, len(runs)-1)] {
		runs[i].text += "\n"
	}
	return runs
}

func runsText(runs []run) string {
	var b strings.Builder
	for _, r := range runs {
		b.WriteString(r.text)
	}
	return b.String()
}

// fixSheetNames are the names of the sheets of the CAs. Several have their labels in them.
func fixSheetNames(labels []string) []string {
	if len(labels) == 1 {
		return []string{fixSheet}
	}
	return sheetNames(fixSheet+" ", labels)
}

// issuerFixes are a CA's part of the fix list.
type issuerFixes struct {
	*report.IssuerOverview
	sheet  string // its name
	series *series
	places []place // of the first largestNames
	notes  []scan.FixNote
}

// lines yields the lines of the CA's sheets, each made when it is asked for.
func (f *issuerFixes) lines(labels []string) iter.Seq[report.FixLine] {
	return func(yield func(report.FixLine) bool) {
		for i := range f.Fixes.Len() {
			var others []string
			for _, issuer := range f.Fixes.Stopped(i) {
				if labels[issuer] != f.Label {
					others = append(others, labels[issuer])
				}
			}
			if !yield(report.FixLine{FixTotal: f.Fixes.At(i), Issuer: f.Label, Others: others}) {
				return
			}
		}
	}
}

func (c *finisher) writeFixes() error {
	for _, i := range c.over.FixOrder() {
		if err := c.writeFixesOf(&c.fixed[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *finisher) writeFixesOf(issuer *issuerFixes) error {
	sheets := c.newFixSheets(issuer)
	linked := sheets.linked()
	for line := range issuer.lines(c.over.Labels) {
		at, err := sheets.add(line)
		if err != nil {
			return err
		}
		if len(issuer.places) < report.LargestNames {
			issuer.places = append(issuer.places, at)
		}
		for _, note := range line.NoteCodes() {
			if !slices.Contains(issuer.notes, note) {
				issuer.notes = append(issuer.notes, note)
			}
		}
		sheets.link(linked, c.firsts[line.Domains[0]])
	}
	issuer.series = sheets.series
	return issuer.series.finish()
}

// newFixSheets makes the sheets of a CA's part of the fix list, with what is the same in
// every line above it. To find that out the lines are made once more than they are written.
func (c *finisher) newFixSheets(issuer *issuerFixes) *columnSheets[report.FixLine] {
	columns, same := sharedAbove(c.fixColumns(), issuer.lines(c.over.Labels))
	widen(columns, issuer.lines(c.over.Labels), &c.lined)
	sheets := newColumnSheets(c.workbook, issuer.sheet, &c.lined, columns)
	sheets.shown = shownLines(issuer.lines(c.over.Labels))
	titles := []string{
		fmt.Sprintf("So that %s may issue S/MIME certificates: %s, those that stop the most rows first.", issuer.Heading, counted(issuer.Fixes.Len(), "name")),
		`Publish a set whole, at its name and in place of all CAA records there. What is bold and ends in "; new" or "; changed" is not there yet. The Legend explains the codes.`,
	}
	if len(same) > 0 {
		titles = append(titles, "In every line: "+strings.Join(same, "; ")+".")
	}
	sheets.setTitles([]int{
		c.book.number(look{size: 12, bold: true, color: navy}), c.book.number(look{color: faded, wrap: true}), c.book.number(look{wrap: true}),
	}, titles...)
	return sheets
}

// sharedAbove takes out the columns in which all lines have the same, and returns what is to
// be said of those, and before it which record each line adds, if it is the same one.
func sharedAbove(columns []sheetColumn[report.FixLine], lines iter.Seq[report.FixLine]) (left []sheetColumn[report.FixLine], same []string) {
	says := []func(report.FixLine) string{addition}
	for _, column := range columns {
		says = append(says, column.above)
	}
	texts := sharedTexts(says, lines)
	if texts[0].shared {
		same = append(same, "the record to add is "+texts[0].text)
	}
	for i, column := range columns {
		switch said := texts[i+1]; {
		case !said.shared:
			left = append(left, column)
		case said.text != "":
			same = append(same, said.text)
		}
	}
	return left, same
}

// sharedText is what is said of each line, as long as it is the same.
type sharedText struct {
	text   string
	shared bool
}

// sharedTexts finds out what is said of all lines, if there are several. It looks at no more
// of them once nothing is the same.
func sharedTexts(says []func(report.FixLine) string, lines iter.Seq[report.FixLine]) []sharedText {
	texts, n := make([]sharedText, len(says)), 0
	for line := range lines {
		left := 0
		for i, say := range says {
			if say != nil && (n == 0 || texts[i].shared) {
				text := say(line)
				texts[i] = sharedText{text, n == 0 || text == texts[i].text}
			}
			if texts[i].shared {
				left++
			}
		}
		if n++; left == 0 {
			break
		}
	}
	if n < 2 {
		clear(texts)
	}
	return texts
}

// longTitle is how many characters of a set are said above the header.
const longTitle = 200

// addition is the records that a line adds.
func addition(f report.FixLine) string {
	var added []string
	for _, p := range f.Set {
		if f.IsNew(p) {
			added = append(added, p.String())
		}
	}
	return report.Shorten(strings.Join(added, " and "), longTitle)
}

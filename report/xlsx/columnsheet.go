package xlsx

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/domain"
)

// sheetColumn is a column of a sheet that is the same whatever columns the report has.
// Exactly one of text, number and moment gives a cell; no text, 0 and no time leave it
// empty.
type sheetColumn[T any] struct {
	name    string
	meaning string       // a sentence
	width   float64      // characters
	most    float64      // the width that long texts may give it, if they may; see widen
	colored bool         // by its text
	ordinal bool         // the number is that of a thing, not of how many
	linked  bool         // the number leads elsewhere
	leads   func(T) bool // of a line, if not each number does
	text    func(T) string
	number  func(T) int
	moment  func(T) time.Time
	runs    func(T) []run // of text, with looks of their own
	// above is what is said once above the header if it is the same in every line; the
	// column is not there then. No text is not said.
	above func(T) string
}

// put fills the cell of a line.
func (d *sheetColumn[T]) put(l *line, column int, v T, styles *rowStyles) {
	if d.moment != nil {
		styles.putMoment(l, column, d.moment(v))
		return
	}
	if d.runs != nil {
		l.runs(column, d.runs(v), styles.lines)
		l.lines = max(l.lines, linesOf(d.text(v), d.width-styles.indent))
		return
	}
	if d.number == nil {
		styles.put(l, column, d.text(v), cellShape{d.width, d.colored})
		return
	}
	n := d.number(v)
	switch {
	case n == 0:
	case d.ordinal:
		l.number(column, n, styles.number)
	case d.linked && (d.leads == nil || d.leads(v)):
		l.number(column, n, styles.link)
	default:
		l.number(column, n, styles.count)
	}
}

// columnSheets are the sheets of such columns, with a line for each T.
type columnSheets[T any] struct {
	*series
	columns []sheetColumn[T]
	styles  *rowStyles
	line    *line
}

func newColumnSheets[T any](b *workbook, name string, styles *rowStyles, columns []sheetColumn[T]) *columnSheets[T] {
	names, widths := make([]string, len(columns)), make([]float64, len(columns))
	for i, c := range columns {
		names[i], widths[i] = c.name, c.width
	}
	series := b.newSeries(name, widths, styles.headerLine(names, widths, func(int) bool { return false }))
	series.frame.frozen = 1
	return &columnSheets[T]{series, columns, styles, newLine(len(columns))}
}

// fitting is how wide columns may be together on a page of paper that can be read, in
// characters.
const fitting = 240

// widen gives columns the width that the first lines need, those that need the least first:
// if there is not room for all, only the longest texts are cut.
func widen[T any](columns []sheetColumn[T], lines iter.Seq[T], styles *rowStyles) {
	const sampled = 1000
	more, order, room := make([]float64, len(columns)), make([]int, len(columns)), float64(fitting)
	for i, c := range columns {
		order[i] = i
		room -= c.width
	}
	n := 0
	for v := range lines {
		for i, c := range columns {
			if c.width+more[i] < c.most {
				more[i] = max(more[i], min(c.needs(v)+styles.indent, c.most)-c.width)
			}
		}
		if n++; n == sampled {
			break
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(more[a], more[b]) })
	for done, i := range order {
		wider := max(0, min(math.Ceil(more[i]), math.Floor(room/float64(len(order)-done))))
		columns[i].width += wider
		room -= wider
	}
}

// needs is the width that a text takes, of which a part may be bold.
func (d *sheetColumn[T]) needs(v T) float64 {
	const room = 2 // beside the text
	letters := longestLine(d.text(v))
	if d.runs == nil {
		letters /= lettersPerDigit
	}
	return letters + room
}

// setTitles puts texts above the header. They go over as many columns as people see at once.
func (d *columnSheets[T]) setTitles(looks []int, texts ...string) {
	const inView = 180 // characters
	width := 0.0
	for d.frame.over = 0; d.frame.over < len(d.widths) && width < inView; d.frame.over++ {
		width += d.widths[d.frame.over]
	}
	for i, text := range texts {
		title := newLine(1)
		title.text(0, text, looks[min(i, len(looks)-1)])
		title.lines = linesOf(text, width)
		d.titles = append(d.titles, title)
	}
	d.frame.titles = len(d.titles)
}

// add adds a line and returns its place.
func (d *columnSheets[T]) add(v T) (place, error) {
	d.line.fill(d.styles.blank)
	for i := range d.columns {
		d.columns[i].put(d.line, i, v, d.styles)
	}
	if err := d.makeRoom(d.line); err != nil {
		return place{}, err
	}
	if !d.last().canLink() {
		d.unlink(v)
	}
	return d.write(d.line)
}

// unlink makes a number that will lead nowhere look like any other.
func (d *columnSheets[T]) unlink(v T) {
	for i, c := range d.columns {
		if n := 0; c.linked {
			if n = c.number(v); n != 0 {
				d.line.number(i, n, d.styles.count)
			}
		}
	}
}

// linked returns the column that leads elsewhere.
func (d *columnSheets[T]) linked() int {
	for i, c := range d.columns {
		if c.linked {
			return i
		}
	}
	panic("report: no column of " + d.name + " is linked")
}

// legend returns what the columns mean; nothing if there is no such sheet.
func (d *columnSheets[T]) legend() []legendLine {
	if d.lines() == 0 {
		return nil
	}
	return legendOf(d.name, d.columns)
}

func legendOf[T any](sheet string, columns []sheetColumn[T]) []legendLine {
	lines := make([]legendLine, len(columns))
	for i, c := range columns {
		lines[i] = legendLine{name: c.name, kind: "column of " + sheet, meaning: c.meaning}
	}
	return lines
}

// failedColumns are those of the sheet Failed.
func failedColumns() []sheetColumn[scan.Result] {
	return []sheetColumn[scan.Result]{
		{
			name: "Address or domain", width: 28,
			meaning: "What the row says, as it was read.",
			text:    readText,
		},
		{
			name: "Row", width: countWidth, ordinal: true,
			meaning: "The number of the row in the input, as a spreadsheet shows it; the header is row 1.",
			number:  func(r scan.Result) int { return r.Row.Number },
		},
		{
			name: "Domain", width: 26,
			meaning: "The domain of the mailbox as the DNS knows it. Empty if the row holds none.",
			text:    func(r scan.Result) string { return r.Verdict.Domain.String() },
		},
		{
			name: "Reason", width: 18,
			meaning: "Why it could not be found out whether the CA may issue, as a code.",
			text:    func(r scan.Result) string { return string(r.Verdict.Decisions[0].Reason) },
		},
		{
			name: "What happened", width: 45,
			meaning: "The reason as a sentence, with the names it is about.",
			text:    func(r scan.Result) string { return r.Verdict.Decisions[0].Detail.For(r.Verdict.Domain) },
		},
		{
			name: "What to do", width: 42,
			meaning: "What to do about the reason, and who has to do it.",
			text:    func(r scan.Result) string { return r.Verdict.Decisions[0].Reason.Advice() },
		},
		{
			name: "On failure", width: 18, colored: true,
			meaning: "What the S/MIME Baseline Requirements let a CA do after this failure: ca-may-issue (it need not), ca-must-not-issue, or unknown, which is no permission. Empty if nothing was looked up.",
			text:    func(r scan.Result) string { return string(r.Verdict.OnFailure) },
		},
		{
			name: "DNSSEC", width: 12,
			meaning: "What is known of the validation of the answers by DNSSEC: secure, insecure (the zone is not signed), bogus or unknown.",
			text:    func(r scan.Result) string { return string(r.Verdict.DNSSEC) },
		},
		{
			name: "Server", width: 18,
			meaning: "The resolver, or the zone file, that was asked last.",
			text:    func(r scan.Result) string { return r.Verdict.Resolver },
		},
		{
			name: "Asked at", width: 21,
			meaning: "When the oldest answer that this rests on came, in UTC. Empty for zone files and if nothing was looked up.",
			moment:  func(r scan.Result) time.Time { return r.Verdict.CheckedAt },
		},
	}
}

// readText is the cell that was taken for an address or a domain, or all of a line
// that could not be split into cells.
func readText(r scan.Result) string {
	if r.Row.Broken && len(r.Row.Cells) > 0 {
		return r.Row.Cells[0]
	}
	return r.Row.Cell
}

// withUnicode adds how people read international names to the columns of Domains, after the
// name itself, if there is such a name.
func withUnicode(columns []sheetColumn[report.DomainTotal], tally *report.Tally) []sheetColumn[report.DomainTotal] {
	if !tally.HasDomain(func(name domain.Name) bool { return report.InUnicode(name.String()) != "" }) {
		return columns
	}
	return slices.Insert(columns, 1, unicodeColumn(func(d report.DomainTotal) string { return d.Domain.String() }))
}

// unicodeColumn is how people read the names that a column has.
func unicodeColumn[T any](name func(T) string) sheetColumn[T] {
	return sheetColumn[T]{
		name: "In Unicode", width: 20, text: func(v T) string { return report.InUnicode(name(v)) },
		meaning: "How people read an international name, whose form in the DNS begins with xn--. Empty for other names, and for one that mixes scripts as names that deceive do.",
	}
}

// domainColumns are those of the sheet Domains.
func domainColumns(labels []string) []sheetColumn[report.DomainTotal] {
	columns := []sheetColumn[report.DomainTotal]{
		{
			name: "Domain", width: 30,
			meaning: "The domain as the DNS knows it.",
			text:    func(d report.DomainTotal) string { return d.Domain.String() },
		},
		{
			name: "Rows", width: countWidth,
			meaning: "How many rows of the input have the domain.",
			number:  func(d report.DomainTotal) int { return d.Rows },
		},
	}
	for i, label := range labels {
		columns = append(columns, verdictColumns(i, report.ForLabel(label, labels))...)
	}
	return append(columns,
		sheetColumn[report.DomainTotal]{
			name: "Found at", width: 24,
			meaning: "The name at which CAA records were found: the domain itself or a parent of it. Empty if there are none.",
			text:    func(d report.DomainTotal) string { return d.Outcome.FoundAt.String() },
		},
		sheetColumn[report.DomainTotal]{
			name: "Deciding name", width: 24,
			meaning: "The name that really has the records, which is another one if an alias (CNAME, DNAME) led there. The fix list has its lines under this name.",
			text:    func(d report.DomainTotal) string { return d.Outcome.Records.Owner },
		},
		sheetColumn[report.DomainTotal]{
			name: "Records now", width: 35,
			meaning: "The CAA records that were found, as a zone file holds them.",
			text:    func(d report.DomainTotal) string { return report.PropertiesText(d.Outcome.Records.Properties) },
		},
		sheetColumn[report.DomainTotal]{
			name: "DNSSEC", width: 11,
			meaning: "What is known of the validation of the answers by DNSSEC: secure, insecure (the zone is not signed), bogus or unknown.",
			text:    func(d report.DomainTotal) string { return string(d.Outcome.DNSSEC) },
		},
		sheetColumn[report.DomainTotal]{
			name: "On failure", width: 18, colored: true,
			meaning: "What the S/MIME Baseline Requirements let a CA do if the lookup failed: ca-may-issue (it need not), ca-must-not-issue, or unknown, which is no permission. Empty if it did not fail.",
			text:    func(d report.DomainTotal) string { return string(d.Outcome.OnFailure) },
		},
		sheetColumn[report.DomainTotal]{
			name: "Warnings", width: 22,
			meaning: "What does not change the status but should be known of the domain, as codes.",
			text:    func(d report.DomainTotal) string { return report.WarningText(d.Outcome.Warnings) },
		},
	)
}

func verdictColumns(issuer int, suffix string) []sheetColumn[report.DomainTotal] {
	return []sheetColumn[report.DomainTotal]{
		{
			name: "Status" + suffix, width: 14, colored: true,
			meaning: "Whether CAA lets this CA issue S/MIME certificates for mailboxes of the domain.",
			text:    func(d report.DomainTotal) string { return string(d.Outcome.Decisions[issuer].Status) },
		},
		{
			name: "Reason" + suffix, width: 18,
			meaning: "Why the status is what it is, as a code.",
			text:    func(d report.DomainTotal) string { return string(d.Outcome.Decisions[issuer].Reason) },
		},
	}
}

// countWidth is the width of a number of things: 10,000,000 and a step away from the
// side. One that does not fit is shown as ###.
const countWidth = 12

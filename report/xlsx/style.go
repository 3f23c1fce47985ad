package xlsx

import (
	"cmp"
	"time"

	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/scan"
)

// look is how a cell of a workbook looks. The zero look is plain text.
type look struct {
	size         float64 // in points; textSize if zero
	bold, italic bool
	underline    bool
	color, fill  string // RGB in hexadecimal; ink on nothing if empty
	align        string // left or right; if empty, text is to the left and numbers are to the right
	indent       int    // steps away from the side that align names
	wrap, middle bool   // middle: between the top and the bottom of a high row
	line         bool   // under the cell
	format       string // of a number; if empty, what is typed into the cell later stays text
}

// The font is one that every system has, or has the widths of.
const (
	font     = "Arial"
	textSize = 10
)

// The colours. On a black and white print the text stays readable on each fill.
const (
	ink       = "1F2933"
	faded     = "52606D"
	white     = "FFFFFF"
	navy      = "1F3A5F"
	paleNavy  = "D9E2EC"
	paleGreen = "C6EFCE"
	green     = "00540A"
	paleRed   = "FFC7CE"
	red       = "8A0006"
	paleAmber = "FFEB9C"
	amber     = "6B4200"
	linkBlue  = "0B5394"
)

// boldRun is the look of a part of a text that is to be seen, of textSize.
const boldRun = `<rPr><b/><sz val="10"/><color rgb="FF` + green + `"/><rFont val="` + font + `"/></rPr>`

// The number formats.
const (
	textFormat    = "@"
	numberFormat  = "0"
	countFormat   = "#,##0"
	percentFormat = "0.0%"
	littleFormat  = `[<0.0005]"<0"\."1%";0.0%` // <0.1%, of which excelize reads no point between quotation marks
	nearlyFormat  = `[>=0.9995]">99.9%";0.0%`
	momentFormat  = `yyyy\-mm\-dd"T"hh:mm:ss"Z"` // as the other formats write it (RFC 3339)
)

// shareFormat shows as 0.0% and 100.0% only what is none and all.
func shareFormat(share float64) string {
	switch {
	case 0 < share && share < 0.0005:
		return littleFormat
	case 0.9995 <= share && share < 1:
		return nearlyFormat
	}
	return percentFormat
}

// statusLook tells the statuses apart in colour, and without any by the weight
// and the slant of the text.
func statusLook(status scan.Status) look {
	switch status {
	case scan.Permitted:
		return look{color: green, fill: paleGreen}
	case scan.Denied:
		return look{color: red, fill: paleRed, bold: true}
	case scan.LookupFailed:
		return look{color: amber, fill: paleAmber, italic: true}
	}
	panic("report: unknown status " + string(status))
}

// permissionLook tells apart the lines of the matrix of CAs, in the same way.
func permissionLook(kind report.PermissionKind) look {
	switch kind {
	case report.AllPermitted:
		return statusLook(scan.Permitted)
	case report.SomePermitted:
		return look{bold: true, fill: paleNavy}
	case report.NonePermitted:
		return statusLook(scan.Denied)
	case report.PermissionUnknown:
		return statusLook(scan.LookupFailed)
	}
	panic("report: unknown kind of permission " + string(kind))
}

// onFailureLook tells apart what a CA may do after a failure, in the same way.
func onFailureLook(may scan.OnFailure) look {
	switch may {
	case scan.OnFailureMayIssue:
		return look{color: amber, fill: paleAmber}
	case scan.OnFailureMustNotIssue:
		return look{color: red, fill: paleRed, bold: true}
	case scan.OnFailureUnknown:
		return look{color: faded, fill: paleNavy, italic: true}
	case scan.OnFailureNone:
		return look{}
	}
	panic("report: unknown " + string(may))
}

// changeLook tells apart what is different from an earlier report, in the same way; what
// a CA may do now has the colour of the status.
func changeLook(change scan.Change) look {
	switch {
	case change.Denies():
		return statusLook(scan.Denied)
	case change == scan.ChangeNewlyPermitted:
		return statusLook(scan.Permitted)
	}
	switch change.Kind() {
	case scan.PolicyChange:
		return look{color: navy, fill: paleNavy, bold: true}
	case scan.LookupTrouble:
		return look{color: amber, fill: paleAmber, italic: true}
	case scan.ListChange:
		return look{color: faded}
	case scan.NoChange:
		return look{}
	}
	panic("report: unknown change " + string(change))
}

// corroboratedLook tells apart what other places make of a decision, in the same way.
func corroboratedLook(c scan.Corroborated) look {
	switch c {
	case scan.CorroboratedYes:
		return statusLook(scan.Permitted)
	case scan.CorroboratedNo:
		return statusLook(scan.Denied)
	case scan.CorroboratedUnknown:
		return onFailureLook(scan.OnFailureUnknown) // one word, one look
	case scan.CorroboratedNotApplicable:
		return look{color: faded}
	}
	panic("report: unknown value " + string(c))
}

// rowStyles are the styles of the sheets of lines, by number.
type rowStyles struct {
	indent              float64        // of text, in characters
	inputHeader, header int            // of the input's columns and of ours
	text, lines, number int            // lines: text in several lines
	moment              int            // of times
	count, link         int            // numbers of things; those that lead to them
	note                int            // in place of lines
	blank               int            // of cells without text; 0 if there are none
	colored             map[string]int // of statuses, of what a CA may do after a failure, of changes, and of what other places make of it
}

// indentWidth is what a step away from the side takes, in characters.
const indentWidth = 1.3

// newRowStyles returns styles with a line under each row and a gap between columns, or
// without.
func newRowStyles(book *stylebook, lined bool) rowStyles {
	with := func(l look) int {
		if lined {
			l.line, l.indent, l.align = true, 1, cmp.Or(l.align, "left")
		}
		return book.number(l)
	}
	header := look{bold: true, color: white, fill: navy, wrap: true}
	if lined {
		header.indent, header.align = 1, "left"
	}
	styles := rowStyles{
		inputHeader: book.number(look{bold: true, fill: paleNavy, wrap: true}),
		header:      book.number(header),
		text:        with(look{}),
		lines:       with(look{wrap: true}),
		number:      with(look{format: numberFormat, align: "left"}),
		moment:      with(look{format: momentFormat, align: "left"}),
		count:       with(look{format: countFormat, align: "right", indent: 1}),
		link:        with(look{format: countFormat, align: "right", indent: 1, color: linkBlue, underline: true}),
		note:        book.number(look{color: faded, italic: true}),
		colored:     make(map[string]int),
	}
	if lined {
		styles.blank, styles.indent = with(look{}), indentWidth
	}
	for _, status := range scan.Statuses() {
		styles.colored[string(status)] = with(statusLook(status))
	}
	for _, may := range []scan.OnFailure{scan.OnFailureMayIssue, scan.OnFailureMustNotIssue, scan.OnFailureUnknown} {
		styles.colored[string(may)] = with(onFailureLook(may))
	}
	for _, change := range scan.Changes() {
		styles.colored[string(change)] = with(changeLook(change))
	}
	for _, c := range scan.Corroborations() {
		styles.colored[string(c)] = with(corroboratedLook(c))
	}
	return styles
}

// cellShape is how a cell shows text: the width of its column in characters, and
// whether the text has a colour of its own.
type cellShape struct {
	width   float64
	colored bool
}

// put fills a cell of a line with text.
func (s *rowStyles) put(l *line, column int, text string, shape cellShape) {
	if text == "" {
		return
	}
	if shape.colored {
		if style, ok := s.colored[text]; ok {
			l.text(column, text, style)
			return
		}
	}
	s.putLines(l, column, text, linesOf(text, shape.width-s.indent))
}

// putNamed fills a cell with a sentence that has a domain in it, if that is plain.
func (s *rowStyles) putNamed(l *line, column int, cell otherCell, domain string, width float64) bool {
	if !isPlain(domain) {
		return false
	}
	l.plain(column, s.flat(len(cell.before)+len(domain)+len(cell.after), width), cell.before, domain, cell.after)
	return true
}

// putFlat fills a cell of a line that is as high as all others with text: what is too long
// is cut in view, and all of it is there.
func (s *rowStyles) putFlat(l *line, column int, text string, shape cellShape) {
	if text == "" {
		return
	}
	style := s.flat(len(text), shape.width)
	if of, ok := s.colored[text]; ok && shape.colored {
		style = of
	}
	l.text(column, text, style)
}

// flat is the style of a text of so many octets in a row that is too low for a second line.
// What is too long is wrapped: a spreadsheet would write it over the empty cells after it,
// and over the next page of paper.
func (s *rowStyles) flat(octets int, width float64) int {
	if float64(octets) > width {
		return s.lines
	}
	return s.text
}

// putMoment fills a cell with a time, or with text if a spreadsheet cannot show it as one.
func (s *rowStyles) putMoment(l *line, column int, t time.Time) {
	switch {
	case t.IsZero():
	case fitsMoment(t):
		l.moment(column, t, s.moment)
	default:
		l.text(column, t.UTC().Format(time.RFC3339), s.text)
	}
}

// putLines fills a cell with text that is shown in so many lines.
func (s *rowStyles) putLines(l *line, column int, text string, lines int) {
	style := s.text
	if lines > 1 {
		style = s.lines
	}
	l.text(column, text, style)
	l.lines = max(l.lines, lines)
}

// headerLine is the first line of a sheet, some of whose columns may be the input's.
func (s *rowStyles) headerLine(names []string, widths []float64, isInput func(column int) bool) *line {
	l := newLine(len(names))
	for i, name := range names {
		style := s.header
		if isInput(i) {
			style = s.inputHeader
		}
		l.text(i, name, style)
		l.lines = max(l.lines, linesOf(name, widths[i]-filterWidth-s.indent))
	}
	return l
}

// filterWidth is what the arrow of the filter takes from a header, in characters.
const filterWidth = 3

// stylebook gives the looks the numbers by which a workbook knows them.
type stylebook struct {
	file    *excelize.File
	numbers map[look]int
	err     error // the first
}

func newStylebook(file *excelize.File) *stylebook {
	return &stylebook{file: file, numbers: make(map[look]int)}
}

// setDefault makes the font that of the workbook. The widths of columns are counted
// in its digits, so they are the same wherever the workbook is opened: excelize's own
// choice is one that comes with Excel only.
func (b *stylebook) setDefault() error {
	*b.file.Styles.Fonts.Font[0].Sz.Val = textSize
	return b.file.SetDefaultFont(font)
}

// number returns the number of a look.
func (b *stylebook) number(l look) int {
	number, ok := b.numbers[l]
	if ok || b.err != nil {
		return number
	}
	number, b.err = b.file.NewStyle(l.style())
	b.numbers[l] = number
	return number
}

func (l look) style() *excelize.Style {
	style := &excelize.Style{
		Font:         &excelize.Font{Family: font, Size: l.size, Bold: l.bold, Italic: l.italic, Color: l.color},
		Alignment:    &excelize.Alignment{Horizontal: l.align, Indent: l.indent, Vertical: "top", WrapText: l.wrap},
		CustomNumFmt: &l.format,
	}
	if l.underline {
		style.Font.Underline = "single"
	}
	if l.size == 0 {
		style.Font.Size = textSize
	}
	if l.color == "" {
		style.Font.Color = ink
	}
	if l.format == "" {
		style.CustomNumFmt = new(textFormat)
	}
	if l.middle {
		style.Alignment.Vertical = "center"
	}
	if l.fill != "" {
		style.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{l.fill}}
	}
	if l.line {
		style.Border = []excelize.Border{{Type: "bottom", Style: 1, Color: paleNavy}}
	}
	return style
}

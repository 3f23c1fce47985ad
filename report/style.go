package report

import (
	"github.com/xuri/excelize/v2"

	"caascan/scan"
)

// look is how a cell of a workbook looks. The zero look is plain text.
type look struct {
	size         float64 // in points; textSize where zero
	bold, italic bool
	color, fill  string // RGB in hexadecimal; ink on nothing where empty
	align        string // left or right; where empty, text is to the left and numbers are to the right
	indent       int    // steps away from the side that align names
	wrap, middle bool   // middle: between the top and the bottom of a high row
	line         bool   // under the cell
	format       string // of a number; where empty, what is typed into the cell later stays text
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
)

// The number formats.
const (
	textFormat    = "@"
	numberFormat  = "0"
	countFormat   = "#,##0"
	percentFormat = "0.0%"
)

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

// rowStyles are the styles of the sheets with a line for each row, by number.
type rowStyles struct {
	inputHeader, header int // of the input's columns and of ours
	text, lines, number int // lines: text in several lines
	statuses            map[scan.Status]int
}

func newRowStyles(book *stylebook) rowStyles {
	styles := rowStyles{
		inputHeader: book.number(look{bold: true, fill: paleNavy, wrap: true}),
		header:      book.number(look{bold: true, color: white, fill: navy, wrap: true}),
		text:        book.number(look{}),
		lines:       book.number(look{wrap: true}),
		number:      book.number(look{format: numberFormat, align: "left"}),
		statuses:    make(map[scan.Status]int),
	}
	for _, status := range scan.Statuses() {
		styles.statuses[status] = book.number(statusLook(status))
	}
	return styles
}

// stylebook gives the looks the numbers by which a workbook knows them.
type stylebook struct {
	file    *excelize.File
	numbers map[look]int
	err     error // the first
}

func newStylebook(file *excelize.File) *stylebook {
	return &stylebook{file: file, numbers: make(map[look]int)}
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

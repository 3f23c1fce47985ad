package xlsx

import (
	"math"
	"strconv"
	"strings"
	"time"

	"caascan/scan"
)

// A cell of an input that is a workbook stays a number, a date or a truth value if a style
// of ours shows it as its text says; else it is that text. So nothing is shown otherwise
// than in the other formats, and no format code of the input is taken over.

// generalFormat shows a number with as many digits as it has, up to 11 characters.
const generalFormat = "General"

// putValue fills a cell with a value that shows a text, if that can be. The styles are
// made as they are met: most workbooks have none of them.
func (b *workbook) putValue(column int, text string, value scan.Value) bool {
	switch value.Kind {
	case scan.TextValue:
	case scan.BoolValue:
		if text == "TRUE" || text == "FALSE" {
			b.line.truth(column, text, b.valueStyle(generalFormat))
			return true
		}
	case scan.NumberValue:
		number, err := strconv.ParseFloat(strings.TrimSpace(value.Raw), 64)
		if err != nil {
			return false
		}
		if format, ok := formatOfNumber(number, text); ok {
			b.line.float(column, number, b.valueStyle(format))
			return true
		}
		if date, format, ok := formatOfDate(number, text); ok {
			b.line.float(column, date, b.valueStyle(format))
			return true
		}
	}
	return false
}

func (b *workbook) valueStyle(format string) int {
	style, ok := b.valueStyles[format]
	if !ok {
		style = b.book.number(look{format: format})
		b.valueStyles[format] = style
	}
	return style
}

// mostDigits are those that a spreadsheet keeps of a number.
const mostDigits = 15

// The start of each of these, up to some decimal place, is a format.
const (
	fixedFormat   = "0.000000000000000"
	groupedFormat = "#,##0.000000000000000"
)

// formatOfNumber returns a format under which a number is shown as a text: digits as they
// are, in groups of three, or as a percentage.
func formatOfNumber(number float64, text string) (format string, ok bool) {
	unsigned, percent := strings.CutSuffix(text, "%")
	plain := strings.ReplaceAll(unsigned, ",", "")
	shown, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) { // which no workbook can hold
		return "", false
	}
	_, fraction, _ := strings.Cut(plain, ".")
	places := len(fraction)
	// What is not written so has a zero before it, an exponent or more digits than a number keeps.
	if strconv.FormatFloat(shown, 'f', places, 64) != plain || places > mostDigits || significant(plain) > mostDigits || shown == 0 && plain[0] == '-' {
		return "", false
	}
	switch {
	case percent:
		number *= 100
		format = upTo(fixedFormat, places) + "%"
	case plain != unsigned:
		format = upTo(groupedFormat, places)
	case isGeneral(number, shown, text):
		return generalFormat, true
	default:
		format = upTo(fixedFormat, places)
	}
	if plain != unsigned && (percent || grouped(plain) != unsigned) {
		return "", false
	}
	return format, strconv.FormatFloat(number, 'f', places, 64) == plain
}

// isGeneral reports whether a number is shown as a text without a format: what is longer,
// or nearer to zero, may be shown with an exponent.
func isGeneral(number, shown float64, text string) bool {
	const longest, least = 11, 0.001
	digits := func(f float64) string { return strconv.FormatFloat(f, 'G', mostDigits, 64) }
	return len(text) <= longest && (shown == 0 || math.Abs(shown) >= least) &&
		strconv.FormatFloat(shown, 'f', -1, 64) == text && digits(number) == digits(shown)
}

func upTo(format string, places int) string {
	point := strings.IndexByte(format, '.')
	if places == 0 {
		return format[:point]
	}
	return format[:point+1+places]
}

// significant returns the number of digits from the first that is no zero.
func significant(plain string) int {
	digits := strings.TrimLeft(plain, "-0.")
	return len(digits) - strings.Count(digits, ".")
}

// grouped puts commas between groups of three digits before the point.
func grouped(plain string) string {
	digits, fraction, _ := strings.Cut(plain, ".")
	text := plain[len(digits):len(plain)-len(fraction)] + fraction
	first := 0
	if digits[0] == '-' {
		first = 1
	}
	for len(digits)-first > 3 {
		text = "," + digits[len(digits)-3:] + text
		digits = digits[:len(digits)-3]
	}
	return digits + text
}

// dateForms are how dates are shown: as Go and as a workbook write it. A slash without a
// backslash is whatever the system of the reader has in its place.
var dateForms = [...]struct{ layout, format string }{
	{time.DateOnly, `yyyy\-mm\-dd`},
	{"02.01.2006", `dd\.mm\.yyyy`},
	{"02/01/2006", `dd\/mm\/yyyy`},
	{"01/02/2006", `mm\/dd\/yyyy`},
	{"02-01-2006", `dd\-mm\-yyyy`},
}

// timeForms are those of the times after dates.
var timeForms = [...]struct{ layout, format string }{{"", ""}, {" 15:04", " hh:mm"}, {" 15:04:05", " hh:mm:ss"}}

// days1904 is how many days later the dates of some workbooks begin, those of old ones of
// Excel for Macintosh (ECMA-376, part 1, section 18.17.4.1).
const days1904 = 1462

// formatOfDate returns a format under which a number, a date, is shown as a text. The date
// is the number as this workbook counts days.
func formatOfDate(number float64, text string) (date float64, format string, ok bool) {
	for _, day := range dateForms {
		for _, clock := range timeForms {
			layout := day.layout + clock.layout
			if len(layout) != len(text) {
				continue
			}
			for _, later := range [...]float64{0, days1904} {
				if t := momentOf(number + later); fitsMoment(t) && t.Format(layout) == text {
					return number + later, day.format + clock.format, true
				}
			}
		}
	}
	return 0, "", false
}

// momentOf is the inverse of serial, to the nearest second; the zero time if a spreadsheet
// knows no such time.
func momentOf(serial float64) time.Time {
	const most = 3e6 // days, beyond lastYear
	if !(0 <= serial && serial < most) {
		return time.Time{}
	}
	return time.Unix(dayZero+int64(math.Round(serial*secondsADay)), 0).UTC()
}

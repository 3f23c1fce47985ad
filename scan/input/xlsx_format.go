package input

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Bounds on the styles of a workbook. Excel stops at 255 octets and 65,490 of them.
const (
	maxFormatCode = 1 << 10
	maxStyles     = 1 << 16
	maxFormats    = 1 << 12 // what goes beyond is shown without its format
)

// The numbers of formats that are not left to the library (ISO/IEC 29500-1, clause
// 18.8.30).
const (
	formatGeneral = 0
	formatInteger = 1
)

// numberFormats are those of a workbook's cells.
type numberFormats struct {
	ofStyle  []int          // the number of the format of each style
	codes    map[int]string // of the formats that the workbook brings
	date1904 bool

	book   *excelize.File // knows how formats display, once one is needed
	styles map[int]int    // in book, by the number of the format
	known  map[displayKey]string
}

type displayKey struct {
	format int
	raw    string
}

// mostKnown bounds the numbers that are remembered with their display.
const mostKnown = 1 << 16

// readFormats reads the number formats of a part, "" for none.
func readFormats(p *parts, book bookParts) (*numberFormats, error) {
	formats := &numberFormats{codes: make(map[int]string), date1904: book.date1904, known: make(map[displayKey]string)}
	if book.styles == "" {
		return formats, nil
	}
	found, err := p.open(book.styles)
	if errors.Is(err, errNoPart) {
		return formats, nil
	}
	if err != nil {
		return nil, err
	}
	defer found.Close()
	section := ""
	for {
		token, err := found.next()
		if err == io.EOF {
			return formats, nil
		}
		if err != nil {
			return nil, fmt.Errorf("styles: %w", err)
		}
		if token != xmlStart {
			continue
		}
		if found.depth == 2 {
			section = string(found.name)
		}
		if err := formats.take(found.xmlScanner, section); err != nil {
			return nil, err
		}
	}
}

func (f *numberFormats) take(x *xmlScanner, section string) error {
	if x.depth != 3 {
		return nil
	}
	switch {
	case section == "numFmts" && string(x.name) == "numFmt":
		id, err := strconv.Atoi(string(x.attr("numFmtId")))
		code := x.attrText("formatCode")
		if err == nil && len(code) <= maxFormatCode {
			f.codes[id] = code
		}
	case section == "cellXfs" && string(x.name) == "xf":
		id, err := strconv.Atoi(string(x.attr("numFmtId")))
		if err != nil {
			id = formatGeneral
		}
		f.ofStyle = append(f.ofStyle, id)
	}
	if len(f.codes) > maxStyles || len(f.ofStyle) > maxStyles {
		return fmt.Errorf("more than %d styles", maxStyles)
	}
	return nil
}

// format returns the number of the format of a cell with a style, as the cell names it.
// One that is not there, or is none, is as if it were left out.
func (f *numberFormats) format(style []byte) int {
	if len(style) == 0 {
		return formatGeneral
	}
	i, err := strconv.Atoi(string(style))
	if err != nil || i < 0 || i >= len(f.ofStyle) {
		return formatGeneral
	}
	return f.ofStyle[i]
}

// display returns a number as the spreadsheet shows it. What no format shows, or none can
// be, is the number itself: a cell with a number is never empty.
func (f *numberFormats) display(raw []byte, format int) string {
	number := bytes.TrimSpace(raw)
	if format == formatGeneral || isLongInteger(number) || f.isIntegers(format) && isInteger(number) {
		return general(number)
	}
	if _, err := strconv.ParseFloat(string(number), 64); err != nil {
		return string(number)
	}
	key := displayKey{format, string(number)}
	if shown, ok := f.known[key]; ok {
		return shown
	}
	shown := f.ask(key)
	if strings.TrimSpace(shown) == "" {
		shown = general(number)
	}
	if len(f.known) >= mostKnown {
		clear(f.known)
	}
	f.known[key] = shown
	return shown
}

// isIntegers reports whether a format is the one of integers, by its number or, as some
// programs have it, under a number of their own.
func (f *numberFormats) isIntegers(format int) bool {
	return format == formatInteger || f.codes[format] == "0"
}

// isInteger reports whether a number is written as an integer, without zeros before it.
func isInteger(number []byte) bool {
	digits := bytes.TrimPrefix(number, []byte("-"))
	if len(digits) == 0 || digits[0] == '0' && len(number) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || '9' < c {
			return false
		}
	}
	return true
}

// isLongInteger reports whether a number is an integer that floating point would round: a
// card or an account. It is no date.
func isLongInteger(number []byte) bool { return len(number) > 15 && isInteger(number) }

// general shows a number without a format: up to 15 digits of it, but integers whole.
func general(number []byte) string {
	if isInteger(number) {
		return string(number)
	}
	text := string(number)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Contains(text, "_") {
		return text
	}
	shown := strconv.FormatFloat(value, 'f', -1, 64)
	if len(shown)-strings.Count(shown, ".") > 15 {
		return strconv.FormatFloat(value, 'G', 15, 64)
	}
	return shown
}

// ask lets the library display a number. It may stumble over a format that it does not
// know; that is no reason to lose a cell.
func (f *numberFormats) ask(key displayKey) (shown string) {
	defer func() {
		if recover() != nil {
			shown = ""
		}
	}()
	if f.book == nil {
		if err := f.openBook(); err != nil {
			return ""
		}
	}
	style, ok := f.styles[key.format]
	if !ok {
		return ""
	}
	cell, err := excelize.CoordinatesToCellName(1, style)
	if err != nil {
		return ""
	}
	sheet := f.book.GetSheetName(0)
	if err := f.book.SetCellDefault(sheet, cell, key.raw); err != nil {
		return ""
	}
	shown, err = f.book.GetCellValue(sheet, cell)
	if err != nil {
		return ""
	}
	return shown
}

// close lets go of the library's workbook.
func (f *numberFormats) close() error {
	if f == nil || f.book == nil {
		return nil
	}
	return f.book.Close()
}

// openBook gives the library a workbook with the same formats and a cell for each. A date
// without a pattern of its own is year, month and day: what the system of the writer made
// of it nobody can tell, and two digits for a year are ambiguous.
func (f *numberFormats) openBook() (err error) {
	f.styles = make(map[int]int)
	var formats, styles, rows strings.Builder
	for _, id := range f.ofStyle {
		if _, again := f.styles[id]; again || len(f.styles) == maxFormats {
			continue
		}
		style := len(f.styles) + 1
		f.styles[id] = style
		if code, ok := f.codes[id]; ok {
			fmt.Fprintf(&formats, `<numFmt numFmtId="%d" formatCode="%s"/>`, id, escapeXML(code))
		}
		fmt.Fprintf(&styles, `<xf numFmtId="%d" applyNumberFormat="1"/>`, id)
		fmt.Fprintf(&rows, `<row r="%d"><c r="A%d" s="%d"/></row>`, style, style, style)
	}
	const main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	const packages = "http://schemas.openxmlformats.org/package/2006/"
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, part := range []struct{ name, content string }{
		{"[Content_Types].xml", `<Types xmlns="` + packages + `content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + packages + `relationships"><Relationship Id="rId1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", fmt.Sprintf(`<workbook %s xmlns:r="%s"><workbookPr date1904="%t"/><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`, main, office, f.date1904)},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + packages + `relationships"><Relationship Id="rId1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="` + office + `/styles" Target="styles.xml"/></Relationships>`},
		{"xl/worksheets/sheet1.xml", `<worksheet ` + main + `><sheetData>` + rows.String() + `</sheetData></worksheet>`},
		{"xl/styles.xml", `<styleSheet ` + main + `><numFmts>` + formats.String() + `</numFmts><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders><cellXfs><xf numFmtId="0"/>` + styles.String() + `</cellXfs></styleSheet>`},
	} {
		file, err := w.Create(part.name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(file, part.content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	f.book, err = excelize.OpenReader(&archive, excelize.Options{ShortDatePattern: "yyyy-mm-dd"})
	return err
}

func escapeXML(text string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a strings.Builder takes all
	return escaped.String()
}

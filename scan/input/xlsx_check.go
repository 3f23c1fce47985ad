package input

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// parts are the files in a workbook's archive (ISO/IEC 29500-2).
type parts struct{ archive *zip.Reader }

// sheet is a worksheet; sheets of charts and macros are not listed.
type sheet struct {
	Name string `xml:"name,attr"`
	ID   string `xml:"id,attr"` // of the relationship; its namespace has two spellings
	part string
}

const sharedTexts = "xl/sharedStrings.xml"

// checkSizes refuses archives that unpack to more than a machine can take.
func (p parts) checkSizes() error {
	var sum uint64
	for _, file := range p.archive.File {
		sum += file.UncompressedSize64
		name, size := strings.ToLower(file.Name), file.UncompressedSize64
		held := !strings.HasPrefix(name, "xl/worksheets/sheet") && name != strings.ToLower(sharedTexts)
		if sum > maxUnpacked || held && size > maxPart {
			return fmt.Errorf("%w that fits: %s unpacks to %d octets; save the sheet as CSV", ErrFormat, quote(file.Name), size)
		}
	}
	return nil
}

// open returns a part by its name in the archive.
func (p parts) open(name string) (io.ReadCloser, error) {
	for _, file := range p.archive.File {
		if strings.EqualFold(strings.ReplaceAll(file.Name, `\`, "/"), name) {
			return file.Open()
		}
	}
	return nil, fmt.Errorf("no part %s", quote(name))
}

// decode reads a whole part.
func (p parts) decode(name string, into any) error {
	file, err := p.open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := xml.NewDecoder(file).Decode(into); err != nil {
		return fmt.Errorf("part %s: %w", quote(name), err)
	}
	return nil
}

// relationships are what a part refers to.
type relationships struct {
	All []struct {
		ID     string `xml:"Id,attr"`
		Type   string `xml:"Type,attr"`
		Target string `xml:"Target,attr"`
	} `xml:"Relationship"`
}

// related returns the parts of one kind that a part refers to, by identifier.
func (p parts) related(from, kind string) (map[string]string, error) {
	var found relationships
	dir, base := path.Split(from)
	if err := p.decode(dir+"_rels/"+base+".rels", &found); err != nil {
		return nil, err
	}
	byID := make(map[string]string)
	for _, r := range found.All {
		if path.Base(r.Type) != kind {
			continue
		}
		if target, absolute := strings.CutPrefix(r.Target, "/"); absolute {
			byID[r.ID] = target
			continue
		}
		byID[r.ID] = path.Join(dir, r.Target)
	}
	return byID, nil
}

// sheets returns the worksheets in the order of their tabs.
func (p parts) sheets() ([]sheet, error) {
	roots, err := p.related("", "officeDocument")
	if err != nil {
		return nil, err
	}
	for _, root := range roots {
		return p.sheetsOf(root)
	}
	return nil, errors.New("no workbook")
}

func (p parts) sheetsOf(root string) ([]sheet, error) {
	var book struct {
		Sheets []sheet `xml:"sheets>sheet"`
	}
	if err := p.decode(root, &book); err != nil {
		return nil, err
	}
	worksheets, err := p.related(root, "worksheet")
	if err != nil {
		return nil, err
	}
	var sheets []sheet
	for _, s := range book.Sheets {
		if part, ok := worksheets[s.ID]; ok {
			s.part = part
			sheets = append(sheets, s)
		}
	}
	if len(sheets) == 0 {
		return nil, errors.New("no sheets")
	}
	return sheets, nil
}

// checkSheet reads a sheet to its end and returns its last row. excelize takes a
// fault in the XML for the end of the rows, a text that is missing for an empty
// cell, and rows out of order for one row: without this check rows would be lost
// in silence.
func (p parts) checkSheet(part string) (lastRow int, err error) {
	texts, err := p.countTexts()
	if err != nil {
		return 0, err
	}
	file, err := p.open(part)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	check := sheetCheck{texts: texts}
	decoder := xml.NewDecoder(file)
	for !check.done {
		token, err := decoder.Token()
		if err == nil {
			err = check.token(token)
		}
		if err != nil {
			return 0, fmt.Errorf("after row %d: %w", check.row, err)
		}
	}
	return check.row, nil
}

// countTexts returns how many texts the cells of a workbook share.
func (p parts) countTexts() (int, error) {
	file, err := p.open(sharedTexts)
	if err != nil {
		return 0, nil // a workbook of numbers, or with the texts in the cells
	}
	defer file.Close()
	decoder := xml.NewDecoder(file)
	for texts := 0; ; {
		token, err := decoder.Token()
		if err == io.EOF {
			return texts, nil
		}
		if err != nil {
			return 0, fmt.Errorf("shared texts: %w", err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "si" {
			texts++
		}
	}
}

// sheetCheck follows the tokens of a sheet (ISO/IEC 29500-1, clause 18.3.1).
type sheetCheck struct {
	texts    int
	row, col int
	shared   bool // the cell refers to a shared text
	value    bool // inside the cell's value
	done     bool // behind the last row
}

func (c *sheetCheck) token(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return c.start(token)
	case xml.EndElement:
		c.value = false
		c.done = token.Name.Local == "sheetData"
	case xml.CharData:
		if !c.shared || !c.value {
			return nil
		}
		if i, err := strconv.Atoi(strings.TrimSpace(string(token))); err != nil || i < 0 || i >= c.texts {
			return fmt.Errorf("a cell refers to shared text %s of %d", quote(string(token)), c.texts)
		}
	}
	return nil
}

func (c *sheetCheck) start(element xml.StartElement) error {
	switch element.Name.Local {
	case "row":
		return c.startRow(attribute(element, "r"))
	case "c":
		c.shared = attribute(element, "t") == "s"
		return c.startCell(attribute(element, "r"))
	case "v":
		c.value = true
	}
	return nil
}

func (c *sheetCheck) startRow(number string) error {
	row := c.row + 1
	if number != "" {
		var err error
		if row, err = strconv.Atoi(number); err != nil || row <= c.row || row > excelize.TotalRows {
			return fmt.Errorf("row %s does not come after row %d", quote(number), c.row)
		}
	}
	c.row, c.col = row, 0
	return nil
}

func (c *sheetCheck) startCell(reference string) error {
	col := c.col + 1
	if reference != "" {
		var err error
		if col, _, err = excelize.CellNameToCoordinates(reference); err != nil || col <= c.col {
			return fmt.Errorf("cell %s is out of order", quote(reference))
		}
	}
	c.col = col
	return nil
}

// attribute returns the value of an attribute without a namespace, or "".
func attribute(element xml.StartElement, name string) string {
	for _, a := range element.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

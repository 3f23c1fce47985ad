// Sheet writes a CSV list as the workbook that a spreadsheet program makes of it: texts
// are shared, and cells refer to them.
//
//	sheet LIST.csv BOOK.xlsx
package main

import (
	"archive/zip"
	"bufio"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/xuri/excelize/v2"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sheet:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: sheet LIST.csv BOOK.xlsx")
	}
	list, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer list.Close()
	book, err := os.Create(args[1])
	if err != nil {
		return err
	}
	return errors.Join(write(book, list), book.Close())
}

const (
	main1  = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packed = "http://schemas.openxmlformats.org/package/2006/"
)

// write makes the workbook: what leads to the sheet, the sheet, and then the texts that its
// cells have turned out to share.
func write(to io.Writer, list io.Reader) error {
	w := zip.NewWriter(to)
	relation := func(id, kind, target string) string {
		return fmt.Sprintf(`<Relationship Id="%s" Type="%s/%s" Target="%s"/>`, id, office, kind, target)
	}
	relations := func(inside string) string {
		return `<Relationships xmlns="` + packed + `relationships">` + inside + `</Relationships>`
	}
	for _, part := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="` + packed + `content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`},
		{"_rels/.rels", relations(relation("r1", "officeDocument", "xl/workbook.xml"))},
		{"xl/workbook.xml", `<workbook ` + main1 + ` xmlns:r="` + office + `"><sheets><sheet name="List" sheetId="1" r:id="r1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", relations(relation("r1", "worksheet", "worksheets/sheet1.xml") + relation("r2", "sharedStrings", "sharedStrings.xml"))},
	} {
		file, err := w.Create(part[0])
		if err != nil {
			return err
		}
		if _, err := io.WriteString(file, part[1]); err != nil {
			return err
		}
	}
	texts, err := writeSheet(w, list)
	if err != nil {
		return err
	}
	if err := writeTexts(w, texts); err != nil {
		return err
	}
	return w.Close()
}

func writeSheet(w *zip.Writer, list io.Reader) (texts []string, err error) {
	file, err := w.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriter(file)
	fmt.Fprintf(out, `<worksheet %s><sheetData>`, main1)
	known := make(map[string]int)
	records := csv.NewReader(list)
	records.FieldsPerRecord = -1
	for row := 1; ; row++ {
		cells, err := records.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(out, `<row r="%d" spans="1:%d">`, row, len(cells))
		for i, cell := range cells {
			n, ok := known[cell]
			if !ok {
				n = len(texts)
				known[cell], texts = n, append(texts, cell)
			}
			name, err := excelize.CoordinatesToCellName(i+1, row)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(out, `<c r="%s" t="s"><v>%d</v></c>`, name, n)
		}
		fmt.Fprint(out, `</row>`)
	}
	fmt.Fprint(out, `</sheetData></worksheet>`)
	return texts, out.Flush()
}

func writeTexts(w *zip.Writer, texts []string) error {
	file, err := w.Create("xl/sharedStrings.xml")
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	fmt.Fprintf(out, `<sst %s>`, main1)
	for _, text := range texts {
		fmt.Fprint(out, `<si><t>`)
		if err := xml.EscapeText(out, []byte(text)); err != nil {
			return err
		}
		fmt.Fprint(out, `</t></si>`)
	}
	fmt.Fprint(out, `</sst>`)
	return out.Flush()
}

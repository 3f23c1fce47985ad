package xlsx

import (
	"testing"

	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
)

func BenchmarkXLSX(b *testing.B) { reporttest.Bench(b, New) }

// BenchmarkBareStreamWriter is what BenchmarkXLSX is measured by: excelize as it
// comes, with the cells of the rows and nothing else.
func BenchmarkBareStreamWriter(b *testing.B) {
	results, layout := reporttest.BenchRows(b, reporttest.BenchmarkRows), reporttest.BenchLayout(b)
	table, err := report.NewTable(layout)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var size reporttest.Counter
	for b.Loop() {
		size = 0
		file := excelize.NewFile(excelize.Options{TmpDir: layout.TempDir})
		stream, err := file.NewStreamWriter("Sheet1")
		if err != nil {
			b.Fatal(err)
		}
		for i, r := range results {
			at, err := excelize.CoordinatesToCellName(1, i+1)
			if err != nil {
				b.Fatal(err)
			}
			if err := stream.SetRow(at, bareCells(table, r)); err != nil {
				b.Fatal(err)
			}
		}
		if err := stream.Flush(); err != nil {
			b.Fatal(err)
		}
		if err := file.Write(&size); err != nil {
			b.Fatal(err)
		}
		if err := file.Close(); err != nil {
			b.Fatal(err)
		}
	}
	reporttest.PerRow(b, size, len(results))
}

// bareCells are the cells of a row that are not empty, in the first style.
func bareCells(t *report.Table, r scan.Result) []any {
	cells := make([]any, len(t.Inputs)+len(t.Columns))
	for i, text := range r.Row.Cells {
		cells[i] = excelize.Cell{Value: text, StyleID: 1}
	}
	for i := range t.Columns {
		f := &t.Columns[i]
		if n, ok := f.Number(r); ok {
			cells[len(t.Inputs)+i] = excelize.Cell{Value: n, StyleID: 1}
		} else if text := f.Text(r); text != "" {
			cells[len(t.Inputs)+i] = excelize.Cell{Value: text, StyleID: 1}
		}
	}
	return cells
}

package xlsx

import (
	"cmp"
	"fmt"
	"math"

	"github.com/xuri/excelize/v2"
)

// setPage fixes what a sheet is on paper: A4, landscape, so many pages wide and as
// many high as it takes. Pages that are side by side follow each other.
func setPage(f *excelize.File, sheet string, wide int) error {
	return cmp.Or(
		f.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: new(true)}),
		f.SetPageLayout(sheet, &excelize.PageLayoutOptions{
			Size: new(paperA4), Orientation: new("landscape"),
			FitToWidth: &wide, FitToHeight: new(0), PageOrder: new("overThenDown"),
		}),
		f.SetPageMargins(sheet, &excelize.PageLayoutMarginsOptions{
			Left: new(0.4), Right: new(0.4), Top: new(0.5), Bottom: new(0.6), Header: new(0.3), Footer: new(0.3),
		}),
		f.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddFooter: "&L&A&RPage &P of &N"}),
	)
}

// paper is the same for a sheet that is written here.
func paper(wide int) string {
	return `<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.6" header="0.3" footer="0.3"/>` +
		fmt.Sprintf(`<pageSetup paperSize="%d" fitToWidth="%d" fitToHeight="0" pageOrder="overThenDown" orientation="landscape"/>`, paperA4, wide) +
		`<headerFooter><oddFooter>&amp;L&amp;A&amp;RPage &amp;P of &amp;N</oddFooter></headerFooter>`
}

const paperA4 = 9 // ECMA-376, part 1, section 18.3.1.63

// pagesWide is over how many pages columns of these widths are spread, so that
// textSize comes out at about 6 points, which can be read.
func pagesWide(widths []float64) int {
	sum := 0.0
	for _, width := range widths {
		sum += width
	}
	return int(math.Ceil(sum / fitting))
}

package xlsx

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/xuri/excelize/v2"

	"caascan/scan"
)

// chartSpot is where a chart is: the column at which it begins, how far in that,
// and its width, in pixels. excelize takes a column for eight pixels a character
// wide, and Excel for seven; so a chart begins where a column does, or ends where
// one does, and the rest lies in the widest.
type chartSpot struct {
	column        string
	offset, width int
}

// The spots of the charts of a CA.
func leftSpot() chartSpot   { return chartSpot{wordColumn, 0, 8*wordWidth + 120} }
func middleSpot() chartSpot { return chartSpot{shareColumn, 0, 2*8*numberWidth + 140} }
func rightSpot() chartSpot  { return chartSpot{meaningColumn, 152, 7*meaningWidth - 152} }
func wideSpot() chartSpot   { return chartSpot{shareColumn, 0, 2*8*numberWidth + 7*meaningWidth} }

// The heights of charts in pixels.
const (
	leastHeight = 210
	chartFrame  = 54 // of a chart of bars: above and below them
	barHeight   = 15
	barItself   = 11
)

// The colours of the charts. They differ in lightness, for a print without any.
const (
	chartGreen = "4F9D69"
	chartRed   = "8A0006"
	chartAmber = "F2D37A"
	chartBlue  = "486581"
)

func statusColor(status scan.Status) string {
	switch status {
	case scan.Permitted:
		return chartGreen
	case scan.Denied:
		return chartRed
	case scan.LookupFailed:
		return chartAmber
	}
	panic("report: unknown status " + string(status))
}

// span is rows of the summary with a word and a number of rows in each.
type span struct{ first, last int }

func (s span) len() int { return s.last - s.first + 1 }

func (s span) column(name string) string {
	return fmt.Sprintf("'%s'!$%s$%d:$%[2]s$%[4]d", summarySheet, name, s.first, s.last)
}

// chart is what all charts of the summary have in common.
func (s span) chart(kind excelize.ChartType, title, describedAs string) *excelize.Chart {
	return &excelize.Chart{
		Type: kind,
		Series: []excelize.ChartSeries{{
			Name: fmt.Sprintf("'%s'!$%s$%d", summarySheet, rowsColumn, s.first-1), Categories: s.column(wordColumn), Values: s.column(rowsColumn),
			DataLabel: excelize.ChartDataLabel{Font: excelize.Font{Family: font, Size: 9, Color: ink}},
		}},
		Format:     excelize.GraphicOptions{AltText: describedAs},
		Title:      excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title, Font: &excelize.Font{Family: font, Size: 11, Bold: true, Color: navy}}}},
		Legend:     excelize.ChartLegend{Position: "none"},
		VaryColors: new(false),
		Border:     excelize.LineOptions{Type: excelize.LineSolid, Fill: solid(paleNavy)},
	}
}

// doughnut shows the statuses. Slices of less than a thirtieth have no label,
// because there is no room for it.
func (s span) doughnut(describedAs string) *excelize.Chart {
	c := s.chart(excelize.Doughnut, "Share of rows", describedAs)
	for i, status := range scan.Statuses() {
		c.Series[0].DataPoint = append(c.Series[0].DataPoint, excelize.ChartDataPoint{Index: i, Fill: solid(statusColor(status))})
	}
	c.Series[0].DataLabel.Fill = solid(white)
	c.PlotArea = excelize.ChartPlotArea{ShowPercent: true, NumFmt: excelize.ChartNumFmt{CustomNumFmt: `[>=0.033]0%;;`}}
	c.Legend = excelize.ChartLegend{Position: "right", Font: &excelize.Font{Family: font, Size: 9, Color: ink}}
	c.HoleSize, c.VaryColors = 55, new(true) // else the legend is of the series
	return c
}

// bars shows a bar for each row, the first at the top.
func (s span) bars(title, color string) *excelize.Chart {
	c := s.chart(excelize.Bar, title, title+", as in the table below")
	c.Series[0].Fill = solid(color)
	c.Series[0].DataLabelPosition = excelize.ChartDataLabelsPositionOutsideEnd
	c.GapWidth = new(s.gap())
	c.PlotArea = excelize.ChartPlotArea{ShowVal: true, NumFmt: excelize.ChartNumFmt{CustomNumFmt: countFormat}}
	words := excelize.Font{Family: font, Size: 9, Color: ink}
	c.XAxis = excelize.ChartAxis{ReverseOrder: true, Font: words}
	c.YAxis = excelize.ChartAxis{None: true, Font: words, Minimum: new(0.0)} // else long bars that are alike begin at more
	return c
}

// color gives each bar of the chart that was drawn last the colour of its status. excelize
// does so for the slices of a doughnut only, so the part that it has made is changed
// (section 21.2.2.52).
func (p *summary) color(statuses []scan.Status) {
	name := fmt.Sprintf("xl/charts/chart%d.xml", p.charts)
	stored, _ := p.file.Pkg.Load(name)
	text, _ := stored.([]byte)
	const begun = `<invertIfNegative val="0"></invertIfNegative>`
	before, after, found := bytes.Cut(text, []byte(begun))
	if !found {
		p.err = cmp.Or(p.err, fmt.Errorf("%s has no bars", name))
		return
	}
	colored := append(bytes.Clone(before), begun...)
	for i, status := range statuses {
		colored = fmt.Appendf(colored, `<dPt><idx val="%d"/><invertIfNegative val="0"/><spPr><a:solidFill><a:srgbClr val="%s"/></a:solidFill></spPr></dPt>`, i, statusColor(status))
	}
	p.file.Pkg.Store(name, append(colored, after...))
}

// drawReasons shows the reasons that are not of what is permitted, which is most in nearly
// all lists and would make all other bars too short to be seen; that has its place in the
// doughnut. If there is nothing else, it shows what there is.
func (p *summary) drawReasons(row, height int, spot chartSpot, t issuerTables) {
	unseen := unseenReasons(t.kinds)
	shown, statuses := t.reasons, t.kinds[unseen:]
	shown.first += unseen
	c := shown.bars("Rows by reason", chartBlue)
	c.Series[0].Name = fmt.Sprintf("'%s'!$%s$%d", summarySheet, rowsColumn, t.reasons.first-1) // the header
	p.draw(row, height, spot, c)
	p.color(statuses)
}

// unseenReasons is how many of the first reasons have no bar, as these are their statuses.
func unseenReasons(statuses []scan.Status) int {
	return max(0, slices.IndexFunc(statuses, func(status scan.Status) bool { return status != scan.Permitted }))
}

// gap is what lies between bars that are as thick in every chart, in hundredths of
// a bar; spreadsheets take 500 at most.
func (s span) gap() uint {
	each := (leastHeight - chartFrame) / s.len()
	return uint(min(max(40, 100*(each-barItself)/barItself), 500))
}

func solid(color string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
}

// issuerTables are where the tables of a CA are.
type issuerTables struct {
	statuses, reasons, names span
	kinds                    []scan.Status // of each reason
}

// bars is how many the chart with the most of them has.
func (t *issuerTables) bars() int { return max(len(t.kinds)-unseenReasons(t.kinds), t.names.len()) }

// drawCharts puts the charts of a CA side by side into rows that reserve has left.
func (p *summary) drawCharts(row int, t issuerTables, describedAs string) {
	height := chartHeight(t.bars())
	p.draw(row, height, leftSpot(), t.statuses.doughnut(describedAs))
	if t.names.len() == 0 {
		p.drawReasons(row, height, wideSpot(), t)
		return
	}
	p.drawReasons(row, height, middleSpot(), t)
	p.draw(row, height, rightSpot(), t.names.bars("Rows by blocking name", chartRed))
}

func (p *summary) draw(row, height int, at chartSpot, c *excelize.Chart) {
	c.Format.OffsetX = at.offset
	c.Dimension = excelize.ChartDimension{Width: uint(at.width), Height: uint(height)}
	p.charts++
	if p.err == nil {
		p.err = p.file.AddChart(summarySheet, at.column+strconv.Itoa(row), c)
	}
}

// reserve leaves rows for charts of so many bars, and returns the first.
func (p *summary) reserve(bars int) int {
	p.endRow(0)
	first := p.row
	for range chartRows(bars) - 1 {
		p.endRow(0)
	}
	return first
}

// chartRows is how many rows charts take, with one above and at least half of one below them.
func chartRows(bars int) int { return (chartHeight(bars)+rowPixels/2)/rowPixels + 2 }

// chartPoints is how high those rows are.
func chartPoints(bars int) float64 { return float64(rowPoints * chartRows(bars)) }

func chartHeight(bars int) int { return max(leastHeight, chartFrame+barHeight*bars) }

package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/caa"
)

// many has so many rows of each status, each of a domain and a deciding name of its
// own.
func many(t testing.TB, rows int) reporttest.World {
	t.Helper()
	w := reporttest.NewWorld(t, "Old", "New")
	w.Results = nil
	for i := range rows {
		denied := reporttest.Permitted(t, fmt.Sprintf("closed%d.example", i), 2)
		owner := fmt.Sprintf("policy%d.example", i)
		denied.FoundAt, denied.Records = denied.Domain, reporttest.Issuemail(t, owner, "other.example")
		for j, ca := range []string{"old.example", "new.example"} {
			denied.Decisions[j] = scan.Decision{
				Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed), Detail: "Not listed.", Fix: reporttest.Fix(t, owner, "other.example", ca),
			}
		}
		// Numbers in their order, which world.add would look for among all rows.
		w.Results = append(w.Results,
			numbered(denied, 3*i+1), numbered(reporttest.Permitted(t, fmt.Sprintf("open%d.example", i), 2), 3*i+2), numbered(failing(t, i), 3*i+3))
	}
	return w
}

func failing(t testing.TB, i int) scan.Verdict {
	v := reporttest.InputFailure("timeout", "No answer.", 2)
	v.Domain = reporttest.Name(t, fmt.Sprintf("failed%d.example", i))
	return v
}

func numbered(v scan.Verdict, number int) scan.Result {
	v.Number = number
	cell := "x@" + v.Domain.String()
	return scan.Result{Row: scan.Row{Number: number + 1, Cells: []string{cell}, Cell: cell}, Verdict: v}
}

// limited returns a workbook whose sheets have so many rows at most.
func limited(t testing.TB, w reporttest.World, rows int) []byte {
	t.Helper()
	var out bytes.Buffer
	to, err := New(&out, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	to.(*workbook).limits.rows = rows
	w.Write(t, to)
	return out.Bytes()
}

// TestStructure looks for what Excel would repair.
func TestStructure(t *testing.T) {
	nothing := reporttest.NewWorld(t, "ca.example")
	nothing.Results, nothing.Run = nil, report.Run{}
	for name, workbook := range map[string][]byte{
		"one CA":              reporttest.NewWorld(t, "ca.example").Bytes(t, New),
		"two CAs":             reporttest.NewWorld(t, "Old", "New").Bytes(t, New),
		"three CAs":           reporttest.AllOpen(t, "a", "b", "c").Bytes(t, New),
		"nothing is denied":   reporttest.AllOpen(t, "ca.example").Bytes(t, New),
		"rows are compared":   reporttest.Compared(t, "Old", "New").Bytes(t, New),
		"no row":              nothing.Bytes(t, New),
		"every sheet is full": limited(t, many(t, 25), 10),
	} {
		t.Run(name, func(t *testing.T) {
			parts := partsOf(t, workbook)
			checkRelationships(t, parts)
			checkContentTypes(t, parts)
			f := open(t, workbook)
			checkNames(t, f)
			for _, sheet := range f.GetSheetList() {
				checkSheet(t, f, sheet)
			}
			checkCharts(t, f, parts)
			checkSelected(t, parts)
		})
	}
}

// partsOf returns the parts of a workbook by name, each of which must be XML.
func partsOf(t *testing.T, workbook []byte) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(workbook), int64(len(workbook)))
	if err != nil {
		t.Fatal(err)
	}
	parts := make(map[string]string)
	for _, file := range archive.File {
		if _, twice := parts[file.Name]; twice {
			t.Errorf("%s is there twice", file.Name)
		}
		parts[file.Name] = readPart(t, workbook, file.Name)
		decoder := xml.NewDecoder(strings.NewReader(parts[file.Name]))
		for err == nil {
			_, err = decoder.Token()
		}
		if err != io.EOF {
			t.Errorf("%s: %v", file.Name, err)
		}
		err = nil
	}
	return parts
}

// checkRelationships looks for targets that are not there, and parts that nothing
// leads to.
func checkRelationships(t *testing.T, parts map[string]string) {
	t.Helper()
	targets := map[string]bool{"[Content_Types].xml": true}
	for name, text := range parts {
		if path.Ext(name) != ".rels" {
			continue
		}
		targets[name] = true
		base := path.Dir(path.Dir(name))
		for _, match := range regexp.MustCompile(` Target="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			target := path.Join(base, match[1])
			if strings.HasPrefix(match[1], "/") {
				target = match[1][1:]
			}
			targets[target] = true
			if _, ok := parts[target]; !ok {
				t.Errorf("%s leads to %s, which is not there", name, target)
			}
		}
	}
	for name := range parts {
		if !targets[name] {
			t.Errorf("nothing leads to %s", name)
		}
	}
}

func checkContentTypes(t *testing.T, parts map[string]string) {
	t.Helper()
	types := parts["[Content_Types].xml"]
	seen := make(map[string]bool)
	for _, match := range regexp.MustCompile(`(?:PartName|Extension)="([^"]*)"`).FindAllStringSubmatch(types, -1) {
		if seen[match[1]] {
			t.Errorf("%s has two types", match[1])
		}
		seen[match[1]] = true
		if part, ok := strings.CutPrefix(match[1], "/"); ok && parts[part] == "" {
			t.Errorf("a type of %s, which is not there", match[1])
		}
	}
	for name := range parts {
		if path.Ext(name) == ".xml" && name != "[Content_Types].xml" && !seen["/"+name] {
			t.Errorf("%s has no type", name)
		}
	}
}

// checkNames looks at the names of sheets, and at those that are defined.
func checkNames(t *testing.T, f *excelize.File) {
	t.Helper()
	sheets := f.GetSheetList()
	for _, sheet := range sheets {
		if len(sheet) > 31 || strings.ContainsAny(sheet, `:\/?*[]'`) {
			t.Errorf("Excel takes no sheet %q", sheet)
		}
	}
	seen := make(map[string]bool)
	for _, defined := range f.GetDefinedName() {
		if key := defined.Scope + "!" + defined.Name; seen[key] {
			t.Errorf("%s is defined twice", key)
		} else {
			seen[key] = true
		}
		if !strings.HasPrefix(defined.RefersTo, "'"+defined.Scope+"'!") || !slices.Contains(sheets, defined.Scope) {
			t.Errorf("%s of %s refers to %s", defined.Name, defined.Scope, defined.RefersTo)
		}
	}
	if want := 2 * (len(sheets) - 1); len(seen) != want {
		t.Errorf("%d names are defined, want %d: the filter and the titles of each sheet of lines", len(seen), want)
	}
}

// checkSheet looks at the rows, the links and the print set-up of a sheet.
func checkSheet(t *testing.T, f *excelize.File, sheet string) {
	t.Helper()
	all := rows(t, f, sheet)
	if len(all) < 2 {
		t.Errorf("%s has nothing under its header", sheet)
	}
	for i, row := range all {
		for j, cell := range row {
			at, _ := excelize.CoordinatesToCellName(j+1, i+1)
			if formula, err := f.GetCellFormula(sheet, at); formula != "" || err != nil {
				t.Errorf("%s!%s is the formula %s: %v", sheet, at, formula, err)
			}
			if len(cell) > excelize.TotalCellChars {
				t.Errorf("%s!%s has %d characters", sheet, at, len(cell))
			}
			checkLink(t, f, sheet, at)
		}
	}
	layout, err := f.GetPageLayout(sheet)
	if err != nil || *layout.Orientation != "landscape" || *layout.FitToHeight != 0 && sheet != summarySheet {
		t.Errorf("%s is printed as %+v: %v", sheet, layout, err)
	}
	// Results has all columns of the input too, and three CAs make Domains wide.
	if wide := *layout.FitToWidth; wide != 1 && !strings.HasPrefix(sheet, resultsSheet) && !strings.HasPrefix(sheet, domainsSheet) {
		t.Errorf("%s is %d pages wide", sheet, wide)
	}
}

func checkLink(t *testing.T, f *excelize.File, sheet, at string) {
	t.Helper()
	linked, target, err := f.GetCellHyperLink(sheet, at)
	if err != nil {
		t.Fatal(err)
	}
	if !linked {
		return
	}
	other, cell, _ := strings.Cut(target, "!")
	if text, err := f.GetCellValue(strings.Trim(other, "'"), cell); err != nil || text == "" {
		t.Errorf("%s!%s leads to %s, where nothing stands: %v", sheet, at, target, err)
	}
}

// checkCharts looks at what the charts refer to: words and numbers of the summary.
func checkCharts(t *testing.T, f *excelize.File, parts map[string]string) {
	t.Helper()
	reference := regexp.MustCompile(`<f>&#39;Summary&#39;!\$([A-E])\$(\d+)(?::\$[A-E]\$(\d+))?</f>`)
	for name, text := range parts {
		if !strings.HasPrefix(name, "xl/charts/") {
			continue
		}
		// An axis that begins elsewhere makes 1,000 look like twice 900.
		if bars := strings.Contains(text, "<barChart>"); bars != strings.Contains(text, `<min val="0">`) {
			t.Errorf("%s: the bars do not begin at 0", name)
		}
		refs := reference.FindAllStringSubmatch(text, -1)
		if len(refs) != 3 || strings.Count(text, "<f>") != 3 {
			t.Fatalf("%s refers to %q, want a name, words and numbers", name, refs)
		}
		if header, _ := f.GetCellValue(summarySheet, refs[0][1]+refs[0][2]); header != "Rows" {
			t.Errorf("%s is called %q", name, header)
		}
		if refs[1][1] != "A" || refs[2][1] != "B" || !slices.Equal(refs[1][2:], refs[2][2:]) {
			t.Errorf("%s has the words of %q and the numbers of %q", name, refs[1], refs[2])
		}
		first, _ := strconv.Atoi(refs[1][2])
		last, _ := strconv.Atoi(refs[1][3])
		for row := first; row <= last; row++ {
			word, _ := f.GetCellValue(summarySheet, fmt.Sprintf("A%d", row))
			number, _ := f.GetCellValue(summarySheet, fmt.Sprintf("B%d", row), excelize.Options{RawCellValue: true})
			if _, err := strconv.Atoi(number); err != nil || word == "" {
				t.Errorf("%s shows %q as %q", name, word, number)
			}
		}
	}
}

// checkSelected finds sheets that are selected together: what is typed into one then
// goes into all.
func checkSelected(t *testing.T, parts map[string]string) {
	t.Helper()
	var selected []string
	for name, text := range parts {
		if regexp.MustCompile(`<sheetView [^>]*tabSelected="(1|true)"`).MatchString(text) {
			selected = append(selected, name)
		}
	}
	if want := []string{"xl/worksheets/sheet1.xml"}; !slices.Equal(selected, want) {
		t.Errorf("selected: %q, want %q", selected, want)
	}
}

// The charts show all rows once, but those of single names.
func TestCharts(t *testing.T) {
	workbook := reporttest.NewWorld(t, "Old", "New").Bytes(t, New)
	parts := partsOf(t, workbook)
	f := open(t, workbook)
	var got [][]string
	for i := 1; parts[fmt.Sprintf("xl/charts/chart%d.xml", i)] != ""; i++ {
		text := parts[fmt.Sprintf("xl/charts/chart%d.xml", i)]
		ref := regexp.MustCompile(`\$B\$(\d+):\$B\$(\d+)`).FindStringSubmatch(text)
		first, _ := strconv.Atoi(ref[1])
		last, _ := strconv.Atoi(ref[2])
		var lines []string
		for row := first; row <= last; row++ {
			word, _ := f.GetCellValue(summarySheet, fmt.Sprintf("A%d", row))
			number, _ := f.GetCellValue(summarySheet, fmt.Sprintf("B%d", row))
			lines = append(lines, word+" "+number)
		}
		got = append(got, lines)
	}
	want := [][]string{
		{"permitted 2", "denied 1", "lookup-failed 3"},
		{"issuer-not-listed 1", "broken-row 1", "empty 1", "dnssec-bogus 1"},
		{"policy.example 1"},
		{"permitted 3", "denied 0", "lookup-failed 3"},
		{"broken-row 1", "empty 1", "dnssec-bogus 1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("charts (-want +got):\n%s", diff)
	}
}

// TestReasonBarsHaveTheColoursOfTheirStatuses: a bar that was denied is red, one that failed
// amber, as in the doughnut.
func TestReasonBarsHaveTheColoursOfTheirStatuses(t *testing.T) {
	chart := readPart(t, reporttest.NewWorld(t, "ca.example").Bytes(t, New), "xl/charts/chart2.xml")
	var got []string
	for _, point := range regexp.MustCompile(`<dPt><idx val="(\d)"/>.*?<a:srgbClr val="(\w+)"/>.*?</dPt>`).FindAllStringSubmatch(chart, -1) {
		got = append(got, point[1]+" "+point[2])
	}
	want := []string{"0 " + chartRed}
	for i := range 3 {
		want = append(want, fmt.Sprintf("%d %s", i+1, chartAmber))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The sheets of one kind stand together, and each keeps its own filter.
func TestSheetOrder(t *testing.T) {
	f := open(t, limited(t, many(t, 12), 10))
	want := []string{
		"Summary", "Fix list New", "Fix list New 2", "Fix list Old", "Fix list Old 2", "Results", "Results 2", "Results 3", "Results 4",
		"Failed", "Failed 2", "Domains", "Domains 2", "Domains 3", "Domains 4",
		"Legend", "Legend 2", "Legend 3", "Legend 4", "Legend 5", "Legend 6", "Legend 7", "Legend 8",
	}
	if diff := cmp.Diff(want, f.GetSheetList()); diff != "" {
		t.Errorf("sheets (-want +got):\n%s", diff)
	}
	if active := f.GetActiveSheetIndex(); active != 0 {
		t.Errorf("the workbook opens at sheet %d", active)
	}
	for _, defined := range f.GetDefinedName() {
		if defined.Scope == "Results 4" && defined.Name == "_xlnm._FilterDatabase" && !strings.HasSuffix(defined.RefersTo, "$10") {
			t.Errorf("the filter of Results 4 is %s", defined.RefersTo) // 36 rows are four times nine
		}
	}
}

// A fix leads to the first of its domains, a name of the summary to its fix.
func TestLinks(t *testing.T) {
	f := open(t, limited(t, many(t, 12), 10))
	for _, sheet := range sheetsOf(f, fixSheet) {
		for i := headOf(t, f, sheet) + 1; i <= len(rows(t, f, sheet)); i++ {
			owner, _ := f.GetCellValue(sheet, fmt.Sprintf("A%d", i))
			linked, target, err := f.GetCellHyperLink(sheet, fmt.Sprintf("C%d", i))
			if err != nil || !linked {
				t.Fatalf("%s!C%d leads nowhere: %v", sheet, i, err)
			}
			domain := valueAt(t, f, target)
			if want := strings.Replace(owner, "policy", "closed", 1); domain != want {
				t.Errorf("the fix of %s leads to %s, want %s", owner, domain, want)
			}
		}
	}
	found := 0
	for i, row := range rows(t, f, summarySheet) {
		if len(row) == 0 || !strings.HasPrefix(row[0], "policy") {
			continue
		}
		found++
		_, target, err := f.GetCellHyperLink(summarySheet, fmt.Sprintf("A%d", i+1))
		if err != nil || valueAt(t, f, target) != row[0] {
			t.Errorf("%s leads to %s: %v", row[0], target, err)
		}
	}
	if found != 2*report.LargestNames {
		t.Errorf("%d names in the summary, want %d for each CA", found, report.LargestNames)
	}
}

// headOf returns the row of the header of a sheet of the fix list.
func headOf(t *testing.T, f *excelize.File, sheet string) int {
	t.Helper()
	for i, row := range rows(t, f, sheet) {
		if len(row) > 1 && row[0] == "Deciding name" {
			return i + 1
		}
	}
	t.Fatalf("%s has no header", sheet)
	return 0
}

// fixCells returns the cells of a line of the fix list, from 0, by their columns.
func fixCells(t *testing.T, f *excelize.File, sheet string, line int) map[string]string {
	t.Helper()
	all, head := rows(t, f, sheet), headOf(t, f, sheet)
	cells := make(map[string]string)
	for i, name := range all[head-1] {
		if row := all[head+line]; i < len(row) {
			cells[name] = row[i]
		}
	}
	return cells
}

// Each line of the fix list has a whole set: of two for one name the second would
// take the first away.
func TestFixesOfOneName(t *testing.T) {
	for _, test := range []struct {
		world reporttest.World
		sheet string
		want  string
	}{
		{many(t, 1), "Fix list New", "stops-others"},
		{many(t, 1), "Fix list Old", "stops-others"},
		{reporttest.NewWorld(t, "Old", "New"), "Fix list Old", ""},
	} {
		f := open(t, test.world.Bytes(t, New))
		if got := fixCells(t, f, test.sheet, 0)["Notes"]; got != test.want {
			t.Errorf("notes: %q, want %q", got, test.want)
		}
	}
}

// Who may have forbidden every CA on purpose is asked first; where a wildcard may have
// made the name, and where it is one, that is said last.
func TestFixNotes(t *testing.T) {
	const (
		made  = "If a wildcard (*.example) gives a name its records"
		is    = "This is a wildcard"
		ask   = "Ask whoever runs the domain whether certificates for mail are forbidden on purpose"
		other = "The name stops New too."
	)
	for _, test := range []struct {
		owner   string
		reasons []scan.Reason
		others  []string
		want    []string // how each note begins
	}{
		{"closed.example", []scan.Reason{"issuer-not-listed"}, nil, []string{"From the set."}},
		{"closed.example", []scan.Reason{"issuer-not-listed", "no-issuer"}, []string{"New"}, []string{ask, other, "From the set."}},
		{"mail.closed.example", []scan.Reason{"issuer-not-listed"}, nil, []string{"From the set.", made}},
		{"*.closed.example", []scan.Reason{"no-issuer"}, nil, []string{ask, "From the set.", is}},
		{"*", []scan.Reason{"issuer-not-listed"}, nil, []string{"From the set.", is}},
	} {
		f := reporttest.Fix(t, test.owner, "other.example", "ca.example")
		f.Notes = []string{"From the set."}
		line := report.FixLine{FixTotal: report.FixTotal{Fix: f, Reasons: test.reasons}, Others: test.others}
		got := line.Known()
		if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
			t.Errorf("notes on %s: %q, want %q", test.owner, got, test.want)
		}
	}
}

// The reasons of a line are those of its CA.
func TestFixReasons(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	denied := w.Results[1].Verdict
	both := *denied.Outcome
	both.Decisions = slices.Clone(both.Decisions)
	both.Decisions[1] = both.Decisions[0]
	both.Decisions[1].Reason = scan.Reason(caa.UnknownCritical)
	w.Results[1].Verdict.Outcome = &both
	f := open(t, w.Bytes(t, New))
	for sheet, want := range map[string]string{"Fix list Old": "issuer-not-listed", "Fix list New": "unknown-critical"} {
		if got := fixCells(t, f, sheet, 0)["Reason"]; got != want {
			t.Errorf("%s: the reason is %q, want %q", sheet, got, want)
		}
	}
}

// A row's number is the same word in every sheet.
func TestRowNumber(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	for i := range w.Results {
		w.Results[i].Row.Number += 1_000_000
	}
	f := open(t, w.Bytes(t, New))
	for sheet, at := range map[string]string{resultsSheet: "D5", failedSheet: "B2"} {
		if got, err := f.GetCellValue(sheet, at); got != "1000005" || err != nil {
			t.Errorf("%s!%s is shown as %q, want 1000005: %v", sheet, at, got, err)
		}
	}
}

// valueAt returns what stands where a link leads.
func valueAt(t *testing.T, f *excelize.File, location string) string {
	t.Helper()
	sheet, cell, _ := strings.Cut(location, "!")
	text, err := f.GetCellValue(strings.Trim(sheet, "'"), cell)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Excel takes 65,530 links in a sheet and calls a file with more of them broken.
func TestMostLinks(t *testing.T) {
	sheet := readSheet(t, many(t, mostLinks+10).Bytes(t, New), "Fix list New")
	if n := strings.Count(sheet, "<hyperlink "); n != mostLinks {
		t.Errorf("%d links, want %d of %d", n, mostLinks, mostLinks+10)
	}
	style := func(column string, row int) string {
		return regexp.MustCompile(fmt.Sprintf(`<c r="%s%d" s="(\d+)"`, column, row)).FindStringSubmatch(sheet)[1]
	}
	const head = 4                                                                               // three titles and the header
	for row, linked := range map[int]bool{mostLinks + head: true, mostLinks + head + 1: false} { // B is a number that is never a link
		if looks := style("C", row) != style("B", row); looks != linked {
			t.Errorf("row %d looks like a link: %v, want %v", row, looks, linked)
		}
	}
}

// What is not none is not shown as none, and what is not all not as all.
func TestShares(t *testing.T) {
	for _, test := range []struct {
		denied, rows int
		open, closed string
	}{
		{0, 1000, "100.0%", "0.0%"},
		{1, 1000, "99.9%", "0.1%"},
		{1, 100_000, ">99.9%", "<0.1%"},
		{49_999, 50_000, "<0.1%", ">99.9%"},
		{1, 3, "66.7%", "33.3%"},
	} {
		w := reporttest.NewWorld(t, "ca.example")
		free, closed := w.Results[0], w.Results[1]
		w.Results, w.All = nil, append(slices.Repeat([]scan.Result{free}, test.rows-test.denied), slices.Repeat([]scan.Result{closed}, test.denied)...)
		f := open(t, w.Bytes(t, New))
		var got []string
		for _, row := range rows(t, f, summarySheet) {
			if len(row) > 2 && (row[0] == string(scan.Permitted) || row[0] == string(scan.Denied)) {
				got = append(got, row[2])
			}
		}
		if want := []string{test.open, test.closed}; !slices.Equal(got, want) {
			t.Errorf("%d of %d denied: shares %q, want %q", test.denied, test.rows, got, want)
		}
	}
}

// A long text that were not wrapped would be printed on all its length, and the page
// smaller.
func TestLongHeadings(t *testing.T) {
	long := strings.Repeat("A CA with a long name ", 20)
	w := reporttest.NewWorld(t, long)
	w.Run.InputName = strings.Repeat("list of staff ", 30) + ".csv"
	f := open(t, w.Bytes(t, New))
	merged, err := f.GetMergeCells(summarySheet)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows(t, f, summarySheet) {
		if len(row) == 0 || len(row[0]) < 100 {
			continue
		}
		at := fmt.Sprintf("A%d", i+1)
		if !slices.ContainsFunc(merged, func(cell excelize.MergeCell) bool {
			return cell.GetStartAxis() == at && cell.GetEndAxis() == fmt.Sprintf("E%d", i+1)
		}) {
			t.Errorf("%s is not as wide as the page: %q", at, row[0])
		}
		number, _ := f.GetCellStyle(summarySheet, at)
		style, err := f.GetStyle(number)
		if err != nil || !style.Alignment.WrapText {
			t.Errorf("%s is not wrapped: %v", at, err)
		}
		// 400 characters of 12 or 14 points take at least three lines of 150 each.
		if height, err := f.GetRowHeight(summarySheet, i+1); height < 3*lineHeight || err != nil {
			t.Errorf("%s has %v points for three lines: %v", at, height, err)
		}
	}
}

// A heading stands on the page of what is under it, however much is used of that.
func TestKeptTogether(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	for name, write := range map[string]func(p *summary){
		"warnings":    func(p *summary) { p.warnings(w.Overview()) },
		"permissions": func(p *summary) { p.permissions(w.Overview()) },
		"changes":     func(p *summary) { p.changed(reporttest.Compared(t, "Old", "New").Tally(), new(series)) },
	} {
		for used := 0.0; used < pagePoints; used += 10 {
			begun := pagesBegun(t, used, write)
			if len(begun) > 1 || len(begun) == 1 && begun[0] != "1" {
				t.Errorf("%s after %v points: pages begin under the rows %q, want at most one, above all", name, used, begun)
			}
		}
	}
}

// pagesBegun returns the rows under which pages begin, in a summary with one row of so
// many points above what is written.
func pagesBegun(t *testing.T, used float64, write func(*summary)) []string {
	t.Helper()
	file := excelize.NewFile()
	defer file.Close()
	p := &summary{file: file, book: newStylebook(file), row: 2, used: used, all: 2 * pagePoints}
	if p.err = file.SetSheetName("Sheet1", summarySheet); p.err == nil {
		write(p)
		p.setPages()
	}
	var out bytes.Buffer
	if p.err == nil {
		p.err = file.Write(&out)
	}
	if p.err != nil {
		t.Fatal(p.err)
	}
	var begun []string
	for _, match := range regexp.MustCompile(`<brk id="(\d+)"`).FindAllStringSubmatch(readPart(t, out.Bytes(), "xl/worksheets/sheet1.xml"), -1) {
		begun = append(begun, match[1])
	}
	return begun
}

// A summary of little more than a page is made smaller; a long one begins its pages itself.
func TestShortSummaryIsAPage(t *testing.T) {
	for name, test := range map[string]struct {
		world  reporttest.World
		high   int
		breaks bool
	}{
		"a CA of which nothing is denied": {reporttest.AllOpen(t, "ca.example"), 1, false},
		"two CAs, of much that is denied": {many(t, 25), 0, true},
	} {
		workbook := test.world.Bytes(t, New)
		layout, err := open(t, workbook).GetPageLayout(summarySheet)
		if err != nil || *layout.FitToHeight != test.high {
			t.Errorf("%s: the summary is fitted to %d pages, want %d: %v", name, *layout.FitToHeight, test.high, err)
		}
		if got := strings.Contains(readPart(t, workbook, "xl/worksheets/sheet1.xml"), "<brk "); got != test.breaks {
			t.Errorf("%s: pages are begun: %t", name, got)
		}
	}
}

// A sheet without lines is not there, but for Results, which says so.
func TestEmptySheets(t *testing.T) {
	nothing := reporttest.NewWorld(t, "ca.example")
	nothing.Results = nil
	for _, test := range []struct {
		world reporttest.World
		want  []string
		fixes string // the first sheet of fixes, as the summary names it
		says  string // in Results
	}{
		{reporttest.AllOpen(t, "Old", "New"), []string{"Summary", "Results", "Domains", "Legend"}, "Fix list New", ""},
		{leftOut(t), []string{"Summary", "Results", "Domains", "Legend"}, "Fix list New", "No row of the input is in this report."},
		{nothing, []string{"Summary", "Results", "Legend"}, "Fix list", "No row of the input is in this report."},
	} {
		f := open(t, test.world.Bytes(t, New))
		if diff := cmp.Diff(test.want, f.GetSheetList()); diff != "" {
			t.Errorf("sheets (-want +got):\n%s", diff)
		}
		if all := rows(t, f, resultsSheet); test.says != "" && (len(all) != 2 || all[1][0] != test.says) {
			t.Errorf("Results: %q, want %q", all, test.says)
		}
		at := linesRow(t, f, test.fixes)
		if lines, _ := f.GetCellValue(summarySheet, "A"+at); lines != "0" {
			t.Errorf("the summary counts %s lines of the fix list", lines)
		}
		row, _ := strconv.Atoi(at)
		if linked, to, _ := f.GetCellHyperLink(summarySheet, fmt.Sprintf("A%d", row-1)); linked {
			t.Errorf("the summary leads to %s, which is not there", to)
		}
	}
}

// leftOut is a world whose only row, one that failed, is in the tally and is not
// written.
func leftOut(t testing.TB) reporttest.World {
	t.Helper()
	w := reporttest.AllOpen(t, "Old", "New")
	w.Results = []scan.Result{numbered(failing(t, 1), 1)}
	w.All, w.Results = w.Results, nil
	return w
}

// linesRow is the row of the summary with the numbers of lines.
func linesRow(t *testing.T, f *excelize.File, first string) string {
	t.Helper()
	for i, row := range rows(t, f, summarySheet) {
		if len(row) > 0 && row[0] == first {
			return strconv.Itoa(i + 2)
		}
	}
	t.Fatal("the summary does not name the sheets")
	return ""
}

// The sheets that are made from the Tally take texts from outside too.
func TestHostileFailures(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	w.Results = nil
	for _, text := range reporttest.HostileTexts() {
		w.Add(reporttest.InputFailure(scan.NotADomain, scan.Sentence(text), 1), nil, text)
	}
	workbook := w.Bytes(t, New)
	f := open(t, workbook)
	for i, text := range reporttest.HostileTexts() {
		for _, column := range []string{"A", "E"} { // the address, what happened
			at := fmt.Sprintf("%s%d", column, i+2)
			got, err := f.GetCellValue(failedSheet, at)
			if kind, _ := f.GetCellType(failedSheet, at); err != nil || report.UnescapeCell(got) != text || kind != excelize.CellTypeInlineString {
				t.Errorf("%s: %q came back as %q, of type %d: %v", at, text, got, kind, err)
			}
		}
	}
	if strings.Contains(readSheet(t, workbook, failedSheet), "<f>") {
		t.Error("there is a formula in the sheet")
	}
}

// On paper the sheets that are made from the Tally are one page wide, and readable.
func TestPagesWide(t *testing.T) {
	for sheet, widths := range map[string][]float64{
		fixSheet:     widthsOf(fixColumns()),
		failedSheet:  widthsOf(failedColumns()),
		domainsSheet: widthsOf(domainColumns([]string{"Old", "New"})),
		legendSheet:  widthsOf(legendColumns()),
		changesSheet: widthsOf(changeColumns([]string{"Old", "New"})),
	} {
		if wide := pagesWide(widths); wide != 1 {
			t.Errorf("%s is %d pages wide", sheet, wide)
		}
	}
}

func widthsOf[T any](columns []sheetColumn[T]) []float64 {
	var widths []float64
	for _, c := range columns {
		widths = append(widths, c.width)
	}
	return widths
}

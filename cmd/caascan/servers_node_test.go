//go:build servers

package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/scan/lookup/dnstest"
)

// nodeReaders are the libraries by which programs for Node read a workbook: each prints
// the rows of the sheet Results as JSON, as texts, and fails unless there are dates in its
// last column. NODE_PATH says where they are installed (.ci/run does that).
var nodeReaders = map[string]string{
	"exceljs": `
		const book = new (require('exceljs').Workbook)();
		book.xlsx.readFile(process.argv[1]).then(() => {
			const rows = [];
			let dates = 0;
			book.getWorksheet('Results').eachRow({includeEmpty: true}, row => {
				const cells = [];
				row.eachCell({includeEmpty: true}, cell => {
					if (cell.value instanceof Date) dates++;
					cells.push(cell.value instanceof Date ? cell.value.toISOString().replace('.000Z', 'Z') : cell.text);
				});
				rows.push(cells);
			});
			console.log(JSON.stringify({dates, rows, sheets: book.worksheets.map(sheet => sheet.name)}));
		});`,
	"SheetJS": `
		const {readFile, utils} = require('xlsx');
		const book = readFile(process.argv[1], {cellDates: false, cellNF: true});
		const sheet = book.Sheets['Results'];
		const dates = Object.values(sheet).filter(cell => cell.t === 'n' && /yy/.test(cell.z)).length;
		const rows = utils.sheet_to_json(sheet, {header: 1, raw: false, defval: '', blankrows: true});
		console.log(JSON.stringify({dates, rows, sheets: book.SheetNames}));`,
}

// TestNodeReadsWorkbooks: what half of the programs that read workbooks on servers are
// made with finds in the results what CSV has.
func TestNodeReadsWorkbooks(t *testing.T) {
	gov := filepath.Join(realData, "gov")
	openReal(t, "gov/domains.csv")
	for _, test := range []struct {
		name, list string
		zones      []string
		issuers    []string
		sheets     []string
	}{
		{"demo", demoList, []string{demoZone}, []string{"ca.example"}, []string{"Summary", "Fix list", "Results", "Failed", "Domains", "Legend"}},
		{"gov", filepath.Join(gov, "domains.csv"), []string{filepath.Join(gov, "gov.zone"), filepath.Join(gov, "root.zone")}, []string{"digicert.com", "Two=sectigo.com"}, []string{"Summary", "Fix list Two", "Fix list digicert.com", "Results", "Domains", "Legend"}},
	} {
		server := dnstest.Serve(t, test.zones...)
		dir := t.TempDir()
		workbook, lines := filepath.Join(dir, "report.xlsx"), filepath.Join(dir, "report.csv")
		args := []string{"scan", test.list, "--column", "1", "--resolver", server.Addr(), "--raw-cells", "-o", workbook, "-o", lines}
		if test.name == "demo" {
			args = slices.Replace(args, 2, 4)
		}
		for _, issuer := range test.issuers {
			args = append(args, "--issuer", issuer)
		}
		if got := runWith(t.Context(), "", args...); got.code != exitDone {
			t.Fatalf("exit %d: %s", got.code, got.stderr)
		}
		want := readReport(t, readText(t, lines))
		for name, script := range nodeReaders {
			t.Run(test.name+" by "+name, func(t *testing.T) { checkNode(t, script, workbook, test.sheets, want) })
		}
	}
}

func checkNode(t *testing.T, script, workbook string, sheets []string, want [][]string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "node", "-e", script, workbook)
	text, err := command.Output()
	if err != nil {
		t.Fatalf("node: %v (are exceljs and xlsx in NODE_PATH?)\n%s", err, errorText(err))
	}
	var got struct {
		Dates  int
		Rows   [][]string
		Sheets []string
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Sheets, sheets) {
		t.Errorf("sheets %q, want %q", got.Sheets, sheets)
	}
	dated := 0
	column := slices.Index(want[0], "caa_checked_at")
	for _, row := range want[1:] {
		if row[column] != "" {
			dated++
		}
	}
	if got.Dates != dated || dated == 0 {
		t.Errorf("%d cells are dates, want %d", got.Dates, dated)
	}
	shared := cutColumn(got.Rows, "caa_domain_unicode") // which CSV has only if it is asked for
	if diff := cmp.Diff(trimmed(want), trimmed(shared)); diff != "" {
		t.Errorf("rows (-CSV +workbook):\n%.4000s", diff)
	}
}

// cutColumn leaves a column out of rows, if they have it.
func cutColumn(rows [][]string, column string) [][]string {
	at := slices.Index(rows[0], column)
	if at < 0 {
		return rows
	}
	var rest [][]string
	for _, row := range rows {
		rest = append(rest, slices.Concat(row[:min(at, len(row))], row[min(at+1, len(row)):]))
	}
	return rest
}

func errorText(err error) string {
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(failed.Stderr)
	}
	return ""
}

// trimmed makes rows equal that differ in empty cells at the end, or in how CSV and a
// workbook escape what cannot be seen.
func trimmed(rows [][]string) []string {
	lines := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for k, cell := range row {
			cells[k] = strings.ReplaceAll(report.UnescapeCell(cell), "\r\n", "\n") // as encoding/csv has it
		}
		lines[i] = strings.TrimRight(strings.Join(cells, "|"), "|")
	}
	return lines
}

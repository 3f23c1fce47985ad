//go:build servers

package xlsx

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
)

// soffice converts a workbook with LibreOffice and returns the path of what came
// out.
func soffice(t *testing.T, workbook []byte, to, extension string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "report.xlsx")
	if err := os.WriteFile(path, workbook, 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"),
		"--headless", "--convert-to", to, "--outdir", dir, path)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, output)
	}
	matches, err := filepath.Glob(filepath.Join(dir, "*."+extension))
	if err != nil || len(matches) != 1 {
		t.Fatalf("LibreOffice wrote %q: %v", matches, err)
	}
	return matches[0]
}

// The pictures are for people: set REPORT_PICTURES to a directory to keep them.
func TestRender(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	w.Run.InputName = "_x0041_x0042_.csv"
	workbook := w.Bytes(t, New)
	pdf := soffice(t, workbook, "pdf", "pdf")
	text, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", pdf, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		report.Title, "_x0041_x0042_.csv", "33.3%", "lookup-failed", "jane@open.example", "caa_fix:New", "Page 1 of ",
		"neither Old nor New", "Share of rows", "Rows by reason", "Rows by blocking name", // the charts have titles
		"To publish", "What happened", "Status for New", "What it is",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not on the pages", want)
		}
	}
	for _, sheet := range open(t, workbook).GetSheetList() {
		if !regexp.MustCompile(`(?m)^\s*` + sheet + `\s+Page \d+ of `).Match(text) {
			t.Errorf("%s has no page", sheet)
		}
	}
	dir := os.Getenv("REPORT_PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	draw := exec.CommandContext(t.Context(), "pdftoppm", "-png", "-r", "110", pdf, filepath.Join(dir, "page"))
	if output, err := draw.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", draw, err, output)
	}
	if pages, err := filepath.Glob(filepath.Join(dir, "page*.png")); err != nil || len(pages) < 2 {
		t.Errorf("pages %q, want some for each sheet: %v", pages, err)
	}
}

// Counts that do not fit into their columns are shown as ###.
func TestRenderLarge(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	w.Results[1].Verdict.Outcome.Decisions[0].Fix.TTL = 1<<31 - 1
	w.Results[3].Row.Number = 12_345_679
	tally := w.Tally()
	for range 10_987_653 {
		tally.Add(w.Results[1]) // which a name stops
	}
	for tally.Total().Rows < 12_345_678 {
		tally.Add(w.Results[0])
	}
	o := report.NewOverview(w.Layout.Issuers, w.Run, tally)
	const rows, domains = 11_234_567, 10_234_567
	for _, issuer := range o.Issuers() {
		for i := range issuer.Statuses {
			issuer.Statuses[i].Rows, issuer.Statuses[i].Domains = rows, domains
		}
		for i := range issuer.Reasons {
			issuer.Reasons[i].Rows, issuer.Reasons[i].Domains = rows, domains
		}
	}
	var out bytes.Buffer
	to, err := New(&out, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.Results {
		if err := to.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(o); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", soffice(t, out.Bytes(), "pdf", "pdf"), "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("##")) {
		t.Errorf("a number is shown as ###:\n%s", text)
	}
	for _, want := range []string{"12,345,678", "11,234,567", "10,987,654", "10,234,567", "2,147,483,647", "12345679"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%q is not on the pages", want)
		}
	}
}

// A second reader finds the same text as excelize.
func TestLibreOfficeReads(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	w.Results = nil
	v := reporttest.Permitted(t, "open.example", 1)
	for _, text := range reporttest.HostileTexts() {
		w.Add(v, nil, text)
	}
	// The second sheet, because there is nothing to fix; all cells as text: comma, quotation mark, UTF-8.
	const filter = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,2"
	file, err := os.Open(soffice(t, w.Bytes(t, New), filter, "csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, row := range rows[1:] {
		got = append(got, report.UnescapeCell(row[0]))
	}
	for _, text := range reporttest.HostileTexts() {
		want = append(want, lineBreaks(text))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("LibreOffice (-want +got):\n%s", diff)
	}
}

// lineBreaks writes all line breaks as LibreOffice does.
func lineBreaks(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

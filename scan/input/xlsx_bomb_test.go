package input_test

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"caascan/scan/input"
)

// bookPart is a part of a workbook that is made by hand: a start, and something repeated,
// which deflates to nearly nothing.
type bookPart struct {
	name, before, repeated string
	size                   int // octets of what is repeated
	after                  string
}

const (
	mainNamespace = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	officeTypes   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	sheetStart    = `<worksheet ` + mainNamespace + `><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>email</t></is></c></row>`
	sheetRow2     = `<row r="2"><c r="A2" t="inlineStr"><is><t>jane@x.example</t></is></c></row>`
	sheetEnd      = `</sheetData></worksheet>`
)

// rawWorkbook writes a workbook of parts, with one sheet and what leads to it.
func rawWorkbook(t testing.TB, parts ...bookPart) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "raw.xlsx")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := zip.NewWriter(file)
	w.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) { return flate.NewWriter(to, flate.BestSpeed) })
	rel := func(id, kind, target string) string {
		return fmt.Sprintf(`<Relationship Id="%s" Type="%s/%s" Target="%s"/>`, id, officeTypes, kind, target)
	}
	base := []bookPart{
		{name: "[Content_Types].xml", before: `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`},
		{name: "_rels/.rels", before: `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + rel("r1", "officeDocument", "xl/workbook.xml") + `</Relationships>`},
		{name: "xl/workbook.xml", before: `<workbook ` + mainNamespace + ` xmlns:r="` + officeTypes + `"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`},
		{name: "xl/_rels/workbook.xml.rels", before: `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + rel("r1", "worksheet", "worksheets/sheet1.xml") +
			rel("r2", "sharedStrings", "sharedStrings.xml") + rel("r3", "styles", "styles.xml") + `</Relationships>`},
	}
	for _, part := range append(base, parts...) {
		to, err := w.Create(part.name)
		if err != nil {
			t.Fatal(err)
		}
		writePart(t, to, part)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func writePart(t testing.TB, to io.Writer, part bookPart) {
	t.Helper()
	write := func(text string) {
		if _, err := io.WriteString(to, text); err != nil {
			t.Fatal(err)
		}
	}
	write(part.before)
	if part.size > 0 {
		block := strings.Repeat(part.repeated, max(1, (1<<20)/len(part.repeated)))
		for left := part.size; left > 0; left -= len(block) {
			write(block)
		}
	}
	write(part.after)
}

// bombs are small archives that unpack to more than a machine should be made to hold.
func bombs(t testing.TB) map[string]struct {
	path, message string // "": it is read
} {
	t.Helper()
	const sheet, texts = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
	whole := bookPart{name: sheet, before: sheetStart + sheetRow2 + sheetEnd}
	shared := bookPart{name: sheet, before: sheetStart + `<row r="2"><c r="A2" t="s"><v>0</v></c></row>` + sheetEnd}
	const tooLarge = "is not a list of a size that can be read: its parts unpack to more than 512 MiB"
	type bomb = struct{ path, message string }
	return map[string]bomb{
		"520 MiB in a cell":         {rawWorkbook(t, bookPart{sheet, sheetStart + `<row r="2"><c r="A2" t="inlineStr"><is><t>`, "a", 520 << 20, `</t></is></c></row>` + sheetEnd}), tooLarge},
		"200 MiB in a cell":         {rawWorkbook(t, bookPart{sheet, sheetStart + `<row r="2"><c r="A2" t="str"><v>`, "a", 200 << 20, `</v></c></row>` + sheetEnd}), ""},
		"520 MiB in a shared text":  {rawWorkbook(t, shared, bookPart{texts, `<sst><si><t>`, "a", 520 << 20, `</t></si></sst>`}), tooLarge},
		"100 MiB of shared texts":   {rawWorkbook(t, shared, bookPart{texts, `<sst><si><t>jane@x.example</t></si>`, `<si><t>a</t></si>`, 100 << 20, `</sst>`}), ""},
		"many shared texts":         {rawWorkbook(t, shared, bookPart{texts, `<sst>`, `<si/>`, 90 << 20, `</sst>`}), "shared texts: more than 16777216 of them"},
		"520 MiB in a comment":      {rawWorkbook(t, bookPart{sheet, sheetStart + `<!--`, "a", 520 << 20, `-->` + sheetRow2 + sheetEnd}), tooLarge},
		"nesting":                   {rawWorkbook(t, bookPart{sheet, sheetStart, "<a>", 10 << 20, ""}), "elements nested deeper than 256"},
		"100 MiB of attributes":     {rawWorkbook(t, bookPart{sheet, sheetStart + `<row`, ` a="1"`, 100 << 20, `/>` + sheetEnd}), "a tag of more than 1 MiB"},
		"a comment on a cell":       {rawWorkbook(t, whole, bookPart{"xl/comments1.xml", `<comments>`, "a", 64 << 20, `</comments>`}), ""},
		"pictures":                  {rawWorkbook(t, append(pictures(60), whole)...), ""},
		"styles":                    {rawWorkbook(t, whole, bookPart{"xl/styles.xml", `<styleSheet><cellXfs>`, `<xf numFmtId="164"/>`, 10 << 20, `</cellXfs></styleSheet>`}), "more than 65536 styles"},
		"an entity that would grow": {rawWorkbook(t, bookPart{name: sheet, before: `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>` + sheetStart + sheetRow2 + sheetEnd}), "a document type declaration"},
		"columns beyond the last":   {rawWorkbook(t, bookPart{sheet, sheetStart + `<row r="2">`, `<c><v>1</v></c>`, 10 << 20, `</row>` + sheetEnd}), "more than 16384 columns"},
	}
}

func pictures(n int) []bookPart {
	var parts []bookPart
	for i := range n {
		parts = append(parts, bookPart{fmt.Sprintf("xl/media/image%d.png", i), "", "a", 1 << 20, ""})
	}
	return parts
}

// TestBombs: what is not needed is never unpacked, the rest is bounded, and says by what.
func TestBombs(t *testing.T) {
	for name, bomb := range bombs(t) {
		t.Run(name, func(t *testing.T) {
			peak := watchHeap(t)
			in, err := input.Open(t.Context(), bomb.path, nil, input.Options{TempDir: t.TempDir()})
			if got := peak(); got > 300<<20 {
				t.Errorf("the heap grew to %d MiB", got>>20)
			}
			if bomb.message != "" {
				if !errors.Is(err, input.ErrFormat) || !strings.Contains(err.Error(), bomb.message) {
					t.Errorf("Open() = %v, want ErrFormat with %s", err, bomb.message)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if rows := readAll(t, in); len(rows) != 1 {
				t.Errorf("%d rows, want 1", len(rows))
			}
			if err := in.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// watchHeap returns a function that tells how large the heap has been.
func watchHeap(t *testing.T) func() uint64 {
	t.Helper()
	debug.FreeOSMemory()
	done, highest := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		for {
			select {
			case <-done:
				highest <- most
				return
			case <-time.After(5 * time.Millisecond):
				var stats runtime.MemStats
				runtime.ReadMemStats(&stats)
				most = max(most, stats.HeapInuse)
			}
		}
	}()
	return func() uint64 {
		close(done)
		return <-highest
	}
}

// A workbook is opened for as long as it is wanted.
func TestCancelWhileAWorkbookIsOpened(t *testing.T) {
	path := rawWorkbook(t, bookPart{"xl/worksheets/sheet1.xml", sheetStart, `<row><c t="str"><v>jane@x.example</v></c></row>`, 40 << 20, sheetEnd})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	started := time.Now()
	temp := t.TempDir()
	_, err := input.Open(ctx, path, nil, input.Options{TempDir: temp})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Open() = %v, want %v", err, context.Canceled)
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("it took %v", took)
	}
	expectEmpty(t, temp)
}

// A sheet of a million rows that only have a style costs next to nothing: a row takes less
// memory, given back or not, than a cell with text would.
func TestStyledEmptyRows(t *testing.T) {
	const styled, each = 1 << 20, 16
	var rows strings.Builder
	for row := 3; row <= styled; row++ {
		fmt.Fprintf(&rows, `<row r="%d" s="1" customFormat="1"><c r="A%d" s="1"/></row>`, row, row)
	}
	path := rawWorkbook(t, bookPart{name: "xl/worksheets/sheet1.xml", before: sheetStart + sheetRow2, after: rows.String() + sheetEnd})
	rows.Reset()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if rows := readAll(t, open(t, path, input.Options{})); len(rows) != 1 {
		t.Errorf("%d rows, want 1", len(rows))
	}
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) / styled; took > each {
		t.Errorf("%d octets a row, want at most %d", took, each)
	}
}

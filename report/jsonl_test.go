package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/caa"
)

// jsonRow is what a program reads of a row.
type jsonRow struct {
	Cells   map[string]string `json:"cells"`
	Row     int               `json:"row"`
	Domain  string            `json:"domain"`
	FoundAt string            `json:"found_at"`
	Owner   string            `json:"owner"`
	Records []struct {
		Flags uint8  `json:"flags"`
		Tag   string `json:"tag"`
		Value string `json:"value"`
	} `json:"records"`
	Change    string         `json:"change"`
	DNSSEC    string         `json:"dnssec"`
	OnFailure string         `json:"on_failure"`
	Warnings  []string       `json:"warnings"`
	Resolver  string         `json:"resolver"`
	CheckedAt string         `json:"checked_at"`
	Decisions []jsonDecision `json:"decisions"`
}

type jsonDecision struct {
	Issuer string   `json:"issuer"`
	Status string   `json:"status"`
	Reason string   `json:"reason"`
	Detail string   `json:"detail"`
	Fix    []string `json:"fix"`
}

// readJSONL holds a report to what is promised of every line.
func readJSONL(t testing.TB, text []byte) []jsonRow {
	t.Helper()
	if !utf8.Valid(text) || bytes.ContainsAny(text, "\r\u0085\u2028\u2029\ufeff") {
		t.Fatalf("no UTF-8, or something that could be taken for a line end, in %q", text)
	}
	var rows []jsonRow
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("}\n")) || !json.Valid(line) {
			t.Fatalf("not an object and LF: %q", line)
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		var row jsonRow
		if err := decoder.Decode(&row); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		rows = append(rows, row)
	}
	return rows
}

// The documented fields are those that are written, in order, with their types, in
// every row.
func TestFields(t *testing.T) {
	var want []string
	for _, f := range report.Fields() {
		want = append(want, f.Name+" "+f.Type)
		if !strings.HasSuffix(f.Meaning, ".") {
			t.Errorf("%s has no sentence: %q", f.Name, f.Meaning)
		}
	}
	w := reporttest.NewWorld(t, "Old")
	w.Layout.Compared, w.Layout.Inputs, w.Layout.International, w.Layout.Perspectives = "old.csv", true, true, []string{"fra"}
	for line := range bytes.Lines(w.Bytes(t, report.NewJSONL)) {
		decoder := json.NewDecoder(bytes.NewReader(line))
		var got []string
		for _, f := range members(t, decoder) {
			if f[0] != "decisions" {
				got = append(got, f[0]+" "+typeOf(t, f))
				continue
			}
			got = append(got, f[0]+" "+typeOf(t, f))
			for _, d := range members(t, json.NewDecoder(strings.NewReader(strings.Trim(f[1], "[]")))) {
				got = append(got, "decisions"+"[]."+d[0]+" "+typeOf(t, d))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-documented +written):\n%s", line, diff)
		}
	}
}

// members are the names and values of an object, in order.
func members(t *testing.T, decoder *json.Decoder) (all [][2]string) {
	t.Helper()
	next := func(value any) {
		if err := decoder.Decode(value); err != nil {
			t.Fatal(err)
		}
	}
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		t.Fatalf("%v, %v in place of an object", start, err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		next(&value)
		all = append(all, [2]string{name.(string), string(value)})
	}
	return all
}

// typeOf returns the documented type of a value.
func typeOf(t *testing.T, field [2]string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(field[1]), &value); err != nil {
		t.Fatal(err)
	}
	lists := map[string]string{
		"records":  "list of objects with flags (number), tag and value (text)",
		"warnings": "list of codes (text)", "fix": "list of lines (text)", "decisions": "list of objects", "perspectives": "list of names (text)",
	}
	switch value := value.(type) {
	case string:
		return "text"
	case float64:
		return "number"
	case map[string]any:
		return "object of text"
	case []any:
		return lists[field[0]]
	default:
		return fmt.Sprintf("%T", value)
	}
}

// FuzzJSONL holds every line to the cells of CSV, whatever stands in the row, the
// header, the records and the sentence.
func FuzzJSONL(f *testing.F) {
	for _, seed := range []string{"a", "=1\x00\"", "\xff\u2028", "a\x00a\x00\\x41", "\r\n'=\u202e", "';\t=@"} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, cells, value, detail string) {
		w := reporttest.NewWorld(t, "Old", "New")
		w.Layout.Header, w.Results = strings.Split(cells, "\x00"), w.Results[:3]
		for i := range w.Results {
			w.Results[i].Row.Cells = nil
		}
		w.Results[1].Row.Cells = w.Layout.Header
		p, err := caa.NewProperty(128, "tbs", value[:min(len(value), 1000)])
		if err != nil {
			t.Fatal(err)
		}
		o := w.Results[1].Verdict.Outcome
		o.Records.Properties = append(o.Records.Properties, p)
		o.Decisions[0].Fix = &scan.Fix{Present: o.Records, Set: o.Records.Properties}
		before, after, _ := strings.Cut(detail, "\x00")
		o.Decisions[1].Detail = scan.Sentence(before + "\x00" + strings.ReplaceAll(after, "\x00", ""))
		w.Layout.Issuers = []string{"Old", "N" + strings.ReplaceAll(value, "\x00", "")}
		rows := report.ParseRFC4180(t, string(w.Bytes(t, report.NewPlainCSV)), "\n")
		objects := readJSONL(t, w.Bytes(t, report.NewJSONL))
		if len(objects) != len(rows)-1 {
			t.Fatalf("%d objects for %d rows", len(objects), len(rows)-1)
		}
		for i, object := range objects {
			if diff := cmp.Diff(restored(rows[i+1]), object.asCells(rows[0][:len(w.Layout.Header)])); diff != "" {
				t.Errorf("row %d (-CSV +JSON Lines):\n%s", i, diff)
			}
			if label := report.UnescapeCell(object.Decisions[1].Issuer); label != w.Layout.Issuers[1] {
				t.Errorf("row %d: CA %q, want %q", i, label, w.Layout.Issuers[1])
			}
		}
	})
}

func restored(cells []string) []string {
	all := make([]string, len(cells))
	for i, cell := range cells {
		all[i] = report.RestoreCell(cell)
	}
	return all
}

// asCells returns the cells of a row with several CAs; the header is that of CSV.
func (r *jsonRow) asCells(header []string) []string {
	var cells []string
	for _, name := range report.UniqueNames(restored(header)) {
		cells = append(cells, report.UnescapeCell(r.Cells[report.EscapeCell(name)]))
	}
	var records []string
	for _, p := range r.Records {
		records = append(records, strconv.Itoa(int(p.Flags))+" "+p.Tag+" \""+p.Value+"\"")
	}
	first := r.Decisions[0].asCells()
	cells = append(cells, strconv.Itoa(r.Row), r.Domain)
	cells = append(cells, first[:3]...)
	cells = append(cells, r.FoundAt, r.Owner, strings.Join(records, " | "), r.DNSSEC, r.OnFailure, strings.Join(r.Warnings, " "))
	cells = append(cells, first[3], r.Resolver, r.CheckedAt)
	for _, d := range r.Decisions {
		cells = append(cells, d.asCells()...)
	}
	return cells
}

func (d *jsonDecision) asCells() []string {
	return []string{d.Status, d.Reason, report.UnescapeCell(d.Detail), strings.Join(d.Fix, " | ")}
}

package input_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan"
	"caascan/scan/input"
)

// export is how a program exports mailboxes with all their addresses.
type export struct {
	separator string
	inner     string // between the addresses of a cell
	quoteAll  bool
	prefixes  []string // of the addresses, in turn
	columns   []string // their order: name, aliases, note, and what else
	header    bool
}

// exports are all of them.
func exports() []export {
	var all []export
	for _, separator := range []string{",", ";", "\t", "|"} {
		for _, inner := range []string{",", ";", "|", "\t", " ", ", ", "; ", " | "} {
			for _, quoteAll := range []bool{true, false} {
				for _, prefixes := range [][]string{{""}, {"SMTP:", "smtp:"}} {
					for _, columns := range [][]string{{"DisplayName", "EmailAddresses"}, {"EmailAddresses", "DisplayName"}, {"Id", "DisplayName", "EmailAddresses", "Note"}} {
						for _, header := range []bool{true, false} {
							all = append(all, export{separator, inner, quoteAll, prefixes, columns, header})
						}
					}
				}
			}
		}
	}
	return all
}

func (e export) String() string {
	return fmt.Sprintf("separator %q, inner %q, all quoted %t, prefixes %q, columns %q, header %t", e.separator, e.inner, e.quoteAll, e.prefixes, e.columns, e.header)
}

// cell returns what stands in a column of a row.
func (e export) cell(column string, row int) string {
	switch column {
	case "Id":
		return fmt.Sprint(row + 1000)
	case "DisplayName":
		return []string{"Jane Doe", "Roe, Bob", "Eve"}[row%3]
	case "Note":
		return []string{"", "new", "5 \"x\""}[row%3]
	}
	var addresses []string
	for i, user := range []string{"a", "b", "c"}[:2+row%2] {
		addresses = append(addresses, fmt.Sprintf("%s%s%d@%s.example", e.prefixes[min(i, len(e.prefixes)-1)], user, row, []string{"permit", "deny", "open"}[(i+row)%3]))
	}
	return strings.Join(addresses, e.inner)
}

// file writes the export.
func (e export) file() string {
	var b strings.Builder
	quoted := func(cell string) string {
		if e.quoteAll || strings.Contains(cell, e.separator) || strings.Contains(cell, `"`) {
			return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		return cell
	}
	write := func(cells []string) {
		for i, cell := range cells {
			if i > 0 {
				b.WriteString(e.separator)
			}
			b.WriteString(quoted(cell))
		}
		b.WriteString("\r\n")
	}
	if e.header {
		write(e.columns)
	}
	for row := range 6 {
		var cells []string
		for _, column := range e.columns {
			cells = append(cells, e.cell(column, row))
		}
		write(cells)
	}
	return b.String()
}

// TestExports: the cells are those that a plain reader finds who knows the separator, and
// a cell of several addresses is never judged by one of them.
func TestExports(t *testing.T) {
	read := 0
	for _, e := range exports() {
		file := e.file()
		plain := csv.NewReader(strings.NewReader(file))
		plain.Comma = rune(e.separator[0])
		want, err := plain.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if e.header {
			want = want[1:]
		}
		in := open(t, write(t, "list.csv", file), input.Options{})
		var got [][]string
		for row, err := range in.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, slices.Clone(row.Cells))
			if target := scan.ParseTarget(row.Cell); target.Reason != scan.SeveralAddresses {
				t.Errorf("%v: %q is judged by %v %s", e, row.Cell, target.Domain, target.Reason)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: cells mismatch (-plain +got):\n%.600s", e, diff)
		}
		read++
	}
	if read < 500 {
		t.Errorf("%d files", read)
	}
}

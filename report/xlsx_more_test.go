package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The legend explains our columns. What the input's mean, their owner knows.
func TestTheLegendHasTheChosenColumns(t *testing.T) {
	w := newWorld(t, "Old", "New")
	w.layout.Columns = []string{"email", "caa_status:New", "extra1", "caa_row"}
	var got []string
	for _, cells := range rows(t, open(t, w.bytes(t, NewXLSX)), legendSheet) {
		if len(cells) > 1 && cells[1] == "column of Results" {
			got = append(got, cells[0])
		}
	}
	if diff := cmp.Diff([]string{"caa_status:New", "caa_row"}, got); diff != "" {
		t.Errorf("columns of the results (-want +got):\n%s", diff)
	}
}

func TestXLSXWriter(t *testing.T) { checkWriter(t, "xlsx", NewXLSX) }

func TestGoldensXLSX(t *testing.T) {
	golden(t, "one-ca.xlsx.txt", asText(t, newWorld(t, "ca.example").bytes(t, NewXLSX)))
	golden(t, "two-cas.xlsx.txt", asText(t, newWorld(t, "Old", "New").bytes(t, NewXLSX)))
}

// Rows that share an outcome share no more than that.
func TestRowsDoNotMixXLSX(t *testing.T) {
	w, want := mixed(t)
	if diff := cmp.Diff(want, pickMixed(rows(t, open(t, w.bytes(t, NewXLSX)), resultsSheet))); diff != "" {
		t.Errorf("workbook (-want +got):\n%s", diff)
	}
}

// The sets of one name for two CAs take each other back, so their lines say that.
func TestTheFixListWarnsOfOtherCAs(t *testing.T) {
	text := asText(t, stopsBoth(t).bytes(t, NewXLSX))
	for _, other := range []string{"Old", "New"} {
		if want := "The name stops " + other + " too. To let all of them issue, publish one set with the records of all its lines."; !strings.Contains(text, want) {
			t.Errorf("the workbook does not say %q", want)
		}
	}
}

package xlsx

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report/reporttest"
)

// The legend explains our columns. What the input's mean, their owner knows.
func TestTheLegendHasTheChosenColumns(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	w.Layout.Columns = []string{"email", "caa_status:New", "extra1", "caa_row"}
	var got []string
	for _, cells := range rows(t, open(t, w.Bytes(t, New)), legendSheet) {
		if len(cells) > 1 && cells[1] == "column of Results" {
			got = append(got, cells[0])
		}
	}
	if diff := cmp.Diff([]string{"caa_status:New", "caa_row"}, got); diff != "" {
		t.Errorf("columns of the results (-want +got):\n%s", diff)
	}
}

func TestXLSXWriter(t *testing.T) { reporttest.CheckWriter(t, "xlsx", New) }

var _ = flag.Bool("update", false, "write the golden files anew")

func TestGoldens(t *testing.T) {
	reporttest.Golden(t, "one-ca.xlsx.txt", asText(t, reporttest.NewWorld(t, "ca.example").Bytes(t, New)))
	reporttest.Golden(t, "two-cas.xlsx.txt", asText(t, reporttest.NewWorld(t, "Old", "New").Bytes(t, New)))
}

// Rows that share an outcome share no more than that.
func TestRowsDoNotMix(t *testing.T) {
	w, want := reporttest.Mixed(t)
	if diff := cmp.Diff(want, reporttest.PickMixed(rows(t, open(t, w.Bytes(t, New)), resultsSheet))); diff != "" {
		t.Errorf("workbook (-want +got):\n%s", diff)
	}
}

// The sets of one name for two CAs take each other back, so their lines say that.
func TestTheFixListWarnsOfOtherCAs(t *testing.T) {
	f := open(t, reporttest.StopsBoth(t).Bytes(t, New))
	for _, sheet := range []string{"Fix list New", "Fix list Old"} {
		if got := fixCells(t, f, sheet, 0)["Notes"]; got != "stops-others" {
			t.Errorf("%s: notes %q", sheet, got)
		}
	}
	if !slices.ContainsFunc(rows(t, f, legendSheet), func(row []string) bool {
		return row[0] == "stops-others" && strings.Contains(row[2], "publish one set with the records of all of them")
	}) {
		t.Error("the legend does not say what the note means")
	}
}

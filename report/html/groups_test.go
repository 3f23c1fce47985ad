package html

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
)

// The page has a line for each customer, and its script the places of the domains of each.
func TestThePageOfGroups(t *testing.T) {
	page := reporttest.Grouped(t, "ca.example").Bytes(t, New)
	part := parsePage(t, page).id(t, "by-0")
	want := []string{
		`Customer: </td>\x1b | Rows | Domains | Permitted | Denied | | Failed | Names to mend |`,
		`=Biza\u{202e} | 2 | 2 | 0 | 1 | | 1 | 1 | Show the domains of =Biza\u{202e}`,
		`(empty) | 2 | 0 | 0 | 0 | | 2 | 0 |`,
		`Acme & <Sons> | 2 | 1 | 2 | 0 | | 0 | 0 | Show the domains of Acme & <Sons>`,
	}
	if diff := cmp.Diff(want, linesOf(part)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := membersOf(t, page); got != "[[[2,1],null,[0]]]" { // open.example has the most rows, then by name; of a line as they are met
		t.Errorf("the script has %s", got)
	}
	plain := parsePage(t, reporttest.NewWorld(t, "ca.example").Bytes(t, New))
	if strings.Contains(plain.id(t, "summary").text(), "By ") || len(plain.all(".groups")) > 0 {
		t.Error("there are groups although none were asked for")
	}
}

// linesOf are the lines of the first table of a part, with single spaces.
func linesOf(part node) []string {
	var lines []string
	for _, line := range part.all("table")[0].lines() {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

// membersOf is what the script has of the domains of groups.
func membersOf(t *testing.T, page []byte) string {
	t.Helper()
	var data struct{ Members json.RawMessage }
	if err := json.Unmarshal([]byte(parsePage(t, page).id(t, "data").FirstChild.Data), &data); err != nil {
		t.Fatal(err)
	}
	return string(data.Members)
}

// The page is bounded, however many values and domains there are.
func TestThePageOfManyGroups(t *testing.T) {
	w := reporttest.Grouped(t, "Old", "New")
	for i := range 9 {
		w.Add(reporttest.Permitted(t, fmt.Sprintf("d%d.example", i), 2), nil, "x", "", "", fmt.Sprintf("c%d", i))
	}
	limits := mostOnPage()
	limits.groups, limits.members = 5, 4
	page := w.Bytes(t, func(to io.Writer, layout report.Layout) (report.Writer, error) { return newHTML(to, layout, limits) })
	part := parsePage(t, page).id(t, "by-0")
	if got := part.all("p")[0].text(); !strings.Contains(got, "12 values") || !strings.Contains(got, "The first 5 are here") || !strings.Contains(got, "of the last CA, New") {
		t.Errorf("it says %q", got)
	}
	if lines := linesOf(part); len(lines) != 6 || !strings.HasPrefix(lines[1], `=Biza\u{202e} | 2 | 2 | 0 | 1 | 1 | 0 | | 1 | 1 | 0`) {
		t.Errorf("%q", lines)
	}
	if got := membersOf(t, page); got != "[[[11,1],null,[0],[2],null]]" {
		t.Errorf("the script has %s, want 4 domains", got)
	}
}

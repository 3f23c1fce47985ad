package html

import (
	"strconv"

	"caascan/report"
	"caascan/scan/domain"
)

// groupTableView is what a page says of a column that rows are grouped by.
type groupTableView struct {
	Index  int
	Column string
	Labels []string
	Lines  []groupView // as many as the page holds
	All    int
	Rows   int // of the largest bar
}

// longestHeading is how many characters of the name of a column stand in a heading.
const longestHeading = 80

// groupView is a line of it.
type groupView struct {
	*report.GroupTotal
	// Link names the line for the page's script, which shows its domains; empty if they are
	// too many for the page.
	Link string
}

// addGroups adds the columns that rows are grouped by, and for the script the places of the
// domains of each line among those of the page.
func (v *pageView) addGroups() {
	tables := v.Groups()
	if len(tables) == 0 {
		return
	}
	places := make(map[domain.Name]int, len(v.Domains))
	for i, d := range v.Domains {
		places[d.Domain] = i
	}
	left := v.Most.members
	for i := range tables {
		table := &tables[i]
		view := groupTableView{Index: i, Column: report.Shorten(table.Column, longestHeading), Labels: v.Labels, All: len(table.Groups)}
		var members [][]int
		for k := range table.Groups[:min(view.All, v.Most.groups)] {
			line := groupView{GroupTotal: &table.Groups[k]}
			if left -= line.Count.Domains; left >= 0 && line.Count.Domains > 0 {
				line.Link = strconv.Itoa(i) + "-" + strconv.Itoa(k)
				members = append(members, placesOf(table, line.GroupTotal, places))
			} else {
				members = append(members, nil)
			}
			view.Rows = max(view.Rows, line.Denied().Rows)
			view.Lines = append(view.Lines, line)
		}
		v.Grouped, v.members = append(v.Grouped, view), append(v.members, members)
	}
}

// placesOf are those of the domains of a group that are on the page.
func placesOf(table *report.GroupTable, group *report.GroupTotal, places map[domain.Name]int) []int {
	found := []int{}
	for name := range table.Domains(group) {
		if place, ok := places[name]; ok {
			found = append(found, place)
		}
	}
	return found
}

// Left is how many groups are not on the page.
func (v groupTableView) Left() int { return v.All - len(v.Lines) }

// For is what the name of a CA's column ends in.
func (v groupTableView) For(issuer int) string { return report.ForLabel(v.Labels[issuer], v.Labels) }

// Last is the CA whose denied rows decide the order, if there are several.
func (v groupTableView) Last() string {
	if len(v.Labels) < 2 {
		return ""
	}
	return v.Labels[len(v.Labels)-1]
}

package report

import (
	"bufio"
	"io"
	"strconv"

	"caascan/scan"
)

// NewGroupsCSV returns a Writer of the groups of all columns that rows are grouped by: CSV
// for a file, with a line for each value, in the order of GroupTable.
func NewGroupsCSV(w io.Writer, layout Layout) Writer {
	return &groupsCSV{to: bufio.NewWriter(w), style: fileStyle(layout), labels: layout.Issuers}
}

// groupsCSV is the file. What goes wrong the last Flush says.
type groupsCSV struct {
	to     *bufio.Writer
	style  csvStyle
	labels []string
	line   []byte
	closed bool
}

// Write has nothing to do: the tally has what is needed of all rows.
func (g *groupsCSV) Write(scan.Result) error {
	if g.closed {
		return ErrClosed
	}
	return nil
}

// Close writes the file.
func (g *groupsCSV) Close(o *Overview) error {
	if g.closed {
		return ErrClosed
	}
	g.closed = true
	g.to.WriteString(g.style.bom)
	g.write(g.header())
	for _, table := range o.Groups() {
		for i := range table.Groups {
			g.write(groupCells(table.Column, &table.Groups[i]))
		}
	}
	return g.to.Flush()
}

func (g *groupsCSV) write(cells []string) {
	g.line = g.style.appendLine(g.line[:0], cells)
	g.to.Write(g.line) // an error stays until Flush
}

// GroupFields are the columns of the groups in CSV and what stands in each; where there are
// several CAs, those that PerIssuer says exist for each, with its label after a colon.
func GroupFields() []GroupField {
	return []GroupField{
		{"column", "The column that the rows are grouped by.", false},
		{"value", "What stands in the cell, without the spaces around it; " + EmptyValue + " for rows that have nothing there, " + OtherValues + " for those with one of too many values.", false},
		{"rows", "How many rows have the value.", false},
		{"domains", "How many distinct domains these rows have.", false},
		{"permitted", "Rows for which the CA may issue.", true},
		{"denied", "Rows for which it may not.", true},
		{"failed", "Rows for which it could not be found out; it is the same for all CAs.", false},
		{"names_to_mend", "How many names have to publish other CAA records so that it may issue for all of these rows.", true},
	}
}

// GroupField is a column of the groups in CSV.
type GroupField struct {
	Name, Meaning string
	PerIssuer     bool
}

func (g *groupsCSV) header() []string {
	var header []string
	for _, field := range GroupFields() {
		switch {
		case !field.PerIssuer || len(g.labels) == 1:
			header = append(header, field.Name)
		case field.Name == "denied": // stands beside permitted, CA by CA
		case field.Name == "permitted":
			for _, label := range g.labels {
				header = append(header, "permitted:"+label, "denied:"+label)
			}
		default:
			for _, label := range g.labels {
				header = append(header, field.Name+":"+label)
			}
		}
	}
	return header
}

func groupCells(column string, t *GroupTotal) []string {
	cells := []string{column, t.Value, strconv.Itoa(t.Rows), strconv.Itoa(t.Count.Domains)}
	for _, issuer := range t.Issuers {
		cells = append(cells, strconv.Itoa(issuer.Permitted.Rows), strconv.Itoa(issuer.Denied.Rows))
	}
	cells = append(cells, strconv.Itoa(t.Failed.Rows))
	for _, issuer := range t.Issuers {
		cells = append(cells, strconv.Itoa(issuer.Names))
	}
	return cells
}

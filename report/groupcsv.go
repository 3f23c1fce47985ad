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
	g.write(groupHeader(g.labels))
	fields := GroupFields()
	for _, table := range o.Groups() {
		for i := range table.Groups {
			g.write(groupCells(fields, table.Column, &table.Groups[i]))
		}
	}
	return g.to.Flush()
}

func (g *groupsCSV) write(cells []string) {
	g.line = g.style.appendLine(g.line[:0], cells)
	g.to.Write(g.line) // an error stays until Flush
}

// GroupField is a column of the groups in CSV.
type GroupField struct {
	Name string
	// Meaning says in a sentence what stands in the column.
	Meaning string

	// Exactly one of these gives a cell. What is counted for a CA has a column for each if
	// there are several, such as denied:LABEL.
	text   func(column string, t *GroupTotal) string
	count  func(*GroupTotal) int
	issuer func(GroupIssuer) int
}

// PerIssuer reports whether each of several CAs has a column.
func (f GroupField) PerIssuer() bool { return f.issuer != nil }

// GroupFields are the columns of the groups in CSV, in their order.
func GroupFields() []GroupField {
	return []GroupField{
		{
			Name: "column", Meaning: "The column that the rows are grouped by.",
			text: func(column string, _ *GroupTotal) string { return column },
		},
		{
			Name: "value", Meaning: "The text of the cell, without the spaces around it; " + EmptyValue + " for rows that have nothing there, " + OtherValues + " for those with one of too many values.",
			text: func(_ string, t *GroupTotal) string { return t.Value },
		},
		{Name: "rows", Meaning: "How many rows have the value.", count: func(t *GroupTotal) int { return t.Rows }},
		{Name: "domains", Meaning: "How many distinct domains these rows have.", count: func(t *GroupTotal) int { return t.Count.Domains }},
		{Name: "permitted", Meaning: "Rows for which the CA may issue.", issuer: func(i GroupIssuer) int { return i.Permitted.Rows }},
		{Name: "denied", Meaning: "Rows for which it may not.", issuer: func(i GroupIssuer) int { return i.Denied.Rows }},
		{Name: "failed", Meaning: "Rows whose lookup failed. The number is the same for all CAs.", count: func(t *GroupTotal) int { return t.Failed.Rows }},
		{
			Name: "names_to_mend", Meaning: "How many names have to publish other CAA records so that the CA may issue for all of these rows.",
			issuer: func(i GroupIssuer) int { return i.Names },
		},
	}
}

func groupHeader(labels []string) []string {
	var header []string
	for _, field := range GroupFields() {
		if !field.PerIssuer() || len(labels) == 1 {
			header = append(header, field.Name)
			continue
		}
		for _, label := range labels {
			header = append(header, field.Name+":"+label)
		}
	}
	return header
}

func groupCells(fields []GroupField, column string, t *GroupTotal) []string {
	var cells []string
	for _, field := range fields {
		switch {
		case field.text != nil:
			cells = append(cells, field.text(column, t))
		case field.count != nil:
			cells = append(cells, strconv.Itoa(field.count(t)))
		default:
			for _, issuer := range t.Issuers {
				cells = append(cells, strconv.Itoa(field.issuer(issuer)))
			}
		}
	}
	return cells
}

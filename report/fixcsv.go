package report

import (
	"strconv"
	"strings"
)

// fixColumn is a column of the fixes as CSV.
type fixColumn struct {
	name string
	text func(*fixesFile, FixTotal) string
}

// fixColumns are the columns, in their order. What is a list has a line for each item in
// its cell.
func fixColumns() []fixColumn {
	return []fixColumn{
		{"Summary", func(f *fixesFile, fix FixTotal) string {
			return fixesTitle + " at " + Shorten(fix.Name(), longName) + " so that " + Shorten(f.labels(fix.Issuers), longName) + " may issue S/MIME certificates"
		}},
		{"Deciding name", func(_ *fixesFile, fix FixTotal) string { return fix.Name() }},
		{"CAs", func(f *fixesFile, fix FixTotal) string { return f.labels(fix.Issuers) }},
		{"Rows", func(_ *fixesFile, fix FixTotal) string { return strconv.Itoa(fix.Rows) }},
		{"Domains", func(_ *fixesFile, fix FixTotal) string { return strconv.Itoa(fix.Count.Domains) }},
		{"Reasons", func(_ *fixesFile, fix FixTotal) string { return fix.ReasonCodes() }},
		{"Records now", func(_ *fixesFile, fix FixTotal) string { return strings.Join(fix.PresentLines(), "\n") }},
		{"Records to publish in their place", func(_ *fixesFile, fix FixTotal) string { return strings.Join(fix.Lines(), "\n") }},
		{"Of these new", func(_ *fixesFile, fix FixTotal) string { return strings.Join(fix.NewLines(), "\n") }},
		{"Who is to be asked", func(_ *fixesFile, fix FixTotal) string { return fix.Asked() }},
		{"Contacts", func(_ *fixesFile, fix FixTotal) string { return strings.Join(fix.Contacts, "\n") }},
		{"TTL", func(_ *fixesFile, fix FixTotal) string { return strconv.Itoa(int(fix.TTL)) }},
		{"What to know before", func(f *fixesFile, fix FixTotal) string {
			return strings.Join(fix.known(f.notes(fix)), "\n")
		}},
	}
}

// longName is how many characters of a name stand in a summary: trackers take 255.
const longName = 80

// fixesCSV is for programs: commas and no BOM, which some of them take for a part of the
// first column's name. Cells are as safe as in a report.
func fixesCSV() csvStyle { return csvStyle{lineEnd: "\r\n"} }

func csvFixesStart() string {
	var names []string
	for _, column := range fixColumns() {
		names = append(names, column.name)
	}
	return string(fixesCSV().appendLine(nil, names))
}

func writeCSVFixes(f *fixesFile, fixes FixList) {
	f.to.WriteString(f.form.start)
	columns, style := fixColumns(), fixesCSV()
	cells := make([]string, len(columns))
	var line []byte
	for fix := range fixes.All() {
		for i, column := range columns {
			cells[i] = column.text(f, fix)
		}
		line = style.appendLine(line[:0], cells)
		f.to.Write(line)
	}
}

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"caascan/scan"
	"caascan/scan/caa"
)

// Field is a field of the object that a JSON Lines report has for each row.
type Field struct {
	// Name is its name; behind "decisions[]." that of a field of each decision.
	Name string
	// Type says what JSON stands there, which is the same in every row.
	Type string
	// Meaning says in a sentence what that is.
	Meaning string
}

// list is what a cell is a list of.
type list string

const (
	noList         list = ""
	listOfRecords  list = "list of objects with flags (number), tag and value (text)"
	listOfWarnings list = "list of codes (text)"
	listOfLines    list = "list of lines (text)"
)

// The names of what is no column.
const (
	cellsKey     = "cells"
	decisionsKey = "decisions"
	issuerKey    = "issuer"
)

// Fields returns the fields of an object, in order. All are in every object, and none
// is ever null. They are the columns without caa_; those that exist for each CA are in
// a list with an object for each, in the order of Layout.Issuers.
func Fields() []Field {
	fields := []Field{{cellsKey, "object of text", "The row's own cells by the names of their columns. The second column of a name is `name#2`, the third `name#3`."}}
	decision := []Field{
		{decisionsKey, "list of objects", "What was decided for each CA."},
		{decisionsKey + "[]." + issuerKey, "text", "The CA's label."},
	}
	for i := range columns {
		c := &columns[i]
		f := Field{key(c.Name), c.jsonType(), "As `" + c.Name + "`."}
		if c.perIssuer() {
			f.Name = decisionsKey + "[]." + f.Name
			decision = append(decision, f)
			continue
		}
		fields = append(fields, f)
	}
	return append(fields, decision...)
}

func (c *Column) jsonType() string {
	switch {
	case c.list != noList:
		return string(c.list)
	case c.number != nil:
		return "number"
	}
	return "text"
}

// key is the name of a column's field: without the prefix and the CA.
func key(column string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(column, ownPrefix), ":")
	return name
}

// jsonForm is an object for each row (https://jsonlines.org), in UTF-8 without a BOM.
// What is a list in a cell is a list of what is in it. All other text is escaped as
// in a cell, so that nothing is lost to what JSON cannot hold, and the records and
// lines of a zone file are so by themselves.
type jsonForm struct {
	cells   []jsonKey // what stands before each cell of the input
	own     []member
	issuers [][]member // for each CA
	labels  []string
}

// jsonKey is the start of an object or the comma behind what came before, and a name.
type jsonKey string

// member is a field of an object and where its value is from.
type member struct {
	key jsonKey
	*field
}

func newJSONL(w io.Writer, t *table) *lineWriter {
	j := jsonForm{labels: t.labels, issuers: make([][]member, len(t.labels))}
	for i, name := range uniqueNames(t.inputs) {
		j.cells = append(j.cells, newKey(i, name))
	}
	for i := range t.fields {
		f := &t.fields[i]
		if f.perIssuer() {
			// The first CA's columns are there twice where there are several.
			j.issuers[f.issuer] = addMember(j.issuers[f.issuer], f)
			continue
		}
		j.own = addMember(j.own, f)
	}
	return newLineWriter(w, t, j, "")
}

// addMember adds a field behind at least one other.
func addMember(members []member, f *field) []member {
	added := newKey(1, key(f.Name))
	if slices.ContainsFunc(members, func(m member) bool { return m.key == added }) {
		return members
	}
	return append(members, member{added, f})
}

func newKey(place int, name string) jsonKey {
	start := byte(',')
	if place == 0 {
		start = '{'
	}
	return jsonKey(append(appendJSONCell([]byte{start}, name), ':'))
}

// uniqueNames makes the names in a header differ, which those in an object must (RFC
// 8259, section 4): the second column of a name gets #2 behind it, the third #3.
func uniqueNames(header []string) []string {
	taken := make(map[string]bool, len(header))
	for _, name := range header {
		taken[name] = true
	}
	met := make(map[string]int, len(header))
	unique := slices.Clone(header)
	for i, name := range header {
		met[name]++
		if met[name] == 1 {
			continue
		}
		for n := met[name]; taken[unique[i]]; n++ {
			unique[i] = fmt.Sprintf("%s#%d", name, n)
		}
		taken[unique[i]] = true
	}
	return unique
}

func (j jsonForm) appendCells(line []byte, r scan.Result) []byte {
	line = append(line, `{"`+cellsKey+`":`...)
	if len(j.cells) == 0 {
		line = append(line, '{')
	}
	for i, key := range j.cells {
		line = append(line, key...)
		if i < len(r.Row.Cells) {
			line = appendJSONCell(line, r.Row.Cells[i])
			continue
		}
		line = append(line, `""`...)
	}
	return append(line, '}')
}

func (j jsonForm) template(o *scan.Outcome) template {
	var b templateBuilder
	for _, m := range j.own {
		m.write(&b, o)
	}
	b.text = append(b.text, `,"`+decisionsKey+`":`...)
	start := byte('[')
	for i, members := range j.issuers {
		b.text = append(b.text, start)
		b.text = appendJSONCell(append(b.text, `{"`+issuerKey+`":`...), j.labels[i])
		for _, m := range members {
			m.write(&b, o)
		}
		b.text = append(b.text, '}')
		start = ','
	}
	b.text = append(b.text, "]}\n"...)
	return b.template()
}

// write writes the name and the value.
func (m member) write(b *templateBuilder, o *scan.Outcome) {
	b.text = append(b.text, m.key...)
	switch m.list {
	case listOfRecords:
		b.text = appendRecords(b.text, o.Records.Properties)
		return
	case listOfLines:
		b.text = appendLines(b.text, o.Decisions[m.issuer].Fix.Lines())
		return
	case listOfWarnings:
		b.vary(appendWarnings)
		return
	case noList:
	}
	if m.number != nil {
		b.vary(m.appendNumber)
		return
	}
	if text, same := m.shared(o); same {
		b.text = appendJSONCell(b.text, text)
		return
	}
	m.vary(b, o)
}

// vary writes text that differs from row to row.
func (m member) vary(b *templateBuilder, o *scan.Outcome) {
	if m.sentence != nil {
		before, after, _ := m.sentence(o.Decisions[m.issuer]).Cut()
		if classesIn(before+after)&mayEscapeJSON == 0 {
			b.text = append(append(b.text, '"'), before...)
			b.vary(appendDomain)
			b.text = append(append(b.text, after...), '"')
			return
		}
	}
	b.vary(func(line []byte, r scan.Result) []byte { return appendJSONCell(line, m.text(r)) })
}

func appendRecords(line []byte, set []caa.Property) []byte {
	line = append(line, '[')
	for i, p := range set {
		if i > 0 {
			line = append(line, ',')
		}
		line = fmt.Appendf(line, `{"flags":%d,"tag":`, p.Flags())
		line = appendJSONText(line, caa.Escape(p.Tag()))
		line = appendJSONText(append(line, `,"value":`...), caa.Escape(p.Value()))
		line = append(line, '}')
	}
	return append(line, ']')
}

func appendLines(line []byte, texts []string) []byte {
	line = append(line, '[')
	for i, text := range texts {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendJSONText(line, text)
	}
	return append(line, ']')
}

// appendWarnings begins, as the cell does, with those of the row's own spelling.
func appendWarnings(line []byte, r scan.Result) []byte {
	start := byte('[')
	for _, codes := range [...][]scan.Warning{r.Warnings, r.Verdict.Warnings} {
		for _, code := range codes {
			line = appendJSONText(append(line, start), string(code))
			start = ','
		}
	}
	if start == '[' {
		line = append(line, '[')
	}
	return append(line, ']')
}

// appendJSONCell appends text as it stands in a cell.
func appendJSONCell(line []byte, text string) []byte {
	if classesIn(text)&mayEscape != 0 {
		text = escapeCell(text)
	}
	return appendJSONText(line, text)
}

// mayEscapeJSON are the classes of the octets that JSON may write otherwise: the
// quotation mark, the tab and the line breaks are in the second, the others in the
// first.
const mayEscapeJSON = mayEscape | mayGrow

// appendJSONText appends text as a JSON string (RFC 8259, section 7). Besides what
// must be, the line and paragraph separators are escaped, at which some programs
// would begin a new line.
func appendJSONText(line []byte, text string) []byte {
	line = append(line, '"')
	if classesIn(text)&mayEscapeJSON == 0 {
		return append(append(line, text...), '"')
	}
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			line = append(line, '\\', byte(r))
		case r == '\n':
			line = append(line, `\n`...)
		case r == '\r':
			line = append(line, `\r`...)
		case r == '\t':
			line = append(line, `\t`...)
		case r < ' ' || r == '\u2028' || r == '\u2029':
			line = fmt.Appendf(line, `\u%04x`, r)
		default:
			line = utf8.AppendRune(line, r)
		}
	}
	return append(line, '"')
}

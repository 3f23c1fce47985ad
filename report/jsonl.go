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
	// Name is its name; after "decisions[]." that of a field of each decision.
	Name string
	// Type says what JSON the value is, which is the same in every row.
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
	listOfNames    list = "list of names (text)"
)

// The names of what is no column.
const (
	cellsKey     = "cells"
	decisionsKey = "decisions"
	issuerKey    = "issuer"
)

// Fields returns the fields of an object, in order. All are in every object, but for
// what Layout.Columns leaves out, the domain in Unicode if it is not wanted, and the change and what other places say if nothing is compared, and none is
// ever null. They are the columns without
// caa_; those that exist for each CA are in a list with an object for each, in the
// order of Layout.Issuers.
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
	cells   []jsonCell
	own     []member
	issuers [][]member // for each CA; none if nothing of it is chosen
	labels  []string
	header  int // the cells that have a name of their own in the input
}

// jsonKey is a name, after the start of an object or the comma after what came before.
type jsonKey string

// jsonCell is a cell of the input, by its place in a row.
type jsonCell struct {
	key   jsonKey
	place int
}

// member is a field of an object and where its value is from.
type member struct {
	key jsonKey
	*TableColumn
}

// NewJSONL returns a Writer of JSON Lines.
func NewJSONL(w io.Writer, layout Layout) (Writer, error) {
	t, err := NewTable(layout)
	if err != nil {
		return nil, err
	}
	j := &jsonForm{labels: t.Labels, header: len(layout.Header) - layout.Extra, issuers: make([][]member, len(t.Labels))}
	for i := range t.Inputs {
		j.addCell(t.names[i], i)
	}
	for i := range t.Columns {
		if f := &t.Columns[i]; f.input > len(t.names) {
			j.addCell(f.Name, f.input-1)
		} else if f.input > 0 {
			j.addCell(t.names[f.input-1], f.input-1)
		}
	}
	for i := range columns {
		j.addColumn(t, key(columns[i].Name))
	}
	return newLineWriter(w, t, j, ""), nil
}

func (j *jsonForm) addCell(name string, place int) {
	j.cells = append(j.cells, jsonCell{newKey(len(j.cells), name), place})
}

// addColumn adds what the table has of a column, which is there twice for the
// first of several CAs.
func (j *jsonForm) addColumn(t *Table, name string) {
	for i := range t.Columns {
		f := &t.Columns[i]
		switch {
		case f.input > 0 || key(f.Name) != name:
		case !f.perIssuer():
			j.own = append(j.own, member{newKey(len(j.cells)+len(j.own), name), f})
		case !slices.ContainsFunc(j.issuers[f.issuer], func(m member) bool { return key(m.Name) == name }):
			// Behind the CA's label.
			j.issuers[f.issuer] = append(j.issuers[f.issuer], member{newKey(1, name), f})
		}
	}
}

func newKey(place int, name string) jsonKey {
	start := byte(',')
	if place == 0 {
		start = '{'
	}
	return jsonKey(append(appendJSONCell([]byte{start}, name), ':'))
}

// UniqueNames makes the names in a header differ, which those in an object must (RFC
// 8259, section 4): the second column of a name gets #2 after it, the third #3.
func UniqueNames(header []string) []string {
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

func (j *jsonForm) appendCells(line []byte, r scan.Result) []byte {
	if len(j.cells) == 0 {
		return line
	}
	line = append(line, `{"`+cellsKey+`":`...)
	filled := len(r.Row.Cells)
	for filled > j.header && r.Row.Cells[filled-1] == "" {
		filled--
	}
	for i, c := range j.cells {
		if i > 0 && c.place >= j.header && c.place >= filled { // one row may have thousands that no other has
			continue
		}
		line = append(line, c.key...)
		if c.place < len(r.Row.Cells) {
			line = appendJSONCell(line, r.Row.Cells[c.place])
			continue
		}
		line = append(line, `""`...)
	}
	return append(line, '}')
}

func (j *jsonForm) template(o *scan.Outcome) template {
	var b templateBuilder
	for _, m := range j.own {
		m.write(&b, o)
	}
	start := newKey(len(j.cells)+len(j.own), decisionsKey) + "["
	for i, members := range j.issuers {
		if len(members) > 0 {
			b.text = append(b.text, start...)
			j.decision(&b, i, o)
			start = ","
		}
	}
	if start == "," {
		b.text = append(b.text, ']')
	}
	b.text = append(b.text, "}\n"...)
	return b.template()
}

func (j *jsonForm) decision(b *templateBuilder, issuer int, o *scan.Outcome) {
	b.text = append(b.text, newKey(0, issuerKey)...)
	b.text = appendJSONCell(b.text, j.labels[issuer])
	for _, m := range j.issuers[issuer] {
		m.write(b, o)
	}
	b.text = append(b.text, '}')
}

// write writes the name and the value.
func (m member) write(b *templateBuilder, o *scan.Outcome) {
	b.text = append(b.text, m.key...)
	switch m.list {
	case listOfRecords:
		b.text = appendRecords(b.text, o.Records.Properties)
		return
	case listOfLines:
		b.text = appendLines(b.text, fixInRow(o.Decisions[m.issuer].Fix))
		return
	case listOfWarnings:
		b.vary(appendWarnings)
		return
	case listOfNames:
		b.vary(func(line []byte, r scan.Result) []byte { return appendLines(line, strings.Fields(m.Text(r))) })
		return
	case noList:
	}
	if m.number != nil {
		b.vary(m.appendNumber)
		return
	}
	if text, same := m.Shared(o); same {
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
	b.vary(func(line []byte, r scan.Result) []byte { return appendJSONCell(line, m.Text(r)) })
}

func appendRecords(line []byte, set []caa.Property) []byte {
	line = append(line, '[')
	shown := fittingRecords(set)
	for i, p := range set[:shown] {
		if i > 0 {
			line = append(line, ',')
		}
		line = fmt.Appendf(line, `{"flags":%d,"tag":`, p.Flags())
		line = appendJSONText(line, caa.Escape(p.Tag()))
		line = appendJSONText(append(line, `,"value":`...), caa.Escape(p.Value()))
		line = append(line, '}')
	}
	if left := len(set) - shown; left > 0 {
		if shown > 0 {
			line = append(line, ',')
		}
		line = fmt.Appendf(line, `{"left_out":%d,"sha256":%q}`, left, RecordsDigest(RecordTexts(set)))
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

// appendJSONCell appends text as a cell has it.
func appendJSONCell(line []byte, text string) []byte {
	if classesIn(text)&mayEscape != 0 {
		text = EscapeCell(text)
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

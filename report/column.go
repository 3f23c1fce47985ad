package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
)

// Column is a column that a report adds to those of the input.
type Column struct {
	Name string
	// Meaning says in a sentence what the column holds.
	Meaning string

	// Width is that of the column in a workbook, in characters.
	Width float64
	// Colored says that a workbook shows the text in the colour of the status, of what a
	// CA may do, or of the change.
	Colored bool

	list     list // in JSON Lines: what the cell is a list of, if it is one
	compare  bool // only there if rows are compared with an earlier report
	inputs   bool // only there if rows come from several files
	placed   bool // only there if other places are compared
	readable bool // only there if the layout wants it

	// Exactly one of these gives a cell, or for each CA what other places make of it. What rests on the outcome or on a decision
	// is the same for all domains that share the outcome; what rests on a decision,
	// the sentence too, exists for each CA if there are several.
	number   func(scan.Result) int
	row      func(scan.Result) string
	verdict  func(scan.Verdict) string
	moment   func(scan.Verdict) time.Time
	sentence func(scan.Decision) scan.Sentence
	outcome  func(*scan.Outcome) string
	decision func(scan.Decision) string
	places   func(scan.Corroboration) string
}

// ListSeparator is between the records or the lines of one cell.
const ListSeparator = " | "

// columns is the one table of the columns, in their order.
var columns = [...]Column{
	{
		Name: "caa_row", Width: 11,
		Meaning: "The number of the row in the input, as a spreadsheet shows it; the header is row 1.",
		number:  func(r scan.Result) int { return r.Row.Number },
	},
	{
		Name: "caa_domain", Width: 26,
		Meaning: "The domain of the mailbox as the DNS knows it: in small letters, an international name in its xn-- form. Empty if the cell holds none.",
		verdict: func(v scan.Verdict) string { return v.Domain.String() },
	},
	{
		Name: "caa_domain_unicode", Width: 26, readable: true,
		Meaning: "Only in Results if the list has an international domain, and if --columns names it: that domain as people read it. Empty for other domains.",
		verdict: func(v scan.Verdict) string { return InUnicode(v.Domain.String()) },
	},
	{
		Name: "caa_status", Width: 15, Colored: true,
		Meaning:  "Whether CAA lets this CA issue an S/MIME certificate for the mailbox: permitted, denied or lookup-failed.",
		decision: func(d scan.Decision) string { return string(d.Status) },
	},
	{
		Name: "caa_reason", Width: 20,
		Meaning:  "Why the status is what it is, as a code.",
		decision: func(d scan.Decision) string { return string(d.Reason) },
	},
	{
		Name: "caa_detail", Width: 80,
		Meaning:  "The reason as a sentence, with the names and values it is about.",
		sentence: func(d scan.Decision) scan.Sentence { return d.Detail },
	},
	{
		Name: "caa_found_at", Width: 24,
		Meaning: "The name at which CAA records were found: the domain itself or a parent of it. Empty if there are none.",
		outcome: func(o *scan.Outcome) string { return o.FoundAt.String() },
	},
	{
		Name: "caa_owner", Width: 20,
		Meaning: "The name that really has the records, if an alias (CNAME, DNAME) led there. Empty if none did.",
		outcome: owner,
	},
	{
		Name: "caa_records", Width: 44,
		Meaning: `The CAA records that were found, each as flags, tag and value, as a zone file has them, with " | " between them. Of a very long set the first ones, how many there are, and a digest of all.`,
		outcome: func(o *scan.Outcome) string { return recordsInRow(o.Records.Properties) }, list: listOfRecords,
	},
	{
		Name: "caa_dnssec", Width: 13,
		Meaning: "What is known of the DNSSEC signatures of the answers: secure, insecure, bogus or unknown. Empty if nothing was looked up.",
		outcome: func(o *scan.Outcome) string { return string(o.DNSSEC) },
	},
	{
		Name: "caa_on_failure", Width: 19, Colored: true,
		Meaning: "What the S/MIME Baseline Requirements, the rules for CAs, let a CA do if its own lookup fails too: ca-may-issue, ca-must-not-issue or unknown. Empty if no lookup failed, and for tld-not-found.",
		outcome: func(o *scan.Outcome) string { return string(o.OnFailure) },
	},
	// Spaces, because no code holds one and a filter for "contains" needs no more.
	{
		Name: "caa_warnings", Width: 22,
		Meaning: "What does not change the status but should be known, as codes with a space between them.",
		row:     warnings, list: listOfWarnings,
	},
	{
		Name: "caa_fix", Width: 50, list: listOfLines,
		Meaning:  `The whole set of CAA records to publish in place of the present one so that this CA may issue: lines of a zone file, with " | " between them. Empty if nothing is denied.`,
		decision: func(d scan.Decision) string { return strings.Join(fixInRow(d.Fix), ListSeparator) },
	},
	{
		Name: "caa_resolver", Width: 20,
		Meaning: "The resolver (the DNS server that was asked) or the zone file that gave the deciding answer; overlay if --overlay gave it.",
		outcome: func(o *scan.Outcome) string { return o.Resolver },
	},
	{
		Name: "caa_checked_at", Width: 21,
		Meaning: "When the oldest answer that the row rests on came, in UTC. Empty if the DNS gave none.",
		moment:  func(v scan.Verdict) time.Time { return v.CheckedAt },
	},
	{
		Name: "caa_input", Width: 20, inputs: true,
		Meaning: "Only with several inputs: the file that the row is from.",
		row:     func(r scan.Result) string { return r.Row.Input },
	},
	{
		Name: changeColumn, Width: 18, Colored: true, compare: true,
		Meaning: "Only with --baseline: how the row differs from the earlier report, as a code. Empty if it does not.",
		row:     func(r scan.Result) string { return string(r.Change) },
	},
	{
		Name: "caa_perspectives", Width: 26, placed: true, list: listOfNames,
		Meaning: "Only with --perspective: the names of the perspectives that corroborate what was seen here for this CA, with a space between them.",
		places:  func(c scan.Corroboration) string { return c.By },
	},
	{
		Name: "caa_corroborated", Width: 18, Colored: true, placed: true,
		Meaning: "Only with --perspective: whether these are enough for a CA that has validated the domain: yes, no, not-applicable or unknown.",
		places:  func(c scan.Corroboration) string { return string(c.Corroborated) },
	},
}

const changeColumn = "caa_change"

// InUnicode returns an international name in U-labels, for people to read. It is empty for any
// other name, and for one that mixes scripts as names that deceive do (domain.Name.Unicode).
func InUnicode(name string) string {
	text, _ := domain.Owner(name).Unicode()
	return text
}

// Columns returns the columns that a report adds, in order; caa_domain_unicode only if
// Layout.International or Layout.Columns wants it, caa_change only if rows are
// compared with an earlier report, caa_perspectives and caa_corroborated only if other places
// are. If there are several CAs, caa_status, caa_reason, caa_detail, caa_fix and these two
// are the first CA's, and the same follow at the end for every CA, as caa_status:LABEL and so on.
func Columns() []Column { return columns[:len(columns):len(columns)] }

// ColumnMeaning says in a sentence what a column that a report adds holds.
func ColumnMeaning(name string) (string, error) {
	for _, c := range columns {
		if c.Name == name {
			return c.Meaning, nil
		}
	}
	return "", errors.New("report: no column " + name)
}

// perIssuer reports whether the column exists for every CA.
func (c *Column) perIssuer() bool {
	return c.decision != nil || c.sentence != nil || c.places != nil
}

func owner(o *scan.Outcome) string {
	if o.Records.Owner == o.FoundAt.String() {
		return ""
	}
	return o.Records.Owner
}

// mostInRow is how many octets of records a row has. A set may have 64 KiB, each octet of
// which may be written as four, and a million domains may have it from one parent.
const mostInRow = 8 << 10

// recordsInRow is a set as a row has it: whole records, as many as fit.
func recordsInRow(set []caa.Property) string {
	shown := set[:fittingRecords(set)]
	text := PropertiesText(shown)
	if len(shown) == len(set) {
		return text
	}
	return text + CutRecords(strconv.Itoa(len(shown))+" of "+plural(len(set), "record")+"; caascan check shows all", RecordsDigest(RecordTexts(set)))
}

// RecordTexts are the properties of a set as a zone file has them.
func RecordTexts(set []caa.Property) []string {
	texts := make([]string, len(set))
	for i, p := range set {
		texts[i] = p.String()
	}
	return texts
}

// fittingRecords is how many records of a set a row has.
func fittingRecords(set []caa.Property) int {
	room := mostInRow
	for i, p := range set {
		if room -= len(p.String()); room < 0 {
			return i
		}
	}
	return len(set)
}

// fixInRow are the lines of a fix, or what says where they are: who publishes a part of a
// set in place of all records of its name takes permission from others.
func fixInRow(fix *scan.Fix) []string {
	lines := fix.Lines()
	if _, left := Fitting(lines, mostInRow); left > 0 {
		return []string{"; " + plural(len(lines), "record") + ", too long for a row; the fix list has the whole set"}
	}
	return lines
}

// Fitting returns the first of the lines that have at most so many octets together, and
// how many more there are.
func Fitting(lines []string, most int) (fit []string, left int) {
	for i, line := range lines {
		if most -= len(line); most < 0 {
			return lines[:i], len(lines) - i
		}
	}
	return lines, 0
}

// PropertiesText is a set as a cell has it.
func PropertiesText(set []caa.Property) string { return RecordLines(set, ListSeparator) }

// RecordLines returns the properties of a set as a zone file has them, with a separator
// between them.
func RecordLines(set []caa.Property, separator string) string {
	var b strings.Builder
	for i, p := range set {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(p.String())
	}
	return b.String()
}

// warnings begins with those of the row's own spelling.
func warnings(r scan.Result) string {
	text := ""
	for _, list := range [...][]scan.Warning{r.Warnings, r.Verdict.Warnings} {
		for _, w := range list {
			if text != "" {
				text += " "
			}
			text += string(w)
		}
	}
	return text
}

// momentText is a time as text, in UTC and to the second (RFC 3339); empty if it is zero.
func momentText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// TableColumn is a Column as one report has it: the decision is that of one CA.
type TableColumn struct {
	Column
	issuer int
	input  int // as InputPlace says
}

// Text returns what is in the cell.
func (f *TableColumn) Text(r scan.Result) string {
	switch {
	case f.number != nil:
		return strconv.Itoa(f.number(r))
	case f.row != nil:
		return f.row(r)
	case f.verdict != nil:
		return f.verdict(r.Verdict)
	case f.moment != nil:
		return momentText(f.moment(r.Verdict))
	case f.sentence != nil:
		return f.sentence(r.Verdict.Decisions[f.issuer]).For(r.Verdict.Domain)
	case f.places != nil:
		return f.places(Corroboration(r, f.issuer))
	}
	text, _ := f.Shared(r.Verdict.Outcome)
	return text
}

// Number returns the number in the cell, if the column has numbers.
func (f *TableColumn) Number(r scan.Result) (n int, ok bool) {
	if f.number == nil {
		return 0, false
	}
	return f.number(r), true
}

// Time returns the time in the cell, if the column has times; it is zero if
// there is none in the row.
func (f *TableColumn) Time(r scan.Result) (t time.Time, ok bool) {
	if f.moment == nil {
		return time.Time{}, false
	}
	return f.moment(r.Verdict), true
}

// InputPlace returns the place of the column among the input's own, from 1, or 0 if it is
// none of them.
func (f *TableColumn) InputPlace() int { return f.input }

// Shared returns what is in the cell of every row with an outcome, and whether
// that is the same.
func (f *TableColumn) Shared(o *scan.Outcome) (text string, same bool) {
	switch {
	case f.outcome != nil:
		return f.outcome(o), true
	case f.decision != nil:
		return f.decision(o.Decisions[f.issuer]), true
	case f.sentence != nil:
		text, _, named := f.sentence(o.Decisions[f.issuer]).Cut()
		return text, !named
	}
	return "", false
}

// Around returns what is before and after the domain in the cells of all rows with an
// outcome, if they differ in that alone.
func (f *TableColumn) Around(o *scan.Outcome) (before, after string, found bool) {
	if f.sentence == nil {
		return "", "", false
	}
	return f.sentence(o.Decisions[f.issuer]).Cut()
}

// Table says which cells a result has.
type Table struct {
	Inputs  []string      // the names of the input's columns that come first: all, or none if others are chosen
	Columns []TableColumn // what follows them
	Labels  []string      // of the CAs
	names   []string      // of all the input's columns, each another one
}

// NewTable returns the table of a layout. The error wraps ErrColumns if it is about
// Layout.Columns.
func NewTable(layout Layout) (*Table, error) {
	if len(layout.Issuers) == 0 {
		return nil, errors.New("report: no CA to report on")
	}
	t := &Table{Labels: layout.Issuers}
	for _, name := range layout.Header {
		t.Inputs = append(t.Inputs, InputName(name))
	}
	t.names = UniqueNames(t.Inputs)
	for _, c := range columns {
		if c.isIn(layout) {
			t.Columns = append(t.Columns, TableColumn{Column: c})
		}
	}
	if len(layout.Issuers) > 1 {
		t.Columns = append(t.Columns, issuerFields(layout)...)
	}
	if len(layout.Columns) == 0 {
		return t, nil
	}
	return t, t.choose(layout.Columns)
}

// ownPrefix marks the columns that a report adds.
const ownPrefix = "caa_"

// InputName is the name of an input's column in a report. One that could be taken
// for ours, as in a report that is scanned again, says whose it is.
func InputName(name string) string {
	if len(name) >= len(ownPrefix) && strings.EqualFold(name[:len(ownPrefix)], ownPrefix) {
		return "input_" + name
	}
	return name
}

// InputNames returns what a report calls the columns of an input with this header: no
// two have the same name, and none could be taken for ours.
func InputNames(header []string) []string {
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = InputName(name)
	}
	return UniqueNames(names)
}

// issuerFields are the columns that exist for every CA. They come after all
// others, so that those keep their letters whatever CAs are asked about, and
// together for each CA, because that is how they are read.
func issuerFields(layout Layout) []TableColumn {
	var fields []TableColumn
	for i, label := range layout.Issuers {
		for _, c := range columns {
			if c.perIssuer() && c.isIn(layout) {
				c.Name += ":" + label
				fields = append(fields, TableColumn{Column: c, issuer: i})
			}
		}
	}
	return fields
}

// isIn reports whether a report of this layout has the column.
func (c *Column) isIn(layout Layout) bool {
	return (!c.compare || layout.Compared != "") && (!c.inputs || layout.Inputs) && (!c.placed || len(layout.Perspectives) > 0) &&
		(!c.readable || layout.International || len(layout.Columns) > 0)
}

// Corroboration returns what other places make of a result for a CA. Of a row without a
// domain there is nothing to corroborate.
func Corroboration(r scan.Result, issuer int) scan.Corroboration {
	if r.Places == nil {
		return scan.Corroboration{Corroborated: scan.CorroboratedNotApplicable}
	}
	return r.Places.Corroborations[issuer]
}

// Header returns the names of all columns.
func (t *Table) Header() []string {
	header := slices.Clone(t.Inputs)
	for _, f := range t.Columns {
		header = append(header, f.Name)
	}
	return header
}

// Leading returns the cells that come first, as they are.
func (t *Table) Leading(r scan.Result) []string {
	if len(t.Inputs) == 0 {
		return nil
	}
	return r.Row.Cells
}

// IsInput reports whether a column, by its index, is one of the input's own.
func (t *Table) IsInput(column int) bool {
	return column < len(t.Inputs) || t.Columns[column-len(t.Inputs)].input > 0
}

// Check finds a result that does not fit into the table.
func (t *Table) Check(r scan.Result) error {
	if len(r.Row.Cells) > len(t.names) {
		return fmt.Errorf("report: row %d has %d cells and the header %d", r.Row.Number, len(r.Row.Cells), len(t.names))
	}
	if len(r.Verdict.Decisions) != len(t.Labels) {
		return fmt.Errorf("report: row %d has %d decisions for %d CAs", r.Row.Number, len(r.Verdict.Decisions), len(t.Labels))
	}
	return nil
}

// InputWidth is the width of a column of the input, whose cells are not known when
// the sheet begins: that of an address.
const InputWidth = 26

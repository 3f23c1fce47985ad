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
)

// Column is a column that a report adds to those of the input.
type Column struct {
	Name string
	// Meaning says in a sentence what stands in the column.
	Meaning string

	width   float64 // in a workbook: characters
	colored bool    // in a workbook: text in the colour of the status, of what a CA may do, or of the change
	list    list    // in JSON Lines: what the cell is a list of, if it is one
	compare bool    // only there where rows are compared with an earlier report
	inputs  bool    // only there where rows come from several files

	// Exactly one of these gives a cell. What rests on the outcome or on a decision
	// is the same for all domains that share the outcome; what rests on a decision,
	// the sentence too, exists for each CA where there are several.
	number   func(scan.Result) int
	row      func(scan.Result) string
	verdict  func(scan.Verdict) string
	sentence func(scan.Decision) scan.Sentence
	outcome  func(*scan.Outcome) string
	decision func(scan.Decision) string
}

// listSeparator stands between the records or the lines of one cell.
const listSeparator = " | "

// columns is the one table of the columns, in their order.
var columns = [...]Column{
	{
		Name: "caa_row", width: 11,
		Meaning: "The number of the row in the input, as a spreadsheet shows it; the header is row 1.",
		number:  func(r scan.Result) int { return r.Row.Number },
	},
	{
		Name: "caa_domain", width: 26,
		Meaning: "The domain of the mailbox as the DNS knows it: in small letters, an international name in its xn-- form. Empty where the cell holds none.",
		verdict: func(v scan.Verdict) string { return v.Domain.String() },
	},
	{
		Name: "caa_status", width: 15, colored: true,
		Meaning:  "Whether CAA lets this CA issue an S/MIME certificate for the mailbox: permitted, denied or lookup-failed.",
		decision: func(d scan.Decision) string { return string(d.Status) },
	},
	{
		Name: "caa_reason", width: 20,
		Meaning:  "Why the status is what it is, as a code.",
		decision: func(d scan.Decision) string { return string(d.Reason) },
	},
	{
		Name: "caa_detail", width: 80,
		Meaning:  "The reason as a sentence, with the names and values it is about.",
		sentence: func(d scan.Decision) scan.Sentence { return d.Detail },
	},
	{
		Name: "caa_found_at", width: 24,
		Meaning: "The name at which CAA records were found: the domain itself or a parent of it. Empty where there are none.",
		outcome: func(o *scan.Outcome) string { return o.FoundAt.String() },
	},
	{
		Name: "caa_owner", width: 20,
		Meaning: "The name at which the records really stand, where an alias (CNAME, DNAME) led there. Empty where none did.",
		outcome: owner,
	},
	{
		Name: "caa_records", width: 44,
		Meaning: `The CAA records that were found, each as flags, tag and value, as a zone file has them, with " | " between them.`,
		outcome: records, list: listOfRecords,
	},
	{
		Name: "caa_dnssec", width: 13,
		Meaning: "What is known of the DNSSEC signatures of the answers: secure, insecure, bogus or unknown. Empty where nothing was looked up.",
		outcome: func(o *scan.Outcome) string { return string(o.DNSSEC) },
	},
	{
		Name: "caa_on_failure", width: 19, colored: true,
		Meaning: "What the rules for CAs, the S/MIME Baseline Requirements, let one do whose lookup fails too: ca-may-issue, ca-must-not-issue or unknown. Empty where no lookup failed, and for tld-not-found.",
		outcome: func(o *scan.Outcome) string { return string(o.OnFailure) },
	},
	// Spaces, because no code holds one and a filter for "contains" needs no more.
	{
		Name: "caa_warnings", width: 22,
		Meaning: "What does not change the status but should be known, as codes with a space between them.",
		row:     warnings, list: listOfWarnings,
	},
	{
		Name: "caa_fix", width: 50, list: listOfLines,
		Meaning:  `The whole set of CAA records to publish in place of the present one so that this CA may issue: lines of a zone file, with " | " between them. Empty where nothing is denied.`,
		decision: func(d scan.Decision) string { return strings.Join(d.Fix.Lines(), listSeparator) },
	},
	{
		Name: "caa_resolver", width: 20,
		Meaning: "The resolver (the DNS server that was asked) or the zone file that gave the deciding answer; overlay where --overlay did.",
		outcome: func(o *scan.Outcome) string { return o.Resolver },
	},
	{
		Name: "caa_checked_at", width: 21,
		Meaning: "When the oldest answer came that the row rests on, in UTC. Empty where the DNS gave none.",
		verdict: checkedAt,
	},
	{
		Name: "caa_input", width: 20, inputs: true,
		Meaning: "Only with several inputs: the file that the row is from.",
		row:     func(r scan.Result) string { return r.Row.Input },
	},
	{
		Name: changeColumn, width: 18, colored: true, compare: true,
		Meaning: "Only with --baseline: how the row differs from the earlier report, as a code. Empty where it does not.",
		row:     func(r scan.Result) string { return string(r.Change) },
	},
}

const changeColumn = "caa_change"

// Columns returns the columns that a report adds, in order; caa_change only where rows
// are compared with an earlier report. Where there are
// several CAs, caa_status, caa_reason, caa_detail and caa_fix are the first CA's,
// and the same four follow at the end for every CA, as caa_status:LABEL and so on.
func Columns() []Column { return columns[:len(columns):len(columns)] }

// perIssuer reports whether the column exists for every CA.
func (c *Column) perIssuer() bool { return c.decision != nil || c.sentence != nil }

func owner(o *scan.Outcome) string {
	if o.Records.Owner == o.FoundAt.String() {
		return ""
	}
	return o.Records.Owner
}

func records(o *scan.Outcome) string { return propertiesText(o.Records.Properties) }

func propertiesText(set []caa.Property) string { return recordLines(set, listSeparator) }

func recordLines(set []caa.Property, separator string) string {
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

func checkedAt(v scan.Verdict) string {
	if v.CheckedAt.IsZero() {
		return ""
	}
	return v.CheckedAt.UTC().Format(time.RFC3339)
}

// field is a Column as one report has it: the decision is that of one CA.
type field struct {
	Column
	issuer int
	input  int // the place of one of the input's own columns, from 1; else 0
}

// text returns what stands in the cell.
func (f *field) text(r scan.Result) string {
	switch {
	case f.number != nil:
		return strconv.Itoa(f.number(r))
	case f.row != nil:
		return f.row(r)
	case f.verdict != nil:
		return f.verdict(r.Verdict)
	case f.sentence != nil:
		return f.sentence(r.Verdict.Decisions[f.issuer]).For(r.Verdict.Domain)
	}
	text, _ := f.shared(r.Verdict.Outcome)
	return text
}

// shared returns what stands in the cell of every row with an outcome, and whether
// that is the same.
func (f *field) shared(o *scan.Outcome) (text string, same bool) {
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

// table says which cells a result has.
type table struct {
	inputs []string // the names of the input's columns that come first: all, or none where others are chosen
	fields []field  // what follows them
	labels []string // of the CAs
	names  []string // of all the input's columns, each another one
}

func newTable(layout Layout) (*table, error) {
	if len(layout.Issuers) == 0 {
		return nil, errors.New("report: no CA to report on")
	}
	t := &table{labels: layout.Issuers}
	for _, name := range layout.Header {
		t.inputs = append(t.inputs, inputName(name))
	}
	t.names = uniqueNames(t.inputs)
	for _, c := range columns {
		if (!c.compare || layout.Compared != "") && (!c.inputs || layout.Inputs) {
			t.fields = append(t.fields, field{Column: c})
		}
	}
	if len(layout.Issuers) > 1 {
		t.fields = append(t.fields, issuerFields(layout.Issuers)...)
	}
	if len(layout.Columns) == 0 {
		return t, nil
	}
	return t, t.choose(layout.Columns)
}

// ownPrefix marks the columns that a report adds.
const ownPrefix = "caa_"

// inputName is the name of an input's column in a report. One that could be taken
// for ours, as in a report that is scanned again, says whose it is.
func inputName(name string) string {
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
		names[i] = inputName(name)
	}
	return uniqueNames(names)
}

// issuerFields are the columns that exist for every CA. They stand after all
// others, so that those keep their letters whatever CAs are asked about, and
// together for each CA, because that is how they are read.
func issuerFields(labels []string) []field {
	var fields []field
	for i, label := range labels {
		for _, c := range columns {
			if c.perIssuer() {
				c.Name += ":" + label
				fields = append(fields, field{Column: c, issuer: i})
			}
		}
	}
	return fields
}

func (t *table) header() []string {
	header := slices.Clone(t.inputs)
	for _, f := range t.fields {
		header = append(header, f.Name)
	}
	return header
}

// leading returns the cells that stand first, as they are.
func (t *table) leading(r scan.Result) []string {
	if len(t.inputs) == 0 {
		return nil
	}
	return r.Row.Cells
}

// isInput reports whether a column, by its index, is one of the input's own.
func (t *table) isInput(column int) bool {
	return column < len(t.inputs) || t.fields[column-len(t.inputs)].input > 0
}

// check finds a result that does not fit into the table.
func (t *table) check(r scan.Result) error {
	if len(r.Row.Cells) > len(t.names) {
		return fmt.Errorf("report: row %d has %d cells and the header %d", r.Row.Number, len(r.Row.Cells), len(t.names))
	}
	if len(r.Verdict.Decisions) != len(t.labels) {
		return fmt.Errorf("report: row %d has %d decisions for %d CAs", r.Row.Number, len(r.Verdict.Decisions), len(t.labels))
	}
	return nil
}

// keeper keeps what a writer has made of outcomes, at most so many, and those with
// about so many octets of records: the few that nearly all domains of a list share
// stay, and those of single domains come and go.
type keeper[T any] struct {
	most   int
	octets int
	made   map[*scan.Outcome]T
}

// mostKept is how many octets of records may stand in what a keeper keeps. A set may
// have 64 KiB, each octet may be written as four, and the set may stand in a fix for
// each CA too.
const mostKept = 4 << 20

func newKeeper[T any](most int) keeper[T] {
	return keeper[T]{most: most, made: make(map[*scan.Outcome]T)}
}

// of returns what was made of an outcome, or makes it.
func (k *keeper[T]) of(o *scan.Outcome, make func(*scan.Outcome) T) T {
	made, ok := k.made[o]
	if ok {
		return made
	}
	k.octets += octetsOf(o)
	if len(k.made) >= k.most || k.octets > mostKept {
		clear(k.made)
		k.octets = octetsOf(o)
	}
	made = make(o)
	k.made[o] = made
	return made
}

// octetsOf counts the records of an outcome wherever they stand.
func octetsOf(o *scan.Outcome) (octets int) {
	for _, p := range o.Records.Properties {
		octets += len(p.RDATA())
	}
	sets := 1
	for _, d := range o.Decisions {
		if d.Fix != nil {
			sets++
		}
	}
	return sets * octets
}

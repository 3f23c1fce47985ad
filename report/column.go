package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"caascan/scan"
)

// Column is a column that a report adds to those of the input.
type Column struct {
	Name string
	// Meaning says in a sentence what stands in the column.
	Meaning string

	width float64 // in a workbook: characters
	kind  kind

	// Exactly one of these gives a cell's text. What rests on the verdict is the
	// same for every row of the domain; what rests on a decision exists for each
	// CA where there are several.
	row      func(scan.Result) string
	verdict  func(*scan.Verdict) string
	decision func(scan.Decision) string
}

// kind is what a workbook takes a column's cells for.
type kind int

const (
	textKind kind = iota
	numberKind
	statusKind // text, in the colour of the status
)

// listSeparator stands between the records or the lines of one cell.
const listSeparator = " | "

// columns is the one table of the columns, in their order.
var columns = [...]Column{
	{
		Name: "caa_row", width: 11, kind: numberKind,
		Meaning: "The number of the row in the input, as a spreadsheet shows it; the header is row 1.",
		row:     func(r scan.Result) string { return strconv.Itoa(r.Row.Number) },
	},
	{
		Name: "caa_domain", width: 26,
		Meaning: "The domain of the mailbox as the DNS knows it. Empty where the cell holds none.",
		verdict: func(v *scan.Verdict) string { return v.Domain.String() },
	},
	{
		Name: "caa_status", width: 15, kind: statusKind,
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
		decision: func(d scan.Decision) string { return d.Detail },
	},
	{
		Name: "caa_found_at", width: 24,
		Meaning: "The name at which CAA records were found: the domain itself or a parent of it. Empty where there are none.",
		verdict: func(v *scan.Verdict) string { return v.FoundAt.String() },
	},
	{
		Name: "caa_owner", width: 20,
		Meaning: "The name at which the records really stand, where an alias (CNAME, DNAME) led there. Empty where none did.",
		verdict: owner,
	},
	{
		Name: "caa_records", width: 44,
		Meaning: `The CAA records that were found, as a zone file holds them, with " | " between them.`,
		verdict: records,
	},
	{
		Name: "caa_dnssec", width: 13,
		Meaning: "What is known of the validation of the answers by DNSSEC: secure, insecure (the zone is not signed), bogus, or unknown where nobody validated who can be relied on. Empty where nothing was looked up.",
		verdict: func(v *scan.Verdict) string { return string(v.DNSSEC) },
	},
	{
		Name: "caa_on_failure", width: 19,
		Meaning: "What the S/MIME Baseline Requirements let a CA do after a lookup failed: ca-may-issue (it need not) where all that was asked for is proven not to be signed, ca-must-not-issue where DNSSEC validation failed or the domain is signed as far as can be seen, else unknown, which is no permission. Empty where nothing was looked up or nothing failed, and for tld-not-found.",
		verdict: func(v *scan.Verdict) string { return string(v.OnFailure) },
	},
	// Spaces, because no code holds one and a filter for "contains" needs no more.
	{
		Name: "caa_warnings", width: 22,
		Meaning: "What does not change the status but should be known, as codes with a space between them.",
		row:     warnings,
	},
	{
		Name: "caa_fix", width: 50,
		Meaning:  `The whole set of CAA records to publish in place of the present one so that this CA may issue: lines of a zone file, with " | " between them. Empty where nothing is denied.`,
		decision: func(d scan.Decision) string { return strings.Join(d.Fix, listSeparator) },
	},
	{
		Name: "caa_resolver", width: 20,
		Meaning: "The resolver, or the zone file, that gave the deciding answer.",
		verdict: func(v *scan.Verdict) string { return v.Resolver },
	},
	{
		Name: "caa_checked_at", width: 21,
		Meaning: "When the oldest answer came that the row rests on, in UTC. Empty for zone files.",
		verdict: checkedAt,
	},
}

// Columns returns the columns that a report adds, in order. Where there are
// several CAs, caa_status, caa_reason, caa_detail and caa_fix are the first CA's,
// and the same four follow at the end for every CA, as caa_status:LABEL and so on.
func Columns() []Column { return columns[:len(columns):len(columns)] }

func owner(v *scan.Verdict) string {
	if v.Records.Owner == v.FoundAt.String() {
		return ""
	}
	return v.Records.Owner
}

func records(v *scan.Verdict) string {
	var b strings.Builder
	for i, p := range v.Records.Properties {
		if i > 0 {
			b.WriteString(listSeparator)
		}
		b.WriteString(p.String())
	}
	return b.String()
}

func warnings(r scan.Result) string {
	var b strings.Builder
	for _, list := range [...][]scan.Warning{r.Warnings, r.Verdict.Warnings} {
		for _, w := range list {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(string(w))
		}
	}
	return b.String()
}

func checkedAt(v *scan.Verdict) string {
	if v.CheckedAt.IsZero() {
		return ""
	}
	return v.CheckedAt.UTC().Format(time.RFC3339)
}

// field is a Column as one report has it: the decision is that of one CA.
type field struct {
	Column
	issuer int
}

// table turns results into rows of cells.
type table struct {
	inputs []string // the names of the input's columns
	fields []field
	labels []string      // of the CAs
	cells  []string      // of the last row
	last   *scan.Verdict // of the last row
}

func newTable(layout Layout) (*table, error) {
	if len(layout.Issuers) == 0 {
		return nil, errors.New("report: no CA to report on")
	}
	t := &table{labels: layout.Issuers}
	for _, name := range layout.Header {
		t.inputs = append(t.inputs, inputName(name))
	}
	for _, c := range columns {
		t.fields = append(t.fields, field{c, 0})
	}
	if len(layout.Issuers) > 1 {
		t.fields = append(t.fields, issuerFields(layout.Issuers)...)
	}
	t.cells = make([]string, len(t.inputs)+len(t.fields))
	return t, nil
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

// issuerFields are the columns that exist for every CA. They stand after all
// others, so that those keep their letters whatever CAs are asked about, and
// together for each CA, because that is how they are read.
func issuerFields(labels []string) []field {
	var fields []field
	for i, label := range labels {
		for _, c := range columns {
			if c.decision != nil {
				c.Name += ":" + label
				fields = append(fields, field{c, i})
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

// row returns the cells of a result, which are valid until the next call. Rows
// shorter than the header are filled with empty cells.
//
// A verdict's cells are kept for the next row only: most cost nothing to make.
// Finding them among those of 1,024 verdicts took 1.19 µs a row in place of 1.10,
// with rows in random order over 20,000 domains; those of all domains would take
// over 224 octets each.
func (t *table) row(r scan.Result) ([]string, error) {
	if len(r.Row.Cells) > len(t.inputs) {
		return nil, fmt.Errorf("report: row %d has %d cells and the header %d", r.Row.Number, len(r.Row.Cells), len(t.inputs))
	}
	if len(r.Verdict.Decisions) != len(t.labels) {
		return nil, fmt.Errorf("report: row %d has %d decisions for %d CAs", r.Row.Number, len(r.Verdict.Decisions), len(t.labels))
	}
	n := copy(t.cells, r.Row.Cells)
	clear(t.cells[n:len(t.inputs)])
	own := t.cells[len(t.inputs):]
	for i, f := range t.fields {
		switch {
		case f.row != nil:
			own[i] = f.row(r)
		case r.Verdict == t.last: // the cell is there already
		case f.verdict != nil:
			own[i] = f.verdict(r.Verdict)
		case f.decision != nil:
			own[i] = f.decision(r.Verdict.Decisions[f.issuer])
		}
	}
	t.last = r.Verdict
	return t.cells, nil
}

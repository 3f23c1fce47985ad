package report

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"caascan/scan"
	"caascan/scan/caa"
)

// FixFormat is a form of the records to publish.
type FixFormat string

// The forms.
const (
	ZoneFixes       FixFormat = "zone"       // a master file, which a scan takes for an overlay
	CSVFixes        FixFormat = "csv"        // a line for each name, for a tracker of tickets
	DNSControlFixes FixFormat = "dnscontrol" // JavaScript for DNSControl
	NSUpdateFixes   FixFormat = "nsupdate"   // commands for BIND's nsupdate (RFC 2136)
	Route53Fixes    FixFormat = "route53"    // a change batch for Amazon Route 53
)

// fixForm is what a form is like.
type fixForm struct {
	format  FixFormat
	meaning string
	start   string // of every file
	write   func(*fixesFile, FixList)
}

// fixForms is the one table of the forms.
func fixForms() []fixForm {
	return []fixForm{
		{ZoneFixes, "lines of a zone file (RFC 1035), for people, name servers and --overlay", "; " + fixesTitle, zoneText().write},
		{CSVFixes, "a line for each name, to be imported as tickets into Jira, ServiceNow and the like", csvFixesStart(), writeCSVFixes},
		{DNSControlFixes, "D_EXTEND() calls for DNSControl", "// " + fixesTitle, dnscontrolText().write},
		{NSUpdateFixes, "dynamic updates (RFC 2136) for BIND's nsupdate, each only as long as the records are those that were seen", "; " + fixesTitle, nsupdateText().write},
		{Route53Fixes, "a change batch for aws route53 change-resource-record-sets", route53Start + fixesTitle, writeRoute53},
	}
}

const fixesTitle = "CAA records to publish"

// FixFormats returns all forms.
func FixFormats() []FixFormat {
	var formats []FixFormat
	for _, form := range fixForms() {
		formats = append(formats, form.format)
	}
	return formats
}

// form returns the line of the table. The form must be one of FixFormats.
func (f FixFormat) form() fixForm {
	for _, form := range fixForms() {
		if form.format == f {
			return form
		}
	}
	panic("report: unknown form of fixes " + string(f))
}

// Meaning says in a few words what a file of the form holds.
func (f FixFormat) Meaning() string { return f.form().meaning }

// IsFixes reports whether a file that begins so was written by a Writer of NewFixes, in
// whatever form.
func IsFixes(start []byte) bool {
	return slices.ContainsFunc(fixForms(), func(form fixForm) bool { return strings.HasPrefix(string(start), form.start) })
}

// FixesStart is how many octets IsFixes looks at.
func FixesStart() int {
	longest := 0
	for _, form := range fixForms() {
		longest = max(longest, len(form.start))
	}
	return longest
}

// NewFixes returns a Writer of what to publish so that some CAs may issue, given by
// their places among the decisions: the whole set of each name that denies one of them
// (see Tally.Fixes).
func NewFixes(w io.Writer, format FixFormat, issuers ...int) Writer {
	return &fixesFile{to: bufio.NewWriter(w), form: format.form(), issuers: issuers}
}

// fixesFile is a file that is being written. What goes wrong the last Flush says.
type fixesFile struct {
	to      *bufio.Writer
	form    fixForm
	issuers []int
	run     Run
	closed  bool
}

// Write has nothing to do: the tally has what is needed of all rows.
func (f *fixesFile) Write(scan.Result) error {
	if f.closed {
		return ErrClosed
	}
	return nil
}

// Close writes the file.
func (f *fixesFile) Close(o *Overview) error {
	if f.closed {
		return ErrClosed
	}
	f.closed, f.run = true, o.Run
	f.form.write(f, o.Tally.Fixes(f.issuers...))
	return f.to.Flush()
}

// title says what is in a file with these fixes.
func (f *fixesFile) title(fixes FixList) string {
	return fixesTitle + " so that " + f.labels(f.issuers) + " may issue S/MIME certificates: " + plural(fixes.Len(), "name") + "."
}

// others are the CAs that the name denies and that the file is not for.
func (f *fixesFile) others(fix FixTotal) []int {
	var others []int
	for i, issuer := range f.run.Issuers {
		if !slices.Contains(f.issuers, i) && fix.Present.Decide(issuer).Status == caa.Denied {
			others = append(others, i)
		}
	}
	return others
}

// notes are what is to be known before a fix is published, a sentence each.
func (f *fixesFile) notes(fix FixTotal) []string {
	var notes []string
	if others := f.others(fix); len(others) > 0 {
		notes = append(notes, "It denies "+f.labels(others)+" too. If that is to issue as well, publish one set for all: a second one would replace this one.")
	}
	return append(notes, fix.Notes...)
}

func (f *fixesFile) labels(issuers []int) string {
	labels := make([]string, len(issuers))
	for i, issuer := range issuers {
		labels[i] = f.run.Issuers[issuer].Label
	}
	return strings.Join(labels, ", ")
}

package html

import (
	"fmt"
	htmltemplate "html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/domain"
)

// pageView is what the templates are filled with. Text in it is as it was read: each
// place of a template writes it by way of plain, which leaves no control character.
type pageView struct {
	Style  htmltemplate.CSS
	Script htmltemplate.JS
	Policy string

	*report.Overview
	Title       string
	Top, Rest   []factView
	Permissions []permissionView
	Issuers     []issuerView
	Reasons     []scan.Reason        // that a domain of the page has
	Filtered    []scan.Warning       // that a domain of the page has
	Changes     *report.Changes      // nil if nothing was compared
	Domains     []report.DomainTotal // as many as the page holds
	Nowhere     int                  // rows without a domain
	Grouped     []groupTableView     // the columns that rows are grouped by

	Perspectives []string           // the names of other places, if there are some
	Corroborated []corroboratedView // for each CA
	Places       []report.PlaceLine // the domains whose answers differ by place, as many as the page holds
	Differing    int                // of them

	Most pageLimits

	members  [][][]int                      // of each of them and each of its lines: the places of its domains
	spelt    map[domain.Name][]scan.Warning // of the rows of a domain
	changed  map[string]scan.Change         // of domains
	fixes    []report.FixList               // of each CA
	together report.FixList                 // of all CAs
	at       map[string]int                 // of each deciding name: its place in together
}

type factView struct {
	Name  string
	Value any
}

// permissionView is a line of the matrix. Its Kind is that of permissionClass.
type permissionView struct {
	Name, Meaning, Kind string
	report.Count
}

// someIssue says that some CAs may issue and others may not.
const someIssue = "some"

// issuerView is what a page says of one CA.
type issuerView struct {
	Index    int
	Label    string // as it is headed
	Short    string // as it was given
	Statuses []statusView
	Reasons  []report.ReasonCount
	Fixes    []fixView
	AllFixes int
	OffPaper int // fixes that are not printed
	Total    report.Count
}

type statusView struct {
	Status scan.Status
	report.Count
	X, Width float64 // in the bar, in percent
}

func (h *htmlWriter) view(o *report.Overview) *pageView {
	tally := o.Tally
	v := &pageView{
		Overview: o, Title: report.Title,
		Most: h.limits, spelt: tally.Spellings(),
		Changes: tally.Changes, changed: tally.Changes.ByDomain(),
	}
	v.Nowhere = tally.Nowhere()
	v.addDomains(tally)
	v.Top, v.Rest = factViews(o.Leading()), factViews(o.Further())
	for _, line := range o.Permissions() {
		v.Permissions = append(v.Permissions, permissionView{line.Name, line.Meaning, permissionClass(line.Kind), line.Count})
	}
	if len(v.Labels) > 1 {
		v.addTogether(tally)
	}
	for i, issuer := range o.Issuers() {
		v.addIssuer(i, issuer)
	}
	v.addFilters()
	v.addGroups()
	v.addPlaces(h.perspectives)
	return v
}

// addDomains adds the domains with the most rows, as many as the page holds: each is kept with
// its records and its fixes, and each of 100,000 names may have 64 KiB.
func (v *pageView) addDomains(tally *report.Tally) {
	met, left := make(map[*scan.Outcome]bool), v.Most.octets
	for d := range tally.Domains() {
		if len(v.Domains) == v.Most.domains {
			return
		}
		if !met[d.Outcome] {
			met[d.Outcome] = true
			if left -= octetsOf(d.Outcome); left < 0 {
				return
			}
		}
		v.Domains = append(v.Domains, d)
	}
}

// octetsOf is about what the records of an outcome take, and those of each fix.
func octetsOf(o *scan.Outcome) (octets int) {
	const each = 16 // for a record of a list
	for _, p := range o.Records.Properties {
		octets += len(p.RDATA()) + each*(1+len(o.Decisions))
	}
	return octets
}

// addFilters adds what the domains of the page can be filtered by, in the order of the
// summary: some of what that has only rows without a domain have.
func (v *pageView) addFilters() {
	reasons, warnings := make(map[scan.Reason]bool), make(map[scan.Warning]bool)
	for _, d := range v.Domains {
		for _, decision := range d.Outcome.Decisions {
			reasons[decision.Reason] = true
		}
		for _, w := range v.Warned(d) {
			warnings[w] = true
		}
	}
	for _, issuer := range v.Issuers {
		for _, r := range issuer.Reasons {
			if reasons[r.Reason] {
				v.Reasons = append(v.Reasons, r.Reason)
				delete(reasons, r.Reason) // another CA has it too
			}
		}
	}
	for _, w := range v.Warnings() {
		if warnings[w.Warning] {
			v.Filtered = append(v.Filtered, w.Warning)
		}
	}
}

// Warned returns the warnings of a domain, as a row has them: those of the spelling of
// its rows first.
func (v *pageView) Warned(d report.DomainTotal) []scan.Warning {
	return slices.Concat(v.spelt[d.Domain], d.Outcome.Warnings)
}

// Changed returns how a domain is different from the earlier report.
func (v *pageView) Changed(d report.DomainTotal) scan.Change { return v.changed[d.Domain.String()] }

// Offered are the changes that a domain of the page has.
func (v *pageView) Offered() []scan.Change {
	return slices.DeleteFunc(scan.Changes(), func(change scan.Change) bool {
		return !slices.ContainsFunc(v.Domains, func(d report.DomainTotal) bool { return v.Changed(d) == change })
	})
}

// Columns is how many the table of domains has.
func (v *pageView) Columns() int {
	columns := len(v.Labels) + 4
	if len(v.Perspectives) > 0 {
		columns++
	}
	if v.Changes != nil {
		columns++
	}
	return columns
}

func factViews(facts []report.Fact) []factView {
	views := make([]factView, len(facts))
	for i, f := range facts {
		views[i] = factView{f.Name, f.Value}
	}
	return views
}

// permissionClass is what the page calls a line of the matrix: a status, or someIssue.
func permissionClass(kind report.PermissionKind) string {
	switch kind {
	case report.AllPermitted:
		return string(scan.Permitted)
	case report.SomePermitted:
		return someIssue
	case report.NonePermitted:
		return string(scan.Denied)
	case report.PermissionUnknown:
		return string(scan.LookupFailed)
	}
	panic("report: unknown kind of permission " + string(kind))
}

// addTogether adds what is to be published so that all CAs may issue.
func (v *pageView) addTogether(tally *report.Tally) {
	var issuers []int
	for i := range v.Labels {
		issuers = append(issuers, i)
	}
	v.together, v.at = tally.Fixes(issuers...), make(map[string]int)
	for place := range v.together.Len() {
		v.at[v.together.Name(place)] = place
	}
}

// shared returns the place in together of the fix for all CAs that a name stops, if
// that are several.
func (v *pageView) shared(name string) (place int, several bool) {
	place, ok := v.at[name]
	return place, ok && v.together.Several(place)
}

// labelsOf returns the labels of some CAs.
func (v *pageView) labelsOf(issuers []int) []string {
	labels := make([]string, len(issuers))
	for i, issuer := range issuers {
		labels[i] = v.Labels[issuer]
	}
	return labels
}

func (v *pageView) addIssuer(i int, o report.IssuerOverview) {
	issuer := issuerView{Index: i, Label: o.Heading, Short: o.Label, Total: v.Total(), Reasons: o.Reasons}
	x := 0.0
	for _, s := range o.Statuses {
		width := percent(s.Rows, issuer.Total.Rows)
		issuer.Statuses = append(issuer.Statuses, statusView{s.Status, s.Count, hundredths(x), hundredths(width)})
		x += width
	}
	fixes := o.Fixes
	for fix := range fixes.First(v.Most.fixes) {
		issuer.Fixes = append(issuer.Fixes, v.fix(issuer, len(issuer.Fixes), fix))
	}
	issuer.AllFixes, issuer.OffPaper = fixes.Len(), max(0, len(issuer.Fixes)-v.Most.paper)
	v.Issuers = append(v.Issuers, issuer)
	v.fixes = append(v.fixes, fixes)
}

// Named is the label of a CA if there are several: "for Old".
func (v *pageView) Named(issuer int) string {
	return strings.TrimSpace(report.ForLabel(v.Labels[issuer], v.Labels))
}

// Lines are the domains that are shown without JavaScript.
func (v *pageView) Lines() []report.DomainTotal { return v.Domains[:min(len(v.Domains), v.Most.lines)] }

// Missing is how many domains are not on the page.
func (v *pageView) Missing() int { return v.Total().Domains - len(v.Domains) }

// Largest are the fixes that the summary names.
func (i issuerView) Largest() []fixView { return i.Fixes[:min(len(i.Fixes), report.LargestNames)] }

// fixView is a fix as the page shows it.
type fixView struct {
	ID            string
	Issuer, Place int
	report.FixTotal
	named        int // of the domains
	line         report.FixLine
	Now, Publish markedLines
	Letter       string        // none if the set is too long
	Together     *togetherView // if the name stops other CAs too
	Further      bool          // not printed
}

// togetherView is what to publish so that all CAs may issue that a name stops.
type togetherView struct {
	Whom    string // the CAs
	Publish markedLines
}

// markedLines are a set of records, with those marked that another set has not.
type markedLines struct {
	Lines []markedLine
	Left  int // lines that are not here
}

type markedLine struct {
	Text    string
	Differs bool
}

func (v *pageView) fix(issuer issuerView, place int, f report.FixTotal) fixView {
	now, left := report.Fitting(f.PresentLines(), v.Most.text)
	publish := v.publish(f)
	view := fixView{
		ID:     fmt.Sprintf("fix-%d-%d", issuer.Index, place),
		Issuer: issuer.Index, Place: place, FixTotal: f, Further: place >= v.Most.paper,
		named:   min(len(f.Domains), v.Most.names),
		line:    report.FixLine{FixTotal: f, Issuer: issuer.Short},
		Now:     markedLines{differing(now, publish), left},
		Publish: markedLines{differing(publish, now), len(f.Set) - len(publish)},
	}
	if publish != nil && len(v.Run.Issuers) == len(v.Labels) {
		view.Letter = report.Letter(v.Run.Issuers, f)
	}
	if shared, several := v.shared(f.Name()); several {
		all := v.together.At(shared)
		publish := v.publish(all)
		view.line.Others = v.labelsOf(others(all.Issuers, issuer.Index))
		view.Together = &togetherView{report.Joined(v.labelsOf(all.Issuers)), markedLines{differing(publish, now), len(all.Set) - len(publish)}}
	}
	return view
}

// others are the CAs without one of them.
func others(issuers []int, but int) []int {
	return slices.DeleteFunc(slices.Clone(issuers), func(issuer int) bool { return issuer == but })
}

// For is the CA that it is for.
func (f fixView) For() string { return f.line.Issuer }

// Asked is whom to ask to publish it.
func (f fixView) Asked() string { return f.line.Asked() }

// Known is what is to be known before.
func (f fixView) Known() []string { return f.line.Known() }

// publish returns the lines to publish, or none if they are too long: a part of a
// set must not be published.
func (v *pageView) publish(f report.FixTotal) []string {
	lines, left := report.Fitting(f.Lines(), v.Most.text)
	if left > 0 {
		return nil
	}
	return lines
}

// differing marks the lines that the other set has not.
func differing(lines, other []string) []markedLine {
	marked := make([]markedLine, len(lines))
	for i, line := range lines {
		marked[i] = markedLine{line, len(other) > 0 && !slices.Contains(other, line)}
	}
	return marked
}

// Unblocked names some of the domains, and says how many more there are.
func (f fixView) Unblocked() string {
	var names []string
	for _, d := range f.Domains[:f.named] {
		names = append(names, d.String())
	}
	if more := len(f.Domains) - f.named; more > 0 {
		names = append(names, number(more)+" more")
	}
	return report.Joined(names)
}

// recordsWidth is how many characters of records a line has.
const recordsWidth = 84

// Records are the present ones, as far as there is room for them in a line.
func (f fixView) Records() string {
	return report.Shorten(report.RecordLines(f.Present.Properties, report.ListSeparator), recordsWidth)
}

// Wildcard says that what is to be published is for all names that one makes.
func (f fixView) Wildcard() bool { return domain.Owner(f.Name()).IsWildcard() }

// pageWords are the functions of the templates.
func pageWords() htmltemplate.FuncMap {
	return htmltemplate.FuncMap{
		"plain":    plain,
		"number":   number,
		"counted":  func(n int, what string) string { return number(n) + " " + be(n, what, what+"s") },
		"be":       be,
		"share":    share,
		"bar":      func(part, all int, kind string) barView { return barView{hundredths(percent(part, all)), kind} },
		"statuses": scan.Statuses,
		"symbol":   symbol,
		"kind":     func(status scan.Status) string { return string(status) },
		"mark":     mark,
		"meaning":  scan.Status.Meaning,
		"words":    report.WarningText,
		"int":      func(n uint32) int { return int(n) },
		"minus":    func(a, b int) int { return a - b },
		"column":   report.ColumnMeaning,
		"changes":  scan.ChangeKind.Changes,
		"kinds":    scan.ChangeKinds,
		"kindName": scan.ChangeKind.Heading,
		"since":    report.ChangesHeading,
		"readable": report.InUnicode,
	}
}

// barView is a bar: how much of it is filled, in percent, and in the colour of what.
type barView struct {
	Width float64
	Kind  string
}

// plain is a value as text that does nothing where it is shown. Lines of a zone file are
// copied from the page.
func plain(value any) string {
	if n, ok := value.(int); ok {
		return number(n)
	}
	return report.Visible(fmt.Sprint(value))
}

func plainAll(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = plain(text)
	}
	return all
}

// number writes a count so that it can be read.
func number(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// be is the form of a word that goes with a number.
func be(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func percent(part, all int) float64 { return 100 * float64(part) / float64(max(all, 1)) }

// share shows as 0.0% and 100.0% only what is none and all.
func share(part, all int) string {
	switch exact := percent(part, all); {
	case 0 < exact && exact < 0.05:
		return "<0.1%"
	case 99.95 <= exact && part < all:
		return ">99.9%"
	default:
		return fmt.Sprintf("%.1f%%", exact)
	}
}

// hundredths rounds to as exact as a bar can be.
func hundredths(n float64) float64 { return math.Round(100*n) / 100 }

// symbol is beside the word, for those who see no colours.
func symbol(status scan.Status) string {
	switch status {
	case scan.Permitted:
		return "✓"
	case scan.Denied:
		return "✕"
	case scan.LookupFailed:
		return "?"
	}
	panic("report: unknown status " + string(status))
}

// mark is the symbol of a status, or of someIssue.
func mark(kind string) string {
	if kind == someIssue {
		return "◐"
	}
	return symbol(scan.Status(kind))
}

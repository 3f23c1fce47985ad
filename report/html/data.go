package html

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"caascan/report"
	"caascan/scan"
)

// pageData writes the domains for a page's script: a column of names, one of rows and
// one of outcomes, because most domains share theirs. It writes piece by piece, and
// json.Marshal escapes all that could end the element in which the data are. What
// goes wrong with the writing the last Flush says.
type pageData struct {
	to     *bufio.Writer
	view   *pageView
	places []map[string]int // of each CA: its deciding names in the fix list
	err    error

	// What the outcomes that were written refer to, by its place.
	fixes    []map[int]bool // of each CA
	together map[int]bool
}

// pageOutcome is an Outcome in the data.
type pageOutcome struct {
	Found     string         `json:"found,omitempty"`
	Owner     string         `json:"owner,omitempty"`
	Records   []string       `json:"records,omitempty"`
	Left      int            `json:"left,omitempty"` // records that are not here
	DNSSEC    string         `json:"dnssec,omitempty"`
	OnFailure string         `json:"onFailure,omitempty"`
	Resolver  string         `json:"resolver,omitempty"`
	Warnings  []scan.Warning `json:"warnings,omitempty"`
	Decisions []pageDecision `json:"decisions"`
	Together  *int           `json:"together,omitempty"` // the place of the fix for all CAs that are stopped
}

type pageDecision struct {
	Reason scan.Reason `json:"reason"`
	// Detail is the sentence: all of it, or what is before and after the domain.
	Detail []string `json:"detail"`
	Fix    *int     `json:"fix,omitempty"` // its place in the CA's fix list
}

// pageTogether is a fix for several CAs in the data: the lines, none if they are too
// long, and the CAs, by their place among the groups.
type pageTogether struct {
	Publish string `json:"publish"`
	Group   int    `json:"group"`
}

// pageGroup is some CAs that one name stops: their labels, and what is to be known of
// the others if each of them is asked about.
type pageGroup struct {
	Whom  string         `json:"whom"`
	Notes map[int]string `json:"notes"`
}

// pageReason is what a reason of a decision brings with it.
type pageReason struct {
	Status scan.Status `json:"status"`
	Advice string      `json:"advice,omitempty"`
}

func (v *pageView) writeData(to *bufio.Writer) error {
	d := &pageData{to: to, view: v, together: make(map[int]bool)}
	for _, fixes := range v.fixes {
		places := make(map[string]int, fixes.Len())
		for i := range fixes.Len() {
			places[fixes.Name(i)] = i
		}
		d.places, d.fixes = append(d.places, places), append(d.fixes, make(map[int]bool))
	}
	to.WriteString(`<script type="application/json" id="data">{"labels":`)
	d.value(plainAll(v.Labels))
	d.words()
	d.domains()
	d.sets()
	d.sharedSets()
	d.grouped()
	to.WriteString("}</script>\n")
	return d.err
}

// grouped are the places of the domains of each line of groups.
func (d *pageData) grouped() {
	if len(d.view.members) > 0 {
		d.field("members", d.view.members)
	}
}

// words are what codes mean.
func (d *pageData) words() {
	reasons := make(map[scan.Reason]pageReason)
	for _, reason := range d.view.Reasons {
		reasons[reason] = pageReason{reason.Status(), reason.Advice()}
	}
	warnings := make(map[scan.Warning]string)
	for _, w := range d.view.Filtered {
		warnings[w] = w.Meaning()
	}
	symbols := make(map[scan.Status]string)
	for _, status := range scan.Statuses() {
		symbols[status] = symbol(status)
	}
	d.field("reasons", reasons)
	d.field("warnings", warnings)
	d.field("symbols", symbols)
	d.field("cards", d.view.Most.fixes)
}

// sets are the lines to publish for each CA, by their places in its fix list; none
// if they are too long. Those that no domain of the page refers to are not there, or
// the page would grow with the list.
func (d *pageData) sets() {
	d.to.WriteString(`,"fixes":[`)
	for i, fixes := range d.view.fixes {
		if i > 0 {
			d.to.WriteString(",")
		}
		d.byPlace(d.fixes[i], func(place int) any { return d.lines(fixes.At(place)) })
	}
	d.to.WriteString("]")
}

// sharedSets are the fixes for several CAs.
func (d *pageData) sharedSets() {
	groups := []pageGroup{}
	met := make(map[string]int)
	d.to.WriteString(`,"together":`)
	d.byPlace(d.together, func(place int) any {
		f := d.view.together.At(place)
		key := fmt.Sprint(f.Issuers)
		group, ok := met[key]
		if !ok {
			group = len(groups)
			met[key] = group
			groups = append(groups, d.group(f))
		}
		return pageTogether{d.lines(f), group}
	})
	d.field("groups", groups)
}

func (d *pageData) group(f report.FixTotal) pageGroup {
	group := pageGroup{plain(report.Joined(d.view.labelsOf(f.Issuers))), make(map[int]string)}
	for _, issuer := range f.Issuers {
		line := report.FixLine{FixTotal: f, Others: d.view.labelsOf(others(f.Issuers, issuer))}
		group.Notes[issuer] = plain(line.Known()[0])
	}
	return group
}

func (d *pageData) lines(f report.FixTotal) string {
	return plain(strings.Join(d.view.publish(f), "\n"))
}

// byPlace writes an object with a value for each place, in their order.
func (d *pageData) byPlace(places map[int]bool, value func(int) any) {
	d.to.WriteString("{")
	for i, place := range slices.Sorted(maps.Keys(places)) {
		if i > 0 {
			d.to.WriteString(",")
		}
		d.to.WriteString(`"` + strconv.Itoa(place) + `":`)
		d.value(value(place))
	}
	d.to.WriteString("}")
}

func (d *pageData) domains() {
	all := d.view.Domains
	d.to.WriteString(`,"domains":`)
	writeAll(d, all, func(t report.DomainTotal) any { return t.Domain.String() })
	d.to.WriteString(`,"rows":`)
	writeAll(d, all, func(t report.DomainTotal) any { return t.Rows })
	spelt := make(map[int]bool)
	for i, domain := range all {
		if len(d.view.spelt[domain.Domain]) > 0 {
			spelt[i] = true
		}
	}
	d.to.WriteString(`,"spelt":`)
	d.byPlace(spelt, func(i int) any { return d.view.spelt[all[i].Domain] })
	d.readable()
	if len(d.view.Perspectives) > 0 {
		d.elsewhere()
	}
	if d.view.Changes != nil {
		d.changes()
	}
	d.outcomes()
}

// readable are the international names as people read them.
func (d *pageData) readable() {
	all, names := d.view.Domains, make(map[int]bool)
	for i, domain := range all {
		if report.InUnicode(domain.Domain.String()) != "" {
			names[i] = true
		}
	}
	d.to.WriteString(`,"readable":`)
	d.byPlace(names, func(i int) any { return report.InUnicode(all[i].Domain.String()) })
}

func (d *pageData) changes() {
	all, changed := d.view.Domains, make(map[int]bool)
	for i, domain := range all {
		if d.view.Changed(domain) != scan.ChangeNone {
			changed[i] = true
		}
	}
	d.to.WriteString(`,"changed":`)
	d.byPlace(changed, func(i int) any { return d.view.Changed(all[i]) })
}

func (d *pageData) outcomes() {
	writeDistinct(d, "of", "outcomes", func(t report.DomainTotal) *scan.Outcome { return t.Outcome },
		func(o *scan.Outcome) any { return d.outcome(o) })
}

// writeDistinct writes what domains have in common, each content once: for each domain the
// place of its own in a list, and that list.
func writeDistinct[T comparable](d *pageData, places, list string, has func(report.DomainTotal) T, value func(T) any) {
	var all []T
	at := make(map[T]int)
	fmt.Fprintf(d.to, `,%q:`, places)
	writeAll(d, d.view.Domains, func(t report.DomainTotal) any {
		own := has(t)
		i, met := at[own]
		if !met {
			i = len(all)
			at[own] = i
			all = append(all, own)
		}
		return i
	})
	fmt.Fprintf(d.to, `,%q:`, list)
	writeAll(d, all, value)
}

// writeAll writes a list.
func writeAll[T any](d *pageData, list []T, value func(T) any) {
	d.to.WriteString("[")
	for i, v := range list {
		if i > 0 {
			d.to.WriteString(",")
		}
		d.value(value(v))
	}
	d.to.WriteString("]")
}

func (d *pageData) field(name string, v any) {
	d.to.WriteString(`,"` + name + `":`)
	d.value(v)
}

func (d *pageData) value(v any) {
	text, err := json.Marshal(v)
	if err != nil && d.err == nil {
		d.err = err
	}
	d.to.Write(text)
}

func (d *pageData) outcome(o *scan.Outcome) pageOutcome {
	p := pageOutcome{
		Found: o.FoundAt.String(), Owner: plain(o.Records.Owner),
		DNSSEC: string(o.DNSSEC), OnFailure: string(o.OnFailure),
		Resolver: plain(o.Resolver), Warnings: o.Warnings,
	}
	var records []string
	for _, property := range o.Records.Properties {
		records = append(records, property.String()) // printable ASCII
	}
	p.Records, p.Left = report.Fitting(records, d.view.Most.text)
	for i, decision := range o.Decisions {
		p.Decisions = append(p.Decisions, d.decision(i, o.Records.Owner, decision))
		if place, several := d.view.shared(o.Records.Owner); several && decision.Fix != nil {
			p.Together, d.together[place] = &place, true
		}
	}
	return p
}

func (d *pageData) decision(issuer int, owner string, decided scan.Decision) pageDecision {
	p := pageDecision{Reason: decided.Reason}
	before, after, named := decided.Detail.Cut()
	p.Detail = []string{plain(before)}
	if named {
		p.Detail = append(p.Detail, plain(after))
	}
	if place, ok := d.places[issuer][owner]; ok && decided.Fix != nil {
		p.Fix, d.fixes[issuer][place] = &place, true
	}
	return p
}

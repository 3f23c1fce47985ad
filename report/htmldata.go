package report

import (
	"bufio"
	"encoding/json"
	"strings"

	"caascan/scan"
)

// pageData writes the domains for a page's script: a column of names, one of rows and
// one of outcomes, because most domains share theirs. It writes piece by piece, and
// json.Marshal escapes all that could end the element in which the data stand. What
// goes wrong with the writing the last Flush says.
type pageData struct {
	to     *bufio.Writer
	view   *pageView
	places []map[string]int // of each CA: its deciding names in the fix list
	err    error
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
}

type pageDecision struct {
	Reason scan.Reason `json:"reason"`
	// Detail is the sentence: all of it, or what stands before and behind the domain.
	Detail []string `json:"detail"`
	Fix    *int     `json:"fix,omitempty"` // its place in the CA's fix list
}

// pageReason is what a reason of a decision brings with it.
type pageReason struct {
	Status scan.Status `json:"status"`
	Advice string      `json:"advice,omitempty"`
}

func (v *pageView) writeData(to *bufio.Writer) error {
	d := &pageData{to: to, view: v}
	for _, fixes := range v.fixes {
		places := make(map[string]int, len(fixes))
		for i, fix := range fixes {
			places[fix.Name()] = i
		}
		d.places = append(d.places, places)
	}
	to.WriteString(`<script type="application/json" id="data">{"labels":`)
	d.value(plainAll(v.Labels))
	d.words()
	d.fixes()
	d.domains()
	to.WriteString("}</script>\n")
	return d.err
}

// words are what codes mean.
func (d *pageData) words() {
	reasons := make(map[scan.Reason]pageReason)
	for _, reason := range d.view.Reasons {
		reasons[reason] = pageReason{reason.Status(), reason.Advice()}
	}
	warnings := make(map[scan.Warning]string)
	for _, w := range d.view.Warnings {
		warnings[w.Warning] = w.Warning.Meaning()
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

// fixes are the lines to publish for each CA, in the order of its fix list; none
// where they are too long.
func (d *pageData) fixes() {
	d.to.WriteString(`,"fixes":[`)
	for i, fixes := range d.view.fixes {
		if i > 0 {
			d.to.WriteString(",")
		}
		writeAll(d, fixes, func(f FixTotal) any { return plain(strings.Join(d.view.publish(f), "\n")) })
	}
	d.to.WriteString("]")
}

func (d *pageData) domains() {
	all := d.view.Domains
	d.to.WriteString(`,"domains":`)
	writeAll(d, all, func(t DomainTotal) any { return t.Domain.String() })
	d.to.WriteString(`,"rows":`)
	writeAll(d, all, func(t DomainTotal) any { return t.Rows })
	var outcomes []*scan.Outcome
	at := make(map[*scan.Outcome]int)
	d.to.WriteString(`,"of":`)
	writeAll(d, all, func(t DomainTotal) any {
		i, met := at[t.Outcome]
		if !met {
			i = len(outcomes)
			at[t.Outcome] = i
			outcomes = append(outcomes, t.Outcome)
		}
		return i
	})
	d.to.WriteString(`,"outcomes":`)
	writeAll(d, outcomes, func(o *scan.Outcome) any { return d.outcome(o) })
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
	p.Records, p.Left = fitting(records, d.view.Most.text)
	for i, decision := range o.Decisions {
		p.Decisions = append(p.Decisions, d.decision(i, o.Records.Owner, decision))
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
		p.Fix = &place
	}
	return p
}

package xlsx

import (
	"fmt"
	"slices"
	"sort"

	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/scan/domain"
)

// finisher is the end of a workbook: what is made from the Tally.
type finisher struct {
	*workbook
	over    *report.Overview
	fixed   []issuerFixes
	firsts  map[domain.Name]place              // of the domains of the fixes
	states  foundWords                         // of DNSSEC and on failure, of all domains
	changes *columnSheets[report.DomainChange] // nil if nothing was compared
	places  *columnSheets[report.PlaceLine]    // nil if no other places are
	groups  []*groupSheets
	domains *columnSheets[report.DomainTotal]
	legend  *columnSheets[legendLine]
}

// domainLines is how many lines a row of Domains shows at most: its long sets are in Results
// and in the fix list.
const domainLines = 2

func newFinisher(b *workbook, o *report.Overview) *finisher {
	c := &finisher{
		workbook: b, over: o, firsts: make(map[domain.Name]place), states: make(foundWords),
		domains: newColumnSheets(b, domainsSheet, &b.styles, withUnicode(domainColumns(b.table.Labels), o.Tally)),
		legend:  newColumnSheets(b, legendSheet, &b.lined, legendColumns()),
	}
	c.domains.shown = domainLines
	if changes := o.Tally.Changes; changes != nil {
		c.changes = newColumnSheets(b, changesSheet, &b.lined, changeColumns(changes.Labels))
	}
	if len(b.perspectives) > 0 {
		c.places = newColumnSheets(b, placesSheet, &b.lined, placeColumns(o.Labels, b.perspectives))
	}
	c.groups = newGroupSheets(b, o)
	issuers, names := o.Issuers(), fixSheetNames(o.Labels)
	for i := range issuers {
		c.fixed = append(c.fixed, issuerFixes{IssuerOverview: &issuers[i], sheet: names[i]})
	}
	return c
}

// write makes the sheets. Each is ended before the next begins.
func (c *finisher) write() error {
	steps := []func() error{
		func() error { return c.results.fill(noResults, c.lined.note) },
		c.results.finish,
		c.failed.finish,
		c.writeDomains,
		c.domains.finish,
		c.writeFixes,
		c.writeChanges,
		c.writePlaces,
		c.writeGroups,
		c.writeLegend,
		c.legend.finish,
		c.enter,
		c.writeSummary,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// writeDomains notes where the first domain of each fix is, and what states there are.
func (c *finisher) writeDomains() error {
	for _, issuer := range c.fixed {
		for i := range issuer.Fixes.Len() {
			c.firsts[issuer.Fixes.FirstDomain(i)] = place{}
		}
	}
	for d := range c.over.Tally.Domains() {
		c.states[string(d.Outcome.DNSSEC)], c.states[string(d.Outcome.OnFailure)] = true, true
		at, err := c.domains.add(d)
		if err != nil {
			return err
		}
		if _, ok := c.firsts[d.Domain]; ok {
			c.firsts[d.Domain] = at
		}
	}
	return nil
}

func (c *finisher) writeLegend() error {
	for _, l := range c.legendLines() {
		if _, err := c.legend.add(l); err != nil {
			return err
		}
	}
	return nil
}

// series are the sheets after the summary, in their order.
func (c *finisher) series() []*series {
	var all []*series
	if c.places != nil {
		all = append(all, c.places.series)
	}
	if c.changes != nil {
		all = append(all, c.changes.series)
	}
	all = append(all, c.groupSeries()...)
	for _, i := range c.over.FixOrder() {
		all = append(all, c.fixed[i].series)
	}
	return append(all, c.results, c.failed.series, c.domains.series, c.legend.series)
}

// texts are those of the series.
func (c *finisher) texts() []sheetText {
	texts := append(c.groupTexts(), sheetTexts()...)
	if c.changes != nil {
		texts = slices.Insert(texts, 0, changesText())
	}
	if c.places != nil {
		texts = slices.Insert(texts, 0, placesText())
	}
	return texts
}

// enter makes the sheets those of the workbook.
func (c *finisher) enter() error {
	for _, s := range c.series() {
		for _, each := range s.sheets {
			if err := each.enter(c.file, c.archive); err != nil {
				return fmt.Errorf("sheet %s: %w", each.name, err)
			}
		}
	}
	return nil
}

// sortContentTypes puts what excelize has from a map into an order, so that the same
// run gives the same bytes.
func sortContentTypes(file *excelize.File) {
	defaults := file.ContentTypes.Defaults
	sort.Slice(defaults, func(i, j int) bool { return defaults[i].Extension < defaults[j].Extension })
}

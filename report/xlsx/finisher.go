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
	changes *columnSheets[report.DomainChange] // nil if nothing was compared
	places  *columnSheets[report.PlaceLine]    // nil if no other places are
	groups  []*groupSheets
	fixes   *columnSheets[report.FixLine]
	domains *columnSheets[report.DomainTotal]
	legend  *columnSheets[legendLine]
}

// issuerFixes are a CA's part of the fix list.
type issuerFixes struct {
	*report.IssuerOverview
	places []place // of the first largestNames
}

func newFinisher(b *workbook, o *report.Overview) *finisher {
	c := &finisher{
		workbook: b, over: o, firsts: make(map[domain.Name]place),
		fixes:   newColumnSheets(b, fixSheet, &b.lined, fixColumns()),
		domains: newColumnSheets(b, domainsSheet, &b.styles, domainColumns(b.table.Labels)),
		legend:  newColumnSheets(b, legendSheet, &b.lined, legendColumns()),
	}
	c.fixes.shown = allLines // they are to be copied
	if changes := o.Tally.Changes; changes != nil {
		c.changes = newColumnSheets(b, changesSheet, &b.lined, changeColumns(changes.Labels))
	}
	if len(b.perspectives) > 0 {
		c.places = newColumnSheets(b, placesSheet, &b.lined, placeColumns(o.Labels, b.perspectives))
	}
	c.groups = newGroupSheets(b, o)
	issuers := o.Issuers()
	for i := range issuers {
		c.fixed = append(c.fixed, issuerFixes{IssuerOverview: &issuers[i]})
	}
	return c
}

// write makes the sheets. Each is ended before the next begins.
func (c *finisher) write() error {
	steps := []func() error{
		func() error { return c.complete(c.results) },
		func() error { return c.complete(c.failed.series) },
		c.writeDomains,
		func() error { return c.complete(c.domains.series) },
		c.writeFixes,
		func() error { return c.complete(c.fixes.series) },
		c.writeChanges,
		c.writePlaces,
		c.writeGroups,
		c.writeLegend,
		func() error { return c.complete(c.legend.series) },
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

// complete ends a series.
func (c *finisher) complete(s *series) error {
	for _, text := range c.texts() {
		if text.name != s.name {
			continue
		}
		if text.left != "" && c.results.lines() < c.over.Total().Rows {
			text.empty = text.left
		}
		return s.complete(text.empty, c.lined.note)
	}
	panic("report: no text for " + s.name)
}

// writeDomains notes where the first domain of each fix is.
func (c *finisher) writeDomains() error {
	for _, issuer := range c.fixed {
		for fix := range issuer.Fixes.All() {
			c.firsts[fix.Domains[0]] = place{}
		}
	}
	for d := range c.over.Tally.Domains() {
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

// stopped returns the labels of the CAs that each deciding name stops.
func (c *finisher) stopped() map[string][]string {
	labels := make(map[string][]string)
	for _, issuer := range c.fixed {
		for i := range issuer.Fixes.Len() {
			name := issuer.Fixes.Name(i)
			labels[name] = append(labels[name], issuer.Label)
		}
	}
	return labels
}

func (c *finisher) writeFixes() error {
	linked, stopped := c.fixes.linked(), c.stopped()
	for i := range c.fixed {
		issuer := &c.fixed[i]
		for fix := range issuer.Fixes.All() {
			others := slices.DeleteFunc(slices.Clone(stopped[fix.Name()]), func(label string) bool { return label == issuer.Label })
			at, err := c.fixes.add(report.FixLine{FixTotal: fix, Issuer: issuer.Label, Others: others})
			if err != nil {
				return err
			}
			if len(issuer.places) < report.LargestNames {
				issuer.places = append(issuer.places, at)
			}
			c.fixes.link(linked, c.firsts[fix.Domains[0]])
		}
	}
	return nil
}

func (c *finisher) writeLegend() error {
	lines := slices.Concat(sheetWords(c.texts()), words(), c.fixes.legend(), resultsLegend(c.table), c.failed.legend(), c.domains.legend())
	if c.changes != nil {
		lines = slices.Concat(lines, changeWords(), c.changes.legend())
	}
	if c.places != nil {
		lines = slices.Concat(lines, placeWords(), c.places.legend())
	}
	for _, l := range slices.Concat(lines, c.groupLegend()) {
		if _, err := c.legend.add(l); err != nil {
			return err
		}
	}
	return nil
}

// series are the sheets after the summary, in their order.
func (c *finisher) series() []*series {
	all := append(c.groupSeries(), c.fixes.series, c.results, c.failed.series, c.domains.series, c.legend.series)
	if c.changes != nil {
		all = slices.Insert(all, 0, c.changes.series)
	}
	if c.places != nil {
		all = slices.Insert(all, 0, c.places.series)
	}
	return all
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

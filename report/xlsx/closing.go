package xlsx

import (
	"fmt"
	"slices"
	"sort"

	"github.com/xuri/excelize/v2"

	"caascan/report"
	"caascan/scan/domain"
)

// closing is the end of a workbook: what is made from the Tally.
type closing struct {
	*workbook
	over    *report.Overview
	fixed   []issuerFixes
	firsts  map[domain.Name]place               // of the domains of the fixes
	changes *derivedSheets[report.DomainChange] // nil where nothing was compared
	fixes   *derivedSheets[report.FixLine]
	domains *derivedSheets[report.DomainTotal]
	legend  *derivedSheets[legendLine]
}

// issuerFixes are a CA's part of the fix list.
type issuerFixes struct {
	*report.IssuerOverview
	places []place // of the first largestNames
}

func newClosing(b *workbook, o *report.Overview) *closing {
	c := &closing{
		workbook: b, over: o, firsts: make(map[domain.Name]place),
		fixes:   newDerivedSheets(b, fixSheet, &b.lined, fixColumns()),
		domains: newDerivedSheets(b, domainsSheet, &b.styles, domainColumns(b.table.Labels)),
		legend:  newDerivedSheets(b, legendSheet, &b.lined, legendColumns()),
	}
	c.fixes.shown = allLines // they are to be copied
	if changes := o.Tally.Changes; changes != nil {
		c.changes = newDerivedSheets(b, changesSheet, &b.lined, changeColumns(changes.Labels))
	}
	issuers := o.Issuers()
	for i := range issuers {
		c.fixed = append(c.fixed, issuerFixes{IssuerOverview: &issuers[i]})
	}
	return c
}

// write makes the sheets. Each is ended before the next begins.
func (c *closing) write() error {
	steps := []func() error{
		func() error { return c.complete(c.results) },
		func() error { return c.complete(c.failed.series) },
		c.writeDomains,
		func() error { return c.complete(c.domains.series) },
		c.writeFixes,
		func() error { return c.complete(c.fixes.series) },
		c.writeChanges,
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
func (c *closing) complete(s *series) error {
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

// writeDomains notes where the first domain of each fix stands.
func (c *closing) writeDomains() error {
	for _, issuer := range c.fixed {
		for _, fix := range issuer.Fixes {
			c.firsts[fix.Domains[0]] = place{}
		}
	}
	for _, d := range c.over.Tally.Domains() {
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
func (c *closing) stopped() map[string][]string {
	labels := make(map[string][]string)
	for _, issuer := range c.fixed {
		for _, fix := range issuer.Fixes {
			labels[fix.Name()] = append(labels[fix.Name()], issuer.Label)
		}
	}
	return labels
}

func (c *closing) writeFixes() error {
	linked, stopped := c.fixes.linked(), c.stopped()
	for i := range c.fixed {
		issuer := &c.fixed[i]
		for _, fix := range issuer.Fixes {
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

func (c *closing) writeLegend() error {
	lines := slices.Concat(sheetWords(c.texts()), words(), c.fixes.legend(), resultsLegend(c.table), c.failed.legend(), c.domains.legend())
	if c.changes != nil {
		lines = slices.Concat(lines, changeWords(), c.changes.legend())
	}
	for _, l := range lines {
		if _, err := c.legend.add(l); err != nil {
			return err
		}
	}
	return nil
}

// series are the sheets behind the summary, in their order.
func (c *closing) series() []*series {
	all := []*series{c.fixes.series, c.results, c.failed.series, c.domains.series, c.legend.series}
	if c.changes != nil {
		all = slices.Insert(all, 0, c.changes.series)
	}
	return all
}

// texts are those of the series.
func (c *closing) texts() []sheetText {
	if c.changes != nil {
		return slices.Insert(sheetTexts(), 0, changesText())
	}
	return sheetTexts()
}

// enter makes the sheets those of the workbook.
func (c *closing) enter() error {
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

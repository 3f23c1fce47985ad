package report

import (
	"cmp"
	"slices"
	"sort"

	"caascan/scan/domain"
)

// closing is the end of a workbook: what is made from the Tally.
type closing struct {
	*workbook
	run     Run
	tally   *Tally
	fixed   []issuerFixes
	fixes   *derivedSheets[fixLine]
	domains *derivedSheets[DomainTotal]
	legend  *derivedSheets[legendLine]
}

// issuerFixes are a CA's part of the fix list.
type issuerFixes struct {
	label  string
	totals []FixTotal
	places []place // of the first largestNames
}

func newClosing(b *workbook, run Run, tally *Tally) *closing {
	c := &closing{
		workbook: b, run: run, tally: tally,
		fixes:   newDerivedSheets(b, fixSheet, fixColumns()),
		domains: newDerivedSheets(b, domainsSheet, domainColumns(b.table.labels)),
		legend:  newDerivedSheets(b, legendSheet, legendColumns()),
	}
	c.fixes.lines = allLines // they are to be copied
	for i, label := range b.table.labels {
		c.fixed = append(c.fixed, issuerFixes{label: label, totals: tally.Fixes(i)})
	}
	return c
}

// write makes the sheets and ends all.
func (c *closing) write() error {
	firsts, err := c.writeDomains()
	if err != nil {
		return err
	}
	if err := cmp.Or(c.writeFixes(firsts), c.writeLegend(), c.complete()); err != nil {
		return err
	}
	if err := c.writeSummary(); err != nil {
		return err
	}
	return c.end()
}

// writeDomains returns where the first domain of each fix stands.
func (c *closing) writeDomains() (map[domain.Name]place, error) {
	firsts := make(map[domain.Name]place)
	for _, issuer := range c.fixed {
		for _, fix := range issuer.totals {
			firsts[fix.Domains[0]] = place{}
		}
	}
	for _, d := range c.tally.Domains() {
		at, err := c.domains.add(d)
		if err != nil {
			return nil, err
		}
		if _, ok := firsts[d.Domain]; ok {
			firsts[d.Domain] = at
		}
	}
	return firsts, nil
}

func (c *closing) writeFixes(firsts map[domain.Name]place) error {
	linked := c.fixes.linked()
	for i := range c.fixed {
		issuer := &c.fixed[i]
		for _, fix := range issuer.totals {
			at, err := c.fixes.add(fixLine{fix, issuer.label})
			if err != nil {
				return err
			}
			if len(issuer.places) < largestNames {
				issuer.places = append(issuer.places, at)
			}
			if err := c.fixes.link(linked, firsts[fix.Domains[0]]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *closing) writeLegend() error {
	for _, l := range slices.Concat(words(), c.fixes.legend(), c.table.legend(), c.failed.legend(), c.domains.legend()) {
		if _, err := c.legend.add(l); err != nil {
			return err
		}
	}
	return nil
}

// series are the sheets behind the summary, in their order.
func (c *closing) series() []*series {
	return []*series{c.fixes.series, c.results, c.failed.series, c.domains.series, c.legend.series}
}

// complete leaves no sheet empty.
func (c *closing) complete() error {
	for i, text := range sheetTexts() {
		if err := c.series()[i].complete(text.empty, c.styles.note); err != nil {
			return err
		}
	}
	return nil
}

// end puts all sheets in their order and ends them.
func (c *closing) end() error {
	all := c.series()
	for i, s := range all[:len(all)-1] { // the legend is never full
		if err := s.order(all[i+1].name); err != nil {
			return err
		}
	}
	for _, s := range all {
		if err := s.finish(); err != nil {
			return err
		}
	}
	c.sortContentTypes()
	return nil
}

// sortContentTypes puts what excelize has from a map into an order, so that the same
// run gives the same bytes.
func (c *closing) sortContentTypes() {
	defaults := c.file.ContentTypes.Defaults
	sort.Slice(defaults, func(i, j int) bool { return defaults[i].Extension < defaults[j].Extension })
}

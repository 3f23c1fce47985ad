package xlsx

import (
	"maps"
	"slices"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/snapshot"
)

// legendLine says what a word means.
type legendLine struct {
	name, kind, meaning string
	advice              string
}

func legendColumns() []sheetColumn[legendLine] {
	return []sheetColumn[legendLine]{
		{name: "Word", width: 26, colored: true, meaning: "A word that this workbook uses.", text: func(l legendLine) string { return l.name }},
		{name: "What it is", width: 22, meaning: "What kind of word it is.", text: func(l legendLine) string { return l.kind }},
		{name: "What it means", width: 120, meaning: "The word as a sentence.", text: func(l legendLine) string { return l.meaning }},
		{name: "What to do", width: 70, meaning: "What to do about it. Empty if there is nothing to do.", text: func(l legendLine) string { return l.advice }},
	}
}

// legendLines explain what is in this workbook, and nothing else.
func (c *finisher) legendLines() []legendLine {
	found := c.found()
	lines := slices.Concat(
		c.sheetWords(),
		wordLines("status", scan.Statuses(), found),
		reasonLines(found),
		wordLines("state of DNSSEC", snapshot.DNSSECStates(), found),
		wordLines("on failure", scan.OnFailures(), found),
		wordLines("warning", scan.Warnings(), found),
		wordLines("note of "+fixSheet, scan.FixNotes(), found),
		wordLines("change", scan.Changes(), found),
	)
	if slices.ContainsFunc(c.fixed, func(f issuerFixes) bool { return f.series.isThere() }) {
		lines = append(lines, legendOf(fixSheet, c.fixColumns())...)
	}
	lines = slices.Concat(lines, resultsLegend(c.table), c.failed.legend(), c.domains.legend())
	if c.changes != nil {
		lines = append(lines, c.changes.legend()...)
	}
	if c.places != nil {
		lines = slices.Concat(lines, placeWords(), c.places.legend())
	}
	return append(lines, c.groupLegend()...)
}

// sheetWords are those of the sheets that are there.
func (c *finisher) sheetWords() []legendLine {
	there := map[string]bool{legendSheet: true}
	for _, s := range c.series() {
		there[s.name] = there[s.name] || s.isThere()
	}
	for _, f := range c.fixed {
		there[fixSheet] = there[fixSheet] || f.series.isThere()
	}
	var lines []legendLine
	for _, text := range c.texts() {
		if there[text.name] {
			lines = append(lines, legendLine{name: text.name, kind: "sheet", meaning: text.holds})
		}
	}
	return lines
}

// foundWords are the words that are somewhere in the workbook.
type foundWords map[string]bool

// found goes over what all rows come to, be they written or left out.
func (c *finisher) found() foundWords {
	found := make(foundWords)
	for i := range c.fixed {
		issuer := &c.fixed[i]
		for _, status := range issuer.Statuses {
			found[string(status.Status)] = true // each stands in the summary, with 0 too
		}
		for _, reason := range issuer.Reasons {
			found[string(reason.Reason)] = true
		}
		for _, note := range issuer.notes {
			found[string(note)] = true
		}
	}
	for _, warning := range c.over.Warnings() {
		found[string(warning.Warning)] = true
	}
	maps.Copy(found, c.states)
	if c.changes != nil {
		for _, change := range scan.Changes() {
			found[string(change)] = true // as for the statuses
		}
	}
	if c.changes != nil || c.places != nil {
		found.addOthers()
	}
	return found
}

// addOthers adds what an earlier report or another place may say of a domain.
func (f foundWords) addOthers() {
	for _, reason := range scan.Reasons() {
		f[string(reason)] = true
	}
	for _, value := range scan.OnFailures() {
		f[string(value)] = true
	}
}

// wordLines explain the words of a closed set that were found.
func wordLines[W interface {
	~string
	Meaning() string
}](kind string, all []W, found foundWords) []legendLine {
	var lines []legendLine
	for _, word := range all {
		if found[string(word)] {
			lines = append(lines, legendLine{name: string(word), kind: kind, meaning: word.Meaning()})
		}
	}
	return lines
}

func reasonLines(found foundWords) []legendLine {
	var lines []legendLine
	for _, reason := range scan.Reasons() {
		if found[string(reason)] {
			lines = append(lines, legendLine{string(reason), "reason for " + string(reason.Status()), reason.Meaning(), reason.Advice()})
		}
	}
	return lines
}

// resultsLegend says what our columns of the results mean; the input's are the reader's own.
func resultsLegend(t *report.Table) []legendLine {
	var lines []legendLine
	for _, f := range t.Columns {
		if f.InputPlace() == 0 {
			lines = append(lines, legendLine{name: f.Name, kind: "column of " + resultsSheet, meaning: f.Meaning})
		}
	}
	return lines
}

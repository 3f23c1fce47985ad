package xlsx

import (
	"caascan/report"
	"caascan/scan"
)

// changesSheet is there only if rows were compared with an earlier report.
const changesSheet = "Changes"

// changesText says what the sheet holds.
func changesText() sheetText {
	return sheetText{
		name:  changesSheet,
		holds: "What is different from the earlier report, a line for each domain: its policy first, then lookup trouble, then rows that are new or gone.",
	}
}

// changeColumns are those of the sheet Changes.
func changeColumns(labels []string) []sheetColumn[report.DomainChange] {
	return []sheetColumn[report.DomainChange]{
		{
			name: "Domain", width: 28,
			meaning: "The domain as the DNS knows it. Empty for the rows without one.",
			text:    func(d report.DomainChange) string { return d.Domain },
		},
		{
			name: "Change", width: 18, colored: true,
			meaning: "How it is different from the earlier report, as a code.",
			text:    func(d report.DomainChange) string { return string(d.Change) },
		},
		{
			name: "Rows", width: countWidth,
			meaning: "How many of its rows have the change. Empty if both reports have the domain, but no row of it is in both: another line says how many are new.",
			number:  func(d report.DomainChange) int { return d.Rows },
		},
		{
			name: "Was", width: 32,
			meaning: "Status and reason in the earlier report. Empty if the domain was not in it.",
			text:    func(d report.DomainChange) string { return d.Was.Text(labels, "\n") },
		},
		{
			name: "Is", width: 32,
			meaning: "Status and reason now. Empty if the domain is no longer there.",
			text:    func(d report.DomainChange) string { return d.Is.Text(labels, "\n") },
		},
		{
			name: "Records before", width: 44,
			meaning: "The CAA records in the earlier report, one in each line, if the policy changed: first those that are no longer there.",
			text:    func(d report.DomainChange) string { return d.Was.RecordsText() },
		},
		{
			name: "Records now", width: 44,
			meaning: "The CAA records now, one in each line, if the policy changed: first those that were not there before.",
			text:    func(d report.DomainChange) string { return d.Is.RecordsText() },
		},
	}
}

func (c *finisher) writeChanges() error {
	if c.changes == nil {
		return nil
	}
	for _, d := range c.over.Tally.Changes.Domains {
		if _, err := c.changes.add(d); err != nil {
			return err
		}
	}
	return c.changes.finish()
}

// changed says in the summary how much is different, and leads to the sheet.
func (p *summary) changed(tally *report.Tally, changes *series) {
	if tally.Changes == nil {
		return
	}
	to := place{}
	if changes.isThere() {
		to = place{changesSheet, 1}
	}
	heading := report.ChangesHeading(tally.Changes)
	points := headingPoints(heading)
	for _, kind := range scan.ChangeKinds() {
		points += tablePoints(changeEntries(tally.Changes, kind, to))
	}
	p.keep(points)
	p.heading(heading)
	for i, kind := range scan.ChangeKinds() {
		if i > 0 {
			p.endRow(0)
		}
		p.table(kind.Heading(), "What it means", changeEntries(tally.Changes, kind, to), tally.Total())
	}
}

// changeEntries are the lines of a table of changes of one kind.
func changeEntries(c *report.Changes, kind scan.ChangeKind, to place) []entry {
	var entries []entry
	for _, change := range kind.Changes() {
		entries = append(entries, entry{
			word: string(change), to: to, count: c.Count(change), look: look{line: true}, meaning: change.Meaning(),
		})
	}
	return entries
}

package xlsx

import (
	"strings"
	"unicode/utf8"

	"caascan/report"
	"caascan/scan"
)

// measure finds out how wide the columns of Results have to be, from the rows that are
// written before the sheet has to say it, and what stays in view of them.
type measure struct {
	layout  report.Layout
	present []float64 // the widths so far
	most    []float64
	scanned int // the place of the column with the mailboxes, or -1
	shown   int // of the status that is to be seen without scrolling, or -1
	last    int // of the last column that is to be seen with it
}

// The widths at most, in characters: of the column with the mailboxes and of the domains,
// which are to be seen whole, of the input's other columns, and of our longest texts.
const (
	mostAddress = 60
	mostInput   = 32
	mostText    = 44
	leastWidth  = 6
	statusWidth = 15 // of any status
)

// widths begins with what the headers take. What is returned changes with each row.
func (m *measure) widths(t *report.Table) []float64 {
	m.scanned, m.shown, m.last = -1, -1, -1
	header := t.Header()
	m.present, m.most = make([]float64, len(header)), make([]float64, len(header))
	for i, name := range header {
		m.most[i] = mostInput
		place := i + 1
		if i >= len(t.Inputs) {
			column := &t.Columns[i-len(t.Inputs)]
			if place = column.InputPlace(); place == 0 {
				m.own(i, column)
			}
		}
		if place > 0 && place == m.layout.Scanned {
			m.scanned, m.most[i] = i, mostAddress
		}
		m.present[i] = min(max(leastWidth, longestLine(name)+filterWidth), m.most[i])
		if strings.HasPrefix(name, "caa_status") {
			m.present[i] = max(m.present[i], statusWidth)
		}
	}
	return m.present
}

// own is a column of ours. Of several CAs each has its columns, and they come last.
func (m *measure) own(i int, column *report.TableColumn) {
	m.most[i] = min(column.Width, mostText)
	name, _, perIssuer := strings.Cut(column.Name, ":")
	if several := len(m.layout.Issuers) > 1; perIssuer == several {
		switch name {
		case "caa_status":
			if m.shown < 0 {
				m.shown = i
			}
			m.last = i
		case "caa_detail", "caa_fix":
			if several {
				m.most[i] = mostText / 2 // so that the next CA's status is in view
			}
		}
	}
	if name == "caa_domain" || name == "caa_domain_unicode" {
		m.most[i] = mostAddress
	}
}

// row takes a row into account.
func (m *measure) row(t *report.Table, r scan.Result) {
	for i, text := range t.Leading(r) {
		m.text(i, text)
	}
	for i := range t.Columns {
		if place := len(t.Inputs) + i; m.present[place] < m.most[place] {
			m.text(place, t.Columns[i].Text(r))
		}
	}
}

func (m *measure) text(place int, text string) {
	const room = 2 // beside the text
	if needed := longestLine(text) + room; needed > m.present[place] {
		m.present[place] = min(needed, m.most[place])
	}
}

// longestLine is how wide a text is that may have several lines.
func longestLine(text string) float64 {
	longest := 0
	for line := range strings.SplitSeq(text, "\n") {
		longest = max(longest, utf8.RuneCountInString(line))
	}
	return float64(longest)
}

// What a screen shows, in characters, and how much of that may stay in view.
const (
	screenWidth = 150
	mostFrozen  = 110
)

// choose keeps the column with the mailboxes in view, if there is room for all columns up to
// it, and opens the sheet at the status if that would not be seen otherwise. Columns that were
// chosen stay as they were chosen.
func (m *measure) choose(f *frame, widths []float64) {
	if m.scanned >= 0 && sum(widths[:m.scanned+1]) <= mostFrozen {
		f.frozen = m.scanned + 1
	}
	if m.shown >= f.frozen && len(m.layout.Columns) == 0 && sum(widths[:m.last+1]) > screenWidth {
		f.first = m.shown
	}
}

func sum(widths []float64) float64 {
	total := 0.0
	for _, width := range widths {
		total += width
	}
	return total
}

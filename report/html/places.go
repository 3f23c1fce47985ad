package html

import (
	"strings"

	"caascan/report"
	"caascan/scan"
)

// corroboratedView is how much of a CA has a value of caa_corroborated.
type corroboratedView struct {
	Label string // of the CA
	scan.Corroborated
	report.Count
}

// addPlaces adds what other places come to, if there are some.
func (v *pageView) addPlaces(perspectives []string) {
	if len(perspectives) == 0 {
		return
	}
	v.Perspectives, v.Differing = perspectives, v.Tally.Differing()
	for i, label := range v.Labels {
		for _, c := range scan.Corroborations() {
			v.Corroborated = append(v.Corroborated, corroboratedView{label, c, v.Tally.Corroborated(i, c)})
		}
	}
	for line := range v.Tally.Places {
		if len(v.Places) == v.Most.places {
			break
		}
		v.Places = append(v.Places, line)
	}
}

// Others names the other places.
func (v *pageView) Others() string { return report.Joined(v.Perspectives) }

// Corroborations are the values that a domain of the page has for a CA.
func (v *pageView) Corroborations() []scan.Corroborated {
	has := make(map[scan.Corroborated]bool)
	for _, d := range v.Domains {
		if d.Places == nil {
			continue
		}
		for _, c := range d.Places.Corroborations {
			has[c.Corroborated] = true
		}
	}
	var all []scan.Corroborated
	for _, c := range scan.Corroborations() {
		if has[c] {
			all = append(all, c)
		}
	}
	return all
}

// CorroboratedOf is what is said of a domain in its line of the table.
func (v *pageView) CorroboratedOf(d report.DomainTotal) string {
	return strings.Join(report.CorroboratedWords(d.Places, v.Labels), ", ")
}

// pagePlaced is in the data what other places say of domains: the values for all CAs, and for
// each what is said of it.
type pagePlaced struct {
	Values []scan.Corroborated `json:"values"`
	Text   string              `json:"text"`  // the values
	Facts  []string            `json:"facts"` // with the places that corroborate
}

// elsewhere is what other places say, each content once, and for each domain which it is.
func (d *pageData) elsewhere() {
	writeDistinct(d, "placed", "corroborated", func(t report.DomainTotal) *scan.Placed { return t.Places },
		func(p *scan.Placed) any { return d.placed(p) })
}

func (d *pageData) placed(p *scan.Placed) pagePlaced {
	words := report.CorroboratedWords(p, d.view.Labels)
	view := pagePlaced{Values: []scan.Corroborated{}, Text: plain(strings.Join(words, ", ")), Facts: []string{}}
	for i, word := range words {
		c := p.Corroborations[i]
		if c.By != "" {
			word += ", by " + c.By
		}
		view.Values, view.Facts = append(view.Values, c.Corroborated), append(view.Facts, plain(word))
	}
	return view
}

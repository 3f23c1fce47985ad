package xlsx

import (
	"caascan/report"
	"caascan/scan"
)

// placesSheet is there only where other places are compared.
const placesSheet = "Perspectives"

// placesText says what the sheet holds.
func placesText() sheetText {
	return sheetText{
		name:  placesSheet,
		holds: "The domains whose answers differ from place to place, and those for which too few of the places have seen what was seen here.",
	}
}

// placeColumns are those of the sheet Perspectives.
func placeColumns(labels, perspectives []string) []sheetColumn[report.PlaceLine] {
	all := []sheetColumn[report.PlaceLine]{
		{
			name: "Domain", width: 28,
			meaning: "The domain as the DNS knows it.",
			text:    func(l report.PlaceLine) string { return l.Domain.String() },
		},
		{
			name: "Rows", width: countWidth,
			meaning: "How many rows have it.",
			number:  func(l report.PlaceLine) int { return l.Rows },
		},
		{
			name: "Corroborated", width: 18, colored: true,
			meaning: "Whether enough of the places have seen that the CA is permitted.",
			text:    func(l report.PlaceLine) string { return l.Corroborated(labels) },
		},
		{
			name: "Seen here", width: 38,
			meaning: "Status and reason, what a CA may do after a failure, and the CAA records, one in each line, as the other sheets have them.",
			text:    func(l report.PlaceLine) string { return l.SeenHere(labels) },
		},
	}
	for i, name := range perspectives {
		all = append(all, sheetColumn[report.PlaceLine]{
			name: "Seen from " + name, width: 38,
			meaning: "What was seen from the perspective " + name + ", likewise; \"the same\" where it does not differ from what was seen here.",
			text:    func(l report.PlaceLine) string { return l.SeenAt(i, labels) },
		})
	}
	return all
}

func (c *finisher) writePlaces() error {
	if c.places == nil {
		return nil
	}
	for l := range c.over.Tally.Places {
		if _, err := c.places.add(l); err != nil {
			return err
		}
	}
	return c.places.finish()
}

// placeWords are lines of the legend.
func placeWords() []legendLine {
	var lines []legendLine
	for _, c := range scan.Corroborations() {
		lines = append(lines, legendLine{name: string(c), kind: "corroborated", meaning: c.Meaning()})
	}
	return lines
}

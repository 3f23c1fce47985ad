package report

import (
	"caascan/scan"
)

// legendLine says what a word means.
type legendLine struct {
	name, kind, meaning string
	advice              string
}

func legendColumns() []derived[legendLine] {
	return []derived[legendLine]{
		{name: "Word", width: 30, colored: true, meaning: "A word that stands in this workbook.", text: func(l legendLine) string { return l.name }},
		{name: "What it is", width: 24, meaning: "What kind of word it is.", text: func(l legendLine) string { return l.kind }},
		{name: "What it means", width: 92, meaning: "The word as a sentence.", text: func(l legendLine) string { return l.meaning }},
		{name: "What to do", width: 68, meaning: "What to do about it. Empty where there is nothing to be done.", text: func(l legendLine) string { return l.advice }},
	}
}

// words are the lines of the legend that every workbook has.
func words() []legendLine {
	var lines []legendLine
	for _, text := range sheetTexts() {
		lines = append(lines, legendLine{name: text.name, kind: "sheet", meaning: text.holds})
	}
	for _, status := range scan.Statuses() {
		lines = append(lines, legendLine{name: string(status), kind: "status", meaning: statusMeaning(status)})
	}
	for _, reason := range scan.Reasons() {
		lines = append(lines, legendLine{string(reason), "reason for " + string(reason.Status()), reason.Meaning(), reason.Advice()})
	}
	for _, warning := range scan.Warnings() {
		lines = append(lines, legendLine{name: string(warning), kind: "warning", meaning: warning.Meaning()})
	}
	return lines
}

// legend says what the columns of the results mean.
func (t *table) legend() []legendLine {
	lines := make([]legendLine, len(t.fields))
	for i, f := range t.fields {
		lines[i] = legendLine{name: f.Name, kind: "column of " + resultsSheet, meaning: f.Meaning}
	}
	return lines
}

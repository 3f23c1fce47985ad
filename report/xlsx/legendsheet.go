package xlsx

import (
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
		{name: "Word", width: 30, colored: true, meaning: "A word that this workbook uses.", text: func(l legendLine) string { return l.name }},
		{name: "What it is", width: 24, meaning: "What kind of word it is.", text: func(l legendLine) string { return l.kind }},
		{name: "What it means", width: 92, meaning: "The word as a sentence.", text: func(l legendLine) string { return l.meaning }},
		{name: "What to do", width: 68, meaning: "What to do about it. Empty if there is nothing to do.", text: func(l legendLine) string { return l.advice }},
	}
}

func sheetWords(texts []sheetText) []legendLine {
	var lines []legendLine
	for _, text := range texts {
		lines = append(lines, legendLine{name: text.name, kind: "sheet", meaning: text.holds})
	}
	return lines
}

// words are the lines of the legend that every workbook has.
func words() []legendLine {
	var lines []legendLine
	for _, status := range scan.Statuses() {
		lines = append(lines, legendLine{name: string(status), kind: "status", meaning: status.Meaning()})
	}
	for _, reason := range scan.Reasons() {
		lines = append(lines, legendLine{string(reason), "reason for " + string(reason.Status()), reason.Meaning(), reason.Advice()})
	}
	for _, state := range snapshot.DNSSECStates() {
		lines = append(lines, legendLine{name: string(state), kind: "state of DNSSEC", meaning: state.Meaning()})
	}
	for _, value := range scan.OnFailures() {
		lines = append(lines, legendLine{name: string(value), kind: "on failure", meaning: value.Meaning()})
	}
	for _, warning := range scan.Warnings() {
		lines = append(lines, legendLine{name: string(warning), kind: "warning", meaning: warning.Meaning()})
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

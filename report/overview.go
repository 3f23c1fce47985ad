package report

import (
	"cmp"
	"slices"
	"strings"

	"caascan/scan/caa"
)

const summaryTitle = "CAA check for S/MIME certificates"

// issuerText names a CA by its label and its issuer domain names.
func issuerText(label string, i int, issuers []caa.Issuer) string {
	if i >= len(issuers) {
		return label
	}
	var names []string
	for _, name := range issuers[i].Domains {
		names = append(names, name.String())
	}
	list := strings.Join(names, ", ")
	if names[0] == label {
		return list
	}
	return label + " (" + list + ")"
}

// question is what a report answers.
func question(labels []string, run Run) string {
	return "May " + strings.Join(labels, " or ") + " issue for the mailboxes in " + cmp.Or(run.InputName, "the input") + "?"
}

// leadingFacts are the names of the facts that stand at the top.
func leadingFacts() []string {
	return []string{"Input", "SHA-256 of the input", "Started", "Finished", "Resolver", "Zone file"}
}

// furtherFacts are the names of all others.
func furtherFacts(run Run) []string {
	var names []string
	for _, f := range run.facts() {
		if !slices.Contains(leadingFacts(), f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

package main

import (
	"cmp"
	"slices"
	"strings"

	"caascan/report"
	"caascan/scan/caa"
)

// fixesOutput is a zone file of what to publish so that some CAs may issue.
type fixesOutput struct {
	*output
	issuers []int // their places
}

// planFixes reads --emit-fixes and finds what is wrong with it before anything is
// done.
func planFixes(texts []string, issuers []caa.Issuer, inputs []string, outputs []*output) ([]fixesOutput, error) {
	var fixes []fixesOutput
	taken := slices.Clone(outputs)
	for _, text := range texts {
		f, err := parseFixes(text, issuers)
		if err != nil {
			return nil, err
		}
		if err := cmp.Or(checkPlace(f.name, inputs, taken), checkReplaced(f.name)); err != nil {
			return nil, err
		}
		fixes, taken = append(fixes, f), append(taken, f.output)
	}
	return fixes, nil
}

// checkReplaced finds out whether an existing file would be lost that is no plan but,
// say, a part of a zone that another file includes.
func checkReplaced(name string) error {
	start, err := readStart(name, int64(len(report.FixesStart)))
	if err != nil || len(start) == 0 || string(start) == report.FixesStart {
		return nil // what cannot be read will be found out to be no place for a file
	}
	return usagef("--emit-fixes %s: the file exists and was not written by --emit-fixes: give another name", name)
}

// parseFixes reads FILE or LABEL=FILE. A label has no "=" in it, so the first one ends
// it. What is no label is a file only if it has a slash, or a label that is misspelt
// would be one.
func parseFixes(text string, issuers []caa.Issuer) (fixesOutput, error) {
	label, file, labelled := strings.Cut(text, "=")
	f := fixesOutput{output: &output{name: text}}
	place := slices.IndexFunc(issuers, func(issuer caa.Issuer) bool { return issuer.Label == strings.TrimSpace(label) })
	switch {
	case labelled && place >= 0:
		f.name, f.issuers = file, []int{place}
	case labelled && !strings.ContainsAny(label, `/\`):
		return f, usagef("--emit-fixes %q: no CA has the label %q; write a file name with \"=\" in it as ./%s", text, label, text)
	default:
		for place := range issuers {
			f.issuers = append(f.issuers, place)
		}
	}
	if f.name == "" || f.name == "-" {
		return f, usagef("--emit-fixes %q: it needs a file, such as fixes.zone", text)
	}
	return f, nil
}

// files are all outputs.
func (j *job) files() []*output {
	all := slices.Clone(j.outputs)
	for _, f := range j.fixes {
		all = append(all, f.output)
	}
	if j.groups != nil {
		all = append(all, j.groups)
	}
	return all
}

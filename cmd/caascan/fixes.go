package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"caascan/report"
	"caascan/scan/caa"
)

// fixesOutput is a file of what to publish so that some CAs may issue.
type fixesOutput struct {
	*output
	form    report.FixFormat
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
	start, err := readStart(name, int64(report.FixesStart()))
	if err != nil || len(start) == 0 || report.IsFixes(start) {
		return nil // what cannot be read will be found out to be no place for a file
	}
	return usagef("--emit-fixes %s: the file exists and was not written by --emit-fixes: give another name", name)
}

// parseFixes reads FILE, LABEL=FILE, FORMAT:FILE or FORMAT:LABEL=FILE.
func parseFixes(text string, issuers []caa.Issuer) (fixesOutput, error) {
	f := fixesOutput{output: &output{name: text}}
	form, rest, err := cutForm(text, issuers)
	if err != nil {
		return f, err
	}
	if f.issuers, f.name, err = parseLabelled("--emit-fixes", rest, issuers); err != nil {
		return f, err
	}
	if f.name == "" || f.name == "-" {
		return f, usagef("--emit-fixes %q: it needs a file, such as fixes.zone", text)
	}
	f.form = form
	if form == "" {
		f.form = formOf(f.name)
	}
	return f, nil
}

// formOf is the form of a file whose name alone is given.
func formOf(name string) report.FixFormat {
	if strings.EqualFold(filepath.Ext(name), ".csv") {
		return report.CSVFixes
	}
	return report.ZoneFixes
}

// cutForm cuts FORMAT: off, if it is there. A label with a colon in it is none, nor is the
// letter of a drive.
func cutForm(text string, issuers []caa.Issuer) (form report.FixFormat, rest string, err error) {
	word, rest, found := strings.Cut(text, ":")
	if label, _, labelled := strings.Cut(text, "="); labelled && placeOf(label, issuers) >= 0 {
		return "", text, nil
	}
	switch {
	case !found || len(word) < 2 || strings.ContainsAny(word, `=/\.`):
		return "", text, nil
	case !slices.Contains(report.FixFormats(), report.FixFormat(word)):
		return "", "", usagef("--emit-fixes %q: no form is called %q: there are %s; write a file name with \":\" in it as ./%s", text, word, orWords(report.FixFormats()), text)
	}
	return report.FixFormat(word), rest, nil
}

// parseLabelled reads FILE, which is for all CAs, or LABEL=FILE. A label has no "=" in it,
// so the first one ends it. What is no label is a file only if it has a slash, or a label
// that is misspelt would be one.
func parseLabelled(flag, text string, issuers []caa.Issuer) (places []int, file string, err error) {
	label, file, labelled := strings.Cut(text, "=")
	place := placeOf(label, issuers)
	switch {
	case labelled && place >= 0:
		return []int{place}, file, nil
	case labelled && !strings.ContainsAny(label, `/\`):
		return nil, "", usagef("%s %q: no CA has the label %q; write a file name with \"=\" in it as ./%[2]s", flag, text, label)
	}
	for place := range issuers {
		places = append(places, place)
	}
	return places, text, nil
}

// placeOf returns the place of the CA with a label, or -1.
func placeOf(label string, issuers []caa.Issuer) int {
	return slices.IndexFunc(issuers, func(issuer caa.Issuer) bool { return issuer.Label == strings.TrimSpace(label) })
}

// movedTo is the label of the CA that is moved to: the one that --emit-fixes or --emit-letters
// asks for alone, if it is always the same one, else the last.
func (j *job) movedTo() string {
	var asked []string
	note := func(issuers []int) {
		if len(issuers) == 1 && !slices.Contains(asked, j.issuers[issuers[0]].Label) {
			asked = append(asked, j.issuers[issuers[0]].Label)
		}
	}
	for _, f := range j.fixes {
		note(f.issuers)
	}
	for _, l := range j.letters {
		note(l.issuers)
	}
	if len(asked) == 1 {
		return asked[0]
	}
	return j.issuers[len(j.issuers)-1].Label
}

// files are all outputs.
func (j *job) files() []*output {
	all := slices.Clone(j.outputs)
	for _, f := range j.fixes {
		all = append(all, f.output)
	}
	for _, l := range j.letters {
		all = append(all, l.output)
	}
	if j.groups != nil {
		all = append(all, j.groups)
	}
	return all
}

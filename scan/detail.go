package scan

import (
	"fmt"
	"strings"

	"caascan/scan/caa"
)

// fill expands the {placeholders} of a reason's sentence.
func fill(reason Reason, value func(word string) string) Sentence {
	var b strings.Builder
	rest := reason.text().detail
	for {
		before, place, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return Sentence(b.String())
		}
		word, after, _ := strings.Cut(place, "}")
		b.WriteString(value(word))
		rest = after
	}
}

func (o *Outcome) foundWords() string {
	if o.Records.Owner == o.FoundAt.String() {
		return o.Records.Owner
	}
	return o.FoundAt.String() + " (through an alias, at " + o.Records.Owner + ")"
}

// manyListed is how many issuers a sentence names before it only counts them.
const manyListed = 8

// listedWords names the issuers that the set's issuemail properties authorise.
func listedWords(set caa.RRset) string {
	var names []string
	named := make(map[string]bool) // a set has room for thousands
	for _, p := range set.Properties {
		if !p.Is(caa.TagIssuemail) {
			continue
		}
		value, err := caa.ParseValue(p.Value())
		if err != nil || value.Issuer == "" {
			continue
		}
		if name := short(strings.ToLower(value.Issuer)); !named[name] {
			named[name] = true
			names = append(names, name)
		}
	}
	if more := len(names) - manyListed; more > 0 {
		names = append(names[:manyListed], fmt.Sprintf("%d more", more))
	}
	return words(names, "and")
}

// namesOf returns a CA's issuer domain names, after its label if that is
// another word.
func namesOf(issuer caa.Issuer) string {
	names := make([]string, len(issuer.Domains))
	for i, name := range issuer.Domains {
		names[i] = name.String()
	}
	if more := len(names) - manyListed; more > 1 {
		names = append(names[:manyListed], fmt.Sprintf("%d more", more))
	}
	if len(names) == 1 && names[0] == issuer.Label {
		return issuer.Label
	}
	return issuer.Label + " (" + words(names, "or") + ")"
}

// siblingWords says which of the names in a set that denies an issuer its owner recognises
// too; "" if none.
func siblingWords(issuer caa.Issuer, set caa.RRset) Sentence {
	var b strings.Builder
	for _, id := range issuer.Siblings(set) {
		fmt.Fprintf(&b, " But %s also recognises %s, which --issuer %s does not include.", id.Owner, id.Name, issuer.Label)
	}
	return Sentence(b.String())
}

// words joins as people do: a, b and c.
func words(list []string, conjunction string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " " + conjunction + " " + list[last]
}

func problemWords(p caa.Property) string {
	_, err := caa.ParseValue(p.Value())
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(err.Error(), caa.ErrValue.Error()+": ")
}

// longest is how many characters of a record a sentence quotes; the whole record
// stands in its own column.
const longest = 300

func short(text string) string {
	if len(text) <= longest {
		return text
	}
	cut := text[:longest]
	if escape := strings.LastIndexByte(cut, '\\'); escape >= longest-3 {
		cut = cut[:escape] // not a part of it
	}
	return cut + "..."
}

package caa

import (
	"fmt"
	"slices"
	"strings"

	"caascan/scan/domain"
)

// Published returns the issuer domain name that a fix publishes: the first that is not
// deprecated.
func (i Issuer) Published() domain.Name {
	for _, name := range i.Domains {
		if !deprecated(name) {
			return name
		}
	}
	return i.Domains[0]
}

func deprecated(name domain.Name) bool {
	id, known := knownIdentifier(name.String())
	return known && id.Standing == Deprecated
}

// Taken says which identifiers the names of owners stand for, in a sentence or two; "" if
// only issuer domain names were given.
func (i Issuer) Taken() string {
	if len(i.Owners) == 0 {
		return ""
	}
	var current, old []string
	for _, name := range i.Domains {
		if deprecated(name) {
			old = append(old, name.String())
		} else {
			current = append(current, name.String())
		}
	}
	text := fmt.Sprintf("%s means %s, as the CPS states; fixes publish %s.",
		strings.Join(i.Owners, ", "), strings.Join(current, ", "), i.Published())
	if len(old) > 0 {
		text += fmt.Sprintf(" Records that name %s still count, for a transitional period, but fixes never publish them.", strings.Join(old, ", "))
	}
	return text
}

// Doubts says what looks like a slip or a gap among the issuer domain names, a sentence
// each: one that is almost a known identifier, one that is not known beside some that are,
// and a part of a set that its owner recognises whole.
func (i Issuer) Doubts() []string {
	var doubts []string
	var owners []string
	for _, name := range i.Domains {
		if id, known := knownIdentifier(name.String()); known && !slices.Contains(owners, id.Owner) {
			owners = append(owners, id.Owner)
		}
	}
	for _, name := range i.Domains {
		if doubt := doubtful(name.String(), owners); doubt != "" {
			doubts = append(doubts, doubt)
		}
	}
	for _, owner := range owners {
		if missing := i.missing(owner); len(missing) > 0 {
			doubts = append(doubts, fmt.Sprintf("--issuer %s holds only some of the issuer domain names that %s recognises for mail: %s missing, "+
				"so a domain that names only one of those counts as denied. --issuer %q takes them all.",
				i.Label, owner, areWords(missing), owner))
		}
	}
	return doubts
}

// doubtful says what is odd about one name, beside known ones of these owners.
func doubtful(name string, owners []string) string {
	if _, known := knownIdentifier(name); known {
		return ""
	}
	for _, id := range Identifiers() {
		if id.Known && almost(name, id.Name) {
			return fmt.Sprintf("--issuer %s looks like a slip for %s, which %s recognises for mail: no domain that permits that CA would count as permitted.",
				name, id.Name, id.Owner)
		}
	}
	if len(owners) > 0 {
		return fmt.Sprintf("--issuer %s is not known as an issuer domain name for mail, but is given with some of %s that are: see section 4.2 of the CA's CPS.",
			name, strings.Join(owners, " and "))
	}
	return ""
}

// missing returns the identifiers that an owner recognises and that the issuer has not.
func (i Issuer) missing(owner string) []string {
	var missing []string
	for _, id := range Identifiers() {
		if id.Known && id.Owner == owner && !i.Has(id.Name) {
			missing = append(missing, id.Name)
		}
	}
	return missing
}

// areWords names the first of a list, with its verb.
func areWords(names []string) string {
	const most = 4
	switch more := len(names) - most; {
	case len(names) == 1:
		return names[0] + " is"
	case more > 1:
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", more))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last] + " are"
}

// Siblings returns the identifiers that the set's issuemail properties name and that an
// owner of one of the issuer's recognises too, but that are none of the issuer's: each once.
func (i Issuer) Siblings(s RRset) []Identifier {
	var siblings []Identifier
	for _, p := range s.Properties {
		value, err := ParseValue(p.Value())
		if !p.Is(TagIssuemail) || err != nil || i.Has(value.Issuer) {
			continue
		}
		id, known := knownIdentifier(lowerASCII(value.Issuer))
		if known && i.isOf(id.Owner) && !slices.Contains(siblings, id) {
			siblings = append(siblings, id)
		}
	}
	return siblings
}

// isOf reports whether one of the issuer's names is a known one of this owner.
func (i Issuer) isOf(owner string) bool {
	return slices.ContainsFunc(i.Domains, func(name domain.Name) bool {
		id, known := knownIdentifier(name.String())
		return known && id.Owner == owner
	})
}

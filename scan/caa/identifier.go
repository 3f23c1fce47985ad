package caa

import (
	_ "embed" // for the table
	"encoding/csv"
	"fmt"
	"strings"
	"sync"

	"caascan/scan/domain"
)

// Standing says how far it is known that a CA recognises an identifier in issuemail
// properties. The set is closed.
type Standing string

// The standings.
const (
	// Stated: the CA's own text names it for issuemail.
	Stated Standing = "stated"
	// Deprecated: so it does, for a transitional period. Nothing is to be published with it.
	Deprecated Standing = "deprecated"
	// SecondHand: others say so, or it was seen in use.
	SecondHand Standing = "second-hand"
	// Unstated: it is known for issue and issuewild, which proves nothing for mail.
	Unstated Standing = "unstated"
)

// Identifier is an issuer domain name of a CA, and what is known of it. Identifiers tell
// slips and gaps; they never decide.
type Identifier struct {
	Owner    string      `json:"owner"`
	Domain   domain.Name `json:"-"`
	Name     string      `json:"identifier"` // Domain as text
	Standing Standing    `json:"standing"`
	// Known says that it counts as one that the CA recognises for mail: it was stated by the
	// CA or by one who sells its certificates.
	Known     bool   `json:"known"`
	Statement string `json:"statement"`
	Source    string `json:"source"`
	Date      string `json:"date"`
}

// identifierTable has a line for each time that an identifier was read, the best first.
//
//go:embed ca_identifiers.tsv
var identifierTable string

// Identifiers returns those known, of each owner each once, the CA's main one first. They
// are shared, and not to be changed.
var Identifiers = sync.OnceValue(func() []Identifier {
	list, err := parseIdentifiers(identifierTable)
	if err != nil {
		panic("caa: the table of identifiers: " + err.Error())
	}
	return list
})

// The columns of the table.
const (
	ownerColumn = iota
	domainColumn
	scopeColumn
	verificationColumn
	statementColumn
	sourceColumn
	dateColumn
	columns
)

func parseIdentifiers(table string) ([]Identifier, error) {
	reader := csv.NewReader(strings.NewReader(table))
	reader.Comma, reader.FieldsPerRecord = '\t', columns
	lines, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	type key struct{ owner, domain string }
	seen := make(map[key]bool)
	var list []Identifier
	for _, line := range lines[1:] {
		name, err := domain.Parse(line[domainColumn])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line[domainColumn], err)
		}
		id := Identifier{
			Owner: line[ownerColumn], Domain: name, Name: name.String(), Statement: line[statementColumn],
			Source: line[sourceColumn], Date: line[dateColumn],
		}
		id.Standing, id.Known = standing(line[scopeColumn], line[verificationColumn])
		if k := (key{id.Owner, id.Name}); !seen[k] {
			seen[k] = true
			list = append(list, id)
		}
	}
	return list, nil
}

// standing reads the words of the table.
func standing(scope, verification string) (s Standing, known bool) {
	rest, known := strings.CutPrefix(verification, "verified: issuemail stated")
	mail := scope == TagIssuemail || strings.HasSuffix(scope, ", "+TagIssuemail)
	switch {
	case known && rest == "":
		return Stated, true
	case known && strings.HasPrefix(rest, " (deprecated"):
		return Deprecated, true
	case known || mail:
		return SecondHand, known
	}
	return Unstated, false
}

// FindIdentifiers returns those whose owner's name has text in it, in any case, or that
// are the issuer domain name text; "" is in all names.
func FindIdentifiers(text string) []Identifier {
	text = strings.ToLower(strings.TrimSpace(text))
	var found []Identifier
	for _, id := range Identifiers() {
		if id.Name == text || strings.Contains(strings.ToLower(id.Owner), text) {
			found = append(found, id)
		}
	}
	return found
}

// knownIdentifier returns the known identifier of this name, in A-labels and lower case. Of
// several owners it is that of the first.
func knownIdentifier(name string) (Identifier, bool) {
	at, ok := placesOfKnown()[name]
	if !ok {
		return Identifier{}, false
	}
	return Identifiers()[at], true
}

// placesOfKnown are those of the known ones among Identifiers, by name.
var placesOfKnown = sync.OnceValue(func() map[string]int {
	places := make(map[string]int)
	for i, id := range Identifiers() {
		if _, again := places[id.Name]; id.Known && !again {
			places[id.Name] = i
		}
	}
	return places
})

// ownedBy returns the identifiers of whoever goes by this name, in any case, and the name as
// the table spells it.
func ownedBy(name string) (spelt string, owned []Identifier) {
	for _, id := range Identifiers() {
		for _, own := range ownerNames(id.Owner) {
			if strings.EqualFold(own, name) {
				spelt, owned = own, append(owned, id)
			}
		}
	}
	return spelt, owned
}

// ownerNames are the names that an owner goes by: the whole one, each part of "WISeKey /
// OISTE", and the CA of "Sectigo (for Entrust)" whose certificates those are.
func ownerNames(owner string) []string {
	names := []string{owner}
	if parts := strings.Split(owner, " / "); len(parts) > 1 {
		names = append(names, parts...)
	}
	if _, whose, ok := strings.Cut(owner, " (for "); ok {
		names = append(names, strings.TrimSuffix(whose, ")"))
	}
	return names
}

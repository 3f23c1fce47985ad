package input

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// headerWords are what columns of addresses and domains are called, in lower
// case, without what is neither a letter nor a digit.
var headerWords = [...]string{
	"address", "addresses", "domain", "domainname", "domains", "email", "emailaddress", "emails", "fqdn", "host",
	"hostname", "mail", "mailaddress", "mailbox", "mailboxes", "mails", "primarysmtpaddress", "recipient", "smtp",
	"smtpaddress", "upn", "userprincipalname",
	"adresse", "domaene", "domaenen", "domäne", "domänen", "emailadresse", "emailadressen", "mailadresse",
	"mailadressen", "postfach", // German
	"adressemail", "courriel", "domaine", "correo", "dominio", // French, Spanish, Italian
}

// longestHeading is the most characters of a cell that looks like a heading.
const longestHeading = 64

// hasHeader reports whether the first record of the sample names the columns. In
// doubt it does not: a row taken for a header would be lost, a header taken for
// a row is only one row too many.
func hasHeader(sample []record, columns []column, opts Options) bool {
	first, body := sample[0], sample[1:]
	switch opts.Header {
	case HeaderPresent:
		return true
	case HeaderAbsent:
		return false
	case HeaderAuto:
	}
	if first.broken || slices.ContainsFunc(first.cells, isTarget) {
		return false
	}
	if asksForName(opts.Column, first.cells) {
		return true
	}
	unique := func(i int) bool { return !recurs(first.cells[i], i, body) }
	for i := range first.cells {
		if columns[i].known != unknown && columns[i].speaksForHeader(columns) && unique(i) {
			return true
		}
	}
	for i := range first.cells {
		if !looksLikeHeading(first.cells[i]) || slices.Contains(first.cells[:i], first.cells[i]) || !unique(i) {
			return false
		}
	}
	return len(first.cells) > 1
}

// asksForName reports whether the column asked for is among the cells. A number
// is no evidence: it may be meant as one.
func asksForName(asked string, cells []string) bool {
	asked = strings.TrimSpace(asked)
	if _, err := strconv.Atoi(asked); err == nil || asked == "" {
		return false
	}
	return slices.ContainsFunc(cells, func(cell string) bool { return strings.EqualFold(strings.TrimSpace(cell), asked) })
}

// knowledge is how much of a heading is one of headerWords.
type knowledge int

const (
	unknown knowledge = iota
	partly            // some of its words: "Security contact email"
	wholly
)

// knownHeading looks for the headerWords in a heading: all of it, or up to three
// words in a row.
func knownHeading(cell string) knowledge {
	if utf8.RuneCountInString(cell) > longestHeading {
		return unknown
	}
	betweenWords := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	words := strings.FieldsFunc(strings.ToLower(cell), betweenWords)
	if isHeaderWord(words) {
		return wholly
	}
	for from := range words {
		for to := from + 1; to <= min(from+3, len(words)); to++ {
			if isHeaderWord(words[from:to]) {
				return partly
			}
		}
	}
	return unknown
}

func isHeaderWord(words []string) bool {
	return slices.Contains(headerWords[:], strings.Join(words, ""))
}

// speaksForHeader reports whether the known word over the column makes the first
// record a header. A word within other text may belong to a row ("Host Example
// Ltd") where the addresses stand in another column.
func (c column) speaksForHeader(columns []column) bool {
	elsewhere := slices.ContainsFunc(columns, func(other column) bool { return other.targets > 0 })
	return c.known == wholly || c.targets > 0 || !elsewhere
}

func looksLikeHeading(cell string) bool {
	return utf8.RuneCountInString(cell) <= longestHeading && strings.ContainsFunc(cell, unicode.IsLetter) &&
		!strings.ContainsAny(cell, "@()")
}

// recurs reports whether a cell of the first record stands in its column again.
// A heading does not; the value of a row may.
func recurs(cell string, column int, body []record) bool {
	return slices.ContainsFunc(body, func(rec record) bool {
		return column < len(rec.cells) && rec.cells[column] == cell
	})
}

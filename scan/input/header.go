package input

import (
	"cmp"
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
	"hostname", "mail", "mailaddress", "mailbox", "mailboxes", "mails", "primaryemail", "primaryemailaddress",
	"primarysmtpaddress", "recipient", "recipientaddress", "rfc822name", "senderaddress", "smtp", "smtpaddress",
	"internetaddress", "windowsemailaddress", "windowsliveid", "workemail", "emailprimary",
	"adresse", "domaene", "domaenen", "domäne", "domänen", "emailadresse", "emailadressen", "mailadresse",
	"mailadressen", "postfach", // German
	"adressemail", "adresseemail", "adresseélectronique", "courriel", "domaine", // French
	"correo", "correoelectrónico", "correoelectronico", "dominio", "direccióndecorreo", "direccióndecorreoelectrónico", // Spanish, Italian
	"indirizzoemail", "indirizzomail", "postaelettronica", "endereçodeemail", // Italian, Portuguese
	"emailadres", "emailadressen", "mailadres", "domein", // Dutch
	"epost", "epostadress", "epostadresse", "mailadress", "domän", "domæne", "sähköposti", "sähköpostiosoite", // Nordic
	"adresemail", "adrespocztyelektronicznej", "domena", "eposta", "adresaelektronicképošty", // Polish, Czech, Turkish
}

// lesserWords are headings that give way to one of headerWords: names to log in by, and
// lists of all the addresses of a mailbox.
var lesserWords = [...]string{
	"userprincipalname", "upn", "login", "loginemail", "emailaddresses", "proxyaddresses", "aliases", "emailaliases",
}

// longestHeading is the most characters of a cell that looks like a heading.
const longestHeading = 64

// mostTitles is how many lines there may be above a header.
const mostTitles = 20

// findHeader returns the index in the sample of the record that names the columns, or -1.
// In doubt there is none: a row taken for a header would be lost, a header taken for
// a row is only one row too many.
func findHeader(sample []record, opts Options) int {
	first := 0
	for first < len(sample)-1 && isTypeLine(sample[first]) {
		first++
	}
	switch opts.Header {
	case HeaderPresent:
		return first
	case HeaderAbsent:
		return -1
	case HeaderAuto:
	}
	top := sample[first:]
	rows := slices.IndexFunc(top, isRow)
	if rows == 0 {
		return -1
	}
	if rows > 0 {
		if at := belowTitles(top, rows, opts); at > 0 {
			return first + at
		}
	}
	if namesColumns(top, opts) {
		return first
	}
	return -1
}

// isTypeLine reports whether a record is the line that Export-Csv of PowerShell writes
// above the header.
func isTypeLine(rec record) bool { return !rec.broken && strings.HasPrefix(rec.cells[0], "#TYPE ") }

// belowTitles returns the index of the header below lines of title, or 0. It is above
// the first row with an address, is as wide as the table, and has a known word; or it is
// the last line above that row, and all others are single cells.
func belowTitles(top []record, rows int, opts Options) int {
	wide := tableWidth(top[rows:])
	if wide < 2 {
		return 0
	}
	single := true
	for at := range min(rows, mostTitles+1) {
		if filledWidth(top[at]) >= wide && namesColumns(top[at:], opts) {
			known := slices.ContainsFunc(top[at].cells, func(cell string) bool { return knownHeading(cell).known == wholly })
			if known || single && at == rows-1 {
				return at
			}
			if at == 0 {
				return 0
			}
		}
		single = single && filledCells(top[at]) <= 1
	}
	return 0
}

// tableWidth is the most common width of rows.
func tableWidth(rows []record) int {
	counts := make(map[int]int)
	for _, rec := range rows {
		counts[filledWidth(rec)]++
	}
	width := 0
	for w, n := range counts {
		if cmp.Or(cmp.Compare(n, counts[width]), cmp.Compare(w, width)) > 0 {
			width = w
		}
	}
	return width
}

// filledWidth is the number of cells up to the last that is not blank.
func filledWidth(rec record) int {
	width := len(rec.cells)
	for width > 0 && strings.TrimSpace(rec.cells[width-1]) == "" {
		width--
	}
	return width
}

func filledCells(rec record) int {
	filled := 0
	for _, cell := range rec.cells {
		if strings.TrimSpace(cell) != "" {
			filled++
		}
	}
	return filled
}

// isRow reports whether a record cannot be a header.
func isRow(rec record) bool { return rec.broken || slices.ContainsFunc(rec.cells, isNoHeading) }

// isNoHeading reports whether a cell holds an address or a domain, or what can only be
// meant as one: with a slip in it, it is a row that must not be lost.
func isNoHeading(cell string) bool {
	return strings.ContainsAny(cell, "@<*\uff20") || strings.Contains(cell, "://") || isTarget(cell) || isSlip(cell)
}

// isSlip reports whether one of several words of a cell is a domain in small letters, as
// in "jane at x.example" or "mail(at)x.example".
func isSlip(cell string) bool {
	if len(cell) > maxSlip || !strings.Contains(cell, ".") {
		return false
	}
	words := strings.FieldsFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()[]{},;:|\"'", r) })
	return len(words) > 1 && slices.ContainsFunc(words, func(word string) bool {
		last := word[strings.LastIndexByte(word, '.')+1:]
		return len(last) > 1 && word == strings.ToLower(word) && isTarget(word)
	})
}

// maxSlip is the most octets of an address that somebody typed.
const maxSlip = 320

// namesColumns reports whether the first record of a sample is a header.
func namesColumns(sample []record, opts Options) bool {
	first, body := sample[0], sample[1:]
	if isRow(first) {
		return false
	}
	if asksForName(opts.Column, first.cells) {
		return true
	}
	width := 0
	for _, rec := range sample {
		width = max(width, len(rec.cells))
	}
	columns := survey(body, first.cells, width)
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

// knowledge is how much of a heading is one of headerWords or lesserWords.
type knowledge int

const (
	unknown knowledge = iota
	partly            // some of its words: "Security contact email"
	wholly
)

// heading is what is known of a heading.
type heading struct {
	known  knowledge
	lesser bool // one of lesserWords
}

// knownHeading looks for the known words in a heading: all of it, or up to three
// words in a row.
func knownHeading(cell string) heading {
	if utf8.RuneCountInString(cell) > longestHeading {
		return heading{}
	}
	betweenWords := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	words := strings.FieldsFunc(strings.ToLower(cell), betweenWords)
	whole := strings.Join(words, "")
	if slices.Contains(lesserWords[:], whole) {
		return heading{wholly, true}
	}
	if slices.Contains(headerWords[:], whole) {
		return heading{known: wholly}
	}
	for from := range words {
		for to := from + 1; to <= min(from+3, len(words)); to++ {
			some := strings.Join(words[from:to], "")
			if slices.Contains(headerWords[:], some) || slices.Contains(lesserWords[:2], some) {
				return heading{known: partly}
			}
		}
	}
	return heading{}
}

// speaksForHeader reports whether the known word over the column makes the first
// record a header. A word within other text may belong to a row ("Host Example
// Ltd") where the addresses are in another column.
func (c column) speaksForHeader(columns []column) bool {
	elsewhere := slices.ContainsFunc(columns, func(other column) bool { return other.targets > 0 })
	return c.known == wholly || c.targets > 0 || !elsewhere
}

// placeholders are what rows have for what is not there.
var placeholders = [...]string{
	"n/a", "na", "n.a.", "nil", "none", "null", "missing", "unknown", "tbd", "empty", "blank", "k.a.", "keine", "leer", "#n/a",
}

func looksLikeHeading(cell string) bool {
	return !slices.Contains(placeholders[:], strings.ToLower(strings.TrimSpace(cell))) && utf8.RuneCountInString(cell) <= longestHeading && strings.ContainsFunc(cell, unicode.IsLetter) &&
		!strings.ContainsAny(cell, "@()")
}

// recurs reports whether a cell of the first record is in its column again.
// A heading does not; the value of a row may.
func recurs(cell string, column int, body []record) bool {
	return slices.ContainsFunc(body, func(rec record) bool {
		return column < len(rec.cells) && rec.cells[column] == cell
	})
}

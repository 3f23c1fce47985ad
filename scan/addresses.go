package scan

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Addresses says what is made of a cell that holds several addresses. One of them alone
// never decides by itself: an alias may deny what the primary address permits.
type Addresses string

// The values of Addresses.
const (
	AddressesOne     Addresses = ""        // the row has the reason SeveralAddresses
	AddressesPrimary Addresses = "primary" // Exchange's primary address decides, if there is exactly one
	AddressesSplit   Addresses = "split"   // each address is a row
)

// ParseAddresses reads one of the words "primary" and "split", or "".
func ParseAddresses(text string) (Addresses, bool) {
	a := Addresses(text)
	return a, a == AddressesOne || a == AddressesPrimary || a == AddressesSplit
}

// primaryPrefix marks the primary address among those of a mailbox in Exchange, which
// writes smtp: before all others.
const primaryPrefix = "SMTP:"

// otherPrefixes begin the addresses of a mailbox in Exchange that are no mail addresses.
var otherPrefixes = [...]string{"x500:", "x400:", "eum:", "sip:", "spo:"}

// Of returns rows with each cell of several addresses as a says; column is the index of
// the cell among a row's Cells. Rows are valid until the next one.
func (a Addresses) Of(rows iter.Seq2[Row, error], column int) iter.Seq2[Row, error] {
	switch a {
	case AddressesPrimary:
		return primaries(rows)
	case AddressesSplit:
		return splitRows(rows, column)
	case AddressesOne:
	}
	return rows
}

func primaries(rows iter.Seq2[Row, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for row, err := range rows {
			if primary, ok := primaryOf(Mailboxes(row.Cell)); ok {
				row.Address, row.Warnings = primary, []Warning{PrimaryOfSeveral}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// primaryOf returns the one address with the mark of the primary.
func primaryOf(addresses []string) (string, bool) {
	isPrimary := func(address string) bool { return strings.HasPrefix(address, primaryPrefix) }
	first := slices.IndexFunc(addresses, isPrimary)
	if first < 0 || slices.ContainsFunc(addresses[first+1:], isPrimary) {
		return "", false
	}
	return addresses[first], true
}

func splitRows(rows iter.Seq2[Row, error], column int) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for row, err := range rows {
			addresses := Mailboxes(row.Cell)
			if len(addresses) == 0 {
				addresses = []string{row.Cell}
			} else {
				row.Cells, row.Values = slices.Clone(row.Cells), slices.Clone(row.Values)
			}
			for _, address := range addresses {
				row.Cell = address
				if len(addresses) > 1 {
					row.Cells[column] = address
					if row.Values != nil {
						row.Values[column] = Value{} // a text
					}
				}
				if !yield(row, err) {
					return
				}
			}
		}
	}
}

// Mailboxes returns the addresses and domains of a cell whose Target has the reason
// SeveralAddresses, each as it stands there, and none of any other cell.
func Mailboxes(cell string) []string {
	if _, plain := plainTarget(cell); plain {
		return nil
	}
	text := cutMailto(trim(cell))
	text, _ = mailboxesOnly(text)
	if ParseTarget(text).Reason != SeveralAddresses {
		return nil
	}
	tokens, ok := lex(text)
	if !ok {
		return nil
	}
	if len(tokens.angles) > 0 {
		return tokens.mailboxes()
	}
	separates := isSeparatorOrSpace
	if tokens.allTargets(isSeparator) {
		separates = isSeparator
	}
	var addresses []string
	for _, s := range tokens.split(span{0, len(tokens.text)}, separates) {
		addresses = append(addresses, strings.TrimSpace(tokens.text[s.start:s.end]))
	}
	return addresses
}

// mailboxes returns what stands in angle brackets, and each part outside them that is an
// address by itself, in order.
func (l lexed) mailboxes() []string {
	spans := slices.Clone(l.angles)
	start := 0
	for _, angle := range l.angles {
		spans = append(spans, l.addressesIn(span{start, angle.start - len("<")})...)
		start = angle.end + len(">")
	}
	spans = append(spans, l.addressesIn(span{start, len(l.text)})...)
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var addresses []string
	for _, s := range spans {
		addresses = append(addresses, strings.TrimSpace(l.text[s.start:s.end]))
	}
	return addresses
}

func (l lexed) addressesIn(within span) []span {
	return slices.DeleteFunc(l.split(within, isSeparator), func(s span) bool {
		return !strings.Contains(l.text[s.start:s.end], "@") || addressTarget(l.part(s)).Reason != ""
	})
}

// split returns the parts between separators that stand outside quotes and brackets,
// without those that are blank.
func (l lexed) split(within span, separates func(rune) bool) []span {
	var parts []span
	start := within.start
	end := func(at int) {
		if strings.TrimSpace(l.text[start:at]) != "" {
			parts = append(parts, span{start, at})
		}
	}
	for i, r := range l.text[within.start:within.end] {
		if at := within.start + i; l.class(at) == outside && separates(r) {
			end(at)
			start = at + len(string(r))
		}
	}
	end(within.end)
	return parts
}

// mailboxesOnly drops the parts of a cell of Exchange's that are no mail addresses, and
// reports whether any is left; the braces are those of PowerShell. If there is no such
// part the text comes back as it is.
func mailboxesOnly(text string) (string, bool) {
	if inside, ok := strings.CutPrefix(text, "{"); ok && strings.HasSuffix(inside, "}") {
		text = strings.TrimSuffix(inside, "}")
	}
	if !strings.Contains(text, ":") || strings.ContainsAny(text, `"<>`) {
		return text, true
	}
	var kept []string
	dropping, dropped := "", false
	for part := range strings.FieldsFuncSeq(text, isSeparator) {
		part = strings.TrimSpace(part)
		switch prefix := exchangePrefix(part); {
		case slices.Contains(otherPrefixes[:], prefix):
			dropping, dropped = prefix, true
		case prefix == "" && dropping != "" && !endsOther(dropping, part): // it goes on behind a separator of its own
		default:
			dropping = ""
			kept = append(kept, part)
		}
	}
	if !dropped {
		return text, true
	}
	return strings.Join(kept, ";"), len(kept) > 0
}

// exchangePrefix returns the type that Exchange writes before an address, in small
// letters, or "".
func exchangePrefix(part string) string {
	end := strings.IndexByte(part, ':') + 1
	if prefix := strings.ToLower(part[:end]); prefix == "smtp:" || slices.Contains(otherPrefixes[:], prefix) {
		return prefix
	}
	return ""
}

// endsOther reports whether a part is no continuation of an address with a prefix: those
// of X.400 and of EUM have semicolons in them, those of X.500 may have commas.
func endsOther(prefix, part string) bool {
	switch prefix {
	case "x400:", "eum:":
		return strings.Contains(part, "@")
	case "x500:":
		return !strings.Contains(part, "/")
	}
	return true
}

package scan

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"caascan/scan/domain"
)

// Target is the domain that a cell speaks of, or the reason why it speaks of
// none.
type Target struct {
	// Domain has at least two labels; it is zero if Reason is set.
	Domain domain.Name
	// Reason is an input reason, or "".
	Reason Reason
	// Warnings are IDNMapped, BadALabel and HostOfURL, if they apply.
	Warnings []Warning
}

// ParseTarget reads a cell as people fill them: an address (RFC 5322, RFC 6531),
// with or without a display name and comments; a mailto URI (RFC 6068); a
// domain; a domain behind a lone "@"; or a URL, for its host. What could be read in two ways has a
// Reason rather than a Domain. The time it takes is linear in the cell's length.
func ParseTarget(cell string) Target {
	if name, ok := plainTarget(cell); ok {
		return Target{Domain: name} // nearly every cell
	}
	return parseTarget(cell)
}

func parseTarget(cell string) Target {
	text := trim(cell)
	if text == "" {
		return Target{Reason: Empty}
	}
	text, ok := mailboxesOnly(cutMailto(text))
	if !ok {
		return Target{Reason: NotADomain}
	}
	if !strings.ContainsAny(text, specials) && !strings.ContainsFunc(text, unicode.IsSpace) {
		return addressTarget(lexed{text: text})
	}
	tokens, ok := lex(text)
	if !ok {
		return Target{Reason: NotADomain}
	}
	if tokens.several() {
		return Target{Reason: SeveralAddresses}
	}
	return mailboxTarget(tokens)
}

// plainTarget reads an address or a domain in ASCII in which there is nothing to
// drop, to unquote or to convert. What it refuses may still be a target.
func plainTarget(cell string) (domain.Name, bool) {
	at := strings.IndexByte(cell, '@')
	for i := range at {
		if !plainLocal[cell[i]] {
			return domain.Name{}, false
		}
	}
	name, ok := domain.ParsePlain(cell[at+1:])
	if !ok || name.IsTLD() || isDigit(cell[len(cell)-1]) { // perhaps an IP address
		return domain.Name{}, false
	}
	return name, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// plainLocal holds the octets of a local part that have no other meaning in a
// cell: printable, but for specials, "@", and the colon of mailto.
var plainLocal = func() (table [256]bool) {
	for c := '!'; c <= '~'; c++ {
		table[c] = !strings.ContainsRune(specials+"@:", c)
	}
	return table
}()

// trim drops what nobody sees at the ends of a cell.
func trim(cell string) string {
	return strings.TrimFunc(cell, func(r rune) bool {
		switch r {
		case '\ufeff', '\u200b', '\u200c', '\u200d', '\u2060', '\u180e', // BOM and zero-width characters
			'\u200e', '\u200f', '\u061c', '\u202a', '\u202b', '\u202c', '\u2066', '\u2067', '\u2068', '\u2069': // those that come with copied text
			return true
		}
		return unicode.IsSpace(r)
	})
}

// cutMailto returns what a mailto URI is addressed to (RFC 6068, section 2), or
// text itself if it is none. A broken percent-encoding is addressed to "".
func cutMailto(text string) string {
	const scheme = "mailto:"
	if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return text
	}
	to, _, _ := strings.Cut(text[len(scheme):], "?")
	to, err := url.PathUnescape(to)
	if err != nil {
		return ""
	}
	return to
}

// mailboxTarget reads one mailbox: with one pair of angle brackets their inside
// is the address and all outside is a display name (RFC 5322, section 3.4).
func mailboxTarget(tokens lexed) Target {
	switch len(tokens.angles) {
	case 0:
		return addressTarget(tokens)
	case 1:
		return addressTarget(tokens.part(tokens.angles[0]))
	}
	return Target{Reason: NotADomain}
}

// addressTarget reads an address, whose domain is to the right of the only "@"
// outside quotes, or a domain by itself.
func addressTarget(tokens lexed) Target {
	if host, ok := hostOfURL(strings.TrimSpace(tokens.text)); ok {
		target := domainTarget(host)
		if target.Reason == "" {
			target.Warnings = append(target.Warnings, HostOfURL)
		}
		return target
	}
	at := -1
	for i := range len(tokens.text) {
		if tokens.text[i] != '@' || tokens.class(i) == quoted {
			continue
		}
		if at >= 0 {
			return Target{Reason: NotADomain} // also a source route (RFC 5321, appendix C)
		}
		at = i
	}
	return domainTarget(strings.TrimSpace(tokens.text[at+1:]))
}

// hostOfURL returns the host of a URL (RFC 3986, section 3), which is "" if the URL is
// none, or what stands before the port in host:port.
func hostOfURL(text string) (string, bool) {
	if strings.Contains(text, "://") {
		parsed, err := url.Parse(text)
		if err != nil {
			return "", true
		}
		return parsed.Hostname(), true
	}
	host, port, ok := strings.Cut(text, ":")
	if _, err := strconv.ParseUint(port, 10, 16); !ok || err != nil || strings.Contains(host, "@") {
		return "", false
	}
	return host, true
}

func domainTarget(text string) Target {
	if isIPLiteral(text) {
		return Target{Reason: IPLiteral}
	}
	name, notes, err := domain.Convert(text)
	switch {
	case errors.Is(err, domain.ErrSyntax):
		return Target{Reason: NotADomain}
	case allDigits(text), allDigits(name.String()): // text, because there is no name next to an error
		return Target{Reason: IPLiteral}
	case errors.Is(err, domain.ErrTooLong):
		return Target{Reason: TooLong}
	case err != nil:
		return Target{Reason: BadIDN}
	case name.IsTLD():
		return Target{Reason: SingleLabel}
	}
	return Target{Domain: name, Warnings: spellingWarnings(notes)}
}

// isIPLiteral holds for domain literals with an address (RFC 5321, section 4.1.3;
// RFC 5322, section 3.4.1) and for bare IPv6 addresses. A bare IPv4 address is
// one of allDigits.
func isIPLiteral(text string) bool {
	inside, ok := strings.CutPrefix(text, "[")
	if !ok {
		return strings.Contains(text, ":") && isIPAddress(text)
	}
	inside, ok = strings.CutSuffix(inside, "]")
	inside = strings.TrimSpace(inside)
	const tag = "IPv6:"
	if len(inside) > len(tag) && strings.EqualFold(inside[:len(tag)], tag) {
		inside = inside[len(tag):]
	}
	return ok && isIPAddress(inside)
}

func isIPAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// allDigits reports whether the last label has digits only. No top-level domain
// is like that (RFC 3696, section 2); such a name is an IP address, or part of
// one.
func allDigits(name string) bool {
	name = strings.TrimSuffix(name, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func spellingWarnings(notes domain.Notes) []Warning {
	var warnings []Warning
	if notes.Has(domain.Mapped) {
		warnings = append(warnings, IDNMapped)
	}
	if notes.Has(domain.BadALabel) {
		warnings = append(warnings, BadALabel)
	}
	return warnings
}

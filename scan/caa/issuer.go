package caa

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"caascan/scan/domain"
)

// Issuer is the CA we ask about: the issuer domain names by which it may be
// authorised, under one label for people.
type Issuer struct {
	// Label names the CA in reports. It holds no "=", no "," and no control
	// character.
	Label string
	// Domains are the issuer domain names, in A-labels, at least one, each
	// once. A fix publishes the first, unless that is deprecated; see Published.
	Domains []domain.Name
	// Owners are those whose identifiers were taken because they were named.
	Owners []string
}

// ParseIssuer reads "LABEL=domain,domain" or "domain,domain"; without LABEL the
// first domain, in A-labels, is the label. Domains may be in U-labels. A word without a
// dot is the name of an owner, in any case, in place of the identifiers that its CPS states
// (see Identifiers). The error says what to write instead.
func ParseIssuer(text string) (Issuer, error) {
	label, list := "", text
	if i := strings.LastIndexByte(text, '='); i >= 0 {
		label, list = strings.TrimSpace(text[:i]), text[i+1:]
		if label == "" {
			return Issuer{}, fmt.Errorf("issuer %q: nothing before \"=\": write LABEL=ca.example, or the domain alone", text)
		}
	}
	var issuer Issuer
	for part := range strings.SplitSeq(list, ",") {
		more, name, err := issuer.with(strings.TrimSpace(part))
		if err != nil {
			return Issuer{}, fmt.Errorf("issuer %q: %w", text, err)
		}
		issuer, label = more, cmp.Or(label, name)
	}
	if !slices.ContainsFunc(issuer.Domains, func(name domain.Name) bool { return !deprecated(name) }) {
		id, _ := knownIdentifier(issuer.Domains[0].String())
		return Issuer{}, fmt.Errorf("issuer %q: %s recognises %s for a transitional period only, so no fix may publish it: "+
			"also name one that stays, or all of them: --issuer %q", text, id.Owner, id.Name, id.Owner)
	}
	if strings.ContainsAny(label, "=,") || strings.ContainsFunc(label, unprintable) {
		return Issuer{}, fmt.Errorf("issuer %q: a label must have no \"=\", no \",\" and no control characters in it", text)
	}
	issuer.Label = label
	return issuer, nil
}

// with returns the issuer with the issuer domain name that part is, or with the identifiers
// of the owner that it names, and what either is called.
func (i Issuer) with(part string) (more Issuer, called string, err error) {
	owner, owned := "", []Identifier(nil)
	if part != "" && !strings.Contains(part, ".") {
		owner, owned = ownedBy(part)
	}
	if owner == "" {
		name, err := parseIssuerDomain(part)
		if err == nil && !slices.Contains(i.Domains, name) {
			i.Domains = append(i.Domains, name)
		}
		return i, name.String(), err
	}
	stated := false
	for _, id := range owned {
		if id.Standing != Stated && id.Standing != Deprecated {
			continue
		}
		stated = true
		if !slices.Contains(i.Domains, id.Domain) {
			i.Domains = append(i.Domains, id.Domain)
		}
	}
	if !stated {
		return i, "", fmt.Errorf("caascan knows no text in which %s states what it recognises in issuemail records: "+
			"read section 4.2 of its CPS and name what it says, as in --issuer %q (%s: %s)", owner, owner+"="+owned[0].Name, owned[0].Standing, owned[0].Name)
	}
	i.Owners = append(i.Owners, owner)
	return i, owner, nil
}

// parseIssuerDomain accepts what RFC 8659, section 4.2 can spell, of two labels
// at least: no CA is known by a single label, so one is a slip.
func parseIssuerDomain(text string) (domain.Name, error) {
	if text == "" {
		return domain.Name{}, fmt.Errorf("an issuer domain name is missing: write one such as digicert.com")
	}
	name, err := domain.Parse(text)
	if err != nil {
		return domain.Name{}, fmt.Errorf("%q is not an issuer domain name such as digicert.com: %w", text, err)
	}
	if issuer, rest := cutIssuer(name.String()); issuer == "" || rest != "" {
		return domain.Name{}, fmt.Errorf("%q is not an issuer domain name such as digicert.com (RFC 8659, section 4.2)", text)
	}
	if name.IsTLD() {
		return domain.Name{}, fmt.Errorf("%q is a single label and not a CA that caascan issuers lists; an issuer domain name looks like digicert.com", text)
	}
	return name, nil
}

// unprintable holds for control characters, bidi controls and what is left of
// invalid UTF-8, none of which a column header can carry.
func unprintable(r rune) bool {
	return r == unicode.ReplacementChar || !unicode.IsPrint(r)
}

// Has reports whether an issuer domain name found in a property is one of the
// CA's: compared in A-label form, without regard to ASCII case, as a whole, so
// that a sub-domain is another issuer (RFC 8659, section 4.2).
func (i Issuer) Has(name string) bool {
	name = lowerASCII(name)
	return slices.ContainsFunc(i.Domains, func(own domain.Name) bool { return own.String() == name })
}

// Argument returns a text that ParseIssuer reads as the same CA: the names of owners stand
// for their identifiers again.
func (i Issuer) Argument() string {
	var owned Issuer
	for _, owner := range i.Owners {
		more, _, err := owned.with(owner)
		if err != nil {
			panic(err) // it was taken before
		}
		owned = more
	}
	var others []string
	for _, name := range i.Domains {
		if !slices.Contains(owned.Domains, name) {
			others = append(others, name.String())
		}
	}
	list := append(slices.Clone(i.Owners), others...)
	if len(others) > 0 && others[0] == i.Domains[0].String() { // what a fix publishes
		list = append(others, i.Owners...)
	}
	text := strings.Join(list, ",")
	if i.Label != list[0] {
		text = i.Label + "=" + text
	}
	return text
}

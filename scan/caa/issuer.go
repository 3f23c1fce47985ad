package caa

import (
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
	// once. The first is the one a fix publishes.
	Domains []domain.Name
}

// ParseIssuer reads "LABEL=domain,domain" or "domain,domain"; without LABEL the
// first domain, in A-labels, is the label. Domains may be in U-labels. The error
// says what to write instead.
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
		name, err := parseIssuerDomain(strings.TrimSpace(part))
		if err != nil {
			return Issuer{}, fmt.Errorf("issuer %q: %w", text, err)
		}
		if !slices.Contains(issuer.Domains, name) {
			issuer.Domains = append(issuer.Domains, name)
		}
	}
	if label == "" {
		label = issuer.Domains[0].String()
	}
	if strings.ContainsAny(label, "=,") || strings.ContainsFunc(label, unprintable) {
		return Issuer{}, fmt.Errorf("issuer %q: a label holds no \"=\", no \",\" and no control characters", text)
	}
	issuer.Label = label
	return issuer, nil
}

// parseIssuerDomain accepts what RFC 8659, section 4.2 can spell, of two labels
// at least: no CA is known by a single label, so one is a slip.
func parseIssuerDomain(text string) (domain.Name, error) {
	if text == "" {
		return domain.Name{}, fmt.Errorf("an issuer domain name is missing: write one such as digicert.com")
	}
	name, err := domain.Parse(text)
	if err != nil {
		return domain.Name{}, fmt.Errorf("%q is no issuer domain name such as digicert.com: %w", text, err)
	}
	if issuer, rest := cutIssuer(name.String()); issuer == "" || rest != "" {
		return domain.Name{}, fmt.Errorf("%q is no issuer domain name such as digicert.com (RFC 8659, section 4.2)", text)
	}
	if name.IsTLD() {
		return domain.Name{}, fmt.Errorf("%q is a single label; an issuer domain name is one such as digicert.com", text)
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

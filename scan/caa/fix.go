package caa

import (
	"slices"
	"strings"
)

// Fix returns the whole RRset to publish in place of s so that issuer may issue:
// the present properties, with the critical flag cleared on those whose tag is
// unknown, and an issuemail property for issuer if the rest does not permit it
// yet. Nothing is taken away, malformed and empty issuemail properties neither,
// because one that lists the issuer decides before them. It is nil if issuer
// may issue already.
func (s RRset) Fix(issuer Issuer) []Property {
	if s.Decide(issuer).Status == Permitted {
		return nil
	}
	fixed := RRset{Owner: s.Owner}
	kept := make(map[Property]bool, len(s.Properties))
	for _, p := range s.Properties {
		if p.UnknownCritical() {
			p = p.withFlags(p.Flags() &^ criticalFlag)
		}
		if kept[p] {
			continue // an RRset holds no record twice (RFC 2181, section 5)
		}
		kept[p] = true
		fixed.Properties = append(fixed.Properties, p)
	}
	if fixed.Decide(issuer).Status == Denied {
		fixed.Properties = append(fixed.Properties, authorisation(issuer))
	}
	return fixed.Properties
}

// authorisation is the property that RFC 9495, section 3 gives a domain to let
// issuer issue. An issuer domain name is at most 253 octets, so it always fits.
func authorisation(issuer Issuer) Property {
	p, err := NewProperty(0, TagIssuemail, issuer.Published().String())
	if err != nil {
		panic(err)
	}
	return p
}

func (p Property) withFlags(flags uint8) Property {
	return Property{string([]byte{flags}) + p.rdata[1:]}
}

// Bounds on the contacts of a set, which are text from the DNS that people are to act on.
const (
	maxContacts = 8
	maxContact  = 300 // octets as sent; one that is cut would lead elsewhere
)

// contactSchemes are those of the URLs that RFC 8659, section 4.4 knows in iodef.
var contactSchemes = [...]string{"mailto:", "http:", "https:"}

// Contacts returns the URLs of the iodef properties (RFC 8659, section 4.4), escaped
// and each once: mailto, http and https alone, because a javascript URL is none to
// click on. Those that are too long are left out, and so are those after the eighth.
func (s RRset) Contacts() []string {
	var urls []string
	for _, p := range s.Properties {
		if len(urls) == maxContacts {
			break
		}
		if url := Escape(p.Value()); p.Is(TagIodef) && isContact(p.Value()) && !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return urls
}

// isContact holds for a known scheme, in any case (RFC 3986, section 3.1), with
// something after it.
func isContact(value string) bool {
	return len(value) <= maxContact && slices.ContainsFunc(contactSchemes[:], func(scheme string) bool {
		return len(value) > len(scheme) && strings.EqualFold(value[:len(scheme)], scheme)
	})
}

package dnssectest

import (
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Lie changes the reply m of a resolver to the query q. zones are LyingWorld, and old is
// OldLyingWorld, whose signatures have expired.
type Lie func(zones, old *World, q, m *dns.Msg)

// LyingWorld is one that resolvers may lie about: in site.tld. no CA may issue, other.tld. lets
// evil.example do so, and open.tld. is not signed. Its keys are the same in each world that is
// built, so that of old signatures nothing is wrong but their time.
func LyingWorld() []Spec {
	const deny, allow = " CAA 0 issuemail \";\"\n", " CAA 0 issuemail \"evil.example\"\n"
	spec := func(origin string, denial Denial, text string) Spec {
		return Spec{Origin: origin, Denial: denial, Text: text, Algorithm: dns.RSASHA256}
	}
	return []Spec{
		spec(".", NSEC, ""),
		spec("tld.", NSEC3, ""),
		spec("site.tld.", NSEC3, "@"+deny+"mail"+deny+"*.wild"+deny+"www A 192.0.2.1\n"),
		spec("other.tld.", NSEC3, "@"+allow+"mail"+allow+"*.wild"+allow+"www"+allow),
		spec("open.tld.", Unsigned, "@"+deny),
	}
}

// OldLyingWorld is LyingWorld as it was before there were CAA records, and DS records of site.tld.
func OldLyingWorld() []Spec {
	specs := LyingWorld()
	for i := range specs {
		if s := &specs[i]; s.Origin == "site.tld." {
			s.Text, s.Fault = "www A 192.0.2.1\n", NoDS
		}
	}
	return specs
}

// Lies are what a resolver may make of its answers about LyingWorld, by their words.
func Lies() map[string]Lie {
	all := claims()
	maps.Copy(all, swaps())
	return all
}

// claims say what nobody has signed.
func claims() map[string]Lie {
	return map[string]Lie{
		"AD on everything, and nothing there": func(_, _ *World, q, m *dns.Msg) {
			if m.AuthenticatedData = true; ofSite(q) {
				m.Answer, m.Ns = nil, nil
			}
		},
		"NXDOMAIN with AD for all of it": func(_, _ *World, q, m *dns.Msg) {
			if ofSite(q) {
				m.Answer, m.Ns, m.Rcode, m.AuthenticatedData = nil, nil, dns.RcodeNameError, true
			}
		},
		"records of its own with AD": func(_, _ *World, q, m *dns.Msg) {
			if m.AuthenticatedData = true; ofSite(q) && q.Question[0].Qtype == dns.TypeCAA {
				made := &dns.CAA{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeCAA, Class: dns.ClassINET, Ttl: 300}, Tag: "issuemail", Value: "evil.example"}
				m.Answer, m.Ns, m.Rcode = []dns.RR{made}, nil, dns.RcodeSuccess
			}
		},
		"signatures and denials stripped": func(_, _ *World, q, m *dns.Msg) {
			if ofSite(q) {
				m.Answer, m.Ns = strip(m.Answer), strip(m.Ns)
			}
		},
	}
}

// swaps are signed: by another zone, in the past, or about another name.
func swaps() map[string]Lie {
	return map[string]Lie{
		"the signed data of another zone": func(zones, _ *World, q, m *dns.Msg) {
			if ofSite(q) {
				answerAs(m, zones.Answer(nameInOther(q), q.Question[0].Qtype))
			}
		},
		"the same under the name that was asked for": func(zones, _ *World, q, m *dns.Msg) {
			if ofSite(q) {
				answerAs(m, zones.Answer(nameInOther(q), q.Question[0].Qtype))
				for i, rr := range m.Answer {
					m.Answer[i] = dns.Copy(rr)
					m.Answer[i].Header().Name = q.Question[0].Name
				}
			}
		},
		"old signatures": func(_, old *World, q, m *dns.Msg) {
			if ofSite(q) && q.Question[0].Qtype == dns.TypeCAA {
				answerAs(m, old.Answer(q.Question[0].Name, dns.TypeCAA))
			}
		},
		"the old denial of its DS records": func(_, old *World, q, m *dns.Msg) {
			if !ofSite(q) {
				return
			}
			answerAs(m, old.Answer(q.Question[0].Name, q.Question[0].Qtype))
			if q.Question[0].Qtype != dns.TypeDS {
				m.Answer, m.Ns = strip(m.Answer), strip(m.Ns)
			}
		},
		"the denial of another name": func(zones, _ *World, q, m *dns.Msg) {
			if ofSite(q) && q.Question[0].Qtype == dns.TypeCAA {
				m.Answer = nil
				m.Ns = append(zones.Set("site.tld.", "site.tld.", dns.TypeSOA), zones.Denials("site.tld.", "=www.site.tld.")...)
			}
		},
		"the denial of the DS records of an unsigned zone": func(zones, _ *World, q, m *dns.Msg) {
			if ofSite(q) {
				m.Answer, m.Rcode = nil, dns.RcodeSuccess
				m.Ns = append(zones.Set("tld.", "tld.", dns.TypeSOA), zones.Denials("tld.", "=open.tld.")...)
			}
		},
	}
}

func ofSite(q *dns.Msg) bool {
	return dns.IsSubDomain("site.tld.", dns.CanonicalName(q.Question[0].Name))
}

func nameInOther(q *dns.Msg) string {
	return strings.TrimSuffix(dns.CanonicalName(q.Question[0].Name), "site.tld.") + "other.tld."
}

// answerAs makes a reply one to another question.
func answerAs(m, other *dns.Msg) { m.Answer, m.Ns, m.Rcode = other.Answer, other.Ns, other.Rcode }

// strip leaves out the signatures and denials of a section.
func strip(section []dns.RR) []dns.RR {
	return slices.DeleteFunc(section, func(rr dns.RR) bool {
		return slices.Contains([]uint16{dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3}, rr.Header().Rrtype)
	})
}

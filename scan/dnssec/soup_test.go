package dnssec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// soup is a resolver that answers with whatever signed records it has got hold of.
type soup struct {
	world   *dnssectest.World
	answers [][]dns.RR // RRsets that answers are made of
	denials [][]dns.RR
	origins []string
	random  *rand.Rand
	honest  *validator // of replies that are not spoilt
}

func newSoup(t *testing.T, w *dnssectest.World, seed uint64) *soup {
	s := &soup{world: w, random: rand.New(rand.NewPCG(seed, 1)), origins: w.Origins(), honest: newValidator(t, w)}
	for _, origin := range w.Origins() {
		var all []dns.RR
		w.Edit(origin, func(rrs []dns.RR) []dns.RR { all = rrs; return rrs })
		seen := map[string]bool{}
		for _, rr := range all {
			owner, kind := dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype
			id := owner + dns.TypeToString[kind]
			if seen[id] || kind == dns.TypeRRSIG {
				continue
			}
			seen[id] = true
			set := w.Set(origin, owner, kind)
			switch kind {
			case dns.TypeNSEC, dns.TypeNSEC3, dns.TypeSOA:
				s.denials = append(s.denials, set)
			case dns.TypeCAA, dns.TypeCNAME, dns.TypeDNAME, dns.TypeDS, dns.TypeDNSKEY:
				s.answers = append(s.answers, set)
			}
		}
	}
	return s
}

// reply makes a reply to a query: an honest one, or one with other records in either section.
func (s *soup) reply(name string, kind uint16) *dns.Msg {
	m := s.world.Answer(name, kind)
	if s.random.IntN(3) > 0 {
		m.Answer = s.answer(name)
	}
	if s.random.IntN(3) > 0 {
		m.Ns = s.denial(name)
	}
	return m
}

// answer puts together up to two RRsets: as they are, with the name asked for, or with the
// alias that a DNAME record makes.
func (s *soup) answer(at string) (section []dns.RR) {
	const most = 3
	for range s.random.IntN(most) {
		set := s.answers[s.random.IntN(len(s.answers))]
		owner := dns.CanonicalName(set[0].Header().Name)
		if alias, ok := set[0].(*dns.DNAME); ok && dns.IsSubDomain(owner, at) && owner != at {
			made := &dns.CNAME{Hdr: dns.RR_Header{Name: at, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: strings.TrimSuffix(at, owner) + alias.Target}
			section = append(append(section, set...), made)
			at = dns.CanonicalName(made.Target)
			continue
		}
		if s.random.IntN(2) == 0 || owner[0] == '*' {
			set = renamed(set, at)
		}
		section = append(section, set...)
		if alias, ok := set[0].(*dns.CNAME); ok && dns.CanonicalName(alias.Hdr.Name) == at {
			at = dns.CanonicalName(alias.Target)
		}
	}
	return section
}

// denial puts together most of the denials of one of the zones that a name may lie in, and
// sometimes those of others.
func (s *soup) denial(name string) (section []dns.RR) {
	origin := ""
	for origin == "" || !dns.IsSubDomain(origin, name) {
		origin = s.origins[s.random.IntN(len(s.origins))]
	}
	sets := 0
	for _, i := range s.random.Perm(len(s.denials)) {
		set := s.denials[i]
		owner := dns.CanonicalName(set[0].Header().Name)
		const most = 20
		if sets == most || s.random.IntN(3) == 0 || s.random.IntN(20) > 0 && !dns.IsSubDomain(origin, owner) {
			continue
		}
		if owner[0] == '*' && s.random.IntN(2) == 0 {
			set = renamed(set, name)
		}
		section = append(section, set...)
		sets++
	}
	return section
}

// soupPath returns the names along the aliases in a reply, in whatever order they come.
func soupPath(m *dns.Msg, name string) []string {
	path := []string{name}
	for range 16 {
		at, next := path[len(path)-1], ""
		for _, rr := range m.Answer {
			if alias, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(alias.Hdr.Name) == at {
				next = dns.CanonicalName(alias.Target)
			}
		}
		if next == "" || slices.Contains(path, next) {
			break
		}
		path = append(path, next)
	}
	return path
}

// soupSays returns the aliases of a name and the CAA records at their end.
func soupSays(m *dns.Msg, name string) string {
	path := soupPath(m, name)
	var set []string
	for _, rr := range m.Answer {
		if record, ok := rr.(*dns.CAA); ok && dns.CanonicalName(record.Hdr.Name) == path[len(path)-1] {
			set = append(set, fmt.Sprintf("%d %s %q", record.Flag, record.Tag, record.Value))
		}
	}
	slices.Sort(set)
	return fmt.Sprint(path, slices.Compact(set))
}

// soupZone is the text of the upper zone; those below hold siteText.
const soupZone = `odd CAA 0 issuemail "tld.example"
*.w CAA 0 issuemail "w.example"
n.w A 192.0.2.1
* CAA 0 issuemail "star.example"
*.made CNAME www.site
d DNAME site.tld.
x.y.z A 192.0.2.1
`

// soupNames are asked for, each under .tld.
const soupNames = `site www.site ent.site x.ent.site no.site x.wild.site near.wild.site x.empty.site alias.site up.site
x.made.site y.tree.site tree.site sub.site www.sub.site x.wild.sub.site cut.site no x.w n.w w x.made www.d open www.open
deep.er www.deep.er er no.er o.p x.o.p p z y.z no.y.z`

// TestSoup: whatever a resolver puts together of signed records, of its own zone and of others,
// in the replies about a name and about the zones above it, a name is secure only with what its
// zone says of it, and insecure only if it is (RFC 4035, section 5).
func TestSoup(t *testing.T) {
	const rounds = 15
	kinds := []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3, dnssectest.OptOut, dnssectest.OptOutListed}
	for i, upper := range kinds {
		for j, lower := range kinds {
			w := build(t, dnssectest.Spec{Origin: "tld.", Text: soupZone, Denial: upper},
				dnssectest.Spec{Origin: "site.tld.", Text: siteText + "up CNAME odd.tld.\n", Denial: lower},
				dnssectest.Spec{Origin: "sub.site.tld.", Text: siteText, Denial: upper},
				dnssectest.Spec{Origin: "deep.er.tld.", Text: siteText, Denial: lower},
				dnssectest.Spec{Origin: "open.tld.", Text: caaText}, dnssectest.Spec{Origin: "o.p.tld.", Text: caaText})
			s := newSoup(t, w, uint64(len(kinds)*i+j))
			t.Run(string(upper+"/"+lower), func(t *testing.T) {
				for range rounds {
					s.judgeNames(t)
				}
			})
		}
	}
}

// judgeNames judges spoilt replies for some names by a chain that is spoilt too.
func (s *soup) judgeNames(t *testing.T) {
	spoilt := newValidator(t, s.world)
	spoilt.spoils = func(m *dns.Msg) {
		if q := m.Question[0]; s.random.IntN(4) == 0 {
			other := s.reply(q.Name, q.Qtype)
			m.Answer, m.Ns = other.Answer, other.Ns
		}
	}
	const some = 8
	all := strings.Fields(soupNames)
	for range some {
		name := all[s.random.IntN(len(all))] + ".tld."
		m, truth := s.reply(name, dns.TypeCAA), s.world.Answer(name, dns.TypeCAA)
		got := spoilt.judge(soupPath(m, name), parsed(t, m))
		want := s.honest.judge(soupPath(truth, name), parsed(t, truth))
		switch {
		case want.State == dnssec.Bogus:
			t.Errorf("%s: %+v, and nothing is spoilt", name, want)
		case got.State == dnssec.Secure && soupSays(m, name) != soupSays(truth, name):
			t.Errorf("%s: secure, but what is signed is %s, and not that of\n%v", name, soupSays(truth, name), m)
		case got.State == dnssec.Insecure && want.State != dnssec.Insecure:
			t.Errorf("%s: %+v, and it is signed, by\n%v", name, got, m)
		}
	}
}

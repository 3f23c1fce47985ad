package dnssec_test

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
)

// now is when the worlds of these tests are.
var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// tld is the zone that most worlds have between the root and what they are about.
var tld = dnssectest.Spec{Origin: "tld.", Denial: dnssectest.NSEC}

// build makes a world of a signed root, the zone tld. unless there is one, and others.
func build(t testing.TB, specs ...dnssectest.Spec) *dnssectest.World {
	t.Helper()
	specs = append([]dnssectest.Spec{{Origin: ".", Denial: dnssectest.NSEC}}, specs...)
	given := false
	for _, s := range specs {
		given = given || s.Origin == "tld."
	}
	if !given {
		specs = append(specs, tld)
	}
	w, err := dnssectest.Build(now, specs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// validator validates answers of a world as a resolver would.
type validator struct {
	t      testing.TB
	world  *dnssectest.World
	chain  *dnssec.Chain
	now    time.Time
	spoils func(*dns.Msg) // what happens to each reply on its way
	asked  []dnssec.Query // of the chain

	mutates mutation // what happens to one message of all
}

func newValidator(t testing.TB, w *dnssectest.World) *validator {
	return &validator{t: t, world: w, chain: dnssec.NewChain([]dns.RR{w.Anchor}), now: now, mutates: mutation{turn: -1}}
}

func (v *validator) reply(name string, kind uint16) (*dns.Msg, *dnssec.Reply) {
	v.t.Helper()
	m := v.world.Answer(name, kind)
	if v.spoils != nil {
		v.spoils(m)
	}
	wire, err := m.Pack()
	if err != nil {
		v.t.Fatal(err)
	}
	r, err := dnssec.Parse(v.mutates.next(wire))
	if err != nil {
		r = new(dnssec.Reply) // which is not taken for an answer
	}
	return m, r
}

// parsed sends a message through the wire.
func parsed(t testing.TB, m *dns.Msg) *dnssec.Reply {
	t.Helper()
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	r, err := dnssec.Parse(wire)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// verdict validates the answer for the CAA records of a name.
func (v *validator) verdict(name string) dnssec.Verdict {
	v.t.Helper()
	m, r := v.reply(name, dns.TypeCAA)
	return v.judge(pathOf(m, name), r)
}

func (v *validator) judge(path []string, r *dnssec.Reply) dnssec.Verdict {
	v.t.Helper()
	for range 100 {
		verdict, next := v.chain.Answer(dnssec.Question{Path: path, Type: dns.TypeCAA}, r, v.now)
		if verdict.State != dnssec.Undecided {
			return verdict
		}
		v.asked = append(v.asked, next)
		_, r := v.reply(next.Name, next.Type)
		if got := v.learn(next, r); got.State == dnssec.Bogus && next.Name == "." {
			return got // of the root nothing stands
		}
	}
	v.t.Fatalf("%v: the chain comes to no end", path)
	return dnssec.Verdict{}
}

// learn hands in the reply to a query, and before that those that it is judged by.
func (v *validator) learn(q dnssec.Query, r *dnssec.Reply) dnssec.Verdict {
	v.t.Helper()
	for range 10 {
		verdict, next := v.chain.Learn(q, r, v.now)
		if next == (dnssec.Query{}) {
			if verdict.State == dnssec.Bogus {
				v.chain.Stand(q, verdict, v.now)
			}
			return verdict
		}
		v.asked = append(v.asked, next)
		_, reply := v.reply(next.Name, next.Type)
		v.learn(next, reply)
	}
	v.t.Fatalf("%v: the chain comes to no end", q)
	return dnssec.Verdict{}
}

// pathOf returns the names along the aliases in a reply.
func pathOf(m *dns.Msg, name string) []string {
	path := []string{dns.CanonicalName(name)}
	for _, rr := range m.Answer {
		if alias, ok := rr.(*dns.CNAME); ok {
			path = append(path, dns.CanonicalName(alias.Target))
		}
	}
	return path
}

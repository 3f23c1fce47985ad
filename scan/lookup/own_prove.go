package lookup

import (
	"context"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/snapshot"
)

// ownProver finds out by own validation what resolvers vouch for otherwise: whether a name is
// a delegation, and if so a signed one.
type ownProver struct {
	ask     func(ctx context.Context, q dnssec.Query, how checking) (dsAnswer, error)
	answers memo[dsAnswer]
	chain   *dnssec.Chain
}

// checking is whether a resolver may hold back what it finds bogus.
type checking int

const (
	checkingOff checking = iota // CD is set
	checkingOn
)

// step returns what is shown of a name by the replies about it, and about the zones above. The
// error is that of ctx.
func (p *ownProver) step(ctx context.Context, name string) (snapshot.ProofStep, error) {
	at := dnssec.Canonical(dns.Fqdn(name))
	step := snapshot.ProofStep{Name: name, Finding: snapshot.Unproven}
	for range 2 * (1 + dns.CountLabel(at)) { // the keys and the DS records of each name above
		finding, next := p.find(at, time.Now())
		if next == (dnssec.Query{}) {
			step.Finding = finding
			break
		}
		answer, err := p.learn(ctx, next)
		if err != nil {
			return snapshot.ProofStep{}, err
		}
		step.Server, step.Time = answer.server, answer.at
		if answer.message == nil {
			break
		}
		step.Replied, step.RCode = true, newReply(answer.message).rcode
	}
	return step, nil
}

// find returns what the Chain knows of a name, or what has to be asked for first, which is not
// the name's own keys.
func (p *ownProver) find(at string, now time.Time) (snapshot.Finding, dnssec.Query) {
	_, next := p.chain.Trust(at, now)
	if next != (dnssec.Query{}) && next != (dnssec.Query{Name: at, Type: dns.TypeDNSKEY}) {
		return snapshot.Unproven, next
	}
	steps := p.chain.Walk(at)
	if last := steps[len(steps)-1]; last.Name == at {
		return findingOf(last), dnssec.Query{}
	}
	return snapshot.Unproven, dnssec.Query{}
}

// findingOf says in the words of a Proof what is known of a name. What the strictest resolvers
// take for unsigned, or what nobody can validate, excuses nobody (SBR 4.2.2.1).
func findingOf(s dnssec.Step) snapshot.Finding {
	switch s.Cut {
	case dnssec.SignedCut:
		return snapshot.SignedDelegation
	case dnssec.NoCut:
		return snapshot.NoDelegation
	case dnssec.NothingBelow:
		return snapshot.NothingBelow
	case dnssec.InsecureCut:
		if !s.Weak {
			return snapshot.InsecureDelegation
		}
	case dnssec.OptOutCut:
		if !s.Weak {
			return snapshot.OptOutDelegation
		}
	case dnssec.UncountedCut, dnssec.Unproven:
	}
	return snapshot.Unproven
}

// learn asks for what the Chain lacks, once however many walks want it, and again with CD clear
// if the answer is bogus. The message is nil if nothing is learnt.
func (p *ownProver) learn(ctx context.Context, q dnssec.Query) (dsAnswer, error) {
	return p.answers.find(q.Name+" "+dns.TypeToString[q.Type], func() (dsAnswer, error) {
		answer, learnt, err := p.learnBy(ctx, q, checkingOff)
		if err == nil && !learnt {
			answer, learnt, err = p.learnBy(ctx, q, checkingOn)
		}
		if !learnt {
			answer.message = nil
		}
		return answer, err
	})
}

func (p *ownProver) learnBy(ctx context.Context, q dnssec.Query, how checking) (answer dsAnswer, learnt bool, err error) {
	if answer, err = p.ask(ctx, q, how); err != nil || answer.message == nil {
		return answer, false, err
	}
	if r, err := parseReply(answer.message); err != nil || r.rcode != dns.RcodeSuccess && r.rcode != dns.RcodeNameError {
		return answer, false, nil
	}
	reply, err := dnssec.Parse(answer.message)
	if err != nil {
		return answer, false, nil
	}
	for range mostRenewed {
		verdict, next := p.chain.Learn(q, reply, answer.at)
		if next == (dnssec.Query{}) {
			return answer, verdict.State == dnssec.Secure || verdict.State == dnssec.Insecure, nil
		}
		if above, err := p.learn(ctx, next); err != nil || above.message == nil {
			return answer, false, err
		}
	}
	return answer, false, nil
}

// mostRenewed is how often a reply is judged anew by what has been asked for again.
const mostRenewed = 3

// askLink asks one server for what own validation lacks, as often as any query is tried.
func (a *proofAsker) askLink(ctx context.Context, q dnssec.Query, how checking) (dsAnswer, error) {
	return a.tryAll(ctx, func(u *upstream) (query []byte, ok bool) {
		f := u.firstForm()
		query, err := packQuery(dns.Id(), spelling(q.Name), q.Type, f)
		if err != nil || !f.edns() {
			return nil, false
		}
		setOwn(query, how)
		return query, true
	})
}

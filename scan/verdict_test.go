package scan_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

func observed(t *testing.T, name string, o snapshot.Observation) snapshot.Observation {
	t.Helper()
	n, err := domain.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	o.Name = n
	return o
}

// verdictOn returns the Verdict on mail.corp.example from these answers.
func verdictOn(t *testing.T, answers ...snapshot.Observation) scan.Verdict {
	t.Helper()
	var store snapshot.Store
	for _, o := range answers {
		store.Put(o)
	}
	return scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: &store}).Verdict(answers[0].Name)
}

// TestOnFailureRestsOnProofs (SBR 4.2.2.1): all that was touched has to be proven
// insecure, and one that is signed is enough to forbid.
func TestOnFailureRestsOnProofs(t *testing.T) {
	const (
		insecure = snapshot.ProvenInsecure
		signed   = snapshot.ProvenSigned
		unknown  = snapshot.NotProven
	)
	proofs := func(states ...snapshot.ProofState) []snapshot.Proof {
		var list []snapshot.Proof
		for _, s := range states {
			list = append(list, snapshot.Proof{State: s})
		}
		return list
	}
	alias := []string{"elsewhere.example"}
	for _, test := range []struct {
		name            string
		failure         snapshot.Failure
		mail, corp      []snapshot.Proof // of mail.corp.example, which has no records, and of corp.example, which fails
		aliases, behind []string         // of the one and the other
		want            scan.OnFailure
	}{
		{"both insecure", snapshot.ServFail, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureMayIssue},
		{"the domain unproven", snapshot.ServFail, nil, proofs(insecure), nil, nil, scan.OnFailureUnknown},
		{"the name that failed unproven", snapshot.Timeout, proofs(insecure), nil, nil, nil, scan.OnFailureUnknown},
		{"the domain signed", snapshot.Timeout, proofs(signed), proofs(insecure), nil, nil, scan.OnFailureMustNotIssue},
		{"the name that failed signed", snapshot.RCode, proofs(insecure), proofs(signed), nil, nil, scan.OnFailureMustNotIssue},
		{"signed beside unknown", snapshot.RCode, proofs(unknown), proofs(signed), nil, nil, scan.OnFailureMustNotIssue},
		{"unknown", snapshot.Truncated, proofs(insecure), proofs(unknown), nil, nil, scan.OnFailureUnknown},
		{"an alias insecure too", snapshot.CNAMELoop, proofs(insecure), proofs(insecure, insecure), nil, alias, scan.OnFailureMayIssue},
		{"an alias without a proof", snapshot.CNAMELoop, proofs(insecure), proofs(insecure), nil, alias, scan.OnFailureUnknown},
		{"an alias signed", snapshot.MalformedReply, proofs(insecure), proofs(insecure, signed), nil, alias, scan.OnFailureMustNotIssue},
		{"an alias of the domain without a proof", snapshot.NoAuthority, proofs(insecure), proofs(insecure), alias, nil, scan.OnFailureUnknown},
		{"an alias that SERVFAIL hid", snapshot.ServFail, proofs(insecure), proofs(insecure, signed), nil, nil, scan.OnFailureMustNotIssue},
		{"bogus, whatever is proven", snapshot.DNSSECBogus, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureMustNotIssue},
		{"our own network", snapshot.Network, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureUnknown},
		{"our own resolver refuses", snapshot.Refused, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureUnknown},
		{"our own resolver filters", snapshot.Filtered, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureUnknown},
		{"our own resolver is stale", snapshot.Stale, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureUnknown},
		{"our own resolver does not implement", snapshot.NotImp, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureUnknown},
		{"our own resolver does not understand", snapshot.FormErr, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureUnknown},
		{"no top-level domain", snapshot.TLDNotFound, proofs(insecure), proofs(insecure), nil, nil, scan.OnFailureNone},
		{"no failure", "", nil, nil, nil, nil, scan.OnFailureNone},
	} {
		v := verdictOn(t,
			observed(t, "mail.corp.example", snapshot.Observation{Proofs: test.mail, Aliases: test.aliases}),
			observed(t, "corp.example", snapshot.Observation{Failure: test.failure, Proofs: test.corp, Aliases: test.behind}),
			observed(t, "example", snapshot.Observation{}),
		)
		if v.OnFailure != test.want {
			t.Errorf("%s: %q, want %q", test.name, v.OnFailure, test.want)
		}
	}
}

// TestTheWeakestAnswerIsWhatIsKnownOfDNSSEC.
func TestTheWeakestAnswerIsWhatIsKnownOfDNSSEC(t *testing.T) {
	secure := snapshot.Observation{AD: true, Validated: true}
	insecure := snapshot.Observation{Validated: true}
	doubtful := snapshot.Observation{AD: true} // by a resolver that nobody believes
	for _, test := range []struct {
		name   string
		first  snapshot.Observation
		second snapshot.Observation
		want   snapshot.DNSSEC
		warned bool
	}{
		{"all secure", secure, secure, snapshot.Secure, false},
		{"one insecure", insecure, secure, snapshot.Insecure, false},
		{"the last insecure", secure, insecure, snapshot.Insecure, false},
		{"one doubtful", doubtful, secure, snapshot.Unknown, true},
		{"doubtful beats insecure", insecure, doubtful, snapshot.Unknown, true},
		{"a zone file", snapshot.Observation{Transport: snapshot.Zone}, snapshot.Observation{Transport: snapshot.Zone}, snapshot.Unknown, false},
		{"bogus", doubtful, snapshot.Observation{Failure: snapshot.DNSSECBogus, Validated: true}, snapshot.Bogus, false},
		{"another failure", secure, snapshot.Observation{Failure: snapshot.ServFail, AD: true, Validated: true}, snapshot.Unknown, false},
	} {
		v := verdictOn(t, observed(t, "corp.example", test.first), observed(t, "example", test.second))
		if warned := slices.Contains(v.Warnings, scan.DNSSECNotValidated); v.DNSSEC != test.want || warned != test.warned {
			t.Errorf("%s: %s, warned %v, want %s, %v", test.name, v.DNSSEC, warned, test.want, test.warned)
		}
	}
}

func TestWarningsThatNeedMoreThanASet(t *testing.T) {
	set := func(owner, tag, value string) snapshot.Observation {
		p, err := caa.NewProperty(0, tag, value)
		if err != nil {
			t.Fatal(err)
		}
		return snapshot.Observation{Records: caa.RRset{Owner: owner, Properties: []caa.Property{p}}, Transport: snapshot.Zone}
	}
	empty := snapshot.Observation{Transport: snapshot.Zone}
	failed := snapshot.Observation{Failure: snapshot.ServFail}
	for _, test := range []struct {
		name        string
		mail, corp  snapshot.Observation
		top         snapshot.Observation
		hides, lost bool // hides-parent, dnssec-unsupported
	}{
		{"a parent restricts mail", set("mail.corp.example", "issue", ";"), set("corp.example", "issuemail", ";"), empty, true, false},
		{"a parent's parent does", set("mail.corp.example", "iodef", "x"), set("corp.example", "issue", ";"), set("example", "issuemail", ";"), true, false},
		{"none does", set("mail.corp.example", "issue", ";"), set("corp.example", "issue", ";"), empty, false, false},
		{"the set itself does", set("mail.corp.example", "issuemail", ";"), set("corp.example", "issuemail", ";"), empty, false, false},
		{"the parent is not known", set("mail.corp.example", "issue", ";"), failed, empty, false, false},
		// Whether example was asked depends on the other rows, so it does not count.
		{"above a failed parent", set("mail.corp.example", "issue", ";"), failed, set("example", "issuemail", ";"), false, false},
		{"no set", empty, empty, empty, false, false},
		{"an algorithm that is not supported", snapshot.Observation{EDE: []snapshot.EDE{{Code: 1}}}, empty, empty, false, true},
		{"a digest, at a parent", empty, snapshot.Observation{EDE: []snapshot.EDE{{Code: 2}}}, empty, false, true},
		{"iterations", snapshot.Observation{EDE: []snapshot.EDE{{Code: 27}}}, empty, empty, false, true},
		{"with NXDOMAIN, that is signed too", snapshot.Observation{RCode: 3, EDE: []snapshot.EDE{{Code: 1}}}, empty, empty, false, true},
		{"nothing could be decided", snapshot.Observation{EDE: []snapshot.EDE{{Code: 5}}}, empty, empty, false, true},
		{"other words", snapshot.Observation{EDE: []snapshot.EDE{{Code: 0}, {Code: 22}}}, empty, empty, false, false},
	} {
		v := verdictOn(t, observed(t, "mail.corp.example", test.mail), observed(t, "corp.example", test.corp), observed(t, "example", test.top))
		if got := slices.Contains(v.Warnings, scan.HidesParent); got != test.hides {
			t.Errorf("%s: hides-parent %v, want %v", test.name, got, test.hides)
		}
		if got := slices.Contains(v.Warnings, scan.DNSSECUnsupported); got != test.lost {
			t.Errorf("%s: dnssec-unsupported %v, want %v", test.name, got, test.lost)
		}
	}
}

// arbitraryAnswer is one of the ways in which a name may have been answered.
func arbitraryAnswer(t *testing.T, random *rand.Rand, name domain.Name) snapshot.Observation {
	t.Helper()
	o := snapshot.Observation{
		Name: name, Server: "127.0.0.1:53", Transport: snapshot.UDP, AD: random.IntN(2) == 0, Validated: random.IntN(4) > 0,
		Time: time.Date(2026, 11, 25, 12, 0, random.IntN(60), 0, time.UTC),
	}
	proof := []snapshot.Proof{{Name: name.String(), State: snapshot.ProvenInsecure}}
	switch random.IntN(8) {
	case 0:
		p, err := caa.NewProperty(0, []string{"issue", "issuemail"}[random.IntN(2)], "other.example")
		if err != nil {
			t.Fatal(err)
		}
		o.Records = caa.RRset{Owner: name.String(), Properties: []caa.Property{p}}
	case 1:
		o.Failure, o.RCode = snapshot.ServFail, 2
	case 2:
		o.RCode = 3
	case 3:
		o.EDE = []snapshot.EDE{{Code: 1}}
	}
	if random.IntN(2) == 0 {
		o.Proofs = proof
	}
	return o
}

// TestDomainsShareAnOutcomeOnlyWhereItIsTheirs: the Verdict on a domain is the one that
// a Scanner gives who has never met another.
func TestDomainsShareAnOutcomeOnlyWhereItIsTheirs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var store snapshot.Store
		var names []domain.Name
		for _, text := range []string{"example", "corp.example", "a.corp.example", "b.corp.example", "x.a.corp.example", "y.a.corp.example", "other.example"} {
			o := observed(t, text, snapshot.Observation{})
			store.Put(arbitraryAnswer(t, random, o.Name))
			names = append(names, o.Name)
		}
		cfg := scan.Config{Issuers: issuers(t, "ca.example", "other.example"), Store: &store}
		shared := scan.New(cfg)
		for i, name := range names {
			got, want := shared.Verdict(name), scan.New(cfg).Verdict(name)
			if got.Number != i+1 {
				t.Errorf("%v has number %d, want %d", name, got.Number, i+1)
			}
			for _, v := range []scan.Verdict{got, want} {
				for _, d := range v.Decisions {
					if strings.Contains(d.Detail.For(name), "\x00") {
						t.Errorf("%v: %q", name, d.Detail.For(name))
					}
				}
			}
			got.Number = want.Number
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(domain.Name{}, caa.Property{})); diff != "" {
				t.Fatalf("%v (-alone +among others)\n%s", name, diff)
			}
		}
	}
}

// A Verdict keeps no row alive, however often its domain is met, and whether it was asked or
// not: a million rows of a list would stay in memory with it.
func TestAVerdictHasANameOfItsOwn(t *testing.T) {
	var store snapshot.Store
	store.Put(observed(t, "asked.example", snapshot.Observation{}))
	scanner := scan.New(scan.Config{Issuers: issuers(t, "ca.example"), Store: &store})
	for _, text := range []string{"asked.example", "absent.example"} {
		var before *byte
		for i := range 3 {
			name := observed(t, strings.Clone(text), snapshot.Observation{}).Name
			kept := unsafe.StringData(scanner.Verdict(name).Domain.String())
			if kept == unsafe.StringData(name.String()) || i > 0 && kept != before {
				t.Errorf("%s, met %d times, has the name of the row", text, i+1)
			}
			before = kept
		}
	}
}

package lookup

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// TestACaptivePortalIsNoResolver: it answers everything with its address, or with nothing.
func TestACaptivePortalIsNoResolver(t *testing.T) {
	for what, m := range map[string]message{
		"an address for everything":              {ra: true, ad: true, rootless: true, answer: []string{". 60 A 192.0.2.1"}},
		"nothing for everything":                 {ra: true, ad: true, rootless: true},
		"NODATA with the root's SOA record":      {ra: true, ad: true, rootless: true, authority: []string{rootSOA}},
		"the SOA record of another zone":         {ra: true, ad: true, rootless: true, answer: []string{exampleSOA}},
		"one of another class":                   {ra: true, ad: true, rootless: true, answer: []string{strings.Replace(rootSOA, "SOA", "CH SOA", 1)}},
		"NXDOMAIN for everything":                {ra: true, ad: true, rcode: dns.RcodeNameError},
		"the SOA record of the root, without RA": {answer: []string{rootSOA}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(_ *world, q asked) []byte { return m.pack(t, q.wire) }}
			if leftOut, err := w.client(Config{}).Probe(t.Context()); !errors.Is(err, ErrNoServer) {
				t.Errorf("%s: left out %v (%v), want no usable resolver", what, leftOut, err)
			}
		})
	}
}

// TestNothingAtAllIsNoAnswerOfWhoSendsTheSOA: of a lame server's referral unbound makes
// that. Stubs, and some forwarders, never send it.
func TestNothingAtAllIsNoAnswerOfWhoSendsTheSOA(t *testing.T) {
	for _, test := range []struct {
		root  message // to a query for what the root has not
		reply message
		want  snapshot.Failure
	}{
		{message{ra: true, authority: []string{rootSOA}}, message{ra: true}, snapshot.MalformedReply},
		{message{ra: true, authority: []string{rootSOA}}, message{ra: true, authority: []string{exampleSOA}}, ""},
		{message{ra: true, authority: []string{rootSOA}}, message{ra: true, rcode: dns.RcodeNameError}, snapshot.MalformedReply}, // dnsmasq --local
		{message{ra: true, authority: []string{rootSOA}}, message{ra: true, rcode: dns.RcodeNameError, authority: []string{exampleSOA}}, ""},
		{message{ra: true}, message{ra: true}, ""},
		{message{ra: true}, message{ra: true, rcode: dns.RcodeNameError}, ""},
		{message{ra: true, rcode: dns.RcodeRefused}, message{ra: true}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				var m dns.Msg
				if err := m.Unpack(q.wire); err != nil {
					t.Error(err)
				}
				switch {
				case m.Question[0].Qtype == dns.TypeLOC:
					return test.root.pack(t, q.wire)
				case q.name == "mail.example":
					return test.reply.pack(t, q.wire)
				}
				return nothing(w, q)
			}}
			r := w.client(Config{})
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if o := look(t, r, "mail.example")["mail.example"]; o.Failure != test.want {
				t.Errorf("%+v after %+v: %+v, want failure %q", test.reply, test.root, o, test.want)
			}
		})
	}
}

// doubting plays a resolver at a loopback address that validates: it fails once for each
// name but those of the top-level domains, and then answers without AD. The top-level domain
// open is not signed, and locked is.
func doubting(t *testing.T) func(w *world, q asked) []byte {
	return func(w *world, q asked) []byte {
		var m dns.Msg
		if err := m.Unpack(q.wire); err != nil {
			t.Error(err)
			return nil
		}
		switch kind := m.Question[0].Qtype; {
		case kind == dns.TypeSOA:
			return message{ra: true, ad: true}.pack(t, q.wire)
		case kind == dns.TypeDS && q.name == "open":
			return message{ra: true, ad: true, authority: []string{"open. 300 NSEC z. NS RRSIG NSEC"}}.pack(t, q.wire)
		case kind == dns.TypeDS && q.name == "locked":
			return message{ra: true, ad: true, answer: []string{"locked. 300" + digest}}.pack(t, q.wire)
		case kind != dns.TypeCAA, strings.Contains(q.name, ".") && w.count(q.name) == 1:
			return servfail(w, q)
		case q.name == "policy.open":
			return message{ra: true, answer: []string{`policy.open. 300 CAA 0 issuemail ";"`}}.pack(t, q.wire)
		case q.name == "alias.open":
			return message{ra: true, answer: []string{"alias.open. 300 CNAME www.locked."}, authority: []string{"locked. 300 SOA a. b. 1 1 1 1 300"}}.pack(t, q.wire)
		}
		return nothing(w, q)
	}
}

// TestAnAnswerAfterSERVFAILCountsOnlyIfItsNameIsProvenInsecure, with all that it led to, and
// the climb goes on above it.
func TestAnAnswerAfterSERVFAILCountsOnlyIfItsNameIsProvenInsecure(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []string // each with its failure, if there is one
	}{
		{"mail.policy.open", []string{"mail.policy.open", "policy.open"}},
		{"mail.open", []string{"mail.open", "open"}},
		{"mail.www.open", []string{"mail.www.open", "www.open", "open"}},
		{"alias.open", []string{"alias.open servfail"}},
		{"mail.locked", []string{"mail.locked servfail"}},
	} {
		for _, address := range []string{"127.0.0.1:53", "192.0.2.1:53"} {
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, answer: doubting(t)}
				r := w.client(Config{Servers: []Server{mustServer(address)}})
				if _, err := r.Probe(t.Context()); err != nil {
					t.Fatal(err)
				}
				var written []snapshot.Observation
				err := r.Lookup(t.Context(), batchesOf(t, []string{test.name}), func(batch []snapshot.Observation) {
					for _, o := range batch {
						if strings.Contains(o.Name.String(), ".") && o.Failure == "" {
							t.Errorf("%+v was handed over before anything was proven", o)
						}
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				names := slices.Values([]domain.Name{mustName(t, test.name)})
				if err := r.Prove(t.Context(), names, func(batch []snapshot.Observation) { written = append(written, batch...) }); err != nil {
					t.Fatal(err)
				}
				checkEvidence(t, written)
				want := test.steps
				if address != "127.0.0.1:53" { // whom nobody believes proves nothing
					want = []string{test.name + " servfail"}
				}
				var got []string
				for _, o := range r.Store().Climb(mustName(t, test.name)) {
					got = append(got, strings.TrimSpace(o.Name.String()+" "+string(o.Failure)))
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s by %s: %v, want %v", test.name, address, got, want)
				}
			})
		}
	}
}

// TestWhatAnEarlierRunWasToldIsDoubtedInTheNext: SERVFAIL of the earlier one counts.
func TestWhatAnEarlierRunWasToldIsDoubtedInTheNext(t *testing.T) {
	for _, said := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if q.name == "" {
					return message{ra: true, ad: true}.pack(t, q.wire)
				}
				return nothing(w, q)
			}}
			r := w.client(Config{})
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			earlier := snapshot.Observation{Name: mustName(t, "mail.example"), Failure: snapshot.Timeout}
			if r.noteRefused(&earlier); said {
				earlier.Mark = snapshot.MarkAfterServFail
				r.noteRefused(&earlier)
			}
			if o := look(t, r, "mail.example")["mail.example"]; (o.Failure == snapshot.ServFail) != said || o.SaidServFail() != said {
				t.Errorf("SERVFAIL before: %v: %+v", said, o)
			}
		})
	}
}

// TestADNAMEThatHidesASignedTargetIsFound, also where CNAME is answered by SERVFAIL: its TTL
// is 0, so that the resolver follows it each time, to a target whose servers are dead.
func TestADNAMEThatHidesASignedTargetIsFound(t *testing.T) {
	for _, test := range []struct {
		what  string
		dname message // to the query for moved.alive.open DNAME
		want  []snapshot.ProofState
	}{
		{"a DNAME record", message{ra: true, answer: []string{"moved.alive.open. 0 DNAME target.locked."}}, []snapshot.ProofState{snapshot.ProvenInsecure, snapshot.ProvenSigned}},
		{"none", message{ra: true, authority: []string{"open. 300 SOA a. b. 1 1 1 1 300"}}, []snapshot.ProofState{snapshot.ProvenInsecure}},
		{"SERVFAIL", message{ra: true, rcode: dns.RcodeServerFailure}, []snapshot.ProofState{snapshot.ProvenInsecure, snapshot.NotProven}},
		{"REFUSED", message{ra: true, rcode: dns.RcodeRefused}, []snapshot.ProofState{snapshot.ProvenInsecure, snapshot.NotProven}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				var m dns.Msg
				if err := m.Unpack(q.wire); err != nil {
					t.Error(err)
					return nil
				}
				kind := m.Question[0].Qtype
				switch {
				case kind == dns.TypeSOA:
					return message{ra: true, ad: true}.pack(t, q.wire)
				case kind == dns.TypeDS && q.name == "open":
					return message{ra: true, ad: true, authority: []string{"open. 300 NSEC z. NS RRSIG NSEC"}}.pack(t, q.wire)
				case kind == dns.TypeDS && (q.name == "locked" || q.name == "target.locked"):
					return message{ra: true, ad: true, answer: []string{q.name + ". 300" + digest}}.pack(t, q.wire)
				case kind == dns.TypeDNAME && q.name == "moved.alive.open":
					return test.dname.pack(t, q.wire)
				case kind == dns.TypeDNAME && strings.HasSuffix(q.name, "open"):
					return nothing(w, q)
				}
				return servfail(w, q)
			}}
			r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}})
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			steps, err := r.Trace(t.Context(), mustName(t, "mail.moved.alive.open"))
			if err != nil {
				t.Fatal(err)
			}
			var got []snapshot.ProofState
			for _, p := range steps[len(steps)-1].Proofs {
				got = append(got, p.State)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s: proofs %v, want %v", test.what, got, test.want)
			}
		})
	}
}

// TestAnEmptyNonTerminalIsShownByTheRecordOverIt (RFC 4592, section 2.2.2; RFC 6840, section
// 4.1): its owner is before the name, and its next name below that.
func TestAnEmptyNonTerminalIsShownByTheRecordOverIt(t *testing.T) {
	for _, test := range []struct {
		what, nsec string
		want       snapshot.Finding
	}{
		{"from the apex", "example. 60 NSEC a.ent.example. NS SOA", snapshot.NoDelegation},
		{"from a name before it", "able.example. 60 NSEC a.ent.example. A", snapshot.NoDelegation},
		{"from a name that is longer and before it", "z.z.able.example. 60 NSEC z.a.ENT.example. A", snapshot.NoDelegation},
		{"from a name behind it", "zebra.example. 60 NSEC a.ent.example. A", snapshot.Unproven},
		{"from below it", "a.ent.example. 60 NSEC b.ent.example. A", snapshot.Unproven},
		{"to a name that is not below it", "able.example. 60 NSEC zebra.example. A", snapshot.Unproven},
		{"to a name that only ends so", "able.example. 60 NSEC parent.example. A", snapshot.Unproven},
		{"to the name itself", "able.example. 60 NSEC ent.example. A", snapshot.Unproven},
		{"from another zone", "able.test. 60 NSEC a.ent.example. A", snapshot.Unproven},
		{"of the parent's side of the zone", "example. 60 NSEC a.ent.example. NS", snapshot.Unproven},
		{"at a DNAME record above it", "example. 60 NSEC a.ent.example. NS SOA DNAME", snapshot.Unproven},
		{"at a DNAME record beside it", "able.example. 60 NSEC a.ent.example. DNAME", snapshot.NoDelegation},
		{"of another class", "able.example. 60 CH NSEC a.ent.example. A", snapshot.Unproven},
	} {
		query, err := dsQuery(1, "ent.example")
		if err != nil {
			t.Fatal(err)
		}
		for _, ad := range []bool{true, false} {
			reply := message{ra: true, ad: ad, authority: []string{test.nsec}}.pack(t, query)
			want := test.want
			if !ad {
				want = snapshot.Unproven
			}
			if step := readDS(dsAnswer{message: reply}, "ent.example", "example"); step.Finding != want {
				t.Errorf("%s, AD %v: %s, want %s", test.what, ad, step.Finding, want)
			}
		}
	}
}

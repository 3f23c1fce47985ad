package lookup

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// proving plays a validating resolver: the top-level domain open is not signed, and
// locked is; nobody answers for the names in them but for an alias of one into the
// other. It fails the test if a name is asked for that needs no proof.
func proving(t *testing.T) func(w *world, q asked) []byte {
	return func(w *world, q asked) []byte {
		var m dns.Msg
		if err := m.Unpack(q.wire); err != nil {
			t.Error(err)
			return nil
		}
		kind := m.Question[0].Qtype
		proof := kind == dns.TypeDS
		if proof && (m.CheckingDisabled || m.AuthenticatedData) || kind == dns.TypeCAA && m.AuthenticatedData == m.CheckingDisabled {
			t.Errorf("%v: CD %v, AD %v; a proof sets neither, a question one of them", m.Question[0], m.CheckingDisabled, m.AuthenticatedData)
		}
		reply := message{ra: true, rcode: dns.RcodeServerFailure}
		switch {
		case kind == dns.TypeSOA && q.name == "":
			reply = message{ra: true, ad: true}
		case kind == dns.TypeDS && q.name == "open":
			reply = message{ra: true, ad: true, authority: []string{"open. 300 NSEC z. NS RRSIG NSEC"}}
		case kind == dns.TypeDS && q.name == "locked":
			reply = message{ra: true, ad: true, answer: []string{"locked. 300" + digest}}
		case kind == dns.TypeCNAME && q.name == "hidden.open":
			reply = message{ra: true, answer: []string{"hidden.open. 300 CNAME mail.locked."}}
		case kind == dns.TypeCAA && (q.name == "refused.open" || q.name == "below.mail.open"):
			reply = message{ra: true, rcode: map[bool]int{true: dns.RcodeRefused}[q.name == "refused.open"], authority: []string{"open. 300 SOA ns.open. h.open. 1 1 1 1 300"}}
		case kind == dns.TypeDS && q.name == "refused.open":
			t.Errorf("%v was asked, and what fails in our own house needs no proof", m.Question[0])
		}
		return reply.pack(t, q.wire)
	}
}

func TestFailuresAreProven(t *testing.T) {
	for _, test := range []struct {
		name string
		want map[string][]snapshot.ProofState // by the name of the Observation
	}{
		{"mail.open", map[string][]snapshot.ProofState{"mail.open": {snapshot.ProvenInsecure}}},
		{"hidden.open", map[string][]snapshot.ProofState{"hidden.open": {snapshot.ProvenInsecure, snapshot.NotProven}}},
		{"mail.locked", map[string][]snapshot.ProofState{"mail.locked": {snapshot.NotProven}}},
		{"below.mail.open", map[string][]snapshot.ProofState{"below.mail.open": {snapshot.ProvenInsecure}, "mail.open": {snapshot.ProvenInsecure}}},
		{"refused.open", map[string][]snapshot.ProofState{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: proving(t)}
			r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}})
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			steps, err := r.Trace(t.Context(), mustName(t, test.name))
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string][]snapshot.ProofState)
			for _, o := range steps {
				for _, p := range o.Proofs {
					got[o.Name.String()] = append(got[o.Name.String()], p.State)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s: proofs mismatch (-want +got)\n%s", test.name, diff)
			}
		})
	}
}

// TestNamesAreCountedWhileTheyAreProven: those who watch are told what is done.
func TestNamesAreCountedWhileTheyAreProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *Client
		var most atomic.Int64
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			most.Store(max(most.Load(), int64(r.Stats().Proving)))
			return proving(t)(w, q)
		}}
		r = w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		// It begins while the last names are waited for.
		found := look(t, r, "mail.open", "mail.locked")
		names := []domain.Name{found["mail.open"].Name, found["mail.locked"].Name}
		if err := r.Prove(t.Context(), slices.Values(names), nil); err != nil {
			t.Fatal(err)
		}
		if n := r.Stats().Proving; most.Load() != 2 || n != 0 {
			t.Errorf("at most %d names were being proven and %d are after the end, want 2 and 0", most.Load(), n)
		}
	})
}

// TestNobodyIsProvenByWhomNobodyBelieves: its AD could be forged.
func TestNobodyIsProvenByWhomNobodyBelieves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: proving(t)}
		r := w.client(Config{}) // a remote server
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		o := look(t, r, "mail.open")["mail.open"]
		err := r.Prove(t.Context(), slices.Values([]domain.Name{o.Name}), func([]snapshot.Observation) { t.Error("something is proven") })
		if kept, _ := r.Store().Find(o.Name); err != nil || len(kept.Proofs) > 0 {
			t.Errorf("%+v (%v), want no proof", kept, err)
		}
	})
}

// TestWhatAServerSaidWhileItWasIllIsNoExcuse: the failure was its own.
func TestWhatAServerSaidWhileItWasIllIsNoExcuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: proving(t)}
		r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		o := look(t, r, "mail.open")["mail.open"]
		before, after := o.Time.Add(-time.Second), o.Time.Add(time.Second)
		for _, test := range []struct {
			outages []outage
			proofs  int
		}{
			{[]outage{{before, after}}, 0},
			{[]outage{{from: before}}, 0},
			{[]outage{{before, o.Time}, {from: after}}, 1},
		} {
			r.upstreams[0].health.outages = test.outages
			if err := r.Prove(t.Context(), slices.Values([]domain.Name{o.Name}), nil); err != nil {
				t.Fatal(err)
			}
			if kept, _ := r.Store().Find(o.Name); len(kept.Proofs) != test.proofs {
				t.Errorf("%v: %d proofs, want %d", test.outages, len(kept.Proofs), test.proofs)
			}
		}
	})
}

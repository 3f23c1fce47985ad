package lookup

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// stops plays resolvers that validate, of which serverA answers as a plain one after a
// while. The names of bogus.example are bogus; no other name is signed.
func stops(start time.Time, after time.Duration) func(w *world, q asked) []byte {
	return func(w *world, q asked) []byte {
		time.Sleep(far)
		plain := q.server == serverA.String() && time.Since(start) > after
		if q.name == "bogus.example" && !plain && !q.cd() {
			return servfail(w, q)
		}
		m := message{ra: true, ad: q.name == "" && !plain, authority: []string{exampleSOA}}
		if q.name == "" {
			m.authority, m.answer = nil, []string{rootSOA}
		}
		return m.pack(w.t, q.wire)
	}
}

// TestAResolverThatStopsValidatingIsNotReliedOn: it is found out at the last probe, and what
// it has said without AD since its last good one is asked again of another that
// validates, or is not validated.
func TestAResolverThatStopsValidatingIsNotReliedOn(t *testing.T) {
	for _, servers := range [][]Server{{serverA, serverB}, {serverA}} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: stops(time.Now(), 100*time.Millisecond)}
			var events []Event
			r := w.client(Config{Servers: servers, TrustAD: true, Concurrency: 4, OnEvent: func(e Event) { events = append(events, e) }})
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			var list []domain.Name
			for _, name := range append(manyNames(200), "bogus.example") {
				list = append(list, mustName(t, name))
			}
			if err := r.Lookup(t.Context(), slices.Chunk(list, 50), nil); err != nil {
				t.Fatal(err)
			}
			alone := len(servers) == 1
			for _, name := range list {
				o, found := r.Store().Find(name)
				switch {
				case !found:
					t.Errorf("%v was not found", name)
				case alone && o.DNSSEC() != snapshot.Unknown:
					t.Errorf("%v: %+v, want it not validated", name, o)
				case !alone && o.Failure == "" && o.Server == serverA.String():
					t.Errorf("%v: %+v, want it asked again", name, o)
				case !alone && name.String() == "bogus.example" && o.Failure == "":
					t.Errorf("%v: %+v, want a failure", name, o)
				case !alone && name.String() != "bogus.example" && o.DNSSEC() != snapshot.Insecure:
					t.Errorf("%v: %+v, want it insecure", name, o)
				}
			}
			if got := kinds(events, serverA); !slices.Equal(got, []EventKind{Expelled}) {
				t.Errorf("events %v, want that it was expelled", got)
			}
			if s := r.Servers()[0]; s.Unvalidated > 0 != alone {
				t.Errorf("%+v, want unvalidated answers: %v", s, alone)
			}
		})
	}
}

// TestResolversAreProbedEveryTenMinutes, so that what has to be asked again is no more.
func TestResolversAreProbedEveryTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := &world{t: t, answer: stops(start, 25*time.Minute)}
		expelled := time.Duration(0)
		r := w.client(Config{Servers: []Server{serverA, serverB}, TrustAD: true, Rate: 1, OnEvent: func(e Event) {
			if e.Kind == Expelled {
				expelled = time.Since(start)
			}
		}})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		var list []domain.Name
		for _, name := range manyNames(2400) {
			list = append(list, mustName(t, name))
		}
		if err := r.Lookup(t.Context(), slices.Chunk(list, 50), nil); err != nil {
			t.Fatal(err)
		}
		if expelled < 29*time.Minute || expelled > 31*time.Minute {
			t.Errorf("it was expelled after %v, want about 30 min: at the third probe", expelled)
		}
		for _, name := range list {
			o, _ := r.Store().Find(name)
			if o.Failure != "" || o.DNSSEC() != snapshot.Insecure || o.Server == serverA.String() && o.Time.Sub(start) > 20*time.Minute+10*time.Second {
				t.Errorf("%v: %+v, want an insecure answer, of serverA only before its last good probe", name, o)
			}
		}
	})
}

// TestAGoodResolverIsProbedOnceMore at the end, and nothing is asked again.
func TestAGoodResolverIsProbedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: stops(time.Now(), time.Hour)}
		r := w.client(Config{Servers: []Server{serverB}, TrustAD: true})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := w.count("")
		look(t, r, manyNames(100)...)
		if probes := w.count("") - before; probes < 1 || probes > before {
			t.Errorf("%d queries for the root, want one probe of at most %d", probes, before)
		}
		if s := r.Stats(); s.Queries != 101 {
			t.Errorf("%+v, want 101 queries", s)
		}
	})
}

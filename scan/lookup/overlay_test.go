package lookup

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/caa"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

func overlay(t *testing.T, text string) *zone.Overlay {
	t.Helper()
	o, err := zone.ParseOverlay(strings.NewReader(text), "plan.zone")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// planText is published by nobody yet.
const planText = `$TTL 120
known.example.      CAA 0 issuemail "plan.example"
target.example.     CAA 0 issuemail "plan.example"
middle.example.     CAA 0 issuemail "plan.example"
behind.example.     CAA 0 issuemail "other-plan.example"
o\;dd.example.      CAA 0 issuemail "plan.example"
new.nosuch.         CAA 0 issuemail "plan.example"
`

// unplanned answers as the DNS is without the plan.
func unplanned(w *world, q asked) []byte {
	replies := map[string]message{
		"alias.example":  {ra: true, answer: []string{"alias.example. 60 CNAME target.example."}, rcode: dns.RcodeNameError, authority: []string{exampleSOA}},
		"whole.example":  {ra: true, answer: []string{"whole.example. 60 CNAME target.example.", `target.example. 30 CAA 0 issuemail ";"`}},
		"long.example":   {ra: true, answer: []string{"long.example. 60 CNAME a.example.", "a.example. 60 CNAME middle.example.", "middle.example. 60 CNAME behind.example.", "behind.example. 60 CNAME long.example."}},
		"step.example":   {ra: true, answer: []string{"step.example. 60 CNAME next.test."}},
		"next.test":      {ra: true, answer: []string{"next.test. 60 CNAME target.example."}},
		"todd.example":   {ra: true, answer: []string{`todd.example. 60 CNAME o\;dd.example.`}},
		"broken.example": {rcode: dns.RcodeServerFailure, answer: []string{"broken.example. 60 CNAME target.example."}},
	}
	if m, ok := replies[q.name]; ok {
		return m.pack(w.t, q.wire)
	}
	return nothing(w, q)
}

// TestAnOverlayAnswersBeforeTheDNS: for the name first, then for each name of its alias
// chain; the first owner that it knows is the answer, and nobody is asked for it.
func TestAnOverlayAnswersBeforeTheDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: unplanned}
		r := w.client(Config{Overlay: overlay(t, planText), TrustAD: true})
		var done []snapshot.Observation
		names := []string{
			"known.example", "x.known.example", "alias.example", "whole.example", "long.example", "step.example", "todd.example",
			"broken.example", "new.nosuch", "else.example",
		}
		if err := r.Lookup(t.Context(), batchesOf(t, names), func(batch []snapshot.Observation) { done = append(done, batch...) }); err != nil {
			t.Fatal(err)
		}
		checkPlanned(t, r.Store())
		if o, _ := r.Store().Find(mustName(t, "broken.example")); o.Failure != snapshot.ServFail || o.Transport != snapshot.UDP {
			t.Errorf("broken.example: %+v, want a failure: its alias is not known", o)
		}
		if o, _ := r.Store().Find(mustName(t, "else.example")); o.Transport != snapshot.UDP {
			t.Errorf("else.example: %+v, want the DNS's answer", o)
		}
		for _, planned := range []string{"known.example", "target.example", "middle.example", "behind.example", "new.nosuch", "nosuch", `o\;dd.example`} {
			if n := w.count(planned); n != 0 {
				t.Errorf("%s was asked for %d times", planned, n)
			}
		}
		for _, o := range done {
			if len(o.Aliases) == 0 && o.Transport == snapshot.Overlay {
				t.Errorf("%v was handed over: nobody was asked", o.Name)
			}
		}
		if stats := r.Stats(); stats.Done != len(names) || stats.Domains != len(names) {
			t.Errorf("%+v, want %d done", stats, len(names))
		}
	})
}

// checkPlanned holds what came of the plan to it.
func checkPlanned(t *testing.T, store *snapshot.Store) {
	t.Helper()
	for _, test := range []struct {
		name, owner string
		aliases     int
		ttl         uint32
	}{
		{"known.example", "known.example", 0, 120},
		{"alias.example", "target.example", 1, 60},
		{"whole.example", "target.example", 1, 60},
		{"long.example", "middle.example", 2, 60},
		{"step.example", "target.example", 2, 60},
		{"todd.example", `o\;dd.example`, 1, 60},
		{"new.nosuch", "new.nosuch", 0, 120},
	} {
		o, found := store.Find(mustName(t, test.name))
		value := ""
		if len(o.Records.Properties) == 1 {
			value = o.Records.Properties[0].Value()
		}
		if !found || o.Failure != "" || o.Records.Owner != test.owner || value != "plan.example" || len(o.Aliases) != test.aliases {
			t.Errorf("%s: %+v", test.name, o)
		}
		if o.Server != "overlay" || o.Transport != snapshot.Overlay || o.DNSSEC() != snapshot.Unknown || o.RCode != 0 {
			t.Errorf("%s: by %q over %s, %s, rcode %d: it is not told from an answer", test.name, o.Server, o.Transport, o.DNSSEC(), o.RCode)
		}
		if o.TTL != test.ttl || o.SetTTL() != 120 {
			t.Errorf("%s: TTL %d, of the set %d", test.name, o.TTL, o.SetTTL())
		}
	}
}

// TestAnOverlayBesideZones: names that are in no zone too.
func TestAnOverlayBesideZones(t *testing.T) {
	z, err := zone.Parse(strings.NewReader("$TTL 60\nexample. SOA a. b. 1 2 3 4 5\nout.example. CNAME name.elsewhere.\nlost.example. CNAME other.elsewhere.\n"), "test.zone")
	if err != nil {
		t.Fatal(err)
	}
	zones, err := zone.NewSet(z)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Zones: zones, Overlay: overlay(t, `name.elsewhere. CAA 0 issuemail "plan.example"`)})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		failure   snapshot.Failure
		transport snapshot.Transport
	}{
		"out.example":      {"", snapshot.Overlay},
		"name.elsewhere":   {"", snapshot.Overlay},
		"x.name.elsewhere": {snapshot.NotInZone, snapshot.Zone},
		"lost.example":     {snapshot.NotInZone, snapshot.Zone},
	} {
		steps, err := r.Trace(t.Context(), mustName(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if o := steps[len(steps)-1]; o.Failure != want.failure || o.Transport != want.transport {
			t.Errorf("%s: %+v, want %+v", name, o, want)
		}
	}
}

// TestRecallPutsAnswersAsTheyWouldHaveBeenWithTheOverlay: those of a run without it.
func TestRecallPutsAnswersAsTheyWouldHaveBeenWithTheOverlay(t *testing.T) {
	property, err := caa.NewProperty(0, "issuemail", "published.example")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 27, 22, 0, 0, 0, time.UTC)
	published := func(owner string) caa.RRset {
		return caa.RRset{Owner: owner, Properties: []caa.Property{property}}
	}
	answer := snapshot.Observation{TTL: 60, AD: true, Validated: true, Server: "127.0.0.1:53", Transport: snapshot.TCP, Time: at, Attempts: 3}
	planned := snapshot.Observation{TTL: 60, RecordsTTL: 120, Server: "overlay", Transport: snapshot.Overlay, Time: at, Attempts: 3}
	plan := overlay(t, planText)
	for _, test := range []struct {
		name      string
		change    func(o *snapshot.Observation)
		want      snapshot.Observation // but for its name
		wantOwner string               // of the plan's set; "" where it is not the plan's
	}{
		{name: "else.example", change: func(o *snapshot.Observation) { o.Records = published("else.example") }},
		{name: "unknown-alias.example", change: func(o *snapshot.Observation) { o.Aliases = []string{"a.test", "b.test"}; o.RCode = 3 }},
		{
			name: "known-first.example", wantOwner: "target.example",
			change: func(o *snapshot.Observation) {
				o.Aliases, o.Records = []string{"target.example"}, published("target.example")
			},
			want: changed(planned, func(o *snapshot.Observation) { o.Aliases = []string{"target.example"} }),
		},
		{
			name: "known-second.example", wantOwner: "middle.example", // behind.example is known too, and not reached
			change: func(o *snapshot.Observation) {
				o.Aliases, o.RCode = []string{"a.test", "middle.example", "behind.example"}, 3
			},
			want: changed(planned, func(o *snapshot.Observation) { o.Aliases = []string{"a.test", "middle.example"} }),
		},
		{
			name: "failed-behind.example", wantOwner: "target.example",
			change: func(o *snapshot.Observation) {
				o.Aliases, o.RCode, o.Failure, o.Asked = []string{"target.example", "b.test"}, 2, snapshot.ServFail, "b.test"
				o.EDE, o.Proofs = []snapshot.EDE{{Code: 22}}, []snapshot.Proof{{Name: "failed-behind.example", State: snapshot.NotProven}}
			},
			want: changed(planned, func(o *snapshot.Observation) { o.Aliases = []string{"target.example"} }),
		},
		{
			name:   "failed-before.example",
			change: func(o *snapshot.Observation) { o.RCode, o.Failure = 2, snapshot.ServFail },
		},
		{
			name: "longer.example", wantOwner: "target.example", // the plan's TTL is the lesser
			change: func(o *snapshot.Observation) { o.TTL, o.Aliases = 3600, []string{"target.example"} },
			want: changed(planned, func(o *snapshot.Observation) {
				o.TTL, o.RecordsTTL, o.Aliases = 120, 0, []string{"target.example"}
			}),
		},
	} {
		o := changed(answer, test.change)
		o.Name = mustName(t, test.name)
		want := o
		if test.wantOwner != "" {
			set, _ := plan.Find(test.wantOwner)
			want = test.want
			want.Name, want.Records = o.Name, set.RRset
		}
		var store snapshot.Store
		recall(&store, plan, o)
		got, found := store.Find(o.Name)
		if diff := cmp.Diff(want, got, sameEvidence); diff != "" || !found {
			t.Errorf("%s: mismatch (-want +got), found %v\n%s", test.name, found, diff)
		}
	}
}

func changed(o snapshot.Observation, change func(*snapshot.Observation)) snapshot.Observation {
	change(&o)
	return o
}

// TestAPlanHasTheLastWord over what was answered for the name itself.
func TestAPlanHasTheLastWord(t *testing.T) {
	var store snapshot.Store
	planned := overlay(t, planText)
	for _, failure := range []snapshot.Failure{"", snapshot.ServFail} {
		recall(&store, planned, snapshot.Observation{Name: mustName(t, "known.example"), Failure: failure, Transport: snapshot.UDP})
		plan(&store, planned)
		o, _ := store.Find(mustName(t, "known.example"))
		if o.Transport != snapshot.Overlay || o.Failure != "" || o.TTL != 120 || len(o.Records.Properties) != 1 || o.Records.Owner != "known.example" {
			t.Errorf("%+v, want the plan's", o)
		}
	}
	if want := 5; store.Len() != want { // one of the six can be reached through an alias only
		t.Errorf("%d names, want %d", store.Len(), want)
	}
}

// TestRecalledAndAskedAreTheSame: what the DNS says with the overlay, and what it has said
// without, make the same of a chain.
func TestRecalledAndAskedAreTheSame(t *testing.T) {
	names := []string{"alias.example", "whole.example", "long.example", "step.example", "todd.example", "broken.example", "else.example"}
	planned := overlay(t, planText)
	var recalled snapshot.Store
	synctest.Test(t, func(t *testing.T) {
		for _, o := range look(t, (&world{t: t, answer: unplanned}).client(Config{TrustAD: true}), names...) {
			recall(&recalled, planned, o)
		}
		plan(&recalled, planned)
	})
	synctest.Test(t, func(t *testing.T) {
		asked := look(t, (&world{t: t, answer: unplanned}).client(Config{TrustAD: true, Overlay: planned}), names...)
		for _, text := range names {
			got, _ := recalled.Find(mustName(t, text))
			want := asked[text]
			// The rest of a chain may have taken longer, and its TTLs count.
			want.Time, want.Attempts, want.TTL, want.RecordsTTL = got.Time, got.Attempts, got.TTL, got.RecordsTTL
			if diff := cmp.Diff(want, got, sameEvidence); diff != "" {
				t.Errorf("%s: mismatch (-asked +recalled)\n%s", text, diff)
			}
		}
	})
}

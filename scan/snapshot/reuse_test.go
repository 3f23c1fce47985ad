package snapshot_test

import (
	"testing"
	"time"

	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// TestReuse holds to SBR 4.2.2.1 and a bound of ours: with CAA records for max(TTL, 8 h) but at most
// 24 h, without for 8 h.
func TestReuse(t *testing.T) {
	const minute, hour, day = time.Minute, time.Hour, 24 * time.Hour
	set := caa.RRset{Owner: "a.example", Properties: []caa.Property{property(t, 0, "issue", ";")}}
	for _, test := range []struct {
		name    string
		records caa.RRset
		ttl     time.Duration
		age     time.Duration
		maxAge  time.Duration
		want    snapshot.Refusal
	}{
		{name: "a short TTL, within 8 h", records: set, ttl: minute, age: 8*hour - minute},
		{name: "a short TTL, at 8 h", records: set, ttl: minute, age: 8 * hour},
		{name: "a short TTL, behind 8 h", records: set, ttl: minute, age: 8*hour + minute, want: snapshot.RefusedAge},
		{name: "no TTL, within 8 h", records: set, age: 8*hour - minute},
		{name: "a TTL of half a day, within it", records: set, ttl: day / 2, age: 11 * hour},
		{name: "a TTL of half a day, behind it", records: set, ttl: day / 2, age: 13 * hour, want: snapshot.RefusedAge},
		{name: "a TTL of days, within one", records: set, ttl: 3 * day, age: 23 * hour},
		{name: "a TTL of days, behind one", records: set, ttl: 3 * day, age: 25 * hour, want: snapshot.RefusedAge},
		{name: "the greatest TTL, behind a day", records: set, ttl: (1<<32 - 1) * time.Second, age: 25 * hour, want: snapshot.RefusedAge},
		{name: "an empty answer, within 8 h", ttl: 2 * day, age: 8*hour - minute},
		{name: "an empty answer, behind 8 h", ttl: 2 * day, age: 8*hour + minute, want: snapshot.RefusedAge},
		{name: "an empty answer of now"},
		{name: "from the future", age: -time.Second, want: snapshot.RefusedFuture},
		{name: "from the future, with records", records: set, ttl: day, age: -hour, want: snapshot.RefusedFuture},

		{name: "empty, younger than --max-age", age: 20 * day, maxAge: 30 * day},
		{name: "with records, younger than --max-age", records: set, ttl: minute, age: 20 * day, maxAge: 30 * day},
		{name: "empty, older than --max-age", age: 2 * minute, maxAge: minute, want: snapshot.RefusedAge},
		{name: "with records, older than --max-age", records: set, ttl: day, age: 2 * minute, maxAge: minute, want: snapshot.RefusedAge},
		{name: "from the future, whatever --max-age", age: -time.Second, maxAge: 30 * day, want: snapshot.RefusedFuture},
	} {
		now := at(0)
		h := snapshot.Header{Resolvers: []snapshot.Asked{{Resolver: "127.0.0.1:53"}}}
		reuse := snapshot.Reuse{Run: h, Now: now, MaxAge: test.maxAge}
		o := snapshot.Observation{Name: name(t, "a.example"), Server: "127.0.0.1:53", Records: test.records, TTL: uint32(test.ttl / time.Second), Time: now.Add(-test.age)}
		if got := reuse.Refuse(&h, &o); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestWhatIsNeverUsedAgain(t *testing.T) {
	reuse := snapshot.Reuse{Now: at(0), MaxAge: time.Hour}
	for _, failure := range snapshot.Failures() {
		o := snapshot.Observation{Name: name(t, "a.example"), Time: at(0), Failure: failure}
		if got := reuse.Refuse(&snapshot.Header{}, &o); got != snapshot.RefusedFailure {
			t.Errorf("%s: %q, want it refused", failure, got)
		}
	}
	o := snapshot.Observation{Name: name(t, "a.example"), Server: "corp.zone", Transport: snapshot.Zone}
	if got := reuse.Refuse(&snapshot.Header{}, &o); got != snapshot.RefusedUndated {
		t.Errorf("without a time: %q, want it refused", got)
	}
}

// TestOtherValidationIsNotUsedAgain: each thing that says what an AD bit is worth counts,
// in both directions, and nothing else does.
func TestOtherValidationIsNotUsedAgain(t *testing.T) {
	base := snapshot.Header{Resolvers: []snapshot.Asked{{Resolver: "127.0.0.1:53", Validates: true, Believed: true, EDNS: true}}}
	for _, test := range []struct {
		name   string
		change func(h *snapshot.Header)
		want   snapshot.Refusal
	}{
		{"nothing", func(*snapshot.Header) {}, ""},
		{"a resolver that does not validate", func(h *snapshot.Header) { h.Resolvers[0].Validates, h.Resolvers[0].Believed = false, false }, snapshot.RefusedValidation},
		{"one that is not believed", func(h *snapshot.Header) { h.Resolvers[0].Believed = false }, snapshot.RefusedValidation},
		{"--trust-ad", func(h *snapshot.Header) { h.Flags.TrustAD = true }, snapshot.RefusedValidation},
		{"--allow-mixed", func(h *snapshot.Header) { h.Flags.AllowMixed = true }, snapshot.RefusedValidation},
		{"--probe-bogus", func(h *snapshot.Header) { h.Flags.ProbeBogus = "bogus.example" }, snapshot.RefusedValidation},
		{"zone files", func(h *snapshot.Header) { h.Resolvers, h.Zones = nil, []string{"corp.zone"} }, snapshot.RefusedValidation},
		{"another resolver", func(h *snapshot.Header) { h.Resolvers[0].Resolver = "192.0.2.1:53" }, ""},
		{"no resolver", func(h *snapshot.Header) { h.Resolvers = nil }, snapshot.RefusedValidation},
		{"one more", func(h *snapshot.Header) { h.Resolvers = append(h.Resolvers, snapshot.Asked{Resolver: "192.0.2.1:53"}) }, ""},
		{"another program", func(h *snapshot.Header) { h.Program, h.Started, h.Notes = "9", at(9), []string{"note"} }, ""},
		{"other times and overlays", func(h *snapshot.Header) { h.Flags.Timeout, h.Flags.Attempts, h.Flags.Overlays = "1s", 9, []string{"x"} }, ""},
	} {
		changed := base
		changed.Resolvers = append([]snapshot.Asked(nil), base.Resolvers...)
		test.change(&changed)
		for _, pair := range [][2]snapshot.Header{{base, changed}, {changed, base}} {
			reuse := snapshot.Reuse{Run: pair[0], Now: at(0)}
			o := snapshot.Observation{Name: name(t, "a.example"), Time: at(0)}
			if asked := pair[1].Resolvers; len(asked) > 0 {
				o.Server, o.Validated = asked[0].Resolver, asked[0].Believed
			}
			if got := reuse.Refuse(&pair[1], &o); got != test.want {
				t.Errorf("%s: %q, want %q", test.name, got, test.want)
			}
		}
	}
}

// TestTheAnswersResolverCounts, and not what others of its run are worth.
func TestTheAnswersResolverCounts(t *testing.T) {
	believed := snapshot.Asked{Resolver: "127.0.0.1:53", Validates: true, Believed: true}
	doubted := snapshot.Asked{Resolver: "192.0.2.1:53", Validates: true}
	plain := snapshot.Asked{Resolver: "192.0.2.2:53"}
	for _, test := range []struct {
		name      string
		earlier   []snapshot.Asked
		by        snapshot.Asked
		validated bool
		now       []snapshot.Asked
		want      snapshot.Refusal
	}{
		{"a plain one beside a validator, which is alone now", []snapshot.Asked{believed, plain}, plain, false, []snapshot.Asked{believed}, snapshot.RefusedValidation},
		{"the validator of both", []snapshot.Asked{believed, plain}, believed, true, []snapshot.Asked{believed}, ""},
		{"the validator, at the end of a chain that a plain one began", []snapshot.Asked{believed, plain}, believed, false, []snapshot.Asked{believed}, snapshot.RefusedValidation},
		{"both are asked again", []snapshot.Asked{believed, plain}, plain, false, []snapshot.Asked{plain, believed}, ""},
		{"the chain, and both are asked again", []snapshot.Asked{believed, plain}, believed, false, []snapshot.Asked{plain, believed}, ""},
		{"a validator that could be forged", []snapshot.Asked{believed, doubted}, doubted, false, []snapshot.Asked{believed}, snapshot.RefusedValidation},
		{"a validator where a plain one is asked now", []snapshot.Asked{believed}, believed, true, []snapshot.Asked{plain}, snapshot.RefusedValidation},
		{"one that the run did not ask", []snapshot.Asked{believed}, plain, false, []snapshot.Asked{believed, plain}, snapshot.RefusedValidation},
	} {
		mixed := snapshot.Flags{AllowMixed: true}
		reuse := snapshot.Reuse{Run: snapshot.Header{Resolvers: test.now, Flags: mixed}, Now: at(0)}
		o := snapshot.Observation{Name: name(t, "a.example"), Time: at(0), Server: test.by.Resolver, Validated: test.validated}
		if got := reuse.Refuse(&snapshot.Header{Resolvers: test.earlier, Flags: mixed}, &o); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestTheArbiter: what a resolver that does not validate says never takes the place of a
// failure of one that does.
func TestTheArbiter(t *testing.T) {
	h := snapshot.Header{Resolvers: []snapshot.Asked{{Resolver: "127.0.0.1:53", Validates: true}, {Resolver: "192.0.2.2:53"}}}
	line := func(asked string, failure snapshot.Failure, server string) snapshot.Observation {
		return snapshot.Observation{Name: name(t, asked), Failure: failure, Server: server}
	}
	const validator, plain, other = "127.0.0.1:53", "192.0.2.2:53", "192.0.2.9:53"
	var arbiter snapshot.Arbiter
	for i, test := range []struct {
		o    snapshot.Observation
		want bool
	}{
		{line("a.example", "", plain), true},
		{line("a.example", snapshot.ServFail, validator), true},
		{line("a.example", "", plain), false},
		{line("a.example", "", other), false}, // nobody knows what it is worth
		{line("b.example", "", plain), true},  // another name
		{line("a.example", snapshot.Timeout, validator), true},
		{line("a.example", "", plain), false}, // that it was silent later takes nothing back
		{line("a.example", snapshot.ServFail, plain), true},
		{line("a.example", "", validator), true},
		{line("a.example", "", plain), true}, // it has answered
	} {
		if got := arbiter.Takes(&h, &test.o); got != test.want {
			t.Errorf("line %d: %v, want %v", i, got, test.want)
		}
	}
}

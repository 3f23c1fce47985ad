package snapshot_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// The resolvers of the unions: one that validates and is believed, one that validates but
// could be forged on the way, and one that does not validate.
const (
	believedServer = "127.0.0.1:53"
	distantServer  = "192.0.2.1:53"
	plainServer    = "192.0.2.2:53"
)

// said is an answer for the name of a union: when it came, in hours, who gave it, and what.
// Of a resolver that is believed it is validated.
type said struct {
	hour   int
	server string
	what   string // "-" for no records, a failure, or the issuer domain name of an issuemail record
	ad     bool
}

func (s said) String() string { return fmt.Sprintf("%s at %d", s.what, s.hour) }

func (s said) observation(t *testing.T) snapshot.Observation {
	t.Helper()
	o := snapshot.Observation{Name: name(t, "a.example"), Server: s.server, Time: at(3600 * s.hour), AD: s.ad, Transport: snapshot.UDP, Attempts: 1}
	o.Validated = s.server == believedServer
	switch {
	case slices.Contains(snapshot.Failures(), snapshot.Failure(s.what)):
		o.Failure, o.Validated, o.AD = snapshot.Failure(s.what), false, false
		if o.Failure == snapshot.ServFail || o.Failure == snapshot.DNSSECBogus {
			o.RCode = 2
		}
	case s.what != "-":
		p, err := caa.NewProperty(0, caa.TagIssuemail, s.what)
		if err != nil {
			t.Fatal(err)
		}
		o.Records = caa.RRset{Owner: o.Name.String(), Properties: []caa.Property{p}}
	}
	return o
}

// whatIs is the inverse of observation.
func whatIs(o snapshot.Observation) string {
	what := string(o.Failure)
	for _, p := range o.Records.Properties {
		what += p.Value()
	}
	if what == "" {
		what = "-"
	}
	return fmt.Sprintf("%s at %d", what, int(o.Time.Sub(at(0))/time.Hour))
}

// one is a snapshot of these answers, of one run that asked all three resolvers.
func one(t *testing.T, answers ...said) iter.Seq2[*snapshot.Header, snapshot.Observation] {
	h := &snapshot.Header{Resolvers: []snapshot.Asked{
		{Resolver: believedServer, Validates: true, Believed: true}, {Resolver: distantServer, Validates: true}, {Resolver: plainServer},
	}}
	return func(yield func(*snapshot.Header, snapshot.Observation) bool) {
		for _, s := range answers {
			if !yield(h, s.observation(t)) {
				return
			}
		}
	}
}

// TestWhichAnswerOfAUnionCounts, in whatever order the snapshots are given. What is behind
// "or" is kept beside it.
func TestWhichAnswerOfAUnionCounts(t *testing.T) {
	const validated, distant, plain = believedServer, distantServer, plainServer
	for _, test := range []struct {
		sentence string
		parts    [][]said
		want     string
	}{
		{"a validated answer before one that is not, though that is later", [][]said{{{1, validated, "-", false}}, {{2, plain, "x.example", false}}}, "- at 1"},
		{"a validated answer before a failure, though that is later", [][]said{{{1, validated, "-", false}}, {{2, validated, "timeout", false}}}, "- at 1"},
		{"an answer that nobody validated before a failure of one who does not either", [][]said{{{1, plain, "x.example", false}}, {{2, plain, "timeout", false}}}, "x.example at 1"},
		{"the later one of two that are validated and alike", [][]said{{{1, validated, "x.example", true}}, {{2, validated, "x.example", false}}}, "x.example at 2"},
		{"the later one of two that nobody validated", [][]said{{{1, plain, ";", false}}, {{2, plain, "-", false}}}, "- at 2"},
		{"the later one of two failures", [][]said{{{1, validated, "servfail", false}}, {{2, plain, "network", false}}}, "network at 2"},
		{"validated answers that differ are both kept", [][]said{{{1, validated, ";", false}}, {{2, validated, "-", false}}}, "- at 2 or ; at 1"},
		{"each of three", [][]said{{{1, validated, ";", false}}, {{2, validated, "-", false}}, {{3, validated, "x.example", false}}}, "x.example at 3 or - at 2 or ; at 1"},
		{"and each content once", [][]said{{{1, validated, ";", false}}, {{2, validated, "-", false}}, {{3, validated, ";", false}}}, "; at 3 or - at 2"},

		// RFC 4035, section 5.5: what a validator refuses may be bogus.
		{"no plain answer in place of a validator's SERVFAIL", [][]said{{{1, validated, "servfail", false}}, {{2, plain, "-", false}}}, "servfail at 1"},
		{"nor of its silence", [][]said{{{1, validated, "timeout", false}}, {{2, plain, "-", false}}}, "timeout at 1"},
		{"the last failure is told", [][]said{{{1, validated, "servfail", false}}, {{2, plain, "-", false}}, {{3, plain, "network", false}}}, "network at 3"},
		{"a validated answer in place of both", [][]said{{{1, validated, "servfail", false}}, {{2, plain, "-", false}}, {{3, validated, "x.example", false}}}, "x.example at 3"},
		{"an answer of a validator that could be forged, after silence", [][]said{{{1, validated, "timeout", false}}, {{2, distant, "x.example", false}}}, "x.example at 2"},
		{"but not after SERVFAIL", [][]said{{{1, validated, "servfail", false}}, {{2, distant, "-", false}}}, "servfail at 1"},
		{"unless it has the AD bit", [][]said{{{1, validated, "servfail", false}}, {{2, distant, "x.example", true}}}, "x.example at 2"},
		{"within one snapshot SERVFAIL is remembered through silence", [][]said{{{1, validated, "servfail", false}, {2, validated, "timeout", false}}, {{3, distant, "-", false}}}, "timeout at 2"},

		// SBR 4.2.2.1: a validation error must not be taken for permission.
		{"a validation error after a validated answer is kept beside it", [][]said{{{1, validated, "-", false}}, {{2, validated, "dnssec-bogus", false}}}, "- at 1 or dnssec-bogus at 2"},
		{"but not one that was repaired", [][]said{{{2, validated, "-", false}}, {{1, validated, "dnssec-bogus", false}}}, "- at 2"},
		{"nor what a resolver that does not validate calls so", [][]said{{{1, validated, "-", false}}, {{2, plain, "dnssec-bogus", false}}}, "- at 1"},
		{"it is kept although the next try met silence", [][]said{{{1, validated, "-", false}}, {{2, validated, "dnssec-bogus", false}, {3, validated, "timeout", false}}}, "- at 1 or dnssec-bogus at 2"},

		// Within one snapshot the last line counts.
		{"the last line of each", [][]said{{{1, validated, "-", false}, {2, validated, "x.example", false}}, {{1, validated, "timeout", false}}}, "x.example at 2"},
		{"an answer that failed later in its own run does not count", [][]said{{{1, validated, "-", false}, {3, validated, "timeout", false}}, {{2, validated, "x.example", false}}}, "x.example at 2"},
	} {
		for order := range permutations(len(test.parts)) {
			var u snapshot.Union
			for _, i := range order {
				u.Add(one(t, test.parts[i]...))
			}
			store := u.Store()
			chosen, _ := store.Find(name(t, "a.example"))
			got := []string{whatIs(chosen)}
			var others []string
			for _, o := range store.Others(chosen.Name) {
				others = append(others, whatIs(o))
			}
			slices.Sort(others)
			_, kept, _ := strings.Cut(test.want, " or ")
			want := strings.Split(kept, " or ")
			slices.Sort(want)
			if got[0] != strings.Split(test.want, " or ")[0] || strings.Join(others, " or ") != strings.Join(want, " or ") {
				t.Errorf("%s, in the order %v: %s, beside it %q, want %s", test.sentence, order, got[0], others, test.want)
			}
		}
	}
}

// permutations yields every order of 0 to n-1.
func permutations(n int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		var all func(chosen []int) bool
		all = func(chosen []int) bool {
			if len(chosen) == n {
				return yield(chosen)
			}
			for i := range n {
				if !slices.Contains(chosen, i) && !all(append(slices.Clone(chosen), i)) {
					return false
				}
			}
			return true
		}
		all(nil)
	}
}

// TestAUnionNamesWhatDiffersAndNobodyValidated, once, and not where somebody has.
func TestAUnionNamesWhatDiffersAndNobodyValidated(t *testing.T) {
	var u snapshot.Union
	for _, what := range []string{";", "-", "-", ";"} {
		u.Add(one(t, said{1, plainServer, what, false}))
	}
	if u.Store(); len(u.Differ()) != 1 || u.Differ()[0] != name(t, "a.example") {
		t.Errorf("%v differ, want a.example", u.Differ())
	}
	var v snapshot.Union
	for _, what := range []string{";", "-"} {
		v.Add(one(t, said{1, plainServer, what, false}))
	}
	v.Add(one(t, said{1, believedServer, "-", false}))
	if v.Store(); len(v.Differ()) != 0 {
		t.Errorf("%v differ, want none: one is validated", v.Differ())
	}
}

// TestAUnionNamesWhatAPlainAnswerHasOvertaken, if that has other records.
func TestAUnionNamesWhatAPlainAnswerHasOvertaken(t *testing.T) {
	for _, test := range []struct {
		plain said
		want  int
	}{
		{said{2, plainServer, ";", false}, 1}, {said{0, plainServer, ";", false}, 0}, {said{2, plainServer, "-", false}, 0}, {said{2, plainServer, "timeout", false}, 0},
	} {
		for order := range permutations(2) {
			parts := [...]said{test.plain, {1, believedServer, "-", false}}
			var u snapshot.Union
			for _, i := range order {
				u.Add(one(t, parts[i]))
			}
			o, _ := u.Store().Find(name(t, "a.example"))
			if got := len(u.Overtaken()); got != test.want || whatIs(o) != "- at 1" {
				t.Errorf("%s beside a validated one at 1, in the order %v: %d overtaken, want %d; %s counts", test.plain, order, got, test.want, whatIs(o))
			}
		}
	}
}

// TestAResolverThatOnceDidNotValidateIsNone: two runs say otherwise of one address.
func TestAResolverThatOnceDidNotValidateIsNone(t *testing.T) {
	for order := range permutations(3) {
		parts := []iter.Seq2[*snapshot.Header, snapshot.Observation]{
			one(t, said{1, believedServer, "timeout", false}),
			one(t, said{2, distantServer, "-", false}),
			func(yield func(*snapshot.Header, snapshot.Observation) bool) {
				o := said{0, plainServer, "-", false}.observation(t)
				o.Name = name(t, "b.example")
				yield(&snapshot.Header{Resolvers: []snapshot.Asked{{Resolver: distantServer}}}, o)
			},
		}
		var u snapshot.Union
		for _, i := range order {
			u.Add(parts[i])
		}
		if o, _ := u.Store().Find(name(t, "a.example")); o.Failure != snapshot.Timeout {
			t.Errorf("in the order %v: %s, want the timeout of the validator", order, whatIs(o))
		}
	}
}

package lookup

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

const permits = ` 60 CAA 0 issuemail "ca.example"`

// cd reports whether a query waives validation.
func (q asked) cd() bool { return q.wire[3]&flagCD != 0 }

func servfail(w *world, q asked) []byte {
	return message{ra: true, rcode: dns.RcodeServerFailure}.pack(w.t, q.wire)
}

// validated is a set, with AD.
func validated(w *world, q asked) []byte {
	return message{ra: true, ad: true, answer: []string{q.name + "." + permits}}.pack(w.t, q.wire)
}

func set(w *world, q asked) []byte {
	return message{ra: true, answer: []string{q.name + "." + permits}}.pack(w.t, q.wire)
}

// asksOf returns how the queries for a name were put, in order: "-" for one with
// CD clear, "cd" for one with CD set.
func (w *world) asksOf(name string) []string {
	var asks []string
	for _, q := range w.queries {
		switch {
		case q.name != name:
		case q.cd():
			asks = append(asks, "cd")
		default:
			asks = append(asks, "-")
		}
	}
	return asks
}

// TestTheFinalPassAsksWhatFailedOnceMore, late enough for a resolver to have forgotten
// (RFC 9520).
func TestTheFinalPassAsksWhatFailedOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := &world{t: t}
		w.answer = func(w *world, q asked) []byte {
			if q.name == "example" {
				return nothing(w, q)
			}
			if w.count(q.name) <= 2 { // an rcode that says nothing against the server
				return message{ra: true, rcode: dns.RcodeYXDomain}.pack(w.t, q.wire)
			}
			if since := time.Since(start); since < 30*time.Second {
				t.Errorf("%s was asked again after %v, want 30 s", q.name, since)
			}
			time.Sleep(100 * time.Millisecond)
			return set(w, q)
		}
		r := w.client(Config{FinalPassAfter: 30 * time.Second, Concurrency: 20})
		var names []string
		for i := range 10 {
			names = append(names, fmt.Sprintf("m%d.example", i))
		}
		for name, o := range look(t, r, names...) {
			if name != "example" && (o.Failure != "" || len(o.Records.Properties) != 1) {
				t.Errorf("%s: %+v, want the set that came in the final pass", name, o)
			}
		}
		if stats := r.Stats(); stats.Recovered != 10 || stats.Done != 10 || stats.Names != 10 {
			t.Errorf("stats %+v, want 10 recovered, done and asked", stats)
		}
	})
}

// TestAClimbGoesOnFromTheFinalPass: what recovers may be empty, and then the parent
// decides; its failure has a final pass of its own.
func TestAClimbGoesOnFromTheFinalPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			if w.count(q.name) <= 2 {
				return servfail(w, q)
			}
			if q.name == "corp.example" {
				return set(w, q)
			}
			return nothing(w, q)
		}}
		r := w.client(Config{FinalPassAfter: time.Second})
		steps, err := r.Trace(t.Context(), mustName(t, "mail.corp.example"))
		if err != nil || len(steps) != 2 || len(steps[1].Records.Properties) != 1 {
			t.Errorf("steps %+v (%v), want an empty answer and the set of corp.example", steps, err)
		}
	})
}

func TestWhatCannotGetBetterHasNoFinalPass(t *testing.T) {
	for _, m := range []message{
		{ra: true, rcode: dns.RcodeServerFailure, ede: []snapshot.EDE{{Code: 6}}},
		{ra: true, rcode: dns.RcodeNameError, ede: []snapshot.EDE{{Code: 15}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte { return m.pack(t, q.wire) }}
			if look(t, w.client(Config{}), "mail.example"); len(w.queries) != 1 {
				t.Errorf("%+v: %d queries, want 1", m, len(w.queries))
			}
		})
	}
}

// TestSERVFAILWithoutWordsIsTriedWithCD (RFC 4035, section 3.2.2): bogus only if the
// answer is there when validation is waived, and then still is not when it is not.
func TestSERVFAILWithoutWordsIsTriedWithCD(t *testing.T) {
	expired := message{ra: true, rcode: dns.RcodeServerFailure, ede: []snapshot.EDE{{Code: 7}}}
	for _, test := range []struct {
		name    string
		clear   []func(w *world, q asked) []byte // to the queries with CD clear, the last again and again
		cd      func(w *world, q asked) []byte
		asks    []string
		failure snapshot.Failure
		found   bool
	}{
		{
			"bogus",
			[]func(*world, asked) []byte{servfail},
			set,
			[]string{"-", "-", "-", "-", "cd", "-"},
			snapshot.DNSSECBogus, false,
		},
		{
			"the server fails with CD too",
			[]func(*world, asked) []byte{servfail},
			servfail,
			[]string{"-", "-", "-", "-", "cd"},
			snapshot.ServFail, false,
		},
		{
			"it comes back in the end",
			[]func(*world, asked) []byte{servfail, servfail, servfail, servfail, validated},
			nothing,
			[]string{"-", "-", "-", "-", "cd", "-"},
			"", true,
		},
		{
			"what CD brings is not an answer",
			[]func(*world, asked) []byte{
				servfail, servfail, servfail, servfail,
				func(w *world, q asked) []byte {
					return message{ra: true, ad: true, authority: []string{exampleSOA}}.pack(w.t, q.wire)
				},
			},
			set,
			[]string{"-", "-", "-", "-", "cd", "-"},
			"", false,
		},
		{
			"nor is it where a cache gives it to queries with CD clear", // CVE-2024-0874
			[]func(*world, asked) []byte{servfail, servfail, servfail, servfail, set},
			set,
			[]string{"-", "-", "-", "-", "cd", "-"},
			snapshot.ServFail, false,
		},
		{
			"a farm of which another node does not validate",
			[]func(*world, asked) []byte{servfail, set},
			set,
			[]string{"-", "-", "-"}, // the last in the final pass
			snapshot.ServFail, false,
		},
		{
			"the words of a reply to a query with CD are not read",
			[]func(*world, asked) []byte{servfail},
			func(w *world, q asked) []byte {
				return message{ra: true, ede: []snapshot.EDE{{Code: 6}, {Code: 15}}, answer: []string{q.name + "." + permits}}.pack(w.t, q.wire)
			},
			[]string{"-", "-", "-", "-", "cd", "-"},
			snapshot.DNSSECBogus, false,
		},
		{
			"words in the end",
			[]func(*world, asked) []byte{
				servfail, servfail, servfail, servfail,
				func(w *world, q asked) []byte { return expired.pack(w.t, q.wire) },
			},
			set,
			[]string{"-", "-", "-", "-", "cd", "-"},
			snapshot.DNSSECBogus, false,
		},
		{
			"words at once",
			[]func(*world, asked) []byte{func(w *world, q asked) []byte { return expired.pack(w.t, q.wire) }},
			set,
			[]string{"-"},
			snapshot.DNSSECBogus, false,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t}
			w.answer = func(w *world, q asked) []byte {
				switch {
				case q.name == "":
					return message{ra: true, ad: true}.pack(w.t, q.wire)
				case q.name != "mail.example":
					return nothing(w, q)
				case q.cd():
					return test.cd(w, q)
				}
				clear := 0
				for _, ask := range w.asksOf(q.name) {
					if ask == "-" {
						clear++
					}
				}
				return test.clear[min(clear, len(test.clear))-1](w, q)
			}
			r := w.client(Config{})
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			o := look(t, r, "mail.example")["mail.example"]
			if o.Failure != test.failure || (len(o.Records.Properties) > 0) != test.found {
				t.Errorf("%s: %+v, want failure %q, set %v", test.name, o, test.failure, test.found)
			}
			if diff := cmp.Diff(test.asks, w.asksOf("mail.example")); diff != "" {
				t.Errorf("%s: queries mismatch (-want +got)\n%s", test.name, diff)
			}
		})
	}
}

// validating plays a resolver that validates at serverA, and a plain one elsewhere.
func validating(w *world, q asked) []byte {
	validates := strings.HasPrefix(q.server, "192.0.2.1:")
	switch {
	case q.name == "bogus.example" && validates && !q.cd():
		return servfail(w, q)
	case strings.HasSuffix(q.name, "bogus.example"):
		return set(w, q)
	}
	return message{ra: true, ad: validates, authority: []string{exampleSOA}}.pack(w.t, q.wire)
}

// TestAPlainAnswerNeverReplacesAValidatorsSERVFAIL, where those who insist ask both.
func TestAPlainAnswerNeverReplacesAValidatorsSERVFAIL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, answer: validating}
		r := w.client(Config{Servers: []Server{serverA, serverB}, AllowMixed: true})
		if leftOut, err := r.Probe(t.Context()); err != nil || len(leftOut) > 0 {
			t.Fatalf("left out %v (%v), want nobody", leftOut, err)
		}
		if o := look(t, r, "bogus.example")["bogus.example"]; o.Failure != snapshot.DNSSECBogus {
			t.Errorf("bogus.example: %+v, want dnssec-bogus", o)
		}
		for _, q := range w.queries {
			if q.name == "bogus.example" && q.server == serverB.String() {
				t.Error("the plain server was asked what the validating one had refused")
			}
		}
	})
}

// TestAPlainAnswerNeverReplacesWhatAValidatorSaidOfSERVFAIL: an Extended DNS Error gives it
// another reason, and it is SERVFAIL all the same.
func TestAPlainAnswerNeverReplacesWhatAValidatorSaidOfSERVFAIL(t *testing.T) {
	for code, want := range map[uint16]snapshot.Failure{
		0: snapshot.ServFail, 3: snapshot.Stale, 6: snapshot.DNSSECBogus, 13: snapshot.ServFail, 18: snapshot.Filtered,
		22: snapshot.NoAuthority, 23: snapshot.NoAuthority,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				validates := q.server == serverA.String()
				if q.name == "broken.example" && validates {
					return message{ra: true, rcode: dns.RcodeServerFailure, ede: []snapshot.EDE{{Code: code}}}.pack(w.t, q.wire)
				}
				return message{ra: true, ad: validates, authority: []string{exampleSOA}}.pack(w.t, q.wire)
			}}
			r := w.client(Config{Servers: []Server{serverA, serverB}, AllowMixed: true})
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if o := look(t, r, "broken.example")["broken.example"]; o.Failure != want || o.Server != serverA.String() {
				t.Errorf("EDE %d: %+v, want %s from %v", code, o, want, serverA)
			}
		})
	}
}

// TestAPlainAnswerNeverReplacesWhatAnEarlierRunWasRefused, also where the validator is gone.
func TestAPlainAnswerNeverReplacesWhatAnEarlierRunWasRefused(t *testing.T) {
	for _, gone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if q.server == serverA.String() && gone && time.Since(start) > time.Second {
					return nil
				}
				time.Sleep(10 * time.Millisecond)
				return validating(w, q)
			}}
			r := w.client(Config{Servers: []Server{serverB, serverA}, AllowMixed: true, Concurrency: 10})
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.noteRefused(&snapshot.Observation{Name: mustName(t, "bogus.example"), Failure: snapshot.Timeout})
			names := []string{"bogus.example"}
			if gone { // asked last, when nobody is left who may answer
				names = append(manyNames(5000), names...)
			}
			o := look(t, r, names...)["bogus.example"]
			if o.Failure == "" || !gone && o.Failure != snapshot.DNSSECBogus {
				t.Errorf("validator gone %v: %+v, want a failure, and dnssec-bogus from who is there", gone, o)
			}
			for _, q := range w.queries {
				if q.name == "bogus.example" && q.server == serverB.String() {
					t.Errorf("validator gone %v: the plain server was asked", gone)
				}
			}
		})
	}
}

// TestAValidatorHasToFailTheBogusName where one was named.
func TestAValidatorHasToFailTheBogusName(t *testing.T) {
	for name, validates := range map[string]bool{"bogus.example": true, "notbogus.example": false, "plain.example": false} {
		synctest.Test(t, func(t *testing.T) {
			r := (&world{t: t, answer: validating}).client(Config{ProbeBogus: mustName(t, name)})
			if _, err := r.Probe(t.Context()); err != nil || r.Servers()[0].Validates != validates {
				t.Errorf("%s: %+v (%v), want validates %v", name, r.Servers(), err, validates)
			}
		})
	}
}

// TestAServerHasToPassCAAOn where a name that has records was named: over TCP and without
// EDNS too. One whose records are of another class, or stand in another section, has none.
func TestAServerHasToPassCAAOn(t *testing.T) {
	const record = `with.example. 300 IN CAA 0 issue "ca.example"`
	for _, test := range []struct {
		name   string
		reply  message
		usable bool
	}{
		{"records", message{ra: true, answer: []string{record}}, true},
		{"records behind an alias", message{ra: true, answer: []string{"with.example. 300 IN CNAME x.example.", `x.example. 300 IN CAA 0 iodef "x"`}}, true},
		{"nothing", message{ra: true, authority: []string{exampleSOA}}, false},
		{"another type", message{ra: true, answer: []string{"with.example. 300 IN A 192.0.2.1"}}, false},
		{"another class", message{ra: true, answer: []string{`with.example. 300 CH CAA 0 issue "ca.example"`}}, false},
		{"another section", message{ra: true, authority: []string{record}}, false},
		{"NXDOMAIN", message{ra: true, rcode: dns.RcodeNameError, answer: []string{record}}, false},
		{"NOTIMP", message{ra: true, rcode: dns.RcodeNotImplemented}, false},
	} {
		for _, edns := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, answer: func(w *world, q asked) []byte {
					switch {
					case q.edns && !edns:
						return message{ra: true, rcode: dns.RcodeFormatError}.pack(w.t, q.wire)
					case q.name == "with.example":
						return test.reply.pack(w.t, q.wire)
					}
					return validating(w, q)
				}}
				r := w.client(Config{ProbeCAA: mustName(t, "with.example")})
				leftOut, err := r.Probe(t.Context())
				if usable := err == nil && len(leftOut) == 0; usable != test.usable || err != nil && !errors.Is(err, ErrNoServer) {
					t.Errorf("%s, EDNS %v: left out %v (%v), want usable %v", test.name, edns, leftOut, err, test.usable)
				}
			})
		}
	}
}

// TestADCountsWhereItIsBelieved: over a network it could be forged.
func TestADCountsWhereItIsBelieved(t *testing.T) {
	for _, test := range []struct {
		name      string
		cfg       Config
		ad        bool // of the answers; the probe always has it
		validated bool
		want      snapshot.DNSSEC
	}{
		{"remote", Config{Servers: []Server{serverA}}, true, false, snapshot.Unknown},
		{"remote, with --trust-ad", Config{Servers: []Server{serverA}, TrustAD: true}, true, true, snapshot.Secure},
		{"loopback", Config{Servers: []Server{mustServer("127.0.0.1:53")}}, true, true, snapshot.Secure},
		{"loopback, IPv6", Config{Servers: []Server{mustServer("[::1]:53")}}, true, true, snapshot.Secure},
		{"AD clear", Config{Servers: []Server{mustServer("127.0.0.1:53")}}, false, true, snapshot.Insecure},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				return message{ra: true, ad: test.ad || q.name == "", authority: []string{exampleSOA}}.pack(w.t, q.wire)
			}}
			r := w.client(test.cfg)
			if _, err := r.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			o := look(t, r, "mail.example")["mail.example"]
			if o.Validated != test.validated || o.DNSSEC() != test.want {
				t.Errorf("%s: validated %v, %s, want %v, %s", test.name, o.Validated, o.DNSSEC(), test.validated, test.want)
			}
		})
	}
}

// TestAServerWithoutEDNSIsMarked: it is asked plainly from the start, and neither its
// AD nor its words count.
func TestAServerWithoutEDNSIsMarked(t *testing.T) {
	for _, refusal := range []func(q asked) []byte{
		func(q asked) []byte { return message{rcode: dns.RcodeFormatError}.pack(t, q.wire) },
		func(q asked) []byte { return message{rcode: dns.RcodeNotImplemented}.pack(t, q.wire) },
		func(q asked) []byte { // BADVERS, whose upper bits stand in an OPT record
			wire := message{ede: []snapshot.EDE{{Code: 0}}}.pack(t, q.wire)
			wire[len(wire)-12] = 1
			return wire
		},
		func(q asked) []byte { // without a question section
			return []byte{q.wire[0], q.wire[1], 0x80, dns.RcodeFormatError, 0, 0, 0, 0, 0, 0, 0, 0}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, answer: func(w *world, q asked) []byte {
				if q.edns {
					return refusal(q)
				}
				return message{ra: true, ad: true, authority: []string{exampleSOA}}.pack(w.t, q.wire)
			}}
			r := w.client(Config{Servers: []Server{mustServer("127.0.0.1:53")}})
			if _, err := r.Probe(t.Context()); err != nil || !r.Servers()[0].Plain || r.Servers()[0].Validates {
				t.Fatalf("%+v (%v), want a plain server", r.Servers(), err)
			}
			o := look(t, r, "mail.example")["mail.example"]
			if o.Failure != "" || o.AD || o.Validated || w.count("mail.example") != 1 {
				t.Errorf("%+v after %d queries, want an answer without AD to one", o, w.count("mail.example"))
			}
		})
	}
}

// TestWhatAValidatorSaidStandsWhereItIsGone: in the final pass there is nobody who may
// answer the name, and the failure is told with who has said so, and when.
func TestWhatAValidatorSaidStandsWhereItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := &world{t: t, answer: func(w *world, q asked) []byte {
			first := q.server == serverA.String()
			switch {
			case first && time.Since(start) > time.Second:
				return nil // for good
			case first && q.name == "broken.example":
				return servfail(w, q)
			}
			time.Sleep(10 * time.Millisecond)
			return message{ra: true, ad: first, authority: []string{exampleSOA}}.pack(w.t, q.wire)
		}}
		r := w.client(Config{Servers: []Server{serverA, serverB}, AllowMixed: true, Concurrency: 10, FinalPassAfter: 5 * time.Second})
		if _, err := r.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		o := look(t, r, append([]string{"broken.example"}, manyNames(5000)...)...)["broken.example"]
		if o.Failure != snapshot.ServFail || o.Server != serverA.String() || o.Transport != snapshot.UDP || o.Time.IsZero() || o.Time.After(start.Add(time.Second)) {
			t.Errorf("broken.example: %+v, want what %v has said in the first second", o, serverA)
		}
	})
}

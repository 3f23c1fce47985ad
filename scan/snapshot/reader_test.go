package snapshot_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

const (
	headLine = `{"snapshot":1,"program":"1.2.3","started":"2026-11-27T22:00:00Z","flags":{"trust-ad":false,"allow-mixed":false}}` + "\n"
	answerA  = `{"name":"a.example","time":"2026-11-27T22:00:01Z","resolver":"127.0.0.1:53","transport":"udp","rcode":"NOERROR"}` + "\n"
	answerB  = `{"name":"b.example","time":"2026-11-27T22:00:01Z","resolver":"127.0.0.1:53","transport":"udp","rcode":"NXDOMAIN"}` + "\n"
)

// outcome is what came of reading a snapshot.
type outcome struct {
	names     []string
	err       error
	end, torn int64
}

func read(text string) outcome {
	reader := snapshot.NewReader(strings.NewReader(text), "answers.jsonl")
	var out outcome
	for o, err := range reader.All() {
		if err != nil {
			out.err = err
			continue
		}
		out.names = append(out.names, o.Name.String())
	}
	out.end, out.torn = reader.End(), reader.Torn()
	return out
}

// TestATornSnapshotGivesAllThatIsWhole cuts one at every octet, also between two runs,
// and once more with the zeros that a file system may leave in place of the rest.
func TestATornSnapshotGivesAllThatIsWhole(t *testing.T) {
	text := goldenLines(t)
	var names []string
	for _, o := range readAll(t, text) {
		names = append(names, o.Name.String())
	}
	whole, answers := 0, 0 // octets and answers before the cut
	for cut := range len(text) + 1 {
		if cut > 0 && text[cut-1] == '\n' {
			if bytes.HasPrefix(text[whole:], []byte(`{"name"`)) {
				answers++
			}
			whole = cut
		}
		for _, rest := range []string{"", "\x00", strings.Repeat("\x00", 5000)} {
			got := read(string(text[:cut]) + rest)
			want := outcome{names: names[:answers], end: int64(whole), torn: int64(cut - whole + len(rest))}
			if diff := cmp.Diff(want.names, got.names, sameObservation); diff != "" || got.err != nil || got.end != want.end || got.torn != want.torn {
				t.Fatalf("cut at %d, %d zeros: %+v, want %+v", cut, len(rest), got, want)
			}
		}
	}
	if answers != len(names) {
		t.Errorf("%d answers at the end, want %d", answers, len(names))
	}
}

func TestWhatIsInASnapshot(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	for _, test := range []struct {
		name, text string
		names      []string
		err        error // nil where there is none
		place      string
		end        int // of what is whole; -1: all
	}{
		{name: "nothing", text: "", end: 0},
		{name: "a header", text: headLine, end: -1},
		{name: "answers", text: headLine + answerA + answerB, names: []string{"a.example", "b.example"}, end: -1},
		{name: "a name again", text: headLine + answerA + answerA, names: []string{"a.example", "a.example"}, end: -1},
		{name: "CRLF", text: strings.ReplaceAll(headLine+answerA, "\n", "\r\n"), names: []string{"a.example"}, end: -1},
		{name: "unknown fields", text: strings.Replace(headLine, `"flags":{`, `"later":[1],"flags":{"later":2,`, 1) + strings.Replace(answerA, `"rcode"`, `"later":{"x":[null]},"rcode"`, 1), names: []string{"a.example"}, end: -1},
		{name: "of a field twice the last one", text: headLine + strings.Replace(answerA, `{`, `{"name":"z.example",`, 1), names: []string{"a.example"}, end: -1},
		{name: "a field that is null is none", text: headLine + strings.Replace(answerA, `{`, `{"snapshot":null,"failure":null,`, 1), names: []string{"a.example"}, end: -1},

		{name: "a torn line", text: headLine + answerA + answerB[:40], names: []string{"a.example"}, end: len(headLine + answerA)},
		{name: "a torn line with an end", text: headLine + answerA + answerB[:40] + "\n", names: []string{"a.example"}, end: len(headLine + answerA)},
		{name: "a whole line without an end", text: headLine + answerA + strings.TrimSpace(answerB), names: []string{"a.example"}, end: len(headLine + answerA)},
		{name: "a hole in the last line", text: headLine + answerA + answerB[:40] + "\x00\x00" + answerB[42:], names: []string{"a.example"}, end: len(headLine + answerA)},
		{name: "a last line that is too long", text: headLine + answerA + long + "\n", names: []string{"a.example"}, end: len(headLine + answerA)},
		{name: "a header that is torn", text: headLine[:30], end: 0},
		{name: "the end of a header of zeros", text: headLine[:4] + "\n", end: 0},

		{name: "a broken line", text: headLine + answerA + answerB[:40] + "\n" + answerB, names: []string{"a.example"}, err: snapshot.ErrBroken, place: ":3: "},
		{name: "a hole", text: headLine + "\x00\x00\n" + answerA, err: snapshot.ErrBroken, place: ":2: "},
		{name: "a blank line", text: headLine + "\n" + answerA, err: snapshot.ErrBroken, place: ":2: "},
		{name: "two in a line", text: headLine + strings.TrimSpace(answerA) + answerA + answerB, err: snapshot.ErrBroken, place: ":2: "},
		{name: "a line that is too long", text: headLine + strings.Replace(answerA, "127.0.0.1:53", long, 1) + answerB, err: snapshot.ErrBroken, place: ":2: "},
		{name: "a last line that is no answer", text: headLine + "{}\n", err: snapshot.ErrBroken, place: ":2: "},
		{name: "a last line of another kind", text: headLine + "[1]\n", err: snapshot.ErrBroken, place: ":2: "},
		{name: "a header with a name", text: headLine + strings.Replace(answerA, `{`, `{"snapshot":1,`, 1), err: snapshot.ErrBroken, place: ":2: "},
		{name: "a header of very many resolvers", text: strings.Replace(headLine, `"flags"`, `"resolvers":[`+strings.Repeat(`{},`, 1000)+`{}],"flags"`, 1) + answerA, err: snapshot.ErrBroken, place: ":1: "},
		{name: "a header without a time", text: strings.Replace(headLine, "2026-11-27T22:00:00Z", "yesterday", 1) + answerA, err: snapshot.ErrBroken, place: ":1: "},

		{name: "a later format", text: strings.Replace(headLine, ":1,", ":3,", 1) + answerA, err: snapshot.ErrFormat, place: ":1: "},
		{name: "a later format with other fields", text: `{"snapshot":3,"name":{},"started":[1],"resolvers":7}` + "\n", err: snapshot.ErrFormat, place: ":1: "},
		{name: "a later format in the middle", text: headLine + answerA + `{"snapshot":3}` + "\n", names: []string{"a.example"}, err: snapshot.ErrFormat, place: ":3: "},

		{name: "no header", text: answerA + answerB, err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "one answer without a header", text: answerA, err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "a CSV file", text: "email,name\na@a.example,A\n", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "a CSV file of one line without an end", text: "email", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "a binary", text: "PK\x03\x04\x00\x00\n\x00", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "a byte order mark", text: "\ufeff" + headLine, err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "an empty object", text: "{}", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "an empty object and an end", text: "{}\n", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "another program's JSON", text: "{\n  \"snapshot\": 1\n}\n", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "a report", text: `{"input":"a@a.example","caa_row":1}` + "\n", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "a snapshot of something else", text: `{"snapshot":"2026-11-27"}` + "\n", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "another program's line without an end", text: `{"snapshot":{"snapshot":"nightly-1","uuid":"x"}}`, err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "zeros without an end", text: strings.Repeat("\x00", 70_000), err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "a later format without an end", text: `{"snapshot":3,"program":"2"}`, err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "format 0", text: `{"snapshot":0}` + "\n", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "one long line", text: long, err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "one long line and an end", text: long + "\n", err: snapshot.ErrNoSnapshot, place: ":1: "},
		{name: "one long line of JSON", text: `{"items":"` + long + "\"}\n", err: snapshot.ErrNoSnapshot, place: ":1: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := read(test.text)
			if !slices.Equal(got.names, test.names) {
				t.Errorf("names %v, want %v", got.names, test.names)
			}
			if test.err != nil {
				if !errors.Is(got.err, test.err) || !strings.HasPrefix(got.err.Error(), "answers.jsonl"+test.place) {
					t.Errorf("error %v, want %v at answers.jsonl%s", got.err, test.err, test.place)
				}
				return
			}
			end := test.end
			if end < 0 {
				end = len(test.text)
			}
			if got.err != nil || got.end != int64(end) || got.torn != int64(len(test.text)-end) {
				t.Errorf("%v; whole %d, torn %d; want %d whole of %d", got.err, got.end, got.torn, end, len(test.text))
			}
		})
	}
}

// TestALineThatCannotBeTrueIsBroken: in the middle of a snapshot and at its end, where it
// is not taken for torn.
func TestALineThatCannotBeTrueIsBroken(t *testing.T) {
	const set = `{"name":"a.example","transport":"udp","rcode":"NOERROR","owner":"a.example","caa":[{"flags":0,"tag":"issue","value":"ca.example","rdata":"0005697373756563612e6578616d706c65"}]}`
	const failed = `{"name":"a.example","transport":"udp","rcode":"SERVFAIL","failure":"servfail","aliases":["b.example"],` +
		`"proof":[{"name":"a.example","state":"insecure","steps":[{"name":"example","finding":"insecure-delegation"}]},{"name":"b.example","state":"unknown","steps":[]}]}`
	for _, good := range []string{answerA, set, failed} {
		if got := read(headLine + strings.TrimSpace(good) + "\n"); got.err != nil || len(got.names) != 1 {
			t.Fatalf("%v, %v: %s", got.names, got.err, good)
		}
	}
	for _, test := range []struct{ line, old, new string }{
		{answerA, `a.example`, ``},
		{answerA, `a.example`, `A.example`},
		{answerA, `a.example`, `a.example.`},
		{answerA, `a.example`, `a..example`},
		{answerA, `a.example`, `bücher.example`},
		{answerA, `a.example`, `a example`},
		{answerA, `2026-11-27T22:00:01Z`, `2026-11-27 22:00`},
		{answerA, `"udp"`, `"overlay"`},
		{answerA, `"udp"`, `"pigeon"`},
		{answerA, `"transport":"udp",`, ``},
		{answerA, `NOERROR`, `NOPROBLEM`},
		{answerA, `NOERROR`, `RCODE65536`},
		{answerA, `NOERROR`, `SERVFAIL`}, // it would read as an empty answer
		{answerA, `,"rcode":"NOERROR"`, ``},
		{answerA, `NOERROR"`, `NOERROR","failure":"bad-luck"`},
		{answerA, `NOERROR"`, `NOERROR","attempts":-1`},
		{answerA, `NOERROR"`, `NOERROR","ttl":4294967296`},
		{answerA, `NOERROR"`, `NOERROR","aliases":["\u001b[31m.example"]`},
		{answerA, `NOERROR"`, `NOERROR","aliases":["` + strings.Repeat("x", 1021) + `"]`},
		{answerA, `NOERROR"`, `NOERROR","asked":"bücher.example"`},
		{answerA, `NOERROR"`, `NOERROR","ede":[{"code":22,"text":"\u0007"}]`},
		{answerA, `NOERROR"`, `NOERROR","ede":[{"code":22,"text":"\\9"}]`},
		{answerA, `NOERROR"`, `NOERROR","ede":[{"code":65536}]`},
		{set, `"value":"ca.example"`, `"value":"other.example"`},
		{set, `"tag":"issue"`, `"tag":"issuemail"`},
		{set, `"flags":0`, `"flags":128`},
		{set, `,"rdata":"0005697373756563612e6578616d706c65"`, ``},
		{set, `0005`, `0`},
		{set, `0005`, `00zz`},
		{set, `0005`, `00ff`},
		{set, `"owner":"a.example"`, `"owner":"b.example"`},
		{set, `NOERROR`, `NXDOMAIN`},
		{set, `NOERROR"`, `NOERROR","failure":"timeout"`},
		{failed, `"servfail"`, `""`},
		{failed, `"state":"unknown"`, `"state":"fine"`},
		{failed, `insecure-delegation`, `no-idea`},
		{failed, `insecure-delegation`, `signed-delegation`}, // it shows the opposite
		{failed, `"state":"unknown"`, `"state":"insecure"`},
		{failed, `"state":"insecure"`, `"state":"signed"`},
		{failed, `"proof":[{"name":"a.example"`, `"proof":[{"name":"c.example"`},
		{failed, `"insecure-delegation"`, `"insecure-delegation","rcode":"YES"`},
		{failed, `"insecure-delegation"`, `"insecure-delegation","time":"now"`},
		{failed, `"name":"example","finding"`, `"name":"test","finding"`}, // on the way to another name
		// What is left where a part was lost, which would read as an empty answer:
		{set, `"caa":[`, `"lost":[`},
		{set, `}]}`, `}],"CAA":null}`}, // names are matched whatever their case
		{answerA, `NOERROR"`, `NOERROR","records_ttl":60`},
		{answerA, `NOERROR"`, `NOERROR","asked":"b.example"`},
		{answerA, `"a.example","time":"2026-11-27T22:00:01Z","resolver":"127.0.0.1:53","transport":"udp","rcode":"NOERROR"`, `"nosuch","transport":"udp","rcode":"NXDOMAIN"`},
		{answerA, `NOERROR"`, `NOERROR","ede":[{"code":6}]`},
		{answerA, `NOERROR"`, `NOERROR","ede":[{"code":15}]`},
		{answerA, `NOERROR"`, `NOERROR","ede":[{"code":3}]`},
		{answerA, `NOERROR"`, `NOERROR","aliases":["` + strings.Repeat(`x","`, 16) + `x"]`},
		{answerA, `2026-11-27T22:00:01Z`, `0000-01-01T00:00:00+14:00`},
	} {
		if !strings.Contains(test.line, test.old) {
			t.Fatalf("%q is not in %s", test.old, test.line)
		}
		line := strings.TrimSpace(strings.Replace(test.line, test.old, test.new, 1)) + "\n"
		for _, text := range []string{headLine + answerB + line, headLine + answerB + line + answerA} {
			got := read(text)
			if !errors.Is(got.err, snapshot.ErrBroken) || !strings.HasPrefix(got.err.Error(), "answers.jsonl:3: ") || len(got.names) != 1 {
				t.Errorf("%v, %v, want an error at answers.jsonl:3:\n%s", got.names, got.err, line)
			}
			if got.err != nil && strings.ContainsFunc(got.err.Error(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("the error acts on a terminal: %q", got.err)
			}
		}
	}
}

// TestNothingOfASnapshotActsOnATerminal: what is told of a header and a server is told as
// it stands there.
func TestNothingOfASnapshotActsOnATerminal(t *testing.T) {
	const hostile, harmless = `\u001b[31m\u202ebücher \u0000x`, "\ufffd[31m\ufffdbücher \ufffdx"
	head := strings.Replace(headLine, `"flags"`, `"resolvers":[{"resolver":"`+hostile+`"}],"zones":["`+hostile+`"],"notes":["`+hostile+`"],"flags"`, 1)
	line := strings.Replace(answerA, `127.0.0.1:53"`, hostile+`","proof":[{"name":"a.example","state":"signed","steps":[{"name":"example","finding":"unproven","resolver":"`+hostile+`"}]}]`, 1)
	reader := snapshot.NewReader(strings.NewReader(head+line), "answers.jsonl")
	for o, err := range reader.All() {
		if err != nil {
			t.Fatal(err)
		}
		h := reader.Header()
		for _, got := range []string{o.Server, o.Proofs[0].Steps[0].Server, h.Resolvers[0].Resolver, h.Zones[0], h.Notes[0]} {
			if got != harmless {
				t.Errorf("%q, want %q", got, harmless)
			}
		}
	}
}

// TestAFileThatCannotBeReadIsNotTorn: what it holds would be cut off.
func TestAFileThatCannotBeReadIsNotTorn(t *testing.T) {
	broken := errors.New("the disk is broken")
	reader := snapshot.NewReader(io.MultiReader(strings.NewReader(headLine+answerA+answerB[:20]), iotest.ErrReader(broken)), "answers.jsonl")
	var last error
	for _, err := range reader.All() {
		last = err
	}
	if !errors.Is(last, broken) || !strings.Contains(last.Error(), "answers.jsonl") {
		t.Errorf("error %v, want %v and the file", last, broken)
	}
}

// FuzzReader: no file makes a panic or an answer that could not be written again, and
// what is whole of it is all that there is.
func FuzzReader(f *testing.F) {
	f.Add(goldenLines(f))
	for _, seed := range []string{"", headLine, headLine + answerA + answerB[:50], headLine + "{}\n", "\x00\x00", answerA, `{"snapshot":3}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		reader := snapshot.NewReader(bytes.NewReader(text), "answers.jsonl")
		var all []snapshot.Observation
		failed := false
		for o, err := range reader.All() {
			if failed = err != nil; failed {
				break
			}
			if again, err := domain.Parse(o.Name.String()); err != nil || again != o.Name {
				t.Errorf("name %q: %v", o.Name, err)
			}
			all = append(all, o)
		}
		if diff := cmp.Diff(all, readAll(t, written(t, part{answers: all})), sameObservation); diff != "" {
			t.Errorf("mismatch (-read +read again)\n%s", diff)
		}
		if failed {
			return
		}
		if reader.End()+reader.Torn() != int64(len(text)) {
			t.Errorf("End %d and Torn %d of %d octets", reader.End(), reader.Torn(), len(text))
		}
		whole := snapshot.NewReader(bytes.NewReader(text[:reader.End()]), "answers.jsonl")
		n := 0
		for _, err := range whole.All() {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != len(all) || whole.Torn() != 0 {
			t.Errorf("%d answers without the torn line, %d with it", n, len(all))
		}
	})
}

package snapshot_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// proving is the Header of a run that keeps proofs.
func proving() snapshot.Header {
	return snapshot.Header{Program: "1", Started: at(0), Flags: snapshot.Flags{DNSSEC: snapshot.OwnValidation, Proof: true}}
}

// proven is an answer that rests on RRsets.
func proven(t testing.TB, name string, sets ...string) snapshot.Observation {
	t.Helper()
	n, err := domain.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	o := snapshot.Observation{Name: n, Transport: snapshot.UDP, Attempts: 1, Time: at(1), Own: snapshot.Secure}
	o.Signed = []snapshot.Part{{Signed: snapshot.Signed{Time: at(1), RRsets: sets}}}
	return o
}

// provenFile is the snapshot of runs that each put Links and Observations, in order.
func provenFile(t testing.TB, runs ...[]any) string {
	t.Helper()
	file := new(memory)
	for _, run := range runs {
		w, err := snapshot.NewWriter(file, proving(), func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range run {
			switch line := line.(type) {
			case snapshot.Link:
				w.PutLink(line)
			case snapshot.Observation:
				w.Put([]snapshot.Observation{line})
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return file.String()
}

// readProof returns what is signed of each line: "NAME: RRSETS" of answers, "NAME TYPE: RRSETS" of
// Links. Long RRsets are cut.
func readProof(text string) (lines []string, err error) {
	words := func(sets []string) string {
		var list []string
		for _, set := range sets {
			list = append(list, fmt.Sprintf("%.8q", set))
		}
		return strings.Join(list, " ")
	}
	r := snapshot.NewReader(strings.NewReader(text), "answers.jsonl")
	r.KeepProof(func(_ *snapshot.Header, l snapshot.Link) {
		lines = append(lines, fmt.Sprintf("%s %s: %s", l.Name, l.Type, words(l.RRsets)))
	})
	for o, err := range r.All() {
		if err != nil {
			return lines, err
		}
		for _, part := range o.Signed {
			lines = append(lines, fmt.Sprintf("%s: %s", o.Name, words(part.RRsets)))
		}
	}
	return lines, nil
}

func link(name, kind string, sets ...string) snapshot.Link {
	return snapshot.Link{Name: name, Type: kind, Signed: snapshot.Signed{Time: at(1), RRsets: sets}}
}

// TestAnRRsetStandsOnceInARun: whoever else rests on it names it. Another run begins anew.
func TestAnRRsetStandsOnceInARun(t *testing.T) {
	run := []any{
		link(".", snapshot.LinkKeys, "keys"), link("example", snapshot.LinkDS, "ds", "span"),
		proven(t, "a.example", "span", "a\x00\xff"), proven(t, "b.example", "span"), proven(t, "c.example"),
	}
	text := provenFile(t, run, run)
	lines := []string{`. DNSKEY: "keys"`, `example DS: "ds" "span"`, `a.example: "span" "a\x00\xff"`, `b.example: "span"`, `c.example: `}
	got, err := readProof(text)
	if diff := cmp.Diff(append(lines, lines...), got); err != nil || diff != "" {
		t.Errorf("%v; mismatch (-put +read)\n%s", err, diff)
	}
	if n := strings.Count(text, `{"rrset":`); n != 2*4 {
		t.Errorf("%d RRsets are written, want 4 in each run, of\n%s", n, text)
	}
	second := strings.LastIndex(text, `{"snapshot"`)
	if alone, err := readProof(text[second:]); err != nil || len(alone) != len(lines) {
		t.Errorf("the second run alone: %q (%v)", alone, err)
	}
}

// TestAnRRsetIsWrittenAgainAfterMany: no more than a bounded part is kept, by either side.
func TestAnRRsetIsWrittenAgainAfterMany(t *testing.T) {
	const size, many = 64 << 10, 300 // more than 16 MiB together
	run := []any{proven(t, "first.example", "span")}
	for i := range many {
		run = append(run, proven(t, fmt.Sprintf("a%d.example", i), fmt.Sprintf("%d ", i)+strings.Repeat("x", size)))
	}
	run = append(run, proven(t, "last.example", "span", "0 "+strings.Repeat("x", size), "299 "+strings.Repeat("x", size)))
	text := provenFile(t, run)
	got, err := readProof(text)
	if last := got[len(got)-1]; err != nil || last != `last.example: "span" "0 xxxxxx" "299 xxxx"` {
		t.Errorf("%v, %s", err, last)
	}
	if n := strings.Count(text, `{"rrset":`); n != many+3 {
		t.Errorf("%d RRsets are written, want two of them twice", n)
	}
	first := `{"name":"late.example","time":"2026-11-27T22:00:01Z","transport":"udp","rcode":"NOERROR","ad":false,"validated":false,"dnssec":"secure","ttl":0,"attempts":1,"signed":[{"rrsets":[1,301]}]}` + "\n"
	if got, err = readProof(text + first); err != nil || got[len(got)-1] != `late.example: "" "299 xxxx"` {
		t.Errorf("%v, %s, want nothing of what is so far back", err, got[len(got)-1])
	}
}

// TestALineNamesNothingThatItDrops: what is forgotten because of an RRset of a line is none that
// the same line names.
func TestALineNamesNothingThatItDrops(t *testing.T) {
	const size, many = 64 << 10, 600
	var run []any
	for i := range many {
		run = append(run, proven(t, fmt.Sprintf("a%d.example", i), "span", fmt.Sprintf("%d ", i)+strings.Repeat("x", size)))
	}
	text := provenFile(t, run)
	got, err := readProof(text)
	if err != nil || len(got) != many {
		t.Fatalf("%d lines (%v), want %d", len(got), err, many)
	}
	for i, line := range got {
		if want := fmt.Sprintf("a%d.example: \"span\" %q", i, (fmt.Sprintf("%d ", i) + "xxxxxxxx")[:8]); line != want {
			t.Errorf("%s, want %s", line, want)
		}
	}
	if n := strings.Count(text, `{"rrset":`); n <= many+1 {
		t.Errorf("%d RRsets are written, so that none was forgotten", n)
	}
}

// TestWhatIsNoPartOfAProof: broken lines are found as those of answers are; what is named and
// not there is nothing.
func TestWhatIsNoPartOfAProof(t *testing.T) {
	octets := base64.StdEncoding.EncodeToString([]byte("keys"))
	text := provenFile(t, []any{link(".", snapshot.LinkKeys, "keys"), proven(t, "a.example", "keys")})
	head := text[:strings.Index(text, "\n")+1]
	plain := headLine + strings.TrimPrefix(text, head)
	for _, test := range []struct {
		name, text string
		lines      int
		err        error
	}{
		{"all of it", text, 2, nil},
		{"in a run that keeps none", plain, 0, snapshot.ErrBroken},
		{"of no type", strings.Replace(text, `"type":"DNSKEY"`, `"type":"CAA"`, 1), 0, snapshot.ErrBroken},
		{"of no name", strings.Replace(text, `"link":"."`, `"link":"\u001b[31m"`, 1), 0, snapshot.ErrBroken},
		{"at no time", strings.Replace(text, `"time":"2026`, `"time":"then`, 1), 0, snapshot.ErrBroken},
		{"no base64", strings.Replace(text, octets, octets[1:], 1), 0, snapshot.ErrBroken},
		{"neither", head + "{}\n" + answerA, 0, snapshot.ErrBroken},
		{"both", strings.Replace(text, `{"rrset":1,`, `{"rrset":1,"link":".","type":"DS",`, 1), 0, snapshot.ErrBroken},
		{"another number", strings.Replace(text, `{"rrset":1,`, `{"rrset":2,`, 1), 2, nil},
		{"a later format", strings.Replace(text, `{"snapshot":2,`, `{"snapshot":3,`, 1), 0, snapshot.ErrFormat},
		{"a format that has none", strings.Replace(text, `{"snapshot":2,`, `{"snapshot":1,`, 1), 0, snapshot.ErrBroken},
		{"a torn last line", text[:len(text)-10], 1, nil},
		{"a torn RRset", text + `{"rrset":2,"octets":"a2V`, 2, nil},
		{"a header alone, torn", head[:20], 0, nil},
	} {
		lines, err := readProof(test.text)
		if !errors.Is(err, test.err) || test.err == nil && (err != nil || len(lines) != test.lines) {
			t.Errorf("%s: %q (%v), want %d lines, %v", test.name, lines, err, test.lines, test.err)
		}
	}
	if lines, err := readProof(strings.Replace(text, `{"rrset":1,`, `{"rrset":2,`, 1)); err != nil || lines[1] != `a.example: ""` {
		t.Errorf("%q (%v), want the RRset empty", lines, err)
	}
}

// TestHeldKnowsAnAnswerWithProofs: and no other one.
func TestHeldKnowsAnAnswerWithProofs(t *testing.T) {
	var held snapshot.Held
	o := proven(t, "a.example", "keys")
	if held.Has(&o) {
		t.Error("held before it was added")
	}
	held.Add(&o)
	o.Signed, o.Proofs = nil, []snapshot.Proof{{Name: "a.example", State: snapshot.ProvenSigned}}
	if !held.Has(&o) {
		t.Error("with Proofs it is not held")
	}
	o.TTL++
	if held.Has(&o) {
		t.Error("another answer is held")
	}
}

package snapshot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// at is the time of the golden lines, so many seconds later.
func at(seconds int) time.Time { return time.Date(2026, 11, 27, 22, 0, seconds, 0, time.UTC) }

// part is a header and the answers behind it.
type part struct {
	header  snapshot.Header
	answers []snapshot.Observation
}

// goldenParts are what testdata/lines.jsonl says, which was written by hand.
func goldenParts(t *testing.T) []part {
	delegation := func(name string, finding snapshot.Finding, rcode uint16, seconds int) snapshot.ProofStep {
		return snapshot.ProofStep{Name: name, Finding: finding, Server: "127.0.0.1:53", Replied: true, RCode: rcode, AD: true, Time: at(seconds)}
	}
	asked := part{header: snapshot.Header{
		Program: "1.2.3", Started: at(0).Add(time.Second / 2).In(time.FixedZone("", 3600)), // UTC is written
		Resolvers: []snapshot.Asked{
			{Resolver: "127.0.0.1:53", Validates: true, Believed: true, EDNS: true}, {Resolver: "https://dns.example/dns-query"},
		},
		Flags: snapshot.Flags{
			AllowMixed: true, ProbeBogus: "bogus.example", Timeout: "5s", Attempts: 2, FinalPass: "1m0s", Overlays: []string{"planned.zone"},
		},
		Notes: []string{"resolver 192.0.2.9:53 is left out: no reply"},
	}, answers: []snapshot.Observation{
		{
			Name: name(t, "plain.example"), RCode: 3, TTL: 300, AD: true, Validated: true,
			Server: "127.0.0.1:53", Transport: snapshot.UDP, Attempts: 1,
			Time: time.Date(2026, 11, 27, 23, 0, 1, 2, time.FixedZone("", 3600)), // UTC is written
		},
		{
			Name: name(t, "set.example"), TTL: 3600, Validated: true, Server: "127.0.0.1:53", Transport: snapshot.TCP, Attempts: 2, Time: at(2),
			Records: caa.RRset{Owner: "set.example", Properties: []caa.Property{
				property(t, 128, "issuemail", "\x00\"\\ \xff;"), property(t, 1, "a\tb", ""),
			}},
		},
		{
			Name: name(t, "alias.example"), TTL: 60, RecordsTTL: 600, Server: "127.0.0.1:53", Transport: snapshot.TLS, Attempts: 1, Time: at(3),
			EDE: []snapshot.EDE{{Code: 1}, {Code: 2, Text: "\a<&\""}}, Aliases: []string{`o\;dd\000.example`, "target.test"},
			Records: caa.RRset{Owner: "target.test", Properties: []caa.Property{property(t, 0, "issue", ";")}},
		},
		{
			Name: name(t, "broken.example"), RCode: 2, EDE: []snapshot.EDE{{Code: 22, Text: "at delegation"}}, Aliases: []string{"gone.test"},
			Server: "https://dns.example/dns-query", Transport: snapshot.HTTPS, Attempts: 4, Time: at(4),
			Failure: snapshot.NoAuthority, Asked: "gone.test",
			Proofs: []snapshot.Proof{
				{Name: "broken.example", State: snapshot.ProvenInsecure, Steps: []snapshot.ProofStep{
					delegation("example", snapshot.SignedDelegation, 0, 5), delegation("broken.example", snapshot.InsecureDelegation, 3, 6),
				}},
				{Name: "gone.test", State: snapshot.NotProven, Steps: []snapshot.ProofStep{
					{Name: "test", Finding: snapshot.Unproven, Server: "127.0.0.1:53", Time: at(7)},
				}},
			},
		},
		{Name: name(t, "silent.example"), Server: "127.0.0.1:53", Transport: snapshot.UDP, Attempts: 2, Time: at(8), Failure: snapshot.Timeout},
		{Name: name(t, "odd.example"), RCode: 3841, Server: "127.0.0.1:53", Transport: snapshot.UDP, Attempts: 2, Time: at(9), Failure: snapshot.RCode},
	}}
	zoned := part{header: snapshot.Header{Program: "1.2.4", Started: at(24 * 3600), Zones: []string{`corp "new".zone`}}, answers: []snapshot.Observation{
		{Name: name(t, "zone.example"), TTL: 60, Server: `corp "new".zone`, Transport: snapshot.Zone, Attempts: 1},
	}}
	return []part{asked, zoned}
}

// written returns what a Writer makes of a part.
func written(t testing.TB, p part) []byte {
	t.Helper()
	var file memory
	w, err := snapshot.NewWriter(&file, p.header, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	w.Put(p.answers)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// memory is a File that is never lost.
type memory struct{ bytes.Buffer }

func (*memory) Sync() error { return nil }

func goldenLines(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/lines.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheLinesOfASnapshot(t *testing.T) {
	var got []byte
	for _, p := range goldenParts(t) {
		got = append(got, written(t, p)...)
	}
	if diff := cmp.Diff(strings.Split(string(goldenLines(t)), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("lines mismatch (-want +got)\n%s", diff)
	}
}

func TestASnapshotIsReadAsItWasWritten(t *testing.T) {
	text := goldenLines(t)
	reader := snapshot.NewReader(bytes.NewReader(text), "answers.jsonl")
	var got []part
	for o, err := range reader.All() {
		if err != nil {
			t.Fatal(err)
		}
		if h := *reader.Header(); len(got) == 0 || !h.Started.Equal(got[len(got)-1].header.Started) {
			got = append(got, part{header: h})
		}
		last := &got[len(got)-1]
		last.answers = append(last.answers, o)
	}
	if diff := cmp.Diff(goldenParts(t), got, sameObservation, cmp.AllowUnexported(part{})); diff != "" {
		t.Errorf("mismatch (-want +got)\n%s", diff)
	}
	if reader.End() != int64(len(text)) || reader.Torn() != 0 {
		t.Errorf("End %d, Torn %d, want %d and 0", reader.End(), reader.Torn(), len(text))
	}
}

// TestJSONOfAnObservationIsItsLine, but for the spelling of characters that HTML knows.
func TestJSONOfAnObservationIsItsLine(t *testing.T) {
	for _, p := range goldenParts(t) {
		_, lines, _ := strings.Cut(string(written(t, p)), "\n")
		for i, line := range strings.Split(strings.TrimSpace(lines), "\n") {
			got, err := json.Marshal(p.answers[i])
			if err != nil || string(got) != line {
				t.Errorf("json.Marshal = %s (%v), want\n%s", got, err, line)
			}
		}
	}
}

// recorded makes an Observation of which every field is what some lookup may bring, and
// whose text is as hostile as it can be.
func recorded(t testing.TB, random *rand.Rand) snapshot.Observation {
	o := snapshot.Observation{
		Name:      name(t, fmt.Sprintf("m%d.example", random.IntN(9))),
		Server:    pick(random, "192.0.2.1:53", "[2001:db8::1]:53", "https://dns.example/?a=<b>&c", "bücher \"x\".zone", ""),
		Transport: pick(random, snapshot.UDP, snapshot.TCP, snapshot.TLS, snapshot.HTTPS, snapshot.Zone),
		Attempts:  random.IntN(5), TTL: random.Uint32(), AD: chance(random), Validated: chance(random),
	}
	if chance(random) {
		o.Time = time.Unix(random.Int64N(8e9)-4e9, random.Int64N(1e9)).In(time.FixedZone("", random.IntN(7200)-3600))
	}
	for range random.IntN(3) {
		o.Aliases = append(o.Aliases, spelling(random))
	}
	for range random.IntN(3) {
		o.EDE = append(o.EDE, snapshot.EDE{Code: pick(random, 0, 22, 26+uint16(random.IntN(65_000))), Text: octets(random, 20)})
	}
	if chance(random) {
		failed(&o, random)
		return o
	}
	if o.RCode = pick[uint16](random, 0, 3); o.RCode == 3 {
		return o
	}
	for range random.IntN(4) {
		o.Records.Owner = pick(random, append(o.Aliases, o.Name.String())...)
		o.RecordsTTL = random.Uint32()
		o.Records.Properties = append(o.Records.Properties, property(t, uint8(random.Uint32()), "t"+octets(random, 20), octets(random, 40)))
	}
	return o
}

func failed(o *snapshot.Observation, random *rand.Rand) {
	o.Failure = pick(random, snapshot.Failures()...)
	o.RCode = uint16(random.IntN(30) * random.IntN(2000))
	o.Asked = pick(random, "", spelling(random))
	if !o.Replied() && len(o.EDE) == 0 {
		o.RCode = 0
	}
	for _, name := range append([]string{o.Name.String()}, o.Aliases...)[:random.IntN(len(o.Aliases)+2)] {
		p := snapshot.Proof{Name: name, State: snapshot.ProvenInsecure, Steps: []snapshot.ProofStep{
			{Name: name[strings.LastIndexByte(name, '.')+1:], Finding: pick(random, snapshot.Findings()...), Server: "192.0.2.1:53", Time: at(random.IntN(60))},
			{Name: name, Finding: snapshot.InsecureDelegation, Replied: true, RCode: uint16(random.IntN(30)), AD: chance(random)},
		}}
		if chance(random) {
			p.State, p.Steps = pick(random, snapshot.ProvenSigned, snapshot.NotProven), p.Steps[:0]
		}
		o.Proofs = append(o.Proofs, p)
	}
}

func chance(random *rand.Rand) bool { return random.IntN(2) == 0 }

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

// octets makes up to so many of any kind.
func octets(random *rand.Rand, most int) string {
	text := make([]byte, random.IntN(most+1))
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	return string(text)
}

// spelling makes a name as a zone file spells it.
func spelling(random *rand.Rand) string { return caa.Escape(octets(random, 12)) + ".example" }

// FuzzWrittenIsRead: whatever is written comes back, in order.
func FuzzWrittenIsRead(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		var want []snapshot.Observation
		for range 50 {
			want = append(want, recorded(t, random))
		}
		text := written(t, part{answers: want})
		if diff := cmp.Diff(want, readAll(t, text), sameObservation); diff != "" {
			t.Errorf("mismatch (-written +read)\n%s", diff)
		}
	})
}

// readAll returns the answers of a snapshot that is whole.
func readAll(t testing.TB, text []byte) []snapshot.Observation {
	t.Helper()
	reader := snapshot.NewReader(bytes.NewReader(text), "answers.jsonl")
	var all []snapshot.Observation
	for o, err := range reader.All() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	if reader.End() != int64(len(text)) {
		t.Fatalf("End = %d of %d octets", reader.End(), len(text))
	}
	return all
}

package lookup

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"

	"caascan/scan/caa"
	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// memoryFile is a snapshot that is kept in memory.
type memoryFile struct{ bytes.Buffer }

func (*memoryFile) Sync() error { return nil }

// ownHeader is that of a run that validates by itself and keeps the proof.
func ownHeader() snapshot.Header {
	return snapshot.Header{Program: "1", Started: time.Now(), Flags: snapshot.Flags{DNSSEC: snapshot.OwnValidation, Proof: true}}
}

// recordedWith looks names up and returns the snapshot of that, with its proof.
func recordedWith(t *testing.T, r *Client, names ...string) string {
	t.Helper()
	return recordedIn(t, r, 0, names)
}

// recordedIn is recordedWith, of names one after the other in batches with a pause after each.
func recordedIn(t *testing.T, r *Client, pause time.Duration, batches ...[]string) string {
	t.Helper()
	var file memoryFile
	w, err := snapshot.NewWriter(&file, ownHeader(), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	r.KeepProof(w.PutLink)
	for _, names := range batches {
		if err := r.Lookup(t.Context(), batchesOf(t, names), w.Put); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
	}
	if err := r.Prove(t.Context(), slices.Values(namesOf(t, slices.Concat(batches...))), w.Put); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func namesOf(t *testing.T, names []string) (list []domain.Name) {
	t.Helper()
	for _, name := range names {
		list = append(list, mustName(t, name))
	}
	return list
}

// validatedAgain reads a snapshot and validates all that is in it. The last answer of a name counts.
func validatedAgain(text string, anchors dnssec.Anchors) (map[string]snapshot.Observation, *Again, error) {
	got := make(map[string]snapshot.Observation)
	again := NewAgain(anchors)
	reader := snapshot.NewReader(strings.NewReader(text), "answers.jsonl")
	reader.KeepProof(again.Learn)
	for o, err := range reader.All() {
		if err != nil {
			return nil, again, err
		}
		again.Check(reader.Header(), &o)
		got[o.Name.String()] = o
	}
	return got, again, nil
}

// wideZones have everything that an answer can rest on.
var wideZones = append(slices.Clone(signedZones),
	dnssectest.Spec{Origin: "wide.tld.", Denial: dnssectest.NSEC, Text: denyText + "ent.er A 192.0.2.1\n*.wild CAA 0 issuemail \"wild.example\"\nto CNAME www.site.tld.\nd DNAME site.tld.\nslash CAA 0 iodef \"a\\\\b\"\n"},
	dnssectest.Spec{Origin: "sub.wide.tld.", Denial: dnssectest.NSEC3, Algorithm: dns.RSASHA256, Text: denyText},
	dnssectest.Spec{Origin: "many.tld.", Denial: dnssectest.NSEC3, Iterations: 151, Text: "a A 192.0.2.1\n"},
)

var wideNames = []string{
	"site.tld", "www.site.tld", "gone.site.tld", "mail.open.tld", "alias.site.tld", "broken.tld", "old.tld", "badkeys.tld", "gone.tld",
	"er.wide.tld", "a.wild.wide.tld", "to.wide.tld", "www.d.wide.tld", "slash.wide.tld", "x.sub.wide.tld", "a.many.tld", "nothing.example",
}

// TestASnapshotProvesItsAnswers: what own validation has found is found again from the file
// alone, by the anchors that were trusted, and by no others.
func TestASnapshotProvesItsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, wideZones...)
		client := w.own()
		text := recordedWith(t, client, wideNames...)
		anchors := dnssec.Anchors{w.zones.Anchor}
		time.Sleep(100 * 24 * time.Hour) // by which all signatures have ended
		got, again, err := validatedAgain(text, anchors)
		if err != nil || len(again.Broken) != 0 || again.Bare != 0 {
			t.Fatalf("%v do not hold, %d bare, %v", again.Broken, again.Bare, err)
		}
		answers := 0
		for name, o := range got {
			want, found := client.Store().Find(mustName(t, name))
			if !found {
				t.Errorf("%s: not looked up", name)
				continue
			}
			if o.Failure == "" {
				answers++
			}
			if diff := cmp.Diff(want, o, sameObservation); diff != "" {
				t.Errorf("%s mismatch (-looked up +validated again)\n%s", name, diff)
			}
		}
		if again.Held != answers || answers < len(wideNames)-3 {
			t.Errorf("%d hold of %d answers", again.Held, answers)
		}
		other, err := dnssectest.Build(time.Now(), dnssectest.Spec{Origin: ".", Denial: dnssectest.NSEC})
		if err != nil {
			t.Fatal(err)
		}
		for what, anchors := range map[string]dnssec.Anchors{"another root's": {other.Anchor}, "those of the DNS": nil} {
			got, again, err := validatedAgain(text, anchors)
			if err != nil || again.Held != 0 || len(again.Broken) != answers {
				t.Errorf("%s: %d hold, %d are broken (%v), want all broken", what, again.Held, len(again.Broken), err)
			}
			for name, o := range got {
				if o.Failure == "" {
					t.Errorf("%s: %s: %+v, want no answer", what, name, o)
				}
			}
		}
	})
}

// asProven fails for an answer of a spoilt snapshot that counts and is not that of the honest
// one. It returns how many count no more.
func asProven(t *testing.T, what, spoilt string, anchors dnssec.Anchors, honest map[string]snapshot.Observation) (broken int) {
	t.Helper()
	got, again, err := validatedAgain(spoilt, anchors)
	if err != nil {
		return len(honest) // all of it is refused
	}
	for name, o := range got {
		if o.Failure == "" && !cmp.Equal(honest[name], o, sameObservation) {
			t.Errorf("%s: %s: %+v, and it was %+v", what, name, o, honest[name])
		}
		if o.Mark == snapshot.MarkProof && (o.DNSSEC() != snapshot.Unknown || o.Failure != snapshot.NotInSnapshot) {
			t.Errorf("%s: %s: %+v, want nothing of it", what, name, o)
		}
	}
	return len(again.Broken)
}

var sameObservation = cmp.Options{cmpopts.EquateComparable(domain.Name{}, caa.Property{}), cmpopts.EquateEmpty()}

// lineOf returns the line of a snapshot that begins so.
func lineOf(t *testing.T, text, start string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, start) {
			return line
		}
	}
	t.Fatalf("no line begins %s", start)
	return ""
}

// answerOf returns the line of a name's answer.
func answerOf(t *testing.T, text, name string) string {
	t.Helper()
	return lineOf(t, text, `{"name":"`+name+`",`)
}

// signedOf returns what a line names of a proof.
func signedOf(t *testing.T, line string) string {
	t.Helper()
	at := strings.Index(line, `,"signed":`)
	if at < 0 {
		t.Fatalf("%s has no proof", line)
	}
	return strings.TrimSuffix(line[at:], "}\n")
}

// TestASpoiltProofProvesNothing: whatever octet of a record is another one, whatever line is
// not there, and whatever two answers have each other's proof: no answer counts that was not
// there.
func TestASpoiltProofProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, wideZones...)
		text := recordedWith(t, w.own(), "site.tld", "www.site.tld", "open.tld", "gone.tld", "alias.site.tld", "a.wild.wide.tld", "www.d.wide.tld")
		anchors := dnssec.Anchors{w.zones.Anchor}
		honest, _, err := validatedAgain(text, anchors)
		if err != nil {
			t.Fatal(err)
		}
		lines := slices.Collect(strings.Lines(text))
		changed, dropped := 0, 0
		for i, line := range lines {
			without := strings.Join(slices.Concat(lines[:i], lines[i+1:]), "")
			dropped += min(1, asProven(t, "without line "+line, without, anchors, honest))
			if !strings.HasPrefix(line, `{"rrset":`) {
				continue
			}
			const some = 2
			for j := range some {
				lines[i] = withRecord(line, func(octets []byte) { octets[len(octets)-1-101*j%len(octets)] ^= 1 })
				changed += min(1, asProven(t, "another octet in "+line, strings.Join(lines, ""), anchors, honest))
			}
			lines[i] = line
		}
		if least := len(lines) / 3; changed < least || dropped < least {
			t.Errorf("%d changed octets and %d dropped lines were seen, want more than %d", changed, dropped, least)
		}
		swapped := 0
		for _, name := range []string{"site.tld", "www.site.tld", "open.tld", "alias.site.tld", "a.wild.wide.tld", "tld"} {
			a := answerOf(t, text, name)
			for _, b := range lines {
				if !strings.Contains(b, `,"signed":`) || a == b {
					continue
				}
				spoilt := strings.Replace(text, a, strings.Replace(a, signedOf(t, a), signedOf(t, b), 1), 1)
				swapped += min(1, asProven(t, "the proof of "+b+" for "+a, spoilt, anchors, honest))
			}
		}
		if least := 20; swapped < least {
			t.Errorf("%d other proofs were seen, want more than %d", swapped, least)
		}
	})
}

// TestWhatAForgerMayWrite: answers that nobody has signed, with proofs of what somebody has.
func TestWhatAForgerMayWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, wideZones...)
		text := recordedWith(t, w.own(), wideNames...)
		anchors := dnssec.Anchors{w.zones.Anchor}
		site, www, open := answerOf(t, text, "site.tld"), answerOf(t, text, "www.site.tld"), answerOf(t, text, "open.tld")
		found := regexp.MustCompile(`,"owner":.*\}\]`).FindString(site)
		otherCA := strings.NewReplacer("ca.example", "cb.example", "63612e6578616d706c65", "63622e6578616d706c65")
		nothing := answerOf(t, text, "nothing.example")
		of := func(name, line, old, another string) (string, string) {
			if !strings.Contains(line, old) {
				t.Fatalf("%s has no %s", line, old)
			}
			return name, strings.Replace(text, line, strings.Replace(line, old, another, 1), 1)
		}
		for what, forge := range map[string]func() (name, spoilt string){
			"the records are gone": func() (string, string) { return of("site.tld", site, found, "") },
			"other records":        func() (string, string) { return of("site.tld", site, site, otherCA.Replace(site)) },
			"records where none are": func() (string, string) {
				return of("www.site.tld", www, `,"attempts"`, strings.Replace(found, "site.tld", "www.site.tld", 1)+`,"attempts"`)
			},
			"unsigned records that another CA is in": func() (string, string) {
				return of("open.tld", open, open, otherCA.Replace(open))
			},
			"insecure made secure":           func() (string, string) { return of("open.tld", open, `"insecure"`, `"secure"`) },
			"no proof":                       func() (string, string) { return of("site.tld", site, signedOf(t, site), "") },
			"no proof of what is not signed": func() (string, string) { return of("open.tld", open, signedOf(t, open), "") },
			"validated by a resolver": func() (string, string) {
				return of("site.tld", site, `"ad":false,"validated":false,"dnssec":"secure"`, `"ad":true,"validated":true`)
			},
			"nobody has validated it": func() (string, string) { return of("site.tld", site, `"dnssec":"secure",`, ``) },
			"an alias that is not there": func() (string, string) {
				alias := answerOf(t, text, "alias.site.tld")
				return of("www.site.tld", www, www, strings.Replace(alias, "alias.site.tld", "www.site.tld", 1))
			},
			"an alias that no reply has": func() (string, string) {
				return of("www.site.tld", www, `,"attempts"`, `,"aliases":["open.tld"],"attempts"`)
			},
			"validated before it came": func() (string, string) {
				return of("site.tld", site, `"signed":[{`, `"signed":[{"time":"1999-12-31T23:59:59Z",`)
			},
			"no alias": func() (string, string) {
				alias := answerOf(t, text, "alias.site.tld")
				return of("alias.site.tld", alias, alias, strings.Replace(www, "www.site.tld", "alias.site.tld", 1))
			},
			"a top-level domain that is not there": func() (string, string) {
				made := strings.Replace(nothing, "nothing.example", "example", 1)
				link := `{"link":"example","type":"DS","time":"2000-01-01T00:00:00Z","rrsets":` + regexp.MustCompile(`\[[0-9,]+\]`).FindString(signedOf(t, nothing)) + "}\n"
				return "example", text + link + strings.Replace(made, "NXDOMAIN", "NOERROR", 1)
			},
			"a name whose signatures have ended": func() (string, string) {
				return of("broken.tld", answerOf(t, text, "broken.tld"), answerOf(t, text, "broken.tld"), strings.ReplaceAll(site, "site.tld", "broken.tld"))
			},
		} {
			name, spoilt := forge()
			got, _, err := validatedAgain(spoilt, anchors)
			if o := got[name]; err != nil || o.Failure != snapshot.NotInSnapshot || o.Mark != snapshot.MarkProof {
				t.Errorf("%s: %s: %+v (%v), want a proof that does not hold", what, name, o, err)
			}
		}
	})
}

// TestAProofIsOfItsTime: what was learnt in the last second of a signature is proven, and what
// is said to have been learnt a second later is not. No key proves an answer that is said to be
// of a time by which the key had to be asked for again.
func TestAProofIsOfItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		began := time.Now()
		text := recordedWith(t, w.own(), "site.tld")
		stamp := func(at time.Time) string { return `"time":"` + at.UTC().Format(time.RFC3339Nano) + `"` }
		line, end := answerOf(t, text, "site.tld"), began.Add(dnssectest.Lifetime)
		const ttl = 300 * time.Second // of all records
		for _, test := range []struct {
			at    time.Time
			whole bool // the keys and the start of the run are of that time too
			want  snapshot.DNSSEC
		}{
			{began, false, snapshot.Secure},
			{began.Add(ttl), false, snapshot.Secure},
			{began.Add(ttl + time.Second), false, snapshot.Unknown},
			{end, true, snapshot.Secure},
			{end.Add(time.Second), true, snapshot.Unknown},
			{end.Add(time.Second), false, snapshot.Unknown},
			{began.Add(-dnssectest.Lifetime), true, snapshot.Secure},
			{began.Add(-dnssectest.Lifetime - time.Second), true, snapshot.Unknown},
		} {
			spoilt := strings.Replace(text, line, strings.Replace(line, stamp(began), stamp(test.at), 1), 1)
			if test.whole {
				spoilt = strings.ReplaceAll(text, began.UTC().Format(time.RFC3339Nano), test.at.UTC().Format(time.RFC3339Nano))
			}
			got, _, err := validatedAgain(spoilt, dnssec.Anchors{w.zones.Anchor})
			if o := got["site.tld"]; err != nil || o.DNSSEC() != test.want || !o.Time.Equal(test.at) {
				t.Errorf("learnt at %v, all of it: %v: %+v (%v), want %s", test.at, test.whole, o, err, test.want)
			}
		}
	})
}

// linksOf returns the lines of all Links, and the lines of others before and after the first answer.
func linksOf(text string) (head, links, answers string) {
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, `{"link":`):
			links += line
		case strings.HasPrefix(line, `{"name":`):
			answers += line
		default:
			head += line
		}
	}
	return head, links, answers
}

// TestAHostileProofCostsBoundedWork: keys that are written again, and runs that begin, are not
// a reason to verify without end what does not hold.
func TestAHostileProofCostsBoundedWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		text := recordedWith(t, w.own(), "site.tld")
		anchors := dnssec.Anchors{w.zones.Anchor}
		head, links, _ := linksOf(text)
		bad := answerOf(t, text, "site.tld")
		set := regexp.MustCompile(`"rrsets":\[([0-9]+)`).FindStringSubmatch(signedOf(t, bad))[1]
		records := lineOf(t, text, `{"rrset":`+set+`,`)
		spoilt := strings.Replace(head, records, withRecord(records, func(octets []byte) { octets[len(octets)-1] ^= 1 }), 1)
		run := spoilt + strings.Repeat(links+strings.Repeat(bad, 500), 4)
		got, again, err := validatedAgain(strings.Repeat(run, 5)+text, anchors)
		if wasted := again.wasted + again.chain.Memory().Wasted; err != nil || wasted < 2000 || wasted > 6000 {
			t.Errorf("%d verifications have failed (%v), want some thousands", wasted, err)
		}
		if o := got["site.tld"]; o.Mark != snapshot.MarkProof {
			t.Errorf("%+v, want nothing to be verified after so much", o)
		}
		got, _, err = validatedAgain(run+text, anchors)
		if o := got["site.tld"]; err != nil || o.DNSSEC() != snapshot.Secure {
			t.Errorf("%+v (%v), want it proven after little", o, err)
		}
	})
}

// TestNothingIsProvenByWhatCameLater: that a zone is not signed says nothing of a time when it
// may have been, whatever else has come meanwhile.
func TestNothingIsProvenByWhatCameLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		began := time.Now()
		head, links, answers := linksOf(recordedWith(t, w.own(), "open.tld"))
		at := func(links string, late time.Duration) string {
			return strings.ReplaceAll(links, began.UTC().Format(time.RFC3339Nano), began.Add(late).UTC().Format(time.RFC3339Nano))
		}
		above := regexp.MustCompile(`(?m)^{"link":"open.tld".*\n`).ReplaceAllString(links, "")
		for late, want := range map[time.Duration]snapshot.DNSSEC{0: snapshot.Insecure, 5 * time.Minute: snapshot.Insecure, 2 * 24 * time.Hour: snapshot.Unknown} {
			got, _, err := validatedAgain(head+links+at(links, late)+above+answers, dnssec.Anchors{w.zones.Anchor})
			if o := got["open.tld"]; err != nil || o.DNSSEC() != want {
				t.Errorf("%v later: %+v (%v), want %s", late, o, err, want)
			}
		}
	})
}

// TestALongRunProvesItsAnswers: keys and DS records that were asked for again prove what came
// after that, and those of before what came before.
func TestALongRunProvesItsAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, wideZones...)
		names := [][]string{{"site.tld", "mail.open.tld"}, {"www.site.tld"}, {"x.wide.tld", "gone.tld"}, {"x.site.tld"}, {"x.sub.wide.tld", "y.site.tld"}}
		text := recordedIn(t, w.own(), 200*time.Second, names...) // the TTL of all records is 300
		if keys := strings.Count(text, `{"link":"site.tld","type":"DNSKEY"`); keys < 2 {
			t.Errorf("the keys were learnt %d times, want more often", keys)
		}
		got, again, err := validatedAgain(text, dnssec.Anchors{w.zones.Anchor})
		if err != nil || len(again.Broken) > 0 || again.Held != len(got) {
			t.Errorf("%v do not hold, and %d of %d do (%v)", again.Broken, again.Held, len(got), err)
		}
	})
}

// TestAProofThatNobodySigns is once more made from what the snapshot holds.
func TestAProofThatNobodySigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSignedWorld(t, signedZones...)
		w.spoil = func(_ string, q, m *dns.Msg) *dns.Msg {
			if kind := q.Question[0].Qtype; strings.HasPrefix(strings.ToLower(q.Question[0].Name), "dead.") && kind != dns.TypeDS {
				m.Answer, m.Ns, m.Rcode = nil, nil, dns.RcodeServerFailure
			}
			return m
		}
		text := recordedWith(t, w.own(), "dead.open.tld", "x.alias.site.tld")
		links := regexp.MustCompile(`(?m)^{"link":"open.tld","type":"DS".*\n`)
		failed := func(at time.Time) string {
			stamp := regexp.MustCompile(`{"name":"dead.open.tld","time":"[^"]*"`)
			return stamp.ReplaceAllString(text, `{"name":"dead.open.tld","time":"`+at.UTC().Format(time.RFC3339Nano)+`"`)
		}
		for _, test := range []struct {
			text string
			want snapshot.ProofState
		}{
			{text, snapshot.ProvenInsecure}, {links.ReplaceAllString(text, ""), snapshot.NotProven},
			{failed(time.Now().Add(200 * time.Second)), snapshot.ProvenInsecure},
			{failed(time.Now().Add(400 * time.Second)), snapshot.NotProven}, // the TTL of the denial is 300
			{failed(time.Now().Add(-2 * time.Hour)), snapshot.NotProven},    // before the run
		} {
			got, _, err := validatedAgain(test.text, dnssec.Anchors{w.zones.Anchor})
			o := got["dead.open.tld"]
			if err != nil || o.Failure != snapshot.ServFail || len(o.Proofs) != 1 || o.Proofs[0].State != test.want {
				t.Errorf("%+v (%v), want %s", o, err, test.want)
			}
		}
	})
}

// FuzzProof: whatever becomes of a snapshot, what it proves to be secure is what the zones say,
// and what it proves to be unsigned is. Every four octets of edits change one thing.
func FuzzProof(f *testing.F) {
	zones, err := dnssectest.Build(proofTime, append([]dnssectest.Spec{{Origin: ".", Denial: dnssectest.NSEC}}, wideZones...)...)
	if err != nil {
		f.Fatal(err)
	}
	anchors := dnssec.Anchors{zones.Anchor}
	lines := slices.Collect(strings.Lines(proofOf(f, zones, wideNames...)))
	for op := range editings {
		f.Add([]byte{byte(op), 3, 77, 1, byte(op), 40, 10, 30, byte(op), 41, 11, 31})
	}
	f.Fuzz(func(t *testing.T, edits []byte) {
		text := strings.Join(edited(lines, edits), "")
		got, again, err := validatedAgain(text, anchors)
		if err != nil {
			return
		}
		if len(edits) < 4 && len(again.Broken) > 0 {
			t.Errorf("%v do not hold, and nothing is changed", again.Broken)
		}
		for name, o := range got {
			says, signed := truthOf(zones, o.Name.String())
			switch proven := o.DNSSEC(); {
			case proven == snapshot.Secure && saidBy(&o) != says:
				t.Errorf("%s: %s, and its zone says %s", name, saidBy(&o), says)
			case (proven == snapshot.Secure || proven == snapshot.Insecure) && o.Own != proven:
				t.Errorf("%s: %+v, want its proof only", name, o)
			case proven == snapshot.Insecure && signed:
				t.Errorf("%s: %+v, and it is signed", name, o)
			}
		}
	})
}

// proofTime is when the snapshots of FuzzProof were taken.
var proofTime = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// editings are how many kinds of changes edited makes.
const editings = 6

// edited changes lines, by four octets at a time: how, which line, and two that say what.
func edited(lines []string, edits []byte) []string {
	lines = slices.Clone(lines)
	for ; len(edits) >= 4 && len(lines) > 1; edits = edits[4:] {
		i, j := 1+int(edits[1])%(len(lines)-1), 1+int(edits[2])%(len(lines)-1) // the header stays
		switch line, by := lines[i], edits[3]; edits[0] % editings {
		case 0: // another character
			at := int(edits[2]) * len(line) / 256
			lines[i] = line[:at] + string(rune(' '+by%95)) + line[min(at+1, len(line)-1):]
		case 1: // another octet of a record
			lines[i] = withRecord(line, func(octets []byte) { octets[int(edits[2])*len(octets)/256] ^= by })
		case 2:
			lines = slices.Delete(lines, i, i+1)
		case 3: // twice, and elsewhere
			lines = slices.Insert(lines, j, line)
		case 4: // the proof of another one
			lines[i] = proofField.ReplaceAllString(line, proofField.FindString(lines[j]))
		case 5: // another name
			lines[i] = strings.Replace(line, nameOf(line), nameOf(lines[j]), 1)
		}
	}
	return lines
}

var (
	proofField = regexp.MustCompile(`"(signed":\[\{.*\}|rrsets":\[[0-9,]*)\]`)
	nameField  = regexp.MustCompile(`^\{"(?:name|link)":"[^"]*"`)
)

func nameOf(line string) string {
	_, name, _ := strings.Cut(nameField.FindString(line), ":")
	return name
}

// withRecord changes the octets in an RRset's line; other lines stay as they are.
func withRecord(line string, change func([]byte)) string {
	var l struct {
		RRset  int    `json:"rrset"`
		Octets []byte `json:"octets"`
	}
	if json.Unmarshal([]byte(line), &l) != nil || len(l.Octets) == 0 {
		return line
	}
	change(l.Octets)
	return fmt.Sprintf(`{"rrset":%d,"octets":"%s"}`+"\n", l.RRset, base64.StdEncoding.EncodeToString(l.Octets))
}

// proofOf is the snapshot of a run that has asked for names at proofTime.
func proofOf(t testing.TB, zones *dnssectest.World, names ...string) string {
	t.Helper()
	header := ownHeader()
	header.Started = proofTime
	var file memoryFile
	w, err := snapshot.NewWriter(&file, header, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	r := &Client{chain: dnssec.NewChain(dnssec.Anchors{zones.Anchor})}
	r.KeepProof(w.PutLink)
	for _, name := range names {
		w.Put([]snapshot.Observation{answered(t, r.chain, zones, mustName(t, name))})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// answered is what a step makes of the answer for a name.
func answered(t testing.TB, chain *dnssec.Chain, zones *dnssectest.World, name domain.Name) snapshot.Observation {
	t.Helper()
	s := newStep(name, 1)
	s.own = true
	for more := true; more; {
		out := s.read(wireOf(t, zones, s.asked, dns.TypeCAA), ours)
		out.at, out.transport = proofTime, snapshot.UDP
		more = s.advance(out, 1)
	}
	if s.obs.Failure != "" {
		return s.obs
	}
	verdict := dnssec.Verdict{State: dnssec.Secure}
	for _, p := range s.chain.parts {
		question := dnssec.Question{Path: p.path, Type: dns.TypeCAA, Open: p.open}
		v, next := chain.Answer(question, p.reply, proofTime)
		for ; v.State == dnssec.Undecided; v, next = chain.Answer(question, p.reply, proofTime) {
			reply, err := dnssec.Parse(wireOf(t, zones, next.Name, next.Type))
			if err != nil {
				t.Fatal(err)
			}
			if learnt, _ := chain.Learn(next, reply, proofTime); learnt.State == dnssec.Bogus {
				chain.Stand(next, learnt, proofTime)
			}
		}
		verdict = verdict.And(v)
	}
	s.settle(verdict, signedParts(s.chain.parts, func(at time.Time) time.Time { return at }))
	return s.obs
}

func wireOf(t testing.TB, zones *dnssectest.World, name string, kind uint16) []byte {
	t.Helper()
	m := zones.Answer(dns.Fqdn(name), kind)
	m.SetEdns0(udpSize, true)
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// truthOf returns the aliases of a name and the records at their end, and whether all of that
// is signed by keys that can be used.
func truthOf(zones *dnssectest.World, name string) (says string, signed bool) {
	m := zones.Answer(dns.Fqdn(name), dns.TypeCAA)
	var set []string
	path := []string{dns.CanonicalName(dns.Fqdn(name))}
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.CNAME:
			path = append(path, dns.CanonicalName(rr.Target))
		case *dns.CAA:
			set = append(set, fmt.Sprintf("%d %s %s", rr.Flag, rr.Tag, rr.Value))
		}
	}
	signed = true
	for _, name := range path {
		in := func(zone string) bool { return dns.IsSubDomain(zone, name) }
		signed = signed && (in("site.tld.") || in("wide.tld.") || in("badkeys.tld.") || in("broken.tld.") || !in("tld.") || name == "tld.")
	}
	return fmt.Sprint(path[1:], set), signed
}

// saidBy is what truthOf says, of an answer.
func saidBy(o *snapshot.Observation) string {
	var path, set []string
	for _, alias := range o.Aliases {
		path = append(path, dns.CanonicalName(dns.Fqdn(alias)))
	}
	for _, p := range o.Records.Properties {
		set = append(set, fmt.Sprintf("%d %s %s", p.Flags(), p.Tag(), p.Value()))
	}
	return fmt.Sprint(path, set)
}

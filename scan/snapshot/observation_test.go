package snapshot_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

func name(t testing.TB, text string) domain.Name {
	t.Helper()
	n, err := domain.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func property(t testing.TB, flags uint8, tag, value string) caa.Property {
	t.Helper()
	p, err := caa.NewProperty(flags, tag, value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStoreKeepsOneObservationANameTheLastOne(t *testing.T) {
	var s snapshot.Store
	n := name(t, "mail.example")
	if _, found := s.Find(n); found || s.Len() != 0 {
		t.Error("the zero Store is not empty")
	}
	s.Put(snapshot.Observation{Name: n, Failure: snapshot.Timeout})
	s.Put(snapshot.Observation{Name: n, RCode: 3})
	if o, found := s.Find(n); !found || o.Failure != "" || o.RCode != 3 || s.Len() != 1 {
		t.Errorf("Find = %+v of %d, want the second of one", o, s.Len())
	}
}

func TestOnlyAnHonestNothingLetsTheClimbGoOn(t *testing.T) {
	set := caa.RRset{Owner: "mail.example", Properties: []caa.Property{property(t, 0, "issue", ";")}}
	for _, test := range []struct {
		name string
		o    snapshot.Observation
		want bool
	}{
		{"an empty answer", snapshot.Observation{}, false},
		{"NXDOMAIN", snapshot.Observation{RCode: 3}, false},
		{"a set, whatever its tags", snapshot.Observation{Records: set}, true},
		{"a failure", snapshot.Observation{Failure: snapshot.ServFail}, true},
	} {
		if got := test.o.EndsClimb(); got != test.want {
			t.Errorf("%s: EndsClimb = %v, want %v", test.name, got, test.want)
		}
	}
}

func TestNXDOMAINSpeaksOfTheNameOnlyWithoutAliases(t *testing.T) {
	for _, test := range []struct {
		name string
		o    snapshot.Observation
		want bool
	}{
		{"NXDOMAIN", snapshot.Observation{RCode: 3}, true},
		{"NODATA", snapshot.Observation{RCode: 0}, false},
		{"NXDOMAIN behind an alias (RFC 6604)", snapshot.Observation{RCode: 3, Aliases: []string{"a.example"}}, false},
		{"NXDOMAIN of a top-level domain", snapshot.Observation{RCode: 3, Failure: snapshot.TLDNotFound}, true},
		{"NXDOMAIN that is a failure", snapshot.Observation{RCode: 3, Failure: snapshot.Filtered}, false},
	} {
		if got := test.o.NameNotFound(); got != test.want {
			t.Errorf("%s: NameNotFound = %v, want %v", test.name, got, test.want)
		}
	}
}

func TestAnswerSaysWhatTheServerSaid(t *testing.T) {
	for _, test := range []struct {
		o    snapshot.Observation
		want string
	}{
		{snapshot.Observation{RCode: 5}, "REFUSED"},
		{snapshot.Observation{RCode: 3841}, "RCODE3841"},
		{
			snapshot.Observation{RCode: 2, EDE: []snapshot.EDE{{Code: 6, Text: "no \"SIG\"\x1b[31m"}, {Code: 22}, {Code: 4711}}},
			`SERVFAIL, EDE 6 (DNSSEC Bogus): "no \"SIG\"\027[31m", EDE 22 (No Reachable Authority), EDE 4711`,
		},
	} {
		if got := test.o.Answer(); got != test.want {
			t.Errorf("Answer = %s, want %s", got, test.want)
		}
	}
}

func TestEveryFailureIsToldWithOrWithoutAnRCode(t *testing.T) {
	silent := map[snapshot.Failure]bool{
		snapshot.Timeout: true, snapshot.Network: true, snapshot.Truncated: true, snapshot.MalformedReply: true,
		snapshot.NotInZone: true, snapshot.NotInSnapshot: true,
	}
	for _, f := range snapshot.Failures() {
		o := snapshot.Observation{Failure: f}
		if got := o.Replied(); got == silent[f] {
			t.Errorf("%s: Replied = %v", f, got)
		}
	}
}

func TestAnObservationAsJSON(t *testing.T) {
	o := snapshot.Observation{
		Name:    name(t, "mail.example"),
		Aliases: []string{"a.example"},
		Records: caa.RRset{Owner: "a.example", Properties: []caa.Property{property(t, 128, "issuemail", "\x00\"")}},
		TTL:     300, RecordsTTL: 600, AD: true, Validated: true, EDE: []snapshot.EDE{{Code: 1, Text: "\xff"}},
		Server: "192.0.2.1:53", Transport: snapshot.UDP, Attempts: 2,
		Time: time.Date(2026, 11, 23, 15, 4, 5, 0, time.FixedZone("", 3600)),
	}
	want := `{"name":"mail.example","time":"2026-11-23T14:04:05Z","resolver":"192.0.2.1:53","transport":"udp",` +
		`"rcode":"NOERROR","ad":true,"validated":true,"ede":[{"code":1,"text":"\\255"}],"ttl":300,"records_ttl":600,"aliases":["a.example"],"owner":"a.example",` +
		`"caa":[{"flags":128,"tag":"issuemail","value":"\\000\\\"","rdata":"800969737375656d61696c0022"}],"attempts":2}`
	got, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON mismatch (-want +got)\n%s", diff)
	}
}

// A Store is the cache of a run: one Observation for each name asked.
func ExampleStore() {
	mail, err := domain.Parse("mail.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	var store snapshot.Store
	store.Put(snapshot.Observation{Name: mail, RCode: 2, EDE: []snapshot.EDE{{Code: 22}}, Failure: snapshot.NoAuthority})
	o, _ := store.Find(mail)
	fmt.Println(o.Name, o.Failure, "-", o.Answer())
	// Output: mail.example no-authority - SERVFAIL, EDE 22 (No Reachable Authority)
}

package lookup_test

import (
	"testing"
	"time"

	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/lookup/dnstest"
	"caascan/scan/snapshot"
)

// TestFaultsOfResolvers asks a server on loopback that misbehaves for each name
// in its own way. Every name has a set that permits: what comes back as another
// failure, or with no failure and no set, would be the wrong "permitted".
func TestFaultsOfResolvers(t *testing.T) {
	server := dnstest.Serve(t, "testdata/faults.zone")
	for _, test := range []struct {
		name    string
		failure snapshot.Failure // "" wants the set
		queries int              // for the name itself: where it fails, twice in each of two passes
		over    snapshot.Transport
	}{
		{"good", "", 1, snapshot.UDP},
		{"drop", snapshot.Timeout, 4, snapshot.UDP},
		{"once", "", 2, snapshot.UDP},
		{"servfail", snapshot.ServFail, 4, snapshot.UDP},
		{"servfail-once", "", 2, snapshot.UDP},
		{"refused", snapshot.Refused, 4, snapshot.UDP},
		{"notimp", snapshot.NotImp, 12, snapshot.TCP},   // EDNS, plain, TCP; twice in each pass
		{"formerr", snapshot.FormErr, 12, snapshot.TCP}, // the same
		{"yxdomain", snapshot.RCode, 4, snapshot.UDP},
		{"bogus", snapshot.DNSSECBogus, 1, snapshot.UDP}, // asking again would not help
		{"bogus-noerror", snapshot.DNSSECBogus, 1, snapshot.UDP},
		{"expired", snapshot.DNSSECBogus, 1, snapshot.UDP},
		{"unreachable", snapshot.NoAuthority, 4, snapshot.UDP},
		{"filtered", snapshot.Filtered, 1, snapshot.UDP},
		{"forged", snapshot.Filtered, 1, snapshot.UDP},
		{"stale", snapshot.Stale, 4, snapshot.UDP},
		{"stale-once", "", 2, snapshot.UDP},
		{"noedns", "", 2, snapshot.UDP},
		{"noedns-noq", "", 2, snapshot.UDP},
		{"noquestion", snapshot.ServFail, 12, snapshot.TCP},
		{"tc", "", 2, snapshot.TCP},
		{"tc-tcp", snapshot.Truncated, 8, snapshot.TCP},
		{"tcp-close", snapshot.Network, 8, snapshot.TCP},
		{"badid", snapshot.Timeout, 4, snapshot.UDP},
		{"badquestion", snapshot.Timeout, 4, snapshot.UDP},
		{"badport", snapshot.Timeout, 4, snapshot.UDP},
		{"garbage", snapshot.Timeout, 4, snapshot.UDP},
		{"half", snapshot.MalformedReply, 4, snapshot.UDP},
		{"referral", snapshot.MalformedReply, 4, snapshot.UDP},
		{"pointers", snapshot.MalformedReply, 4, snapshot.UDP},
		{"offchain", snapshot.MalformedReply, 4, snapshot.UDP},
		{"noedns-notimp", "", 2, snapshot.UDP},
		{"badvers", "", 2, snapshot.UDP},
		{"othercase", "", 1, snapshot.UDP},
		{"drip", snapshot.Timeout, 8, snapshot.TCP},
		{"flap", "", 3, snapshot.UDP}, // in the final pass
		{"flap-back", "", 2, snapshot.UDP},
		{"late", "", 1, snapshot.UDP},
		{"chain", "", 1, snapshot.UDP}, // and one each for the names after it
		{"chain-broken", snapshot.ServFail, 2, snapshot.UDP},
		{"alias", "", 1, snapshot.UDP},
		{"loop", snapshot.CNAMELoop, 4, snapshot.UDP},
		{"a.dname", "", 1, snapshot.UDP},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			name := parse(t, test.name+".example")
			client, err := lookup.New(lookup.Config{
				Servers: []lookup.Server{serverAt(t, server.Addr())},
				Timeout: time.Second, // only the names that never answer wait for it
			})
			if err != nil {
				t.Fatal(err)
			}
			steps, err := client.Trace(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			o := steps[0]
			if o.Failure != test.failure || (o.Failure == "") != (len(o.Records.Properties) == 1) || len(steps) != 1 {
				t.Errorf("%d steps, failure %q, set %v, want one step with %q or a set", len(steps), o.Failure, o.Records, test.failure)
			}
			if o.Transport != test.over || o.Server != server.Addr() {
				t.Errorf("over %s from %s, want %s from %s", o.Transport, o.Server, test.over, server.Addr())
			}
			if got := server.Count(name.String()); got != test.queries {
				t.Errorf("%d queries for %v, want %d", got, name, test.queries)
			}
		})
	}
}

// TestNobodyListening: the machine says that the port is closed, so the wait is
// short.
func TestNobodyListening(t *testing.T) {
	server, err := dnstest.Start(dnstest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	client, err := lookup.New(lookup.Config{Servers: []lookup.Server{serverAt(t, server.Addr())}})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := client.Trace(t.Context(), parse(t, "mail.example"))
	if err != nil {
		t.Fatal(err)
	}
	if o := steps[0]; o.Failure != snapshot.Network || o.Attempts != 2 {
		t.Errorf("%+v, want network after 2 attempts", o)
	}
}

func parse(t testing.TB, text string) domain.Name {
	t.Helper()
	name, err := domain.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func serverAt(t testing.TB, address string) lookup.Server {
	t.Helper()
	server, err := lookup.ParseServer(address)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

package lookup_test

import (
	"slices"
	"testing"

	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// TestNoNameIsLostOnALossyWay: of every hundred queries and replies two get lost, and
// all names are answered with what the zone says all the same. Each retry is counted:
// the proxy sees as many queries as the Client says.
func TestNoNameIsLostOnALossyWay(t *testing.T) {
	const size, loss = 2000, 0.02
	z := smallZone(t, size)
	server, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{z}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	proxy, err := dnstest.StartProxy(dnstest.ProxyConfig{Server: server.Addr(), QueryLoss: loss, ReplyLoss: loss, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	through, err := lookup.ParseServer(proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	client, err := lookup.New(lookup.Config{Servers: []lookup.Server{through}, Concurrency: 100})
	if err != nil {
		t.Fatal(err)
	}
	var names []domain.Name
	for i := range size {
		names = append(names, parseName(t, smallName(i)))
	}
	if err := client.Lookup(t.Context(), slices.Chunk(names, 256), nil); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		o, ok := client.Store().Find(name)
		if has := len(o.Records.Properties) > 0; !ok || o.Failure != "" || has != (i%smallShare == 0) {
			t.Errorf("%s: found %v, failure %q, records %v", name, ok, o.Failure, has)
		}
	}
	stats, passed := client.Stats(), proxy.Passed()
	if stats.Queries+client.Servers()[0].Controls != passed.Queries || stats.Queries != stats.Names+stats.Retries {
		t.Errorf("%d names, %d queries, %d retries; the proxy saw %d queries", stats.Names, stats.Queries, stats.Retries, passed.Queries)
	}
	if passed.QueriesLost == 0 || passed.RepliesLost == 0 {
		t.Errorf("%+v: nothing got lost", passed)
	}
}

//go:build servers

package main

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// loadedUnbound takes what a run at full speed asks of it at a time, keeps it all, and
// notes nothing.
func loadedUnbound() string {
	return strings.NewReplacer("log-queries: yes", `log-queries: no
  num-queries-per-thread: 4096
  outgoing-range: 4096
  so-rcvbuf: 4m
  so-sndbuf: 4m
  msg-cache-size: 200m
  rrset-cache-size: 200m`).Replace(unboundConfig)
}

// TestAtFullSpeedNothingIsLost scans 200,000 generated names through servers that
// others wrote, with 1,000 queries in flight, first with all to be found out and then
// with all in the resolver's cache: every row is there, every status and reason is the
// one that the generator knows, nothing has failed, and no name was asked twice but in
// retries that were counted.
func TestAtFullSpeedNothingIsLost(t *testing.T) {
	program, world := build(t), t.TempDir()
	file := func(name string) string { return filepath.Join(world, name) }
	tool := func(name string, args ...string) {
		t.Helper()
		command := append([]string{"run", "../../testdata/bench/" + name}, args...)
		if output, err := exec.CommandContext(t.Context(), "go", command...).CombinedOutput(); err != nil {
			t.Errorf("%s %v: %v\n%s", name, args, err, output)
		}
	}
	tool("gen", "-out", world, "-domains", "200000", "-subdomains", "0", "-rows", "0")
	if t.Failed() {
		return
	}
	served := map[string]string{".": file("root.zone")}
	for _, tld := range []string{"com", "net", "org", "de", "io"} {
		served[tld+"."] = file(tld + ".zone")
	}
	zones := slices.Collect(maps.Keys(served))
	resolver := startUnboundWith(t, loadedUnbound(), startNSD(t, served), zones, zones)
	for _, cache := range []string{"cold", "warm"} {
		report, log := file(cache+".csv"), file(cache+".log")
		got := runProgram(t, program, "", "scan", file("domains.txt"), "--issuer", "digicert.com", "--resolver", resolver.address,
			"--concurrency", "1000", "--verbose", "--fail-on", "lookup-failed", "-o", report)
		if got.code != exitDone {
			t.Fatalf("%s cache: exit %d, stderr %q, want 0: nothing fails", cache, got.code, got.stderr)
		}
		writeFile(t, log, got.stderr)
		tool("measure", "check", file("expected.csv"), file("domains.txt"), report, log)
		t.Logf("%s cache: %s", cache, got.stderr)
	}
}

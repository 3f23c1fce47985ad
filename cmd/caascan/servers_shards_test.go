//go:build servers

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShardsKilledAndContinued: four processes share a list, one of them is killed with no
// warning and started again, and what all of them have learnt makes the report of a run that
// was never divided.
func TestShardsKilledAndContinued(t *testing.T) {
	program, list := build(t), writeNightList(t)
	whole := newNight(t, program, list, 1)
	whole.finish(t, whole.begin(t))
	want := whole.report(t)

	const shards, victim = 4, 2
	n := newNight(t, program, list, 1)
	dir := t.TempDir()
	begin := func(shard int) running {
		return n.start(t, newSandbox(t), "scan", list, "--shard", fmt.Sprintf("%d/%d", shard, shards), "--snapshot", shardFile(dir, shard), "--resume",
			"--resolver", n.resolvers[0], "--timeout", "300ms", "--final-pass-after", "100ms")
	}
	var all []running
	for shard := range shards {
		all = append(all, begin(shard))
	}
	n.snapshot = shardFile(dir, victim)
	const some = 32 << 10 // octets: about 200 of its 1500 domains
	all[victim].waitFor(t, func() bool { return n.size(t, n.snapshot) > some })
	if err := all[victim].process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-all[victim].ended
	for shard, r := range all {
		if shard != victim {
			n.finish(t, r)
		}
	}
	if *all[victim].code != -1 {
		t.Fatalf("exit %d, want it killed", *all[victim].code)
	}
	n.asked(t)
	before := n.known(t)
	if len(before) > nightDomains/shards {
		t.Fatalf("%d names are known: it was killed too late to tell", len(before))
	}
	n.finish(t, begin(victim))
	for name := range n.asked(t) {
		if before[name] {
			t.Errorf("%s was asked again, though the shard had its answer", name)
		}
	}

	n.finish(t, n.start(t, n.sandbox, "scan", list, "--from-snapshot", dir, "-o", n.path(csvReport)))
	n.checkReport(t, want)
	checkOneShardEach(t, dir, shards)
}

func shardFile(dir string, shard int) string {
	return filepath.Join(dir, fmt.Sprintf("shard-%d.jsonl", shard))
}

// checkOneShardEach sees that no name but a shared parent is in two shards' snapshots.
func checkOneShardEach(t *testing.T, dir string, shards int) {
	t.Helper()
	in := make(map[string]int)
	for shard := range shards {
		text, err := os.ReadFile(shardFile(dir, shard))
		if err != nil {
			t.Fatal(err)
		}
		names := make(map[string]bool)
		for line := range strings.Lines(string(text)) {
			if _, after, ok := strings.Cut(line, `{"name":"`); ok {
				name, _, _ := strings.Cut(after, `"`)
				names[name] = true
			}
		}
		for name := range names {
			in[name]++
		}
	}
	for name, times := range in {
		if want := 1; times != want && name != "example" {
			t.Errorf("%s is in %d shards", name, times)
		}
	}
	if in["example"] != shards {
		t.Errorf("the parent of all is in %d shards, want each to have asked for it", in["example"])
	}
}

//go:build servers

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"caascan/scan/lookup/dnstest"
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

// shardedList is a small list, and the DNS that is asked for it.
func shardedList(t *testing.T) (list, resolver string) {
	t.Helper()
	dir := t.TempDir()
	world, list := filepath.Join(dir, "world.zone"), filepath.Join(dir, "staff.csv")
	zoneText, listText := ". 300 SOA ns.example. hostmaster.example. 1 1800 900 604800 300\n", "email\nnobody\n"
	for i := range 200 {
		zoneText += fmt.Sprintf("d%d.example. 300 CAA 0 issuemail %q\n", i, []string{"ca.example", "other.example", ";"}[i%3])
		listText += fmt.Sprintf("a@d%d.example\nb@mail.d%[1]d.example\n", i)
	}
	writeFile(t, world, zoneText)
	writeFile(t, list, listText)
	return list, dnstest.Serve(t, world).Addr()
}

// TestTheFilesForSchedulersRun what they say, as each scheduler would: 16 processes, whose
// snapshots together make the report of a run that was never divided.
func TestTheFilesForSchedulersRun(t *testing.T) {
	program := build(t)
	list, resolver := shardedList(t)
	t.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
	whole := filepath.Join(t.TempDir(), "whole.csv")
	said(t, ".", program, "scan", list, "--resolver", resolver, "--issuer", "ca.example", "-o", whole)
	for name, run := range map[string]func(results string){
		"indexed-job.yaml": func(results string) {
			job := readIndexedJob(t)
			for index := range job.Spec.Completions {
				args := job.argsOf(t, index)
				for i, arg := range args {
					args[i] = strings.NewReplacer("/lists/staff.csv", list, "/shards/", results+"/", "127.0.0.1:5353", resolver).Replace(arg)
				}
				said(t, ".", program, args...)
			}
		},
		"array.sbatch": func(results string) {
			for index := range 16 {
				said(t, ".", "env", "LIST="+list, "RESULTS="+results, "RESOLVER="+resolver, fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d", index), "SLURM_ARRAY_JOB_ID=1", "shards/array.sbatch")
			}
		},
		"parallel": func(results string) {
			find(t, "parallel")
			said(t, ".", "env", "LIST="+list, "RESULTS="+results, "RESOLVER="+resolver, "shards/parallel")
		},
	} {
		t.Run(name, func(t *testing.T) {
			results := t.TempDir()
			run(results)
			if files, err := filepath.Glob(results + "/*.jsonl"); err != nil || len(files) != 16 {
				t.Fatalf("%d snapshots (%v), want one of each of 16 shards", len(files), err)
			}
			union := filepath.Join(results, "union.csv")
			said(t, ".", program, "scan", list, "--from-snapshot", results, "--issuer", "ca.example", "-o", union)
			if got, want := withoutTimes(t, union), withoutTimes(t, whole); got != want {
				t.Errorf("the union is not the whole report:\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// withoutTimes is a report without caa_checked_at.
func withoutTimes(t *testing.T, file string) string {
	t.Helper()
	rows := readReport(t, string(readAll(t, file)))
	at := slices.Index(rows[0], "caa_checked_at")
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintln(&b, slices.Delete(row, at, at+1))
	}
	return b.String()
}

// TestTheSlurmArrayIsStartedAgain after a failure, unless the command line is wrong or it has
// been tried often.
func TestTheSlurmArrayIsStartedAgain(t *testing.T) {
	bin := t.TempDir()
	for name, text := range map[string]string{"caascan": "exit $FAIL", "scontrol": `echo "$@"`} {
		path := filepath.Join(bin, name)
		writeFile(t, path, "#!/bin/sh\n"+text+"\n")
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ fail, restarts, want string }{
		{"0", "0", ""}, {"1", "0", "requeue 7_3\n"}, {"137", "2", "requeue 7_3\n"}, {"1", "3", ""}, {"2", "0", ""},
	} {
		cmd := exec.CommandContext(t.Context(), "shards/array.sbatch")
		cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "FAIL="+test.fail,
			"SLURM_RESTART_COUNT="+test.restarts, "SLURM_ARRAY_TASK_ID=3", "SLURM_ARRAY_JOB_ID=7")
		text, err := cmd.Output()
		if code := fmt.Sprint(cmd.ProcessState.ExitCode()); string(text) != test.want || code != test.fail {
			t.Errorf("exit %s after %s restarts: %q, exit %s (%v), want %q", test.fail, test.restarts, text, code, err, test.want)
		}
	}
}

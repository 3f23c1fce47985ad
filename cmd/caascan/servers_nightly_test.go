//go:build servers

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"caascan/scan/lookup/dnstest"
)

// TestTheScriptOfTheReadme runs it twice in a night: the second run asks for nothing that
// the first has learnt, and compares its report with that of the first.
func TestTheScriptOfTheReadme(t *testing.T) {
	shared, evidence, metrics := t.TempDir(), t.TempDir(), t.TempDir()
	server := dnstest.Serve(t, demoZone)
	text := strings.NewReplacer("/srv/caascan", shared, "/var/lib/caascan-metrics", metrics, "/usr/local/bin/caascan ", build(t)+" ",
		"127.0.0.1", server.Addr(), "digicert.com", "ca.example").Replace(readmeFile(t, "caascan-nightly"))
	script := writeText(t, filepath.Join(t.TempDir(), "caascan-nightly"), text)
	writeFile(t, filepath.Join(shared, "domains.csv"), "domain\nlisted.example\nother.example\n")
	for _, run := range []struct{ names, reused float64 }{{2, 0}, {0, 2}} {
		cmd := exec.Command("/bin/sh", script)
		cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+evidence)
		if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
			t.Fatalf("%v\n%s", err, said)
		}
		got := readMetrics(t, filepath.Join(metrics, "caascan.prom"))
		if got["caascan_names"] != run.names || got["caascan_reused_answers"] != run.reused || got["caascan_rows ca.example denied"] != 1 {
			t.Errorf("%v, want %v names asked, %v answers reused and a row denied", got, run.names, run.reused)
		}
		if snapshots, err := filepath.Glob(filepath.Join(evidence, "20??-??-??.jsonl")); err != nil || len(snapshots) != 1 {
			t.Errorf("snapshots: %v (%v), want that of the night", snapshots, err)
		}
	}
}

// TestTheUnitsOfTheReadme: systemd takes them without a word, and the service is shut in.
func TestTheUnitsOfTheReadme(t *testing.T) {
	analyze, dir := find(t, "systemd-analyze"), t.TempDir()
	script := writeText(t, filepath.Join(dir, "caascan-nightly"), readmeFile(t, "caascan-nightly"))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	var units []string
	for _, name := range []string{"caascan.timer", "caascan.service", "caascan-mail.service"} {
		text := strings.ReplaceAll(readmeFile(t, name), "/usr/local/bin/caascan-nightly", script)
		units = append(units, writeText(t, filepath.Join(dir, name), text))
	}
	said, err := exec.Command(analyze, append([]string{"--man=no", "verify"}, units...)...).CombinedOutput()
	if err != nil || len(said) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, said)
	}
	const bound = 1.5 // of 10; without any hardening it is 9.6
	said, err = exec.Command(analyze, "--no-pager", "security", "--offline=true", units[1]).CombinedOutput()
	found := regexp.MustCompile(`Overall exposure level for caascan\.service: ([0-9.]+) `).FindSubmatch(said)
	if err != nil || found == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, said)
	}
	if exposure, err := strconv.ParseFloat(string(found[1]), 64); err != nil || exposure > bound {
		t.Errorf("the exposure of the service is %s (%v), want at most %v\n%s", found[1], err, bound, said)
	}
}

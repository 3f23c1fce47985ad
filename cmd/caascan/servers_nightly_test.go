//go:build servers

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"caascan/scan/lookup/dnstest"
)

// TestTheNightlyScript runs it twice in a night, and once more as if that were the next
// one. The second run asks for nothing that the first has learnt. Only the third has an
// earlier night to compare with, and the policy has changed since.
func TestTheNightlyScript(t *testing.T) {
	shared, evidence, metrics := t.TempDir(), t.TempDir(), t.TempDir()
	server := dnstest.Serve(t, demoZone)
	text := strings.NewReplacer("/srv/caascan", shared, "/var/lib/caascan-metrics", metrics, "/usr/local/bin/caascan ", build(t)+" ",
		"127.0.0.1", server.Addr(), "DigiCert", "ca.example").Replace(readText(t, "nightly/caascan-nightly"))
	script := writeText(t, filepath.Join(t.TempDir(), "caascan-nightly"), text)
	writeFile(t, filepath.Join(shared, "domains.csv"), "domain\nlisted.example\nother.example\n")
	run := func() (code int, metricsOf map[string]float64, text string) {
		cmd := exec.Command("/bin/sh", script)
		cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+evidence)
		said, err := cmd.CombinedOutput()
		if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
			t.Fatalf("%v\n%s", err, said)
		}
		return cmd.ProcessState.ExitCode(), readMetrics(t, filepath.Join(metrics, "caascan.prom")), string(said)
	}
	for _, want := range []struct{ names, reused float64 }{{2, 0}, {0, 2}} {
		code, got, said := run()
		if code != exitDone || said != "" || got["caascan_names"] != want.names || got["caascan_reused_answers"] != want.reused || got["caascan_rows ca.example denied"] != 1 {
			t.Errorf("exit %d, %v, %q, want %v names asked, %v answers reused, a row denied and silence", code, got, said, want.names, want.reused)
		}
		if snapshots, err := filepath.Glob(filepath.Join(evidence, "20??-??-??.jsonl")); err != nil || len(snapshots) != 1 {
			t.Errorf("snapshots: %v (%v), want that of the night", snapshots, err)
		}
	}
	reports, err := filepath.Glob(filepath.Join(shared, "caa-20??-??-??.csv"))
	if err != nil || len(reports) != 1 {
		t.Fatalf("reports: %v (%v), want that of the night", reports, err)
	}
	earlier := strings.ReplaceAll(readText(t, reports[0]), ",denied,issuer-not-listed,", ",permitted,no-caa,")
	writeFile(t, filepath.Join(shared, "caa-2000-01-02.csv"), earlier)
	writeFile(t, filepath.Join(shared, "caa-2000-01-01.csv"), "this is not the night before\n")
	code, got, said := run()
	if code != exitFailOn || got["caascan_changed_domains newly-denied"] != 1 {
		t.Errorf("exit %d, %v, want 3, and a domain newly denied", code, keep(got, "caascan_changed"))
	}
	for _, want := range []string{"caa-2000-01-02.csv -> ", "newly-denied               1         1\n", "  other.example: newly-denied, 1 row\n    was permitted (no-caa)\n    is  denied (issuer-not-listed)\n"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in what the mail carries:\n%s", want, said)
		}
	}
}

// TestTheNightlyUnits: systemd takes them without a word, and the service is shut in.
func TestTheNightlyUnits(t *testing.T) {
	analyze, dir := find(t, "systemd-analyze"), t.TempDir()
	script := writeText(t, filepath.Join(dir, "caascan-nightly"), readText(t, "nightly/caascan-nightly"))
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	var units []string
	for _, name := range []string{"caascan.timer", "caascan.service", "caascan-mail.service"} {
		text := strings.ReplaceAll(readText(t, "nightly/"+name), "/usr/local/bin/caascan-nightly", script)
		units = append(units, writeText(t, filepath.Join(dir, name), text))
	}
	said, err := exec.Command(analyze, append([]string{"--man=no", "verify"}, units...)...).CombinedOutput()
	// Debian 12 has systemd 252, which does not know the line that 254 needs.
	said = regexp.MustCompile(`(?m)^.*Unknown key (name )?'RestartMode' in section .*, ignoring\.\n`).ReplaceAll(said, nil)
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

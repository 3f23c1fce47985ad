//go:build servers

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMetricsSideBySide: a node exporter that has the metrics of two lists in its folder
// serves all series of both, and promtool has nothing to say against them.
func TestMetricsSideBySide(t *testing.T) {
	promtool, exporter, dir := find(t, "promtool"), find(t, "prometheus-node-exporter"), t.TempDir()
	metricsFileOf := func(i int) string { return filepath.Join(dir, fmt.Sprintf("list%d.prom", i)) }
	lists := []string{writeText(t, filepath.Join(t.TempDir(), "a.csv"), measuredList), writeText(t, filepath.Join(t.TempDir(), "b.csv"), measuredList)}
	for i, list := range lists {
		earlier := filepath.Join(t.TempDir(), "earlier.csv")
		args := []string{"scan", list, "--zone", demoZone, "--issuer", "ca.example"}
		if got := runWith(t.Context(), "", append(args, "-o", earlier)...); got.code != exitDone {
			t.Fatalf("%+v", got)
		}
		args = append(args, "--baseline", earlier, "-o", "-", "--metrics", metricsFileOf(i))
		if got := runWith(t.Context(), "", args...); got.code != exitDone {
			t.Fatalf("%+v", got)
		}
	}
	served := servedBy(t, exporter, dir)
	want, got := make(map[string]int), make(map[string]int)
	for i := range lists {
		for name, family := range parseMetrics(t, readText(t, metricsFileOf(i))) {
			want[name] += len(family.GetMetric())
		}
	}
	for name, family := range parseMetrics(t, served) {
		got[name] = len(family.GetMetric())
	}
	if diff := cmp.Diff(want, got); diff != "" || want["caascan_success"] != len(lists) || want["caascan_changed_rows"] == 0 {
		t.Errorf("series of both lists (-written +served):\n%s\n%s", diff, served)
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(served)
	if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, said)
	}
}

// TestTheNightlyAlerts: promtool takes the rules, and each of them fires when it should: on
// a list whose metrics have grown old, one that has none, and one with a domain newly denied.
func TestTheNightlyAlerts(t *testing.T) {
	promtool, dir := find(t, "promtool"), t.TempDir()
	rules := writeText(t, filepath.Join(dir, "rules.yaml"), readText(t, "nightly/caascan-alerts.yaml"))
	if said, err := exec.CommandContext(t.Context(), promtool, "check", "rules", rules).CombinedOutput(); err != nil {
		t.Errorf("promtool check rules: %v\n%s", err, said)
	}
	cases := writeText(t, filepath.Join(dir, "cases.yaml"), `
rule_files: [rules.yaml]
evaluation_interval: 10m
tests:
  - interval: 10m
    input_series:
      - series: 'caascan_last_success_timestamp_seconds{list="b.csv"}'
        values: '0x300'
      - series: 'caascan_changed_domains{list="b.csv",change="newly-denied",instance="h"}'
        values: '1x300'
      - series: 'caascan_changed_domains{list="b.csv",change="recovered-denied",instance="h"}'
        values: '2x300'
      - series: 'caascan_changed_domains{list="c.csv",change="newly-permitted",instance="h"}'
        values: '5x300'
    alert_rule_test:
      - {alertname: CaascanNotRun, eval_time: 36h, exp_alerts: []}
      - alertname: CaascanNotRun
        eval_time: 37h
        exp_alerts:
          - exp_labels: {list: b.csv}
            exp_annotations: {summary: "b.csv: no scan has finished for a day and a half"}
      - alertname: CaascanAbsent
        eval_time: 2h
        exp_alerts:
          - exp_labels: {list: /srv/caascan/domains.csv}
            exp_annotations: {summary: "/srv/caascan/domains.csv: there are no metrics"}
      - alertname: CaascanNewlyDenied
        eval_time: 10m
        exp_alerts:
          - exp_labels: {list: b.csv, instance: h}
            exp_annotations: {summary: "b.csv: 3 domains are denied of which the night before did not say so"}
`)
	if said, err := exec.CommandContext(t.Context(), promtool, "test", "rules", cases).CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, said)
	}
}

// servedBy returns what a node exporter serves of the files in a folder, caascan's alone.
func servedBy(t *testing.T, exporter, dir string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	command := exec.CommandContext(t.Context(), exporter, "--collector.disable-defaults", "--collector.textfile", "--web.disable-exporter-metrics",
		"--collector.textfile.directory="+dir, "--web.listen-address="+address)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill(); command.Wait() })
	for start := time.Now(); time.Since(start) < patience; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			continue
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return ofCaascan(string(text))
	}
	t.Fatal("the node exporter does not answer")
	return ""
}

// ofCaascan leaves the lines that are about metrics of caascan.
func ofCaascan(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "), "caascan_") {
			b.WriteString(line)
		}
	}
	return b.String()
}

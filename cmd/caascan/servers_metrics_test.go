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

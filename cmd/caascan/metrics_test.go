package main

import (
	"bufio"
	"bytes"
	"context"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// parseMetrics reads a metrics file as the node exporter does.
func parseMetrics(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return families
}

// readMetrics returns the values of a metrics file by name and values of the labels, which
// are those besides the list.
func readMetrics(t *testing.T, path string) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for name, family := range parseMetrics(t, string(text)) {
		if family.GetType() != dto.MetricType_GAUGE || family.GetHelp() == "" {
			t.Errorf("%s is of type %v with the help %q, want a gauge with some", name, family.GetType(), family.GetHelp())
		}
		for _, m := range family.GetMetric() {
			key, labels := name, m.GetLabel()
			if len(labels) == 0 || labels[0].GetName() != "list" || labels[0].GetValue() == "" {
				t.Fatalf("%s does not begin with the list: %v", name, labels)
			}
			for _, label := range labels[1:] {
				key += " " + label.GetValue()
			}
			values[key] = m.GetGauge().GetValue()
		}
	}
	return values
}

// keep leaves the values whose names begin so.
func keep(values map[string]float64, prefixes ...string) map[string]float64 {
	kept := maps.Clone(values)
	maps.DeleteFunc(kept, func(key string, _ float64) bool {
		return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	})
	return kept
}

// measuring is a scan of a list on standard input that writes metrics.
func measuring(file string, more ...string) []string {
	return append([]string{"scan", "-", "--zone", demoZone, "--issuer", "ca.example", "-o", "-", "--metrics", file}, more...)
}

const measuredList = "a@listed.example\nb@other.example\nc@other.example\nd@loop.example\nlocalhost\n"

func TestMetricsOfARun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "caascan.prom")
	before := time.Now()
	got := runWith(t.Context(), measuredList, measuring(file, "--issuer", `Öther "CA"\n=other-ca.example`)...)
	if got.code != exitDone || got.stderr != "" {
		t.Fatalf("%+v, want exit 0 and silence", got)
	}
	values := readMetrics(t, file)
	// Of the names each is asked once, and loop.example leads nowhere: no parent is asked.
	want := map[string]float64{
		"caascan_success": 1, "caascan_exit_status": 0,
		"caascan_names": 3, "caascan_queries": 3, "caascan_retries": 0, "caascan_recovered_names": 0,
		"caascan_rows ca.example permitted": 1, "caascan_rows ca.example denied": 2, "caascan_rows ca.example lookup-failed": 2,
		`caascan_rows Öther "CA"\n permitted`: 2, `caascan_rows Öther "CA"\n denied`: 1, `caascan_rows Öther "CA"\n lookup-failed`: 2,
		"caascan_domains ca.example permitted": 1, "caascan_domains ca.example denied": 1, "caascan_domains ca.example lookup-failed": 1,
		`caascan_domains Öther "CA"\n permitted`: 1, `caascan_domains Öther "CA"\n denied`: 1, `caascan_domains Öther "CA"\n lookup-failed`: 1,
		"caascan_failed_rows cname-loop": 1, "caascan_failed_rows single-label": 1, "caascan_failed_rows timeout": 0,
		"caascan_failed_domains cname-loop": 1, "caascan_failed_domains single-label": 0, "caascan_failed_domains timeout": 0,
	}
	for key, value := range want {
		if got, ok := values[key]; !ok || got != value {
			t.Errorf("%s is %v (there: %t), want %v", key, got, ok, value)
		}
	}
	start, end, last := values["caascan_start_timestamp_seconds"], values["caascan_end_timestamp_seconds"], values[lastSuccessMetric]
	const rounding = 0.001
	if start < unixSeconds(before)-rounding || end < start || end > unixSeconds(time.Now())+rounding || last != end {
		t.Errorf("start %v, end %v, last success %v: want them in order, from %v on", start, end, last, unixSeconds(before))
	}
	if took := values["caascan_duration_seconds"]; math.Abs(took-(end-start)) > 2*rounding {
		t.Errorf("duration %v, want %v", took, end-start)
	}
}

// TestMetricsOfARunThatFails: what was good last is not forgotten, and rows that nobody
// has decided on are not counted.
func TestMetricsOfARunThatFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "caascan.prom")
	if got := runWith(t.Context(), measuredList, measuring(file, "--fail-on", "denied")...); got.code != exitFailOn {
		t.Fatalf("%+v, want exit 3", got)
	}
	good := readMetrics(t, file)
	if good["caascan_success"] != 1 || good["caascan_exit_status"] != exitFailOn {
		t.Errorf("after exit 3: %v, want success", keep(good, "caascan_success", "caascan_exit_status"))
	}
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{syscall.SIGTERM})
	for _, test := range []struct {
		name  string
		ctx   context.Context
		stdin string
		args  []string
		code  int
	}{
		{"no such column", t.Context(), measuredList, measuring(file, "--column", "adress"), exitUsage},
		{"an empty list", t.Context(), "", measuring(file), exitUnfinished},
		{"a missing zone", t.Context(), measuredList, measuring(file, "--zone", filepath.Join(dir, "no.zone")), exitUnfinished},
		{"a signal", stopped, measuredList, measuring(file), exitTerminated},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runWith(test.ctx, test.stdin, test.args...)
			if got.code != test.code || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("%+v, want exit %d and one line", got, test.code)
			}
			values := readMetrics(t, file)
			want := map[string]float64{"caascan_success": 0, "caascan_exit_status": float64(test.code), lastSuccessMetric: good[lastSuccessMetric]}
			shown := keep(values, "caascan_success", "caascan_exit_status", lastSuccessMetric, "caascan_rows", "caascan_domains", "caascan_failed")
			if diff := cmp.Diff(want, shown); diff != "" {
				t.Errorf("metrics mismatch (-want +got)\n%s", diff)
			}
			if values["caascan_start_timestamp_seconds"] < good[lastSuccessMetric] {
				t.Error("the run began before the last one ended")
			}
		})
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the metrics alone", entries, err)
	}
}

// TestMetricsOfLookups: what is used again is not asked, and of a run that asks nobody
// there is nothing to say.
func TestMetricsOfLookups(t *testing.T) {
	dir, server := t.TempDir(), dnstest.Serve(t, demoZone)
	file, answers := filepath.Join(dir, "caascan.prom"), filepath.Join(dir, "answers.jsonl")
	lookups := []string{"caascan_names", "caascan_queries", "caascan_retries", "caascan_reused", "caascan_recovered"}
	for _, test := range []struct {
		args []string
		want map[string]float64
	}{
		{
			[]string{"--resolver", server.Addr(), "--snapshot", answers},
			map[string]float64{"caascan_names": 2, "caascan_queries": 2, "caascan_retries": 0, "caascan_reused_answers": 0, "caascan_recovered_names": 0},
		},
		{
			[]string{"--resolver", server.Addr(), "--snapshot", answers, "--resume"},
			map[string]float64{"caascan_names": 0, "caascan_queries": 0, "caascan_retries": 0, "caascan_reused_answers": 2, "caascan_recovered_names": 0},
		},
		{[]string{"--from-snapshot", answers}, map[string]float64{}},
	} {
		got := runWith(t.Context(), "a@listed.example\nb@other.example\n", append([]string{"scan", "-", "--issuer", "ca.example", "-o", "-", "--metrics", file}, test.args...)...)
		values := readMetrics(t, file)
		if got.code != exitDone || values["caascan_rows ca.example denied"] != 1 {
			t.Errorf("%v: %+v, want exit 0 and a row denied", test.args, got)
		}
		if diff := cmp.Diff(test.want, keep(values, lookups...)); diff != "" {
			t.Errorf("%v: metrics mismatch (-want +got)\n%s", test.args, diff)
		}
		if start := values["caascan_start_timestamp_seconds"]; values["caascan_end_timestamp_seconds"] < start || start < unixSeconds(time.Now().Add(-time.Hour)) {
			t.Errorf("%v: the run began at %v", test.args, start)
		}
	}
}

// TestMetricsReplaceNothingElse: what is no metrics file of ours stays, also where a run
// is told to read it or to write a report there.
func TestMetricsReplaceNothingElse(t *testing.T) {
	dir := t.TempDir()
	foreign := writeText(t, filepath.Join(dir, "other.prom"), "# HELP other A metric of somebody else's.\nother 1\n")
	list := writeText(t, filepath.Join(dir, "list.csv"), measuredList)
	at := func(file string, more ...string) []string {
		return append([]string{"scan", list, "--zone", demoZone, "--issuer", "ca.example", "-o", "-", "--metrics", file}, more...)
	}
	for _, test := range []struct {
		name string
		args []string
		code int
		want string // in the message
	}{
		{"a file of somebody else's", at(foreign), exitUsage, "was not written by --metrics"},
		{"the list", at(list), exitUsage, "also read"},
		{"a zone file", at(demoZone), exitUsage, "also read"},
		{"a report", at(filepath.Join(dir, "x.csv"), "-o", filepath.Join(dir, "x.csv")), exitUsage, "twice"},
		{"standard output", at("-"), exitUsage, "caascan.prom"},
		{"a folder", at(dir), exitUnfinished, "not a regular file"},
		{"no such folder", at(filepath.Join(dir, "none", "x.prom")), exitUnfinished, "cannot be written"},
	} {
		got := runWith(t.Context(), "", test.args...)
		if got.code != test.code || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: %+v, want exit %d and a line with %q", test.name, got, test.code, test.want)
		}
	}
	if text, err := os.ReadFile(foreign); err != nil || !strings.HasPrefix(string(text), "# HELP other") {
		t.Errorf("the file of somebody else's: %q, %v", text, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v (%v), want the two files that were there", entries, err)
	}
}

// TestMetricsThatCannotBeWritten: the folder vanishes while names are asked. The reports
// are none the worse for it, but whoever waits for the metrics must hear of it; where
// the run has failed anyway, that is what the exit code tells.
func TestMetricsThatCannotBeWritten(t *testing.T) {
	for list, want := range map[string]ran{
		"email\na@listed.example\n": {code: exitUnfinished, stderr: "the reports are in place"},
		"email\nb@other.example\n":  {code: exitUnfinished, stderr: "changed while it was read"},
	} {
		dir := t.TempDir()
		input, folder, report := writeText(t, filepath.Join(dir, "list.csv"), list), filepath.Join(dir, "metrics"), filepath.Join(dir, "report.csv")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		server, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{load(t, demoZone)}, Handle: func(q dnstest.Query) []dnstest.Reply {
			if q.Name != "." {
				os.RemoveAll(folder)
			}
			if strings.HasPrefix(q.Name, "other.") {
				os.WriteFile(input, []byte("email\nc@other.example\n"), 0o600)
			}
			return q.Replies()
		}})
		if err != nil {
			t.Fatal(err)
		}
		got := runWith(t.Context(), "", "scan", input, "--resolver", server.Addr(), "--issuer", "ca.example", "-o", report, "--metrics", filepath.Join(folder, "x.prom"))
		server.Close()
		if got.code != want.code || !strings.Contains(got.stderr, want.stderr) || !strings.Contains(got.stderr, "x.prom cannot be written") {
			t.Errorf("%q: %+v, want exit %d and %q", list, got, want.code, want.stderr)
		}
		if _, err := os.Stat(report); (err == nil) != strings.Contains(list, "listed") {
			t.Errorf("%q: the report: %v", list, err)
		}
	}
}

func TestTheLastSuccessIsReadWithCare(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	const of = lastSuccessMetric + `{list="a \"b\".csv"}`
	for text, want := range map[string]int64{
		of + " 1700000000.25\n":                              1_700_000_000_250,
		metricsStart + "\x00\n" + of + " 1700000000\r\nmore": 1_700_000_000_000,
		lastSuccessMetric + " 1700000000\n":                  1_700_000_000_000, // of a version that named no list
		lastSuccessMetric + `{list="b.csv"} 1700000000`:      0,                 // of another list
		of + " 1800000000.001\n":                             0,                 // still to come
		of + " 0\n":                                          0,
		of + " -1\n":                                         0,
		of + " NaN\n":                                        0,
		of + " +Inf\n":                                       0,
		of + " yesterday\n":                                  0,
		lastSuccessMetric + "\n":                             0,
		"":                                                   0,
	} {
		got := lastSuccess([]byte(text), `a "b".csv`, now)
		if want == 0 && !got.IsZero() || want != 0 && got.UnixMilli() != want {
			t.Errorf("%q: %v, want %d ms since 1970", text, got, want)
		}
	}
}

// TestMetricsOfTwoLists: no series of one list is one of another, and what differs from the
// earlier report is counted.
func TestMetricsOfTwoLists(t *testing.T) {
	world := readText(t, demoZone)
	t.Chdir(t.TempDir())
	writeText(t, "demo.zone", world)
	writeText(t, "a.csv", "email\na@listed.example\nb@other.example\n")
	writeText(t, "b.csv", "email\na@listed.example\n")
	writeText(t, "old.csv", "email,caa_domain,caa_status,caa_reason,caa_records\na@listed.example,listed.example,permitted,issuer-listed,\"0 issuemail \"\"ca.example\"\"\"\nb@other.example,other.example,permitted,no-caa,\n")
	series := make(map[string]string)
	for _, list := range []string{"a.csv", "b.csv"} {
		file := list + ".prom"
		got := runWith(t.Context(), "", "scan", list, "--zone", "demo.zone", "--issuer", "ca.example", "-o", "-", "--baseline", "old.csv", "--metrics", file)
		if got.code != exitDone {
			t.Fatalf("%+v, want exit 0", got)
		}
		for line := range strings.Lines(readText(t, file)) {
			name := line[:strings.LastIndexByte(line, ' ')]
			if other := series[name]; !strings.HasPrefix(line, "#") && other != "" {
				t.Errorf("%s: series of %s too", name, other)
			}
			series[name] = list
		}
	}
	for _, want := range []string{
		`caascan_changed_domains{list="a.csv",change="newly-denied"} 1`, `caascan_changed_rows{list="a.csv",change="gone"} 0`,
		`caascan_changed_rows{list="b.csv",change="newly-denied"} 0`, `caascan_changed_rows{list="b.csv",change="gone"} 1`,
		`caascan_info{list="a.csv",version="` + strings.TrimPrefix(version(), "caascan ") + `"} 1`,
	} {
		if text := readText(t, "a.csv.prom") + readText(t, "b.csv.prom"); !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// TestTheNamesOfLists: a label is bounded, and another list has another one.
func TestTheNamesOfLists(t *testing.T) {
	long := strings.Repeat("ä", 200)
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "-"},
		{[]string{"/srv/a.csv"}, "/srv/a.csv"},
		{[]string{"lists/*.csv", "b.xlsx"}, "lists/*.csv, b.xlsx"},
		{[]string{long}, strings.Repeat("ä", 128) + "… (SHA-256 2e9f2db459a49bf4)"},
	} {
		if got := listName(test.args); got != test.want {
			t.Errorf("%.40q: %q, want %q", test.args, got, test.want)
		}
	}
}

// FuzzMetrics: the parser of Prometheus reads back whatever value and label is written.
func FuzzMetrics(f *testing.F) {
	f.Add("New", 1.0)
	f.Add("a\\\"b\n} 2\n# HELP x y", 1795817811.608)
	f.Add("\xff\r\x00\u2028", 0.005073016)
	f.Add(`\n`, -1.0)
	f.Fuzz(func(t *testing.T, label string, value float64) {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return // no number of ours is
		}
		m := metric{name: "caascan_rows", help: "Rows.", labels: []string{"issuer", "status"}}
		var text bytes.Buffer
		b := bufio.NewWriter(&text)
		writeMetric(b, m, label, []sample{{[]string{label, "denied"}, value}, {[]string{label, "permitted"}, 1}})
		b.Flush()
		got := parseMetrics(t, text.String())["caascan_rows"].GetMetric()
		if len(got) != 2 {
			t.Fatalf("%d samples, want 2\n%s", len(got), &text)
		}
		labels := got[0].GetLabel()
		valid := strings.ToValidUTF8(label, "\ufffd")
		if labels[0].GetValue() != valid || labels[1].GetValue() != valid || labels[2].GetValue() != "denied" || got[0].GetGauge().GetValue() != value {
			t.Errorf("read back as %v\n%s", got[0], &text)
		}
	})
}

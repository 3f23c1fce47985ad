package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/lookup"
)

// metricsStart is the first line of a metrics file, by which one is known. To Prometheus
// it is a comment.
const metricsStart = "# From caascan scan --metrics: the next run replaces this file.\n"

// metricsFile is where --metrics puts the numbers of a run, for the textfile collector
// of a node exporter.
type metricsFile struct {
	name        string // "" for none
	list        string // the inputs as they were given, which tells the files of two lists apart
	lastSuccess time.Time
}

// listLabel is on every series: of two files with the same series a node exporter drops
// those of the second.
const listLabel = "list"

// longestList is how many octets of the names of inputs a label has.
const longestList = 256

// listName is the label of the inputs, as they were given: a pattern stays the same when the
// files that it matches do not. A name that is too long is told from others by a checksum.
func listName(args []string) string {
	name := cmp.Or(strings.Join(args, ", "), "-")
	if len(name) <= longestList {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%s… (SHA-256 %x)", strings.ToValidUTF8(name[:longestList], ""), sum[:8])
}

// planMetrics reads --metrics and finds what is wrong with it before anything is done.
func planMetrics(m metricsFile, inputs []string, outputs []*output, now time.Time) (metricsFile, error) {
	name := m.name
	if name == "" {
		return metricsFile{}, nil
	}
	if name == "-" {
		return metricsFile{}, usagef("--metrics -: it needs a file, such as caascan.prom")
	}
	if err := checkPlace(name, inputs, outputs); err != nil {
		return metricsFile{}, err
	}
	old, err := readStart(name, maxOldMetrics)
	if err != nil {
		return metricsFile{}, fmt.Errorf("metrics %s cannot be read: %w", name, cause(err))
	}
	if len(old) > 0 && !bytes.HasPrefix(old, []byte(metricsStart)) {
		return metricsFile{}, usagef("--metrics %s: the file exists and was not written by --metrics: give another name", name)
	}
	m.lastSuccess = lastSuccess(old, m.list, now)
	return m, nil
}

// maxOldMetrics is how much is read of the file that is replaced. What is kept of it
// stands before all that may be long.
const maxOldMetrics = 16 << 10

const lastSuccessMetric = "caascan_last_success_timestamp_seconds"

// lastSuccess finds the time of the last success in an older file: that of the same list,
// or of a version that did not name any. A time to come, from a clock that was wrong, would
// keep an alert from ever being raised.
func lastSuccess(old []byte, list string, now time.Time) time.Time {
	labelled := lastSuccessMetric + "{" + labelText(listLabel, list) + "} "
	for line := range strings.Lines(string(old)) {
		text, ok := strings.CutPrefix(line, labelled)
		if !ok {
			text, ok = strings.CutPrefix(line, lastSuccessMetric+" ")
		}
		if !ok {
			continue
		}
		seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(seconds > 0 && seconds <= unixSeconds(now)) {
			return time.Time{}
		}
		return time.UnixMilli(int64(seconds * 1000))
	}
	return time.Time{}
}

// measured does the work of a job and writes the metrics of it, whatever has come of it.
func (j *job) measured(ctx context.Context, work func() error) (err error) {
	if j.metrics.name == "" {
		return work()
	}
	file, err := newPendingFile(j.metrics.name)
	if err != nil {
		return fmt.Errorf("metrics %s cannot be written: %w; give a folder that exists and is writable", j.metrics.name, cause(err))
	}
	defer func() { err = errors.Join(err, file.abandon()) }()
	err = work()
	m := j.measurements(exitCode(ctx, err))
	failed := writeMetrics(file, m)
	if failed == nil {
		failed = file.commit()
	}
	switch {
	case failed == nil:
		return err
	case m.success():
		return fmt.Errorf("metrics %s cannot be written: %w; the reports are in place", j.metrics.name, cause(failed))
	}
	j.console.warn(fmt.Sprintf("metrics %s cannot be written: %v", j.metrics.name, cause(failed)))
	return err // which is what ended the run
}

// measurements are what is known of a run when it has ended.
type measurements struct {
	list, version  string
	exitCode       int
	started, ended time.Time
	lastSuccess    time.Time
	answered       *lookup.Stats // nil if nobody could be asked
	reused         int
	tally          *report.Tally // nil if not every row was decided
	issuers        []caa.Issuer
	perspectives   int // that were compared
}

func (j *job) measurements(code int) measurements {
	m := measurements{
		list: j.metrics.list, version: strings.TrimPrefix(version(), "caascan "), exitCode: code,
		started: j.began, ended: time.Now(), lastSuccess: j.metrics.lastSuccess, issuers: j.issuers, perspectives: len(j.perspectives),
	}
	if m.success() {
		m.lastSuccess = m.ended
	}
	if j.source.resolver != nil {
		stats := j.source.stats()
		m.answered = &stats
	}
	m.reused = j.record.reused()
	if j.decided {
		m.tally = &j.tally
	}
	return m
}

// success reports whether the reports are complete and in place.
func (m measurements) success() bool { return m.exitCode == exitDone || m.exitCode == exitFailOn }

// metric is a line of the metrics file, or one for each of its labels' values.
type metric struct {
	name, help string
	labels     []string // besides listLabel
	samples    func(m measurements) []sample
}

// sample is a value, with the values of the metric's labels.
type sample struct {
	labels []string
	value  float64
}

// metrics are all that the file may hold, in order. None is a counter: each is of the
// last run alone.
func metrics() []metric {
	return []metric{
		{"caascan_info", "1; the version of the program that made the last run.", []string{"version"}, info},
		{"caascan_success", "1 if the last run finished its reports (exit status 0 or 3), else 0.", nil, always(measurements.successValue)},
		{"caascan_exit_status", "The exit status of the last run.", nil, always(func(m measurements) float64 { return float64(m.exitCode) })},
		{"caascan_start_timestamp_seconds", "When the last run began, in seconds since 1970.", nil, always(func(m measurements) float64 { return unixSeconds(m.started) })},
		{"caascan_end_timestamp_seconds", "When the last run ended, in seconds since 1970.", nil, always(func(m measurements) float64 { return unixSeconds(m.ended) })},
		{lastSuccessMetric, "When a run last finished its reports, in seconds since 1970; 0 if none has.", nil, always(func(m measurements) float64 { return unixSeconds(m.lastSuccess) })},
		{"caascan_duration_seconds", "How long the last run took.", nil, always(func(m measurements) float64 { return m.ended.Sub(m.started).Seconds() })},
		{"caascan_names", "Names asked in the DNS, parents included.", nil, ofLookups(func(m measurements) int { return m.answered.Names })},
		{"caascan_queries", "Queries sent, retries included.", nil, ofLookups(func(m measurements) int { return m.answered.Queries })},
		{"caascan_retries", "Queries sent because an earlier attempt had failed.", nil, ofLookups(func(m measurements) int { return m.answered.Retries })},
		{"caascan_reused_answers", "Answers of earlier runs, used again by --resume.", nil, ofLookups(func(m measurements) int { return m.reused })},
		{"caascan_recovered_names", "Names that failed and were answered in the final pass.", nil, ofLookups(func(m measurements) int { return m.answered.Recovered })},
		{"caascan_rows", "Rows of the list, for each CA and status.", []string{"issuer", "status"}, ofStatuses(rows)},
		{"caascan_domains", "Distinct domains of the list, for each CA and status.", []string{"issuer", "status"}, ofStatuses(domains)},
		{"caascan_failed_rows", "Rows whose lookup failed, for each reason, which is the same for all CAs.", []string{"reason"}, ofFailures(rows)},
		{"caascan_failed_domains", "Distinct domains whose lookup failed, for each reason.", []string{"reason"}, ofFailures(domains)},
		{"caascan_changed_rows", "Rows that differ from the earlier report (--baseline), for each change.", []string{"change"}, ofChanges(rows)},
		{"caascan_changed_domains", "Distinct domains that differ from the earlier report, for each change.", []string{"change"}, ofChanges(domains)},
		{"caascan_corroborated_rows", "Rows with a domain, for each CA and value of caa_corroborated (--perspective).", []string{"issuer", "corroborated"}, ofPlaces(rows)},
		{"caascan_corroborated_domains", "Distinct domains, for each CA and value of caa_corroborated.", []string{"issuer", "corroborated"}, ofPlaces(domains)},
	}
}

func rows(c report.Count) int { return c.Rows }

func domains(c report.Count) int { return c.Domains }

func (m measurements) successValue() float64 {
	if m.success() {
		return 1
	}
	return 0
}

func info(m measurements) []sample { return []sample{{[]string{m.version}, 1}} }

// always makes the sample that every run has.
func always(value func(measurements) float64) func(measurements) []sample {
	return func(m measurements) []sample { return []sample{{value: value(m)}} }
}

// ofLookups makes the sample of a run that has got as far as asking.
func ofLookups(value func(measurements) int) func(measurements) []sample {
	return func(m measurements) []sample {
		if m.answered == nil {
			return nil
		}
		return []sample{{value: float64(value(m))}}
	}
}

// ofStatuses makes a sample for each CA and status, those that are 0 too: a series that
// comes and goes is hard to alert on.
func ofStatuses(value func(report.Count) int) func(measurements) []sample {
	return func(m measurements) (samples []sample) {
		if m.tally == nil {
			return nil
		}
		for i, issuer := range m.issuers {
			for _, status := range scan.Statuses() {
				samples = append(samples, sample{[]string{issuer.Label, string(status)}, float64(value(m.tally.Status(i, status)))})
			}
		}
		return samples
	}
}

// ofFailures makes a sample for each reason, those that are 0 too.
func ofFailures(value func(report.Count) int) func(measurements) []sample {
	return func(m measurements) (samples []sample) {
		if m.tally == nil {
			return nil
		}
		for _, reason := range scan.Reasons() {
			if reason.Status() == scan.LookupFailed { // for all CAs alike, so of the first
				samples = append(samples, sample{[]string{string(reason)}, float64(value(m.tally.Reason(0, reason)))})
			}
		}
		return samples
	}
}

// ofChanges makes a sample for each change, those that are 0 too, of a run that compared.
func ofChanges(value func(report.Count) int) func(measurements) []sample {
	return func(m measurements) (samples []sample) {
		if m.tally == nil || m.tally.Changes == nil {
			return nil
		}
		for _, change := range scan.Changes() {
			samples = append(samples, sample{[]string{string(change)}, float64(value(m.tally.Changes.Count(change)))})
		}
		return samples
	}
}

// ofPlaces makes a sample for each CA and value, those that are 0 too, of a run that compared
// other places.
func ofPlaces(value func(report.Count) int) func(measurements) []sample {
	return func(m measurements) (samples []sample) {
		if m.tally == nil || m.perspectives == 0 {
			return nil
		}
		for i, issuer := range m.issuers {
			for _, c := range scan.Corroborations() {
				samples = append(samples, sample{[]string{issuer.Label, string(c)}, float64(value(m.tally.Corroborated(i, c)))})
			}
		}
		return samples
	}
}

// unixSeconds is 0 for no time.
func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// writeMetrics writes them in the text format of Prometheus.
func writeMetrics(w io.Writer, m measurements) error {
	b := bufio.NewWriter(w)
	b.WriteString(metricsStart) // an error stays until Flush
	for _, metric := range metrics() {
		writeMetric(b, metric, m.list, metric.samples(m))
	}
	return b.Flush()
}

func writeMetric(b *bufio.Writer, m metric, list string, samples []sample) {
	if len(samples) == 0 {
		return
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
	for _, s := range samples {
		fmt.Fprintf(b, "%s{%s", m.name, labelText(listLabel, list))
		for i, label := range m.labels {
			fmt.Fprintf(b, ",%s", labelText(label, s.labels[i]))
		}
		fmt.Fprintf(b, "} %s\n", strconv.FormatFloat(s.value, 'f', -1, 64))
	}
}

// labelText is a label as the text format has it.
func labelText(name, value string) string {
	return fmt.Sprintf(`%s="%s"`, name, labelEscapes.Replace(strings.ToValidUTF8(value, "\ufffd")))
}

// labelEscapes are those of the text format.
var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

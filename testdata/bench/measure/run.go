package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// taken is what one run took; 0 stands for what is not known.
type taken struct {
	label   string
	wall    float64 // seconds
	cpu     float64 // microseconds a lookup
	rss     float64 // MiB at most
	perName float64 // queries
	rate    float64 // queries a second
}

// longest is how long one run may take, ten million rows on a slow machine included.
const longest = 10 * time.Minute

// measure runs a program to its end, with what it says in the file log, and adds a
// line to a table.
func measure(table, label, log string, command []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err := errors.Join(err, os.WriteFile(log, said.Bytes(), 0o644)); err != nil {
		return fmt.Errorf("%s: %w\n%s", command[0], err, said.Bytes())
	}
	t := taken{label: label, wall: wall.Seconds(), rss: peak(cmd.ProcessState)}
	t.read(said.Bytes(), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	return t.appendTo(table)
}

// A benchmark of Go says itself what was used in its loop.
var (
	ofDnsperf  = regexp.MustCompile(`Queries completed: +(\d+) `)
	rateOfIt   = regexp.MustCompile(`Queries per second: +([\d.]+)`)
	benchWall  = regexp.MustCompile(`\s([\d.]+) ns/op`)
	benchCPU   = regexp.MustCompile(`\s([\d.]+) cpu-ns/query`)
	benchNames = regexp.MustCompile(`\s([\d.]+) queries/name`)
	benchRate  = regexp.MustCompile(`\s([\d.]+) bulk/s`)
)

// read fills in what the program says of itself.
func (t *taken) read(said []byte, cpu time.Duration) {
	micros := float64(cpu.Nanoseconds()) / 1e3
	if queries := number(ofDnsperf, said); queries > 0 {
		t.cpu, t.perName, t.rate = micros/queries, 1, number(rateOfIt, said)
		return
	}
	if s, ok := findSummary(said); ok {
		t.cpu, t.perName = micros/float64(s.queries), float64(s.queries)/float64(s.names)
		return
	}
	if wall := number(benchWall, said); wall > 0 {
		t.wall, t.cpu, t.perName = wall/1e9, number(benchCPU, said)/1e3, number(benchNames, said)
		t.rate = number(benchRate, said)
	}
}

// number returns the first number that pattern finds, else 0.
func number(pattern *regexp.Regexp, text []byte) float64 {
	match := pattern.FindSubmatch(text)
	if match == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(string(match[1]), 64)
	return n
}

// appendTo adds a line to the table at path.
func (t *taken) appendTo(path string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	w := csv.NewWriter(file)
	line := []string{t.label}
	for _, n := range []float64{t.wall, t.cpu, t.rss, t.perName, t.rate} {
		line = append(line, strconv.FormatFloat(n, 'g', -1, 64))
	}
	_ = w.Write(line) // Flush keeps the error
	w.Flush()
	return errors.Join(w.Error(), file.Close())
}

// summary is what caascan says at its end with --verbose.
type summary struct{ rows, names, queries, retries int }

var summaryLine = regexp.MustCompile(`(?m)^caascan: (\d+) rows, \d+ distinct domains, (\d+) names asked, (\d+) queries \((\d+) retries\)`)

func findSummary(said []byte) (s summary, ok bool) {
	match := summaryLine.FindSubmatch(said)
	if match == nil {
		return s, false
	}
	for i, field := range []*int{&s.rows, &s.names, &s.queries, &s.retries} {
		*field, _ = strconv.Atoi(string(match[i+1]))
	}
	return s, s.names > 0 && s.queries > 0
}

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/snapshot"
)

var update = flag.Bool("update", false, "rewrite the tables of README.md from the code")

// TestTheReadmeSaysWhatTheCodeDoes holds the tables of README.md to the code.
func TestTheReadmeSaysWhatTheCodeDoes(t *testing.T) {
	const file = "../../README.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range map[string]string{
		"columns":    columnTable(),
		"fields":     fieldTable(),
		"statuses":   wordTable("status", scan.Statuses()),
		"reasons":    reasonTable(),
		"dnssec":     wordTable("`caa_dnssec`", snapshot.DNSSECStates()),
		"on-failure": wordTable("`caa_on_failure`", scan.OnFailures()),
		"warnings":   wordTable("warning", scan.Warnings()),
		"answers":    snapshotTable(snapshot.LineFields()),
		"headers":    snapshotTable(snapshot.HeaderFields()),
		"changes":    changeTable(),
		"exit":       exitTable(),
		"metrics":    metricTable(),
	} {
		begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
		before, rest, ok := strings.Cut(want, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for the table of %s", file, name)
		}
		want = before + begin + table + end + after
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is not what the code says; run this test with -update (-want +got)\n%s", file, diff)
	}
}

// TestTheReadmeNamesEveryFlag: a flag that nobody is told of is none.
func TestTheReadmeNamesEveryFlag(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range newRoot(streams{}).Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !regexp.MustCompile("--" + f.Name + `\b`).Match(text) {
				t.Errorf("README.md says nothing of %s --%s", cmd.Name(), f.Name)
			}
		})
	}
}

func columnTable() string {
	var b strings.Builder
	b.WriteString("| column | what stands in it |\n|---|---|\n")
	for _, column := range report.Columns() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", column.Name, cell(column.Meaning))
	}
	return b.String()
}

func fieldTable() string {
	var b strings.Builder
	b.WriteString("| field | JSON | what stands in it |\n|---|---|---|\n")
	for _, field := range report.Fields() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", field.Name, field.Type, cell(field.Meaning))
	}
	return b.String()
}

func snapshotTable(fields []snapshot.Field) string {
	var b strings.Builder
	b.WriteString("| field | what stands in it |\n|---|---|\n")
	for _, field := range fields {
		fmt.Fprintf(&b, "| `%s` | %s |\n", field.Name, cell(field.Meaning))
	}
	return b.String()
}

func reasonTable() string {
	var b strings.Builder
	b.WriteString("| status | reason | what it means | what to do |\n|---|---|---|---|\n")
	for _, status := range scan.Statuses() {
		for _, reason := range scan.Reasons() {
			if reason.Status() == status {
				fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", status, reason, cell(reason.Meaning()), cell(reason.Advice()))
			}
		}
	}
	return b.String()
}

func changeTable() string {
	var b strings.Builder
	b.WriteString("| kind | change | what it means |\n|---|---|---|\n")
	for _, change := range scan.Changes() {
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", change.Kind(), change, cell(change.Meaning()))
	}
	return b.String()
}

// word is a value of a closed set that says what it means.
type word interface {
	~string
	Meaning() string
}

func wordTable[W word](head string, words []W) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | what it means |\n|---|---|\n", head)
	for _, w := range words {
		fmt.Fprintf(&b, "| `%s` | %s |\n", w, cell(w.Meaning()))
	}
	return b.String()
}

func metricTable() string {
	var b strings.Builder
	b.WriteString("| metric | labels | what it says |\n|---|---|---|\n")
	for _, m := range metrics() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.name, strings.Join(append([]string{listLabel}, m.labels...), ", "), cell(m.help))
	}
	return b.String()
}

// exitTable is the same text as in every --help.
func exitTable() string {
	_, lines, _ := strings.Cut(exitStatus, "\n")
	var b strings.Builder
	b.WriteString("| code | what it means |\n|---|---|\n")
	for line := range strings.Lines(lines) {
		code, meaning, _ := strings.Cut(strings.TrimSpace(line), " ")
		fmt.Fprintf(&b, "| %s | %s |\n", code, strings.TrimSpace(meaning))
	}
	return b.String()
}

// cell escapes what would end a cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// readmeFile returns the block of README.md that is a file of this name, as its first
// comment says.
func readmeFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(text), "\n```") {
		language, body, _ := strings.Cut(block, "\n")
		head, _, _ := strings.Cut(strings.TrimPrefix(body, "#!/bin/sh\n"), "\n")
		path, _, _ := strings.Cut(strings.TrimPrefix(head, "# "), ":")
		if i%2 == 1 && language != "" && strings.HasPrefix(head, "# ") && filepath.Base(path) == name {
			return body + "\n"
		}
	}
	t.Fatalf("README.md has no file %s", name)
	return ""
}

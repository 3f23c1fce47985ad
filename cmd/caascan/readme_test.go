package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"caascan/cmd/caascan/help"
	"caascan/report"
	"caascan/scan"
	"caascan/scan/snapshot"
)

var update = flag.Bool("update", false, "rewrite the tables of README.md and the topics from the code")

// manualFiles are README.md and the page of each topic.
func manualFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("help/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d topics (%v)", len(files), err)
	}
	return append(files, "../../README.md")
}

// manualTables are the tables that are made from the code, by their names.
func manualTables(t *testing.T) map[string]string {
	return map[string]string{
		"columns":      columnTable(),
		"fields":       fieldTable(),
		"statuses":     wordTable("status", scan.Statuses()),
		"reasons":      reasonTable(),
		"dnssec":       wordTable("`caa_dnssec`", snapshot.DNSSECStates()),
		"on-failure":   wordTable("`caa_on_failure`", scan.OnFailures()),
		"warnings":     wordTable("warning", scan.Warnings()),
		"answers":      snapshotTable(snapshot.LineFields()),
		"headers":      snapshotTable(snapshot.HeaderFields()),
		"proofs":       snapshotTable(snapshot.ProofFields()),
		"changes":      changeTable(),
		"exit":         exitTable(),
		"metrics":      metricTable(),
		"forms":        wordTable("form", report.FixFormats()),
		"groups":       groupTable(),
		"topics":       topicTable(),
		"corroborated": wordTable("`caa_corroborated`", scan.Corroborations()),
		"demo-scan":    scanOnTerminal(t, "testdata/mailboxes.csv", "--zone", "testdata/demo.zone", "--issuer", "ca.example", "-o", "report.xlsx", "-o", "report.html"),
		"demo-check":   outputOf(t, "check", "kira@other.example", "--zone", demoZone, "--issuer", "ca.example"),
	}
}

// TestTheREADMEAndTheManualSayWhatTheCodeDoes holds their tables to the code. Each stands
// in one file at least.
func TestTheREADMEAndTheManualSayWhatTheCodeDoes(t *testing.T) {
	tables := manualTables(t)
	place := regexp.MustCompile(`(?s)<!-- ([a-z-]+) -->\n.*?<!-- /([a-z-]+) -->\n`)
	seen := make(map[string]bool)
	for _, file := range manualFiles(t) {
		text := readText(t, file)
		want := place.ReplaceAllStringFunc(text, func(block string) string {
			names := place.FindStringSubmatch(block)
			table, ok := tables[names[1]]
			if !ok || names[1] != names[2] {
				t.Fatalf("%s: %q to %q is no table", file, names[1], names[2])
			}
			seen[names[1]] = true
			return "<!-- " + names[1] + " -->\n" + table + "<!-- /" + names[1] + " -->\n"
		})
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(want, text); diff != "" {
			t.Errorf("%s is not what the code says; run this test with -update (-want +got)\n%s", file, diff)
		}
	}
	for name := range tables {
		if !seen[name] {
			t.Errorf("no file has a place for the table of %s", name)
		}
	}
}

// outputOf is what a command prints, as a block of code.
func outputOf(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), &out, &out); code != exitDone {
		t.Fatalf("%q: exit %d\n%s", args, code, &out)
	}
	return "```text\n" + strings.TrimSpace(out.String()) + "\n```\n"
}

// scanOnTerminal is what a scan of the demo says at its end to somebody who watches, as a
// block of code. It takes as long as it takes, but says a tenth of a second.
func scanOnTerminal(t *testing.T, list string, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	demo := demoFiles(t)
	t.Run("the demo", func(t *testing.T) { // in a folder of its own
		dir := t.TempDir()
		writeFiles(t, dir, demo)
		t.Chdir(dir)
		var o scanOptions
		flags := pflag.NewFlagSet("scan", pflag.ContinueOnError)
		o.add(flags)
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		j := &job{began: time.Now()}
		if err := j.plan(o, []string{list}, streams{nil, nil, &said}); err != nil {
			t.Fatal(err)
		}
		j.console.table = true
		if err := j.work(t.Context(), o, []string{list}, streams{nil, nil, &said}); err != nil {
			t.Fatal(err)
		}
	})
	text := regexp.MustCompile(`[0-9.]+ seconds`).ReplaceAllString(said.String(), "0.1 seconds")
	return "```text\n" + strings.TrimSpace(text) + "\n```\n"
}

// TestTheREADMEIsShort: what is longer belongs to a topic.
func TestTheREADMEIsShort(t *testing.T) {
	const most = 1300
	word := regexp.MustCompile(`\S*[\pL\pN]\S*`)
	if n := len(word.FindAllString(readText(t, "../../README.md"), -1)); n > most {
		t.Errorf("README.md has %d words, at most %d are to be read by everybody", n, most)
	}
}

// TestTheREADMEAndTheManualNameEveryFlag: a flag that nobody is told of is none.
func TestTheREADMEAndTheManualNameEveryFlag(t *testing.T) {
	var text strings.Builder
	for _, file := range manualFiles(t) {
		text.WriteString(readText(t, file))
	}
	for _, cmd := range newRoot(streams{}).Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !regexp.MustCompile("--" + f.Name + `\b`).MatchString(text.String()) {
				t.Errorf("README.md and the topics say nothing of %s --%s", cmd.Name(), f.Name)
			}
		})
	}
}

func topicTable() string {
	var b strings.Builder
	b.WriteString("| topic | what it explains |\n|---|---|\n")
	for _, topic := range help.Topics() {
		fmt.Fprintf(&b, "| [%s](cmd/caascan/help/%[1]s.md) | %s |\n", topic.Name, cell(topic.Summary))
	}
	return b.String()
}

func columnTable() string {
	var b strings.Builder
	b.WriteString("| column | what it holds |\n|---|---|\n")
	for _, column := range report.Columns() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", column.Name, cell(column.Meaning))
	}
	return b.String()
}

func fieldTable() string {
	var b strings.Builder
	b.WriteString("| field | JSON | what it holds |\n|---|---|---|\n")
	for _, field := range report.Fields() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", field.Name, field.Type, cell(field.Meaning))
	}
	return b.String()
}

func groupTable() string {
	var b strings.Builder
	b.WriteString("| column | what it holds |\n|---|---|\n")
	for _, field := range report.GroupFields() {
		meaning := field.Meaning
		if field.PerIssuer() {
			meaning += " With several CAs each has a column of its own, such as `" + field.Name + ":LABEL`."
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", field.Name, cell(meaning))
	}
	return b.String()
}

func snapshotTable(fields []snapshot.Field) string {
	var b strings.Builder
	b.WriteString("| field | what it holds |\n|---|---|\n")
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
	b.WriteString("| metric | further labels | what it says |\n|---|---|---|\n")
	for _, m := range metrics() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.name, strings.Join(m.labels, ", "), cell(m.help))
	}
	return b.String()
}

func exitTable() string {
	var b strings.Builder
	b.WriteString("| code | what it means |\n|---|---|\n")
	for _, code := range exitCodes() {
		fmt.Fprintf(&b, "| %d | %s |\n", code.number, cell(code.meaning))
	}
	return b.String()
}

// cell escapes what would end a cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

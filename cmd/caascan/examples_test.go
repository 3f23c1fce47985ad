package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"caascan/scan/lookup/dnstest"
)

// example is a command line that the manual shows.
type example struct {
	file string // that shows it
	line string
	args []string // without the name of the program
	from string   // the file that is its standard input
}

// examples are the command lines of README, topics and help in blocks of code, in order.
func examples(t *testing.T) (all []example) {
	t.Helper()
	add := func(file, text string) {
		for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
			line = strings.Replace(strings.TrimSpace(line), "go run ./cmd/caascan", "caascan", 1)
			if strings.HasPrefix(line, "caascan ") {
				e := example{file: file, line: line}
				e.args, e.from = shellWords(t, e.line)
				all = append(all, e)
			}
		}
	}
	for _, cmd := range allCommands() {
		add(cmd.Name()+" --help", cmd.Example)
	}
	code := regexp.MustCompile("(?m)^(    |```)")
	for _, file := range manualFiles(t) {
		text := readText(t, file)
		if code.MatchString(text) {
			add(file, strings.Join(codeLines(text), "\n"))
		}
	}
	return all
}

// codeLines are the lines of Markdown that are code.
func codeLines(text string) (lines []string) {
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced || strings.HasPrefix(line, "    "):
			lines = append(lines, line)
		}
	}
	return lines
}

// shellWords reads a command line as a shell does, up to what is for the shell or another
// program, without the first word.
func shellWords(t *testing.T, line string) (words []string, from string) {
	t.Helper()
	token := regexp.MustCompile(`^(?:"([^"]*)"|'([^']*)'|([|;&#]|2?>>?|<)|([^\s"'|;&<>]+))`)
	open := false // the word goes on
	for rest := line; rest != ""; {
		if trimmed := strings.TrimLeft(rest, " "); trimmed != rest {
			rest, open = trimmed, false
			continue
		}
		found := token.FindStringSubmatch(rest)
		switch {
		case found == nil:
			t.Fatalf("cannot read %q of %q", rest, line)
		case found[3] == "<":
			from = strings.Fields(rest[1:])[0]
			return words[1:], from
		case found[3] != "":
			return words[1:], from
		case open:
			words[len(words)-1] += found[1] + found[2] + found[3]
		default:
			words, open = append(words, found[1]+found[2]+found[4]), true
		}
		rest = rest[len(found[0]):]
	}
	return words[1:], from
}

// TestEveryExampleRuns with the files that the manual speaks of, in the order in which the
// page has them, against a resolver that knows an invented DNS.
func TestEveryExampleRuns(t *testing.T) {
	server := dnstest.Serve(t, demoZone)
	t.Setenv("CAASCAN_RESOLVER", server.Addr())
	demo := demoFiles(t)
	demo["corp.zone"] = demo["testdata/demo.zone"]
	ran, page := 0, ""
	for _, e := range examples(t) {
		if e.file != page {
			page = e.file
			t.Chdir(readersFiles(t, demo))
		}
		if runExample(t, e, server.Addr()) {
			ran++
		}
	}
	if ran < 20 {
		t.Errorf("only %d examples were run", ran)
	}
}

// demoFiles are the files of the demo by their places in the source.
func demoFiles(t *testing.T) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range []string{"mailboxes.csv", "demo.zone"} {
		files["testdata/"+name] = readText(t, "../../testdata/"+name)
	}
	return files
}

// runExample reports whether the example asks nobody but the given resolver. If it asks
// another one, it has to be a command line at least.
func runExample(t *testing.T, e example, resolver string) bool {
	var args []string
	for _, arg := range e.args {
		args = append(args, strings.Replace(arg, "127.0.0.1", resolver, 1))
	}
	if regexp.MustCompile(`(-r|--resolver)[ =](tls:|https:|192\.|[0-9]+\.[0-9]+\.[0-9]+\.[2-9]|\$)`).MatchString(e.line) {
		cmd, rest, err := newRoot(streams{}).Find(args)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err != nil {
			t.Errorf("%s: %s: %v", e.file, e.line, err)
		}
		return false
	}
	stdin := ""
	if e.from != "" {
		stdin = readText(t, e.from)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	if code != exitDone && (code != exitFailOn || !strings.Contains(e.line, "--fail-on")) {
		t.Errorf("%s: %s: exit %d\n%s", e.file, e.line, code, &stderr)
	}
	return true
}

// readersFiles is a folder with the files that the examples take for granted, and a demo.
func readersFiles(t *testing.T, demo map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	const list = "name,email,Customer\nAna,ana@plain.example,Acme\nBo,bo@listed.example,Acme\nCy,cy@other.example,Biza\nDi,di@nobody.example,\n"
	maps.Copy(demo, map[string]string{"staff.csv": list, "sales.csv": list, "more/lab.csv": list, "domains.txt": list, "customers.csv": list, "names.txt": "plain.example\nexample\n", "shards/README": ""})
	writeFiles(t, dir, demo)
	book := excelize.NewFile()
	defer book.Close()
	for i, line := range strings.Split(strings.TrimSpace(list), "\n") {
		if err := book.SetSheetRow("Sheet1", "A"+string(rune('1'+i)), new(strings.Split(line, ","))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"staff.xlsx", "customers.xlsx"} {
		if err := book.SaveAs(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, report := range []string{"last-week.csv", "last-week.xlsx", "today.csv", "today.xlsx", "today.jsonl"} {
		args := []string{"scan", "staff.csv", "--issuer", "ca.example", "-o", report, "--quiet"}
		var stderr bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &stderr, &stderr); code != exitDone {
			t.Fatalf("%s: exit %d: %s", report, code, &stderr)
		}
	}
	return dir
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		writeText(t, path, text)
	}
}

// TestEveryCommandLineInASentenceIsOne: `caascan …` in the text names commands and flags that
// are there.
func TestEveryCommandLineInASentenceIsOne(t *testing.T) {
	span := regexp.MustCompile("`caascan ([^`]*)`")
	for _, file := range manualFiles(t) {
		for _, found := range span.FindAllStringSubmatch(readText(t, file), -1) {
			words := strings.Fields(found[1])
			cmd, _, err := newRoot(streams{}).Find(words)
			if err != nil || cmd == cmd.Root() && !strings.HasPrefix(words[0], "-") && words[0] != "help" {
				t.Errorf("%s: %s: %v", file, found[0], err)
				continue
			}
			for _, word := range words {
				name, _, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
				if strings.HasPrefix(word, "--") && name != "help" && name != "version" && cmd.Flags().Lookup(name) == nil {
					t.Errorf("%s: %s: there is no %s", file, found[0], word)
				}
			}
		}
	}
}

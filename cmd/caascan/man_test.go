package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"caascan/cmd/caascan/help"
)

func ranMan(t *testing.T) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"man"}, strings.NewReader(""), &stdout, &stderr); code != exitDone || stderr.Len() > 0 {
		t.Fatalf("exit %d: %s", code, &stderr)
	}
	return stdout.String()
}

// TestTheManPageHasEverything: each flag of each command as a term, each topic as a section,
// and no line that roff would take for a request of its own.
func TestTheManPageHasEverything(t *testing.T) {
	page := ranMan(t)
	for _, cmd := range allCommands()[1:] {
		if cmd.Hidden {
			continue
		}
		_, section, ok := strings.Cut(page, "\n.SS "+help.RoffText(usageLine(cmd))+"\n")
		if !ok {
			t.Errorf("nothing of %s", cmd.Name())
			continue
		}
		section, _, _ = strings.Cut(section, "\n.S")
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && strings.Count(section, help.RoffText("--"+f.Name)+" ")+strings.Count(section, help.RoffText("--"+f.Name)+`\fR`) == 0 {
				t.Errorf("nothing of %s --%s", cmd.Name(), f.Name)
			}
		})
	}
	for _, topic := range help.Topics() {
		if !strings.Contains(page, "\n.SH "+help.RoffText(topic.Title+": "+topic.Summary)+"\n") {
			t.Errorf("nothing of the topic %s", topic.Name)
		}
	}
	request := regexp.MustCompile(`^\.(TH|SH|SS|PP|TP|IP|RS|RE|nf|fi|br)( |$)`)
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !request.MatchString(strings.TrimRight(line, "\n")) {
			t.Errorf("roff takes this for a request: %q", line)
		}
	}
}

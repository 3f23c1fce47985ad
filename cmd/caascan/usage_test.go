package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"caascan/cmd/caascan/help"
)

// allCommands are the commands that help tells of, with their --help flags.
func allCommands() []*cobra.Command {
	root := newRoot(streams{})
	root.InitDefaultHelpCmd()
	all := append([]*cobra.Command{root}, root.Commands()...)
	for _, cmd := range all {
		cmd.InitDefaultHelpFlag()
	}
	return all
}

// TestEachFlagStandsInOneGroup, so that the help of a command tells of each flag once, in a
// place that is the same everywhere.
func TestEachFlagStandsInOneGroup(t *testing.T) {
	known, grouped := make(map[string]bool), make(map[string]int)
	for _, group := range flagGroups() {
		for _, name := range group.flags {
			grouped[name]++
		}
	}
	for _, cmd := range allCommands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			known[f.Name] = true
			if grouped[f.Name] != 1 {
				t.Errorf("%s --%s stands in %d groups of flagGroups", cmd.Name(), f.Name, grouped[f.Name])
			}
			if typed, meaning := flagWords(f); strings.Contains(meaning, "`") || typed == "" || meaning == "" {
				t.Errorf("%s: %q means %q", cmd.Name(), typed, meaning)
			}
		})
	}
	for name := range grouped {
		if !known[name] && name != "version" {
			t.Errorf("flagGroups has --%s, which no command has", name)
		}
	}
}

// TestTheHelpOfEachCommandFits: on a terminal of any width a line is longer only if it is an
// example or a word, and each flag has one place.
func TestTheHelpOfEachCommandFits(t *testing.T) {
	for _, cmd := range allCommands() {
		for _, width := range []int{60, 80, 200} {
			text := commandHelp(cmd, help.Layout{Width: width})
			for line := range strings.Lines(text) {
				if utf8.RuneCountInString(line)-1 > width && !strings.Contains(cmd.Example, strings.TrimSpace(line)) && len(strings.Fields(line)) > 1 {
					t.Errorf("%s --help at %d columns: %q", cmd.Name(), width, line)
				}
			}
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				if typed, _ := flagWords(f); len(ownGroups(cmd)) > 0 && strings.Count(text, "  "+typed+"  ")+strings.Count(text, "  "+typed+"\n") != 1 {
					t.Errorf("%s --help does not describe --%s once", cmd.Name(), f.Name)
				}
			})
		}
		for topic := range strings.FieldsSeq(cmd.Annotations[seeAlso]) {
			if _, ok := help.Find(topic); !ok {
				t.Errorf("%s --help leads to the topic %s, which is not there", cmd.Name(), topic)
			}
		}
	}
}

// TestThePager: the reader's own, one that is there, or none.
func TestThePager(t *testing.T) {
	for value, want := range map[string]string{"most -w": "most -w", "": "", "  ": ""} {
		got := pager(func(string) (string, bool) { return value, true })
		if strings.Join(got, " ") != want {
			t.Errorf("PAGER=%q: %q, want %q", value, got, want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if got := pager(func(string) (string, bool) { return "", false }); got != nil {
		t.Errorf("no pager is there, and %q is to be started", got)
	}
}

package main

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/cobra"
)

// manual holds a page for each topic, and the files of a nightly scan to copy.
//
//go:embed help/*.md nightly
var manual embed.FS

// topic is a page of the manual: help/NAME.md. Its first line is "# Title: summary", and
// nothing else has to be said for it to be listed.
type topic struct{ name, summary, text string }

// topics returns all pages, sorted by name.
func topics() []topic {
	files, err := fs.Glob(manual, "help/*.md")
	if err != nil {
		panic("caascan: " + err.Error()) // the pattern is ours
	}
	var all []topic
	for _, file := range files {
		text, err := manual.ReadFile(file)
		if err != nil {
			panic("caascan: " + err.Error()) // the file is part of the program
		}
		heading, _, _ := strings.Cut(string(text), "\n")
		_, summary, _ := strings.Cut(heading, ": ")
		all = append(all, topic{
			name:    strings.TrimSuffix(path.Base(file), ".md"),
			summary: summary,
			text:    string(text),
		})
	}
	return all
}

func newHelp(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "help [TOPIC|COMMAND]",
		Short: "Explain a topic or a command",
		Example: `  caascan help reasons
  caascan help scan`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeTopics,
		GroupID:           programGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runHelp(cmd.Root(), args, io) },
	}
}

// runHelp explains a topic, a file of the manual, or a command, in this order: a command
// of the same name has its own --help.
func runHelp(root *cobra.Command, args []string, io streams) error {
	if len(args) == 0 {
		return root.Help()
	}
	name := strings.Join(args, " ")
	for _, t := range topics() {
		if t.name == name {
			_, err := io.out.Write([]byte(t.text))
			return err
		}
	}
	if text, err := manual.ReadFile(name); err == nil && strings.HasPrefix(name, "nightly/") {
		_, err := io.out.Write(text)
		return err
	}
	cmd, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 || cmd == root {
		return usagef("help %q: there is no such topic or command (see caascan help)", name)
	}
	return cmd.Help()
}

func completeTopics(cmd *cobra.Command, args []string, _ string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, t := range topics() {
		found = append(found, t.name+"\t"+t.summary)
	}
	for _, sub := range cmd.Root().Commands() {
		if sub.IsAvailableCommand() && !containsTopic(sub.Name()) {
			found = append(found, sub.Name()+"\t"+sub.Short)
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func containsTopic(name string) bool {
	_, err := fs.Stat(manual, "help/"+name+".md")
	return err == nil
}

// topicList is the list of topics in the help of the program.
func topicList() string {
	var b strings.Builder
	b.WriteString("Topics (caascan help TOPIC):\n")
	for _, t := range topics() {
		fmt.Fprintf(&b, "  %-11s %s\n", t.name, t.summary)
	}
	return b.String()
}

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"caascan/cmd/caascan/help"
)

// flagGroup is a part of the flags in a --help and the man page.
type flagGroup struct {
	title string
	flags []string
}

// flagGroups are the groups of all commands, and the flags of each, in the order of the
// help: those first that are used most. A flag stands in one of them.
func flagGroups() []flagGroup {
	return []flagGroup{
		{"The CA and the list", []string{"issuer", "column", "sheet", "addresses", "header", "separator", "shard"}},
		{"Reports", []string{
			"output", "only", "columns", "group-by", "emit-groups", "emit-fixes", "emit-letters", "baseline", "fail-on",
			"csv-separator", "raw-cells", "json",
		}},
		{"Whom to ask", []string{
			"resolver", "concurrency", "rate", "timeout", "attempts", "final-pass-after",
			"probe-caa", "probe-bogus", "allow-mixed", "trust-ad", "dnssec", "trust-anchor",
		}},
		{"Answers without the DNS", []string{"zone", "overlay", "from-snapshot", "perspective", "accept-failures"}},
		{"Evidence", []string{"snapshot", "snapshot-proof", "resume", "max-age"}},
		{"Messages", []string{"quiet", "verbose", "progress", logFormatFlag, "metrics", "version", "help"}},
	}
}

// groupsOf are the groups of a command, without the flags that it has not. What no group
// names comes last.
func groupsOf(flags *pflag.FlagSet) (groups []flagGroup) {
	rest := flagGroup{title: "Others"}
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			rest.flags = append(rest.flags, f.Name)
		}
	})
	for _, g := range flagGroups() {
		own := flagGroup{title: g.title}
		for _, name := range g.flags {
			if i := slices.Index(rest.flags, name); i >= 0 {
				own.flags, rest.flags = append(own.flags, name), slices.Delete(rest.flags, i, i+1)
			}
		}
		groups = append(groups, own)
	}
	return slices.DeleteFunc(append(groups, rest), func(g flagGroup) bool { return len(g.flags) == 0 })
}

// flagWords are a flag as it is typed, and what it does.
func flagWords(f *pflag.Flag) (typed, meaning string) {
	value, meaning := pflag.UnquoteUsage(f)
	meaning = strings.TrimPrefix(meaning, value+": ")
	if f.Name == "help" {
		meaning = "this text"
	}
	typed = "    --" + f.Name
	if f.Shorthand != "" {
		typed = "-" + f.Shorthand + ", --" + f.Name
	}
	switch value {
	case "":
	case "int", "float":
		typed += " N"
	case "duration":
		typed += " TIME"
	default:
		if !strings.Contains(value, "|") { // the name of a value, not the values
			value = strings.ToUpper(value)
		}
		typed += " " + value
	}
	if d := f.DefValue; !slices.Contains([]string{"", "0", "false", "[]"}, d) && !strings.Contains(meaning, "default") {
		meaning += " (default: " + d + ")"
	}
	return typed, meaning
}

// seeAlso is the annotation of a command that names the topics about it.
const seeAlso = "topics"

// about annotates a command with the topics that tell more.
func about(topics ...string) map[string]string {
	return map[string]string{seeAlso: strings.Join(topics, " ")}
}

// commandHelp is what a command says of itself.
func commandHelp(cmd *cobra.Command, l help.Layout) string {
	var b strings.Builder
	write := func(title string, lines []string) {
		if title != "" {
			fmt.Fprintf(&b, "\n%s\n", l.Strong(title+":"))
		}
		for _, line := range lines {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	write("", l.Text(cmp.Or(cmd.Long, cmd.Short+".")))
	write("Usage", []string{"  " + usageLine(cmd)})
	if cmd.HasExample() {
		write("Examples", strings.Split(cmd.Example, "\n"))
	}
	for _, group := range cmd.Groups() {
		write(strings.TrimSuffix(group.Title, ":"), l.Terms(commandsOf(cmd, group.ID), widestTopic))
	}
	if cmd.HasParent() {
		for _, group := range ownGroups(cmd) {
			write(group.title, l.Terms(termsOf(cmd.Flags(), group), widestFlag))
		}
	} else {
		write("Topics (caascan help TOPIC)", l.Terms(topicTerms(), widestTopic))
		write("Environment", l.Terms(environmentTerms(), 0))
		write("Exit status", l.Terms(exitTerms(), 0))
	}
	if more := cmd.Annotations[seeAlso]; more != "" {
		write("More", l.Terms([]help.Term{{Word: "caascan help", Meaning: strings.ReplaceAll(more, " ", ", ")}}, 0))
	}
	return b.String()
}

// How wide the words of lists are that stand under each other.
const (
	widestTopic = 12
	widestFlag  = 26
)

// ownGroups are the groups of a command that has flags besides --help.
func ownGroups(cmd *cobra.Command) []flagGroup {
	groups := groupsOf(cmd.Flags())
	if len(groups) == 1 && slices.Equal(groups[0].flags, []string{"help"}) {
		return nil
	}
	return groups
}

func usageLine(cmd *cobra.Command) string {
	switch {
	case !cmd.HasParent():
		return cmd.Name() + " COMMAND"
	case len(ownGroups(cmd)) > 0:
		return cmd.Parent().Name() + " " + cmd.Use + " [flags]"
	}
	return cmd.Parent().Name() + " " + cmd.Use
}

// shownCommands are the commands that are not hidden, help included.
func shownCommands(root *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(root.Commands()), func(cmd *cobra.Command) bool { return cmd.Hidden })
}

func commandsOf(root *cobra.Command, group string) (terms []help.Term) {
	for _, sub := range shownCommands(root) {
		if sub.GroupID == group {
			terms = append(terms, help.Term{Word: sub.Name(), Meaning: sub.Short})
		}
	}
	return terms
}

func termsOf(flags *pflag.FlagSet, group flagGroup) (terms []help.Term) {
	for _, name := range group.flags {
		typed, meaning := flagWords(flags.Lookup(name))
		terms = append(terms, help.Term{Word: typed, Meaning: meaning})
	}
	return terms
}

func topicTerms() (terms []help.Term) {
	for _, topic := range help.Topics() {
		terms = append(terms, help.Term{Word: topic.Name, Meaning: topic.Summary})
	}
	return terms
}

func environmentTerms() (terms []help.Term) {
	for _, v := range environment() {
		terms = append(terms, help.Term{Word: v.name, Meaning: v.meaning})
	}
	return terms
}

func exitTerms() (terms []help.Term) {
	for _, code := range exitCodes() {
		terms = append(terms, help.Term{Word: fmt.Sprint(code.number), Meaning: code.meaning})
	}
	return terms
}

package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"caascan/report"
	"caascan/scan"
)

// shell is one that can be taught the commands and flags.
type shell string

// The shells.
const (
	bash       shell = "bash"
	zsh        shell = "zsh"
	fish       shell = "fish"
	powerShell shell = "powershell"
)

func shells() []shell { return []shell{bash, zsh, fish, powerShell} }

func newCompletion(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print the completion script for a shell",
		Example: `  caascan completion bash > /etc/bash_completion.d/caascan
  caascan completion zsh > /usr/local/share/zsh/site-functions/_caascan
  caascan completion fish > ~/.config/fish/completions/caascan.fish
  caascan completion powershell | Out-String | Invoke-Expression`,
		Long: `Completion prints a script for a shell. Put it where the shell looks for such
scripts, and start the shell anew. In bash it needs the package bash-completion.`,
		Annotations:       about("install"),
		Args:              takes(1, "no shell: name the one to complete in, as in caascan completion bash", "a script is for one shell"),
		ValidArgsFunction: first(oneOf(texts(shells())...)),
		GroupID:           programGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeCompletion(io.out, cmd.Root(), args[0])
		},
	}
}

func writeCompletion(w io.Writer, root *cobra.Command, name string) error {
	const described = true // a flag's meaning stands beside it
	switch shell(name) {
	case bash:
		return root.GenBashCompletionV2(w, described)
	case zsh:
		return root.GenZshCompletion(w)
	case fish:
		return root.GenFishCompletion(w, described)
	case powerShell:
		return root.GenPowerShellCompletionWithDesc(w)
	}
	return notOneOf("completion", name, shells()...)
}

// completeFlags says what may follow each flag of a command. Without that it would be
// the name of a file.
func completeFlags(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		_ = cmd.RegisterFlagCompletionFunc(f.Name, valuesOf(f)) // fails only for a flag that is not there, or a second time
	})
}

func valuesOf(f *pflag.Flag) cobra.CompletionFunc {
	switch f.Name {
	case "progress":
		return oneOf("auto", "always", "never")
	case "header":
		return oneOf("auto", "yes", "no")
	case logFormatFlag:
		return oneOf(texts(logFormats())...)
	case "only":
		return someOf(texts(scan.Statuses())...)
	case "fail-on":
		return someOf(texts(conditions())...)
	case "separator", "csv-separator":
		return oneOf(",", ";", "tab", "|")
	case "addresses":
		return oneOf(string(scan.AddressesPrimary), string(scan.AddressesSplit))
	case "columns":
		return someOf(columnWords()...)
	case "output":
		return filesLike("csv", "xlsx", "html", "jsonl")
	case "emit-groups":
		return filesLike("csv")
	case "baseline":
		return filesLike("csv", "xlsx", "jsonl")
	case "metrics":
		return filesLike("prom")
	}
	switch value, _ := pflag.UnquoteUsage(f); {
	case strings.HasSuffix(strings.ToUpper(value), "FILE"):
		return anyFile
	case strings.HasSuffix(value, "FOLDER"):
		return anyFolder
	}
	return cobra.NoFileCompletions
}

func anyFolder(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func oneOf(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// someOf completes the last word of a list with commas, by one that it does not hold.
// What follows a tab is said of a word and is no part of it.
func someOf(values ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		given := strings.Split(before, ",")
		for _, value := range values {
			if word, _, _ := strings.Cut(value, "\t"); !slices.Contains(given, word) {
				found = append(found, before+value)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// columnWords are the columns of a report. Those of the list are not known.
func columnWords() []string {
	all := []string{"input\tAll columns of the list."}
	for _, column := range report.Columns() {
		all = append(all, column.Name+"\t"+column.Meaning)
	}
	return all
}

func filesLike(extensions ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(extensions, cobra.ShellCompDirectiveFilterFileExt)
}

func anyFile(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// first completes the first argument, and no other.
func first(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return cobra.NoFileCompletions(cmd, args, typed)
		}
		return complete(cmd, args, typed)
	}
}

// texts are the values of a closed set as plain text.
func texts[W ~string](values []W) []string {
	var all []string
	for _, value := range values {
		all = append(all, string(value))
	}
	return all
}

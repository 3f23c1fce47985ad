package main

import (
	"embed"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"caascan/cmd/caascan/help"
)

// nightly holds the files of a nightly scan, to be copied.
//
//go:embed nightly
var nightly embed.FS

func newHelp(io streams) *cobra.Command {
	return &cobra.Command{
		Use:   "help [TOPIC|COMMAND]",
		Short: "Explain a topic or a command",
		Long: `Help prints a page of the manual, or the help of a command. A topic goes before
the command of the same name, which has its own --help. On a terminal the page is
shown with the program that PAGER names, else with less or more.`,
		Example: `  caascan help reasons
  caascan help scan
  caascan help nightly/caascan-nightly`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeTopics,
		GroupID:           programGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runHelp(cmd.Root(), args, io) },
	}
}

// runHelp explains a topic or a command, or prints a file of the nightly scan as it is.
func runHelp(root *cobra.Command, args []string, io streams) error {
	name := strings.Join(args, " ")
	if topic, ok := help.Find(name); ok {
		return showTopic(topic, io)
	}
	if text, err := nightly.ReadFile(name); err == nil {
		_, err := io.out.Write(text)
		return err
	}
	cmd, rest, err := root.Find(args)
	if err != nil || len(rest) > 0 {
		return unknownTopic(name, helpWords(root))
	}
	return page(io.out, commandHelp(cmd, layoutFor(io.out)))
}

// helpWords are all that help takes.
func helpWords(root *cobra.Command) []string {
	words := commandNames(root)
	for _, topic := range help.Topics() {
		words = append(words, topic.Name)
	}
	return words
}

func showTopic(topic help.Topic, io streams) error {
	blocks, err := help.Parse(topic.Text)
	if err != nil {
		return err
	}
	return page(io.out, layoutFor(io.out).Page(blocks))
}

func completeTopics(cmd *cobra.Command, args []string, _ string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, topic := range help.Topics() {
		found = append(found, topic.Name+"\t"+topic.Summary)
	}
	for _, sub := range cmd.Root().Commands() {
		if _, ok := help.Find(sub.Name()); !ok && sub.IsAvailableCommand() {
			found = append(found, sub.Name()+"\t"+sub.Short)
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// plainWidth is how many columns a page has that goes into a file or a pipe.
const plainWidth = 80

// layoutFor is the layout of what is written to w: as wide as the terminal, if w is one, and
// with bold text, unless NO_COLOR (no-color.org) or the terminal says otherwise.
func layoutFor(w io.Writer) help.Layout {
	const narrowest = 40
	file, ok := fileOf(w)
	if !ok || !isTerminal(w) {
		return help.Layout{Width: plainWidth}
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		width = plainWidth
	}
	return help.Layout{Width: max(width, narrowest), Styled: bool(inkFor(w))}
}

// page writes a text, through a pager if somebody reads it on a terminal.
func page(w io.Writer, text string) error {
	file, _ := fileOf(w)
	if command := pager(os.LookupEnv); isTerminal(w) && len(command) > 0 {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), file, os.Stderr
		err := cmd.Run()
		if _, ended := errors.AsType[*exec.ExitError](err); err == nil || ended {
			return nil // how a pager ends is its own affair
		}
	}
	_, err := io.WriteString(w, text)
	return err
}

// pager returns the command that shows a text page by page: that of PAGER, else less or
// more if there is one. There is none if PAGER is empty.
func pager(lookup func(string) (string, bool)) []string {
	if command, ok := lookup("PAGER"); ok {
		return strings.Fields(command)
	}
	if runtime.GOOS == "windows" {
		return nil // more.com shows escapes as letters
	}
	for _, command := range [][]string{{"less", "-FRX"}, {"more"}} {
		if _, err := exec.LookPath(command[0]); err == nil {
			return command
		}
	}
	return nil
}

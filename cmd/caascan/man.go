package main

import (
	"cmp"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"caascan/cmd/caascan/help"
)

func newMan(streams streams) *cobra.Command {
	return &cobra.Command{
		Use:               "man",
		Short:             "Print the manual page",
		Hidden:            true, // for who makes a package
		Args:              takes(0, "", "caascan man takes none"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			page, err := manPage(cmd.Root())
			if err != nil {
				return err
			}
			_, err = io.WriteString(streams.out, page)
			return err
		},
	}
}

// manPage is caascan(1): the help of all commands, and all topics. It has no date, so that
// the same source gives the same page.
func manPage(root *cobra.Command) (string, error) {
	text := ".TH CAASCAN 1 \"\" caascan \"User Commands\"\n" +
		".SH NAME\ncaascan \\- " + help.RoffText(strings.TrimSuffix(root.Short, "?")) + "\n" +
		".SH SYNOPSIS\n.nf\n"
	for _, cmd := range shownCommands(root) {
		text += help.RoffText(usageLine(cmd)) + "\n"
	}
	text += ".fi\n.SH DESCRIPTION\n" + help.RoffText(root.Long) + "\n.SH COMMANDS\n"
	for _, cmd := range shownCommands(root) {
		text += manCommand(cmd)
	}
	text += ".SH ENVIRONMENT\n" + help.RoffTerms(environmentTerms()) + ".SH EXIT STATUS\n" + help.RoffTerms(exitTerms())
	for _, topic := range help.Topics() {
		blocks, err := help.Parse(topic.Text)
		if err != nil {
			return "", err
		}
		text += help.Roff(blocks)
	}
	return text, nil
}

func manCommand(cmd *cobra.Command) string {
	text := ".SS " + help.RoffText(usageLine(cmd)) + "\n" + help.RoffText(cmp.Or(cmd.Long, cmd.Short+".")) + "\n"
	if cmd.HasExample() {
		text += ".PP\n.nf\n" + help.RoffText(cmd.Example) + "\n.fi\n"
	}
	for _, group := range ownGroups(cmd) {
		text += ".PP\n" + help.RoffText(group.title) + ":\n" + help.RoffTerms(termsOf(cmd.Flags(), group))
	}
	return text
}

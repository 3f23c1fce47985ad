package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"caascan/scan"
	"caascan/scan/domain"
)

type namesOptions struct {
	list      listOptions
	logFormat string
}

func newNames(io streams) *cobra.Command {
	var o namesOptions
	cmd := &cobra.Command{
		Use:   "names LIST...",
		Short: "Print the names that a scan of a list asks for, without the mailboxes",
		Example: `  caascan names staff.csv > names.txt
  caascan scan names.txt --snapshot singapore.jsonl        # at the other place
  caascan scan staff.csv --issuer DigiCert --perspective singapore@apnic=singapore.jsonl -o report.xlsx`,
		Long: `Names prints every distinct domain of a list and every parent of one, one a line.
They are sorted, with the top-level domains at the end. A scan reads that as a list.
So the same names can be asked from another place, and no mailbox is sent there.`,
		Annotations:       about("perspectives", "lists", "exit"),
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: anyFile,
		GroupID:           lookupGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runNames(cmd.Context(), o, args, io) },
	}
	o.list.add(cmd.Flags())
	addLogFormat(cmd.Flags(), &o.logFormat)
	return cmd
}

func runNames(ctx context.Context, o namesOptions, args []string, io streams) (err error) {
	paths, err := findInputs(args, io.in)
	if err != nil {
		return err
	}
	j := new(job) // for its list alone
	if j.reading, j.addresses, err = o.list.parse(); err != nil {
		return err
	}
	if j.console, err = warningsOnly(io.err, o.logFormat); err != nil {
		return err
	}
	if j.tempDir, err = os.MkdirTemp("", "caascan-"); err != nil {
		return fmt.Errorf("cannot create a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(j.tempDir)) }()
	if err := j.openInput(ctx, paths, io); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.in.close()) }()
	names, err := namesToAsk(ctx, j)
	if err != nil {
		return err
	}
	return writeNames(io.out, names)
}

// namesToAsk returns the names of all climbs (RFC 8659, section 3), each once.
func namesToAsk(ctx context.Context, j *job) ([]domain.Name, error) {
	known := make(map[domain.Name]struct{})
	var names []domain.Name
	for row, err := range j.rows() {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return nil, err
		}
		name := scan.DomainOf(row)
		if _, again := known[name]; again || name.IsZero() {
			continue
		}
		for at := range name.Clone().Climb() { // not the whole row with it
			if _, again := known[at]; again {
				break // so are its parents
			}
			known[at] = struct{}{}
			names = append(names, at)
		}
	}
	return names, nil
}

// writeNames puts the top-level domains last: a reader could take one in the first line for
// the name of a column.
func writeNames(to io.Writer, names []domain.Name) error {
	slices.SortFunc(names, func(a, b domain.Name) int {
		if a.IsTLD() != b.IsTLD() {
			if a.IsTLD() {
				return 1
			}
			return -1
		}
		return strings.Compare(a.String(), b.String())
	})
	w := bufio.NewWriter(to)
	for _, name := range names {
		fmt.Fprintln(w, name)
	}
	return w.Flush()
}

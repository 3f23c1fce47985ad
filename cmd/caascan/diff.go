package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"caascan/report"
	"caascan/report/diff"
	"caascan/scan"
)

type diffOptions struct {
	column    string
	failOn    []string
	logFormat string
}

func newDiff(io streams) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what changed between two reports",
		Example: `  caascan diff last-week.csv today.csv
  caascan diff last-week.xlsx today.jsonl --fail-on changed`,
		Long: `Diff compares two reports of caascan, each in CSV, XLSX or JSON Lines. It shows
what changed for each domain: first the policies, then failed lookups, then rows
that are new or gone. Two rows are the same if the scanned cell has the same text.
Their places in the lists do not matter.`,
		Annotations:       about("changes", "exit"),
		Args:              takes(2, "diff compares two reports: name the earlier one and the later one, as in caascan diff last-week.csv today.csv", "diff compares two reports"),
		ValidArgsFunction: anyFile,
		GroupID:           lookupGroup,

		RunE: func(cmd *cobra.Command, args []string) error { return runDiff(cmd.Context(), o, args[0], args[1], io) },
	}
	cmd.Flags().StringVarP(&o.column, "column", "c", "", "`NAME|N`: the column that was scanned (default: auto-detected)")
	addList(cmd.Flags(), &o.failOn, "fail-on", "`CHANGE,...`: exit with 3 if a domain is newly-denied (a CA is denied, and the earlier report did not say so) or changed (its policy changed in any way)")
	addLogFormat(cmd.Flags(), &o.logFormat)
	_ = cmd.RegisterFlagCompletionFunc("fail-on", someOf(texts(comparing())...)) // fails only for a flag that is not there
	return cmd
}

func runDiff(ctx context.Context, o diffOptions, old, now string, io streams) (err error) {
	failOn, err := parseWords("--fail-on", o.failOn, comparing()...)
	if err != nil {
		return err
	}
	said, err := warningsOnly(io.err, o.logFormat)
	if err != nil {
		return err
	}
	tempDir, err := os.MkdirTemp("", "caascan-")
	if err != nil {
		return fmt.Errorf("cannot create a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tempDir)) }()
	var changes *report.Changes
	err = interruptible(ctx, func() (err error) {
		changes, err = o.compare(ctx, old, now, tempDir, said)
		return err
	})
	if err != nil {
		return err
	}
	if err := printChanges(io.out, changes, now); err != nil {
		return err
	}
	for _, c := range failOn {
		if c.met(changes) {
			return errFailOn
		}
	}
	return nil
}

// compare reads both reports. What is not compared it says on stderr.
func (o diffOptions) compare(ctx context.Context, old, now, tempDir string, said console) (changes *report.Changes, err error) {
	earlier, err := openReport(ctx, old, tempDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, earlier.close()) }()
	later, err := openReport(ctx, now, tempDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, later.close()) }()
	before, err := diff.NewReader(ctx, earlier.table, diff.ColumnChoice{Asked: o.column})
	if err != nil {
		return nil, columnError(err)
	}
	after, err := diff.NewReader(ctx, later.table, diff.ColumnChoice{Asked: o.column, Preferred: before.Column()})
	if err != nil {
		return nil, columnError(err)
	}
	baseline, err := diff.NewBaseline(ctx, before, after.Labels())
	if err != nil {
		return nil, err
	}
	for _, warning := range baseline.Warnings(now, after.Labels()) {
		said.warn(warning)
	}
	if err := baseline.CompareAll(ctx, after); err != nil {
		return nil, err
	}
	return baseline.Changes(ctx)
}

// columnError makes a column that is not there a fault of the command line, and says which
// one may have been meant.
func columnError(err error) error {
	if e, ok := errors.AsType[*diff.ColumnError](err); ok {
		return nearColumn("--column", e.Report, e.Asked, e.Names, err)
	}
	return err
}

// printChanges writes c for people.
func printChanges(w io.Writer, c *report.Changes, now string) error {
	var b strings.Builder
	same := c.Count(scan.ChangeNone)
	if len(c.Domains) == 0 {
		fmt.Fprintf(&b, "No difference between %s and %s: %s, %s.\n", visible(c.Earlier), visible(now), counted(same.Rows, "row"), counted(same.Domains, "domain"))
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, "%s -> %s\n\n%-18s%10s%10s\n", visible(c.Earlier), visible(now), "change", "rows", "domains")
	for _, change := range append(scan.Changes(), scan.ChangeNone) {
		name, count := string(change), c.Count(change)
		if change == scan.ChangeNone {
			name = "unchanged"
		}
		fmt.Fprintf(&b, "%-18s%10d%10d\n", name, count.Rows, count.Domains)
	}
	var kind scan.ChangeKind
	for _, d := range c.Domains {
		if d.Change.Kind() != kind {
			kind = d.Change.Kind()
			fmt.Fprintf(&b, "\n%s:\n", kind.Heading())
		}
		printChange(&b, d, c.Labels)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printChange writes a domain. Its text is from files.
func printChange(b *strings.Builder, d report.DomainChange, labels []string) {
	name := visible(d.Domain)
	if name == "" {
		name = "(no domain)"
	}
	fmt.Fprintf(b, "  %s: %s%s\n", name, d.Change, rowsOf(d))
	if d.Some() {
		return
	}
	for _, side := range []struct {
		word    string
		verdict *report.DomainVerdict
	}{{"was", d.Was}, {"is", d.Is}} {
		if side.verdict != nil {
			fmt.Fprintf(b, "    %-3s %s\n", side.word, visible(side.verdict.Text(labels, "; ")))
		}
	}
	if d.Was != nil && d.Is != nil {
		printRecords(b, d.Was.Records, d.Is.Records)
	}
}

// rowsOf says of how many rows it is said. None of a domain may be as it was: then all
// that it has now are new.
func rowsOf(d report.DomainChange) string {
	switch rows := ", " + counted(d.Rows, "row"); {
	case d.Rows == 0:
		return ""
	case d.Some() && d.Domain != "" && d.Change == scan.ChangeNew:
		return rows + " more"
	case d.Some() && d.Domain != "":
		return rows + " fewer"
	default:
		return rows
	}
}

// printRecords writes the records that only one side has.
func printRecords(b *strings.Builder, was, is report.ComparedRecords) {
	if was.Unknown {
		fmt.Fprintf(b, "        %s\n", report.RecordsNotCompared)
	}
	for _, record := range was.Only.Lines() {
		fmt.Fprintf(b, "    -   %s\n", visible(record))
	}
	for _, record := range is.Only.Lines() {
		fmt.Fprintf(b, "    +   %s\n", visible(record))
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

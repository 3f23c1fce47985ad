package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"caascan/report"
	"caascan/scan"
)

type scanOptions struct {
	source       sourceOptions
	record       recordOptions
	list         listOptions
	shard        string
	perspectives []string
	accept       bool
	groups       groupOptions
	outputs      []string
	fixes        []string
	letters      []string
	columns      []string
	rawCells     bool
	csvSeparator string
	only         []string
	baseline     string
	failOn       []string
	metrics      string
	console      consoleOptions
}

func newScan(io streams) *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan LIST...",
		Short: "Look up every mailbox or domain of a list and write reports",
		Example: `  caascan scan staff.csv --issuer ca.example -o report.csv -o report.xlsx
  caascan scan customers.xlsx --issuer "Old=old-ca.example" --issuer "New=ca.example" -o move.xlsx
  caascan scan - --issuer ca.example,pki.ca.example --resolver 127.0.0.1 -o - < domains.txt`,
		Long: `Scan reads lists of mailboxes or domains: CSV, XLSX or plain text, also packed
with gzip. - is standard input. Scan looks up the CAA records that apply to each
row, decides for each CA whether it may issue S/MIME certificates, and writes
reports. A report has every row of the list. With --snapshot and without
--issuer scan only asks, and writes the answers down.`,
		Annotations:       about("lists", "issuers", "resolvers", "columns", "workbook", "page", "jsonl", "reasons", "warnings", "fixes", "changes", "snapshot", "shards", "perspectives", "dnssec", "messages", "metrics", "exit"),
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: anyFile,
		GroupID:           lookupGroup,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runScan(cmd.Context(), o, args, settings(cmd.Flags()), io)
		},
	}
	o.add(cmd.Flags())
	return cmd
}

func (o *scanOptions) add(flags *pflag.FlagSet) {
	flags.SortFlags = false
	o.source.add(flags)
	o.record.add(flags)
	flags.StringArrayVarP(&o.outputs, "output", "o", nil, "`FILE`: write a report: .csv, .xlsx, .html or .jsonl; - is CSV on standard output (repeatable; default: staff-caa.xlsx beside staff.csv)")
	flags.StringArrayVar(&o.fixes, "emit-fixes", nil, "`[FORMAT:][LABEL=]FILE`: write the records to publish so that all CAs may issue, or with LABEL only that one; FORMAT is zone, csv, dnscontrol, nsupdate or route53 (repeatable; default: zone)")
	flags.StringArrayVar(&o.letters, "emit-letters", nil, "`[LABEL=]FOLDER`: write a letter for each domain that has records to publish, into this new or empty folder; it asks for records for all CAs, or with LABEL for that one alone (repeatable)")
	o.list.add(flags)
	flags.StringVar(&o.shard, "shard", "", "`I/N`: scan only part I of N of the list; the first part is 0")
	flags.StringArrayVar(&o.perspectives, "perspective", nil, "`NAME[@RIR]=SNAPSHOT`: compare with the snapshot of another place; RIR is its region: afrinic, apnic, arin, lacnic or ripe (repeatable)")
	flags.BoolVar(&o.accept, "accept-failures", false, "with --perspective, count a failed lookup with ca-may-issue as permitted; for CAs that accept such failures")
	o.groups.add(flags)
	addList(flags, &o.columns, "columns", "`NAME,...`: the columns of the reports, in this order; input means all columns of the list (default: all)")
	flags.BoolVar(&o.rawCells, "raw-cells", false, "write CSV cells unchanged, even those that a spreadsheet would run as formulas")
	flags.StringVar(&o.csvSeparator, "csv-separator", ",", "`CHAR`: what separates the cells of CSV reports: a comma, a semicolon, tab or |")
	addList(flags, &o.only, "only", "`STATUS,...`: write only rows with one of these statuses for any CA: permitted, denied, lookup-failed")
	flags.StringVar(&o.baseline, "baseline", "", "`FILE`: compare each row with this earlier report (CSV, XLSX or JSON Lines); -o may replace it")
	addList(flags, &o.failOn, "fail-on", "`STATUS,...`: exit with 3 if any CA has one of these statuses: denied, lookup-failed; with --baseline also newly-denied (a CA is denied, and the earlier report did not say so) and changed (the policy of a domain changed in any way)")
	o.console.add(flags)
	flags.StringVar(&o.metrics, "metrics", "", "`FILE`: write the numbers of the run for Prometheus, such as caascan.prom")
}

// unsaid are the flags that say where something goes or how to talk about it: they do not
// change what is in a report, and so do not stand in it.
var unsaid = [...]string{"output", "emit-fixes", "emit-letters", "emit-groups", "metrics", "progress", "quiet", "verbose", logFormatFlag}

// settings returns the flags that were given, as text for the report.
func settings(flags *pflag.FlagSet) string {
	var given []string
	flags.Visit(func(f *pflag.Flag) {
		if slices.Contains(unsaid[:], f.Name) {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			given = append(given, fmt.Sprintf("--%s %q", f.Name, value))
		}
	})
	return strings.Join(given, " ")
}

// addList adds a flag that takes a list with commas.
func addList(flags *pflag.FlagSet, list *[]string, name, usage string) {
	flags.StringSliceVar(list, name, nil, usage)
	flag := flags.Lookup(name)
	flag.Value = oneLineList{flag.Value, flag.Value.(pflag.SliceValue)}
	flag.DefValue = "" // none, which the help does not show
}

// oneLineList is a list flag whose value has one line: of several, the flag would take the
// first and drop the others without a word.
type oneLineList struct {
	pflag.Value
	pflag.SliceValue
}

// Set adds the values of a list of one line.
func (o oneLineList) Set(text string) error {
	if strings.ContainsAny(text, "\r\n") {
		return errors.New("the list has a line break in it")
	}
	return o.Value.Set(text)
}

// condition is what --fail-on takes.
type condition string

const (
	failOnDenied      = condition(scan.Denied)
	failOnFailed      = condition(scan.LookupFailed)
	failOnChanged     = condition("changed")
	failOnNewlyDenied = condition(scan.ChangeNewlyDenied)
)

func conditions() []condition {
	return append([]condition{failOnDenied, failOnFailed}, comparing()...)
}

// comparing are the conditions on what is different between two reports.
func comparing() []condition { return []condition{failOnChanged, failOnNewlyDenied} }

// met reports whether the changes are such as the condition is about; false of the
// conditions on statuses.
func (c condition) met(changes *report.Changes) bool {
	switch c {
	case failOnChanged:
		return changes.Policy()
	case failOnNewlyDenied:
		return changes.Denies()
	case failOnDenied, failOnFailed:
	}
	return false
}

// parseWords reads a flag that takes some of these words.
func parseWords[W ~string](flag string, words []string, allowed ...W) ([]W, error) {
	if words != nil && len(words) == 0 {
		return nil, usagef("%s is empty: it takes %s", flag, orWords(allowed))
	}
	var known []W
	for _, text := range words {
		word := W(strings.TrimSpace(text))
		if !slices.Contains(allowed, word) {
			return nil, notOneOf(flag, text, allowed...)
		}
		if !slices.Contains(known, word) {
			known = append(known, word)
		}
	}
	return known, nil
}

// orWords joins as people do: a, b or c.
func orWords[W ~string](words []W) string {
	var b strings.Builder
	for i, word := range words {
		switch i {
		case 0:
		case len(words) - 1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}

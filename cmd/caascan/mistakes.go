package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/domain"
	"caascan/scan/lookup"
)

// execute carries the command line out, unless it holds a slip that would be read as
// something else.
func execute(ctx context.Context, root *cobra.Command, args []string) (*cobra.Command, error) {
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if word := firstWord(root, args); cmd == root && word != "" {
			return unknownCommand(root, word, args)
		}
		return flagError(cmd, err)
	})
	cmd, rest, err := root.Find(args)
	if err == nil && cmd != root {
		if err := singleDash(cmd, rest); err != nil {
			return cmd, err
		}
	}
	return root.ExecuteContextC(ctx)
}

// firstWord is the first argument that is no flag, nor the value of a flag of some command.
func firstWord(root *cobra.Command, args []string) string {
	value := false
	for _, arg := range args {
		switch {
		case value:
			value = false
		case strings.HasPrefix(arg, "-") && arg != "-":
			value = takesNext(root, arg)
		default:
			return arg
		}
	}
	return ""
}

// takesNext reports whether a flag takes the argument after it, in the commands that have it.
func takesNext(root *cobra.Command, flag string) bool {
	name := strings.TrimLeft(flag, "-")
	return slices.ContainsFunc(root.Commands(), func(cmd *cobra.Command) bool {
		f := cmd.Flags().Lookup(name)
		if f == nil && len(name) == 1 {
			f = cmd.Flags().ShorthandLookup(name)
		}
		return f != nil && f.NoOptDefVal == ""
	})
}

// unknownCommand says what may have been meant by a first word that is no command.
func unknownCommand(root *cobra.Command, word string, args []string) error {
	const near = 2 // a list seldom has the name of a command but for two letters
	meant := closest(word, commandNames(root))
	switch {
	case meant != "" && distance(word, meant) <= near:
	case isList(word):
		return usagef("no command before the list %q: write caascan scan %s", bounded(word), typedLine(args))
	case !domainOf(word).IsZero():
		return usagef("no command before the name %q: write caascan check %s", bounded(word), typedLine(args))
	}
	return usagef("%q is no command: %s", bounded(word), didYouMean(word, commandNames(root), "there are "+strings.Join(commandNames(root), ", ")))
}

// unknownTopic says that help knows nothing of a word.
func unknownTopic(word string, topics []string) error {
	return usagef("there is no help for %q: %s", bounded(word), didYouMean(word, topics, "write caascan help for a list"))
}

func commandNames(root *cobra.Command) (names []string) {
	for _, cmd := range root.Commands() {
		if cmd.IsAvailableCommand() {
			names = append(names, cmd.Name())
		}
	}
	return names
}

// isList reports whether a word names a list: a file, a pattern of files, or standard input.
func isList(word string) bool {
	return word == "-" || isFile(word) || hasListEnding(word)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// hasListEnding reports whether a name ends as those of lists do. None of these endings is a
// top-level domain.
func hasListEnding(name string) bool {
	endings := []string{".csv", ".xlsx", ".xls", ".txt", ".tsv", ".gz"}
	return slices.Contains(endings, strings.ToLower(filepath.Ext(name)))
}

// domainOf is the domain of a mailbox, or the domain that a word is.
func domainOf(word string) domain.Name {
	name, err := domain.Parse(word[strings.LastIndexByte(word, '@')+1:])
	if err != nil || name.IsTLD() {
		return domain.Name{}
	}
	return name
}

// typedLine writes arguments as they are typed, if they are not too long for a message.
func typedLine(args []string) string {
	const longest = 120
	if line := shellLine(args); len(line) <= longest {
		return line
	}
	return "and the same arguments"
}

func shellLine(args []string) string {
	var words []string
	for _, arg := range args {
		words = append(words, shellWord(arg))
	}
	return strings.Join(words, " ")
}

// shellWord quotes what a shell would not take as one plain word.
func shellWord(arg string) string {
	if arg != "" && !strings.ContainsFunc(arg, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_+=:,./-", r)
	}) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// singleDash finds a flag whose name has lost a dash: -issuer would be read as -i with the
// value "ssuer".
func singleDash(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		switch {
		case arg == "--":
			return nil
		case len(name) > 1 && strings.HasPrefix(arg, "-") && cmd.Flags().Lookup(name) != nil:
			return usagef("-%s has one dash: write --%s", name, name)
		}
	}
	return nil
}

// flagError says what is wrong with a flag, in our words.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, e)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		f := e.GetFlag()
		return usagef("--%s has no value: write --%s %s", f.Name, f.Name, exampleOf(f))
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return badValue(e)
	}
	if e, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return usagef("%q is no flag: %s --help lists all flags", bounded(e.GetSpecifiedFlag()), cmd.CommandPath())
	}
	return usagef("%w (see %s --help)", err, cmd.CommandPath())
}

func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	name, dashes := e.GetSpecifiedName(), "--"
	if letters := e.GetSpecifiedShortnames(); letters != "" && len(name) == 1 {
		dashes = "-"
		if long, _, _ := strings.Cut(letters, "="); len(long) > 2 { // rather a word than letters
			name = long
		}
	}
	if meant := closest(name, flagNames(cmd)); meant != "" {
		return usagef("there is no flag %s%s: did you mean --%s?", dashes, bounded(name), meant)
	}
	for _, other := range cmd.Root().Commands() {
		if f := other.Flags().Lookup(name); f != nil && other.IsAvailableCommand() {
			return usagef("--%s is a flag of %s, not of %s: write %s --%s %s", name, other.CommandPath(), cmd.CommandPath(), other.CommandPath(), name, exampleOf(f))
		}
	}
	return usagef("there is no flag %s%s: %s --help lists all flags", dashes, bounded(name), cmd.CommandPath())
}

func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// badValue says what a flag takes that was given something else.
func badValue(e *pflag.InvalidValueError) error {
	f := e.GetFlag()
	flag, value := "--"+f.Name, bounded(e.GetValue())
	if twice, ok := errors.AsType[givenTwice](e); ok {
		return usagef("%s is given twice, with %q and %q: it takes one value", flag, bounded(twice.first), value)
	}
	switch f.Value.Type() {
	case "duration":
		if _, err := time.ParseDuration(e.GetValue()); err == nil { // so it is the amount
			break
		}
		return usagef("%s %q: %s", flag, value, durationAdvice(f, e.GetValue()))
	case "int":
		return usagef("%s %q: it takes a whole number, such as %s %s", flag, value, flag, exampleOf(f))
	case "float64":
		return usagef("%s %q: it takes a number, such as %s %s", flag, value, flag, exampleOf(f))
	case "bool":
		return usagef("%s=%s: it takes no value: write %s alone, or leave it out", flag, value, flag)
	}
	return usagef("%s %q: %w", flag, value, e.Unwrap())
}

// days is a number of days, which Go's durations have no unit for.
var days = regexp.MustCompile(`^([0-9]{1,5}) ?d(ays?)?$`)

// durationAdvice says how to write the duration that was meant.
func durationAdvice(f *pflag.Flag, value string) string {
	text := strings.ToLower(strings.ReplaceAll(value, " ", ""))
	if d, err := time.ParseDuration(text + "s"); err == nil && d > 0 {
		return fmt.Sprintf("the unit is missing: write %ss", text)
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return "write " + text
	}
	if found := days.FindStringSubmatch(text); found != nil {
		if d, err := time.ParseDuration(found[1] + "h"); err == nil {
			return fmt.Sprintf("the largest unit is the hour: write %.0fh", (24 * d).Hours())
		}
	}
	return fmt.Sprintf("it takes a number and its unit, such as --%s %s", f.Name, exampleOf(f))
}

// exampleOf is a value that a flag takes.
func exampleOf(f *pflag.Flag) string {
	switch f.Name {
	case "issuer":
		return "DigiCert"
	case "resolver":
		return "127.0.0.1"
	case "output":
		return "report.xlsx"
	case "columns":
		return "input,caa_status"
	case "rate":
		return "50"
	case "max-age":
		return "24h"
	}
	switch f.DefValue {
	case "", "[]", "0", "0s", "false":
		name, _ := pflag.UnquoteUsage(f)
		return strings.ToUpper(name)
	}
	return f.DefValue
}

// once is a flag that takes one value. A second one would take the place of the first
// without a word; the same value again is no contradiction.
type once struct {
	pflag.Value
	given *string
}

// givenTwice says that a flag had a value when it was given another.
type givenTwice struct{ first string }

// Error names the first value.
func (g givenTwice) Error() string { return fmt.Sprintf("it has been given the value %q", g.first) }

// Set gives the flag its value. The error is a givenTwice if it has another one already.
func (o *once) Set(text string) error {
	if o.given != nil && *o.given != text {
		return givenTwice{*o.given}
	}
	o.given = &text
	return o.Value.Set(text)
}

// takeOneValue makes flags of a command that take one value refuse another.
func takeOneValue(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, ok := f.Value.(pflag.SliceValue); ok || f.NoOptDefVal != "" {
			return
		}
		if f.DefValue == "0s" {
			f.DefValue = "0" // that of none, as help knows it of what is no Duration of pflag
		}
		f.Value = &once{Value: f.Value}
	})
}

// emptyFlag finds a flag that was given and has nothing in it: a variable in a script that
// was never set, and what it asks for would be left out without a word. Or the name of the
// next flag is in it.
func emptyFlag(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = cmp.Or(err, usagef("--%s is empty: give it a value or leave it out", f.Name))
		}
		for _, value := range values(f) {
			name, _, _ := strings.Cut(strings.TrimPrefix(value, "--"), "=")
			if strings.HasPrefix(value, "--") && flags.Lookup(name) != nil {
				err = cmp.Or(err, usagef("--%s has no value, --%s follows: write --%s %s", f.Name, name, f.Name, exampleOf(f)))
			}
		}
	})
	return err
}

// values are those that a flag has been given.
func values(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	return []string{f.Value.String()}
}

// takes makes sure that a command has so many arguments. advice says what they are if some
// are missing, surplus what to do with more.
func takes(n int, advice, surplus string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < n:
			return usagef("%s", advice)
		case len(args) > n:
			return usagef("%q is one argument too many: %s", bounded(args[n]), surplus)
		}
		return nil
	}
}

// issuerMistake says what is wrong with --issuer if it is plainly something else, and err if not.
func issuerMistake(text string, err error) error {
	_, list, labelled := strings.Cut(text, "=")
	if !labelled {
		list = text
	}
	if u, parsed := url.Parse(strings.TrimSpace(list)); parsed == nil && u.Host != "" {
		if name := domainOf(u.Hostname()); !name.IsZero() {
			return usagef("--issuer %q is a web address: write the issuer domain name alone: --issuer %s", bounded(text), shellWord(strings.Replace(text, list, name.String(), 1)))
		}
	}
	if strings.Contains(list, "@") {
		return usagef("--issuer %q is a mail address: it takes the CA's issuer domain name, such as ca.example", bounded(text))
	}
	return usageError{err}
}

// resolverMistake says what is wrong with --resolver if it is plainly something else, and
// err if not.
func resolverMistake(text string, err error) error {
	host, port, hasPort := strings.Cut(text, ":")
	if rest, ok := strings.CutPrefix(text, "["); ok {
		host, port, hasPort = strings.Cut(rest, "]:")
	}
	_, notAddress := netip.ParseAddr(host)
	plain, web := strings.CutPrefix(text, "http://")
	switch {
	case web:
		return usagef("--resolver %q is not encrypted: write https://%s", bounded(text), bounded(plain))
	case notAddress == nil && hasPort:
		return usagef("--resolver %q: the port %q is no number from 1 to 65535: write %s for port 53", bounded(text), bounded(port), host)
	case !domainOf(host).IsZero() && !strings.Contains(text, "//"):
		return usagef("--resolver %q is a host name: write its IP address, such as 192.0.2.1, or tls://%s for DNS over TLS", bounded(text), domainOf(host))
	}
	return usageError{err}
}

// parseServer reads one resolver of --resolver.
func parseServer(text string) (lookup.Server, error) {
	server, err := lookup.ParseServer(text)
	if err != nil {
		return server, resolverMistake(text, err)
	}
	return server, nil
}

// outputMistake says which ending of a report may have been meant, and err if none is near.
func outputMistake(name string, err error) error {
	ending := filepath.Ext(name)
	near := closest(ending, []string{".csv", ".xlsx", ".html", ".jsonl"})
	if near == "" {
		return usageError{err}
	}
	return usagef("report %q: no such format: did you mean %s?", bounded(name), bounded(strings.TrimSuffix(name, ending)+near))
}

// columnMistake says which column may have been meant by one of --columns that is not there.
func columnMistake(layout report.Layout, chosen []string, err error) error {
	known := append(slices.Clone(layout.Header), "input")
	for _, column := range report.Columns() {
		known = append(known, column.Name)
	}
	for _, name := range chosen {
		if slices.ContainsFunc(known, func(other string) bool { return report.Alike(other, name) }) {
			continue
		}
		if near := closest(strings.TrimSpace(name), known); near != "" {
			return usagef("--columns: no column is called %s: did you mean %s?", report.QuoteName(name), report.QuoteName(near))
		}
	}
	return usagef("--columns: %w", err)
}

// nearColumn says which column of a list may have been meant by a flag, and err if none is near.
func nearColumn(flag, list, asked string, names []string, err error) error {
	_, notNumber := strconv.Atoi(strings.TrimSpace(asked))
	if near := closest(strings.TrimSpace(asked), names); near != "" && notNumber != nil {
		return usagef("%s: %s has no column %s: did you mean %s?", flag, list, report.QuoteName(asked), report.QuoteName(near))
	}
	return usageError{err}
}

// nameMistake says why nothing can be looked up for the name that check is given.
func nameMistake(name string, reason scan.Reason) error {
	given := bounded(name)
	switch reason {
	case scan.Empty:
		return usagef("the name is empty: caascan check jane@example.com --issuer DigiCert")
	case scan.SeveralAddresses:
		return usagef("%q holds several addresses (%s): check takes one; caascan scan reads a list of them", given, reason)
	case scan.IPLiteral:
		return usagef("%q is an IP address, or ends in a number as one does (%s): CAA records belong to domain names, so give the domain of the mailbox", given, reason)
	case scan.TooLong:
		return usagef("%q is longer than the DNS allows (%s): a domain has up to 63 characters between dots and 253 in all", given, reason)
	case scan.BadIDN:
		return usagef("%q breaks the rules for international domain names (%s): correct it, or write its xn-- form", given, reason)
	case scan.SingleLabel:
		return usagef("%q is a single word (%s): write the whole domain, such as example.com", given, reason)
	case scan.NotADomain, scan.BrokenRow: // the latter of rows only
	}
	return usagef("%q is neither a mailbox nor a domain (%s): write one such as jane@example.com or example.com", given, reason)
}

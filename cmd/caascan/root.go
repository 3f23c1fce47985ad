package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/spf13/cobra"
)

// The exit codes, which are public.
const (
	exitDone        = 0
	exitUnfinished  = 1
	exitUsage       = 2
	exitFailOn      = 3
	exitHungUp      = 129 // 128 and the number of SIGHUP
	exitInterrupted = 130 // SIGINT
	exitCrashed     = 134 // SIGABRT, see crashAloud
	exitReaderGone  = 141 // SIGPIPE
	exitTerminated  = 143 // SIGTERM
)

// exitCodeMeaning says what an exit code tells whoever started the program.
type exitCodeMeaning struct {
	number  int
	meaning string
}

// exitCodes are all exit codes of every command.
func exitCodes() []exitCodeMeaning {
	return []exitCodeMeaning{
		{exitDone, "done"},
		{exitUnfinished, "could not finish; earlier reports stay, unless the message says otherwise"},
		{exitUsage, "the command line was wrong; nothing was done"},
		{exitFailOn, "done, and --fail-on matched"},
		{exitHungUp, "hung up (SIGHUP), as when a terminal is closed; earlier reports stay"},
		{exitInterrupted, "interrupted (SIGINT); earlier reports stay"},
		{exitCrashed, "a crash (SIGABRT), which is a defect of caascan; earlier reports stay"},
		{exitReaderGone, "the reader of standard output went away (SIGPIPE), as head does; other reports are complete"},
		{exitTerminated, "terminated (SIGTERM); earlier reports stay"},
	}
}

// usageError is a command line that cannot be carried out as it stands.
type usageError struct{ error }

// Unwrap returns what is wrong with the command line.
func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errFailOn says that all was done and that --fail-on matched.
var errFailOn = errors.New("--fail-on matched")

// streams are what the program reads and writes besides files.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run is the program. It returns the exit code; everything it has to say it has
// said on stdout and stderr by then.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cmd, err := execute(ctx, newRoot(streams{stdin, &readerWatch{stdout}, stderr}), args)
	code := exitCode(ctx, err)
	if words := lastWords(ctx, err); words != "" {
		newLog(stderr, givenLogFormat(cmd), slog.LevelError).Error(words, slog.Int("exit_code", code))
	}
	return code
}

// exitCode is what err means to whoever started the program.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFailOn):
		return exitFailOn
	case isStopped(ctx, err):
		return stoppedCode(context.Cause(ctx))
	case errors.Is(err, errReaderGone):
		return exitReaderGone
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitUnfinished
}

// stoppedCode is the exit code of a run that was ended before it was done.
func stoppedCode(cause error) int {
	by, _ := errors.AsType[interrupted](cause)
	switch by.signal {
	case syscall.SIGHUP:
		return exitHungUp
	case syscall.SIGTERM:
		return exitTerminated
	}
	return exitInterrupted
}

// isStopped reports whether err says that the run was ended before it was done.
func isStopped(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))
}

// lastWords are what has to be said of err, if anything has.
func lastWords(ctx context.Context, err error) string {
	switch {
	case err == nil || errors.Is(err, errFailOn):
		return ""
	case isStopped(ctx, err):
		return fmt.Sprintf("%v: stopped; no report was written", context.Cause(ctx))
	case errors.Is(err, errReaderGone):
		return ""
	}
	return oneLine(err)
}

// oneLine keeps an error on one line, whatever a file name or a library put into
// it.
func oneLine(err error) string { return flat(err.Error()) }

// flat keeps a text on one line, and off the terminal's controls.
func flat(text string) string { return visible(strings.ReplaceAll(text, "\n", "; ")) }

// visible returns text with what could act on a terminal written as an escape.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}

// The groups of commands, as the help shows them.
const (
	lookupGroup  = "lookup"
	programGroup = "program"
)

func newRoot(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "caascan",
		Short: "Find out whether CAA records permit a CA to issue S/MIME certificates",
		Long: `caascan reads a list of mailboxes or domains. For each one it says whether DNS CAA
records (RFC 8659, RFC 9495) permit a CA to issue S/MIME certificates, why, and
what to change.`,
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          isCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return cmp.Or(emptyFlag(cmd.Flags()), takeEnvironment(cmd.Flags(), os.Getenv))
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		fmt.Fprint(io.out, commandHelp(cmd, layoutFor(io.out)))
	})
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddGroup(&cobra.Group{ID: lookupGroup, Title: "Lists, names and reports:"}, &cobra.Group{ID: programGroup, Title: "The program itself:"})
	root.SetHelpCommandGroupID(programGroup)
	root.SetHelpCommand(newHelp(io))
	root.AddCommand(newScan(io), newCheck(io), newDiff(io), newIssuers(io), newNames(io), newCompletion(io), newVersion(io), newMan(io))
	for _, cmd := range root.Commands() {
		completeFlags(cmd)
		takeOneValue(cmd)
	}
	return root
}

// isCommand finds a first word that is no command.
func isCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknownCommand(cmd, args[0], args)
}

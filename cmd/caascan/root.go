package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes, which are public.
const (
	exitDone        = 0
	exitUnfinished  = 1
	exitUsage       = 2
	exitFailOn      = 3
	exitInterrupted = 130 // 128 and the number of SIGINT
	exitTerminated  = 143 // 128 and the number of SIGTERM
)

const exitStatus = `Exit status:
  0    done
  1    could not finish; no report was touched
  2    the command line was wrong; nothing was done
  3    done, and --fail-on matched
  130  interrupted (SIGINT); no report was touched
  143  terminated (SIGTERM); no report was touched
`

// usageError is a command line that cannot be carried out as it stands.
type usageError struct{ error }

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
	root := newRoot(streams{stdin, stdout, stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if cause, ok := errors.AsType[interrupted](context.Cause(ctx)); ok && err != nil {
		fmt.Fprintf(stderr, "caascan: %v: stopped; no report was written\n", cause)
		if cause.signal == syscall.SIGTERM {
			return exitTerminated
		}
		return exitInterrupted
	}
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFailOn):
		return exitFailOn
	}
	fmt.Fprintf(stderr, "caascan: %s\n", oneLine(err))
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitUnfinished
}

// oneLine keeps an error on one line, whatever a file name or a library put into
// it.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

func newRoot(io streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "caascan",
		Short: "Which mailboxes would CAA records stop a CA from issuing S/MIME certificates for?",
		Long: `caascan tells, for every mailbox or domain in a list, whether DNS CAA records
(RFC 8659, RFC 9495) permit a CA to issue S/MIME certificates, why, and what to
change.

` + exitStatus,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w (see %s --help)", err, cmd.CommandPath())
	})
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newScan(io), newCheck(io), newVersion(io))
	return root
}

// usageArgs makes what cobra finds wrong with the arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("%w (see %s --help)", err, cmd.CommandPath())
		}
		return nil
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// logFormat is how a message on stderr is written.
type logFormat string

// The log formats.
const (
	textLog logFormat = "text" // a line for people
	jsonLog logFormat = "json" // a line with a JSON object, for programs
)

func logFormats() []logFormat { return []logFormat{textLog, jsonLog} }

const logFormatFlag = "log-format"

func addLogFormat(flags *pflag.FlagSet, format *string) {
	flags.StringVar(format, logFormatFlag, string(textLog), "`text|json`: how messages on standard error are written; json is one object a line")
}

// parseLogFormat reads --log-format.
func parseLogFormat(text string) (logFormat, error) {
	if format := logFormat(text); slices.Contains(logFormats(), format) {
		return format, nil
	}
	return "", notOneOf("--"+logFormatFlag, text, logFormats()...)
}

// givenLogFormat is that of a command line that may be wrong: text, unless json had
// been read before the mistake.
func givenLogFormat(cmd *cobra.Command) logFormat {
	if flag := cmd.Flags().Lookup(logFormatFlag); flag != nil && flag.Value.String() == string(jsonLog) {
		return jsonLog
	}
	return textLog
}

// newLog returns a log of what is at least as grave as level.
func newLog(w io.Writer, format logFormat, level slog.Level) *slog.Logger {
	switch format {
	case textLog:
		l := lines{w: w, level: level}
		if isTerminal(w) {
			l.columns = widthOf(w)
		}
		return slog.New(l)
	case jsonLog:
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	panic("caascan: unknown log format " + string(format))
}

// lines writes messages for people. Attributes are left out: a message says them.
type lines struct {
	w       io.Writer
	level   slog.Level
	columns int  // of the terminal; 0: a message stays one line
	erase   bool // a bar may stand where a detail is written
}

// Enabled reports whether messages of a level are shown.
func (l lines) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// eraseLine goes back to the start of a terminal's line and clears it.
const eraseLine = "\r\x1b[K"

// Handle writes a message as one line.
func (l lines) Handle(_ context.Context, r slog.Record) error {
	start := ""
	if l.erase && r.Level < slog.LevelInfo { // only details are told while a bar is drawn
		start = eraseLine
	}
	text := "caascan: " + r.Message
	if l.columns > 0 && r.Level < slog.LevelError { // what an error says to type may be copied
		text = wrapped("", text, l.columns)
	}
	_, err := fmt.Fprintf(l.w, "%s%s\n", start, text)
	return err
}

// WithAttrs returns l: attributes are left out.
func (l lines) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup returns l: a group has only attributes in it.
func (l lines) WithGroup(string) slog.Handler { return l }

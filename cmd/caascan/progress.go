package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/pflag"

	"caascan/scan/lookup"
)

// consoleOptions say what is said on stderr.
type consoleOptions struct {
	progress  string
	quiet     bool
	verbose   bool
	logFormat string
}

func (o *consoleOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.progress, "progress", "auto", "`auto|always|never`: whether to draw a progress bar; auto draws it on a terminal")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "leave out bar, notes and summary; warnings remain")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "print notes and the summary even if standard error is no terminal, and tell what happens to the resolvers")
	addLogFormat(flags, &o.logFormat)
}

// level is that of the least important message: elsewhere than on a terminal only what
// makes the report weaker than asked for.
func (o *consoleOptions) level(terminal bool) slog.Level {
	switch {
	case o.quiet:
		return slog.LevelWarn
	case o.verbose:
		return slog.LevelDebug
	case terminal:
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// console is what the program says on stderr while it works and when it is done.
type console struct {
	log      *slog.Logger
	w        io.Writer
	terminal bool // somebody is watching
	bar      bool // a progress bar is wanted
	table    bool // the end is told in a table
}

// newConsole decides what to say. On a terminal that is a bar, notes and one
// summary line. The format of the log changes nothing of that, but that there is no
// bar between lines of JSON.
func newConsole(w io.Writer, o consoleOptions) (console, error) {
	format, err := parseLogFormat(o.logFormat)
	switch {
	case err != nil:
		return console{}, err
	case o.quiet && o.verbose:
		return console{}, usagef("--quiet leaves out what --verbose adds: give one of them")
	}
	c := console{w: w, terminal: isTerminal(w)}
	switch o.progress {
	case "auto":
		c.bar = c.terminal && !o.quiet && format == textLog
	case "always":
		c.bar = !o.quiet
	case "never":
	default:
		return console{}, notOneOf("--progress", o.progress, "auto", "always", "never")
	}
	if c.bar && format == jsonLog {
		return console{}, usagef("--progress always would draw a bar between the lines of --%s json: leave one of them out", logFormatFlag)
	}
	c.table = c.terminal && !o.quiet && format == textLog
	level := o.level(c.terminal)
	c.log = newLog(w, format, level)
	if c.bar && c.terminal {
		c.log = slog.New(lines{w: w, level: level, columns: widthOf(w), erase: true})
	}
	return c, nil
}

// warningsOnly is the console of a command whose results say all else.
func warningsOnly(w io.Writer, logFormat string) (console, error) {
	format, err := parseLogFormat(logFormat)
	if err != nil {
		return console{}, err
	}
	return console{w: w, log: newLog(w, format, slog.LevelWarn)}, nil
}

// warn says what makes the report weaker than asked for, whoever is watching.
func (c console) warn(text string) { c.say(slog.LevelWarn, text, nil) }

// note says what somebody who watches may want to know.
func (c console) note(text string, more ...slog.Attr) { c.say(slog.LevelInfo, text, more) }

// detail says how the work goes, in a line above the bar if there is one.
func (c console) detail(text string, more ...slog.Attr) { c.say(slog.LevelDebug, text, more) }

// happened tells what happened to a resolver.
func (c console) happened(e lookup.Event) {
	c.detail(e.String(), slog.String("resolver", e.Server), slog.String("event", string(e.Kind)))
}

// say writes the same text in every format; more is what a program would have to read
// out of it.
func (c console) say(level slog.Level, text string, more []slog.Attr) {
	c.log.LogAttrs(context.Background(), level, flat(text), more...)
}

// drawEvery is how often the bar is drawn: often enough to look alive.
const drawEvery = 100 * time.Millisecond

// leastForBar is how many columns a bar takes with its words.
const leastForBar = 72

// progress is how far the work has come. total may grow; it is 0 if nobody knows it, and
// then what is all that is shown, on a terminal.
type progress struct {
	what        string
	done, total int
	ends        string // if it is known when the work ends, what a terminal shows in place of a bar with a guess
}

// watch draws a bar until ctx ends or the function that it returns is called, which
// erases it. far is called while the work goes on.
func (c console) watch(ctx context.Context, far func() progress) (stop func()) {
	if !c.bar {
		return func() {}
	}
	bar := progressbar.NewOptions(1,
		progressbar.OptionSetWriter(c.w),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionUseANSICodes(c.terminal),
		progressbar.OptionFullWidth(),
	)
	ctx, cancel := context.WithCancel(ctx)
	var drawing sync.WaitGroup
	drawing.Go(func() {
		if !c.drawUntil(ctx, bar, far) {
			return
		}
		_ = bar.Clear() // a bar that cannot be erased harms nobody
		if c.terminal {
			fmt.Fprint(c.w, eraseLine)
		} else {
			fmt.Fprintln(c.w)
		}
	})
	return func() {
		cancel()
		drawing.Wait()
	}
}

// saying shows what is done until the function that it returns is called: work of which
// nobody knows how much there is.
func (c console) saying(ctx context.Context, what string) (stop func()) {
	if !c.terminal { // if nothing could take it away again
		return func() {}
	}
	return c.watch(ctx, func() progress { return progress{what: what} })
}

// drawUntil draws a bar until ctx ends, and reports whether there was something to show.
func (c console) drawUntil(ctx context.Context, bar *progressbar.ProgressBar, far func() progress) (drawn bool) {
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return drawn
		case <-tick.C:
			drawn = c.draw(bar, far()) || drawn
		}
	}
}

// draw reports whether there was something to show.
func (c console) draw(bar *progressbar.ProgressBar, p progress) bool {
	switch {
	case p.ends != "" && c.terminal:
		fmt.Fprint(c.w, eraseLine+fitted(p.ends, widthOf(c.w)-1))
		return true
	case p.total == 0 && p.what != "" && c.terminal:
		fmt.Fprint(c.w, eraseLine+fitted(p.what, widthOf(c.w)-1))
		return true
	case p.total == 0 || p.done >= p.total:
		return false // nothing left: the end is told by stop
	case c.terminal && widthOf(c.w) < leastForBar:
		text := fmt.Sprintf("%s %d%%", p.what, 100*p.done/p.total)
		fmt.Fprint(c.w, eraseLine+fitted(text, widthOf(c.w)-1))
		return true
	}
	bar.Describe(p.what)
	if bar.GetMax() != p.total {
		bar.ChangeMax(p.total)
	}
	_ = bar.Set(p.done) // what cannot be drawn is not missed
	return true
}

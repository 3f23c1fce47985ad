package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// console is what the program says on stderr while it works and when it is done.
type console struct {
	w        io.Writer
	terminal bool // somebody is watching
	bar      bool // a progress bar is wanted
	chatty   bool // notes and the summary line are wanted
	verbose  bool // and how the resolvers do
}

// newConsole decides what to say. On a terminal that is a bar, notes and one
// summary line; elsewhere only what makes the report weaker than asked for.
func newConsole(w io.Writer, o scanOptions) (console, error) {
	c := console{w: w}
	if file, ok := w.(*os.File); ok {
		c.terminal = term.IsTerminal(int(file.Fd()))
	}
	c.chatty = (c.terminal || o.verbose) && !o.quiet
	c.verbose = o.verbose && !o.quiet
	switch o.progress {
	case "auto":
		c.bar = c.terminal && !o.quiet
	case "always":
		c.bar = !o.quiet
	case "never":
	default:
		return console{}, usagef("--progress %q: it is auto, always or never", o.progress)
	}
	return c, nil
}

// warn says what makes the report weaker than asked for, whoever is watching.
func (c console) warn(text string) { fmt.Fprintf(c.w, "caascan: %s\n", flat(text)) }

// note says what somebody who watches may want to know.
func (c console) note(text string) {
	if c.chatty {
		fmt.Fprintf(c.w, "caascan: %s\n", flat(text))
	}
}

// eraseLine goes back to the start of a terminal's line and clears it.
const eraseLine = "\r\x1b[K"

// detail says how the work goes, in a line above the bar where there is one.
func (c console) detail(text string) {
	switch {
	case !c.verbose:
	case c.bar && c.terminal:
		fmt.Fprintf(c.w, eraseLine+"caascan: %s\n", flat(text))
	default:
		fmt.Fprintf(c.w, "caascan: %s\n", flat(text))
	}
}

// drawEvery is how often the bar is drawn: often enough to look alive.
const drawEvery = 100 * time.Millisecond

// watch draws a bar until the function that it returns is called, which erases
// it. done and total are called while the work goes on; total may grow.
func (c console) watch(what string, progress func() (done, total int)) (stop func()) {
	if !c.bar {
		return func() {}
	}
	bar := progressbar.NewOptions(1,
		progressbar.OptionSetWriter(c.w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionUseANSICodes(c.terminal),
		progressbar.OptionFullWidth(),
	)
	ctx, cancel := context.WithCancel(context.Background())
	drawn := false
	var drawing sync.WaitGroup
	drawing.Go(func() {
		for tick := time.NewTicker(drawEvery); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				drawn = draw(bar, progress) || drawn
			}
		}
	})
	return func() {
		cancel()
		drawing.Wait()
		if !drawn {
			return
		}
		_ = bar.Clear() // a bar that cannot be erased harms nobody
		if !c.terminal {
			fmt.Fprintln(c.w)
		}
	}
}

// draw reports whether there was something to show.
func draw(bar *progressbar.ProgressBar, progress func() (done, total int)) bool {
	done, total := progress()
	if total == 0 || done >= total {
		return false // nothing known yet, or nothing left: the end is told by stop
	}
	if bar.GetMax() != total {
		bar.ChangeMax(total)
	}
	_ = bar.Set(done) // what cannot be drawn is not missed
	return true
}

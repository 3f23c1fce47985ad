//go:build servers

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestHelpOnATerminal: a page is as wide as the terminal, has bold text unless NO_COLOR is
// set, and goes through the pager that PAGER names.
func TestHelpOnATerminal(t *testing.T) {
	program := build(t)
	for _, c := range []struct {
		name, command string
		width         int
		env           []string
		bold, paged   bool
	}{
		{"narrow", "help fixes", 80, []string{"PAGER="}, true, false},
		{"wide", "help fixes", 200, []string{"PAGER="}, true, false},
		{"without colours", "help fixes", 80, []string{"PAGER=", "NO_COLOR=1"}, false, false},
		{"with a pager", "help fixes", 80, []string{"PAGER=sed s/^/paged:/"}, true, true},
		{"a pager that is not there", "help fixes", 80, []string{"PAGER=/no/such/pager"}, true, false},
		{"a command", "scan --help", 200, []string{"PAGER=sed s/^/paged:/"}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := fmt.Sprintf("stty cols %d && exec '%s' %s", c.width, program, c.command)
			cmd := exec.CommandContext(t.Context(), find(t, "script"), "-q", "-e", "-c", line, "/dev/null")
			cmd.Env = append(append(os.Environ(), "TERM=xterm", "SHELL=/bin/sh", "NO_COLOR="), c.env...)
			cmd.Stdin = strings.NewReader("")
			shown, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, shown)
			}
			if got := bytes.Contains(shown, []byte("\x1b[1m")); got != c.bold {
				t.Errorf("bold text: %v, want %v\n%q", got, c.bold, shown)
			}
			if got := bytes.HasPrefix(shown, []byte("paged:")); got != c.paged {
				t.Errorf("paged: %v, want %v\n%q", got, c.paged, shown)
			}
			plain := strings.NewReplacer("\x1b[1m", "", "\x1b[22m", "", "\r", "", "paged:", "").Replace(string(shown))
			widest := 0
			for line := range strings.Lines(plain) {
				if !strings.Contains(line, "caascan scan ") { // code is never broken
					widest = max(widest, utf8.RuneCountInString(line)-1)
				}
			}
			if widest > c.width || c.width > 100 && widest <= 80 {
				t.Errorf("the widest of its lines has %d columns of %d", widest, c.width)
			}
		})
	}
}

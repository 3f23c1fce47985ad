package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhatIsSaid: elsewhere than on a terminal warnings alone, unless more is asked for; the
// format does not change that, nor the text, which acts on no terminal.
func TestWhatIsSaid(t *testing.T) {
	const weaker = `resolver \x1b[31m\u202e is left out; or so`
	for _, test := range []struct {
		options consoleOptions
		want    []string
	}{
		{consoleOptions{}, []string{"WARN " + weaker}},
		{consoleOptions{quiet: true}, []string{"WARN " + weaker}},
		{consoleOptions{verbose: true}, []string{"WARN " + weaker, "INFO a note", "DEBUG a detail"}},
	} {
		test.options.progress = "auto"
		said := map[logFormat]string{}
		for _, format := range logFormats() {
			var stderr bytes.Buffer
			test.options.logFormat = string(format)
			c, err := newConsole(&stderr, test.options)
			if err != nil {
				t.Fatal(err)
			}
			c.say(slog.LevelWarn, "resolver \x1b[31m\u202e is left out\nor so", []slog.Attr{slog.String("resolver", "192.0.2.1")})
			c.note("a note")
			c.detail("a detail")
			said[format] = stderr.String()
		}
		var text string
		for _, line := range test.want {
			_, message, _ := strings.Cut(line, " ")
			text += "caascan: " + message + "\n"
		}
		if diff := cmp.Diff(text, said[textLog]); diff != "" {
			t.Errorf("%+v: text mismatch (-want +got)\n%s", test.options, diff)
		}
		if diff := cmp.Diff(test.want, levelsAndMessages(t, said[jsonLog])); diff != "" {
			t.Errorf("%+v: JSON mismatch (-want +got)\n%s", test.options, diff)
		}
	}
}

func levelsAndMessages(t *testing.T, log string) (all []string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var said struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, said.Level+" "+said.Msg)
	}
	return all
}

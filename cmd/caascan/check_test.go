package main

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"caascan/scan/lookup"
)

// TestAWaitIsToldWithinASecond: of a name that does not answer, as soon as that shows, once,
// with the end of the wait; of one that answers nothing.
func TestAWaitIsToldWithinASecond(t *testing.T) {
	for _, test := range []struct {
		name           string
		silent, answer time.Duration // after which the name is known to be silent, and answers
		want           string
	}{
		{"dead from the start", 100 * time.Millisecond, 25 * time.Second, "for at most 24 s"},
		{"dead a little later", 850 * time.Millisecond, 25 * time.Second, "for at most 24 s"},
		{"answers soon", 100 * time.Millisecond, 600 * time.Millisecond, ""},
		{"answers late and is not silent", time.Hour, 25 * time.Second, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var stderr bytes.Buffer
				said, start := console{log: newLog(&stderr, textLog, slog.LevelWarn)}, time.Now()
				stats := func() lookup.Stats {
					if time.Since(start) < test.silent {
						return lookup.Stats{Asking: 1}
					}
					return lookup.Stats{Silent: 1, Until: start.Add(20 * time.Second)}
				}
				stop := sayIfItWaits(stats, 5*time.Second, said)
				time.Sleep(min(time.Second, test.answer))
				stop()
				if got := stderr.String(); (got == "") != (test.want == "") || !strings.Contains(got, test.want) || strings.Count(got, "\n") > 1 {
					t.Errorf("after a second: %q, want %q", got, test.want)
				}
			})
		})
	}
}

// TestCheckSaysWhomItWaitsFor while a resolver does not answer the probe, before that is given up.
func TestCheckSaysWhomItWaitsFor(t *testing.T) {
	mute, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	addr := mute.LocalAddr().String()
	got := runWith(t.Context(), "", "check", "plain.example", "--issuer", "ca.example", "--resolver", addr, "--timeout", "2s", "--attempts", "1")
	first, rest, _ := strings.Cut(got.stderr, "\n")
	if want := "caascan: still waiting for an answer from " + addr; first != want || !strings.Contains(rest, "no usable resolver") || got.code != exitUnfinished {
		t.Errorf("exit %d, %q, want first %q, then that nobody answers", got.code, got.stderr, want)
	}
	for _, o := range []sourceOptions{{zones: []string{demoZone}}, {snapshots: []string{"a.jsonl"}}} {
		if words := o.awaited(); words != "" {
			t.Errorf("%+v: %q, want nothing: nobody is asked", o, words)
		}
	}
}

// TestCheckExitsByItsVerdict: by default a verdict is no trouble.
func TestCheckExitsByItsVerdict(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want int
	}{
		{"denied", []string{"other.example"}, exitDone},
		{"denied and asked for", []string{"other.example", "--fail-on", "denied"}, exitFailOn},
		{"the same for programs", []string{"other.example", "--fail-on", "denied", "--json"}, exitFailOn},
		{"one CA of two", []string{"other.example", "--issuer", "other-ca.example", "--fail-on", "denied"}, exitFailOn},
		{"denied and not asked for", []string{"other.example", "--fail-on", "lookup-failed"}, exitDone},
		{"failed", []string{"nowhere.invalid", "--fail-on", "denied,lookup-failed"}, exitFailOn},
		{"permitted", []string{"listed.example", "--fail-on", "denied,lookup-failed"}, exitDone},
	} {
		args := append([]string{"check", "--zone", demoZone, "--issuer", "ca.example"}, test.args...)
		if got := runWith(t.Context(), "", args...); got.code != test.want || got.stderr != "" || got.stdout == "" {
			t.Errorf("%s: exit %d, stderr %q, want %d and nothing", test.name, got.code, got.stderr, test.want)
		}
	}
}

//go:build servers

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bashAsked is what bash does where somebody types these words and a tab. compopt changes
// how a real line is edited, and there is none.
func bashAsked(words []string) string {
	return fmt.Sprintf(`source /usr/share/bash-completion/bash_completion; source caascan.bash; compopt() { :; }
COMP_WORDS=(caascan '%s'); COMP_CWORD=%d; COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
__start_caascan; for reply in "${COMPREPLY[@]}"; do eval "echo $reply"; done`, strings.Join(words, "' '"), len(words))
}

func fishAsked(words []string) string {
	return fmt.Sprintf(`source caascan.fish; complete -C 'caascan %s'`, strings.Join(words, " "))
}

// TestShellsTakeTheirCompletions: each shell reads its script, and those that can be
// asked without a terminal complete with it.
func TestShellsTakeTheirCompletions(t *testing.T) {
	program, dir := build(t), t.TempDir()
	run := func(s shell, args ...string) string {
		cmd := exec.Command(find(t, string(s)), args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s %q: %v", s, args, err)
		}
		return string(said)
	}
	for _, s := range []shell{bash, zsh, fish} {
		got := runProgram(t, program, "", "completion", string(s))
		if got.code != exitDone || got.stderr != "" {
			t.Fatalf("completion %s: %+v", s, got)
		}
		script := writeText(t, filepath.Join(dir, "caascan."+string(s)), got.stdout)
		if said := run(s, "-n", script); said != "" {
			t.Errorf("%s -n says %q", s, said)
		}
	}
	for s, asked := range map[shell]func([]string) string{bash: bashAsked, fish: fishAsked} {
		for line, want := range map[string]string{
			"scan --progress ":     "always auto never",
			"scan --only denied,l": "denied,lookup-failed",
			"check --log-format j": "json",
			"completion z":         "zsh",
			"scan --rate ":         "",
		} {
			got := strings.Fields(run(s, "-c", asked(strings.Split(line, " "))))
			slices.Sort(got)
			if got := strings.Join(got, " "); got != want {
				t.Errorf("%s completes %q to %q, want %q", s, line, got, want)
			}
		}
	}
}

package help

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestEachTopicHasASummary, which is all that makes a file a topic.
func TestEachTopicHasASummary(t *testing.T) {
	all := Topics()
	if len(all) < 15 {
		t.Fatalf("%d topics", len(all))
	}
	for _, topic := range all {
		if !strings.HasPrefix(topic.Text, "# ") || topic.Summary == "" {
			t.Errorf("%s.md: its first line is not %q", topic.Name, "# Title: summary")
		}
		if found, ok := Find(topic.Name); !ok || found != topic {
			t.Errorf("%s is not found", topic.Name)
		}
	}
}

// TestEachTopicFits: on a terminal of any width a line is longer only if it is code, or
// one word, and nothing of Markdown is left.
func TestEachTopicFits(t *testing.T) {
	noise := regexp.MustCompile("\\*\\*|\\]\\(|<!--|\\|--|^#+ |`")
	for _, topic := range Topics() {
		blocks, err := Parse(topic.Text)
		if err != nil {
			t.Errorf("%s.md: %v", topic.Name, err)
			continue
		}
		for _, width := range []int{40, 80, 200} {
			for line := range strings.Lines(Layout{Width: width}.Page(blocks)) {
				line = strings.TrimRight(line, "\n")
				isCode := strings.HasPrefix(line, strings.Repeat(" ", margin+codeIn))
				if noise.MatchString(line) && !isCode {
					t.Errorf("%s.md: Markdown is left: %q", topic.Name, line)
				}
				if utf8.RuneCountInString(line) > width && !isCode && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%s.md at %d columns: %q", topic.Name, width, line)
				}
			}
		}
	}
}

// TestEveryLinkOfTheManualLeadsSomewhere: to a file that is there, or to an address.
func TestEveryLinkOfTheManualLeadsSomewhere(t *testing.T) {
	links := regexp.MustCompile(`\]\(([^)#]*)`)
	files := []string{"../../../README.md"}
	for _, topic := range Topics() {
		files = append(files, topic.Name+".md")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range links.FindAllStringSubmatch(string(text), -1) {
			to := found[1]
			if strings.HasPrefix(to, "https://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), filepath.FromSlash(to))); err != nil {
				t.Errorf("%s links to %s, which is not there", file, to)
			}
		}
	}
}

// TestLayout shows each form once.
func TestLayout(t *testing.T) {
	const page = "# Things: a summary\n\nSome **strong** words, `code that stays` and a [topic](other.md) or\n" +
		"[address](https://ca.example/).\n\n<!-- table -->\n| name | meaning |\n|---|---|\n| `a\\|b` | short |\n<!-- /table -->\n\n" +
		"1. First\n   line.\n2. Second:\n\n       do  it\n\n3. Third.\n\n```sh\nrun   it\n```\n\n## Part\n\n| status | reason | what it means | what to do |\n|---|---|---|---|\n" +
		"| denied | `x` | A sentence that is too long for a column. | Another sentence that is too long for one. |\n"
	const want = `Things: a summary

  Some strong words, code that stays and a
  topic (caascan help other) or address
  (https://ca.example/).

  name  meaning
  a|b   short

  1. First line.
  2. Second:

         do  it

  3. Third.

      run   it

Part

  denied x
      A sentence that is too long for a
      column.
      What to do: Another sentence that is too
      long for one.
`
	blocks, err := Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	if got := (Layout{Width: 46}).Page(blocks); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	styled := Layout{Width: 46, Styled: true}.Page(blocks)
	if !strings.Contains(styled, boldOn+"strong"+boldOff) || strings.NewReplacer(boldOn, "", boldOff, "").Replace(styled) != want {
		t.Errorf("bold text changes more than the letters:\n%q", styled)
	}
}

// TestParseRefusesWhatCannotBeShown, so that a page never loses something on its way to
// the terminal.
func TestParseRefusesWhatCannotBeShown(t *testing.T) {
	for _, page := range []string{"> quoted\n", "---\n", "![picture](a.png)\n", "a <b>c</b>\n", "<div>\na\n</div>\n", "- > quoted in a list\n", "| a |\n|---|\n| ![p](a.png) |\n"} {
		if _, err := Parse(page); err == nil {
			t.Errorf("%q is taken", page)
		}
	}
}

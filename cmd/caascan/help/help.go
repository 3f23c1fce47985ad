// Package help is the manual of caascan: a page of Markdown for each topic, which reads
// well on a web site for code too, laid out for a terminal (Layout) or as a man page
// (Roff). A topic is one file in this folder, NAME.md, and nothing else: its first line
// is "# Title: summary".
//
// A page may use headings, paragraphs, lists, code, tables, links, code spans and strong
// text; Parse refuses what cannot be shown.
package help

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.md
var pages embed.FS

// Topic is a page of the manual.
type Topic struct {
	Name    string // as in caascan help NAME
	Title   string
	Summary string
	Text    string // Markdown
}

// Topics returns all pages, sorted by name.
func Topics() []Topic {
	files, err := fs.Glob(pages, "*.md")
	if err != nil {
		panic("help: " + err.Error()) // the pattern is ours
	}
	all := make([]Topic, 0, len(files))
	for _, file := range files {
		text, err := pages.ReadFile(file)
		if err != nil {
			panic("help: " + err.Error()) // the file is part of the program
		}
		heading, _, _ := strings.Cut(string(text), "\n")
		title, summary, _ := strings.Cut(strings.TrimPrefix(heading, "# "), ": ")
		all = append(all, Topic{strings.TrimSuffix(file, ".md"), title, summary, string(text)})
	}
	return all
}

// Find returns the topic of this name.
func Find(name string) (Topic, bool) {
	for _, t := range Topics() {
		if t.Name == name {
			return t, true
		}
	}
	return Topic{}, false
}

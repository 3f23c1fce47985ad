package help

import (
	"fmt"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// kind is the form of a block.
type kind int

const (
	heading kind = iota
	paragraph
	code
	bullets
	numbers
	grid
)

// Block is a part of a page that stands on lines of its own.
type Block struct {
	kind  kind
	level int        // of a heading, from 1
	words []span     // of a heading or paragraph
	lines []string   // of code
	items [][]Block  // of a list
	rows  [][][]span // of a table, its head first
}

// span is text of one kind.
type span struct {
	text   string
	strong bool
	code   bool
}

// Parse reads a page. What a layout could not show is an error.
func Parse(markdown string) ([]Block, error) {
	source := []byte(markdown)
	parser := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser()
	return reader{source}.blocks(parser.Parse(text.NewReader(source)))
}

// reader makes blocks of the tree that was parsed from its source.
type reader struct{ source []byte }

func (r reader) blocks(parent ast.Node) (all []Block, err error) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if html, ok := n.(*ast.HTMLBlock); ok && html.HTMLBlockType == ast.HTMLBlockType2 {
			continue // a comment, as before a table that is made from the code
		}
		b, err := r.block(n)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

func (r reader) block(n ast.Node) (b Block, err error) {
	switch n := n.(type) {
	case *ast.Heading:
		b = Block{kind: heading, level: n.Level}
		b.words, err = r.spans(n)
	case *ast.Paragraph, *ast.TextBlock:
		b.kind = paragraph
		b.words, err = r.spans(n)
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		b.kind = code
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			b.lines = append(b.lines, strings.TrimRight(string(line.Value(r.source)), "\n"))
		}
	case *ast.List:
		return r.list(n)
	case *table.Table:
		return r.table(n)
	default:
		err = fmt.Errorf("help: cannot show a %s", n.Kind())
	}
	return b, err
}

func (r reader) list(n *ast.List) (Block, error) {
	b := Block{kind: bullets}
	if n.IsOrdered() {
		b.kind = numbers
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		blocks, err := r.blocks(item)
		if err != nil {
			return Block{}, err
		}
		b.items = append(b.items, blocks)
	}
	return b, nil
}

func (r reader) table(n *table.Table) (Block, error) {
	b := Block{kind: grid}
	for line := n.FirstChild(); line != nil; line = line.NextSibling() {
		var row [][]span
		for cell := line.FirstChild(); cell != nil; cell = cell.NextSibling() {
			words, err := r.spans(cell)
			if err != nil {
				return Block{}, err
			}
			if len(b.rows) == 0 {
				words = strong(words)
			}
			row = append(row, words)
		}
		b.rows = append(b.rows, row)
	}
	return b, nil
}

// spans returns the text of a node's children.
func (r reader) spans(parent ast.Node) (all []span, err error) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		spans, err := r.inline(n)
		if err != nil {
			return nil, err
		}
		all = append(all, spans...)
	}
	return all, nil
}

func (r reader) inline(n ast.Node) ([]span, error) {
	switch n := n.(type) {
	case *ast.Text:
		value := string(util.ResolveEntityNames(util.UnescapePunctuations(n.Value(r.source))))
		if n.SoftLineBreak() || n.HardLineBreak() {
			value += " "
		}
		return []span{{text: value}}, nil
	case *ast.CodeSpan:
		var b strings.Builder
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			b.Write(c.(*ast.Text).Value(r.source)) // nothing else stands in one
		}
		return []span{{text: strings.ReplaceAll(b.String(), "\n", " "), code: true}}, nil
	case *ast.Emphasis:
		const strong = 2
		spans, err := r.spans(n)
		for i := range spans {
			spans[i].strong = n.Level == strong
		}
		return spans, err
	case *ast.Link:
		spans, err := r.spans(n)
		return append(spans, target(string(n.Destination), spans)...), err
	}
	return nil, fmt.Errorf("help: cannot show a %s", n.Kind())
}

// target says where a link leads, for a reader who cannot follow it with a click: to another
// topic, a file of the source, or an address.
func target(to string, from []span) []span {
	said := ""
	for _, s := range from {
		said += s.text
	}
	switch name, isTopic := strings.CutSuffix(to, ".md"); {
	case to == said:
		return nil
	case strings.Contains(to, "://"):
		return []span{{text: " (" + to + ")"}}
	case isTopic && !strings.Contains(name, "/"):
		return []span{{text: " ("}, {text: "caascan help " + name, code: true}, {text: ")"}}
	case strings.HasPrefix(to, "../nightly/"):
		return nil // the text around says how to get it
	}
	return []span{{text: " (" + strings.TrimPrefix(path.Clean("/cmd/caascan/help/"+to), "/") + ")"}}
}

package help

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Layout says how a page is laid out for a terminal.
type Layout struct {
	Width  int  // columns
	Styled bool // with bold text
}

// The places of text on a line.
const (
	margin    = 2  // of all but headings
	codeIn    = 4  // of code, from the margin
	gap       = 2  // between columns
	mostProse = 96 // columns of a paragraph: longer lines are hard to follow
	leastWide = 26 // columns of a cell with a sentence; with less the table is a list
	longCell  = 30 // a cell with more holds a sentence
)

// Page lays out a page.
func (l Layout) Page(blocks []Block) string {
	var b strings.Builder
	for i, block := range blocks {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, line := range l.block(block, l.Width-margin) {
			if line != "" && block.kind != heading {
				line = strings.Repeat(" ", margin) + line
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return b.String()
}

// block returns the lines of a block that has so many columns.
func (l Layout) block(b Block, width int) []string {
	switch b.kind {
	case heading:
		return l.wrap(strong(b.words), width)
	case paragraph:
		return l.wrap(b.words, min(width, mostProse))
	case code:
		return indented(strings.Repeat(" ", codeIn), strings.Repeat(" ", codeIn), b.lines)
	case bullets, numbers:
		return l.list(b, width)
	case grid:
		return l.table(b.rows, width)
	}
	panic("help: unknown kind of block")
}

func (l Layout) list(b Block, width int) (lines []string) {
	for i, item := range b.items {
		if i > 0 && len(b.items[i-1]) > 1 {
			lines = append(lines, "")
		}
		mark := "- "
		if b.kind == numbers {
			mark = fmt.Sprintf("%d. ", i+1)
		}
		for j, block := range item {
			if j > 0 {
				lines, mark = append(lines, ""), strings.Repeat(" ", len(mark))
			}
			lines = append(lines, indented(mark, strings.Repeat(" ", len(mark)), l.block(block, width-len(mark)))...)
		}
	}
	return lines
}

// indented puts first before the first line and rest before the others.
func indented(first, rest string, lines []string) []string {
	all := make([]string, 0, len(lines))
	for i, line := range lines {
		if i > 0 {
			first = rest
		}
		all = append(all, first+line)
	}
	return all
}

// unbroken is a space at which a line is not broken: those of a short piece of code.
const unbroken = "\u00a0"

// Bold text begins and ends so on a terminal (ECMA-48, section 8.3.117).
const (
	boldOn  = "\x1b[1m"
	boldOff = "\x1b[22m"
)

// wrap breaks text into lines of at most so many columns, but for words that are longer.
func (l Layout) wrap(words []span, width int) (lines []string) {
	line, used := "", 0
	for _, word := range l.words(words) {
		n := columns(word)
		if used > 0 && used+1+n > width {
			lines, line, used = append(lines, line), "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	lines = append(lines, line)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], unbroken, " ")
	}
	return lines
}

// words returns text in the parts between which a line may be broken, each with its style.
func (l Layout) words(spans []span) []string {
	var b strings.Builder
	for _, s := range spans {
		text := s.text
		if s.code && len(text) < longCell {
			text = strings.ReplaceAll(text, " ", unbroken)
		}
		for i, word := range strings.Split(text, " ") {
			if i > 0 {
				b.WriteString(" ")
			}
			if l.Styled && (s.strong || s.code) && word != "" {
				word = boldOn + word + boldOff
			}
			b.WriteString(word)
		}
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' })
}

// columns is how wide a text is on a terminal.
func columns(text string) int {
	return utf8.RuneCountInString(strings.NewReplacer(boldOn, "", boldOff, "").Replace(text))
}

// table lays out rows in columns. If there is no room for more than one column of
// sentences, each row is a paragraph.
func (l Layout) table(rows [][][]span, width int) (lines []string) {
	natural := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			natural[i] = max(natural[i], columns(plain(cell)))
		}
	}
	widths, ok := fit(natural, width)
	if !ok {
		return l.paragraphs(rows, natural, width)
	}
	for _, row := range rows {
		lines = append(lines, l.row(row, widths)...)
	}
	return lines
}

// fit gives columns with sentences equal parts of what the others leave. It reports
// whether each has got enough.
func fit(natural []int, width int) ([]int, bool) {
	left, long := width-gap*(len(natural)-1), 0
	for _, n := range natural {
		if n > longCell {
			long++
		} else {
			left -= n
		}
	}
	widths := make([]int, len(natural))
	for i, n := range natural {
		if widths[i] = n; n > longCell {
			widths[i] = min(n, left/long, mostProse)
		}
	}
	return widths, long == 0 && left >= 0 || long > 0 && left/long >= leastWide
}

func (l Layout) row(row [][]span, widths []int) (lines []string) {
	for i, cell := range row {
		at := gap * i
		for _, w := range widths[:i] {
			at += w
		}
		for j, text := range l.wrap(cell, widths[i]) {
			if j == len(lines) {
				lines = append(lines, "")
			}
			if text != "" {
				lines[j] += strings.Repeat(" ", at-columns(lines[j])) + text
			}
		}
	}
	return lines
}

// paragraphs lays out each row as a line of its short cells and a paragraph for each cell
// with a sentence, after the head of its column if there are several.
func (l Layout) paragraphs(rows [][][]span, natural []int, width int) (lines []string) {
	const in = "    "
	for _, row := range rows[1:] {
		var short []span
		var long []string
		for i, cell := range row {
			switch {
			case plain(cell) == "":
			case natural[i] <= longCell:
				short = append(append(short, cell...), span{text: " "})
			default:
				if len(long) > 0 {
					head := plain(rows[0][i])
					cell = append([]span{{text: strings.ToUpper(head[:1]) + head[1:] + ": "}}, cell...)
				}
				long = append(long, indented(in, in, l.wrap(cell, min(width-len(in), mostProse)))...)
			}
		}
		lines = append(append(lines, l.wrap(strong(short), width)...), long...)
	}
	return lines
}

func strong(spans []span) []span {
	all := slices.Clone(spans)
	for i := range all {
		all[i].strong = true
	}
	return all
}

func plain(spans []span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.text)
	}
	return b.String()
}

// Term is a word and what it means.
type Term struct{ Word, Meaning string }

// Terms lays out words beside what they mean, which begins after the widest word, or as if
// one had the given columns. A word that is longer than most has a line of its own.
func (l Layout) Terms(terms []Term, in int) (lines []string) {
	const longest = 26
	for _, t := range terms {
		if n := columns(t.Word); n <= longest {
			in = max(in, n)
		}
	}
	rest := strings.Repeat(" ", margin+in+gap)
	for _, t := range terms {
		first := strings.Repeat(" ", margin) + t.Word + strings.Repeat(" ", gap+max(0, in-columns(t.Word)))
		if columns(t.Word) > in {
			lines, first = append(lines, first), rest
		}
		lines = append(lines, indented(first, rest, l.wrap([]span{{text: t.Meaning}}, min(l.Width-len(rest), mostProse)))...)
	}
	return lines
}

// Text lays out plain paragraphs, with empty lines between them. Lines that begin with
// spaces stay as they are.
func (l Layout) Text(text string) (lines []string) {
	for i, part := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			lines = append(lines, "")
		}
		if strings.HasPrefix(part, " ") {
			lines = append(lines, strings.Split(part, "\n")...)
			continue
		}
		lines = append(lines, l.wrap([]span{{text: strings.ReplaceAll(part, "\n", " ")}}, min(l.Width, mostProse))...)
	}
	return lines
}

// Strong is a text as the layout emphasises it.
func (l Layout) Strong(text string) string {
	return strings.Join(l.words([]span{{text: text, strong: true}}), " ")
}

package help

import (
	"fmt"
	"strings"
)

// Roff lays out blocks for man(1), in the macros of man(7). Headings of the first level
// are sections.
func Roff(blocks []Block) string {
	var b strings.Builder
	afterHeading := true // where a paragraph needs no mark
	for _, block := range blocks {
		if block.kind == paragraph && !afterHeading {
			b.WriteString(".PP\n")
		}
		writeRoff(&b, block)
		afterHeading = block.kind == heading
	}
	return b.String()
}

func writeRoff(b *strings.Builder, block Block) {
	switch block.kind {
	case heading:
		macro := ".SH"
		if block.level > 1 {
			macro = ".SS"
		}
		fmt.Fprintf(b, "%s %s\n", macro, roffText(plain(block.words)))
	case paragraph:
		b.WriteString(roffSpans(block.words) + "\n")
	case code:
		b.WriteString(".RS 4\n.nf\n")
		for _, line := range block.lines {
			b.WriteString(roffLine(roffText(line)) + "\n")
		}
		b.WriteString(".fi\n.RE\n")
	case bullets, numbers:
		for i, item := range block.items {
			mark := `\(bu`
			if block.kind == numbers {
				mark = fmt.Sprintf("%d.", i+1)
			}
			fmt.Fprintf(b, ".IP %s 3\n", mark)
			for j, part := range item {
				if j > 0 && part.kind == paragraph {
					b.WriteString(".IP \"\" 3\n")
				}
				writeRoff(b, part)
			}
		}
	case grid:
		for _, row := range block.rows[1:] {
			writeRoffRow(b, block.rows[0], row)
		}
	}
}

// writeRoffRow writes the first cell of a row as a term, and the others after the heads of
// their columns; there is no such head if there are two columns.
func writeRoffRow(b *strings.Builder, head, row [][]span) {
	fmt.Fprintf(b, ".TP\n%s\n", roffSpans(strong(row[0])))
	var rest []string
	for i, cell := range row[1:] {
		switch text := roffSpans(cell); {
		case text == "":
		case len(row) > 2:
			rest = append(rest, roffText(plain(head[i+1]))+": "+text)
		default:
			rest = append(rest, text)
		}
	}
	b.WriteString(roffLine(strings.Join(rest, "\n.br\n")) + "\n")
}

// RoffTerms lays out words beside what they mean.
func RoffTerms(terms []Term) string {
	var b strings.Builder
	for _, t := range terms {
		fmt.Fprintf(&b, ".TP\n%s\n%s\n", roffSpans([]span{{text: strings.TrimSpace(t.Word), strong: true}}), roffLine(roffText(t.Meaning)))
	}
	return b.String()
}

func roffSpans(spans []span) string {
	var b strings.Builder
	for _, s := range spans {
		text := roffText(s.text)
		if s.strong || s.code {
			text = `\fB` + text + `\fR`
		}
		b.WriteString(text)
	}
	return roffLine(strings.TrimSpace(b.String()))
}

// RoffText escapes what roff would read as its own, keeps - and the like as they are typed
// (groff_char(7)), and makes an empty line the end of a paragraph.
func RoffText(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if lines[i] = roffLine(roffText(line)); line == "" {
			lines[i] = ".PP"
		}
	}
	return strings.Join(lines, "\n")
}

func roffText(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, "…", "...").Replace(text)
}

// roffLine keeps a line of text from being a request.
func roffLine(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

package report

import (
	"fmt"
	"strconv"
	"strings"

	"caascan/scan"
)

// Joined lists labels as people do: a, b and c. There is at least one.
func Joined(labels []string) string {
	last := len(labels) - 1
	if last == 0 {
		return labels[0]
	}
	return strings.Join(labels[:last], ", ") + " and " + labels[last]
}

// Shorten leaves out the middle of a text that is longer than so many characters.
func Shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	const gap = " … "
	half := (most - len([]rune(gap))) / 2
	return string(runes[:half]) + gap + string(runes[len(runes)-half:])
}

// ForLabel is what the name of a CA's column ends in, if there are several CAs.
func ForLabel(label string, labels []string) string {
	if len(labels) == 1 {
		return ""
	}
	return " for " + label
}

// WarningText is a list of warnings as a cell has it.
func WarningText(list []scan.Warning) string {
	codes := make([]string, len(list))
	for i, w := range list {
		codes[i] = string(w)
	}
	return strings.Join(codes, " ")
}

// Alike reports whether two names differ only in case and in spaces around them.
func Alike(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

// manyNames is how many columns of the input, and of our own, a message lists.
const manyNames = 30

// QuoteNames makes foreign names fit for a message, which lists only so many.
func QuoteNames(names []string) []string {
	var quoted []string
	for _, name := range names[:min(len(names), manyNames)] {
		quoted = append(quoted, QuoteName(name))
	}
	if more := len(names) - manyNames; more > 0 {
		quoted = append(quoted, fmt.Sprintf("%d more", more))
	}
	return quoted
}

// QuoteName makes foreign text fit for a message.
func QuoteName(name string) string {
	const longest = 40
	if runes := []rune(name); len(runes) > longest {
		name = string(runes[:longest]) + "…"
	}
	return strconv.Quote(name)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

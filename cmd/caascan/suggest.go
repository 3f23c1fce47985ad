package main

import "strings"

// longestWord is how many letters a word may have for which a near one is looked for:
// no flag, command or value of ours has more.
const longestWord = 40

// closest returns the word that somebody may have meant who typed another: the one with
// the smallest distance, the first of equals, and "" if none is near.
func closest(typed string, words []string) string {
	typed = strings.ToLower(typed)
	if typed == "" || len(typed) > longestWord {
		return ""
	}
	near, least := "", max(1, len(typed)/3)+1 // a third of the letters may be wrong
	for _, word := range words {
		lower := strings.ToLower(word)
		d := distance(typed, lower)
		if len(typed) > 2 && strings.HasPrefix(lower, typed) {
			d = min(d, 1) // the end is missing
		}
		if d < least {
			near, least = word, d
		}
	}
	return near
}

// distance is how many letters have to be put in, taken out, replaced, or exchanged with
// the next one, to make b of a.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	var before, above []int // two rows of the table, and one row
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		before, above, row = above, row, make([]int, len(to)+1)
		row[0] = i + 1
		for j := range to {
			replaced := above[j]
			if from[i] != to[j] {
				replaced++
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, replaced)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(to)]
}

// didYouMean asks for the word that is near to what was typed, if one is, and says rest.
func didYouMean(typed string, words []string, rest string) string {
	if near := closest(typed, words); near != "" {
		return "did you mean " + near + "? " + strings.ToUpper(rest[:1]) + rest[1:]
	}
	return rest
}

// notOneOf says that a flag has been given a word that it does not know.
func notOneOf[W ~string](flag, typed string, allowed ...W) error {
	return usagef("%s %q: %s", flag, bounded(typed), didYouMean(strings.TrimSpace(typed), texts(allowed), "use "+orWords(allowed)))
}

// bounded is so much of a text that a message stays one that can be read.
func bounded(text string) string {
	const longest = 60
	if letters := []rune(text); len(letters) > longest {
		return string(letters[:longest]) + "…"
	}
	return text
}

package domain

import (
	"strings"
	"unicode"
)

// Unicode returns the name in U-labels for people to read, and whether that says more than
// the A-labels: it does not if there is no A-label, if a label does not come back as the
// same A-label (RFC 5891, section 5.4), or if one has letters of several scripts that no
// language mixes, as a name made to deceive may have. It is to stand beside the A-labels and
// never in their place, because a word of one script may still look like one of another.
func (n Name) Unicode() (string, bool) {
	if !strings.Contains(n.text, acePrefix) {
		return "", false
	}
	labels := strings.Split(n.text, ".")
	for i, label := range labels {
		if !strings.HasPrefix(label, acePrefix) {
			continue
		}
		readable, err := profile.ToUnicode(label)
		if err != nil || !isPlainScript(readable) {
			return "", false
		}
		labels[i] = readable
	}
	text := strings.Join(labels, ".")
	if back, err := Parse(text); err != nil || back != n {
		return "", false
	}
	return text, text != n.text
}

// Unicode returns the name in U-labels, as Name.Unicode does; an owner that is no such name
// has none.
func (o Owner) Unicode() (string, bool) {
	if !strings.Contains(string(o), acePrefix) {
		return "", false
	}
	name, err := Parse(string(o))
	if err != nil || name.String() != string(o) {
		return "", false
	}
	return name.Unicode()
}

// isPlainScript holds for a label whose characters can all be seen and are of one script, or
// of scripts that Chinese, Japanese or Korean mix (UTS 39, section 5.2: highly restrictive).
func isPlainScript(label string) bool {
	scripts := make(map[string]bool)
	for _, r := range label {
		if !unicode.IsPrint(r) {
			return false
		}
		if script := scriptOf(r); script != "Common" && script != "Inherited" {
			scripts[script] = true
		}
	}
	if len(scripts) < 2 {
		return true
	}
	delete(scripts, "Latin")
	delete(scripts, "Han")
	switch len(scripts) {
	case 0:
		return true
	case 1:
		return scripts["Hiragana"] || scripts["Katakana"] || scripts["Hangul"] || scripts["Bopomofo"]
	}
	return len(scripts) == 2 && scripts["Hiragana"] && scripts["Katakana"]
}

func scriptOf(r rune) string {
	for _, name := range [...]string{"Latin", "Common", "Cyrillic", "Han", "Arabic", "Greek"} { // nearly all there are
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}

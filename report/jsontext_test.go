package report

import (
	"strings"
	"testing"
)

func TestUniqueNames(t *testing.T) {
	tests := []struct{ header, want string }{
		{"a,b,c", "a,b,c"},
		{"a,b,a,a", "a,b,a#2,a#3"},
		{"a,a,a#2,a", "a,a#3,a#2,a#4"},
		{",,", ",#2,#3"},
	}
	for _, test := range tests {
		if got := strings.Join(UniqueNames(strings.Split(test.header, ",")), ","); got != test.want {
			t.Errorf("uniqueNames(%s) = %s, want %s", test.header, got, test.want)
		}
	}
}

func TestJSONText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "a b, c", `"a b, c"`},
		{"what JSON must escape", "\"\\\t\r\n", `"\"\\\t\r\n"`},
		{"no HTML escapes", "<a href='x'>&amp;</a>", `"<a href='x'>&amp;</a>"`},
		{"controls as in a cell", "a\x00\x1b[31m\u202e\u0085\x7f", `"a\\x00\\x1b[31m\\u{202e}\\u{0085}\\x7f"`},
		{"octets that are no UTF-8 as in a cell", "M\xfcller \xe2\x80", `"M\\xfcller \\xe2\\x80"`},
		{"a typed escape as in a cell", `C:\x41`, `"C:\\x5cx41"`},
		{"no apostrophe before a formula", "=1+1", `"=1+1"`},
		{"separators of lines and paragraphs", "a\u2028b\u2029", `"a\u2028b\u2029"`},
		{"letters and pictures", "é漢😀\u200d", `"é漢😀` + "\u200d\""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(appendJSONCell(nil, test.text)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

package domain_test

import (
	"strings"
	"testing"

	"caascan/scan/domain"
)

// TestUnicode: what people read beside the A-labels. Each A-label is that of the text that
// the comment has.
func TestUnicode(t *testing.T) {
	for name, want := range map[string]string{
		"bücher.example":          "bücher.example",
		"mail.straße.example":     "mail.straße.example",
		"日本語テスト.example":          "日本語テスト.example",
		"example.com":             "",
		"xn--zzzzzz99.example":    "",              // no A-label
		"pаypal.example":          "",              // a Cyrillic а among Latin letters
		"аррӏе.example":           "аррӏе.example", // all Cyrillic: it stands beside its A-label
		"xn--bcher-kva.xn--a.com": "",              // one label of them is none
	} {
		n, err := domain.Parse(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, ok := n.Unicode(); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", n, got, ok, want)
		}
	}
}

// FuzzUnicode: what is shown is the same name, and holds nothing that cannot be seen.
func FuzzUnicode(f *testing.F) {
	for _, seed := range []string{"bücher.example", "xn--bcher-kva", "xn--a", "xn--", "пример.рф", "xn--fsqu00a.xn--0zwm56d", "\u200d.example", "א1.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := domain.Parse(text)
		if err != nil {
			return
		}
		shown, ok := n.Unicode()
		if !ok {
			return
		}
		if back, err := domain.Parse(shown); err != nil || back != n || strings.ContainsAny(shown, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
			t.Errorf("%s is shown as %q, which is %s: %v", n, shown, back, err)
		}
	})
}

// Records have owners that are no names of mailboxes, such as wildcards.
func TestUnicodeOfOwners(t *testing.T) {
	for owner, want := range map[domain.Owner]string{
		"xn--bcher-kva.example":        "bücher.example",
		"*.xn--bcher-kva.example":      "",
		`a\032b.xn--bcher-kva.example`: "",
		"XN--BCHER-KVA.example":        "", // an owner is in small letters
		"plain.example":                "",
		".":                            "",
		"":                             "",
	} {
		if got, ok := owner.Unicode(); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", owner, got, ok, want)
		}
	}
}

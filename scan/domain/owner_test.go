package domain

import "testing"

func TestOwner(t *testing.T) {
	for _, test := range []struct {
		owner, registrable, zoneText string
		wildcard, within             bool // within example.com
	}{
		{"example.com", "example.com", "example.com.", false, true},
		{"a.b.example.com", "example.com", "a.b.example.com.", false, true},
		{"*.example.com", "example.com", "*.example.com.", true, true},
		{"*", "*", "*.", true, false},
		{".", ".", ".", false, false},
		{`a\.example.com`, "com", `a\.example.com.`, false, false}, // of two labels, a.example and com
		{`a\\.example.com`, "example.com", `a\\.example.com.`, false, true},
		{`x\032y.example.co.uk`, "example.co.uk", `x\032y.example.co.uk.`, false, false},
		{"notexample.com", "notexample.com", "notexample.com.", false, false},
		{"$a.example.com", "example.com", `\$a.example.com.`, false, true},
	} {
		o := Owner(test.owner)
		if got := o.Registrable(); string(got) != test.registrable {
			t.Errorf("%s: registrable %q, want %q", o, got, test.registrable)
		}
		if got := o.ZoneText(); got != test.zoneText {
			t.Errorf("%s: %q in a zone file, want %q", o, got, test.zoneText)
		}
		if o.IsWildcard() != test.wildcard {
			t.Errorf("%s: a wildcard: %t", o, o.IsWildcard())
		}
		name, err := Parse("example.com")
		if err != nil {
			t.Fatal(err)
		}
		if o.IsWithin(name) != test.within {
			t.Errorf("%s: within example.com: %t", o, o.IsWithin(name))
		}
	}
}

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

// TestOwnersForOtherTools: every octet that a tool may take for something else is a number.
func TestOwnersForOtherTools(t *testing.T) {
	for _, test := range []struct{ owner, decimal, octal string }{
		{".", ".", "."},
		{"a_b-c.example", "a_b-c.example.", "a_b-c.example."},
		{"*.example", "*.example.", "*.example."},
		{`a\.b\ c\\.$d\;`, `a\046b\032c\092.\036d\059.`, `a\056b\040c\134.\044d\073.`},
		{`\000\255.x`, `\000\255.x.`, `\000\377.x.`},
		{`\99.x`, `99.x.`, `99.x.`}, // no three digits
	} {
		owner := Owner(test.owner)
		if owner.DecimalText() != test.decimal || owner.OctalText() != test.octal {
			t.Errorf("%s: %s and %s, want %s and %s", test.owner, owner.DecimalText(), owner.OctalText(), test.decimal, test.octal)
		}
	}
}

package snapshot

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryFieldIsDescribed: the fields that are read are those that are described.
func TestEveryFieldIsDescribed(t *testing.T) {
	for _, test := range []struct {
		line      any
		described []Field
		unsaid    string // of the other kind of line
	}{
		{line{}, LineFields(), "snapshot"},
		{headerLine{}, HeaderFields(), ""},
		{proofText{}, ProofFields(), ""},
	} {
		var want []string
		for _, name := range fieldsOf(reflect.TypeOf(test.line), "") {
			if name != test.unsaid {
				want = append(want, name)
			}
		}
		var got []string
		for _, f := range test.described {
			got = append(got, f.Name)
			if !strings.HasSuffix(f.Meaning, ".") {
				t.Errorf("%s: %q is no sentence", f.Name, f.Meaning)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the fields of %T (-read +described)\n%s", test.line, diff)
		}
	}
}

// fieldsOf returns the names of a struct's fields in JSON, those of structs in it too.
func fieldsOf(s reflect.Type, prefix string) []string {
	var names []string
	for i := range s.NumField() {
		f := s.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inside, path := f.Type, prefix+name
		if inside.Kind() == reflect.Slice {
			if inside = inside.Elem(); inside.Kind() == reflect.Struct {
				path += "[]"
			}
		}
		switch {
		case f.Anonymous:
			names = append(names, fieldsOf(inside, prefix)...)
		case inside.Kind() == reflect.Struct && inside.PkgPath() != "time":
			names = append(names, fieldsOf(inside, path+".")...)
		default:
			names = append(names, path)
		}
	}
	return names
}

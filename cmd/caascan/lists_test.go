package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// listCase is a list as people have them, and what must come of it.
type listCase struct {
	File   string
	Why    string
	Expect [][]string // of each row the status and, where it matters, the reason
	Header []string   // of the list's own columns
	Stderr string     // what a message must mention
	Cells  [][]any    // a column, from 0, and what each of its cells must hold
}

// TestListsAsPeopleHaveThem: rows out are rows in, and each is judged by its own address.
func TestListsAsPeopleHaveThem(t *testing.T) {
	dir := filepath.Join("testdata", "lists")
	text, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []listCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.File, func(t *testing.T) {
			var out, said bytes.Buffer
			code := run(t.Context(), []string{
				"scan", filepath.Join(dir, c.File), "--zone", filepath.Join(dir, "world.zone"), "--issuer", "ca.example", "-o", "-",
			}, strings.NewReader(""), &out, &said)
			if !strings.Contains(said.String(), c.Stderr) {
				t.Errorf("the message does not mention %q: %s", c.Stderr, &said)
			}
			if c.Expect == nil {
				return
			}
			if code != 0 {
				t.Fatalf("exit %d: %s (%s)", code, &said, c.Why)
			}
			c.check(t, out.String())
		})
	}
}

func (c listCase) check(t *testing.T, report string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(report)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	header := rows[0]
	if own := header[:slices.Index(header, "caa_row")]; c.Header != nil && !slices.Equal(own, c.Header) {
		t.Errorf("header %q, want %q", own, c.Header)
	}
	status, reason := slices.Index(header, "caa_status"), slices.Index(header, "caa_reason")
	var got [][]string
	for i, row := range rows[1:] {
		got = append(got, []string{row[status], row[reason]})
		if i < len(c.Expect) {
			got[i] = got[i][:len(c.Expect[i])]
		}
		for _, cell := range c.Cells {
			if column, text := int(cell[0].(float64)), cell[1].(string); !strings.Contains(row[column], text) {
				t.Errorf("cell %q lacks %q", row[column], text)
			}
		}
	}
	if diff := cmp.Diff(c.Expect, got); diff != "" {
		t.Errorf("rows mismatch (-want +got): %s\n%s", c.Why, diff)
	}
}

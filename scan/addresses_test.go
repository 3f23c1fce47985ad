package scan

import (
	"fmt"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddressesOfExchange(t *testing.T) {
	for _, c := range []targetCase{
		{"a prefix", "smtp:jane@x.example", "x.example"},
		{"the primary alone", "SMTP:jane@x.example", "x.example"},
		{"X500 does not count", "X500:/o=ExchangeLabs/ou=Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=abc;SMTP:jane@x.example", "x.example"},
		{"X500 with a comma in it", "X500:/o=ACME, Inc/cn=a@z.example;SMTP:jane@x.example", "x.example"},
		{"X500 with a comma before a slash", "X500:/o=ACME, Inc./ou=B/cn=a@z.example;SMTP:jane@x.example", "x.example"},
		{"X400 has semicolons in it", "SMTP:jane@x.example;X400:C=de;A= ;P=Org;O=Exchange;S=Doe;G=Jane;", "x.example"},
		{"EUM has a semicolon in it", "EUM:1234;phone-context=dp.y.example;smtp:jane@x.example", "x.example"},
		{"SIP and SPO do not count", "SIP:jane@y.example;smtp:jane@x.example;SPO:SPO_abc@SPO_def", "x.example"},
		{"nothing else", "sip:jane@y.example", "not-a-domain"},
		{"two addresses", "SMTP:jane@x.example;smtp:jane@y.example;SIP:jane@x.example", "several-addresses"},
		{"braces of PowerShell", "{SMTP:jane@x.example, smtp:jane@y.example}", "several-addresses"},
		{"braces around one", "{SMTP:jane@x.example}", "x.example"},
		{"a display name that begins so", "SIP: Trunk <jane@x.example>", "x.example"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if got := outcome(ParseTarget(c.cell)); got != c.want {
				t.Errorf("ParseTarget(%q) = %q, want %q", c.cell, got, c.want)
			}
		})
	}
}

func TestMailboxes(t *testing.T) {
	for cell, want := range map[string][]string{
		"jane@x.example":                                    nil,
		"nothing":                                           nil,
		"Doe, Jane <jane@x.example>":                        nil,
		"jane@x.example; b@y.example":                       {"jane@x.example", "b@y.example"},
		"jane@x.example b@y.example":                        {"jane@x.example", "b@y.example"},
		"jane@x.example, ,b@y.example;":                     {"jane@x.example", "b@y.example"},
		"Doe, Jane <j@x.example>; Bob <b@y.example>":        {"j@x.example", "b@y.example"},
		"<j@x.example><b@y.example>":                        {"j@x.example", "b@y.example"},
		`"a,b"@x.example,c@y.example`:                       {`"a,b"@x.example`, "c@y.example"},
		"SMTP:j@x.example;SIP:z@z.example;smtp:b@y.example": {"SMTP:j@x.example", "smtp:b@y.example"},
	} {
		if diff := cmp.Diff(want, Mailboxes(cell)); diff != "" {
			t.Errorf("Mailboxes(%q) mismatch (-want +got):\n%s", cell, diff)
		}
	}
}

// rowsOf yields rows of a number, a name and a cell.
func rowsOf(cells ...string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for i, cell := range cells {
			if !yield(Row{Number: i + 2, Cells: []string{"name", cell}, Cell: cell}, nil) {
				return
			}
		}
	}
}

func TestAddressesOfRows(t *testing.T) {
	cells := []string{
		"SMTP:jane@x.example;smtp:jane@y.example", // one primary
		"SMTP:a@x.example;SMTP:b@y.example",       // two
		"smtp:a@x.example;smtp:b@y.example",       // none
		"SMTP:jane@x.example",
		"",
	}
	for addresses, want := range map[Addresses][]string{
		AddressesOne: {
			`2 ["name" "SMTP:jane@x.example;smtp:jane@y.example"] several-addresses []`,
			`3 ["name" "SMTP:a@x.example;SMTP:b@y.example"] several-addresses []`,
			`4 ["name" "smtp:a@x.example;smtp:b@y.example"] several-addresses []`,
			`5 ["name" "SMTP:jane@x.example"] x.example []`,
			`6 ["name" ""] empty []`,
		},
		AddressesPrimary: {
			`2 ["name" "SMTP:jane@x.example;smtp:jane@y.example"] x.example [primary-of-several]`,
			`3 ["name" "SMTP:a@x.example;SMTP:b@y.example"] several-addresses []`,
			`4 ["name" "smtp:a@x.example;smtp:b@y.example"] several-addresses []`,
			`5 ["name" "SMTP:jane@x.example"] x.example []`,
			`6 ["name" ""] empty []`,
		},
		AddressesSplit: {
			`2 ["name" "SMTP:jane@x.example"] x.example []`,
			`2 ["name" "smtp:jane@y.example"] y.example []`,
			`3 ["name" "SMTP:a@x.example"] x.example []`,
			`3 ["name" "SMTP:b@y.example"] y.example []`,
			`4 ["name" "smtp:a@x.example"] x.example []`,
			`4 ["name" "smtp:b@y.example"] y.example []`,
			`5 ["name" "SMTP:jane@x.example"] x.example []`,
			`6 ["name" ""] empty []`,
		},
	} {
		var got []string
		for row, err := range addresses.Of(rowsOf(cells...), 1) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%d %q %s %v", row.Number, row.Cells, outcome(row.target()), row.Warnings))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Addresses %q: rows mismatch (-want +got):\n%s", addresses, diff)
		}
	}
}

// An address of a cell that is split is a text, and the row's other values stay.
func TestSplitRowsKeepTheirValues(t *testing.T) {
	number := Value{Kind: NumberValue, Raw: "1"}
	values := []Value{number, number}
	rows := func(yield func(Row, error) bool) {
		for _, cell := range []string{"a@x.example;b@y.example", "a@x.example"} {
			if !yield(Row{Cells: []string{"1", cell}, Cell: cell, Values: values}, nil) {
				return
			}
		}
	}
	var got [][]Value
	for row := range AddressesSplit.Of(rows, 1) {
		got = append(got, row.Values)
	}
	if diff := cmp.Diff([][]Value{{number, {}}, {number, {}}, {number, number}}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

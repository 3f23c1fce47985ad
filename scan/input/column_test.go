package input_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/input"
)

func TestHeader(t *testing.T) {
	tests := []struct {
		name   string
		file   string
		mode   input.HeaderMode
		header []string // nil: the first record is a row
	}{
		{"a known word", "email\na@x.example\n", input.HeaderAuto, []string{"email"}},
		{"a known word over nothing known", "domain\n(none)\n", input.HeaderAuto, []string{"domain"}},
		{"a known word in capitals with hyphens", "E-MAIL\na@x.example\n", input.HeaderAuto, []string{"E-MAIL"}},
		{"a known word with underscores", "e_mail_address\na@x.example\n", input.HeaderAuto, []string{"e_mail_address"}},
		{"a known word with spaces around it", " Domain  Name \nx.example\n", input.HeaderAuto, []string{" Domain  Name "}},
		{"a name from Active Directory", "UserPrincipalName\na@x.example\n", input.HeaderAuto, []string{"UserPrincipalName"}},
		{"a name from Exchange", "PrimarySmtpAddress\na@x.example\n", input.HeaderAuto, []string{"PrimarySmtpAddress"}},
		{"a German word", "Domäne\nx.example\n", input.HeaderAuto, []string{"Domäne"}},
		{"a German word in several words", "E-Mail-Adresse (dienstlich)\na@x.example\n", input.HeaderAuto, []string{"E-Mail-Adresse (dienstlich)"}},
		{"a known word within a longer heading", "Security contact email\na@x.example\n", input.HeaderAuto, []string{"Security contact email"}},
		{"three known words within a longer heading", "Cloud user principal name\na@x.example\n", input.HeaderAuto, []string{"Cloud user principal name"}},
		{
			"a known word within a longer heading, in a file of no targets",
			"Security contact email\n(blank)\n", input.HeaderAuto,
			[]string{"Security contact email"},
		},
		{"a known word beside blank headings", ",email,\nAnn,a@x.example,1\n", input.HeaderAuto, []string{"", "email", ""}},
		{"headings of no known word", "Firma,Kontakt\nX Ltd,a@x.example\n", input.HeaderAuto, []string{"Firma", "Kontakt"}},
		{"headings of no known word over no targets", "Agency,Bureau\nX,\nY,Z\n", input.HeaderAuto, []string{"Agency", "Bureau"}},
		{"a blank line does not hide the header", "\nemail\na@x.example\n", input.HeaderAuto, []string{"email"}},

		{"a target in the first record", "email,a@x.example\nAnn,b@x.example\n", input.HeaderAuto, nil},
		{"a target with a display name in the first record", "email,Ann <a@x.example>\nBob,b@x.example\n", input.HeaderAuto, nil},
		{"one column without a known word", "Kontakt\na@x.example\n", input.HeaderAuto, nil},
		{"a name that only contains a known word", "Hostess\na@x.example\n", input.HeaderAuto, nil},
		{"a text with a known word", strings.Repeat("Text ", 12) + "email\na@x.example\n", input.HeaderAuto, nil},
		{"a company with a known word, where the addresses stand elsewhere", "Host Example Ltd,(none)\nX Ltd,a@x.example\n", input.HeaderAuto, nil},
		{"a known word that recurs in its column", "mail,(none)\nmail,a@x.example\nweb,b@x.example\n", input.HeaderAuto, nil},
		{"an empty cell among no known words", "Firma,\nX Ltd,a@x.example\n", input.HeaderAuto, nil},
		{"equal cells among no known words", "Firma,Firma\nX Ltd,a@x.example\n", input.HeaderAuto, nil},
		{"a cell without a letter among no known words", "Firma,2026\nX Ltd,a@x.example\n", input.HeaderAuto, nil},
		{"an @ among no known words", "Firma,ann@localhost\nX Ltd,a@x.example\n", input.HeaderAuto, nil},
		{"parentheses among no known words", "Firma,(none)\nX Ltd,a@x.example\n", input.HeaderAuto, nil},
		{"a long cell among no known words", "Firma," + strings.Repeat("x", 65) + "\nX Ltd,a@x.example\n", input.HeaderAuto, nil},
		{"a cell that recurs in its column", "X Ltd,none\nY Ltd,a@x.example\nZ Ltd,none\n", input.HeaderAuto, nil},
		{"a broken first record", "email,\"name\na@x.example,Ann\n", input.HeaderAuto, nil},

		{"present overrides", "x.example\ny.example\n", input.HeaderPresent, []string{"x.example"}},
		{"absent overrides", "email\na@x.example\n", input.HeaderAbsent, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := open(t, write(t, "list.csv", test.file), input.Options{Header: test.mode, Column: "1"})
			if test.header == nil {
				if row := in.Layout().HeaderRow; row != 0 {
					t.Errorf("HeaderRow = %d, want 0", row)
				}
				return
			}
			if diff := cmp.Diff(test.header, in.Header()); diff != "" {
				t.Errorf("Header() mismatch (-want +got):\n%s", diff)
			}
			if in.Layout().HeaderRow == 0 {
				t.Error("HeaderRow = 0")
			}
		})
	}
}

func TestColumn(t *testing.T) {
	tests := []struct {
		name   string
		file   string
		asked  string
		column int
		called string
		notes  []string
	}{
		{"the only column", "x.example\n", "", 1, "input", nil},
		{"the column with the highest fraction", "a,b,c\nx,y.example,z.example\nx,y.example,z\n", "", 2, "b", []string{
			`Scanned: column 2 ("b"). Column 3 ("c") holds domains too: --column 3 scans that instead.`,
		}},
		{"empty cells do not count against a column", "a,b\nx,y.example\nx,\nx,y.example\n", "", 2, "b", nil},
		{"addresses before domains", "Domain,Kontakt\nx.example,a@y.example\n", "", 2, "Kontakt", []string{
			`Scanned: column 2 ("Kontakt"). Column 1 ("Domain") holds domains too: --column 1 scans that instead.`,
		}},
		{"addresses in nearly as many cells as domains", "Domain,Kontakt\n" + strings.Repeat("x.example,a@y.example\n", 19) + "x.example,none\n", "", 2, "Kontakt", []string{
			`Scanned: column 2 ("Kontakt"). Column 1 ("Domain") holds domains too: --column 1 scans that instead.`,
		}},
		{"addresses in fewer cells than domains", "Domain,Kontakt\n" + strings.Repeat("x.example,a@y.example\n", 8) + "x.example,none\nx.example,none\n", "", 1, "Domain", []string{
			`Scanned: column 1 ("Domain"). Column 2 ("Kontakt") holds addresses too: --column 2 scans that instead.`,
		}},
		{"a known heading before another", "Firma,Domain\nw.example,x.example\n", "", 2, "Domain", []string{
			`Scanned: column 2 ("Domain"). Column 1 ("Firma") holds domains too: --column 1 scans that instead.`,
		}},
		{"the leftmost of equals", "x.example,y.example,z.example\n", "", 1, "column1", []string{
			`Scanned: column 1 ("column1"). Columns 2 ("column2"), 3 ("column3") hold addresses or domains too: --column 2 scans the first of them instead.`,
		}},
		{
			"domains in every row before addresses in few", "Domain,E-Mail\nx.example,a@x.example\ny.example,\nz.example,\n", "", 1, "Domain", []string{
				`Scanned: column 1 ("Domain"). Column 2 ("E-Mail") holds addresses too: --column 2 scans that instead.`,
			},
		},
		{
			"few targets under a known heading", "Name,E-Mail\nx,a@x.example\ny,none\nz,none\n", "", 2, "E-Mail", nil,
		},
		{
			"few targets under no known heading", "Name,Text\nx,a@x.example\ny,none\nz,none\n", "", 2, "Text", []string{
				`Scanned: column 2 ("Text"), though fewer than half of its cells hold addresses or domains. --column scans another, by name or number.`,
			},
		},
		{"a list of one column is always read", "E-Mail\nnone\n", "", 1, "E-Mail", []string{
			`Scanned: column 1 ("E-Mail"), though fewer than half of its cells hold addresses or domains. --column scans another, by name or number.`,
		}},
		{"no targets, but asked for", "Name,E-Mail\nx,none\n", "2", 2, "E-Mail", nil},
		{
			"a known heading with junk before a column that is full", "E-Mail,Web\n" + strings.Repeat("a@x.example,x.example\n", 6) + strings.Repeat("-,x.example\n", 4), "", 1, "E-Mail", []string{
				`Scanned: column 1 ("E-Mail"). Column 2 ("Web") holds domains too: --column 2 scans that instead.`,
			},
		},
		{"mail before the name to log in by", "UserPrincipalName,Mail\na@x.example,a@y.example\nb@x.example,\n", "", 2, "Mail", []string{
			`Scanned: column 2 ("Mail"). Column 1 ("UserPrincipalName") holds addresses too: --column 1 scans that instead.`,
		}},
		{"one address before several", "proxyAddresses,PrimarySmtpAddress\nSMTP:a@x.example;smtp:a@y.example,a@x.example\n", "", 2, "PrimarySmtpAddress", []string{
			`Scanned: column 2 ("PrimarySmtpAddress"). Column 1 ("proxyAddresses") holds addresses too: --column 1 scans that instead.`,
		}},
		{"several are better than none", "Name,Aliases\nJane,SMTP:a@x.example;smtp:a@y.example\n", "", 2, "Aliases", nil},
		{"asked for by name", "Name,E-Mail\nx,a@x.example\n", " e-mail ", 2, "E-Mail", nil},
		{"asked for by a name that has a space around it", "Name, Kontakt \nx,a@x.example\n", "kontakt", 2, " Kontakt ", nil},
		{"asked for by number", "Name,E-Mail\nx,a@x.example\n", "1", 1, "Name", nil},
		{"a name that is a number comes before the number", "2,1,email\nx,y,a@x.example\n", "1", 2, "1", nil},
		{"asked for by the number of an extra column", "Name,E-Mail\nx,a@x.example,b@x.example\n", "3", 3, "extra1", nil},
		{"asked for by an invented name", "x.example,y.example\n", "column2", 2, "column2", nil},
		{"asking for a name makes a header", "Kontakt\na@x.example\n", "kontakt", 1, "Kontakt", nil},
		{"asking for a number makes none", "1\na@x.example\n", "1", 1, "input", nil},
		{"two columns of the name", "Mail,Mail\na@x.example,b@x.example\n", "mail", 1, "Mail", []string{
			`Scanned: column 1, the first of several that are called "mail". --column scans another, by its number.`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := open(t, write(t, "list.csv", test.file), input.Options{Column: test.asked})
			layout := in.Layout()
			if layout.Column != test.column || layout.ColumnName != test.called {
				t.Errorf("column %d %q, want %d %q", layout.Column, layout.ColumnName, test.column, test.called)
			}
			if diff := cmp.Diff(test.notes, in.Notes()); diff != "" {
				t.Errorf("Notes() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// A table without a column of addresses is most often read wrongly, and each of its rows
// would fail: that is said before, with the columns.
func TestNoColumnHoldsDomains(t *testing.T) {
	for name, file := range map[string]string{
		"none":               "Name,E-Mail\nx,none\n",
		"one cell of eleven": "Name,E-Mail\nx,a@x.example\n" + strings.Repeat("x,none\n", 10),
		"blank cells":        "Name,E-Mail\nx,\n",
	} {
		_, err := input.Open(t.Context(), write(t, "list.csv", file), nil, input.Options{})
		if !errors.Is(err, input.ErrNoDomains) || !strings.HasSuffix(err.Error(), `choose one with --column by name or number: 1 ("Name"), 2 ("E-Mail")`) {
			t.Errorf("%s: Open() = %v", name, err)
		}
	}
	open(t, write(t, "list.csv", "Name,E-Mail\nx,a@x.example\n"+strings.Repeat("x,none\n", 9)), input.Options{})
}

// What stands above a header is no row; what may be one is none of it.
func TestTitles(t *testing.T) {
	const table = "Name,E-Mail,Dept\nJane,jane@x.example,Sales\nBob,bob@x.example,IT\n"
	rows := func(first int) []string {
		return []string{fmt.Sprintf(`%d ["Jane" "jane@x.example" "Sales"]`, first), fmt.Sprintf(`%d ["Bob" "bob@x.example" "IT"]`, first+1)}
	}
	tests := []struct {
		name, file string
		opts       input.Options
		headerRow  int
		rows       []string
		notes      []string
	}{
		{"none", table, input.Options{}, 1, rows(2), nil},
		{"a line of title", "Mailbox export\n\n" + table, input.Options{}, 3, rows(4), []string{
			`row 3 seems to be the header, so the rows above it are left out: 1 ("Mailbox export"); use --header to choose another`,
		}},
		{"lines of title as wide as the table", "Report: all mailboxes,,\nCreated 2026-11-01,,\n,,\n" + table, input.Options{}, 4, rows(5), []string{
			`row 4 seems to be the header, so the rows above it are left out: 1 ("Report: all mailboxes  "), 2 ("Created 2026-11-01  "), 3 ("  "); use --header to choose another`,
		}},
		{"a line of title with several cells, above a known heading", "Created,by,IT\n" + table, input.Options{}, 2, rows(3), []string{
			`row 2 seems to be the header, so the rows above it are left out: 1 ("Created by IT"); use --header to choose another`,
		}},
		{"headings of no known word", "Export\nVorname,Kontakt\nJane,jane@x.example\n", input.Options{}, 2, []string{`3 ["Jane" "jane@x.example"]`}, []string{
			`row 2 seems to be the header, so the rows above it are left out: 1 ("Export"); use --header to choose another`,
		}},
		{"#TYPE of PowerShell", "#TYPE Selected.Microsoft.Exchange.Data.Directory.Management.Mailbox\n" + table, input.Options{}, 2, rows(3), []string{
			`row 2 seems to be the header, so the rows above it are left out: 1 ("#TYPE Selected.Microsoft.Exchange.Data.D…"); use --header to choose another`,
		}},
		{"#TYPE above one column", "#TYPE System.String\nmail\njane@x.example\n", input.Options{}, 2, []string{`3 ["jane@x.example"]`}, []string{
			`row 2 seems to be the header, so the rows above it are left out: 1 ("#TYPE System.String"); use --header to choose another`,
		}},
		{"rows without an address below the header", "Name,E-Mail\nKurt,missing\nAnna,mail\nJane,jane@x.example\n", input.Options{}, 1, []string{
			`2 ["Kurt" "missing"]`, `3 ["Anna" "mail"]`, `4 ["Jane" "jane@x.example"]`,
		}, nil},
		{"rows without an address and no header", "Kurt Meier,n/a\nJane Doe,jane@x.example\n", input.Options{}, 0, []string{
			`1 ["Kurt Meier" "n/a"]`, `2 ["Jane Doe" "jane@x.example"]`,
		}, nil},
		{"single words above a known one", "localhost\nserver\nmail\nx.example\ny.example\nz.example\n", input.Options{}, 0, []string{
			`1 ["localhost"]`, `2 ["server"]`, `3 ["mail"]`, `4 ["x.example"]`, `5 ["y.example"]`, `6 ["z.example"]`,
		}, nil},
		{"the row that is asked for", "mail\na@x.example\nb@x.example\n", input.Options{HeaderRow: 2}, 2, []string{`3 ["b@x.example"]`}, []string{
			`row 2 seems to be the header, so the rows above it are left out: 1 ("mail"); use --header to choose another`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := open(t, write(t, "list.csv", test.file), test.opts)
			if got := in.Layout().HeaderRow; got != test.headerRow {
				t.Errorf("HeaderRow = %d, want %d", got, test.headerRow)
			}
			if diff := cmp.Diff(test.rows, readAll(t, in)); diff != "" {
				t.Errorf("rows mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.notes, in.Notes()); diff != "" {
				t.Errorf("Notes() mismatch (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := input.Open(t.Context(), write(t, "list.csv", table), nil, input.Options{HeaderRow: 9}); !errors.Is(err, input.ErrHeader) {
		t.Errorf("a row that is not there: %v", err)
	}
}

// A mistyped address in the first row is a row.
func TestASlipIsNoHeading(t *testing.T) {
	for _, slip := range []string{
		"mail@firma", "mail@192.0.2.1", "<mail@deny.example", "*.mail.example", "mail@@x.example", "mail at x.example", "mail(at)x.example",
		"http://mail/", "mail＠x.example", "mail x.example", "mail@x,example",
	} {
		for _, file := range []string{slip + "\na@x.example\nb@y.example\n", "Kurt;" + slip + "\nAnn;a@x.example\nBob;b@y.example\n"} {
			if in := open(t, write(t, "list.csv", file), input.Options{}); in.Layout().HeaderRow != 0 || len(readAll(t, in)) != 3 {
				t.Errorf("%q: %+v", file, in.Layout())
			}
		}
	}
}

// A sample is 1 MiB or 1,000 records; what comes later cannot be asked for.
func TestColumnBeyondTheSample(t *testing.T) {
	for _, line := range []string{
		strings.Repeat("a@x.example,Ann\n", 1000),
		"a@x.example," + strings.Repeat("x", 1<<20) + "\n",
	} {
		path := write(t, "list.csv", "email,name\n"+line+"a@x.example,Ann,1\n")
		if _, err := input.Open(t.Context(), path, nil, input.Options{Column: "3"}); !errors.Is(err, input.ErrColumn) {
			t.Errorf("Open() = %v, want ErrColumn", err)
		}
	}
}

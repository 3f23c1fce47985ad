package report_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
)

func TestChosenColumns(t *testing.T) {
	all := "email,input_CAA_Status,phone"
	tests := []struct {
		name, columns, header string
		rows                  []string // of the first two results
	}{
		{"our columns only", "caa_reason|caa_row", "caa_reason,caa_row", []string{"no-caa,2", "issuer-not-listed,3"}},
		{
			"the input's between ours, in another order", "phone|caa_status|email", "phone,caa_status,email",
			[]string{"+49 30 1234,permitted,Jane Doe <jane@open.example>", "=1+1,denied,joe@mail.closed.example"},
		},
		{
			"all of the input's first", "input|caa_status", all + ",caa_status",
			[]string{"Jane Doe <jane@open.example>,,+49 30 1234,permitted", `joe@mail.closed.example,"ok, or ""so""",=1+1,denied`},
		},
		{
			"all of the input's last", "caa_row|input", "caa_row," + all,
			[]string{"2,Jane Doe <jane@open.example>,,+49 30 1234", `3,joe@mail.closed.example,"ok, or ""so""",=1+1`},
		},
		{
			"all of the input's alone", "input", all,
			[]string{"Jane Doe <jane@open.example>,,+49 30 1234", `joe@mail.closed.example,"ok, or ""so""",=1+1`},
		},
		{"a CA's", "caa_status:New|caa_status:Old", "caa_status:New,caa_status:Old", []string{"permitted,permitted", "permitted,denied"}},
		{"a renamed column", "input_CAA_Status|caa_row", "input_CAA_Status,caa_row", []string{",2", `"ok, or ""so""",3`}},
		{"case and spaces as people type them", " EMAIL | Caa_Row", "email,caa_row", []string{"Jane Doe <jane@open.example>,2", "joe@mail.closed.example,3"}},
		{"an only cell that is empty is no empty line", "caa_owner", "caa_owner", []string{`""`, "policy.example"}},
		{"cells that no row has", "extra1|caa_row", "extra1,caa_row", []string{",2", ",3"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := reporttest.NewWorld(t, "Old", "New")
			w.Layout.Columns, w.Layout.Cells = strings.Split(test.columns, "|"), report.RawCells
			w.Results = w.Results[:2]
			want := test.header + "\n" + strings.Join(test.rows, "\n") + "\n"
			if diff := cmp.Diff(want, string(w.Bytes(t, report.NewPlainCSV))); diff != "" {
				t.Errorf("CSV (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChosenFields(t *testing.T) {
	tests := []struct{ columns, want string }{
		{"caa_status|caa_row", `{"row":3,"decisions":[{"issuer":"Old","status":"denied"}]}`},
		{"caa_reason:New|caa_status|phone|email", `{"cells":{"phone":"=1+1","email":"joe@mail.closed.example"},"decisions":[{"issuer":"Old","status":"denied"},{"issuer":"New","reason":"issuer-listed"}]}`},
		{"caa_reason:New", `{"decisions":[{"issuer":"New","reason":"issuer-listed"}]}`},
		{"caa_dnssec|caa_domain|extra2|email#2", `{"cells":{"extra2":"","email#2":"ok, or \"so\""},"domain":"mail.closed.example","dnssec":"secure"}`},
		{"input", `{"cells":{"email":"joe@mail.closed.example","email#2":"ok, or \"so\"","phone":"=1+1"}}`},
	}
	for _, test := range tests {
		w := reporttest.NewWorld(t, "Old", "New")
		w.Layout.Header = []string{"email", "email", "phone"}
		w.Layout.Columns = strings.Split(test.columns, "|")
		w.Results = w.Results[1:2]
		if diff := cmp.Diff(test.want+"\n", string(w.Bytes(t, report.NewJSONL))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.columns, diff)
		}
	}
}

func TestColumnsThatCannotBeHad(t *testing.T) {
	tests := []struct{ columns, want string }{
		{"email|caa_stauts", `no column is called "caa_stauts"; there are "email", "input_CAA_Status", "phone", input for all of the input's, and "caa_row", "caa_domain", "caa_domain_unicode", "caa_status",`},
		{"email|caa_row|email", `"email" is chosen twice`},
		{"Email|email", `"email" is chosen twice`},
		{"phone|input", `"phone" is chosen twice`},
		{"extra1|extra1", `"extra1" is chosen twice`},
		{"extra1|input", `"input" includes the extra cells: leave out one of the two`},
		{"extra0", `no column is called "extra0"`},
		{"extra01", `no column is called "extra01"`},
		{"caa_status:", `no column is called "caa_status:"`},
		{"email|", `no column is called ""`},
		{strings.Repeat("x", 1000), `xxx…"; there are`},
	}
	for _, test := range tests {
		l := reporttest.NewWorld(t, "ca.example").Layout
		l.Columns = strings.Split(test.columns, "|")
		err := l.Check()
		if !errors.Is(err, report.ErrColumns) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.columns, err, test.want)
		}
		if err != nil && len(err.Error()) > 2000 {
			t.Errorf("%.20s: a message of %d octets", test.columns, len(err.Error()))
		}
	}
	wide := reporttest.NewWorld(t, "ca.example").Layout
	wide.Header, wide.Columns = make([]string, 16384), []string{"nowhere"}
	if err := wide.Check(); err == nil || len(err.Error()) > 2000 || !strings.Contains(err.Error(), "16354 more") {
		t.Errorf("with 16384 columns: %.200v", err)
	}
}

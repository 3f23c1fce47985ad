package report_test

import (
	"fmt"
	"os"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/domain"
)

func Example() {
	layout := report.Layout{
		Header:  []string{"name", "email"},
		Issuers: []string{"ca.example"},
	}
	w, err := report.NewPlainCSV(os.Stdout, layout)
	if err != nil {
		fmt.Println(err)
		return
	}
	name, err := domain.Parse("new.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = w.Write(scan.Result{
		Row: scan.Row{Number: 2, Cells: []string{"Doe, Jane", "jane@new.example"}},
		Verdict: scan.Verdict{Domain: name, Number: 1, Outcome: &scan.Outcome{Decisions: []scan.Decision{{
			Status: scan.Permitted, Reason: "no-caa", Detail: "No CAA records.",
		}}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Close(report.NewOverview(layout.Issuers, report.Run{}, new(report.Tally))); err != nil {
		fmt.Println(err)
	}
	// Output:
	// name,email,caa_row,caa_domain,caa_status,caa_reason,caa_detail,caa_found_at,caa_owner,caa_records,caa_dnssec,caa_on_failure,caa_warnings,caa_fix,caa_resolver,caa_checked_at
	// "Doe, Jane",jane@new.example,2,new.example,permitted,no-caa,No CAA records.,,,,,,,,,
}

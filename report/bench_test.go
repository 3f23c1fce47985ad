package report_test

import (
	"testing"

	"caascan/report"
	"caascan/report/reporttest"
)

func BenchmarkCSV(b *testing.B) { reporttest.Bench(b, report.NewCSV) }

func BenchmarkJSONL(b *testing.B) { reporttest.Bench(b, report.NewJSONL) }

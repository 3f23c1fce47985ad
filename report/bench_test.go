package report

import (
	"testing"
)

func BenchmarkCSV(b *testing.B) { Bench(b, NewCSV) }

func BenchmarkJSONL(b *testing.B) { Bench(b, NewJSONL) }

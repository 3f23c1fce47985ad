package report

import (
	"testing"
)

func BenchmarkCSV(b *testing.B) { benchmark(b, NewCSV) }

func BenchmarkJSONL(b *testing.B) { benchmark(b, NewJSONL) }

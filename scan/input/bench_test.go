package input

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// millionRows writes a list of the size that has to be quick and returns its
// path.
func millionRows(b *testing.B) string {
	b.Helper()
	var list strings.Builder
	list.WriteString("name,email,department,city\n")
	for i := range 1_000_000 {
		fmt.Fprintf(&list, "Person %d,person.%d@dept%d.example,\"Sales, Marketing\",Berlin\n", i, i, i%1000)
	}
	path := filepath.Join(b.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(list.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func BenchmarkRows(b *testing.B) {
	in, err := Open(b.Context(), millionRows(b), nil, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range in.Rows() {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	tally, _ := in.Tally()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(tally.Rows), "ns/row")
}

func BenchmarkOpen(b *testing.B) {
	path := millionRows(b)
	b.ReportAllocs()
	for b.Loop() {
		in, err := Open(b.Context(), path, nil, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := in.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTokenizer(b *testing.B) {
	list, err := os.ReadFile(millionRows(b))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(list)))
	b.ReportAllocs()
	for b.Loop() {
		tokens := newTokenizer(strings.NewReader(string(list)), ',')
		for {
			if _, err := tokens.next(); err == io.EOF {
				break
			}
		}
	}
}

// BenchmarkEncodingCSV is the yardstick: the standard library over the same list.
func BenchmarkEncodingCSV(b *testing.B) {
	path := millionRows(b)
	b.ReportAllocs()
	for b.Loop() {
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		records := csv.NewReader(bufio.NewReaderSize(file, chunk))
		records.ReuseRecord = true
		for {
			if _, err := records.Read(); err == io.EOF {
				break
			}
		}
		file.Close()
	}
}

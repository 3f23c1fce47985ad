package snapshot_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// sink takes what is written, as a disk that is never slow.
type sink struct{ io.Writer }

func (sink) Sync() error { return nil }

// usual are Observations as a run makes them: nearly all are empty, 8 % have CAA records.
func usual(b *testing.B, count int) []snapshot.Observation {
	b.Helper()
	p, err := caa.ParseRDATA([]byte("\x00\x09issuemailca.example"))
	if err != nil {
		b.Fatal(err)
	}
	var list []snapshot.Observation
	for i := range count {
		name, err := domain.Parse(fmt.Sprintf("customer%d.example", i))
		if err != nil {
			b.Fatal(err)
		}
		o := snapshot.Observation{
			Name: name, Server: "127.0.0.1:53", Transport: snapshot.UDP, TTL: 300, Validated: true, Attempts: 1,
			Time: time.Date(2026, 1, 2, 3, 4, 5, i, time.UTC),
		}
		if i%25 < 2 {
			o.Records = caa.RRset{Owner: name.String(), Properties: []caa.Property{p}}
		}
		list = append(list, o)
	}
	return list
}

// aBatch is how many Observations lookups hand over at a time.
const aBatch = 256

// BenchmarkWriter takes a line at an iteration, from Put to the File.
func BenchmarkWriter(b *testing.B) {
	batch := usual(b, aBatch)
	w, err := snapshot.NewWriter(sink{io.Discard}, snapshot.Header{}, func(err error) { b.Error(err) })
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= aBatch {
		w.Put(batch[:min(left, aBatch)])
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReader reads a line at an iteration.
func BenchmarkReader(b *testing.B) {
	var file bytes.Buffer
	w, err := snapshot.NewWriter(sink{&file}, snapshot.Header{}, func(err error) { b.Error(err) })
	if err != nil {
		b.Fatal(err)
	}
	const lines = 10_000
	w.Put(usual(b, lines))
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(file.Len() / lines))
	b.ResetTimer()
	for left := b.N; left > 0; {
		for _, err := range snapshot.NewReader(bytes.NewReader(file.Bytes()), "answers.jsonl").All() {
			if err != nil {
				b.Fatal(err)
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

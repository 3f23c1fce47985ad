package report

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"caascan/scan"
)

// taker is a Writer that keeps what it is given, and may be slow or fail.
type taker struct {
	cells []string
	pause time.Duration // for each row
	fails int           // at this row, where it is not 0
}

var errTaker = errors.New("no room")

func (w *taker) Write(r scan.Result) error {
	time.Sleep(w.pause)
	if len(w.cells)+1 == w.fails {
		return errTaker
	}
	w.cells = append(w.cells, strings.Join(r.Row.Cells, "|"))
	return nil
}

func (w *taker) Close(*Overview) error { return nil }

// manyResults yields results whose cells are the same memory each time, as a row's
// are, and err behind them, if there is one.
func manyResults(n int, err error) iter.Seq2[scan.Result, error] {
	return func(yield func(scan.Result, error) bool) {
		cells := make([]string, 2)
		for i := range n {
			cells[0], cells[1] = fmt.Sprint(i), strings.Repeat("x", i%5000)
			if !yield(scan.Result{Row: scan.Row{Cells: cells[:1+i%2]}}, nil) {
				return
			}
		}
		if err != nil {
			yield(scan.Result{}, err)
		}
	}
}

// TestABatchOfEmptyCellsIsSmall: spreadsheets write rows of 16,000 commas.
func TestABatchOfEmptyCellsIsSmall(t *testing.T) {
	wide, b := scan.Result{Row: scan.Row{Cells: make([]string, 16_000)}}, new(batch)
	for !b.full() {
		b.add(wide)
	}
	if got := len(b.results); got > 2 {
		t.Errorf("a batch takes %d rows of 16,000 cells, want 2 at the most", got)
	}
}

// TestEveryWriterTakesEveryRowInOrder, however slow one of them is.
func TestEveryWriterTakesEveryRowInOrder(t *testing.T) {
	const rows = 20000
	for _, count := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var writers []Writer
			for i := range count {
				writers = append(writers, &taker{pause: time.Duration(i) * time.Microsecond})
			}
			taken, err := WriteAll(t.Context(), manyResults(rows, nil), writers...)
			if taken != rows || err != nil {
				t.Errorf("%d writers: %d rows taken (%v), want %d", count, taken, err, rows)
			}
			for i, w := range writers {
				n := 0
				for r := range manyResults(rows, nil) {
					if want := strings.Join(r.Row.Cells, "|"); w.(*taker).cells[n] != want {
						t.Fatalf("writer %d of %d, row %d: %.20q, want %.20q", i, count, n, w.(*taker).cells[n], want)
					}
					n++
				}
			}
		})
	}
}

// TestTheFirstErrorEndsTheWriting, and leaves nobody at work: synctest would tell.
func TestTheFirstErrorEndsTheWriting(t *testing.T) {
	errInput := errors.New("the input broke off")
	for _, test := range []struct {
		name    string
		rows    int
		input   error
		writers []Writer
		want    error
	}{
		{"the input, before anything", 0, errInput, []Writer{new(taker)}, errInput},
		{"the input, later", 5000, errInput, []Writer{new(taker), new(taker)}, errInput},
		{"the only writer", 100_000, nil, []Writer{&taker{fails: 1}}, errTaker},
		{"the second writer", 100_000, nil, []Writer{new(taker), &taker{fails: 700}, new(taker)}, errTaker},
		{"a writer at the last row", 1000, nil, []Writer{new(taker), &taker{fails: 1000}}, errTaker},
		{"a writer, while another one is slow", 100_000, nil, []Writer{&taker{pause: time.Second}, &taker{fails: 2}}, errTaker},
	} {
		synctest.Test(t, func(t *testing.T) {
			taken, err := WriteAll(t.Context(), manyResults(test.rows, test.input), test.writers...)
			if !errors.Is(err, test.want) || taken > test.rows || taken == test.rows && test.rows > 0 && test.input == nil {
				t.Errorf("%s: %d rows taken of %d (%v), want %v", test.name, taken, test.rows, err, test.want)
			}
		})
	}
}

func TestCancellationEndsTheWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := WriteAll(ctx, manyResults(100_000, nil), new(taker), &taker{pause: 20 * time.Millisecond})
		// A batch that was begun is written to its end.
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > 16*time.Second {
			t.Errorf("%v after %v, want the end of the context soon after 10 s", err, took)
		}
	})
}

// valueTaker keeps the raw values of the rows that have them.
type valueTaker struct{ raw []string }

func (w *valueTaker) Write(r scan.Result) error {
	for i, v := range r.Row.Values {
		w.raw = append(w.raw, r.Row.Cells[i]+"="+v.Raw)
	}
	return nil
}

func (w *valueTaker) Close(*Overview) error { return nil }

// TestValuesAreCopied: those of a row are valid until the next one only, as its cells are.
func TestValuesAreCopied(t *testing.T) {
	results := func(yield func(scan.Result, error) bool) {
		cells, values := make([]string, 1), make([]scan.Value, 1)
		for i := range 4 {
			cells[0], values[0].Raw = fmt.Sprint(i), fmt.Sprint(10*i)
			row := scan.Row{Cells: cells}
			if i != 2 {
				row.Values = values
			}
			if !yield(scan.Result{Row: row}, nil) {
				return
			}
		}
	}
	var w valueTaker
	if n, err := WriteAll(t.Context(), results, &w); n != 4 || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	if got := strings.Join(w.raw, " "); got != "0=0 1=10 3=30" {
		t.Errorf("values %s, want 0=0 1=10 3=30", got)
	}
}

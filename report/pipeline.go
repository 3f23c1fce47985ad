package report

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"caascan/scan"
)

// WriteAll writes every result to every writer, in order, and returns how many
// rows all of them have taken. The results come from the calling goroutine and each
// writer works in one of its own, so that reading, joining and writing go on at the
// same time. The error is the first, be it of the results, of a writer or of ctx.
// When WriteAll returns, nothing goes on.
//
// Memory does not grow with the rows: they are handed on in batches, of which there
// are a few, used again and again.
func WriteAll(ctx context.Context, results iter.Seq2[scan.Result, error], writers ...Writer) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := newPipeline(cancel, len(writers))
	var working sync.WaitGroup
	for i, w := range writers {
		working.Go(func() { p.drain(ctx, i, w) })
	}
	p.feed(ctx, results)
	working.Wait()
	return p.taken(), p.err
}

// The size of a batch: small enough to stay in the processor's cache, large enough
// for the handing on not to be seen. One row may hold 2 MiB.
const (
	batchRows   = 256
	batchOctets = 256 << 10
)

// cellHeader is what an empty cell takes. A row may have 16,384 of them.
const cellHeader = 16

// batches is how many there are: one is filled, each writer has one, and the others
// make up for who is slow now and then.
const batches = 8

// batch is a number of rows on their way to the writers.
type batch struct {
	results []scan.Result
	cells   []string     // of all its rows
	values  []scan.Value // of those of its rows that have them
	octets  int
	users   atomic.Int32 // who has yet to be done with it
}

// valueSize is what a value takes, its number with it.
const valueSize = 40

// add copies a result, because its cells and their values are valid until the next one only.
func (b *batch) add(r scan.Result) {
	from := len(b.cells)
	b.cells = append(b.cells, r.Row.Cells...)
	r.Row.Cells = b.cells[from:len(b.cells):len(b.cells)]
	if r.Row.Values != nil {
		from := len(b.values)
		b.values = append(b.values, r.Row.Values...)
		r.Row.Values = b.values[from:len(b.values):len(b.values)]
		b.octets += valueSize * len(r.Row.Values)
	}
	b.results = append(b.results, r)
	for _, cell := range r.Row.Cells {
		b.octets += cellHeader + len(cell)
	}
}

func (b *batch) full() bool { return len(b.results) >= batchRows || b.octets >= batchOctets }

// clear keeps nothing of the rows alive.
func (b *batch) clear() {
	clear(b.results)
	clear(b.cells)
	clear(b.values)
	b.results, b.cells, b.values, b.octets = b.results[:0], b.cells[:0], b.values[:0], 0
}

// pipeline is one goroutine that fills batches, and one for each writer.
type pipeline struct {
	queues []chan *batch // one for each writer
	free   chan *batch
	counts []int // rows that each writer has taken

	failing sync.Once
	err     error // the first
	cancel  context.CancelFunc
}

func newPipeline(cancel context.CancelFunc, writers int) *pipeline {
	p := &pipeline{free: make(chan *batch, batches), counts: make([]int, writers), cancel: cancel}
	for range writers {
		p.queues = append(p.queues, make(chan *batch, batches)) // never full
	}
	for range batches {
		p.free <- new(batch)
	}
	return p
}

// fail ends the work with the first error.
func (p *pipeline) fail(err error) {
	p.failing.Do(func() {
		p.err = err
		p.cancel()
	})
}

// feed hands the results on, until there are no more or something has failed.
func (p *pipeline) feed(ctx context.Context, results iter.Seq2[scan.Result, error]) {
	b := <-p.free
	for r, err := range results {
		if err != nil {
			p.fail(err)
			break
		}
		if b.add(r); !b.full() {
			continue
		}
		p.send(b)
		if b = p.next(ctx); b == nil {
			break
		}
	}
	if b != nil {
		p.send(b)
	}
	for _, queue := range p.queues {
		close(queue)
	}
}

// send gives every writer a batch, and whoever is the last to be done with it gives
// it back.
func (p *pipeline) send(b *batch) {
	b.users.Store(int32(len(p.queues) + 1))
	for _, queue := range p.queues {
		queue <- b
	}
	p.release(b)
}

func (p *pipeline) release(b *batch) {
	if b.users.Add(-1) == 0 {
		b.clear()
		p.free <- b
	}
}

// next returns an empty batch as soon as there is one, or nil if something has
// failed.
func (p *pipeline) next(ctx context.Context) *batch {
	select {
	case b := <-p.free:
		return b
	case <-ctx.Done():
		p.fail(ctx.Err())
		return nil
	}
}

// drain writes a writer's batches until there are no more or something has failed.
// What is left then is not counted.
func (p *pipeline) drain(ctx context.Context, i int, w Writer) {
	for b := range p.queues[i] {
		if ctx.Err() != nil {
			p.fail(ctx.Err())
			return
		}
		for _, r := range b.results {
			if err := w.Write(r); err != nil {
				p.fail(err)
				return
			}
		}
		p.counts[i] += len(b.results)
		p.release(b)
	}
}

// taken returns how many rows every writer has.
func (p *pipeline) taken() int {
	if len(p.counts) == 0 {
		return 0
	}
	return slices.Min(p.counts)
}

package snapshot

import (
	"io"
	"slices"
	"sync"
	"time"
)

// What a sudden end may cost: an answer is written at the latest after writeEvery or when
// mostUnwritten are waiting, and is on disk at the latest after a second, for which half
// of one leaves the disk time.
const (
	writeEvery    = 50 * time.Millisecond
	syncEvery     = 500 * time.Millisecond
	mostUnwritten = 1000
	writeAtOnce   = mostUnwritten / 4
)

// File is what a snapshot is written to: lines are only appended.
type File interface {
	io.Writer
	// Sync brings what was written to disk.
	Sync() error
}

// Writer writes Observations to a snapshot while they come. Put is for one goroutine at a
// time.
type Writer struct {
	file    File
	fail    func(error)
	work    sync.WaitGroup
	some    chan struct{} // enough is waiting to be written at once
	closing chan struct{}

	mu       sync.Mutex
	proof    proofWriter
	answered int // answers that were put, and proven of them with their proof
	proven   int
	room     sync.Cond // there is room again, or an error
	waiting  []byte    // the lines to be written next
	spare    []byte
	answers  int // in waiting
	writing  int // that are being written
	unsaved  bool
	err      error
}

// NewWriter begins the part of a run with its Header, which is on disk when it returns.
// fail is called once, from another goroutine, if something cannot be written later; from
// then on nothing is.
func NewWriter(file File, h Header, fail func(error)) (*Writer, error) {
	if _, err := file.Write(append(h.appendLine(nil), '\n')); err != nil {
		return nil, err
	}
	if err := file.Sync(); err != nil {
		return nil, err
	}
	w := &Writer{file: file, fail: fail, some: make(chan struct{}, 1), closing: make(chan struct{})}
	w.room.L = &w.mu
	w.work.Go(w.writeAll)
	w.work.Go(w.syncAll)
	return w, nil
}

// Put has these Observations written, in order. It keeps nothing of the slice. It waits
// while too many are on their way; after an error it does nothing. What an overlay gave is
// no evidence and is left out.
func (w *Writer) Put(observations []Observation) {
	for some := range slices.Chunk(observations, writeAtOnce) {
		w.put(some)
	}
}

func (w *Writer) put(some []Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && w.answers+w.writing+len(some) > mostUnwritten {
		w.room.Wait()
	}
	if w.err != nil {
		return
	}
	for i := range some {
		if some[i].Transport == Overlay {
			continue
		}
		w.count(&some[i])
		w.waiting = w.proof.appendAnswer(w.waiting, &some[i])
		w.answers++
	}
	w.tell()
}

// PutLink has a Link written, before all that is put later. It may be called from any
// goroutine. It waits, and does nothing, as Put does.
func (w *Writer) PutLink(l Link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && w.answers+w.writing+1 > mostUnwritten {
		w.room.Wait()
	}
	if w.err != nil {
		return
	}
	w.waiting = w.proof.appendLink(w.waiting, l)
	w.answers++
	w.tell()
}

// count counts an answer, once if it is put again with Proofs. w.mu is held.
func (w *Writer) count(o *Observation) {
	if o.Failure == "" && len(o.Proofs) == 0 {
		w.answered++
	}
	if len(o.Signed) > 0 {
		w.proven++
	}
}

// Proven is how many answers were put, and of how many the replies that they rest on.
func (w *Writer) Proven() (proven, answers int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.proven, w.answered
}

// tell has what is waiting written, if that is enough. w.mu is held.
func (w *Writer) tell() {
	if w.answers < writeAtOnce {
		return
	}
	select {
	case w.some <- struct{}{}:
	default: // it is known already
	}
}

// Close writes what is left, brings it to disk and returns the first error there was. It
// does not close the File.
func (w *Writer) Close() error {
	close(w.closing)
	w.work.Wait()
	w.sync()
	if w.err != nil {
		_ = w.file.Sync() // what came before the error is worth as much as ever
	}
	return w.err
}

// writeAll writes what is waiting, until the Writer is closed and nothing is left.
func (w *Writer) writeAll() {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.some:
		case <-tick.C:
		case <-w.closing:
			w.write()
			return
		}
		w.write()
	}
}

func (w *Writer) write() {
	w.mu.Lock()
	lines := w.waiting
	w.waiting, w.spare = w.spare[:0], nil
	w.writing, w.answers = w.answers, 0
	failed := w.err != nil
	w.mu.Unlock()
	var err error
	if len(lines) > 0 && !failed {
		_, err = w.file.Write(lines)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spare, w.writing = lines, 0
	w.unsaved = w.unsaved || len(lines) > 0
	w.note(err)
	w.room.Broadcast()
}

// syncAll brings to disk what was written, apart from the writing, which does not wait for
// the disk.
func (w *Writer) syncAll() {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.sync()
		case <-w.closing:
			return
		}
	}
}

func (w *Writer) sync() {
	w.mu.Lock()
	unsaved := w.unsaved && w.err == nil
	w.unsaved = false
	w.mu.Unlock()
	if !unsaved {
		return
	}
	err := w.file.Sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note(err)
	w.room.Broadcast()
}

// note keeps the first error and tells of it. w.mu is held.
func (w *Writer) note(err error) {
	if err == nil || w.err != nil {
		return
	}
	w.err = err
	go w.fail(err) // which may wait for what Put holds
}

package snapshot_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"caascan/scan/snapshot"
)

// disk is a File that notes what was written and brought to disk, and can be slow or
// full.
type disk struct {
	mu      sync.Mutex
	text    bytes.Buffer
	synced  int // octets
	syncs   int
	calls   int           // after the one that has failed, too
	most    int           // lines of one Write
	slow    time.Duration // how long a Write takes
	full    error         // of the next Write, of which only a part is written
	unsafe  error         // of the next Sync
	blocked chan struct{} // where it is set, Write waits for it
}

func (d *disk) Write(lines []byte) (int, error) {
	d.mu.Lock()
	d.calls++
	d.most = max(d.most, bytes.Count(lines, []byte("\n")))
	slow, full, blocked := d.slow, d.full, d.blocked
	d.mu.Unlock()
	time.Sleep(slow)
	if blocked != nil {
		<-blocked
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if full != nil {
		n, _ := d.text.Write(lines[:len(lines)/2])
		return n, full
	}
	return d.text.Write(lines)
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.unsafe != nil {
		return d.unsafe
	}
	d.syncs++
	d.synced = d.text.Len()
	return nil
}

func (d *disk) set(change func(*disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// lines returns how many answers have been written, and how many are on disk.
func (d *disk) lines() (written, onDisk int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Count(d.text.Bytes(), []byte("\n")) - 1, bytes.Count(d.text.Bytes()[:d.synced], []byte("\n")) - 1
}

// recording runs a test of a Writer with a disk.
func recording(t *testing.T, test func(t *testing.T, d *disk, w *snapshot.Writer)) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		w, err := snapshot.NewWriter(d, snapshot.Header{}, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		test(t, d, w)
	})
}

func TestTheHeaderIsOnDiskBeforeAnythingIsAsked(t *testing.T) {
	recording(t, func(t *testing.T, d *disk, w *snapshot.Writer) {
		if d.synced == 0 || d.synced != d.text.Len() {
			t.Errorf("%d octets of %d on disk", d.synced, d.text.Len())
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestAnAnswerIsWrittenSoonAndOnDiskWithinASecond puts one at each of many moments.
func TestAnAnswerIsWrittenSoonAndOnDiskWithinASecond(t *testing.T) {
	recording(t, func(t *testing.T, d *disk, w *snapshot.Writer) {
		for i := range 40 {
			w.Put(answers(t, 1))
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if written, _ := d.lines(); written != i+1 {
				t.Errorf("%d written 100 ms after the last of %d", written, i+1)
			}
			time.Sleep(time.Duration(i) * 7 * time.Millisecond)
		}
		w.Put(answers(t, 1))
		time.Sleep(time.Second)
		synctest.Wait()
		if _, onDisk := d.lines(); onDisk != 41 {
			t.Errorf("%d on disk after a second, want 41", onDisk)
		}
		syncs := d.syncs
		time.Sleep(time.Minute)
		synctest.Wait()
		if d.syncs != syncs {
			t.Errorf("%d syncs of nothing", d.syncs-syncs)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestNoMoreThanAThousandAreUnwritten: not in one Put, and not while the disk is busy.
func TestNoMoreThanAThousandAreUnwritten(t *testing.T) {
	for _, batch := range []int{1, 256, 999, 5000} {
		recording(t, func(t *testing.T, d *disk, w *snapshot.Writer) {
			release := make(chan struct{})
			d.set(func(d *disk) { d.blocked = release })
			list, put := answers(t, 5000), 0
			var putting sync.WaitGroup
			putting.Go(func() {
				for put < len(list) {
					n := min(batch, len(list)-put)
					w.Put(list[put : put+n])
					d.set(func(*disk) { put += n })
					time.Sleep(time.Microsecond) // the Writer has its turn
				}
			})
			time.Sleep(time.Minute)
			synctest.Wait()
			if written, _ := d.lines(); put-written > 1000 || written > 0 {
				t.Errorf("batches of %d: %d have been taken and %d written", batch, put, written)
			}
			if batch == 1 && put != 1000 {
				t.Errorf("%d have been taken, want 1000 before Put waits", put)
			}
			close(release)
			putting.Wait()
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			if _, onDisk := d.lines(); onDisk != len(list) || d.most > 1000 {
				t.Errorf("batches of %d: %d on disk, want %d; %d at a time", batch, onDisk, len(list), d.most)
			}
		})
	}
}

// TestManyAnswersDoNotWaitForTheClock: the disk is not slow, so nobody waits.
func TestManyAnswersDoNotWaitForTheClock(t *testing.T) {
	recording(t, func(t *testing.T, d *disk, w *snapshot.Writer) {
		start := time.Now()
		for range 100 {
			w.Put(answers(t, 500))
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("Put waited for %v", took)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheOrderIsKeptAndAnOverlayIsNoEvidence(t *testing.T) {
	recording(t, func(t *testing.T, d *disk, w *snapshot.Writer) {
		d.set(func(d *disk) { d.slow = 30 * time.Millisecond })
		list := answers(t, 3000)
		var want []string
		for i := range list {
			if i%3 == 0 {
				list[i].Transport = snapshot.Overlay
				continue
			}
			want = append(want, list[i].Name.String())
		}
		for i := 0; i < len(list); i += 60 {
			w.Put(list[i : i+60])
			time.Sleep(time.Millisecond)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		var got []string
		for _, o := range readAll(t, d.text.Bytes()) {
			got = append(got, o.Name.String())
		}
		if strings.Join(got, " ") != strings.Join(want, " ") || d.synced != d.text.Len() {
			t.Errorf("%d answers and %d octets of %d on disk, want %d in order", len(got), d.synced, d.text.Len(), len(want))
		}
	})
}

// TestPutKeepsNothing: the slice is the caller's again.
func TestPutKeepsNothing(t *testing.T) {
	recording(t, func(t *testing.T, d *disk, w *snapshot.Writer) {
		list := answers(t, 10)
		w.Put(list)
		clear(list)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if got := readAll(t, d.text.Bytes()); len(got) != 10 || got[9].Name.String() != "mail9.department.example" {
			t.Errorf("%+v", got)
		}
	})
}

// TestADiskThatFailsEndsTheWriting: it is told once, Close tells it too, nothing is
// written or synced any more until Close, nobody waits, and what is there can be read.
func TestADiskThatFailsEndsTheWriting(t *testing.T) {
	broken := errors.New("no space left on device")
	for name, fail := range map[string]func(d *disk){
		"a write":       func(d *disk) { d.full = broken },
		"a short write": func(d *disk) { d.full = fmt.Errorf("%w: %w", broken, io.ErrShortWrite) },
		"a sync":        func(d *disk) { d.unsafe = broken },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := new(disk)
				var told []error
				w, err := snapshot.NewWriter(d, snapshot.Header{}, func(err error) { told = append(told, err) })
				if err != nil {
					t.Fatal(err)
				}
				w.Put(answers(t, 10))
				time.Sleep(time.Second)
				d.set(fail)
				w.Put(answers(t, 7))
				time.Sleep(time.Second)
				synctest.Wait()
				if len(told) != 1 || !errors.Is(told[0], broken) {
					t.Errorf("told of %v, want one %v", told, broken)
				}
				calls := d.calls
				for range 10 {
					w.Put(answers(t, 5000)) // would wait for ever
				}
				time.Sleep(time.Minute)
				if synctest.Wait(); d.calls != calls {
					t.Errorf("%d calls after the error", d.calls-calls)
				}
				if err := w.Close(); !errors.Is(err, broken) {
					t.Errorf("Close = %v, want %v", err, broken)
				}
				if synctest.Wait(); len(told) != 1 || d.calls != calls+1 { // what was written before is brought to disk
					t.Errorf("told of %v, and %d calls to close, want 1", told, d.calls-calls)
				}
				if got := read(d.text.String()); len(got.names) < 10 || got.err != nil {
					t.Errorf("%d answers can be read (%v), want the 10 that were on disk", len(got.names), got.err)
				}
			})
		})
	}
}

// TestAnErrorAtTheEndIsTold: the last lines are written by Close.
func TestAnErrorAtTheEndIsTold(t *testing.T) {
	broken := errors.New("no space left on device")
	for name, fail := range map[string]func(d *disk){
		"a write": func(d *disk) { d.full = broken },
		"a sync":  func(d *disk) { d.unsafe = broken },
	} {
		synctest.Test(t, func(t *testing.T) {
			d := new(disk)
			w, err := snapshot.NewWriter(d, snapshot.Header{}, func(error) {})
			if err != nil {
				t.Fatal(err)
			}
			d.set(fail)
			w.Put(answers(t, 1))
			if err := w.Close(); !errors.Is(err, broken) {
				t.Errorf("%s: Close = %v, want %v", name, err, broken)
			}
		})
	}
}

func TestNoWriterWithoutAHeader(t *testing.T) {
	broken := errors.New("no space left on device")
	for _, d := range []*disk{{full: broken}, {unsafe: broken}} {
		if _, err := snapshot.NewWriter(d, snapshot.Header{}, nil); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
	}
}

// TestSomebodyWhoWaitsIsSetFreeByAnError: Put waits for room while the disk is busy, and
// then the disk fails.
func TestSomebodyWhoWaitsIsSetFreeByAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no space left on device")
		d := new(disk)
		w, err := snapshot.NewWriter(d, snapshot.Header{}, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		d.set(func(d *disk) { d.blocked, d.full = release, broken })
		time.AfterFunc(time.Minute, func() { close(release) })
		start := time.Now()
		w.Put(answers(t, 5000))
		if took := time.Since(start); took != time.Minute {
			t.Errorf("Put returned after %v, want a minute", took)
		}
		if err := w.Close(); !errors.Is(err, broken) {
			t.Errorf("Close = %v, want %v", err, broken)
		}
	})
}

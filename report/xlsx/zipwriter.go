package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"

	"github.com/klauspost/compress/flate"
)

// zipWriter makes the archive that a workbook is, in place of the one that
// excelize would build in memory. Each part is deflated as it is written and
// kept in a spool; Close writes them in the order of their names, so equal parts
// give equal bytes in whatever order they came. [Content_Types].xml sorts first,
// where readers expect it.
//
// It is an excelize.ZipWriter. excelize forgets some errors of Write, so the
// first one is kept and returned by Create and Close.
type zipWriter struct {
	out   io.Writer
	dir   string // of the spools
	begun []*part
	parts map[string]*part
	open  *part // the one that Create made last
	err   error
}

func newZipWriter(out io.Writer, dir string) *zipWriter {
	return &zipWriter{out: out, dir: dir, parts: make(map[string]*part)}
}

// write makes a part of a text, in place of what excelize writes under its name.
func (z *zipWriter) write(name, text string) error {
	p, err := z.begin()
	if err != nil {
		return err
	}
	z.put(name, p)
	if _, err := io.WriteString(p, text); err != nil {
		return err
	}
	return p.finish()
}

// begin returns a part that gets its name from put.
func (z *zipWriter) begin() (*part, error) {
	p, err := newPart(z.dir)
	if err == nil {
		z.begun = append(z.begun, p)
	}
	return p, err
}

// put gives a part that is finished its name. What excelize then writes under the
// name is left out.
func (z *zipWriter) put(name string, p *part) { z.parts[name] = p }

// Create begins a part and ends the one begun before.
func (z *zipWriter) Create(name string) (io.Writer, error) {
	z.finishOpen()
	if z.err != nil {
		return nil, z.err
	}
	if _, ok := z.parts[name]; ok {
		return io.Discard, nil
	}
	z.open, z.err = z.begin()
	if z.err != nil {
		return nil, z.err
	}
	z.put(name, z.open)
	if path.Ext(name) == ".xml" {
		return unmarker{z.open}, nil
	}
	return z.open, nil
}

// unmarker writes escaped underscores to a part in place of their marks.
type unmarker struct{ part *part }

// Write writes data to the part, marks replaced, and counts data as written.
func (u unmarker) Write(data []byte) (int, error) {
	text := data
	if bytes.IndexByte(data, underscoreMark) >= 0 {
		text = unmark(data)
	}
	if _, err := u.part.Write(text); err != nil {
		return 0, err
	}
	return len(data), nil
}

// AddFS is there because excelize.ZipWriter has it; excelize never calls it.
func (z *zipWriter) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close writes the archive.
func (z *zipWriter) Close() error {
	z.finishOpen()
	if z.err != nil {
		return z.err
	}
	archive := zip.NewWriter(z.out)
	for _, name := range slices.Sorted(maps.Keys(z.parts)) {
		if err := z.parts[name].writeTo(archive, name); err != nil {
			return fmt.Errorf("workbook part %s: %w", name, err)
		}
	}
	return archive.Close()
}

// release ends what still works on parts and removes the spools.
func (z *zipWriter) release() error {
	var err error
	for _, p := range z.begun {
		p.wait()
		err = errors.Join(err, p.spool.Close())
	}
	return err
}

func (z *zipWriter) finishOpen() {
	if z.open == nil {
		return
	}
	if err := z.open.finish(); z.err == nil {
		z.err = err
	}
	z.open = nil
}

// part is a file of the archive: deflated while it is written.
type part struct {
	spool    spool
	deflater *flate.Writer
	crc      uint32
	size     int64 // before it is deflated
	err      error // the first
	behind   *behind
}

// behind is a goroutine that deflates what was given to a part, so that the rows of a
// large sheet are made at the same time.
type behind struct {
	chunks chan []byte
	free   chan []byte   // chunks that can be used again
	broken chan struct{} // closed at the first error
	done   chan struct{}
}

// chunksAhead is how many chunks wait at most.
const chunksAhead = 2

// deflateLevel trades time for size: at level 6 a workbook of 100,000 rows is a
// sixth smaller and takes a third more time.
const deflateLevel = 1

func newPart(dir string) (*part, error) {
	p := &part{spool: spool{dir: dir}}
	deflater, err := flate.NewWriter(&p.spool, deflateLevel)
	if err != nil {
		return nil, err
	}
	p.deflater = deflater
	return p, nil
}

// give hands a chunk over to be deflated, and returns an empty one in its place. The part
// is not to be written to in any other way then. An error may be that of an earlier chunk.
func (p *part) give(chunk []byte) ([]byte, error) {
	if p.behind == nil {
		p.behind = &behind{make(chan []byte, chunksAhead), make(chan []byte, chunksAhead+2), make(chan struct{}), make(chan struct{})}
		go p.deflate(p.behind)
	}
	select {
	case p.behind.chunks <- chunk:
	case <-p.behind.broken:
		return nil, p.err
	}
	select {
	case next := <-p.behind.free:
		return next[:0], nil
	default:
		return make([]byte, 0, cap(chunk)), nil
	}
}

// deflate writes what is given. After an error it takes what is left and drops it.
func (p *part) deflate(b *behind) {
	defer close(b.done)
	for chunk := range b.chunks {
		if p.err != nil {
			continue
		}
		if _, err := p.Write(chunk); err != nil {
			close(b.broken)
		}
		b.free <- chunk
	}
}

// wait returns when nothing works on the part any more. Nothing can be given to it then.
func (p *part) wait() {
	if p.behind != nil {
		close(p.behind.chunks)
		<-p.behind.done
		p.behind = nil
	}
}

// end gives the part its last chunk and finishes it.
func (p *part) end(chunk []byte) error {
	p.wait()
	if _, err := p.Write(chunk); err != nil {
		return err
	}
	return p.finish()
}

// Write deflates data. After an error it returns that error again.
func (p *part) Write(data []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	p.crc = crc32.Update(p.crc, crc32.IEEETable, data)
	p.size += int64(len(data))
	var n int
	n, p.err = p.deflater.Write(data)
	return n, p.err
}

// finish ends the part; nothing may be written to it afterwards.
func (p *part) finish() error {
	if p.err == nil {
		p.err = p.deflater.Close()
	}
	p.deflater = nil // with its tables, of which a workbook would else hold a dozen
	return p.err
}

// errPartTooLarge guards against archives that no reader opens: archive/zip gives
// a raw part no zip64 field in its local header. The rows go to another sheet
// long before.
var errPartTooLarge = errors.New("over 4 GiB of XML")

// The fields of an archive that never differ.
const (
	zipVersion = 20              // 2.0, the first with deflate
	zipDate    = 0<<9 | 1<<5 | 1 // 1980-01-01, the first that the format knows: equal parts, equal bytes
)

func (p *part) writeTo(archive *zip.Writer, name string) error {
	if p.size >= math.MaxUint32 || p.spool.size >= math.MaxUint32 {
		return errPartTooLarge
	}
	w, err := archive.CreateRaw(&zip.FileHeader{
		Name:               name,
		Method:             zip.Deflate,
		CreatorVersion:     zipVersion,
		ReaderVersion:      zipVersion,
		ModifiedDate:       zipDate, //lint:ignore SA1019 CreateRaw does not look at Modified
		CRC32:              p.crc,
		CompressedSize64:   uint64(p.spool.size),
		UncompressedSize64: uint64(p.size),
	})
	if err != nil {
		return err
	}
	_, err = p.spool.WriteTo(w)
	return err
}

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

func (u unmarker) Write(data []byte) (int, error) {
	text := data
	if bytes.IndexByte(data, underscoreMark) >= 0 {
		text = bytes.ReplaceAll(data, []byte{underscoreMark}, []byte(escapedUnderscore))
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

// release removes the spools.
func (z *zipWriter) release() error {
	var err error
	for _, p := range z.begun {
		err = errors.Join(err, p.spool.Close())
	}
	return err
}

// onlySheet is an excelize.ZipWriter that keeps the first sheet of a workbook, as a
// part of another archive, and nothing else.
type onlySheet struct{ part *part }

func (o onlySheet) Create(name string) (io.Writer, error) {
	if name == "xl/worksheets/sheet1.xml" {
		return unmarker(o), nil
	}
	return io.Discard, nil
}

func (o onlySheet) AddFS(fs.FS) error { return errors.ErrUnsupported }
func (o onlySheet) Close() error      { return nil }

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
}

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

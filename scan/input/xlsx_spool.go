package input

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"caascan/scan"
)

// A spool holds the rows of a sheet as they were read, for passes that are as quick as
// those over a text: blocks of records, each block with its length before it. A record is
// the rows since the last one, twice the number of its cells and one more if it is broken,
// and its cells: four times the length of the text and its kind; the text; and of a number
// the length of the raw value, which follows.

// spoolBlock is how many octets of records are put together.
const spoolBlock = 32 << 10

// spoolWriter writes a spool.
type spoolWriter struct {
	w     *bufio.Writer
	block []byte
	last  int // the number of the last row
}

func (s *spoolWriter) add(row *sheetRow) error {
	s.block = binary.AppendUvarint(s.block, uint64(row.number-s.last))
	s.last = row.number
	cells := 2 * uint64(len(row.cells))
	if row.broken {
		cells++
	}
	s.block = binary.AppendUvarint(s.block, cells)
	for _, cell := range row.cells {
		s.block = binary.AppendUvarint(s.block, 4*uint64(len(cell.text))+uint64(cell.kind))
		s.block = append(s.block, cell.text...)
		if cell.kind == scan.NumberValue {
			s.block = binary.AppendUvarint(s.block, uint64(len(cell.raw)))
			s.block = append(s.block, cell.raw...)
		}
	}
	if len(s.block) < spoolBlock {
		return nil
	}
	return s.flushBlock()
}

func (s *spoolWriter) flushBlock() error {
	if _, err := s.w.Write(binary.AppendUvarint(nil, uint64(len(s.block)))); err != nil {
		return err
	}
	_, err := s.w.Write(s.block)
	s.block = s.block[:0]
	return err
}

func (s *spoolWriter) close() error { return errors.Join(s.flushBlock(), s.w.Flush()) }

// spoolRecords yields the records of a spool, one for each row up to the last.
func (w *workbook) spoolRecords(yield func(record, error) bool) {
	file, err := os.Open(w.spool)
	if err != nil {
		yield(record{}, fmt.Errorf("read a temporary file: %w", err))
		return
	}
	defer file.Close()
	var rec record
	for block, err := range blocks(bufio.NewReaderSize(file, chunk)) {
		if err != nil {
			yield(record{}, fmt.Errorf("read a temporary file: %w", err))
			return
		}
		for len(block) > 0 {
			gap, n := uvarint(block)
			for ; gap > 1; gap-- {
				rec.number++
				if !yield(record{number: rec.number}, nil) {
					return
				}
			}
			rec.number++
			block = rec.read(block[n:])
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// read reads a record after its gap and returns what follows it.
func (rec *record) read(block string) string {
	cells, n := uvarint(block)
	block = block[n:]
	rec.broken = cells&1 == 1
	rec.cells, rec.values = rec.cells[:0], nil
	for range cells >> 1 {
		head, n := uvarint(block)
		length, kind := int(head>>2), scan.ValueKind(head&3)
		rec.cells = append(rec.cells, block[n:n+length])
		block = block[n+length:]
		if kind == scan.TextValue {
			continue
		}
		if rec.values == nil {
			rec.values = make([]scan.Value, cells>>1)
		}
		value := scan.Value{Kind: kind}
		if kind == scan.NumberValue {
			length, n := uvarint(block)
			value.Raw = block[n : n+int(length)]
			block = block[n+int(length):]
		}
		rec.values[len(rec.cells)-1] = value
	}
	return block
}

// blocks yields the blocks of a spool, each a string of its own.
func blocks(r *bufio.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var buf []byte
		for {
			length, err := binary.ReadUvarint(r)
			if err == io.EOF {
				return
			}
			if err == nil {
				buf = append(buf[:0], make([]byte, length)...)
				_, err = io.ReadFull(r, buf)
			}
			if !yield(string(buf), err) || err != nil {
				return
			}
		}
	}
}

// uvarint is binary.Uvarint of a string.
func uvarint(text string) (value uint64, length int) {
	for shift := 0; ; shift += 7 {
		c := text[length]
		length++
		value |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return value, length
		}
	}
}

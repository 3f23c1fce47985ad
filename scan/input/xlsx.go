package input

import (
	"archive/zip"
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strconv"
	"strings"
)

// workbook is a list in a sheet of an XLSX workbook (ISO/IEC 29500-1, clause 18). It is
// decoded once, when it is opened; passes read the spool that was made of it.
type workbook struct {
	ctx      context.Context //nolint:containedctx // ends passes, as the comment of Open says
	file     string
	sum      string // the SHA-256 of the file that was decoded, in hexadecimal
	spool    string
	sheet    string
	others   []string // the other sheets, quoted
	formulas int      // cells whose formula has no saved result
}

// opening is a workbook that is being decoded.
type opening struct {
	*workbook
	*parts
	book    bookParts
	texts   *sharedTexts
	numbers *numberFormats
	temp    string
}

// openWorkbook chooses the sheet and decodes it to its end.
func openWorkbook(ctx context.Context, file, temp, asked string) (*workbook, error) {
	w := &workbook{ctx: ctx, file: file}
	var err error
	if w.sum, err = w.hash(io.Discard); err != nil {
		return nil, err
	}
	archive, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("%w: it begins like a zip archive but is damaged or cut short: %w", ErrFormat, err)
	}
	defer archive.Close()
	o := &opening{workbook: w, parts: newParts(ctx, &archive.Reader), temp: temp}
	if kind := o.kind(); kind != "" {
		return nil, fmt.Errorf("%w: it is %s; save it as .xlsx or CSV", ErrKind, kind)
	}
	if err := o.prepare(); err != nil {
		return nil, o.explain(err, "it is a zip archive without a workbook that can be read", "save it as .xlsx or CSV")
	}
	defer o.release()
	return w, o.choose(asked)
}

// kind names what an archive is that is no workbook of the kind that is read; "" else.
func (p *parts) kind() string {
	_, openDocument := p.files["content.xml"]
	_, binary := p.files["xl/workbook.bin"]
	_, office := p.files["_rels/.rels"]
	switch {
	case openDocument:
		return "an OpenDocument file (.ods)"
	case binary:
		return "a binary workbook (.xlsb)"
	case !office:
		return "a zip archive without a workbook that can be read"
	}
	return ""
}

// explain says of an error in the file what is wrong with it, and leaves others alone.
func (o *opening) explain(err error, what, advice string) error {
	if stop := o.parts.ctx.Err(); stop != nil {
		return cmp.Or(context.Cause(o.parts.ctx), stop)
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok { // a disk that is full, say
		return err
	}
	if errors.Is(err, errTooLarge) {
		return fmt.Errorf("%w of a size that can be read: %w; save the sheet as CSV", ErrFormat, errTooLarge)
	}
	return fmt.Errorf("%w: %s (%w); %s", ErrFormat, what, err, advice)
}

func (o *opening) prepare() (err error) {
	if o.book, err = o.parts.book(); err != nil {
		return err
	}
	o.numbers, err = readFormats(o.parts, o.book)
	return err
}

func (o *opening) release() {
	_ = o.numbers.close()
	if o.texts != nil {
		_ = o.texts.close() // the directory is removed with all that is in it
	}
}

// choose decodes the sheet that is asked for or, if none is, the first that can be
// seen and has rows with addresses; failing that, the first that has rows.
func (o *opening) choose(asked string) error {
	if asked = strings.TrimSpace(asked); asked != "" {
		at, err := findSheet(o.book.sheets, asked)
		if err != nil {
			return err
		}
		return o.use(at)
	}
	withRows := -1
	for at, s := range o.book.sheets {
		if s.hidden {
			continue
		}
		found, err := o.decode(at, mustHoldAddresses)
		if err != nil {
			return err
		}
		switch {
		case found == withAddresses:
			o.take(at)
			return nil
		case found == withoutAddresses && withRows < 0:
			withRows = at
		}
	}
	if withRows < 0 {
		return o.noRows()
	}
	return o.use(withRows)
}

// noRows is what is said of a workbook in which no sheet that can be seen has any.
func (o *opening) noRows() error {
	var hidden []string
	for i, s := range o.book.sheets {
		if s.hidden {
			hidden = append(hidden, fmt.Sprintf("%d (%s)", i+1, quote(s.name)))
		}
	}
	if len(hidden) == 0 {
		return nil // which says so itself
	}
	return fmt.Errorf("%w with visible rows; use --sheet to choose a hidden one: %s", ErrSheet, list(hidden))
}

// use decodes a sheet, whatever it holds.
func (o *opening) use(at int) error {
	_, err := o.decode(at, mayHoldAnything)
	o.take(at)
	return err
}

// take makes a sheet the one that was read.
func (o *opening) take(at int) {
	o.sheet = o.book.sheets[at].name
	for i, other := range o.book.sheets {
		if i == at {
			continue
		}
		name := quote(other.name)
		if other.hidden {
			name += " (hidden)"
		}
		o.others = append(o.others, name)
	}
}

// findSheet returns the index of the sheet that is asked for by name or number.
func findSheet(sheets []sheet, asked string) (int, error) {
	names := make([]string, len(sheets))
	for i, s := range sheets {
		if strings.EqualFold(strings.TrimSpace(s.name), asked) {
			return i, nil
		}
		names[i] = fmt.Sprintf("%d (%s)", i+1, quote(s.name))
	}
	if number, err := strconv.Atoi(asked); err == nil && number >= 1 && number <= len(sheets) {
		return number - 1, nil
	}
	return 0, fmt.Errorf("%w %s; use --sheet with one of these names or numbers: %s", ErrSheet, quote(asked), list(names))
}

// demand is what a sheet must hold to be decoded to its end.
type demand int

const (
	mayHoldAnything demand = iota
	mustHoldAddresses
)

// contents is what a sheet turned out to hold.
type contents int

const (
	noRows contents = iota
	withoutAddresses
	withAddresses
)

// decode writes a sheet to the spool. If addresses are demanded and do not show, it
// stops after a sample.
func (o *opening) decode(at int, demanded demand) (contents, error) {
	s := o.book.sheets[at]
	found, err := o.decodePart(s.part, demanded)
	if err != nil && !errors.Is(err, ErrFormat) {
		err = o.explain(err, "sheet "+quote(s.name)+" is damaged", "open it in a spreadsheet program and save it again")
	}
	return found, err
}

func (o *opening) decodePart(name string, demanded demand) (found contents, err error) {
	if o.texts == nil {
		if o.texts, err = readTexts(o.parts, o.book.texts, o.temp); err != nil {
			return noRows, err
		}
	}
	reader, err := o.openSheet(name, o.texts, o.numbers)
	if err != nil {
		return noRows, err
	}
	defer reader.Close()
	file, err := os.CreateTemp(o.temp, "sheet-")
	if err != nil {
		return noRows, fmt.Errorf("make a temporary file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if o.spool != "" {
		_ = os.Remove(o.spool) // with the directory, if not now
	}
	o.spool = file.Name()
	spool := &spoolWriter{w: bufio.NewWriterSize(file, chunk)}
	found, err = copyRows(reader, spool, demanded)
	o.formulas = reader.formulas
	if err != nil {
		return found, err
	}
	return found, spool.close()
}

func copyRows(reader *sheetReader, spool *spoolWriter, demanded demand) (contents, error) {
	found := noRows
	for rows := 0; ; {
		row, err := reader.next()
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		if len(row.cells) > 0 {
			rows++
			if found != withAddresses {
				found = contentsOf(row)
			}
		}
		if demanded == mustHoldAddresses && found == withoutAddresses && rows >= sampleRecords {
			return found, nil
		}
		if err := spool.add(row); err != nil {
			return found, fmt.Errorf("write a temporary file: %w", err)
		}
	}
}

func contentsOf(row *sheetRow) contents {
	for _, cell := range row.cells {
		if text := string(cell.text); isTarget(text) || strings.Contains(text, "@") {
			return withAddresses
		}
	}
	return withoutAddresses
}

// excuse implements source.
func (w *workbook) excuse() string {
	if w.formulas == 0 {
		return ""
	}
	return ", and " + w.unsaved()
}

// unsaved says that there are formulas without a saved result.
func (w *workbook) unsaved() string {
	what := "cells hold formulas without a saved result and are"
	if w.formulas == 1 {
		what = "cell holds a formula without a saved result and is"
	}
	return fmt.Sprintf("%d %s read as empty: open the workbook in a spreadsheet program and save it", w.formulas, what)
}

// records implements source.
func (w *workbook) records(digest io.Writer) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		if digest != io.Discard { // a look at the start needs none
			sum, err := w.hash(digest)
			if err == nil && sum != w.sum {
				err = fmt.Errorf("%w that can be read: the workbook has changed", ErrFormat)
			}
			if err != nil {
				yield(record{}, err)
				return
			}
		}
		w.spoolRecords(yield)
	}
}

// hash passes the file to digest and returns its SHA-256.
func (w *workbook) hash(digest io.Writer) (string, error) {
	file, err := os.Open(w.file)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(sum, digest), &stoppable{w.ctx, file}); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// stoppable reads until ctx ends.
type stoppable struct {
	ctx context.Context //nolint:containedctx // of the one reading
	io.Reader
}

// Read fails with the cause of ctx once that has ended.
func (s *stoppable) Read(to []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.Reader.Read(to)
}

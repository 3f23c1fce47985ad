package input

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// maxUnpacked is what the parts of a workbook that are needed may unpack to, in octets.
// All others, pictures and the sheets that are not read among them, are never unpacked.
const maxUnpacked = 512 << 20

// maxSheets is how many sheets of a workbook are looked at.
const maxSheets = 10000

// parts are the files in a workbook's archive (ISO/IEC 29500-2).
type parts struct {
	ctx   context.Context //nolint:containedctx // for as long as the workbook is opened
	files map[string]*zip.File
	left  int64 // octets that may still be unpacked
}

func newParts(ctx context.Context, archive *zip.Reader) *parts {
	p := &parts{ctx: ctx, files: make(map[string]*zip.File, len(archive.File)), left: maxUnpacked}
	for _, file := range archive.File {
		name := partName(file.Name)
		if _, again := p.files[name]; !again {
			p.files[name] = file
		}
	}
	return p
}

// partName is how parts are compared: without regard to case, and with the slashes of
// some programs set right.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// part is a part that is being read.
type part struct {
	*xmlScanner
	file io.Closer
}

// Close closes the part, not the archive.
func (p part) Close() error { return p.file.Close() }

// errNoPart says that a part is not there.
var errNoPart = errors.New("no part")

// open returns a part by its name in the archive.
func (p *parts) open(name string) (part, error) {
	file, ok := p.files[partName(name)]
	if !ok {
		return part{}, fmt.Errorf("%w %s", errNoPart, quote(name))
	}
	content, err := file.Open()
	if err != nil {
		return part{}, fmt.Errorf("part %s: %w", quote(name), err)
	}
	text, err := xmlReader(&budgeted{content, p})
	if err != nil {
		return part{}, errors.Join(fmt.Errorf("part %s: %w", quote(name), err), content.Close())
	}
	return part{newXMLScanner(text), content}, nil
}

// budgeted reads a part as long as all of them stay below maxUnpacked and the work is
// wanted.
type budgeted struct {
	io.Reader
	parts *parts
}

// errTooLarge is about maxUnpacked.
var errTooLarge = fmt.Errorf("its parts unpack to more than %d MiB", maxUnpacked>>20)

// Read fails with errTooLarge beyond the budget, and with the cause of the context once that
// has ended.
func (b *budgeted) Read(to []byte) (int, error) {
	if err := b.parts.ctx.Err(); err != nil {
		return 0, context.Cause(b.parts.ctx)
	}
	n, err := b.Reader.Read(to)
	if b.parts.left -= int64(n); b.parts.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// xmlReader returns XML in UTF-8. Its encoding is told by a byte order mark, by the first
// octets or by the declaration (XML 1.0, appendix F).
func xmlReader(raw io.Reader) (io.Reader, error) {
	head := make([]byte, 256)
	n, err := io.ReadFull(raw, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	head = head[:n]
	all := io.MultiReader(bytes.NewReader(head), raw)
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err := io.CopyN(io.Discard, all, 3)
		return all, err
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("<\x00")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(all), nil
	case bytes.HasPrefix(head, []byte("\xfe\xff")), bytes.HasPrefix(head, []byte("\x00<")):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(all), nil
	}
	declared, err := declaredEncoding(head)
	if err != nil || declared == nil {
		return all, err
	}
	return declared.NewDecoder().Reader(all), nil
}

// declaredEncoding returns the encoding that an XML declaration names, or nil of UTF-8.
func declaredEncoding(head []byte) (encoding.Encoding, error) {
	declaration, _, ok := bytes.Cut(head, []byte("?>"))
	_, name, found := bytes.Cut(declaration, []byte("encoding"))
	if !ok || !found || !bytes.HasPrefix(declaration, []byte("<?xml")) {
		return nil, nil
	}
	label := strings.Trim(strings.TrimLeft(string(name), "= \t\r\n"), "\"' \t\r\n")
	if end := strings.IndexAny(label, "\"'"); end >= 0 {
		label = label[:end]
	}
	named, err := htmlindex.Get(label)
	if err != nil {
		return nil, fmt.Errorf("encoding %s is not known", quote(label))
	}
	if named == unicode.UTF8 {
		return nil, nil
	}
	return named, nil
}

// related returns the parts of one kind that a part refers to, by identifier.
func (p *parts) related(from, kind string) (map[string]string, error) {
	dir, base := path.Split(from)
	found, err := p.open(dir + "_rels/" + base + ".rels")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	byID := make(map[string]string)
	for {
		token, err := found.next()
		if err == io.EOF {
			return byID, nil
		}
		if err != nil {
			return nil, fmt.Errorf("relationships of %s: %w", quote(from), err)
		}
		if token != xmlStart || string(found.name) != "Relationship" || path.Base(found.attrText("Type")) != kind {
			continue
		}
		target := found.attrText("Target")
		if inside, absolute := strings.CutPrefix(target, "/"); absolute {
			target = inside
		} else {
			target = path.Join(dir, target)
		}
		byID[found.attrText("Id")] = target
		if len(byID) > maxSheets {
			return nil, fmt.Errorf("more than %d relationships of a kind", maxSheets)
		}
	}
}

// relatedOne returns the one part of a kind that a part refers to, or "".
func (p *parts) relatedOne(from, kind string) (string, error) {
	found, err := p.related(from, kind)
	for _, name := range found {
		return name, err
	}
	return "", err
}

// sheet is a worksheet; sheets of charts and macros are not listed.
type sheet struct {
	name   string
	part   string
	hidden bool
}

// bookParts is what a workbook says of itself.
type bookParts struct {
	sheets   []sheet // in the order of their tabs
	texts    string  // the part with the shared texts, or ""
	styles   string  // the part with the styles, or ""
	date1904 bool
}

// book reads what the workbook says of itself.
func (p *parts) book() (bookParts, error) {
	root, err := p.relatedOne("", "officeDocument")
	if err == nil && root == "" {
		err = errors.New("no workbook")
	}
	if err != nil {
		return bookParts{}, err
	}
	worksheets, err := p.related(root, "worksheet")
	if err != nil {
		return bookParts{}, err
	}
	var book bookParts
	if book.texts, err = p.relatedOne(root, "sharedStrings"); err != nil {
		return bookParts{}, err
	}
	if book.styles, err = p.relatedOne(root, "styles"); err != nil {
		return bookParts{}, err
	}
	p.usual(&book.texts, "xl/sharedStrings.xml")
	p.usual(&book.styles, "xl/styles.xml")
	if err := p.readBook(root, worksheets, &book); err != nil {
		return bookParts{}, err
	}
	if len(book.sheets) == 0 {
		return bookParts{}, errors.New("no sheets")
	}
	return book, nil
}

// usual fills in the usual name of a part that no relationship leads to, if it is there.
func (p *parts) usual(name *string, usual string) {
	if _, there := p.files[partName(usual)]; *name == "" && there {
		*name = usual
	}
}

func (p *parts) readBook(root string, worksheets map[string]string, book *bookParts) error {
	found, err := p.open(root)
	if err != nil {
		return err
	}
	defer found.Close()
	for {
		token, err := found.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("part %s: %w", quote(root), err)
		}
		switch {
		case token != xmlStart:
		case found.depth == 2 && string(found.name) == "workbookPr":
			book.date1904 = isTrue(found.attr("date1904"))
		case found.depth == 3 && string(found.name) == "sheet":
			worksheet, ok := worksheets[found.attrText(found.prefixed("id")...)]
			if !ok {
				continue
			}
			book.sheets = append(book.sheets, sheet{
				name: found.attrText("name"), part: worksheet,
				hidden: strings.HasSuffix(strings.ToLower(found.attrText("state")), "hidden"),
			})
			if len(book.sheets) > maxSheets {
				return fmt.Errorf("more than %d sheets", maxSheets)
			}
		}
	}
}

func isTrue(value []byte) bool { return string(value) == "1" || string(value) == "true" }

// prefixed returns the names of the attributes that have a local name after a prefix.
func (x *xmlScanner) prefixed(name string) []string {
	var names []string
	for word := range bytes.FieldsFuncSeq(x.attrs, func(r rune) bool {
		return r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == '=' || r == '"' || r == '\''
	}) {
		if bytes.HasSuffix(word, []byte(":"+name)) {
			names = append(names, string(word))
		}
	}
	return names
}

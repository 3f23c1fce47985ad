package zone

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"

	"caascan/scan/domain"
)

// Defaults and bounds of a master file.
const (
	// defaultTTL, in seconds, holds until a record or $TTL says otherwise.
	defaultTTL = 3600
	// maxTTL is that of RFC 2181, section 8, in seconds.
	maxTTL = math.MaxInt32
	// maxFiles bounds $INCLUDE, so that a file that includes itself ends.
	maxFiles = 100
	// maxGenerated bounds the records that all $GENERATE of a load make.
	maxGenerated = 1 << 16
)

// record is one record of a zone. Its TTL is that of its RRset.
type record struct {
	owner   name
	typ     uint16
	rdata   string
	comment string
}

// place is where in the files something is.
type place struct {
	file string
	line int
}

// loaded is a record as the files have it.
type loaded struct {
	record
	ttl uint32
	place
}

// lineError is err with the file and line to mend.
type lineError struct {
	place
	err error
}

// Error is "file:line: " and what is wrong there.
func (e *lineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.file, e.line, e.err) }

// Unwrap returns what is wrong without its place.
func (e *lineError) Unwrap() error { return e.err }

// loader collects the records of a master file and all it includes.
type loader struct {
	folder    *os.Root // the zone file's; nil if $INCLUDE is not allowed
	dir       string   // the folder as messages write it
	origin    string   // that the file begins with, absolute text, or ""
	files     int
	generated int
	records   []loaded
	buffer    []byte // in which the library packs RDATA
}

// reader reads one master file.
type reader struct {
	*loader
	file     string // as messages write it
	path     string // inside the folder
	scanner  *scanner
	origin   string // absolute text; empty before the first $ORIGIN
	owner    name   // of the last record
	ttl      uint32
	ttlFixed bool // by $TTL, so that a record's own does not stay (RFC 2308, section 4)
}

// read reads the file to its end.
func (r *reader) read() error {
	for {
		e, err := r.scanner.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return r.locate(r.scanner.line, err)
		}
		if err := r.entry(e); err != nil {
			return r.locate(e.line, err)
		}
	}
}

// locate adds where err happened, unless the included file has said so.
func (r *reader) locate(line int, err error) error {
	if _, ok := errors.AsType[*lineError](err); ok {
		return err
	}
	return &lineError{place{r.file, line}, err}
}

func (r *reader) entry(e entry) error {
	first := e.tokens[0].text
	if e.blank || first[0] != '$' {
		return r.record(e)
	}
	switch strings.ToUpper(first) {
	case "$ORIGIN":
		return r.setOrigin(e.tokens[1:])
	case "$TTL":
		return r.setTTL(e.tokens[1:])
	case "$INCLUDE":
		return r.include(e.tokens[1:])
	case "$GENERATE":
		return r.generate(e)
	}
	return fmt.Errorf("directive %s is not known; write a backslash before a name that begins with $", quote(first))
}

func (r *reader) setOrigin(args []token) error {
	if len(args) != 1 {
		return errors.New("$ORIGIN must be followed by one name")
	}
	wire, err := r.name(args[0])
	if err != nil {
		return fmt.Errorf("$ORIGIN: %w", err)
	}
	r.origin = lower(wire).absolute()
	return nil
}

func (r *reader) setTTL(args []token) error {
	if len(args) != 1 {
		return errors.New("$TTL must be followed by one number of seconds")
	}
	ttl, ok := parseTTL(args[0].text)
	if !ok {
		return fmt.Errorf("$TTL: %s is not a number of seconds up to %d", quote(args[0].text), maxTTL)
	}
	r.ttl, r.ttlFixed = ttl, true
	return nil
}

// include reads the file named, as if it stood here, and comes back to this
// file's origin and owner (RFC 1035, section 5.1).
func (r *reader) include(args []token) error {
	if len(args) != 1 && len(args) != 2 {
		return errors.New("$INCLUDE must be followed by a file and, if needed, an origin")
	}
	if r.folder == nil {
		return errors.New("$INCLUDE is not allowed here")
	}
	origin := r.origin
	if len(args) == 2 {
		wire, err := r.name(args[1])
		if err != nil {
			return fmt.Errorf("$INCLUDE: %w", err)
		}
		origin = lower(wire).absolute()
	}
	return r.includeFile(unescape(args[0].text), origin)
}

// includeFile opens no file outside the folder, through symbolic links neither:
// a zone file is foreign, and its errors quote what they stumble over.
func (r *reader) includeFile(target, origin string) error {
	if r.files++; r.files > maxFiles {
		return fmt.Errorf("more than %d files are included; does one include itself?", maxFiles)
	}
	path := filepath.Join(filepath.Dir(r.path), filepath.FromSlash(target))
	if filepath.IsAbs(target) || !filepath.IsLocal(path) {
		return fmt.Errorf("$INCLUDE %s: an included file must stay in the zone file's folder", quote(target))
	}
	// A pipe would keep the opening waiting.
	if about, err := r.folder.Stat(path); err == nil && !about.Mode().IsRegular() {
		return fmt.Errorf("$INCLUDE %s: not a regular file", quote(target))
	}
	input, err := r.folder.Open(path)
	if err != nil {
		return fmt.Errorf("$INCLUDE %s: an included file must exist and stay in the zone file's folder: %w", quote(target), err)
	}
	defer func() { _ = input.Close() }() // it was only read
	included := &reader{
		loader: r.loader, file: filepath.Join(r.dir, path), path: path, scanner: newScanner(input, 1),
		origin: origin, ttl: r.ttl, ttlFixed: r.ttlFixed,
	}
	return included.read()
}

// checkASCII refuses an owner in which letters beyond ASCII are written as they are. The DNS
// has its A-label, so the records would be for a name that nobody asks for.
func checkASCII(owner string) error {
	if strings.IndexFunc(owner, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return nil
	}
	advice := `write other octets as \DDD`
	if name, err := domain.Parse(strings.TrimSuffix(owner, ".")); err == nil {
		advice = "in the DNS it is " + name.String()
	}
	return fmt.Errorf("owner %s has letters beyond ASCII: %s", quote(owner), advice)
}

// head is what is written between a record's owner and its RDATA.
type head struct {
	ttl    uint32
	typ    uint16
	tokens int
}

// record reads [owner] [TTL] [class] type RDATA, TTL and class in any order
// (RFC 1035, section 5.1).
func (r *reader) record(e entry) error {
	tokens := e.tokens
	if !e.blank {
		if err := checkASCII(tokens[0].text); err != nil {
			return err
		}
		wire, err := r.name(tokens[0])
		if err != nil {
			return fmt.Errorf("owner: %w", err)
		}
		r.owner, tokens = lower(wire), tokens[1:]
	}
	if r.owner == "" {
		return errors.New("the first record begins with white space, so it has no owner")
	}
	h, err := r.head(tokens)
	if err != nil {
		return err
	}
	rdata, err := r.rdata(h.typ, e.text, tokens[h.tokens:])
	if err != nil {
		return fmt.Errorf("%s record: %w", dns.Type(h.typ), err)
	}
	read := record{r.owner, h.typ, rdata, e.comment}
	r.records = append(r.records, loaded{read, h.ttl, place{r.file, e.line}})
	return nil
}

func (r *reader) head(tokens []token) (head, error) {
	h := head{ttl: r.ttl}
	for i, t := range tokens {
		text := strings.ToUpper(t.text)
		if ttl, ok := parseTTL(text); ok {
			h.ttl = ttl
			if !r.ttlFixed {
				r.ttl = ttl // RFC 1035, section 5.1: the last one stated stays
			}
			continue
		}
		if text == "IN" || text == "CLASS1" {
			continue
		}
		if _, class := dns.StringToClass[text]; class || strings.HasPrefix(text, "CLASS") {
			return head{}, fmt.Errorf("class %s: only class IN is served", quote(t.text))
		}
		typ, err := parseType(text)
		h.typ, h.tokens = typ, i+1
		return h, err
	}
	return head{}, errors.New("the record has no type")
}

func (r *reader) name(t token) (string, error) {
	if t.text[0] == '"' {
		return "", fmt.Errorf("a name must be written without quotation marks, unlike %s", quote(t.text))
	}
	return packName(t.text, r.origin)
}

// parseType returns the type with this mnemonic, in capitals, or of the form
// TYPEn (RFC 3597, section 5).
func parseType(text string) (uint16, error) {
	typ, known := dns.StringToType[text]
	if digits, ok := strings.CutPrefix(text, "TYPE"); ok && !known {
		n, err := strconv.ParseUint(digits, 10, 16)
		typ, known = uint16(n), err == nil
	}
	if !known {
		return 0, fmt.Errorf("%s is not a TTL, class or record type", quote(text))
	}
	// RFC 6895, section 3.1: question and meta types hold no data.
	if typ == dns.TypeNone || typ == dns.TypeOPT || 128 <= typ && typ <= 255 {
		return 0, fmt.Errorf("type %s is not for data in a zone", quote(text))
	}
	return typ, nil
}

// parseTTL reads a number of seconds, or numbers with the units of time that
// servers understand: 1h30m.
func parseTTL(text string) (uint32, bool) {
	if text == "" || text[0] < '0' || '9' < text[0] {
		return 0, false
	}
	sum, number := uint64(0), uint64(0)
	for _, c := range []byte(text) {
		if '0' <= c && c <= '9' {
			number = number*10 + uint64(c-'0')
		} else {
			sum, number = sum+number*unitSeconds(c), 0
		}
		if sum+number > maxTTL || unitSeconds(c) == 0 {
			return 0, false
		}
	}
	return uint32(sum + number), true
}

// unitSeconds returns the seconds in a unit of time, 1 for a digit, and 0 for an
// octet that is neither.
func unitSeconds(c byte) uint64 {
	switch c {
	case 'W', 'w':
		return 7 * 24 * 3600
	case 'D', 'd':
		return 24 * 3600
	case 'H', 'h':
		return 3600
	case 'M', 'm':
		return 60
	case 'S', 's', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return 1
	default:
		return 0
	}
}

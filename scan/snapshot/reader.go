package snapshot

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Errors that Reader.All yields, wrapped, with the file and the line.
var (
	// ErrNoSnapshot says that a file does not begin as a snapshot does.
	ErrNoSnapshot = errors.New("not a snapshot of caascan")
	// ErrFormat says that a later program has written it.
	ErrFormat = errors.New("a snapshot of a later caascan")
	// ErrBroken says that a line is neither an answer nor a header, and not the last one.
	ErrBroken = errors.New("a broken line")
)

// maxLine is how long a line can be: a set has 64 KiB of RDATA, each octet of which may
// be written as a few characters twice, and proofs have a few hundred names.
const maxLine = 4 << 20

// Reader reads a snapshot line by line. A last line that is torn, because the program
// that wrote it or the machine came to a sudden end, is left out.
type Reader struct {
	in     *bufio.Reader
	file   string
	number int // of the last line read
	header *Header
	all    []*Header
	proof  *proofReader // nil unless it is wanted
	links  func(*Header, Link)
	text   []byte // of the line, to be used again
	end    int64  // of the last whole line, in octets from the start
	torn   int64  // octets after it
}

// NewReader returns a Reader of r, which messages call file.
func NewReader(r io.Reader, file string) *Reader {
	const buffer = 256 << 10
	return &Reader{in: bufio.NewReaderSize(r, buffer), file: file}
}

// KeepProof has the Reader fill in what is signed of Observations, and hand each Link to
// links, with the Header of its run, when it comes to it. It is called before All.
func (r *Reader) KeepProof(links func(*Header, Link)) { r.links = links }

// Header is that of the run which has asked for the Observation yielded last; nil if
// nothing was read.
func (r *Reader) Header() *Header { return r.header }

// Headers are those of all runs so far, also of those that have learnt nothing.
func (r *Reader) Headers() []*Header { return r.all }

// End is where the last whole line ends, in octets from the start, and Torn how many
// octets of a torn one are after it, once All has ended.
func (r *Reader) End() int64 { return r.end }

// Torn is described at End.
func (r *Reader) Torn() int64 { return r.torn }

// All yields the Observations in the order of the lines: a later one of a name is to
// replace an earlier one. It ends at the first error, and yields that.
func (r *Reader) All() iter.Seq2[Observation, error] {
	return func(yield func(Observation, error) bool) {
		for {
			o, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// next returns the next Observation, or io.EOF after the last one.
func (r *Reader) next() (Observation, error) {
	for {
		length, err := r.readLine()
		if err != nil {
			return Observation{}, err
		}
		o, header, err := r.parse()
		switch {
		case errors.Is(err, ErrFormat), errors.Is(err, ErrNoSnapshot) && !r.tornStart():
			return o, r.errorAt(err)
		case err != nil && r.atEnd() && !json.Valid(r.text): // what can be read was not torn
			r.torn = int64(length)
			return o, io.EOF
		case err != nil:
			return o, r.errorAt(err)
		}
		r.end += int64(length)
		switch {
		case header != nil:
			r.begin(header)
		case !o.Name.IsZero():
			return o, nil
		}
	}
}

// begin begins a run, which names RRsets of its own lines only.
func (r *Reader) begin(h *Header) {
	r.header, r.all, r.proof = h, append(r.all, h), nil
	if r.links != nil && h.Flags.Proof {
		r.proof = &proofReader{links: r.links}
	}
}

// parse reads the line in r.text: an Observation, or a Header, which comes first, or what is
// neither and belongs to a proof.
func (r *Reader) parse() (o Observation, header *Header, err error) {
	var l line
	err = json.Unmarshal(r.text, &l)
	switch {
	case l.Snapshot != nil && *l.Snapshot > formatProof: // whatever err says of its fields
		return o, nil, fmt.Errorf("%w: format %d, and this program knows %d", ErrFormat, *l.Snapshot, formatProof)
	case r.header == nil && (err != nil || l.Snapshot == nil || *l.Snapshot < format):
		return o, nil, ErrNoSnapshot
	case err != nil:
		return o, nil, fmt.Errorf("%w: %w", ErrBroken, err)
	case l.Snapshot != nil && (*l.Snapshot < format || l.Name != ""):
		return o, nil, fmt.Errorf("%w: a header of format %d with the name %q", ErrBroken, *l.Snapshot, l.Name)
	case l.Snapshot != nil:
		header, err = parseHeader(r.text)
	case l.Name == "" && r.header.Flags.Proof:
		err = r.parseProof()
	default:
		o, err = parseLine(&l, r.proof)
	}
	if err != nil {
		return o, nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return o, header, nil
}

// parseProof reads the line in r.text as one that belongs to a proof.
func (r *Reader) parseProof() error {
	var t proofText
	if err := json.Unmarshal(r.text, &t); err != nil {
		return err
	}
	return r.proof.take(r.header, &t)
}

// readLine puts the next line into r.text, without its end, and returns its length with
// it; of one that is too long, and so broken, only what tells its kind. A last line
// without an end is torn, whatever is in it.
func (r *Reader) readLine() (length int, err error) {
	r.text = r.text[:0]
	r.number++
	for {
		part, err := r.in.ReadSlice('\n')
		length += len(part)
		if len(r.text) <= maxLine {
			r.text = append(r.text, part...)
		}
		switch {
		case err == nil && len(r.text) > maxLine:
			r.text = r.text[:len(headerStart)]
			return length, nil
		case err == nil:
			r.text = r.text[:len(r.text)-1]
			return length, nil
		case errors.Is(err, io.EOF) && length > 0 && r.header == nil && !r.tornStart():
			return length, r.errorAt(ErrNoSnapshot)
		case errors.Is(err, io.EOF):
			r.torn = int64(length)
			return length, io.EOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return length, fmt.Errorf("%s cannot be read: %w", r.file, err)
		}
	}
}

// headerStart is how the first line of a snapshot begins, which no line of others does, and
// proofStart how it begins if the run keeps proofs.
const (
	headerStart = `{"snapshot":1,"program":"`
	proofStart  = `{"snapshot":2,"program":"`
)

// maxTorn is how much a header may have left of itself: it is far from being so long.
const maxTorn = 64 << 10

// tornStart reports whether the line, the first one, is what may be left of a header: its
// beginning, and after it the zeros that some file systems leave after a loss of power.
// What is longer is somebody's.
func (r *Reader) tornStart() bool {
	text := bytes.TrimRight(r.text, "\x00")
	short := min(len(text), len(headerStart))
	start := string(text[:short])
	return len(r.text) <= maxTorn && (start == headerStart[:short] || start == proofStart[:short])
}

// atEnd reports whether nothing follows.
func (r *Reader) atEnd() bool {
	_, err := r.in.Peek(1)
	return errors.Is(err, io.EOF)
}

func (r *Reader) errorAt(err error) error { return fmt.Errorf("%s:%d: %w", r.file, r.number, err) }

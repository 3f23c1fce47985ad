package input

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// Encoding is how a text file spells its characters.
type Encoding string

// The encodings. A file is in Windows1252 if cells without a byte order mark
// before them are not valid UTF-8.
const (
	UTF8        Encoding = "UTF-8"
	UTF8BOM     Encoding = "UTF-8 with byte order mark"
	UTF16LE     Encoding = "UTF-16LE"
	UTF16BE     Encoding = "UTF-16BE"
	Windows1252 Encoding = "Windows-1252"
)

// sniff tells the encoding from the start of a file, and how many octets of byte
// order mark to skip. Windows-1252 shows later, cell by cell.
func sniff(head []byte) (enc Encoding, mark int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return UTF8BOM, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return UTF16LE, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return UTF16BE, 2
	}
	var nul [2]int // at even and at odd offsets
	for i, octet := range head {
		if octet == 0 {
			nul[i%2]++
		}
	}
	// Text in Latin letters has a NUL in every other octet and nowhere else.
	switch {
	case nul[0] == 0 && nul[1] > len(head)/4:
		return UTF16LE, 0
	case nul[1] == 0 && nul[0] > len(head)/4:
		return UTF16BE, 0
	}
	return UTF8, 0
}

// reader returns raw's text in UTF-8, except that what claims to be UTF-8 comes
// as it is.
func (e Encoding) reader(raw io.Reader) io.Reader {
	switch e {
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(raw)
	case UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Reader(raw)
	case UTF8, UTF8BOM, Windows1252:
		return raw
	}
	panic("input: unknown encoding " + string(e))
}

// fromWindows1252 decodes a cell.
func fromWindows1252(cell string) string {
	var decoded strings.Builder
	decoded.Grow(2 * len(cell))
	for i := range len(cell) {
		decoded.WriteRune(charmap.Windows1252.DecodeByte(cell[i]))
	}
	return decoded.String()
}

package report

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// RecordsDigest tells sets of CAA records apart, each record given as a zone file has it. It
// is the SHA-256 of the records in the order of their octets, each of them once and with a
// line feed at its end, as hexadecimal digits.
func RecordsDigest(records []string) string {
	var text []byte
	for _, record := range slices.Compact(slices.Sorted(slices.Values(records))) {
		text = append(append(text, record...), '\n')
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// digestStart comes before the digest of a whole set, after the part of it that a row has.
const digestStart = "SHA-256 of all "

// CutRecords is what a row has in place of the records that do not fit into it: words that
// say how many these are, and the digest of the whole set, which may be "".
func CutRecords(words, digest string) string {
	if digest != "" {
		words += "; " + digestStart + digest
	}
	return CutNote + words + "]"
}

// CutDigest returns the digest that CutRecords has put into a text; "" if there is none, as
// in the reports of earlier versions.
func CutDigest(text string) string {
	_, note, _ := strings.Cut(text, CutNote) // records are in ASCII, and cannot hold it
	_, digest, _ := strings.Cut(note, digestStart)
	digest, rest, _ := strings.Cut(digest, "]")
	if sum, err := hex.DecodeString(digest); err != nil || len(sum) != sha256.Size || rest != "" {
		return ""
	}
	return digest
}

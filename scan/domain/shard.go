package domain

import (
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/net/publicsuffix"
)

// Shard returns in which of count parts of a list the name is, from 0. Names of one
// registrable domain are in the same part, so that their parents are asked once.
//
// The part is the first 8 octets of the SHA-256 of the registrable domain's text, as a
// number in network order, modulo count. It is the same on every machine, and in every
// version that has the same PublicSuffixes.
func (n Name) Shard(count int) int {
	sum := sha256.Sum256([]byte(n.Registrable().text))
	return int(binary.BigEndian.Uint64(sum[:]) % uint64(count))
}

// PublicSuffixes names the version of the public suffix list that Registrable goes by.
func PublicSuffixes() string { return publicsuffix.List.String() }

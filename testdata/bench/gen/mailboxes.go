package main

import (
	"bufio"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
)

// sameDomains is after how many rows the domains come again: ten million rows are
// over the same domains as the first million.
const sameDomains = 1_000_000

// writeMailboxes writes a list of customers, row by row.
func (w *world) writeMailboxes(to *bufio.Writer, rows int) {
	names := w.all()
	// Streams of their own: zones do not depend on the number of rows.
	random := rand.New(rand.NewPCG(seed, 1))
	random.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	weights := cumulate(len(names))
	var domains *rand.Rand
	_, _ = to.WriteString("id,name,email,department,country\n")
	var line []byte
	for n := range rows {
		if n%sameDomains == 0 {
			domains = rand.New(rand.NewPCG(seed, 2))
		}
		at := sort.SearchFloat64s(weights, domains.Float64()*weights[len(weights)-1])
		line = appendRow(line[:0], random, n, names[at].full)
		_, _ = to.Write(line)
	}
}

// cumulate returns the sums of the weights of n names, by Zipf's law with its head
// flattened: of 250,000 names 183,000 are in a million rows, the first in 3,300.
func cumulate(n int) []float64 {
	const head, exponent = 20, 0.9
	sums := make([]float64, n)
	sum := 0.0
	for rank := range sums {
		sum += math.Pow(float64(rank+head), -exponent)
		sums[rank] = sum
	}
	return sums
}

func appendRow(line []byte, random *rand.Rand, n int, domain string) []byte {
	first, last := pick(random, firstNames[:]), syllable(random.IntN(numSyllables))+syllable(random.IntN(numSyllables))
	line = strconv.AppendInt(line, int64(n+1), 10)
	if n%4 == 0 { // a cell with a comma
		line = append(line, `,"`+title(last)+", "+title(first)+`",`...)
	} else {
		line = append(line, ","+title(first)+" "+title(last)+","...)
	}
	line = append(line, first+"."+last...)
	line = strconv.AppendInt(line, int64(n%1000), 10)
	line = append(line, "@"+spell(domain, n)...)
	return append(line, ","+pick(random, departments[:])+","+pick(random, countries[:])+"\n"...)
}

// spell writes each seventh domain as some people do.
func spell(domain string, n int) string {
	switch n % 14 {
	case 0:
		return title(domain)
	case 7:
		return strings.ToUpper(domain)
	}
	return domain
}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

var firstNames = [...]string{
	"anna", "ben", "carla", "david", "eva", "finn", "greta", "hans", "ines", "jan",
	"kira", "lars", "mia", "nils", "olga", "paul", "rosa", "sven", "tina", "uwe",
}

var (
	departments = [...]string{"Sales", "IT", "R&D", "HR", "Legal"}
	countries   = [...]string{"DE", "US", "FR", "PL", "IN"}
)

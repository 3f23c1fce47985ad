package dnstest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/zone"
)

// word is a fault that has no value. The package comment says what each does.
type word string

const (
	drop             word = "drop"
	noReplyUDP       word = "noreply-udp"
	tcpClose         word = "tcp-close"
	tcpDrip          word = "tcp-drip"
	noQuestion       word = "noquestion"
	noEDNS           word = "noedns"
	noEDNSNoQuestion word = "noedns-noquestion"
	noEDNSNotImp     word = "noedns-notimp"
	badVers          word = "badvers"
	bogus            word = "bogus"
	insecure         word = "insecure"
	ad               word = "ad"
	referral         word = "referral"
	chain            word = "chain"
	offChain         word = "offchain"
	tc               word = "tc"
	tcTCP            word = "tc-tcp"
	badID            word = "badid"
	badQuestion      word = "badquestion"
	lowercase        word = "lowercase"
	badPort          word = "badport"
	garbage          word = "garbage"
	half             word = "half"
	pointerLoop      word = "pointer-loop"

	// Of an answer that does not come from the public DNS, or belongs to another question.
	authority     word = "aa"
	noRecursion   word = "nora"
	foreignSOA    word = "foreign-soa"
	policySOA     word = "policy-soa"
	nothing       word = "nothing"
	address       word = "address"
	otherAddress  word = "other-address"
	chaos         word = "chaos"
	authorityCAA  word = "authority-caa"
	additionalCAA word = "additional-caa"
	signature     word = "signature"
	stray         word = "stray"
	notThere      word = "not-there"
)

// edits are the words that change the records, or the flags, of what the zones say.
var edits = []word{
	authority, noRecursion, foreignSOA, policySOA, nothing, address, otherAddress, chaos, authorityCAA, additionalCAA, signature, stray, notThere,
}

func isWord(text string) bool {
	switch word(text) {
	case drop, noReplyUDP, tcpClose, tcpDrip, noQuestion, noEDNS, noEDNSNoQuestion, noEDNSNotImp, badVers, bogus, insecure, ad,
		referral, chain, offChain, tc, tcTCP, badID, badQuestion, lowercase, badPort, garbage, half, pointerLoop,
		authority, noRecursion, foreignSOA, policySOA, nothing, address, otherAddress, chaos, authorityCAA, additionalCAA,
		signature, stray, notThere:
		return true
	}
	return false
}

// noRcode says that a fault has no rcode of its own.
const noRcode = -1

// fault is what the words of one comment declare. The zero fault with noRcode is
// none.
type fault struct {
	words map[word]bool
	rcode int
	edes  []ede
	delay time.Duration
	after int64 // so many queries do not meet it yet
	first int64 // so many then meet it; 0: all
	flap  int64 // so many then meet it, as many do not, and so on; 0: all
	met   atomic.Int64
}

// ede is an Extended DNS Error (RFC 8914, section 2).
type ede struct {
	code uint16
	text string
}

func (f *fault) has(w word) bool { return f.words[w] }

// readFaults returns the faults by name.
func readFaults(zones []*zone.Zone) (map[string]*fault, error) {
	faults := make(map[string]*fault)
	for _, z := range zones {
		for r := range z.Records() {
			text, declared := strings.CutPrefix(r.Comment, "answer:")
			if !declared {
				continue
			}
			f, err := parseFault(text)
			if err == nil && faults[r.Name] != nil {
				err = errors.New("faults stand on two records; put them on one")
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s: answer: %w", z.File(), r.Name, err)
			}
			faults[r.Name] = f
		}
	}
	return faults, nil
}

// fault returns the fault that a query of name meets: the server's own, or else
// that of the name.
func (s *Server) fault(name string) *fault {
	for _, f := range []*fault{s.misbehaviour.Load(), s.faults[name]} {
		if f != nil && f.holdsAt(f.met.Add(1)) {
			return f
		}
	}
	return &fault{rcode: noRcode}
}

// holdsAt reports whether the query of this number, from 1, meets f.
func (f *fault) holdsAt(number int64) bool {
	number -= f.after
	return number > 0 && (f.first == 0 || number <= f.first) && (f.flap == 0 || (number-1)/f.flap%2 == 0)
}

// parseMisbehaviour reads the words of a fault of the whole server; "" is none.
func parseMisbehaviour(words string) (*fault, error) {
	if words == "" {
		return nil, nil
	}
	f, err := parseFault(words)
	if err != nil {
		return nil, fmt.Errorf("fault %q of the server: %w", words, err)
	}
	return f, nil
}

func parseFault(text string) (*fault, error) {
	f := &fault{words: make(map[word]bool), rcode: noRcode}
	for {
		item, rest, err := nextItem(text)
		if err != nil {
			return nil, err
		}
		if item == "" {
			return f, f.check()
		}
		if err := f.add(item); err != nil {
			return nil, err
		}
		text = rest
	}
}

// nextItem cuts off the next word, whose text may be a quoted string.
func nextItem(text string) (item, rest string, err error) {
	text = strings.TrimSpace(text)
	if quoted, ok := strings.CutPrefix(text, "text="); ok && strings.HasPrefix(quoted, `"`) {
		literal, err := strconv.QuotedPrefix(quoted)
		if err != nil {
			return "", "", fmt.Errorf("text=%s is no Go string", quoted)
		}
		value, err := strconv.Unquote(literal)
		return "text=" + value, quoted[len(literal):], err
	}
	item, rest, _ = strings.Cut(text, " ")
	return item, rest, nil
}

func (f *fault) add(item string) error {
	key, value, valued := strings.Cut(item, "=")
	if !valued {
		return f.addWord(key)
	}
	var err error
	switch key {
	case "rcode":
		const most = 12 // bits, with EDNS (RFC 6891, section 6.1.3)
		var rcode uint64
		if rcode, err = strconv.ParseUint(value, 10, most); err == nil {
			return f.setRcode(int(rcode))
		}
	case "ede":
		var code uint64
		code, err = strconv.ParseUint(value, 10, 16)
		f.edes = append(f.edes, ede{code: uint16(code)})
	case "text":
		return f.setText(value)
	case "after":
		return setCount(&f.after, key, value)
	case "first":
		return setCount(&f.first, key, value)
	case "flap":
		return setCount(&f.flap, key, value)
	case "delay":
		f.delay, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("word %q is not known", key)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", item, err)
	}
	return nil
}

func (f *fault) setText(text string) error {
	if len(f.edes) == 0 {
		return errors.New("text= stands behind the ede= it belongs to")
	}
	f.edes[len(f.edes)-1].text = text
	return nil
}

// setCount reads how many queries something holds for.
func setCount(count *int64, key, value string) error {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("%q: %w", key+"="+value, err)
	}
	if n < 1 {
		return fmt.Errorf("%s= is followed by 1 or more", key)
	}
	*count = n
	return nil
}

func (f *fault) addWord(text string) error {
	switch text {
	case "servfail":
		return f.setRcode(dns.RcodeServerFailure)
	case "refused":
		return f.setRcode(dns.RcodeRefused)
	case "notimp":
		return f.setRcode(dns.RcodeNotImplemented)
	case "formerr":
		return f.setRcode(dns.RcodeFormatError)
	case "nxdomain":
		return f.setRcode(dns.RcodeNameError)
	}
	if !isWord(text) {
		return fmt.Errorf("word %q is not known", text)
	}
	f.words[word(text)] = true
	return nil
}

func (f *fault) setRcode(rcode int) error {
	if f.rcode != noRcode {
		return errors.New("there are two rcodes")
	}
	f.rcode = rcode
	return nil
}

// check refuses what would silently do nothing.
func (f *fault) check() error {
	if f.has(noQuestion) && f.rcode == noRcode && !f.has(noEDNS) && !f.has(noEDNSNotImp) && !f.has(badVers) {
		return errors.New("noquestion needs an rcode")
	}
	if f.has(bogus) && f.rcode != noRcode {
		return errors.New("bogus has its own rcode")
	}
	if len(f.words) == 0 && f.rcode == noRcode && len(f.edes) == 0 && f.delay == 0 {
		return errors.New("no fault is named")
	}
	return nil
}

// options returns the EDNS options of the fault.
func (f *fault) options() []byte {
	const codeSize = 2
	var options []byte
	for _, e := range f.edes {
		options = binary.BigEndian.AppendUint16(options, dns.EDNS0EDE)
		options = binary.BigEndian.AppendUint16(options, uint16(codeSize+len(e.text)))
		options = binary.BigEndian.AppendUint16(options, e.code)
		options = append(options, e.text...)
	}
	return options
}

// ignoresEDNS reports whether queries with EDNS are not understood.
func (f *fault) ignoresEDNS() bool {
	return f.has(noEDNS) || f.has(noEDNSNoQuestion) || f.has(noEDNSNotImp)
}

// mangle returns the message as it is sent.
func (f *fault) mangle(wire []byte) []byte {
	asks := binary.BigEndian.Uint16(wire[qdcountAt:]) > 0
	if f.has(lowercase) && asks {
		for at := headerSize; wire[at] != 0; at += 1 + int(wire[at]) {
			copy(wire[at+1:], bytes.ToLower(wire[at+1:at+1+int(wire[at])]))
		}
	}
	if f.has(badID) {
		wire[0] ^= 0xFF
	}
	if f.has(badQuestion) && asks {
		wire[headerSize+1] ^= 1 // the first octet of the name or, for the root, of the type
	}
	if f.has(half) {
		wire = wire[:len(wire)/2]
	}
	if f.has(garbage) {
		// The ID alone is right: a header that announces all there can be.
		wire = append(wire[:2:2], bytes.Repeat([]byte{0xFF}, 38)...)
	}
	return wire
}

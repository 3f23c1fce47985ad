package lookup

import (
	"net"
	"time"

	"golang.org/x/net/ipv4"
)

// datagrams is a connected socket that sends and receives several messages with
// one system call, where the system has one for that (Linux).
type datagrams interface {
	ReadBatch(messages []ipv4.Message, flags int) (int, error)
	WriteBatch(messages []ipv4.Message, flags int) (int, error)
	Close() error
}

// oneByOne sends and receives one message with each call.
type oneByOne struct{ net.Conn }

func (c oneByOne) ReadBatch(messages []ipv4.Message, _ int) (int, error) {
	n, err := c.Read(messages[0].Buffers[0])
	messages[0].N = n
	return 1, err
}

func (c oneByOne) WriteBatch(messages []ipv4.Message, _ int) (int, error) {
	if _, err := c.Write(messages[0].Buffers[0]); err != nil {
		return 0, err
	}
	return 1, nil
}

// How many messages are read and written at a time, and how long one that is read
// may be. To a server elsewhere there are many sockets, each with few replies.
const (
	loopbackBatch = 128
	remoteBatch   = 4
	letterSize    = 2048 // far more than the 1,232 octets that a server is told of
)

// letters are messages that came in one go, and the memory they are read into.
type letters struct {
	messages []ipv4.Message
	count    int
	patient  bool // there is time for more to come before these are read into
}

// Where much is in flight, replies are left to gather for a while: to wake up for one
// costs as much as for a hundred.
const (
	muchInFlight = 512
	gatherTime   = 500 * time.Microsecond
)

func newLetters(s *socket) *letters {
	count, size := loopbackBatch, letterSize
	if s.up.remote() {
		count = remoteBatch
	}
	if _, single := s.conn.(oneByOne); single { // some systems fail where the memory is too small
		count, size = 1, maxMessage
	}
	l := &letters{messages: make([]ipv4.Message, count)}
	memory := make([]byte, count*size)
	for i := range l.messages {
		l.messages[i].Buffers = [][]byte{memory[i*size : (i+1)*size : (i+1)*size]}
	}
	return l
}

func (l *letters) receive(conn datagrams) (err error) {
	if l.patient {
		time.Sleep(gatherTime)
	}
	l.count, err = conn.ReadBatch(l.messages, waitForOne)
	if err != nil {
		l.count = 0
	}
	return err
}

// at returns a message, and whether it may have been cut short because the memory
// ends with it.
func (l *letters) at(i int) (message []byte, cut bool) {
	memory := l.messages[i].Buffers[0]
	n := l.messages[i].N
	return memory[:n], n == len(memory)
}

// post sends queries and returns how many went out before one could not be sent. A
// connected socket reports the fate of an earlier datagram on the next call, so the
// second word counts. envelopes is memory to send by.
func post(conn datagrams, queries []*flight, envelopes []ipv4.Message) (sent int, err error) {
	failures := 0
	for sent < len(queries) {
		batch := queries[sent:min(len(queries), sent+len(envelopes))]
		for i, f := range batch {
			envelopes[i].Buffers[0] = f.query
		}
		n, err := conn.WriteBatch(envelopes[:len(batch)], 0)
		if n > 0 { // it is below 0 with some errors
			sent, failures = sent+n, 0
		}
		if err == nil {
			continue
		}
		if failures++; failures == 2 {
			return sent, err
		}
	}
	return sent, nil
}

func newEnvelopes() []ipv4.Message {
	envelopes := make([]ipv4.Message, loopbackBatch)
	for i := range envelopes {
		envelopes[i].Buffers = make([][]byte, 1)
	}
	return envelopes
}

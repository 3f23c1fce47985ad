package lookup

import (
	"net"
	"time"

	"golang.org/x/net/ipv4"
)

// datagrams is a connected socket that sends and receives several messages with
// one system call, if the system has one for that (Linux).
type datagrams interface {
	// ReadBatch waits for a message, fills in those that are there, and says how many.
	ReadBatch(messages []ipv4.Message, flags int) (int, error)
	// WriteBatch sends the first of the messages, and says how many.
	WriteBatch(messages []ipv4.Message, flags int) (int, error)
	// Close wakes up whoever reads or writes.
	Close() error
}

// oneByOne sends and receives one message with each call.
type oneByOne struct{ net.Conn }

// ReadBatch reads one message.
func (c oneByOne) ReadBatch(messages []ipv4.Message, _ int) (int, error) {
	n, err := c.Read(messages[0].Buffers[0])
	messages[0].N = n
	return 1, err
}

// WriteBatch sends the first message.
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
	readSize      = 2048 // far more than the 1,232 octets that a server is told of
)

// batch is the messages that one system call has received, and the memory they are read
// into.
type batch struct {
	messages []ipv4.Message
	count    int
	gathers  bool // the next receive leaves time for more messages to come
}

// If much is in flight, replies are left to gather for a while: to wake up for one
// costs as much as for a hundred.
const (
	muchInFlight = 512
	gatherTime   = 500 * time.Microsecond
)

func newBatch(s *socket) *batch {
	count, size := loopbackBatch, readSize
	if s.up.remote() {
		count = remoteBatch
	}
	if _, single := s.conn.(oneByOne); single { // some systems fail if the memory is too small
		count, size = 1, maxMessage
	}
	b := &batch{messages: make([]ipv4.Message, count)}
	memory := make([]byte, count*size)
	for i := range b.messages {
		b.messages[i].Buffers = [][]byte{memory[i*size : (i+1)*size : (i+1)*size]}
	}
	return b
}

func (b *batch) receive(conn datagrams) (err error) {
	if b.gathers {
		time.Sleep(gatherTime)
	}
	b.count, err = conn.ReadBatch(b.messages, waitForOne)
	if err != nil {
		b.count = 0
	}
	return err
}

// at returns a message, and whether it may have been cut short because the memory
// ends with it.
func (b *batch) at(i int) (message []byte, cut bool) {
	memory := b.messages[i].Buffers[0]
	n := b.messages[i].N
	return memory[:n], n == len(memory)
}

// sendBatch sends queries and returns how many went out before one could not be sent. A
// connected socket reports the fate of an earlier datagram on the next call, so the
// second error counts. outgoing is memory to send by.
func sendBatch(conn datagrams, queries []*flight, outgoing []ipv4.Message) (sent int, err error) {
	failures := 0
	for sent < len(queries) {
		some := queries[sent:min(len(queries), sent+len(outgoing))]
		for i, f := range some {
			outgoing[i].Buffers[0] = f.query
		}
		n, err := conn.WriteBatch(outgoing[:len(some)], 0)
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

func newOutgoing() []ipv4.Message {
	outgoing := make([]ipv4.Message, loopbackBatch)
	for i := range outgoing {
		outgoing[i].Buffers = make([][]byte, 1)
	}
	return outgoing
}

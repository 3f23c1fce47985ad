//go:build !linux

package dnstest

import (
	"net"

	"golang.org/x/net/ipv4"
)

func newPackets(conn *net.UDPConn) packets { return oneByOne{conn} }

const waitForOne = 0

// oneByOne reads and writes one datagram with each call.
type oneByOne struct{ conn *net.UDPConn }

// ReadBatch reads one message and whom it is from.
func (c oneByOne) ReadBatch(messages []ipv4.Message, _ int) (int, error) {
	n, from, err := c.conn.ReadFrom(messages[0].Buffers[0])
	messages[0].N, messages[0].Addr = n, from
	return 1, err
}

// Close closes the socket.
func (c oneByOne) Close() error { return c.conn.Close() }

// WriteBatch sends the first message to its address, if it has one.
func (c oneByOne) WriteBatch(messages []ipv4.Message, _ int) (int, error) {
	var err error
	if to := messages[0].Addr; to != nil {
		_, err = c.conn.WriteTo(messages[0].Buffers[0], to)
	} else {
		_, err = c.conn.Write(messages[0].Buffers[0])
	}
	return 1, err
}

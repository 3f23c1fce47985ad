package dnstest

import (
	"net"
	"syscall"

	"golang.org/x/net/ipv4"
)

// newPackets returns conn as package ipv4 has it, which does as well for IPv6.
func newPackets(conn *net.UDPConn) packets { return ipv4.NewPacketConn(conn) }

// waitForOne makes a read return with the first datagram and those that have come by
// then.
const waitForOne = syscall.MSG_WAITFORONE

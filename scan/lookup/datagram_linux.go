package lookup

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/net/ipv4"
)

// newDatagrams returns conn as package ipv4 has it, which does as well for IPv6.
//
// One to loopback is taken from the runtime's poller.
func newDatagrams(conn net.Conn, loopback bool) datagrams {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return oneByOne{conn}
	}
	if !loopback {
		return ipv4.NewPacketConn(udp)
	}
	quiet, err := takeFromPoller(udp)
	if err != nil { // no file descriptor is left for the moment
		return ipv4.NewPacketConn(udp)
	}
	return ipv4.NewPacketConn(quiet)
}

// waitForOne makes a blocking read return with the first message and those that have
// come by then.
const waitForOne = syscall.MSG_WAITFORONE

// quietConn is a socket that the runtime does not poll. Of the UDPConn, which is
// closed, only the addresses are left.
type quietConn struct {
	*net.UDPConn
	file *os.File
}

// takeFromPoller closes conn. Its socket lives on in a file descriptor that blocks: the
// poller would wake up for every datagram, whether anybody waits for it or not, which is
// more work than to take it in. Whoever reads such a socket waits in the system, and keeps
// a thread.
//
// The CPU time of a query to a server in another process, here and with the poller, on 2
// cores that had other work too: 6.1 and 6.7 µs with 256 queries in flight, 5.8 and 6.0 µs
// with 1,000, when replies gather (medians of 9 runs in turn). With a server in the same
// process, which is polled itself, the difference is lost in the noise. Measured by
//
//	CAASCAN_BENCH_SERVER=127.0.0.1:PORT CAASCAN_BENCH_NAMES=FILE CAASCAN_BENCH_INFLIGHT=256 \
//	go test -run '^$' -bench '^BenchmarkEngine$' -benchtime 4x ./scan/lookup
//
// with the world, the name server and the proxy of testdata/bench/run at PORT.
func takeFromPoller(conn *net.UDPConn) (quietConn, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return quietConn{}, err
	}
	var file *os.File
	var failed error
	err = raw.Control(func(fd uintptr) { file, failed = duplicate(fd) })
	if err = errors.Join(err, failed); err != nil {
		return quietConn{}, err
	}
	conn.Close() // the socket lives on
	return quietConn{conn, file}, nil
}

func duplicate(fd uintptr) (*os.File, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	other, err := syscall.Dup(int(fd))
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(other)
	if err := syscall.SetNonblock(other, false); err != nil {
		return nil, errors.Join(err, syscall.Close(other))
	}
	return os.NewFile(uintptr(other), "udp"), nil // not polled, because it blocks
}

// SyscallConn is what package ipv4 reads and writes by.
func (c quietConn) SyscallConn() (syscall.RawConn, error) { return c.file.SyscallConn() }

// Close ends a read that waits.
func (c quietConn) Close() error {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	err = raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
	return errors.Join(err, c.file.Close())
}

//go:build !linux

package lookup

import "net"

func newDatagrams(conn net.Conn, _ bool) datagrams { return oneByOne{conn} }

const waitForOne = 0

package lookup

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"time"
)

// exchangeTCP sends one query over a connection of its own and delivers the
// reply (RFC 7766), or the error. The engine's deadline, or the end of ctx,
// cancels it.
func (t *netTransport) exchangeTCP(ctx context.Context, f *flight) {
	ctx, f.tcp = context.WithCancel(ctx)
	t.readers.Go(func() {
		message, err := t.askTCP(ctx, f.server.address, f.query)
		t.deliver(arrival{server: f.server, flight: f, message: message, err: err, at: time.Now()})
	})
}

func (t *netTransport) askTCP(ctx context.Context, address string, query []byte) ([]byte, error) {
	conn, err := t.cfg.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	if _, err := conn.Write(framed); err != nil {
		return nil, err
	}
	for {
		message, err := readTCP(conn)
		if err != nil || check(message, query) != notOurs {
			return message, err
		}
	}
}

// readTCP reads one message. Memory grows with what has come, not with what the
// other side says will come.
func readTCP(conn io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	var message bytes.Buffer
	_, err := io.CopyN(&message, conn, int64(binary.BigEndian.Uint16(size[:])))
	return message.Bytes(), err
}

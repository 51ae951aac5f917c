package relay

import (
	"errors"
	"io"
	"net"
	"time"
)

// Drain closes conn so that the application gets what was written last: it ends the writing side and reads what
// still comes, within limits.
func Drain(conn net.Conn) {
	defer conn.Close()
	if CloseWrite(conn) != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.Copy(io.Discard, io.LimitReader(conn, drainBytes))
}

type closeWriter interface{ CloseWrite() error }

// CloseWrite ends the writing direction. It closes the whole of a connection that cannot be closed by halves: its peer
// would wait for ever.
func CloseWrite(conn net.Conn) error {
	if c, ok := conn.(closeWriter); ok {
		if err := c.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return conn.Close()
}

// abort makes the application see an error where the data ended early, instead of a clean end.
func abort(conn net.Conn) {
	if c, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = c.NetConn()
	}
	if c, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = c.SetLinger(0)
	}
	_ = conn.Close()
}

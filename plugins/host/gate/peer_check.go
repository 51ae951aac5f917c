package gate

import (
	"net"
	"sync/atomic"
)

// peerCheck fails for a connection that is not of the process.
type peerCheck func(*net.UnixConn) error

// hostListener lets only the process connect to the Host service, and only a few times at once. Others are closed.
type hostListener struct {
	*net.UnixListener
	check peerCheck
	slots chan struct{}
}

func (l *hostListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if l.check(conn) == nil {
			select {
			case l.slots <- struct{}{}:
				return &hostConn{UnixConn: conn, slots: l.slots}, nil
			default: // the newest is closed
			}
		}
		_ = conn.Close()
	}
}

type hostConn struct {
	*net.UnixConn
	slots  chan struct{}
	closed atomic.Bool
}

func (c *hostConn) Close() error {
	if !c.closed.Swap(true) {
		<-c.slots
	}
	return c.UnixConn.Close()
}

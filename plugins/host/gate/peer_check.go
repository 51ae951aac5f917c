package gate

import "net"

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
				return &hostConn{hostSocket: &hostSocket{conn}, slots: l.slots}, nil
			default: // the newest is closed
			}
		}
		_ = conn.Close()
	}
}

// hostSocket hides what else a unix socket can do: each byte of an answer goes through hostConn.Write.
type hostSocket struct{ net.Conn }

// connAddr is the remote address of a hostConn: calls find their connection by it.
type connAddr struct {
	net.Addr
	conn *hostConn
}

// RemoteAddr is a connAddr.
func (c *hostConn) RemoteAddr() net.Addr { return connAddr{c.hostSocket.RemoteAddr(), c} }

// Close gives the place back.
func (c *hostConn) Close() error {
	if !c.closed.Swap(true) {
		<-c.slots
	}
	return c.hostSocket.Close()
}

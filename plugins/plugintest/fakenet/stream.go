package fakenet

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// i2pAddr is host:port.
type i2pAddr string

func (a i2pAddr) Network() string { return "i2p" }
func (a i2pAddr) String() string  { return string(a) }

// conn is one end of a stream. CloseWrite and deadlines are those of the socket.
type conn struct {
	*net.UnixConn

	local, remote i2pAddr
	peer          string
	owner         *destination
	once          sync.Once
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// PeerBase64 is the whole destination at the other end.
func (c *conn) PeerBase64() string { return c.peer }

func (c *conn) Close() error {
	c.once.Do(func() { c.owner.count(-1) })
	return c.UnixConn.Close()
}

// pipe is a pair of connected sockets. Systems other than Linux have no socketpair, or one whose ends children inherit, so that one
// end listens in a folder of its own for the other.
func pipe() (a, b *net.UnixConn, err error) {
	fail := func(err error) (*net.UnixConn, *net.UnixConn, error) {
		return nil, nil, fmt.Errorf("fakenet: a pair of sockets: %w", err)
	}
	folder, err := os.MkdirTemp("", "i2p")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(folder)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(folder, "s"), Net: "unix"})
	if err != nil {
		return fail(err)
	}
	defer l.Close()
	if a, err = net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr)); err != nil {
		return fail(err)
	}
	if b, err = l.AcceptUnix(); err != nil {
		_ = a.Close()
		return fail(err)
	}
	return a, b, nil
}

type listener struct {
	owner *destination
	port  uint16
	queue chan *conn
	done  chan struct{}
	once  sync.Once
}

var _ net.Listener = (*listener)(nil)

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.owner.mu.Lock()
		if l.owner.listeners[l.port] == l {
			delete(l.owner.listeners, l.port)
		}
		l.owner.mu.Unlock()
		for {
			select {
			case c := <-l.queue:
				_ = c.Close()
			default:
				return
			}
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr {
	return i2pAddr(fmt.Sprintf("%s:%d", l.owner.address.Base32, l.port))
}

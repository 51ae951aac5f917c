package fakenet

import (
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
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

// pipe is a pair of connected sockets.
func pipe() (a, b *net.UnixConn, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("fakenet: socket pair: %w", err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "stream")
		c, err := net.FileConn(f)
		_ = f.Close()
		if err != nil {
			return nil, nil, fmt.Errorf("fakenet: socket pair: %w", err)
		}
		ends[i] = c.(*net.UnixConn)
	}
	return ends[0], ends[1], nil
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

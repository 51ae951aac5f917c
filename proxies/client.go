package proxies

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"clove.i2p/proxies/relay"
)

// Client is the connection of an application. It keeps what the application sent before its stream was up, in
// order, and can watch it meanwhile.
type Client struct {
	net.Conn
	early []byte
}

// NewClient takes bytes of conn that were read already.
func NewClient(conn net.Conn, early []byte) *Client { return &Client{Conn: conn, early: early} }

func (c *Client) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// ReadByte reads ahead, so that a handshake does not cost a system call per byte.
func (c *Client) ReadByte() (byte, error) {
	for len(c.early) == 0 {
		b := make([]byte, 512)
		n, err := c.Conn.Read(b)
		if c.early = b[:n]; n == 0 && err != nil {
			return 0, err
		}
	}
	b := c.early[0]
	c.early = c.early[1:]
	return b, nil
}

// Unread puts bytes back in front.
func (c *Client) Unread(b ...byte) { c.early = append(b, c.early...) }

// Watch reads on while a dial runs, keeps up to earlyLimit bytes, and calls gone if the application hung up. An
// end that follows data is a half-close, which is passed on later; an end without any is a hang-up.
//
// The application's read deadline is gone afterwards. stop has to be called before the next Read, once.
func (c *Client) Watch(gone func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 4<<10)
		for len(c.early) < earlyLimit {
			n, err := c.Conn.Read(b)
			c.early = append(c.early, b[:n]...)
			switch {
			case err == nil:
			case errors.Is(err, os.ErrDeadlineExceeded):
				return
			case errors.Is(err, io.EOF) && len(c.early) > 0:
				return
			default:
				gone()
				return
			}
		}
	}()
	return func() {
		_ = c.Conn.SetReadDeadline(time.Unix(1, 0))
		<-done
		_ = c.Conn.SetReadDeadline(time.Time{})
	}
}

// NetConn is the connection below, without what was read early.
func (c *Client) NetConn() net.Conn { return c.Conn }

// CloseWrite makes a Client usable as either end of a Relay.
func (c *Client) CloseWrite() error { return relay.CloseWrite(c.Conn) }

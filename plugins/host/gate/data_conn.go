package gate

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// dataConn is a plugin's data connection. On a unix socket the end of one direction and the end of all look the same to a
// reader; dataConn tells them apart, so that a stream whose plugin has gone does not wait for a silent peer.
type dataConn struct {
	*net.UnixConn
	closed   func() // the plugin has closed the connection, a while ago
	watching sync.WaitGroup
	once     sync.Once
}

func (d *dataConn) Read(p []byte) (int, error) {
	n, err := d.UnixConn.Read(p)
	if errors.Is(err, io.EOF) {
		d.once.Do(func() { d.watching.Go(d.watch) })
	}
	return n, err
}

// watch returns when the plugin has closed the connection, or we have.
func (d *dataConn) watch() {
	if waitHangup(d.UnixConn) {
		time.AfterFunc(hangupLinger, d.closed)
	}
}

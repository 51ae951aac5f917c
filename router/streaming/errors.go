package streaming

import (
	"errors"
	"net"
	"os"
)

// Why a connection cannot be opened or ends. Those of a closed Conn, Listener or Stack are net.ErrClosed, those of a
// deadline os.ErrDeadlineExceeded.
var (
	// ErrNoAnswer: the peer did not answer the SYN.
	ErrNoAnswer error = &timeout{"streaming: no answer"}
	// ErrTimeout: the peer acknowledges nothing any more.
	ErrTimeout error = &timeout{"streaming: the peer does not answer any more"}
	// ErrRefused: the peer answered the SYN with a RESET.
	ErrRefused = errors.New("streaming: connection refused")
	// ErrReset: the peer ended the connection with a RESET.
	ErrReset = errors.New("streaming: connection reset by peer")
	// ErrTooLong: the sequence numbers are used up.
	ErrTooLong = errors.New("streaming: sequence numbers used up")
)

// timeout is a net.Error.
type timeout struct{ text string }

var _ net.Error = (*timeout)(nil)

func (e *timeout) Error() string   { return e.text }
func (e *timeout) Timeout() bool   { return true }
func (e *timeout) Temporary() bool { return false }

func opError(op string, c *Conn, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &net.OpError{Op: op, Net: network, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
	}
	return err
}

package transport

import (
	"fmt"
	"net"
)

// ErrClosed is returned by a Mux or Transport that does not serve (yet or any more).
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string { return "transport: not serving" }
func (closedError) Unwrap() error { return net.ErrClosed }

// Terminated is the cause with which Registry.Closed hears of a session that the peer closed and said why.
type Terminated struct{ Reason Reason }

func (t *Terminated) Error() string {
	return fmt.Sprintf("transport: peer closed the session, reason %d", t.Reason)
}

// refuses tells whether the peer will most likely say the same again.
func (t *Terminated) refuses() bool { return t.Reason >= ReasonAEAD && t.Reason != ReasonReplaced }

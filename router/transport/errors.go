package transport

import "net"

// ErrClosed is returned by a Mux or Transport that does not serve (yet or any more).
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string { return "transport: not serving" }
func (closedError) Unwrap() error { return net.ErrClosed }

//go:build !linux

package gate

import "net"

// peerIs relies on the mode of the folder that the sockets are in.
func peerIs(int) peerCheck { return func(*net.UnixConn) error { return nil } }

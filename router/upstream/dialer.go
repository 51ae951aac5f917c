package upstream

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// A Dialer opens TCP connections through one proxy. It is safe for concurrent use.
type Dialer struct{}

// New returns a Dialer for a proxy:
//
//	socks5://[user:password@]host:port
//	http://[user:password@]host:port
//
// The host is an IP address or "localhost", which stands for 127.0.0.1. The error says which part is wrong.
func New(proxy string) (*Dialer, error) { return nil, errors.New("upstream: not possible") }

// Dial connects to a peer through the proxy. local, if valid, is the source address for the connection to the proxy, where
// it is of the proxy's IP version. It fits ntcp2.Deps.Dial.
func (d *Dialer) Dial(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error) {
	return nil, errors.New("upstream: not possible")
}

// String is the proxy without user and password.
func (d *Dialer) String() string { return "" }

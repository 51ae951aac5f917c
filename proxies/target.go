package proxies

import (
	"context"
	"net"
)

// SelfHost is the name under which the HTTP proxy serves its own pages. It is never dialed.
const SelfHost = "proxy.i2p"

// Target is where a stream goes.
type Target struct {
	// Host is a Decision's: with Via a clearnet name or public address, else a lower-case .i2p name, a .b32.i2p name or a
	// destination in base64.
	Host string
	// Port is 1..65535.
	Port int
	// Via names the outproxy tunnel that the stream goes to; empty stays inside I2P. The Dialer then returns a stream to
	// that tunnel's service, on which ThroughProxy or an absolute-form HTTP request says Host and Port.
	Via string
	// Isolation groups the streams that may share a client destination and its tunnels.
	Isolation Isolation
}

// Dialer opens streams. It returns when ctx ends, and wraps the errors of this package: ErrUnknownHost,
// ErrNoLeaseSet, ErrNoAnswer, ErrNotReady, ErrRefused, and ErrOutproxyDown for a Target with Via.
//
// The connection has to have CloseWrite, and Base32 (see Addressed) for the HTTP proxy.
type Dialer interface {
	Dial(ctx context.Context, t Target) (net.Conn, error)
}

// Addressed is a connection that knows the .b32.i2p name of the destination at its other end. The HTTP proxy
// sends that name as Host, so that no server learns how its users call it in their address books. Without it only
// targets that are b32 names already can be reached by plain HTTP.
type Addressed interface {
	Base32() string
}

// CanonicalHost gives the .b32.i2p name to tell the server, and ErrNoAddress if there is none.
func CanonicalHost(conn net.Conn, t Target) (string, error) {
	name := t.Host
	if a, ok := conn.(Addressed); ok {
		name = a.Base32()
	}
	if host, err := ParseHost(name); err == nil && IsBase32(host) {
		return host, nil
	}
	return "", ErrNoAddress
}

// Readiness tells whether streams can be opened yet.
type Readiness interface {
	// Ready returns true, or false and a short text on how far the start has come, for people to read.
	Ready() (ready bool, progress string)
}

// PacketDialer opens packet sockets for UDP ASSOCIATE. The socket belongs to the destination that the streams of the same
// Isolation leave from, or to one of its own.
type PacketDialer interface {
	ListenPacket(ctx context.Context, i Isolation) (PacketConn, error)
}

// PacketConn sends and receives repliable datagrams. Addresses are host:port; hosts are .i2p names, from is always a b32
// name. Methods may be called at the same time, and Close ends them all with net.ErrClosed.
type PacketConn interface {
	// WriteTo sends one packet. It may look up the name, and returns the errors that a Dialer wraps.
	WriteTo(ctx context.Context, p []byte, to string) error
	// ReadFrom waits for a packet and cuts off what is longer than p.
	ReadFrom(p []byte) (n int, from string, err error)
	// MaxPayload is the size in bytes of the longest packet that WriteTo takes.
	MaxPayload() int
	Close() error
}

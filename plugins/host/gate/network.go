package gate

import (
	"context"
	"net"
	"net/netip"

	"clove.i2p/plugins/api/pb"
)

// Network is the I2P router as tunnels see it.
type Network interface {
	// Open makes a destination. It returns before the destination has tunnels.
	Open(ctx context.Context, spec Spec) (Destination, error)
	// Lookup resolves an .i2p name or .b32.i2p name. It never asks the system's DNS. Errors wrap api.ErrUnknownHost, api.ErrOffline ...
	Lookup(ctx context.Context, name string) (Address, error)
}

// Spec says which destination to open.
type Spec struct {
	Tunnel    string // whose it is, for logs
	KeyFile   string // empty: transient keys
	Published bool
	Length    int // hops: 0 is the default, -1 none
	Quantity  int // I2P tunnels per direction: 0 is the default
}

// Address of a destination.
type Address struct {
	Base32 string // with .b32.i2p
	Base64 string // the whole destination; empty where it is not known
}

// Destination is one opened by Network. Errors wrap those of plugins/api.
type Destination interface {
	Address() Address
	// Dial opens a stream to host:port, where host is an .i2p name. The connection has CloseWrite, and its RemoteAddr is
	// "x.b32.i2p:port". If it has SetLinger(sec int) error, as TCP connections have, it gets 0 before a Close that cuts it off.
	Dial(ctx context.Context, address string) (net.Conn, error)
	// Listen takes the streams to a port, 0: those to all ports that have no other listener. RemoteAddr of a connection is
	// "x.b32.i2p:port", LocalAddr ":port"; it may have PeerBase64() string.
	Listen(port uint16) (net.Listener, error)
	ListenPacket(kind pb.PacketKind, port uint16) (PacketConn, error)
	// Ready waits until the destination has tunnels.
	Ready(ctx context.Context) error
	Status() Status
	Close() error
}

// PacketConn takes and sends datagrams. Addresses are host:port.
type PacketConn interface {
	ReadFrom(p []byte) (n int, from string, err error)
	WriteTo(ctx context.Context, p []byte, to string) error
	MaxPayload() int
	Close() error
}

// Status of a destination.
type Status struct {
	Ready     bool // has tunnels
	Published bool
	Streams   int
}

// Resolver asks the DNS for DialClearnet, and for nothing else; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

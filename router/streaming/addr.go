package streaming

import (
	"net"
	"strconv"

	"clove.i2p/router/i2p"
)

const network = "i2p"

// An Addr is one end of a connection.
type Addr struct {
	Hash i2p.Hash
	Port uint16
}

var _ net.Addr = Addr{}

// Network is "i2p".
func (a Addr) Network() string { return network }

// String is the Base32 name and the port, name.b32.i2p:80.
func (a Addr) String() string {
	return net.JoinHostPort(a.Hash.Base32(), strconv.Itoa(int(a.Port)))
}

package datagram

import (
	"net"
	"strconv"

	"clove.i2p/router/i2p"
)

// An Addr is one end of an exchange. The zero Hash, with raw datagrams, is an unknown sender. It is comparable.
type Addr struct {
	Hash i2p.Hash
	Port uint16
}

var _ net.Addr = Addr{}

// Network is "i2p".
func (a Addr) Network() string { return "i2p" }

// String is the Base32 name and the port, name.b32.i2p:80; of an unknown sender the port alone, :80.
func (a Addr) String() string {
	if a.Hash.IsZero() {
		return ":" + strconv.Itoa(int(a.Port))
	}
	return net.JoinHostPort(a.Hash.Base32(), strconv.Itoa(int(a.Port)))
}

package gate

import (
	"strings"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// TunnelSpec is what the host knows of a tunnel.
type TunnelSpec struct {
	Name string
	Type string // "irc-client"
	// Destination is what its type needs: a tunnel of kind NONE can neither dial nor listen on I2P.
	Destination    pb.DestinationKind
	Published      bool
	KeyFile        string // empty: transient keys. Tunnels with the same file share the destination.
	Length         int    // hops: 0 is the default, -1 none
	Quantity       int    // I2P tunnels per direction: 0 is the default
	MaxConnections int    // per direction: accepted, and dialled; 0 is DefaultMaxConnections
	Grants         Grants
}

// maxName of a tunnel, in bytes: it becomes part of a file name.
const maxName = 64

func (s *TunnelSpec) check() error {
	switch {
	case s.Name == "" || len(s.Name) > maxName || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return refuse(api.ErrInvalid, "tunnel name %.70q: use 1 to %d printable characters", s.Name, maxName)
	case s.MaxConnections < 0:
		return refuse(api.ErrInvalid, "max_connections of tunnel %s is negative: use 0 for the default of %d", s.Name, DefaultMaxConnections)
	}
	return nil
}

// destination is what a change of cannot be made while it is open.
func (s *TunnelSpec) destination() Spec {
	return Spec{Tunnel: s.Name, KeyFile: s.KeyFile, Published: s.Published, Length: s.Length, Quantity: s.Quantity}
}

func (s *TunnelSpec) maxConnections() int {
	if s.MaxConnections == 0 {
		return DefaultMaxConnections
	}
	return s.MaxConnections
}

package gate

import (
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

// Grants are what the values of a tunnel's settings allow.
type Grants struct {
	Listen        []string // kind LISTEN_ADDRESS: host:port
	Dial          []string // kind DIAL_ADDRESS: host:port, or http://host:port
	Files         []string // kind FILE
	Folders       []string // kind FOLDER
	ClearnetPorts []string // kind CLEARNET_PORTS: "443", "1000-2000"; empty: 80 and 443
}

// GrantsOf collects the grants of settings by the kinds in a schema. values are as JSON decodes them: string, []any of string,
// map[string]any of string; or []string, map[string]string. A key without a value counts with its default. Errors wrap
// api.ErrInvalid and name the key.
func GrantsOf(schema []*pb.Setting, values map[string]any) (Grants, error) {
	panic("gate: not yet")
}

package sdk

import (
	"context"

	"clove.i2p/plugins/api/pb"
)

// Plugin is what Serve serves.
type Plugin struct {
	Name        string // lower-case, "irc"
	Version     string // semantic, "1.2.0"
	Summary     string // one line
	Permissions []Permission
	Types       []TunnelType
}

// Permission is something that the user grants to the plugin. A plugin asks for all that any of its types needs.
type Permission = pb.Permission

// The permissions.
const (
	DialI2P      = pb.Permission_DIAL_I2P      // streams and datagrams from the tunnels' destinations
	ListenI2P    = pb.Permission_LISTEN_I2P    // take streams and datagrams
	DialLocal    = pb.Permission_DIAL_LOCAL    // connect to the addresses in settings of kind "dial-address"
	ListenLocal  = pb.Permission_LISTEN_LOCAL  // bind the addresses in settings of kind "listen-address"
	DialClearnet = pb.Permission_DIAL_CLEARNET // leave I2P
	ReadFiles    = pb.Permission_READ_FILES    // read what settings of kind "file" and "folder" name
)

// DestinationKind is what a tunnel type needs of the router.
type DestinationKind = pb.DestinationKind

// The kinds.
const (
	None   = pb.DestinationKind_NONE
	Client = pb.DestinationKind_CLIENT // transient keys, not published
	Server = pb.DestinationKind_SERVER // kept keys, published
)

// HealthState is how a tunnel is.
type HealthState = pb.HealthState

// The states.
const (
	Healthy  = pb.HealthState_HEALTHY
	Degraded = pb.HealthState_DEGRADED // works, but something is wrong: the backend is down
	Failed   = pb.HealthState_FAILED
)

// PacketKind is the kind of I2P datagrams.
type PacketKind = pb.PacketKind

// The kinds of datagrams.
const (
	Repliable = pb.PacketKind_REPLIABLE // Datagram1: authenticated
	Raw       = pb.PacketKind_RAW
	Datagram2 = pb.PacketKind_DATAGRAM2
	Datagram3 = pb.PacketKind_DATAGRAM3
)

// Problem is one thing wrong with settings.
type Problem struct {
	Key  string // the setting, or empty
	Text string // what is wrong, and what to write instead
}

// Type is a tunnel type with settings S, a struct. The tags of S's fields are the schema:
//
//	setting   the key in the tunnel's table of the configuration (needed; fields without it are left alone)
//	help      one line
//	kind      what the value grants: listen-address, dial-address, i2p-address, file, folder, secret, clearnet-ports
//	default   as one writes it in the configuration; lists with commas, maps as k=v with commas
//	required  "true": must be given, and not be empty
//	choices   of a string, separated by commas
//	publish   "true", of a bool: when it is set, a Client tunnel's destination is published
//
// Fields are string, bool, integers, time.Duration, Size, []string or map[string]string. Structs that are embedded add theirs.
type Type[S any] struct {
	Name        string // "irc-client"
	Summary     string // one line
	Destination DestinationKind
	// Protocol tells tools that try the tunnel what its bytes are: "raw" (they pass unchanged), "echo" (they come back),
	// "http", "irc", "datagram"; empty: something else.
	Protocol string
	// Validate says what the schema cannot; optional. It changes nothing and asks nobody.
	Validate func(S) []Problem
	// Run serves one tunnel until ctx ends or it has drained. It calls Tunnel.Started once it listens; Tunnel.Serve does so.
	// An error, a panic, or a return before any of these makes the tunnel fail.
	Run func(ctx context.Context, t *Tunnel, s S) error
}

// TunnelType is a Type of any settings.
type TunnelType interface {
	describe() (*pb.TunnelType, error)
	decode(raw []byte) (any, []Problem)
	run(ctx context.Context, t *Tunnel, settings any) error
}

func (t Type[S]) run(ctx context.Context, tunnel *Tunnel, settings any) error {
	return t.Run(ctx, tunnel, settings.(S))
}

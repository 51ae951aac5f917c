package gate

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
)

// Config of a Gate.
type Config struct {
	// Network is the router. nil: tunnels cannot use I2P.
	Network Network
	// Resolver is for DialClearnet only. nil: the system's.
	Resolver Resolver
	// Data is the folder of the tunnels' stores, one file each. Empty: they are in memory only.
	Data string
	Log  *slog.Logger

	// For tests. AllowClearnet are addresses that DialClearnet takes for public ones; Connect replaces the connection to an
	// address that was checked.
	AllowClearnet []netip.AddrPort
	Connect       func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// Gate holds the tunnels. There is one per clove.
type Gate struct{}

// New makes a Gate.
func New(cfg Config) (*Gate, error) { panic("gate: not yet") }

// SetTunnel adds a tunnel, or changes one: its grants and limits at once, dropping nothing but listeners that are not granted
// any more. A change of what its destination depends on (Destination, Published, KeyFile, Length, Quantity) is an error: remove
// the tunnel first.
func (g *Gate) SetTunnel(spec TunnelSpec) error { panic("gate: not yet") }

// RemoveTunnel closes the tunnel's connections, listeners and destinations. Its store stays.
func (g *Gate) RemoveTunnel(name string) { panic("gate: not yet") }

// Forget deletes the store of a tunnel that was removed.
func (g *Gate) Forget(name string) error { panic("gate: not yet") }

// Address opens the tunnel's destination if need be and returns its address.
func (g *Gate) Address(ctx context.Context, tunnel string) (Address, error) { panic("gate: not yet") }

// CloseUnused closes the listeners of a tunnel that no plugin process holds: those that its new process, or its new settings, did
// not ask for again. Call it when Start or Reload has succeeded.
func (g *Gate) CloseUnused(tunnel string) { panic("gate: not yet") }

// DialService opens a stream to a service that a tunnel provides. It returns once the plugin has taken it. Errors wrap
// api.ErrUnknownHost (no such tunnel), api.ErrNotReady (no such service, or nobody took the stream in 15 s), api.ErrLimit. The
// connection has CloseWrite.
func (g *Gate) DialService(ctx context.Context, tunnel, service, isolation string) (net.Conn, error) {
	panic("gate: not yet")
}

// Connections lists the open connections by id, of one tunnel or ("") of all.
func (g *Gate) Connections(tunnel string) []Connection { panic("gate: not yet") }

// Kill closes a connection. It says whether there was one.
func (g *Gate) Kill(id uint64) bool { panic("gate: not yet") }

// Tunnels lists all tunnels by name.
func (g *Gate) Tunnels() []TunnelStatus { panic("gate: not yet") }

// Tunnel is one of them.
func (g *Gate) Tunnel(name string) (TunnelStatus, bool) { panic("gate: not yet") }

// Denials counts what was refused to a plugin, in all its processes, by the name of the permission ("dial-clearnet"), and under
// "settings" what its settings do not name.
func (g *Gate) Denials(plugin string) map[string]uint64 { panic("gate: not yet") }

// Close removes all tunnels and waits. Instances must have ended.
func (g *Gate) Close() error { panic("gate: not yet") }

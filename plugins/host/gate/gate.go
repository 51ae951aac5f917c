package gate

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
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

// Gate holds the tunnels. There is one per clove. Its goroutines (accept loops, packet readers) belong to tunnels and end with
// them: Close waits for all.
type Gate struct {
	cfg      Config
	log      *slog.Logger
	ids      atomic.Uint64 // of connections and listeners
	homes    homes
	denials  denials
	clearnet clearnet

	setting sync.Mutex // one SetTunnel, RemoveTunnel, Close at a time

	mu        sync.Mutex
	tunnels   map[string]*tunnel
	instances map[*Instance]struct{}
	closed    bool
}

// New makes a Gate.
func New(cfg Config) (*Gate, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := makeStoreFolder(cfg.Data); err != nil {
		return nil, err
	}
	g := &Gate{cfg: cfg, log: cfg.Log, homes: homes{network: cfg.Network}, tunnels: make(map[string]*tunnel), instances: make(map[*Instance]struct{})}
	g.clearnet = newClearnet(cfg)
	return g, nil
}

// SetTunnel adds a tunnel, or changes one: its grants and limits at once, dropping nothing but listeners that are not granted
// any more. A change of what its destination depends on (Destination, Published, KeyFile, Length, Quantity) is an error: remove
// the tunnel first.
func (g *Gate) SetTunnel(spec TunnelSpec) error {
	if err := spec.check(); err != nil {
		return err
	}
	allowed, err := compile(spec.Grants)
	if err != nil {
		return refuse(api.ErrInvalid, "tunnel %s: %v", spec.Name, err)
	}
	g.setting.Lock()
	defer g.setting.Unlock()
	g.mu.Lock()
	t, closed := g.tunnels[spec.Name], g.closed
	g.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	if t != nil {
		return t.change(spec, allowed)
	}
	t, err = g.newTunnel(spec, allowed)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tunnels[spec.Name] = t
	return nil
}

func (g *Gate) newTunnel(spec TunnelSpec, allowed *granted) (*tunnel, error) {
	isolated := Spec{Tunnel: spec.Name, Length: spec.Length, Quantity: spec.Quantity}
	t := &tunnel{
		gate: g, name: spec.Name, spec: spec, apart: &isolation{network: g.cfg.Network, spec: isolated},
		links: make(map[*link]struct{}), listeners: make(map[uint64]*listener), sockets: make(map[uint64]*packetSocket),
	}
	t.granted.Store(allowed)
	var err error
	if t.store, err = openStore(g.cfg.Data, spec.Name, g.log); err != nil {
		return nil, err
	}
	if spec.Destination != pb.DestinationKind_NONE && g.cfg.Network != nil {
		if t.home, err = g.homes.take(spec.destination()); err != nil {
			t.store.close()
			return nil, err
		}
	}
	return t, nil
}

// RemoveTunnel closes the tunnel's connections, listeners and destinations. Its store stays.
func (g *Gate) RemoveTunnel(name string) {
	g.setting.Lock()
	defer g.setting.Unlock()
	g.remove(name)
}

func (g *Gate) remove(name string) {
	g.mu.Lock()
	t := g.tunnels[name]
	delete(g.tunnels, name)
	users := make([]*Instance, 0, len(g.instances))
	for i := range g.instances {
		users = append(users, i)
	}
	g.mu.Unlock()
	if t == nil {
		return
	}
	for _, i := range users {
		i.Detach(name)
	}
	t.close()
}

// Forget deletes the store of a tunnel that was removed.
func (g *Gate) Forget(name string) error {
	g.setting.Lock()
	defer g.setting.Unlock()
	if _, err := g.tunnel(name); err == nil {
		return refuse(api.ErrInUse, "tunnel %s is there: remove it first", name)
	}
	return removeStore(g.cfg.Data, name)
}

// Address opens the tunnel's destination if need be and returns its address.
func (g *Gate) Address(ctx context.Context, tunnel string) (Address, error) {
	t, err := g.tunnel(tunnel)
	if err != nil {
		return Address{}, err
	}
	home, err := t.destination()
	if err != nil {
		return Address{}, err
	}
	dest, err := home.get(ctx, false)
	if err != nil {
		return Address{}, err
	}
	return dest.Address(), nil
}

// CloseUnused closes the listeners of a tunnel that no plugin process holds: those that its new process, or its new settings, did
// not ask for again. Call it when Start or Reload has succeeded.
func (g *Gate) CloseUnused(tunnel string) {
	t, err := g.tunnel(tunnel)
	if err != nil {
		return
	}
	for _, l := range t.bound(func(b *binding) bool { return !b.held() }) {
		l.close()
	}
}

// Kill closes a connection. It says whether there was one.
func (g *Gate) Kill(id uint64) bool {
	for _, t := range g.all() {
		for _, l := range t.open() {
			if l.id == id {
				l.abort()
				return true
			}
		}
	}
	return false
}

// Denials counts what was refused to a plugin, in all its processes, by the name of the permission ("dial-clearnet"), and under
// "settings" what its settings do not name.
func (g *Gate) Denials(plugin string) map[string]uint64 { return g.denials.of(plugin) }

// Close removes all tunnels and waits. Instances must have ended.
func (g *Gate) Close() error {
	g.setting.Lock()
	defer g.setting.Unlock()
	g.mu.Lock()
	g.closed = true
	left := len(g.instances)
	g.mu.Unlock()
	for _, t := range g.all() {
		g.remove(t.name)
	}
	if left > 0 {
		return errors.New("gate: closed while plugin processes are served")
	}
	return nil
}

func (g *Gate) tunnel(name string) (*tunnel, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.tunnels[name]; t != nil {
		return t, nil
	}
	return nil, refuse(api.ErrUnknownHost, "there is no tunnel %.70q: clove tunnel list shows those that there are", name)
}

// all tunnels by name.
func (g *Gate) all() []*tunnel {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]*tunnel, 0, len(g.tunnels))
	for _, t := range g.tunnels {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *tunnel) int { return cmp.Compare(a.name, b.name) })
	return out
}

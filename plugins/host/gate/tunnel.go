package gate

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
)

// tunnel is what outlives plugin processes: the destination, listeners, the store, counters.
type tunnel struct {
	gate    *Gate
	name    string
	home    *home // nil without a destination
	apart   *isolation
	store   *store
	granted atomic.Pointer[granted]

	mu        sync.Mutex
	spec      TunnelSpec
	closed    bool
	links     map[*link]struct{}
	in, out   int // of links
	listeners map[uint64]*listener
	sockets   map[uint64]*packetSocket
	running   sync.WaitGroup // accept loops, packet readers
	binding   sync.Mutex     // held while something is bound: two calls for one address get one listener

	total, refused, expired    atomic.Uint64
	packetsLost, logLost       atomic.Uint64
	sentBefore, receivedBefore uint64 // bytes of links that have ended; mu guards them
}

func (t *tunnel) destination() (*home, error) {
	if t.home == nil {
		return nil, refuse(api.ErrInvalid, "tunnel %s has no destination: its type says NONE, or clove runs without I2P", t.name)
	}
	return t.home, nil
}

// reserve takes a place for a connection. Errors wrap api.ErrLimit.
func (t *tunnel) reserve(kind, peer string, inbound bool) (*link, error) {
	l := &link{id: t.gate.ids.Add(1), tunnel: t, kind: kind, peer: peer, inbound: inbound, opened: time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	count := &t.out
	if inbound {
		count = &t.in
	}
	if t.closed {
		return nil, refuse(api.ErrNotReady, "tunnel %s was removed", t.name)
	}
	if most := t.spec.maxConnections(); *count >= most {
		t.refused.Add(1)
		return nil, refuse(api.ErrLimit, "tunnel %s has %d connections already: raise max_connections in [tunnels.%s]", t.name, most, t.name)
	}
	*count++
	t.links[l] = struct{}{}
	t.total.Add(1)
	return l, nil
}

// release is called by a link that ends, once.
func (t *tunnel) release(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.links, l)
	if l.inbound {
		t.in--
	} else {
		t.out--
	}
	t.sentBefore += l.sent.Load()
	t.receivedBefore += l.received.Load()
}

// open are the links now.
func (t *tunnel) open() []*link {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*link, 0, len(t.links))
	for l := range t.links {
		out = append(out, l)
	}
	return out
}

// change takes over a spec with the same destination, and closes what it does not grant any more.
func (t *tunnel) change(spec TunnelSpec, g *granted) error {
	t.mu.Lock()
	if spec.destination() != t.spec.destination() || (spec.Destination == pb.DestinationKind_NONE) != (t.spec.Destination == pb.DestinationKind_NONE) {
		t.mu.Unlock()
		return refuse(api.ErrInUse, "tunnel %s is open with another destination: stop it first", t.name)
	}
	t.spec = spec
	t.granted.Store(g)
	t.mu.Unlock()
	for _, l := range t.bound(func(b *binding) bool { return b.kind == kindLocal && !g.listen[b.wanted] }) {
		l.close()
	}
	return nil
}

// closer is a listener or a packet socket.
type closer interface{ close() }

// bound are the listeners and packet sockets that ok says yes to.
func (t *tunnel) bound(ok func(*binding) bool) []closer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []closer
	for _, l := range t.listeners {
		if ok(&l.binding) {
			out = append(out, l)
		}
	}
	for _, s := range t.sockets {
		if ok(&s.binding) {
			out = append(out, s)
		}
	}
	return out
}

// leave gives back what a process holds.
func (t *tunnel) leave(i *Instance) {
	t.mu.Lock()
	listeners := slices.Collect(maps.Values(t.listeners))
	sockets := slices.Collect(maps.Values(t.sockets))
	t.mu.Unlock()
	for _, l := range listeners {
		l.abandon(i)
		l.release(i)
	}
	for _, s := range sockets {
		s.release(i)
	}
}

// close ends everything and waits.
func (t *tunnel) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	for _, l := range t.bound(func(*binding) bool { return true }) {
		l.close()
	}
	for _, l := range t.open() {
		l.abort()
	}
	t.running.Wait()
	t.apart.close()
	if t.home != nil {
		t.gate.homes.release(t.home, t.name)
	}
	t.store.close()
}

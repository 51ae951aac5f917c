package gate

import (
	"sync"

	"clove.i2p/plugins/api"
)

// binding is what a listener and a packet socket have in common: they belong to the tunnel and outlive the process that asked for
// them. The next process asks for the same and gets the same.
type binding struct {
	id      uint64
	tunnel  *tunnel
	kind    string
	wanted  string // address or service that was asked for
	key     string // what tells it from others of the tunnel
	address string // what was bound

	mu     sync.Mutex
	holder *Instance // the newest process that asked for it, while it lives
	closed bool
}

// claim makes i the holder. It fails where i is that already: one process cannot listen twice.
func (b *binding) claim(i *Instance) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.holder == i {
		return refuse(api.ErrInUse, "tunnel %s listens on %s already: close that listener first", b.tunnel.name, b.address)
	}
	b.holder = i
	return nil
}

// release says whether i was the holder.
func (b *binding) release(i *Instance) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.holder != i {
		return false
	}
	b.holder = nil
	return true
}

func (b *binding) held() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.holder != nil
}

// shut says whether this was the first call.
func (b *binding) shut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.closed
	b.closed, b.holder = true, nil
	return !before
}

func (b *binding) isShut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

func (b *binding) status() ListenerStatus {
	return ListenerStatus{ID: b.id, Kind: b.kind, Address: b.address, Held: b.held()}
}

// room fails where the tunnel listens on too much. t.mu is held.
func (t *tunnel) room() error {
	if t.closed {
		return refuse(api.ErrNotReady, "tunnel %s was removed", t.name)
	}
	if len(t.listeners)+len(t.sockets) >= maxListeners {
		return refuse(api.ErrLimit, "tunnel %s listens on %d addresses and ports already: that is the most", t.name, maxListeners)
	}
	return nil
}

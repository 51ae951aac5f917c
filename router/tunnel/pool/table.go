package pool

import (
	"fmt"
	"sync"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
)

// Sender passes messages in flight to a router; ownership moves and the call does not block. A message to this
// router itself comes back in through the router.
type Sender interface {
	Send(to i2p.Hash, msgs ...*buf.Buf)
}

// Owner is whoever a pool's tunnels belong to: a client destination, or the router for its exploratory tunnels.
type Owner interface {
	// Received takes what left an inbound tunnel, in order: all that a batch from the hop next to us completed. The
	// slice is lent, the messages move.
	Received(t *Tunnel, msgs []Delivered)
	// AddOneTime registers the key of a garlic message that will come through an inbound tunnel.
	AddOneTime(tag [8]byte, key [32]byte, expires time.Time)
	// TunnelsChanged says that a tunnel came or went. It is called with no lock held, and must not block.
	TunnelsChanged()
}

// A Delivered is a message in flight that left an inbound tunnel.
type Delivered struct {
	Delivery tunnel.Delivery
	Message  *buf.Buf
}

// A Table finds our own inbound tunnels by id, and builds under way by the message id of their reply. One serves
// all pools of a router. It is safe for concurrent use.
type Table struct {
	mu      sync.RWMutex
	inbound map[i2p.TunnelID]*Tunnel
	pending map[i2np.MessageID]*attempt
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{inbound: make(map[i2p.TunnelID]*Tunnel), pending: make(map[i2np.MessageID]*attempt)}
}

// Inbound returns the inbound tunnel that a TunnelData or TunnelGateway message with this id is for.
func (t *Table) Inbound(id i2p.TunnelID) (*Tunnel, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	in, ok := t.inbound[id]
	return in, ok
}

// A Way is how a message came to us: from a router over its session, or down an inbound tunnel of ours.
type Way struct {
	Router i2p.Hash
	Tunnel *Tunnel
}

// Reply takes the payload of a build reply and reports whether the message id belongs to a build of ours whose reply was to
// come this way. ShortTunnelBuild messages pass here first: the one that arrives at the creator of an inbound tunnel is
// its reply.
//
// By any other way it is not ours: the endpoint of a new tunnel knows the id of the reply, and would else give it to a
// router or a destination that it suspects, and know by the tunnel's coming to life that it was right.
func (t *Table) Reply(id i2np.MessageID, payload []byte, by Way) bool {
	t.mu.Lock()
	a, ok := t.pending[id]
	if ok = ok && a.by == by; ok {
		delete(t.pending, id)
	}
	t.mu.Unlock()
	if ok {
		a.pool.replied(a, payload)
	}
	return ok
}

// Pending reports whether the message id is the reply of a build of ours.
func (t *Table) Pending(id i2np.MessageID) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, ok := t.pending[id]
	return ok
}

func (t *Table) addPending(id i2np.MessageID, a *attempt) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) >= maxPending {
		return fmt.Errorf("pool: %d builds under way", len(t.pending))
	}
	t.pending[id] = a
	return nil
}

func (t *Table) removePending(id i2np.MessageID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pending, id)
}

// add makes an inbound tunnel known. It is added before the reply of its build is read, since messages may
// overtake the reply.
func (t *Table) add(in *Tunnel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inbound[in.id] = in
}

func (t *Table) remove(in *Tunnel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inbound[in.id] == in {
		delete(t.inbound, in.id)
	}
}

// freeID draws a tunnel id that no inbound tunnel of ours has.
func (t *Table) freeID() i2p.TunnelID {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for {
		id := i2p.TunnelID(i2np.NewMessageID())
		if _, taken := t.inbound[id]; !taken {
			return id
		}
	}
}

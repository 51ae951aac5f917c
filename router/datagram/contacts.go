package datagram

import (
	"sync"
	"time"

	"clove.i2p/router/i2p"
)

// contacts says whose a raw datagram may be, by the port that it comes from. A port with two peers is nobody's until
// one of them was idle for long enough: a guess could give one peer's answers to the application of another.
type contacts struct {
	mu    sync.Mutex
	ports map[uint16]contact
}

type contact struct {
	peer   i2p.Hash
	last   time.Time
	shared time.Time // until then another peer has the port, too
}

func newContacts() *contacts { return &contacts{ports: make(map[uint16]contact)} }

// met enters a peer that was sent to, or that proved itself.
func (c *contacts) met(a Addr, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.ports[a.Port]
	switch {
	case !ok:
		if len(c.ports) >= maxPeers {
			c.makeRoom(now)
		}
	case e.peer != a.Hash && now.Sub(e.last) < peerIdle:
		e.shared = now.Add(peerIdle)
	}
	e.peer, e.last = a.Hash, now
	c.ports[a.Port] = e
}

// makeRoom drops those that are idle, or any one.
func (c *contacts) makeRoom(now time.Time) {
	for p, e := range c.ports {
		if now.Sub(e.last) >= peerIdle {
			delete(c.ports, p)
		}
	}
	for p := range c.ports {
		if len(c.ports) < maxPeers {
			break
		}
		delete(c.ports, p)
	}
}

// at is the one peer with a port.
func (c *contacts) at(port uint16, now time.Time) (i2p.Hash, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.ports[port]
	if !ok || now.Sub(e.last) >= peerIdle || now.Before(e.shared) {
		return i2p.Hash{}, false
	}
	e.last = now
	c.ports[port] = e
	return e.peer, true
}

package transport

import (
	"sync"
	"time"
)

// A ReplayCache remembers the ephemeral keys X of inbound handshakes, as they are on the wire, for one to two replayWindows, or
// for less when more than maxReplayEntries come in one: then the last so many. A replay of a handshake that is older than a
// window has a time that is too far off. The zero value is empty. It is safe for concurrent use.
type ReplayCache struct {
	mu       sync.Mutex
	now, old map[[32]byte]struct{}
	turned   time.Time
}

// Add enters x and reports whether it was new.
func (c *ReplayCache) Add(x [32]byte, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since := now.Sub(c.turned); since >= replayWindow || len(c.now) >= maxReplayEntries {
		if since >= 2*replayWindow {
			c.now = nil
		}
		c.old, c.now, c.turned = c.now, make(map[[32]byte]struct{}), now
	}
	_, inNow := c.now[x]
	_, inOld := c.old[x]
	if inNow || inOld {
		return false
	}
	c.now[x] = struct{}{}
	return true
}

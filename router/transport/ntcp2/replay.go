package ntcp2

import (
	"sync"
	"time"

	"clove.i2p/router/crypto/keys"
)

// A replayCache remembers the ephemeral keys X of handshakes for one to two replayWindows. A replay of an older
// handshake has a time that is too far off.
type replayCache struct {
	mu       sync.Mutex
	now, old map[keys.X25519Public]struct{}
	turned   time.Time
}

// add enters x and reports whether it was new.
func (c *replayCache) add(x keys.X25519Public, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if since := now.Sub(c.turned); since >= replayWindow || len(c.now) >= maxReplayEntries {
		if since >= 2*replayWindow {
			c.now = nil
		}
		c.old, c.now, c.turned = c.now, make(map[keys.X25519Public]struct{}), now
	}
	_, inNow := c.now[x]
	_, inOld := c.old[x]
	if inNow || inOld {
		return false
	}
	c.now[x] = struct{}{}
	return true
}

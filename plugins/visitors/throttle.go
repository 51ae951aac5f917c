package visitors

import (
	"sync"
	"time"
)

// ThrottleLimits are for what costs a server more than reading, such as POST. After Peer events of one peer within Window it is
// banned for Ban; after Total events of all of them everybody is banned for TotalBan. 0 events is no limit.
type ThrottleLimits struct {
	Peer, Total           int
	Window, Ban, TotalBan time.Duration
}

// Throttle counts and bans. Its methods may be called at the same time.
type Throttle struct {
	mu     sync.Mutex
	limits ThrottleLimits
	total  throttled
	peers  *Table[throttled]
}

type throttled struct {
	since time.Time
	n     int
	until time.Time // of the ban
}

// NewThrottle returns one that has seen nothing.
func NewThrottle(l ThrottleLimits) *Throttle {
	return &Throttle{limits: l, peers: NewTable[throttled](maxPeers, nil)}
}

// SetLimits changes the limits for what comes from now on.
func (t *Throttle) SetLimits(l ThrottleLimits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits = l
}

// Allow counts an event and tells whether it may happen; if not, after how long to come again.
func (t *Throttle) Allow(now time.Time, p Peer) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limits.Peer > 0 {
		if wait, ok := t.peers.Get(p).take(now, t.limits.Peer, t.limits.Window, t.limits.Ban); !ok {
			return wait, false
		}
	}
	if t.limits.Total > 0 {
		return t.total.take(now, t.limits.Total, t.limits.Window, t.limits.TotalBan)
	}
	return 0, true
}

func (d *throttled) take(now time.Time, limit int, window, ban time.Duration) (wait time.Duration, ok bool) {
	if wait := d.until.Sub(now); wait > 0 {
		return wait, false
	}
	if now.Sub(d.since) >= window {
		d.since, d.n = now, 0
	}
	if d.n >= limit {
		d.until, d.n, d.since = now.Add(ban), 0, time.Time{}
		return ban, false
	}
	d.n++
	return 0, true
}

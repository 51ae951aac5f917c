package peer

import (
	"time"

	"clove.i2p/router/i2p"
)

type ban struct {
	until  time.Time
	reason string
}

// A Ban is one entry of the ban list.
type Ban struct {
	Router i2p.Hash
	Until  time.Time
	Reason string
}

// Admit reports whether to speak with a router at all: it is not banned.
func (b *Book) Admit(router i2p.Hash) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.banned(router, time.Now())
}

// Ban refuses a router for a time, at most a week. A later ban replaces an earlier one.
func (b *Book) Ban(router i2p.Hash, d time.Duration, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if _, ok := b.bans[router]; !ok && len(b.bans) >= maxBans {
		b.dropBan()
	}
	b.bans[router] = ban{until: now.Add(min(d, maxBan)), reason: reason}
}

// Unban ends a ban.
func (b *Book) Unban(router i2p.Hash) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.bans, router)
}

// Bans returns the ban list, in no order.
func (b *Book) Bans() []Ban {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	list := make([]Ban, 0, len(b.bans))
	for r, e := range b.bans {
		if b.banned(r, now) {
			list = append(list, Ban{Router: r, Until: e.until, Reason: e.reason})
		}
	}
	return list
}

func (b *Book) banned(router i2p.Hash, now time.Time) bool {
	e, ok := b.bans[router]
	if ok && !now.Before(e.until) {
		delete(b.bans, router)
		return false
	}
	return ok
}

// dropBan makes room: the ban that ends first goes.
func (b *Book) dropBan() {
	var first i2p.Hash
	var until time.Time
	for r, e := range b.bans {
		if until.IsZero() || e.until.Before(until) {
			first, until = r, e.until
		}
	}
	delete(b.bans, first)
}

package netdb

import (
	"time"

	"clove.i2p/router/i2p"
)

// budgets limit what others can make us do. They are the router's; a View answers nobody.
type budgets struct {
	stores      *throttle[i2p.Hash]    // by the peer that brought a DatabaseStore
	peerLookups *throttle[i2p.Hash]    // by the peer that brought a DatabaseLookup: often an outbound endpoint of many
	lookups     *throttle[lookupOwner] // by where the answer goes
	floods      *throttle[i2p.Hash]    // by key
	renewals    *throttle[i2p.Hash]    // by router
}

// A lookupOwner is the closest that a floodfill gets to knowing who asks.
type lookupOwner struct {
	gateway i2p.Hash
	tunnel  i2p.TunnelID
}

func newBudgets(private bool) budgets {
	f := 1.0
	if private {
		f = privateFactor
	}
	return budgets{
		stores:      newThrottle[i2p.Hash](storeBurst*f, storeRate*f),
		peerLookups: newThrottle[i2p.Hash](peerBurst*f, peerRate*f),
		lookups:     newThrottle[lookupOwner](tunnelBurst*f, tunnelRate*f),
		renewals:    newThrottle[i2p.Hash](renewBurst, renewRate*f),
		floods:      newThrottle[i2p.Hash](floods, floods/floodPeriod.Seconds()),
	}
}

func (b *budgets) lookup(from i2p.Hash, owner lookupOwner, now time.Time) bool {
	return b.peerLookups.allow(from, now) && b.lookups.allow(owner, now)
}

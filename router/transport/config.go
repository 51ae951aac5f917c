package transport

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"clove.i2p/router/i2p"
)

// Config holds the limits of a Mux. Zero fields get the defaults of limits.go.
type Config struct {
	// Self is the hash of this router: it is never dialled, and decides crossed dials.
	Self i2p.Hash
	// MaxSessions bounds the table. At the bound dials are refused; inbound sessions earlier, at seven eighths.
	MaxSessions int
	// MaxDials bounds the dials that run at once, MaxPendingDials those that wait for a turn.
	MaxDials, MaxPendingDials int
	// MaxPendingMessages bounds the messages that wait for one dial.
	MaxPendingMessages int
	// DialTimeout bounds a dial including the lookup of the RouterInfo.
	DialTimeout time.Duration
	// BackoffMin is the pause after the first failed dial of a peer. It doubles with every failure up to BackoffMax.
	BackoffMin, BackoffMax time.Duration
	// IdleTimeout closes sessions that carry nothing.
	IdleTimeout time.Duration
}

// Deps are what a Mux works with.
type Deps struct {
	// Transports in the order of preference.
	Transports []Transport
	Lookup     Lookup
	Admission  Admission // nil admits all
	Logger     *slog.Logger
}

// Validate reports the first impossible value.
func (c Config) Validate() error {
	for name, n := range map[string]int{
		"MaxSessions": c.MaxSessions, "MaxDials": c.MaxDials,
		"MaxPendingDials": c.MaxPendingDials, "MaxPendingMessages": c.MaxPendingMessages,
		"DialTimeout": int(c.DialTimeout), "BackoffMin": int(c.BackoffMin), "BackoffMax": int(c.BackoffMax),
		"IdleTimeout": int(c.IdleTimeout),
	} {
		if n < 0 {
			return fmt.Errorf("transport: %s is negative", name)
		}
	}
	if c.BackoffMax != 0 && c.BackoffMax < c.BackoffMin {
		return fmt.Errorf("transport: BackoffMax is less than BackoffMin")
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.MaxSessions = cmp.Or(c.MaxSessions, defaultMaxSessions())
	c.MaxDials = cmp.Or(c.MaxDials, DefaultMaxDials)
	c.MaxPendingDials = cmp.Or(c.MaxPendingDials, DefaultMaxPendingDials)
	c.MaxPendingMessages = cmp.Or(c.MaxPendingMessages, DefaultMaxPendingMessages)
	c.DialTimeout = cmp.Or(c.DialTimeout, DefaultDialTimeout)
	c.BackoffMin = cmp.Or(c.BackoffMin, DefaultBackoffMin)
	c.BackoffMax = max(cmp.Or(c.BackoffMax, DefaultBackoffMax), c.BackoffMin)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, DefaultIdleTimeout)
	return c
}

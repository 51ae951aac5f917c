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
	// NetworkID bans routers of other networks; 0 does not look.
	NetworkID int
	// MaxSessions bounds the table. At the bound dials are refused unless another session goes; inbound ones and dials for
	// others earlier, at seven eighths.
	MaxSessions int
	// MaxOf bounds the sessions of single transports, by their style. NTCP2 never has more than half of the files that the
	// process may open.
	MaxOf map[string]int
	// MaxDials bounds the dials that run at once, MaxPendingDials those that wait for a turn.
	MaxDials, MaxPendingDials int
	// MaxPendingMessages bounds the messages that wait for one dial.
	MaxPendingMessages int
	// DialTimeout bounds a dial including the lookup of the RouterInfo.
	DialTimeout time.Duration
	// FallbackDelay is how long one transport has for a dial before the next one begins besides it.
	FallbackDelay time.Duration
	// BackoffMin is the pause after the first failed dial of a peer. It doubles with every failure up to BackoffMax;
	// after a lookup that found nothing, up to half a minute.
	BackoffMin, BackoffMax time.Duration
	// IdleTimeout closes sessions that carry nothing.
	IdleTimeout time.Duration
}

// Deps are what a Mux works with.
type Deps struct {
	// Transports, each of another style. Who of them dials is decided for each router; see Bidder.
	Transports []Transport
	Lookup     Lookup
	Peers      Peers // nil: nobody learns
	Logger     *slog.Logger
}

// Validate reports the first impossible value.
func (c Config) Validate() error {
	for name, n := range map[string]int{
		"MaxSessions": c.MaxSessions, "MaxDials": c.MaxDials,
		"MaxPendingDials": c.MaxPendingDials, "MaxPendingMessages": c.MaxPendingMessages,
		"DialTimeout": int(c.DialTimeout), "BackoffMin": int(c.BackoffMin), "BackoffMax": int(c.BackoffMax),
		"IdleTimeout": int(c.IdleTimeout), "FallbackDelay": int(c.FallbackDelay),
	} {
		if n < 0 {
			return fmt.Errorf("transport: %s is negative", name)
		}
	}
	for style, n := range c.MaxOf {
		if n < 0 {
			return fmt.Errorf("transport: MaxOf %s is negative", style)
		}
	}
	if c.BackoffMax != 0 && c.BackoffMax < c.BackoffMin {
		return fmt.Errorf("transport: BackoffMax is less than BackoffMin")
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.MaxSessions = cmp.Or(c.MaxSessions, DefaultMaxSessions)
	c.MaxDials = cmp.Or(c.MaxDials, DefaultMaxDials)
	c.MaxPendingDials = cmp.Or(c.MaxPendingDials, DefaultMaxPendingDials)
	c.MaxPendingMessages = cmp.Or(c.MaxPendingMessages, DefaultMaxPendingMessages)
	c.DialTimeout = cmp.Or(c.DialTimeout, DefaultDialTimeout)
	c.FallbackDelay = cmp.Or(c.FallbackDelay, DefaultFallbackDelay)
	c.BackoffMin = cmp.Or(c.BackoffMin, DefaultBackoffMin)
	c.BackoffMax = max(cmp.Or(c.BackoffMax, DefaultBackoffMax), c.BackoffMin)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, DefaultIdleTimeout)
	return c
}

// limit is the most sessions of one style: those of NTCP2 take a file each.
func (c Config) limit(style string) int {
	most := c.MaxSessions
	if style == "NTCP2" {
		most = min(most, defaultMaxSessions())
	}
	return min(most, cmp.Or(c.MaxOf[style], most))
}

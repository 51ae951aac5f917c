package transit

import (
	"errors"
	"log/slog"
	"time"

	"clove.i2p/router/bandwidth"
	"clove.i2p/router/buf"
	"clove.i2p/router/clock"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel/build"
)

// Config of a Table. Zero values are the defaults.
type Config struct {
	// Disabled rejects all requests.
	Disabled bool
	// MaxTunnels is how many tunnels of others may run at once.
	MaxTunnels int
	// Lifetime of a tunnel, ten minutes. Tests compress time with it.
	Lifetime time.Duration
	// Workers is how many build requests are answered at once.
	Workers int
	// Queue is how many build requests may wait, and QueueAge for how long; an older one is dropped, as its
	// creator has given it up.
	Queue    int
	QueueAge time.Duration
	// PeerRate is the build requests per second, and PeerBurst those at once, that one previous hop may send, and
	// that one next hop may be sent.
	PeerRate  float64
	PeerBurst int
}

// Validate reports values out of range.
func (c Config) Validate() error {
	if c.MaxTunnels < 0 || c.Lifetime < 0 || c.Workers < 0 || c.Queue < 0 || c.QueueAge < 0 || c.PeerRate < 0 || c.PeerBurst < 0 {
		return errors.New("transit: negative value")
	}
	return nil
}

func (c Config) withDefaults() Config {
	set(&c.MaxTunnels, DefaultMaxTunnels)
	set(&c.Lifetime, build.Lifetime)
	set(&c.Workers, DefaultWorkers)
	set(&c.Queue, DefaultQueue)
	set(&c.QueueAge, DefaultQueueAge)
	set(&c.PeerRate, DefaultPeerRate)
	set(&c.PeerBurst, DefaultPeerBurst)
	return c
}

func set[T int | float64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// A Sender sends messages in flight to a router. It does not block; the buffers move, the slice is lent.
type Sender interface {
	Send(to i2p.Hash, msgs ...*buf.Buf)
}

// A Local is this router itself, where an endpoint delivers to it.
type Local interface {
	// Inject takes a message in flight as if it came from another router. It is never TunnelData.
	Inject(b *buf.Buf)
	// Reserved reports whether a tunnel id is in use by a tunnel of our own.
	Reserved(id i2p.TunnelID) bool
}

// Deps are what a Table works with. All are needed.
type Deps struct {
	Clock   *clock.Clock
	Limiter *bandwidth.Limiter
	Keys    *i2p.RouterKeys
	Sender  Sender
	Local   Local
	Logger  *slog.Logger
}

func (d Deps) validate() error {
	if d.Clock == nil || d.Limiter == nil || d.Keys == nil || d.Sender == nil || d.Local == nil || d.Logger == nil {
		return errors.New("transit: a dependency is missing")
	}
	return nil
}

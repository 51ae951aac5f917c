package bandwidth

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Config is the bandwidth of a router.
type Config struct {
	Inbound  Rate // 0: unlimited
	Outbound Rate
	// Share is the part of Outbound (or of Inbound if that is less) for tunnels of others, in percent.
	Share int
}

// Validate reports values out of range.
func (c Config) Validate() error {
	switch {
	case c.Inbound < 0 || c.Outbound < 0:
		return fmt.Errorf("bandwidth: negative rate")
	case c.Share < 0 || c.Share > 100:
		return fmt.Errorf("bandwidth: share of %d percent is not within 0 to 100", c.Share)
	}
	return nil
}

// TransitRate is what tunnels of others may use together; Unlimited if neither direction has a limit. With a share of
// 0 it is 1 byte per second.
func (c Config) TransitRate() Rate {
	least := c.Outbound
	if least == Unlimited || c.Inbound != Unlimited && c.Inbound < least {
		least = c.Inbound
	}
	if least == Unlimited && c.Share > 0 {
		return Unlimited
	}
	return max(least/100*Rate(c.Share)+least%100*Rate(c.Share)/100, 1)
}

// A Limiter limits and counts a router's traffic. Safe for concurrent use.
type Limiter struct {
	cfg              Config
	in, out, transit *bucket
	inMeter          meter
	outMeter         meter
	transitMeter     meter
	transitDropped   atomic.Uint64
}

// New returns a limiter with full buckets.
func New(cfg Config) (*Limiter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	now := time.Now()
	l := &Limiter{cfg: cfg, in: newBucket(cfg.Inbound, now), out: newBucket(cfg.Outbound, now), transit: newBucket(cfg.TransitRate(), now)}
	l.inMeter.counter, l.inMeter.at = &l.in.total, now
	l.outMeter.counter, l.outMeter.at = &l.out.total, now
	l.transitMeter.counter, l.transitMeter.at = &l.transit.total, now
	return l, nil
}

// Config is what the limiter was made with.
func (l *Limiter) Config() Config { return l.cfg }

// WaitIn counts n bytes received and waits until the inbound rate allows them. The error is that of ctx.
func (l *Limiter) WaitIn(ctx context.Context, n int) error { return l.in.wait(ctx, n) }

// WaitOut counts n bytes sent and waits until the outbound rate allows them. The error is that of ctx.
func (l *Limiter) WaitOut(ctx context.Context, n int) error { return l.out.wait(ctx, n) }

// AllowTransit reports whether n bytes for tunnels of others may pass now, and counts them. It never waits.
func (l *Limiter) AllowTransit(n int) bool {
	if l.transit.rate <= 0 {
		l.transit.total.Add(uint64(n))
		return true
	}
	if l.transit.allow(n, time.Now()) {
		return true
	}
	l.transitDropped.Add(uint64(n))
	return false
}

// TransitLoad is the part of the transit rate in use over the last seconds, 0 to about 1; 0 without a limit.
func (l *Limiter) TransitLoad() float64 {
	if l.transit.rate <= 0 {
		return 0
	}
	load := l.transitMeter.read(time.Now()) / float64(l.transit.rate)
	if l.cfg.Outbound > 0 { // our own traffic takes room too
		load = max(load, l.outMeter.read(time.Now())/float64(l.cfg.Outbound))
	}
	return load
}

// Stats is a snapshot of totals in bytes and averages over the last seconds.
type Stats struct {
	In, Out, Transit, TransitDropped uint64
	InRate, OutRate, TransitRate     Rate
}

// Stats is a snapshot.
func (l *Limiter) Stats() Stats {
	now := time.Now()
	return Stats{
		In: l.in.total.Load(), Out: l.out.total.Load(), Transit: l.transit.total.Load(), TransitDropped: l.transitDropped.Load(),
		InRate: Rate(l.inMeter.read(now)), OutRate: Rate(l.outMeter.read(now)), TransitRate: Rate(l.transitMeter.read(now)),
	}
}

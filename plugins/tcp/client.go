package main

import (
	"context"
	"net"
	"sync/atomic"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/failover"
	"clove.i2p/plugins/sdk"
	"clove.i2p/proxies/relay"
)

// client is one tcp-client tunnel.
type client struct {
	tunnel         *sdk.Tunnel
	now            atomic.Pointer[clientVersion]
	sent, received atomic.Uint64 // to and from I2P
	failed         *sdk.Counter
}

// clientVersion is what changes when the settings do; a connection keeps the one that it began with.
type clientVersion struct {
	clientSettings
	destinations *failover.List
}

func newVersion(s clientSettings) *clientVersion {
	var all []string
	for _, d := range s.Destinations {
		if address, err := withPort(d); err == nil { // which problems has checked
			all = append(all, address)
		}
	}
	return &clientVersion{clientSettings: s, destinations: failover.New(all, s.Order == "random")}
}

// runClient listens until ctx ends or all has drained.
func runClient(ctx context.Context, t *sdk.Tunnel, s clientSettings) error {
	c := &client{tunnel: t, failed: t.Counter("connect_failed", "connections for which no destination answered")}
	c.now.Store(newVersion(s))
	t.Gauge("sent_bytes", "sent into I2P", func() float64 { return float64(c.sent.Load()) })
	t.Gauge("received_bytes", "received from there", func() float64 { return float64(c.received.Load()) })
	t.OnHealth(func() (sdk.HealthState, string) {
		if c.now.Load().destinations.Down() {
			return sdk.Degraded, "no destination answers"
		}
		return sdk.Healthy, ""
	})
	sdk.OnReload(t, func(next clientSettings) bool {
		if next.Listen != c.now.Load().Listen {
			return false
		}
		c.now.Store(newVersion(next))
		return true
	})
	l, err := t.ListenLocal(s.Listen)
	if err != nil {
		return err
	}
	return t.Serve(ctx, l, c.serve)
}

// serve is one connection of an application. If nobody answers, the application sees a reset: that is all that TCP can say.
func (c *client) serve(ctx context.Context, local net.Conn) {
	v := c.now.Load()
	remote, err := v.destinations.Dial(ctx, v.Connect, c.tunnel.Dial)
	if err != nil {
		if ctx.Err() == nil {
			c.failed.Add(1)
			c.tunnel.Log.Info("no destination answers", "error", api.Kind(err))
		}
		return
	}
	relay.Join(ctx, local, remote, relay.Limits{Idle: v.Idle, Linger: linger}, &c.sent, &c.received)
}

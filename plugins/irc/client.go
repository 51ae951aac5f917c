package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/failover"
	"clove.i2p/plugins/irc/filter"
	"clove.i2p/plugins/sdk"
	"clove.i2p/proxies/relay"
)

// client is one irc-client tunnel.
type client struct {
	tunnel  *sdk.Tunnel
	now     atomic.Pointer[clientVersion]
	dcc     *switchboard // nil: off
	count   func(filter.Direction, filter.Kind)
	clients atomic.Int64
	failed  *sdk.Counter
}

// clientVersion is what changes when the settings do; a session keeps the one that it began with.
type clientVersion struct {
	clientSettings
	servers *failover.List
}

func newVersion(s clientSettings) *clientVersion {
	var servers []string
	for _, d := range s.Destinations {
		if address, err := withPort(d); err == nil {
			servers = append(servers, address)
		}
	}
	return &clientVersion{clientSettings: s, servers: failover.New(servers, s.Order == "random")}
}

// runClient listens, and with DCC for that too, until ctx ends or all has drained.
func runClient(ctx context.Context, t *sdk.Tunnel, s clientSettings) error {
	c := &client{
		tunnel: t, count: filterCounters(t),
		failed: t.Counter("connect_failed", "clients for which no server could be reached"),
	}
	c.now.Store(newVersion(s))
	t.Gauge("clients", "IRC clients that are connected", func() float64 { return float64(c.clients.Load()) })
	t.OnHealth(func() (sdk.HealthState, string) {
		if c.now.Load().servers.Down() {
			return sdk.Degraded, "no IRC server could be reached"
		}
		return sdk.Healthy, ""
	})
	l, err := t.ListenLocal(s.Listen)
	if err != nil {
		return err
	}
	var direct sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer direct.Wait()
	defer stop()
	if s.DCC {
		if c.dcc, err = openSwitchboard(t, s); err != nil {
			return err
		}
		direct.Go(func() { c.dcc.serve(ctx) })
	}
	sdk.OnReload(t, func(s clientSettings) bool {
		if !s.sameListeners(c.now.Load().clientSettings) {
			return false
		}
		c.now.Store(newVersion(s))
		return true
	})
	err = t.Serve(ctx, l, c.serve)
	if err == nil {
		direct.Wait() // drained, or ctx ended
	}
	return err
}

// serve is one IRC client.
func (c *client) serve(ctx context.Context, local net.Conn) {
	c.clients.Add(1)
	defer c.clients.Add(-1)
	v := c.now.Load()
	cfg := filter.Config{Name: c.tunnel.Name(), User: v.User, RealName: v.RealName, Count: c.count}
	if c.dcc != nil {
		cfg.DCC = c.dcc
	}
	s := &session{filter: filter.New(cfg), client: local, silence: v.Silence}
	remote, err := v.servers.Dial(ctx, v.Connect, c.tunnel.Dial)
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		c.failed.Add(1)
		c.tunnel.Log.Info("no server could be reached", "error", reason(err))
		s.tell("499", "you", reason(err))
		relay.Drain(local)
		return
	}
	defer remote.Close()
	defer context.AfterFunc(ctx, func() { _ = remote.Close() })()
	s.server = remote
	s.run(ctx)
}

// reason is an error of dialling in words, without the name of whom was dialled.
func reason(err error) string {
	for _, known := range []struct {
		err  error
		text string
	}{
		{api.ErrUnknownHost, "the server's name is in no address book"},
		{api.ErrOffline, "the server is offline: it has no LeaseSet"},
		{api.ErrRefused, "the server refused the connection"},
		{api.ErrNotReady, "there are no I2P tunnels yet, try again in a minute"},
		{api.ErrPermission, "the plugin has no permission to dial: see clove plugin list"},
		{api.ErrLimit, "too many connections"},
		{api.ErrNoAnswer, "the server does not answer"},
		{context.DeadlineExceeded, "the server does not answer"},
	} {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return "the server cannot be reached"
}

// filterCounters makes a counter for each kind and direction.
func filterCounters(t *sdk.Tunnel) func(filter.Direction, filter.Kind) {
	counters := make(map[filter.Direction]map[filter.Kind]*sdk.Counter)
	for _, d := range filter.Directions {
		counters[d] = make(map[filter.Kind]*sdk.Counter)
		for _, k := range filter.Kinds(d) {
			counters[d][k] = t.Counter(k.String()+"_"+d.String(), k.Help()+", "+map[filter.Direction]string{
				filter.Outbound: "from the client", filter.Inbound: "from the server"}[d])
		}
	}
	return func(d filter.Direction, k filter.Kind) { counters[d][k].Add(1) }
}

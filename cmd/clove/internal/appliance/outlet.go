package appliance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"clove.i2p/plugins/api"
	"clove.i2p/proxies"
	"clove.i2p/router"
)

// An outlet is where the streams of one proxy leave: from the destination of their isolation, or to an outproxy's tunnel.
type outlet struct {
	appliance *Appliance
	listener  string
	own       *router.Destination // tells whether the proxy is ready
}

// Dial opens a stream.
func (o *outlet) Dial(ctx context.Context, t proxies.Target) (net.Conn, error) {
	var conn net.Conn
	var err error
	if t.Via != "" {
		conn, err = o.dialOutproxy(ctx, t)
	} else {
		conn, err = o.appliance.destinations.dial(ctx, t)
	}
	if err != nil {
		return nil, err
	}
	return o.appliance.streams.add(conn, t, o.listener), nil
}

// outproxyService is what tunnels of type outproxy-client provide.
const outproxyService = "outproxy"

func (o *outlet) dialOutproxy(ctx context.Context, t proxies.Target) (net.Conn, error) {
	if o.appliance.host == nil {
		return nil, fmt.Errorf("%w: %w", proxies.ErrOutproxyDown, errNoPlugins)
	}
	i := t.Isolation
	conn, err := o.appliance.host.DialService(ctx, t.Via, outproxyService, strings.Join([]string{i.Listener, i.User, i.Site}, "/"))
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, api.ErrUnknownHost), errors.Is(err, api.ErrNotReady), errors.Is(err, api.ErrLimit):
		return nil, fmt.Errorf("%w: tunnel %s: %w", proxies.ErrOutproxyDown, t.Via, err)
	}
	return nil, err
}

// Ready reports whether the proxy's own destination has tunnels.
func (o *outlet) Ready() (bool, string) { return dialer{o.own}.Ready() }

// ListenPacket opens a socket for repliable datagrams.
func (o *outlet) ListenPacket(ctx context.Context, i proxies.Isolation) (proxies.PacketConn, error) {
	return o.appliance.destinations.listenPacket(ctx, i)
}

var (
	_ proxies.Dialer       = (*outlet)(nil)
	_ proxies.Readiness    = (*outlet)(nil)
	_ proxies.PacketDialer = (*outlet)(nil)
)

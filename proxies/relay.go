package proxies

import (
	"context"
	"net"

	"clove.i2p/proxies/relay"
)

// Relay is relay.Join with the counters of a proxy.
func Relay(ctx context.Context, client, stream net.Conn, limits relay.Limits, c *Counters) {
	relay.Join(ctx, client, stream, limits, &c.sent, &c.received)
}

package main

import (
	"context"
	"time"

	"clove.i2p/router"
)

// upstreamTime is what the proxy has to refuse us; one that takes the request and says no more waits for an address that does not
// answer, and that is fine.
const upstreamTime = 3 * time.Second

// examineUpstream tries the proxy of router.upstream.
func examineUpstream(ctx context.Context, cfg router.Config) []finding {
	if cfg.Upstream == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, upstreamTime)
	defer cancel()
	if err := router.TryUpstream(ctx, cfg); err != nil {
		return []finding{{"upstream proxy", wrong, err.Error(), "start the proxy, or correct router.upstream; until then no router can be reached"}}
	}
	return []finding{{Check: "upstream proxy", State: fine, Text: "takes connections"}}
}

package router

import (
	"context"
	"crypto/rand"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
)

// oneTimeLife is how long the key of a netDb answer is kept.
const oneTimeLife = 60 * time.Second

// replyPath brings answers to the router's own lookups back through its exploratory tunnels.
type replyPath struct{ router *Router }

// ReplyPath gives an inbound tunnel and registers the key of one answer.
func (p replyPath) ReplyPath() (gateway i2p.Hash, id i2p.TunnelID, key [32]byte, tag [8]byte, ok bool) {
	in, ok := p.router.exploratory.Inbound()
	if !ok {
		return gateway, id, key, tag, false
	}
	rand.Read(key[:])
	rand.Read(tag[:])
	p.router.exploratoryKeeper.AddOneTime(tag, key, p.router.clock.Now().Add(oneTimeLife))
	gateway, id = in.Gateway()
	return gateway, id, key, tag, true
}

// expireKeys drops the keys of answers that did not come, until ctx ends.
func (r *Router) expireKeys(ctx context.Context) error {
	ticker := time.NewTicker(oneTimeLife)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			r.exploratoryKeeper.Due(r.clock.Now(), nil)
		}
	}
}

var _ netdb.ReplyPath = replyPath{}

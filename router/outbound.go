package router

import (
	"context"
	"fmt"

	"clove.i2p/router/buf"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
	"clove.i2p/router/tunnel"
)

// The way out. This file is the only place that picks between a direct session and a tunnel:
//
//  1. A client's packet was sealed and cut to tunnel messages by router/client; they are for the first hop: Send.
//  2. A transit message goes to the next hop of its tunnel: forward.
//  3. The netDb speaks for the router directly (Direct, Reply) or, where a floodfill should not see who asks, through an
//     exploratory tunnel (ThroughTunnel). A client's view of the netDb has a messenger of its own in router/client.
//  4. What is for this router itself goes round: loopback, which inbound.go reads.

// loopbackQueue bounds the messages on their way to ourselves; beyond it the newest is dropped and counted.
const loopbackQueue = 1024

// outbound sends for the packages below. It is what they see of the router.
type outbound struct{ router *Router }

// Send moves messages in flight to a router, and never blocks.
func (o outbound) Send(to i2p.Hash, msgs ...*buf.Buf) {
	if to != o.router.hash {
		o.router.mux.Send(to, msgs...)
		return
	}
	for _, m := range msgs {
		o.Inject(m)
	}
}

// forward sends what others made us send: transit. Their dials do not keep ours waiting.
type forward struct{ outbound }

func (f forward) Send(to i2p.Hash, msgs ...*buf.Buf) {
	if to == f.router.hash {
		f.outbound.Send(to, msgs...)
		return
	}
	f.router.mux.Forward(to, msgs...)
}

// Inject passes a message in flight to this router itself.
func (o outbound) Inject(m *buf.Buf) {
	select {
	case o.router.loopback <- m:
	default: // full: drop newest
		o.router.stats.loopbackDropped.Add(1)
		m.Release()
	}
}

// Reserved reports whether a tunnel id is taken by a tunnel of our own.
func (o outbound) Reserved(id i2p.TunnelID) bool {
	_, taken := o.router.table.Inbound(id)
	return taken
}

// Direct sends a netDb message over a session.
func (o outbound) Direct(to i2p.Hash, msg []byte) { o.Send(to, buf.From(msg)) }

// ThroughTunnel seals a netDb message for a router and sends it out of an exploratory tunnel.
func (o outbound) ThroughTunnel(to *i2p.RouterInfo, msg []byte) error {
	key, ok := to.EncryptionKey()
	if !ok {
		return fmt.Errorf("router: %s has no X25519 key", to.Hash().Short())
	}
	out, ok := o.router.exploratory.Outbound()
	if !ok {
		return netdb.ErrNotReady
	}
	now := o.router.clock.Now()
	b := buf.From(msg)
	defer b.Release()
	if err := garlic.PrependClove(b, garlic.Local()); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	if err := garlic.SealRouter(key, b, now); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	out.Send(tunnel.Delivery{Type: tunnel.DeliveryRouter, Router: to.Hash()}, now, b.Bytes())
	return nil
}

// Reply answers a netDb message: sealed if a key came with it, and through the gateway of the asker's tunnel if one
// is named.
func (o outbound) Reply(to netdb.ReplyTo, msg []byte) {
	now := o.router.clock.Now()
	b := buf.From(msg)
	if to.Key != nil {
		if garlic.PrependClove(b, garlic.Local()) != nil || garlic.SealOneTime(*to.Key, to.Tag, b, now) != nil {
			b.Release()
			o.router.stats.unsealed.Add(1)
			return
		}
	}
	if to.Tunnel == 0 {
		forward{o}.Send(to.Gateway, b)
		return
	}
	if err := tunnel.WrapGateway(b, to.Tunnel, now); err != nil {
		b.Release()
		o.router.stats.unsealed.Add(1)
		return
	}
	forward{o}.Send(to.Gateway, b)
}

// runLoopback delivers what the router sends to itself, until ctx ends.
func (r *Router) runLoopback(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-r.loopback:
			r.inbound.Messages(r.hash, []*buf.Buf{m})
		}
	}
}

// drainLoopback releases what nobody reads any more.
func (r *Router) drainLoopback() {
	for {
		select {
		case m := <-r.loopback:
			m.Release()
		default:
			return
		}
	}
}

var _ netdb.Messenger = outbound{}

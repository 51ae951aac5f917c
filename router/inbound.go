package router

import (
	"encoding/binary"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/pool"
)

// The way in. A transport session gives a batch of messages to Messages on its reader goroutine, and each is handled to
// its end there:
//
//  1. TunnelData with the id of an inbound tunnel of ours: the endpoint decrypts and reassembles (pool.Tunnel.Receive);
//     what it completes goes to the tunnel's owner: a client (router/client, Session.Received) or this router
//     (exploratory.Received below).
//  2. Any other TunnelData is transit: one layer, then to the next hop (transit.Table.DataBatch), a batch at a time.
//  3. TunnelGateway: an inbound tunnel of ours without hops, or transit.
//  4. Build messages: the reply of a build of ours is known by its message id; all others ask for transit.
//  5. Garlic for the router: opened with its own key; its Local cloves come back here, without leave to nest.
//  6. The netDb's messages.
//
// Of 4 to 6, a message that was seen before is dropped; there is one filter for what peers send and another for what comes
// down the exploratory tunnels, so that neither can be used to ask what the other has seen (CVE-2023-36325). Tunnel
// messages have filters of their own in each tunnel.
//
// Nothing here has logic of its own beyond this choice.
type inbound struct{ router *Router }

// Messages takes one batch from a peer. The slice is lent, the buffers move. What follows one another for the same
// tunnel of ours is handled together, and so is all transit, that the peers get it together again.
func (in inbound) Messages(from i2p.Hash, msgs []*buf.Buf) {
	r := in.router
	now := r.clock.Now()
	transit := msgs[:0]  // filled behind the read position, so that the batch is reused
	var own *pool.Tunnel // of msgs[first:i], which are still to be handled
	first := 0
	flush := func(i int) {
		if own != nil {
			in.receive(own, msgs[first:i], now)
			own = nil
		}
	}
	for i, m := range msgs {
		h, payload, err := i2np.ParseShort(m.Bytes())
		if err == nil && !h.Expired(now) && h.Type == i2np.TypeTunnelData {
			if t, ok := r.ownTunnel(payload); ok {
				if t != own {
					flush(i)
					own, first = t, i
				}
				continue
			}
		}
		flush(i)
		switch {
		case err != nil || h.Expired(now):
			r.stats.expired.Add(1)
			m.Release()
		case h.Type == i2np.TypeTunnelData:
			transit = append(transit, m)
		case h.Type == i2np.TypeTunnelGateway:
			if t, ok := r.ownTunnel(payload); ok {
				in.gateway(t, m)
			} else {
				transit = append(transit, m)
			}
		default:
			if r.seen.Seen(h, now) {
				r.stats.duplicate.Add(1)
			} else {
				in.message(from, h, payload)
			}
			m.Release()
		}
	}
	flush(len(msgs))
	if len(transit) > 0 {
		for _, m := range r.transit.DataBatch(from, transit) {
			r.stats.unknownTunnel.Add(1)
			m.Release()
		}
	}
}

// receive gives messages to an inbound tunnel of ours.
func (in inbound) receive(t *pool.Tunnel, msgs []*buf.Buf, now time.Time) {
	if refused := t.Receive(msgs, now); refused > 0 {
		in.router.stats.badTunnelData.Add(uint64(refused))
	}
	for _, m := range msgs {
		m.Release()
	}
}

// RouterInfo takes the RouterInfo of a handshake, or one that a peer floods over its session.
func (in inbound) RouterInfo(from i2p.Hash, ri *i2p.RouterInfo, flood bool) {
	in.router.db.Offered(from, ri, flood)
}

// ownTunnel finds the inbound tunnel of ours that the payload of a TunnelData or TunnelGateway message is for.
func (r *Router) ownTunnel(payload []byte) (*pool.Tunnel, bool) {
	if len(payload) < 4 {
		return nil, false
	}
	return r.table.Inbound(i2p.TunnelID(binary.BigEndian.Uint32(payload)))
}

// gateway takes a TunnelGateway message for a tunnel of ours; the buffer moves.
func (in inbound) gateway(t *pool.Tunnel, m *buf.Buf) {
	if len(t.Hops()) > 0 {
		in.router.stats.malformed.Add(1)
		m.Release()
		return
	}
	if _, err := tunnel.UnwrapGateway(m); err != nil {
		in.router.stats.malformed.Add(1)
		m.Release()
		return
	}
	t.ReceiveGateway(m)
}

// message takes everything that is not tunnel traffic, lent.
func (in inbound) message(from i2p.Hash, h i2np.Header, payload []byte) {
	r := in.router
	switch h.Type {
	case i2np.TypeShortTunnelBuild, i2np.TypeVariableTunnelBuild:
		if !r.table.Reply(h.ID, payload, pool.Way{Router: from}) {
			r.transit.Build(from, buf.From(append(h.AppendShort(nil), payload...)))
		}
	case i2np.TypeOutboundTunnelBuildReply, i2np.TypeVariableTunnelBuildReply:
		r.stats.unknownReply.Add(1) // those that we ask for come down a tunnel
	case i2np.TypeGarlic:
		g, err := i2np.ParseGarlic(payload)
		if err == nil {
			err = r.keeper.Open(g.Data, r.clock.Now(), func(c garlic.Clove) { in.clove(from, c) })
		}
		if err != nil {
			r.stats.unopened.Add(1)
		}
	case i2np.TypeDatabaseStore, i2np.TypeDatabaseLookup, i2np.TypeDatabaseSearchReply, i2np.TypeDeliveryStatus:
		r.db.Handle(from, h, payload)
	default:
		r.stats.unknownType.Add(1)
	}
}

// clove takes what was in a garlic message for this router. Only Local cloves: anything else would let a stranger
// send through us. Garlic in garlic is refused, so that nothing nests.
func (in inbound) clove(from i2p.Hash, c garlic.Clove) {
	if c.Delivery.Type != garlic.DeliveryLocal || c.Header.Type == i2np.TypeGarlic {
		in.router.stats.refusedClove.Add(1)
		return
	}
	in.message(from, c.Header, c.Body)
}

// exploratory owns the router's own tunnels. What comes down them answers the router's own questions: RouterInfo
// lookups, confirmations, build replies and tests. Answers to lookups are sealed with the key of the question: the
// tunnel itself is known to others.
type exploratory struct{ router *Router }

func (e exploratory) Received(t *pool.Tunnel, msgs []pool.Delivered) {
	for _, m := range msgs {
		e.receive(t, m.Delivery, m.Message)
	}
}

func (e exploratory) receive(t *pool.Tunnel, d tunnel.Delivery, msg *buf.Buf) {
	defer msg.Release()
	h, payload, err := i2np.ParseShort(msg.Bytes())
	if err != nil || d.Type != tunnel.DeliveryLocal {
		e.router.stats.malformed.Add(1)
		return
	}
	if e.router.seenExploratory.Seen(h, e.router.clock.Now()) {
		e.router.stats.duplicate.Add(1)
		return
	}
	if h.Type != i2np.TypeGarlic {
		e.message(t, h, payload)
		return
	}
	g, err := i2np.ParseGarlic(payload)
	if err == nil {
		err = e.router.exploratoryKeeper.Open(g.Data, e.router.clock.Now(), func(c garlic.Clove) { e.clove(t, c) })
	}
	if err != nil {
		e.router.stats.unopened.Add(1)
	}
}

// message takes what needs no seal.
func (e exploratory) message(t *pool.Tunnel, h i2np.Header, payload []byte) {
	r := e.router
	switch h.Type {
	case i2np.TypeDeliveryStatus:
		status, err := i2np.ParseDeliveryStatus(payload)
		if err != nil {
			r.stats.malformed.Add(1)
			return
		}
		if !r.exploratory.TestReply(status.MessageID, time.Now()) {
			r.db.Delivered(status.MessageID)
		}
	case i2np.TypeOutboundTunnelBuildReply, i2np.TypeVariableTunnelBuildReply:
		if !r.table.Reply(h.ID, payload, pool.Way{Tunnel: t}) {
			r.stats.unknownReply.Add(1)
		}
	default:
		r.stats.unknownType.Add(1)
	}
}

func (e exploratory) clove(t *pool.Tunnel, c garlic.Clove) {
	switch {
	case c.Delivery.Type != garlic.DeliveryLocal:
		e.router.stats.refusedClove.Add(1)
	case c.Header.Type == i2np.TypeDatabaseStore || c.Header.Type == i2np.TypeDatabaseSearchReply:
		e.router.db.Handle(i2p.Hash{}, c.Header, c.Body)
	default:
		e.message(t, c.Header, c.Body)
	}
}

func (e exploratory) AddOneTime(tag [8]byte, key [32]byte, expires time.Time) {
	e.router.exploratoryKeeper.AddOneTime(tag, key, expires)
}

// TunnelsChanged: nothing is published about exploratory tunnels.
func (e exploratory) TunnelsChanged() { e.router.noteReady() }

var _ pool.Owner = exploratory{}

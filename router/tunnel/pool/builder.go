package pool

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
)

// An attempt is a build under way. Its tunnel exists already, but only an inbound one can be found, since the first
// messages may overtake the reply.
type attempt struct {
	pool   *Pool
	tunnel *Tunnel
	build  *build.Pending
	reply  i2np.MessageID
	by     Way // of the reply
	sent   time.Time
}

// build starts one build, or makes a tunnel without hops at once.
func (p *Pool) build(d Direction, now time.Time) error {
	t := &Tunnel{
		direction: d, created: now, owner: p.owner, sender: p.sender, self: p.self,
		replace: now.Add(Lifetime - replaceLatest - rand.N(replaceEarliest-replaceLatest)), early: rand.N(leaseSpread),
	}
	t.collect = func(d tunnel.Delivery, msg *buf.Buf) { t.ready = append(t.ready, Delivered{d, msg}) }
	n := p.shape(d).Length
	if n == 0 {
		return p.establishEmpty(t)
	}
	if _, ok := p.carrier(1 - d); !ok && !p.direct(d) {
		return ErrNoTunnel
	}
	routers, err := p.peers.Hops(d, n)
	if err != nil {
		p.stats.noPeers.Add(1)
		return fmt.Errorf("pool: choose %d hops: %w", n, err)
	}
	for _, r := range routers {
		t.hops = append(t.hops, r.Hash())
	}
	a := &attempt{pool: p, tunnel: t, reply: i2np.NewMessageID(), sent: now}
	if d == Inbound {
		err = p.buildInbound(a, routers)
	} else {
		err = p.buildOutbound(a, routers)
	}
	if err != nil {
		p.abandon(a)
		return err
	}
	return nil
}

// establishEmpty makes a tunnel without hops: this router is gateway and endpoint.
func (p *Pool) establishEmpty(t *Tunnel) error {
	t.id = p.table.freeID()
	t.gatewayRouter, t.gatewayTunnel = p.self, t.id
	if t.direction == Inbound {
		p.table.add(t)
	}
	p.established(t, nil)
	return nil
}

// plan lays the hops out: each gets a tunnel id of its own and the address of the next.
func plan(routers []*i2p.RouterInfo, d Direction, last i2p.Hash, lastTunnel i2p.TunnelID, reply i2np.MessageID) (build.Plan, error) {
	pl := build.Plan{ReplyMessage: reply}
	for i, r := range routers {
		key, ok := r.EncryptionKey()
		if !ok {
			return pl, fmt.Errorf("pool: hop %s has no X25519 key", r.Hash().Short())
		}
		hop := build.Hop{Router: r.Hash(), Static: key, ReceiveTunnel: i2p.TunnelID(i2np.NewMessageID())}
		switch {
		case d == Inbound && i == 0:
			hop.Role = build.InboundGateway
		case d == Outbound && i == len(routers)-1:
			hop.Role = build.OutboundEndpoint
		}
		pl.Hops = append(pl.Hops, hop)
	}
	for i := range pl.Hops {
		if i+1 < len(pl.Hops) {
			pl.Hops[i].Next, pl.Hops[i].NextTunnel = pl.Hops[i+1].Router, pl.Hops[i+1].ReceiveTunnel
		} else {
			pl.Hops[i].Next, pl.Hops[i].NextTunnel = last, lastTunnel
		}
	}
	return pl, nil
}

// shortBuildVersion is the first release whose routers take short build records (0.9.51, tunnel-creation-ecies.md).
const shortBuildVersion = 951

func long(routers []*i2p.RouterInfo) bool {
	return slices.ContainsFunc(routers, func(r *i2p.RouterInfo) bool { return r.Version() < shortBuildVersion })
}

// buildInbound sends the request out of an outbound tunnel to the gateway, in router garlic, so that the endpoint
// of that tunnel does not see it. The reply comes from the last hop: the build message itself, with the message id
// that we chose.
func (p *Pool) buildInbound(a *attempt, routers []*i2p.RouterInfo) error {
	t := a.tunnel
	t.id = p.table.freeID()
	pl, err := plan(routers, Inbound, p.self, t.id, a.reply)
	if err != nil {
		return err
	}
	a.by = Way{Router: t.hops[len(t.hops)-1]}
	if err := p.prepare(a, pl, long(routers)); err != nil {
		return err
	}
	t.endpoint = tunnel.NewEndpoint(a.build.Layers(), tunnel.Creator)
	t.gatewayRouter, t.gatewayTunnel = pl.Hops[0].Router, pl.Hops[0].ReceiveTunnel
	p.table.add(t)
	msg := p.request(a, long(routers))
	out, ok := p.carrier(Outbound)
	if !ok {
		if !p.direct(Inbound) {
			msg.Release()
			return ErrNoTunnel
		}
		p.sender.Send(t.hops[0], msg)
		return nil
	}
	defer msg.Release()
	last := out.hops
	if sameRouter := len(last) > 0 && last[len(last)-1] == t.hops[0]; !sameRouter && !long(routers) {
		if err := p.seal(msg, pl.Hops[0].Static); err != nil {
			return fmt.Errorf("pool: seal build request: %w", err)
		}
	}
	out.Send(tunnel.Delivery{Type: tunnel.DeliveryRouter, Router: t.hops[0]}, p.clock.Now(), msg.Bytes())
	return nil
}

// seal turns a message in flight into a garlic message in flight to the router whose key is given.
func (p *Pool) seal(msg *buf.Buf, to keys.X25519Public) error {
	if err := garlic.PrependClove(msg, garlic.Local()); err != nil {
		return err
	}
	return garlic.SealRouter(to, msg, p.clock.Now())
}

// buildOutbound sends the request straight to the first hop. The endpoint sends the reply to the gateway of an inbound tunnel;
// there has to be one.
func (p *Pool) buildOutbound(a *attempt, routers []*i2p.RouterInfo) error {
	t := a.tunnel
	back, ok := p.carrier(Inbound)
	if !ok {
		return ErrNoTunnel
	}
	router, gateway := back.Gateway()
	pl, err := plan(routers, Outbound, router, gateway, a.reply)
	if err != nil {
		return err
	}
	a.by = Way{Tunnel: back}
	if err := p.prepare(a, pl, long(routers)); err != nil {
		return err
	}
	if key, tag, ok := a.build.ReplyGarlic(); ok {
		back.owner.AddOneTime(tag, key, p.clock.Now().Add(2*BuildTimeout))
	}
	t.id = pl.Hops[0].ReceiveTunnel
	t.gateway = tunnel.NewGateway(t.hops[0], t.id, a.build.Layers(), tunnel.Creator)
	p.sender.Send(t.hops[0], p.request(a, long(routers)))
	return nil
}

// carrier is the tunnel that a build message takes: one of this pool, else one of the fallback. A broken one would lose
// the message, and with it the way out of a pool that has broken tunnels only.
func (p *Pool) carrier(d Direction) (*Tunnel, bool) {
	for _, from := range []*Pool{p, p.fallback} {
		if from == nil {
			continue
		}
		if t, ok := from.choose(d); ok && !t.broken() {
			return t, true
		}
	}
	return nil, false
}

// direct reports whether a request may go straight to the first hop where there is no carrier: for inbound exploratory
// tunnels, since something must be the first. The gateway of a client's tunnel, whose name is in the LeaseSet, would
// see which router the client is at.
func (p *Pool) direct(d Direction) bool { return d == Inbound && p.fallback == nil }

func (p *Pool) prepare(a *attempt, pl build.Plan, long bool) error {
	pl.Long = long
	pending, err := build.New(pl, p.clock.Now())
	if err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	a.build = pending
	if err := p.table.addPending(a.reply, a); err != nil {
		return err
	}
	p.mu.Lock()
	p.pending[a.tunnel.direction] = append(p.pending[a.tunnel.direction], a)
	p.mu.Unlock()
	return nil
}

// request is the build message in flight.
func (p *Pool) request(a *attempt, long bool) *buf.Buf {
	h := i2np.Header{Type: i2np.TypeShortTunnelBuild, ID: i2np.NewMessageID(), Expiration: p.clock.Now().Add(BuildTimeout)}
	if long {
		h.Type = i2np.TypeVariableTunnelBuild
	}
	return buf.From(append(h.AppendShort(nil), a.build.Message()...))
}

// replied takes the reply of a build, on the goroutine of the session that it came by.
func (p *Pool) replied(a *attempt, payload []byte) {
	now := time.Now()
	t := a.tunnel
	verdicts, err := a.build.Reply(payload)
	agreed := err == nil
	for i, code := range verdicts {
		p.peers.Replied(t.hops[i], code)
		agreed = agreed && code == build.Agreed
	}
	if agreed {
		p.established(t, a)
		return
	}
	if !p.unlist(a) {
		return // the time limit was faster
	}
	p.stats.refused.Add(1)
	p.log.Debug("tunnel refused", "direction", t.direction, "verdicts", verdicts, "err", err)
	p.failed(a, now)
}

// established takes a tunnel into use; the build that made it, nil for a tunnel without hops, is over in the same moment, so
// that fill never misses both.
func (p *Pool) established(t *Tunnel, of *attempt) {
	p.mu.Lock()
	if of != nil && !p.unlistLocked(of) {
		p.mu.Unlock()
		return // the time limit was faster
	}
	p.tunnels[t.direction] = append(p.tunnels[t.direction], t)
	p.backoff[t.direction] = backoff{}
	if len(p.tunnels[t.direction]) == 1 {
		p.backoff[1-t.direction].until = time.Time{} // the other direction may have waited for a way back
	}
	p.mu.Unlock()
	p.stats.built.Add(1)
	p.owner.TunnelsChanged()
	p.nudge()
}

// expireBuilds ends the builds whose reply is overdue.
func (p *Pool) expireBuilds(now time.Time) {
	p.mu.Lock()
	var late []*attempt
	for _, side := range p.pending {
		for _, a := range side {
			if now.Sub(a.sent) >= BuildTimeout {
				late = append(late, a)
			}
		}
	}
	p.mu.Unlock()
	for _, a := range late {
		if p.unlist(a) {
			p.stats.timedOut.Add(1)
			p.peers.TimedOut(a.tunnel.hops)
			p.failed(a, now)
		}
	}
}

// unlist takes an attempt off the list and reports whether it was still there: the reply and the time limit may
// meet.
func (p *Pool) unlist(a *attempt) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unlistLocked(a)
}

func (p *Pool) unlistLocked(a *attempt) bool {
	d := a.tunnel.direction
	before := len(p.pending[d])
	p.pending[d] = slices.DeleteFunc(p.pending[d], func(o *attempt) bool { return o == a })
	p.table.removePending(a.reply)
	return len(p.pending[d]) < before
}

func (p *Pool) abandon(a *attempt) {
	p.unlist(a)
	p.discard(a.tunnel)
}

// discard drops a tunnel that was not established.
func (p *Pool) discard(t *Tunnel) {
	t.close()
	if t.direction == Inbound {
		p.table.remove(t)
	}
}

func (p *Pool) failed(a *attempt, now time.Time) {
	p.discard(a.tunnel)
	p.mu.Lock()
	p.backoff[a.tunnel.direction].failed(now)
	p.mu.Unlock()
	p.nudge()
}

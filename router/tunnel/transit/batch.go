package transit

import (
	"errors"
	"slices"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
)

// DataBatch takes from the messages in flight of one reader batch those that belong to tunnels in this table,
// TunnelData and TunnelGateway, and sends what comes of them, once per next hop. The others are still the
// caller's: they are moved to the front of msgs, in order, and returned.
func (t *Table) DataBatch(from i2p.Hash, msgs []*buf.Buf) (rest []*buf.Buf) {
	w := t.batches.Get().(*batch)
	w.now = t.clock.Now()
	rest = msgs[:0]
	for _, b := range msgs {
		if !w.take(from, b) {
			rest = append(rest, b)
		}
	}
	w.finish()
	t.batches.Put(w)
	return rest
}

// Data is DataBatch for one TunnelData message. It returns false, and b is still the caller's, if the tunnel is not in
// this table.
func (t *Table) Data(from i2p.Hash, b *buf.Buf) bool { return t.one(from, b, i2np.TypeTunnelData) }

// Gateway is DataBatch for one TunnelGateway message.
func (t *Table) Gateway(from i2p.Hash, b *buf.Buf) bool {
	return t.one(from, b, i2np.TypeTunnelGateway)
}

func (t *Table) one(from i2p.Hash, b *buf.Buf, typ i2np.Type) bool {
	if b.Len() == 0 || i2np.Type(b.Bytes()[0]) != typ {
		return false
	}
	w := t.batches.Get().(*batch)
	w.now = t.clock.Now()
	took := w.take(from, b)
	w.finish()
	t.batches.Put(w)
	return took
}

// A batch is the scratch of one call: what goes where.
type batch struct {
	t        *Table
	now      time.Time
	targets  []target
	gateways []entrance
	self     []*buf.Buf
	layers   tunnel.Batch // what participants have still to do
	held     []*hop       // participants that layers refers to, locked
	deliver  func(tunnel.Delivery, *buf.Buf)
}

// A target is what goes to one router.
type target struct {
	to   i2p.Hash
	msgs []*buf.Buf
}

// An entrance is what goes into one tunnel that begins here.
type entrance struct {
	hop  *hop
	msgs []tunnel.Outgoing
	bufs []*buf.Buf
	in   int // bytes of bufs, which are paid for
}

func newBatch(t *Table) *batch {
	w := &batch{t: t}
	w.deliver = w.delivered
	return w
}

// take handles one message of any type; false if it is not for a tunnel in the table.
func (w *batch) take(from i2p.Hash, b *buf.Buf) bool {
	h, payload, err := i2np.ParseShort(b.Bytes())
	if err != nil || h.Type != i2np.TypeTunnelData && h.Type != i2np.TypeTunnelGateway || len(payload) < 4 {
		return false
	}
	id := i2p.TunnelID(uint32(payload[0])<<24 | uint32(payload[1])<<16 | uint32(payload[2])<<8 | uint32(payload[3]))
	hop := w.t.find(id)
	if hop == nil {
		return false
	}
	switch {
	case h.Expired(w.now):
		w.t.drop(DropExpired, b)
	case (h.Type == i2np.TypeTunnelGateway) != (hop.role == build.InboundGateway):
		w.t.drop(DropWrongRole, b)
	case !w.t.limiter.AllowTransit(b.Len()):
		w.t.drop(DropBandwidth, b)
	case hop.role == build.InboundGateway:
		w.enter(hop, b)
	case hop.role == build.OutboundEndpoint:
		w.leave(hop, from, b)
	default:
		w.pass(hop, from, b)
	}
	return true
}

// pass is the participant. Its tunnel stays locked until the messages are encrypted, all together.
func (w *batch) pass(h *hop, from i2p.Hash, b *buf.Buf) {
	w.hold(h)
	switch {
	case !h.activate():
		w.t.drop(DropUnknown, b)
		return
	case !h.from(from):
		w.t.drop(DropWrongPeer, b)
		return
	}
	n := b.Len()
	if err := w.layers.Add(h.participant, b); err != nil {
		w.t.drop(reason(err), b)
		return
	}
	w.count(h, 1, n)
	w.add(h.next, b)
}

// hold locks a tunnel for this batch. Nobody waits for a lock of this kind while he holds one, so that no order of
// them is needed.
func (w *batch) hold(h *hop) {
	if slices.Contains(w.held, h) {
		return
	}
	if !h.mu.TryLock() {
		w.encrypt()
		h.mu.Lock()
	}
	w.held = append(w.held, h)
}

// encrypt finishes the participants' work and lets their tunnels go.
func (w *batch) encrypt() {
	w.layers.Run(w.now)
	for _, h := range w.held {
		h.mu.Unlock()
	}
	clear(w.held)
	w.held = w.held[:0]
}

// leave is the outbound endpoint. Whoever holds its lock waits for no other, so participants may be held meanwhile.
func (w *batch) leave(h *hop, from i2p.Hash, b *buf.Buf) {
	h.mu.Lock()
	var why Drop
	switch {
	case !h.activate():
		why = DropUnknown
	case !h.from(from):
		why = DropWrongPeer
	default:
		_, layered, err := tunnel.ParseID(b.Bytes())
		if err == nil {
			err = h.endpoint.Process(layered, w.now, w.deliver)
		}
		why = reason(err)
	}
	h.mu.Unlock()
	if why != 0 {
		w.t.drop(why, b)
		return
	}
	w.count(h, 1, b.Len())
	b.Release()
}

// delivered takes a message out of the endpoint at hand. It is called with the lock of the tunnel held.
func (w *batch) delivered(d tunnel.Delivery, msg *buf.Buf) {
	h, _, _, err := i2np.ParseStandardUnchecked(msg.Bytes())
	if err != nil || h.Expired(w.now) {
		w.t.drop(DropExpired, msg)
		return
	}
	switch d.Type {
	case tunnel.DeliveryTunnel:
		err = tunnel.WrapStandard(msg, d.Tunnel, w.now)
	case tunnel.DeliveryRouter:
		err = tunnel.Shorten(msg)
	default: // LOCAL is for inbound tunnels: it would be a way into this router that nobody needs
		w.t.drop(DropLocal, msg)
		return
	}
	if err != nil {
		w.t.drop(DropMalformed, msg)
		return
	}
	if d.Router == w.t.self {
		w.self = append(w.self, msg)
		return
	}
	w.add(d.Router, msg)
}

// enter is the inbound gateway: messages for the same tunnel share tunnel messages.
func (w *batch) enter(h *hop, b *buf.Buf) {
	_, message, err := tunnel.ParseGateway(b.Bytes())
	if err != nil {
		w.t.drop(DropMalformed, b)
		return
	}
	w.count(h, 0, b.Len())
	i := len(w.gateways) - 1
	for i >= 0 && w.gateways[i].hop != h {
		i--
	}
	if i < 0 {
		i = len(w.gateways)
		if cap(w.gateways) > i {
			w.gateways = w.gateways[:i+1] // with its slices
		} else {
			w.gateways = append(w.gateways, entrance{})
		}
		w.gateways[i].hop = h
	}
	g := &w.gateways[i]
	g.msgs = append(g.msgs, tunnel.Outgoing{Message: message, Standard: true})
	g.bufs = append(g.bufs, b)
	g.in += b.Len()
}

// add queues a message for a router.
func (w *batch) add(to i2p.Hash, b *buf.Buf) {
	t := w.target(to)
	t.msgs = append(t.msgs, b)
}

func (w *batch) target(to i2p.Hash) *target {
	for i := range w.targets {
		if w.targets[i].to == to {
			return &w.targets[i]
		}
	}
	n := len(w.targets)
	if cap(w.targets) > n {
		w.targets = w.targets[:n+1] // with its slice
	} else {
		w.targets = append(w.targets, target{})
	}
	w.targets[n].to = to
	return &w.targets[n]
}

func (w *batch) count(h *hop, messages, bytes int) {
	h.messages.Add(uint64(messages))
	h.bytes.Add(uint64(bytes))
	c := &w.t.stats.roles[h.role]
	c.messages.Add(uint64(messages))
	c.bytes.Add(uint64(bytes))
}

// finish sends what has gathered and clears the scratch. No lock is held.
func (w *batch) finish() {
	w.encrypt()
	for i, b := range w.self {
		w.self[i] = nil
		if !w.turn(b) {
			w.t.toSelf(b)
		}
	}
	w.self = w.self[:0]
	for i := range w.gateways {
		w.flush(&w.gateways[i])
	}
	w.gateways = w.gateways[:0]
	for i := range w.targets {
		t := &w.targets[i]
		w.t.sender.Send(t.to, t.msgs...)
		clear(t.msgs)
		t.msgs = t.msgs[:0]
	}
	w.targets = w.targets[:0]
}

// turn takes what an endpoint here delivers to a gateway here, so that it is sent with the batch.
func (w *batch) turn(b *buf.Buf) bool {
	h, _, err := i2np.ParseShort(b.Bytes())
	return err == nil && h.Type == i2np.TypeTunnelGateway && w.take(w.t.self, b)
}

// flush packs the messages for one tunnel.
func (w *batch) flush(g *entrance) {
	h := g.hop
	t := w.target(h.next)
	before := len(t.msgs)
	h.mu.Lock()
	if h.activate() {
		t.msgs = h.gateway.AppendBatch(t.msgs, g.msgs, w.now)
	} else {
		w.t.stats.dropped[DropUnknown].Add(uint64(len(g.bufs)))
	}
	h.mu.Unlock()
	t.msgs = w.afford(t.msgs, before, g)
	w.count(h, len(t.msgs)-before, 0)
	for _, b := range g.bufs {
		b.Release()
	}
	clear(g.msgs)
	clear(g.bufs)
	g.hop, g.msgs, g.bufs, g.in = nil, g.msgs[:0], g.bufs[:0], 0
}

// afford pays for what messages grew by on their way into a tunnel, up to twentyfold, or drops what they became, out[from:].
func (w *batch) afford(out []*buf.Buf, from int, g *entrance) []*buf.Buf {
	more := (len(out)-from)*tunnel.FlightSize - g.in
	if more <= 0 || w.t.limiter.AllowTransit(more) {
		return out
	}
	for i := from; i < len(out); i++ {
		out[i].Release()
		out[i] = nil
	}
	w.t.stats.dropped[DropBandwidth].Add(uint64(len(g.bufs)))
	return out[:from]
}

// drop counts and releases.
func (t *Table) drop(why Drop, b *buf.Buf) {
	t.stats.dropped[why].Add(1)
	b.Release()
}

// reason is the Drop for an error of package tunnel.
func reason(err error) Drop {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, tunnel.ErrDuplicate):
		return DropReplayed
	case errors.Is(err, tunnel.ErrChecksum):
		return DropChecksum
	}
	return DropMalformed
}

package transit

import (
	"context"
	"math/rand/v2"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/build"
)

// Build takes a ShortTunnelBuild or VariableTunnelBuild message in flight from a peer, for the workers. It never
// blocks: a peer that sends too many loses them before they cost anything.
func (t *Table) Build(from i2p.Hash, msg *buf.Buf) {
	now := time.Now()
	if msg.Len() > maxBuildMessage {
		t.refuse(RefuseMalformed, msg)
		return
	}
	if !t.sources.allow(from, now) {
		t.refuse(RefusePeerRate, msg)
		return
	}
	if out := t.queue.push(from, msg, now); out != nil {
		t.refuse(RefuseQueueFull, out)
	}
}

// refuse gives a request no answer.
func (t *Table) refuse(r Refusal, msg *buf.Buf) {
	t.stats.refused[r].Add(1)
	msg.Release()
}

// work answers requests until ctx ends.
func (t *Table) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.queue.wake:
		}
		for ctx.Err() == nil {
			_, w, ok := t.queue.pop()
			if !ok {
				break
			}
			if time.Since(w.at) > t.cfg.QueueAge {
				t.refuse(RefuseTooOld, w.msg)
				continue
			}
			t.answer(w.msg)
		}
	}
}

// answer opens one request, decides, and sends the message on with the reply.
func (t *Table) answer(msg *buf.Buf) {
	now := t.clock.Now()
	h, payload, err := i2np.ParseShort(msg.Bytes())
	if err != nil {
		t.refuse(RefuseMalformed, msg)
		return
	}
	if h.Expired(now) {
		t.refuse(RefuseExpired, msg)
		return
	}
	open := build.OpenShort
	switch h.Type {
	case i2np.TypeShortTunnelBuild:
	case i2np.TypeVariableTunnelBuild:
		open = build.OpenLong
	default:
		t.refuse(RefuseMalformed, msg)
		return
	}
	r, err := open(payload, t.self, t.keys.Encryption)
	switch {
	case err != nil:
		t.refuse(RefuseMalformed, msg)
		return
	case !r.Timely(now):
		t.refuse(RefuseExpired, msg)
		return
	case !t.replay.Add(r.Ephemeral, now):
		t.refuse(RefuseReplayed, msg)
		return
	}
	verdict := byte(build.Agreed)
	if why := t.admit(r); why != 0 {
		t.stats.rejected[why].Add(1)
		verdict = build.RejectBandwidth
	}
	t.log.Debug("tunnel request answered", "role", r.Role, "next", r.Next, "verdict", verdict)
	if err := r.Reply(payload, verdict, t.available()); err != nil {
		t.refuse(RefuseMalformed, msg)
		return
	}
	i2np.Header{Type: r.ReplyType(), ID: r.ReplyMessage, Expiration: now.Add(i2np.Lifetime)}.PutShort(msg.Bytes())
	if r.Role == build.OutboundEndpoint {
		t.replyToCreator(r, msg, now)
		return
	}
	t.sender.Send(r.Next, msg)
}

// admit enters the tunnel into the table, or says why not. The peer learns only that we did not.
func (t *Table) admit(r *build.Request) Rejection {
	switch load := t.Load(); {
	case t.cfg.Disabled || t.draining.Load():
		return RejectDisabled
	case load >= 1 || load > congested && rand.Float64() < (load-congested)/(1-congested):
		return RejectCongested
	}
	if need := r.Bandwidth.Min; need > 0 && t.limiter.Config().TransitRate() > 0 && need > t.available() {
		return RejectBandwidth
	}
	if r.Role != build.OutboundEndpoint && !t.targets.allow(r.Next, time.Now()) {
		return RejectTargetRate
	}
	if !t.insert(newHop(r, time.Now(), t.cfg.Lifetime, t.budget)) {
		return RejectTaken
	}
	return 0
}

// available is the bandwidth on offer to one more tunnel in KB per second, 0 if there is no limit.
func (t *Table) available() uint32 {
	rate := float64(t.limiter.Config().TransitRate())
	return uint32(min(rate*max(1-t.limiter.TransitLoad(), 0)/1000, 1<<30))
}

// replyToCreator sends the reply of an outbound endpoint to the gateway of the creator's reply tunnel: garlic with the
// key and tag that only the creator knows, so that the gateway does not see it, in TunnelGateway. Where the gateway is
// this router there is nobody to hide it from (tunnel-creation-ecies.md, "Garlic Encryption"), and long records have
// no key for it.
func (t *Table) replyToCreator(r *build.Request, msg *buf.Buf, now time.Time) {
	if msg.HeadRoom() < garlic.HeadRoom+replyHead || msg.TailRoom() < replyTail {
		copied := buf.From(msg.Bytes())
		msg.Release()
		msg = copied
	}
	var err error
	if key, tag, ok := r.ReplyGarlic(); ok && r.Next != t.self {
		if err = garlic.PrependClove(msg, garlic.Local()); err == nil {
			err = garlic.SealOneTime(key, tag, msg, now)
		}
	}
	if err == nil {
		err = tunnel.WrapGateway(msg, r.NextTunnel, now)
	}
	if err != nil {
		t.refuse(RefuseMalformed, msg)
		return
	}
	if r.Next == t.self {
		t.toSelf(msg)
		return
	}
	t.sender.Send(r.Next, msg)
}

// toSelf is for what an endpoint delivers to this router. TunnelData is refused: nothing honest sends it through a
// tunnel, and it would let one message feed the next without end.
func (t *Table) toSelf(msg *buf.Buf) {
	h, _, err := i2np.ParseShort(msg.Bytes())
	switch {
	case err != nil || h.Type == i2np.TypeTunnelData:
		t.drop(DropMalformed, msg)
	case h.Type == i2np.TypeTunnelGateway && t.Gateway(t.self, msg):
	default:
		t.local.Inject(msg)
	}
}

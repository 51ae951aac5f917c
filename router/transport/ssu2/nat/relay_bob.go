package nat

import (
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// A bobRelay is an introduction that we pass on.
type bobRelay struct {
	nonce          uint32
	alice, charlie i2p.Hash
	end            time.Time
}

// bobRelayAsked takes a RelayRequest. Charlie is going to send packets to the address in it, so it must be Alice's: that of her session, or one that
// her RouterInfo publishes.
func (e *Engine) bobRelayAsked(now time.Time, s Session, body []byte) {
	p, err := wire.ParseRelayRequest(body)
	if err != nil || p.Version != version {
		e.drop(DropMalformed)
		return
	}
	if _, running := e.bobRelays[p.Nonce]; running || e.remembered(bobRelayRole, s.Router, p.Nonce) {
		e.drop(DropReplay)
		return
	}
	charlie, found := e.given.router(p.Tag)
	ri := e.host.RouterInfo(s.Router)
	if code := e.judgeRelay(now, s, p, charlie, found, ri); code != wire.AcceptCode {
		e.rejectRelay(now, s.Router, code, p.Nonce)
		return
	}
	intro := wire.RelayIntro{From: s.Router, Request: p}
	e.host.SendRouterInfo(charlie, ri)
	if !e.host.SendBlocks(charlie, intro.Append(nil)) {
		e.rejectRelay(now, s.Router, wire.RelayCodeTagNotFound, p.Nonce)
		return
	}
	e.given.extend(now, p.Tag)
	e.host.Keep(charlie)
	r := &bobRelay{nonce: p.Nonce, alice: s.Router, charlie: charlie, end: now.Add(bobRelayTime)}
	e.bobRelays[p.Nonce] = r
	e.stats.RelaysPassed++
	e.wake(r.end)
}

func (e *Engine) judgeRelay(now time.Time, s Session, p wire.RelayRequest, charlie i2p.Hash, found bool, ri *i2p.RouterInfo) byte {
	_, connected := e.host.Session(charlie)
	switch {
	case !found || !connected:
		return wire.RelayCodeTagNotFound
	case charlie == s.Router || e.skewedSeconds(now, p.Time) || e.host.Banned(s.Router):
		return wire.CodeBobUnspecified
	case e.host.Banned(charlie):
		return wire.RelayCodeCharlieBanned
	case ri == nil:
		return wire.RelayCodeUnknownAlice
	case !e.aliceAt(s, p, ri):
		return wire.CodeBobUnspecified
	case len(e.bobRelays) >= maxBobRelays || !e.rates.totals[bobRelayRole].has(now, struct{}{}) || !e.rates.bobRelayCharlie.has(now, charlie) ||
		!e.rates.bobRelayAlice.take(now, s.Router) || // then the others: who is beyond his own limit takes nothing from them
		!e.rates.totals[bobRelayRole].take(now, struct{}{}) || !e.rates.bobRelayCharlie.take(now, charlie):
		return wire.CodeBobLimit
	case !p.Verify(ri.Identity().SigningKey(), e.cfg.Self, charlie):
		e.drop(DropSignature)
		return wire.CodeBobSignature
	case !e.once(now, bobRelayRole, s.Router, p.Nonce):
		return wire.CodeBobLimit
	}
	return wire.AcceptCode
}

// aliceAt reports whether the address in a request is Alice's own.
func (e *Engine) aliceAt(s Session, p wire.RelayRequest, ri *i2p.RouterInfo) bool {
	if !e.usable(p.Alice) {
		return false
	}
	if samePlace(p.Alice.Addr(), s.Remote.Addr()) {
		return true
	}
	_, to, _, ok := published(ri, FamilyOf(p.Alice.Addr()))
	return ok && FamilyOf(p.Alice.Addr()) != FamilyOf(s.Remote.Addr()) && samePlace(to.Addr(), p.Alice.Addr())
}

func (e *Engine) rejectRelay(now time.Time, alice i2p.Hash, code byte, nonce uint32) {
	e.stats.RelaysRefused++
	if e.refuse(now, alice) {
		p := wire.NewRelayResponse(e.cfg.Signing, e.cfg.Self, code, nonce, e.seconds(now), noAddress, 0)
		e.host.SendBlocks(alice, p.Append(nil))
	}
}

// bobRelayAnswered passes Charlie's RelayResponse on as it is.
func (e *Engine) bobRelayAnswered(r *bobRelay, body []byte) {
	delete(e.bobRelays, r.nonce)
	e.host.SendBlocks(r.alice, wire.AppendBlock(nil, wire.BlockRelayResponse, body))
}

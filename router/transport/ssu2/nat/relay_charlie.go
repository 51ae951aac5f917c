package nat

import (
	"bytes"
	"net/netip"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

var noAddress netip.AddrPort

// A charlieRelay is an introduction to us that we agreed to: HolePunch, a few times until Alice is there.
type charlieRelay struct {
	nonce  uint32
	alice  i2p.Hash
	to     netip.AddrPort
	key    [32]byte // hers
	blocks []byte
	sent   int
	due    time.Time
}

// charlieRelayAsked takes a RelayIntro from Bob.
func (e *Engine) charlieRelayAsked(now time.Time, s Session, body []byte, last bool) {
	intro, err := wire.ParseRelayIntro(body)
	p := intro.Request
	if err != nil || p.Version != version {
		e.drop(DropMalformed)
		return
	}
	if _, running := e.charlieRelays[p.Nonce]; running || e.remembered(charlieRelayRole, s.Router, p.Nonce) {
		e.drop(DropReplay)
		return
	}
	ri := e.host.RouterInfo(intro.From)
	code, key := e.judgeIntro(now, s, intro, ri)
	if code == wire.CodeCharlieUnknownAlice && !last && e.await(now, intro.From, s.Router, wire.BlockRelayIntro, body) {
		return
	}
	own, ok := e.own(FamilyOf(p.Alice.Addr()), s)
	if code == wire.AcceptCode && !ok {
		code = wire.CodeCharlieUnspecified
	}
	var token wire.Token
	if code == wire.AcceptCode {
		token = e.host.Token(p.Alice)
	} else {
		e.stats.RelaysRefused++
		if !e.refuse(now, s.Router) {
			return
		}
	}
	answer := wire.NewRelayResponse(e.cfg.Signing, s.Router, code, p.Nonce, e.seconds(now), own, token)
	block := answer.Append(nil)
	e.host.SendBlocks(s.Router, block)
	if code != wire.AcceptCode {
		return
	}
	e.stats.RelaysAnswered++
	r := &charlieRelay{nonce: p.Nonce, alice: intro.From, to: p.Alice, key: key, blocks: append(wire.AppendAddress(nil, p.Alice), bytes.Clone(block)...)}
	e.charlieRelays[p.Nonce] = r
	e.tickPunch(now, r)
}

// judgeIntro returns the code for a RelayIntro, and Alice's introduction key.
func (e *Engine) judgeIntro(now time.Time, s Session, intro wire.RelayIntro, ri *i2p.RouterInfo) (code byte, key [32]byte) {
	p := intro.Request
	f := FamilyOf(p.Alice.Addr())
	at := place(p.Alice.Addr())
	switch {
	case !e.introducedBy(s.Router, p.Tag) || intro.From == e.cfg.Self || intro.From == s.Router || e.skewedSeconds(now, p.Time):
		return wire.CodeCharlieUnspecified, key
	case e.host.Banned(intro.From):
		return wire.CodeCharlieBannedAlice, key
	case !e.usable(p.Alice) || !e.host.Supports(f):
		return wire.CodeCharlieAddress, key
	case len(e.charlieRelays) >= maxCharlieRelays || !e.rates.totals[charlieRelayRole].has(now, struct{}{}) ||
		!e.rates.charlieRelayBob.has(now, s.Router) || !e.rates.charlieRelayAlice.has(now, at):
		return wire.CodeCharlieLimit, key
	case e.isOwn(f, p.Alice):
		return wire.CodeCharlieAddress, key
	case ri == nil:
		return wire.CodeCharlieUnknownAlice, key
	}
	e.rates.totals[charlieRelayRole].take(now, struct{}{})
	e.rates.charlieRelayBob.take(now, s.Router)
	e.rates.charlieRelayAlice.take(now, at)
	key, ok := introKey(ri, f)
	switch {
	case !ok:
		return wire.CodeCharlieAddress, key
	case !p.Verify(ri.Identity().SigningKey(), s.Router, e.cfg.Self):
		e.drop(DropSignature)
		return wire.CodeCharlieSignature, key
	case !e.once(now, charlieRelayRole, s.Router, p.Nonce):
		return wire.CodeCharlieLimit, key
	}
	return wire.AcceptCode, key
}

// tickPunch sends the HolePunch. The first opens our NAT for Alice; her own NAT may not let it in before she has sent her SessionRequest, hence the
// others.
func (e *Engine) tickPunch(now time.Time, r *charlieRelay) {
	if now.Before(r.due) {
		e.wake(r.due)
		return
	}
	if _, here := e.host.Session(r.alice); r.sent >= maxPunches || r.sent > 0 && here {
		delete(e.charlieRelays, r.nonce)
		return
	}
	dest, src := wire.NonceIDs(r.nonce)
	e.host.SendOutside(Outside{Type: wire.HolePunch, To: r.to, IntroKey: r.key, DestID: dest, SrcID: src, Blocks: r.blocks})
	r.due = now.Add(resendPunch << r.sent)
	r.sent++
	e.wake(r.due)
}

// introducedBy reports whether a router may introduce us under a tag.
func (e *Engine) introducedBy(router i2p.Hash, tag uint32) bool {
	for f := range e.introducers {
		if t := e.introducers[f].got[router]; t != nil && t.Tag == tag {
			return true
		}
	}
	return false
}

package nat

import (
	"net/netip"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// A charlieTest is a test in which we are the stranger.
type charlieTest struct {
	nonce  uint32
	alice  netip.AddrPort
	key    [32]byte // hers
	signed wire.PeerTest
	fives  int
	sevens int
	due    time.Time // for the next message 5
	end    time.Time
}

// charlieTestAsked takes message 2.
func (e *Engine) charlieTestAsked(now time.Time, s Session, p wire.PeerTest, body []byte, last bool) {
	if _, running := e.charlieTests[p.Nonce]; running || e.remembered(charlieTestRole, s.Router, p.Nonce) {
		e.drop(DropReplay)
		return
	}
	ri := e.host.RouterInfo(p.Router)
	code, key := e.judgeAlice(now, s, p, ri, last)
	if code == wire.CodeCharlieUnknownAlice && !last && e.await(now, p.Router, s.Router, wire.BlockPeerTest, body) {
		return
	}
	if code != wire.AcceptCode {
		e.stats.TestsRefused++
		if !e.refuse(now, s.Router) {
			return
		}
	}
	three := p.Answer(e.cfg.Signing, s.Router, 3, code)
	e.host.SendBlocks(s.Router, three.Append(nil))
	if code != wire.AcceptCode {
		return
	}
	e.stats.TestsAnswered++
	t := &charlieTest{nonce: p.Nonce, alice: p.Alice, key: key, signed: three, end: now.Add(charlieTestTime)}
	e.charlieTests[p.Nonce] = t
	e.tickCharlieTest(now, t)
}

// judgeAlice returns the code for a message 2, and Alice's introduction key. Bob's own limit comes before what looks at all
// sessions, and refusals count for it; waited: it was counted when the message came.
func (e *Engine) judgeAlice(now time.Time, s Session, p wire.PeerTest, ri *i2p.RouterInfo, waited bool) (code byte, key [32]byte) {
	f := FamilyOf(p.Alice.Addr())
	at := place(p.Alice.Addr())
	switch {
	case p.Code != wire.AcceptCode || p.Router == e.cfg.Self || p.Router == s.Router || e.skewedSeconds(now, p.Time):
		return wire.CodeCharlieUnspecified, key
	case e.host.Banned(p.Router):
		return wire.CodeCharlieBannedAlice, key
	case !e.usable(p.Alice) || !e.host.Supports(f):
		return wire.CodeCharlieAddress, key
	case len(e.charlieTests) >= maxCharlieTests || !e.rates.totals[charlieTestRole].has(now, struct{}{}) ||
		!e.rates.charlieTestAlice.has(now, at) || !waited && !e.rates.charlieTestBob.take(now, s.Router):
		return wire.CodeCharlieLimit, key
	}
	own, _ := e.host.Own(f)
	_, connected := e.host.Session(p.Router)
	switch {
	case p.Alice == own || e.near(own.Addr(), p.Alice.Addr()):
		return wire.CodeCharlieAddress, key
	case connected || e.host.Contacted(p.Alice, !e.cfg.AllowPrivate):
		return wire.CodeCharlieAlreadyHasAlice, key
	case ri == nil:
		return wire.CodeCharlieUnknownAlice, key
	}
	e.rates.totals[charlieTestRole].take(now, struct{}{})
	e.rates.charlieTestAlice.take(now, at)
	key, ok := introKey(ri, f)
	switch {
	case !ok:
		return wire.CodeCharlieAddress, key
	case !p.VerifyAlice(ri.Identity().SigningKey(), s.Router):
		e.drop(DropSignature)
		return wire.CodeCharlieSignature, key
	case !e.once(now, charlieTestRole, s.Router, p.Nonce):
		return wire.CodeCharlieLimit, key
	}
	return wire.AcceptCode, key
}

// tickCharlieTest sends message 5, a few times until message 6 comes.
func (e *Engine) tickCharlieTest(now time.Time, t *charlieTest) {
	if !now.Before(t.end) {
		delete(e.charlieTests, t.nonce)
		return
	}
	if t.fives < maxFives && t.sevens == 0 {
		if !now.Before(t.due) {
			t.fives++
			t.due = now.Add(resendFive)
			e.sendAsCharlie(t, t.alice, 5, nil)
		}
		e.wake(t.due)
	}
	e.wake(t.end)
}

func (e *Engine) sendAsCharlie(t *charlieTest, to netip.AddrPort, message byte, blocks []byte) {
	p := t.signed
	p.Message = message
	dest, src := wire.NonceIDs(t.nonce)
	e.host.SendOutside(Outside{Type: wire.PeerTestPacket, To: to, IntroKey: t.key, DestID: dest, SrcID: src, Blocks: p.Append(blocks)})
}

// charlieTestSix takes message 6 and answers where it came from, which may be another port than was tested, or even another address: that is what
// Alice wants to know. Each answer is as long as the question, and there are few.
func (e *Engine) charlieTestSix(now time.Time, from netip.AddrPort, p wire.PeerTest) {
	t := e.charlieTests[p.Nonce]
	switch {
	case t == nil || t.sevens >= maxSevens:
		e.drop(DropUnasked)
	case FamilyOf(from.Addr()) != FamilyOf(t.alice.Addr()) || !e.cfg.AllowPrivate && !public(from.Addr()) || from.Port() == 0:
		e.drop(DropAddress)
	default:
		t.sevens++
		e.sendAsCharlie(t, from, 7, wire.AppendAddress(nil, from))
	}
}

package nat

import (
	"slices"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// A bobTest is a test that a peer asked us to arrange.
type bobTest struct {
	nonce   uint32
	alice   i2p.Hash
	family  Family
	one     wire.PeerTest
	charlie i2p.Hash
	asked   []i2p.Hash // Charlies so far
	due     time.Time  // then the next one
}

// bobTestAsked takes message 1. Alice's address must be the one of her session (IPv6: of its /64), so that no stranger is probed for her.
func (e *Engine) bobTestAsked(now time.Time, s Session, p wire.PeerTest) {
	if _, running := e.bobTests[p.Nonce]; running || e.remembered(bobTestRole, s.Router, p.Nonce) {
		e.drop(DropReplay)
		return
	}
	if code := e.judgeTest(now, s, p); code != wire.AcceptCode {
		e.rejectTest(now, s.Router, p, code, i2p.Hash{})
		return
	}
	t := &bobTest{nonce: p.Nonce, alice: s.Router, family: FamilyOf(p.Alice.Addr()), one: cloneTest(p)}
	e.bobTests[p.Nonce] = t
	e.stats.TestsPassed++
	e.nextCharlie(now, t)
}

// judgeTest returns the code for a message 1: what is cheap to know first, then the signature.
func (e *Engine) judgeTest(now time.Time, s Session, p wire.PeerTest) byte {
	ri := e.host.RouterInfo(s.Router)
	switch {
	case p.Code != wire.AcceptCode || ri == nil || e.skewedSeconds(now, p.Time) || e.host.Banned(s.Router):
		return wire.CodeBobUnspecified
	case FamilyOf(p.Alice.Addr()) != FamilyOf(s.Remote.Addr()) || !samePlace(p.Alice.Addr(), s.Remote.Addr()) || !e.usable(p.Alice):
		return wire.PeerTestCodeBobAddress
	case len(e.bobTests) >= maxBobTests || !e.rates.totals[bobTestRole].has(now, struct{}{}) || !e.rates.bobTestAlice.take(now, s.Router) ||
		!e.rates.totals[bobTestRole].take(now, struct{}{}): // last: who is beyond his own limit takes nothing from others
		return wire.CodeBobLimit
	case !p.VerifyAlice(ri.Identity().SigningKey(), e.cfg.Self):
		return wire.CodeBobSignature
	case !e.once(now, bobTestRole, s.Router, p.Nonce):
		return wire.CodeBobLimit
	}
	return wire.AcceptCode
}

// rejectTest sends message 4 with a refusal: Bob's (router zero) or Charlie's.
func (e *Engine) rejectTest(now time.Time, alice i2p.Hash, p wire.PeerTest, code byte, charlie i2p.Hash) {
	e.stats.TestsRefused++
	if e.refuse(now, alice) {
		four := p.Forward(4, code, charlie)
		e.host.SendBlocks(alice, four.Append(nil))
	}
}

// tryCharlie sends message 2 to a Charlie that was not asked yet. False: there is none.
func (e *Engine) tryCharlie(now time.Time, t *bobTest) bool {
	alice := e.host.RouterInfo(t.alice)
	for alice != nil && len(t.asked) < maxCharlies {
		s, ok := e.chooseCharlie(now, t)
		if !ok {
			return false
		}
		t.charlie = s.Router
		t.asked = append(t.asked, s.Router)
		e.rates.bobTestCharlie.take(now, s.Router)
		e.lastCharlies = remember(e.lastCharlies, s.Router)
		e.host.SendRouterInfo(s.Router, alice)
		two := t.one.Forward(2, wire.AcceptCode, t.alice)
		if e.host.SendBlocks(s.Router, two.Append(nil)) {
			t.due = now.Add(bobTestTime)
			e.wake(t.due)
			return true
		}
	}
	return false
}

// nextCharlie goes on with another Charlie, or ends the test.
func (e *Engine) nextCharlie(now time.Time, t *bobTest) {
	if e.tryCharlie(now, t) {
		return
	}
	delete(e.bobTests, t.nonce)
	e.rejectTest(now, t.alice, t.one, wire.PeerTestCodeNoCharlie, i2p.Hash{})
}

// chooseCharlie picks a peer that publishes an address of the family and takes part in tests, neither Alice's neighbour nor ours. Those that
// were not asked of late come first.
func (e *Engine) chooseCharlie(now time.Time, t *bobTest) (Session, bool) {
	var fresh, used []Session
	e.host.Sessions(func(s Session) bool {
		switch {
		case s.Router == t.alice || slices.Contains(t.asked, s.Router):
		case slices.Contains(e.lastCharlies, s.Router):
			used = append(used, s)
		default:
			fresh = append(fresh, s)
		}
		return true
	})
	own, _ := e.host.Own(t.family)
	for _, list := range [2][]Session{fresh, used} {
		for range min(len(list), maxLooks) {
			s := e.draw(&list)
			ri := e.host.RouterInfo(s.Router)
			if ri == nil || e.host.Banned(s.Router) || !e.rates.bobTestCharlie.has(now, s.Router) {
				continue
			}
			at, ok := helps(ri, t.family, "B")
			if !ok || !e.usable(at) || e.near(at.Addr(), t.one.Alice.Addr()) || e.near(at.Addr(), own.Addr()) {
				continue
			}
			return s, true
		}
	}
	return Session{}, false
}

// bobTestAnswered takes message 3.
func (e *Engine) bobTestAnswered(now time.Time, s Session, p wire.PeerTest) {
	t := e.bobTests[p.Nonce]
	if t == nil || t.charlie != s.Router {
		e.drop(DropUnasked)
		return
	}
	if p.Code != wire.AcceptCode && p.Code != wire.CodeCharlieSignature && e.tryCharlie(now, t) {
		return
	}
	delete(e.bobTests, p.Nonce)
	if p.Code != wire.AcceptCode {
		e.rejectTest(now, t.alice, p, p.Code, s.Router)
		return
	}
	if ri := e.host.RouterInfo(s.Router); ri != nil {
		e.host.SendRouterInfo(t.alice, ri)
	}
	four := p.Forward(4, wire.AcceptCode, s.Router)
	e.host.SendBlocks(t.alice, four.Append(nil))
}

func (e *Engine) tickBobTest(now time.Time, t *bobTest) {
	if now.Before(t.due) {
		e.wake(t.due)
		return
	}
	e.nextCharlie(now, t)
}

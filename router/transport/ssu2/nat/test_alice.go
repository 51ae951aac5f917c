package nat

import (
	"net/netip"
	"slices"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/netaddr"
	"clove.i2p/router/transport/ssu2/wire"
)

// An aliceTest is a test of ours.
//
//	message 1 -> waiting for 4 (5 may come first) -> waiting for 5 -> message 6 -> waiting for 7 -> TestDone
type aliceTest struct {
	nonce  uint32
	family Family
	bob    i2p.Hash
	bobIP  netip.Addr
	tested netip.AddrPort
	bound  bool // tested has the port that we listen on, which nobody sees
	// port is the one that our NAT has for us towards Bob: what message 7 is compared with.
	port uint16
	end  time.Time // whatever happens
	due  time.Time // next step

	got4, got7 bool
	fives      []netip.AddrPort // where messages 5 came from, before message 4
	got5       bool             // from Charlie, before message 6 opened the NAT for him
	charlie    i2p.Hash
	to         netip.AddrPort // Charlie
	key        [32]byte       // his
	six        []byte         // the blocks of message 6
	sixes      int
	external   netip.AddrPort
	code       byte
}

func (e *Engine) aliceTest(nonce uint32) *aliceTest {
	for _, t := range e.aliceTests {
		if t != nil && t.nonce == nonce {
			return t
		}
	}
	return nil
}

// StartTest begins a peer test of our address of a family, with a Bob among the sessions. TestDone follows within TestTime unless there is an error:
// ErrBusy while a test of this family runs, ErrNoBob, ErrNoAddress.
func (e *Engine) StartTest(now time.Time, f Family) error {
	if e.aliceTests[f] != nil {
		return ErrBusy
	}
	bob, tested, err := e.chooseBob(now, f)
	if err != nil {
		return err
	}
	t := &aliceTest{
		nonce: e.newNonce(), family: f, bob: bob.Router, bobIP: bob.Remote.Addr(), tested: tested, port: tested.Port(),
		end: now.Add(TestTime), due: now.Add(waitFour),
	}
	if FamilyOf(bob.Seen.Addr()) == f && bob.Seen.IsValid() {
		t.port = bob.Seen.Port()
	}
	if e.tryBound[f] && tested == bob.Seen {
		if port := e.host.Bound(f); port != tested.Port() && netaddr.PeerPort(port) {
			t.tested, t.bound = netip.AddrPortFrom(tested.Addr(), port), true
		}
	}
	e.tryBound[f] = false
	one := wire.NewPeerTest(e.cfg.Signing, bob.Router, t.nonce, e.seconds(now), t.tested)
	if !e.host.SendBlocks(bob.Router, one.Append(nil)) {
		return ErrNoBob
	}
	six := one
	six.Message = 6
	t.six = six.Append(nil)
	e.aliceTests[f] = t
	e.lastBobs = remember(e.lastBobs, bob.Router)
	e.stats.TestsStarted++
	e.wake(t.due)
	return nil
}

// chooseBob picks a peer that takes part in tests, in a session of the family, and the address to test. Peers that were not Bob of late come first.
func (e *Engine) chooseBob(now time.Time, f Family) (Session, netip.AddrPort, error) {
	var fresh, used []Session
	e.host.Sessions(func(s Session) bool {
		if FamilyOf(s.Remote.Addr()) == f {
			if slices.Contains(e.lastBobs, s.Router) {
				used = append(used, s)
			} else {
				fresh = append(fresh, s)
			}
		}
		return true
	})
	err := ErrNoBob
	for _, list := range [2][]Session{fresh, used} {
		for range min(len(list), maxLooks) {
			s := e.draw(&list)
			ri := e.host.RouterInfo(s.Router)
			if ri == nil || e.host.Banned(s.Router) {
				continue
			}
			if _, ok := helps(ri, f, "B"); !ok {
				continue
			}
			own, ok := e.own(f, s)
			if !ok {
				err = ErrNoAddress
				continue
			}
			if e.near(own.Addr(), s.Remote.Addr()) {
				continue
			}
			return s, own, nil
		}
	}
	return Session{}, netip.AddrPort{}, err
}

// HelpsTests reports whether a session with the router of ri, over this family, would give us a Bob.
func (e *Engine) HelpsTests(f Family, ri *i2p.RouterInfo) bool { return e.helpsUs(f, ri, "B") }

// draw takes a random element out of a list.
func (e *Engine) draw(list *[]Session) Session {
	l := *list
	i := e.below(len(l))
	s := l[i]
	l[i] = l[len(l)-1]
	*list = l[:len(l)-1]
	return s
}

// remember appends to a short list of the latest.
func remember(list []i2p.Hash, h i2p.Hash) []i2p.Hash {
	const most = 8
	list = slices.DeleteFunc(list, func(x i2p.Hash) bool { return x == h })
	if len(list) >= most {
		list = slices.Delete(list, 0, len(list)-most+1)
	}
	return append(list, h)
}

// aliceTestAnswered takes message 4.
func (e *Engine) aliceTestAnswered(now time.Time, s Session, p wire.PeerTest, body []byte, last bool) {
	t := e.aliceTest(p.Nonce)
	if t == nil || t.bob != s.Router || t.got4 {
		e.drop(DropUnasked)
		return
	}
	if p.Code != wire.AcceptCode {
		t.code, t.charlie = p.Code, p.Router
		e.finishTest(t, Unknown, codeText(p.Code, true))
		return
	}
	switch ri := e.host.RouterInfo(p.Router); {
	case p.Router == e.cfg.Self || p.Router == t.bob || p.Router.IsZero():
		e.finishTest(t, Unknown, "the arranging peer named no third one")
	case ri == nil:
		if last || !e.await(now, p.Router, s.Router, wire.BlockPeerTest, body) {
			e.drop(DropNoRouterInfo)
			e.finishTest(t, Unknown, "the third peer's RouterInfo did not come")
		}
	case p.Alice != t.tested || e.skewedSeconds(now, p.Time) || !p.VerifyCharlie(ri.Identity().SigningKey(), t.bob, e.cfg.Self):
		e.drop(DropSignature)
		e.finishTest(t, Unknown, "the third peer's agreement is not signed by it")
	default:
		t.got4, t.charlie = true, p.Router
		e.meetCharlie(now, t, ri)
	}
}

// meetCharlie goes on with a Charlie who agreed, if he can tell us anything.
func (e *Engine) meetCharlie(now time.Time, t *aliceTest, ri *i2p.RouterInfo) {
	_, to, key, ok := published(ri, t.family)
	switch {
	case !ok || !e.usable(to):
		e.finishTest(t, Unknown, "the third peer publishes no address that we could send to")
		return
	case e.near(to.Addr(), t.bobIP) || e.near(to.Addr(), t.tested.Addr()):
		e.finishTest(t, Unknown, "the third peer is too near to the arranging one, or to us")
		return
	}
	t.to, t.key = to, key
	for _, from := range t.fives {
		t.got5 = t.got5 || from.Addr() == to.Addr()
	}
	if _, known := e.host.Session(t.charlie); known || !t.got5 && e.host.Contacted(to, !e.cfg.AllowPrivate) {
		e.finishTest(t, Unknown, "we were in contact with the third peer before")
		return
	}
	if t.got5 {
		e.sendSix(now, t)
		return
	}
	t.due = now.Add(waitFive)
	e.wake(t.due)
}

// aliceTestFive takes message 5: a packet from an address that we did not send to, if it is that.
func (e *Engine) aliceTestFive(now time.Time, from netip.AddrPort, p wire.PeerTest) {
	t := e.aliceTest(p.Nonce)
	switch {
	case t == nil || t.sixes > 0: // after message 6 the NAT lets it in
		e.drop(DropUnasked)
	case FamilyOf(from.Addr()) != t.family || p.Alice != t.tested || e.host.Contacted(from, !e.cfg.AllowPrivate):
		e.drop(DropAddress)
	case !t.got4:
		if len(t.fives) < maxFiveSources && !slices.Contains(t.fives, from) {
			t.fives = append(t.fives, from)
		}
	case from.Addr() != t.to.Addr():
		e.drop(DropAddress)
	default:
		t.got5 = true
		e.sendSix(now, t)
	}
}

// sendSix sends message 6, for the first time or again.
func (e *Engine) sendSix(now time.Time, t *aliceTest) {
	t.sixes++
	src, dest := wire.NonceIDs(t.nonce)
	e.host.SendOutside(Outside{
		Type: wire.PeerTestPacket, To: t.to, IntroKey: t.key, DestID: dest, SrcID: src,
		Blocks: append(wire.AppendAddress(nil, t.to), t.six...),
	})
	t.due = now.Add(resendSix + time.Duration(t.sixes-1)*resendSix/4)
	e.wake(t.due)
}

// aliceTestSeven takes message 7: seen is where Charlie saw message 6 come from.
func (e *Engine) aliceTestSeven(now time.Time, from netip.AddrPort, p wire.PeerTest, seen netip.AddrPort) {
	t := e.aliceTest(p.Nonce)
	if t == nil || t.sixes == 0 {
		e.drop(DropUnasked)
		return
	}
	if from.Addr() != t.to.Addr() {
		e.drop(DropAddress)
		return
	}
	t.got7 = true
	if seen.IsValid() && FamilyOf(seen.Addr()) == t.family && (e.cfg.AllowPrivate || public(seen.Addr())) {
		t.external = seen
	}
	e.concludeTest(t)
}

func (e *Engine) tickAliceTest(now time.Time, t *aliceTest) {
	switch {
	case now.Before(t.due) && now.Before(t.end):
	case !t.got4 || t.sixes >= maxSixes || !now.Before(t.end):
		e.concludeTest(t)
		return
	default:
		e.sendSix(now, t)
	}
	if t.end.Before(t.due) {
		t.due = t.end
	}
	e.wake(t.due)
}

// concludeTest decides by what came ("Results State Machine"). Where the table of the specification and its list contradict each other (message 4
// alone) the table holds: Charlie signed that he sends, and none of several packets came.
func (e *Engine) concludeTest(t *aliceTest) {
	switch {
	case !t.got4 && len(t.fives) > 0:
		e.finishTest(t, OK, "a third peer's packet reached us, though the arranging one never said whose it is")
	case !t.got4:
		e.finishTest(t, Unknown, "the arranging peer did not answer")
	case t.got5 && !t.got7:
		e.finishTest(t, OK, "a third peer's packet reached us")
	case t.got5:
		e.finishTest(t, OK, "a third peer's packets reached us, asked for and not")
	case !t.got7:
		e.finishTest(t, Firewalled, "a third peer's packet did not reach us, nor did its answer to ours")
	case t.external.IsValid() && t.external.Port() != t.port:
		e.finishTest(t, Symmetric, "a third peer's packet did not reach us, and it sees another port of ours than the arranging peer does")
	default:
		e.finishTest(t, Firewalled, "a third peer's packet reached us only after we had sent it one")
	}
}

// finishTest reports the end, and says which port is tested next. A NAT may forward the port that we listen on, by the hand of our user, and
// use another one for what we send: so after a test that did not reach us where Bob sees us, the next one tries that port, and those after it for
// as long as they reach us. A packet that does not come to it says nothing of the port that peers see.
func (e *Engine) finishTest(t *aliceTest, o Outcome, why string) {
	e.aliceTests[t.family] = nil
	e.tryBound[t.family] = t.bound && o == OK || !t.bound && (o == Firewalled || o == Symmetric)
	if t.bound && o == Firewalled {
		o, why = Unknown, "a third peer's packet did not reach the port that we listen on either"
	}
	r := TestResult{
		Family: t.family, Outcome: o, Tested: t.tested, External: t.external, Bob: t.bob, BobIP: t.bobIP, Charlie: t.charlie, CharlieIP: t.to.Addr(),
		Received4: t.got4, Received5: t.got5 || len(t.fives) > 0, Received7: t.got7, Code: t.code, Why: why,
	}
	if !r.CharlieIP.IsValid() && len(t.fives) > 0 {
		r.CharlieIP = t.fives[0].Addr()
	}
	e.host.TestDone(r)
}

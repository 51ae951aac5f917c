package nat

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/netip"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/wire"
)

// An Engine runs peer tests and relays. It is not safe for concurrent use: the transport has a lock for it, which is never taken while one of a
// session is held, as Host takes those.
type Engine struct {
	cfg  Config
	host Host
	next time.Time // Deadline; may be too early

	aliceTests   [2]*aliceTest // by Family
	tryBound     [2]bool       // likewise: the next test is of the port that we listen on
	bobTests     map[uint32]*bobTest
	charlieTests map[uint32]*charlieTest

	aliceRelays   map[uint32]*aliceRelay
	bobRelays     map[uint32]*bobRelay
	charlieRelays map[uint32]*charlieRelay

	given        givenTags
	introducers  [2]introducerBook // by Family
	waiting      []waiter
	nonces       nonces
	rates        rates
	lastBobs     []i2p.Hash // of our tests, the latest last
	lastCharlies []i2p.Hash // that we, as Bob, asked
	stats        Stats
}

// New makes an engine. It starts nothing.
func New(cfg Config, host Host) (*Engine, error) {
	if cfg.Signing.IsZero() || cfg.Self.IsZero() {
		return nil, errors.New("nat: no identity")
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Offset == nil {
		cfg.Offset = func() time.Duration { return 0 }
	}
	e := &Engine{
		cfg: cfg, host: host,
		bobTests: map[uint32]*bobTest{}, charlieTests: map[uint32]*charlieTest{},
		aliceRelays: map[uint32]*aliceRelay{}, bobRelays: map[uint32]*bobRelay{}, charlieRelays: map[uint32]*charlieRelay{},
		given: newGivenTags(), rates: newRates(),
	}
	for f := range e.introducers {
		e.introducers[f] = newIntroducerBook()
	}
	return e, nil
}

// HandleBlock takes a block of type RelayRequest, RelayResponse, RelayIntro, PeerTest, RelayTagRequest or RelayTag that came in the session
// with from; others are ignored. A RelayTagRequest in a SessionRequest is to be held back until the session is established, a RelayTag in
// SessionCreated likewise. body is lent.
func (e *Engine) HandleBlock(now time.Time, from i2p.Hash, t wire.BlockType, body []byte) {
	s, ok := e.host.Session(from)
	if !ok || from == e.cfg.Self {
		e.drop(DropNoSession)
		return
	}
	e.block(now, s, t, body, false)
}

// block handles a block; last if it is not to wait for a RouterInfo any longer.
func (e *Engine) block(now time.Time, s Session, t wire.BlockType, body []byte, last bool) {
	switch t {
	case wire.BlockPeerTest:
		p, err := wire.ParsePeerTest(body)
		if err != nil || p.Version != version || p.Alice.Addr().Is4In6() {
			e.drop(DropMalformed)
			return
		}
		switch p.Message {
		case 1:
			e.bobTestAsked(now, s, p)
		case 2:
			e.charlieTestAsked(now, s, p, body, last)
		case 3:
			e.bobTestAnswered(now, s, p)
		case 4:
			e.aliceTestAnswered(now, s, p, body, last)
		default: // 5 to 7 prove nothing in a session
			e.drop(DropMalformed)
		}
	case wire.BlockRelayRequest:
		e.bobRelayAsked(now, s, body)
	case wire.BlockRelayIntro:
		e.charlieRelayAsked(now, s, body, last)
	case wire.BlockRelayResponse:
		e.relayAnswered(now, s, body)
	case wire.BlockRelayTagRequest:
		e.tagAsked(now, s)
	case wire.BlockRelayTag:
		e.tagGot(now, s, body)
	}
}

// version is the only one of SSU in peer test and relay.
const version = 2

// HandleOutside takes a PeerTest or HolePunch packet that was opened with our introduction key. payload is lent.
func (e *Engine) HandleOutside(now time.Time, from netip.AddrPort, h wire.Header, payload []byte) {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	blocks, err := wire.ParseBlocks(payload)
	if err != nil {
		e.drop(DropMalformed)
		return
	}
	var seen netip.AddrPort
	var body []byte
	want := wire.BlockPeerTest
	if h.Type == wire.HolePunch {
		want = wire.BlockRelayResponse
	}
	for blocks.Next() {
		switch blocks.Type {
		case wire.BlockDateTime:
			if t, err := wire.ParseDateTime(blocks.Body); err != nil || e.skewed(now, t) {
				e.drop(DropSkew)
				return
			}
		case wire.BlockAddress:
			if seen, err = wire.ParseAddress(blocks.Body); err != nil {
				e.drop(DropMalformed)
				return
			}
		case want:
			body = blocks.Body
		}
	}
	switch {
	case body == nil:
		e.drop(DropMalformed)
	case h.Type == wire.HolePunch:
		e.punched(now, from, h, body)
	case h.Type == wire.PeerTestPacket:
		e.outsideTest(now, from, h, seen, body)
	default:
		e.drop(DropMalformed)
	}
}

// outsideTest takes message 5, 6 or 7.
func (e *Engine) outsideTest(now time.Time, from netip.AddrPort, h wire.Header, seen netip.AddrPort, body []byte) {
	p, err := wire.ParsePeerTest(body)
	if err != nil || p.Version != version || p.Code != wire.AcceptCode {
		e.drop(DropMalformed)
		return
	}
	dest, src := wire.NonceIDs(p.Nonce)
	switch {
	case p.Message == 6 && h.DestID == src && h.SrcID == dest:
		e.charlieTestSix(now, from, p)
	case p.Message == 5 && h.DestID == dest && h.SrcID == src:
		e.aliceTestFive(now, from, p)
	case p.Message == 7 && h.DestID == dest && h.SrcID == src:
		e.aliceTestSeven(now, from, p, seen)
	default:
		e.drop(DropMalformed)
	}
}

// SessionClosed forgets what depends on the session with a router: tags, tests, relays.
func (e *Engine) SessionClosed(now time.Time, router i2p.Hash) {
	for _, t := range e.aliceTests {
		if t != nil && t.bob == router && !t.got4 {
			e.finishTest(t, Unknown, "the session with the peer that was to arrange the test ended")
		}
	}
	for _, t := range e.bobTests {
		switch router {
		case t.alice:
			delete(e.bobTests, t.nonce)
		case t.charlie:
			e.nextCharlie(now, t)
		}
	}
	for _, r := range e.aliceRelays {
		if r.bob == router && !r.done {
			e.finishRelay(r, RelayResult{Err: ErrSession})
		}
	}
	for _, r := range e.bobRelays {
		if r.alice == router || r.charlie == router {
			delete(e.bobRelays, r.nonce)
		}
	}
	e.waiting = deleteWaiters(e.waiting, func(w *waiter) bool { return w.from == router })
	e.given.forget(router)
	e.forgetIntroducer(now, router)
}

// Tick does what is due: sends again, ends what took too long, chooses introducers.
func (e *Engine) Tick(now time.Time) {
	if e.next.IsZero() || now.Before(e.next) {
		return
	}
	e.next = time.Time{}
	e.tickWaiting(now)
	for _, t := range e.aliceTests {
		if t != nil {
			e.tickAliceTest(now, t)
		}
	}
	for _, t := range e.bobTests {
		e.tickBobTest(now, t)
	}
	for _, t := range e.charlieTests {
		e.tickCharlieTest(now, t)
	}
	for _, r := range e.aliceRelays {
		e.tickAliceRelay(now, r)
	}
	for nonce, r := range e.bobRelays {
		if !now.Before(r.end) {
			delete(e.bobRelays, nonce)
		} else {
			e.wake(r.end)
		}
	}
	for _, r := range e.charlieRelays {
		e.tickPunch(now, r)
	}
	e.tickGivenTags(now)
	for f := range e.introducers {
		e.tickIntroducers(now, Family(f))
	}
}

// Deadline is when Tick has something to do; zero for never. It changes with any call.
func (e *Engine) Deadline() time.Time { return e.next }

// wake makes Deadline no later than t.
func (e *Engine) wake(t time.Time) {
	if e.next.IsZero() || t.Before(e.next) {
		e.next = t
	}
}

// seconds is the network's time as it is written.
func (e *Engine) seconds(now time.Time) uint32 { return wire.Seconds(now.Add(e.cfg.Offset())) }

// skewed reports whether a time that somebody wrote is too far from ours.
func (e *Engine) skewed(now, t time.Time) bool {
	return now.Add(e.cfg.Offset()).Sub(t).Abs() > maxSkew
}

func (e *Engine) skewedSeconds(now time.Time, s uint32) bool {
	return e.skewed(now, time.Unix(int64(s), 0))
}

// once enters a run in the memory of nonces; false: it was there, so this is a replay, or the memory is full.
func (e *Engine) once(now time.Time, r role, who i2p.Hash, nonce uint32) bool {
	return e.nonces.add(now, nonceKey{role: r, who: [8]byte(who[:8]), nonce: nonce})
}

// remembered reports whether once would fail for having seen it.
func (e *Engine) remembered(r role, who i2p.Hash, nonce uint32) bool {
	return e.nonces.known(nonceKey{role: r, who: [8]byte(who[:8]), nonce: nonce})
}

// own is our address to name to others, of a family: a fixed one, or where the peer of this session sees us, or where most do. A fixed one with another
// IP address than that peer sees is out of date, and the peer would not take it from us.
func (e *Engine) own(f Family, s Session) (netip.AddrPort, bool) {
	a, fixed := e.host.Own(f)
	if seen := s.Seen; seen.IsValid() && FamilyOf(seen.Addr()) == f && e.usable(seen) && (!fixed || seen.Addr() != a.Addr()) {
		a = seen
	}
	return a, a.IsValid() && FamilyOf(a.Addr()) == f && e.usable(a)
}

func (e *Engine) isOwn(f Family, a netip.AddrPort) bool {
	own, _ := e.host.Own(f)
	return a == own
}

// refuse counts a refusal for a peer, and reports whether it gets one.
func (e *Engine) refuse(now time.Time, to i2p.Hash) bool {
	if e.rates.refusals.take(now, to) {
		return true
	}
	e.drop(DropFlood)
	return false
}

// cloneTest makes p independent of the lent packet.
func cloneTest(p wire.PeerTest) wire.PeerTest {
	p.Signature = bytes.Clone(p.Signature)
	return p
}

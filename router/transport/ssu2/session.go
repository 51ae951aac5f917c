package ssu2

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/wire"
)

// A session is the data phase with one peer.
//
//	handshake -> open: sends and receives -> closing: flushes -> lingering: answers late packets with its Termination -> gone
//	                                      -> or the peer terminates, or it fails: at once lingering, or gone
//
// Registry.Closed is called when it begins to linger, after its last message was delivered. Its lock guards what is below
// it; nobody calls the registry or the nat engine with it held.
type session struct {
	places    place
	s         *server
	link      *link
	peer      i2p.Hash
	direction transport.Direction
	since     time.Time
	id        wire.ConnectionID // ours
	remoteID  wire.ConnectionID
	variant   wire.Variant
	target    target // of the peer's address
	onEnd     func() // nil, or called once at the end; set before the session is entered

	touched bool // of the reader alone: in its list

	bytesIn, bytesOut       atomic.Uint64
	messagesIn, messagesOut atomic.Uint64
	dropped                 atomic.Uint64
	active                  atomic.Int64 // time in ns from since to the last message: a local clock that is set does not count
	kept                    atomic.Int64 // likewise, until when it serves a relay: it is not idle

	mu      sync.Mutex
	state   sessionState
	remote  netip.AddrPort
	local   netip.Addr     // of ours
	seen    netip.AddrPort // where the peer sees us
	flow    *flow.Flow
	sealer  *wire.Sealer
	opener  *wire.Opener
	confirm *confirming // SessionConfirmed is not acked yet
	highest uint32      // packet number that came, for migration
	from    route       // of the packet that is handled
	now     time.Time
	path    *pathCheck
	pathAt  time.Time // when the last validation began
	direct  []directPacket

	reason transport.Reason // closing
	flush  time.Time        // when a closing session stops to wait for acks
	answer []byte           // lingering: the Termination
	last   uint32           // lingering: its packet number
	gone   time.Time        // lingering: until
	repeat time.Time        // lingering: when the answer goes out again unasked
	said   time.Time        // lingering: when it was said last

	in         []*buf.Buf // messages to deliver
	waiting    int        // bytes of memory of in
	spare      []*buf.Buf
	later      []event // blocks for the nat engine
	opened     bool    // the registry has it
	delivering bool    // somebody is at it
	ended      bool    // carries nothing any more
	reported   bool    // the registry knows that, or was never told of the session: what the peer says is ignored
	cause      error

	counted  FlowStats // of flow, in counters.flows
	tokenAt  time.Time // when the peer got its token
	toldTime time.Time
	toldInfo time.Time // publication of the RouterInfo that the peer has
	infos    allowance // of RouterInfo blocks that come
	events   allowance // of all blocks that are events
}

type sessionState uint8

const (
	stateOpen sessionState = iota
	stateClosing
	stateLingering
	stateGone
)

// A confirming session sends SessionConfirmed until something comes that proves that it arrived.
type confirming struct {
	dial     *dial
	packets  [][]byte
	next     time.Time
	sent     time.Time
	interval time.Duration
	until    time.Time
}

// An event is a block that is handled after the packet, without the session's lock.
type event struct {
	t    wire.BlockType
	body []byte
}

// A directPacket goes to an address that is not the session's: about a path.
type directPacket struct {
	by     route
	blocks []byte
}

var _ transport.Replaceable = (*session)(nil)
var _ actor = (*session)(nil)
var _ flow.Handler = (*session)(nil)

type sessionConfig struct {
	link         *link
	peer         i2p.Hash
	direction    transport.Direction
	remote       route
	id, remoteID wire.ConnectionID
	target       target
	keys         wire.DataKeys
	variant      wire.Variant
	rtt          time.Duration
	now          time.Time
	self         *i2p.RouterInfo // that the peer has already
}

func (s *server) newSession(c sessionConfig) *session {
	mtu := min(s.t.mtu(c.remote.to.Addr()), c.target.mtu)
	sn := &session{
		s: s, link: c.link, peer: c.peer, direction: c.direction, since: c.now, id: c.id, remoteID: c.remoteID, variant: c.variant,
		target: c.target, remote: c.remote.to, local: c.remote.local, toldTime: c.now,
		sealer: wire.NewSealer(c.keys.Send, wire.NewHeaderKey(c.target.intro)), opener: wire.NewOpener(c.keys.Receive),
		flow: flow.New(flow.Config{
			Now: c.now, Initiator: c.direction == transport.Outbound, IPv6: !c.remote.to.Addr().Is4(), MaxMTU: mtu, Discover: true,
			RTT: c.rtt, Send: s.sending, Assembly: s.parts, RouterTime: s.routerTime, Seed: rand.Uint64(),
		}),
	}
	sn.places.timer.Owner = actor(sn)
	if c.self != nil {
		sn.toldInfo = c.self.Published()
	}
	return sn
}

// routerTime turns a local time into router time.
func (s *server) routerTime(now time.Time) time.Time { return now.Add(s.clock.Offset()) }

// open reports the session, which a dial with ctx made, or nobody's, to the registry; false if that does not want it.
func (s *session) open(ctx context.Context) bool {
	if s.s.stopped() || !transport.OpenedBy(ctx, s.s.registry, s) {
		reason := s.s.unwanted(s.peer)
		if s.s.stopped() {
			reason = transport.ReasonShutdown
		}
		s.refuse(reason)
		return false
	}
	s.mu.Lock()
	s.opened = true
	s.giveToken(time.Now())
	s.mu.Unlock()
	s.deliver()
	s.link.mark(s)
	return true
}

// unwanted is the reason for a peer that the registry does not admit.
func (s *server) unwanted(peer i2p.Hash) transport.Reason {
	if peer == s.cfg.SelfHash || s.t.deps.Banned != nil && s.t.deps.Banned(peer) {
		return transport.ReasonBanned
	}
	return transport.ReasonLimits
}

// refuse ends a session that the registry does not know, and tells the peer why.
func (s *session) refuse(reason transport.Reason) {
	s.mu.Lock()
	s.reported = true
	s.mu.Unlock()
	s.closeBy(reason, time.Now())
}

func (s *session) place() *place                  { return &s.places }
func (s *session) Peer() i2p.Hash                 { return s.peer }
func (s *session) Direction() transport.Direction { return s.direction }

// Send queues messages. Those that are too short or too long to be any are released.
func (s *session) Send(msgs []*buf.Buf) int {
	now := time.Now()
	took, rest := 0, msgs
	s.mu.Lock()
	for s.state == stateOpen && len(rest) > 0 {
		fit := 0
		for fit < len(rest) && rest[fit].Len() >= minMessage && rest[fit].Len() <= maxMessage {
			fit++
		}
		took += s.flow.Queue(now, rest[:fit])
		if rest = rest[fit:]; len(rest) > 0 {
			rest[0].Release()
			rest = rest[1:]
		}
	}
	s.mu.Unlock()
	for _, m := range rest {
		m.Release()
	}
	if took > 0 {
		s.messagesOut.Add(uint64(took))
		s.active.Store(int64(now.Sub(s.since)))
		s.link.mark(s)
	}
	s.dropped.Add(uint64(len(msgs) - took))
	return took
}

// Idle is the time since a message passed.
func (s *session) Idle(now time.Time) time.Duration {
	age := now.Sub(s.since)
	if age < time.Duration(s.kept.Load()) {
		return 0
	}
	return age - time.Duration(s.active.Load())
}

func (s *session) Status() transport.SessionStatus {
	s.mu.Lock()
	remote, queued := s.remote, 0
	if s.state <= stateClosing {
		queued = s.flow.Queued()
	}
	s.mu.Unlock()
	return transport.SessionStatus{
		Peer: s.peer, Style: style, Crypto: crypto(s.variant), Direction: s.direction, Remote: remote, Since: s.since,
		BytesIn: s.bytesIn.Load(), BytesOut: s.bytesOut.Load(), MessagesIn: s.messagesIn.Load(), MessagesOut: s.messagesOut.Load(),
		Dropped: s.dropped.Load(), Queued: queued,
	}
}

func crypto(v wire.Variant) string {
	switch v {
	case wire.MLKEM512:
		return "X25519+ML-KEM-512"
	case wire.MLKEM768:
		return "X25519+ML-KEM-768"
	}
	return "X25519"
}

// route is where packets go. The lock is held.
func (s *session) route() route { return route{s.remote, s.local} }

func (s *session) remoteNow() netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remote
}

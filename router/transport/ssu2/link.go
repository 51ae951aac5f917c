package ssu2

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/router/udp"
	"clove.i2p/router/wheel"
)

// A link is one socket with its reader and its writer, and all that goes through it.
type link struct {
	s      *server
	socket Socket
	local  netip.AddrPort
	ended  chan struct{} // closed when the reader has ended

	mu    sync.Mutex
	dirty []actor // has something to do now
	raw   []rawPacket
	wake  chan struct{}
}

// An actor is what the writer works for: a session or an inbound handshake.
type actor interface {
	// act adds packets to w, at most one train, and returns when it wants its next turn (zero: when it is marked), or
	// more if it wants one in the same round.
	act(w *writer, now time.Time) (next time.Time, more bool)
	place() *place
}

// A place is an actor's place in the writer's lists.
type place struct {
	dirty atomic.Bool
	timer wheel.Timer // of the writer alone, as is turn
	turn  bool        // in writer.turns
}

// A route is where packets go, and from which of our addresses: where peers sent theirs to. The zero local leaves that to the
// system.
type route struct {
	to    netip.AddrPort
	local netip.Addr
}

func routeTo(to netip.AddrPort) route { return route{to: to} }

// backTo is the route of answers to a packet.
func backTo(p *udp.Packet) route { return route{p.From, p.Local} }

// A rawPacket is a single packet that is ready to go.
type rawPacket struct {
	by   route
	data []byte
}

func newLink(s *server, socket Socket) *link {
	return &link{s: s, socket: socket, local: socket.LocalAddr(), ended: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// mark gives an actor a turn.
func (l *link) mark(a actor) {
	if a.place().dirty.Swap(true) {
		return
	}
	l.mu.Lock()
	l.dirty = append(l.dirty, a)
	l.mu.Unlock()
	l.awake()
}

// send queues a single packet; what does not fit is lost, as on the network.
func (l *link) send(by route, packet []byte) { l.queue(by, packet, maxRaw) }

// answer is send for what anybody can ask for: it leaves room for what is our own.
func (l *link) answer(by route, packet []byte) { l.queue(by, packet, maxRawAnswers) }

func (l *link) queue(by route, packet []byte, most int) {
	l.mu.Lock()
	fits := len(l.raw) < most
	if fits {
		l.raw = append(l.raw, rawPacket{by, packet})
	}
	l.mu.Unlock()
	if !fits {
		l.s.c.droppedRaw.Add(1)
	}
	l.awake()
}

func (l *link) awake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take swaps the lists of what is to do.
func (l *link) take(dirty []actor, raw []rawPacket) ([]actor, []rawPacket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	dirty, l.dirty = l.dirty, dirty[:0]
	raw, l.raw = l.raw, raw[:0]
	return dirty, raw
}

// maxPacket is the longest packet that fits an MTU on this address.
func maxPacket(at netip.Addr, mtu int) int {
	if at.Unmap().Is4() {
		return mtu - ipv4Overhead
	}
	return mtu - ipv6Overhead
}

var _ Socket = (*udp.Socket)(nil)

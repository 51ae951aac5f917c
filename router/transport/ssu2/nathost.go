package ssu2

import (
	"bytes"
	"net/netip"
	"time"

	"clove.i2p/router/buf"
	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// A natHost is the transport as the nat engine sees it. Its methods run with the engine's lock held, except for Contacted, RouterInfo and
// Banned, which may be called without.
type natHost natEngine

var _ nat.Host = (*natHost)(nil)

func (h *natHost) Session(router i2p.Hash) (nat.Session, bool) {
	sn := h.s.table.session(router)
	if sn == nil {
		return nat.Session{}, false
	}
	return sn.natSession(), true
}

func (h *natHost) Sessions(yield func(nat.Session) bool) {
	for _, sn := range h.s.table.all() {
		if !yield(sn.natSession()) {
			return
		}
	}
}

func (s *session) natSession() nat.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return nat.Session{Router: s.peer, Remote: s.remote, Seen: s.seen, Outbound: s.direction == transport.Outbound, Since: s.since}
}

func (h *natHost) RouterInfo(router i2p.Hash) *i2p.RouterInfo {
	if router == h.s.cfg.SelfHash {
		return h.s.cfg.Self()
	}
	if h.s.t.deps.RouterInfo == nil {
		return nil
	}
	return h.s.t.deps.RouterInfo(router)
}

func (h *natHost) Contacted(a netip.AddrPort, anyPort bool) bool {
	if anyPort {
		a = netip.AddrPortFrom(a.Addr(), 0)
	}
	return h.s.contacted(a) || h.s.table.hasRemote(a)
}

func (h *natHost) Banned(router i2p.Hash) bool {
	return h.s.t.deps.Banned != nil && h.s.t.deps.Banned(router)
}

func (h *natHost) Supports(f nat.Family) bool {
	return h.s.t.socketFor(anyOf(f)) >= 0 && h.s.t.family(f).Presence != Absent
}

// Own: what was published or configured, else where most peers see us.
func (h *natHost) Own(f nat.Family) (netip.AddrPort, bool) {
	p := h.s.t.family(f)
	if hosts := h.s.t.hosts(f, p); len(hosts) > 0 {
		return hosts[0], true
	}
	if p.At.IsValid() && p.At.Port() != 0 {
		return p.At, true
	}
	v := &h.voted[f]
	if now := time.Now(); v.until.Before(now) {
		v.at, v.until = h.mostSee(f), now.Add(votedTime)
	}
	return v.at, false
}

// mostSee is where most peers see us that we opened a session to: all are asked.
func (h *natHost) mostSee(f nat.Family) (best netip.AddrPort) {
	votes := make(map[netip.AddrPort]int)
	for _, sn := range h.s.table.all() {
		s := sn.natSession()
		if !s.Outbound || !s.Seen.IsValid() || s.Seen.Port() == 0 || nat.FamilyOf(s.Seen.Addr()) != f {
			continue
		}
		if votes[s.Seen]++; votes[s.Seen] > votes[best] {
			best = s.Seen
		}
	}
	return best
}

func (h *natHost) Bound(f nat.Family) uint16 {
	if i := h.s.t.socketFor(anyOf(f)); i >= 0 {
		return h.s.t.bound[i].Port()
	}
	return 0
}

// Introduces: only who is reached directly.
func (h *natHost) Introduces(f nat.Family) bool { return len(h.s.t.hosts(f, h.s.t.family(f))) > 0 }

func (h *natHost) Token(from netip.AddrPort) wire.Token {
	token, _ := h.s.mint.give(from, time.Now())
	return token
}

func (h *natHost) SendBlocks(to i2p.Hash, blocks []byte) bool {
	sn := h.s.table.session(to)
	if sn == nil {
		return false
	}
	if hasBlock(blocks, wire.BlockRelayTag) {
		(*natEngine)(h).keep(to)
	}
	return sn.control(blocks)
}

// control queues whole blocks.
func (s *session) control(blocks []byte) bool {
	all, err := wire.ParseBlocks(blocks)
	if err != nil {
		return false
	}
	now := time.Now()
	s.mu.Lock()
	ok := s.state == stateOpen
	for ok && all.Next() {
		ok = s.flow.Control(now, wire.AppendBlock(make([]byte, 0, wire.BlockHeaderLen+len(all.Body)), all.Type, all.Body), true)
	}
	s.mu.Unlock()
	s.link.mark(s)
	return ok
}

func (h *natHost) SendRouterInfo(to i2p.Hash, ri *i2p.RouterInfo) {
	sn := h.s.table.session(to)
	if sn == nil {
		return
	}
	now := time.Now()
	sn.mu.Lock()
	if sn.state == stateOpen {
		block, err := wire.AppendRouterInfo(nil, ri.Bytes(), false, sn.flow.ControlSize()-routerInfoRoom)
		if err != nil || !sn.flow.Control(now, block, true) {
			store := i2np.DatabaseStore{Key: ri.Hash(), Data: ri.Bytes()}
			sn.flow.Queue(now, []*buf.Buf{buf.From(i2np.Encode(i2np.NewHeader(store.Type(), h.s.clock.Now()), store))})
		}
	}
	sn.mu.Unlock()
	sn.link.mark(sn)
}

// routerInfoRoom is what a packet with a RouterInfo block has for an ack.
const routerInfoRoom = 64

func (h *natHost) SendOutside(p nat.Outside) {
	l := h.s.linkFor(p.To.Addr())
	if l == nil {
		return
	}
	b := wire.AppendDateTime(make([]byte, 0, len(p.Blocks)+64), h.s.clock.Now())
	b = append(b, p.Blocks...)
	b = wire.AppendPadding(b, someUpTo(wire.MaxOutsidePadding))
	h.s.contact(p.To, time.Now())
	l.send(routeTo(p.To), wire.NewIntro(p.IntroKey).Seal(wire.Header{
		DestID: p.DestID, SrcID: p.SrcID, Token: wire.Token(randomID()), Number: randomNumber(), Type: p.Type,
		Version: wire.Plain.Version(), NetworkID: byte(h.s.cfg.NetworkID),
	}, bytes.Clone(b)))
}

// Keep: a RelayTag alone brings nobody here, unless it is of an introducer that we chose.
func (h *natHost) Keep(router i2p.Hash) { (*natEngine)(h).keep(router) }

func (h *natHost) Ping(router i2p.Hash) {
	sn := h.s.table.session(router)
	if sn == nil {
		return
	}
	sn.mu.Lock()
	if sn.state == stateOpen {
		sn.flow.Ping(time.Now())
	}
	sn.mu.Unlock()
	sn.link.mark(sn)
}

func (h *natHost) TestDone(r nat.TestResult) {
	if h.s.observer != nil {
		h.s.observer.Tested(r)
	}
}

func (h *natHost) RelayDone(r nat.RelayResult) {
	if to := h.relays[r.Nonce]; to != nil {
		to.done(r)
	}
}

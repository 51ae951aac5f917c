package ssu2

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
)

// confirmedBy is a handshake of a router from an address that is to be established, and the payload of its SessionConfirmed:
// its RouterInfo and more blocks.
func confirmedBy(t *testing.T, s *server, of *router, from netip.AddrPort, blocks ...byte) (*inbound, []byte, *wire.Initiator) {
	t.Helper()
	id := randomID()
	i, err := wire.NewInitiator(wire.InitiatorConfig{
		NetworkID: testNetwork, SrcID: 1, DestID: id, Static: of.transport.cfg.StaticKey,
		RemoteStatic: s.cfg.StaticKey.Public(), RemoteIntro: s.cfg.IntroKey, RemoteHash: s.cfg.SelfHash,
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &inbound{s: s, l: s.links[0], from: from, back: routeTo(from), id: id, hs: wire.NewResponder(wire.ResponderConfig{
		NetworkID: testNetwork, Static: s.cfg.StaticKey, Intro: s.cfg.IntroKey, Hash: s.cfg.SelfHash,
	})}
	h.places.timer.Owner = actor(h)
	payload := wire.AppendPadding(wire.AppendDateTime(nil, time.Now()), 4)
	request, err := i.Request(1, payload)
	if err == nil {
		_, _, err = h.hs.OpenRequest(request)
	}
	var packet []byte
	if err == nil {
		packet, err = h.hs.Created(payload)
	}
	if err == nil {
		_, _, err = i.OpenCreated(packet)
	}
	if err == nil {
		payload, err = wire.AppendRouterInfo(nil, of.self().Bytes(), false, 1100-len(blocks))
	}
	var confirmed [][]byte
	if err == nil {
		confirmed, err = i.Confirmed(append(payload, blocks...), 1472)
	}
	if err == nil {
		payload, _, err = h.hs.OpenConfirmed(confirmed[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	s.table.entries[id] = h
	if !s.gate.Enter(from.Addr(), time.Now()) {
		t.Fatal("no place for a handshake")
	}
	return h, payload, i
}

// A session counts for its source before its first packet can come: that may be its end.
func TestSessionsCountForTheirSourceBeforeTheyAreEntered(t *testing.T) {
	a, b := newRouter(t, nil), newRouter(t, nil)
	s, err := newServer(t.Context(), b.transport, b)
	if err != nil {
		t.Fatal(err)
	}
	s.gate = transport.NewGate(64, 9, false)
	from := netip.MustParseAddrPort("11.0.0.5:9000")
	now := time.Now()
	room := func() bool {
		now = now.Add(time.Hour) // attempts do not count
		ok := s.gate.Enter(from.Addr(), now)
		if ok {
			s.gate.Leave(from.Addr())
		}
		return ok
	}
	for room() {
		s.gate.Opened(from.Addr())
	}
	s.gate.Closed(from.Addr()) // one place is left
	h, payload, _ := confirmedBy(t, s, a, from)
	ended := make(chan error)
	s.table.mu.Lock()
	go func() { ended <- h.establish(payload) }()
	for end := time.Now().Add(20 * time.Second); room(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Error("not counted before it is entered")
			break
		}
	}
	delete(s.table.entries, h.id) // the handshake was dropped
	s.table.mu.Unlock()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !room() {
		t.Error("a session that was not entered keeps its place")
	}
}

// What follows the RouterInfo is acked with it, and is not lost.
func TestBlocksOfSessionConfirmedAreTaken(t *testing.T) {
	a, b := newRouter(t, nil), newRouter(t, nil)
	s, err := newServer(t.Context(), b.transport, b)
	if err != nil {
		t.Fatal(err)
	}
	from := netip.MustParseAddrPort("127.0.0.5:9000")
	one, two := message(1, 30, 1), message(2, 200, 2)
	defer one.Release()
	defer two.Release()
	p := wire.AppendI2NP(nil, one.Bytes())
	p = wire.AppendFirstFragment(p, two.Bytes()[:100])
	p = wire.AppendRelayTagRequest(p)
	p = wire.AppendPadding(p, 3)
	h, payload, _ := confirmedBy(t, s, a, from, p...)
	queued := len(s.nat.queue)
	if err := h.establish(payload); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, b.messages); !bytes.Equal(got, one.Bytes()) {
		t.Errorf("%d bytes arrived", len(got))
	}
	if len(s.nat.queue) != queued+1 {
		t.Error("the request for a relay tag is lost")
	}
	sn := receive(t, b.opened).(*session)
	rest := wire.FollowOnFragment{Number: 1, Last: true, MessageID: 2}.AppendHeader(nil, two.Len()-100)
	sn.mu.Lock()
	err = sn.flow.Receive(time.Now(), 1, false, append(rest, two.Bytes()[100:]...), sn)
	sn.mu.Unlock()
	if sn.deliver(); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, b.messages); !bytes.Equal(got, two.Bytes()) {
		t.Errorf("%d bytes arrived", len(got))
	}
}

func TestMalformedBlocksOfSessionConfirmedEndTheSession(t *testing.T) {
	a, b := newRouter(t, nil), newRouter(t, nil)
	s, err := newServer(t.Context(), b.transport, b)
	if err != nil {
		t.Fatal(err)
	}
	h, payload, _ := confirmedBy(t, s, a, netip.MustParseAddrPort("127.0.0.5:9000"), wire.AppendBlock(nil, wire.BlockI2NP, make([]byte, 2))...)
	if err := h.establish(payload); err != nil {
		t.Fatal(err)
	}
	var v *transport.Violation
	if sn := receive(t, b.opened).(*session); sn.state != stateClosing || !errors.As(sn.cause, &v) {
		t.Errorf("state %v, cause %v", sn.state, sn.cause)
	}
}

package ssu2

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// A deadSocket has an address and carries nothing.
type deadSocket struct{ at netip.AddrPort }

func (s deadSocket) LocalAddr() netip.AddrPort      { return s.at }
func (s deadSocket) Close() error                   { return net.ErrClosed }
func (s deadSocket) Read([]udp.Packet) (int, error) { return 0, net.ErrClosed }
func (s deadSocket) Write(trains []udp.Train) error { return nil }

// pair makes two sessions of one handshake, without sockets and goroutines: the test moves the packets.
func pair(t testing.TB) (a, b *router, ours, theirs *session) {
	t.Helper()
	var servers [2]*server
	var routers [2]*router
	for i := range 2 {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, 0, 0, byte(i + 1)}), 9000)
		r := &router{t: t, clock: clock.New()}
		static, err := keys.GenerateX25519()
		if err != nil {
			t.Fatal(err)
		}
		tr := &Transport{
			cfg:     Config{NetworkID: testNetwork, AllowPrivate: true, MTU: maxMTU, StaticKey: static, IntroKey: NewIntroKey(), MaxSessions: 9},
			deps:    Deps{Clock: r.clock},
			sockets: []Socket{deadSocket{at}}, bound: []netip.AddrPort{at},
		}
		tr.cfg.SelfHash[0] = byte(i + 1)
		s, err := newServer(t.Context(), tr, r)
		if err != nil {
			t.Fatal(err)
		}
		servers[i], routers[i] = s, r
	}
	i, err := wire.NewInitiator(wire.InitiatorConfig{
		NetworkID: testNetwork, SrcID: 1, DestID: 2, Static: servers[0].cfg.StaticKey,
		RemoteStatic: servers[1].cfg.StaticKey.Public(), RemoteIntro: servers[1].cfg.IntroKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := wire.NewResponder(wire.ResponderConfig{NetworkID: testNetwork, Static: servers[1].cfg.StaticKey, Intro: servers[1].cfg.IntroKey})
	payload := wire.AppendPadding(wire.AppendDateTime(nil, time.Now()), 4)
	request, err := i.Request(1, payload)
	if err == nil {
		_, _, err = w.OpenRequest(request)
	}
	var created []byte
	if err == nil {
		created, err = w.Created(payload)
	}
	if err == nil {
		_, _, err = i.OpenCreated(created)
	}
	var confirmed [][]byte
	if err == nil {
		confirmed, err = i.Confirmed(wire.AppendBlock(nil, wire.BlockRouterInfo, make([]byte, 100)), 1472)
	}
	if err == nil {
		_, _, err = w.OpenConfirmed(confirmed[0])
	}
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	make := func(n int, id, remote wire.ConnectionID, d transport.Direction, k wire.DataKeys) *session {
		sn := servers[n].newSession(sessionConfig{
			link: servers[n].links[0], peer: servers[1-n].cfg.SelfHash, direction: d, remote: routeTo(servers[1-n].links[0].local),
			id: id, remoteID: remote, target: target{intro: servers[1-n].cfg.IntroKey, mtu: maxMTU}, keys: k, rtt: time.Millisecond, now: now,
		})
		servers[n].table.entries[id] = sn
		sn.opened = true
		return sn
	}
	return routers[0], routers[1], make(0, 1, 2, transport.Outbound, i.Keys()), make(1, 2, 1, transport.Inbound, w.Keys())
}

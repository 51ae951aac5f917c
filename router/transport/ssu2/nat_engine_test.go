package ssu2

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport/ssu2/flow"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
	"clove.i2p/tests/simnet"
)

func TestIntroducersExpireInTheTimeOfTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const late = 30 * time.Second
		n := simnet.NewInternet(3)
		bob, _ := newHost(t, n, 1, lossy(0), nil)
		bob.serve()
		charlie := behind(t, n, simnet.PortRestricted, 88)
		charlie.clock.SetOffset(late)
		charlie.sign(nil)
		charlie.knows(bob)
		charlie.serve()
		charlie.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
		time.Sleep(time.Second)
		start := time.Now()
		charlie.dial(bob)
		time.Sleep(5 * time.Second)
		got := charlie.transport.Introducers(nat.V4)
		if len(got) != 1 {
			t.Fatalf("introducers %v", got)
		}
		if life := got[0].Expires.Sub(start); life < 80*time.Minute+late {
			t.Errorf("an introducer for %v", life)
		}
	})
}

func TestStrangersLeaveRoomForTheBlocksOfSessions(t *testing.T) {
	_, _, _, s := pair(t)
	n := &natEngine{s: s.s, engine: new(nat.Engine), queue: make(chan func(time.Time), maxNATQueue)}
	for range 2 * maxNATQueue {
		n.outside(netip.MustParseAddrPort("11.0.0.9:9"), wire.Header{}, nil)
	}
	before := len(n.queue)
	n.block(i2p.Hash{}, wire.BlockPeerTest, nil)
	if len(n.queue) != before+1 {
		t.Errorf("%d wait, and no place for the block of a session", before)
	}
}

func TestRelayTagAloneKeepsNoSession(t *testing.T) {
	_, _, _, s := pair(t)
	s.s.table.byRouter[s.peer] = []*session{s}
	s.s.nat.block(s.peer, wire.BlockRelayTag, []byte{0, 0, 0, 7})
	later := time.Now().Add(time.Hour)
	if idle := s.Idle(later); idle < time.Hour {
		t.Errorf("idle for %v after an hour", idle)
	}
	(*natHost)(s.s.nat).Keep(s.peer)
	if idle := s.Idle(later); idle != 0 {
		t.Errorf("an introducer is idle for %v", idle)
	}
}

func TestPeersSayOnlySoMuchAboutAddressesAndRelays(t *testing.T) {
	_, _, _, s := pair(t)
	s.now = time.Now()
	said := func() (n int) {
		for range 10 * eventBurst {
			s.postpone(wire.BlockRelayIntro, make([]byte, 8))
			n += len(s.later)
			s.later = nil
		}
		return n
	}
	if n := said(); n != eventBurst {
		t.Errorf("%d at once", n)
	}
	s.now = s.now.Add(10 * eventInterval)
	if n := said(); n != 10 {
		t.Errorf("%d in %v", n, 10*eventInterval)
	}
}

// Whatever a RouterInfo takes with gzip, it goes out: as a block on paths with a large MTU too.
func TestRouterInfosOfAllSizesAreSent(t *testing.T) {
	_, _, s, _ := pair(t)
	s.s.table.byRouter[s.peer] = []*session{s}
	k, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.NewChaCha8([32]byte{1})
	for n := 0; n < 2400; n += 100 {
		options := map[string]string{"netId": "99"}
		for i := range n / 100 {
			random := make([]byte, 50)
			r.Read(random)
			options[fmt.Sprint("o", i)] = fmt.Sprintf("%x", random)
		}
		ri, err := i2p.NewRouterInfo(k, time.Now(), nil, options)
		if err != nil {
			t.Fatal(err)
		}
		s.flow = flow.New(flow.Config{Now: time.Now(), Initiator: true, MTU: maxMTU})
		(*natHost)(s.s.nat).SendRouterInfo(s.peer, ri)
		if s.flow.Idle() {
			t.Errorf("a RouterInfo of %d bytes is not sent", len(ri.Bytes()))
		}
	}
}

func TestPublicationBeforeServeCounts(t *testing.T) {
	r := newRouter(t, nil)
	r.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
	r.serve()
	for end := time.Now().Add(20 * time.Second); r.transport.MissingIntroducers(nat.V4) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no introducers are wanted")
		}
	}
}

func TestPublicationWhileServeBeginsCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(1)
		for i := range 100 {
			r, _ := newHost(t, n, i+1, lossy(0), nil)
			var published sync.WaitGroup
			published.Go(func() {
				for r.running() == nil { // it has just begun
				}
				r.transport.Publish(Publication{V4: Family{Presence: Firewalled}})
			})
			r.serve()
			published.Wait()
			time.Sleep(2 * time.Second)
			if r.transport.MissingIntroducers(nat.V4) == 0 {
				t.Fatalf("no introducers are wanted, time %d", i)
			}
		}
	})
}

// A peer can have the queue of the engine full at any time.
func TestPublicationReachesAnEngineWhoseQueueIsFull(t *testing.T) {
	r := newRouter(t, nil)
	s, err := newServer(t.Context(), r.transport, r)
	if err != nil {
		t.Fatal(err)
	}
	for len(s.nat.queue) < maxNATQueue {
		s.nat.awake()
	}
	s.nat.published(Publication{V4: Family{Presence: Firewalled}})
	go s.nat.run(t.Context())
	for end := time.Now().Add(20 * time.Second); s.nat.missing(0) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no introducers are wanted")
		}
	}
}

// What comes faster than the timer fires puts off nothing.
func TestEngineTicksUnderAFlood(t *testing.T) {
	keys, err := i2p.NewRouterKeys()
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, s := pair(t)
	synctest.Test(t, func(t *testing.T) {
		n := &natEngine{s: s.s, queue: make(chan func(time.Time), maxNATQueue)}
		if n.engine, err = nat.New(nat.Config{Self: keys.Identity.Hash(), Signing: keys.Signing}, (*natHost)(n)); err != nil {
			t.Fatal(err)
		}
		n.need[nat.V4].Store(true)
		go n.run(t.Context())
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(900 * time.Microsecond) {
			n.outside(netip.MustParseAddrPort("11.0.0.9:9"), wire.Header{Type: wire.PeerTestPacket}, nil)
			synctest.Wait()
			n.mu.Lock()
			due := n.engine.Deadline()
			n.mu.Unlock()
			if !due.After(time.Now()) {
				t.Fatalf("%v late", time.Since(due))
			}
		}
	})
}

func TestStrangersSendOnlySoManyTestPackets(t *testing.T) {
	_, _, _, s := pair(t)
	s.s.cfg.AllowPrivate = false
	n := s.s.nat
	n.engine = new(nat.Engine)
	r := &reader{l: s.s.links[0]}
	k := wire.NewIntro(s.s.cfg.IntroKey)
	p := udp.Packet{From: netip.MustParseAddrPort("11.0.0.9:9000")}
	for i := range uint32(2 * retriesPerSecond) {
		h := wire.Header{DestID: 5, SrcID: 6, Number: i, Type: wire.PeerTestPacket, Version: 2, NetworkID: testNetwork}
		p.Data = k.Seal(h, wire.AppendPadding(nil, 40))
		if !r.stranger(&p, time.Unix(1, 0)) {
			t.Fatal("not taken for a packet of a stranger")
		}
	}
	if len(n.queue) != retriesPerSecond {
		t.Errorf("%d packets", len(n.queue))
	}
}

func TestSessionsAreAskedOnceASecondWhereTheySeeUs(t *testing.T) {
	_, _, s, _ := pair(t)
	s.s.table.byRouter[s.peer] = []*session{s}
	s.s.t.bound = nil // so that no address is ours whoever sees it
	h := (*natHost)(s.s.nat)
	synctest.Test(t, func(t *testing.T) {
		first, later := netip.MustParseAddrPort("11.1.1.1:9001"), netip.MustParseAddrPort("11.1.1.2:9002")
		for _, want := range []netip.AddrPort{first, later} {
			s.seen = want
			if at, fixed := h.Own(nat.V4); at != want || fixed {
				t.Errorf("seen at %v, want %v", at, want)
			}
			s.seen = later
			if at, _ := h.Own(nat.V4); at != want {
				t.Errorf("asked again at once: %v", at)
			}
			time.Sleep(votedTime + 1)
		}
	})
}
